//! Runs that end before their time: killed, halted, out of disk, with numbers that nothing can be computed with, or stopped
//! by a signal. What was measured is there, and nobody waits for ever.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use deepdms_tests::launch::{lammps, succeed};
use deepdms_tests::place::Place;
use deepdms_tests::table::read_json;

/// No run here may take longer, on a busy machine either.
const LIMIT: Duration = Duration::from_secs(300);

/// A small crystal, ready for `fix dms`.
const CRYSTAL: &str = "plugin load ${plugin}
units lj
lattice fcc 1.0
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.0
pair_coeff 1 1 1.0 1.0
timestep 0.005
fix move all nve
";

fn place() -> Place {
    Place::find().unwrap_or_else(|reason| panic!("{reason}"))
}

/// A new empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("endings")
        .join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A run under way, which ends with this value, with all that it has started.
struct Running {
    child: Child,
    screen: PathBuf,
}

impl Running {
    /// Starts `command`, whose output goes to `screen`.
    fn start(command: &mut Command, screen: &Path) -> Self {
        let file = File::create(screen).unwrap();
        let errors = file.try_clone().unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .unwrap();
        Self {
            child,
            screen: screen.to_owned(),
        }
    }

    fn screen(&self) -> String {
        fs::read_to_string(&self.screen).unwrap()
    }

    /// Waits until `happens`, which it must do while the run goes on.
    fn wait_until(&mut self, happens: impl Fn() -> bool) {
        let begin = Instant::now();
        while !happens() {
            assert!(begin.elapsed() < LIMIT, "{}", self.screen());
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "{}",
                self.screen()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// The status of the run, which must end by itself.
    fn status(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < LIMIT, "it hangs: {}", self.screen());
            sleep(Duration::from_millis(20));
        }
    }

    /// This process and those that it has started.
    fn family(&self) -> Vec<String> {
        let listing = Command::new("ps")
            .args(["-A", "-o", "pid=,ppid="])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&listing.stdout).into_owned();
        let pairs: Vec<(&str, &str)> = text
            .lines()
            .filter_map(|line| line.trim().split_once(char::is_whitespace))
            .map(|(pid, parent)| (pid, parent.trim()))
            .collect();
        let mut found = vec![self.child.id().to_string()];
        let mut next = 0;
        while next < found.len() {
            let parent = found[next].clone();
            let children = pairs.iter().filter(|(_, above)| *above == parent);
            found.extend(children.map(|(pid, _)| (*pid).to_owned()));
            next += 1;
        }
        found
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = Command::new("kill")
                .arg("-KILL")
                .args(self.family())
                .status();
            let _ = self.child.wait();
        }
    }
}

/// The status and the output of `command`.
fn ending(command: &mut Command, folder: &Path) -> (Option<i32>, String) {
    let mut running = Running::start(command, &folder.join("screen"));
    (running.status().code(), running.screen())
}

fn signal(name: &str, process: u32) {
    let mut kill = Command::new("kill");
    kill.args([&format!("-{name}"), &process.to_string()]);
    assert!(kill.status().unwrap().success());
}

/// Runs the deck `lines` behind [`CRYSTAL`].
fn run(name: &str, lines: &str, ranks: usize) -> (PathBuf, Option<i32>, String) {
    let folder = folder(&format!("{name}-{ranks}"));
    fs::write(folder.join("in.lmp"), format!("{CRYSTAL}{lines}")).unwrap();
    let (status, text) = ending(&mut lammps(&place(), &folder, "in.lmp", ranks), &folder);
    (folder, status, text)
}

/// The step of the state in a checkpoint, which the fix itself goes on from.
fn stored_step(folder: &Path, name: &str) -> u64 {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("# state at step "))
        .unwrap();
    let words: Vec<&str> = line.split([' ', ',']).collect();
    words[4].parse().unwrap()
}

fn numbers_of_blocks(folder: &Path, name: &str) -> Vec<u64> {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let lines = text
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    lines
        .map(|line| line.split(',').next().unwrap().parse().unwrap())
        .collect()
}

/// Fifty kills in the slow tests, a few here.
#[test]
fn a_run_that_is_killed_goes_on_with_the_same_numbers() {
    let place = place();
    let text = succeed(
        Command::new(place.venv.join("bin/python"))
            .arg(place.root.join("tests/slow/kills/test.py"))
            .args(["--kills", "4"])
            .env("DEEPDMS_PLUGIN", &place.plugin)
            .env("DEEPDMS_VENV", &place.venv)
            .env("CARGO_TARGET_DIR", folder("kills")),
    );
    assert!(
        text.contains("4 kills,") && text.contains("0 failed"),
        "{text}"
    );
}

#[test]
fn the_checkpoint_is_written_after_each_cycle_and_the_one_before_it_is_kept() {
    // an error ends the run without the end of a run
    let lines =
        "fix d all dms 2 xx 0.01 0.5 harmonics 1 file b.csv summary s.json checkpoint c.state
variable step equal step
fix h all halt 10 v_step >= 730 error hard
run 2000
";
    for ranks in [1, 2] {
        let (folder, status, text) = run("halted", lines, ranks);
        assert_ne!(status, Some(0));
        assert!(text.contains("Fix halt condition"), "{text}");
        assert_eq!(stored_step(&folder, "c.state"), 700);
        assert_eq!(stored_step(&folder, "c.state.previous"), 600);
        assert!(!folder.join("c.state.tmp").exists());
        assert_eq!(numbers_of_blocks(&folder, "b.csv"), [1, 2, 3, 4]);
    }
}

#[test]
fn a_full_disk_ends_all_ranks_with_one_error() {
    let place = place();
    // (keyword, file to wait for, message)
    let cases = [
        (
            "file b.csv",
            "b.csv",
            "cannot write to the block file 'b.csv'",
        ),
        (
            "summary s.json",
            "s.json",
            "cannot write the summary 's.json'",
        ),
        (
            "checkpoint c.state",
            "c.state.previous",
            "cannot write the checkpoint 'c.state'",
        ),
    ];
    for (keyword, file, message) in cases {
        for ranks in [1, 2] {
            let folder = folder(&format!("disk-{file}-{ranks}"));
            let deck = format!(
                "{CRYSTAL}fix d all dms 2 xx 0.01 0.5 harmonics 1 {keyword}\nlog none\nrun 100000000\n"
            );
            fs::write(folder.join("in.lmp"), deck).unwrap();
            let run = lammps(&place, &folder, "in.lmp", ranks);
            // without the signal that ends a program whose file becomes too long; what is printed passes through a pipe
            let mut shell = Command::new("sh");
            shell.args(["-c", "trap '' XFSZ; \"$0\" \"$@\" 2>&1 | cat"]);
            shell.arg(run.get_program()).args(run.get_args());
            shell.current_dir(&folder);
            for (name, value) in run.get_envs() {
                match value {
                    Some(value) => shell.env(name, value),
                    None => shell.env_remove(name),
                };
            }
            let mut running = Running::start(&mut shell, &folder.join("screen"));
            running.wait_until(|| folder.join(file).exists());
            let whole = fs::read_to_string(folder.join(file)).unwrap();
            // from now on, no file may become longer
            let bytes = if file == "b.csv" { whole.len() } else { 1024 };
            let processes = running.family();
            for process in processes.iter().filter(|pid| is_lammps(pid)) {
                let mut limit = Command::new("prlimit");
                limit.args(["--pid", process, &format!("--fsize={bytes}")]);
                assert!(limit.status().unwrap().success());
            }
            running.status();
            let text = running.screen();
            let error = format!("ERROR: fix dms: {message}: File too large (os error 27)");
            assert_eq!(text.matches(&error).count(), 1, "{text}");
            assert!(!text.contains("on proc"), "{text}");
            // what was there is there, and whole
            match file {
                "b.csv" => {
                    let text = fs::read_to_string(folder.join(file)).unwrap();
                    assert!(text.starts_with(&whole));
                }
                "s.json" => assert!(read_json(&folder.join(file), "results.blocks").is_ok()),
                _ => {
                    let names = ["c.state.previous", "c.state"];
                    let steps = names.map(|name| stored_step(&folder, name));
                    assert_eq!(steps[1] - steps[0], 100);
                    assert!(!folder.join("c.state.tmp").exists());
                }
            }
        }
    }
}

/// Whether the process `pid` is LAMMPS itself.
fn is_lammps(pid: &str) -> bool {
    let listing = Command::new("ps")
        .args(["-o", "comm=", "-p", pid])
        .output()
        .unwrap();
    String::from_utf8_lossy(&listing.stdout).trim() == "lmp"
}

#[test]
fn numbers_that_cannot_be_computed_with_leave_the_files_as_they_are() {
    let deck = fs::read_to_string(place().cases().join("dms-bad-not-finite/in.lmp")).unwrap();
    let good = deck.replace("run 1000", "run 438");
    assert_ne!(good, deck);
    for ranks in [1, 2] {
        let [bad, good] = [("bad", &deck), ("good", &good)].map(|(name, deck)| {
            let folder = folder(&format!("not-finite-{name}-{ranks}"));
            fs::write(folder.join("in.lmp"), deck).unwrap();
            let (status, text) = ending(&mut lammps(&place(), &folder, "in.lmp", ranks), &folder);
            assert_eq!(status == Some(0), name == "good", "{text}");
            folder
        });
        for name in ["before.csv", "before.json"] {
            let read = |folder: &Path| fs::read_to_string(folder.join(name)).unwrap();
            assert_eq!(read(&bad), read(&good), "{name}");
        }
        assert_eq!(
            read_json(&bad.join("before.json"), "results.blocks").unwrap(),
            [1.0]
        );
        assert_eq!(stored_step(&bad, "before.state"), 400);
        let text = fs::read_to_string(bad.join("before.state")).unwrap();
        assert!(!text.contains("NaN"));
    }
}

#[test]
fn two_runs_do_not_write_one_file() {
    let first = "fix d all dms 2 xx 0.01 0.5 harmonics 1 file b.csv summary s.json checkpoint c.state\nrun 100000000\n";
    let folder = folder("two-runs");
    fs::write(folder.join("in.lmp"), format!("{CRYSTAL}{first}")).unwrap();
    let mut lammps_run = lammps(&place(), &folder, "in.lmp", 1);
    let mut other = Running::start(&mut lammps_run, &folder.join("first"));
    other.wait_until(|| folder.join("c.state.previous").exists() && folder.join("s.json").exists());
    let cases = [
        (
            "file b.csv",
            "the block file 'b.csv' is being written by another run: give each run names of its own",
        ),
        (
            "summary s.json",
            "the summary 's.json' is being written by another run: give each run names of its own",
        ),
        (
            "checkpoint c.state",
            "the checkpoint 'c.state' is being written by another run: give each run names of its own",
        ),
    ];
    let mut outcomes = Vec::new();
    for (keyword, message) in cases {
        let deck = format!("{CRYSTAL}fix d all dms 2 xx 0.01 0.5 harmonics 1 {keyword}\nrun 500\n");
        fs::write(folder.join("second.lmp"), deck).unwrap();
        let (status, text) = ending(&mut lammps(&place(), &folder, "second.lmp", 1), &folder);
        outcomes.push((status != Some(0) && text.contains(message), text));
    }
    signal("KILL", other.child.id());
    assert_eq!(other.status().signal(), Some(9));
    for (refused, text) in outcomes {
        assert!(refused, "{text}");
    }
    // the lock goes with the run, and nothing of the first one was lost
    let numbers = numbers_of_blocks(&folder, "b.csv");
    assert!(
        numbers.iter().copied().eq(1..=numbers.len() as u64),
        "{numbers:?}"
    );
    let deck = format!("{CRYSTAL}fix d all dms 2 xx 0.01 0.5 harmonics 1 file b.csv\nrun 500\n");
    fs::write(folder.join("second.lmp"), deck).unwrap();
    let (status, text) = ending(&mut lammps(&place(), &folder, "second.lmp", 1), &folder);
    assert_eq!(status, Some(0), "{text}");
}

/// Everything that a script has started ends with it, and it says how to go on.
#[test]
fn a_signal_ends_an_example_with_all_that_it_has_started() {
    let place = place();
    // (script, a file that its first run writes, signal, exit status)
    let examples = [
        ("lj-viscosity/viscosity.py", "shear-25.6.csv", "INT", 130),
        ("lj-viscosity/viscosity.py", "shear-25.6.csv", "TERM", 143),
        ("cuzr-glass/demo.py", "dp-300K.csv", "INT", 130),
    ];
    for (script, file, name, status) in examples {
        let example = script.split('/').next().unwrap();
        let folder = folder(&format!("signal-{example}-{name}"));
        let out = folder.join("out");
        let mut command = Command::new(place.venv.join("bin/python"));
        command
            .arg(place.root.join("examples").join(script))
            .arg("--out")
            .arg(&out)
            .env("DEEPDMS_PLUGIN", &place.plugin)
            .env("DEEPDMS_VENV", &place.venv);
        let mut running = Running::start(&mut command, &folder.join("screen"));
        running.wait_until(|| out.join(file).exists());
        assert!(!left_behind(&out).is_empty());
        signal(name, running.child.id());
        let ended = running.status();
        let screen = running.screen();
        assert_eq!(ended.code(), Some(status), "{screen}");
        let said = format!("stopped by SIG{name}, and everything that it had started. ");
        assert!(screen.contains(&said), "{screen}");
        assert!(!screen.contains("Traceback"), "{screen}");
        assert_eq!(left_behind(&out), Vec::<String>::new());
        assert!(out.join("unfinished.json").exists());
    }
}

/// Processes whose command line names `out`, but for the script itself.
fn left_behind(out: &Path) -> Vec<String> {
    let listing = Command::new("ps")
        .args(["-A", "-ww", "-o", "stat=,args="])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&listing.stdout).into_owned();
    let prefix = format!("{}/", out.display());
    text.lines()
        .filter(|line| !line.starts_with('Z') && line.contains(&prefix))
        .map(str::to_owned)
        .collect()
}
