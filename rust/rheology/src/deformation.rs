//! The deformation of the cell: its shape at a strain, the stress that does the work, the modulus that it measures.
//!
//! A strain ε maps the cell matrix h to F·h. F = 1 + ε e_r e_c' for shear, r and c being the row and the column of the
//! mode, and a diagonal matrix of stretches for the others, which therefore also scales the tilt factors: shear entries
//! of h are lengths along the direction of their row.
//!
//! The driven stress s is the combination of stress components that does the work, dW = V s dε_c, ε_c being the strain
//! conjugate to it. With d dimensions:
//!
//! | mode | stretches | s | ε_c | s/ε_c |
//! |---|---|---|---|---|
//! | xx, lateral fixed | 1 + ε | σxx | ε | M = K + 4G/3 |
//! | xx, lateral free | 1 + ε | σxx | ε | Young's E |
//! | xx, lateral volume | 1 + ε, (1 + ε)^(−1/(d−1)) | σxx − mean of the lateral ones | ε | 3G (4G in the plane) |
//! | xy | | σxy | ε | G |
//! | iso | 1 + ε | mean of the normal ones | dε | K |

use crate::cell::Cell;
use crate::mode::{COMPONENTS, Lateral, Mode};
use crate::moduli::{Complex, Isotropic};

/// Mode, lateral condition and dimension of a strain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deformation {
    /// Strained component.
    pub mode: Mode,
    /// What becomes of the other dimensions.
    pub lateral: Lateral,
    /// 2 or 3.
    pub dimension: usize,
}

impl Deformation {
    /// The axis of a uniaxial strain and the axes at right angles to it; `None` for other modes.
    pub fn uniaxial(&self) -> Option<(usize, &'static [usize])> {
        let all: [(usize, &[usize]); 3] = match self.dimension {
            2 => [(0, &[1]), (1, &[0]), (2, &[])],
            _ => [(0, &[1, 2]), (1, &[0, 2]), (2, &[0, 1])],
        };
        all.into_iter()
            .find(|(axis, _)| self.mode.is_uniaxial() && self.mode.component() == Some(*axis))
    }

    /// Which of the lengths along x, y, z the strain changes.
    pub fn moves(&self) -> [bool; 3] {
        std::array::from_fn(|axis| match self.mode {
            Mode::Iso => axis < self.dimension,
            Mode::None => false,
            _ => self.uniaxial().is_some_and(|(along, lateral)| {
                axis == along || (self.lateral == Lateral::Volume && lateral.contains(&axis))
            }),
        })
    }

    /// Factors of the lengths along x, y, z at strain `strain`; one for shear.
    pub fn stretches(&self, strain: f64) -> [f64; 3] {
        let along = 1.0 + strain;
        let across = along.powf(-1.0 / (self.dimension - 1) as f64);
        let moves = self.moves();
        let driven = self.uniaxial().map(|(axis, _)| axis);
        std::array::from_fn(|axis| match (moves[axis], driven) {
            (false, _) => 1.0,
            (true, Some(driven)) if driven != axis => across,
            (true, _) => along,
        })
    }

    /// The cell at strain `strain` of `reference`. Entries that the strain does not touch are taken from `current`, so
    /// a barostat may own them. A length changes about the centre of the reference, tilts about the lower edge.
    pub fn cell(&self, current: &Cell, reference: &Cell, strain: f64) -> Cell {
        let mut cell = *current;
        let lengths = current.lengths();
        match self.mode {
            Mode::Xy => {
                cell.tilt[0] = reference.tilt[0] + strain * lengths[1];
                cell.tilt[1] = reference.tilt[1] + strain * reference.tilt[2];
            }
            Mode::Xz => cell.tilt[1] = reference.tilt[1] + strain * lengths[2],
            Mode::Yz => cell.tilt[2] = reference.tilt[2] + strain * lengths[2],
            _ => {
                let moves = self.moves();
                let stretches = self.stretches(strain);
                for axis in (0..3).filter(|axis| moves[*axis]) {
                    let half = 0.5 * (reference.high[axis] - reference.low[axis]) * stretches[axis];
                    let centre = 0.5 * (reference.high[axis] + reference.low[axis]);
                    (cell.low[axis], cell.high[axis]) = (centre - half, centre + half);
                    for &tilt in ROW_TILTS[axis] {
                        cell.tilt[tilt] = reference.tilt[tilt] * stretches[axis];
                    }
                }
            }
        }
        cell
    }

    /// The strain of `cell` against `reference`: what [`Deformation::cell`] was given. Zero in mode none.
    pub fn strain_of(&self, cell: &Cell, reference: &Cell) -> f64 {
        let (now, then) = (cell.lengths(), reference.lengths());
        match self.mode {
            Mode::Xy => (cell.tilt[0] - reference.tilt[0]) / now[1],
            Mode::Xz => (cell.tilt[1] - reference.tilt[1]) / now[2],
            Mode::Yz => (cell.tilt[2] - reference.tilt[2]) / now[2],
            Mode::Iso => {
                let axes = 0..self.dimension;
                axes.map(|axis| now[axis] / then[axis] - 1.0).sum::<f64>() / self.dimension as f64
            }
            Mode::None => 0.0,
            _ => self
                .uniaxial()
                .map_or(0.0, |(axis, _)| now[axis] / then[axis] - 1.0),
        }
    }

    /// Weights of the six stress components in the driven stress; in mode none those of the mean normal stress.
    pub fn weights(&self) -> [f64; COMPONENTS] {
        let mut weights = [0.0; COMPONENTS];
        match (self.mode, self.uniaxial()) {
            (Mode::Iso | Mode::None, _) => {
                weights[..self.dimension].fill(1.0 / self.dimension as f64);
            }
            (_, Some((axis, lateral))) => {
                weights[axis] = 1.0;
                if self.lateral == Lateral::Volume {
                    for &other in lateral {
                        weights[other] = -1.0 / lateral.len() as f64;
                    }
                }
            }
            _ => weights[self.mode.component().unwrap_or(0)] = 1.0,
        }
        weights
    }

    /// The driven stress among the components xx, yy, zz, xy, xz, yz.
    pub fn driven(&self, stress: &[f64; COMPONENTS]) -> f64 {
        let weights = self.weights();
        stress.iter().zip(weights).map(|(s, w)| s * w).sum()
    }

    /// ε_c/ε, the strain conjugate to the driven stress over the strain: d for iso, 1 for the others.
    pub fn conjugate(&self) -> f64 {
        if self.mode == Mode::Iso {
            self.dimension as f64
        } else {
            1.0
        }
    }

    /// f in dW = f dε: energy per strain of the driven stress `driven` (an energy density) in `volume` at `strain`.
    pub fn work_per_strain(&self, driven: f64, volume: f64, strain: f64) -> f64 {
        let shape = if self.mode.is_shear() {
            1.0
        } else {
            1.0 + strain
        };
        self.conjugate() * volume * driven / shape
    }

    /// Whether the volume changes with the strain.
    pub fn changes_volume(&self) -> bool {
        self.mode == Mode::Iso || (self.mode.is_uniaxial() && self.lateral != Lateral::Volume)
    }

    /// The modulus that this strain measures.
    pub fn modulus(&self) -> &'static str {
        match (self.mode, self.lateral) {
            (Mode::Iso, _) => "bulk modulus",
            (Mode::None, _) => "shear modulus from the equilibrium fluctuations",
            (mode, _) if mode.is_shear() => "shear modulus",
            (_, Lateral::Fixed) => "longitudinal modulus",
            (_, Lateral::Free) => "Young's modulus",
            (_, Lateral::Volume) if self.dimension == 2 => "four times the shear modulus",
            (_, Lateral::Volume) => "three times the shear modulus",
        }
    }

    /// What an isotropic body tells of its elastic constants in a uniaxial mode; `None` in the others. `modulus(i)` is
    /// the complex modulus of stress component i, `driven` that of the driven stress, and `volume` the relative change of
    /// the volume over the strain. With lateral lengths fixed, and with free ones, all four constants follow; at constant
    /// volume only the shear modulus does, and the others are zero.
    pub fn isotropic(
        &self,
        modulus: impl Fn(usize) -> Complex,
        driven: Complex,
        volume: Complex,
    ) -> Option<Isotropic> {
        let (axis, lateral) = self.uniaxial()?;
        Some(match self.lateral {
            Lateral::Fixed => {
                let sum = lateral
                    .iter()
                    .fold(Complex::default(), |sum, &other| sum + modulus(other));
                let across = sum * (1.0 / lateral.len() as f64);
                Isotropic::from_uniaxial(modulus(axis), across, self.dimension)
            }
            Lateral::Free => Isotropic::from_tension(driven, volume, self.dimension),
            Lateral::Volume => Isotropic {
                shear: driven * (if self.dimension == 2 { 0.25 } else { 1.0 / 3.0 }),
                ..Isotropic::default()
            },
        })
    }
}

/// Indices (0 xy, 1 xz, 2 yz) of the tilt factors in the row of each axis.
const ROW_TILTS: [&[usize]; 3] = [&[0, 1], &[2], &[]];

#[cfg(test)]
mod tests {
    use super::Deformation;
    use crate::cell::Cell;
    use crate::mode::{Lateral, Mode};

    fn tilted() -> Cell {
        Cell {
            low: [-1.0, 0.5, 0.0],
            high: [9.0, 8.5, 6.0],
            tilt: [1.0, -0.5, 2.0],
        }
    }

    fn every() -> Vec<Deformation> {
        let mut all = Vec::new();
        for mode in Mode::ALL {
            for lateral in Lateral::ALL {
                if lateral == Lateral::Fixed || mode.is_uniaxial() {
                    all.push(Deformation {
                        mode,
                        lateral,
                        dimension: 3,
                    });
                }
            }
        }
        all
    }

    #[test]
    fn every_mode_is_the_deformation_gradient_times_the_reference() {
        let reference = tilted();
        for deformation in every() {
            let strain = 0.013;
            let moved = deformation.cell(&reference, &reference, strain).matrix();
            let stretches = deformation.stretches(strain);
            let mut gradient = [[0.0; 3]; 3];
            (0..3).for_each(|axis| gradient[axis][axis] = stretches[axis]);
            if let Some((row, column)) = deformation.mode.axes().filter(|(r, c)| r != c) {
                gradient[row][column] = strain;
            }
            let h = reference.matrix();
            for i in 0..3 {
                for j in 0..3 {
                    let expected: f64 = (0..3).map(|k| gradient[i][k] * h[k][j]).sum();
                    assert!(
                        (moved[i][j] - expected).abs() < 1e-14,
                        "{deformation:?} [{i}][{j}]"
                    );
                }
            }
        }
    }

    #[test]
    fn the_strain_of_a_strained_cell_is_its_strain() {
        let reference = tilted();
        for deformation in every() {
            for strain in [0.0, 0.013, -0.07] {
                let expected = if deformation.mode == Mode::None {
                    0.0
                } else {
                    strain
                };
                let cell = deformation.cell(&reference, &reference, strain);
                assert!((deformation.strain_of(&cell, &reference) - expected).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn zero_strain_restores_the_reference_and_lengths_keep_their_centre() {
        let reference = tilted();
        for deformation in every() {
            let moved = deformation.cell(&reference, &reference, 0.02);
            for axis in 0..3 {
                let centre = reference.low[axis] + reference.high[axis];
                assert!((moved.low[axis] + moved.high[axis] - centre).abs() < 1e-14);
            }
            assert_eq!(deformation.cell(&moved, &reference, 0.0), reference);
        }
    }

    #[test]
    fn the_volume_is_constant_where_it_should_be() {
        for dimension in [2, 3] {
            let deformation = Deformation {
                mode: Mode::Yy,
                lateral: Lateral::Volume,
                dimension,
            };
            let moved = deformation.cell(&tilted(), &tilted(), 0.1);
            let ratio = moved.volume(dimension) / tilted().volume(dimension);
            assert!((ratio - 1.0).abs() < 1e-14);
            if dimension == 2 {
                assert_eq!(moved.lengths()[2], 6.0, "the third dimension stays");
            }
        }
    }

    /// dW = V σ:(dF F⁻¹) for every mode, by finite differences of the cell matrix.
    #[test]
    fn the_driven_stress_does_the_work() {
        let stress = [3.0, -1.0, 2.0, 0.7, -0.4, 1.3];
        let (strain, step) = (0.04, 1e-6);
        let reference = tilted();
        for deformation in every().into_iter().filter(|d| d.mode != Mode::None) {
            let cell = |strain| deformation.cell(&reference, &reference, strain);
            let [before, now, after] =
                [strain - step, strain, strain + step].map(|strain| cell(strain).matrix());
            // L = dh h⁻¹, column by column from the right of the upper triangle
            let mut rate = [[0.0; 3]; 3];
            for i in 0..3 {
                for j in 0..3 {
                    let dh = (after[i][j] - before[i][j]) / (2.0 * step);
                    let known: f64 = (0..j).map(|k| rate[i][k] * now[k][j]).sum();
                    rate[i][j] = (dh - known) / now[j][j];
                }
            }
            let tensor = [
                [stress[0], stress[3], stress[4]],
                [stress[3], stress[1], stress[5]],
                [stress[4], stress[5], stress[2]],
            ];
            let mut expected = 0.0;
            for i in 0..3 {
                for j in 0..3 {
                    expected += tensor[i][j] * rate[i][j];
                }
            }
            let volume = cell(strain).volume(3);
            let found =
                deformation.work_per_strain(deformation.driven(&stress), volume, strain) / volume;
            assert!((found - expected).abs() < 1e-8, "{deformation:?}");
        }
    }
}
