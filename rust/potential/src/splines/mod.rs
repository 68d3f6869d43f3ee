//! The same networks from splines, with an error that is bounded over the whole range of distances.
//!
//! 1. *Splines.* Every embedding curve `G(s)` becomes a spline of degree 7 whose knots are equally spaced in a variable `x(s)` that
//!    spreads its curvature ([`variable`], [`curve`]). How far value and slope are from the network is measured between all knots.
//!    Beyond the last knot, at distances that no training knew, the networks themselves are evaluated.
//! 2. *Bins.* `T = sum of R G(s) / N` is linear in the coefficients of the splines: a neighbour adds its row times eight weights to the
//!    knots around it, and one product of matrices with the coefficients follows ([`moments`]).
//! 3. *Differences.* Where the tolerance allows it, the fitting network is evaluated in single precision about one point, the mean
//!    descriptor of each type: what is rounded are differences from there ([`difference`]). Descriptors that are far from it are
//!    evaluated in double precision ([`fit`]).
//! 4. *Bounds.* The gradients of a step turn the errors of the splines into a bound of the error of its forces ([`bound`]). Where it is
//!    above the tolerance, there are more knots from that step on, and single atoms are evaluated with the networks as they are.
//!
//! The approximate energy is a smooth function of positions and the forces are its exact gradient, so energy is conserved whatever
//! the tolerance.

mod accuracy;
pub mod basis;
mod block;
mod bound;
pub mod curve;
mod curves;
mod difference;
mod fit;
mod layout;
mod model;
mod moments;
mod network;
mod taylor;
pub mod variable;
mod watch;

pub use accuracy::{Accuracy, Precision, Report};
pub(crate) use block::{Block, Scratch};
pub(crate) use model::{Refinement, Splined};
pub(crate) use watch::Watch;

use crate::simd::dense::Dense;
use crate::simd::splines::{Contract, ContractBackward, Splines};
use crate::simd::{Kernels, Store};
use fit::Both;

/// A precision with the loops that are compiled for it.
pub trait Scalar: Store {
    /// Loops of products among those of an instruction set.
    fn dense(kernels: &'static Kernels) -> &'static Dense<Self>;
    /// Loops of splines among those of an instruction set.
    fn splines(kernels: &'static Kernels) -> &'static Splines<Self>;
    /// The loop that writes descriptors in this precision.
    fn contract<S>(splines: &Splines<S>) -> Contract<S, Self>;
    /// The loop that reads gradients of descriptors in this precision.
    fn contract_backward<S>(splines: &Splines<S>) -> ContractBackward<S, Self>;
    /// Numbers in this precision.
    #[doc(hidden)]
    fn pick(both: &Both) -> &[Self];
}

impl Scalar for f64 {
    fn dense(kernels: &'static Kernels) -> &'static Dense<Self> {
        &kernels.double.0
    }
    fn splines(kernels: &'static Kernels) -> &'static Splines<Self> {
        &kernels.double.1
    }
    fn contract<S>(splines: &Splines<S>) -> Contract<S, Self> {
        splines.contract.0
    }
    fn contract_backward<S>(splines: &Splines<S>) -> ContractBackward<S, Self> {
        splines.contract_backward.0
    }
    fn pick(both: &Both) -> &[Self] {
        &both.double
    }
}

impl Scalar for f32 {
    fn dense(kernels: &'static Kernels) -> &'static Dense<Self> {
        &kernels.single.0
    }
    fn splines(kernels: &'static Kernels) -> &'static Splines<Self> {
        &kernels.single.1
    }
    fn contract<S>(splines: &Splines<S>) -> Contract<S, Self> {
        splines.contract.1
    }
    fn contract_backward<S>(splines: &Splines<S>) -> ContractBackward<S, Self> {
        splines.contract_backward.1
    }
    fn pick(both: &Both) -> &[Self] {
        &both.single
    }
}
