//! Samples gathered in blocks of equal length, and errors of anything that is computed from their sums.

use crate::error::Error;
use crate::state::{Stored, Stream};

/// Blocks that are kept before neighbours are merged.
const MOST: usize = 32;

/// Sums of samples that can be added up.
pub trait Merge {
    /// Adds the sums of what came `later`.
    fn merge(&mut self, later: &Self);
}

/// At most 32 blocks of equal length; the last may still be filled. When a 33rd is needed, neighbours are merged, so the
/// memory does not grow with the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocks<T> {
    /// Samples in a full block.
    length: u64,
    /// Samples in the last block.
    filled: u64,
    blocks: Vec<T>,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Blocks {
            length: 1,
            filled: 0,
            blocks: Vec::new(),
        }
    }
}

impl<T: Merge + Clone> Blocks<T> {
    /// Takes the sums of the next sample.
    pub fn push(&mut self, sample: T) {
        if let Some(last) = self.blocks.last_mut()
            && self.filled < self.length
        {
            last.merge(&sample);
            self.filled += 1;
            return;
        }
        if self.blocks.len() == MOST {
            self.blocks = (0..MOST / 2)
                .map(|pair| sum(&self.blocks[2 * pair..2 * pair + 2]))
                .collect::<Option<Vec<T>>>()
                .unwrap_or_default();
            self.length *= 2;
        }
        self.blocks.push(sample);
        self.filled = 1;
    }

    /// The blocks in the order of time.
    pub fn blocks(&self) -> &[T] {
        &self.blocks
    }

    /// Samples in all blocks.
    pub fn samples(&self) -> u64 {
        match self.blocks.len() as u64 {
            0 => 0,
            count => (count - 1) * self.length + self.filled,
        }
    }

    /// The sums of all samples; `None` without any.
    pub fn total(&self) -> Option<T> {
        sum(&self.blocks)
    }

    /// `estimate` of the sum of `part` of all samples, with the error of [`jackknife`] over the blocks, each counted by its
    /// number of samples.
    pub fn estimate<U: Merge + Clone>(
        &self,
        part: impl Fn(&T) -> U,
        estimate: impl Fn(&U) -> f64,
    ) -> Estimate {
        self.estimate_over(1, part, estimate)
    }

    /// The same with neighbouring blocks taken together until each has at least `least` samples, because samples are
    /// correlated over so many.
    pub fn estimate_over<U: Merge + Clone>(
        &self,
        least: u64,
        part: impl Fn(&T) -> U,
        estimate: impl Fn(&U) -> f64,
    ) -> Estimate {
        let mut parts: Vec<U> = Vec::new();
        let mut weights: Vec<u64> = Vec::new();
        for (number, block) in (1..).zip(&self.blocks) {
            let samples = if number < self.blocks.len() {
                self.length
            } else {
                self.filled
            };
            match (parts.last_mut(), weights.last_mut()) {
                (Some(last), Some(weight)) if *weight < least => {
                    last.merge(&part(block));
                    *weight += samples;
                }
                _ => {
                    parts.push(part(block));
                    weights.push(samples);
                }
            }
        }
        // too few are left over for a block of their own
        if let [.., before, last] = &mut weights[..]
            && *last < least
        {
            *before += *last;
            weights.pop();
            if let Some(last) = parts.pop()
                && let Some(before) = parts.last_mut()
            {
                before.merge(&last);
            }
        }
        jackknife(&parts, &weights, estimate)
    }

    /// The ratio of two sums with its error.
    pub fn ratio(&self, sums: impl Fn(&T) -> [f64; 2]) -> Estimate {
        self.estimate(sums, |[above, below]| above / below)
    }
}

impl<const N: usize> Merge for [f64; N] {
    fn merge(&mut self, later: &Self) {
        self.iter_mut()
            .zip(later)
            .for_each(|(sum, more)| *sum += more);
    }
}

impl<T: Stored + Default> Stored for Blocks<T> {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.length.pass(stream)?;
        self.filled.pass(stream)?;
        self.blocks.pass(stream)
    }
}

/// A value with its standard error, which is NaN where there are too few blocks for one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl Estimate {
    /// What is not defined.
    pub const NONE: Estimate = Estimate {
        value: f64::NAN,
        error: f64::NAN,
    };
}

fn sum<T: Merge + Clone>(blocks: &[T]) -> Option<T> {
    let (first, rest) = blocks.split_first()?;
    let mut total = first.clone();
    rest.iter().for_each(|block| total.merge(block));
    Some(total)
}

/// `estimate` of the sum of `blocks` and its delete-one-block error. The blocks hold `weights` samples each: with n in all,
/// h = n/m of a block of m, and θ without that block, the pseudo-value is h θ_all − (h − 1) θ, and the variance is the mean
/// of (pseudo-value − their weighted mean)²/(h − 1). For equal blocks this is the ordinary jackknife. Where leaving a block
/// out gives no finite value, there is no error.
pub fn jackknife<T: Merge + Clone>(
    blocks: &[T],
    weights: &[u64],
    estimate: impl Fn(&T) -> f64,
) -> Estimate {
    let Some(total) = sum(blocks) else {
        return Estimate::NONE;
    };
    let value = estimate(&total);
    let mut result = Estimate {
        value,
        error: f64::NAN,
    };
    if blocks.len() < 2 || !value.is_finite() {
        return result;
    }
    let n: u64 = weights.iter().sum();
    let ratios: Vec<f64> = weights.iter().map(|&m| n as f64 / m as f64).collect();
    let without: Vec<f64> = (0..blocks.len())
        .map(|left_out| {
            let rest: Vec<T> = blocks
                .iter()
                .enumerate()
                .filter(|(block, _)| *block != left_out)
                .map(|(_, block)| block.clone())
                .collect();
            sum(&rest).map_or(f64::NAN, |rest| estimate(&rest))
        })
        .collect();
    let pseudo = || {
        ratios
            .iter()
            .zip(&without)
            .map(|(h, theta)| h * value - (h - 1.0) * theta)
    };
    let mean: f64 = pseudo().zip(&ratios).map(|(value, h)| value / h).sum();
    let squares: f64 = pseudo()
        .zip(&ratios)
        .map(|(value, h)| (value - mean).powi(2) / (h - 1.0))
        .sum();
    result.error = (squares / blocks.len() as f64).sqrt();
    result
}

#[cfg(test)]
mod tests {
    use super::{Blocks, Merge, jackknife};

    /// Number of values, their sum, and the values in order.
    #[derive(Debug, Clone, Default, PartialEq)]
    struct Values(f64, f64, Vec<f64>);

    impl Merge for Values {
        fn merge(&mut self, later: &Self) {
            self.0 += later.0;
            self.1 += later.1;
            self.2.extend(&later.2);
        }
    }

    fn sample(value: f64) -> Values {
        Values(1.0, value, vec![value])
    }

    #[test]
    fn blocks_double_and_keep_every_sample_in_order() {
        let mut blocks = Blocks::default();
        for count in 1..=1000u64 {
            blocks.push(sample(count as f64));
            assert_eq!(blocks.samples(), count);
            assert!(blocks.blocks().len() <= 32);
        }
        assert_eq!(blocks.blocks().len(), 32);
        assert!(
            blocks.blocks()[..31]
                .iter()
                .all(|block| block.2.len() == 32)
        );
        let all: Vec<f64> = (1..=1000).map(f64::from).collect();
        assert_eq!(blocks.total().unwrap().2, all);
    }

    #[test]
    fn the_error_of_a_mean_is_the_textbook_one() {
        let mut blocks = Blocks::default();
        let values = [3.0, 4.5, 2.5, 5.0, 4.0, 6.5, 5.5];
        values
            .into_iter()
            .for_each(|value| blocks.push(sample(value)));
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        let estimate = blocks.ratio(|sums| [sums.1, sums.0]);
        assert!((estimate.value - mean).abs() < 1e-14);
        assert!((estimate.error - (squares / (n * (n - 1.0))).sqrt()).abs() < 1e-13);
    }

    #[test]
    fn unequal_blocks_count_by_their_samples() {
        // for a mean, pseudo-values are the block means
        let blocks = [Values(2.0, 8.0, vec![]), Values(1.0, 1.0, vec![])];
        let estimate = jackknife(&blocks, &[2, 1], |sums| sums.1 / sums.0);
        assert!((estimate.value - 3.0).abs() < 1e-14);
        // h = 3/2 and 3: ((4 − 3)²/(1/2) + (1 − 3)²/2)/2
        assert!((estimate.error - 2.0f64.sqrt()).abs() < 1e-13);
    }

    #[test]
    fn blocks_shorter_than_the_correlation_are_taken_together() {
        let mut blocks = Blocks::default();
        let values = [1.0, 3.0, 2.0, 6.0, 4.0, 4.0, 0.0];
        values
            .into_iter()
            .for_each(|value| blocks.push(sample(value)));
        let pairs = [
            Values(2.0, 4.0, vec![]),
            Values(2.0, 8.0, vec![]),
            Values(3.0, 8.0, vec![]),
        ];
        let ratio = |sums: &Values| sums.1 / sums.0;
        assert_eq!(
            blocks.estimate_over(2, |sums| Values(sums.0, sums.1, vec![]), ratio),
            jackknife(&pairs, &[2, 2, 3], ratio)
        );
        assert!(blocks.estimate_over(8, Values::clone, ratio).error.is_nan());
    }

    #[test]
    fn one_block_has_no_error() {
        let mut blocks = Blocks::default();
        assert!(blocks.estimate(Values::clone, |sums| sums.1).value.is_nan());
        blocks.push(sample(2.0));
        let estimate = blocks.estimate(Values::clone, |sums| sums.1);
        assert_eq!(estimate.value, 2.0);
        assert!(estimate.error.is_nan());
    }
}
