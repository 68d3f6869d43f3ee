//! Moments of one block of samples, and the fit that they give.

use crate::error::Error;
use crate::moduli::Complex;
use crate::regression::Design;
use crate::restart::{Reader, State, Writer};
use crate::sum::Sum;

/// Moment sums Σ y·regressor and Σ y² of every response in the block under way.
///
/// From each response a constant shift is subtracted before it is summed and added back to the fitted mean, so that a
/// large mean stress costs no digits.
#[derive(Debug, Clone)]
pub struct BlockSums {
    responses: usize,
    columns: usize,
    taken: u64,
    moments: Vec<Sum>,
    squares: Vec<Sum>,
    row: Vec<f64>,
}

/// The fit of one response in the phase of the clock: y = mean + trend + Σ_q (a_q sin qωt + b_q cos qωt).
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Mean over the block.
    pub mean: f64,
    /// Change per cycle of the linear trend; zero without one.
    pub drift: f64,
    /// a + ib of each multiple q, in the order of the design's multiples.
    pub pairs: Vec<Complex>,
    /// Variance of the residuals, s_r².
    pub residual: f64,
}

impl BlockSums {
    /// Empty sums for `responses` responses under a design of `columns` columns.
    pub fn new(responses: usize, columns: usize) -> Self {
        BlockSums {
            responses,
            columns,
            taken: 0,
            moments: vec![Sum::default(); responses * columns],
            squares: vec![Sum::default(); responses],
            row: vec![0.0; columns],
        }
    }

    /// Samples taken so far.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Adds sample `sample` of the block, `step` steps into its cycle, with `values` and `shifts` of every response.
    pub fn add(&mut self, design: &Design, sample: u64, step: u64, values: &[f64], shifts: &[f64]) {
        design.regressors(sample, step, &mut self.row);
        for ((moments, square), (value, shift)) in self
            .moments
            .chunks_exact_mut(self.columns)
            .zip(&mut self.squares)
            .zip(values.iter().zip(shifts))
        {
            let y = value - shift;
            for (moment, regressor) in moments.iter_mut().zip(&self.row) {
                moment.add(y * regressor);
            }
            square.add(y * y);
        }
        self.taken += 1;
    }

    /// Fits every response of the complete block, which is `cycles` long.
    pub fn fit(&self, design: &Design, cycles: u64, shifts: &[f64]) -> Vec<Fit> {
        (0..self.responses)
            .map(|response| {
                let first = response * self.columns;
                let moments: Vec<f64> = self.moments[first..first + self.columns]
                    .iter()
                    .map(Sum::total)
                    .collect();
                let mut solution = moments.clone();
                design.solve(&mut solution);
                let explained: f64 = moments.iter().zip(&solution).map(|(m, c)| m * c).sum();
                let freedom = self.taken.saturating_sub(self.columns as u64).max(1);
                let pairs = (0..design.multiples().len()).map(|index| {
                    let column = design.sine_column(index);
                    Complex::new(solution[column], solution[column + 1])
                });
                Fit {
                    mean: solution[0] + shifts[response],
                    drift: if design.degree() >= 1 {
                        2.0 * solution[1] / cycles as f64
                    } else {
                        0.0
                    },
                    pairs: pairs.collect(),
                    residual: (self.squares[response].total() - explained).max(0.0)
                        / freedom as f64,
                }
            })
            .collect()
    }

    /// Empties the sums for the next block.
    pub fn clear(&mut self) {
        self.taken = 0;
        self.moments.fill(Sum::default());
        self.squares.fill(Sum::default());
    }
}

impl State for BlockSums {
    fn write(&self, out: &mut Writer) {
        out.integer(self.taken);
        self.moments.write(out);
        self.squares.write(out);
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
        self.taken = from.integer()?;
        self.moments.read(from)?;
        self.squares.read(from)
    }
}
