//! How far several models disagree.

use super::Potential;
use super::deviation_file::DeviationFile;
use super::ffi::DeviationLine;
use crate::guard::{BridgeError, guard, guard_sound};
use deepdms_potential::deviation::{self, Spread};

impl Potential {
    /// Whether the deviation between models is written in this step.
    pub(super) fn deviation_due(&self, step: i64) -> bool {
        let every = i64::from(self.settings.deviation.every);
        self.models() > 1 && every > 0 && step % every == 0
    }

    /// Whether each atom has a column in the deviation file.
    pub(super) fn deviation_by_atom(&self) -> bool {
        self.settings.deviation.atomic
    }

    /// Forces of all models on `count` atoms from `first` on, for the ranks that own these atoms: `[count, models, 3]`.
    pub(super) fn pack_forces(
        &self,
        first: usize,
        count: usize,
        buffer: &mut [f64],
    ) -> Result<(), BridgeError> {
        guard_sound("packing forces", || {
            let mut rows = buffer.chunks_exact_mut(3);
            for atom in first..first + count {
                for (output, row) in self.outputs.iter().zip(&mut rows) {
                    row.copy_from_slice(&output.forces[3 * atom..3 * atom + 3]);
                }
            }
        })
    }

    /// Adds what another rank packed.
    pub(super) fn unpack_forces(
        &mut self,
        atoms: &[i32],
        buffer: &[f64],
    ) -> Result<(), BridgeError> {
        guard_sound("unpacking forces", || {
            let mut rows = buffer.chunks_exact(3);
            for &atom in atoms {
                for (output, row) in self.outputs.iter_mut().zip(&mut rows) {
                    let forces = &mut output.forces[3 * atom as usize..][..3];
                    forces
                        .iter_mut()
                        .zip(row)
                        .for_each(|(sum, force)| *sum += force);
                }
            }
        })
    }

    /// Deviation of the force on each local atom, in the unit of the deviation file.
    pub(super) fn force_deviations(&self, n_local: usize) -> Result<Vec<f64>, BridgeError> {
        guard_sound("deviation of forces", || {
            let forces: Vec<_> = self
                .outputs
                .iter()
                .map(|output| &output.forces[..])
                .collect();
            let level = self
                .settings
                .deviation
                .relative
                .map(|level| level / self.units.energy);
            let mut deviations = deviation::of_forces(&forces, n_local, level);
            let unit = self.units.energy / self.units.length;
            deviations
                .iter_mut()
                .for_each(|deviation| *deviation *= unit);
            deviations
        })
    }

    /// Virials of all models on this rank [eV], `[models, 3, 3]`.
    pub(super) fn virials(&self) -> Vec<f64> {
        self.outputs
            .iter()
            .flat_map(|output| output.virial)
            .collect()
    }

    /// Writes one line of the deviation file; `virials` and `by_atom` are sums over ranks, the latter in the order of ids.
    pub(super) fn write_deviation(
        &mut self,
        line: &DeviationLine,
        virials: &[f64],
        by_atom: &[f64],
        append: bool,
    ) -> Result<(), BridgeError> {
        guard("deviation file", || {
            let settings = &self.settings.deviation;
            let n_atoms = line.n_atoms as f64;
            let level = settings.relative_v.map(|level| level / self.units.energy);
            let virials = virials.as_chunks::<9>().0;
            let components =
                deviation::of_virials(virials, n_atoms, level).map(|v| v * self.units.energy);
            let virial = Spread::of_components(&components);
            let force = Spread {
                largest: line.largest,
                smallest: line.smallest,
                average: line.sum / n_atoms,
            };
            if self.deviation.is_none() {
                self.deviation = Some(DeviationFile::open(
                    &settings.file,
                    settings.atomic,
                    append,
                )?);
            }
            match &mut self.deviation {
                Some(file) => file.write(&deviation::line(line.step, virial, force, by_atom)),
                None => Ok(()),
            }
        })
    }
}
