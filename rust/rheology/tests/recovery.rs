//! The streaming fit against a readable one, and against coefficients drawn at random.

mod common;

use std::f64::consts::TAU;

use common::{AMPLITUDE, Random, least_squares, request, run};
use deepdms_rheology::Request;
use deepdms_rheology::regression::Detrend;

fn random_request(random: &mut Random) -> Request {
    let every = 1 + random.below(7);
    let harmonics = 1 + random.below(4);
    let per_period = 16 * harmonics + random.below(60);
    let mut request = request(per_period * every);
    request.sample_every = every;
    request.harmonics = harmonics;
    request.block = 1 + random.below(4);
    request.detrend =
        [Detrend::None, Detrend::Linear, Detrend::Quadratic][random.below(3) as usize];
    request
}

#[test]
fn random_coefficients_come_back() {
    let mut random = Random(20_260_801);
    for trial in 0..60 {
        let request = random_request(&mut random);
        let period = request.period as u64;
        let samples = (request.block * period / request.sample_every) as f64;
        let mut draw = || 2.0 * random.uniform() - 1.0;
        let trend: Vec<f64> = (0..=request.detrend.degree()).map(|_| draw()).collect();
        let pairs: Vec<(f64, f64)> = (0..request.harmonics).map(|_| (draw(), draw())).collect();
        let first = period;
        let (_, blocks) = run(&request, 1 + request.block, |n| {
            let s = (n as f64 - first as f64) / request.sample_every as f64;
            let x = (2.0 * s - samples + 1.0) / samples;
            let legendre = [1.0, x, 0.5 * (3.0 * x * x - 1.0)];
            let angle = TAU * (n % period) as f64 / period as f64;
            let slow: f64 = trend.iter().zip(legendre).map(|(c, p)| c * p).sum();
            let waves = pairs.iter().enumerate().map(|(h, (a, b))| {
                let (sin, cos) = ((h + 1) as f64 * angle).sin_cos();
                a * sin + b * cos
            });
            slow + waves.sum::<f64>()
        });
        let block = blocks.iter().find(|block| block.used).unwrap();
        for fit in &block.fits[..6] {
            assert!((fit.mean - trend[0]).abs() < 1e-10, "trial {trial}");
            if let Some(slope) = trend.get(1) {
                assert!(
                    (fit.drift - 2.0 * slope / request.block as f64).abs() < 1e-10,
                    "trial {trial}"
                );
            }
            for (found, drawn) in fit.pairs.iter().zip(&pairs) {
                assert!((found.re - drawn.0).abs() < 1e-10, "trial {trial}");
                assert!((found.im - drawn.1).abs() < 1e-10, "trial {trial}");
            }
            assert!(fit.residual < 1e-13, "trial {trial}: {}", fit.residual);
        }
    }
}

#[test]
fn noise_is_fitted_as_the_plain_normal_equations_do() {
    let mut random = Random(77);
    for _ in 0..10 {
        let mut request = random_request(&mut random);
        request.skip = Some(0);
        let period = request.period as u64;
        let every = request.sample_every;
        let count = request.block * period / every;
        let noise: Vec<f64> = (0..count).map(|_| 5.0 + random.normal()).collect();
        let (_, blocks) = run(&request, request.block, |n| noise[(n / every) as usize]);
        let rows: Vec<Vec<f64>> = (0..count)
            .map(|s| {
                let x = (2.0 * s as f64 - count as f64 + 1.0) / count as f64;
                let mut row = vec![1.0, x, 0.5 * (3.0 * x * x - 1.0)];
                row.truncate(request.detrend.degree() + 1);
                for h in 1..=request.harmonics {
                    let angle = TAU * (h * s * every) as f64 / period as f64;
                    row.extend([angle.sin(), angle.cos()]);
                }
                row
            })
            .collect();
        let expected = least_squares(&rows, &noise);
        let fit = &blocks[0].fits[0];
        assert!((fit.mean - expected[0]).abs() < 1e-11);
        let mut squares = 0.0;
        for (row, value) in rows.iter().zip(&noise) {
            let model: f64 = row.iter().zip(&expected).map(|(r, c)| r * c).sum();
            squares += (value - model).powi(2);
        }
        let residual = squares / (count as usize - expected.len()) as f64;
        assert!((fit.residual / residual - 1.0).abs() < 1e-10);
        let waves = &expected[request.detrend.degree() + 1..];
        for (pair, wave) in fit.pairs.iter().zip(waves.chunks_exact(2)) {
            assert!((pair.re - wave[0]).abs() < 1e-11 && (pair.im - wave[1]).abs() < 1e-11);
        }
    }
}

#[test]
fn sampling_less_often_changes_nothing_without_noise() {
    let stress = |n: u64| {
        let (sin, cos) = (TAU * n as f64 / 480.0).sin_cos();
        AMPLITUDE * (40.0 * sin + 3.0 * cos)
    };
    for every in [1, 2, 5, 10] {
        let mut request = request(480);
        request.sample_every = every;
        let (measurement, _) = run(&request, 3, stress);
        let found = common::reading(&measurement);
        assert!(
            (found.first.storage.value - 40.0).abs() < 4e-12
                && (found.first.loss.value - 3.0).abs() < 4e-12
        );
        assert!((found.loss_from_work - 3.0).abs() < 1e-11);
    }
}
