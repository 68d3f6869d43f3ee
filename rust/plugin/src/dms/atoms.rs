//! The lock-in of single atoms, whose rows the fix keeps.

use deepdms_rheology::Error;
use deepdms_rheology::atoms::AtomSample;
use deepdms_rheology::measurement::check_atom_numbers;
use deepdms_rheology::moduli::Complex;

use super::{Dms, dms, ffi};
use crate::guard::BridgeError;

impl Dms {
    /// What is measured of single atoms.
    pub(super) fn atoms(&self) -> Result<ffi::DmsAtoms, BridgeError> {
        dms("atoms", || {
            let lockin = self.measurement.atoms();
            let (volume, volume_column) = self.command.atom_volume.clone().unwrap_or_default();
            Ok(ffi::DmsAtoms {
                active: lockin.is_some(),
                stress: self.command.atom_stress.clone().unwrap_or_default(),
                volume,
                volume_column,
                displacement: lockin.is_some_and(|atoms| atoms.sampling().displacement),
                width: lockin.map_or(0, |atoms| atoms.layout().width),
                columns: lockin.map_or(0, |atoms| atoms.layout().columns),
                shell: self.command.shell.unwrap_or(0.0),
            })
        })
    }

    /// Whether atoms are to be sampled at timestep `step`.
    pub(super) fn atoms_due(&self, step: i64) -> Result<bool, BridgeError> {
        dms("atoms_due", || Ok(self.measurement.atoms_due(step)))
    }

    /// The next timestep at which they are.
    pub(super) fn next_atoms_due(&self, step: i64) -> Result<i64, BridgeError> {
        dms("next_atoms_due", || {
            self.measurement
                .next_atoms_due(step)
                .ok_or_else(|| Error::new("atoms were to be sampled before the strain had started"))
        })
    }

    /// Whether the atoms have no place of zero displacement yet.
    pub(super) fn needs_atoms(&self) -> Result<bool, BridgeError> {
        dms("needs_atoms", || Ok(self.measurement.atoms_need_start()))
    }

    /// Sets the unwrapped scaled coordinates `scaled` [n, 3] as those of zero displacement.
    pub(super) fn start_atoms(
        &mut self,
        scaled: &[f64],
        rows: &mut [f64],
    ) -> Result<(), BridgeError> {
        dms("start_atoms", || {
            self.measurement.start_atoms(scaled, rows);
            Ok(())
        })
    }

    /// Σ m u over the atoms of this rank.
    pub(super) fn atoms_moment(
        &self,
        scaled: &[f64],
        masses: &[f64],
        rows: &[f64],
    ) -> Result<ffi::DmsVector, BridgeError> {
        dms("atoms_moment", || {
            Ok(ffi::DmsVector {
                part: self.measurement.atoms_moment(scaled, masses, rows),
            })
        })
    }

    /// Fails where a number of the atoms of this rank cannot be computed with; other ranks may not fail.
    pub(super) fn check_atoms(
        &self,
        step: i64,
        stress: &[f64],
        volumes: &[f64],
        scaled: &[f64],
    ) -> Result<(), BridgeError> {
        dms("check_atoms", || {
            check_atom_numbers("the stress", step, stress)?;
            check_atom_numbers("the volume", step, volumes)?;
            check_atom_numbers("the position", step, scaled)
        })
    }

    /// Adds a sample to the rows of the atoms of this rank; every rank does so.
    pub(super) fn add_atoms(
        &mut self,
        sample: &ffi::DmsAtomSample,
        stress: &[f64],
        volumes: &[f64],
        scaled: &[f64],
        rows: &mut [f64],
    ) -> Result<(), BridgeError> {
        dms("add_atoms", || {
            let atoms = AtomSample {
                stress,
                columns: sample.columns,
                volumes,
                scaled,
                centre: sample.centre,
                expansion: 1.0,
            };
            self.measurement
                .add_atoms(sample.step, sample.volume, &atoms, rows);
            Ok(())
        })
    }

    /// Whether a block is complete but for its atoms.
    pub(super) fn atoms_pending(&self) -> Result<bool, BridgeError> {
        dms("atoms_pending", || Ok(self.measurement.atoms_pending()))
    }

    /// Completes the block for the atoms of this rank and writes what comes out for each.
    pub(super) fn close_atoms(
        &self,
        rows: &mut [f64],
        output: &mut [f64],
    ) -> Result<ffi::DmsAtomSum, BridgeError> {
        dms("close_atoms", || {
            let sum = self.measurement.close_atoms(&self.unit, rows, output);
            Ok(ffi::DmsAtomSum {
                storage: sum.re,
                loss: sum.im,
            })
        })
    }

    /// Whether averages over neighbours belong to the block; to be asked after [`Dms::close_atoms`].
    pub(super) fn shells_pending(&self) -> Result<bool, BridgeError> {
        dms("shells_pending", || Ok(self.measurement.shells_pending()))
    }

    /// Writes M'' of the block of each atom to `losses`.
    pub(super) fn atom_losses(&self, rows: &[f64], losses: &mut [f64]) -> Result<(), BridgeError> {
        dms("atom_losses", || {
            if let Some(atoms) = self.measurement.atoms() {
                atoms.losses(rows, losses);
            }
            Ok(())
        })
    }

    /// Takes the averages of M'' over each atom and its neighbours.
    pub(super) fn close_shells(
        &self,
        averages: &[f64],
        rows: &mut [f64],
        output: &mut [f64],
    ) -> Result<(), BridgeError> {
        dms("close_shells", || {
            self.measurement
                .close_shells(averages, &self.unit, rows, output);
            Ok(())
        })
    }

    /// Takes the sum of [`Dms::close_atoms`] over all ranks.
    pub(super) fn finish_atoms(&mut self, sum: &ffi::DmsAtomSum) -> Result<(), BridgeError> {
        dms("finish_atoms", || {
            let sum = Complex::new(sum.storage, sum.loss);
            if let Some(text) = self.measurement.finish_atoms(sum)
                && !std::mem::replace(&mut self.said_of_atoms, true)
            {
                self.warnings.push(text);
            }
            Ok(())
        })
    }
}
