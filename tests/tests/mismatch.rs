//! The plugin built for something else than the LAMMPS that loads it: one line, no style, no crash.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use deepdms_tests::launch::succeed;
use deepdms_tests::place::Place;

/// One build at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Builds the plugin with `options` of CMake in a folder of its own, loads it with `lmp`, and returns what LAMMPS prints
/// after its banner.
fn load(name: &str, options: &[String]) -> String {
    let place = Place::find().unwrap_or_else(|reason| panic!("{reason}"));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = scratch
        .parent()
        .expect("the folder lies in the target directory");
    let build = scratch.join("mismatch").join(name);
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let cmake = place.venv.join("bin/cmake");

    let mut configure = Command::new(&cmake);
    configure
        .arg("-S")
        .arg(place.root.join("cmake"))
        .arg("-B")
        .arg(&build);
    if !build.join("CMakeCache.txt").exists() {
        configure
            .args(["-G", "Ninja"])
            .arg(define("CMAKE_MAKE_PROGRAM", &place.venv.join("bin/ninja")));
    }
    configure
        .arg(define("LAMMPS_ROOT", &place.lammps))
        .arg(define("MPI_INCLUDE", &place.venv.join("include")))
        .arg(define("LIBTORCH", &place.venv.join("libtorch")))
        .arg(define("DEEPDMS_CARGO_TARGET_DIR", target))
        .arg("-DDEEPDMS_CARGO_PACKAGES=deepdms-plugin;deepdms-tests")
        .arg(format!("-DDEEPDMS_TORCH={}", torch(&place)))
        .args(options);
    succeed(&mut configure);
    succeed(
        Command::new(&cmake)
            .arg("--build")
            .arg(&build)
            .args(["--parallel", "2"]),
    );

    let deck = build.join("in.load");
    fs::write(
        &deck,
        format!(
            "plugin load {}\nplugin list\n",
            build.join("deepdmsplugin.so").display()
        ),
    )
    .unwrap();
    // on two ranks, of which one is to speak
    succeed(
        Command::new(place.venv.join("bin/mpiexec"))
            .args(["-n", "2"])
            .arg(place.lammps.join("lmp"))
            .args(["-log", "none", "-in"])
            .arg(&deck)
            .env("LD_LIBRARY_PATH", place.venv.join("lib"))
            .env("OMP_NUM_THREADS", "1"),
    )
}

/// Whether the plugin under test has libtorch: the other builds then share what cargo made for it.
fn torch(place: &Place) -> &'static str {
    match place.plugin.with_file_name("deepdmstorch.so").exists() {
        true => "ON",
        false => "OFF",
    }
}

fn define(name: &str, value: &Path) -> String {
    format!("-D{name}={}", value.display())
}

/// Asserts that `line` is all that loading prints, and that nothing is registered.
fn refuses(name: &str, options: &[String], line: &str) {
    let printed = load(name, options);
    let lines: Vec<&str> = printed
        .lines()
        .filter(|line| line.contains("plugin"))
        .collect();
    assert_eq!(lines, [line, "Currently loaded plugins: 0"], "{printed}");
}

#[test]
fn another_version() {
    refuses(
        "version",
        &["-DLAMMPS_VERSION=2 Aug 2023".into()],
        "deepdms plugin not usable here: it was built for LAMMPS 2 Aug 2023, and this is LAMMPS 22 Jul 2025. \
         Build it again with -DLAMMPS_ROOT=<this LAMMPS>",
    );
}

#[test]
fn another_update() {
    refuses(
        "update",
        &["-DLAMMPS_UPDATE=2".into()],
        "deepdms plugin not usable here: it was built for LAMMPS 22 Jul 2025 update 2, and this is update 4. Build it \
         again with -DLAMMPS_ROOT=<this LAMMPS>",
    );
}

/// Headers as the Python package 2025.7.22.2 has them: without json_fwd.h, and with a member of Pair in another place.
/// The plugin builds, and finds by itself that it does not fit where nothing tells the update.
#[test]
fn another_layout() {
    let place = Place::find().unwrap_or_else(|reason| panic!("{reason}"));
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mismatch/older_headers");
    let folder = root.join("include/lammps");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    for header in fs::read_dir(place.lammps.join("include/lammps"))
        .unwrap()
        .flatten()
    {
        let name = header.file_name().into_string().unwrap();
        if !name.contains("json") && name != "nlohmann" && name != "pair.h" {
            symlink(header.path(), folder.join(name)).unwrap();
        }
    }
    let text = fs::read_to_string(place.lammps.join("include/lammps/pair.h")).unwrap();
    let (member, last) = ("  int suffix_flag; ", "  int copymode; ");
    assert!(text.contains(member) && text.contains(last));
    let moved = text
        .replacen(member, "  //", 1)
        .replacen(last, "  int suffix_flag, copymode; ", 1);
    fs::write(folder.join("pair.h"), moved).unwrap();
    refuses(
        "layout",
        &[
            define("LAMMPS_ROOT", &root),
            "-DLAMMPS_VERSION=22 Jul 2025".into(),
        ],
        "deepdms plugin not usable here: it was built with the headers of another LAMMPS than this, whose class Pair \
         differs. Build it again with -DLAMMPS_ROOT=<this LAMMPS>",
    );
}

#[test]
fn other_integer_sizes() {
    refuses(
        "sizes",
        &["-DLAMMPS_SIZES=bigbig".into()],
        "deepdms plugin not usable here: it was built for LAMMPS with bigbig integers, and this LAMMPS has smallbig \
         integers. Build it again with -DLAMMPS_SIZES=smallbig",
    );
}

#[test]
fn another_mpi() {
    let place = Place::find().unwrap_or_else(|reason| panic!("{reason}"));
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mismatch/open_mpi");
    fs::create_dir_all(&folder).unwrap();
    // an mpi.h that says it is Open MPI's, and has a symbol that only Open MPI has, as that one does
    let real = place.venv.join("include");
    let header = format!(
        "#pragma once\n#define OPEN_MPI 1\n#include \"{}\"\nextern int ompi_mpi_double;\n\
         __attribute__((used)) static int *ompi_used = &ompi_mpi_double;\n",
        real.join("mpi.h").display()
    );
    fs::write(folder.join("mpi.h"), header).unwrap();
    fs::copy(real.join("mpi_proto.h"), folder.join("mpi_proto.h")).unwrap();
    refuses(
        "mpi",
        &[define("MPI_INCLUDE", &folder)],
        "deepdms plugin not usable here: it was built with the mpi.h of Open MPI, and this LAMMPS runs with MPICH. \
         Build it again with -DMPI_INCLUDE=<folder of that mpi.h>",
    );
}
