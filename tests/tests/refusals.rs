//! What LAMMPS or the style refuses around `pair_style deepmd`, with the message that the user sees, and that everything
//! works again afterwards.

use deepdms_tests::lammps::{Lammps, Turn};

struct Setting(Turn);

impl Setting {
    fn new() -> Self {
        Self(Turn::wait())
    }

    /// Lines with `{plugin}`, `{model}` and `{data}` replaced.
    fn fill_in(&self, lines: &str) -> String {
        let models = self.0.place.models();
        lines
            .replace("{plugin}", &self.0.place.plugin.display().to_string())
            .replace(
                "{model}",
                &models.join("one_sided.pb").display().to_string(),
            )
            .replace(
                "{data}",
                &models
                    .join("references/orthogonal.data")
                    .display()
                    .to_string(),
            )
    }

    /// Asserts that the last of `lines`, after those of `start`, is refused with `message`.
    fn refuses(&self, start: &str, lines: &str, message: &str) {
        let mut lammps = Lammps::open();
        lammps.commands(&self.fill_in(start)).unwrap();
        let lines = self.fill_in(lines);
        let (before, last) = lines.rsplit_once('\n').unwrap_or(("", &lines));
        lammps.commands(before).unwrap();
        let found = lammps.command(last).expect_err(last);
        assert!(
            found.contains(message),
            "{last}\n  gives    {found}\n  expected {message}"
        );
    }
}

const MODEL: &str = "plugin load {plugin}\nunits metal\nread_data {data}\npair_style deepmd {model}\npair_coeff * * Pd Cu P";

#[test]
fn energies_of_single_pairs() {
    let setting = Setting::new();
    for (lines, message) in [
        (
            "group palladium type 1\ncompute g all group/group palladium\nthermo_style custom step pe c_g\nrun 0",
            "ERROR: Pair style does not support compute group/group",
        ),
        (
            "compute l all pair/local dist eng\ndump d all local 1 none.dump c_l[1] c_l[2]\nrun 0",
            "ERROR: Pair style does not support compute pair/local",
        ),
        (
            "pair_write 1 2 10 r 1.0 4.0 none.table X",
            "ERROR: Pair style deepmd does not support pair_write",
        ),
        (
            "compute s all stress/mop x center total\nthermo_style custom step c_s[1]\nrun 0",
            "ERROR: Pair style does not support compute stress/mop",
        ),
        (
            "compute b all born/matrix",
            "ERROR: Pair style deepmd does not support compute born/matrix",
        ),
    ] {
        setting.refuses(MODEL, lines, message);
    }
}

#[test]
fn other_styles_that_do_not_go_together() {
    let setting = Setting::new();
    for (lines, message) in [
        (
            "fix move all nve\nrun_style respa 2 2 inner 1 2.0 3.0 outer 2\nrun 1",
            "ERROR: Pair style does not support rRESPA inner/middle/outer",
        ),
        (
            "fix p all property/atom q ghost yes\nset type 1 charge 1.0\nset type 2 charge -1.0\nkspace_style ewald 1e-4\nrun 0",
            "ERROR: KSpace style is incompatible with Pair style",
        ),
        (
            "fix p all property/atom q ghost yes\nset type 1 charge 1.0\nset type 2 charge -1.0\nkspace_style msm 1e-4\nrun 0",
            "ERROR: KSpace style is incompatible with Pair style",
        ),
        (
            "variable half equal 0.5\nfix a all adapt 1 pair deepmd epsilon * * v_half\nrun 0",
            "ERROR: Fix adapt pair style deepmd param epsilon not supported",
        ),
    ] {
        setting.refuses(MODEL, lines, message);
    }
}

#[test]
fn commands_in_the_wrong_order() {
    let setting = Setting::new();
    let start = "plugin load {plugin}\nunits metal";
    for (lines, message) in [
        (
            "pair_style deepmd {model}\npair_coeff * * Pd Cu P",
            "ERROR: Pair_coeff command before simulation box is defined",
        ),
        (
            "read_data {data}\npair_coeff * * Pd Cu P",
            "ERROR: Pair_coeff command without a pair style",
        ),
        (
            "newton off on\nread_data {data}\npair_style deepmd {model}\npair_coeff * * Pd Cu P\nrun 0",
            "ERROR: Pair style deepmd requires newton pair on: add 'newton on'",
        ),
        (
            "read_data {data}\npair_style deepmd {model}\npair_coeff * * Pd Cu P\nplugin unload pair deepmd\npair_style deepmd {model}",
            "ERROR: Unrecognized pair style 'deepmd'",
        ),
        (
            "read_data {data}\npair_style hybrid/overlay deepmd {model} deepmd {model}\npair_coeff * * deepmd Pd Cu P",
            "ERROR: Expected integer parameter instead of 'Pd' in input script or data file",
        ),
    ] {
        setting.refuses(start, lines, message);
    }
}

#[test]
fn a_pair_style_before_the_box_and_a_refused_run_do_no_harm() {
    let setting = Setting::new();
    let mut lammps = Lammps::open();
    let deck = "plugin load {plugin}\nunits metal\npair_style deepmd {model} tolerance exact\nread_data {data}\npair_coeff * * Pd Cu P\nrun 0";
    lammps.commands(&setting.fill_in(deck)).unwrap();
    let energy = lammps.thermo("pe");
    lammps
        .commands("fix move all nve\nrun_style respa 2 2 inner 1 2.0 3.0 outer 2")
        .unwrap();
    lammps.command("run 1").unwrap_err();
    lammps
        .commands("unfix move\nrun_style verlet\nrun 0")
        .unwrap();
    assert!((lammps.thermo("pe") - energy).abs() < 1e-10);
}
