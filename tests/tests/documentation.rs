//! The tables of `docs/compatibility.md` and `docs/validation.md`: every row is backed by tests that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lies in the repository")
        .to_path_buf()
}

/// Names of LAMMPS cases, `slow/NAME` of slow tests, and names of functions and macro entries in Rust files that hold
/// tests.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for case in fs::read_dir(root().join("tests/cases")).unwrap().flatten() {
        if case.path().join("case.toml").is_file() {
            names.insert(case.file_name().into_string().unwrap());
        }
    }
    for slow in fs::read_dir(root().join("tests/slow")).unwrap().flatten() {
        if slow.path().join("test.py").is_file() {
            names.insert(format!("slow/{}", slow.file_name().display()));
        }
    }
    for folder in ["rust", "tests/src", "tests/tests"] {
        collect(&root().join(folder), &mut names);
    }
    names
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            if text.contains("#[test]") {
                names.extend(text.lines().filter_map(test_name));
            }
        }
    }
}

/// `name` of a line `fn name() {`, or of `name: "file", ...` in the list of a macro that makes tests.
fn test_name(line: &str) -> Option<String> {
    let line = line.trim_start();
    let name = match line.strip_prefix("fn ") {
        Some(rest) => rest.strip_suffix("() {")?,
        None => line.split_once(": \"")?.0,
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
}

/// Rows of all tables in a page: cells without the outer bars.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let is_row = |line: &&str| line.starts_with('|') && !line.starts_with("|---");
    let cells = |line| -> Vec<&str> {
        let line: &str = line;
        line.trim_matches('|').split(" | ").map(str::trim).collect()
    };
    page.lines().filter(is_row).map(cells).collect()
}

/// Asserts that the last of four cells of every row of `page` names tests that exist, in backquotes; returns their number.
fn check_rows(page: &str) -> usize {
    let page = fs::read_to_string(root().join(page)).unwrap();
    let tests = tests();
    let mut checked = 0;
    for row in rows(&page) {
        assert_eq!(row.len(), 4, "a row of the table has four cells: {row:?}");
        if row[3] == "Test" {
            continue;
        }
        let named: Vec<_> = row[3].split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test is named for '{}'", row[0]);
        for name in named {
            assert!(
                tests.contains(name),
                "'{}' names the test {name}, which does not exist",
                row[0]
            );
        }
        checked += 1;
    }
    checked
}

#[test]
fn every_row_of_the_feature_table_names_tests_that_exist() {
    let checked = check_rows("docs/compatibility.md");
    assert!(checked >= 40, "only {checked} rows were found");
}

#[test]
fn every_row_of_the_validation_tables_names_tests_that_exist() {
    let checked = check_rows("docs/validation.md");
    assert!(checked >= 40, "only {checked} rows were found");
}

#[test]
fn names_of_tests_are_told_from_other_lines() {
    assert_eq!(test_name("    fn a_test() {").as_deref(), Some("a_test"));
    assert_eq!(
        test_name("    a_model: \"m.pb\", DOUBLE;").as_deref(),
        Some("a_model")
    );
    assert_eq!(test_name("fn helper(x: f64) {"), None);
    assert_eq!(test_name("        assert!(x, \"energy: \");"), None);
}
