//! `cargo xtask demo`: the oscillating glass of `examples/cuzr-glass`.

use std::process::Command;

use crate::paths::Paths;
use crate::plugin;
use crate::shell::{execute, say};

/// Builds, then runs the example's script with the environment's Python; `arguments` go to the script.
pub fn run(paths: &Paths, arguments: &[String]) -> Result<(), String> {
    plugin::run(paths)?;
    say("demo: examples/cuzr-glass/demo.py");
    let folder = paths.root.join("examples/cuzr-glass");
    execute(
        Command::new(paths.program("python"))
            .arg("-u")
            .arg(folder.join("demo.py"))
            .args(arguments)
            .current_dir(&folder)
            .env("DEEPDMS_PLUGIN", paths.plugin())
            .env("DEEPDMS_VENV", &paths.venv),
        "the script's own message is above",
    )
}
