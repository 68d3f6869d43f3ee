//! The libtorch engine against the native one, on every stored model and configuration.

#[path = "../../potential/tests/common/mod.rs"]
mod common;

use common::{Configuration, largest_difference, model};
use deepdms_potential::engine::{Engine, NativeEngine};
use deepdms_torch::TorchEngine;

const MODELS: [&str; 23] = [
    "one_sided.pb",
    "two_sided.pb",
    "two_sided.dp",
    "overflow.pb",
    "overflow.dp",
    "zero_davg.pb",
    "exclude_one_sided.pth",
    "one_sided_compressed.pb",
    "two_sided_compressed.pb",
    "exclude_one_sided.pb",
    "exclude_two_sided.pb",
    "atom_ener.pb",
    "radial_exclude.dp",
    "radial_exclude.pb",
    "three_body.pth",
    "hybrid_aa.dp",
    "hybrid_ar.pb",
    "hybrid_a3_compressed.pb",
    "parameters.dp",
    "pairs_off.dp",
    "atoms_off.dp",
    "type_embedding.pb",
    "type_embedding_strip.pb",
];

#[test]
fn both_engines_give_the_same_numbers() {
    for file in MODELS {
        let mut native = NativeEngine::new(vec![model(file)]).unwrap();
        let mut torch = TorchEngine::new(vec![model(file)], "cpu").unwrap();
        for name in ["orthogonal", "triclinic", "cluster", "gas", "dense"] {
            let mut configuration = Configuration::stored(name);
            let interface = &native.models()[0];
            let spread = |count: usize| (0..count).map(|k| 0.7 - 0.4 * (k % 5) as f64).collect();
            configuration.frame_parameters = spread(interface.frame_parameters);
            configuration.atom_parameters = spread(configuration.len() * interface.atom_parameters);
            let ours = configuration.evaluate(&mut native);
            let theirs = configuration.evaluate(&mut torch);
            let energy = (ours.energy - theirs.energy).abs() / configuration.len() as f64;
            let force = largest_difference(&ours.forces, &theirs.forces);
            let virial = largest_difference(&ours.virial, &theirs.virial);
            let atom_virial = ours
                .atom_virials
                .iter()
                .zip(&theirs.atom_virials)
                .map(|(a, b)| largest_difference(a, b))
                .fold(0.0, f64::max);
            println!("{file} {name}: {energy:.1e} eV/atom, {force:.1e} eV/A, {virial:.1e} eV");
            assert!(
                energy < 1e-10,
                "{file} {name}: energies differ by {energy:e} eV/atom"
            );
            assert!(
                force < 1e-10,
                "{file} {name}: forces differ by {force:e} eV/A"
            );
            assert!(
                virial < 1e-9,
                "{file} {name}: virials differ by {virial:e} eV"
            );
            assert!(
                atom_virial < 1e-10,
                "{file} {name}: atom virials differ by {atom_virial:e} eV"
            );
        }
    }
}
