//! The curves of one descriptor as splines, and the coefficients that a block of atoms needs, packed for products.

use super::Scalar;
use super::basis::WEIGHTS;
use super::curve::{Exact, Knots, Spline};
use crate::descriptor::two_body::Constants;
use crate::model::{Descriptor, Embedding, Kind};
use crate::simd::Kernels;
use crate::simd::dense::pack;

/// Distance [Å] below which no curve is a spline.
const NEAREST: f64 = 0.4;
/// Fewest and most intervals of a spline.
const FEWEST: usize = 32;
/// See [`FEWEST`].
pub const MOST: usize = 1024;
/// A share of a bound is what is aimed at from this part of it on.
const CLOSE: f64 = 0.1;
/// Where in between the next spline is to be.
const MIDDLE: f64 = 0.5;

/// The curves of one descriptor.
#[derive(Clone, Debug)]
pub struct Curves {
    n_types: usize,
    /// `M1`
    pub m1: usize,
    /// Rows of moments: four, or one where only distances count.
    pub rows: usize,
    /// By centre and neighbour type.
    pairs: Vec<Pair>,
    /// What an empty slot that types share adds to the moments by centre type, `[C, M1]`, over `N`.
    shared: Vec<Option<Vec<f64>>>,
    /// Changes whenever splines do.
    version: u32,
    /// Largest `s` of splines.
    end: f64,
}

/// What one neighbour type is to one centre type.
#[derive(Clone, Debug)]
pub struct Pair {
    /// None where neighbours contribute nothing that moves with them, or do not occur.
    pub curve: Option<(Knots, Spline)>,
    /// Intervals of the spline before, and its share in bounds.
    before: Option<(usize, f64)>,
    /// Means of environment rows.
    pub mean: [f64; 4],
    /// One over their deviations.
    pub inverse: [f64; 4],
    /// What an empty slot and a neighbour of an excluded type add to the moments, `[C, M1]`, over `N`.
    pub empty: Option<Vec<f64>>,
    /// See `empty`.
    pub excluded: Option<Vec<f64>>,
    /// Range of `s` in which the file knows the curve.
    pub known: [f64; 2],
}

impl Curves {
    /// Makes splines for pairs of the types that are `used`; none for three-body descriptors.
    pub fn new(
        descriptor: &Descriptor,
        kernels: &'static Kernels,
        used: &[bool],
        intervals: usize,
    ) -> Option<Self> {
        let rows = match descriptor.kind {
            Kind::SeE2A { .. } => 4,
            Kind::SeE2R => 1,
            Kind::SeE3 => return None,
        };
        let n_types = descriptor.sel.len();
        let constants = Constants::new(descriptor);
        let end = 1.0 / (NEAREST + descriptor.smoothing.protection);
        let scaled = |constant: Option<&Vec<f64>>| {
            let over = |x: &f64| x / descriptor.divisor;
            Some(constant?.iter().map(over).collect())
        };
        let pairs = (0..n_types * n_types).map(|k| {
            let pair = (k / n_types, k % n_types);
            let seen = used[pair.0] && used[pair.1] && descriptor.curve(pair.0, pair.1).is_some();
            let (empty, excluded) = constants.of(pair.0, pair.1);
            let statistic = |c: usize| {
                let index = [pair.0, pair.1, c];
                (descriptor.mean[index], descriptor.deviation[index])
            };
            Pair {
                curve: seen.then(|| {
                    let exact = exact(descriptor, kernels, pair);
                    let knots = Knots::new(&exact, end);
                    let spline = knots.spline(&exact, intervals);
                    (knots, spline)
                }),
                before: None,
                mean: std::array::from_fn(|c| statistic(c).0),
                inverse: std::array::from_fn(|c| 1.0 / statistic(c).1),
                empty: scaled(empty),
                excluded: scaled(excluded),
                known: known(descriptor, pair),
            }
        });
        Some(Self {
            n_types,
            m1: descriptor.m1(),
            rows,
            pairs: pairs.collect(),
            shared: (0..n_types)
                .map(|a| scaled(constants.of_shared(a)))
                .collect(),
            version: 1,
            end,
        })
    }

    /// Makes splines anew where the `shares` in bounds, by pair of types, are not what is aimed at; with fewer intervals only where
    /// that is `fitting`. Returns whether there are new ones.
    pub fn refine(
        &mut self,
        descriptor: &Descriptor,
        kernels: &'static Kernels,
        shares: &[f64],
        aim: f64,
        fitting: bool,
    ) -> bool {
        let n_types = self.n_types;
        // the neighbours of all types around an atom add up
        let occur = |a: usize| {
            self.around(a)
                .iter()
                .filter(|pair| pair.curve.is_some())
                .count()
        };
        let most = (0..n_types).map(occur).max().unwrap_or(1);
        let aim = aim / most.max(1) as f64;
        let mut changed = false;
        for (k, (pair, &share)) in self.pairs.iter_mut().zip(shares).enumerate() {
            let Some((knots, spline)) = &mut pair.curve else {
                continue;
            };
            let now = spline.intervals();
            let enough = (CLOSE * aim..=aim).contains(&share);
            if enough || share == 0.0 || (share < aim && !fitting) {
                continue;
            }
            // errors of slopes go with the seventh power of the interval at the latest; before that, faster: as the last two splines tell
            let power = pair
                .before
                .map_or(7.0, |(intervals, before): (usize, f64)| {
                    let power = (before / share).ln() / (now as f64 / intervals as f64).ln();
                    if power.is_nan() {
                        7.0
                    } else {
                        power.clamp(7.0, 16.0)
                    }
                });
            let factor = (share / (MIDDLE * aim)).powf(1.0 / power).clamp(0.2, 3.0);
            let wanted = (now as f64 * factor).ceil() as usize;
            let wanted = wanted.next_multiple_of(4).clamp(FEWEST, MOST);
            if wanted == now || (share < aim && wanted > now) {
                continue;
            }
            let exact = exact(descriptor, kernels, (k / n_types, k % n_types));
            pair.before = Some((now, share));
            *spline = knots.spline(&exact, wanted);
            changed = true;
        }
        if changed {
            self.version += 1;
        }
        changed
    }

    /// Intervals of the spline that has most.
    pub fn intervals(&self) -> usize {
        let splines = self.pairs.iter().filter_map(|pair| pair.curve.as_ref());
        splines
            .map(|(_, spline)| spline.intervals())
            .max()
            .unwrap_or(0)
    }

    /// Number of a pair of types.
    pub fn number(&self, centre_type: usize, neighbour_type: usize) -> usize {
        centre_type * self.n_types + neighbour_type
    }

    /// The pairs of one centre type, by neighbour type.
    pub fn around(&self, centre_type: usize) -> &[Pair] {
        &self.pairs[centre_type * self.n_types..][..self.n_types]
    }

    /// What an empty slot that types share adds around one centre type.
    pub fn shared(&self, centre_type: usize) -> Option<&Vec<f64>> {
        self.shared[centre_type].as_ref()
    }

    /// How many curves there are.
    pub fn count(&self) -> usize {
        self.pairs
            .iter()
            .filter(|pair| pair.curve.is_some())
            .count()
    }

    /// Distance [Å] below which the networks are evaluated.
    pub fn nearest(&self, descriptor: &Descriptor) -> f64 {
        1.0 / self.end - descriptor.smoothing.protection
    }

    /// Bytes of all splines.
    pub fn bytes(&self) -> usize {
        let curves = self.pairs.iter().filter_map(|pair| pair.curve.as_ref());
        8 * curves.map(|(_, spline)| spline.numbers()).sum::<usize>()
    }
}

/// The curve of a pair as it is.
pub fn exact<'a>(
    descriptor: &'a Descriptor,
    kernels: &'static Kernels,
    pair: (usize, usize),
) -> Exact<'a> {
    Exact {
        descriptor,
        kernels,
        pair,
    }
}

/// Range of `s` in which the curve of a pair is known, where it is a table in the file.
fn known(descriptor: &Descriptor, pair: (usize, usize)) -> [f64; 2] {
    match descriptor.curve(pair.0, pair.1).and_then(Embedding::table) {
        Some(table) => {
            let mean = descriptor.mean[[pair.0, pair.1, 0]];
            let deviation = descriptor.deviation[[pair.0, pair.1, 0]];
            table.range().map(|x| x * deviation + mean)
        }
        _ => [f64::NEG_INFINITY, f64::INFINITY],
    }
}

/// The coefficients between which the neighbours of one centre type lie, as matrices for products. Coefficients that no
/// neighbour has met are left out.
#[derive(Clone, Debug, Default)]
pub struct Packing<S> {
    /// Version of the curves that it was made for.
    version: u32,
    /// Column of the first coefficient of each interval by neighbour type; [`ABSENT`] where it is not packed.
    starts: Vec<Vec<u32>>,
    /// Which intervals are packed.
    used: Vec<Vec<bool>>,
    /// Number of coefficients.
    pub columns: usize,
    /// `[columns, M1]`, over `N`.
    pub forward: Vec<S>,
    /// `[M1, columns]`, over `N`.
    pub backward: Vec<S>,
    /// Differences of neighbouring coefficients in the form of `backward`: the coefficients of the slopes. Empty in double
    /// precision, where slopes of weights do as well.
    pub differences: Vec<S>,
}

/// Not among the columns.
const ABSENT: u32 = u32::MAX;

impl<S: Scalar> Packing<S> {
    /// Column of the first coefficient of an interval, if it is packed.
    #[inline(always)]
    pub fn start(&self, neighbour_type: usize, interval: usize) -> Option<u32> {
        let start = self.starts[neighbour_type][interval];
        (start != ABSENT).then_some(start)
    }

    /// Forgets what belongs to other splines.
    pub fn begin(&mut self, curves: &Curves, centre_type: usize) {
        if self.version == curves.version {
            return;
        }
        self.version = curves.version;
        let lengths = curves.around(centre_type).iter().map(|pair| {
            let curve = pair.curve.as_ref();
            curve.map_or(0, |(_, spline)| spline.intervals())
        });
        self.used = lengths.map(|length| vec![false; length]).collect();
        let starts = self.used.iter().map(|used| vec![ABSENT; used.len()]);
        self.starts = starts.collect();
        self.columns = 0;
    }

    /// Notes that an interval is needed.
    pub fn want(&mut self, neighbour_type: usize, interval: usize) {
        self.used[neighbour_type][interval] = true;
    }

    /// Packs everything that is needed.
    pub fn pack(&mut self, pairs: &[Pair], divisor: f64, kernels: &'static Kernels) {
        // (neighbour type, coefficient) by column
        let mut columns: Vec<(usize, usize)> = Vec::new();
        for (b, used) in self.used.iter().enumerate() {
            let mut needed = vec![false; used.len() + WEIGHTS];
            for (interval, _) in used.iter().enumerate().filter(|(_, used)| **used) {
                needed[interval..interval + WEIGHTS].fill(true);
            }
            let mut column_of = vec![ABSENT; needed.len()];
            for (k, _) in needed.iter().enumerate().filter(|(_, needed)| **needed) {
                column_of[k] = columns.len() as u32;
                columns.push((b, k));
            }
            for (interval, start) in self.starts[b].iter_mut().enumerate() {
                let whole = needed[interval..interval + WEIGHTS].iter().all(|x| *x);
                *start = if whole { column_of[interval] } else { ABSENT };
            }
        }
        self.columns = columns.len();
        let loops = S::dense(kernels);
        let m1 = pairs
            .iter()
            .find_map(|pair| Some(pair.curve.as_ref()?.1.coefficients.ncols()))
            .unwrap_or(0);
        let coefficient = |column: usize, p: usize| {
            let (b, k) = columns[column];
            let curve = pairs[b].curve.as_ref().expect("a neighbour has a curve");
            curve.1.coefficients[[k, p]] / divisor
        };
        self.forward = pack(loops, columns.len(), m1, coefficient).0;
        self.backward = pack(loops, m1, columns.len(), |p, column| coefficient(column, p)).0;
        if !S::IS_DOUBLE {
            let difference = |p: usize, column: usize| match columns.get(column + 1) {
                Some(next) if *next == (columns[column].0, columns[column].1 + 1) => {
                    coefficient(column + 1, p) - coefficient(column, p)
                }
                _ => 0.0,
            };
            self.differences = pack(loops, m1, columns.len(), difference).0;
        }
    }
}
