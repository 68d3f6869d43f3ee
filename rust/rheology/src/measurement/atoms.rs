//! Single atoms within the measurement.

use super::Measurement;
use crate::atoms::{AtomLockin, AtomSample, Closing};
use crate::cell::Cell;
use crate::moduli::Complex;
use crate::outcome::{Block, TOTAL, VIRIAL};
use crate::series::PairSeries;
use crate::units::StressUnit;

/// Relative difference between the stress of the cell and that of its atoms which rounding does not explain.
const ROUNDING: f64 = 1e-6;

/// A block that is complete but for its atoms.
#[derive(Debug, Clone, Copy)]
pub struct PendingAtoms {
    /// Whether the atoms were sampled all through it.
    whole: bool,
    turn: Complex,
    /// (a + ib) of the driven stress, total and virial-only.
    driven: [Complex; 2],
}

impl Measurement {
    /// The lock-in of atoms, if that is asked for.
    pub fn atoms(&self) -> Option<&AtomLockin> {
        self.atoms.as_ref()
    }

    /// What the stresses of all atoms add up to, a modulus, block by block.
    pub fn atom_sum(&self) -> &PairSeries {
        &self.atom_sum
    }

    /// Whether atoms are to be sampled at timestep `step`.
    pub fn atoms_due(&self, step: i64) -> bool {
        self.atoms.as_ref().is_some_and(|atoms| {
            self.is_due(step) && atoms.is_due(&self.protocol, self.elapsed(step))
        })
    }

    /// The first timestep after `step` at which atoms are sampled; `None` where they are not.
    pub fn next_atoms_due(&self, step: i64) -> Option<i64> {
        let (atoms, start) = (self.atoms.as_ref()?, self.start?);
        let next = atoms.next_due(&self.protocol, self.elapsed(step));
        Some(start.step + next as i64)
    }

    /// The cell at zero strain; the unit cube before the start.
    fn reference(&self) -> Cell {
        self.start.map_or(
            Cell {
                high: [1.0; 3],
                ..Cell::default()
            },
            |start| start.reference,
        )
    }

    /// Whether the atoms have no place of zero displacement yet.
    pub fn atoms_need_start(&self) -> bool {
        self.atoms.as_ref().is_some_and(|atoms| !atoms.started())
    }

    /// Sets the coordinates `scaled` [n, 3] as those of zero displacement.
    pub fn start_atoms(&mut self, scaled: &[f64], rows: &mut [f64]) {
        if let Some(atoms) = &mut self.atoms {
            atoms.start(scaled, rows);
        }
    }

    /// Σ m u over the atoms with `masses` [n] at `scaled` [n, 3].
    pub fn atoms_moment(&self, scaled: &[f64], masses: &[f64], rows: &[f64]) -> [f64; 3] {
        let matrix = self.reference().matrix();
        self.atoms.as_ref().map_or([0.0; 3], |atoms| {
            atoms.moment(&matrix, scaled, masses, rows)
        })
    }

    /// Adds the sample of the atoms at timestep `step`, at which it is due, once on every rank. `volume` is that of the
    /// cell at this moment.
    pub fn add_atoms(&mut self, step: i64, volume: f64, sample: &AtomSample<'_>, rows: &mut [f64]) {
        let reference = self.reference();
        let elapsed = self.elapsed(step);
        let Some(atoms) = &mut self.atoms else {
            return;
        };
        let Some(weights) = atoms.weights(&self.protocol, elapsed) else {
            return;
        };
        // the stress of an atom times its volume does not depend on the volume that a late box pretends
        let volume = match self.protocol.external {
            Some(lag) if lag > 0 => self.follower.volume(),
            _ => volume,
        };
        let sample = AtomSample {
            expansion: volume / reference.volume(self.constants.dimension),
            ..*sample
        };
        atoms.add(weights, &reference.matrix(), &sample, rows);
    }

    pub(super) fn pend_atoms(&mut self, block: &Block) {
        let Some(atoms) = &mut self.atoms else {
            return;
        };
        let deformation = self.protocol.deformation;
        let pairs = &block.tones[0].pairs;
        let driven = [TOTAL, VIRIAL].map(|base| {
            let part = |part: fn(&Complex) -> f64| {
                deformation.driven(&std::array::from_fn(|i| part(&pairs[base + i])))
            };
            Complex::new(part(|pair| pair.re), part(|pair| pair.im))
        });
        self.pending = Some(PendingAtoms {
            whole: atoms.complete(),
            turn: block.tones[0].turn,
            driven,
        });
    }

    /// Starts the statistics of atoms anew, with the next block, because their rows were lost.
    pub fn forget_atoms(&mut self) {
        if let Some(atoms) = &mut self.atoms {
            atoms.forget();
        }
        self.atom_sum = PairSeries::default();
    }

    /// Whether a block waits for [`Measurement::close_atoms`].
    pub fn atoms_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Closes the block of the atoms of this rank; writes to `output` in `unit` and returns Σ (a + ib) of their stresses
    /// [pressure·volume].
    pub fn close_atoms(&self, unit: &StressUnit, rows: &mut [f64], output: &mut [f64]) -> Complex {
        let (Some(atoms), Some(pending), Some(start)) = (&self.atoms, &self.pending, &self.start)
        else {
            return Complex::default();
        };
        let closing = Closing {
            turn: pending.turn,
            amplitude: self.outcome.tones[0].conjugate_amplitude(),
            volume: start.reference.volume(self.constants.dimension) / start.atoms,
            unit: unit.factor,
            pressure: self.constants.pressure,
        };
        atoms.close(pending.whole, &closing, rows, output)
    }

    /// Whether averages over neighbours belong to the block that waits; to be asked after [`Measurement::close_atoms`].
    pub fn shells_pending(&self) -> bool {
        let shell = self
            .atoms
            .as_ref()
            .is_some_and(|atoms| atoms.sampling().shell);
        shell && self.pending.is_some_and(|pending| pending.whole)
    }

    /// Takes the averages [n] of M'' of the block over each atom and its neighbours; writes to `output` in `unit`.
    pub fn close_shells(
        &self,
        averages: &[f64],
        unit: &StressUnit,
        rows: &mut [f64],
        output: &mut [f64],
    ) {
        if let Some(atoms) = &self.atoms {
            atoms.close_shells(averages, unit.factor, rows, output);
        }
    }

    /// Takes the sum of what [`Measurement::close_atoms`] returned on all ranks; says where it is not the stress of the
    /// cell.
    pub fn finish_atoms(&mut self, sum: Complex) -> Option<String> {
        let pending = self.pending.take().filter(|pending| pending.whole)?;
        let atoms = self
            .atoms
            .as_ref()
            .filter(|atoms| atoms.sampling().stress)?;
        let volume = self.reference().volume(self.constants.dimension);
        let stress = sum * (1.0 / volume);
        let modulus = stress * (1.0 / self.outcome.tones[0].conjugate_amplitude());
        self.atom_sum.push(modulus.re, modulus.im);
        if atoms.sampling().every != self.protocol.sample_every {
            // other samples, other noise
            return None;
        }
        let difference = pending
            .driven
            .map(|driven| (driven - stress).abs())
            .into_iter()
            .fold(f64::INFINITY, f64::min);
        let size = pending.driven[0].abs();
        (difference > ROUNDING * size).then(|| {
            format!(
                "the stresses of the atoms add up to {:.4} times the oscillation of the total stress of the cell, and to \
                 {:.4} times that of the virial: the per-atom compute leaves something out",
                stress.abs() / size,
                stress.abs() / pending.driven[1].abs()
            )
        })
    }
}
