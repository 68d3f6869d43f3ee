//! Deep Potential models: read a model file, evaluate it.
//!
//! This crate knows nothing of LAMMPS, of MPI or of libtorch. It holds
//!
//! * [`model`]: validated, format-independent weights and hyper-parameters, and one reader a file format;
//! * [`descriptor`]: environment rows, embedding curves and moments, forward and analytic backward;
//! * [`fitting`]: the per-type network that turns descriptors into energies, over blocks of atoms;
//! * [`engine`]: the [`engine::Engine`] trait that every evaluator answers, and the native CPU engine;
//! * [`simd`]: the inner loops, compiled once for each instruction set and chosen at run time;
//! * [`virial`]: how pair gradients become forces, virials and per-atom virials;
//! * [`deviation`]: how far several models disagree.
//!
//! Units everywhere: Å, eV, eV/Å. Types are indices into the model's type map; a negative type is a virtual atom,
//! which has no energy, feels no force and is nobody's neighbour.
//!
//! The formulas are those of DeepPot-SE: Zhang et al., NeurIPS 31 (2018), arXiv:1805.09003, in the form that
//! deepmd-kit evaluates (descriptor `se_e2_a`).

#![deny(unsafe_code)]

pub mod descriptor;
pub mod deviation;
pub mod engine;
mod error;
pub mod fitting;
pub mod model;
pub mod simd;
pub mod splines;
pub mod virial;

pub use error::Error;
pub use model::Model;
