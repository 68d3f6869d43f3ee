//! How rows of numbers travel between atoms and their ghosts, for models whose atoms tell each other what they have seen.

use crate::Error;
use std::fmt::Debug;

/// The caller's way from owners to ghosts and back, across ranks. All ranks make the same calls in the same order.
pub trait GhostExchange: Debug + Sync {
    /// Gives each ghost the row of its owner; `values` is `[n_all, columns]` by atom index.
    ///
    /// # Errors
    /// Says why the exchange failed.
    fn to_ghosts(&self, values: &mut [f64], columns: usize) -> Result<(), Error>;

    /// Adds the rows of ghosts to those of their owners; `values` is `[n_all, columns]` by atom index, and what the rows
    /// of ghosts hold afterwards means nothing.
    ///
    /// # Errors
    /// Says why the exchange failed.
    fn to_owners(&self, values: &mut [f64], columns: usize) -> Result<(), Error>;
}
