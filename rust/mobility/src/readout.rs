//! Results with their errors, as they leave the analysis.

use deepdms_statistics::{Estimate, Merge, Series};

use crate::analysis::Analysis;
use crate::diffusion::{Diffusion, diffusion};
use crate::moments::Moments;
use crate::percolation::{QUANTILE, quantile};
use crate::scalars::of_kind;
use crate::strings::Rule;
use crate::tally::Tally;

/// Elements of the global vector.
pub const VECTOR: usize = 28;

/// Columns of the global array before those of F_s.
pub const COLUMNS: usize = 20;

/// Ratio of heights from which the median stands for the threshold.
const UNEQUAL: f64 = 1.2;

/// Values that are only put in a row.
#[derive(Debug, Clone)]
struct Values(Vec<f64>);

impl Merge for Values {
    fn merge(&mut self, later: &Self) {
        self.0.extend(&later.0);
    }
}

/// Mean over windows and its error.
fn mean(series: &Series) -> Estimate {
    if series.count() == 0 {
        return Estimate::NONE;
    }
    Estimate {
        value: series.mean(),
        error: if series.count() < 2 {
            f64::NAN
        } else {
            series.error()
        },
    }
}

impl Analysis {
    /// The threshold of percolation from the first wraps `list` of the windows: their 0.46 quantile, or their median where
    /// the cell is far from a cube.
    pub fn threshold(&self, list: impl Fn(&Tally) -> &Vec<f64>) -> Estimate {
        let (_, ratio, _) = self.cell();
        let q = if ratio > UNEQUAL { 0.5 } else { QUANTILE };
        self.blocks().estimate(
            |tally| Values(list(tally).clone()),
            |values| quantile(&values.0, q),
        )
    }

    /// The same for fast atoms, 0, and slow, 1.
    pub fn threshold_of(&self, class: usize, which: usize) -> Estimate {
        self.threshold(|tally| &tally.clusters[class].fractions[which])
    }

    /// The threshold in random order.
    pub fn random_threshold(&self) -> Estimate {
        self.threshold(|tally| &tally.random)
    }

    /// Share of the windows with a cluster of fast atoms, `class` 0, or slow, 1, that wraps as number `which` of
    /// [`crate::tally::WRAPS`].
    pub fn wrapping(&self, class: usize, which: usize) -> Estimate {
        self.blocks().ratio(|tally| {
            [
                tally.clusters[class].wraps[which] as f64,
                tally.windows as f64,
            ]
        })
    }

    /// ρ_k of all atoms, kind 0, or a type: jumps that were undone `k` windows later.
    pub fn returned(&self, kind: usize, k: usize) -> Estimate {
        self.blocks().ratio(|tally| {
            let sums = &tally.kinds[kind];
            let events = sums.events.iter().sum::<u64>() as f64;
            match sums.returned(k) {
                ratio if ratio.is_finite() => [ratio * events, events],
                _ => [0.0, events],
            }
        })
    }

    /// What moments of all windows at lag `index` give. Windows of longer lags overlap, which blocks make up for.
    pub fn of_moments(
        &self,
        kind: usize,
        index: usize,
        estimate: impl Fn(&Moments) -> f64,
    ) -> Estimate {
        self.blocks().estimate(
            |tally| {
                tally.kinds[kind]
                    .lags
                    .get(index)
                    .cloned()
                    .unwrap_or_default()
            },
            estimate,
        )
    }

    /// Diffusion coefficients of all lags, and the error of the one at the largest.
    pub fn diffusion(&self, kind: usize) -> (Diffusion, Estimate) {
        let settings = self.settings();
        let time = |lag: u64| lag as f64 * settings.time;
        let dimension = settings.geometry.dimension;
        let known: Vec<(f64, f64)> = settings
            .lags
            .iter()
            .enumerate()
            .map(|(index, &lag)| {
                (
                    time(lag),
                    self.of_moments(kind, index, Moments::square).value,
                )
            })
            .filter(|(_, square)| square.is_finite())
            .collect();
        let (times, squares): (Vec<f64>, Vec<f64>) = known.into_iter().unzip();
        let found = diffusion(&times, &squares, dimension);
        let last = times.len().saturating_sub(1);
        let longest = times.last().copied().unwrap_or(f64::NAN);
        let largest = self.of_moments(kind, last, |moments| {
            moments.square() / (2.0 * dimension as f64 * longest)
        });
        (found, largest)
    }

    /// chi4 of all atoms or a type: N times the variance of the overlap over windows.
    pub fn susceptibility(&self, kind: usize) -> f64 {
        let overlap = self.series(&of_kind("q", kind));
        if overlap.count() < 2 {
            return f64::NAN;
        }
        self.atoms(kind) * overlap.variance()
    }

    /// Number of atoms of a type, or all.
    pub fn atoms(&self, kind: usize) -> f64 {
        let total = self.blocks().blocks().last();
        total.map_or(0.0, |tally| {
            tally.kinds[kind].atoms as f64 / tally.windows as f64
        })
    }

    /// The global vector; 0 for what is not defined.
    pub fn vector(&self) -> [f64; VECTOR] {
        let rule = self.settings().strings.unwrap_or(Rule::Donati);
        let of_rule = |name: &str| format!("{name}_{}", Rule::NAMES[rule as usize]);
        let share = self.series(&of_rule("string_share"));
        let long = self.series(&of_rule("long_share"));
        let f = mean(&self.series("f_all"));
        let c = mean(&self.series("c_all"));
        let spread = |series: &Series| series.variance().sqrt();
        let sums = |part: fn(&crate::tally::StringSums) -> f64| {
            let blocks = self.blocks().blocks();
            let parts = blocks
                .iter()
                .map(|tally| part(&tally.strings[rule as usize]));
            parts.sum::<f64>()
        };
        let chain = self.blocks().ratio(|tally| {
            let chain = &tally.strings[Rule::Chain as usize];
            [chain.ring_atoms as f64, chain.atoms as f64]
        });
        let length = self.blocks().ratio(|tally| {
            let sizes = &tally.strings[rule as usize].sizes;
            [sizes.sum(2, 1), sizes.sum(2, 0)]
        });
        let longest = self
            .blocks()
            .blocks()
            .iter()
            .map(|tally| tally.strings[rule as usize].sizes.largest())
            .max();
        let returned = if self.settings().returns > 0 {
            self.returned(0, 1).value
        } else {
            f64::NAN
        };
        let (fast, slow) = (self.threshold_of(0, 0), self.threshold_of(1, 0));
        let value = |name: &str| mean(&self.series(name)).value;
        let vector = [
            self.blocks().samples() as f64,
            self.last("n_fast"),
            self.last(&of_rule("n_str")),
            self.last(&of_rule("n_long")),
            f.value,
            f.error,
            c.value,
            mean(&share).value,
            spread(&share),
            mean(&share).error,
            mean(&long).value,
            spread(&long),
            mean(&long).error,
            length.value,
            chain.value,
            longest.unwrap_or(0) as f64,
            value(&of_rule("shuffled_string_share")),
            sums(|strings| strings.wrapped as f64),
            returned,
            fast.value,
            fast.error,
            slow.value,
            slow.error,
            self.random_threshold().value,
            value("largest_share_fast"),
            self.wrapping(0, 0).value,
            value("largest_share_slow"),
            self.wrapping(1, 0).value,
        ];
        vector.map(finite)
    }

    /// Columns of the global array.
    pub fn columns(&self) -> usize {
        COLUMNS + 2 * self.settings().waves.len()
    }

    /// Row `kind` of the global array, 0 all atoms, then the types; 0 for what is not defined.
    pub fn row(&self, kind: usize) -> Vec<f64> {
        let of = |name: &str| mean(&self.series(&of_kind(name, kind)));
        let dimension = self.settings().geometry.dimension;
        let minimum = self.frozen().map(|frozen| match kind {
            0 => frozen.all,
            _ => frozen.minima[kind - 1],
        });
        let of_minimum =
            |part: fn(&crate::minimum::Minimum) -> f64| minimum.as_ref().map_or(0.0, part);
        let msd = of("msd");
        let alpha2 = self.of_moments(kind, 0, |moments| moments.alpha2(dimension));
        let (f, c, b) = (of("f"), of("c"), of("b"));
        let (_, largest) = self.diffusion(kind);
        let returned = if self.settings().returns > 0 {
            self.returned(kind, 1)
        } else {
            Estimate::NONE
        };
        let mut row = vec![
            self.atoms(kind),
            msd.value,
            msd.error,
            alpha2.value,
            alpha2.error,
            of_minimum(|minimum| minimum.u_min),
            of_minimum(|minimum| minimum.error),
            of_minimum(|minimum| minimum.u_out),
            f.value,
            f.error,
            c.value,
            c.error,
            b.value,
            b.error,
            of("q").value,
            self.susceptibility(kind),
            largest.value,
            largest.error,
            returned.value,
            returned.error,
        ];
        for number in 1..=self.settings().waves.len() {
            let wave = of(&format!("fs{number}"));
            row.extend([wave.value, wave.error]);
        }
        row.into_iter().map(finite).collect()
    }
}

/// The value, or 0 where there is none; a missing upper end of the jump region stays infinite.
fn finite(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value }
}
