//! `cargo xtask test`: unit tests, LAMMPS cases, fmt and clippy, closed by one line of counts.

use std::env;
use std::process::Command;

use crate::paths::Paths;
use crate::plugin;
use crate::shell::{run_by_line, say};

/// How many tests ended how.
#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    /// Adds the numbers of a line such as `test result: ok. 12 passed; 0 failed; 1 ignored; ...`.
    fn add_result_line(&mut self, line: &str) {
        let Some(numbers) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in numbers.1.split(';') {
            let mut words = part.split_whitespace();
            let count = words
                .next()
                .and_then(|word| word.parse::<usize>().ok())
                .unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += count,
                Some("failed") => self.failed += count,
                Some("ignored") => self.skipped += count,
                _ => {}
            }
        }
    }

    fn add(&mut self, passed: bool) {
        if passed {
            self.passed += 1
        } else {
            self.failed += 1
        }
    }
}

/// Builds and tests everything, or only the LAMMPS cases whose name contains the first of `arguments`. The line of counts
/// is the last that is printed, also where something failed, and then the returned reason is empty.
pub fn run(paths: &Paths, arguments: &[String]) -> Result<(), String> {
    let mut counts = Counts::default();
    if let Err(reason) = build_and_test(paths, arguments, &mut counts) {
        eprintln!("xtask test: {reason}");
        counts.failed += 1;
    }
    if counts.failed + counts.passed == 0 {
        eprintln!("xtask test: no test ran");
    }
    println!(
        "{} passed, {} failed, {} skipped",
        counts.passed, counts.failed, counts.skipped
    );
    if counts.failed == 0 && counts.passed > 0 {
        Ok(())
    } else {
        Err(String::new())
    }
}

/// Sends damaged model files to the readers, `arguments[0]` of them in all.
pub fn fuzz(paths: &Paths, arguments: &[String]) -> Result<(), String> {
    let count = match arguments.first() {
        Some(count) => count
            .parse()
            .map_err(|_| format!("'{count}' is not a number of inputs"))?,
        None => 1_000_000u64,
    };
    say(&format!("fuzz: {count} damaged model files"));
    let test = [
        "test",
        "--release",
        "--package",
        "deepdms-potential",
        "--test",
        "fuzz",
        "--",
        "--nocapture",
    ];
    let passed = run_by_line(
        cargo(paths)
            .args(test)
            .env("DEEPDMS_FUZZ", count.to_string()),
        |line| println!("{line}"),
    )?;
    if passed {
        Ok(())
    } else {
        Err("a damaged file did what none may do; its number is in the message above".to_owned())
    }
}

fn build_and_test(paths: &Paths, arguments: &[String], counts: &mut Counts) -> Result<(), String> {
    plugin::run(paths)?;
    if let Some(name) = arguments.first() {
        say(&format!("test: LAMMPS cases with '{name}' in their name"));
        let only = [
            "--package",
            "deepdms-tests",
            "--test",
            "cases",
            "--",
            name.as_str(),
        ];
        return cargo_test(paths, &only, counts);
    }
    say("test: unit tests and LAMMPS cases");
    cargo_test(paths, &["--workspace", "--no-fail-fast"], counts)?;
    say("test: cargo fmt");
    counts.add(check(paths, "cargo fmt", &["fmt", "--all", "--check"])?);
    say("test: clippy");
    let clippy = [
        "clippy",
        "--quiet",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    counts.add(check(paths, "clippy", &clippy)?);
    Ok(())
}

/// Runs `cargo test`, adding its counts. A run that fails without a failed test (it did not compile, or a test program
/// was killed) counts as one failure.
fn cargo_test(paths: &Paths, arguments: &[&str], counts: &mut Counts) -> Result<(), String> {
    let failed_before = counts.failed;
    let succeeded = run_by_line(
        cargo(paths).args(["test", "--release"]).args(arguments),
        |line| {
            println!("{line}");
            counts.add_result_line(line);
        },
    )?;
    if !succeeded && counts.failed == failed_before {
        counts.failed += 1;
        println!("xtask: cargo test failed before or beside its tests");
    }
    Ok(())
}

fn check(paths: &Paths, name: &str, arguments: &[&str]) -> Result<bool, String> {
    let passed = run_by_line(cargo(paths).args(arguments), |line| println!("{line}"))?;
    println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
    Ok(passed)
}

/// cargo in the repository.
fn cargo(paths: &Paths) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(&paths.root)
        .env("CARGO_TARGET_DIR", &paths.target);
    command
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn counts_add_up_over_result_lines_and_ignore_the_rest() {
        let mut counts = Counts::default();
        counts.add_result_line("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.03s");
        counts.add_result_line(
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        counts.add_result_line("running 12 tests");
        counts.add(true);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (16, 2, 1));
    }
}
