//! Runs every folder of `tests/cases`, one test each, and reports like any other Rust test.
//!
//! `cargo test --release --test cases -- NAME` runs those whose name contains NAME.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Instant;

use deepdms_tests::case::{Case, Ranks};
use deepdms_tests::place::Place;
use deepdms_tests::verdict::judge;

/// Processes that may run at once, over all cases.
struct Slots {
    free: Mutex<usize>,
    changed: Condvar,
    all: usize,
}

impl Slots {
    fn new(all: usize) -> Self {
        Self {
            free: Mutex::new(all),
            changed: Condvar::new(),
            all,
        }
    }

    /// Runs `body` once `wanted` slots, or all where more are wanted, are free.
    fn hold<T>(&self, wanted: usize, body: impl FnOnce() -> T) -> T {
        let wanted = wanted.min(self.all);
        let free = self.free.lock().expect("no holder panics");
        *self
            .changed
            .wait_while(free, |free| *free < wanted)
            .expect("no holder panics") -= wanted;
        let outcome = body();
        *self.free.lock().expect("no holder panics") += wanted;
        self.changed.notify_all();
        outcome
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let filters: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let list = arguments.iter().any(|argument| argument == "--list");
    let ignored = arguments.iter().any(|argument| argument == "--ignored");

    let place = match Place::find() {
        Ok(place) => place,
        Err(reason) => {
            println!("test cases ... FAILED\n{reason}");
            return ExitCode::FAILURE;
        }
    };
    let mut folders = case_folders(&place.cases());
    let all = folders.len();
    folders.retain(|folder| {
        let name = name(folder);
        !ignored
            && (filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())))
    });
    if list {
        folders
            .iter()
            .for_each(|folder| println!("{}: test", name(folder)));
        return ExitCode::SUCCESS;
    }

    println!("\nrunning {} tests", folders.len());
    let start = Instant::now();
    let failures = run_all(&place, &folders);
    if !failures.is_empty() {
        println!("\nfailures:\n");
        for (name, problem) in &failures {
            println!("---- {name} ----\n{problem}\n");
        }
    }
    println!(
        "\ntest result: {}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        if failures.is_empty() { "ok" } else { "FAILED" },
        folders.len() - failures.len(),
        failures.len(),
        all - folders.len(),
        start.elapsed().as_secs_f64()
    );
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs the cases, as many at once as there are cores for their ranks; returns names and problems of those that failed.
fn run_all(place: &Place, folders: &[PathBuf]) -> Vec<(String, String)> {
    let cores = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(4);
    let slots = Slots::new(cores);
    let next = Mutex::new(folders.iter());
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let Some(folder) = next.lock().expect("no worker panics").next() else {
                        break;
                    };
                    let outcome = run_one(place, folder, &slots);
                    let name = name(folder);
                    match outcome {
                        Ok(deviations) if deviations.is_empty() => println!("test {name} ... ok"),
                        Ok(deviations) => println!("test {name} ... ok ({deviations})"),
                        Err(problem) => {
                            println!("test {name} ... FAILED");
                            failures
                                .lock()
                                .expect("no worker panics")
                                .push((name, problem));
                        }
                    }
                }
            });
        }
    });
    failures.into_inner().expect("no worker panics")
}

fn run_one(place: &Place, folder: &Path, slots: &Slots) -> Result<String, String> {
    let case = Case::read(folder)?;
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("cases")
        .join(name(folder));
    let widest = case.ranks.iter().map(Ranks::widest).max().unwrap_or(1);
    slots.hold(widest, || judge(place, &case, folder, &scratch))
}

/// Every folder with a `case.toml`, by name.
fn case_folders(cases: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(cases)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|folder| folder.join("case.toml").exists())
        .collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
