//! The strain protocol in whole steps: which strain, when.

use std::f64::consts::FRAC_PI_2;

use crate::mode::Mode;
use crate::phase::{Moment, sin_cos_turn};
use crate::regression::Detrend;

/// A checked protocol in whole steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    /// Strained component.
    pub mode: Mode,
    /// Strain amplitude A.
    pub amplitude: f64,
    /// Timestep Δt [time].
    pub timestep: f64,
    /// Steps per period N_p.
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
    /// Highest fitted harmonic H.
    pub harmonics: u64,
    /// Cycles over which the amplitude grows.
    pub ramp: u64,
    /// Start phase [rad].
    pub phase: f64,
}

impl Protocol {
    /// Samples per period M.
    pub fn samples_per_period(&self) -> u64 {
        self.period / self.sample_every
    }

    /// Period [time].
    pub fn period_time(&self) -> f64 {
        self.period as f64 * self.timestep
    }

    /// Angular frequency ω [rad/time].
    pub fn angular_frequency(&self) -> f64 {
        std::f64::consts::TAU / self.period_time()
    }

    /// Whether the drive has ended `elapsed` steps after the start.
    pub fn finished(&self, elapsed: u64) -> bool {
        self.cycles
            .is_some_and(|cycles| elapsed >= cycles * self.period)
    }

    /// Strain `elapsed` steps after the start: ε = R·A·sin(2πm/N_p + φ), and zero when the drive has ended.
    pub fn strain(&self, elapsed: u64) -> f64 {
        if self.finished(elapsed) {
            return 0.0;
        }
        let moment = Moment::new(elapsed, self.period);
        let (sin, cos) = sin_cos_turn(moment.step, self.period);
        self.ramp_factor(elapsed)
            * self.amplitude
            * (sin * self.phase.cos() + cos * self.phase.sin())
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

    fn request() -> Request {
        Request::new(1, Mode::Xx, 0.01, 1.0)
    }

    #[test]
    fn the_strain_starts_at_zero_and_ends_with_the_cycles() {
        let mut request = request();
        (request.phase, request.ramp, request.cycles) = (90.0, 2, Some(6));
        let protocol = request.resolve(0.01).unwrap();
        assert_eq!(protocol.strain(0), 0.0);
        assert!((protocol.strain(100) - 0.005).abs() < 1e-17);
        assert!((protocol.strain(300) - 0.01).abs() < 1e-17);
        assert_eq!(protocol.strain(600), 0.0);
        assert_eq!(protocol.skip, 2);
    }

    #[test]
    fn the_strain_repeats_exactly() {
        let protocol = request().resolve(0.01).unwrap();
        for step in 0..100 {
            assert_eq!(
                protocol.strain(step),
                protocol.strain(step + 100 * 1_000_000)
            );
        }
    }
}
