//! Distribution of displacements.

use deepdms_statistics::{Error, Merge, Stored, Stream};

/// Bin in units of r_nn.
pub const BIN: f64 = 0.008;
/// Range in units of r_nn.
pub const RANGE: f64 = 2.0;

/// Counts of displacements in bins of equal width from zero, and of those beyond.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    width: f64,
    counts: Vec<u64>,
    overflow: u64,
}

impl Histogram {
    /// An empty histogram at the neighbour distance `r_nn`.
    pub fn new(r_nn: f64) -> Self {
        Histogram {
            width: BIN * r_nn,
            counts: vec![0; (RANGE / BIN).round() as usize],
            overflow: 0,
        }
    }

    /// Counts one displacement.
    #[inline]
    pub fn add(&mut self, u: f64) {
        match self.counts.get_mut((u / self.width) as usize) {
            Some(count) => *count += 1,
            None => self.overflow += 1,
        }
    }

    /// Width of a bin [length].
    pub fn width(&self) -> f64 {
        self.width
    }

    /// The counts.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Displacements beyond the last bin.
    pub fn overflow(&self) -> u64 {
        self.overflow
    }

    /// All displacements.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.overflow
    }

    /// The density p(u) [1/length] in the middle of each bin, smoothed by a Gaussian of width `smoothing` [length] that is
    /// reflected at zero. It integrates to the share of displacements within the range.
    pub fn density(&self, smoothing: f64) -> Vec<f64> {
        let norm = 1.0 / (self.total().max(1) as f64 * self.width);
        let density: Vec<f64> = self
            .counts
            .iter()
            .map(|&count| count as f64 * norm)
            .collect();
        smoothed(&density, smoothing / self.width)
    }
}

impl Merge for Histogram {
    fn merge(&mut self, later: &Self) {
        if self.counts.is_empty() {
            *self = later.clone();
            return;
        }
        for (count, more) in self.counts.iter_mut().zip(&later.counts) {
            *count += more;
        }
        self.overflow += later.overflow;
    }
}

impl Stored for Histogram {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.width.pass(stream)?;
        self.counts.pass(stream)?;
        self.overflow.pass(stream)
    }
}

/// `values` convolved with a Gaussian of `width` bins, reflected at the lower end; beyond the upper end there is nothing.
/// The kernel reaches as far as six widths.
pub fn smoothed(values: &[f64], width: f64) -> Vec<f64> {
    let reach = (6.0 * width).ceil() as usize;
    let kernel: Vec<f64> = (0..=reach)
        .map(|bin| (-0.5 * (bin as f64 / width).powi(2)).exp())
        .collect();
    let norm = kernel[0] + 2.0 * kernel[1..].iter().sum::<f64>();
    (0..values.len())
        .map(|bin| {
            let low = bin as i64 - reach as i64;
            let sum: f64 = (low..=(bin + reach).min(values.len() - 1) as i64)
                .map(|other| {
                    // bin −1 is the mirror of bin 0
                    let source = if other < 0 { -1 - other } else { other } as usize;
                    let weight = kernel[(other - bin as i64).unsigned_abs() as usize];
                    values.get(source).map_or(0.0, |value| weight * value)
                })
                .sum();
            sum / norm
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Histogram, smoothed};
    use deepdms_statistics::Merge;

    #[test]
    fn smoothing_keeps_the_area_also_at_zero() {
        let mut values = vec![0.0; 200];
        values[1] = 2.0;
        values[90] = 3.0;
        let smooth = smoothed(&values, 3.75);
        assert!((smooth.iter().sum::<f64>() - 5.0).abs() < 1e-12);
        assert!(smooth[0] > smooth[4]);
    }

    #[test]
    fn counts_add_up() {
        let mut first = Histogram::new(2.5);
        let mut second = first.clone();
        for u in [0.0, 0.019999, 0.02, 4.9999] {
            first.add(u);
        }
        second.add(5.0);
        second.add(100.0);
        first.merge(&second);
        assert_eq!(first.counts()[..2], [2, 1]);
        assert_eq!((first.overflow(), first.total()), (2, 6));
        assert_eq!(first.counts()[249], 1);
    }
}
