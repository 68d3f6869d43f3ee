//! The native CPU engine: exact double-precision networks, analytic gradients, blocks of atoms of one type.

use super::{Engine, check_forces, check_positions};
use crate::descriptor::embedding;
use crate::descriptor::environment::{Environment, Overflow};
use crate::descriptor::neighbours::Atoms;
use crate::simd::{self, Kernels};
use crate::virial::Output;
use crate::{Error, Model, fitting};

/// Atoms of one type that go through the fitting net together: enough to use each weight often, few enough for the
/// embedding rows of all their neighbours to stay in the cache.
const BLOCK: usize = 100;

/// Evaluates a model on one core.
#[derive(Debug)]
pub struct NativeEngine {
    model: Model,
    kernels: &'static Kernels,
    /// Moments `[4, M1]` of one empty slot, by centre and neighbour type; `None` where they vanish.
    padding: Vec<Option<Vec<f64>>>,
    overflow: Overflow,
    workspace: Workspace,
}

/// Buffers of one block, kept from step to step.
#[derive(Debug, Default)]
struct Workspace {
    /// Entries of the neighbour list by centre type.
    by_type: Vec<Vec<u32>>,
    environment: Environment,
    embedding: embedding::Scratch,
    fitting: fitting::Scratch,
    /// `G` and `H = dG/dR[0]` by neighbour type, `[n, M1]`.
    embedded: Vec<(Vec<f64>, Vec<f64>)>,
    /// `T` of each centre, `[n, 4, M1]`.
    moments: Vec<f64>,
    /// `D`, and after the fitting net `dE/dD`, `[n, M1 M2]`.
    descriptors: Vec<f64>,
    energies: Vec<f64>,
    slope_moments: Vec<f64>,
    slope_rows: Vec<[f64; 4]>,
}

impl NativeEngine {
    /// Prepares a model.
    ///
    /// # Errors
    /// [`Error::Engine`] if the environment asks for an instruction set that the processor lacks.
    pub fn new(model: Model) -> Result<Self, Error> {
        let kernels = simd::detect().map_err(Error::Engine)?;
        Ok(Self::with_kernels(model, kernels))
    }

    /// Prepares a model for the given inner loops.
    pub fn with_kernels(model: Model, kernels: &'static Kernels) -> Self {
        let n_types = model.n_types();
        let descriptor = &model.descriptor;
        let pairs = (0..n_types).flat_map(|a| (0..n_types).map(move |b| (a, b)));
        let padding = pairs
            .map(|(a, b)| {
                let embedding = &descriptor.embeddings[descriptor.embedding_of[[a, b]]?];
                let row = descriptor.padding_row(a, b);
                if row == [0.0; 4] {
                    return None;
                }
                let g = embedding.apply(row[0]);
                Some(
                    row.iter()
                        .flat_map(|r| g.iter().map(move |g| r * g))
                        .collect(),
                )
            })
            .collect();
        Self {
            overflow: Overflow::new(n_types),
            padding,
            workspace: Workspace::default(),
            kernels,
            model,
        }
    }

    /// Evaluates the centres in `entries`, all of type `centre_type`.
    fn evaluate_block(
        &mut self,
        atoms: &Atoms<'_>,
        centre_type: usize,
        entries: &[u32],
        output: &mut Output,
    ) -> Result<(), Error> {
        let Self {
            model,
            kernels,
            padding,
            overflow,
            workspace: work,
        } = self;
        let descriptor = &model.descriptor;
        let (n_types, m1, axis) = (model.n_types(), descriptor.m1(), descriptor.axis);
        work.environment.clear(n_types);
        for &k in entries {
            work.environment
                .push(descriptor, atoms, k as usize, centre_type, overflow)?;
        }

        // forward: embeddings, moments, descriptors
        work.embedded.resize_with(n_types, Default::default);
        let active = |b: usize| {
            let index = descriptor.embedding_of[[centre_type, b]]?;
            (!descriptor.masked[[centre_type, b]]).then_some(&descriptor.embeddings[index])
        };
        for (b, (g, h)) in work.embedded.iter_mut().enumerate() {
            if let Some(embedding) = active(b) {
                let rows = &work.environment.sections[b].rows;
                embedding::evaluate(embedding, kernels, rows, &mut work.embedding, g, h);
            }
        }
        let n = entries.len();
        let inverse = 1.0 / descriptor.divisor;
        work.moments.clear();
        work.moments.resize(n * 4 * m1, 0.0);
        work.descriptors.resize(n * m1 * axis, 0.0);
        for (k, t) in work.moments.chunks_exact_mut(4 * m1).enumerate() {
            for (b, section) in work.environment.sections.iter().enumerate() {
                let range = section.range(k);
                if let Some(padding) = &padding[centre_type * n_types + b] {
                    let empty = (descriptor.sel[b] - range.len()) as f64;
                    t.iter_mut().zip(padding).for_each(|(t, p)| *t += empty * p);
                }
                if active(b).is_some() {
                    let g = &work.embedded[b].0[range.start * m1..range.end * m1];
                    (kernels.moments)(&section.rows[range], g, t);
                }
            }
            t.iter_mut().for_each(|t| *t *= inverse);
            (kernels.contract)(t, axis, &mut work.descriptors[k * m1 * axis..][..m1 * axis]);
        }

        let network = &model.fitting[centre_type];
        fitting::evaluate(
            network,
            kernels,
            &mut work.descriptors,
            &mut work.fitting,
            &mut work.energies,
        );
        let scale = model.energy_scale[centre_type];
        for (&centre, energy) in work.environment.centres.iter().zip(&work.energies) {
            output.add_energy(centre, energy * scale + model.energy_bias[centre_type]);
        }

        // backward: descriptors, moments, rows, distances
        work.slope_moments.resize(4 * m1, 0.0);
        for (k, t) in work.moments.chunks_exact(4 * m1).enumerate() {
            let centre = work.environment.centres[k];
            let slope_d = &work.descriptors[k * m1 * axis..][..m1 * axis];
            (kernels.contract_backward)(t, axis, slope_d, &mut work.slope_moments);
            work.slope_moments
                .iter_mut()
                .for_each(|slope| *slope *= inverse * scale);
            for (b, section) in work.environment.sections.iter().enumerate() {
                if active(b).is_none() {
                    continue;
                }
                let range = section.range(k);
                let (g, h) = &work.embedded[b];
                let span = range.start * m1..range.end * m1;
                work.slope_rows.resize(range.len(), [0.0; 4]);
                (kernels.moments_backward)(
                    &work.slope_moments,
                    &section.rows[range.clone()],
                    &g[span.clone()],
                    &h[span],
                    &mut work.slope_rows,
                );
                let deviation: [f64; 4] =
                    std::array::from_fn(|c| 1.0 / descriptor.deviation[[centre_type, b, c]]);
                for (neighbour, slope) in section.neighbours[range].iter().zip(&work.slope_rows) {
                    let slope_raw = std::array::from_fn(|c| slope[c] * deviation[c]);
                    output.add_pair(
                        centre,
                        neighbour.atom as usize,
                        neighbour.vector,
                        neighbour.gradient(slope_raw),
                    );
                }
            }
        }
        Ok(())
    }
}

impl Engine for NativeEngine {
    fn model(&self) -> &Model {
        &self.model
    }

    fn evaluate(
        &mut self,
        atoms: &Atoms<'_>,
        with_atom_virials: bool,
        output: &mut Output,
    ) -> Result<(), Error> {
        check_positions(atoms)?;
        output.clear(atoms.len(), with_atom_virials);
        let mut by_type = std::mem::take(&mut self.workspace.by_type);
        by_type.resize_with(self.model.n_types(), Vec::new);
        by_type.iter_mut().for_each(Vec::clear);
        for k in 0..atoms.list.len() {
            let (centre, _) = atoms.list.entry(k);
            if let Ok(centre_type) = usize::try_from(atoms.types[centre]) {
                by_type[centre_type].push(k as u32);
            }
        }
        for (centre_type, entries) in by_type.iter().enumerate() {
            // equal blocks: a small last one would use each weight for few atoms
            let blocks = entries.len().div_ceil(BLOCK).max(1);
            for block in entries.chunks(entries.len().div_ceil(blocks).max(1)) {
                self.evaluate_block(atoms, centre_type, block, output)?;
            }
        }
        self.workspace.by_type = by_type;
        check_forces(atoms, output)
    }

    fn overflow(&self) -> &Overflow {
        &self.overflow
    }

    fn describe(&self) -> String {
        format!("native, fp64, {} instructions", self.kernels.name)
    }
}
