//! From positions to descriptors and back: environment rows, embedding curves, moments.
//!
//! Symbols as in [`crate::model::Descriptor`]: `R` environment row, `G` embedding, `T` moments, `D` descriptor.

pub mod counters;
pub mod embedding;
pub mod environment;
pub mod neighbours;
mod three_body;
pub(crate) mod two_body;

use crate::engine::times::{Phase, Times};
use crate::model::{Descriptor, Kind};
use crate::simd::Kernels;
use crate::virial::Output;
use counters::Counters;
use environment::Environment;
use two_body::Constants;

/// Buffers of one descriptor over one block of centres, kept from forward to backward and from step to step.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// Normalised rows `R` by neighbour type.
    rows: Vec<Vec<[f64; 4]>>,
    inputs: Vec<f64>,
    embedding: embedding::Scratch,
    /// `G` and `H = dG/dR[0]` by neighbour type, `[n, M1]`.
    embedded: Vec<(Vec<f64>, Vec<f64>)>,
    /// `T` of each centre, `[n, 4, M1]`.
    moments: Vec<f64>,
    slope_moments: Vec<f64>,
    /// `dE/dR` of the neighbours of one centre, by neighbour type.
    slope_rows: Vec<Vec<[f64; 4]>>,
}

/// A descriptor, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Prepared {
    constants: Constants,
    offset: usize,
}

/// What forward and backward work on: the environment of centres of one type.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The descriptor that is evaluated.
    pub descriptor: &'a Descriptor,
    /// What was prepared for it.
    pub prepared: &'a Prepared,
    /// The inner loops.
    pub kernels: &'a Kernels,
    /// Rows before mean and deviation.
    pub environment: &'a Environment,
    /// Type of all centres.
    pub centre_type: usize,
}

impl Prepared {
    /// Prepares a descriptor whose output begins at column `offset` of the rows that go to the fitting network.
    pub fn new(descriptor: &Descriptor, offset: usize) -> Self {
        Self {
            constants: Constants::new(descriptor),
            offset,
        }
    }
}

impl Block<'_> {
    /// Writes the descriptors into their columns of `rows`, `[n, stride]`.
    pub fn forward(
        &self,
        scratch: &mut Scratch,
        counters: &mut Counters,
        times: &mut Times,
        rows: &mut [f64],
        stride: usize,
    ) {
        self.normalise(scratch);
        times.end(Phase::Environment);
        let columns = rows
            .chunks_exact_mut(stride)
            .map(|row| &mut row[self.prepared.offset..][..self.descriptor.width()]);
        match self.descriptor.kind {
            Kind::SeE2A { .. } | Kind::SeE2R => {
                two_body::forward(self, scratch, counters, times, columns);
            }
            Kind::SeE3 => three_body::forward(self, scratch, counters, times, columns),
        }
    }

    /// Adds forces and virials from the gradients in the descriptors' columns of `rows`, `[n, stride]`, times `factor`.
    pub fn backward(
        &self,
        scratch: &mut Scratch,
        rows: &[f64],
        stride: usize,
        factor: f64,
        output: &mut Output,
    ) {
        let columns = rows
            .chunks_exact(stride)
            .map(|row| &row[self.prepared.offset..][..self.descriptor.width()]);
        match self.descriptor.kind {
            Kind::SeE2A { .. } | Kind::SeE2R => {
                two_body::backward(self, scratch, columns, factor, output);
            }
            Kind::SeE3 => three_body::backward(self, scratch, columns, factor, output),
        }
    }

    /// `R = (row - mean) / deviation`
    fn normalise(&self, scratch: &mut Scratch) {
        let n_types = self.environment.sections.len();
        scratch.rows.resize_with(n_types, Vec::new);
        scratch.slope_rows.resize_with(n_types, Vec::new);
        for (b, section) in self.environment.sections.iter().enumerate() {
            let Descriptor {
                mean, deviation, ..
            } = self.descriptor;
            let mean: [f64; 4] = std::array::from_fn(|c| mean[[self.centre_type, b, c]]);
            let inverse: [f64; 4] =
                std::array::from_fn(|c| 1.0 / deviation[[self.centre_type, b, c]]);
            let normalised = (0..section.len()).map(|j| {
                let row = section.row(j);
                std::array::from_fn(|c| (row[c] - mean[c]) * inverse[c])
            });
            scratch.rows[b].clear();
            scratch.rows[b].extend(normalised);
        }
    }

    /// Adds the pairs of the `k`-th centre with its neighbours of type `b`, whose `dE/dR` are `slopes`.
    fn add_pairs(&self, k: usize, b: usize, slopes: &[[f64; 4]], output: &mut Output) {
        let centre = self.environment.centres[k];
        let section = &self.environment.sections[b];
        let inverse: [f64; 4] =
            std::array::from_fn(|c| 1.0 / self.descriptor.deviation[[self.centre_type, b, c]]);
        let pairs = section.range(k).zip(slopes).map(|(j, slope)| {
            let gradient = section.gradient(j, std::array::from_fn(|c| slope[c] * inverse[c]));
            (section.atoms[j] as usize, section.vector(j), gradient)
        });
        output.add_pairs(centre, pairs);
    }
}
