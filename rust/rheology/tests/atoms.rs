//! Single atoms: moduli and displacements that are known, and what they add up to.

mod common;

use std::f64::consts::{PI, TAU};

use common::{AMPLITUDE, REDUCED, Random, reading, request};
use deepdms_rheology::atoms::{ATOM_COLUMNS, AtomSample, AtomSampling};
use deepdms_rheology::measurement::Start;
use deepdms_rheology::moduli::Complex;
use deepdms_rheology::regression::Detrend;
use deepdms_rheology::units::StressUnit;
use deepdms_rheology::{Cell, Measurement, Mode, Request, Sample};

const PERIOD: u64 = 96;
const ATOMS: usize = 5;

/// What a rank keeps for its atoms.
struct Rank {
    rows: Vec<f64>,
    output: Vec<f64>,
}

impl Rank {
    fn new(measurement: &Measurement) -> Self {
        let width = measurement.atoms().unwrap().layout().width;
        Rank {
            rows: vec![0.0; ATOMS * width],
            output: vec![0.0; ATOMS * ATOM_COLUMNS],
        }
    }

    fn column(&self, column: usize) -> Vec<f64> {
        let rows = self.output.chunks_exact(ATOM_COLUMNS);
        rows.map(|row| row[column - 1]).collect()
    }
}

fn sampling(every: u64) -> Option<AtomSampling> {
    Some(AtomSampling {
        every,
        stress: true,
        displacement: true,
        shell: false,
    })
}

fn reference() -> Cell {
    Cell {
        low: [0.0; 3],
        high: [10.0, 8.0, 5.0],
        tilt: [0.0; 3],
    }
}

fn started(request: &Request) -> Measurement {
    let mut measurement = Measurement::new(request.clone(), 1.0, REDUCED).unwrap();
    measurement.begin(Start {
        step: 1000,
        reference: reference(),
        atoms: ATOMS as f64,
    });
    measurement
}

/// Stress times volume of each atom.
type Stress<'a> = dyn FnMut(usize, u64) -> f64 + 'a;
/// Displacement of each atom [length].
type Motion<'a> = dyn FnMut(usize, u64) -> [f64; 3] + 'a;

/// Runs `steps` with the stress and displacement of each atom; the stress of the cell is their sum over its volume.
fn run(
    measurement: &mut Measurement,
    rank: &mut Rank,
    steps: std::ops::Range<u64>,
    stress: &mut Stress<'_>,
    motion: &mut Motion<'_>,
) -> Vec<String> {
    let component = measurement.protocol().deformation.mode.component().unwrap();
    let mut remarks = Vec::new();
    let origin = |atom: usize| [0.1 * atom as f64, 0.3, 7.5];
    for n in steps {
        let step = 1000 + n as i64;
        let cell = measurement.cell(step, &reference()).unwrap();
        let lengths = reference().lengths();
        let scaled: Vec<f64> = (0..ATOMS)
            .flat_map(|atom| {
                let u = motion(atom, n);
                let s = origin(atom);
                [0, 1, 2].map(|axis| s[axis] + u[axis] / lengths[axis])
            })
            .collect();
        if n == 0 {
            measurement.start_atoms(&scaled, &mut rank.rows);
        }
        let parts: Vec<f64> = (0..ATOMS).map(|atom| stress(atom, n)).collect();
        if measurement.atoms_due(step) {
            let nine: Vec<f64> = parts
                .iter()
                .flat_map(|s| {
                    let mut row = [0.0; 9];
                    row[component] = 1.25 * s;
                    if component >= 3 {
                        row[component + 3] = 0.75 * s;
                    } else {
                        row[component] = *s;
                    }
                    row
                })
                .collect();
            let moment = measurement.atoms_moment(&scaled, &[2.0; ATOMS], &rank.rows);
            let sample = AtomSample {
                stress: &nine,
                columns: 9,
                volumes: &[],
                scaled: &scaled,
                centre: moment.map(|m| m / (2.0 * ATOMS as f64)),
                expansion: 0.0,
            };
            measurement.add_atoms(step, cell.volume(3), &sample, &mut rank.rows);
        }
        let mut whole = [0.0; 6];
        whole[component] = parts.iter().sum::<f64>() / cell.volume(3);
        measurement
            .sample(&Sample {
                step,
                stress: whole,
                virial: whole,
                volume: cell.volume(3),
                ..Sample::default()
            })
            .unwrap();
        if measurement.atoms_pending() {
            let unit = StressUnit::choose(None, "lj").unwrap();
            let sum = measurement.close_atoms(&unit, &mut rank.rows, &mut rank.output);
            remarks.extend(measurement.finish_atoms(sum));
        }
    }
    remarks
}

fn wave(n: u64) -> (f64, f64) {
    (TAU * (n % PERIOD) as f64 / PERIOD as f64).sin_cos()
}

/// M' + iM'' of each atom.
fn modulus(atom: usize) -> Complex {
    Complex::new(40.0 + 7.0 * atom as f64, 3.0 - 2.0 * atom as f64)
}

fn still(_: usize, _: u64) -> [f64; 3] {
    [0.0; 3]
}

#[test]
fn moduli_of_atoms_come_back_in_spite_of_drift_and_harmonics() {
    let share = reference().volume(3) / ATOMS as f64;
    for (mode, detrend, every, phase) in [
        (Mode::Xy, Detrend::None, 1, 0.0),
        (Mode::Xy, Detrend::Linear, 2, 0.0),
        (Mode::Xx, Detrend::Quadratic, 4, 180.0),
    ] {
        let mut request = Request::new(1, mode, AMPLITUDE, PERIOD as f64);
        (request.detrend, request.atoms, request.phase) = (detrend, sampling(every), phase);
        let mut measurement = started(&request);
        let mut rank = Rank::new(&measurement);
        let sign = if phase == 0.0 { 1.0 } else { -1.0 };
        run(
            &mut measurement,
            &mut rank,
            0..7 * PERIOD,
            &mut |atom, n| {
                let (sin, cos) = wave(n);
                let m = modulus(atom);
                let drift = if detrend == Detrend::None { 0.0 } else { 1e-3 };
                let answer = AMPLITUDE * sign * (m.re * sin + m.im * cos);
                let strain = sign * AMPLITUDE * sin;
                let volume = share * if mode == Mode::Xx { 1.0 + strain } else { 1.0 };
                volume * (answer + 5.0 + drift * n as f64 + 0.3 * wave(3 * n).0)
            },
            &mut still,
        );
        for atom in 0..ATOMS {
            let m = modulus(atom);
            let at = |column: usize| rank.column(column)[atom];
            assert!((at(1) - m.re).abs() < 1e-9, "{mode:?}: {}", at(1));
            assert!((at(2) - m.im).abs() < 1e-9, "{mode:?}: {}", at(2));
            let dissipated = PI * AMPLITUDE * AMPLITUDE * m.im * share;
            assert!((at(3) - dissipated).abs() < 1e-12);
            assert!(at(4) < 1e-9);
        }
        assert_eq!(measurement.atoms().unwrap().blocks(), 3);
    }
}

#[test]
fn atoms_add_up_to_the_cell_exactly() {
    for mode in [Mode::Xx, Mode::Yz] {
        let mut request = Request::new(2, mode, AMPLITUDE, PERIOD as f64);
        (request.atoms, request.harmonics) = (sampling(2), 2);
        let mut measurement = started(&request);
        let mut rank = Rank::new(&measurement);
        let mut random = Random(12);
        let mut keep = [0.0; ATOMS];
        let remarks = run_every(&mut measurement, &mut rank, 2, 9, &mut |atom, _| {
            keep[atom] = random.normal();
            keep[atom]
        });
        assert!(remarks.is_empty(), "{remarks:?}");
        let found = reading(&measurement);
        let mean = |column| rank.column(column).iter().sum::<f64>() / ATOMS as f64;
        assert!((mean(1) - found.first.storage.value).abs() < 1e-12);
        assert!((mean(2) - found.first.loss.value).abs() < 1e-12);
        let sum = measurement.atom_sum();
        assert!((sum.b.mean() - found.first.loss.value).abs() < 1e-12);
        // Σ W is the work of a cycle by the regression
        let work: f64 = rank.column(3).iter().sum();
        let expected = PI * AMPLITUDE * AMPLITUDE * found.first.loss.value * 400.0;
        assert!((work - expected).abs() < 1e-12 * expected.abs());
    }
}

/// Runs `cycles` cycles, every `every`-th step of them.
fn run_every(
    measurement: &mut Measurement,
    rank: &mut Rank,
    every: u64,
    cycles: u64,
    stress: &mut Stress<'_>,
) -> Vec<String> {
    (0..cycles * PERIOD / every)
        .flat_map(|index| {
            let n = index * every;
            run(measurement, rank, n..n + 1, stress, &mut still)
        })
        .collect()
}

#[test]
fn a_compute_that_leaves_something_out_is_remarked() {
    let mut request = request(PERIOD);
    request.atoms = sampling(1);
    let mut measurement = started(&request);
    let width = measurement.atoms().unwrap().layout().width;
    let mut rows = vec![0.0; width];
    let mut output = vec![0.0; ATOM_COLUMNS];
    let mut remark = None;
    for n in 0..3 * PERIOD {
        let step = 1000 + n as i64;
        let stress = AMPLITUDE * 40.0 * wave(n).0;
        if measurement.atoms_due(step) {
            // one atom of 400 that carries 90 % of the stress
            let six = [0.0, 0.0, 0.0, 360.0 * stress, 0.0, 0.0];
            let sample = AtomSample {
                stress: &six,
                columns: 6,
                volumes: &[],
                scaled: &[0.0; 3],
                centre: [0.0; 3],
                expansion: 0.0,
            };
            measurement.add_atoms(step, 400.0, &sample, &mut rows);
        }
        measurement
            .sample(&common::sample(n, stress, 0.0, 400.0))
            .unwrap();
        if measurement.atoms_pending() {
            let unit = StressUnit::choose(None, "lj").unwrap();
            let sum = measurement.close_atoms(&unit, &mut rows, &mut output);
            remark = measurement.finish_atoms(sum);
        }
    }
    assert_eq!(
        remark.unwrap(),
        "the stresses of the atoms add up to 0.9000 times the oscillation of the total stress of the cell, and to 0.9000 \
         times that of the virial: the per-atom compute leaves something out"
    );
}

#[test]
fn displacements_in_and_out_of_phase_without_the_centre_of_mass() {
    let mut request = request(PERIOD);
    request.atoms = sampling(3);
    let mut measurement = started(&request);
    let mut rank = Rank::new(&measurement);
    let size = |atom: usize, axis: usize| 0.01 * (atom as f64 - 2.0) * (axis + 1) as f64;
    run(
        &mut measurement,
        &mut rank,
        0..7 * PERIOD,
        &mut |_, _| 0.0,
        &mut |atom, n| {
            let (sin, cos) = wave(n);
            // all drift and shake alike, which the centre of mass takes off
            let common = 0.02 * n as f64 + 0.5 * cos;
            [0, 1, 2].map(|axis| common + size(atom, axis) * (sin - 0.4 * cos))
        },
    );
    for atom in 0..ATOMS {
        for axis in 0..3 {
            let at = |column: usize| rank.column(column + axis)[atom];
            assert!((at(5) - size(atom, axis)).abs() < 1e-12);
            assert!((at(8) + 0.4 * size(atom, axis)).abs() < 1e-12);
            assert!(at(11) < 1e-12 && at(14) < 1e-12);
        }
    }
}

#[test]
fn errors_of_atoms_are_those_of_white_noise() {
    let mut request = request(PERIOD);
    (request.atoms, request.detrend) = (sampling(1), Detrend::None);
    let mut measurement = started(&request);
    let mut rank = Rank::new(&measurement);
    let share = reference().volume(3) / ATOMS as f64;
    let (mut random, mut other) = (Random(5), Random(6));
    let cycles = 401;
    run(
        &mut measurement,
        &mut rank,
        0..cycles * PERIOD,
        &mut |_, _| share * random.normal(),
        &mut |_, _| [other.normal(), 0.0, 0.0],
    );
    let samples = ((cycles - 1) * PERIOD) as f64;
    let expected = (2.0 / samples).sqrt();
    for atom in 0..ATOMS {
        // 200 blocks: the relative error of an error is 5 %
        let error = rank.column(4)[atom] * AMPLITUDE;
        assert!((error / expected - 1.0).abs() < 0.2, "{error} {expected}");
        assert!(rank.column(2)[atom].abs() * AMPLITUDE < 4.5 * expected);
        let moved = rank.column(14)[atom];
        // the centre of mass takes a fifth of the variance
        assert!((moved / (expected * 0.8f64.sqrt()) - 1.0).abs() < 0.2);
    }
}

#[test]
fn own_volumes_scale_the_moduli_and_not_the_sum() {
    let mut request = request(PERIOD);
    request.atoms = sampling(1);
    let mut measurement = started(&request);
    let width = measurement.atoms().unwrap().layout().width;
    let mut rows = vec![0.0; 2 * width];
    let mut output = vec![0.0; 2 * ATOM_COLUMNS];
    for n in 0..3 * PERIOD {
        let step = 1000 + n as i64;
        let part = |modulus: f64| modulus * AMPLITUDE * wave(n).1;
        if measurement.atoms_due(step) {
            let stress: Vec<f64> = [100.0 * part(3.0), 300.0 * part(5.0)]
                .into_iter()
                .flat_map(|s| [0.0, 0.0, 0.0, s, 0.0, 0.0])
                .collect();
            let sample = AtomSample {
                stress: &stress,
                columns: 6,
                volumes: &[100.0, 300.0],
                scaled: &[0.0; 6],
                centre: [0.0; 3],
                expansion: 0.0,
            };
            measurement.add_atoms(step, 400.0, &sample, &mut rows);
        }
        let stress = (100.0 * part(3.0) + 300.0 * part(5.0)) / 400.0;
        measurement
            .sample(&common::sample(n, stress, 0.0, 400.0))
            .unwrap();
        if measurement.atoms_pending() {
            let unit = StressUnit::choose(None, "lj").unwrap();
            let sum = measurement.close_atoms(&unit, &mut rows, &mut output);
            assert!(measurement.finish_atoms(sum).is_none());
        }
    }
    assert!((output[1] - 3.0).abs() < 1e-12 && (output[ATOM_COLUMNS + 1] - 5.0).abs() < 1e-12);
    assert!((measurement.atom_sum().b.mean() - 4.5).abs() < 1e-12);
}

#[test]
fn averages_over_neighbours_have_errors_of_their_own() {
    let mut request = request(PERIOD);
    request.atoms = Some(AtomSampling {
        every: 1,
        stress: true,
        displacement: false,
        shell: true,
    });
    let mut measurement = started(&request);
    let layout = measurement.atoms().unwrap().layout();
    let columns = layout.columns;
    assert_eq!(columns, ATOM_COLUMNS + 2);
    let mut rows = vec![0.0; 2 * layout.width];
    let mut output = vec![0.0; 2 * columns];
    let unit = StressUnit {
        name: "tenths".into(),
        factor: 10.0,
    };
    // losses of two atoms that know each other, in three blocks
    let losses = [[3.0, 5.0], [4.0, 8.0], [2.0, 2.0]];
    let mut seen = Vec::new();
    for n in 0..7 * PERIOD {
        let step = 1000 + n as i64;
        let block = ((n.max(PERIOD) - PERIOD) / (2 * PERIOD)) as usize;
        let stress: Vec<f64> = losses[block]
            .iter()
            .flat_map(|loss| [0.0, 0.0, 0.0, 80.0 * AMPLITUDE * loss * wave(n).1, 0.0, 0.0])
            .collect();
        if measurement.atoms_due(step) {
            let sample = AtomSample {
                stress: &stress,
                columns: 6,
                volumes: &[80.0, 80.0],
                scaled: &[],
                centre: [0.0; 3],
                expansion: 1.0,
            };
            measurement.add_atoms(step, 400.0, &sample, &mut rows);
        }
        measurement
            .sample(&common::sample(n, 0.0, 0.0, 400.0))
            .unwrap();
        if measurement.atoms_pending() {
            let sum = measurement.close_atoms(&unit, &mut rows, &mut output);
            assert!(measurement.shells_pending());
            let mut own = [0.0; 2];
            measurement.atoms().unwrap().losses(&rows, &mut own);
            seen.push(own);
            let mean = 0.5 * (own[0] + own[1]);
            measurement.close_shells(&[mean, mean], &unit, &mut rows, &mut output);
            measurement.finish_atoms(sum);
        }
    }
    for (own, expected) in seen.iter().zip(losses) {
        assert!((own[0] - expected[0]).abs() < 1e-12 && (own[1] - expected[1]).abs() < 1e-12);
    }
    // means 4, 6, 2: mean 4, standard error √(8/(3·2))
    for row in output.chunks_exact(columns) {
        assert!((row[16] - 40.0).abs() < 1e-10);
        assert!((row[17] - 10.0 * (4f64 / 3.0).sqrt()).abs() < 1e-10);
    }
    assert!((output[1] - 30.0).abs() < 1e-10);
}

#[test]
fn atoms_that_join_within_a_block_wait_for_the_next() {
    let mut request = request(PERIOD);
    request.atoms = sampling(2);
    let mut whole = started(&request);
    let mut rank = Rank::new(&whole);
    let mut stress = |atom: usize, n: u64| {
        let m = modulus(atom);
        80.0 * AMPLITUDE * (m.re * wave(n).0 + m.im * wave(n).1)
    };
    run(
        &mut whole,
        &mut rank,
        0..2 * PERIOD + 7,
        &mut stress,
        &mut still,
    );
    // the clock goes on from a state that knows nothing of the atoms
    let blob = whole.pack();
    let mut resumed = Measurement::new(request.clone(), 1.0, REDUCED).unwrap();
    resumed.unpack(&blob).unwrap();
    resumed.forget_atoms();
    let mut fresh = Rank::new(&resumed);
    let rest = 2 * PERIOD + 7..5 * PERIOD;
    run(
        &mut resumed,
        &mut fresh,
        rest.clone(),
        &mut stress,
        &mut still,
    );
    assert_eq!(resumed.outcome().blocks(), 2);
    assert_eq!(resumed.atoms().unwrap().blocks(), 1);
    for atom in 0..ATOMS {
        assert!((fresh.column(2)[atom] - modulus(atom).im).abs() < 1e-10);
    }
    // and with their rows it goes on bit by bit
    let mut other = Measurement::new(request, 1.0, REDUCED).unwrap();
    other.unpack(&blob).unwrap();
    let mut kept = Rank {
        rows: rank.rows.clone(),
        output: rank.output.clone(),
    };
    run(&mut whole, &mut rank, rest.clone(), &mut stress, &mut still);
    run(&mut other, &mut kept, rest, &mut stress, &mut still);
    assert_eq!(kept.rows, rank.rows);
    assert_eq!(kept.output, rank.output);
    assert_eq!(other.pack(), whole.pack());
}

#[test]
fn intervals_that_do_not_fit() {
    let message = |every: u64, harmonics: u64| {
        let mut request = Request::new(4, Mode::Xy, AMPLITUDE, 480.0);
        (request.atoms, request.harmonics) = (sampling(every), harmonics);
        Measurement::new(request, 1.0, REDUCED)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message(30, 3),
        "peratom: the interval of 30 steps is not a multiple of Nevery = 4 that divides the period of 480 steps: use 24 \
         or 32"
    );
    assert_eq!(
        message(80, 3),
        "peratom: the interval of 80 steps gives 6 samples per period, and the fitted harmonics need more than 6: use 60"
    );
    assert_eq!(
        message(0, 3),
        "peratom: the interval of 0 steps is not a multiple of Nevery = 4 that divides the period of 480 steps: use 4"
    );
    let mut request = Request::new(1, Mode::None, 0.0, 480.0);
    request.atoms = sampling(1);
    assert_eq!(
        request.resolve(1.0, 3).unwrap_err().to_string(),
        "peratom belongs to a strain, and mode none has none: leave it out"
    );
}
