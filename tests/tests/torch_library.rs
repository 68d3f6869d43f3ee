//! The library of the libtorch engine: opened where a run asks for it, from beside the plugin, and only if it fits.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use deepdms_tests::lammps::{Lammps, Turn};
use deepdms_tests::output::Output;
use deepdms_tests::place::Place;

const LIBRARY: &str = "deepdmstorch.so";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A run of one model with some engine.
const PAIR: &str = "pair_style deepmd ${model} engine ${engine} tolerance exact\npair_coeff * * Pd Cu P\nrun 0\nprint \"RESULT energy $(pe:%.17g)\"\n";

/// A folder with a plugin and, perhaps, something beside it.
struct Setting {
    place: Place,
    folder: PathBuf,
}

impl Setting {
    /// A new folder with a link to the plugin under test, or, where it is to lie there itself, a copy.
    fn new(name: &str, copied: bool) -> Self {
        let place = Place::find().unwrap_or_else(|reason| panic!("{reason}"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("torch_library")
            .join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(folder.join("elsewhere")).unwrap();
        let plugin = folder.join("deepdmsplugin.so");
        if copied {
            fs::copy(&place.plugin, plugin).unwrap();
        } else {
            symlink(&place.plugin, plugin).unwrap();
        }
        Self { place, folder }
    }

    /// The library that belongs to the plugin under test.
    fn library(&self) -> Vec<u8> {
        let file = self.place.plugin.with_file_name(LIBRARY);
        fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// Puts something into the place of the library.
    fn put(&self, bytes: &[u8]) {
        fs::write(self.folder.join(LIBRARY), bytes).unwrap();
    }

    /// Runs LAMMPS in the folder, on two ranks; the plugin has a relative path, and the folder is left after it is loaded.
    fn run(&self, model: &str, engine: &str) -> Output {
        let models = self.place.models();
        let start =
            "plugin load ./deepdmsplugin.so\nshell cd elsewhere\nunits metal\nread_data ${data}\n";
        fs::write(self.folder.join("in.lmp"), format!("{start}{PAIR}")).unwrap();
        let output = Command::new(self.place.venv.join("bin/mpiexec"))
            .args(["-n", "2"])
            .arg(self.place.lammps.join("lmp"))
            .args(["-in", "in.lmp", "-log", "none", "-nocite"])
            .args(["-var", "engine", engine, "-var", "model"])
            .arg(models.join(model))
            .args(["-var", "data"])
            .arg(models.join("references/triclinic.data"))
            .current_dir(&self.folder)
            .env_remove("LAMMPS_PLUGIN_PATH")
            .env("LD_LIBRARY_PATH", self.place.venv.join("lib"))
            .env("OMP_NUM_THREADS", "1")
            .output()
            .unwrap();
        let mut result = Output::default();
        for text in [output.stdout, output.stderr] {
            result.add(&String::from_utf8_lossy(&text), output.status.success());
        }
        result
    }

    /// Asserts that a run stops with this error, told once; `{library}` stands for the path of the library.
    fn refuses(&self, model: &str, engine: &str, error: &str) {
        let path = fs::canonicalize(&self.folder).unwrap().join(LIBRARY);
        let expected = error
            .replace("{library}", &path.display().to_string())
            .replace(
                "{model}",
                &self.place.models().join(model).display().to_string(),
            );
        let output = self.run(model, engine);
        assert_eq!(output.error.as_deref(), Some(&*expected), "{}", output.text);
        assert!(!output.succeeded);
        assert_eq!(output.text.matches("ERROR").count(), 1, "{}", output.text);
    }
}

/// Files that this process has in its memory.
fn mapped() -> String {
    fs::read_to_string("/proc/self/maps").unwrap()
}

#[test]
fn libtorch_is_loaded_for_what_needs_it_only() {
    let turn = Turn::wait();
    let models = turn.place.models();
    let mut lammps = Lammps::open();
    let mut run = |engine: &str| {
        lammps
            .commands(&format!(
                "clear\nplugin load {}\nunits metal\nread_data {}\nvariable model string {}\nvariable engine string {engine}\n{PAIR}",
                turn.place.plugin.display(),
                models.join("references/triclinic.data").display(),
                models.join("one_sided.pb").display(),
            ))
            .unwrap();
        (lammps.thermo("pe"), mapped())
    };
    let (native, files) = run("native");
    assert!(files.contains("/deepdmsplugin.so"));
    for name in [LIBRARY, "libtorch", "libc10"] {
        let lines: Vec<_> = files.lines().filter(|line| line.contains(name)).collect();
        assert!(lines.is_empty(), "{lines:?}");
    }
    let (torch, files) = run("torch");
    for name in [LIBRARY, "/libtorch_cpu.so"] {
        assert!(files.contains(name), "{files}");
    }
    assert!((native - torch).abs() < 1e-9, "{native} and {torch}");
}

#[test]
fn a_link_to_the_plugin_and_another_working_directory_do_no_harm() {
    let setting = Setting::new("link", false);
    for (model, engine) in [("one_sided.pb", "torch"), ("dpa2.pth", "native")] {
        let output = setting.run(model, engine);
        assert!(
            output.succeeded && output.error.is_none(),
            "{}",
            output.text
        );
        assert_eq!(output.results["energy"].len(), 1);
    }
}

#[test]
fn a_library_that_is_not_there() {
    let setting = Setting::new("missing", true);
    let remedy = "needs {library}, which is not there. Build the plugin with -D DEEPDMS_TORCH=ON and leave both files in one folder";
    setting.refuses("one_sided.pb", "torch", &format!("engine torch {remedy}"));
    setting.refuses(
        "dpa2.pth",
        "native",
        &format!(
            "{{model}}: a descriptor of class DescrptDPA2 is evaluated by libtorch only, and that {remedy}"
        ),
    );
    // a model with a reader needs nothing
    let output = setting.run("one_sided.pb", "native");
    assert!(output.succeeded, "{}", output.text);
}

#[test]
fn a_file_that_is_no_library() {
    let setting = Setting::new("broken", true);
    setting.put(b"broken");
    setting.refuses(
        "one_sided.pb",
        "torch",
        "engine torch needs {library}, which cannot be loaded ({library}: file too short). See that libtorch is where it \
         was when this file was built, or build again with -D LIBTORCH=<its folder>",
    );
}

#[test]
fn a_library_of_something_else() {
    let setting = Setting::new("foreign", true);
    setting.put(&fs::read(&setting.place.plugin).unwrap());
    setting.refuses(
        "one_sided.pb",
        "torch",
        "engine torch needs {library}, which is another library. Build the plugin again with -D DEEPDMS_TORCH=ON",
    );
}

#[test]
fn a_library_of_another_build() {
    let setting = Setting::new("build", true);
    let mut library = setting.library();
    // the plugin's own word for its build, of which the library gets another
    let word = b"deepdms-build ";
    let starts = |bytes: &[u8]| -> Vec<usize> {
        let places = bytes.windows(word.len()).enumerate();
        places
            .filter(|(_, window)| window == word)
            .map(|(place, _)| place + word.len())
            .collect()
    };
    let build = |bytes: &[u8], start: usize| -> String {
        let length = VERSION.len() + " ".len() + 16;
        String::from_utf8(bytes[start..start + length].to_vec()).unwrap()
    };
    let found = starts(&library);
    let ours = found.iter().map(|&start| build(&library, start)).next();
    let ours = ours.expect("a build is told in the library");
    for start in found {
        library[start..start + VERSION.len()].fill(b'9');
    }
    setting.put(&library);
    let theirs = ours.replacen(VERSION, &"9".repeat(VERSION.len()), 1);
    setting.refuses(
        "one_sided.pb",
        "torch",
        &format!(
            "engine torch needs {{library}}, which is from another build ({theirs}) than the plugin ({ours}). Build both \
             again with -D DEEPDMS_TORCH=ON"
        ),
    );
}
