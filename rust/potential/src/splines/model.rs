//! A whole model from splines, over a block of centres of one type.

use super::Scalar;
use super::accuracy::{Accuracy, Precision, Report};
use super::curves::{Curves, MOST};
use super::difference;
use super::fit::{About, Both, Fit, SLACK, obstacle};
use super::layout::{Layout, shape};
use super::moments::{Moments, Site};
use super::network::{self, Packed};
use crate::Model;
use crate::descriptor::counters::Counters;
use crate::descriptor::environment::Environment;
use crate::descriptor::{self, Prepared};
use crate::engine::times::{Phase, Times};
use crate::model::{Activation, Descriptor, Layer};
use crate::simd::Kernels;
use crate::simd::dense::ROWS;
use crate::virial::Output;

/// Intervals of splines before any atom is known.
const INTERVALS: usize = 128;
/// Part of the tolerance that splines may use up.
const PART: f64 = 0.5;
/// Times that the number of knots is fitted to the first atoms.
const FITS: usize = 3;
/// Bound that is aimed at when knots are fitted, as a part of what is allowed: the rest is what the run may still grow by.
const AIM: f64 = 0.4;
/// Descriptors that a mean is taken of at least.
const ENOUGH: usize = 48;

/// A model, ready for blocks.
#[derive(Clone, Debug)]
pub(crate) struct Splined {
    tolerance: f64,
    precision: Precision,
    layout: Layout,
    parts: Vec<Part>,
    /// By type; none for types that do not occur.
    fits: Vec<Option<Fit>>,
    /// Times that the number of knots may still be fitted to the first atoms.
    fits_left: usize,
    /// Means where nothing is taken off.
    nothing: Both,
    kernels: &'static Kernels,
}

/// How one descriptor is evaluated.
#[derive(Clone, Debug)]
enum Part {
    Splines(Curves),
    /// As it is, into columns from the first of its own on.
    Networks(Prepared),
}

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
    double: Vec<Moments<f64>>,
    single: Vec<Moments<f32>>,
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

/// What is asked of an evaluation, and what was seen in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    /// Nothing is rounded to single precision.
    pub double: bool,
    /// Largest bound of a force error of a centre that was kept [eV/Å].
    pub bound: f64,
    /// Largest bound of all.
    pub largest: f64,
    /// Entries of centres that were left out since their bound is above what is allowed.
    pub left_out: Vec<u32>,
    /// Centres in all.
    pub centres: usize,
    /// Shares in bounds by descriptor and pair of types, see [`Moments::bound`].
    pub shares: Vec<Vec<f64>>,
    /// By type: descriptors, those far from their point, largest length (squared) of a difference, sums of descriptors for the
    /// next point.
    pub types: Vec<Seen>,
}

/// Descriptors of one type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub rows: usize,
    pub far: usize,
    pub longest: f32,
    pub sums: Vec<f64>,
    pub summed: usize,
}

impl Watch {
    /// Forgets everything but sums for points to come.
    pub fn clear(&mut self, n_types: usize) {
        self.types.resize_with(n_types, Seen::default);
        self.bound = 0.0;
        self.largest = 0.0;
        self.centres = 0;
        self.left_out.clear();
        self.shares.iter_mut().for_each(|shares| shares.fill(0.0));
        for seen in &mut self.types {
            (seen.rows, seen.far, seen.longest) = (0, 0, 0.0);
        }
    }

    /// Adds what another thread saw, and takes its sums.
    pub fn merge(&mut self, other: &mut Self) {
        self.bound = self.bound.max(other.bound);
        self.largest = self.largest.max(other.largest);
        self.centres += other.centres;
        self.left_out.append(&mut other.left_out);
        self.shares
            .resize_with(other.shares.len().max(self.shares.len()), Vec::new);
        for (own, other) in self.shares.iter_mut().zip(&other.shares) {
            own.resize(other.len().max(own.len()), 0.0);
            own.iter_mut().zip(other).for_each(|(a, b)| *a = a.max(*b));
        }
        for (seen, other) in self.types.iter_mut().zip(&mut other.types) {
            seen.rows += other.rows;
            seen.far += other.far;
            seen.longest = seen.longest.max(other.longest);
            if other.summed > 0 {
                seen.sums.resize(other.sums.len(), 0.0);
                seen.sums
                    .iter_mut()
                    .zip(&other.sums)
                    .for_each(|(a, b)| *a += b);
                seen.summed += other.summed;
                other.sums.clear();
                other.summed = 0;
            }
        }
    }
}

impl Splined {
    /// Prepares a model whose `used` types occur, as far as the accuracy allows.
    pub fn new(
        model: &Model,
        kernels: &'static Kernels,
        accuracy: Accuracy,
        used: &[bool],
    ) -> Result<Self, Report> {
        let refuse = |reason: &str| Err(Report::Exact(reason.to_owned()));
        let Accuracy::Within {
            tolerance,
            precision,
        } = accuracy
        else {
            return refuse("tolerance exact");
        };
        if let Some(reason) = obstacle(model) {
            return refuse(reason);
        }
        if model.descriptors.iter().any(has_kinks) {
            return refuse(
                "the activation of its embedding networks has kinks, which no spline follows",
            );
        }
        let layout = Layout::new(model);
        let parts: Vec<Part> = model
            .descriptors
            .iter()
            .map(
                |descriptor| match Curves::new(descriptor, kernels, used, INTERVALS) {
                    Some(curves) => Part::Splines(curves),
                    None => Part::Networks(Prepared::new(descriptor, 0)),
                },
            )
            .collect();
        let splines = || parts.iter().filter_map(Part::curves);
        if splines().next().is_none() {
            return refuse("three-body curves are functions of an angle, not of a distance");
        }
        let fits = (0..model.n_types()).map(|kind| {
            let single = precision != Precision::Double;
            used[kind].then(|| Fit::new(model, &layout, kernels, kind, single))
        });
        Ok(Self {
            tolerance,
            precision,
            fits: fits.collect(),
            fits_left: FITS,
            nothing: Both::new(&vec![0.0; layout.inputs]),
            parts,
            layout,
            kernels,
        })
    }

    /// What it came to.
    pub fn report(&self, model: &Model) -> Report {
        let pairs = || self.parts.iter().zip(&model.descriptors);
        let curves = || pairs().filter_map(|(part, d)| Some((part.curves()?, d)));
        let others = pairs().filter(|(part, _)| part.curves().is_none()).count();
        Report::Splines {
            tolerance: self.tolerance,
            precision: self.precision,
            curves: curves().map(|(curves, _)| curves.count()).sum(),
            knots: self.intervals(),
            nearest: curves()
                .map(|(curves, d)| curves.nearest(d))
                .fold(0.0, f64::max),
            others: match others {
                0 => String::new(),
                _ => ", three-body networks as they are".to_owned(),
            },
        }
    }

    /// Intervals of the splines.
    pub fn intervals(&self) -> usize {
        let curves = self.parts.iter().filter_map(Part::curves);
        curves.map(Curves::intervals).max().unwrap_or(0)
    }

    /// Bytes of splines and weights.
    pub fn bytes(&self) -> usize {
        let curves = self.parts.iter().filter_map(Part::curves);
        let fits = self.fits.iter().flatten();
        curves.map(Curves::bytes).sum::<usize>() + fits.map(Fit::bytes).sum::<usize>()
    }

    /// After a step: more knots where many centres had a bound above what is allowed; in the first step with atoms as many as they
    /// need.
    pub fn refine(&mut self, model: &Model, watch: &Watch) -> Refinement {
        if watch.centres == 0 {
            return Refinement::None;
        }
        let many = watch.left_out.len() * FEW > watch.centres.max(FEW);
        if self.fits_left == 0 && many && self.intervals() >= MOST {
            return Refinement::Hopeless;
        }
        if self.fits_left == 0 && !many {
            return Refinement::None;
        }
        let fitting = self.fits_left > 0;
        let aim = AIM * PART * self.tolerance;
        let mut changed = false;
        for (d, part) in self.parts.iter_mut().enumerate() {
            let Part::Splines(curves) = part else {
                continue;
            };
            changed |= curves.refine(
                &model.descriptors[d],
                self.kernels,
                &watch.shares[d],
                aim,
                fitting,
            );
        }
        self.fits_left = if changed {
            self.fits_left.saturating_sub(1)
        } else {
            0
        };
        if changed {
            Refinement::Done
        } else {
            Refinement::None
        }
    }

    /// After a step: takes points where they are wanted and enough descriptors were seen; returns whether there are new ones, whose
    /// limits are to be set.
    pub fn take_points(&mut self, model: &Model, watch: &mut Watch) -> bool {
        let mut taken = false;
        for (kind, fit) in self.fits.iter_mut().enumerate() {
            let Some(fit) = fit else { continue };
            let seen = &mut watch.types[kind];
            fit.judge(seen.far, seen.rows);
            if fit.wants_point() && seen.summed >= ENOUGH && seen.rows > 0 {
                let count = seen.summed as f64;
                let mean = seen.sums.iter().map(|sum| sum / count).collect();
                fit.take_point(model, &self.layout, kind, mean);
                taken = true;
            }
            if !fit.wants_point() {
                (seen.summed, seen.sums) = (0, Vec::new());
            }
        }
        taken
    }

    /// Sets the limits of new points, after a trial of theirs led to an error of forces.
    pub fn set_limits(&mut self, watch: &Watch, error: f64) {
        for (fit, seen) in self.fits.iter_mut().zip(&watch.types) {
            let Some(fit) = fit else { continue };
            let unset = fit
                .about()
                .is_some_and(|(_, about)| about.limit == f32::INFINITY);
            if unset {
                fit.set_limit(seen.longest, error, self.tolerance);
            }
        }
    }

    /// Evaluates a block: adds energies, forces and virials of centres whose bound is within what is allowed.
    pub fn evaluate(
        &self,
        block: &Block<'_>,
        scratch: &mut Scratch,
        counters: &mut Counters,
        times: &mut Times,
        watch: &mut Watch,
        output: &mut Output,
    ) {
        let fit = self.fits[block.centre_type].as_ref();
        let fit = fit.expect("only types that occur have centres");
        let single = self.precision == Precision::Single && !watch.double && fit.about().is_some();
        let step = Step {
            splined: self,
            block,
            fit,
        };
        if single {
            let mut moments = std::mem::take(&mut scratch.single);
            step.run(&mut moments, scratch, counters, times, watch, output);
            scratch.single = moments;
        } else {
            let mut moments = std::mem::take(&mut scratch.double);
            step.run(&mut moments, scratch, counters, times, watch, output);
            scratch.double = moments;
        }
    }
}

/// What came of the wish for more knots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refinement {
    /// There is no need.
    None,
    /// The step is to be evaluated again.
    Done,
    /// There are as many as there can be, and many centres are above what is allowed all the same.
    Hopeless,
}

/// Whether the curves of a descriptor are those of networks with an activation that is not twice differentiable.
fn has_kinks(descriptor: &Descriptor) -> bool {
    let kinks = |layer: &Layer| {
        matches!(
            layer.activation,
            Activation::Relu | Activation::Relu6 | Activation::Silut { .. }
        )
    };
    let mut embeddings = descriptor.embeddings.iter();
    embeddings.any(|embedding| embedding.layers().iter().any(kinks))
}

/// Of so many centres, one may be evaluated with the networks as they are before there are more knots.
const FEW: usize = 50;

impl Part {
    fn curves(&self) -> Option<&Curves> {
        match self {
            Self::Splines(curves) => Some(curves),
            Self::Networks(_) => None,
        }
    }
}

/// One evaluation of a block.
struct Step<'a> {
    splined: &'a Splined,
    block: &'a Block<'a>,
    fit: &'a Fit,
}

impl<'a> Step<'a> {
    fn run<S: Scalar>(
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
        let about = self.fit.about().filter(|_| !watch.double);
        match about {
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
