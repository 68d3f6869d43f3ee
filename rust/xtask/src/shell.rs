//! Running other programs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::signals;

/// Says what is being done.
pub fn say(text: &str) {
    println!("xtask: {text}");
}

/// Runs `command` with its output going straight to the terminal; `remedy` completes the message of a failure.
pub fn execute(command: &mut Command, remedy: &str) -> Result<(), String> {
    let shown = show(command);
    let status = signals::spawn(command).and_then(|mut child| signals::wait(&mut child));
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(with_remedy(&format!("`{shown}` failed ({status})"), remedy)),
        Err(error) => Err(with_remedy(
            &format!("`{shown}` could not start: {error}"),
            remedy,
        )),
    }
}

/// Runs `command`, hands each line of its standard output to `each` as it comes, and tells whether it succeeded.
pub fn run_by_line(command: &mut Command, mut each: impl FnMut(&str)) -> Result<bool, String> {
    let shown = show(command);
    let mut child = signals::spawn(command.stdout(Stdio::piped()))
        .map_err(|error| format!("`{shown}` could not start: {error}"))?;
    let output = child.stdout.take().expect("standard output is piped");
    for line in BufReader::new(output).split(b'\n') {
        let line =
            line.map_err(|error| format!("the output of `{shown}` could not be read: {error}"))?;
        each(&String::from_utf8_lossy(&line));
    }
    let status =
        signals::wait(&mut child).map_err(|error| format!("`{shown}` was lost: {error}"))?;
    Ok(status.success())
}

/// Whether `command` starts and succeeds; its output is thrown away.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn with_remedy(problem: &str, remedy: &str) -> String {
    if remedy.is_empty() {
        problem.to_owned()
    } else {
        format!("{problem}\n  {remedy}")
    }
}
