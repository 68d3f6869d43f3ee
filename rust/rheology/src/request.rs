//! What the user asks for, checked and resolved into whole steps.

use crate::advice::{brief, rounded};
use crate::atoms::AtomSampling;
use crate::deformation::Deformation;
use crate::error::Error;
use crate::mode::{Lateral, Mode};
use crate::protocol::Protocol;
use crate::regression::Detrend;
use crate::tones::{self, Tone, Tones};

/// Largest strain that a measurement imposes; one that something else imposes may be larger.
pub const LARGEST_AMPLITUDE: f64 = 0.2;
/// Samples per period of the highest harmonic that a fit must have.
pub const SAMPLES_PER_HARMONIC: u64 = 16;
/// Largest number of harmonics.
pub const LARGEST_HARMONIC: u64 = 9;
/// A period may differ from a whole number of steps by this fraction of a step.
const WHOLE: f64 = 1e-6;
/// A start strain below this fraction of the amplitude is no jump.
const JUMP: f64 = 1e-9;

/// When the run may end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// The standard error of E'' over E'' must be smaller, for every tone.
    pub relative: f64,
    /// Fewest used cycles.
    pub cycles: u64,
}

/// What the user asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The stress is sampled every this many steps.
    pub sample_every: u64,
    /// Strained component.
    pub mode: Mode,
    /// What becomes of the dimensions at right angles to a uniaxial strain.
    pub lateral: Lateral,
    /// Strain amplitude, dimensionless; zero in mode none.
    pub amplitude: f64,
    /// Base period [time].
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
    /// Start phase [degrees] of a single tone.
    pub phase: f64,
    /// The frequencies.
    pub tones: Tones,
    /// Something else moves the box, and the strain is that of so many steps ago.
    pub external: Option<u64>,
    /// Whether velocities are scaled with the box, so that the kinetic part of the stress does work, too.
    pub scale_velocities: bool,
    /// Whether the headline numbers come from the virial-only stress.
    pub virial_headline: bool,
    /// When the run may end.
    pub stop: Option<Stop>,
    /// Whether the loss is also estimated from the thermal stress noise.
    pub fluctuations: bool,
    /// What is measured of single atoms.
    pub atoms: Option<AtomSampling>,
    /// Whether the period may be rounded to an admissible number of steps.
    pub round: bool,
}

impl Request {
    /// A request with the default of every keyword.
    pub fn new(sample_every: u64, mode: Mode, amplitude: f64, period: f64) -> Self {
        Request {
            sample_every,
            mode,
            lateral: Lateral::Fixed,
            amplitude,
            period,
            cycles: None,
            skip: None,
            block: 2,
            detrend: Detrend::Linear,
            harmonics: 3,
            ramp: 0,
            phase: 0.0,
            tones: Tones::One,
            external: None,
            scale_velocities: false,
            virial_headline: false,
            stop: None,
            fluctuations: true,
            atoms: None,
            round: false,
        }
    }

    /// Checks the request and resolves it for the timestep `timestep` [time] in `dimension` dimensions.
    pub fn resolve(&self, timestep: f64, dimension: usize) -> Result<Protocol, Error> {
        self.check_numbers()?;
        self.check_partners()?;
        let tones = self.resolve_tones()?;
        let period = self.period_steps(timestep)?;
        let samples = period / self.sample_every;
        let highest = tones.iter().map(|tone| tone.multiple).max().unwrap_or(1);
        let needed = SAMPLES_PER_HARMONIC * self.harmonics * highest;
        if samples < needed {
            let of_tone = if highest > 1 {
                format!(" of the tone with {highest} periods in it")
            } else {
                String::new()
            };
            return Err(Error::new(format!(
                "{samples} samples per period are too few for {}{of_tone}: {needed} are needed. Use {}",
                plural(self.harmonics, "harmonic"),
                self.cure_of_few_samples(period, highest, timestep)
            )));
        }
        let peak = tones::extreme(&tones);
        if self.external.is_none() && peak > LARGEST_AMPLITUDE {
            return Err(Error::new(format!(
                "the tones add up to a strain of {peak:.4}, beyond {LARGEST_AMPLITUDE}: reduce the amplitude or the \
                 weights"
            )));
        }
        let protocol = Protocol {
            deformation: Deformation {
                mode: self.mode,
                lateral: self.lateral,
                dimension,
            },
            amplitude: self.amplitude,
            timestep,
            period,
            sample_every: self.sample_every,
            cycles: self.cycles,
            skip: self.skip.unwrap_or(self.ramp.max(1)),
            block: self.block,
            detrend: self.detrend,
            harmonics: self.harmonics,
            ramp: 0,
            tones,
            peak,
            external: self.external,
        };
        self.check_start(&protocol)?;
        Ok(Protocol {
            ramp: self.ramp,
            ..protocol
        })
    }

    fn resolve_tones(&self) -> Result<Vec<Tone>, Error> {
        match &self.tones {
            Tones::One => Ok(vec![Tone {
                multiple: 1,
                amplitude: self.amplitude,
                phase: self.phase.to_radians(),
            }]),
            Tones::List(requests) => tones::listed(requests, self.amplitude),
            Tones::Automatic(count) => tones::automatic(*count, self.amplitude),
        }
    }

    fn check_numbers(&self) -> Result<(), Error> {
        let fail = |text: String| Err(Error::new(text));
        if self.sample_every == 0 {
            return fail("Nevery is 0: sample the stress every 1 step or more".into());
        }
        if self.mode == Mode::None {
            if self.amplitude != 0.0 {
                return fail(format!(
                    "mode none has no strain: its amplitude must be 0, not {}",
                    self.amplitude
                ));
            }
        } else if self.external.is_some() {
            if !(self.amplitude > 0.0 && self.amplitude.is_finite()) {
                return fail(format!(
                    "the strain amplitude {} is not a positive number: give the strain that the other command imposes, \
                     a length change over the length",
                    self.amplitude
                ));
            }
        } else if !(self.amplitude > 0.0 && self.amplitude <= LARGEST_AMPLITUDE) {
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
        if let Some(stop) = self.stop
            && !(stop.relative > 0.0 && stop.relative < 1.0)
        {
            return fail(format!(
                "stop rel {}: the relative error of E'' at which the run ends lies between 0 and 1",
                stop.relative
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

    /// Keywords that do not go together.
    fn check_partners(&self) -> Result<(), Error> {
        let name = self.mode.name();
        if self.lateral != Lateral::Fixed && !self.mode.is_uniaxial() {
            return Err(Error::new(format!(
                "lateral {} belongs to the modes xx, yy and zz, not to {name}",
                self.lateral.name()
            )));
        }
        if self.mode == Mode::None
            && let Some(atoms) = self.atoms
        {
            return Err(Error::new(format!(
                "{} belongs to a strain, and mode none has none: leave it out",
                if atoms.stress { "peratom" } else { "nonaffine" }
            )));
        }
        let driven = [
            ("ramp", self.ramp > 0),
            ("phase", self.phase != 0.0),
            ("vscale", self.scale_velocities),
        ];
        for (keyword, _) in driven.into_iter().filter(|(_, given)| *given) {
            if self.mode == Mode::None {
                return Err(Error::new(format!(
                    "{keyword} belongs to a strain, and mode none has none: leave {keyword} out"
                )));
            }
            if self.external.is_some() {
                return Err(Error::new(format!(
                    "{keyword} belongs to the strain that this fix imposes, not to drive external: leave {keyword} out"
                )));
            }
        }
        if self.mode == Mode::None && self.external.is_some() {
            return Err(Error::new(
                "mode none has no strain that drive external could follow: leave drive out",
            ));
        }
        if self.tones != Tones::One && self.phase != 0.0 {
            return Err(Error::new(
                "phase belongs to a single tone: with several, give the phase of each behind tones",
            ));
        }
        Ok(())
    }

    /// Fails where `protocol`, without its ramp, begins with a jump of the strain and nothing smooths it.
    fn check_start(&self, protocol: &Protocol) -> Result<(), Error> {
        let first = protocol.strain(0).abs();
        if self.ramp > 0 || self.external.is_some() || first <= JUMP * protocol.peak {
            return Ok(());
        }
        Err(Error::new(if self.tones == Tones::One {
            format!(
                "a start phase of {} degrees begins with a jump of the strain: add 'ramp 1' or more cycles, or use \
                 phase 0 or 180",
                self.phase
            )
        } else {
            format!(
                "the tones begin with a jump of the strain to {}: add 'ramp 1' or more cycles, or use phases \
                 whose sines cancel",
                brief(first)
            )
        }))
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
                "the period {} is {} timesteps of {timestep}, not a whole number: use {} ({below} steps) or {} ({} \
                 steps), or add 'round yes'",
                self.period,
                rounded(exact),
                rounded(below * timestep),
                rounded((below + 1.0) * timestep),
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

    fn cure_of_few_samples(&self, period: u64, highest: u64, timestep: f64) -> String {
        let every = self.sample_every;
        let needed = SAMPLES_PER_HARMONIC * self.harmonics * highest;
        let fewer = period / every / (SAMPLES_PER_HARMONIC * highest);
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
            rounded(longer as f64 * timestep)
        ));
        if fewer >= 1 {
            cures.push(format!("harmonics {fewer}"));
        }
        match cures.len() {
            1 => cures.remove(0),
            count => format!("{}, or {}", cures[..count - 1].join(", "), cures[count - 1]),
        }
    }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
