//! One embedding curve as a spline: where its knots stand, its coefficients, and how far it is from the network anywhere.

use super::basis::{self, WEIGHTS};
use super::taylor;
use super::variable::Variable;
use crate::descriptor::embedding;
use crate::model::{Descriptor, Embedding};
use crate::simd::Kernels;
use ndarray::{Array2, ArrayView1, s};

/// Offsets in each interval at which value and slope are fitted: those of Gauss and Legendre.
const FITTED: [f64; 3] = [0.112_701_665_379_258_3, 0.5, 0.887_298_334_620_741_7];
/// Offsets in each interval at which the error is measured.
const MEASURED: usize = 10;
/// The largest error lies between two of them, but not far above either.
const BETWEEN: f64 = 1.1;
/// Weight of slopes, per interval, against values.
const SLOPE_WEIGHT: f64 = 0.5;
/// Distances at which the density of knots is found.
const DISTANCES: usize = 160;
/// Intervals for which lengths are graded, and by how much the length of an interval may change over its own length.
const GRADED: f64 = 100.0;
const STEEPEST: f64 = 0.12;
/// Of these intervals, so many lie before the first neighbour's.
const AHEAD: f64 = 4.0;

/// The embedding of a pair of types as it is, a function of `s`.
#[derive(Clone, Copy)]
pub struct Exact<'a> {
    /// Whose curve it is.
    pub descriptor: &'a Descriptor,
    /// The loops of the network.
    pub kernels: &'static Kernels,
    /// Types of centre and neighbour.
    pub pair: (usize, usize),
}

impl Exact<'_> {
    /// The network or table.
    fn curve(&self) -> &Embedding {
        let (a, b) = self.pair;
        self.descriptor.curve(a, b).expect("a pair with a curve")
    }

    /// `G` and `dG/ds`, `[n, M1]` each.
    pub fn at(&self, s: &[f64]) -> (Array2<f64>, Array2<f64>) {
        let (a, b) = self.pair;
        let mean = self.descriptor.mean[[a, b, 0]];
        let inverse = 1.0 / self.descriptor.deviation[[a, b, 0]];
        let inputs: Vec<f64> = s.iter().map(|s| (s - mean) * inverse).collect();
        let curve = self.curve();
        let (mut g, mut h) = (Vec::new(), Vec::new());
        let scratch = &mut embedding::Scratch::default();
        embedding::evaluate(curve, self.kernels, &inputs, scratch, &mut g, &mut h);
        let shape = (s.len(), curve.outputs());
        let g = Array2::from_shape_vec(shape, g).expect("whole rows");
        let h = Array2::from_shape_vec(shape, h).expect("whole rows");
        (g, h * inverse)
    }
}

/// How far a spline is from the curve in one interval: the longest difference of the vectors `G` and `dG/ds`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Error {
    /// Of `G`.
    pub value: f64,
    /// Of `dG/ds` [Å].
    pub slope: f64,
}

/// Where knots are wanted, before their number is known: the slope of the variable, up to a factor.
#[derive(Clone, Debug)]
pub struct Knots {
    shape: Variable,
    end: f64,
}

/// A curve as a spline.
#[derive(Clone, Debug)]
pub struct Spline {
    /// Intervals begin at whole numbers of it.
    pub variable: Variable,
    /// The largest `s` that belongs to it.
    pub end: f64,
    /// `[intervals + 7, M1]`
    pub coefficients: Array2<f64>,
    /// By interval.
    pub errors: Vec<Error>,
}

impl Knots {
    /// Finds where knots are worth most between `s = 0` and `end` (in 1/Å), by how much an error of the slope is felt in forces.
    ///
    /// The error of a slope is the eighth derivative times the seventh power of the interval, so that the density of knots
    /// goes with the seventh root of the derivative.
    pub fn new(exact: &Exact<'_>, end: f64) -> Self {
        let points = felt(exact, end);
        let rough = roughness(exact, &points);
        let mut density: Vec<(f64, f64)> = points
            .iter()
            .zip(&rough)
            .map(|((s, weight), rough)| (*s, (weight * rough).powf(1.0 / 7.0)))
            .collect();
        grade(&mut density);
        // splines are worst in their first intervals: these lie where no neighbour is, as far as the curve is known there
        let start = match exact.curve() {
            Embedding::Table(_) => 0.0,
            _ => -AHEAD / density[0].1,
        };
        density.insert(0, (start, density[0].1));
        density.iter_mut().for_each(|(s, _)| *s -= start);
        let shape = Variable::fit(start, &density);
        let length = shape.at(end).0;
        Self {
            shape: shape.scaled(1.0 / length),
            end,
        }
    }

    /// The spline of so many intervals.
    pub fn spline(&self, exact: &Exact<'_>, intervals: usize) -> Spline {
        let variable = self.shape.scaled(intervals as f64);
        let coefficients = fit(exact, &variable, intervals);
        let errors = measure(exact, &variable, &coefficients);
        Spline {
            variable,
            end: self.end,
            coefficients,
            errors,
        }
    }
}

impl Spline {
    /// Intervals between the first knot and the last.
    pub fn intervals(&self) -> usize {
        self.errors.len()
    }

    /// Numbers that are held.
    pub fn numbers(&self) -> usize {
        self.coefficients.len() + 2 * self.errors.len()
    }
}

/// `(s, weight)` at distances up to the cutoff: how a unit of error of `dG/ds` is felt in the force between two atoms there.
fn felt(exact: &Exact<'_>, end: f64) -> Vec<(f64, f64)> {
    let Exact {
        descriptor, pair, ..
    } = *exact;
    let (mean, deviation) = (&descriptor.mean, &descriptor.deviation);
    let statistic = |of: &ndarray::Array3<f64>, c: usize| of[[pair.0, pair.1, c]];
    let smoothing = &descriptor.smoothing;
    let nearest = (1.0 / end - smoothing.protection).max(1e-3);
    let ratio = (smoothing.to / nearest).powf(1.0 / DISTANCES as f64);
    let mut points: Vec<(f64, f64)> = (0..DISTANCES)
        .map(|k| {
            let r = nearest * ratio.powi(k as i32);
            let (w, w_slope) = smoothing.switch(r);
            let protected = 1.0 / (r + smoothing.protection);
            let s = w * protected;
            let s_slope = (w_slope - s) * protected;
            let radial = (s - statistic(mean, 0)).abs() / statistic(deviation, 0);
            let angular = s / statistic(deviation, 1).abs();
            (s.min(end), (radial + angular) * s_slope.abs())
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let most = points.iter().fold(0.0, |most, (_, w)| f64::max(most, *w));
    for (_, weight) in &mut points {
        *weight = weight.max(1e-9 * most);
    }
    points
}

/// Lets the lengths of intervals change slowly: where the variable bends within an interval, so does the curve in terms of it. And
/// derivatives pass through zero, the error of an interval does not.
fn grade(density: &mut [(f64, f64)]) {
    for _ in 0..3 {
        let pairs = density.windows(2);
        let all: f64 = pairs
            .map(|p| 0.5 * (p[0].1 + p[1].1) * (p[1].0 - p[0].0))
            .sum();
        density.iter_mut().for_each(|(_, rho)| *rho *= GRADED / all);
        let limit = |(s, rho): &mut (f64, f64), last: &mut (f64, f64)| {
            let longest = 1.0 / last.1 + STEEPEST * (*s - last.0).abs();
            *rho = rho.max(1.0 / longest);
            *last = (*s, *rho);
        };
        let mut last = density[0];
        density.iter_mut().for_each(|point| limit(point, &mut last));
        density
            .iter_mut()
            .rev()
            .for_each(|point| limit(point, &mut last));
    }
}

/// Length of the vector of eighth derivatives of `G(s)` at each point; where only values are known, what the fourth ones tell of it.
fn roughness(exact: &Exact<'_>, points: &[(f64, f64)]) -> Vec<f64> {
    let Exact {
        descriptor, pair, ..
    } = *exact;
    let mean = descriptor.mean[[pair.0, pair.1, 0]];
    let inverse = 1.0 / descriptor.deviation[[pair.0, pair.1, 0]].abs();
    let network = match exact.curve() {
        Embedding::Network(network) => Some(network),
        Embedding::Pair(pair) => Some(pair.network()),
        _ => None,
    };
    if let Some(network) = network {
        let at = |(s, _): &(f64, f64)| {
            let derivative = taylor::highest(network, (s - mean) * inverse)?;
            Some(derivative * inverse.powi(8))
        };
        if let Some(derivatives) = points.iter().map(at).collect() {
            return derivatives;
        }
    }
    let step = |s: f64| 0.01 * (s + 0.02);
    let at = |shift: f64| {
        let s: Vec<f64> = points.iter().map(|(s, _)| s + shift * step(*s)).collect();
        exact.at(&s).1
    };
    let [a, b, c, d] = [-1.5, -0.5, 0.5, 1.5].map(at);
    let norm = |row: ArrayView1<'_, f64>| row.dot(&row).sqrt();
    (0..points.len())
        .map(|k| {
            let bend = &d.row(k) - &a.row(k) - 3.0 * (&c.row(k) - &b.row(k));
            let fourth = norm(bend.view()) / step(points[k].0).powi(3);
            let slope = norm(b.row(k)).max(f64::MIN_POSITIVE);
            // a curve that bends over one length
            slope * (fourth / slope).powf(7.0 / 3.0)
        })
        .collect()
}

/// `s` at offsets of every interval, interval after interval.
fn inputs(variable: &Variable, intervals: usize, offsets: &[f64]) -> Vec<f64> {
    (0..intervals)
        .flat_map(|interval| {
            offsets
                .iter()
                .map(move |offset| variable.inverse(interval as f64 + offset))
        })
        .collect()
}

/// Coefficients that fit value and slope best, by least squares with a banded matrix.
fn fit(exact: &Exact<'_>, variable: &Variable, intervals: usize) -> Array2<f64> {
    let weights = basis::weights(WEIGHTS - 1);
    let slopes = basis::slopes(&weights);
    let rows: Vec<[[f64; WEIGHTS]; 2]> = FITTED
        .iter()
        .map(|&t| {
            [
                basis::at(&weights, t),
                basis::at(&slopes, t).map(|w| SLOPE_WEIGHT * w),
            ]
        })
        .collect();
    let count = intervals + WEIGHTS - 1;
    let mut band = vec![[0.0; WEIGHTS]; count];
    for interval in 0..intervals {
        for row in rows.iter().flatten() {
            for i in 0..WEIGHTS {
                for j in i..WEIGHTS {
                    band[interval + i][j - i] += row[i] * row[j];
                }
            }
        }
    }
    decompose(&mut band);
    let s = inputs(variable, intervals, &FITTED);
    let (mut values, mut slopes) = exact.at(&s);
    for (k, &s) in s.iter().enumerate() {
        let factor = SLOPE_WEIGHT / variable.at(s).1;
        slopes.row_mut(k).mapv_inplace(|slope| slope * factor);
    }
    let m1 = values.ncols();
    let mut coefficients = Array2::zeros((count, m1));
    // the normal equations lose half of the digits; two corrections bring them back
    for _ in 0..3 {
        let mut right = Array2::<f64>::zeros((count, m1));
        for interval in 0..intervals {
            for (point, pair) in rows.iter().enumerate() {
                let k = interval * FITTED.len() + point;
                for (rest, row) in [&values, &slopes].into_iter().zip(pair) {
                    for (i, weight) in row.iter().enumerate() {
                        right
                            .row_mut(interval + i)
                            .scaled_add(*weight, &rest.row(k));
                    }
                }
            }
        }
        substitute(&band, &mut right);
        for interval in 0..intervals {
            for (point, pair) in rows.iter().enumerate() {
                let k = interval * FITTED.len() + point;
                for (rest, row) in [&mut values, &mut slopes].into_iter().zip(pair) {
                    for (i, weight) in row.iter().enumerate() {
                        rest.row_mut(k)
                            .scaled_add(-weight, &right.row(interval + i));
                    }
                }
            }
        }
        coefficients += &right;
    }
    coefficients
}

/// Replaces the upper band of a symmetric positive matrix by its decomposition: the diagonal `D` and rows of `L^T` of `L D L^T`.
fn decompose(band: &mut [[f64; WEIGHTS]]) {
    for i in 0..band.len() {
        let row = band[i];
        for j in 1..WEIGHTS.min(band.len() - i) {
            let factor = row[j] / row[0];
            for k in j..WEIGHTS {
                band[i + j][k - j] -= factor * row[k];
            }
            band[i][j] = factor;
        }
    }
}

/// Solves for every column of `right`.
fn substitute(band: &[[f64; WEIGHTS]], right: &mut Array2<f64>) {
    for (i, row) in band.iter().enumerate() {
        for (j, factor) in row.iter().enumerate().take(band.len() - i).skip(1) {
            let (above, mut below) = right.multi_slice_mut((s![i, ..], s![i + j, ..]));
            below.scaled_add(-factor, &above);
        }
    }
    for (i, row) in band.iter().enumerate().rev() {
        right.row_mut(i).mapv_inplace(|x| x / row[0]);
        for (j, factor) in row.iter().enumerate().take(band.len() - i).skip(1) {
            let (mut above, below) = right.multi_slice_mut((s![i, ..], s![i + j, ..]));
            above.scaled_add(-factor, &below);
        }
    }
}

/// Largest errors in each interval.
fn measure(exact: &Exact<'_>, variable: &Variable, coefficients: &Array2<f64>) -> Vec<Error> {
    let intervals = coefficients.nrows() + 1 - WEIGHTS;
    let weights = basis::weights(WEIGHTS - 1);
    let slopes = basis::slopes(&weights);
    // dense at the ends, where slopes differ most
    let offsets: Vec<f64> = (0..MEASURED)
        .map(|k| {
            let angle = std::f64::consts::PI * (k as f64 + 0.5) / MEASURED as f64;
            0.5 - 0.5 * angle.cos()
        })
        .collect();
    let s = inputs(variable, intervals, &offsets);
    let (values, exact_slopes) = exact.at(&s);
    let tables: Vec<_> = offsets
        .iter()
        .map(|&t| (basis::at(&weights, t), basis::at(&slopes, t)))
        .collect();
    (0..intervals)
        .map(|interval| {
            let own = coefficients.slice(s![interval..interval + WEIGHTS, ..]);
            let mut error = Error::default();
            for (point, (weights, slopes)) in tables.iter().enumerate() {
                let k = interval * MEASURED + point;
                let along = variable.at(s[k]).1;
                let distance = |weights: &[f64; WEIGHTS], factor: f64, to: ArrayView1<'_, f64>| {
                    let found = ArrayView1::from(weights).dot(&own);
                    let squares = found.iter().zip(to).map(|(a, b)| (a * factor - b).powi(2));
                    BETWEEN * squares.sum::<f64>().sqrt()
                };
                error.value = error.value.max(distance(weights, 1.0, values.row(k)));
                error.slope = error
                    .slope
                    .max(distance(slopes, along, exact_slopes.row(k)));
            }
            error
        })
        .collect()
}
