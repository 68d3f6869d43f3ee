//! Keywords of pair_style deepmd inside this process: what stops LAMMPS, error after error, and the summary of a run.

use std::fs;
use std::path::PathBuf;

use deepdms_tests::lammps::{Lammps, Turn};

struct Setting {
    lammps: Lammps,
    turn: Turn,
}

impl Setting {
    /// An instance with atoms, and no pair style yet.
    fn new() -> Self {
        let turn = Turn::wait();
        let mut lammps = Lammps::open();
        let plugin = turn.place.plugin.display();
        let data = turn.place.models().join("references/orthogonal.data");
        lammps
            .commands(&format!(
                "plugin load {plugin}\nunits metal\nread_data {}\nmass * 60",
                data.display()
            ))
            .unwrap();
        Self { lammps, turn }
    }

    fn pair_style(&mut self, model: &str, keywords: &str) -> Result<(), String> {
        let model = self.turn.place.models().join(model);
        self.lammps.commands(&format!(
            "pair_style deepmd {} {keywords}\npair_coeff * * Pd Cu P",
            model.display()
        ))
    }
}

/// What LAMMPS says without its prefix and the line in the source.
fn text(error: &str) -> &str {
    let error = error.strip_prefix("ERROR: ").unwrap_or(error);
    error.split(" (cpp/").next().unwrap_or(error)
}

#[test]
fn a_source_of_parameters_that_does_not_fit_is_named() {
    let mut setting = Setting::new();
    setting
        .lammps
        .commands(
            "compute one all reduce sum x\ncompute two all reduce sum x y\n\
             compute atoms all property/atom x\ncompute table all property/atom x y\n\
             fix none all nve\nvariable v equal 1\nfix pair all ave/time 1 1 1 v_v v_v",
        )
        .unwrap();
    let cases = [
        (
            "fparam_from_compute nope aparam 1",
            "compute nope for fparam is not found",
        ),
        (
            "fparam_from_compute atoms aparam 1",
            "compute atoms does not provide a vector for fparam",
        ),
        (
            "fparam_from_compute one aparam 1",
            "compute one does not provide a vector for fparam",
        ),
        (
            "fparam 1 2 aparam_from_compute nope",
            "compute nope for aparam is not found",
        ),
        (
            "fparam 1 2 aparam_from_compute two",
            "compute two does not provide per-atom data for aparam",
        ),
        (
            "fparam 1 2 aparam_from_compute table",
            "compute table does not provide a per-atom vector for aparam",
        ),
        ("fparam_from_fix nope aparam 1", "fix id is not found: nope"),
        (
            "fparam_from_fix none aparam 1",
            "fix none does not provide a scalar for fparam",
        ),
        (
            "fparam_from_fix none 1 aparam 1",
            "fix none does not provide a vector for fparam",
        ),
        (
            "fparam_from_fix pair 2 aparam 1",
            "fix pair vector is shorter than fparam dimension",
        ),
        ("fparam 1 2 ttm nope", "fix ttm id is not found: nope"),
        (
            "fparam 1 2 ttm none",
            "fix none is of style nve: pair_style deepmd needs fix ttm or ttm/mod",
        ),
    ];
    for (keywords, message) in cases {
        setting.pair_style("parameters.dp", keywords).unwrap();
        let error = setting.lammps.command("run 0 post no").unwrap_err();
        assert_eq!(text(&error), message, "{keywords}");
    }

    // a model with one frame parameter wants a scalar
    setting
        .pair_style("one_parameter.dp", "fparam_from_compute two")
        .unwrap();
    let error = setting.lammps.command("run 0 post no").unwrap_err();
    assert_eq!(
        text(&error),
        "compute two does not provide a scalar for fparam"
    );
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let mut setting = Setting::new();
    setting
        .lammps
        .commands(
            "variable huge atom 1e308*(1+x-x)\n\
             compute huge all reduce sum v_huge\nfix p all property/atom d_p\n\
             compute p all property/atom d_p",
        )
        .unwrap();
    setting
        .pair_style("one_parameter.dp", "fparam_from_compute huge")
        .unwrap();
    let error = setting.lammps.command("run 0 post no").unwrap_err();
    assert_eq!(text(&error), "compute huge gives the frame parameter inf");

    setting
        .pair_style("parameters.dp", "fparam 1 2 aparam_from_compute p")
        .unwrap();
    setting
        .lammps
        .commands("variable both atom v_huge*10\nset group all d_p v_both")
        .unwrap();
    let error = setting.lammps.command("run 0 post no").unwrap_err();
    assert_eq!(
        text(&error),
        "ERROR on proc 0: compute p gives the atom parameter inf"
    );
}

#[test]
fn what_a_model_does_not_take_is_refused() {
    let mut setting = Setting::new();
    let error = setting.pair_style("one_sided.dp", "charge_spin 1 0");
    assert_eq!(
        text(&error.unwrap_err()),
        "the model takes no charge and spin: remove charge_spin"
    );
    let model = setting.turn.place.models().join("parameters.dp");
    let error = setting.pair_style("one_sided.dp", &model.display().to_string());
    let folder = setting.turn.place.models();
    assert_eq!(
        text(&error.unwrap_err()),
        format!(
            "{0}/parameters.dp takes 2 frame and 1 atom parameters, and {0}/one_sided.dp takes 0 and 0: models whose deviation is wanted need the same",
            folder.display()
        )
    );
}

/// Average seconds by row of the last table of the style in a log.
fn times(log: &PathBuf) -> Vec<f64> {
    let text = fs::read_to_string(log).unwrap();
    let table = text.split("Pair deepmd timing breakdown").last().unwrap();
    let rows = table.lines().skip(3).take(7);
    rows.map(|row| row.split('|').nth(2).unwrap().trim().parse().unwrap())
        .collect()
}

/// Average seconds of LAMMPS' own row `Pair` in the last table of a log.
fn pair_time(log: &PathBuf) -> f64 {
    let text = fs::read_to_string(log).unwrap();
    let row = text.lines().rfind(|line| line.starts_with("Pair    |"));
    row.unwrap()
        .split('|')
        .nth(2)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

#[test]
fn times_are_those_of_the_run_that_ended() {
    let mut setting = Setting::new();
    let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("keywords.log");
    setting
        .pair_style("paper_shape.pb", "tolerance 1e-6")
        .unwrap();
    setting
        .lammps
        .commands(&format!(
            "log {}\nfix 1 all nve\nneigh_modify every 1 delay 0 check no",
            log.display()
        ))
        .unwrap();
    setting.lammps.command("run 40").unwrap();
    let (long, pair) = (times(&log), pair_time(&log));
    let sum: f64 = long.iter().sum();
    assert!(
        sum < 1.01 * pair && sum > 0.8 * pair,
        "{long:?} sum up to {sum}, and LAMMPS says {pair}"
    );
    assert!(long.iter().all(|&seconds| seconds > 0.0), "{long:?}");

    // neither the first run nor the set-up of the second counts
    setting.lammps.command("run 4").unwrap();
    let (short, pair) = (times(&log), pair_time(&log));
    let sum: f64 = short.iter().sum();
    assert!(
        sum < 1.01 * pair,
        "{short:?} sum up to {sum}, and LAMMPS says {pair}"
    );
    // nor does anything where nothing is set up
    setting.lammps.command("run 4 pre no").unwrap();
    let (short, pair) = (times(&log), pair_time(&log));
    let sum: f64 = short.iter().sum();
    assert!(
        sum < 1.01 * pair && sum > 0.5 * pair,
        "{short:?} sum up to {sum}, and LAMMPS says {pair}"
    );
    setting.lammps.command("log none").unwrap();
}
