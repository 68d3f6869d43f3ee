//! The periodic cell.
//!
//! The cell matrix is h = [[lx, xy, xz], [0, ly, yz], [0, 0, lz]] with its edge vectors in columns.

use crate::error::Error;
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

    /// Product of the lengths of `dimension` (2 or 3) dimensions [length³, or length² in the plane].
    pub fn volume(&self, dimension: usize) -> f64 {
        self.lengths()[..dimension].iter().product()
    }

    /// The cell matrix, row by row.
    pub fn matrix(&self) -> [[f64; 3]; 3] {
        let [lx, ly, lz] = self.lengths();
        let [xy, xz, yz] = self.tilt;
        [[lx, xy, xz], [0.0, ly, yz], [0.0, 0.0, lz]]
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
    use super::Cell;

    #[test]
    fn a_large_tilt_is_refused() {
        let cell = Cell {
            low: [-1.0, 0.5, 0.0],
            high: [9.0, 8.5, 6.0],
            tilt: [1.0, -0.5, 4.1],
        };
        assert_eq!(
            cell.check_tilt().unwrap_err().to_string(),
            "the tilt factor yz would reach 4.100000, beyond half the box length 8.000000: reduce the strain \
             amplitude, or bring yz nearer to zero with change_box"
        );
        assert_eq!((cell.volume(3), cell.volume(2)), (480.0, 80.0));
    }
}
