//! Another plugin that has a pair style deepmd, as deepmd-kit's own: loaded before this one, after it, and in use.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use deepdms_tests::launch::succeed;
use deepdms_tests::place::Place;
use deepdms_tests::table::read_json;

const TAKES_THE_PLACE: &str = "Pair style deepmd of deepdms takes the place of another plugin's, 'pair style of a stand-in' by somebody \
     else. To go back: plugin unload pair deepmd, then plugin load the other file\n";

/// Energy of the stand-in: 1 for each of the 48 atoms.
const OTHER: f64 = 48.0;

struct Setting {
    place: Place,
    /// The stand-in, alone in its folder.
    other: PathBuf,
}

impl Setting {
    fn new() -> Self {
        static OTHER: OnceLock<PathBuf> = OnceLock::new();
        let place = Place::find().unwrap_or_else(|reason| panic!("{reason}"));
        let other = OTHER.get_or_init(|| build(&place)).clone();
        Self { place, other }
    }

    /// What LAMMPS prints for a deck on two ranks; `${ours}`, `${other}` and `${model}` are the two plugins and a model.
    fn run(&self, name: &str, deck: &str, plugin_path: &[&Path]) -> String {
        let file = self.other.with_file_name(format!("in.{name}"));
        fs::write(&file, deck).unwrap();
        let path: Vec<String> = plugin_path
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        let models = self.place.models();
        let output = Command::new(self.place.venv.join("bin/mpiexec"))
            .args(["-n", "2"])
            .arg(self.place.lammps.join("lmp"))
            .args(["-log", "none", "-nocite", "-in"])
            .arg(&file)
            .args(["-var", "ours"])
            .arg(&self.place.plugin)
            .args(["-var", "other"])
            .arg(&self.other)
            .args(["-var", "model"])
            .arg(models.join("one_sided.pb"))
            .args(["-var", "data"])
            .arg(models.join("references/triclinic.data"))
            .env("LAMMPS_PLUGIN_PATH", path.join(":"))
            .env("LD_LIBRARY_PATH", self.place.venv.join("lib"))
            .env("OMP_NUM_THREADS", "1")
            .output()
            .unwrap();
        [output.stdout, output.stderr]
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .concat()
    }

    /// deepmd-kit's energy [eV].
    fn ours(&self) -> f64 {
        let file = self.place.models().join("references/one_sided.pb.json");
        read_json(&file, "configurations.triclinic.energy").unwrap()[0]
    }
}

/// Compiles the stand-in; returns its file.
fn build(place: &Place) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rival");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("standinplugin.so");
    succeed(
        Command::new("c++")
            .args(["-std=c++17", "-shared", "-fPIC", "-DLAMMPS_SMALLBIG", "-I"])
            .arg(place.lammps.join("include/lammps"))
            .arg("-I")
            .arg(place.venv.join("include"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rival/standin.cpp"))
            .arg("-o")
            .arg(&file),
    );
    file
}

/// The numbers that lines `ENERGY number` print.
fn energies(printed: &str) -> Vec<f64> {
    printed
        .lines()
        .filter_map(|line| line.strip_prefix("ENERGY "))
        .map(|number| number.parse().unwrap())
        .collect()
}

/// Asserts which energies a run printed.
fn gives(printed: &str, expected: &[f64]) {
    let found = energies(printed);
    assert_eq!(found.len(), expected.len(), "{printed}");
    for (found, expected) in found.iter().zip(expected) {
        // the other style has no keyword for the last digits: what the default tolerance leaves
        assert!((found - expected).abs() < 1e-7, "{printed}");
    }
}

const SYSTEM: &str = "units metal\nread_data ${data}\n";
const RUN: &str =
    "pair_style deepmd ${model}\npair_coeff * *\nrun 0 post no\nprint \"ENERGY $(pe:%.17g)\"\n";

#[test]
fn loaded_after_the_other_this_one_takes_its_place() {
    let setting = Setting::new();
    let deck = format!(
        "plugin load ${{other}}\nplugin load ${{ours}}\n{SYSTEM}{RUN}clear\n{SYSTEM}{RUN}\
         pair_style none\nplugin unload pair deepmd\nplugin load ${{other}}\n{RUN}"
    );
    let printed = setting.run("after", &deck, &[]);
    gives(&printed, &[setting.ours(), setting.ours(), OTHER]);
    assert_eq!(printed.matches(TAKES_THE_PLACE).count(), 1, "{printed}");
}

#[test]
fn loaded_before_the_other_this_one_stays() {
    let setting = Setting::new();
    let deck = format!("plugin load ${{ours}}\nplugin load ${{other}}\n{SYSTEM}{RUN}");
    let printed = setting.run("before", &deck, &[]);
    gives(&printed, &[setting.ours()]);
    let line = "Ignoring load of pair style deepmd: must unload existing deepmd plugin first\n";
    assert_eq!(printed.matches(line).count(), 1, "{printed}");
}

#[test]
fn the_other_stays_while_it_is_in_use() {
    let setting = Setting::new();
    let deck = format!(
        "plugin load ${{other}}\n{SYSTEM}{RUN}plugin load ${{ours}}\n{RUN}\
         plugin unload pair deepmd\nplugin load ${{ours}}\n{RUN}"
    );
    let printed = setting.run("in_use", &deck, &[]);
    gives(&printed, &[OTHER, OTHER, setting.ours()]);
    let line = "WARNING: Pair style deepmd of another plugin, 'pair style of a stand-in' by somebody else, is in use and \
                stays. For that of deepdms, put plugin load before pair_style, or use first: plugin unload pair deepmd";
    assert_eq!(printed.matches(line).count(), 1, "{printed}");
    assert_eq!(printed.matches(TAKES_THE_PLACE).count(), 0, "{printed}");
}

#[test]
fn found_in_the_plugin_path_this_one_wins() {
    let setting = Setting::new();
    let other = setting.other.parent().unwrap();
    let ours = setting.place.plugin.parent().unwrap();
    let deck = format!("{SYSTEM}{RUN}clear\n{SYSTEM}{RUN}");
    for path in [[other, ours], [ours, other]] {
        let printed = setting.run("path", &deck, &path);
        gives(&printed, &[setting.ours(), setting.ours()]);
    }
}

#[test]
fn styles_that_need_the_other_are_not_available_beside_this_one() {
    let setting = Setting::new();
    let deck = format!(
        "plugin load ${{other}}\nplugin load ${{ours}}\n{SYSTEM}{RUN}compute d all deepmd/fparam/dedn v_x\n"
    );
    let printed = setting.run("stranger", &deck, &[]);
    gives(&printed, &[setting.ours()]);
    let line = "compute style deepmd/fparam/dedn works only with pair style deepmd of the plugin that it comes from, and is \
                not available beside that of deepdms\n";
    assert_eq!(printed.matches(line).count(), 1, "{printed}");
    assert!(
        printed.contains("ERROR: Unrecognized compute style 'deepmd/fparam/dedn'"),
        "{printed}"
    );
}
