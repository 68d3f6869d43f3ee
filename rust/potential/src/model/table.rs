//! Tabulated embedding curves, as `dp compress` writes them.
//!
//! Regions of equal steps: fine in `[lower, upper)` and coarse in `[upper, max)`, and in the tables of `se_e3`, whose inputs
//! have either sign, coarse in `[-max, lower)` too. In each cell every output is a polynomial of fifth degree in the distance
//! from the cell's start. Outside, the curve goes on as its tangent.

use super::decimal;
use ndarray::Array1;

/// Coefficients a cell and output.
pub const DEGREES: usize = 6;

/// Where an input falls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Row of the table.
    pub row: usize,
    /// Distance from the start of the cell.
    pub offset: f64,
    /// Distance beyond the end of the table, along its tangent; 0 inside, negative below.
    pub excess: f64,
}

/// Cells of equal steps.
#[derive(Clone, Copy, Debug)]
struct Region {
    start: f64,
    step: f64,
    first_row: usize,
}

/// Curves of one embedding net.
#[derive(Clone, Debug)]
pub struct Table {
    min: f64,
    max: f64,
    /// In ascending order.
    regions: Vec<Region>,
    rows: usize,
    outputs: usize,
    /// `[rows, DEGREES, outputs]`, ascending powers.
    coefficients: Vec<f64>,
}

impl Table {
    /// From what the file holds: `info` is `(lower, upper, max, fine step, coarse step, unused)`, `data` is
    /// `[rows, 6 outputs]` with the six numbers of an output together.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn new(info: &[f64], data: &[f64], outputs: usize) -> Result<Self, String> {
        Self::with_regions(info, data, outputs, false)
    }

    /// The same for `se_e3`, whose tables begin at `-max`.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn three_body(info: &[f64], data: &[f64], outputs: usize) -> Result<Self, String> {
        Self::with_regions(info, data, outputs, true)
    }

    fn with_regions(
        info: &[f64],
        data: &[f64],
        outputs: usize,
        from_minus_max: bool,
    ) -> Result<Self, String> {
        let [lower, upper, max, fine, coarse, ..] = *info else {
            return Err(format!(
                "its description has {} numbers where 6 are needed",
                info.len()
            ));
        };
        // steps are decimals, which a table in float32 holds rounded
        let (fine, coarse) = (decimal(fine), decimal(coarse));
        let ordered = lower < upper && upper <= max && fine > 0.0 && coarse > 0.0;
        let ordered = ordered && (!from_minus_max || -max <= lower);
        if !(ordered && info[..5].iter().all(|x| x.is_finite())) {
            return Err(format!("its description {info:?} makes no sense"));
        }
        if data.iter().any(|x| !x.is_finite()) {
            return Err("it holds a number that is not finite".to_owned());
        }
        let width = DEGREES * outputs;
        if width == 0 || data.is_empty() || !data.len().is_multiple_of(width) {
            return Err(format!(
                "{} numbers are no whole rows of {width}",
                data.len()
            ));
        }
        let mut coefficients = vec![0.0; data.len()];
        for (source, row) in data
            .chunks_exact(width)
            .zip(coefficients.chunks_exact_mut(width))
        {
            for (p, polynomial) in source.chunks_exact(DEGREES).enumerate() {
                for (degree, value) in polynomial.iter().enumerate() {
                    row[degree * outputs + p] = *value;
                }
            }
        }
        let min = if from_minus_max { -max } else { lower };
        let steps = [
            (min, lower, coarse),
            (lower, upper, fine),
            (upper, max, coarse),
        ];
        let mut regions = Vec::with_capacity(steps.len());
        let mut first_row = 0usize;
        for (start, end, step) in steps {
            if start < end {
                regions.push(Region {
                    start,
                    step,
                    first_row,
                });
                first_row = first_row.saturating_add(((end - start) / step) as usize);
            }
        }
        // where steps do not divide the regions, a part of a cell more may lack its row: the last one goes on
        let rows = data.len() / width;
        if rows < first_row {
            return Err(format!(
                "it has {rows} rows where its description needs {first_row}"
            ));
        }
        Ok(Self {
            min,
            max,
            regions,
            rows,
            outputs,
            coefficients,
        })
    }

    /// `M1`
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Coefficients, `[rows, DEGREES, outputs]`, ascending powers.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// Start and end, beyond which the curve is its tangent.
    pub fn range(&self) -> [f64; 2] {
        [self.min, self.max]
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Where `x` falls.
    #[inline]
    pub fn place(&self, x: f64) -> Place {
        let inside = x.clamp(self.min, self.max.next_down());
        let mut region = self.regions[0];
        for next in &self.regions[1..] {
            if inside >= next.start {
                region = *next;
            }
        }
        let cell = ((inside - region.start) / region.step) as usize;
        Place {
            row: region.first_row.saturating_add(cell).min(self.rows - 1),
            offset: inside - (cell as f64 * region.step + region.start),
            excess: x - inside,
        }
    }

    /// Outputs for one input and their derivatives; slow and readable, for constants and tests.
    pub fn apply_with_slope(&self, x: f64) -> (Array1<f64>, Array1<f64>) {
        let Place {
            row,
            offset,
            excess,
        } = self.place(x);
        let cell = &self.coefficients[row * DEGREES * self.outputs..][..DEGREES * self.outputs];
        let a = |degree: usize, p: usize| cell[degree * self.outputs + p];
        let slopes = Array1::from_shape_fn(self.outputs, |p| {
            (1..DEGREES)
                .map(|k| k as f64 * a(k, p) * offset.powi(k as i32 - 1))
                .sum::<f64>()
        });
        let values = Array1::from_shape_fn(self.outputs, |p| {
            (0..DEGREES)
                .map(|k| a(k, p) * offset.powi(k as i32))
                .sum::<f64>()
        });
        (values + &slopes * excess, slopes)
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Table};

    /// `x^2` on [-1, 1) in steps of 0.5 and on [1, 3) in steps of 1.
    fn parabola() -> Table {
        let starts = [-1.0, -0.5, 0.0, 0.5, 1.0, 2.0];
        let data: Vec<f64> = starts
            .iter()
            .flat_map(|x| [x * x, 2.0 * x, 1.0, 0.0, 0.0, 0.0])
            .collect();
        Table::new(&[-1.0, 1.0, 3.0, 0.5, 1.0, -1.0], &data, 1).unwrap()
    }

    #[test]
    fn inside_it_is_the_polynomial_and_outside_its_tangent() {
        let table = parabola();
        for x in [-1.0, -0.6, 0.0, 0.99, 1.0, 1.7, 2.999] {
            assert!(
                (table.apply_with_slope(x).0[0] - x * x).abs() < 1e-14,
                "{x}"
            );
        }
        assert!((table.apply_with_slope(-2.0).0[0] - 3.0).abs() < 1e-14);
        assert!((table.apply_with_slope(4.0).0[0] - 15.0).abs() < 1e-13);
        assert_eq!(
            table.place(1.25),
            Place {
                row: 4,
                offset: 0.25,
                excess: 0.0
            }
        );
    }

    #[test]
    fn a_table_of_three_bodies_begins_at_minus_its_end() {
        let starts = [-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0];
        let data: Vec<f64> = starts
            .iter()
            .flat_map(|x| [x * x, 2.0 * x, 1.0, 0.0, 0.0, 0.0])
            .collect();
        let table = Table::three_body(&[-1.0, 1.0, 3.0, 0.5, 1.0, -1.0], &data, 1).unwrap();
        for x in [-3.0, -2.5, -1.01, -1.0, -0.6, 0.0, 0.99, 1.0, 1.7, 2.999] {
            assert!(
                (table.apply_with_slope(x).0[0] - x * x).abs() < 1e-14,
                "{x}"
            );
        }
        // tangents of the parabola
        assert!((table.apply_with_slope(-4.0).0[0] - 15.0).abs() < 1e-13);
        assert!((table.apply_with_slope(4.0).0[0] - 15.0).abs() < 1e-13);
    }

    #[test]
    fn steps_of_a_table_in_float32_are_the_decimals_that_were_meant() {
        let single = |x: f32| f64::from(x);
        let info = [0.0, 1.0, 2.0, single(0.1), single(0.5), -1.0];
        // 1/0.1f is less than 10
        let data = [0.0; 6 * 12];
        assert_eq!(Table::new(&info, &data, 1).unwrap().place(1.0).row, 10);
    }

    #[test]
    fn a_table_that_does_not_fit_its_description_is_refused() {
        let info = [-1.0, 1.0, 3.0, 0.5, 1.0, -1.0];
        assert_eq!(
            Table::new(&info, &[0.0; 30], 1).unwrap_err(),
            "it has 5 rows where its description needs 6"
        );
        assert_eq!(
            Table::new(&info, &[0.0; 31], 1).unwrap_err(),
            "31 numbers are no whole rows of 6"
        );
        let nonsense = Table::new(&[1.0, -1.0, 3.0, 0.5, 1.0, -1.0], &[0.0; 36], 1).unwrap_err();
        assert!(nonsense.ends_with("makes no sense"), "{nonsense}");
    }
}
