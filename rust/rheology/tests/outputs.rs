//! The vector, the array, the block file and the summary.

mod common;

use std::f64::consts::TAU;

use common::{AMPLITUDE, REDUCED, reading, request, started};
use deepdms_rheology::measurement::{Constants, Start};
use deepdms_rheology::moduli::Complex;
use deepdms_rheology::readout::{Reading, tone_row};
use deepdms_rheology::report::{Provenance, block_file_head, block_line, summary};
use deepdms_rheology::units::StressUnit;
use deepdms_rheology::{Cell, Measurement, Mode, Request, Sample};

const PERIOD: u64 = 64;

/// An isotropic body with K = 160 + 2i and G = 35 + 1.5i GPa, strained along y, stresses in bar.
fn body() -> (Measurement, Vec<deepdms_rheology::outcome::Block>) {
    let (k, g) = (Complex::new(160.0, 2.0), Complex::new(35.0, 1.5));
    let (c11, c12) = (k + g * (4.0 / 3.0), k - g * (2.0 / 3.0));
    let metal = Constants {
        boltzmann: 8.617333262e-5,
        pressure: 1.602176634e6,
        dimension: 3,
    };
    let mut request = Request::new(1, Mode::Yy, AMPLITUDE, 64.0);
    request.harmonics = 2;
    let mut measurement = Measurement::new(request, 1.0, metal).unwrap();
    let reference = Cell {
        low: [0.0; 3],
        high: [10.0, 12.0, 8.0],
        tilt: [0.0; 3],
    };
    measurement.begin(Start {
        step: 500,
        reference,
        atoms: 50.0,
    });
    let mut blocks = Vec::new();
    for n in 0..PERIOD * 5 {
        let (sin, cos) = (TAU * n as f64 / PERIOD as f64).sin_cos();
        let strain = AMPLITUDE * sin;
        let wave = |modulus: Complex| 1e4 * AMPLITUDE * (modulus.re * sin + modulus.im * cos);
        let (along, across) = (wave(c11), wave(c12));
        let stress = [across, along, across, 0.0, 0.0, 0.0];
        let sample = Sample {
            step: 500 + n as i64,
            stress,
            // Work is V σ d ln L, and the volume grows with the strain.
            virial: stress,
            temperature: 300.0 + 2.0 * sin - cos,
            potential: -5.0,
            kinetic: 1.0,
            reservoir: 0.0,
            volume: 960.0 * (1.0 + strain),
            ..Sample::default()
        };
        blocks.extend(measurement.sample(&sample).unwrap());
    }
    (measurement, blocks)
}

#[test]
fn the_vector_has_its_fixed_layout() {
    let (measurement, _) = body();
    let unit = StressUnit::choose(None, "metal").unwrap();
    let reading = Reading::of(&measurement, &unit);
    let step = 500 + 4 * PERIOD as i64 + 16;
    let vector = reading.vector(&measurement, &unit, step);
    let storage = 160.0 + 35.0 * 4.0 / 3.0;
    let loss = 2.0 + 1.5 * 4.0 / 3.0;
    let expected = [
        (0, AMPLITUDE),
        (2, 0.25),
        (3, 4.0),
        (4, 2.0),
        (5, storage),
        (6, loss),
        (7, loss / storage),
        (8, 0.0),
        (9, 0.0),
        (10, 0.0),
        (11, 0.0),
        (12, 0.0),
        (13, 0.0),
        (14, 0.0),
        (
            15,
            std::f64::consts::PI * AMPLITUDE * AMPLITUDE * loss * 960.0 / 160.2176634,
        ),
        (16, loss),
        (18, 300.0),
        (19, 5f64.sqrt()),
    ];
    for (index, value) in expected {
        let scale = f64::max(1.0, value.abs());
        // The work differs from its smooth value by the trapezoid factor, which element 17 (from 1) removes.
        let tolerance = if index == 15 { 2e-3 } else { 1e-9 };
        assert!(
            (vector[index] - value).abs() < tolerance * scale,
            "element {}: {}",
            index + 1,
            vector[index]
        );
    }
    let thermal = 8.617333262e-5 * 300.0 / 960.0 * 160.2176634;
    let predicted = (2.0 * thermal * loss / (std::f64::consts::PI * 4.0)).sqrt() / AMPLITUDE;
    assert!((vector[20] / predicted - 1.0).abs() < 1e-9);
    // Nothing in this body takes up the work, so the conserved energy falls by it.
    assert!((vector[22] * 50.0 / -vector[15] - 1.0).abs() < 1e-9);
}

#[test]
fn the_array_holds_the_elastic_constants() {
    let (measurement, _) = body();
    let row = tone_row(&measurement, 0, &StressUnit::choose(None, "metal").unwrap());
    assert_eq!(row.len(), 30);
    let (k, g) = (Complex::new(160.0, 2.0), Complex::new(35.0, 1.5));
    let young = k * g * 9.0 / (k * 3.0 + g);
    let poisson = (k * 3.0 - g * 2.0) / ((k * 3.0 + g) * 2.0);
    let expected = [
        k.re, k.im, g.re, g.im, young.re, young.im, poisson.re, poisson.im,
    ];
    for (index, value) in expected.into_iter().enumerate() {
        assert!(
            (row[22 + index] - value).abs() < 1e-9,
            "column {}: {}",
            23 + index,
            row[22 + index]
        );
    }
    assert_eq!(
        (row[0], row[1], row[2], row[9]),
        (1.0 / 64.0, 64.0, AMPLITUDE, 4.0)
    );
    assert!(
        (row[10] - (160.0 - 70.0 / 3.0)).abs() < 1e-9,
        "xx is a lateral stress in mode yy"
    );
}

#[test]
fn everything_is_zero_before_the_first_block() {
    let measurement = started(&request(PERIOD), 1.0);
    let unit = StressUnit::choose(None, "lj").unwrap();
    let vector = reading(&measurement).vector(&measurement, &unit, 1000);
    assert_eq!(vector, [0.0; 24]);
    let row = tone_row(&measurement, 0, &unit);
    assert_eq!(row.len(), 22);
    assert!(row[3..].iter().all(|value| *value == 0.0));
    let waiting = Measurement::new(request(PERIOD), 1.0, REDUCED).unwrap();
    assert_eq!(reading(&waiting).vector(&waiting, &unit, 77), [0.0; 24]);
}

fn provenance() -> Provenance {
    Provenance {
        lammps: "22 Jul 2025".into(),
        deepdms: "0.1.0".into(),
        units: "metal".into(),
    }
}

#[test]
fn the_block_file_names_its_columns_and_flags_skipped_cycles() {
    let (measurement, blocks) = body();
    let unit = StressUnit::choose(None, "metal").unwrap();
    let head = block_file_head(&measurement, &unit, &provenance());
    assert!(head.contains("# mode yy, lateral fixed, longitudinal modulus\n"));
    assert!(head.contains("# first step 500, 50 atoms\n"));
    assert!(head.contains("# amplitude 0.01, period 64 steps = 64 time units\n"));
    let names: Vec<&str> = head.lines().last().unwrap().split(',').collect();
    assert_eq!(blocks.len(), 3);
    for (block, start) in blocks
        .iter()
        .zip(["1,1,1,500,563,", "2,2,3,564,691,", "3,4,5,692,819,"])
    {
        let line = block_line(&measurement, &unit, block);
        assert!(line.starts_with(start), "{line}");
        let cells: Vec<&str> = line.trim_end().split(',').collect();
        assert_eq!(cells.len(), names.len());
        let column = |name: &str| -> f64 {
            cells[names.iter().position(|n| *n == name).unwrap()]
                .parse()
                .unwrap()
        };
        assert!((column("storage") - (160.0 + 140.0 / 3.0)).abs() < 1e-9);
        assert!((column("loss") - 4.0).abs() < 1e-9);
        assert!((column("temperature_in_phase") - 2.0).abs() < 1e-9);
        assert_eq!(column("used"), f64::from(u8::from(block.used)));
    }
}

#[test]
fn the_summary_is_json_with_errors_and_settings() {
    let (measurement, _) = body();
    let unit = StressUnit::choose(None, "metal").unwrap();
    let text = summary(&measurement, &unit, &provenance());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["program"]["lammps"], "22 Jul 2025");
    assert_eq!(value["protocol"]["period_steps"], 64);
    assert_eq!(value["stress_unit"], "GPa");
    assert_eq!(value["results"]["blocks"], 2);
    let shear = value["isotropic_constants"]["shear_storage"]["value"]
        .as_f64()
        .unwrap();
    assert!((shear - 35.0).abs() < 1e-9);
    assert!(value["results"]["loss"]["error"].as_f64().unwrap() < 1e-9);
    let median = value["loss_median"]["value"].as_f64().unwrap();
    assert!((median - 4.0).abs() < 1e-9);
    // nothing takes up the work
    let drift = value["results"]["drift_over_work"].as_f64().unwrap();
    assert!((drift + 1.0).abs() < 1e-9);
    assert!(
        value["stress_responses"]["xy"]["storage"]
            .as_f64()
            .unwrap()
            .abs()
            < 1e-9
    );
}

/// A summary after `cycles` cycles, the first of which is not used, and `harmonics`.
fn summary_after(cycles: u64, harmonics: u64) -> serde_json::Value {
    let mut request = request(PERIOD);
    request.harmonics = harmonics;
    let mut measurement = started(&request, 7.0);
    for n in 0..cycles * PERIOD {
        let sin = (TAU * n as f64 / PERIOD as f64).sin();
        let stress = AMPLITUDE * 40.0 * sin
            + if (n / PERIOD).is_multiple_of(3) {
                0.001
            } else {
                0.0
            };
        measurement
            .sample(&common::sample(n, stress, 1.0, 7.0))
            .unwrap();
    }
    let unit = StressUnit::choose(None, "lj").unwrap();
    serde_json::from_str(&summary(&measurement, &unit, &provenance())).unwrap()
}

#[test]
fn what_is_not_known_yet_is_null_in_the_summary() {
    use serde_json::Value::Null;
    let before = summary_after(1, 3);
    let results = before["results"].as_object().unwrap();
    for (name, value) in results {
        if ["blocks", "cycles"].contains(&name.as_str()) {
            assert_eq!(value, 0);
        } else {
            assert_eq!(*value, Null, "{name} before the first block");
        }
    }
    assert!(results.contains_key("storage") && results.contains_key("mean_stress"));

    let one = summary_after(3, 2);
    assert_eq!(one["results"]["blocks"], 1);
    assert!(one["results"]["storage"]["value"].as_f64().unwrap() > 39.0);
    for name in [
        "storage",
        "loss",
        "loss_tangent",
        "temperature",
        "noise_ratio",
    ] {
        assert_eq!(one["results"][name]["error"], Null, "{name} of one block");
    }
    assert_eq!(one["stress_responses"]["xy"]["loss_error"], Null);
    assert_eq!(one["results"]["third_harmonic"], Null, "it is not fitted");
    assert_eq!(one["results"]["trend_over_error"], Null);
    assert!(one["results"]["second_harmonic"].as_f64().unwrap() < 1e-3);

    let two = summary_after(5, 3);
    assert_eq!(two["results"]["blocks"], 2);
    for name in ["storage", "loss"] {
        assert!(two["results"][name]["error"].as_f64().unwrap() > 0.0);
    }
    assert!(
        two["stress_responses"]["xy"]["loss_error"]
            .as_f64()
            .unwrap()
            > 0.0
    );
    assert!(two["results"]["third_harmonic"].as_f64().is_some());
}
