//! Materials whose moduli are known in closed form.

mod common;

use std::f64::consts::{PI, TAU};

use common::{AMPLITUDE, reading, request, run};
use deepdms_rheology::moduli::Complex;
use deepdms_rheology::regression::Detrend;

const PERIOD: u64 = 200;
const OMEGA: f64 = TAU / PERIOD as f64;

/// sin θ and cos θ of the elapsed steps.
fn wave(elapsed: u64) -> (f64, f64) {
    (OMEGA * elapsed as f64).sin_cos()
}

fn close(found: f64, expected: f64, scale: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() < tolerance * scale,
        "{found} is not {expected}, off by {:e} of {scale}",
        (found - expected).abs() / scale
    );
}

/// Checks E' and E'' for every trend, from the regression, and E'' from the work.
fn steady(storage: f64, loss: f64, stress: impl Fn(u64) -> f64) {
    let scale = storage.hypot(loss);
    for detrend in [Detrend::None, Detrend::Linear, Detrend::Quadratic] {
        let mut request = request(PERIOD);
        request.detrend = detrend;
        let (measurement, _) = run(&request, 5, &stress);
        let found = reading(&measurement);
        assert_eq!((found.blocks, found.cycles), (2, 4));
        close(found.first.storage.value, storage, scale, 1e-13);
        close(found.first.loss.value, loss, scale, 1e-13);
        let tangent = loss / storage;
        close(
            found.first.loss_tangent.value,
            tangent,
            1.0 + tangent * tangent,
            1e-13,
        );
        close(found.loss_from_work, loss, scale, 1e-12);
    }
}

#[test]
fn hooke() {
    steady(73.0, 0.0, |n| 73.0 * AMPLITUDE * wave(n).0);
}

#[test]
fn kelvin_voigt() {
    let (shear, viscosity) = (28.0, 150.0);
    steady(shear, viscosity * OMEGA, |n| {
        let (sin, cos) = wave(n);
        shear * AMPLITUDE * sin + viscosity * AMPLITUDE * OMEGA * cos
    });
}

/// G' and G'' of a Maxwell element.
fn maxwell(shear: f64, time: f64) -> (f64, f64) {
    let x = OMEGA * time;
    (shear * x * x / (1.0 + x * x), shear * x / (1.0 + x * x))
}

#[test]
fn maxwell_steady_and_zener() {
    for time in [2.0, 30.0, 700.0] {
        for rubber in [0.0, 12.0] {
            let (storage, loss) = maxwell(35.0, time);
            steady(rubber + storage, loss, |n| {
                let (sin, cos) = wave(n);
                AMPLITUDE * ((rubber + storage) * sin + loss * cos)
            });
        }
    }
}

#[test]
fn maxwell_from_rest_decays_as_predicted() {
    let (shear, time) = (35.0, 150.0);
    let (storage, loss) = maxwell(shear, time);
    let period = PERIOD as f64;
    let mut request = request(PERIOD);
    (request.block, request.skip, request.harmonics) = (1, Some(0), 1);
    request.detrend = Detrend::None;
    let (_, blocks) = run(&request, 4, |n| {
        let (sin, cos) = wave(n);
        AMPLITUDE * (storage * sin + loss * cos - loss * (-(n as f64) / time).exp())
    });
    for (cycle, block) in blocks.iter().enumerate() {
        let Complex { re: a, im: b } = block.fits[0].pairs[0];
        let rate = 1.0 / time;
        let decay = -loss
            * (2.0 / period)
            * (-(cycle as f64) * period * rate).exp()
            * (1.0 - (-period * rate).exp())
            / (rate * rate + OMEGA * OMEGA);
        close(b / AMPLITUDE - loss, decay * rate, loss, 1.0 / period);
        close(a / AMPLITUDE - storage, decay * OMEGA, loss, 1.0 / period);
        assert!(
            decay.abs() * rate > 2.0 * loss / period || cycle > 1,
            "the effect is visible"
        );
    }
}

#[test]
fn a_cubic_spring_shows_in_fundamental_and_third_harmonic() {
    let (linear, cubic) = (60.0, -8.0e4);
    let (measurement, blocks) = run(&request(PERIOD), 3, |n| {
        let strain = AMPLITUDE * wave(n).0;
        linear * strain + cubic * strain.powi(3)
    });
    let expected = linear + 0.75 * cubic * AMPLITUDE * AMPLITUDE;
    let found = reading(&measurement);
    close(found.first.storage.value, expected, linear, 1e-13);
    close(found.first.loss.value, 0.0, linear, 1e-13);
    let third = -0.25 * cubic * AMPLITUDE.powi(3);
    let pair = blocks.last().unwrap().fits[0].pairs[2];
    close(pair.re, third, third, 1e-11);
    close(pair.im, 0.0, third, 1e-11);
    close(
        found.first.third_harmonic,
        third.abs() / (expected * AMPLITUDE),
        1.0,
        1e-13,
    );
    close(found.first.second_harmonic, 0.0, 1.0, 1e-13);
}

#[test]
fn drift_costs_what_the_formula_says_without_trend_and_nothing_with_it() {
    let (storage, loss, drift) = (50.0, 2.0, 0.003);
    let samples = PERIOD as f64;
    for (detrend, change_storage, change_loss) in [
        (
            Detrend::None,
            -(drift / AMPLITUDE) / (PI / samples).tan() / samples,
            -drift / (samples * AMPLITUDE),
        ),
        (Detrend::Linear, 0.0, 0.0),
        (Detrend::Quadratic, 0.0, 0.0),
    ] {
        let mut request = request(PERIOD);
        request.detrend = detrend;
        let (measurement, _) = run(&request, 5, |n| {
            let (sin, cos) = wave(n);
            3.0 + drift * n as f64 / samples + AMPLITUDE * (storage * sin + loss * cos)
        });
        let found = reading(&measurement);
        close(
            found.first.storage.value - storage,
            change_storage,
            storage,
            1e-12,
        );
        close(found.first.loss.value - loss, change_loss, storage, 1e-12);
        close(found.stress_drift, drift, drift, 1e-11);
    }
}

#[test]
fn a_large_mean_costs_no_digits() {
    let (storage, loss) = (50.0, 2.0);
    let mut request = request(100);
    request.block = 100_000; // ten million samples
    let offset = 1e6 * AMPLITUDE * storage;
    let (measurement, _) = run(&request, 100_001, |n| {
        let (sin, cos) = (TAU * (n % 100) as f64 / 100.0).sin_cos();
        offset + AMPLITUDE * (storage * sin + loss * cos)
    });
    let found = reading(&measurement);
    // The samples themselves are rounded to 1e-16 of the offset, 1e-10 of the amplitude.
    close(found.first.storage.value, storage, storage, 1e-9);
    close(found.first.loss.value, loss, storage, 1e-9);
    close(found.mean_stress.value, offset, offset, 1e-15);
}

#[test]
fn start_phase_and_ramp_do_not_change_the_moduli() {
    let (storage, loss) = (50.0, 4.0);
    for phase in [30.0f64, 90.0, 217.0, -45.0] {
        let mut request = request(PERIOD);
        (request.phase, request.ramp) = (phase, 2);
        let angle = phase.to_radians();
        let (measurement, blocks) = run(&request, 6, |n| {
            let (sin, cos) = (OMEGA * n as f64 + angle).sin_cos();
            let (_, cos3) = (3.0 * (OMEGA * n as f64 + angle)).sin_cos();
            AMPLITUDE * (storage * sin + loss * cos + 0.5 * cos3)
        });
        assert_eq!(measurement.protocol().skip, 2);
        let found = reading(&measurement);
        close(found.first.storage.value, storage, storage, 1e-13);
        close(found.first.loss.value, loss, storage, 1e-13);
        close(found.loss_from_work, loss, storage, 1e-12);
        let third = blocks.last().unwrap().tones[0].harmonics[1].unwrap();
        close(third.re, 0.0, AMPLITUDE, 1e-12);
        close(third.im, 0.5 * AMPLITUDE, AMPLITUDE, 1e-12);
    }
}
