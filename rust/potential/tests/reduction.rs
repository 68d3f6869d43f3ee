//! Reduced models against the exact ones: errors within the tolerance on configurations that the reduction has not seen, forces
//! that are gradients of the energy, and the same numbers from all instruction sets.

mod common;

use common::{Configuration, largest_difference, model};
use deepdms_potential::Model;
use deepdms_potential::engine::{Engine, NativeEngine};
use deepdms_potential::model::{Embedding, Exclusion, Kind, Layer, Network, Parameters, Residual};
use deepdms_potential::reduction::{Numbers, Report, Request};
use deepdms_potential::simd;
use deepdms_potential::virial::Output;
use ndarray::{Array1, Array2};

/// Networks wide enough for a reduction to pay, made from a small stored model: weights vary smoothly from neuron to neuron, as
/// in trained networks, so that curves span few dimensions.
fn wide() -> Model {
    let mut model = model("one_sided.pb");
    let mut numbers = Numbers::new(7);
    let descriptor = &mut model.descriptors[0];
    let widths = [12, 24, 48];
    descriptor.kind = Kind::SeE2A { axis: 12 };
    for embedding in &mut descriptor.embeddings {
        let mut inputs = 1;
        let layers = widths.map(|outputs| {
            let layer = layer(
                &mut numbers,
                inputs,
                outputs,
                0.5,
                Residual::by_width(inputs, outputs),
            );
            inputs = outputs;
            layer
        });
        *embedding = Embedding::Network(Network {
            layers: layers.into(),
        });
    }
    let width = descriptor.width();
    for network in &mut model.fitting {
        network.layers = vec![
            layer(&mut numbers, width, 40, 0.4, Residual::None),
            layer(&mut numbers, 40, 40, 0.4, Residual::Same),
            Layer {
                activation: deepdms_potential::model::Activation::Linear,
                timestep: None,
                ..layer(&mut numbers, 40, 1, 5.0, Residual::None)
            },
        ];
    }
    model.validate("wide").unwrap()
}

fn layer(
    numbers: &mut Numbers,
    inputs: usize,
    outputs: usize,
    size: f64,
    residual: Residual,
) -> Layer {
    let mut number = || 2.0 * numbers.draw() - 1.0;
    let scale = size * (3.0 / inputs as f64).sqrt();
    Layer {
        weights: Array2::from_shape_simple_fn((inputs, outputs), || scale * number()),
        bias: Array1::from_shape_simple_fn(outputs, || 0.5 * number()),
        timestep: Some(Array1::from_shape_simple_fn(outputs, || {
            0.5 + 0.1 * number()
        })),
        activation: deepdms_potential::model::Activation::Tanh,
        residual,
    }
}

fn reduced(model: &Model, kernels: &'static simd::Kernels, request: Request) -> NativeEngine {
    let mut engine = NativeEngine::with_kernels(vec![model.clone()], kernels);
    let reports = engine.reduce(request);
    let Report::Reduced {
        error,
        columns,
        products,
        inputs,
        ..
    } = &reports[0]
    else {
        panic!("{}", reports[0]);
    };
    println!(
        "{request:?}: error {error:.1e}, {columns:?} columns, {products:?} products of {inputs}"
    );
    assert!(*error <= request.tolerance);
    assert!(products.iter().all(|products| products < inputs));
    engine
}

fn configuration() -> Configuration {
    Configuration::stored("triclinic")
}

fn widest() -> &'static simd::Kernels {
    simd::available().next().unwrap()
}

/// Differences of forces [eV/Å], energy an atom [eV], virial [eV] and atom virials [eV].
fn differences(a: &Output, b: &Output) -> [f64; 4] {
    let flat = |output: &Output| {
        output
            .atom_virials
            .iter()
            .flatten()
            .copied()
            .collect::<Vec<_>>()
    };
    [
        largest_difference(&a.forces, &b.forces),
        largest_difference(&a.atom_energies, &b.atom_energies),
        largest_difference(&a.virial, &b.virial),
        largest_difference(&flat(a), &flat(b)),
    ]
}

#[test]
fn errors_follow_the_tolerance() {
    let model = wide();
    let exact = configuration().evaluate(&mut NativeEngine::new(vec![model.clone()]).unwrap());
    let size = exact
        .forces
        .iter()
        .fold(0.0f64, |most, f| most.max(f.abs()));
    assert!(size > 0.05, "forces of {size} eV/A show nothing");
    for (mixed, tolerance) in [(false, 1e-4), (false, 1e-6), (false, 1e-8), (true, 1e-4)] {
        let mut engine = reduced(&model, widest(), Request { tolerance, mixed });
        let output = configuration().evaluate(&mut engine);
        let found = differences(&output, &exact);
        println!("mixed {mixed}, tolerance {tolerance:e}: {found:?}");
        // the configuration is not one of those that the reduction was chosen by
        assert!(found[0] < 3.0 * tolerance && found[0] > 0.0);
        assert!(found[1] < 10.0 * tolerance && found[3] < 30.0 * tolerance);
        assert!(found[2] < 30.0 * tolerance * output.atom_energies.len() as f64);
    }
}

#[test]
fn forces_are_the_gradient_of_the_reduced_energy() {
    // a coarse reduction, whose errors are far above those of the difference quotient
    let mut engine = reduced(
        &wide(),
        widest(),
        Request {
            tolerance: 3e-3,
            mixed: false,
        },
    );
    let exact = configuration().evaluate(&mut NativeEngine::new(vec![wide()]).unwrap());
    let configuration = configuration();
    let output = configuration.evaluate(&mut engine);
    let error = differences(&output, &exact)[0];
    let h = 1e-4;
    for component in [0, 4, 11, 17, 20] {
        let mut energy = |shift: f64| {
            let mut moved = configuration.clone();
            moved.positions[component] += shift;
            moved.evaluate(&mut engine).energy
        };
        let quotient =
            |h: f64, energy: &mut dyn FnMut(f64) -> f64| (energy(-h) - energy(h)) / (2.0 * h);
        let (one, two) = (quotient(h, &mut energy), quotient(2.0 * h, &mut energy));
        let force = (4.0 * one - two) / 3.0;
        let difference = (force - output.forces[component]).abs();
        assert!(
            difference < 1e-9 && difference < 0.01 * error,
            "{component}: {difference:e} beside {error:e}"
        );
    }
}

#[test]
fn all_instruction_sets_give_the_same() {
    let model = wide();
    for (mixed, tolerance, close) in [(false, 1e-7, 1e-12), (true, 1e-3, 1e-4)] {
        let outputs: Vec<_> = simd::available()
            .map(|kernels| {
                let mut engine = NativeEngine::with_kernels(vec![model.clone()], kernels);
                // the same reduction for all: the tolerance leaves no choice between neighbouring ones to rounding
                engine.reduce(Request { tolerance, mixed });
                (kernels.name, configuration().evaluate(&mut engine))
            })
            .collect();
        for (name, output) in &outputs[1..] {
            let difference = differences(output, &outputs[0].1)[0];
            println!("mixed {mixed} {name}: {difference:.1e}");
            assert!(difference < close, "{name}: {difference:e}");
        }
    }
}

#[test]
fn threads_do_not_change_anything() {
    let model = wide();
    let request = Request {
        tolerance: 1e-6,
        mixed: false,
    };
    let mut engine = reduced(&model, widest(), request);
    let one = configuration().evaluate(&mut engine);
    for threads in [2, 3] {
        engine.set_threads(threads);
        let several = configuration().evaluate(&mut engine);
        assert!(differences(&one, &several)[0] < 1e-12);
        assert_eq!(several, configuration().evaluate(&mut engine));
    }
}

#[test]
fn parameters_exclusions_and_vacuum_energies_are_kept() {
    let request = Request {
        tolerance: 1e-6,
        mixed: false,
    };
    let mut with_parameters = wide();
    with_parameters.atom_parameters = Parameters {
        mean: vec![0.3, -0.2],
        inverse_deviation: vec![2.0, 1.5],
        default: None,
    };
    let mut numbers = Numbers::new(11);
    for network in &mut with_parameters.fitting {
        let weights = &mut network.layers[0].weights;
        let outputs = weights.ncols();
        let rows = Array2::from_shape_simple_fn((2, outputs), || 0.2 * numbers.draw());
        *weights = ndarray::concatenate![ndarray::Axis(0), *weights, rows];
    }
    let mut vacuum = wide();
    vacuum.from_vacuum.fill(true);
    let mut excluded = wide();
    excluded.descriptors[0].excluded[[0, 1]] = Exclusion::Neighbours;
    excluded.descriptors[0].excluded[[1, 2]] = Exclusion::Slots;
    excluded.descriptors[0].excluded[[2, 0]] = Exclusion::FromList;
    for (name, model) in [
        ("parameters", with_parameters),
        ("vacuum", vacuum),
        ("excluded", excluded),
    ] {
        let model = model.validate(name).unwrap();
        let mut configuration = configuration();
        configuration.atom_parameters = (0..configuration.len() * model.atom_parameters.len())
            .map(|k| 0.1 * (k % 7) as f64)
            .collect();
        let exact = configuration.evaluate(&mut NativeEngine::new(vec![model.clone()]).unwrap());
        let output = configuration.evaluate(&mut reduced(&model, widest(), request));
        let found = differences(&output, &exact);
        println!("{name}: {found:?}");
        assert!(found[0] < 3e-6 && found[1] < 1e-5, "{name}: {found:?}");
    }
}

#[test]
fn what_cannot_be_reduced_says_why() {
    let cases = [
        (
            "hybrid_aa.pb",
            "networks as they are (it has several descriptors)",
        ),
        (
            "three_body.pb",
            "networks as they are (its descriptor is not se_e2_a)",
        ),
        (
            "one_sided.pb",
            "networks as they are (its first fitting layer has few inputs)",
        ),
    ];
    for (file, reason) in cases {
        let mut engine = NativeEngine::new(vec![model(file)]).unwrap();
        let before = configuration().evaluate(&mut engine);
        let reports = engine.reduce(Request {
            tolerance: 1e-5,
            mixed: false,
        });
        assert!(reports[0].to_string().contains(reason), "{}", reports[0]);
        assert_eq!(before, configuration().evaluate(&mut engine));
    }
}

#[test]
fn an_engine_judges_itself_on_atoms_and_can_become_exact() {
    use common::Images;
    let model = wide();
    let exact = configuration().evaluate(&mut NativeEngine::new(vec![model.clone()]).unwrap());
    let mut engine = reduced(
        &model,
        widest(),
        Request {
            tolerance: 1e-5,
            mixed: false,
        },
    );
    let before = configuration().evaluate(&mut engine);
    let images = Images::new(&configuration(), 7.0);
    let list = images.list(configuration().len(), 7.0);
    let atoms = images.atoms(&list);
    let error = engine.judge(&atoms).unwrap();
    assert!(error > 0.0 && error < 3e-5, "{error:e}");
    assert_eq!(before, configuration().evaluate(&mut engine));
    engine.be_exact();
    assert_eq!(engine.judge(&atoms).unwrap(), 0.0);
    assert_eq!(exact, configuration().evaluate(&mut engine));
}
