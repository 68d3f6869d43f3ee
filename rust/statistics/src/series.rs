//! Running statistics of successive values.

use crate::error::Error;
use crate::state::{Stored, Stream};

/// Fewest blocks from which an autocorrelation is estimated.
const ENOUGH: u64 = 8;

/// Mean, variance, lag-1 autocorrelation and slope of a series, updated value by value (Welford's recurrences).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Series {
    count: u64,
    mean: f64,
    /// Σ (y − ȳ)².
    squares: f64,
    /// Σ (i − ī)(y − ȳ) with i the index of the value.
    trend: f64,
    first: f64,
    last: f64,
    /// Σ (yᵢ − y₀)(yᵢ₊₁ − y₀).
    neighbours: f64,
}

impl Series {
    /// Takes the next value.
    pub fn push(&mut self, value: f64) {
        if self.count == 0 {
            self.first = value;
        } else {
            self.neighbours += (self.last - self.first) * (value - self.first);
        }
        self.last = value;
        let deviation = value - self.mean;
        // Half the difference between the new index and the mean of the old ones.
        let step = 0.5 * (self.count as f64 + 1.0);
        self.count += 1;
        let count = self.count as f64;
        self.mean += deviation / count;
        self.squares += deviation * (value - self.mean);
        self.trend += if self.count > 1 {
            step * (value - self.mean)
        } else {
            0.0
        };
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean; zero without values.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Unbiased variance; zero with fewer than two values.
    pub fn variance(&self) -> f64 {
        if self.count < 2 {
            0.0
        } else {
            self.squares / (self.count as f64 - 1.0)
        }
    }

    /// Lag-1 autocorrelation r1; zero where it is not defined.
    pub fn correlation(&self) -> f64 {
        if self.count < 3 || self.squares <= 0.0 {
            return 0.0;
        }
        let count = self.count as f64;
        let mean = self.mean - self.first;
        let ends = self.last - self.first;
        let products =
            self.neighbours - mean * (2.0 * count * mean - ends) + (count - 1.0) * mean * mean;
        products / self.squares
    }

    /// Number of independent values, n(1 − r1)/(1 + r1) within [2, n] from 8 values on, n before.
    pub fn effective(&self) -> f64 {
        let count = self.count as f64;
        if self.count < ENOUGH {
            return count;
        }
        let r = self.correlation();
        (count * (1.0 - r) / (1.0 + r)).clamp(2.0, count)
    }

    /// Standard error of the mean; zero with fewer than two values.
    pub fn error(&self) -> f64 {
        if self.count < 2 {
            0.0
        } else {
            (self.variance() / self.effective()).sqrt()
        }
    }

    /// Least-squares slope per value; zero with fewer than two values.
    pub fn slope(&self) -> f64 {
        if self.count < 2 {
            0.0
        } else {
            self.trend / self.index_squares()
        }
    }

    /// Standard error of the slope; zero with fewer than three values.
    pub fn slope_error(&self) -> f64 {
        if self.count < 3 {
            return 0.0;
        }
        let rest = (self.squares - self.slope() * self.trend).max(0.0);
        (rest / (self.count as f64 - 2.0) / self.index_squares()).sqrt()
    }

    /// Σ (i − ī)².
    fn index_squares(&self) -> f64 {
        let count = self.count as f64;
        count * (count * count - 1.0) / 12.0
    }
}

impl Stored for Series {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        stream.pass_integer(&mut self.count)?;
        for value in [
            &mut self.mean,
            &mut self.squares,
            &mut self.trend,
            &mut self.first,
            &mut self.last,
            &mut self.neighbours,
        ] {
            stream.pass_real(value)?;
        }
        Ok(())
    }
}

/// Median of `values` and median of the absolute deviations from it; zero without values. One plastic event among many
/// blocks does not move them.
pub fn median_and_deviation(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let mut values: Vec<f64> = values.collect();
    let centre = median(&mut values);
    values
        .iter_mut()
        .for_each(|value| *value = (*value - centre).abs());
    (centre, median(&mut values))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[middle],
        _ => 0.5 * (values[middle - 1] + values[middle]),
    }
}

/// Statistics of a pair (a, b), the sine and cosine coefficient of one response.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PairSeries {
    /// In phase with the strain.
    pub a: Series,
    /// A quarter period ahead of it.
    pub b: Series,
    /// Σ (a − ā)(b − b̄).
    products: f64,
}

impl PairSeries {
    /// Takes the next pair.
    pub fn push(&mut self, a: f64, b: f64) {
        let deviation = a - self.a.mean();
        self.a.push(a);
        self.b.push(b);
        self.products += deviation * (b - self.b.mean());
    }

    /// Unbiased covariance; zero with fewer than two pairs.
    pub fn covariance(&self) -> f64 {
        if self.a.count() < 2 {
            0.0
        } else {
            self.products / (self.a.count() as f64 - 1.0)
        }
    }

    /// tan δ = b̄/ā; zero where ā is zero.
    pub fn ratio(&self) -> f64 {
        if self.a.mean() == 0.0 {
            0.0
        } else {
            self.b.mean() / self.a.mean()
        }
    }

    /// Standard error of tan δ, √(s_b² + t² s_a² − 2 t s_ab)/(|ā|√n_eff), n_eff being the smaller of the two.
    pub fn ratio_error(&self) -> f64 {
        let mean = self.a.mean().abs();
        if self.a.count() < 2 || mean == 0.0 {
            return 0.0;
        }
        let t = self.ratio();
        let variance = self.b.variance() + t * t * self.a.variance() - 2.0 * t * self.covariance();
        (variance.max(0.0) / self.a.effective().min(self.b.effective())).sqrt() / mean
    }
}

impl Stored for PairSeries {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.a.pass(stream)?;
        self.b.pass(stream)?;
        stream.pass_real(&mut self.products)
    }
}

#[cfg(test)]
mod tests {
    use super::{PairSeries, Series, median_and_deviation};

    const A: [f64; 9] = [3.0, 4.5, 2.5, 5.0, 4.0, 6.5, 5.5, 7.0, 6.0];
    const B: [f64; 9] = [0.3, 0.1, 0.4, 0.1, 0.5, 0.9, 0.2, 0.6, 0.5];

    #[test]
    fn the_recurrences_are_the_definitions() {
        for count in 1..=A.len() {
            let y = &A[..count];
            let mut series = Series::default();
            y.iter().for_each(|&value| series.push(value));
            let n = count as f64;
            let mean = y.iter().sum::<f64>() / n;
            let squares: f64 = y.iter().map(|v| (v - mean).powi(2)).sum();
            assert!((series.mean() - mean).abs() < 1e-14);
            if count < 3 {
                continue;
            }
            assert!((series.variance() - squares / (n - 1.0)).abs() < 1e-13);
            let lag: f64 = y.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
            assert!((series.correlation() - lag / squares).abs() < 1e-13);
            let middle = (n - 1.0) / 2.0;
            let sxx: f64 = (0..count).map(|i| (i as f64 - middle).powi(2)).sum();
            let sxy: f64 = y
                .iter()
                .enumerate()
                .map(|(i, v)| (i as f64 - middle) * (v - mean))
                .sum();
            assert!((series.slope() - sxy / sxx).abs() < 1e-13);
            let rest: f64 = y
                .iter()
                .enumerate()
                .map(|(i, v)| (v - mean - sxy / sxx * (i as f64 - middle)).powi(2))
                .sum();
            assert!((series.slope_error() - (rest / (n - 2.0) / sxx).sqrt()).abs() < 1e-13);
        }
    }

    #[test]
    fn correlated_values_count_less() {
        let mut series = Series::default();
        for i in 0..40 {
            series.push(f64::from(i / 10 % 2));
        }
        let r = series.correlation();
        assert!(r > 0.7);
        assert!((series.effective() - 40.0 * (1.0 - r) / (1.0 + r)).abs() < 1e-12);
        assert!(series.error() > 2.0 * (series.variance() / 40.0).sqrt());
    }

    #[test]
    fn the_median_does_not_see_a_single_event() {
        assert_eq!(median_and_deviation([].into_iter()), (0.0, 0.0));
        assert_eq!(median_and_deviation([4.0].into_iter()), (4.0, 0.0));
        let values = [3.0, 1.0, 2.0, 5.0];
        assert_eq!(median_and_deviation(values.into_iter()), (2.5, 1.0));
        let event = [3.0, 1.0, 2.0, 5.0, 1e6];
        assert_eq!(median_and_deviation(event.into_iter()), (3.0, 2.0));
    }

    #[test]
    fn the_error_of_the_ratio_follows_from_the_covariance() {
        let mut pair = PairSeries::default();
        A.iter().zip(B).for_each(|(&a, b)| pair.push(a, b));
        let n = A.len() as f64;
        let (ma, mb) = (A.iter().sum::<f64>() / n, B.iter().sum::<f64>() / n);
        let covariance = A
            .iter()
            .zip(B)
            .map(|(a, b)| (a - ma) * (b - mb))
            .sum::<f64>()
            / (n - 1.0);
        assert!((pair.covariance() - covariance).abs() < 1e-14);
        assert!((pair.ratio() - mb / ma).abs() < 1e-15);
        let t = mb / ma;
        let variance = pair.b.variance() + t * t * pair.a.variance() - 2.0 * t * covariance;
        let effective = pair.a.effective().min(pair.b.effective());
        assert!((pair.ratio_error() - (variance / effective).sqrt() / ma).abs() < 1e-14);
    }
}
