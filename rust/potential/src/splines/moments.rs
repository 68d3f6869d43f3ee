//! Moments of a block of centres from splines, and back: neighbours to knots, one product with the coefficients.

use super::Scalar;
use super::basis::{self, WEIGHTS};
use super::bound::{self, Lengths};
use super::curve::Error;
use super::curves::{Curves, Packing, Pair, exact};
use crate::descriptor::counters::Counters;
use crate::descriptor::environment::{Environment, Section};
use crate::model::Descriptor;
use crate::simd::Kernels;
use crate::simd::dense::ROWS;
use crate::simd::splines::{Place, Weights};
use crate::virial::Output;

/// Centres that go through the products together: their knots stay in the second-level cache.
const TOGETHER: usize = 32;

/// One descriptor over a block.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    pub descriptor: &'a Descriptor,
    pub curves: &'a Curves,
    pub environment: &'a Environment,
    pub centre_type: usize,
    pub kernels: &'static Kernels,
}

/// Moments of the centres of one block and what they are made of, kept from forward to backward and from step to step.
#[derive(Clone, Debug)]
pub struct Moments<S> {
    weights: Weights<S>,
    slope_weights: Weights<S>,
    /// By centre type.
    packings: Vec<Packing<S>>,
    neighbours: Vec<Neighbours<S>>,
    knots: Vec<S>,
    slope_knots: Vec<S>,
    slope_differences: Vec<S>,
    slopes: Vec<[S; 5]>,
    /// `T`, `[n, C, stride]`
    pub t: Vec<S>,
    /// `dE/dT`, in the same form.
    pub slope_t: Vec<S>,
    /// Numbers between rows of `t`.
    pub stride: usize,
}

/// The neighbours of one type of all centres.
#[derive(Clone, Debug, Default)]
struct Neighbours<S> {
    places: Vec<Place<S>>,
    intervals: Vec<u32>,
    /// `x` and `dx/ds`
    x: Vec<f64>,
    along: Vec<f64>,
    /// Those that are nearer than the last knot.
    beyond: Vec<Beyond>,
}

/// A neighbour whose curve is the network's.
#[derive(Clone, Debug)]
struct Beyond {
    /// Which one of the section.
    neighbour: usize,
    row: [f64; 4],
    /// `G` and `dG/ds`
    value: Vec<f64>,
    slope: Vec<f64>,
}

/// Marks neighbours that lie in no interval.
const NOWHERE: u32 = u32::MAX;

impl<S: Scalar> Default for Moments<S> {
    fn default() -> Self {
        let of = |weights: basis::Weights| weights.map(|row| row.map(S::of));
        let seven = basis::weights(WEIGHTS - 1);
        // rounded differences of rounded coefficients would lose what single precision has
        let slopes = if S::IS_DOUBLE {
            basis::slopes(&seven)
        } else {
            basis::weights(WEIGHTS - 2)
        };
        Self {
            weights: of(seven),
            slope_weights: of(slopes),
            packings: Vec::new(),
            neighbours: Vec::new(),
            knots: Vec::new(),
            slope_knots: Vec::new(),
            slope_differences: Vec::new(),
            slopes: Vec::new(),
            t: Vec::new(),
            slope_t: Vec::new(),
            stride: 0,
        }
    }
}

impl<S: Scalar> Moments<S> {
    /// Finds the intervals of all neighbours and their normalised rows.
    pub fn place(&mut self, site: &Site<'_>, counters: &mut Counters) {
        let Site {
            descriptor,
            curves,
            environment,
            centre_type,
            kernels,
        } = *site;
        let pairs = curves.around(centre_type);
        let n_types = pairs.len();
        self.neighbours.resize_with(n_types, Neighbours::default);
        if self.packings.len() != n_types {
            self.packings = vec![Packing::default(); n_types];
        }
        let packing = &mut self.packings[centre_type];
        packing.begin(curves, centre_type);
        let mut missing = false;
        for (b, (section, pair)) in environment.sections.iter().zip(pairs).enumerate() {
            let neighbours = &mut self.neighbours[b];
            neighbours.intervals.clear();
            neighbours.beyond.clear();
            let Some((_, spline)) = &pair.curve else {
                continue;
            };
            let (n, last) = (section.len(), spline.intervals() - 1);
            neighbours.x.resize(n, 0.0);
            neighbours.along.resize(n, 0.0);
            (kernels.variable)(
                &spline.variable,
                &section.s,
                &mut neighbours.x,
                &mut neighbours.along,
            );
            let mut outside = 0;
            for (s, x) in section.s.iter().zip(&neighbours.x) {
                outside += u64::from(*s < pair.known[0] || *s >= pair.known[1]);
                let inside = *s < spline.end && *x >= 0.0;
                let interval = if inside {
                    (*x as usize).min(last) as u32
                } else {
                    NOWHERE
                };
                neighbours.intervals.push(interval);
                if inside && packing.start(b, interval as usize).is_none() {
                    packing.want(b, interval as usize);
                    missing = true;
                }
            }
            counters.note_extrapolated(centre_type, b, outside);
            neighbours.find_beyond(site, b, pair);
        }
        if missing {
            packing.pack(pairs, descriptor.divisor, kernels);
        }
        for (b, (section, pair)) in environment.sections.iter().zip(pairs).enumerate() {
            if pair.curve.is_none() {
                continue;
            }
            let Neighbours {
                places,
                intervals,
                x,
                ..
            } = &mut self.neighbours[b];
            let rows = curves.rows;
            let place = |(j, &interval): (usize, &u32)| {
                if interval == NOWHERE {
                    return Place::default();
                }
                let column = packing.start(b, interval as usize);
                Place {
                    column: column.expect("what is wanted was packed"),
                    offset: S::of(x[j] - f64::from(interval)),
                    row: row(pair, rows, section, j).map(S::of),
                }
            };
            places.clear();
            places.extend(intervals.iter().enumerate().map(place));
        }
    }

    /// `T` of all centres.
    pub fn forward(&mut self, site: &Site<'_>) {
        let Site {
            curves,
            environment,
            centre_type,
            kernels,
            descriptor,
        } = *site;
        let (dense, splines) = (S::dense(kernels), S::splines(kernels));
        let pairs = curves.around(centre_type);
        let packing = &self.packings[centre_type];
        let (rows, m1) = (curves.rows, curves.m1);
        let n = environment.centres.len();
        self.stride = m1.next_multiple_of(dense.lanes);
        let stride = self.stride;
        let knots = packing.columns.next_multiple_of(dense.lanes);
        self.t.clear();
        self.t
            .resize((n * rows).next_multiple_of(ROWS) * stride, S::ZERO);
        for start in (0..n).step_by(TOGETHER) {
            let count = TOGETHER.min(n - start);
            let all = (count * rows).next_multiple_of(ROWS);
            if packing.columns > 0 {
                self.knots.clear();
                self.knots.resize(all * knots, S::ZERO);
                for (i, own) in self
                    .knots
                    .chunks_exact_mut(rows * knots)
                    .take(count)
                    .enumerate()
                {
                    for (section, neighbours) in environment.sections.iter().zip(&self.neighbours) {
                        if !neighbours.intervals.is_empty() {
                            let places = &neighbours.places[section.range(start + i)];
                            (splines.bin)(&self.weights, places, own, knots);
                        }
                    }
                }
                let t = &mut self.t[start * rows * stride..][..all * stride];
                (dense.product)(
                    &self.knots,
                    knots,
                    packing.columns,
                    &packing.forward,
                    t,
                    stride,
                    stride,
                );
            }
        }
        let inverse = 1.0 / descriptor.divisor;
        let add = |t: &mut [S], constant: Option<&Vec<f64>>, count: usize| {
            let Some(constant) = constant else { return };
            for (t, constant) in t.chunks_exact_mut(stride).zip(constant.chunks_exact(m1)) {
                for (t, constant) in t.iter_mut().zip(constant) {
                    *t = S::of(t.double() + constant * count as f64);
                }
            }
        };
        let shared = curves.shared(centre_type);
        for (i, t) in self.t.chunks_exact_mut(rows * stride).take(n).enumerate() {
            if shared.is_some() {
                let kept = environment.sections.iter().map(|s| s.range(i).len());
                add(t, shared, descriptor.slots() - kept.sum::<usize>());
            }
            for (b, (section, pair)) in environment.sections.iter().zip(pairs).enumerate() {
                let range = section.range(i);
                let empty = descriptor.sel[b].saturating_sub(range.len());
                add(t, pair.empty.as_ref(), empty);
                add(t, pair.excluded.as_ref(), range.len());
                for beyond in self.neighbours[b].beyond_of(&range) {
                    for (t, row) in t.chunks_exact_mut(stride).zip(beyond.row) {
                        for (t, value) in t.iter_mut().zip(&beyond.value) {
                            *t = S::of(t.double() + row * value * inverse);
                        }
                    }
                }
            }
        }
    }

    /// Adds to `bounds` by how much the errors of the splines may change the gradients of all pairs of each centre, whose `dE/dT`,
    /// times `scale`, stands in `slope_t` [eV/Å].
    ///
    /// `shares` are the largest sums over the neighbours of one type of a centre, by pair of types.
    pub fn bound(&self, site: &Site<'_>, scale: f64, bounds: &mut [f64], shares: &mut [f64]) {
        let Site {
            curves,
            environment,
            centre_type,
            descriptor,
            ..
        } = *site;
        let (rows, m1, stride) = (curves.rows, curves.m1, self.stride);
        let factor = (scale / descriptor.divisor).abs();
        let shares_of_pairs = bound::shares(m1);
        let pairs = curves.around(centre_type);
        let slopes = self.slope_t.chunks_exact(rows * stride);
        for (i, (bound, slope_t)) in bounds.iter_mut().zip(slopes).enumerate() {
            let mut lengths = Lengths::of(slope_t, stride);
            lengths.radial *= factor;
            lengths.angular *= factor;
            for (b, (section, pair)) in environment.sections.iter().zip(pairs).enumerate() {
                let Some((_, spline)) = &pair.curve else {
                    continue;
                };
                let inverse = if rows == 1 { [0.0; 4] } else { pair.inverse };
                let mut sum = 0.0;
                for j in section.range(i) {
                    let interval = self.neighbours[b].intervals[j];
                    let error = match spline.errors.get(interval as usize) {
                        Some(error) => *error,
                        None => Error::default(),
                    };
                    let row = self.neighbours[b].places[j].row.map(S::double);
                    let own = bound::pair(lengths, error, row, inverse, section, j);
                    sum += own;
                }
                let share = &mut shares[curves.number(centre_type, b)];
                *share = share.max(shares_of_pairs * sum);
                *bound += shares_of_pairs * sum;
            }
        }
    }

    /// Adds forces and virials of the centres that are `kept`, from `dE/dT`, times `scale`, in `slope_t`.
    pub fn backward(&mut self, site: &Site<'_>, scale: f64, kept: &[bool], output: &mut Output) {
        let Site {
            curves,
            environment,
            centre_type,
            kernels,
            descriptor,
        } = *site;
        let (dense, splines) = (S::dense(kernels), S::splines(kernels));
        let pairs = curves.around(centre_type);
        let packing = &self.packings[centre_type];
        let (rows, stride) = (curves.rows, self.stride);
        let n = environment.centres.len();
        let knots = packing.columns.next_multiple_of(dense.lanes);
        for start in (0..n).step_by(TOGETHER) {
            let count = TOGETHER.min(n - start);
            let all = (count * rows).next_multiple_of(ROWS);
            let slope_t = &self.slope_t[start * rows * stride..][..all * stride];
            let back = |panels: &[S], to: &mut Vec<S>| {
                to.resize(all * knots, S::ZERO);
                if knots > 0 {
                    (dense.product)(slope_t, stride, curves.m1, panels, to, knots, knots);
                }
            };
            back(&packing.backward, &mut self.slope_knots);
            if !S::IS_DOUBLE {
                back(&packing.differences, &mut self.slope_differences);
            }
            for i in 0..count {
                if !kept[start + i] {
                    continue;
                }
                let own = i * rows * knots..(i + 1) * rows * knots;
                let slope_a = &self.slope_knots[own.clone()];
                let slope_b = if S::IS_DOUBLE {
                    slope_a
                } else {
                    &self.slope_differences[own]
                };
                let centre = environment.centres[start + i];
                for (b, (section, pair)) in environment.sections.iter().zip(pairs).enumerate() {
                    if pair.curve.is_none() {
                        continue;
                    }
                    let range = section.range(start + i);
                    let neighbours = &self.neighbours[b];
                    self.slopes.resize(range.len(), [S::ZERO; 5]);
                    if knots > 0 {
                        (splines.gather)(
                            &self.weights,
                            &self.slope_weights,
                            &neighbours.places[range.clone()],
                            slope_a,
                            slope_b,
                            knots,
                            &mut self.slopes,
                        );
                    }
                    for beyond in neighbours.beyond_of(&range) {
                        let slope_t = &slope_t[i * rows * stride..][..rows * stride];
                        let j = beyond.neighbour;
                        self.slopes[j - range.start] = beyond.gradient(
                            slope_t,
                            stride,
                            1.0 / descriptor.divisor,
                            neighbours.along[j],
                        );
                    }
                    let inverse = if rows == 1 { [0.0; 4] } else { pair.inverse };
                    let factors = inverse.map(|inverse| inverse * scale);
                    let pairs = range.zip(&self.slopes).map(|(j, slope)| {
                        let mut raw: [f64; 4] =
                            std::array::from_fn(|c| slope[c].double() * factors[c]);
                        raw[0] += slope[4].double() * neighbours.along[j] * scale;
                        let gradient = section.gradient(j, raw);
                        (section.atoms[j] as usize, section.vector(j), gradient)
                    });
                    output.add_pairs(centre, pairs);
                }
            }
        }
    }
}

/// The normalised row of a neighbour; where only distances count, moments are sums of the curves themselves.
#[inline(always)]
fn row(pair: &Pair, rows: usize, section: &Section, j: usize) -> [f64; 4] {
    if rows == 1 {
        return [1.0, 0.0, 0.0, 0.0];
    }
    let row = section.row(j);
    std::array::from_fn(|c| (row[c] - pair.mean[c]) * pair.inverse[c])
}

impl<S: Scalar> Neighbours<S> {
    /// Evaluates the networks for neighbours that lie in no interval.
    fn find_beyond(&mut self, site: &Site<'_>, neighbour_type: usize, pair: &Pair) {
        let section = &site.environment.sections[neighbour_type];
        let nowhere = |(_, interval): &(usize, &u32)| **interval == NOWHERE;
        let found = self.intervals.iter().enumerate().filter(nowhere);
        let found: Vec<usize> = found.map(|(j, _)| j).collect();
        if found.is_empty() {
            return;
        }
        let s: Vec<f64> = found.iter().map(|&j| section.s[j]).collect();
        let types = (site.centre_type, neighbour_type);
        let (values, slopes) = exact(site.descriptor, site.kernels, types).at(&s);
        for (k, &j) in found.iter().enumerate() {
            self.beyond.push(Beyond {
                neighbour: j,
                row: row(pair, site.curves.rows, section, j),
                value: values.row(k).to_vec(),
                slope: slopes.row(k).to_vec(),
            });
        }
    }

    /// Those in a range of the section.
    fn beyond_of(&self, range: &std::ops::Range<usize>) -> &[Beyond] {
        let start = self
            .beyond
            .partition_point(|one| one.neighbour < range.start);
        let end = self.beyond.partition_point(|one| one.neighbour < range.end);
        &self.beyond[start..end]
    }
}

impl Beyond {
    /// The gradient in the form of [`crate::simd::splines::Splines::gather`], where the variable rises by `along` a unit of `s`.
    fn gradient<S: Scalar>(
        &self,
        slope_t: &[S],
        stride: usize,
        inverse_divisor: f64,
        along: f64,
    ) -> [S; 5] {
        let mut gradient = [0.0; 5];
        for (c, slope_t) in slope_t.chunks_exact(stride).enumerate() {
            for (p, slope_t) in slope_t.iter().take(self.value.len()).enumerate() {
                let slope_t = slope_t.double() * inverse_divisor;
                gradient[c] += slope_t * self.value[p];
                gradient[4] += slope_t * self.row[c] * self.slope[p] / along;
            }
        }
        gradient.map(S::of)
    }
}
