//! Sizes and radii of clusters, and the fractal dimension that they suggest.
//!
//! The fit is biased: at the threshold of a simple cubic lattice it gives 2.40, not 2.52. Differences mean something only at
//! equal range and equal distance from the threshold.

use deepdms_statistics::{Error, Merge, Stored, Stream};

/// Bins, each half an octave of sizes.
const BINS: usize = 64;
/// Fewest clusters of a bin that counts.
const FEWEST: u64 = 20;
/// Smallest size of the fit.
const SMALLEST: f64 = 30.0;
/// Largest radius of the fit, in units of the smallest height of the cell.
const LARGEST: f64 = 1.0 / 6.0;

/// Clusters that do not wrap, in half octaves of their sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct Radii {
    bins: [(u64, f64, f64); BINS],
}

impl Default for Radii {
    fn default() -> Self {
        Radii {
            bins: [(0, 0.0, 0.0); BINS],
        }
    }
}

/// A straight line through logarithms of bin means.
#[derive(Debug, Clone, PartialEq)]
pub struct Fractal {
    /// d_f in s ∝ Rg^d_f; NaN with fewer than two bins.
    pub dimension: f64,
    /// Smallest and largest mean size in the fit.
    pub range: (f64, f64),
    /// Mean size, mean radius, and slope to the next bin, of every bin in the fit.
    pub bins: Vec<(f64, f64, f64)>,
}

impl Radii {
    /// Takes a cluster of `size` atoms and radius of gyration `radius`, unless it wraps or is a single atom.
    pub fn add(&mut self, size: u32, radius: f64) {
        if size > 1 && radius.is_finite() {
            let bin = (2.0 * f64::from(size).log2()).floor() as usize;
            let bin = &mut self.bins[bin.min(BINS - 1)];
            bin.0 += 1;
            bin.1 += f64::from(size);
            bin.2 += radius;
        }
    }

    /// Number, mean size and mean radius of the clusters in each bin that has any.
    pub fn means(&self) -> impl Iterator<Item = (u64, f64, f64)> {
        self.bins
            .iter()
            .filter(|bin| bin.0 > 0)
            .map(|&(count, size, radius)| (count, size / count as f64, radius / count as f64))
    }

    /// The fit in a cell with the smallest height `height`.
    pub fn fit(&self, height: f64) -> Fractal {
        let points: Vec<(f64, f64)> = self
            .means()
            .filter(|&(count, size, radius)| {
                count >= FEWEST && size >= SMALLEST && radius <= LARGEST * height
            })
            .map(|(_, size, radius)| (size, radius))
            .collect();
        let n = points.len() as f64;
        let x = points.iter().map(|point| point.1.ln()).sum::<f64>() / n;
        let y = points.iter().map(|point| point.0.ln()).sum::<f64>() / n;
        let (mut above, mut below) = (0.0, 0.0);
        for (size, radius) in &points {
            above += (radius.ln() - x) * (size.ln() - y);
            below += (radius.ln() - x).powi(2);
        }
        let slope = |a: (f64, f64), b: (f64, f64)| (b.0 / a.0).ln() / (b.1 / a.1).ln();
        let end = |point: Option<&(f64, f64)>| point.map_or(f64::NAN, |point| point.0);
        Fractal {
            dimension: if points.len() < 2 {
                f64::NAN
            } else {
                above / below
            },
            range: (end(points.first()), end(points.last())),
            bins: (0..points.len())
                .map(|i| {
                    let next = points.get(i + 1);
                    let local = next.map_or(f64::NAN, |&next| slope(points[i], next));
                    (points[i].0, points[i].1, local)
                })
                .collect(),
        }
    }
}

impl Merge for Radii {
    fn merge(&mut self, later: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&later.bins) {
            bin.0 += more.0;
            bin.1 += more.1;
            bin.2 += more.2;
        }
    }
}

impl Stored for Radii {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        for (count, size, radius) in &mut self.bins {
            count.pass(stream)?;
            size.pass(stream)?;
            radius.pass(stream)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Radii;

    #[test]
    fn a_power_law_is_found_within_the_range() {
        let mut radii = Radii::default();
        for size in 2..4000u32 {
            for _ in 0..20 {
                radii.add(size, f64::from(size).powf(0.4));
            }
        }
        radii.add(1, 0.0);
        radii.add(100_000, f64::NAN);
        let fit = radii.fit(1e6);
        assert!((fit.dimension - 2.5).abs() < 0.01, "{}", fit.dimension);
        assert!(fit.range.0 >= 30.0 && fit.range.0 < 45.0);
        assert!(radii.fit(30.0).range.1 < 60.0);
        assert!(radii.fit(1.0).dimension.is_nan());
    }
}
