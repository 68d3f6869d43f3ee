//! What every evaluator of a model answers, and the checks that all of them share.

mod native;

pub use native::NativeEngine;

use crate::descriptor::environment::Overflow;
use crate::descriptor::neighbours::Atoms;
use crate::virial::Output;
use crate::{Error, Model};

/// An evaluator of one model.
pub trait Engine {
    /// The model that is evaluated.
    fn model(&self) -> &Model;

    /// Energies, forces and virials of all centres in the list; `output` is cleared first.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::Overlap`] or [`Error::ForceNotFinite`] name the atoms by index.
    fn evaluate(
        &mut self,
        atoms: &Atoms<'_>,
        with_atom_virials: bool,
        output: &mut Output,
    ) -> Result<(), Error>;

    /// Neighbours that did not fit into the model's `sel`, since the start.
    fn overflow(&self) -> &Overflow;

    /// The engine in words, for the line at start-up.
    fn describe(&self) -> String;
}

/// Refuses coordinates that are not numbers.
///
/// # Errors
/// [`Error::NotFinite`] names the first such atom.
pub fn check_positions(atoms: &Atoms<'_>) -> Result<(), Error> {
    // one sum tells whether any is not finite, and vectorises
    let total: f64 = atoms.positions.iter().map(|x| x * 0.0).sum();
    if total == 0.0 {
        return Ok(());
    }
    let mut rows = atoms.positions.chunks_exact(3).enumerate();
    match rows.find(|(_, row)| row.iter().any(|x| !x.is_finite())) {
        Some((atom, row)) => Err(Error::NotFinite {
            atom,
            x: row[0],
            y: row[1],
            z: row[2],
        }),
        None => Ok(()),
    }
}

/// Refuses forces that are not numbers.
///
/// # Errors
/// [`Error::ForceNotFinite`] names the first such centre with its nearest neighbour.
pub fn check_forces(atoms: &Atoms<'_>, output: &Output) -> Result<(), Error> {
    let total: f64 = output.forces.iter().map(|f| f * 0.0).sum();
    if total == 0.0 && output.energy.is_finite() {
        return Ok(());
    }
    for k in 0..atoms.list.len() {
        let (atom, around) = atoms.list.entry(k);
        let sound = output.forces[3 * atom..3 * atom + 3]
            .iter()
            .all(|f| f.is_finite());
        if sound && output.atom_energies[atom].is_finite() {
            continue;
        }
        let origin = atoms.position(atom);
        let distance = |other: u32| {
            let position = atoms.position(other as usize);
            (0..3)
                .map(|a| (position[a] - origin[a]).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        let nearest = around
            .iter()
            .filter(|&&other| atoms.types[other as usize] >= 0)
            .map(|&other| (distance(other), other as usize))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let (distance, neighbour) = nearest.unwrap_or((0.0, atom));
        return Err(Error::ForceNotFinite {
            atom,
            neighbour,
            distance,
        });
    }
    Err(Error::Engine(
        "the model gives a force that is not finite on a ghost atom".to_owned(),
    ))
}
