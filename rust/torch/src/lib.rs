//! The libtorch engines.
//!
//! [`TorchEngine`] evaluates a Deep Potential [`Model`](deepdms_potential::Model) as tensor operations, with gradients by
//! autograd. It shares nothing with the native engine but the model and the choice of neighbours, so each judges the other.
//!
//! [`ScriptEngine`] runs the program in a TorchScript file, for models that have no reader.

mod cuda;
mod device;
mod engine;
mod script;

pub use engine::TorchEngine;
pub use script::ScriptEngine;
