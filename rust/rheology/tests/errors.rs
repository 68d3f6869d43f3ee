//! Error bars: what the scatter says, what theory says, and whether they hold.

mod common;

use std::f64::consts::TAU;

use common::{AMPLITUDE, Random, reading, request, run, sample, started};
use deepdms_rheology::outcome::DRIVEN;

const PERIOD: u64 = 64;

fn lossy(n: u64) -> f64 {
    let (sin, cos) = (TAU * n as f64 / PERIOD as f64).sin_cos();
    AMPLITUDE * (40.0 * sin + 3.0 * cos)
}

#[test]
fn white_noise_gives_the_error_of_least_squares() {
    let mut random = Random(3);
    let noise = 0.05;
    let cycles = 10_000;
    let (measurement, _) = run(&request(PERIOD), 1 + cycles, |n| {
        lossy(n) + noise * random.normal()
    });
    let found = reading(&measurement);
    // Var b = 2 s²/N over all samples; the linear trend of two-cycle blocks inflates Var a by 1.18.
    let plain = noise * (2.0 / (cycles * PERIOD) as f64).sqrt() / AMPLITUDE;
    // The relative error of a standard error from 5000 blocks is 1 %, of n_eff another 2 %.
    assert!(
        (found.first.loss.error / plain - 1.0).abs() < 0.06,
        "{} {plain}",
        found.first.loss.error
    );
    assert!((found.first.storage.error / (plain * 1.18f64.sqrt()) - 1.0).abs() < 0.06);
    assert!((found.first.loss.value - 3.0).abs() < 4.0 * plain);
    assert!((found.first.storage.value - 40.0).abs() < 4.0 * plain);
    let residual = measurement.outcome().residuals[DRIVEN].mean();
    assert!((residual / (noise * noise) - 1.0).abs() < 0.01);
}

#[test]
fn pulls_are_standard_normal() {
    let mut random = Random(11);
    let trials = 1600;
    let mut squares = [0.0; 3];
    for _ in 0..trials {
        let (measurement, _) = run(&request(PERIOD), 1 + 40, |n| {
            lossy(n) + 0.05 * random.normal()
        });
        let found = reading(&measurement);
        squares[0] += ((found.first.storage.value - 40.0) / found.first.storage.error).powi(2);
        squares[1] += ((found.first.loss.value - 3.0) / found.first.loss.error).powi(2);
        squares[2] +=
            ((found.first.loss_tangent.value - 0.075) / found.first.loss_tangent.error).powi(2);
    }
    // Student's t with 19 degrees of freedom has variance 1.12. Chance correlations lower n_eff, never raise it above n,
    // which makes the errors of 20 blocks larger by about a tenth. χ² of 1600 trials: ± 0.035.
    for square in squares {
        let variance = square / f64::from(trials);
        assert!((0.8..1.15).contains(&variance), "{variance}");
    }
}

/// A Maxwell element in equilibrium: its stress fluctuates with C(0) = k_B T G/V and relaxation time τ, so the loss, the
/// scatter of the loss coefficient and the error of E'' are tied by the fluctuation-dissipation theorem.
#[test]
fn thermal_noise_gives_the_predicted_error() {
    let (shear, temperature, volume) = (30.0, 0.8, 600.0);
    for time in [2.0, 10.0, 40.0] {
        let x = TAU / PERIOD as f64 * time;
        let (storage, loss) = (shear * x * x / (1.0 + x * x), shear * x / (1.0 + x * x));
        let memory = (-1.0 / time).exp();
        let kick = (temperature * shear / volume * (1.0 - memory * memory)).sqrt();
        let mut random = Random(time as u64);
        let mut request = request(PERIOD);
        request.skip = Some(1);
        let mut measurement = started(&request, volume);
        let mut noise = 0.0;
        let cycles = 4000;
        for n in 0..(1 + cycles) * PERIOD {
            noise = memory * noise + kick * random.normal();
            let (sin, cos) = (TAU * n as f64 / PERIOD as f64).sin_cos();
            let stress = AMPLITUDE * (storage * sin + loss * cos) + noise;
            measurement
                .sample(&sample(n, stress, temperature, volume))
                .unwrap();
        }
        let found = reading(&measurement);
        let ratio = found.first.loss.error / found.first.predicted_error;
        assert!(
            (ratio - 1.0).abs() < 0.15,
            "τ = {time}: {} against {}",
            found.first.loss.error,
            found.first.predicted_error
        );
        assert!((found.first.loss.value - loss).abs() < 4.0 * found.first.predicted_error);
        // Relative error √(2/(n − 1)) of the scatter is 2 %; the discrete sampling of fast noise adds a few per cent.
        assert!(
            (found.first.loss_from_noise.value / loss - 1.0).abs() < 0.2,
            "τ = {time}: {}",
            found.first.loss_from_noise.value
        );
    }
}

#[test]
fn a_drifting_loss_is_reported_as_a_trend() {
    let mut random = Random(5);
    let (measurement, _) = run(&request(PERIOD), 1 + 40, |n| {
        let (sin, cos) = (TAU * n as f64 / PERIOD as f64).sin_cos();
        let loss = 3.0 - 0.01 * n as f64 / PERIOD as f64;
        AMPLITUDE * (40.0 * sin + loss * cos) + 1e-4 * random.normal()
    });
    let found = reading(&measurement);
    assert!(
        found.first.trend_over_error < -10.0,
        "{}",
        found.first.trend_over_error
    );
}
