//! Exact phase. Time is a whole number of steps j since the start; cycle and step within the cycle are its quotient and
//! remainder by N_p, and angles are reduced as integers before they become reals. No running angle is kept, so the
//! phase is as exact after 10⁶ cycles as in the first.

use std::f64::consts::FRAC_PI_2;

/// sin and cos of 2π·`part`/`whole`, exact at the multiples of a quarter turn. `whole` is not zero.
#[inline]
pub fn sin_cos_turn(part: u64, whole: u64) -> (f64, f64) {
    let part = u128::from(part % whole);
    let whole = u128::from(whole);
    let quarter = 4 * part / whole;
    let rest = 4 * part - quarter * whole;
    let (sin, cos) = (FRAC_PI_2 * (rest as f64 / whole as f64)).sin_cos();
    match quarter {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// Remainder of `factor`·`step` by `period`, without overflow.
#[inline]
pub fn reduced(factor: u64, step: u64, period: u64) -> u64 {
    (u128::from(factor) * u128::from(step) % u128::from(period)) as u64
}

/// A moment: complete cycles since the start, and steps into the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Complete cycles.
    pub cycle: u64,
    /// Steps into the present cycle, below N_p.
    pub step: u64,
}

impl Moment {
    /// The moment `elapsed` steps after the start, with `period` steps a cycle.
    #[inline]
    pub fn new(elapsed: u64, period: u64) -> Self {
        Moment {
            cycle: elapsed / period,
            step: elapsed % period,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, reduced, sin_cos_turn};

    #[test]
    fn quarter_turns_are_exact() {
        let period = 10_000_000;
        let turns = [
            (0, (0.0, 1.0)),
            (1, (1.0, 0.0)),
            (2, (0.0, -1.0)),
            (3, (-1.0, 0.0)),
            (4, (0.0, 1.0)),
        ];
        for (quarter, (sin, cos)) in turns {
            let (s, c) = sin_cos_turn(quarter * period / 4, period);
            assert_eq!((s + 0.0, c + 0.0), (sin, cos), "{quarter} quarters");
        }
    }

    #[test]
    fn agrees_with_the_plain_formula() {
        for whole in [3u64, 7, 32, 400, 9973] {
            for part in 0..whole {
                let (sin, cos) = sin_cos_turn(part, whole);
                let angle = std::f64::consts::TAU * part as f64 / whole as f64;
                assert!((sin - angle.sin()).abs() < 2e-15 && (cos - angle.cos()).abs() < 2e-15);
            }
        }
    }

    #[test]
    fn the_phase_after_a_million_cycles_is_that_of_the_first() {
        let period = 10;
        for cycle in [0u64, 1, 999_999, 1_000_000] {
            for step in 0..period {
                let moment = Moment::new(cycle * period + step, period);
                assert_eq!(moment, Moment { cycle, step });
                let (sin, _) = sin_cos_turn(moment.step, period);
                let exact = (std::f64::consts::TAU * step as f64 / 10.0).sin();
                assert!((sin - exact).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn products_beyond_64_bits_are_reduced_exactly() {
        let period = 50_000_000_000_000_001;
        assert_eq!(reduced(1_000_003, period - 1, period), period - 1_000_003);
    }
}
