//! Thresholds of percolation: atoms are added one by one, bond by bond, until a cluster meets its own image.

use deepdms_statistics::Estimate;

use crate::disjoint::Disjoint;
use crate::pairs::Pairs;

/// Share of atoms at which clusters on a cubic torus wrap in any direction with the probability that they have at the
/// threshold of an infinite system: this quantile over windows is the threshold.
pub const QUANTILE: f64 = 0.460;

/// A threshold: how many atoms were there, and the displacement of the last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crossing {
    /// Share of the atoms that had been added, the last included.
    pub fraction: f64,
    /// The atom that was added last.
    pub last: u32,
}

impl Default for Crossing {
    fn default() -> Self {
        Crossing {
            fraction: f64::NAN,
            last: u32::MAX,
        }
    }
}

/// First wraps while atoms are added; NaN where there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Thresholds {
    /// In any direction.
    pub any: Crossing,
    /// With a component along A, B, C.
    pub along: [Crossing; 3],
    /// With components along every direction in which the cell repeats, of one cluster.
    pub all: Crossing,
    /// With as many independent wrapping vectors as there are such directions.
    pub full: Crossing,
}

impl Thresholds {
    /// Adds the atoms of `pairs` in this `order` until every threshold is found that a cell repeating where `periodic` has.
    /// `trees` is working space for as many nodes.
    pub fn by_addition(
        pairs: &Pairs,
        periodic: [bool; 3],
        order: impl Iterator<Item = u32>,
        trees: &mut Disjoint,
    ) -> Self {
        let mut thresholds = Thresholds::default();
        let directions = periodic.iter().filter(|flag| **flag).count();
        if directions == 0 {
            return thresholds;
        }
        trees.clear();
        let count = pairs.len() as f64;
        let mut found = [false; 6];
        for (added, i) in (1u32..).zip(order) {
            let place = pairs.place(i);
            trees.insert(place);
            for pair in pairs.row(place) {
                if !trees.contains(pair.index) {
                    continue;
                }
                let Some(root) = trees.unite(place, pair.index, pair.image()) else {
                    continue;
                };
                let crossing = Crossing {
                    fraction: f64::from(added) / count,
                    last: i,
                };
                let wrap = trees.wrap(root);
                let mut meet = |index: usize, holds: bool, threshold: &mut Crossing| {
                    if holds && !found[index] {
                        found[index] = true;
                        *threshold = crossing;
                    }
                };
                meet(0, wrap.rank() > 0, &mut thresholds.any);
                for (axis, flag) in wrap.flags().into_iter().enumerate() {
                    meet(1 + axis, flag, &mut thresholds.along[axis]);
                }
                let all = (0..3).all(|axis| wrap.flags()[axis] || !periodic[axis]);
                meet(4, all, &mut thresholds.all);
                meet(5, wrap.rank() == directions, &mut thresholds.full);
            }
            // the last of all, since it takes vectors with components along every direction
            if found[5] {
                break;
            }
        }
        thresholds
    }
}

/// The quantile `q` of `values`, linear between the ordered values, of which the k-th of n stands for (k − 1/2)/n; NaN
/// without values. Values that are NaN do not count.
pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut values: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = (q * values.len() as f64 - 0.5).clamp(0.0, last as f64);
    let low = place.floor() as usize;
    let high = (low + 1).min(last);
    values[low] + (place - low as f64) * (values[high] - values[low])
}

/// Where the wrapping probabilities `shares` at the temperatures, or any other parameter, `points` cross [`QUANTILE`]: the
/// first pair of neighbours on either side of it, interpolated linearly, with the error that `errors` of the shares give.
/// `None` where they do not cross it.
pub fn crossing(points: &[f64], shares: &[f64], errors: &[f64]) -> Option<Estimate> {
    (1..points.len()).find_map(|next| {
        let (low, high) = (shares[next - 1] - QUANTILE, shares[next] - QUANTILE);
        if low == high || low * high > 0.0 {
            return None;
        }
        let step = points[next] - points[next - 1];
        let width = (high - low).powi(2);
        Some(Estimate {
            value: points[next - 1] - low * step / (high - low),
            error: step.abs() / width * (high * errors[next - 1]).hypot(low * errors[next]),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{crossing, quantile};

    #[test]
    fn the_crossing_lies_between_two_temperatures() {
        let found = crossing(
            &[500.0, 520.0, 540.0],
            &[0.1, 0.36, 0.56],
            &[0.0, 0.02, 0.04],
        )
        .unwrap();
        assert!((found.value - 530.0).abs() < 1e-10);
        // both sides are 0.1 away: 20/0.04·√(0.002² + 0.004²)
        assert!((found.error - 500.0 * 0.002f64.hypot(0.004)).abs() < 1e-10);
        assert!(crossing(&[1.0, 2.0], &[0.5, 0.9], &[0.0; 2]).is_none());
    }

    #[test]
    fn quantiles_are_linear_between_ordered_values() {
        let values = [4.0, 1.0, f64::NAN, 3.0, 2.0];
        assert_eq!(quantile(&values, 0.5), 2.5);
        assert_eq!(quantile(&values, 0.125), 1.0);
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&values, 0.99), 4.0);
        assert!((quantile(&values, 0.46) - 2.34).abs() < 1e-14);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
