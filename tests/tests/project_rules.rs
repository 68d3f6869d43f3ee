//! Rules that the project gave itself: which way dependencies point, where unsafe code and cxx live, and that nothing
//! large is kept in the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lies in the repository")
        .to_path_buf()
}

/// Names of everything that a crate depends on, also only for its build, its tests or one platform.
fn dependencies(crate_folder: &str) -> Vec<String> {
    let file = root().join(crate_folder).join("Cargo.toml");
    let manifest: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
    let mut names = Vec::new();
    collect(&manifest, &mut names);
    names
}

fn collect(table: &toml::Table, names: &mut Vec<String>) {
    for (key, value) in table {
        match value.as_table() {
            Some(entries) if key.ends_with("dependencies") => names.extend(entries.keys().cloned()),
            Some(inner) if key == "target" || key.starts_with("cfg(") => collect(inner, names),
            _ => {}
        }
    }
}

/// Asserts that a crate has no dependency whose name begins with one of `foreign`.
fn never_sees(crate_folder: &str, foreign: &[&str]) {
    sees_only(crate_folder, foreign, &[]);
}

/// Asserts that a crate has no dependency whose name begins with one of `foreign`, but for those of `allowed`.
fn sees_only(crate_folder: &str, foreign: &[&str], allowed: &[&str]) {
    for name in dependencies(crate_folder) {
        if allowed.contains(&name.as_str()) {
            continue;
        }
        let wrong = foreign.iter().any(|prefix| name.starts_with(prefix));
        assert!(!wrong, "{crate_folder} must not depend on {name}");
    }
}

#[test]
fn mathematics_sees_neither_each_other_nor_lammps_nor_torch() {
    let outside = ["deepdms", "cxx", "bindgen", "tch", "torch", "mpi", "lammps"];
    never_sees("rust/potential", &outside);
    never_sees("rust/statistics", &outside);
    sees_only("rust/rheology", &outside, &["deepdms-statistics"]);
    sees_only("rust/mobility", &outside, &["deepdms-statistics"]);
}

#[test]
fn torch_sees_the_potential_and_the_boundary_only() {
    never_sees(
        "rust/torch",
        &["deepdms-rheology", "deepdms-plugin", "cxx", "lammps"],
    );
    for needed in ["deepdms-potential", "deepdms-boundary"] {
        assert!(dependencies("rust/torch").contains(&needed.to_owned()));
    }
    never_sees(
        "rust/boundary",
        &[
            "deepdms-rheology",
            "deepdms-plugin",
            "deepdms-torch",
            "cxx",
            "tch",
            "torch",
            "lammps",
        ],
    );
}

/// The plugin opens the engine at run time, so that a run without it does not load libtorch.
#[test]
fn the_plugin_sees_torch_through_the_boundary_only() {
    never_sees("rust/plugin", &["deepdms-torch", "tch", "torch"]);
    assert!(dependencies("rust/plugin").contains(&"deepdms-boundary".to_owned()));
}

#[test]
fn only_the_plugin_crosses_to_cpp() {
    assert!(dependencies("rust/plugin").contains(&"cxx".to_owned()));
    for other in [
        "rust/boundary",
        "rust/mobility",
        "rust/potential",
        "rust/rheology",
        "rust/statistics",
        "rust/torch",
        "rust/xtask",
        "tests",
    ] {
        never_sees(other, &["cxx"]);
    }
}

#[test]
fn cpp_sees_rust_through_the_bridges_only() {
    for file in fs::read_dir(root().join("cpp")).unwrap().flatten() {
        for line in fs::read_to_string(file.path()).unwrap().lines() {
            let Some(include) = line.strip_prefix("#include \"") else {
                continue;
            };
            let rust = include.contains("rust/") || include.contains(".rs.h");
            let bridge =
                include.starts_with("rust/cxx.h") || include.starts_with("deepdms-plugin/src/");
            assert!(!rust || bridge, "{}: {line}", file.path().display());
            assert!(
                !include.contains("torch"),
                "{}: {line}",
                file.path().display()
            );
        }
    }
}

#[test]
fn no_tracked_file_exceeds_a_megabyte() {
    // data that took hours to make, each with the script that made it
    let larger = |name: &str| match name {
        "examples/pd-glasses/potential/student-0.pb" => 5_000_000,
        "examples/pd-glasses/potential/data.tar.xz" => 12_000_000,
        _ => 1_000_000,
    };
    let listing = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git starts");
    assert!(
        listing.status.success(),
        "git ls-files failed: {}",
        String::from_utf8_lossy(&listing.stderr)
    );
    let names = String::from_utf8(listing.stdout).unwrap();
    let mut files = 0;
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        // a file that is about to be removed is still listed
        let Ok(meta) = fs::symlink_metadata(root().join(name)) else {
            continue;
        };
        assert!(
            meta.len() <= larger(name),
            "{name} has {} bytes",
            meta.len()
        );
        files += 1;
    }
    assert!(files > 20, "only {files} tracked files were found");
}
