//! Several strain frequencies at once: sinusoids of whole multiples of one base frequency.

use std::f64::consts::{PI, TAU};

use crate::error::Error;

/// Most tones that are accepted.
pub const MOST_TONES: usize = 8;

/// The tones that are asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Tones {
    /// The base frequency alone.
    #[default]
    One,
    /// These.
    List(Vec<ToneRequest>),
    /// This many, chosen by [`automatic`].
    Automatic(usize),
}

/// One tone of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToneRequest {
    /// Periods in one base period, h.
    pub multiple: u64,
    /// Amplitude over that of the command, w.
    pub weight: f64,
    /// Phase [degrees].
    pub phase: f64,
}

/// One sinusoid of the strain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tone {
    /// Periods in one base period, h.
    pub multiple: u64,
    /// Amplitude of the strain.
    pub amplitude: f64,
    /// Phase [rad].
    pub phase: f64,
}

impl Tone {
    /// The tone at `angle` [rad] of the base frequency.
    fn at(&self, angle: f64) -> f64 {
        self.amplitude * (self.multiple as f64 * angle + self.phase).sin()
    }
}

/// The tones of `requests`, their weights times `amplitude`. Fails where a number cannot be a tone.
pub fn listed(requests: &[ToneRequest], amplitude: f64) -> Result<Vec<Tone>, Error> {
    if requests.is_empty() || requests.len() > MOST_TONES {
        return Err(Error::new(format!(
            "tones {}: between 1 and {MOST_TONES} tones are possible",
            requests.len()
        )));
    }
    let mut tones: Vec<Tone> = Vec::new();
    for request in requests {
        let h = request.multiple;
        if h == 0 {
            return Err(Error::new(
                "tones: a tone with 0 periods per base period does not oscillate, use 1 or more",
            ));
        }
        if tones.iter().any(|tone| tone.multiple == h) {
            return Err(Error::new(format!(
                "tones: two tones have {h} periods per base period, each needs its own frequency"
            )));
        }
        if !(request.weight > 0.0 && request.weight.is_finite() && request.phase.is_finite()) {
            return Err(Error::new(format!(
                "tones: the tone with {h} periods per base period has weight {} and phase {}: the weight must be \
                 positive, and the phase a number of degrees",
                request.weight, request.phase
            )));
        }
        tones.push(Tone {
            multiple: h,
            amplitude: request.weight * amplitude,
            phase: request.phase.to_radians(),
        });
    }
    Ok(tones)
}

/// `count` tones whose strain reaches `peak` and starts at zero: odd multiples of which no third-order combination falls
/// on another, amplitudes as h^(−1/2), which gives all the same error, and phases that keep the peak low: Schroeder's,
/// φ_k = −πk(k − 1)/K, turned one by one as long as that lowers the peak.
pub fn automatic(count: usize, peak: f64) -> Result<Vec<Tone>, Error> {
    if count == 0 || count > MOST_TONES {
        return Err(Error::new(format!(
            "tones/auto {count}: between 1 and {MOST_TONES} tones are possible"
        )));
    }
    let mut tones: Vec<Tone> = multiples(count)
        .into_iter()
        .enumerate()
        .map(|(index, multiple)| Tone {
            multiple,
            amplitude: (multiple as f64).sqrt().recip(),
            phase: -PI * (index * (index + 1)) as f64 / count as f64,
        })
        .collect();
    lower_peak(&mut tones);
    let scale = peak / extreme(&tones);
    let shift = rising_zero(&tones);
    for tone in &mut tones {
        tone.amplitude *= scale;
        tone.phase = (tone.phase + tone.multiple as f64 * shift).rem_euclid(TAU);
    }
    Ok(tones)
}

/// Turns the phases one by one, by sixteenths of a turn, to where the peak is lowest.
fn lower_peak(tones: &mut [Tone]) {
    let mut lowest = highest_of(tones, 16).1;
    for index in (1..tones.len()).cycle().take(3 * (tones.len() - 1)) {
        let kept = tones[index].phase;
        let mut best = kept;
        for turn in 1..16 {
            tones[index].phase = kept + TAU * f64::from(turn) / 16.0;
            let peak = highest_of(tones, 16).1;
            if peak < lowest {
                (lowest, best) = (peak, tones[index].phase);
            }
        }
        tones[index].phase = best;
    }
}

/// Angle and size of the largest |strain| on a grid of `points` points in a period of the fastest tone.
fn highest_of(tones: &[Tone], points: u64) -> (f64, f64) {
    let fastest = tones.iter().map(|tone| tone.multiple).max().unwrap_or(1);
    let width = TAU / (points * fastest) as f64;
    let mut best = (0.0, 0.0);
    for point in 0..points * fastest {
        let angle = point as f64 * width;
        let size = tones.iter().map(|tone| tone.at(angle)).sum::<f64>().abs();
        if size > best.1 {
            best = (angle, size);
        }
    }
    best
}

/// The first `count` odd numbers such that no sum ± hᵢ ± hⱼ ± hₖ is another of them.
fn multiples(count: usize) -> Vec<u64> {
    let mut chosen = vec![1i64];
    let mut next = 3;
    while chosen.len() < count {
        chosen.push(next);
        if !is_free_of_leakage(&chosen) {
            chosen.pop();
        }
        next += 2;
    }
    chosen.into_iter().map(|h| h as u64).collect()
}

fn is_free_of_leakage(set: &[i64]) -> bool {
    let signed: Vec<i64> = set.iter().flat_map(|h| [*h, -h]).collect();
    for &i in set {
        for &j in &signed {
            for &k in &signed {
                let cancels = i + j == 0 || i + k == 0 || j + k == 0;
                if !cancels && set.contains(&(i + j + k).abs()) {
                    return false;
                }
            }
        }
    }
    true
}

/// Largest |strain| that the tones add up to.
pub fn extreme(tones: &[Tone]) -> f64 {
    if let [tone] = tones {
        return tone.amplitude;
    }
    let sum = |angle: f64| tones.iter().map(|tone| tone.at(angle)).sum::<f64>().abs();
    let fastest = tones.iter().map(|tone| tone.multiple).max().unwrap_or(1);
    let width = TAU / (64 * fastest) as f64;
    let (centre, _) = highest_of(tones, 64);
    let (mut low, mut high) = (centre - width, centre + width);
    for _ in 0..100 {
        let third = (high - low) / 3.0;
        if sum(low + third) < sum(high - third) {
            low += third;
        } else {
            high -= third;
        }
    }
    sum(0.5 * (low + high))
}

/// The first angle of the base frequency at which the tones pass zero upwards.
fn rising_zero(tones: &[Tone]) -> f64 {
    let sum = |angle: f64| tones.iter().map(|tone| tone.at(angle)).sum::<f64>();
    if sum(0.0) == 0.0 {
        return 0.0;
    }
    let fastest = tones.iter().map(|tone| tone.multiple).max().unwrap_or(1);
    let width = TAU / (64 * fastest) as f64;
    let mut high = width;
    while !(sum(high - width) < 0.0 && sum(high) >= 0.0) && high < 2.0 * TAU {
        high += width;
    }
    let mut low = high - width;
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if sum(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::{Tone, ToneRequest, automatic, extreme, listed, multiples};

    #[test]
    fn no_third_order_product_falls_on_another_tone() {
        assert_eq!(multiples(6), [1, 5, 13, 29, 49, 81]);
    }

    #[test]
    fn automatic_tones_start_at_zero_and_reach_the_peak() {
        for count in 1..=super::MOST_TONES {
            let tones = automatic(count, 0.01).unwrap();
            let strain = |angle: f64| tones.iter().map(|tone| tone.at(angle)).sum::<f64>();
            assert!(strain(0.0).abs() < 1e-15);
            assert!(strain(1e-4) > 0.0);
            assert!((extreme(&tones) - 0.01).abs() < 1e-12);
            let rms: f64 = tones.iter().map(|tone| 0.5 * tone.amplitude.powi(2)).sum();
            let crest = 0.01 / rms.sqrt();
            println!("{count} {crest}");
            assert!(crest < 2.1, "{count} tones: crest factor {crest}");
            for tone in &tones {
                let first = tones[0].amplitude / (tone.multiple as f64).sqrt();
                assert!((tone.amplitude - first).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn the_extreme_of_two_tones_is_found_between_grid_points() {
        let tone = |multiple, phase| Tone {
            multiple,
            amplitude: 1.0,
            phase,
        };
        // sin x + sin 3x = 4s − 4s³ with s = sin x has its extreme 8/(3√3) at s² = 1/3
        let expected = 8.0 / (3.0 * 3f64.sqrt());
        assert!((extreme(&[tone(1, 0.0), tone(3, 0.0)]) - expected).abs() < 1e-12);
        assert_eq!(extreme(&[tone(7, 0.3)]), 1.0);
    }

    #[test]
    fn impossible_tones_are_named() {
        let tone = |multiple, weight| ToneRequest {
            multiple,
            weight,
            phase: 0.0,
        };
        let message = |requests: &[ToneRequest]| listed(requests, 0.01).unwrap_err().to_string();
        assert_eq!(message(&[]), "tones 0: between 1 and 8 tones are possible");
        assert_eq!(
            message(&[tone(0, 1.0)]),
            "tones: a tone with 0 periods per base period does not oscillate, use 1 or more"
        );
        assert_eq!(
            message(&[tone(3, 1.0), tone(3, 0.5)]),
            "tones: two tones have 3 periods per base period, each needs its own frequency"
        );
        assert_eq!(
            message(&[tone(3, -1.0)]),
            "tones: the tone with 3 periods per base period has weight -1 and phase 0: the weight must be positive, and \
             the phase a number of degrees"
        );
        assert_eq!(
            automatic(9, 0.01).unwrap_err().to_string(),
            "tones/auto 9: between 1 and 8 tones are possible"
        );
    }
}
