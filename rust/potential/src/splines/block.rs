//! A block of centres of one type from splines: moments, fitting network, bounds, and the way back.

use super::Scalar;
use super::curves::Curves;
use super::difference;
use super::fit::{About, Fit, SLACK};
use super::layout::shape;
use super::model::{PART, Part, Splined};
use super::moments::{Moments, Site};
use super::network::{self, Packed};
use super::watch::Watch;
use crate::Model;
use crate::descriptor::counters::Counters;
use crate::descriptor::environment::Environment;
use crate::descriptor::{self, Prepared};
use crate::engine::times::{Phase, Times};
use crate::simd::dense::ROWS;
use crate::virial::Output;

/// A block of centres of one type in their surroundings.
pub(crate) struct Block<'a> {
    pub model: &'a Model,
    /// By descriptor: rows before mean and deviation.
    pub environments: Vec<&'a Environment>,
    pub centre_type: usize,
    /// Entries of the centres in the neighbour list.
    pub entries: &'a [u32],
    /// Normalised parameters of each centre, `[n, parameters]`.
    pub parameters: &'a [f64],
}

/// What an evaluation needs for itself, kept between blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    pub(super) double: Vec<Moments<f64>>,
    pub(super) single: Vec<Moments<f32>>,
    networks: Vec<(descriptor::Scratch, Vec<f64>)>,
    rows: Vec<f64>,
    rows_single: Vec<f32>,
    far_rows: Vec<f64>,
    fit: network::Scratch<f64>,
    difference: difference::Scratch,
    energies: Vec<f64>,
    far_energies: Vec<f64>,
    bounds: Vec<f64>,
    kept: Vec<bool>,
}

/// One evaluation of a block.
pub(super) struct Step<'a> {
    pub splined: &'a Splined,
    pub block: &'a Block<'a>,
    pub fit: &'a Fit,
}

impl<'a> Step<'a> {
    /// Evaluates the block with moments in one of the precisions.
    pub fn run<S: Scalar>(
        &self,
        moments: &mut Vec<Moments<S>>,
        scratch: &mut Scratch,
        counters: &mut Counters,
        times: &mut Times,
        watch: &mut Watch,
        output: &mut Output,
    ) {
        let Splined { parts, kernels, .. } = self.splined;
        let Block {
            model,
            centre_type,
            entries,
            ..
        } = *self.block;
        let n = entries.len();
        moments.resize_with(parts.len(), Moments::default);
        scratch.networks.resize_with(parts.len(), Default::default);
        self.forward(moments, scratch, counters, times);
        scratch.energies.clear();
        scratch.energies.resize(n, 0.0);
        match self.fit.about() {
            Some(about) => self.fit_single(about, moments, scratch, times, watch),
            None => {
                let all: Vec<usize> = (0..n).collect();
                let mut rows = std::mem::take(&mut scratch.rows);
                self.rows(moments, &scratch.networks, &all, &mut rows);
                let width = self.width();
                self.sum(&rows, n, watch);
                times.end(Phase::Descriptor);
                self.fit.double.evaluate(
                    &kernels.double.0,
                    &mut rows,
                    width,
                    &mut scratch.fit,
                    &mut scratch.energies,
                );
                times.end(Phase::Fitting);
                for k in 0..n {
                    let row = &rows[k * width..][..width];
                    self.slopes(moments, &mut scratch.networks, k, row);
                }
                scratch.rows = rows;
            }
        }
        watch.types[centre_type].rows += n;

        let scale = model.energy_scale[centre_type];
        self.bound(moments, scratch, watch);
        let shift = model.energy_bias[centre_type] - self.fit.vacuum * scale;
        let centres = &self.block.environments[0].centres;
        for ((&centre, energy), kept) in centres.iter().zip(&scratch.energies).zip(&scratch.kept) {
            if *kept {
                output.add_energy(centre, energy * scale + shift);
            }
        }
        for (d, (part, moments)) in parts.iter().zip(moments).enumerate() {
            match part {
                Part::Splines(curves) => {
                    let site = self.site(d, curves);
                    moments.backward(&site, scale, &scratch.kept, output);
                }
                Part::Networks(prepared) => {
                    let (own, columns) = &mut scratch.networks[d];
                    let width = model.descriptors[d].width();
                    self.networks(d, prepared)
                        .backward(own, columns, width, scale, output);
                }
            }
        }
        times.end(Phase::Force);
    }

    fn site(&self, d: usize, curves: &'a Curves) -> Site<'a> {
        Site {
            descriptor: &self.block.model.descriptors[d],
            curves,
            environment: self.block.environments[d],
            centre_type: self.block.centre_type,
            kernels: self.splined.kernels,
        }
    }

    fn networks(&self, d: usize, prepared: &'a Prepared) -> descriptor::Block<'a> {
        descriptor::Block {
            descriptor: &self.block.model.descriptors[d],
            prepared,
            kernels: self.splined.kernels,
            environment: self.block.environments[d],
            centre_type: self.block.centre_type,
        }
    }

    /// Numbers between rows that go into the fitting network.
    fn width(&self) -> usize {
        (self.splined.layout.inputs + SLACK).next_multiple_of(16)
    }

    /// Moments of all descriptors.
    fn forward<S: Scalar>(
        &self,
        moments: &mut [Moments<S>],
        scratch: &mut Scratch,
        counters: &mut Counters,
        times: &mut Times,
    ) {
        let n = self.block.entries.len();
        for (d, (part, moments)) in self.splined.parts.iter().zip(moments).enumerate() {
            match part {
                Part::Splines(curves) => {
                    let site = self.site(d, curves);
                    moments.place(&site, counters);
                    moments.forward(&site);
                    times.end(Phase::Embedding);
                    let len = moments.t.len();
                    moments.slope_t.clear();
                    moments.slope_t.resize(len, S::ZERO);
                }
                Part::Networks(prepared) => {
                    let (own, columns) = &mut scratch.networks[d];
                    let width = self.block.model.descriptors[d].width();
                    columns.resize(n * width, 0.0);
                    self.networks(d, prepared)
                        .forward(own, counters, times, columns, width);
                }
            }
        }
    }

    /// Writes descriptors and parameters of some centres in double precision, `[n, width]`.
    fn rows<S: Scalar>(
        &self,
        moments: &[Moments<S>],
        networks: &[(descriptor::Scratch, Vec<f64>)],
        which: &[usize],
        rows: &mut Vec<f64>,
    ) {
        let width = self.width();
        rows.resize(which.len().next_multiple_of(ROWS) * width, 0.0);
        let zeros = S::pick(&self.splined.nothing);
        for (&k, row) in which.iter().zip(rows.chunks_exact_mut(width)) {
            self.row(moments, networks, k, zeros, row, |x, _| x);
        }
    }

    /// Writes the row of one centre less `means`; what is not made by splines is rounded by `less`, from value and column.
    fn row<S: Scalar, F: Scalar>(
        &self,
        moments: &[Moments<S>],
        networks: &[(descriptor::Scratch, Vec<f64>)],
        k: usize,
        means: &[S],
        row: &mut [F],
        less: impl Fn(f64, usize) -> F,
    ) {
        let Splined { parts, layout, .. } = self.splined;
        for (d, part) in parts.iter().enumerate() {
            let columns = layout.descriptors[d];
            let descriptor = &self.block.model.descriptors[d];
            match part {
                Part::Splines(curves) => {
                    let own = &moments[d];
                    let t = &own.t[k * curves.rows * own.stride..][..curves.rows * own.stride];
                    match shape(descriptor) {
                        Some(shape) => {
                            let contract = F::contract(S::splines(self.splined.kernels));
                            contract(shape, t, &means[columns.start..], &mut row[columns.start..]);
                        }
                        None => {
                            for (c, t) in t.iter().enumerate().take(columns.width) {
                                row[columns.start + c] = less(t.double(), columns.start + c);
                            }
                        }
                    }
                }
                Part::Networks(_) => {
                    let own = &networks[d].1[k * columns.width..][..columns.width];
                    for (c, x) in own.iter().enumerate() {
                        row[columns.start + c] = less(*x, columns.start + c);
                    }
                }
            }
        }
        let count = layout.inputs - layout.parameters;
        let own = &self.block.parameters[k * count..][..count];
        for (c, x) in own.iter().enumerate() {
            row[layout.parameters + c] = less(*x, layout.parameters + c);
        }
    }

    /// Takes the gradient of one centre in double precision to moments and columns.
    fn slopes<S: Scalar>(
        &self,
        moments: &mut [Moments<S>],
        networks: &mut [(descriptor::Scratch, Vec<f64>)],
        k: usize,
        row: &[f64],
    ) {
        let zeros = S::pick(&self.splined.nothing);
        self.slope_row(moments, networks, k, zeros, row, |x, _| x);
    }

    /// The same from a gradient less `means`; `more` adds them where splines have no part in it.
    fn slope_row<S: Scalar, F: Scalar>(
        &self,
        moments: &mut [Moments<S>],
        networks: &mut [(descriptor::Scratch, Vec<f64>)],
        k: usize,
        means: &[S],
        row: &[F],
        more: impl Fn(F, usize) -> f64,
    ) {
        let Splined { parts, layout, .. } = self.splined;
        for (d, part) in parts.iter().enumerate() {
            let columns = layout.descriptors[d];
            let own = &row[columns.start..];
            match part {
                Part::Splines(curves) => {
                    let Moments {
                        t, slope_t, stride, ..
                    } = &mut moments[d];
                    let range = k * curves.rows * *stride..(k + 1) * curves.rows * *stride;
                    let slope_t = &mut slope_t[range.clone()];
                    match shape(&self.block.model.descriptors[d]) {
                        Some(shape) => {
                            let backward = F::contract_backward(S::splines(self.splined.kernels));
                            backward(shape, &t[range], &means[columns.start..], own, slope_t);
                        }
                        None => {
                            for (c, slope) in slope_t.iter_mut().enumerate().take(columns.width) {
                                *slope = S::of(more(own[c], columns.start + c));
                            }
                        }
                    }
                }
                Part::Networks(_) => {
                    let to = &mut networks[d].1[k * columns.width..][..columns.width];
                    for (c, slope) in to.iter_mut().enumerate() {
                        *slope = more(own[c], columns.start + c);
                    }
                }
            }
        }
    }

    /// Adds descriptors to the sums of their type, where a point is wanted.
    fn sum(&self, rows: &[f64], n: usize, watch: &mut Watch) {
        if !self.fit.wants_point() {
            return;
        }
        let seen = &mut watch.types[self.block.centre_type];
        let inputs = self.splined.layout.inputs;
        seen.sums.resize(inputs, 0.0);
        for row in rows.chunks_exact(self.width()).take(n) {
            seen.sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        seen.summed += n;
    }

    /// The fitting network in single precision about its point; rows far from it in double precision.
    fn fit_single<S: Scalar>(
        &self,
        (packed, about): (&Packed<f32>, &About),
        moments: &mut [Moments<S>],
        scratch: &mut Scratch,
        times: &mut Times,
        watch: &mut Watch,
    ) {
        let kernels = self.splined.kernels;
        let n = self.block.entries.len();
        let width = self.width();
        let Scratch {
            rows_single,
            networks,
            difference,
            energies,
            ..
        } = scratch;
        rows_single.resize(n.next_multiple_of(ROWS) * width, 0.0);
        let means = S::pick(&about.means);
        for (k, row) in rows_single.chunks_exact_mut(width).take(n).enumerate() {
            let less = |x: f64, column: usize| (x - about.means.double[column]) as f32;
            self.row(moments, networks, k, means, row, less);
        }
        times.end(Phase::Descriptor);
        about
            .point
            .evaluate(packed, kernels, rows_single, width, difference, energies);
        times.end(Phase::Fitting);
        let seen = &mut watch.types[self.block.centre_type];
        let mut far = Vec::new();
        for (k, length) in difference.lengths.iter().enumerate().take(n) {
            seen.longest = seen.longest.max(*length);
            // what is not a number is far, too
            if length.is_nan() || *length > about.limit {
                far.push(k);
            }
        }
        seen.far += far.len();
        let gradient = S::pick(&about.gradient);
        let mut is_far = far.iter().copied().peekable();
        for (k, row) in rows_single.chunks_exact(width).take(n).enumerate() {
            if is_far.next_if_eq(&k).is_some() {
                continue;
            }
            let more = |x: f32, column: usize| f64::from(x) + about.gradient.double[column];
            self.slope_row(moments, networks, k, gradient, row, more);
        }
        if !far.is_empty() {
            self.fit_far(&far, moments, scratch);
        }
    }

    /// Some rows in double precision.
    fn fit_far<S: Scalar>(&self, far: &[usize], moments: &mut [Moments<S>], scratch: &mut Scratch) {
        let width = self.width();
        let mut rows = std::mem::take(&mut scratch.far_rows);
        self.rows(moments, &scratch.networks, far, &mut rows);
        scratch.far_energies.resize(far.len(), 0.0);
        self.fit.double.evaluate(
            &self.splined.kernels.double.0,
            &mut rows,
            width,
            &mut scratch.fit,
            &mut scratch.far_energies,
        );
        for (i, &k) in far.iter().enumerate() {
            scratch.energies[k] = scratch.far_energies[i];
            let row = &rows[i * width..][..width];
            self.slopes(moments, &mut scratch.networks, k, row);
        }
        scratch.far_rows = rows;
    }

    /// Bounds of all centres, and who is kept.
    fn bound<S: Scalar>(&self, moments: &[Moments<S>], scratch: &mut Scratch, watch: &mut Watch) {
        let n = self.block.entries.len();
        let scale = self.block.model.energy_scale[self.block.centre_type];
        scratch.bounds.clear();
        scratch.bounds.resize(n, 0.0);
        let pairs = self.block.model.n_types() * self.block.model.n_types();
        watch.shares.resize(self.splined.parts.len(), Vec::new());
        watch
            .shares
            .iter_mut()
            .for_each(|shares| shares.resize(pairs, 0.0));
        for (d, part) in self.splined.parts.iter().enumerate() {
            if let Part::Splines(curves) = part {
                let shares = &mut watch.shares[d];
                moments[d].bound(&self.site(d, curves), scale, &mut scratch.bounds, shares);
            }
        }
        let allowed = PART * self.splined.tolerance;
        scratch.kept.clear();
        watch.centres += n;
        for (bound, &entry) in scratch.bounds.iter().zip(self.block.entries) {
            let kept = *bound <= allowed;
            scratch.kept.push(kept);
            watch.largest = watch.largest.max(*bound);
            if kept {
                watch.bound = watch.bound.max(*bound);
            } else {
                watch.left_out.push(entry);
            }
        }
        if !scratch.kept.contains(&false) {
            return;
        }
        // what exact descriptors add is left out by gradients of zero
        for (d, part) in self.splined.parts.iter().enumerate() {
            if part.curves().is_none() {
                let width = self.block.model.descriptors[d].width();
                let rows = scratch.networks[d].1.chunks_exact_mut(width);
                for (row, kept) in rows.zip(&scratch.kept) {
                    if !kept {
                        row.fill(0.0);
                    }
                }
            }
        }
    }
}
