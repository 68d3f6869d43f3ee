//! From positions to descriptors and back: environment rows, embedding curves, moments.
//!
//! Symbols as in [`crate::model::SeA`]: `R` environment row, `G` embedding, `T` moments, `D` descriptor.

pub mod embedding;
pub mod environment;
pub mod neighbours;
