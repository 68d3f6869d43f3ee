//! `cargo xtask bench`: the speed against deepmd-kit.

use std::process::Command;

use crate::paths::Paths;
use crate::plugin;
use crate::shell::execute;

const SCRIPT: &str = "tests/bench/bench.py";

/// Builds, then runs the benchmark script with the environment's Python; `arguments` go to the script.
pub fn run(paths: &Paths, arguments: &[String]) -> Result<(), String> {
    let script = paths.root.join(SCRIPT);
    if !script.exists() {
        return Err(format!(
            "there is no benchmark yet ({SCRIPT} does not exist)"
        ));
    }
    plugin::run(paths)?;
    execute(
        Command::new(paths.program("python"))
            .arg("-u")
            .arg(script)
            .args(arguments)
            .env("DEEPDMS_PLUGIN", paths.plugin())
            .env("DEEPDMS_VENV", &paths.venv),
        "the script's own message is above",
    )
}
