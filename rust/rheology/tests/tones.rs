//! Several frequencies at once: each measures what it would measure alone.

mod common;

use std::f64::consts::TAU;

use common::{AMPLITUDE, Random, reading, request, run, sample, started};
use deepdms_rheology::Request;
use deepdms_rheology::advice::{Remark, on_results};
use deepdms_rheology::readout::tone_row;
use deepdms_rheology::regression::Detrend;
use deepdms_rheology::report::{Provenance, block_file_head, block_line, summary};
use deepdms_rheology::tones::{ToneRequest, Tones};
use deepdms_rheology::units::StressUnit;

const PERIOD: u64 = 448;

fn tone(multiple: u64, weight: f64, phase: f64) -> ToneRequest {
    ToneRequest {
        multiple,
        weight,
        phase,
    }
}

/// A request for `tones`, whose start may jump.
fn chord(tones: &[ToneRequest]) -> Request {
    let mut request = request(PERIOD);
    request.tones = Tones::List(tones.to_vec());
    request.ramp = 1;
    request
}

/// G' and G'' of a Zener solid at `multiple` periods per base period.
fn zener(multiple: u64) -> (f64, f64) {
    let (rubber, shear, time) = (12.0, 35.0, 23.0);
    let x = TAU * multiple as f64 / PERIOD as f64 * time;
    (
        rubber + shear * x * x / (1.0 + x * x),
        shear * x / (1.0 + x * x),
    )
}

/// Its stress in the steady state.
fn answer(tones: &[ToneRequest], n: u64) -> f64 {
    let parts = tones.iter().map(|tone| {
        let angle = TAU * ((tone.multiple * n) % PERIOD) as f64 / PERIOD as f64;
        let (sin, cos) = (angle + tone.phase.to_radians()).sin_cos();
        let (storage, loss) = zener(tone.multiple);
        AMPLITUDE * tone.weight * (storage * sin + loss * cos)
    });
    parts.sum()
}

#[test]
fn tones_on_a_zener_solid_do_not_disturb_one_another() {
    let tones = [
        tone(1, 1.0, 0.0),
        tone(3, 0.6, 40.0),
        tone(5, 0.4, -100.0),
        tone(7, 0.3, 190.0),
    ];
    for detrend in [Detrend::None, Detrend::Linear, Detrend::Quadratic] {
        let mut request = chord(&tones);
        request.detrend = detrend;
        let (measurement, blocks) = run(&request, 5, |n| answer(&tones, n));
        let found = reading(&measurement);
        assert_eq!(found.tones.len(), 4);
        for (reading, tone) in found.tones.iter().zip(&tones) {
            let (storage, loss) = zener(tone.multiple);
            assert!((reading.storage.value - storage).abs() < 1e-12 * 40.0);
            assert!((reading.loss.value - loss).abs() < 1e-12 * 40.0);
            assert!(reading.storage.error < 1e-11 && reading.loss.error < 1e-11);
            let period = PERIOD as f64 / tone.multiple as f64;
            assert!((reading.period - period).abs() < 1e-12);
        }
        assert!((found.loss_from_work - zener(1).1).abs() < 1e-10);
        // harmonic 3 of the first tone is the second tone, its harmonic 2 is nobody's
        let harmonics = &blocks.last().unwrap().tones[0].harmonics;
        assert!(harmonics[0].is_some() && harmonics[1].is_none());
        assert_eq!(found.first.third_harmonic, 0.0);
    }
}

#[test]
fn random_tones_come_back() {
    let mut random = Random(9);
    for _ in 0..20 {
        let mut multiples: Vec<u64> = (1..=9).collect();
        let count = 1 + random.below(4) as usize;
        let tones: Vec<ToneRequest> = (0..count)
            .map(|_| {
                let pick = random.below(multiples.len() as u64) as usize;
                let multiple = multiples.remove(pick);
                tone(multiple, 0.2 + random.uniform(), 360.0 * random.uniform())
            })
            .collect();
        let moduli: Vec<(f64, f64)> = tones
            .iter()
            .map(|_| (50.0 * random.normal(), 5.0 * random.normal()))
            .collect();
        let slope = random.normal();
        let mut request = chord(&tones);
        request.harmonics = 1 + random.below(3);
        let (measurement, _) = run(&request, 5, |n| {
            let parts = tones.iter().zip(&moduli).map(|(tone, (storage, loss))| {
                let angle = TAU * ((tone.multiple * n) % PERIOD) as f64 / PERIOD as f64;
                let (sin, cos) = (angle + tone.phase.to_radians()).sin_cos();
                AMPLITUDE * tone.weight * (storage * sin + loss * cos)
            });
            parts.sum::<f64>() + slope * n as f64 / PERIOD as f64
        });
        for (found, (storage, loss)) in reading(&measurement).tones.iter().zip(&moduli) {
            assert!((found.storage.value - storage).abs() < 1e-9);
            assert!((found.loss.value - loss).abs() < 1e-9);
        }
    }
}

#[test]
fn automatic_tones_share_one_error_bar() {
    let mut request = request(16 * 13);
    (request.tones, request.harmonics) = (Tones::Automatic(3), 1);
    let mut random = Random(4);
    let (measurement, _) = run(&request, 1 + 1200, |_| random.normal());
    let found = reading(&measurement);
    let errors: Vec<f64> = found
        .tones
        .iter()
        .map(|tone| tone.loss.error * (tone.multiple as f64).powf(-0.5))
        .collect();
    // white noise gives each tone the same stress error, so the error of the modulus goes as the root of h
    for error in &errors {
        assert!((error / errors[0] - 1.0).abs() < 0.15, "{errors:?}");
    }
    assert!((measurement.protocol().peak - AMPLITUDE).abs() < 1e-15);
}

#[test]
fn every_tone_has_its_row_columns_and_entry() {
    let tones = [tone(1, 1.0, 0.0), tone(4, 0.5, 0.0)];
    let (measurement, blocks) = run(&chord(&tones), 5, |n| answer(&tones, n));
    let unit = StressUnit::choose(None, "lj").unwrap();
    for (index, tone) in tones.iter().enumerate() {
        let row = tone_row(&measurement, index, &unit);
        let (storage, loss) = zener(tone.multiple);
        assert!((row[0] - tone.multiple as f64 / PERIOD as f64).abs() < 1e-16);
        assert_eq!(row[2], tone.weight * AMPLITUDE);
        assert!((row[3] - storage).abs() < 1e-10 && (row[4] - loss).abs() < 1e-10);
        assert!((row[13] - storage).abs() < 1e-10, "xy over the strain");
        assert!((row[19] - loss).abs() < 1e-10);
    }
    let from = Provenance {
        lammps: "x".into(),
        deepdms: "y".into(),
        units: "lj".into(),
    };
    let head = block_file_head(&measurement, &unit, &from);
    assert!(
        head.contains("# tone 2: 4 periods per base period, amplitude 0.005, phase 0 degrees\n")
    );
    let names: Vec<&str> = head.lines().last().unwrap().split(',').collect();
    let line = block_line(&measurement, &unit, blocks.last().unwrap());
    let cells: Vec<&str> = line.trim_end().split(',').collect();
    assert_eq!(names.len(), cells.len());
    let column = names.iter().position(|name| *name == "loss_2").unwrap();
    assert!((cells[column].parse::<f64>().unwrap() - zener(4).1).abs() < 1e-9);
    let text = summary(&measurement, &unit, &from);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["tones"][1]["multiple"], 4);
    let storage = value["tones"][1]["storage"]["value"].as_f64().unwrap();
    assert!((storage - zener(4).0).abs() < 1e-10);
    let shear = &value["tones"][1]["stress_responses"]["xy"];
    assert!((shear["storage"].as_f64().unwrap() - zener(4).0).abs() < 1e-10);
    assert_eq!(value["protocol"]["tones"][1]["amplitude"], 0.005);
    let between = &value["kramers_kronig"][0];
    let slope = (zener(4).0 - zener(1).0) / 4f64.ln();
    let found = between["from_storage"]["value"].as_f64().unwrap();
    assert!((found - 0.5 * std::f64::consts::PI * slope).abs() < 1e-9);
    let found = between["measured"]["value"].as_f64().unwrap();
    assert!((found - 0.5 * (zener(4).1 + zener(1).1)).abs() < 1e-9);
}

/// The thermal noise of a Maxwell element: each tone sees the power at its own frequency.
#[test]
fn every_tone_has_its_own_thermal_error() {
    let (shear, temperature, volume, time) = (30.0, 0.8, 600.0, 12.0);
    let tones = [tone(1, 1.0, 0.0), tone(5, 0.5, 0.0)];
    let mut request = chord(&tones);
    request.harmonics = 1;
    let mut measurement = started(&request, volume);
    let memory = (-1f64 / time).exp();
    let kick = (temperature * shear / volume * (1.0 - memory * memory)).sqrt();
    let mut random = Random(3);
    let mut noise = 0.0;
    let loss = |multiple: u64| {
        let x = TAU * multiple as f64 / PERIOD as f64 * time;
        shear * x / (1.0 + x * x)
    };
    for n in 0..1201 * PERIOD {
        noise = memory * noise + kick * random.normal();
        let parts = tones.iter().map(|tone| {
            let angle = TAU * ((tone.multiple * n) % PERIOD) as f64 / PERIOD as f64;
            AMPLITUDE * tone.weight * loss(tone.multiple) * angle.cos()
        });
        let stress = noise + parts.sum::<f64>();
        measurement
            .sample(&sample(n, stress, temperature, volume))
            .unwrap();
    }
    for (found, tone) in reading(&measurement).tones.iter().zip(&tones) {
        let expected = loss(tone.multiple);
        let ratio = found.loss.error / found.predicted_error;
        assert!((ratio - 1.0).abs() < 0.15, "{ratio}");
        assert!((found.loss.value - expected).abs() < 4.0 * found.predicted_error);
        // relative error √(2/1199) = 4 % of the noise, and 4 % to 8 % of the loss
        assert!((found.loss_from_noise.value / expected - 1.0).abs() < 0.16);
        let pull = (found.noise_ratio.value - 1.0) / found.noise_ratio.error;
        assert!(pull.abs() < 4.0, "{:?}", found.noise_ratio);
        let temperature = found.effective_temperature.value / found.noise_ratio.value;
        assert!((temperature - 0.8).abs() < 1e-12);
    }
}

#[test]
fn a_tone_that_is_not_resolved_is_named_by_its_period() {
    let tones = [tone(1, 1.0, 0.0), tone(4, 0.1, 0.0)];
    let mut random = Random(7);
    let (measurement, _) = run(&chord(&tones), 9, |n| {
        // noise that hides the loss of the second tone
        answer(&tones, n) + 1.2 * random.normal()
    });
    let unit = StressUnit::choose(None, "lj").unwrap();
    let remarks = on_results(&measurement, &unit);
    let [(Remark::Noise, text)] = &remarks[..] else {
        panic!("{remarks:?}")
    };
    assert!(
        text.contains(" at the period 112: run more cycles"),
        "{text}"
    );
}
