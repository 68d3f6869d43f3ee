//! The periodic cell and its deformation.
//!
//! The cell matrix is h = [[lx, xy, xz], [0, ly, yz], [0, 0, lz]] with its edge vectors in columns. A strain ε maps it
//! to F·h with F = 1 + ε e_r e_c', r and c being the row and the column of the mode. Uniaxial strain therefore also
//! scales the tilt factors of its row: shear entries of h are lengths along that direction.

use crate::error::Error;
use crate::mode::Mode;
use crate::restart::{Reader, State, Writer};

/// A parallelepiped with its first edge along x and the second in the xy plane.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cell {
    /// Lower bounds along x, y, z [length].
    pub low: [f64; 3],
    /// Upper bounds along x, y, z [length].
    pub high: [f64; 3],
    /// Tilt factors xy, xz, yz [length].
    pub tilt: [f64; 3],
}

impl Cell {
    /// Edge lengths lx, ly, lz [length].
    pub fn lengths(&self) -> [f64; 3] {
        std::array::from_fn(|axis| self.high[axis] - self.low[axis])
    }

    /// Volume, the product of the three lengths [length³].
    pub fn volume(&self) -> f64 {
        self.lengths().iter().product()
    }

    /// The cell at strain `strain` of `reference`. Entries that the mode does not touch are taken from `current`, so a
    /// barostat may own them. A length changes about the centre of the reference, tilts about the lower edge.
    pub fn strained(current: &Cell, reference: &Cell, mode: Mode, strain: f64) -> Cell {
        let mut cell = *current;
        let lengths = current.lengths();
        match mode {
            Mode::Xx | Mode::Yy | Mode::Zz => {
                let (axis, _) = mode.axes();
                let factor = 1.0 + strain;
                let half = 0.5 * (reference.high[axis] - reference.low[axis]) * factor;
                let centre = 0.5 * (reference.high[axis] + reference.low[axis]);
                (cell.low[axis], cell.high[axis]) = (centre - half, centre + half);
                for &tilt in touched_tilts(mode) {
                    cell.tilt[tilt] = reference.tilt[tilt] * factor;
                }
            }
            Mode::Xy => {
                cell.tilt[0] = reference.tilt[0] + strain * lengths[1];
                cell.tilt[1] = reference.tilt[1] + strain * reference.tilt[2];
            }
            Mode::Xz => cell.tilt[1] = reference.tilt[1] + strain * lengths[2],
            Mode::Yz => cell.tilt[2] = reference.tilt[2] + strain * lengths[2],
        }
        cell
    }

    /// Whether a bound or a tilt factor differs from `other` by more than 10⁻⁹ of the longest edge.
    pub fn differs(&self, other: &Cell) -> bool {
        let longest = self.lengths().into_iter().fold(0.0, f64::max);
        let mine = self.low.iter().chain(&self.high).chain(&self.tilt);
        let theirs = other.low.iter().chain(&other.high).chain(&other.tilt);
        mine.zip(theirs)
            .any(|(a, b)| (a - b).abs() > 1e-9 * longest)
    }

    /// Fails when a tilt factor leaves ± half of the length along it, naming the tilt and how to stay inside.
    pub fn check_tilt(&self) -> Result<(), Error> {
        let lengths = self.lengths();
        for (index, (name, axis)) in [("xy", 0), ("xz", 0), ("yz", 1)].into_iter().enumerate() {
            let limit = 0.5 * lengths[axis];
            if self.tilt[index].abs() > limit * (1.0 + 1e-12) {
                return Err(Error::new(format!(
                    "the tilt factor {name} would reach {:.6}, beyond half the box length {:.6}: reduce the strain \
                     amplitude, or bring {name} nearer to zero with change_box",
                    self.tilt[index].abs(),
                    lengths[axis]
                )));
            }
        }
        Ok(())
    }
}

/// Indices (0 xy, 1 xz, 2 yz) of the tilt factors that a uniaxial strain scales.
pub fn touched_tilts(mode: Mode) -> &'static [usize] {
    match mode {
        Mode::Xx => &[0, 1],
        Mode::Yy => &[2],
        _ => &[],
    }
}

impl State for Cell {
    fn write(&self, out: &mut Writer) {
        for value in self.low.iter().chain(&self.high).chain(&self.tilt) {
            out.real(*value);
        }
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
        for value in self
            .low
            .iter_mut()
            .chain(&mut self.high)
            .chain(&mut self.tilt)
        {
            *value = from.real()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Mode};

    fn tilted() -> Cell {
        Cell {
            low: [-1.0, 0.5, 0.0],
            high: [9.0, 8.5, 6.0],
            tilt: [1.0, -0.5, 2.0],
        }
    }

    /// h as a matrix.
    fn matrix(cell: &Cell) -> [[f64; 3]; 3] {
        let [lx, ly, lz] = cell.lengths();
        let [xy, xz, yz] = cell.tilt;
        [[lx, xy, xz], [0.0, ly, yz], [0.0, 0.0, lz]]
    }

    #[test]
    fn every_mode_is_the_deformation_gradient_times_the_reference() {
        let reference = tilted();
        for mode in Mode::ALL {
            let strain = 0.013;
            let moved = matrix(&Cell::strained(&reference, &reference, mode, strain));
            let (row, column) = mode.axes();
            let mut gradient = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
            gradient[row][column] += strain;
            let h = matrix(&reference);
            for i in 0..3 {
                for j in 0..3 {
                    let expected: f64 = (0..3).map(|k| gradient[i][k] * h[k][j]).sum();
                    assert!(
                        (moved[i][j] - expected).abs() < 1e-14,
                        "{} [{i}][{j}]",
                        mode.name()
                    );
                }
            }
        }
    }

    #[test]
    fn uniaxial_strain_keeps_the_centre_and_zero_strain_restores_the_reference() {
        let reference = tilted();
        let moved = Cell::strained(&reference, &reference, Mode::Yy, 0.02);
        assert!((moved.low[1] + moved.high[1] - 9.0).abs() < 1e-14);
        assert_eq!(Cell::strained(&moved, &reference, Mode::Yy, 0.0), reference);
    }

    #[test]
    fn a_large_tilt_is_refused() {
        let mut cell = tilted();
        cell.tilt[2] = 4.1;
        assert_eq!(
            cell.check_tilt().unwrap_err().to_string(),
            "the tilt factor yz would reach 4.100000, beyond half the box length 8.000000: reduce the strain \
             amplitude, or bring yz nearer to zero with change_box"
        );
    }
}
