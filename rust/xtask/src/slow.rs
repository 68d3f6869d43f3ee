//! `cargo xtask slow`: the long statistical tests of `tests/slow`, closed by one line of counts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::paths::Paths;
use crate::plugin;
use crate::shell::{run_by_line, say};

const FOLDER: &str = "tests/slow";

/// Builds, then runs `test.py` of each folder, or of those whose name contains the first of `arguments`, with the
/// environment's Python; further arguments go to the scripts. The line of counts is the last that is printed; where a
/// test failed, the returned reason is empty.
pub fn run(paths: &Paths, arguments: &[String]) -> Result<(), String> {
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) if !name.starts_with('-') => (name.as_str(), rest),
        _ => ("", arguments),
    };
    let folder = paths.root.join(FOLDER);
    let (chosen, all) = tests(&folder, name)?;
    if chosen.is_empty() {
        return Err(format!(
            "no test in {FOLDER} has '{name}' in its name, there are: {}",
            all.join(", ")
        ));
    }
    plugin::run(paths)?;
    let (mut passed, mut failed) = (0, 0);
    for test in &chosen {
        let name = name_of(test);
        say(&format!("slow: {FOLDER}/{name}"));
        let start = Instant::now();
        let succeeded = run_by_line(
            Command::new(paths.program("python"))
                .arg("-u")
                .arg(test.join("test.py"))
                .args(rest)
                .env("DEEPDMS_PLUGIN", paths.plugin())
                .env("DEEPDMS_VENV", &paths.venv)
                .env("CARGO_TARGET_DIR", &paths.target),
            |line| println!("{line}"),
        )?;
        let verdict = if succeeded { "ok" } else { "FAILED" };
        println!(
            "test {name} ... {verdict} ({:.0} s)",
            start.elapsed().as_secs_f64()
        );
        if succeeded {
            passed += 1;
        } else {
            failed += 1;
        }
    }
    println!(
        "{passed} passed, {failed} failed, {} skipped",
        all.len() - chosen.len()
    );
    if failed == 0 {
        Ok(())
    } else {
        Err(String::new())
    }
}

/// Folders with a test whose name contains `name`, and the names of all.
fn tests(folder: &Path, name: &str) -> Result<(Vec<PathBuf>, Vec<String>), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut all: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("test.py").is_file())
        .collect();
    all.sort();
    let names = all.iter().map(|path| name_of(path)).collect();
    all.retain(|path| name_of(path).contains(name));
    Ok((all, names))
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::tests;
    use std::path::Path;

    #[test]
    fn every_slow_test_is_found_by_a_part_of_its_name() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/slow");
        let (chosen, all) = tests(&folder, "harmonic").unwrap();
        assert_eq!(chosen.len(), 1);
        assert!(all.contains(&"kob-andersen".to_owned()) && all.len() > 1);
        assert!(tests(&folder, "no such test").unwrap().0.is_empty());
    }
}
