//! One run of LAMMPS on some ranks, with a time limit.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::case::{Case, Ranks};
use crate::output::Output;
use crate::place::Place;

/// Runs `command` to its end and returns what it printed.
///
/// # Panics
/// Where it cannot be started, and where it fails, with all that it said.
pub fn succeed(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let [text, errors] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{command:?}:\n{text}{errors}");
    text
}

/// Runs the decks of `case`, which lies in `folder`, on `ranks` ranks inside the new folder `run`; stops at the first
/// deck that fails. Fails where LAMMPS cannot be started or runs into the time limit.
pub fn run(
    place: &Place,
    case: &Case,
    folder: &Path,
    run: &Path,
    ranks: &Ranks,
) -> Result<Output, String> {
    make_folder(folder, run)?;
    let mut output = Output::default();
    for (index, deck) in case.decks.iter().enumerate() {
        let ranks = ranks.of_deck(index);
        let screen = run.join(format!("screen.{deck}"));
        let mut command = command(place, case, folder, run, deck, ranks);
        let file =
            File::create(&screen).map_err(|error| format!("{}: {error}", screen.display()))?;
        let errors = file
            .try_clone()
            .map_err(|error| format!("{}: {error}", screen.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|error| {
                format!(
                    "{} could not start: {error}",
                    command.get_program().display()
                )
            })?;
        let limit = Duration::from_secs_f64(case.timeout);
        let status = wait(child, limit).ok_or_else(|| {
            format!(
                "{deck} on {ranks} ranks ran longer than {} s; see {}",
                case.timeout,
                screen.display()
            )
        })?;
        let text = fs::read(&screen).map_err(|error| format!("{}: {error}", screen.display()))?;
        output.add(&String::from_utf8_lossy(&text), status.success());
        if !status.success() {
            break;
        }
    }
    Ok(output)
}

/// The command line of a deck of `case`.
fn command(
    place: &Place,
    case: &Case,
    folder: &Path,
    run: &Path,
    deck: &str,
    ranks: usize,
) -> Command {
    let mut command = lammps(place, run, deck, ranks);
    for (name, value) in &case.vars {
        command.args(["-var", name, &place.fill_in(value, folder)]);
    }
    command.args(
        case.args
            .iter()
            .map(|argument| place.fill_in(argument, folder)),
    );
    for (name, value) in &case.env {
        command.env(name, place.fill_in(value, folder));
    }
    command
}

/// `lmp` with `deck` in the folder `run`, under `mpiexec` where there are several ranks.
pub fn lammps(place: &Place, run: &Path, deck: &str, ranks: usize) -> Command {
    let lmp = place.lammps.join("lmp");
    let mut command = if ranks == 1 {
        Command::new(lmp)
    } else {
        let mut command = Command::new(place.venv.join("bin/mpiexec"));
        command.arg("-n").arg(ranks.to_string()).arg(lmp);
        command
    };
    command
        .current_dir(run)
        .args(["-in", deck, "-log", &format!("log.{deck}"), "-nocite"]);
    let paths = [
        ("plugin", place.plugin.clone()),
        ("models", place.models()),
        ("root", place.root.clone()),
    ];
    for (name, path) in paths {
        command.args(["-var", name]).arg(path);
    }

    // what the user's shell happens to hold must not decide a test
    command.env_remove("LAMMPS_PLUGIN_PATH");
    command.env("LD_LIBRARY_PATH", place.venv.join("lib"));
    command.env(
        "LAMMPS_POTENTIALS",
        place.lammps.join("share/lammps/potentials"),
    );
    command.env("OMP_NUM_THREADS", "1");
    command
}

/// Makes `run` anew with a copy of every file of the case.
fn make_folder(folder: &Path, run: &Path) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", run.display());
    if run.exists() {
        fs::remove_dir_all(run).map_err(fail)?;
    }
    fs::create_dir_all(run).map_err(fail)?;
    for entry in fs::read_dir(folder).map_err(fail)?.flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), run.join(entry.file_name())).map_err(fail)?;
        }
    }
    Ok(())
}

/// The status of `child`, or `None` where it had to be ended at the limit, with its whole process group.
fn wait(mut child: Child, limit: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    while start.elapsed() < limit {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    let group = format!("-{}", child.id());
    for signal in ["-TERM", "-KILL"] {
        let _ = Command::new("kill")
            .args([signal, "--", &group])
            .stderr(Stdio::null())
            .status();
        sleep(Duration::from_secs(1));
    }
    let _ = child.wait();
    None
}
