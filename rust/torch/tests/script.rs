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
    agrees("atten_one_sided.pth", 1e-11);
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

/// The attention model with other bytes of the same length in its pickle, which is stored as it is.
fn with_pickle(from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut file = std::fs::read(models().join("dpa1.pth")).unwrap();
    let find = |file: &[u8], some: &[u8]| file.windows(some.len()).position(|bytes| bytes == some);
    // the first name stands in the local header, the second in the directory; both have the checksum of the member
    let name = b"model/data.pkl";
    let local = find(&file, name).unwrap() - 30;
    let directory = local + 31 + find(&file[local + 31..], name).unwrap() - 46;
    let word =
        |file: &[u8], place: usize| u32::from_le_bytes(file[place..][..4].try_into().unwrap());
    let size = word(&file, directory + 24) as usize;
    let more = u16::from_le_bytes([file[local + 28], file[local + 29]]) as usize;
    let start = local + 30 + name.len() + more;
    let place = start + find(&file[start..start + size], from).unwrap();
    assert_eq!(from.len(), to.len());
    file[place..][..to.len()].copy_from_slice(to);
    let checksum = crc32(&file[start..start + size]).to_le_bytes();
    let sum = word(&file, directory + 16);
    assert_ne!(sum.to_le_bytes(), checksum);
    for old in [local + 14, directory + 16] {
        file[old..][..4].copy_from_slice(&checksum);
    }
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    let byte = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    };
    !bytes.iter().fold(!0, byte)
}

/// libtorch would read beyond what is stored, or take a tuple for a number.
#[test]
fn files_that_promise_more_than_they_hold_are_refused() {
    // the first tensor of shape [1, 3, 1], from the beginning of its storage
    let shape = b"K\x00(K\x01K\x03K\x01t";
    let beyond = "a tensor reaches beyond the numbers that are stored";
    let cases: [(&[u8], &[u8], &str); 3] = [
        (shape, b"K\x00(K\x01K\xffK\x01t", beyond),
        (shape, b"K\xfa(K\x01K\x03K\x01t", beyond),
        (
            b"ntypesq6K\x03",
            b"ntypesq6(t",
            "a value of type Tuple[()] stands where the program expects int",
        ),
    ];
    for (from, to, what) in cases {
        let bytes = with_pickle(from, to);
        let error = ScriptEngine::new("m.pth", &bytes, "cpu", true).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("m.pth: libtorch cannot load it: {what}")
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
