//! TorchScript models against deepmd-kit's numbers, and what else can be said of running them.

#[path = "../../potential/tests/common/mod.rs"]
mod common;

use common::{Configuration, json, largest_difference, models, numbers};
use deepdms_potential::engine::Engine;
use deepdms_torch::ScriptEngine;

const CONFIGURATIONS: [&str; 5] = ["orthogonal", "triclinic", "cluster", "gas", "dense"];

/// Compares energies [eV] an atom, forces [eV/Å] and virials [eV] of all stored configurations.
fn agrees(file: &str, bound: f64) {
    let bytes = std::fs::read(models().join(file)).unwrap();
    let mut engine =
        ScriptEngine::new(file, &bytes, "cpu", false).unwrap_or_else(|error| panic!("{error}"));
    let stored = json(&format!("{file}.json"));
    assert_eq!(engine.models()[0].cutoff, stored["rcut"].as_f64().unwrap());
    for name in CONFIGURATIONS {
        let reference = &stored["configurations"][name];
        let list = |key: &str| numbers(&reference[key]);
        let given = |key: &str| reference.get(key).map(numbers).unwrap_or_default();
        let mut configuration = Configuration::stored(name);
        configuration.frame_parameters = given("fparam");
        configuration.atom_parameters = given("aparam");
        if configuration.frame_parameters.is_empty() {
            let default = &engine.models()[0].default_frame_parameters;
            configuration.frame_parameters = default.clone().unwrap_or_default();
        }
        let output = configuration.evaluate(&mut engine);
        let energy = output.energy - reference["energy"].as_f64().unwrap();
        let differences = [
            energy.abs() / configuration.len() as f64,
            largest_difference(&output.atom_energies, &list("atom_energies")),
            largest_difference(&output.forces, &list("forces")),
            largest_difference(&output.virial, &list("virial")) / 10.0,
            largest_difference(output.atom_virials.as_flattened(), &list("atom_virials")),
        ];
        println!("{file} {name}: {differences:?}");
        for difference in differences {
            assert!(difference < bound, "{file} {name}: {differences:?}");
        }
    }
}

#[test]
fn attention() {
    agrees("dpa1.pth", 1e-11);
    agrees("dpa1_concat.pth", 1e-11);
}

#[test]
fn tables() {
    agrees("dpa1_compressed.pth", 1e-11);
}

#[test]
fn combined_models() {
    agrees("linear.pth", 1e-11);
    agrees("short_range.pth", 1e-11);
}

#[test]
fn models_of_other_quantities_are_refused() {
    for (file, feature) in [
        (
            "refused_dipole.pth",
            "a model of class DipoleModel, which gives dipole and no energy,",
        ),
        ("refused_spin.pth", "a spin model (SpinEnergyModel)"),
    ] {
        let bytes = std::fs::read(models().join(file)).unwrap();
        let error = ScriptEngine::new(file, &bytes, "cpu", true)
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            format!("{file}: {feature} is not supported. Energy models are")
        );
    }
}

#[test]
fn messages_between_atoms() {
    agrees("dpa2.pth", 1e-11);
    agrees("dpa3.pth", 1e-11);
}

#[test]
fn parameters_of_frames_and_atoms() {
    agrees("parameters.pth", 1e-11);
    agrees("default_fparam.pth", 1e-11);
}

#[test]
fn models_that_have_a_reader_can_be_run_too() {
    agrees("two_sided.pth", 1e-11);
    agrees("overflow.pth", 1e-11);
    agrees("float32.pth", 1e-5);
}
