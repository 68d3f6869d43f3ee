//! `se_e3`: one embedding curve a pair of neighbour types, summed over pairs of neighbours.
//!
//! Empty slots have no direction, and neighbours of excluded types are given none: both have `q = 0` with everything, and
//! `q G(q)` vanishes.

use super::counters::Counters;
use super::{Block, Scratch, embedding};
use crate::engine::times::{Phase, Times};
use crate::model::{Embedding, Exclusion};
use crate::virial::Output;

pub(super) fn forward<'c>(
    block: &Block<'_>,
    scratch: &mut Scratch,
    counters: &mut Counters,
    times: &mut Times,
    columns: impl Iterator<Item = &'c mut [f64]>,
) {
    scratch.embedded.resize_with(1, Default::default);
    let m1 = block.descriptor.m1();
    for (k, out) in columns.enumerate() {
        out.fill(0.0);
        for (a, b, curve, weight) in pairs(block) {
            let outside = embed(block, scratch, k, (a, b), curve);
            counters.note_extrapolated(a, b, outside);
            let (g, _) = &scratch.embedded[0];
            for (q, g) in scratch.inputs.iter().zip(g.chunks_exact(m1)) {
                for (sum, g) in out.iter_mut().zip(g) {
                    *sum += weight * q * g;
                }
            }
        }
    }
    times.end(Phase::Embedding);
}

/// Evaluates the curves once more: to keep them would take `2 M1` numbers for each pair of neighbours.
pub(super) fn backward<'c>(
    block: &Block<'_>,
    scratch: &mut Scratch,
    columns: impl Iterator<Item = &'c [f64]>,
    factor: f64,
    output: &mut Output,
) {
    let m1 = block.descriptor.m1();
    let sections = &block.environment.sections;
    for (k, slope_d) in columns.enumerate() {
        for (slopes, section) in scratch.slope_rows.iter_mut().zip(sections) {
            slopes.clear();
            slopes.resize(section.range(k).len(), [0.0; 4]);
        }
        for (a, b, curve, weight) in pairs(block) {
            embed(block, scratch, k, (a, b), curve);
            let (g, h) = &scratch.embedded[0];
            let (first, second) = (sections[a].range(k), sections[b].range(k));
            let curves = g.chunks_exact(m1).zip(h.chunks_exact(m1));
            for (n, (q, (g, h))) in scratch.inputs.iter().zip(curves).enumerate() {
                let (i, j) = (n / second.len(), n % second.len());
                let slope_q: f64 = slope_d
                    .iter()
                    .zip(g.iter().zip(h))
                    .map(|(slope, (g, h))| slope * (g + q * h))
                    .sum();
                let slope_q = slope_q * weight * factor;
                for c in 1..4 {
                    let (u, v) = (
                        scratch.rows[a][first.start + i][c],
                        scratch.rows[b][second.start + j][c],
                    );
                    scratch.slope_rows[a][i][c] += slope_q * v;
                    scratch.slope_rows[b][j][c] += slope_q * u;
                }
            }
        }
        for (b, slopes) in scratch.slope_rows.iter().enumerate() {
            block.add_pairs(k, b, slopes, output);
        }
    }
}

/// Neighbour types `a <= b` with their curve and the weight `1/(sel_a sel_b)`.
fn pairs<'a>(
    block: &Block<'a>,
) -> impl Iterator<Item = (usize, usize, &'a Embedding, f64)> + use<'a> {
    let Block {
        descriptor,
        centre_type,
        ..
    } = *block;
    let n_types = descriptor.sel.len();
    let seen = move |b: usize| {
        !matches!(
            descriptor.excluded[[centre_type, b]],
            Exclusion::Neighbours | Exclusion::Slots
        )
    };
    let all = (0..n_types).flat_map(move |a| (a..n_types).map(move |b| (a, b)));
    all.filter(move |&(a, b)| seen(a) && seen(b))
        .filter_map(move |(a, b)| {
            let curve = &descriptor.embeddings[descriptor.embedding_of[[a, b]]?];
            let weight = 1.0 / (descriptor.sel[a] as f64 * descriptor.sel[b] as f64);
            Some((a, b, curve, weight))
        })
}

/// `q` of all pairs of neighbours of the `k`-th centre into `inputs`, their `G` and `H` into the first of `embedded`.
fn embed(
    block: &Block<'_>,
    scratch: &mut Scratch,
    k: usize,
    (a, b): (usize, usize),
    curve: &Embedding,
) -> u64 {
    let Scratch {
        rows,
        inputs,
        embedding,
        embedded,
        ..
    } = scratch;
    let range = |t: usize| block.environment.sections[t].range(k);
    inputs.clear();
    for u in &rows[a][range(a)] {
        inputs.extend(
            rows[b][range(b)]
                .iter()
                .map(|v| u[1] * v[1] + u[2] * v[2] + u[3] * v[3]),
        );
    }
    let (g, h) = &mut embedded[0];
    embedding::evaluate(curve, block.kernels, inputs, embedding, g, h)
}
