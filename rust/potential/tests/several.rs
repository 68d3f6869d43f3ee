//! Several models in one engine, several threads: the numbers of one model and one thread.

mod common;

use common::{Configuration, Images, largest_difference, model};
use deepdms_potential::engine::{Engine, NativeEngine};
use deepdms_potential::virial::Output;

/// Reach of all neighbour lists here [Å]: the largest cutoff of the models.
const REACH: f64 = 6.0;

/// Evaluates the first models of an engine on a stored configuration, images and all.
fn evaluate(engine: &mut NativeEngine, name: &str, models: usize) -> Vec<Output> {
    let configuration = Configuration::stored(name);
    let images = Images::new(&configuration, REACH);
    let list = images.list(configuration.len(), REACH);
    let atoms = images.atoms(&list);
    let mut outputs = vec![Output::default(); models];
    engine.evaluate(&atoms, true, &mut outputs).unwrap();
    outputs
}

#[test]
fn models_in_one_engine_give_what_each_gives_alone() {
    // the first two and the last see the same neighbours, the others do not: other cutoff, other sel, other selection
    let files = [
        "one_sided.pb",
        "two_sided.pb",
        "paper_shape.pb",
        "overflow.pb",
        "one_sided.dp",
        "zero_davg.pb",
    ];
    let mut together = NativeEngine::new(files.map(model).to_vec()).unwrap();
    for name in ["triclinic", "dense", "gas"] {
        let all = evaluate(&mut together, name, files.len());
        for (file, output) in files.iter().zip(&all) {
            let mut alone = NativeEngine::new(vec![model(file)]).unwrap();
            let expected = &evaluate(&mut alone, name, 1)[0];
            let energy = (output.energy - expected.energy).abs();
            assert!(energy < 1e-11, "{file} {name}: {energy:e} eV");
            let virial = largest_difference(&output.virial, &expected.virial);
            assert!(virial < 1e-10, "{file} {name}: {virial:e} eV");
            let forces = largest_difference(&output.forces, &expected.forces);
            assert!(forces < 1e-11, "{file} {name}: {forces:e} eV/A");
        }
        let first = evaluate(&mut together, name, 1);
        assert_eq!(first[0].energy, all[0].energy, "{name}");
        assert_eq!(first[0].forces, all[0].forces, "{name}");
        assert!(all[1..].iter().all(|output| output.atom_virials.is_empty()));
    }
}

#[test]
fn threads_change_rounding_at_most_and_repeat_to_the_last_bit() {
    for file in ["two_sided.pb", "one_sided_compressed.pb"] {
        let mut serial = NativeEngine::new(vec![model(file)]).unwrap();
        for threads in [2, 3, 7] {
            let mut parallel = NativeEngine::new(vec![model(file)]).unwrap();
            parallel.set_threads(threads);
            for name in ["triclinic", "cluster", "dense"] {
                let one = &evaluate(&mut serial, name, 1)[0];
                let many = &evaluate(&mut parallel, name, 1)[0];
                let again = &evaluate(&mut parallel, name, 1)[0];
                assert_eq!(many.forces, again.forces);
                assert_eq!(many.energy, again.energy);
                assert_eq!(many.virial, again.virial);
                assert!((many.energy - one.energy).abs() < 1e-11, "{file} {name}");
                assert!(largest_difference(&many.forces, &one.forces) < 1e-11);
                let flat = |output: &Output| output.atom_virials.as_flattened().to_vec();
                assert!(largest_difference(&flat(many), &flat(one)) < 1e-11);
            }
            assert_eq!(
                serial.counters()[0].most_neighbours(),
                parallel.counters()[0].most_neighbours()
            );
        }
    }
}
