//! The strain protocol in whole steps: which strain, when.

use std::f64::consts::{FRAC_PI_2, TAU};

use crate::deformation::Deformation;
use crate::phase::{Moment, reduced, sin_cos_turn};
use crate::regression::Detrend;
use crate::tones::Tone;

/// A checked protocol in whole steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    /// What is strained, and how.
    pub deformation: Deformation,
    /// Strain amplitude A of the command; zero in mode none.
    pub amplitude: f64,
    /// Timestep Δt [time].
    pub timestep: f64,
    /// Steps per base period N_p.
    pub period: u64,
    /// Steps between samples.
    pub sample_every: u64,
    /// The drive stops after this many cycles.
    pub cycles: Option<u64>,
    /// Cycles that are not used.
    pub skip: u64,
    /// Cycles per block B.
    pub block: u64,
    /// Trend terms of the fit.
    pub detrend: Detrend,
    /// Highest fitted harmonic H of every tone.
    pub harmonics: u64,
    /// Cycles over which the amplitude grows.
    pub ramp: u64,
    /// The sinusoids of the strain; one or more, the first is the one behind the headline numbers.
    pub tones: Vec<Tone>,
    /// Largest |strain|.
    pub peak: f64,
    /// Something else moves the box, and the strain is that of so many steps ago.
    pub external: Option<u64>,
}

impl Protocol {
    /// Samples per base period M.
    pub fn samples_per_period(&self) -> u64 {
        self.period / self.sample_every
    }

    /// Base period [time].
    pub fn period_time(&self) -> f64 {
        self.period as f64 * self.timestep
    }

    /// Angular base frequency ω [rad/time].
    pub fn angular_frequency(&self) -> f64 {
        TAU / self.period_time()
    }

    /// Whether the drive has ended `elapsed` steps after the start.
    pub fn finished(&self, elapsed: u64) -> bool {
        self.cycles
            .is_some_and(|cycles| elapsed >= cycles * self.period)
    }

    /// Whether sampling is over. The first sample after the last cycle, at zero strain, is still taken: it begins the next
    /// cycle of a measurement that goes on with more of them.
    pub fn over(&self, elapsed: u64) -> bool {
        self.cycles
            .is_some_and(|cycles| elapsed > cycles * self.period)
    }

    /// The distinct numbers of periods per base period that are fitted, ascending: harmonics 1 … H of every tone.
    pub fn multiples(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self
            .tones
            .iter()
            .flat_map(|tone| (1..=self.harmonics).map(|h| h * tone.multiple))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether harmonic `harmonic` > 1 of `tone` has the frequency of another tone, to which the pair then belongs.
    pub fn belongs_to_another(&self, tone: &Tone, harmonic: u64) -> bool {
        let q = tone.multiple * harmonic;
        harmonic > 1 && self.tones.iter().any(|other| other.multiple == q)
    }

    /// Strain `elapsed` steps after the start: ε = R·Σ ε_k sin(2πh_k m/N_p + φ_k), and zero when the drive has ended.
    pub fn strain(&self, elapsed: u64) -> f64 {
        if self.finished(elapsed) {
            return 0.0;
        }
        let moment = Moment::new(elapsed, self.period);
        let tones = self.tones.iter().map(|tone| {
            let part = reduced(tone.multiple, moment.step, self.period);
            let (sin, cos) = sin_cos_turn(part, self.period);
            tone.amplitude * (sin * tone.phase.cos() + cos * tone.phase.sin())
        });
        self.ramp_factor(elapsed) * tones.sum::<f64>()
    }

    /// R, a half wave of a squared sine, one after the ramp.
    fn ramp_factor(&self, elapsed: u64) -> f64 {
        let length = self.ramp * self.period;
        if elapsed >= length {
            return 1.0;
        }
        let sin = (FRAC_PI_2 * (elapsed as f64 / length as f64)).sin();
        sin * sin
    }
}

#[cfg(test)]
mod tests {
    use crate::mode::Mode;
    use crate::request::Request;
    use crate::tones::{ToneRequest, Tones};

    fn request() -> Request {
        Request::new(1, Mode::Xx, 0.01, 1.0)
    }

    #[test]
    fn the_strain_starts_at_zero_and_ends_with_the_cycles() {
        let mut request = request();
        (request.phase, request.ramp, request.cycles) = (90.0, 2, Some(6));
        let protocol = request.resolve(0.01, 3).unwrap();
        assert_eq!(protocol.strain(0), 0.0);
        assert!((protocol.strain(100) - 0.005).abs() < 1e-17);
        assert!((protocol.strain(300) - 0.01).abs() < 1e-17);
        assert_eq!(protocol.strain(600), 0.0);
        assert_eq!(protocol.skip, 2);
    }

    #[test]
    fn the_strain_repeats_exactly() {
        let protocol = request().resolve(0.01, 3).unwrap();
        for step in 0..100 {
            assert_eq!(
                protocol.strain(step),
                protocol.strain(step + 100 * 1_000_000)
            );
        }
    }

    #[test]
    fn tones_add_up() {
        let mut request = request();
        let tone = |multiple, weight| ToneRequest {
            multiple,
            weight,
            phase: 0.0,
        };
        request.tones = Tones::List(vec![tone(1, 1.0), tone(2, 0.5)]);
        request.harmonics = 2;
        let protocol = request.resolve(0.01, 3).unwrap();
        let angle = std::f64::consts::TAU * 0.13;
        let expected = 0.01 * (angle.sin() + 0.5 * (2.0 * angle).sin());
        assert!((protocol.strain(13) - expected).abs() < 1e-17);
        assert_eq!(protocol.multiples(), [1, 2, 4]);
        let [first, second] = protocol.tones[..] else {
            panic!("two tones")
        };
        assert!(protocol.belongs_to_another(&first, 2));
        assert!(!protocol.belongs_to_another(&second, 2));
    }
}
