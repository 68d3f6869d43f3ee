//! The linear model of one block and its normal equations.
//!
//! With s = 0 … N−1 the sample in the block and x = (2s − N + 1)/N, the regressors are the Legendre polynomials
//! P0(x) … Pd(x) and the pairs sin(2πqm/N_p), cos(2πqm/N_p) for every distinct whole number q of periods per cycle.
//! Over whole periods the pairs are orthogonal to one another and to P0, so the normal matrix has a closed form. With
//! κ = cot(πq/M):
//!
//! Σ P1 sin = −κ, Σ P1 cos = −1, Σ P2 sin = −3κ/N, Σ P2 cos = 3κ²/N,
//! Σ P1² = (N² − 1)/(3N), Σ P0 P2 = −1/(2N), Σ sin² = Σ cos² = N/2.

use crate::error::Error;
use crate::phase::{reduced, sin_cos_turn};

/// Trend terms of the fit besides the mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detrend {
    /// Only the mean.
    None,
    /// Mean and slope.
    Linear,
    /// Mean, slope and curvature.
    Quadratic,
}

impl Detrend {
    /// The trend with this name: `none`, `linear` or `quadratic`.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "none" => Ok(Detrend::None),
            "linear" => Ok(Detrend::Linear),
            "quadratic" => Ok(Detrend::Quadratic),
            _ => Err(Error::new(format!(
                "unknown trend '{name}': the keyword detrend takes none, linear or quadratic"
            ))),
        }
    }

    /// Name of the trend.
    pub fn name(self) -> &'static str {
        ["none", "linear", "quadratic"][self.degree()]
    }

    /// Degree of the polynomial.
    pub fn degree(self) -> usize {
        self as usize
    }
}

/// Regressors and factorised normal matrix of a block.
#[derive(Debug, Clone)]
pub struct Design {
    period: u64,
    samples: u64,
    degree: usize,
    multiples: Vec<u64>,
    /// Lower Cholesky factor, row by row, [columns, columns].
    factor: Vec<f64>,
}

impl Design {
    /// The design of a block of `cycles` cycles with `per_period` samples in each period of `period` steps, trend
    /// `detrend` and the harmonics `multiples` (duplicates are dropped). Fails where the regressors are not independent.
    pub fn new(
        period: u64,
        per_period: u64,
        cycles: u64,
        detrend: Detrend,
        multiples: &[u64],
    ) -> Result<Self, Error> {
        let mut multiples = multiples.to_vec();
        multiples.sort_unstable();
        multiples.dedup();
        if multiples.first() == Some(&0) || multiples.last().is_some_and(|q| 2 * q >= per_period) {
            return Err(Error::new(format!(
                "harmonics must lie between 1 and half of the {per_period} samples per period"
            )));
        }
        let mut design = Design {
            period,
            samples: cycles * per_period,
            degree: detrend.degree(),
            multiples,
            factor: Vec::new(),
        };
        let mut matrix = design.normal_matrix(per_period);
        cholesky(&mut matrix, design.columns()).ok_or_else(|| {
            Error::new(
                "the fit of one block is singular: use more samples per period, or a lower trend",
            )
        })?;
        design.factor = matrix;
        Ok(design)
    }

    /// Number of regressors.
    pub fn columns(&self) -> usize {
        self.degree + 1 + 2 * self.multiples.len()
    }

    /// Samples per block N.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Degree of the trend.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// The distinct periods per cycle, ascending.
    pub fn multiples(&self) -> &[u64] {
        &self.multiples
    }

    /// Column of the sine of `multiples()[index]`; its cosine follows.
    pub fn sine_column(&self, index: usize) -> usize {
        self.degree + 1 + 2 * index
    }

    /// The regressors at sample `sample` of the block, which lies `step` steps into its cycle; `row` has `columns()`
    /// entries.
    pub fn regressors(&self, sample: u64, step: u64, row: &mut [f64]) {
        let x = self.abscissa(sample);
        let trend = [1.0, x, 0.5 * (3.0 * x * x - 1.0)];
        row[..=self.degree].copy_from_slice(&trend[..=self.degree]);
        for (pair, &q) in row[self.degree + 1..]
            .chunks_exact_mut(2)
            .zip(&self.multiples)
        {
            let (sin, cos) = sin_cos_turn(reduced(q, step, self.period), self.period);
            (pair[0], pair[1]) = (sin, cos);
        }
    }

    fn abscissa(&self, sample: u64) -> f64 {
        let samples = self.samples as f64;
        (2.0 * sample as f64 - (samples - 1.0)) / samples
    }

    fn normal_matrix(&self, per_period: u64) -> Vec<f64> {
        let columns = self.columns();
        let n = self.samples as f64;
        let mut matrix = vec![0.0; columns * columns];
        let mut set = |row: usize, column: usize, value: f64| {
            matrix[row * columns + column] = value;
            matrix[column * columns + row] = value;
        };
        let second = (n * n - 1.0) / (3.0 * n);
        let fourth = (n * n - 1.0) * (3.0 * n * n - 7.0) / (15.0 * n * n * n);
        set(0, 0, n);
        if self.degree >= 1 {
            set(1, 1, second);
        }
        if self.degree >= 2 {
            set(0, 2, -0.5 / n);
            set(2, 2, 0.25 * (9.0 * fourth - 6.0 * second + n));
        }
        for (index, &q) in self.multiples.iter().enumerate() {
            let sine = self.sine_column(index);
            let cot = 1.0 / (std::f64::consts::PI * q as f64 / per_period as f64).tan();
            set(sine, sine, 0.5 * n);
            set(sine + 1, sine + 1, 0.5 * n);
            if self.degree >= 1 {
                set(1, sine, -cot);
                set(1, sine + 1, -1.0);
            }
            if self.degree >= 2 {
                set(2, sine, -3.0 * cot / n);
                set(2, sine + 1, 3.0 * cot * cot / n);
            }
        }
        matrix
    }

    /// The coefficients g with which the coefficient of column `column` is Σ y·(g·regressors): least squares is linear in
    /// the data, so one weight a sample is enough.
    pub fn functional(&self, column: usize) -> Vec<f64> {
        let mut gains = vec![0.0; self.columns()];
        gains[column] = 1.0;
        self.solve(&mut gains);
        gains
    }

    /// Least-squares coefficients for the moments Σ y·regressor, in place.
    pub fn solve(&self, moments: &mut [f64]) {
        let columns = self.columns();
        let factor = |row: usize, column: usize| self.factor[row * columns + column];
        for row in 0..columns {
            let known: f64 = (0..row).map(|k| factor(row, k) * moments[k]).sum();
            moments[row] = (moments[row] - known) / factor(row, row);
        }
        for row in (0..columns).rev() {
            let known: f64 = (row + 1..columns)
                .map(|k| factor(k, row) * moments[k])
                .sum();
            moments[row] = (moments[row] - known) / factor(row, row);
        }
    }
}

/// Lower Cholesky factor of the symmetric `matrix` [n, n] in place; `None` where it is not positive definite.
fn cholesky(matrix: &mut [f64], n: usize) -> Option<()> {
    for row in 0..n {
        for column in 0..=row {
            let known: f64 = (0..column)
                .map(|k| matrix[row * n + k] * matrix[column * n + k])
                .sum();
            let value = matrix[row * n + column] - known;
            if row != column {
                matrix[row * n + column] = value / matrix[column * n + column];
            } else if value > 1e-12 * matrix[row * n + row] {
                matrix[row * n + row] = value.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{Design, Detrend};

    #[test]
    fn the_closed_form_is_the_sum_over_samples() {
        for (period, every, cycles) in [(32, 1, 1), (120, 3, 2), (400, 4, 3), (96, 2, 5)] {
            let per_period = period / every;
            let design = Design::new(
                period,
                per_period,
                cycles,
                Detrend::Quadratic,
                &[3, 1, 2, 3],
            )
            .unwrap();
            let columns = design.columns();
            assert_eq!(columns, 9);
            let mut sums = vec![0.0; columns * columns];
            let mut row = vec![0.0; columns];
            for sample in 0..design.samples() {
                design.regressors(sample, sample * every % period, &mut row);
                for i in 0..columns {
                    for j in 0..columns {
                        sums[i * columns + j] += row[i] * row[j];
                    }
                }
            }
            for (closed, sum) in design.normal_matrix(per_period).iter().zip(&sums) {
                assert!((closed - sum).abs() < 1e-11, "{closed} {sum}");
            }
        }
    }

    #[test]
    fn variance_inflation_is_that_of_the_table() {
        // (cycles, trend, inflation of the sine and of the cosine coefficient for white noise)
        let table = [
            (1, Detrend::None, 1.0, 1.0),
            (1, Detrend::Linear, 2.55, 1.0),
            (1, Detrend::Quadratic, 2.55, 13.1),
            (2, Detrend::Linear, 1.18, 1.0),
            (2, Detrend::Quadratic, 1.18, 1.06),
            (3, Detrend::Linear, 1.07, 1.0),
            (5, Detrend::Quadratic, 1.03, 1.0),
        ];
        for (cycles, detrend, sine, cosine) in table {
            let design = Design::new(1000, 1000, cycles, detrend, &[1]).unwrap();
            for (offset, expected) in [(0, sine), (1, cosine)] {
                let column = design.sine_column(0) + offset;
                let inflation = design.functional(column)[column] * design.samples() as f64 / 2.0;
                assert!(
                    (inflation / expected - 1.0).abs() < 0.006,
                    "{cycles} {detrend:?}: {inflation}"
                );
            }
        }
    }

    #[test]
    fn harmonics_beyond_half_the_samples_are_refused() {
        assert_eq!(
            Design::new(32, 32, 2, Detrend::Linear, &[16])
                .unwrap_err()
                .to_string(),
            "harmonics must lie between 1 and half of the 32 samples per period"
        );
    }
}
