//! One network in several files, which stem from one another by `dp convert-backend`, gives one answer.

mod common;

use common::{Configuration, largest_difference, model};
use deepdms_potential::engine::{Engine, NativeEngine};
use deepdms_potential::virial::Output;

const CONFIGURATIONS: [&str; 4] = ["orthogonal", "triclinic", "cluster", "gas"];

/// Files that mean the same in every respect, even where neighbours do not fit. `widths` and `three_body` are not among
/// them: where a fitting layer has a timestep that graphs lack, `dp convert-backend` draws random ones.
const SAME: &[&[&str]] = &[
    &["one_sided.dp", "one_sided.yaml", "one_sided.pth"],
    &["two_sided.dp", "two_sided.pth"],
    &["overflow.dp", "overflow.pth"],
    &["trained_native.dp", "trained_native.pth"],
    &[
        "radial_one_sided.dp",
        "radial_one_sided.pth",
        "radial_one_sided.pt2",
        "radial_one_sided.json",
    ],
    &["radial_exclude.dp", "radial_exclude.pth"],
    &["hybrid_ar.dp", "hybrid_ar.pth"],
    &["hybrid_a3.dp", "hybrid_a3.pth"],
    &["hybrid_aa.dp", "hybrid_aa.pth"],
    &["parameters.dp", "parameters.pth"],
    &["default_fparam.dp", "default_fparam.pth"],
    &["pairs_off.dp", "pairs_off.pth"],
    &["atoms_off.dp", "atoms_off.pth"],
];

/// Frozen graphs and native files of the same weights, whose cutoffs are rounded differently and whose neighbours are
/// selected differently where they do not fit.
const ALIKE: &[[&str; 2]] = &[
    ["one_sided.pb", "one_sided.dp"],
    ["two_sided.pb", "two_sided.pth"],
    ["overflow.pb", "overflow.dp"],
    ["radial_one_sided.pb", "radial_one_sided.json"],
    ["hybrid_ar.pb", "hybrid_ar.dp"],
    ["hybrid_a3.pb", "hybrid_a3.pth"],
    ["hybrid_aa.pb", "hybrid_aa.dp"],
    ["parameters.pb", "parameters.pth"],
];

/// The answer for a stored configuration, with parameters for a model that takes some.
fn evaluate(engine: &mut NativeEngine, name: &str) -> Output {
    let mut configuration = Configuration::stored(name);
    let interface = &engine.models()[0];
    let spread = |count: usize| (0..count).map(|k| 0.7 - 0.4 * (k % 5) as f64).collect();
    configuration.frame_parameters = spread(interface.frame_parameters);
    configuration.atom_parameters = spread(configuration.len() * interface.atom_parameters);
    configuration.evaluate(engine)
}

fn assert_same(a: &Output, b: &Output, tolerance: f64, what: &str) {
    let force = largest_difference(&a.forces, &b.forces);
    let energy = largest_difference(&a.atom_energies, &b.atom_energies);
    assert!(
        force < tolerance,
        "{what}: a force differs by {force:e} eV/A"
    );
    assert!(
        energy < tolerance,
        "{what}: an energy differs by {energy:e} eV"
    );
}

#[test]
fn converted_files_give_the_same_forces() {
    for files in SAME {
        let mut engines: Vec<_> = files
            .iter()
            .map(|file| NativeEngine::new(vec![model(file)]).unwrap())
            .collect();
        let (first, others) = engines.split_at_mut(1);
        for name in CONFIGURATIONS.iter().chain(&["dense"]) {
            let expected = evaluate(&mut first[0], name);
            for (engine, file) in others.iter_mut().zip(&files[1..]) {
                let what = format!("{} and {file}, {name}", files[0]);
                assert_same(&evaluate(engine, name), &expected, 1e-12, &what);
            }
        }
    }
}

#[test]
fn frozen_graphs_and_native_files_give_the_same_forces_but_for_rounded_cutoffs() {
    for files in ALIKE {
        let [mut graph, native] = files.map(model);
        for (ours, theirs) in graph.descriptors.iter_mut().zip(&native.descriptors) {
            let rounded = ours.smoothing;
            assert!((rounded.to - theirs.smoothing.to).abs() < 1e-6);
            assert!((rounded.from - theirs.smoothing.from).abs() < 1e-6);
            assert_ne!(rounded, theirs.smoothing);
            ours.smoothing = theirs.smoothing;
        }
        let mut compared = 0;
        for name in CONFIGURATIONS {
            let [graph, native] = [&graph, &native].map(|model| {
                let mut engine = NativeEngine::new(vec![model.clone()]).unwrap();
                (evaluate(&mut engine, name), engine.counters())
            });
            if native.1[0].most_neighbours().iter().all(|&most| most == 0) {
                assert_same(&graph.0, &native.0, 1e-10, &format!("{files:?}, {name}"));
                compared += 1;
            }
        }
        assert!(
            compared > 0,
            "{files:?}: no configuration has few enough neighbours"
        );
    }
}
