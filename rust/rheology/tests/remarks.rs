//! What a user is told.

mod common;

use std::f64::consts::TAU;

use common::{AMPLITUDE, Random, reading, request, run, sample, started};
use deepdms_rheology::advice::{Remark, forecast, on_length, on_results, on_settings};
use deepdms_rheology::units::StressUnit;
use deepdms_rheology::{Cell, Measurement, Mode, Request};

const PERIOD: u64 = 64;

fn unit() -> StressUnit {
    StressUnit::choose(None, "lj").unwrap()
}

fn wave(n: u64) -> (f64, f64) {
    (TAU * n as f64 / PERIOD as f64).sin_cos()
}

fn kinds(measurement: &Measurement) -> Vec<Remark> {
    on_results(measurement, &unit())
        .into_iter()
        .map(|(kind, _)| kind)
        .collect()
}

#[test]
fn a_good_measurement_is_not_commented() {
    let (measurement, _) = run(&request(PERIOD), 11, |n| {
        AMPLITUDE * (40.0 * wave(n).0 + 3.0 * wave(n).1)
    });
    assert!(kinds(&measurement).is_empty());
    assert!(on_settings(&measurement).is_empty());
    assert!(
        forecast(&measurement, &unit()).is_none(),
        "there is no thermal noise at T = 0"
    );
}

#[test]
fn settings_that_are_unwise() {
    let mut request = request(PERIOD);
    (request.amplitude, request.skip) = (0.03, Some(0));
    let remarks = on_settings(&started(&request, 1.0));
    assert_eq!(
        remarks,
        [
            "strain amplitude 0.03 is large for linear response: compare with half of it, and watch the third harmonic",
            "nskip 0 keeps the start-up transient in the averages",
        ]
    );
}

#[test]
fn stress_noise_harmonics_and_trends_are_remarked() {
    let of = |stress: &mut dyn FnMut(u64) -> f64| kinds(&run(&request(PERIOD), 17, stress).0);
    assert_eq!(
        of(&mut |n| 0.1 + AMPLITUDE * 40.0 * wave(n).0),
        [Remark::MeanStress]
    );
    assert_eq!(
        of(&mut |n| AMPLITUDE * (40.0 * wave(n).0 + 3.0 * wave(n).1 + 40.0 * wave(3 * n).0)),
        [Remark::Harmonic]
    );
    let mut random = Random(1);
    assert_eq!(
        of(&mut |n| {
            let loss = 3.0 - 0.1 * n as f64 / PERIOD as f64;
            AMPLITUDE * (40.0 * wave(n).0 + loss * wave(n).1) + 1e-4 * random.normal()
        }),
        [Remark::Trend]
    );
    let mut random = Random(2);
    assert_eq!(
        of(&mut |n| AMPLITUDE * 40.0 * wave(n).0 + 0.01 * random.normal()),
        [Remark::Noise]
    );
}

#[test]
fn a_temperature_that_follows_the_strain_is_remarked_for_tension_only() {
    for (mode, expected) in [(Mode::Xx, vec![Remark::Temperature]), (Mode::Xy, vec![])] {
        let request = Request::new(1, mode, AMPLITUDE, PERIOD as f64);
        let mut measurement = started(&request, 1000.0);
        for n in 0..5 * PERIOD {
            let (sin, cos) = wave(n);
            let strain = AMPLITUDE * sin;
            let mut sample = sample(
                n,
                AMPLITUDE * (40.0 * sin + 3.0 * cos),
                0.5 - strain,
                1000.0,
            );
            sample.volume = 1000.0;
            measurement.sample(&sample).unwrap();
        }
        assert_eq!(kinds(&measurement), expected);
        let found = reading(&measurement);
        assert!((found.first.temperature_in_phase + AMPLITUDE).abs() < 1e-12);
    }
}

#[test]
fn the_forecast_names_error_and_cycles() {
    let mut measurement = started(&request(PERIOD), 600.0);
    for n in 0..3 * PERIOD {
        let stress = AMPLITUDE * (40.0 * wave(n).0 + 3.0 * wave(n).1);
        measurement.sample(&sample(n, stress, 0.8, 600.0)).unwrap();
    }
    // (1/0.01) √(2 · 0.8/600 · 3/(2π)) = 3.568, and (5.046/0.3)² = 282.9 for one cycle
    assert_eq!(
        forecast(&measurement, &unit()).unwrap(),
        "first block: E' = 40.00, E'' = 3.000 reduced; thermal noise alone gives E'' an error of 3.568 now, and 10 % of \
         E'' after about 283 cycles"
    );
}

#[test]
fn the_length_of_the_first_run() {
    let mut request = request(PERIOD);
    let message = |request: &Request, cycles: f64| {
        on_length(&started(request, 1.0), 1000 + (cycles * 64.0) as i64)
    };
    assert_eq!(
        message(&request, 2.5).unwrap(),
        "this run ends before the first block is complete: results begin after 3 cycles, 192 steps"
    );
    assert_eq!(message(&request, 7.0), None);
    assert_eq!(
        message(&request, 8.5).unwrap(),
        "the last 96 steps of this run begin a block that it does not complete: they count only if another run \
         follows, 448 or 576 steps would use all"
    );
    request.cycles = Some(7);
    assert_eq!(message(&request, 9.5), None, "the drive stops before");
}

#[test]
fn a_box_that_something_else_changed_is_noticed() {
    let measurement = started(&Request::new(1, Mode::Xx, AMPLITUDE, 64.0), 1.0);
    let reference = measurement.start().unwrap().reference;
    let strained = measurement.cell(1010, &reference).unwrap();
    assert!(measurement.check_cell(1010, &strained, true).is_ok());
    assert_eq!(
        measurement
            .check_cell(1010, &reference, true)
            .unwrap_err()
            .to_string(),
        "the box at step 1010 is not the reference box at its strain 0.008315 in xx: it was changed between runs, \
         for instance by change_box, read_dump or rerun. Unfix and start a new measurement"
    );
    let lateral = Cell {
        high: [strained.high[0], 1.1, 1.0],
        ..strained
    };
    assert!(measurement.check_cell(1010, &lateral, true).is_err());
    assert!(measurement.check_cell(1010, &lateral, false).is_ok());
}
