//! Compensated summation.

use crate::error::Error;
use crate::state::{Stored, Stream};

/// A running sum with Neumaier's correction term: the error does not grow with the number of terms.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sum {
    value: f64,
    lost: f64,
}

impl Sum {
    /// Adds one term.
    #[inline]
    pub fn add(&mut self, term: f64) {
        let total = self.value + term;
        self.lost += if self.value.abs() >= term.abs() {
            (self.value - total) + term
        } else {
            (term - total) + self.value
        };
        self.value = total;
    }

    /// The corrected sum.
    #[inline]
    pub fn total(&self) -> f64 {
        self.value + self.lost
    }
}

impl Stored for Sum {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        stream.pass_real(&mut self.value)?;
        stream.pass_real(&mut self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::Sum;

    #[test]
    fn small_terms_survive_between_large_ones() {
        let mut sum = Sum::default();
        for term in [1.0, 1e100, 1.0, -1e100] {
            sum.add(term);
        }
        assert_eq!(sum.total(), 2.0);
    }

    #[test]
    fn ten_million_tenths_are_a_million() {
        let mut sum = Sum::default();
        for _ in 0..10_000_000 {
            sum.add(0.1);
        }
        // 10⁷ times the double nearest to 0.1 is 10⁶ + 5.55e-11, below half an ulp of 10⁶.
        assert_eq!(sum.total(), 1_000_000.0);
    }
}
