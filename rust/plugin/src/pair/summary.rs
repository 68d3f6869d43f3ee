//! Where the time of a run went, for the end of a run.

use super::Potential;
use crate::guard::{BridgeError, guard_sound};
use deepdms_potential::engine::times::Phase;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Rows of the table: copying the list, the phases of the engines, what is left.
const ROWS: usize = Phase::ALL.len() + 2;
/// What is told of approximations, behind the rows of the table.
const STEPS: usize = 6;

/// Time spent here, beside what the engines measure themselves.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// When the copy of a new neighbour list began that no step has used yet.
    list_began: Option<Instant>,
    lists: Duration,
    steps: Duration,
    /// Where the rows stood when the run began.
    base: [f64; ROWS],
    /// Where counts of atoms stood.
    counted: [f64; 2],
}

impl Clock {
    /// A new neighbour list comes.
    pub fn list_begins(&mut self) {
        self.list_began = Some(Instant::now());
    }

    /// A step begins.
    pub fn step_begins(&mut self) -> Instant {
        let now = Instant::now();
        if let Some(began) = self.list_began.take() {
            self.lists += now - began;
        }
        now
    }

    /// Part of a step that began at `began` is done.
    pub fn step_ends(&mut self, began: Instant) {
        self.steps += began.elapsed();
    }
}

impl Potential {
    /// Seconds of this rank since the start, by row.
    fn seconds(&self) -> [f64; ROWS] {
        let mut rows = [0.0; ROWS];
        rows[0] = self.clock.lists.as_secs_f64();
        // engines add up what their threads do at the same time
        let threads = self.settings.threads as f64;
        for engine in &self.engines {
            let phases = engine.times().seconds();
            for (row, seconds) in rows[1..].iter_mut().zip(phases) {
                *row += seconds / threads;
            }
        }
        let inside: f64 = rows[1..].iter().sum();
        rows[ROWS - 1] = self.clock.steps.as_secs_f64() - inside;
        rows
    }

    /// What happened up to now is not part of the run.
    pub(super) fn begin_run(&mut self) {
        self.clock.base = self.seconds();
        let steps = self.steps();
        self.clock.counted = [steps[3], steps[4]];
    }

    /// What approximations came to on this rank: knots, largest bound, rounding, atoms evaluated by networks and in double
    /// precision, engines that gave splines up.
    fn steps(&self) -> [f64; STEPS] {
        let mut all = [0.0f64; STEPS];
        for engine in &self.engines {
            let steps = engine.steps();
            all[0] = all[0].max(steps.knots as f64);
            all[1] = all[1].max(steps.bound);
            all[2] = all[2].max(steps.rounding);
            all[3] += steps.by_networks as f64;
            all[4] += steps.far as f64;
            all[5] += f64::from(u8::from(steps.given_up));
        }
        all
    }

    /// Seconds of this rank in the run that ends, by row of the table, and behind them what approximations came to; what follows
    /// belongs to the next run.
    pub(super) fn end_run(&mut self) -> Vec<f64> {
        let now = self.seconds();
        let base = std::mem::replace(&mut self.clock.base, now);
        let rows = now.iter().zip(base);
        let mut all: Vec<f64> = rows.map(|(now, base)| (now - base).max(0.0)).collect();
        let mut steps = self.steps();
        let counted = std::mem::replace(&mut self.clock.counted, [steps[3], steps[4]]);
        steps[3] -= counted[0];
        steps[4] -= counted[1];
        all.extend(steps);
        all
    }

    /// The summary of a run: a table of `least`, average and `most` seconds of each row on any of `ranks`, whose sum is
    /// `sum`, and what went beyond the range of the models. Empty where no time was spent.
    pub(super) fn summary(
        &self,
        least: &[f64],
        sum: &[f64],
        most: &[f64],
        ranks: i32,
    ) -> Result<String, BridgeError> {
        guard_sound("summary", || {
            if sum[..ROWS].iter().sum::<f64>() <= 0.0 {
                return String::new();
            }
            let embedding = if self.tabulated.iter().all(|&tabulated| tabulated) {
                "Table"
            } else {
                "Embedding"
            };
            let files = match self.models() {
                1 => self.file().to_owned(),
                n => format!("{} and {} more", self.file(), n - 1),
            };
            let mut text = format!("\nPair deepmd timing breakdown ({files}):\n");
            let rows = [least, sum, most].map(|rows| &rows[..ROWS]);
            text.push_str(&table(
                embedding,
                rows[0],
                rows[1],
                rows[2],
                f64::from(ranks),
            ));
            text.push('\n');
            if let Some(line) = approximations(&sum[ROWS..], &most[ROWS..]) {
                text.push_str(&line);
            }
            for line in self.counter_lines() {
                text.push_str(&line);
                text.push('\n');
            }
            text
        })
    }
}

/// What approximations came to, from the sums and maxima over ranks of [`Potential::steps`]; none without splines.
fn approximations(sum: &[f64], most: &[f64]) -> Option<String> {
    let [knots, bound, rounding, ..] = *most else {
        return None;
    };
    if knots == 0.0 && sum[5] == 0.0 {
        return None;
    }
    if sum[5] > 0.0 {
        return Some(
            "Splines did not keep the tolerance with any number of knots: networks as they are from some step on, see the tolerance of pair_style deepmd\n".to_owned(),
        );
    }
    let mut text = format!("Splines of up to {knots} knots: force error below {bound:.1e} eV/A");
    if rounding > 0.0 {
        let _ = write!(
            text,
            ", of single precision {rounding:.1e} eV/A as measured"
        );
    }
    for (count, what) in [
        (sum[3], "with the networks as they are"),
        (sum[4], "with the fitting network in double precision"),
    ] {
        if count > 0.0 {
            let _ = write!(text, "; {count} evaluations of an atom {what}");
        }
    }
    text.push('\n');
    Some(text)
}

/// Rows of seconds on `ranks`, in the form of LAMMPS' own table.
fn table(embedding: &str, least: &[f64], sum: &[f64], most: &[f64], ranks: f64) -> String {
    let names = [
        "Neighbours",
        "Environment",
        embedding,
        "Descriptor",
        "Fitting",
        "Force",
        "Other",
    ];
    let total: f64 = sum.iter().sum();
    let mut text = String::new();
    text.push_str("Section     |  min time  |  avg time  |  max time  | %total\n");
    text.push_str("-----------------------------------------------------------\n");
    for (k, name) in names.iter().enumerate() {
        let [least, average, most] = [least[k], sum[k] / ranks, most[k]].map(five_digits);
        let share = 100.0 * sum[k] / total;
        let _ = writeln!(
            text,
            "{name:<12}| {least:<10} | {average:<10} | {most:<10} |{share:6.2}"
        );
    }
    text
}

/// A number with five significant digits, as LAMMPS writes times.
fn five_digits(value: f64) -> String {
    if value < 1e-9 {
        return "0".to_owned();
    }
    let before_point = value.log10().floor() as i32 + 1;
    if before_point < -3 {
        let text = format!("{value:.4e}");
        return text.replace("e-", if before_point > -9 { "e-0" } else { "e-" });
    }
    let decimals = usize::try_from(5 - before_point).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{five_digits, table};

    #[test]
    fn averages_and_shares_are_those_of_all_ranks() {
        let least = [0.0, 1.0, 0.5, 0.0, 0.125, 0.25, 0.0];
        let most = [0.0, 3.0, 1.5, 0.0, 0.375, 0.25, 0.0];
        let sum = [0.0, 4.0, 2.0, 1.0, 0.5, 0.5, 0.0];
        let rows = [
            "Section     |  min time  |  avg time  |  max time  | %total",
            "-----------------------------------------------------------",
            "Neighbours  | 0          | 0          | 0          |  0.00",
            "Environment | 1          | 2          | 3          | 50.00",
            "Table       | 0.5        | 1          | 1.5        | 25.00",
            "Descriptor  | 0          | 0.5        | 0          | 12.50",
            "Fitting     | 0.125      | 0.25       | 0.375      |  6.25",
            "Force       | 0.25       | 0.25       | 0.25       |  6.25",
            "Other       | 0          | 0          | 0          |  0.00",
        ];
        let text = table("Table", &least, &sum, &most, 2.0);
        assert_eq!(text.lines().collect::<Vec<_>>(), rows);
    }

    #[test]
    fn times_have_five_digits() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (12.345_678, "12.346"),
            (0.001_234_567, "0.0012346"),
            (123_456.7, "123457"),
            (0.000_123_456_7, "0.00012346"),
            (2.5e-5, "2.5000e-05"),
        ];
        for (value, text) in cases {
            assert_eq!(five_digits(value), text);
        }
    }
}
