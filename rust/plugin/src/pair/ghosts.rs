//! The exchange with ghosts that the shim offers, as an engine sees it.

use super::ffi;
use deepdms_potential::Error;
use deepdms_potential::engine::GhostExchange;
use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

/// LAMMPS' communication of atoms with their ghosts, for one evaluation.
pub(super) struct Ghosts<'a>(Mutex<Pin<&'a mut ffi::GhostExchange>>);

// SAFETY: an exchange is only used while LAMMPS' own thread waits for the evaluation that it was lent to, by one thread at a
// time
unsafe impl Send for ffi::GhostExchange {}

impl<'a> Ghosts<'a> {
    pub(super) fn new(exchange: Pin<&'a mut ffi::GhostExchange>) -> Self {
        Self(Mutex::new(exchange))
    }

    fn with<T>(
        &self,
        call: impl FnOnce(Pin<&mut ffi::GhostExchange>) -> Result<T, cxx::Exception>,
    ) -> Result<T, Error> {
        let mut exchange = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        call(exchange.as_mut()).map_err(|error| Error::Engine(error.what().to_owned()))
    }
}

impl GhostExchange for Ghosts<'_> {
    fn to_ghosts(&self, values: &mut [f64], columns: usize) -> Result<(), Error> {
        self.with(|exchange| exchange.to_ghosts(values, columns))
    }

    fn to_owners(&self, values: &mut [f64], columns: usize) -> Result<(), Error> {
        self.with(|exchange| exchange.to_owners(values, columns))
    }
}

impl fmt::Debug for Ghosts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ghosts")
    }
}
