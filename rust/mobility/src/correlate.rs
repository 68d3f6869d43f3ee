//! Whether the atoms that jump are those that dissipate.
//!
//! W is the energy that an atom dissipates in a period, with its standard error, and J the number of windows in which it
//! jumped. Single atoms are noisy: where the reliability 1 − mean(SE²)/var(W) is low, W averaged over neighbours is to be used.

use deepdms_statistics::{Error, Estimate};

use crate::random::Random;

/// Reliability of W below which averages over neighbours are to be used.
pub const RELIABLE: f64 = 0.2;

/// What an atom did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// It never jumped.
    Never,
    /// It jumped, and each time came back.
    Returned,
    /// It jumped for good.
    ForGood,
    /// It was in a long string.
    InLongString,
}

impl History {
    /// Names, in the order of the variants.
    pub const NAMES: [&str; 4] = [
        "never jumped",
        "jumped and returned",
        "jumped for good",
        "in long strings",
    ];

    /// The history of an atom that jumped in `jumps` windows, `for_good` times without coming back, and was in long strings in
    /// `long` windows.
    pub fn of(jumps: u64, for_good: u64, long: u64) -> Self {
        match (jumps, for_good, long) {
            (_, _, 1..) => History::InLongString,
            (0, _, _) => History::Never,
            (_, 0, _) => History::Returned,
            _ => History::ForGood,
        }
    }
}

/// Mean W of the atoms with one history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// Number of atoms.
    pub count: u64,
    /// Mean of W, with the standard error of the scatter over atoms; NaN without atoms.
    pub mean: Estimate,
    /// (ΣW here/ΣW of all)/(share of the atoms); NaN without atoms.
    pub enrichment: f64,
}

/// Ranks from 1; equal values share the mean of theirs.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let value = values[order[first]];
        let last = (first..order.len())
            .take_while(|&place| values[order[place]] == value)
            .last()
            .unwrap_or(first);
        let mean = 0.5 * (first + last) as f64 + 1.0;
        order[first..=last]
            .iter()
            .for_each(|&index| ranks[index] = mean);
        first = last + 1;
    }
    ranks
}

/// Spearman's rank correlation; NaN where one of both is constant.
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    pearson(&ranks(a), &ranks(b))
}

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (x, y) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        xx += (a - x).powi(2);
        yy += (b - y).powi(2);
        xy += (a - x) * (b - y);
    }
    xy / (xx * yy).sqrt()
}

/// Share of the variance of `values` that their standard `errors` do not explain.
pub fn reliability(values: &[f64], errors: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / (n - 1.0);
    1.0 - errors.iter().map(|error| error * error).sum::<f64>() / n / variance
}

/// Mean of `values` over each atom and its `neighbours`.
pub fn averaged<'a, I: Iterator<Item = usize>>(
    values: &'a [f64],
    neighbours: impl Fn(usize) -> I + 'a,
) -> impl Iterator<Item = f64> + 'a {
    (0..values.len()).map(move |i| {
        let (sum, count) = neighbours(i).fold((values[i], 1.0), |(sum, count), j| {
            (sum + values[j], count + 1.0)
        });
        sum / count
    })
}

/// Rank correlation of W with the jumps of each atom in blocks of windows, `jumps` [blocks][atoms], summed over blocks. The
/// error comes from `draws` draws of as many blocks with replacement, W being fixed; NaN with a single block.
pub fn correlation(
    losses: &[f64],
    jumps: &[Vec<f64>],
    draws: u64,
    seed: u64,
) -> Result<Estimate, Error> {
    if let Some(block) = jumps.iter().find(|block| block.len() != losses.len()) {
        return Err(Error::new(format!(
            "{} atoms have a loss and {} have jumps: give both for the same atoms",
            losses.len(),
            block.len()
        )));
    }
    let order = ranks(losses);
    let add = |blocks: &mut dyn Iterator<Item = usize>| {
        let mut sums = vec![0.0; losses.len()];
        for block in blocks {
            sums.iter_mut()
                .zip(&jumps[block])
                .for_each(|(sum, more)| *sum += more);
        }
        pearson(&order, &ranks(&sums))
    };
    let count = jumps.len();
    let value = add(&mut (0..count));
    if count < 2 || draws < 2 {
        return Ok(Estimate {
            value,
            error: f64::NAN,
        });
    }
    let found: Vec<f64> = (0..draws)
        .map(|draw| {
            let mut random = Random::new(seed, draw, 0);
            add(&mut (0..count).map(|_| random.below(count)))
        })
        .filter(|value| value.is_finite())
        .collect();
    let n = found.len() as f64;
    let mean = found.iter().sum::<f64>() / n;
    let squares: f64 = found.iter().map(|value| (value - mean).powi(2)).sum();
    Ok(Estimate {
        value,
        error: (squares / (n - 1.0)).sqrt(),
    })
}

/// W of the atoms of each history, in the order of [`History::NAMES`].
pub fn groups(losses: &[f64], histories: &[History]) -> [Group; 4] {
    let total: f64 = losses.iter().sum();
    std::array::from_fn(|which| {
        let own: Vec<f64> = losses
            .iter()
            .zip(histories)
            .filter(|(_, history)| **history as usize == which)
            .map(|(loss, _)| *loss)
            .collect();
        let n = own.len() as f64;
        let sum: f64 = own.iter().sum();
        let mean = sum / n;
        let squares: f64 = own.iter().map(|loss| (loss - mean).powi(2)).sum();
        Group {
            count: own.len() as u64,
            mean: Estimate {
                value: mean,
                error: (squares / (n * (n - 1.0))).sqrt(),
            },
            enrichment: sum / total / (n / losses.len() as f64),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{History, averaged, correlation, groups, ranks, reliability, spearman};
    use crate::random::Random;

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
    }

    #[test]
    fn a_loss_that_is_the_number_of_jumps_correlates_fully() {
        let jumps: Vec<Vec<f64>> = (0..5)
            .map(|block| {
                (0..40)
                    .map(|atom| f64::from((atom * 7 + block) % 4))
                    .collect()
            })
            .collect();
        let sums: Vec<f64> = (0..40)
            .map(|atom| jumps.iter().map(|block| block[atom]).sum())
            .collect();
        let found = correlation(&sums, &jumps, 200, 1).unwrap();
        assert!((found.value - 1.0).abs() < 1e-14);
        let same = vec![sums.clone(); 3];
        assert!(correlation(&sums, &same, 200, 1).unwrap().error < 1e-14);
        assert!(
            correlation(&sums, &same[..1], 200, 1)
                .unwrap()
                .error
                .is_nan()
        );
        let negative: Vec<f64> = sums.iter().map(|sum| -sum).collect();
        assert!((spearman(&negative, &sums) + 1.0).abs() < 1e-14);
    }

    #[test]
    fn an_independent_loss_does_not_correlate() {
        let mut random = Random::new(7, 0, 0);
        let atoms = 4000;
        let losses: Vec<f64> = (0..atoms).map(|_| random.unit()).collect();
        let jumps: Vec<Vec<f64>> = (0..20)
            .map(|_| (0..atoms).map(|_| f64::from(random.unit() < 0.1)).collect())
            .collect();
        let found = correlation(&losses, &jumps, 200, 1).unwrap();
        // under independence the standard error is 1/√(n − 1)
        assert!(found.value.abs() < 3.0 / (f64::from(atoms) - 1.0).sqrt());
        assert!(found.error > 0.5 / f64::from(atoms).sqrt());
    }

    #[test]
    fn histories_and_their_enrichment() {
        assert_eq!(History::of(0, 0, 0), History::Never);
        assert_eq!(History::of(3, 0, 0), History::Returned);
        assert_eq!(History::of(3, 1, 0), History::ForGood);
        assert_eq!(History::of(3, 1, 2), History::InLongString);
        let histories = [
            History::Never,
            History::Never,
            History::ForGood,
            History::ForGood,
        ];
        let [never, returned, good, _] = groups(&[1.0, 1.0, 2.0, 4.0], &histories);
        assert_eq!((never.count, returned.count, good.count), (2, 0, 2));
        assert_eq!((never.enrichment, good.enrichment), (0.5, 1.5));
        assert_eq!((good.mean.value, good.mean.error), (3.0, 1.0));
        assert!(returned.mean.value.is_nan());
    }

    #[test]
    fn reliability_is_the_share_that_is_no_noise() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert!((reliability(&values, &[0.5; 4]) - (1.0 - 0.25 / (5.0 / 3.0))).abs() < 1e-14);
        let row = |i: usize| [i.wrapping_sub(1), i + 1].into_iter().filter(|j| *j < 4);
        let means: Vec<f64> = averaged(&values, row).collect();
        assert_eq!(means, [1.5, 2.0, 3.0, 3.5]);
    }

    #[test]
    fn different_numbers_of_atoms_are_refused() {
        assert_eq!(
            correlation(&[1.0, 2.0], &[vec![1.0]], 10, 1)
                .unwrap_err()
                .to_string(),
            "2 atoms have a loss and 1 have jumps: give both for the same atoms"
        );
    }
}
