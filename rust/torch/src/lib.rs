//! The libtorch engines.
//!
//! [`TorchEngine`] evaluates a Deep Potential [`Model`](deepdms_potential::Model) as tensor operations, with gradients by
//! autograd. It shares nothing with the native engine but the model and the choice of neighbours, so each judges the other.
//!
//! [`ScriptEngine`] runs the program in a TorchScript file, for models that have no reader.
//!
//! [`library`] makes both of them a library of their own, which the plugin opens where a run needs it.

mod cuda;
mod device;
mod engine;
pub mod library;
mod script;

pub use engine::TorchEngine;
pub use script::ScriptEngine;
