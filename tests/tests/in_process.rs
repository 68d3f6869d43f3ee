//! The plugin inside this process, through LAMMPS' library interface: what a single run of `lmp` cannot show.

use deepdms_tests::compare::{Tolerance, compare};
use deepdms_tests::lammps::{Lammps, Turn};
use deepdms_tests::table::read_json;

/// Forces of the native engine against deepmd-kit's [eV/Å].
const PARITY: Tolerance = Tolerance {
    relative: 0.0,
    absolute: 1e-10,
};

/// Against a second evaluation by the same code, which may have seen the neighbours in another order.
const SAME: Tolerance = Tolerance {
    relative: 1e-12,
    absolute: 0.0,
};

struct Setting(Turn);

impl Setting {
    fn new() -> Self {
        Self(Turn::wait())
    }

    /// An instance with the reference configuration `system`, and no pair style yet.
    fn open(&self, system: &str) -> Lammps {
        let mut lammps = Lammps::open();
        lammps
            .command(&format!("plugin load {}", self.0.place.plugin.display()))
            .unwrap();
        self.read(&mut lammps, system);
        lammps
    }

    fn read(&self, lammps: &mut Lammps, system: &str) {
        let data = self
            .0
            .place
            .models()
            .join(format!("references/{system}.data"));
        let boundary = if system == "cluster" {
            "boundary s s s"
        } else {
            ""
        };
        let lines = format!(
            "units metal\natom_modify map array\n{boundary}\nread_data {}",
            data.display()
        );
        lammps.commands(&lines).unwrap();
    }

    fn pair_style(&self, lammps: &mut Lammps, model: &str) {
        let model = self.0.place.models().join(model);
        lammps
            .commands(&format!(
                "pair_style deepmd {} tolerance exact\npair_coeff * * Pd Cu P\nrun 0 post no",
                model.display()
            ))
            .unwrap();
    }

    /// deepmd-kit's forces, `[n_atoms, 3]`, flat.
    fn reference(&self, model: &str, system: &str) -> Vec<f64> {
        let file = self
            .0
            .place
            .models()
            .join(format!("references/{model}.json"));
        read_json(&file, &format!("configurations.{system}.forces")).unwrap()
    }
}

/// Forces in the order of atom ids, flat.
fn forces(lammps: &Lammps) -> Vec<f64> {
    let mut rows: Vec<_> = lammps.ids().into_iter().zip(lammps.forces()).collect();
    rows.sort_by_key(|(id, _)| *id);
    rows.into_iter().flat_map(|(_, row)| row).collect()
}

#[test]
fn two_instances_keep_their_own_models() {
    let setting = Setting::new();
    let mut first = setting.open("triclinic");
    let mut second = setting.open("orthogonal");
    setting.pair_style(&mut first, "one_sided.pb");
    setting.pair_style(&mut second, "two_sided.pb");
    compare(
        "first",
        &forces(&first),
        &setting.reference("one_sided.pb", "triclinic"),
        PARITY,
    )
    .unwrap();
    compare(
        "second",
        &forces(&second),
        &setting.reference("two_sided.pb", "orthogonal"),
        PARITY,
    )
    .unwrap();

    // the second one goes away; the first one does not notice
    drop(second);
    let before = forces(&first);
    first
        .commands("displace_atoms all move 0.3 0.2 0.1\nrun 0 post no")
        .unwrap();
    compare(
        "a shift of all atoms",
        &forces(&first),
        &before,
        Tolerance {
            relative: 0.0,
            absolute: 1e-10,
        },
    )
    .unwrap();
}

#[test]
fn clear_forgets_the_model_and_keeps_the_style() {
    let setting = Setting::new();
    let mut lammps = setting.open("triclinic");
    setting.pair_style(&mut lammps, "one_sided.pb");
    lammps.command("clear").unwrap();
    setting.read(&mut lammps, "dense");
    setting.pair_style(&mut lammps, "two_sided.pb");
    compare(
        "forces",
        &forces(&lammps),
        &setting.reference("two_sided.pb", "dense"),
        PARITY,
    )
    .unwrap();
}

#[test]
fn a_second_pair_style_replaces_the_first() {
    let setting = Setting::new();
    let mut lammps = setting.open("triclinic");
    setting.pair_style(&mut lammps, "one_sided.pb");
    let first = forces(&lammps);
    setting.pair_style(&mut lammps, "two_sided.pb");
    compare(
        "second",
        &forces(&lammps),
        &setting.reference("two_sided.pb", "triclinic"),
        PARITY,
    )
    .unwrap();
    setting.pair_style(&mut lammps, "one_sided.pb");
    compare("first again", &forces(&lammps), &first, SAME).unwrap();
}

#[test]
fn a_refused_model_leaves_lammps_usable() {
    let setting = Setting::new();
    let mut lammps = setting.open("triclinic");
    let missing = setting.0.place.models().join("missing.pb");
    let message = lammps
        .command(&format!("pair_style deepmd {}", missing.display()))
        .unwrap_err();
    assert!(message.contains("missing.pb"), "{message}");
    setting.pair_style(&mut lammps, "one_sided.pb");
    compare(
        "forces",
        &forces(&lammps),
        &setting.reference("one_sided.pb", "triclinic"),
        PARITY,
    )
    .unwrap();
}

#[test]
fn the_plugin_registers_three_styles_once_for_all_instances() {
    let setting = Setting::new();
    let first = setting.open("gas");
    let second = setting.open("gas");
    assert_eq!((first.plugin_count(), second.plugin_count()), (3, 3));
}
