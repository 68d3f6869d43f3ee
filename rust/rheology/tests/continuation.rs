//! A measurement that is stored and restored goes on as if nothing had happened.

mod common;

use common::{REDUCED, Random, reading, request, sample, started};
use deepdms_rheology::atoms::{ATOM_COLUMNS, AtomSample, AtomSampling};
use deepdms_rheology::mode::Lateral;
use deepdms_rheology::tones::Tones;
use deepdms_rheology::units::StressUnit;
use deepdms_rheology::{Measurement, Mode, Request, Sample, restart};

fn measure(measurement: &mut Measurement, steps: std::ops::Range<u64>) {
    for n in steps {
        let mut random = Random(n);
        let mut sample = sample(n, random.normal(), 1.0 + 0.1 * random.normal(), 7.0);
        sample.stress[3] += 40.0 * measurement.strain(1000 + n as i64);
        sample.potential = random.normal();
        measurement.sample(&sample).unwrap();
    }
}

#[test]
fn restart_in_mid_cycle_is_bit_identical() {
    for (stop, harmonics) in [(1, 1), (63, 2), (64, 3), (64 * 3 + 17, 3), (64 * 9 + 5, 1)] {
        let mut request = request(64);
        request.harmonics = harmonics;
        let mut whole = started(&request, 7.0);
        measure(&mut whole, 0..stop);
        let blob = whole.pack();
        let mut resumed = Measurement::new(request.clone(), 1.0, REDUCED).unwrap();
        resumed.unpack(&blob).unwrap();
        assert_eq!(resumed.pack(), blob);
        assert_eq!(reading(&resumed), reading(&whole));
        measure(&mut whole, stop..64 * 12 + 3);
        measure(&mut resumed, stop..64 * 12 + 3);
        assert_eq!(resumed.pack(), whole.pack());
        assert_eq!(reading(&resumed), reading(&whole));
    }
}

#[test]
fn more_cycles_after_the_last_one_go_on_as_if_there_had_been_no_last_one() {
    let mut request = request(64);
    request.cycles = Some(5);
    let mut first = started(&request, 7.0);
    measure(&mut first, 0..64 * 5 + 1);
    let blocks = first.outcome().blocks();
    request.cycles = Some(12);
    let mut whole = started(&request, 7.0);
    measure(&mut whole, 0..64 * 12 + 1);
    let mut resumed = Measurement::new(request, 1.0, REDUCED).unwrap();
    resumed.unpack(&first.pack()).unwrap();
    measure(&mut resumed, 64 * 5 + 1..64 * 12 + 1);
    assert!(resumed.outcome().blocks() > blocks);
    assert_eq!(reading(&resumed), reading(&whole));
}

/// What a measurement may be beside the plain one.
fn variants() -> Vec<Request> {
    let plain = request(64);
    let mut tones = plain.clone();
    (tones.tones, tones.harmonics) = (Tones::Automatic(2), 1);
    tones.period = 80.0;
    let mut lagging = plain.clone();
    (lagging.external, lagging.sample_every, lagging.harmonics) = (Some(3), 2, 1);
    let mut volume = plain.clone();
    (volume.mode, volume.lateral) = (Mode::Zz, Lateral::Volume);
    volume.scale_velocities = true;
    let mut bulk = plain.clone();
    bulk.mode = Mode::Iso;
    let mut noise = plain.clone();
    (noise.mode, noise.amplitude) = (Mode::None, 0.0);
    let mut atoms = plain;
    (atoms.sample_every, atoms.harmonics) = (2, 2);
    atoms.atoms = Some(AtomSampling {
        every: 4,
        stress: true,
        displacement: true,
        shell: true,
    });
    vec![tones, lagging, volume, bulk, noise, atoms]
}

/// One step of a measurement in a box that oscillates.
fn step(measurement: &mut Measurement, n: u64, rows: &mut [f64]) {
    let step = 1000 + n as i64;
    let mut random = Random(n);
    let mut cell = measurement.start().unwrap().reference;
    cell.tilt[0] = 0.02 * (n as f64 * std::f64::consts::TAU / 64.0).sin();
    measurement.follow(step, &cell).unwrap();
    if !measurement.is_due(step) {
        return;
    }
    if measurement.atoms_due(step) {
        let stress: [f64; 6] = std::array::from_fn(|_| random.normal());
        let scaled: [f64; 3] = std::array::from_fn(|_| random.normal());
        let sample = AtomSample {
            stress: &stress,
            columns: 6,
            volumes: &[],
            scaled: &scaled,
            centre: [0.0; 3],
            expansion: 1.0,
        };
        measurement.add_atoms(step, 7.0, &sample, rows);
    }
    let mut sample = sample(n, random.normal(), 1.0 + 0.1 * random.normal(), 7.0);
    sample.stress = std::array::from_fn(|_| random.normal());
    sample.cell = cell;
    measurement.sample(&sample).unwrap();
    if measurement.atoms_pending() {
        let unit = StressUnit::choose(None, "lj").unwrap();
        let sum = measurement.close_atoms(&unit, rows, &mut [0.0; ATOM_COLUMNS + 2]);
        measurement.finish_atoms(sum);
    }
}

#[test]
fn every_kind_of_measurement_goes_on_bit_by_bit() {
    for request in variants() {
        let width = started(&request, 7.0)
            .atoms()
            .map_or(0, |atoms| atoms.layout().width);
        for stop in [1, 63, 131, 64 * 6 + 5] {
            let mut whole = started(&request, 7.0);
            let mut rows = vec![0.0; width];
            (0..stop).for_each(|n| step(&mut whole, n, &mut rows));
            let mut resumed = Measurement::new(request.clone(), 1.0, REDUCED).unwrap();
            // through the text of a checkpoint
            let text = restart::to_text(&whole.pack(), &[]);
            resumed.unpack(&restart::from_text(&text).unwrap()).unwrap();
            let mut kept = rows.clone();
            for n in stop..64 * 10 + 3 {
                step(&mut whole, n, &mut rows);
                step(&mut resumed, n, &mut kept);
            }
            assert!(whole.outcome().blocks() > 2, "{request:?}");
            assert_eq!(resumed.pack(), whole.pack(), "{request:?}");
            assert_eq!(kept, rows);
        }
    }
}

#[test]
fn a_blob_before_the_start_restores_that_too() {
    let request = request(64);
    let fresh = Measurement::new(request.clone(), 1.0, REDUCED).unwrap();
    let mut other = Measurement::new(request, 1.0, REDUCED).unwrap();
    other.unpack(&fresh.pack()).unwrap();
    assert!(other.start().is_none());
    assert_eq!(other.strain(5000), 0.0);
}

fn mismatch(change: impl FnOnce(&mut Request)) -> String {
    let mut first = started(&request(64), 7.0);
    measure(&mut first, 0..10);
    let mut changed = request(64);
    change(&mut changed);
    let mut second = Measurement::new(changed, 1.0, REDUCED).unwrap();
    second.unpack(&first.pack()).unwrap_err().to_string()
}

#[test]
fn other_settings_are_refused_by_name() {
    let tail = ": repeat the command that wrote it, or start anew with another fix ID";
    let head = "the stored state continues a measurement with";
    assert_eq!(
        mismatch(|r| r.mode = Mode::Xz),
        format!("{head} mode xy, the command says mode xz{tail}")
    );
    assert_eq!(
        mismatch(|r| r.amplitude = 0.02),
        format!("{head} amplitude 0.01, the command says amplitude 0.02{tail}")
    );
    assert_eq!(
        mismatch(|r| r.period = 128.0),
        format!("{head} period in steps 64, the command says period in steps 128{tail}")
    );
    assert_eq!(
        mismatch(|r| r.external = Some(2)),
        format!("{head} drive internal, the command says drive external lag 2{tail}")
    );
    assert_eq!(
        mismatch(|r| (r.tones, r.harmonics) = (Tones::Automatic(1), 3)),
        format!("{head} tones one, the command says tones auto 1{tail}")
    );
    assert_eq!(
        mismatch(|r| r.scale_velocities = true),
        format!("{head} vscale no, the command says vscale yes{tail}")
    );
    assert_eq!(
        mismatch(|r| {
            r.atoms = Some(AtomSampling {
                every: 2,
                stress: true,
                displacement: false,
                shell: false,
            });
        }),
        format!("{head} peratom no, the command says peratom every 2 steps{tail}")
    );
    assert_eq!(
        mismatch(|r| r.harmonics = 1),
        format!("{head} harmonics 3, the command says harmonics 1{tail}")
    );
}

#[test]
fn the_number_of_cycles_may_be_extended() {
    let mut short = request(64);
    short.cycles = Some(4);
    let mut first = started(&short, 7.0);
    measure(&mut first, 0..100);
    let mut long = request(64);
    long.cycles = Some(40);
    let mut second = Measurement::new(long, 1.0, REDUCED).unwrap();
    second.unpack(&first.pack()).unwrap();
    assert_eq!(second.protocol().cycles, Some(40));
}

#[test]
fn damaged_blobs_are_refused() {
    let mut first = started(&request(64), 7.0);
    measure(&mut first, 0..100);
    let blob = first.pack();
    for cut in [0, 10, 24, 100, blob.len() - 8] {
        let mut second = Measurement::new(request(64), 1.0, REDUCED).unwrap();
        assert!(second.unpack(&blob[..cut]).is_err(), "cut at {cut}");
    }
}

/// `bytes` with one to three kinds of damage: bits, bytes, words, whole stretches, and lengths.
fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + random.below(3) {
        let length = bytes.len() as u64;
        let at = random.below(length) as usize;
        let end = (at + 1 + random.below(64) as usize).min(bytes.len());
        match random.below(9) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.below(256) as u8,
            2 => bytes[at..end].fill(0),
            3 => bytes[at..end].fill(0xff),
            4 => bytes.truncate(at + 1),
            5 => drop(bytes.drain(at..end)),
            6 => {
                let stretch = bytes[at..end].to_vec();
                bytes.splice(at..at, stretch);
            }
            7 => {
                let other = random.below(length) as usize;
                bytes.swap(at, other);
            }
            _ => {
                // a length or a count that says anything
                let word = (random.uniform() * 2f64.powi(random.below(64) as i32)) as u64;
                let place = (at & !7).min(bytes.len().saturating_sub(8));
                let end = (place + 8).min(bytes.len());
                bytes[place..end].copy_from_slice(&word.to_le_bytes()[..end - place]);
            }
        }
    }
    bytes
}

/// What is damaged is refused, or does not change anything, and never half of it is taken.
#[test]
fn two_thousand_kinds_of_damage_are_seen() {
    let requests = variants();
    let mut random = Random(20);
    let (mut refused, mut same) = (0, 0);
    for number in 0..2000 {
        let request = &requests[number % requests.len()];
        let mut whole = started(request, 7.0);
        let width = whole.atoms().map_or(0, |atoms| atoms.layout().width);
        let mut rows = vec![0.0; width];
        (0..64 * 4 + 7).for_each(|n| step(&mut whole, n, &mut rows));
        let blob = whole.pack();
        let mut resumed = Measurement::new(request.clone(), 1.0, REDUCED).unwrap();
        let fresh = resumed.pack();
        // half of them as LAMMPS hands them over, half as the text of a checkpoint
        let outcome = if number % 2 == 0 {
            let memory = damaged(&blob, &mut random);
            restart::blob_in(&memory).and_then(|blob| resumed.unpack(blob))
        } else {
            let text = restart::to_text(&blob, &["a remark".to_owned()]);
            let text = damaged(text.as_bytes(), &mut random);
            let text = String::from_utf8_lossy(&text);
            restart::from_text(&text).and_then(|blob| resumed.unpack(&blob))
        };
        match outcome {
            Ok(()) => {
                assert_eq!(resumed.pack(), blob, "damage {number} changed the state");
                same += 1;
            }
            Err(_) => {
                assert_eq!(resumed.pack(), fresh, "damage {number} left half a state");
                refused += 1;
            }
        }
    }
    // a few touch remarks, or nothing, or what follows the blob
    assert!(
        refused > 1800 && same > 0,
        "{refused} refused, {same} the same"
    );
}

#[test]
fn missing_steps_and_a_changed_timestep_are_errors() {
    let mut measurement = started(&request(64), 7.0);
    measure(&mut measurement, 0..10);
    assert_eq!(
        measurement
            .sample(&sample(12, 0.0, 1.0, 7.0))
            .unwrap_err()
            .to_string(),
        "the stress of step 1012 came where that of step 1010 was expected: every step must be run once, in order, \
         without rerun or a gap between runs"
    );
    assert_eq!(
        measurement.set_timestep(0.5).unwrap_err().to_string(),
        "the timestep changed from 1 to 0.5 while the strain was running, which would change its period: keep the \
         timestep, or start a new measurement with another fix ID"
    );
}

#[test]
fn numbers_that_cannot_be_computed_with_are_refused_before_they_touch_anything() {
    let mut measurement = started(&request(64), 7.0);
    measure(&mut measurement, 0..200);
    let before = measurement.pack();
    type Change = fn(&mut Sample);
    let changes: [(&str, Change); 8] = [
        ("the virial xz in step 1200 is NaN", |s| {
            s.virial[4] = f64::NAN
        }),
        ("the stress xx in step 1200 is inf", |s| {
            s.stress[0] = f64::INFINITY
        }),
        ("the stress yy in step 1200 is -1.000e200", |s| {
            s.stress[1] = -1e200
        }),
        ("the temperature in step 1200 is NaN", |s| {
            s.temperature = f64::NAN
        }),
        ("the potential energy in step 1200 is NaN", |s| {
            s.potential = f64::NAN
        }),
        ("the kinetic energy in step 1200 is NaN", |s| {
            s.kinetic = f64::NAN
        }),
        (
            "the energy of thermostats and other fixes in step 1200 is inf",
            |s| s.reservoir = f64::INFINITY,
        ),
        ("the volume in step 1200 is NaN", |s| s.volume = f64::NAN),
    ];
    for (head, change) in changes {
        let mut wrong = sample(200, 0.1, 1.0, 7.0);
        change(&mut wrong);
        let message = measurement.sample(&wrong).unwrap_err().to_string();
        assert_eq!(
            message,
            format!(
                "{head}, which nothing can be computed with: this sample is not used, and what was measured before it \
                 stays as it is. Look for atoms that overlap, a timestep that is too long, or a potential that gives \
                 such forces"
            )
        );
        assert_eq!(measurement.pack(), before);
    }
    // it goes on with a good one
    measure(&mut measurement, 200..300);
}
