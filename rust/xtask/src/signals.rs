//! One signal ends everything that a command has started.
//!
//! mpiexec and the test harness put what they start into process groups of their own, which Ctrl-C does not reach, and a
//! signal to this program alone reaches nobody else.

use std::fs;
use std::io;
use std::process::{Child, Command, ExitStatus, Stdio, exit};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The program that runs now, or zero.
static CHILD: AtomicU32 = AtomicU32::new(0);
/// Whether a signal has asked this program to end.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Time for the program that runs to say how to go on.
const PATIENCE: Duration = Duration::from_secs(20);

/// Variable by which this program knows what it has started, also where the program in between has ended.
const MARK: &str = "DEEPDMS_STARTED_BY";

/// From now on, a signal that asks this program to end is passed on to the one that it has started. Once that has ended,
/// so does whatever it has left behind, and this program.
pub fn pass_on() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            ASKED.store(true, Ordering::SeqCst);
            let child = CHILD.load(Ordering::SeqCst);
            if child != 0 {
                send("TERM", &[child]);
            }
            let start = Instant::now();
            while runs(child) && start.elapsed() < PATIENCE && signals.pending().next().is_none() {
                thread::sleep(Duration::from_millis(20));
            }
            send("KILL", &marked());
            exit(128 + signal);
        }
    });
    Ok(())
}

/// Starts `command`, which a signal then ends.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    let child = command.env(MARK, std::process::id().to_string()).spawn()?;
    CHILD.store(child.id(), Ordering::SeqCst);
    Ok(child)
}

/// Waits for a child of [`spawn`]. Does not return where a signal has ended it.
pub fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    let status = child.wait();
    CHILD.store(0, Ordering::SeqCst);
    while ASKED.load(Ordering::SeqCst) {
        thread::park();
    }
    status
}

/// Whether `child` is the program that runs now, and has not ended.
fn runs(child: u32) -> bool {
    // behind the name, which is in parentheses
    let state = |stat: String| {
        Some(
            stat.rsplit_once(')')?
                .1
                .trim_start()
                .starts_with(['Z', 'X']),
        )
    };
    let stat = fs::read_to_string(format!("/proc/{child}/stat"));
    child != 0
        && CHILD.load(Ordering::SeqCst) == child
        && !stat.ok().and_then(state).unwrap_or(false)
}

/// Processes that carry the mark, where the system tells.
fn marked() -> Vec<u32> {
    let own = std::process::id();
    let mark = format!("{MARK}={own}");
    let carries = |pid: &u32| {
        fs::read(format!("/proc/{pid}/environ")).is_ok_and(|all| {
            all.split(|byte| *byte == 0)
                .any(|one| one == mark.as_bytes())
        })
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != own)
        .filter(carries)
        .collect()
}

fn send(signal: &str, processes: &[u32]) {
    if processes.is_empty() {
        return;
    }
    let _ = Command::new("kill")
        .arg(format!("-{signal}"))
        .args(processes.iter().map(u32::to_string))
        .stderr(Stdio::null())
        .status();
}

#[cfg(test)]
mod tests {
    use super::{marked, send, spawn};
    use std::process::Command;

    #[test]
    fn what_was_started_is_found_also_where_the_program_in_between_has_ended() {
        // a shell that leaves a process of another session behind
        let script = "setsid sleep 600 > /dev/null 2>&1 & echo $!";
        let mut shell = Command::new("sh");
        let child = spawn(
            shell
                .args(["-c", script])
                .stdout(std::process::Stdio::piped()),
        )
        .unwrap();
        let output = child.wait_with_output().unwrap();
        let left: u32 = String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .unwrap();
        let found = marked();
        send("KILL", &[left]);
        if std::path::Path::new("/proc/self/environ").exists() {
            assert!(found.contains(&left), "{left} is not among {found:?}");
        }
    }
}
