//! The periodic cell in which all distances of one window are taken.

use deepdms_statistics::Error;

/// A vector, or a row of a matrix.
pub type Vector = [f64; 3];

/// A cell matrix h, row by row, with the lattice vectors A, B, C in its columns: r = h s + origin.
pub type Matrix = [[f64; 3]; 3];

/// Whole numbers of lattice vectors.
pub type Image = [i32; 3];

/// A parallelepiped and the directions in which it repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    matrix: Matrix,
    inverse: Matrix,
    heights: Vector,
    volume: f64,
    periodic: [bool; 3],
    dimension: usize,
}

impl Cell {
    /// The cell of `matrix`, which repeats where `periodic`. In the plane, `dimension` 2, the third direction does not. Fails
    /// where the lattice vectors span no volume, or are not right-handed.
    pub fn new(matrix: Matrix, periodic: [bool; 3], dimension: usize) -> Result<Self, Error> {
        let column = |k: usize| [matrix[0][k], matrix[1][k], matrix[2][k]];
        let [a, b, c] = [column(0), column(1), column(2)];
        let areas = [cross(b, c), cross(c, a), cross(a, b)];
        let volume = dot(a, areas[0]);
        if !(volume > 0.0 && volume.is_finite()) {
            return Err(Error::new(format!(
                "the cell has the volume {volume}: its edge vectors must be finite, independent and right-handed"
            )));
        }
        let flat = dimension == 2;
        Ok(Cell {
            matrix,
            inverse: areas.map(|area| area.map(|part| part / volume)),
            heights: areas.map(|area| volume / dot(area, area).sqrt()),
            volume: if flat {
                dot(areas[2], areas[2]).sqrt()
            } else {
                volume
            },
            periodic: [periodic[0], periodic[1], periodic[2] && !flat],
            dimension,
        })
    }

    /// The cell of the mean of two matrices; the first bit for bit where they are equal.
    pub fn between(
        first: Matrix,
        second: Matrix,
        periodic: [bool; 3],
        dimension: usize,
    ) -> Result<Self, Error> {
        let matrix = if first == second {
            first
        } else {
            std::array::from_fn(|row| {
                std::array::from_fn(|column| 0.5 * (first[row][column] + second[row][column]))
            })
        };
        Cell::new(matrix, periodic, dimension)
    }

    /// The cell matrix.
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    /// The directions in which the cell repeats.
    pub fn periodic(&self) -> [bool; 3] {
        self.periodic
    }

    /// 2 or 3.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Volume; in the plane the area.
    pub fn volume(&self) -> f64 {
        self.volume
    }

    /// Distances between opposite faces.
    pub fn heights(&self) -> Vector {
        self.heights
    }

    /// Smallest height of a direction that repeats; infinite without any. Two images of one atom are at least so far apart.
    pub fn smallest_height(&self) -> f64 {
        (0..3)
            .filter(|&axis| self.periodic[axis])
            .map(|axis| self.heights[axis])
            .fold(f64::INFINITY, f64::min)
    }

    /// Largest over smallest height of the directions that repeat; 1 without any.
    pub fn height_ratio(&self) -> f64 {
        let heights = (0..3)
            .filter(|&axis| self.periodic[axis])
            .map(|axis| self.heights[axis]);
        match heights.fold(0.0, f64::max) {
            0.0 => 1.0,
            largest => largest / self.smallest_height(),
        }
    }

    /// h s.
    #[inline]
    pub fn real(&self, scaled: Vector) -> Vector {
        product(&self.matrix, scaled)
    }

    /// h⁻¹ r.
    #[inline]
    pub fn scaled(&self, real: Vector) -> Vector {
        product(&self.inverse, real)
    }

    /// h n.
    #[inline]
    pub fn shift(&self, image: Image) -> Vector {
        self.real(image.map(f64::from))
    }

    /// Whole lattice vectors in scaled coordinates, along the directions that repeat.
    #[inline]
    pub fn image(&self, scaled: Vector) -> Image {
        std::array::from_fn(|axis| {
            if self.periodic[axis] {
                scaled[axis].floor() as i32
            } else {
                0
            }
        })
    }

    /// The vector `difference`, less the lattice vectors that rounding of its scaled form finds. Where an image is nearer
    /// than half the smallest height, this is it: component k of its scaled form is at most its length over height k, so below
    /// 1/2.
    #[inline]
    pub fn nearest(&self, difference: Vector) -> Vector {
        let scaled = self.scaled(difference);
        let image = std::array::from_fn(|axis| {
            if self.periodic[axis] {
                scaled[axis].round()
            } else {
                0.0
            }
        });
        let shift = self.real(image);
        std::array::from_fn(|axis| difference[axis] - shift[axis])
    }
}

/// Matrix times vector.
#[inline]
pub fn product(matrix: &Matrix, vector: Vector) -> Vector {
    matrix.map(|row| dot(row, vector))
}

/// Scalar product.
#[inline]
pub fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// a + b.
#[inline]
pub fn add(a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|axis| a[axis] + b[axis])
}

/// a − b.
#[inline]
pub fn subtract(a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

#[cfg(test)]
mod tests {
    use super::{Cell, subtract};

    #[test]
    fn heights_and_inverse_of_a_tilted_cell() {
        let cell = Cell::new(
            [[4.0, 2.0, 1.0], [0.0, 5.0, -1.0], [0.0, 0.0, 6.0]],
            [true; 3],
            3,
        )
        .unwrap();
        assert_eq!(cell.volume(), 120.0);
        assert!((cell.heights()[2] - 6.0).abs() < 1e-14);
        let s = [0.3, -0.7, 2.4];
        let back = cell.scaled(cell.real(s));
        assert!(subtract(back, s).iter().all(|part| part.abs() < 1e-14));
        let near = cell.nearest(cell.real([0.9, -1.1, 2.05]));
        let expected = cell.real([-0.1, -0.1, 0.05]);
        assert!(
            subtract(near, expected)
                .iter()
                .all(|part| part.abs() < 1e-13)
        );
    }

    #[test]
    fn a_flat_or_left_handed_cell_is_refused() {
        let flat = [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]];
        assert_eq!(
            Cell::new(flat, [true; 3], 3).unwrap_err().to_string(),
            "the cell has the volume 0: its edge vectors must be finite, independent and right-handed"
        );
        let left = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]];
        assert!(Cell::new(left, [true; 3], 3).is_err());
    }
}
