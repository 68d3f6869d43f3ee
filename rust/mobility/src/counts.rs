//! How often each size occurs.

use std::collections::BTreeMap;

use deepdms_statistics::{Error, Merge, Stored, Stream};

/// Numbers of strings or clusters by their size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizes(BTreeMap<u64, u64>);

impl Sizes {
    /// Counts one of `size`.
    pub fn add(&mut self, size: u64) {
        *self.0.entry(size).or_default() += 1;
    }

    /// Sizes and their numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(|(size, count)| (*size, *count))
    }

    /// How many there are of `size`.
    pub fn number(&self, size: u64) -> u64 {
        self.0.get(&size).copied().unwrap_or(0)
    }

    /// Largest size; zero without any.
    pub fn largest(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(size, _)| *size)
    }

    /// Σ size^power over all of at least `least`.
    pub fn sum(&self, least: u64, power: u32) -> f64 {
        self.0
            .range(least..)
            .map(|(size, count)| (*size as f64).powi(power as i32) * *count as f64)
            .sum()
    }

    /// Mean size of those of at least `least`; NaN without any.
    pub fn mean(&self, least: u64) -> f64 {
        self.sum(least, 1) / self.sum(least, 0)
    }

    /// Mean over atoms of the size of their own, of those of at least 2; NaN without any.
    pub fn weighted(&self) -> f64 {
        self.sum(2, 2) / self.sum(2, 1)
    }

    /// The ratio r of the geometric law P ∝ r^ξ from ξ = 2 on by maximum likelihood, 1 − 1/(L − 1) with the mean length L from 2
    /// on, and its decay length −1/ln r; NaN without strings of two.
    pub fn geometric(&self) -> (f64, f64) {
        let ratio = 1.0 - 1.0 / (self.mean(2) - 1.0);
        (ratio, -1.0 / ratio.ln())
    }

    /// Sizes that are known well enough for a fit: from 2 to the largest that occurs ten times or more.
    pub fn fit_range(&self) -> Option<(u64, u64)> {
        let last = self.0.range(2..).rev().find(|(_, count)| **count >= 10)?;
        Some((2, *last.0))
    }

    /// The same law by the likelihood of the sizes within `range` alone, of which it is the truncated form.
    pub fn geometric_within(&self, range: (u64, u64)) -> f64 {
        let within = || self.0.range(range.0..=range.1);
        let count: u64 = within().map(|(_, count)| count).sum();
        let total: u64 = within().map(|(size, count)| (size - range.0) * count).sum();
        let span = (range.1 - range.0) as f64;
        if count == 0 || span == 0.0 {
            return f64::NAN;
        }
        let mean = total as f64 / count as f64;
        // mean of k = 0 … span under r^k, which ascends with r
        let expected = |r: f64| {
            let (mut weight, mut sum, mut moment) = (1.0, 0.0, 0.0);
            for k in 0..=span as u64 {
                sum += weight;
                moment += k as f64 * weight;
                weight *= r;
            }
            moment / sum
        };
        let (mut low, mut high) = (0.0, 2.0);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if expected(middle) < mean {
                low = middle;
            } else {
                high = middle;
            }
        }
        0.5 * (low + high)
    }
}

impl Merge for Sizes {
    fn merge(&mut self, later: &Self) {
        for (size, count) in &later.0 {
            *self.0.entry(*size).or_default() += count;
        }
    }
}

impl Stored for Sizes {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        let mut flat: Vec<u64> = self
            .iter()
            .flat_map(|(size, count)| [size, count])
            .collect();
        flat.pass(stream)?;
        self.0 = flat
            .chunks_exact(2)
            .map(|pair| (pair[0], pair[1]))
            .collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Sizes;

    #[test]
    fn a_geometric_law_is_recognised() {
        let mut sizes = Sizes::default();
        // P(ξ) = 2^(12 − ξ), ξ = 1 … 12, so that L1 = 2 nearly and L2 = L1 + 1
        for size in 1..=12u64 {
            for _ in 0..1u64 << (12 - size) {
                sizes.add(size);
            }
        }
        assert!((sizes.mean(1) - 2.0).abs() < 0.005);
        assert!((sizes.mean(2) - 3.0).abs() < 0.01);
        assert!((sizes.geometric().0 - 0.5).abs() < 0.003);
        let range = sizes.fit_range().unwrap();
        assert_eq!(range, (2, 8));
        assert!((sizes.geometric_within(range) - 0.5).abs() < 1e-12);
        assert_eq!(sizes.largest(), 12);
    }

    #[test]
    fn without_strings_there_is_no_length() {
        let sizes = Sizes::default();
        assert!(sizes.mean(1).is_nan() && sizes.weighted().is_nan());
        assert_eq!((sizes.largest(), sizes.fit_range()), (0, None));
    }
}
