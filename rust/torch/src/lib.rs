//! The libtorch engine: a Deep Potential [`Model`](deepdms_potential::Model) as tensor operations, with gradients by autograd.
//!
//! It shares nothing with the native engine but the model and the choice of neighbours, so each judges the other.

mod cuda;
mod engine;

pub use engine::TorchEngine;
