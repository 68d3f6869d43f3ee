//! Frame and atom parameters: numbers beside the positions that the energy depends on, such as a temperature.

use super::limits::MOST_PARAMETERS;

/// How many there are, how they are normalised, and what they are where nobody gives them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// What is subtracted.
    pub mean: Vec<f64>,
    /// What the difference is multiplied by.
    pub inverse_deviation: Vec<f64>,
    /// Values, before normalisation, of those that are not given.
    pub default: Option<Vec<f64>>,
}

impl Parameters {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.mean.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.mean.is_empty()
    }

    /// `(value - mean) / deviation` of each.
    pub fn normalised<'a>(&'a self, values: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        values
            .iter()
            .zip(&self.mean)
            .zip(&self.inverse_deviation)
            .map(|((value, mean), factor)| (value - mean) * factor)
    }

    /// Why they cannot be used, if so.
    pub(super) fn fault(&self) -> Option<String> {
        let n = self.len();
        let defaults = self.default.as_deref().unwrap_or_default();
        let lengths_fit =
            self.inverse_deviation.len() == n && (self.default.is_none() || defaults.len() == n);
        if !lengths_fit {
            return Some(format!(
                "{n} means, {} deviations and {} defaults do not belong together",
                self.inverse_deviation.len(),
                defaults.len()
            ));
        }
        if n > MOST_PARAMETERS {
            return Some(format!("{n} is not a possible number of parameters"));
        }
        if self.inverse_deviation.iter().any(|factor| *factor < 0.0) {
            return Some("a deviation is negative".to_owned());
        }
        let mut numbers = self
            .mean
            .iter()
            .chain(&self.inverse_deviation)
            .chain(defaults);
        numbers
            .any(|x| !x.is_finite())
            .then(|| "a mean, deviation or default is not finite".to_owned())
    }
}
