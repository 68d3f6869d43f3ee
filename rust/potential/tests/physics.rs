//! The native engine against the readable reference, its gradients against finite differences, and the symmetries that
//! every potential has.

mod common;
mod reference;

use common::{Configuration, Images, largest_difference, model};
use deepdms_potential::descriptor::neighbours::{Atoms, NeighbourList};
use deepdms_potential::engine::{Engine, NativeEngine};
use deepdms_potential::virial::Output;
use deepdms_potential::{Error, Model};

const MODELS: [&str; 18] = [
    "one_sided.pb",
    "two_sided.pb",
    "exclude_one_sided.pb",
    "trained_native.dp",
    "gelu_silu.pb",
    "silut_linear.pb",
    "two_sided_compressed.pb",
    "radial_exclude.pb",
    "three_body.pb",
    "hybrid_ar.pb",
    "hybrid_a3.pb",
    "parameters_atom_ener.pb",
    "atoms_off.dp",
    "hybrid_a3_compressed.pb",
    "atten_one_sided.dp",
    "atten_smooth.dp",
    "atten_tf_faded.pb",
    "atten_tf_smooth_compressed.pb",
];
const CONFIGURATIONS: [&str; 4] = ["orthogonal", "triclinic", "cluster", "gas"];

fn engine(file: &str) -> NativeEngine {
    NativeEngine::new(vec![model(file)]).unwrap()
}

/// A stored configuration, with parameters for a model that takes some.
fn configuration(name: &str, model: &Model) -> Configuration {
    let mut configuration = Configuration::stored(name);
    let spread = |count: usize| (0..count).map(|k| 0.7 - 0.4 * (k % 5) as f64).collect();
    configuration.frame_parameters = spread(model.frame_parameters.len());
    configuration.atom_parameters = spread(configuration.len() * model.atom_parameters.len());
    configuration
}

#[test]
fn atom_energies_are_those_of_the_formula() {
    for file in MODELS.iter().chain(&[
        "overflow.pb",
        "overflow.dp",
        "exclude_two_sided.pb",
        "widths.pb",
        "parameters.pb",
        "radial_two_sided.pb",
        "hybrid_aa.pb",
        "generation_0.pb",
        "generation_2.pb",
        "type_embedding_rich.pb",
        "hybrid_exclude_compressed.pb",
        "radial_exclude.pth",
        "three_body.dp",
        "hybrid_aa.pth",
        "parameters.dp",
        "pairs_off.dp",
        "radial_compressed.dp",
    ]) {
        let model = model(file);
        let mut engine = NativeEngine::new(vec![model.clone()]).unwrap();
        for name in CONFIGURATIONS {
            let configuration = configuration(name, &model);
            let output = configuration.evaluate(&mut engine);
            let images = Images::new(&configuration, engine.models()[0].cutoff);
            let position = |k: usize| [0, 1, 2].map(|a| images.positions[3 * k + a]);
            for i in 0..configuration.len() {
                let origin = position(i);
                let neighbours: Vec<_> = (0..images.types.len())
                    .filter(|&j| j != i)
                    .map(|j| {
                        let there = position(j);
                        (
                            images.types[j] as usize,
                            [0, 1, 2].map(|a| there[a] - origin[a]),
                        )
                    })
                    .collect();
                let da = model.atom_parameters.len();
                let expected = reference::atom_energy(
                    &model,
                    images.types[i] as usize,
                    &neighbours,
                    &configuration.frame_parameters,
                    &configuration.atom_parameters[i * da..][..da],
                );
                let difference = (output.atom_energies[i] - expected).abs();
                assert!(
                    difference < 1e-12,
                    "{file} {name} atom {i}: {difference:e} eV"
                );
            }
        }
    }
}

#[test]
fn forces_are_minus_the_gradient_of_the_energy() {
    let h = 1e-5;
    for file in MODELS {
        let model = model(file);
        let mut engine = NativeEngine::new(vec![model.clone()]).unwrap();
        for name in CONFIGURATIONS {
            let configuration = configuration(name, &model);
            let forces = configuration.evaluate(&mut engine).forces;
            for k in (0..forces.len()).step_by(7) {
                let mut energy = |shift: f64| {
                    let mut moved = configuration.clone();
                    moved.positions[k] += shift;
                    moved.evaluate(&mut engine).energy
                };
                let slope = (energy(h) - energy(-h)) / (2.0 * h);
                let difference = (forces[k] + slope).abs();
                assert!(
                    difference < 2e-7,
                    "{file} {name} coordinate {k}: force {} and slope {slope}",
                    forces[k]
                );
            }
        }
    }
}

#[test]
fn the_virial_is_minus_the_gradient_with_respect_to_strain() {
    let h = 1e-6;
    for file in MODELS {
        let model = model(file);
        let mut engine = NativeEngine::new(vec![model.clone()]).unwrap();
        for name in CONFIGURATIONS {
            let configuration = configuration(name, &model);
            let virial = configuration.evaluate(&mut engine).virial;
            for a in 0..3 {
                for b in 0..3 {
                    // r_a += e r_b, for atoms and lattice vectors alike
                    let mut energy = |e: f64| {
                        let mut strained = configuration.clone();
                        let cell = strained
                            .cell
                            .iter_mut()
                            .flat_map(|cell| cell.chunks_exact_mut(3));
                        for vector in strained.positions.chunks_exact_mut(3).chain(cell) {
                            vector[a] += e * vector[b];
                        }
                        strained.evaluate(&mut engine).energy
                    };
                    let slope = (energy(h) - energy(-h)) / (2.0 * h);
                    let value = virial[3 * a + b];
                    assert!(
                        (value + slope).abs() < 2e-6,
                        "{file} {name} {a}{b}: virial {value} and slope {slope}"
                    );
                }
            }
        }
    }
}

#[test]
fn sums_over_atoms_are_the_totals() {
    let mut engine = engine("two_sided.pb");
    let output = Configuration::stored("triclinic").evaluate(&mut engine);
    let energy: f64 = output.atom_energies.iter().sum();
    assert!((energy - output.energy).abs() < 1e-11);
    for k in 0..9 {
        let sum: f64 = output.atom_virials.iter().map(|virial| virial[k]).sum();
        assert!((sum - output.virial[k]).abs() < 1e-11);
    }
    for a in 0..3 {
        let force: f64 = output.forces.iter().skip(a).step_by(3).sum();
        assert!(force.abs() < 1e-11, "total force {force:e}");
    }
}

#[test]
fn translation_rotation_and_renumbering_change_nothing() {
    let mut engine = engine("one_sided.pb");
    let configuration = Configuration::stored("cluster");
    let output = configuration.evaluate(&mut engine);
    let (sin, cos) = 0.7f64.sin_cos();
    let turn = |v: &[f64]| [cos * v[0] - sin * v[1], sin * v[0] + cos * v[1], v[2]];

    let mut moved = configuration.clone();
    moved.positions = configuration
        .positions
        .chunks(3)
        .flat_map(|r| turn(r).map(|x| x + 3.25))
        .collect();
    let expected: Vec<_> = output.forces.chunks(3).flat_map(turn).collect();
    let turned = moved.evaluate(&mut engine);
    assert!((turned.energy - output.energy).abs() < 1e-11);
    assert!(largest_difference(&turned.forces, &expected) < 1e-11);

    let n = configuration.len();
    let backwards = Configuration {
        types: configuration.types.iter().rev().copied().collect(),
        positions: configuration
            .positions
            .chunks(3)
            .rev()
            .flatten()
            .copied()
            .collect(),
        cell: None,
        ..configuration.clone()
    };
    let reversed = backwards.evaluate(&mut engine);
    let forces: Vec<_> = reversed.forces.chunks(3).rev().flatten().copied().collect();
    assert_eq!(forces.len(), 3 * n);
    assert!(largest_difference(&forces, &output.forces) < 1e-11);
}

#[test]
fn virtual_atoms_are_not_there() {
    let mut engine = engine("one_sided.pb");
    let mut configuration = Configuration::stored("cluster");
    let before = configuration.evaluate(&mut engine);
    configuration.types.push(-1);
    configuration.positions.extend([1.0, 1.0, 1.0]);
    let after = configuration.evaluate(&mut engine);
    assert_eq!(after.energy, before.energy);
    assert_eq!(after.forces[..before.forces.len()], before.forces);
    assert_eq!(after.forces[before.forces.len()..], [0.0; 3]);
}

#[test]
fn no_atom_at_all_is_no_mistake() {
    let list = NeighbourList::default();
    let atoms = Atoms {
        positions: &[],
        types: &[],
        list: &list,
        frame_parameters: &[],
        atom_parameters: &[],
        origin: [0.0; 3],
        exchange: None,
    };
    let mut outputs = [Output::default()];
    engine("one_sided.pb")
        .evaluate(&atoms, true, &mut outputs)
        .unwrap();
    assert_eq!(outputs[0].energy, 0.0);
}

#[test]
fn too_many_neighbours_are_counted() {
    let mut engine = engine("overflow.pb");
    Configuration::stored("dense").evaluate(&mut engine);
    let sel = engine.models()[0].sel.clone();
    let counters = engine.counters();
    let most = counters[0].most_neighbours();
    assert!(most.iter().any(|&most| most > 0));
    for (k, &most) in most.iter().enumerate() {
        assert!(most == 0 || most > sel[k % sel.len()]);
    }
    let mut roomy = self::engine("one_sided.pb");
    Configuration::stored("gas").evaluate(&mut roomy);
    assert!(
        roomy.counters()[0]
            .most_neighbours()
            .iter()
            .all(|&most| most == 0)
    );
}

/// Evaluates two atoms at `second - first = (x, 0, 0)`.
fn pair(x: f64) -> Result<Output, Error> {
    let mut list = NeighbourList::default();
    list.push(0, [1]);
    list.push(1, [0]);
    let atoms = Atoms {
        positions: &[0.0, 0.0, 0.0, x, 0.0, 0.0],
        types: &[0, 1],
        list: &list,
        frame_parameters: &[],
        atom_parameters: &[],
        origin: [0.0; 3],
        exchange: None,
    };
    let mut outputs = [Output::default()];
    engine("one_sided.pb")
        .evaluate(&atoms, false, &mut outputs)
        .map(|()| outputs[0].clone())
}

#[test]
fn overlapping_atoms_and_wild_coordinates_are_named() {
    assert!(pair(2.0).is_ok());
    let overlap = pair(0.0).unwrap_err();
    assert_eq!(overlap.atoms(), Some((0, 1)));
    assert_eq!(
        overlap.with_ids(17, 4),
        "atoms 17 and 4 overlap: their distance is 0.000e0 A. Move or delete one of them (delete_atoms overlap)"
    );
    let wild = pair(f64::NAN).unwrap_err();
    assert_eq!(
        wild.with_ids(4, 4),
        "the coordinates of atom 4 are not finite (NaN, 0, 0). The run has gone unstable before this step: use a shorter time step or a better starting configuration"
    );
}
