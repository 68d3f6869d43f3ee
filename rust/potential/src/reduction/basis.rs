//! The few curves that the embedding curves of all neighbours of one centre type are made of.
//!
//! `G_b(s) = V u_b(s)` for every neighbour type `b`, with the columns of `V` `[M1, K]` orthonormal: the leading right singular
//! vectors of samples of all curves and their slopes, each with the weight of the neighbours that occur there.

use super::sample::Surroundings;
use crate::descriptor::embedding;
use crate::model::Descriptor;
use crate::simd::Kernels;
use nalgebra::DMatrix;
use ndarray::Array2;

/// Distances at which curves are sampled.
const SAMPLES: usize = 192;
/// Smallest distance that is sampled [Å].
const SMALLEST: f64 = 0.7;
/// Distances below this share of the nearest neighbour's occur rarely.
const RARE: f64 = 0.70;
/// Their weight, relative to those that occur.
const RARE_WEIGHT: f64 = 1e-6;
/// Weight of what an empty slot contributes: there are many of them.
const EMPTY_WEIGHT: f64 = 4.0;
/// The length [Å] that weighs slopes of curves against values.
const SLOPE_LENGTH: f64 = 0.5;
/// Columns whose singular value is below this share of the first have no meaning left.
const NEGLIGIBLE: f64 = 1e-14;

/// Embedding curves `G` and slopes `dG/ds` at some `s`, `[n, M1]` each, for one pair of types.
pub fn curves(
    descriptor: &Descriptor,
    kernels: &Kernels,
    pair: (usize, usize),
    s: &[f64],
) -> Option<(Array2<f64>, Array2<f64>)> {
    let curve = descriptor.curve(pair.0, pair.1)?;
    let mean = descriptor.mean[[pair.0, pair.1, 0]];
    let inverse = 1.0 / descriptor.deviation[[pair.0, pair.1, 0]];
    let inputs: Vec<f64> = s.iter().map(|s| (s - mean) * inverse).collect();
    let (mut g, mut h) = (Vec::new(), Vec::new());
    embedding::evaluate(
        curve,
        kernels,
        &inputs,
        &mut embedding::Scratch::default(),
        &mut g,
        &mut h,
    );
    let shape = (s.len(), curve.outputs());
    let g = Array2::from_shape_vec(shape, g).expect("whole rows");
    let h = Array2::from_shape_vec(shape, h).expect("whole rows") * inverse;
    Some((g, h))
}

/// The curves around one centre type.
#[derive(Clone, Debug)]
pub struct Basis {
    /// `V`, `[M1, K]`, most important columns first.
    pub vectors: Array2<f64>,
    /// How large the coefficients of each column become: in `A = sum of R u` of one centre, `[K]`.
    pub size: Vec<f64>,
    /// How much `A` changes when one neighbour moves by 1 Å, `[K]`.
    pub change: Vec<f64>,
}

impl Basis {
    /// The curves around centres of type `centre`; `None` if there are no neighbours that move anything.
    pub fn new(
        descriptor: &Descriptor,
        kernels: &Kernels,
        surroundings: &Surroundings,
        centre: usize,
    ) -> Option<Self> {
        let distances: Vec<f64> = (0..SAMPLES)
            .map(|k| {
                let share = (k as f64 + 0.5) / SAMPLES as f64;
                SMALLEST + share * (descriptor.cutoff() - SMALLEST)
            })
            .collect();
        let step = distances[1] - distances[0];
        let protection = descriptor.smoothing.protection;
        let radial: Vec<(f64, f64)> = distances
            .iter()
            .map(|r| {
                let (w, slope) = descriptor.smoothing.switch(*r);
                let s = w / (r + protection);
                (s, (slope - s) / (r + protection))
            })
            .collect();
        let s: Vec<f64> = radial.iter().map(|(s, _)| *s).collect();
        let weight = |k: usize| {
            let rare = distances[k] < RARE * surroundings.nearest;
            (distances[k] / descriptor.cutoff()).powi(2) * if rare { RARE_WEIGHT } else { 1.0 }
        };

        let types: Vec<usize> = (0..descriptor.sel.len()).collect();
        let sampled: Vec<_> = types
            .iter()
            .filter_map(|&b| Some((b, curves(descriptor, kernels, (centre, b), &s)?)))
            .collect();
        let m1 = descriptor.m1();
        let mut rows: Vec<f64> = Vec::new();
        for (_, (g, h)) in &sampled {
            for (k, (_, s_slope)) in radial.iter().enumerate() {
                let root = weight(k).sqrt();
                let slope = root * SLOPE_LENGTH * s_slope;
                rows.extend(g.row(k).iter().map(|g| root * g));
                rows.extend(h.row(k).iter().map(|h| slope * h));
            }
        }
        for &b in &types {
            // what empty slots contribute, of excluded neighbours, too
            if let Some(embedding) = descriptor.embedding_of[[centre, b]] {
                let input = descriptor.padding_row(centre, b)[0];
                let constant = descriptor.embeddings[embedding].apply(input);
                rows.extend(constant.iter().map(|g| EMPTY_WEIGHT * g));
            }
        }
        if rows.is_empty() {
            return None;
        }
        let samples = DMatrix::from_row_slice(rows.len() / m1, m1, &rows);
        // singular vectors of the triangle are those of the samples
        let decomposition = samples.qr().r().svd(false, true);
        let transposed = decomposition.v_t.expect("asked for");
        let values = &decomposition.singular_values;
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        let smallest = NEGLIGIBLE * values[order[0]];
        order.retain(|&k| values[k] > smallest);
        let vectors = Array2::from_shape_fn((m1, order.len()), |(p, k)| transposed[(order[k], p)]);

        let k = order.len();
        let (mut mean, mut spread, mut change) = (vec![0.0; k], vec![0.0; k], vec![0.0; k]);
        let mut neighbours = 0.0;
        for (b, (g, h)) in &sampled {
            let (u, slopes) = (g.dot(&vectors), h.dot(&vectors));
            let shift = descriptor.mean[[centre, *b, 0]];
            let radial_scale = 1.0 / descriptor.deviation[[centre, *b, 0]];
            let angular_scale = 1.0 / descriptor.deviation[[centre, *b, 1]];
            for (n, &r) in distances.iter().enumerate() {
                if r < RARE * surroundings.nearest {
                    continue;
                }
                let shell = 4.0 * std::f64::consts::PI * r * r * step * surroundings.densities[*b];
                let (s, s_slope) = radial[n];
                let row = (s - shift) * radial_scale;
                let angular = s * angular_scale;
                neighbours += shell;
                for i in 0..k {
                    let (u, slope) = (u[[n, i]], slopes[[n, i]] * s_slope);
                    mean[i] += shell * row * u;
                    spread[i] += shell * (row * row + angular * angular) * u * u;
                    let along = s_slope * radial_scale * u + row * slope;
                    let turned = s_slope * angular_scale * u + angular * slope;
                    let across = angular * u / r;
                    change[i] += shell * (along * along + turned * turned + 2.0 * across * across);
                }
            }
        }
        let size = mean
            .iter()
            .zip(&spread)
            .map(|(mean, spread)| (mean * mean + spread).sqrt());
        let change = change.iter().map(|change| (change / neighbours).sqrt());
        Some(Self {
            vectors,
            size: size.collect(),
            change: change.collect(),
        })
    }
}
