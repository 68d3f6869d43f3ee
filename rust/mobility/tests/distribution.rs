//! Distributions of displacements with known answers.

mod common;

use common::{SC, direction, gaussian, lattice, mean_and_error, normal, settings};
use deepdms_mobility::analysis::AtomHistory;
use deepdms_mobility::cell::{Vector, dot};
use deepdms_mobility::histogram::Histogram;
use deepdms_mobility::minimum::Minimum;
use deepdms_mobility::moments::Moments;
use deepdms_mobility::random::Random;
use deepdms_mobility::settings::Threshold;
use deepdms_mobility::window::Centre;
use deepdms_mobility::{Analysis, Frame, Geometry, Settings};
use deepdms_statistics::Series;

const R_NN: f64 = 2.5;

fn length(vector: Vector) -> f64 {
    dot(vector, vector).sqrt()
}

/// 1 − f vibrate with the deviation `own`, f hop by r_nn with the deviation `hop`.
fn mixture(random: &mut Random, f: f64, own: f64, hop: f64) -> f64 {
    if random.unit() >= f {
        return length(gaussian(random, own));
    }
    let (way, noise) = (direction(random), gaussian(random, hop));
    length(std::array::from_fn(|axis| R_NN * way[axis] + noise[axis]))
}

/// Density of that mixture.
fn density(u: f64, f: f64, own: f64, hop: f64) -> f64 {
    let maxwell = (2.0 / std::f64::consts::PI).sqrt() * u * u / own.powi(3)
        * (-0.5 * (u / own).powi(2)).exp();
    let bell = |x: f64| (-0.5 * (x / hop).powi(2)).exp();
    let hops = u / (R_NN * hop * std::f64::consts::TAU.sqrt()) * (bell(u - R_NN) - bell(u + R_NN));
    (1.0 - f) * maxwell + f * hops
}

fn histogram(values: impl Iterator<Item = f64>) -> Histogram {
    let mut histogram = Histogram::new(R_NN);
    values.for_each(|u| histogram.add(u));
    histogram
}

/// The mixtures of the table and the place of their minimum.
const TABLE: [(f64, f64, f64, f64); 4] = [
    (0.05, 0.25, 0.35, 1.3313),
    (0.01, 0.25, 0.35, 1.3890),
    (0.05, 0.35, 0.50, 1.5774),
    (0.20, 0.25, 0.35, 1.2759),
];

#[test]
fn the_minimum_of_a_mixture_is_found_and_its_fraction_is_right() {
    let mut random = Random::new(1, 0, 0);
    for (f, own, hop, exact) in TABLE {
        // the exact minimum, on a grid
        let grid = (100..1000).map(|step| step as f64 * 0.0025);
        let least = grid.reduce(|a, b| {
            if density(b, f, own, hop) < density(a, f, own, hop) {
                b
            } else {
                a
            }
        });
        assert!((least.unwrap() - exact).abs() < 0.003);
        let draws: Vec<f64> = (0..160_000)
            .map(|_| mixture(&mut random, f, own, hop))
            .collect();
        let found = Minimum::find(&histogram(draws.iter().copied()), R_NN);
        assert!(!found.fallback && found.significance > 4.0);
        assert!(found.low < found.u_min && found.u_min < found.high);
        assert!(
            found.u_min > exact - 0.02 && found.u_min < exact + 0.1,
            "{} {exact}",
            found.u_min
        );
        let above = draws.iter().filter(|u| **u >= found.u_min).count() as f64;
        let truth = draws.iter().filter(|u| **u >= exact).count() as f64;
        assert!(
            (above / truth - 1.0).abs() < 0.02 + 2.0 * found.misclassified / f,
            "{above} {truth}"
        );
        assert!((above / truth - 1.0).abs() < 0.03);
    }
}

#[test]
fn few_displacements_are_enough_for_a_clear_minimum() {
    let mut random = Random::new(2, 0, 0);
    for (f, own, hop, exact) in TABLE {
        for _ in 0..5 {
            let windows: Vec<Histogram> = (0..4)
                .map(|_| histogram((0..4000).map(|_| mixture(&mut random, f, own, hop))))
                .collect();
            let found = Minimum::of_windows(&windows, R_NN);
            assert!(!found.fallback, "{f} {own}: z = {}", found.significance);
            assert!((found.u_min - exact).abs() < 0.3);
            assert!(found.error >= (found.high - found.low) / 12.0f64.sqrt());
        }
    }
}

#[test]
fn without_hops_there_is_no_minimum() {
    let mut random = Random::new(3, 0, 0);
    for own in [0.25, 1.2, 2.0] {
        for _ in 0..10 {
            let found = Minimum::find(
                &histogram((0..16_000).map(|_| length(gaussian(&mut random, own)))),
                R_NN,
            );
            assert!(found.fallback, "{own}: {found:?}");
            assert_eq!((found.u_min, found.u_out), (0.5 * R_NN, f64::INFINITY));
        }
    }
    assert!(Minimum::find(&Histogram::new(R_NN), R_NN).fallback);
    assert!(Minimum::of_windows(&[], R_NN).fallback);
}

#[test]
fn two_hops_bound_the_region_of_jumps() {
    let mut random = Random::new(4, 0, 0);
    let shell = |random: &mut Random, a: f64| {
        let (way, noise) = (direction(random), gaussian(random, 0.2));
        length(std::array::from_fn(|axis| a * way[axis] + noise[axis]))
    };
    let found = Minimum::find(
        &histogram((0..100_000).map(|i| match i % 10 {
            0 => shell(&mut random, 2.5),
            1 => shell(&mut random, 4.3),
            _ => length(gaussian(&mut random, 0.25)),
        })),
        R_NN,
    );
    assert!(!found.fallback);
    assert!((found.u_out - 3.4).abs() < 0.15, "{}", found.u_out);
}

#[test]
fn the_gaussian_comparison_crosses_between_vibration_and_hop() {
    let mut random = Random::new(5, 0, 0);
    let draws: Vec<f64> = (0..160_000)
        .map(|_| mixture(&mut random, 0.05, 0.25, 0.35))
        .collect();
    let square = draws.iter().map(|u| u * u).sum::<f64>() / draws.len() as f64;
    let found = Minimum::gaussian(&histogram(draws.into_iter()), square, 3, R_NN);
    // where the exact density crosses that of a Gaussian process from below, the last time
    let wide = |u: f64| {
        let norm = (1.5 / (std::f64::consts::PI * square)).powf(1.5);
        4.0 * std::f64::consts::PI * u * u * norm * (-1.5 * u * u / square).exp()
    };
    let exact = (1..2000)
        .map(|step| step as f64 * 0.0025)
        .filter(|&u| density(u, 0.05, 0.25, 0.35) <= wide(u))
        .fold(0.0, f64::max);
    assert!(!found.fallback);
    assert!((found.u_min - exact).abs() < 0.1, "{} {exact}", found.u_min);
}

#[test]
fn a_maxwell_distribution_has_its_moments() {
    let mut random = Random::new(6, 0, 0);
    let (own, q, overlap, count) = (0.3, 2.0, 0.4, 1000);
    let (mut squares, mut alphas, mut waves, mut near) = (vec![], vec![], vec![], vec![]);
    let mut series = Series::default();
    for _ in 0..400 {
        let draws = (0..count).map(|_| length(gaussian(&mut random, own)));
        let moments = Moments::of(draws, overlap, &[q], 3);
        squares.push(moments.square());
        alphas.push(moments.alpha2(3));
        waves.push(moments.scattering().next().unwrap());
        near.push(moments.overlap());
        series.push(moments.overlap());
    }
    let check = |values: &[f64], expected: f64, bias: f64| {
        let (mean, error) = mean_and_error(values);
        assert!(
            (mean - expected).abs() < 3.5 * error + bias,
            "{mean} ± {error}, not {expected}"
        );
    };
    check(&squares, 3.0 * own * own, 0.0);
    check(&alphas, 0.0, 2.0 / count as f64);
    check(&waves, (-0.5 * q * q * own * own).exp(), 0.0);
    // F_χ3(4/3) = erf(x/√2) − √(2/π) x exp(−x²/2), and Q(1 − Q) = 0.2357
    let expected = 0.380_4;
    check(&near, expected, 1e-3);
    let chi4 = count as f64 * series.variance();
    assert!(
        (chi4 - 0.2357).abs() < 3.5 * 0.2357 * (2.0f64 / 399.0).sqrt(),
        "{chi4}"
    );
    // scatter of alpha2, √(8/(15 N))
    let (_, error) = mean_and_error(&alphas);
    let deviation = error * 20.0;
    let expected = (8.0 / (15.0 * count as f64)).sqrt();
    assert!(
        (deviation / expected - 1.0).abs() < 0.12,
        "{deviation} {expected}"
    );
}

#[test]
fn the_histogram_of_a_maxwell_distribution_fits() {
    let mut random = Random::new(7, 0, 0);
    let (own, count) = (0.5, 400_000);
    let histogram = histogram((0..count).map(|_| length(gaussian(&mut random, own))));
    let width = histogram.width();
    let (mut chi2, mut bins) = (0.0, 0.0);
    for (bin, &seen) in histogram.counts().iter().enumerate() {
        // Simpson's rule over the bin
        let p = |u: f64| density(u, 0.0, own, 1.0);
        let u = bin as f64 * width;
        let expected =
            count as f64 * width / 6.0 * (p(u) + 4.0 * p(u + 0.5 * width) + p(u + width));
        if expected > 20.0 {
            chi2 += (seen as f64 - expected).powi(2) / expected;
            bins += 1.0;
        }
    }
    assert!(
        (chi2 - bins).abs() < 4.0 * (2.0f64 * bins).sqrt(),
        "{chi2} {bins}"
    );
    let area: f64 = histogram.density(0.03 * R_NN).iter().sum::<f64>() * width;
    assert!((area - 1.0).abs() < 1e-3);
}

#[test]
fn in_the_plane_moments_are_those_of_two_dimensions() {
    let mut random = Random::new(8, 0, 0);
    let draws = (0..200_000).map(|_| (0.3 * normal(&mut random)).hypot(0.3 * normal(&mut random)));
    let moments = Moments::of(draws, 0.4, &[2.0], 2);
    // SD of alpha2 1/√N
    assert!(moments.alpha2(2).abs() < 4.0 / 200_000f64.sqrt());
    let expected = (-0.5f64 * 4.0 * 0.09).exp();
    assert!((moments.scattering().next().unwrap() - expected).abs() < 0.003);
}

#[test]
fn a_random_walk_diffuses() {
    let mut random = Random::new(9, 0, 0);
    let (own, time) = (0.2, 4.0);
    let geometry = Geometry {
        centre: Centre::None,
        ..common::AT_REST
    };
    let mut analysis = Analysis::new(Settings {
        lags: vec![1, 2, 4, 8, 16, 32, 64],
        returns: 0,
        strings: None,
        threshold: Threshold::Given(vec![1.0]),
        cutoffs: vec![(1, 1, 1.2 * R_NN)],
        time,
        ..settings(geometry)
    })
    .unwrap();
    let mut place = lattice(&SC, 8, R_NN);
    let count = place.scaled.len();
    let atoms = common::atoms(count);
    let mut histories = vec![AtomHistory::default(); count];
    let mut frames = vec![place.clone()];
    for step in 1..=320i64 {
        let moves: Vec<Vector> = (0..count).map(|_| gaussian(&mut random, own)).collect();
        place = place.moved(|i| moves[i]);
        frames.push(place.clone());
        if frames.len() > 65 {
            frames.remove(0);
        }
        let first = step + 1 - frames.len() as i64;
        let views: Vec<Frame> = frames
            .iter()
            .zip(first..)
            .map(|(frame, at)| frame.frame(at))
            .collect();
        analysis
            .advance(&atoms, &views, None, &mut histories)
            .unwrap();
    }
    for (index, &lag) in [1u64, 2, 4, 8, 16, 32, 64].iter().enumerate() {
        let square = analysis.of_moments(1, index, Moments::square);
        let expected = 3.0 * own * own * lag as f64;
        assert!(
            (square.value - expected).abs() < 3.5 * square.error,
            "{lag}: {square:?} {expected}"
        );
        assert!(square.error < 0.1 * expected);
        let windows = analysis.blocks().total().unwrap().kinds[1].lags[index].count / count as u64;
        assert_eq!(windows, 320 - lag + 1);
    }
    let (found, largest) = analysis.diffusion(1);
    let expected = own * own / (2.0 * time);
    assert!(found.diffusive);
    assert!((largest.value - expected).abs() < 3.5 * largest.error);
    assert!((found.slope / expected - 1.0).abs() < 0.15);
}
