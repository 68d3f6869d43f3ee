//! `se_e2_a` and `se_e2_r`: one embedding curve a pair of types, summed over neighbours.

use super::counters::Counters;
use super::{Block, Scratch, embedding};
use crate::engine::times::{Phase, Times};
use crate::model::{Descriptor, Embedding, Exclusion, Kind};
use crate::virial::Output;
use ndarray::Array1;

/// What slots contribute that do not move with any atom, by centre and neighbour type; `None` where it vanishes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constants {
    n_types: usize,
    /// An empty slot of a type; none where types share the slots.
    empty: Vec<Option<Vec<f64>>>,
    /// A real neighbour of an excluded type.
    excluded: Vec<Option<Vec<f64>>>,
    /// An empty slot that types share, by centre type.
    shared: Vec<Option<Vec<f64>>>,
}

impl Constants {
    pub(crate) fn new(descriptor: &Descriptor) -> Self {
        let n_types = descriptor.sel.len();
        let mut constants = Self {
            n_types,
            ..Self::default()
        };
        let shared = descriptor.selection.shared_slots().is_some();
        for (a, b) in (0..n_types).flat_map(|a| (0..n_types).map(move |b| (a, b))) {
            let exclusion = descriptor.excluded[[a, b]];
            let curve = descriptor.embedding_of[[a, b]].map(|k| &descriptor.embeddings[k]);
            let slot = |row| contribution(descriptor.kind, curve?, row, Embedding::apply);
            constants.empty.push(match exclusion {
                _ if shared => None,
                Exclusion::Slots => slot([0.0; 4]),
                _ => slot(descriptor.padding_row(a, b)),
            });
            constants.excluded.push(match exclusion {
                Exclusion::Slots | Exclusion::Neighbours => slot([0.0; 4]),
                Exclusion::None | Exclusion::FromList => None,
                Exclusion::Means => curve.and_then(|curve| {
                    let row = [descriptor.mean[[a, b, 0]]; 4];
                    contribution(descriptor.kind, curve, row, Embedding::apply_faded)
                }),
            });
        }
        let curves = descriptor.empty_curves.iter().enumerate();
        constants.shared = curves
            .map(|(a, curve)| {
                let row = descriptor.padding_row(a, 0);
                contribution(descriptor.kind, curve, row, Embedding::apply_faded)
            })
            .collect();
        constants
    }

    /// What an empty slot that types share contributes.
    pub(crate) fn of_shared(&self, centre: usize) -> Option<&Vec<f64>> {
        self.shared.get(centre)?.as_ref()
    }

    /// What an empty slot and a neighbour of an excluded type contribute.
    pub(crate) fn of(
        &self,
        centre: usize,
        neighbour: usize,
    ) -> (Option<&Vec<f64>>, Option<&Vec<f64>>) {
        let pair = centre * self.n_types + neighbour;
        (self.empty[pair].as_ref(), self.excluded[pair].as_ref())
    }
}

/// `R^T G` `[4, M1]` or `G` `[M1]` of one slot with row `R`.
fn contribution(
    kind: Kind,
    curve: &Embedding,
    row: [f64; 4],
    apply: impl Fn(&Embedding, f64) -> Array1<f64>,
) -> Option<Vec<f64>> {
    match kind {
        Kind::SeE2A { .. } if row == [0.0; 4] => None,
        Kind::SeE2A { .. } => {
            let g = apply(curve, row[0]);
            let product = row.iter().flat_map(|r| g.iter().map(move |g| r * g));
            Some(product.collect())
        }
        Kind::SeE2R => Some(apply(curve, row[0]).to_vec()),
        Kind::SeE3 => None,
    }
}

pub(super) fn forward<'c>(
    block: &Block<'_>,
    scratch: &mut Scratch,
    counters: &mut Counters,
    times: &mut Times,
    columns: impl Iterator<Item = &'c mut [f64]>,
) {
    let Block {
        descriptor,
        kernels,
        environment,
        centre_type,
        ..
    } = *block;
    let n_types = descriptor.sel.len();
    scratch.embedded.resize_with(n_types, Default::default);
    for b in 0..n_types {
        let Some(curve) = descriptor.curve(centre_type, b) else {
            continue;
        };
        scratch.inputs.clear();
        scratch
            .inputs
            .extend(scratch.rows[b].iter().map(|row| row[0]));
        let (g, h) = &mut scratch.embedded[b];
        let outside = embedding::evaluate(
            curve,
            kernels,
            &scratch.inputs,
            &mut scratch.embedding,
            g,
            h,
        );
        counters.note_extrapolated(centre_type, b, outside);
    }
    times.end(Phase::Embedding);

    let m1 = descriptor.m1();
    let width = match descriptor.kind {
        Kind::SeE2A { .. } => 4 * m1,
        _ => m1,
    };
    let inverse = 1.0 / descriptor.divisor;
    let constants = &block.prepared.constants;
    scratch.moments.clear();
    scratch
        .moments
        .resize(environment.centres.len() * width, 0.0);
    let moments = scratch.moments.chunks_exact_mut(width);
    for (k, (t, out)) in moments.zip(columns).enumerate() {
        if let Some(constant) = constants.of_shared(centre_type) {
            let kept = environment.sections.iter().map(|s| s.range(k).len());
            let empty = descriptor.slots() - kept.sum::<usize>();
            add_scaled(t, constant, empty as f64);
        }
        for (b, section) in environment.sections.iter().enumerate() {
            let range = section.range(k);
            let (empty, excluded) = constants.of(centre_type, b);
            let slots = [
                (empty, descriptor.sel[b].saturating_sub(range.len())),
                (excluded, range.len()),
            ];
            for (constant, count) in slots {
                if let Some(constant) = constant {
                    add_scaled(t, constant, count as f64);
                }
            }
            if descriptor.curve(centre_type, b).is_none() {
                continue;
            }
            let g = &scratch.embedded[b].0[range.start * m1..range.end * m1];
            match descriptor.kind {
                Kind::SeE2A { .. } => (kernels.moments)(&scratch.rows[b][range], g, t),
                _ => g.chunks_exact(m1).for_each(|g| add_scaled(t, g, 1.0)),
            }
        }
        t.iter_mut().for_each(|t| *t *= inverse);
        match descriptor.kind {
            Kind::SeE2A { axis } => (kernels.contract)(t, axis, out),
            _ => out.copy_from_slice(t),
        }
    }
    times.end(Phase::Descriptor);
}

pub(super) fn backward<'c>(
    block: &Block<'_>,
    scratch: &mut Scratch,
    columns: impl Iterator<Item = &'c [f64]>,
    factor: f64,
    output: &mut Output,
) {
    let Block {
        descriptor,
        kernels,
        environment,
        centre_type,
        ..
    } = *block;
    let m1 = descriptor.m1();
    let scale = factor / descriptor.divisor;
    for (k, slope_d) in columns.enumerate() {
        match descriptor.kind {
            Kind::SeE2A { axis } => {
                let t = &scratch.moments[k * 4 * m1..][..4 * m1];
                scratch.slope_moments.resize(4 * m1, 0.0);
                (kernels.contract_backward)(t, axis, slope_d, &mut scratch.slope_moments);
            }
            _ => {
                scratch.slope_moments.clear();
                scratch.slope_moments.extend_from_slice(slope_d);
            }
        }
        scratch
            .slope_moments
            .iter_mut()
            .for_each(|slope| *slope *= scale);
        for (b, section) in environment.sections.iter().enumerate() {
            if descriptor.curve(centre_type, b).is_none() {
                continue;
            }
            let range = section.range(k);
            let span = range.start * m1..range.end * m1;
            let (g, h) = &scratch.embedded[b];
            let slopes = &mut scratch.slope_rows[b];
            slopes.clear();
            slopes.resize(range.len(), [0.0; 4]);
            match descriptor.kind {
                Kind::SeE2A { .. } => (kernels.moments_backward)(
                    &scratch.slope_moments,
                    &scratch.rows[b][range],
                    &g[span.clone()],
                    &h[span],
                    slopes,
                ),
                _ => {
                    for (slope, h) in slopes.iter_mut().zip(h[span].chunks_exact(m1)) {
                        slope[0] = dot(&scratch.slope_moments, h);
                    }
                }
            }
            block.add_pairs(k, b, slopes, output);
        }
    }
}

fn add_scaled(sums: &mut [f64], values: &[f64], factor: f64) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
