//! Models from splines against their networks: errors within the tolerance on every stored model and on configurations that no model
//! has seen, bounds above the errors, forces that are gradients of the energy, and the same numbers from all instruction sets.

mod common;

use common::{Configuration, largest_difference, model, models};
use deepdms_potential::engine::{Engine, NativeEngine};
use deepdms_potential::model::{Exclusion, Parameters};
use deepdms_potential::splines::{Accuracy, Precision, Report};
use deepdms_potential::virial::Output;
use deepdms_potential::{Error, Model, model, simd};
use ndarray::Array2;

/// Tolerances with the precision that keeps them, [eV/Å].
const ACCURACIES: [(f64, Precision); 4] = [
    (1e-9, Precision::Double),
    (1e-6, Precision::Double),
    (1e-6, Precision::Differences),
    (1e-4, Precision::Single),
];

fn within((tolerance, precision): (f64, Precision)) -> Accuracy {
    Accuracy::Within {
        tolerance,
        precision,
    }
}

fn widest() -> &'static simd::Kernels {
    simd::available().next().unwrap()
}

fn splined(model: &Model, accuracy: (f64, Precision)) -> NativeEngine {
    with_kernels(model, accuracy, widest())
}

fn with_kernels(
    model: &Model,
    accuracy: (f64, Precision),
    kernels: &'static simd::Kernels,
) -> NativeEngine {
    let mut engine = NativeEngine::with_kernels(vec![model.clone()], kernels);
    let reports = engine.set_accuracy(within(accuracy), &vec![true; model.n_types()]);
    assert!(
        matches!(reports[0], Report::Splines { .. }),
        "{}",
        reports[0]
    );
    engine
}

fn exact(model: &Model, configuration: &Configuration) -> Output {
    configuration.evaluate(&mut NativeEngine::with_kernels(
        vec![model.clone()],
        widest(),
    ))
}

/// Evaluates until points for single precision are taken and used.
fn settled(engine: &mut NativeEngine, configuration: &Configuration) -> Output {
    for _ in 0..10 {
        configuration.evaluate(engine);
    }
    configuration.evaluate(engine)
}

/// A stored configuration with parameters for a model.
fn configuration(model: &Model) -> Configuration {
    let mut configuration = Configuration::stored("triclinic");
    let count = configuration.len() * model.atom_parameters.len();
    configuration.atom_parameters = (0..count).map(|k| 0.1 * (k % 7) as f64).collect();
    configuration.frame_parameters = vec![0.3; model.frame_parameters.len()];
    configuration
}

/// Differences of forces [eV/Å], energy an atom [eV], virial [eV] and atom virials [eV].
fn differences(a: &Output, b: &Output) -> [f64; 4] {
    let flat = |output: &Output| output.atom_virials.as_flattened().to_vec();
    [
        largest_difference(&a.forces, &b.forces),
        largest_difference(&a.atom_energies, &b.atom_energies),
        largest_difference(&a.virial, &b.virial),
        largest_difference(&flat(a), &flat(b)),
    ]
}

/// Every stored model that is read natively.
fn stored_models() -> Vec<(String, Model)> {
    let mut names: Vec<String> = std::fs::read_dir(models())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
            ["pb", "pth", "dp", "yaml", "json", "pt2"].contains(&suffix)
        })
        .collect();
    names.sort_unstable();
    let read = |name: String| {
        let bytes = std::fs::read(models().join(&name)).unwrap();
        let model = model::read(&name, &bytes).ok()?;
        Some((name, model))
    };
    names.into_iter().filter_map(read).collect()
}

#[test]
fn every_model_is_within_the_tolerance() {
    let (mut by_splines, mut as_they_are) = (0, Vec::new());
    for (name, model) in stored_models() {
        let configuration = configuration(&model);
        let expected = exact(&model, &configuration);
        for accuracy in ACCURACIES {
            let mut engine = NativeEngine::with_kernels(vec![model.clone()], widest());
            let reports = engine.set_accuracy(within(accuracy), &vec![true; model.n_types()]);
            if let Report::Exact(reason) = &reports[0] {
                as_they_are.push(format!("{name}: {reason}"));
                continue;
            }
            by_splines += 1;
            let output = settled(&mut engine, &configuration);
            let found = differences(&output, &expected);
            let steps = engine.steps();
            println!("{name} {accuracy:?}: {found:?}, {steps:?}");
            assert!(found[0] <= accuracy.0, "{name} {accuracy:?}: {found:?}");
            assert!(
                found[1] <= accuracy.0 && found[3] <= 10.0 * accuracy.0,
                "{name} {accuracy:?}: {found:?}"
            );
        }
    }
    as_they_are.dedup();
    println!("as they are: {as_they_are:#?}");
    assert!(by_splines > 100, "{by_splines} evaluations from splines");
}

#[test]
fn bounds_are_above_the_errors() {
    for (name, model) in stored_models() {
        let configuration = configuration(&model);
        let expected = exact(&model, &configuration);
        for tolerance in [1e-3, 1e-6, 1e-9] {
            let accuracy = (tolerance, Precision::Double);
            let mut engine = NativeEngine::with_kernels(vec![model.clone()], widest());
            let reports = engine.set_accuracy(within(accuracy), &vec![true; model.n_types()]);
            if matches!(reports[0], Report::Exact(_)) {
                continue;
            }
            let error = differences(&configuration.evaluate(&mut engine), &expected)[0];
            let bound = engine.steps().bound;
            println!("{name} {tolerance:e}: error {error:.1e} bound {bound:.1e}");
            // 1e-13: rounding
            assert!(error <= bound + 1e-13, "{name}: {error:e} above {bound:e}");
            assert!(bound <= tolerance);
        }
    }
}

/// Configurations that no training has seen.
fn unseen() -> Vec<(String, Configuration)> {
    let molecule = |distance: f64| Configuration {
        types: vec![0, 1, 2, 0],
        positions: vec![
            0.0, 0.0, 0.0, distance, 0.0, 0.0, 0.0, 1.9, 0.1, -1.3, -1.5, 1.1,
        ],
        cell: None,
        frame_parameters: Vec::new(),
        atom_parameters: Vec::new(),
    };
    let mut all: Vec<_> = [0.3, 0.39, 0.41, 0.7, 1.1, 1.6, 3.9]
        .into_iter()
        .map(|distance| (format!("pair at {distance}"), molecule(distance)))
        .collect();
    let pair = |distance: f64| Configuration {
        types: vec![0, 1],
        positions: vec![0.0, 0.0, 0.0, 0.0, distance, 0.0],
        ..molecule(1.0)
    };
    for distance in [0.5, 2.0, 5.9, 30.0] {
        all.push((format!("two atoms at {distance}"), pair(distance)));
    }
    let mut hot = Configuration::stored("triclinic");
    let mut numbers = fastrand::Rng::with_seed(5);
    hot.positions
        .iter_mut()
        .for_each(|x| *x += 0.8 * (numbers.f64() - 0.5));
    all.push(("hot".to_owned(), hot.clone()));
    let mut mixed = hot;
    mixed.types.rotate_right(1);
    all.push(("other types".to_owned(), mixed));
    all
}

#[test]
fn configurations_that_were_never_seen_are_within_the_tolerance() {
    for name in [
        "wide.dp",
        "paper_shape.pb",
        "two_sided.pb",
        "hybrid_ar.pb",
        "radial_two_sided.pb",
    ] {
        let model = model(name);
        for accuracy in ACCURACIES {
            let mut engine = splined(&model, accuracy);
            // knots and points are those of an ordinary configuration
            settled(&mut engine, &configuration(&model));
            for (what, unseen) in unseen() {
                let expected = exact(&model, &unseen);
                let largest = expected.forces.iter().fold(0.0f64, |a, b| a.max(b.abs()));
                let output = unseen.evaluate(&mut engine);
                let found = differences(&output, &expected);
                println!("{name} {accuracy:?} {what}: {found:?} of {largest:.1e}");
                // no tolerance is below the rounding of the force itself
                let allowed = accuracy.0 + 1e-13 * largest;
                assert!(found[0] <= allowed, "{name} {accuracy:?} {what}: {found:?}");
            }
        }
    }
}

#[test]
fn atoms_that_come_later_are_within_the_tolerance() {
    // an empty box, lone atoms, then matter: what was seen first decides nothing
    let model = model("wide.dp");
    let matter = configuration(&model);
    let expected = exact(&model, &matter);
    for accuracy in ACCURACIES {
        let mut engine = splined(&model, accuracy);
        let empty = Configuration {
            types: Vec::new(),
            positions: Vec::new(),
            cell: None,
            ..matter.clone()
        };
        empty.evaluate(&mut engine);
        let mut lone = matter.clone();
        lone.cell = None;
        for (k, x) in lone.positions.iter_mut().enumerate() {
            *x += 50.0 * (k / 3) as f64;
        }
        settled(&mut engine, &lone);
        for _ in 0..3 {
            let found = differences(&matter.evaluate(&mut engine), &expected);
            println!("{accuracy:?}: {found:?}");
            assert!(found[0] <= accuracy.0, "{accuracy:?}: {found:?}");
        }
    }
}

#[test]
fn forces_are_the_gradient_of_the_energy() {
    for name in ["wide.dp", "hybrid_ar.pb"] {
        let model = model(name);
        // few knots, whose errors are far above those of the difference quotient
        let mut engine = splined(&model, (1e-3, Precision::Double));
        let configuration = configuration(&model);
        let output = configuration.evaluate(&mut engine);
        let error = differences(&output, &exact(&model, &configuration))[0];
        let h = 1e-3;
        for component in [0, 4, 11, 17, 20] {
            let mut quotient = |h: f64| {
                let mut energy = |shift: f64| {
                    let mut moved = configuration.clone();
                    moved.positions[component] += shift;
                    moved.evaluate(&mut engine).energy
                };
                (energy(-h) - energy(h)) / (2.0 * h)
            };
            let (one, two) = (quotient(h), quotient(2.0 * h));
            let difference = ((4.0 * one - two) / 3.0 - output.forces[component]).abs();
            println!("{name} {component}: {difference:.1e} beside {error:.1e}");
            assert!(difference < 1e-8, "{name} {component}: {difference:e}");
        }
        assert!(error > 1e-8, "{name}: an error of {error:e} shows nothing");
    }
}

#[test]
fn all_instruction_sets_give_the_same() {
    let model = model("wide.dp");
    let configuration = configuration(&model);
    for (accuracy, close) in ACCURACIES.into_iter().zip([1e-12, 1e-11, 5e-7, 2e-5]) {
        let outputs: Vec<_> = simd::available()
            .map(|kernels| {
                let mut engine = with_kernels(&model, accuracy, kernels);
                (kernels.name, settled(&mut engine, &configuration))
            })
            .collect();
        for (name, output) in &outputs[1..] {
            let difference = differences(output, &outputs[0].1)[0];
            println!("{accuracy:?} {name}: {difference:.1e}");
            assert!(difference < close, "{accuracy:?} {name}: {difference:e}");
        }
    }
}

#[test]
fn threads_repeat_to_the_last_bit() {
    let model = model("wide.dp");
    let configuration = configuration(&model);
    for accuracy in ACCURACIES {
        let run = |threads: usize| {
            let mut engine = splined(&model, accuracy);
            engine.set_threads(threads);
            settled(&mut engine, &configuration)
        };
        let one = run(1);
        assert_eq!(one, run(1));
        for threads in [2, 3] {
            let several = run(threads);
            assert!(differences(&one, &several)[0] < accuracy.0);
            assert_eq!(several, run(threads));
        }
    }
}

#[test]
fn parameters_exclusions_and_vacuum_energies_are_kept() {
    let mut with_parameters = model("wide.dp");
    with_parameters.atom_parameters = Parameters {
        mean: vec![0.3, -0.2],
        inverse_deviation: vec![2.0, 1.5],
        default: None,
    };
    let mut numbers = fastrand::Rng::with_seed(11);
    for network in &mut with_parameters.fitting {
        let weights = &mut network.layers[0].weights;
        let outputs = weights.ncols();
        let rows = Array2::from_shape_simple_fn((2, outputs), || 0.2 * numbers.f64());
        *weights = ndarray::concatenate![ndarray::Axis(0), *weights, rows].into_shared();
    }
    let mut vacuum = model("wide.dp");
    vacuum.from_vacuum.fill(true);
    let mut excluded = model("wide.dp");
    excluded.descriptors[0].excluded[[0, 1]] = Exclusion::Neighbours;
    excluded.descriptors[0].excluded[[1, 2]] = Exclusion::Slots;
    excluded.descriptors[0].excluded[[2, 0]] = Exclusion::FromList;
    for (name, model) in [
        ("parameters", with_parameters),
        ("vacuum", vacuum),
        ("excluded", excluded),
    ] {
        let model = model.validate(name).unwrap();
        let configuration = configuration(&model);
        let expected = exact(&model, &configuration);
        for accuracy in ACCURACIES {
            let output = settled(&mut splined(&model, accuracy), &configuration);
            let found = differences(&output, &expected);
            println!("{name} {accuracy:?}: {found:?}");
            assert!(
                found[0] <= accuracy.0 && found[1] <= accuracy.0,
                "{name}: {found:?}"
            );
        }
    }
}

#[test]
fn what_stays_with_its_networks_says_why() {
    let mut engine = NativeEngine::new(vec![model("three_body.pb")]).unwrap();
    let accuracy = within((1e-6, Precision::Differences));
    let reports = engine.set_accuracy(accuracy, &[true; 3]);
    assert_eq!(
        reports[0].to_string(),
        "networks as they are (three-body curves are functions of an angle, not of a distance), double precision"
    );
    let mut engine = NativeEngine::new(vec![model("wide.dp")]).unwrap();
    let reports = engine.set_accuracy(Accuracy::Exact, &[true; 3]);
    assert_eq!(
        reports[0].to_string(),
        "networks as they are (tolerance exact), double precision"
    );
    let reports = engine.set_accuracy(accuracy, &[true; 3]);
    assert_eq!(
        reports[0].to_string(),
        "9 curves as splines of up to 128 knots beyond 0.40 A, fitting in single precision about means, forces within 1e-6 eV/A"
    );
}

#[test]
fn overlapping_atoms_are_refused_as_by_the_networks() {
    use common::Images;
    let model = model("wide.dp");
    let mut engine = splined(&model, ACCURACIES[2]);
    let configuration = Configuration {
        types: vec![0, 1],
        positions: vec![0.0, 0.0, 0.0, 0.0, 0.0, 1e-9],
        cell: None,
        ..configuration(&model)
    };
    let images = Images::new(&configuration, 7.0);
    let list = images.list(configuration.len(), 7.0);
    let result = engine.evaluate(&images.atoms(&list), false, &mut [Output::default()]);
    assert!(matches!(result, Err(Error::Overlap { .. })), "{result:?}");
}
