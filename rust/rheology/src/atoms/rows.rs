//! The rows of numbers that belong to single atoms.

use std::f64::consts::PI;

use super::{ATOM_COLUMNS, AtomLockin, AtomSampling, SHELL_COLUMNS, Weights};
use crate::moduli::Complex;

/// Where the numbers of an atom lie in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// First number of the stress part, if there is one.
    stress: Option<usize>,
    /// First number of the displacement part, if there is one.
    displacement: Option<usize>,
    /// First number of the shell part, if there is one.
    shell: Option<usize>,
    /// Length of the row.
    pub width: usize,
    /// Numbers that come out for each atom.
    pub columns: usize,
}

// Stress part: Σ wS for a and b, Σ Ω; over blocks the means of M', M'', b, and the squares of M''.
const STRESS_SUMS: usize = 3;
const STRESS_PART: usize = 7;
// Displacement part: s(0); Σ wu for a and b; over blocks the means of û' and û'', and their squares.
const ORIGIN: usize = 3;
const PAIR: usize = 6;
const DISPLACEMENT_PART: usize = ORIGIN + 3 * PAIR;
// Shell part: M'' of the atom in the last block; over blocks the mean of M'' of the shell, and its squares.
const SHELL_PART: usize = 3;

impl Layout {
    pub(super) fn new(sampling: &AtomSampling) -> Self {
        let mut width = 0;
        let mut place = |wanted: bool, length: usize| {
            let first = wanted.then_some(width);
            width += if wanted { length } else { 0 };
            first
        };
        let stress = place(sampling.stress, STRESS_PART);
        let displacement = place(sampling.displacement, DISPLACEMENT_PART);
        let shell = place(sampling.shell, SHELL_PART);
        Layout {
            stress,
            displacement,
            shell,
            width,
            columns: ATOM_COLUMNS + if sampling.shell { SHELL_COLUMNS } else { 0 },
        }
    }
}

/// One sample of the atoms of a rank.
#[derive(Debug, Clone, Copy)]
pub struct AtomSample<'a> {
    /// Stress times volume, `columns` numbers an atom: xx, yy, zz, xy, xz, yz, or with nine numbers also yx, zx, zy
    /// [pressure·volume]; empty where stress is not measured.
    pub stress: &'a [f64],
    /// 6 or 9.
    pub columns: usize,
    /// Volume of each atom; empty where all have the mean one.
    pub volumes: &'a [f64],
    /// Unwrapped scaled coordinates, three numbers an atom; empty where the displacement is not measured.
    pub scaled: &'a [f64],
    /// Displacement of the centre of mass [length].
    pub centre: [f64; 3],
    /// Volume of the cell over that of the reference.
    pub expansion: f64,
}

/// What closing a block needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Closing {
    /// From the phase of the clock to that of the strain.
    pub turn: Complex,
    /// Amplitude of the strain conjugate to the driven stress.
    pub amplitude: f64,
    /// Mean volume of an atom in the reference cell, where atoms have none of their own.
    pub volume: f64,
    /// Reported modulus over that in the pressure unit of the simulation.
    pub unit: f64,
    /// Pressure of one energy unit per volume unit.
    pub pressure: f64,
}

impl AtomLockin {
    /// Sets the coordinates `scaled` [n, 3] as those of zero displacement.
    pub fn start(&mut self, scaled: &[f64], rows: &mut [f64]) {
        self.started = true;
        let Some(first) = self.layout.displacement else {
            return;
        };
        for (row, origin) in rows
            .chunks_exact_mut(self.layout.width)
            .zip(scaled.chunks_exact(3))
        {
            row[first..first + ORIGIN].copy_from_slice(origin);
        }
    }

    /// Σ m u over the atoms with `masses` [n] at `scaled` [n, 3]; `matrix` is the reference cell.
    pub fn moment(
        &self,
        matrix: &[[f64; 3]; 3],
        scaled: &[f64],
        masses: &[f64],
        rows: &[f64],
    ) -> [f64; 3] {
        let mut moment = [0.0; 3];
        let Some(first) = self.layout.displacement else {
            return moment;
        };
        for ((row, s), mass) in rows
            .chunks_exact(self.layout.width)
            .zip(scaled.chunks_exact(3))
            .zip(masses)
        {
            let u = displacement(matrix, s, &row[first..first + ORIGIN]);
            (0..3).for_each(|axis| moment[axis] += mass * u[axis]);
        }
        moment
    }

    /// Adds one sample of the atoms to their rows.
    pub fn add(
        &self,
        weights: Weights,
        matrix: &[[f64; 3]; 3],
        sample: &AtomSample<'_>,
        rows: &mut [f64],
    ) {
        let width = self.layout.width;
        if let Some(first) = self.layout.stress {
            let shrink = 1.0 / sample.expansion;
            for (index, (row, stress)) in rows
                .chunks_exact_mut(width)
                .zip(sample.stress.chunks_exact(sample.columns))
                .enumerate()
            {
                let value = shrink * self.driven_of(stress);
                row[first] += weights.a * value;
                row[first + 1] += weights.b * value;
                row[first + 2] += shrink * sample.volumes.get(index).copied().unwrap_or(0.0);
            }
        }
        if let Some(first) = self.layout.displacement {
            for (row, s) in rows
                .chunks_exact_mut(width)
                .zip(sample.scaled.chunks_exact(3))
            {
                let part = &mut row[first..first + DISPLACEMENT_PART];
                let u = displacement(matrix, s, &part[..ORIGIN]);
                for axis in 0..3 {
                    let value = u[axis] - sample.centre[axis];
                    part[ORIGIN + axis] += weights.a * value;
                    part[ORIGIN + 3 + axis] += weights.b * value;
                }
            }
        }
    }

    /// The driven stress of an atom; of nine components the off-diagonal ones are averaged.
    fn driven_of(&self, stress: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (component, weight) in self.driven.iter().enumerate() {
            let value = match stress.get(component + 3) {
                Some(other) if component >= 3 => 0.5 * (stress[component] + other),
                _ => stress[component],
            };
            sum += weight * value;
        }
        sum
    }

    /// Takes the sums of a block into the statistics of each atom, or drops them if it was not `whole`, and writes
    /// [`Layout::columns`] numbers an atom to `output`. Returns Σ (a + ib) of the stress over the atoms. To be called after
    /// [`AtomLockin::complete`].
    pub fn close(
        &self,
        whole: bool,
        closing: &Closing,
        rows: &mut [f64],
        output: &mut [f64],
    ) -> Complex {
        let mut total = Complex::default();
        for (row, out) in rows
            .chunks_exact_mut(self.layout.width)
            .zip(output.chunks_exact_mut(self.layout.columns))
        {
            if let Some(first) = self.layout.stress {
                let part = &mut row[first..first + STRESS_PART];
                if whole {
                    let (pair, loss) = self.close_stress(closing, part, out);
                    total = total + pair;
                    if let Some(shell) = self.layout.shell {
                        row[shell] = loss;
                    }
                }
                row[first..first + STRESS_SUMS].fill(0.0);
            }
            if let Some(first) = self.layout.displacement {
                let part = &mut row[first + ORIGIN..first + DISPLACEMENT_PART];
                if whole {
                    self.close_displacement(closing, part, out);
                }
                part[..PAIR].fill(0.0);
            }
        }
        total
    }

    /// Returns a + ib and M'' of the block.
    fn close_stress(&self, closing: &Closing, part: &mut [f64], out: &mut [f64]) -> (Complex, f64) {
        let count = self.blocks as f64;
        let pair = Complex::new(part[0], part[1]) * closing.turn;
        let own = part[2] / self.design.samples() as f64;
        let volume = if own > 0.0 { own } else { closing.volume };
        let modulus = pair * (1.0 / (closing.amplitude * volume));
        part[3] += (modulus.re - part[3]) / count;
        let deviation = modulus.im - part[4];
        part[4] += deviation / count;
        part[5] += (pair.im - part[5]) / count;
        part[6] += deviation * (modulus.im - part[4]);
        out[0] = part[3] * closing.unit;
        out[1] = part[4] * closing.unit;
        out[2] = PI * closing.amplitude * part[5] / closing.pressure;
        out[3] = closing.unit * self.error(part[6]);
        (pair, modulus.im)
    }

    /// Writes M'' of each atom in the last block to `losses` [n].
    pub fn losses(&self, rows: &[f64], losses: &mut [f64]) {
        if let Some(shell) = self.layout.shell {
            for (row, loss) in rows.chunks_exact(self.layout.width).zip(losses) {
                *loss = row[shell];
            }
        }
    }

    /// Takes the averages [n] of the last block over each atom and its neighbours, in the pressure unit of the simulation;
    /// `unit` is the factor to the reported one.
    pub fn close_shells(&self, averages: &[f64], unit: f64, rows: &mut [f64], output: &mut [f64]) {
        let Some(shell) = self.layout.shell else {
            return;
        };
        let count = self.blocks as f64;
        for ((row, out), average) in rows
            .chunks_exact_mut(self.layout.width)
            .zip(output.chunks_exact_mut(self.layout.columns))
            .zip(averages)
        {
            let deviation = average - row[shell + 1];
            row[shell + 1] += deviation / count;
            row[shell + 2] += deviation * (average - row[shell + 1]);
            out[ATOM_COLUMNS] = unit * row[shell + 1];
            out[ATOM_COLUMNS + 1] = unit * self.error(row[shell + 2]);
        }
    }

    fn close_displacement(&self, closing: &Closing, part: &mut [f64], out: &mut [f64]) {
        let count = self.blocks as f64;
        for axis in 0..3 {
            let pair = Complex::new(part[axis], part[3 + axis]) * closing.turn;
            for (place, value) in [(axis, pair.re), (3 + axis, pair.im)] {
                let deviation = value - part[PAIR + place];
                part[PAIR + place] += deviation / count;
                part[2 * PAIR + place] += deviation * (value - part[PAIR + place]);
                out[4 + place] = part[PAIR + place];
                out[10 + place] = self.error(part[2 * PAIR + place]);
            }
        }
    }

    /// Standard error of a mean over blocks from the sum of squared deviations; zero with a single block.
    fn error(&self, squares: f64) -> f64 {
        if self.blocks < 2 {
            return 0.0;
        }
        let count = self.blocks as f64;
        (squares / (count * (count - 1.0))).sqrt()
    }
}

/// h (s − s0).
fn displacement(matrix: &[[f64; 3]; 3], scaled: &[f64], origin: &[f64]) -> [f64; 3] {
    let ds: [f64; 3] = std::array::from_fn(|axis| scaled[axis] - origin[axis]);
    std::array::from_fn(|row| (0..3).map(|k| matrix[row][k] * ds[k]).sum())
}
