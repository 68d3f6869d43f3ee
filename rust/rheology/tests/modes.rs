//! Bulk strain, strain at constant volume, no strain, and strain that something else imposes.

mod common;

use std::f64::consts::TAU;

use common::{AMPLITUDE, REDUCED, Random, reading, request, sample, started};
use deepdms_rheology::advice::{Remark, forecast, goal_reached, on_results, on_settings};
use deepdms_rheology::measurement::Start;
use deepdms_rheology::mode::Lateral;
use deepdms_rheology::moduli::{Complex, Isotropic};
use deepdms_rheology::outcome::Block;
use deepdms_rheology::readout::{component_losses, isotropic_estimates, tone_row};
use deepdms_rheology::regression::Detrend;
use deepdms_rheology::report::{Provenance, summary};
use deepdms_rheology::request::Stop;
use deepdms_rheology::units::StressUnit;
use deepdms_rheology::{Cell, Measurement, Mode, Request, Sample};

const PERIOD: u64 = 64;

fn unit() -> StressUnit {
    StressUnit::choose(None, "lj").unwrap()
}

/// sin θ and cos θ of the elapsed steps.
fn wave(n: u64) -> (f64, f64) {
    (TAU * (n % PERIOD) as f64 / PERIOD as f64).sin_cos()
}

fn body() -> (Complex, Complex) {
    (Complex::new(160.0, 2.0), Complex::new(35.0, 1.5))
}

/// Runs `request` on an isotropic body whose strain tensor is `strain` (xx, yy, zz, xy, xz, yz) per unit of the strain.
fn run_on_body(request: &Request, strain: [f64; 6]) -> Measurement {
    let (k, g) = body();
    let trace: f64 = strain[..3].iter().sum();
    let moduli: Vec<Complex> = (0..6)
        .map(|i| {
            if i < 3 {
                k * trace + g * (2.0 * (strain[i] - trace / 3.0))
            } else {
                g * strain[i]
            }
        })
        .collect();
    let mut measurement = started(request, 7.0);
    for n in 0..5 * PERIOD {
        let (sin, cos) = wave(n);
        let strain = AMPLITUDE * sin;
        let stress = std::array::from_fn(|i| AMPLITUDE * (moduli[i].re * sin + moduli[i].im * cos));
        let sample = Sample {
            step: 1000 + n as i64,
            stress,
            virial: stress,
            volume: 7.0 * (1.0 + trace * strain),
            ..Sample::default()
        };
        measurement.sample(&sample).unwrap();
    }
    measurement
}

fn near(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-9 * expected.abs().max(1.0),
        "{found} is not {expected}"
    );
}

#[test]
fn bulk_strain_measures_the_bulk_modulus() {
    let mut request = Request::new(1, Mode::Iso, AMPLITUDE, PERIOD as f64);
    request.detrend = Detrend::None;
    let measurement = run_on_body(&request, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    let found = reading(&measurement);
    let (k, _) = body();
    near(found.first.storage.value, k.re);
    near(found.first.loss.value, k.im);
    // f = 3 V σ/(1 + ε) bends with the strain to second order
    assert!((found.loss_from_work / k.im - 1.0).abs() < 1e-3);
    let row = tone_row(&measurement, 0, &unit());
    assert_eq!(row.len(), 22);
    near(row[10], 3.0 * k.re);
    assert_eq!(measurement.protocol().deformation.modulus(), "bulk modulus");
}

#[test]
fn strain_at_constant_volume_measures_the_shear_modulus() {
    let mut request = Request::new(1, Mode::Yy, AMPLITUDE, PERIOD as f64);
    (request.lateral, request.detrend) = (Lateral::Volume, Detrend::None);
    let measurement = run_on_body(&request, [-0.5, 1.0, -0.5, 0.0, 0.0, 0.0]);
    let found = reading(&measurement);
    let (_, g) = body();
    near(found.first.storage.value, 3.0 * g.re);
    near(found.first.loss.value, 3.0 * g.im);
    assert!((found.loss_from_work / (3.0 * g.im) - 1.0).abs() < 1e-3);
    let parts = isotropic_estimates(&measurement, 0, &unit());
    near(parts[2].value, g.re);
    near(parts[3].value, g.im);
    assert_eq!(parts[0].value, 0.0, "the bulk modulus is not told");
}

#[test]
fn free_sides_tell_all_four_constants() {
    let (k, g) = body();
    let young = k * g * 9.0 / (k * 3.0 + g);
    let poisson = (k * 3.0 - g * 2.0) / ((k * 3.0 + g) * 2.0);
    let mut request = Request::new(1, Mode::Xx, AMPLITUDE, PERIOD as f64);
    request.lateral = Lateral::Free;
    let mut measurement = started(&request, 7.0);
    for n in 0..5 * PERIOD {
        let (sin, cos) = wave(n);
        let stress = AMPLITUDE * (young.re * sin + young.im * cos);
        let volume = Complex::new(1.0, 0.0) - poisson * 2.0;
        let sample = Sample {
            step: 1000 + n as i64,
            stress: [stress, 0.0, 0.0, 0.0, 0.0, 0.0],
            volume: 7.0 * (1.0 + AMPLITUDE * (volume.re * sin + volume.im * cos)),
            ..Sample::default()
        };
        measurement.sample(&sample).unwrap();
    }
    let expected = Isotropic {
        bulk: k,
        shear: g,
        young,
        poisson,
    };
    let parts = isotropic_estimates(&measurement, 0, &unit());
    for (part, expected) in parts.iter().zip(expected.parts()) {
        near(part.value, expected);
    }
}

#[test]
fn isotropy_residuals_vanish_in_an_isotropic_body_and_not_in_another() {
    let request = Request::new(1, Mode::Xx, AMPLITUDE, PERIOD as f64);
    let measurement = run_on_body(&request, [1.0, 0.0, 0.0, 0.0, 0.0, 0.2]);
    let from = Provenance {
        lammps: "x".into(),
        deepdms: "y".into(),
        units: "lj".into(),
    };
    let text = summary(&measurement, &unit(), &from);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let residual =
        |name: &str, part: &str| value["isotropy_residuals"][name][part].as_f64().unwrap();
    for name in ["yy-zz", "xy", "xz"] {
        assert!(residual(name, "storage").abs() < 1e-10);
        assert!(residual(name, "loss").abs() < 1e-10);
    }
    near(residual("yz", "storage"), 7.0);
    near(residual("yz", "loss"), 0.3);
}

/// Equilibrium: Maxwell noise in the three shear stresses, and another one in the pressure.
#[test]
fn noise_alone_gives_the_loss_moduli() {
    let (temperature, volume, time) = (0.8, 600.0, 5.0);
    let loss = |modulus: f64| {
        let x = TAU / PERIOD as f64 * time;
        modulus * x / (1.0 + x * x)
    };
    let (shear, bulk) = (30.0, 90.0);
    let memory = (-1f64 / time).exp();
    let kick = |modulus: f64| (temperature * modulus / volume * (1.0 - memory * memory)).sqrt();
    let mut random = Random(77);
    let request = Request::new(1, Mode::None, 0.0, PERIOD as f64);
    let mut measurement = started(&request, volume);
    let mut noise = [0.0; 4];
    let cycles = 1500;
    for n in 0..(1 + cycles) * PERIOD {
        for (index, value) in noise.iter_mut().enumerate() {
            let modulus = if index == 0 { bulk } else { shear };
            *value = memory * *value + kick(modulus) * random.normal();
        }
        let mut sample = sample(n, 0.0, temperature, volume);
        let p = noise[0];
        sample.stress = [p, p, p, noise[1], noise[2], noise[3]];
        measurement.sample(&sample).unwrap();
    }
    let found = reading(&measurement);
    assert_eq!(found.first.storage.value, 0.0);
    let relative = (2.0 / (3.0 * (cycles - 1) as f64)).sqrt();
    near(found.first.loss.error / found.first.loss.value, relative);
    // sampling once a fifth of the relaxation time adds a few per cent
    let ratio = found.first.loss.value / loss(shear);
    assert!((ratio - 1.0).abs() < 0.05 + 4.0 * relative, "{ratio}");
    let components = component_losses(&measurement, 0, &unit());
    for (index, component) in components.iter().enumerate() {
        let expected = loss(if index < 3 { bulk } else { shear });
        let pull = (component.value / expected - 1.0).abs();
        assert!(pull < 0.05 + 4.0 * component.error / component.value);
    }
    let row = tone_row(&measurement, 0, &unit());
    assert_eq!(
        (row[4], row[7]),
        (found.first.loss.value, found.first.loss.error)
    );
    assert_eq!(row[19], components[3].value);
    assert_eq!(measurement.work(), 0.0);
    assert!(on_results(&measurement, &unit()).is_empty());
    assert_eq!(
        forecast(&measurement, &unit()).unwrap(),
        "no strain: G'' from the fluctuations of 3 shear stresses is known to 10 % after about 68 cycles"
    );
}

/// The box of an external strain in xy, `elapsed` steps after the start.
fn sheared(strain: f64) -> Cell {
    Cell {
        low: [0.0; 3],
        high: [10.0; 3],
        tilt: [10.0 * strain, 0.0, 0.0],
    }
}

/// Measures a lossy solid whose box moves at the end of each step, after or before this measurement looks at it.
fn follow(lag: u64, mover_first: bool) -> (Measurement, Vec<Block>) {
    let mut request = Request::new(2, Mode::Xy, AMPLITUDE, PERIOD as f64);
    (request.external, request.harmonics, request.detrend) = (Some(lag), 2, Detrend::None);
    let mut measurement = Measurement::new(request, 1.0, REDUCED).unwrap();
    measurement.begin(Start {
        step: 1000,
        reference: sheared(0.0),
        atoms: 100.0,
    });
    // some other amplitude than announced, and some other phase
    let strain = |n: u64| 0.011 * (wave(n).0 * 0.8 + wave(n).1 * 0.6);
    let rate = |n: u64| 0.011 * (wave(n).1 * 0.8 - wave(n).0 * 0.6);
    let mut blocks = Vec::new();
    for n in 0..7 * PERIOD {
        // the forces of step n are computed in the box that step n − 1 left
        let seen = n.saturating_sub(1);
        let step = 1000 + n as i64;
        measurement.follow(step, &sheared(strain(seen))).unwrap();
        if !measurement.is_due(step) {
            continue;
        }
        let mut sample = sample(n, 40.0 * strain(seen) + 3.0 * rate(seen), 0.0, 1000.0);
        sample.cell = sheared(strain(if mover_first { n } else { seen }));
        blocks.extend(measurement.sample(&sample).unwrap());
    }
    (measurement, blocks)
}

#[test]
fn a_box_that_moves_at_the_end_of_a_step_is_followed_without_lag() {
    for mover_first in [true, false] {
        let found = reading(&follow(1, mover_first).0);
        near(found.first.storage.value, 40.0);
        near(found.first.loss.value, 3.0);
        near(found.first.strain_amplitude, 0.011);
        near(found.loss_from_work, 3.0);
    }
    // with lag 0, and the box already moved, the loss is that of a response one step late
    let found = reading(&follow(0, true).0);
    let angle = TAU / PERIOD as f64;
    near(
        found.first.loss.value,
        3.0 * angle.cos() - 40.0 * angle.sin(),
    );
    near(reading(&follow(0, false).0).first.loss.value, 3.0);
    // and with lag 2 it is one step early
    let found = reading(&follow(2, true).0);
    near(
        found.first.loss.value,
        3.0 * angle.cos() + 40.0 * angle.sin(),
    );
}

#[test]
fn another_amplitude_than_announced_is_remarked() {
    let (measurement, _) = follow(1, true);
    let remarks = on_results(&measurement, &unit());
    assert_eq!(
        remarks,
        [(
            Remark::Strain,
            "the box oscillates with the amplitude 0.01100 rather than 0.01: the moduli refer to the former".to_owned()
        )]
    );
    assert!(on_settings(&measurement).is_empty());
}

#[test]
fn the_volume_that_a_late_box_pretends_is_corrected() {
    let mut request = Request::new(1, Mode::Xx, AMPLITUDE, PERIOD as f64);
    (request.external, request.detrend) = (Some(1), Detrend::None);
    let cell = |n: u64| Cell {
        low: [0.0; 3],
        high: [10.0 * (1.0 + AMPLITUDE * wave(n).0), 10.0, 10.0],
        tilt: [0.0; 3],
    };
    let mut measurement = Measurement::new(request, 1.0, REDUCED).unwrap();
    measurement.begin(Start {
        step: 1000,
        reference: cell(0),
        atoms: 100.0,
    });
    for n in 0..5 * PERIOD {
        let seen = n.saturating_sub(1);
        let step = 1000 + n as i64;
        measurement.follow(step, &cell(seen)).unwrap();
        let (before, after) = (cell(seen).volume(3), cell(n).volume(3));
        // a mean stress of 5 shows how much the wrong volume would do
        let stress = 5.0 + 60.0 * AMPLITUDE * wave(seen).0;
        let mut sample = sample(n, stress * before / after, 0.0, after);
        sample.cell = cell(n);
        measurement.sample(&sample).unwrap();
    }
    let found = reading(&measurement);
    near(found.first.storage.value, 60.0);
    assert!(found.first.loss.value.abs() < 1e-10);
}

#[test]
fn an_external_strain_that_is_not_there_is_an_error() {
    let mut request = Request::new(1, Mode::Xy, AMPLITUDE, PERIOD as f64);
    request.external = Some(1);
    let mut measurement = Measurement::new(request, 1.0, REDUCED).unwrap();
    measurement.begin(Start {
        step: 1000,
        reference: sheared(0.0),
        atoms: 100.0,
    });
    let mut last = Ok(None);
    for n in 0..3 * PERIOD {
        measurement.follow(1000 + n as i64, &sheared(0.0)).unwrap();
        last = measurement.sample(&sample(n, 1.0, 0.0, 1000.0));
    }
    assert_eq!(
        last.unwrap_err().to_string(),
        "drive external: the box oscillates in xy with an amplitude of 0 at the period 64, where 0.01 was \
         announced: give period and amplitude of the command that moves the box"
    );
}

#[test]
fn the_run_may_end_once_the_loss_is_known() {
    let mut request = request(PERIOD);
    request.stop = Some(Stop {
        relative: 0.05,
        cycles: 8,
    });
    let mut measurement = started(&request, 1.0);
    let mut random = Random(8);
    let mut ends = Vec::new();
    for n in 0..30 * PERIOD {
        let (sin, cos) = wave(n);
        let stress = AMPLITUDE * (40.0 * sin + 3.0 * cos) + 0.004 * random.normal();
        measurement.sample(&sample(n, stress, 0.0, 1.0)).unwrap();
        if let Some(text) = goal_reached(&measurement, &unit()) {
            ends.push((n, text));
        }
    }
    let (first, text) = &ends[0];
    // at the end of a block, at zero strain, not before eight used cycles
    assert_eq!(first % PERIOD, 0);
    assert!(*first >= 9 * PERIOD && (first / PERIOD - 1).is_multiple_of(2));
    let cycles = first / PERIOD - 1;
    assert!(text.starts_with("E'' is known to "), "{text}");
    assert!(text.ends_with(&format!(" % after {cycles} used cycles: the run ends")));
    assert!(ends.iter().all(|(n, _)| n % (2 * PERIOD) == PERIOD));
}

#[test]
fn velocities_that_follow_the_box_let_the_whole_stress_work() {
    for (scale_velocities, loss) in [(false, 3.0), (true, 4.0)] {
        let mut request = request(PERIOD);
        (request.scale_velocities, request.detrend) = (scale_velocities, Detrend::None);
        let mut measurement = started(&request, 1.0);
        for n in 0..5 * PERIOD {
            let (sin, cos) = wave(n);
            let mut sample = sample(n, AMPLITUDE * (40.0 * sin + 3.0 * cos), 0.0, 1.0);
            sample.stress = sample.stress.map(|virial| virial + AMPLITUDE * cos);
            measurement.sample(&sample).unwrap();
        }
        let found = reading(&measurement);
        near(found.first.loss.value, 4.0);
        near(found.loss_from_work, loss);
    }
}
