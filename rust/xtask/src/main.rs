//! `cargo xtask setup | build | demo | test | slow | fuzz | bench`: everything a fresh clone needs, each step calling the
//! ones it rests on.
//!
//! Nothing is installed outside the repository: LAMMPS, MPI, libtorch, cmake and the plotting packages live in `.venv`,
//! the plugin in `build`, what cargo makes in `target`.

mod bench;
mod demo;
mod paths;
mod plugin;
mod setup;
mod shell;
mod signals;
mod slow;
mod test;

use std::process::ExitCode;

use paths::Paths;

const USAGE: &str = "\
cargo xtask COMMAND

  setup          make .venv: LAMMPS with MPI, libtorch, cmake, ninja, numpy, matplotlib (1.9 GB, nothing outside it)
  build          setup, then build/deepdmsplugin.so
  demo [ARG..]   build, then examples/cuzr-glass/demo.py; the arguments go to the script
  test [NAME]    build, then all tests, fmt and clippy; with NAME only the LAMMPS cases whose name contains it
  slow [NAME]    build, then the long statistical tests of tests/slow, or those whose name contains NAME (20 minutes on
                 one core)
  fuzz [COUNT]   COUNT damaged model files (default 1000000) to the readers: minutes to hours
  bench [ARG..]  build, then the benchmark against deepmd-kit (2.2 GB, in .venv-deepmd); the arguments go to it:
                 --model FILE --data FILE measures a model of yours
  bench drift [ARG..]  build, then the drift of energy in long runs
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let paths = Paths::of_this_repository();
    if let Err(error) = signals::pass_on() {
        eprintln!("xtask: a signal will not end what this command starts: {error}");
    }
    let (command, rest) = match arguments.split_first() {
        // `cargo xtask bench -- --steps 5` means the same as without the two dashes
        Some((command, rest)) => (
            command.as_str(),
            rest.strip_prefix(&["--".to_owned()]).unwrap_or(rest),
        ),
        None => ("help", &[][..]),
    };
    let outcome = match command {
        "setup" => setup::run(&paths),
        "build" => plugin::run(&paths),
        "demo" => demo::run(&paths, rest),
        "test" => test::run(&paths, rest),
        "slow" => slow::run(&paths, rest),
        "fuzz" => test::fuzz(&paths, rest),
        "bench" => bench::run(&paths, rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        unknown => Err(format!("there is no command '{unknown}'\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            if !reason.is_empty() {
                eprintln!("xtask {command}: {reason}");
            }
            ExitCode::FAILURE
        }
    }
}
