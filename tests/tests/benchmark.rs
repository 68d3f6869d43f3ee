//! The benchmark on a model and a data file that a user names: what it writes, and what it says where something is missing.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use deepdms_tests::place::Place;

struct Bench {
    place: Place,
    out: PathBuf,
}

impl Bench {
    /// A folder of its own for results, named after the test.
    fn new(name: &str) -> Self {
        let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{name}"));
        let _ = fs::remove_dir_all(&out);
        fs::create_dir_all(&out).unwrap();
        Self {
            place: Place::find().unwrap(),
            out,
        }
    }

    /// Runs `tests/bench/bench.py` without deepmd-kit.
    fn run(&self, arguments: &[&str]) -> Output {
        let place = &self.place;
        Command::new(place.venv.join("bin/python"))
            .arg(place.root.join("tests/bench/bench.py"))
            .args(["--no-peer", "--out"])
            .arg(&self.out)
            .args(arguments)
            .current_dir(&place.root)
            .env("DEEPDMS_PLUGIN", &place.plugin)
            .env("DEEPDMS_VENV", &place.venv)
            .output()
            .expect("Python starts")
    }

    /// Asserts that the command line is refused with `message`.
    fn refuses(&self, arguments: &[&str], message: &str) {
        let done = self.run(arguments);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            !done.status.success() && said.contains(message),
            "{arguments:?}\n  gives    {said}\n  expected {message}"
        );
    }
}

const MODEL: &str = "tests/models/one_sided.pb";
const DATA: &str = "tests/models/references/orthogonal.data";

#[test]
fn a_model_that_a_user_names_is_measured_with_errors_below_their_bounds() {
    let bench = Bench::new("quick");
    let arguments = [
        "--quick",
        "--steps",
        "2",
        "--model",
        MODEL,
        "--data",
        DATA,
        "--elements",
        "Pd",
        "Cu",
        "P",
        "--replicate",
        "1",
    ];
    let done = bench.run(&arguments);
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    for picture in ["bench.svg", "bench.png"] {
        assert!(fs::metadata(bench.out.join(picture)).unwrap().len() > 1000);
    }
    let table = fs::read_to_string(bench.out.join("bench.md")).unwrap();
    assert!(table.contains("| one_sided, ") && !table.contains("**above**"));

    let text = fs::read_to_string(bench.out.join("bench.json")).unwrap();
    let results: serde_json::Value = serde_json::from_str(&text).unwrap();
    let model = &results["models"][0];
    let times = model["times"].as_array().unwrap();
    let modes: Vec<_> = times.iter().map(|row| row["mode"].as_str()).collect();
    assert_eq!(
        modes,
        ["exact", "double", "default", "mixed"].map(Some),
        "{times:?}"
    );
    assert!(times.iter().all(|row| row["median"].as_f64() > Some(0.0)));

    let errors = model["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 3 * 4);
    for row in errors {
        let mixed = row["mode"] == "mixed";
        let error = row["error"].as_f64().unwrap();
        let bound = row["bound"].as_f64().unwrap();
        assert!(
            error <= bound && bound <= if mixed { 1e-4 } else { 1e-6 },
            "{row}"
        );
        // at twice the distances no atom has a neighbour within the cutoff
        assert_eq!(error > 0.0, row["configuration"] != "dilute", "{row}");
    }
}

#[test]
fn what_is_missing_is_named_with_a_remedy() {
    let bench = Bench::new("refusals");
    let cases: [(&[&str], &str); 9] = [
        (&["--model", "none.pb"], "none.pb is not there"),
        (
            &["--model", MODEL],
            "--model one_sided.pb has no atoms: give --data FILE",
        ),
        (&["--data", DATA], "--data belongs to a model: give --model"),
        (
            &["--model", MODEL, "--data", "none.data"],
            "none.data is not there",
        ),
        (
            &["--model", MODEL, "--data", "README.md"],
            "README.md is not a LAMMPS data file",
        ),
        (
            &["--model", MODEL, "--data", DATA, "--elements", "Pd"],
            "has 3 atom types, but --elements names 1: Pd",
        ),
        (
            &["--model", MODEL, "--data", DATA, "--replicate", "0"],
            "--replicate 0 is not a number of boxes",
        ),
        (
            &[
                "--model",
                MODEL,
                "--data",
                DATA,
                "--elements",
                "Pd",
                "Cu",
                "Xe",
            ],
            "element Xe is not in",
        ),
        (
            &["--model", "examples/cuzr-glass/glass.pb", "--data", DATA],
            "orthogonal.data has more atom types than glass.pb, which knows Cu Zr",
        ),
    ];
    for (arguments, message) in cases {
        bench.refuses(arguments, message);
    }
}
