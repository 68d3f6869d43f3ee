//! What is kept with each atom, and what comes out for it.

use deepdms_mobility::analysis::AtomHistory;
use deepdms_mobility::{Error, Settings};

use super::{Kept, Mobility, ffi, mobility};
use crate::guard::BridgeError;

/// Numbers that come out for each atom.
pub const COLUMNS: usize = 18;

/// Places in a row: the type, or 0 for an atom that has not been seen; the sums of the configuration that is being taken;
/// the one halfway through the window; kept ones, the newest first; the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Length of a row.
    pub width: usize,
    /// Configurations that are kept.
    frames: usize,
}

/// Place of the type.
const KIND: usize = 0;
/// Place of the sums.
const TAKING: usize = 1;
/// Place of the configuration halfway through the window.
const MIDDLE: usize = 4;
/// Place of the kept configurations.
const FRAMES: usize = 7;

impl Layout {
    /// The layout for `settings`.
    pub fn new(settings: &Settings) -> Self {
        let frames = settings.history() as usize;
        Layout {
            width: FRAMES + 3 * frames + AtomHistory::WIDTH,
            frames,
        }
    }

    /// Configurations that are kept.
    pub fn frames(&self) -> usize {
        self.frames
    }

    fn history(&self) -> usize {
        FRAMES + 3 * self.frames
    }
}

impl Mobility {
    /// Begins a snapshot of `atoms` atoms at `step`, in these borders, with every rank. Fails where it cannot follow the
    /// ones before.
    pub(super) fn add_snapshot(
        &mut self,
        step: i64,
        borders: &ffi::MobilityBox,
        atoms: f64,
    ) -> Result<(), BridgeError> {
        mobility("add_snapshot", || {
            let due = self.due_at(step)?;
            if atoms != self.atoms {
                return Err(Error::new(format!(
                    "the number of atoms changed from {:.0} to {atoms:.0}; lost or inserted atoms cannot be followed",
                    self.atoms
                )));
            }
            let matrix = std::array::from_fn(|row| {
                std::array::from_fn(|column| borders.matrix[3 * row + column])
            });
            if let Some(newest) = self.frames.first() {
                check_flip(newest, &Kept { step, matrix })?;
            }
            if due.first {
                (self.taken, self.taking) = (0, Kept::default());
            }
            self.taken += 1;
            self.last = Some(step);
            self.taking.step = step;
            for (sum, part) in self
                .taking
                .matrix
                .iter_mut()
                .flatten()
                .zip(matrix.iter().flatten())
            {
                *sum += part;
            }
            self.complete = if self.taken == self.command.clock.snapshots {
                due
            } else {
                Default::default()
            };
            Ok(())
        })
    }

    /// Adds the unwrapped scaled coordinates `scaled` [n, 3] of the atoms of this rank to their rows. Fails where an atom has
    /// another type than before.
    pub(super) fn add_atoms(
        &self,
        scaled: &[f64],
        types: &[f64],
        ids: &[f64],
        rows: &mut [f64],
    ) -> Result<(), BridgeError> {
        mobility("add_atoms", || {
            let first = self.taken == 1;
            for (index, row) in rows.chunks_exact_mut(self.layout.width).enumerate() {
                let kind = types[index];
                if row[KIND] != 0.0 && row[KIND] != kind {
                    return Err(Error::new(format!(
                        "type of atom {:.0} changed from {:.0} to {kind:.0}",
                        ids[index], row[KIND]
                    )));
                }
                row[KIND] = kind;
                let sums = &mut row[TAKING..TAKING + 3];
                for (sum, part) in sums.iter_mut().zip(&scaled[3 * index..3 * index + 3]) {
                    *sum = if first { *part } else { *sum + part };
                }
                if self.complete.end || self.complete.middle {
                    let count = self.taken as f64;
                    sums.iter_mut().for_each(|sum| *sum /= count);
                }
                if self.complete.middle {
                    row.copy_within(TAKING..TAKING + 3, MIDDLE);
                }
            }
            Ok(())
        })
    }

    /// Ends the snapshot, with every rank.
    pub(super) fn close_snapshot(&mut self) -> Result<(), BridgeError> {
        mobility("close_snapshot", || {
            let count = self.taken as f64;
            if self.complete.end || self.complete.middle {
                for part in self.taking.matrix.iter_mut().flatten() {
                    *part /= count;
                }
            }
            if self.complete.middle {
                self.middle = Some(self.taking);
            }
            Ok(())
        })
    }

    /// Whether a window ends with the configuration that is complete.
    pub(super) fn window_ends(&self) -> Result<bool, BridgeError> {
        mobility("window_ends", || {
            Ok(self.complete.end && !self.frames.is_empty())
        })
    }

    /// Where in a row configuration `index` lies: the newest, those kept, and the one halfway through the window.
    pub(super) fn frame_place(&self, index: usize) -> Result<usize, BridgeError> {
        mobility("frame_place", || {
            Ok(match index {
                0 => TAKING,
                index if index <= self.frames.len() => FRAMES + 3 * (index - 1),
                _ => MIDDLE,
            })
        })
    }

    /// Keeps the configuration that is complete in the rows of the atoms of this rank, and what came out for them.
    /// `results` [n, history + columns] are empty where no window has ended.
    pub(super) fn keep_atoms(
        &self,
        results: &[f64],
        rows: &mut [f64],
        output: &mut [f64],
    ) -> Result<(), BridgeError> {
        mobility("keep_atoms", || {
            if !self.complete.end {
                return Ok(());
            }
            let history = self.layout.history();
            for row in rows.chunks_exact_mut(self.layout.width) {
                row.copy_within(FRAMES..history - 3, FRAMES + 3);
                row.copy_within(TAKING..TAKING + 3, FRAMES);
            }
            let width = AtomHistory::WIDTH + COLUMNS;
            for ((row, out), result) in rows
                .chunks_exact_mut(self.layout.width)
                .zip(output.chunks_exact_mut(COLUMNS))
                .zip(results.chunks_exact(width))
            {
                row[history..].copy_from_slice(&result[..AtomHistory::WIDTH]);
                out.copy_from_slice(&result[AtomHistory::WIDTH..]);
            }
            Ok(())
        })
    }

    /// Keeps the configuration that is complete, with every rank.
    pub(super) fn keep_frame(&mut self) -> Result<(), BridgeError> {
        mobility("keep_frame", || {
            if self.complete.end {
                self.frames.insert(0, self.taking);
                self.frames.truncate(self.layout.frames());
                self.middle = None;
            }
            self.complete = Default::default();
            Ok(())
        })
    }
}

/// Fails where a tilt has changed by more than half the length that it can be flipped by.
fn check_flip(before: &Kept, now: &Kept) -> Result<(), Error> {
    let flipped = [(0, 1, 0), (0, 2, 0), (1, 2, 1)]
        .into_iter()
        .any(|(row, column, length)| {
            let change = (now.matrix[row][column] - before.matrix[row][column]).abs();
            change > 0.5 * before.matrix[length][length]
        });
    if flipped {
        return Err(Error::new(format!(
            "the box was flipped between steps {} and {}; use flip no in fix deform or fix npt",
            before.step, now.step
        )));
    }
    Ok(())
}
