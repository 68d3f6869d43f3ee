//! Points in a grid of cells at least as thick as a radius, so that neighbours lie in adjacent cells.
//!
//! Twice the radius must not exceed the smallest height of the periodic cell. Then at most one image of a point is nearer
//! than the radius, and the cells −1, 0, +1 beside a cell, with the images that they stand for, hold it exactly once, also
//! where there are only one or two cells in a direction.

use crate::cell::{Cell, Image, Vector, subtract};

/// Points sorted by cell, and within a cell by number.
#[derive(Debug, Clone)]
pub struct Grid {
    cell: Cell,
    counts: [usize; 3],
    low: Vector,
    scale: Vector,
    /// First point of each cell, and the end of the last.
    firsts: Vec<u32>,
    /// Numbers of the points in the order of the cells.
    numbers: Vec<u32>,
    /// Their real coordinates.
    points: Vec<Vector>,
}

impl Grid {
    /// The grid of the points `numbers` of `scaled` (wrapped along the directions that repeat) for searches up to `radius`.
    pub fn new(cell: &Cell, scaled: &[Vector], numbers: &[u32], radius: f64) -> Self {
        let most = (2.0 * (numbers.len() as f64).cbrt()).ceil().max(1.0);
        let mut low = [0.0; 3];
        let mut extent = [1.0; 3];
        for axis in (0..3).filter(|&axis| !cell.periodic()[axis]) {
            let parts = || numbers.iter().map(|&i| scaled[i as usize][axis]);
            let least = parts().fold(f64::INFINITY, f64::min);
            let largest = parts().fold(f64::NEG_INFINITY, f64::max);
            if largest > least {
                (low[axis], extent[axis]) = (least, largest - least);
            } else if least.is_finite() {
                low[axis] = least;
            }
        }
        let heights = cell.heights();
        let counts = std::array::from_fn(|axis| {
            // a little thicker than the radius, whatever is rounded
            let fit = extent[axis] * heights[axis] / radius * (1.0 - 1e-12);
            fit.floor().clamp(1.0, most) as usize
        });
        let mut grid = Grid {
            cell: *cell,
            counts,
            low,
            scale: std::array::from_fn(|axis| counts[axis] as f64 / extent[axis]),
            firsts: vec![0; counts.iter().product::<usize>() + 1],
            numbers: vec![0; numbers.len()],
            points: vec![[0.0; 3]; numbers.len()],
        };
        let cells: Vec<u32> = numbers
            .iter()
            .map(|&i| grid.flat(grid.home(scaled[i as usize])) as u32)
            .collect();
        for &home in &cells {
            grid.firsts[home as usize + 1] += 1;
        }
        for home in 1..grid.firsts.len() {
            grid.firsts[home] += grid.firsts[home - 1];
        }
        let mut next = grid.firsts.clone();
        for (&number, &home) in numbers.iter().zip(&cells) {
            let place = next[home as usize] as usize;
            next[home as usize] += 1;
            grid.numbers[place] = number;
            grid.points[place] = cell.real(scaled[number as usize]);
        }
        grid
    }

    fn home(&self, scaled: Vector) -> [usize; 3] {
        std::array::from_fn(|axis| {
            let place = (scaled[axis] - self.low[axis]) * self.scale[axis];
            (place.max(0.0) as usize).min(self.counts[axis] - 1)
        })
    }

    fn flat(&self, home: [usize; 3]) -> usize {
        (home[0] * self.counts[1] + home[1]) * self.counts[2] + home[2]
    }

    /// Numbers of the points, cell by cell.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// The ranges of points in and beside the cell `home`, each with the image that it stands for.
    fn around(&self, home: [usize; 3], mut visit: impl FnMut(std::ops::Range<usize>, Image)) {
        let along = |axis: usize| {
            let count = self.counts[axis] as i64;
            let periodic = self.cell.periodic()[axis];
            let place = home[axis] as i64;
            (-1..=1).filter_map(move |step| {
                let place = place + step;
                let image = place.div_euclid(count);
                (periodic || image == 0).then(|| (place.rem_euclid(count) as usize, image as i32))
            })
        };
        for (i, p) in along(0) {
            for (j, q) in along(1) {
                for (k, r) in along(2) {
                    let flat = self.flat([i, j, k]);
                    let range = self.firsts[flat] as usize..self.firsts[flat + 1] as usize;
                    visit(range, [p, q, r]);
                }
            }
        }
    }

    /// Calls `found` with the number, the image n and the squared distance of each point j whose x_j + h n lies nearer than
    /// `radius` to `point`, which may lie anywhere along the directions that repeat. `radius` is at most that of the grid.
    pub fn near(&self, point: Vector, radius: f64, mut found: impl FnMut(u32, Image, f64)) {
        let scaled = self.cell.scaled(point);
        let outside = self.cell.image(scaled);
        let wrapped: Vector = std::array::from_fn(|axis| scaled[axis] - f64::from(outside[axis]));
        // a point outside the range of a direction that does not repeat has neighbours only if it is near its border
        let beside = |axis: usize| {
            let place = (wrapped[axis] - self.low[axis]) * self.scale[axis];
            (-1.0..=self.counts[axis] as f64 + 1.0).contains(&place)
        };
        if !(0..3).all(beside) {
            return;
        }
        self.around(self.home(wrapped), |range, image| {
            let image = std::array::from_fn(|axis| image[axis] + outside[axis]);
            let seen = subtract(point, self.cell.shift(image));
            for place in range {
                let [x, y, z] = subtract(self.points[place], seen);
                let square = x * x + y * y + z * z;
                if square < radius * radius {
                    found(self.numbers[place], image, square);
                }
            }
        });
    }

    /// Calls `found` with two different points i and j as places in [`Grid::numbers`], the image n and the squared distance of
    /// x_j + h n from x_i, where it is below `radius`; each pair twice, once from either side, in ascending order of i.
    pub fn pairs(&self, radius: f64, mut found: impl FnMut(u32, u32, Image, f64)) {
        let mut ranges: Vec<(std::ops::Range<usize>, Image, Vector)> = Vec::with_capacity(27);
        for a in 0..self.counts[0] {
            for b in 0..self.counts[1] {
                for c in 0..self.counts[2] {
                    let home = [a, b, c];
                    let flat = self.flat(home);
                    ranges.clear();
                    self.around(home, |range, image| match ranges.last_mut() {
                        _ if range.is_empty() => {}
                        Some((last, same, _)) if *same == image && last.end == range.start => {
                            last.end = range.end;
                        }
                        _ => ranges.push((range, image, self.cell.shift(image))),
                    });
                    for own in self.firsts[flat] as usize..self.firsts[flat + 1] as usize {
                        for (range, image, shift) in &ranges {
                            let seen = subtract(self.points[own], *shift);
                            for place in range.clone() {
                                let [x, y, z] = subtract(self.points[place], seen);
                                let square = x * x + y * y + z * z;
                                if square < radius * radius && place != own {
                                    found(own as u32, place as u32, *image, square);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
