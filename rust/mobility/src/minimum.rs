//! The minimum between vibration and hops in the distribution of displacements.
//!
//! p(u) = 4π u² G_s(u), not the self van Hove function G_s itself, whose minimum lies elsewhere. Where hops are rare the
//! minimum is shallow and its place ill-defined, while the share of atoms beyond it is not: the estimate therefore comes
//! with an interval and a bound on what it misclassifies.

use deepdms_statistics::{Error, Stored, Stream, jackknife};
use std::f64::consts::PI;

use crate::histogram::Histogram;

/// Width of the smoothing, in units of r_nn.
const SMOOTHING: f64 = 0.03;
/// ∫ K² of a Gaussian kernel of unit width, 1/(2√π).
const ROUGHNESS: f64 = 0.282_094_791_773_878_14;
/// Standard errors by which a peak must rise above the minimum before it.
const SIGNIFICANCE: f64 = 4.0;

/// The threshold between vibration and jump.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Minimum {
    /// The threshold u_min [length].
    pub u_min: f64,
    /// Interval in which p(u) is as low as at the minimum [length]; of no extent for a fallback or a given value.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Standard errors by which the second peak rises above the minimum; NaN where no place for one was found.
    pub significance: f64,
    /// Standard error of u_min [length].
    pub error: f64,
    /// End of the jump region, infinite where p(u) has no second minimum [length].
    pub u_out: f64,
    /// Bound on the share of displacements that are on the wrong side, p(u_min)·(high − low).
    pub misclassified: f64,
    /// Whether there was no significant minimum, so that u_min is half the neighbour distance.
    pub fallback: bool,
}

/// Peak, minimum and peak of a density, as bins.
struct Dip {
    minimum: usize,
    peak: usize,
    significance: f64,
    accepted: bool,
}

/// Looks for the lowest bin in (`from`, `to`] and the highest in (that, `end`], for n displacements.
fn dip(p: &[f64], from: usize, to: usize, end: usize, margin: usize, noise: f64) -> Option<Dip> {
    let bins = |low: usize, high: usize| low + 1..=high.min(p.len() - 1);
    let minimum = bins(from, to).reduce(|best, bin| if p[bin] < p[best] { bin } else { best })?;
    let peak = bins(minimum, end).reduce(|best, bin| if p[bin] > p[best] { bin } else { best })?;
    let spread = (ROUGHNESS * (p[peak] + p[minimum]) * noise).sqrt();
    let significance = if spread > 0.0 {
        (p[peak] - p[minimum]) / spread
    } else {
        0.0
    };
    let inside = |bin: usize, low: usize, high: usize| bin > low + margin && bin + margin < high;
    Some(Dip {
        minimum,
        peak,
        significance,
        accepted: significance > SIGNIFICANCE
            && inside(minimum, from, to)
            && inside(peak, minimum, end),
    })
}

impl Minimum {
    /// A threshold that is given.
    pub fn given(u_min: f64) -> Self {
        Minimum {
            u_min,
            low: u_min,
            high: u_min,
            significance: f64::NAN,
            u_out: f64::INFINITY,
            ..Minimum::default()
        }
    }

    /// The minimum of the distribution in `histogram` at the neighbour distance `r_nn`.
    pub fn find(histogram: &Histogram, r_nn: f64) -> Self {
        let width = SMOOTHING * r_nn;
        let p = histogram.density(width);
        let bin = |fraction: f64| (fraction * r_nn / histogram.width()).round() as usize;
        let middle = |bin: usize| (bin as f64 + 0.5) * histogram.width();
        let margin = bin(SMOOTHING);
        let noise = 1.0 / (histogram.total().max(1) as f64 * width);
        let mut fallback = Minimum {
            significance: f64::NAN,
            fallback: true,
            ..Minimum::given(0.5 * r_nn)
        };
        let half = bin(0.5);
        let vibration = (0..half).fold(0, |best, bin| if p[bin] > p[best] { bin } else { best });
        let Some(first) = dip(&p, vibration, bin(1.0), bin(1.5), margin, noise) else {
            return fallback;
        };
        fallback.significance = first.significance;
        if !first.accepted || vibration <= margin || vibration + margin >= half {
            return fallback;
        }
        let level = (1.5 * p[first.minimum]).max(noise);
        let below = |bin: &usize| p[*bin] <= level;
        let low = (0..=first.minimum).rev().take_while(below).last();
        let high = (first.minimum..p.len()).take_while(below).last();
        let (low, high) = (
            middle(low.unwrap_or(first.minimum)),
            middle(high.unwrap_or(first.minimum)),
        );
        let second = dip(&p, first.peak, bin(1.75), p.len() - 1, margin, noise)
            .filter(|second| second.accepted);
        let u_min = 0.5 * (low + high);
        let here = ((u_min / histogram.width()) as usize).min(p.len() - 1);
        Minimum {
            u_min,
            low,
            high,
            significance: first.significance,
            error: (high - low) / 12.0f64.sqrt(),
            u_out: second.map_or(f64::INFINITY, |second| middle(second.minimum)),
            misclassified: p[here] * (high - low),
            fallback: false,
        }
    }

    /// The same for the sum of histograms of windows, with the error of a delete-one-window jackknife where that is larger.
    pub fn of_windows(windows: &[Histogram], r_nn: f64) -> Self {
        let weights = vec![1; windows.len()];
        let Some((first, rest)) = windows.split_first() else {
            return Minimum {
                fallback: true,
                ..Minimum::given(0.5 * r_nn)
            };
        };
        let mut total = first.clone();
        rest.iter()
            .for_each(|window| deepdms_statistics::Merge::merge(&mut total, window));
        let mut minimum = Minimum::find(&total, r_nn);
        if !minimum.fallback {
            let scatter = jackknife(windows, &weights, |sum| Minimum::find(sum, r_nn).u_min);
            minimum.error = minimum.error.max(scatter.error);
        }
        minimum
    }

    /// The outermost crossing of p(u) with the distribution of a Gaussian process of the same mean squared displacement
    /// `square`, as far out as that leads one to expect a displacement at all. Falls back where there is no crossing.
    pub fn gaussian(histogram: &Histogram, square: f64, dimension: usize, r_nn: f64) -> Self {
        let p = histogram.density(SMOOTHING * r_nn);
        let middle = |bin: usize| (bin as f64 + 0.5) * histogram.width();
        let expected = |bin: usize| {
            let u = middle(bin);
            match dimension {
                2 => 2.0 * u / square * (-u * u / square).exp(),
                _ => {
                    let norm = (3.0 / (2.0 * PI * square)).powf(1.5);
                    4.0 * PI * u * u * norm * (-1.5 * u * u / square).exp()
                }
            }
        };
        let seen = histogram.total() as f64 * SMOOTHING * r_nn;
        let crossing = (1..p.len())
            .rev()
            .filter(|&bin| expected(bin) * seen >= 1.0)
            .find(|&bin| p[bin] > expected(bin) && p[bin - 1] <= expected(bin - 1));
        match crossing {
            Some(bin) if square > 0.0 => {
                let u_min = 0.5 * (middle(bin) + middle(bin - 1));
                Minimum {
                    error: histogram.width() / 12.0f64.sqrt(),
                    ..Minimum::given(u_min)
                }
            }
            _ => Minimum {
                fallback: true,
                ..Minimum::given(0.5 * r_nn)
            },
        }
    }
}

impl Stored for Minimum {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        for value in [
            &mut self.u_min,
            &mut self.low,
            &mut self.high,
            &mut self.significance,
            &mut self.error,
            &mut self.u_out,
            &mut self.misclassified,
        ] {
            stream.pass_real(value)?;
        }
        self.fallback.pass(stream)
    }
}
