//! How an operator of libtorch finds the ghost exchange of the evaluation that it belongs to.
//!
//! An evaluation announces its exchange under a number, which the model hands on to the operators. They may run in a
//! thread of libtorch's while the evaluation waits.

use super::rows::Rows;
use deepdms_potential::Error;
use deepdms_potential::engine::GhostExchange;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One announced exchange; it ends when this is dropped.
pub(super) struct Announcement<'a> {
    number: i64,
    session: Box<Session<'a>>,
}

struct Session<'a> {
    exchange: &'a dyn GhostExchange,
    rows: &'a Rows,
    /// Why an exchange failed; libtorch wraps what it is told in a message of its own.
    failure: Mutex<Option<Error>>,
}

struct Entry {
    number: i64,
    session: *const Session<'static>,
}

// SAFETY: the session is only used while the thread that announced it waits for the evaluation
unsafe impl Send for Entry {}

struct Announced {
    last: i64,
    entries: Vec<Entry>,
}

static ANNOUNCED: Mutex<Announced> = Mutex::new(Announced {
    last: 0,
    entries: Vec::new(),
});

fn announced() -> MutexGuard<'static, Announced> {
    ANNOUNCED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Announcement<'a> {
    pub(super) fn new(exchange: &'a dyn GhostExchange, rows: &'a Rows) -> Self {
        let session = Box::new(Session {
            exchange,
            rows,
            failure: Mutex::new(None),
        });
        let mut announced = announced();
        announced.last += 1;
        let number = announced.last;
        announced.entries.push(Entry {
            number,
            session: (&raw const *session).cast(),
        });
        Self { number, session }
    }

    /// The number for the model, not 0.
    pub(super) fn number(&self) -> i64 {
        self.number
    }

    /// Why an exchange failed, if one did.
    pub(super) fn failure(&self) -> Option<Error> {
        self.session
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Drop for Announcement<'_> {
    fn drop(&mut self) {
        announced()
            .entries
            .retain(|entry| entry.number != self.number);
    }
}

/// Exchanges `values`, `[n, columns]` by row of the model, under the number that was announced.
///
/// # Errors
/// Says that nothing is announced under that number, that the shape is another, or that the exchange failed.
pub(super) fn exchange_ghosts(
    number: i64,
    to_ghosts: bool,
    values: &mut [f64],
    columns: usize,
) -> Result<(), String> {
    let session = announced()
        .entries
        .iter()
        .find(|entry| entry.number == number)
        .map(|entry| entry.session)
        .ok_or("rows are exchanged outside of an evaluation")?;
    // SAFETY: the announcement outlives the evaluation that this call is part of, and its session with it
    let session = unsafe { &*session };
    session
        .exchange(to_ghosts, values, columns)
        .map_err(|error| {
            let text = error.to_string();
            *session
                .failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(error);
            text
        })
}

impl Session<'_> {
    fn exchange(&self, to_ghosts: bool, values: &mut [f64], columns: usize) -> Result<(), Error> {
        let rows = self.rows;
        if values.len() != rows.atoms.len() * columns {
            return Err(Error::Engine(format!(
                "the model exchanges {} numbers in {columns} columns for {} atoms",
                values.len(),
                rows.atoms.len()
            )));
        }
        if columns == 0 {
            return Ok(());
        }
        let mut by_atom = vec![0.0; rows.n_all * columns];
        for (row, atom) in values.chunks_exact(columns).zip(&rows.atoms) {
            if let Some(atom) = atom {
                by_atom[atom * columns..][..columns].copy_from_slice(row);
            }
        }
        if to_ghosts {
            self.exchange.to_ghosts(&mut by_atom, columns)?;
        } else {
            self.exchange.to_owners(&mut by_atom, columns)?;
        }
        for (k, (row, atom)) in values
            .chunks_exact_mut(columns)
            .zip(&rows.atoms)
            .enumerate()
        {
            match atom {
                // what ghosts had is with their owners now
                _ if !to_ghosts && k >= rows.n_local => row.fill(0.0),
                Some(atom) => row.copy_from_slice(&by_atom[atom * columns..][..columns]),
                None => {}
            }
        }
        Ok(())
    }
}
