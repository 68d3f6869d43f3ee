//! Statistics of values that come one after another: compensated sums, running means with their correlation, and errors by
//! a jackknife over blocks.
//!
//! Everything here can be stored and restored bit by bit through a [`Stream`], whatever form that gives it.

pub mod blocks;
pub mod error;
pub mod series;
pub mod state;
pub mod sum;

pub use blocks::{Blocks, Estimate, Merge, jackknife};
pub use error::Error;
pub use series::{PairSeries, Series};
pub use state::{Stored, Stream};
pub use sum::Sum;
