//! A whole model from splines: how it is prepared, and how knots and points follow what its steps show.

use super::accuracy::{Accuracy, Precision, Report};
use super::block::{Block, Scratch, Step};
use super::curves::{Curves, MOST};
use super::fit::{Both, Fit, obstacle};
use super::layout::Layout;
use super::watch::Watch;
use crate::Model;
use crate::descriptor::Prepared;
use crate::descriptor::counters::Counters;
use crate::engine::times::Times;
use crate::model::{Activation, Descriptor, Layer};
use crate::simd::Kernels;
use crate::virial::Output;

/// Intervals of splines before any atom is known.
const INTERVALS: usize = 128;
/// Part of the tolerance that splines may use up.
pub(super) const PART: f64 = 0.5;
/// Times that the number of knots is fitted to the first atoms.
const FITS: usize = 3;
/// Bound that is aimed at when knots are fitted, as a part of what is allowed: the rest is what the run may still grow by.
const AIM: f64 = 0.4;
/// Descriptors that a mean is taken of at least.
const ENOUGH: usize = 48;

/// A model, ready for blocks.
#[derive(Clone, Debug)]
pub(crate) struct Splined {
    pub(super) tolerance: f64,
    pub(super) precision: Precision,
    pub(super) layout: Layout,
    pub(super) parts: Vec<Part>,
    /// By type; none for types that do not occur.
    fits: Vec<Option<Fit>>,
    /// Times that the number of knots may still be fitted to the first atoms.
    fits_left: usize,
    /// Means where nothing is taken off.
    pub(super) nothing: Both,
    pub(super) kernels: &'static Kernels,
}

/// How one descriptor is evaluated.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Splines(Curves),
    /// As it is, into columns from the first of its own on.
    Networks(Prepared),
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

    /// Sets the limits of new points after a trial of theirs led to an error of forces [eV/Å]; returns whether another trial is needed.
    pub fn set_limits(&mut self, watch: &Watch, error: f64) -> bool {
        let mut again = false;
        for (fit, seen) in self.fits.iter_mut().zip(&watch.types) {
            let Some(fit) = fit else { continue };
            if fit.is_unsettled() {
                fit.set_limit(seen.longest, error, self.tolerance);
                again |= fit.is_unsettled();
            }
        }
        again
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
        let single = self.precision == Precision::Single && fit.about().is_some();
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
    pub fn curves(&self) -> Option<&Curves> {
        match self {
            Self::Splines(curves) => Some(curves),
            Self::Networks(_) => None,
        }
    }
}
