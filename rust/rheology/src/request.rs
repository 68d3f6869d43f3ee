//! What the user asks for, checked and resolved into whole steps.

use crate::error::Error;
use crate::mode::Mode;
use crate::protocol::Protocol;
use crate::regression::Detrend;

/// Largest strain amplitude that is accepted.
pub const LARGEST_AMPLITUDE: f64 = 0.2;
/// Samples per period of the highest harmonic that a fit must have.
pub const SAMPLES_PER_HARMONIC: u64 = 16;
/// Largest number of harmonics.
pub const LARGEST_HARMONIC: u64 = 9;
/// A period may differ from a whole number of steps by this fraction of a step.
const WHOLE: f64 = 1e-6;

/// What the user asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The stress is sampled every this many steps.
    pub sample_every: u64,
    /// Strained component.
    pub mode: Mode,
    /// Strain amplitude, dimensionless.
    pub amplitude: f64,
    /// Period [time].
    pub period: f64,
    /// The drive stops after this many cycles.
    pub cycles: Option<u64>,
    /// Cycles that are not used; by default one, or those of the ramp.
    pub skip: Option<u64>,
    /// Cycles per fitted block.
    pub block: u64,
    /// Trend terms of the fit.
    pub detrend: Detrend,
    /// Highest fitted harmonic.
    pub harmonics: u64,
    /// Cycles over which the amplitude grows from zero.
    pub ramp: u64,
    /// Start phase [degrees].
    pub phase: f64,
    /// Whether the period may be rounded to an admissible number of steps.
    pub round: bool,
}

impl Request {
    /// A request with the default of every keyword.
    pub fn new(sample_every: u64, mode: Mode, amplitude: f64, period: f64) -> Self {
        Request {
            sample_every,
            mode,
            amplitude,
            period,
            cycles: None,
            skip: None,
            block: 2,
            detrend: Detrend::Linear,
            harmonics: 3,
            ramp: 0,
            phase: 0.0,
            round: false,
        }
    }

    /// Checks the request and resolves it for the timestep `timestep` [time].
    pub fn resolve(&self, timestep: f64) -> Result<Protocol, Error> {
        self.check_numbers()?;
        let period = self.period_steps(timestep)?;
        let samples = period / self.sample_every;
        let needed = SAMPLES_PER_HARMONIC * self.harmonics;
        if samples < needed {
            return Err(Error::new(format!(
                "{samples} samples per period are too few for {}: {needed} are needed. Use {}",
                plural(self.harmonics, "harmonic"),
                cure_of_few_samples(period, self.sample_every, needed, samples, timestep)
            )));
        }
        Ok(Protocol {
            mode: self.mode,
            amplitude: self.amplitude,
            timestep,
            period,
            sample_every: self.sample_every,
            cycles: self.cycles,
            skip: self.skip.unwrap_or(self.ramp.max(1)),
            block: self.block,
            detrend: self.detrend,
            harmonics: self.harmonics,
            ramp: self.ramp,
            phase: self.phase.to_radians(),
        })
    }

    fn check_numbers(&self) -> Result<(), Error> {
        let fail = |text: String| Err(Error::new(text));
        if self.sample_every == 0 {
            return fail("Nevery is 0: sample the stress every 1 step or more".into());
        }
        if !(self.amplitude > 0.0 && self.amplitude <= LARGEST_AMPLITUDE) {
            return fail(format!(
                "the strain amplitude {} is outside 0 < A <= {LARGEST_AMPLITUDE}: it is a dimensionless strain, 0.01 \
                 is one per cent",
                self.amplitude
            ));
        }
        if !(self.period > 0.0 && self.period.is_finite()) {
            return fail(format!("the period {} is not a positive time", self.period));
        }
        if self.block == 0 {
            return fail("block 0: a fitted block has at least 1 cycle, 2 are recommended".into());
        }
        if !(1..=LARGEST_HARMONIC).contains(&self.harmonics) {
            return fail(format!(
                "harmonics {}: the highest harmonic is between 1 and {LARGEST_HARMONIC}",
                self.harmonics
            ));
        }
        if let Some(skip) = self.skip
            && skip < self.ramp
        {
            return fail(format!(
                "nskip {skip} is less than ramp {}: the cycles of the ramp cannot be used, set nskip to {} or more",
                self.ramp, self.ramp
            ));
        }
        if !self.phase.is_finite() {
            return fail(format!(
                "the start phase {} is not a number of degrees",
                self.phase
            ));
        }
        if self.ramp == 0 && self.phase.rem_euclid(180.0) != 0.0 {
            return fail(format!(
                "a start phase of {} degrees begins with a jump of the strain: add 'ramp 1' or more cycles, or use \
                 phase 0 or 180",
                self.phase
            ));
        }
        let skip = self.skip.unwrap_or(self.ramp.max(1));
        match self.cycles {
            Some(cycles) if cycles < skip + self.block => fail(format!(
                "cycles {cycles} leaves no complete block after nskip {skip}: at least {} cycles are needed with block {}",
                skip + self.block,
                self.block
            )),
            _ => Ok(()),
        }
    }

    /// Period in steps, a multiple of the sampling interval.
    fn period_steps(&self, timestep: f64) -> Result<u64, Error> {
        let exact = self.period / timestep;
        if exact >= 9e15 {
            return Err(Error::new(format!(
                "the period {} is too long for the timestep {timestep}",
                self.period
            )));
        }
        let every = self.sample_every;
        if self.round {
            let samples = (exact / every as f64).round().max(1.0);
            return Ok(samples as u64 * every);
        }
        let nearest = exact.round();
        if (exact - nearest).abs() > WHOLE || nearest < 1.0 {
            let below = exact.floor().max(1.0);
            return Err(Error::new(format!(
                "the period {} is {exact} timesteps of {timestep}, not a whole number: use {} ({below} steps) or {} \
                 ({} steps), or add 'round yes'",
                self.period,
                below * timestep,
                (below + 1.0) * timestep,
                below + 1.0
            )));
        }
        let period = nearest as u64;
        if !period.is_multiple_of(every) {
            let below = (1..every)
                .rev()
                .find(|n| period.is_multiple_of(*n))
                .unwrap_or(1);
            let above = (every + 1..=period)
                .find(|n| period.is_multiple_of(*n))
                .unwrap_or(period);
            return Err(Error::new(format!(
                "the period of {period} steps is not a multiple of Nevery = {every}: use Nevery {below} or {above}, or \
                 a period of {} or {} steps, or add 'round yes'",
                (period / every).max(1) * every,
                (period / every + 1) * every
            )));
        }
        Ok(period)
    }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

fn cure_of_few_samples(
    period: u64,
    every: u64,
    needed: u64,
    samples: u64,
    timestep: f64,
) -> String {
    let mut cures = Vec::new();
    if let Some(finer) = (1..every)
        .rev()
        .find(|n| period.is_multiple_of(*n) && period / n >= needed)
    {
        cures.push(format!("Nevery {finer}"));
    }
    let longer = needed * every;
    cures.push(format!(
        "a period of {longer} steps ({}) or more",
        longer as f64 * timestep
    ));
    if samples >= SAMPLES_PER_HARMONIC {
        cures.push(format!("harmonics {}", samples / SAMPLES_PER_HARMONIC));
    }
    match cures.len() {
        1 => cures.remove(0),
        count => format!("{}, or {}", cures[..count - 1].join(", "), cures[count - 1]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, Request};

    fn request() -> Request {
        Request::new(1, Mode::Xx, 0.01, 1.0)
    }

    fn message(change: impl FnOnce(&mut Request), timestep: f64) -> String {
        let mut request = request();
        change(&mut request);
        request.resolve(timestep).unwrap_err().to_string()
    }

    #[test]
    fn defaults() {
        let protocol = request().resolve(0.01).unwrap();
        assert_eq!(
            (
                protocol.period,
                protocol.skip,
                protocol.block,
                protocol.harmonics
            ),
            (100, 1, 2, 3)
        );
        assert_eq!(protocol.period_time(), 1.0);
    }

    #[test]
    fn a_period_of_broken_steps_names_its_neighbours() {
        assert_eq!(
            message(|r| r.period = 1.25, 0.5),
            "the period 1.25 is 2.5 timesteps of 0.5, not a whole number: use 1 (2 steps) or 1.5 (3 steps), or add \
             'round yes'"
        );
        let mut rounded = request();
        (rounded.period, rounded.sample_every, rounded.round) = (1.234, 10, true);
        assert_eq!(rounded.resolve(0.001).unwrap().period, 1230);
    }

    #[test]
    fn a_period_that_is_no_multiple_of_nevery_names_divisors_and_periods() {
        assert_eq!(
            message(|r| r.sample_every = 3, 0.01),
            "the period of 100 steps is not a multiple of Nevery = 3: use Nevery 2 or 4, or a period of 99 or 102 \
             steps, or add 'round yes'"
        );
    }

    #[test]
    fn few_samples_name_three_cures() {
        assert_eq!(
            message(|r| r.sample_every = 5, 0.01),
            "20 samples per period are too few for 3 harmonics: 48 are needed. Use Nevery 2, a period of 240 steps \
             (2.4) or more, or harmonics 1"
        );
    }

    #[test]
    fn numbers_out_of_range() {
        assert_eq!(
            message(|r| r.amplitude = 0.5, 0.01),
            "the strain amplitude 0.5 is outside 0 < A <= 0.2: it is a dimensionless strain, 0.01 is one per cent"
        );
        assert_eq!(
            message(|r| r.period = -1.0, 0.01),
            "the period -1 is not a positive time"
        );
        assert_eq!(
            message(|r| r.sample_every = 0, 0.01),
            "Nevery is 0: sample the stress every 1 step or more"
        );
        assert_eq!(
            message(|r| r.block = 0, 0.01),
            "block 0: a fitted block has at least 1 cycle, 2 are recommended"
        );
        assert_eq!(
            message(|r| r.harmonics = 10, 0.01),
            "harmonics 10: the highest harmonic is between 1 and 9"
        );
        assert_eq!(
            message(|r| (r.ramp, r.skip) = (3, Some(1)), 0.01),
            "nskip 1 is less than ramp 3: the cycles of the ramp cannot be used, set nskip to 3 or more"
        );
        assert_eq!(
            message(|r| r.phase = 90.0, 0.01),
            "a start phase of 90 degrees begins with a jump of the strain: add 'ramp 1' or more cycles, or use phase 0 \
             or 180"
        );
        assert_eq!(
            message(|r| r.cycles = Some(2), 0.01),
            "cycles 2 leaves no complete block after nskip 1: at least 3 cycles are needed with block 2"
        );
    }
}
