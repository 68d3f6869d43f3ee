//! When a sample is due, what is made of it, and the block that it may complete.

use super::{Measurement, Sample, Start};
use crate::advice::{brief, rounded};
use crate::error::Error;
use crate::lockin::LOCKED;
use crate::mode::{COMPONENT_NAMES, COMPONENTS};
use crate::outcome::{
    Block, CONSERVED, DRIVEN, POTENTIAL, RESPONSES, STRAIN, TEMPERATURE, TOTAL, VIRIAL, VOLUME,
};
use crate::phase::Moment;
use crate::tone_outcome::{ToneFit, WATCHED};

/// Amplitude of an external strain over that of the command below which there is nothing to be measured.
const STILL: f64 = 0.01;

/// Magnitude below which a number, its square and sums of it can be computed with.
const LARGEST: f64 = 1e150;

impl Measurement {
    /// Whether a sample is due at timestep `step`.
    pub fn is_due(&self, step: i64) -> bool {
        let Some(start) = self.start else {
            return false;
        };
        if step < start.step {
            return false;
        }
        let elapsed = self.elapsed(step);
        elapsed.is_multiple_of(self.protocol.sample_every)
            && self.last_sampled.is_none_or(|last| elapsed > last)
            && !self.protocol.over(elapsed)
    }

    /// The first sampling step after `step`.
    pub fn next_due(&self, step: i64) -> i64 {
        let every = self.protocol.sample_every;
        step + (every - self.elapsed(step) % every) as i64
    }

    /// Whether the last sample was the first one of a cycle, but not of the first.
    pub fn at_cycle_start(&self) -> bool {
        self.last_sampled
            .is_some_and(|last| last > 0 && last.is_multiple_of(self.protocol.period))
    }

    /// Whether the last sample was the first one after a used block.
    pub fn between_blocks(&self) -> bool {
        self.outcome.blocks() > 0 && self.sums.taken() == 1
    }

    /// Takes the sample of a step at which one is due; returns the block that it completes. Fails where steps are
    /// missing since the last sample, where a number cannot be computed with, both before it has touched anything, and
    /// where an external drive does not strain the box.
    pub fn sample(&mut self, sample: &Sample) -> Result<Option<Block>, Error> {
        let elapsed = self.elapsed(sample.step);
        let expected = self
            .last_sampled
            .map_or(0, |last| last + self.protocol.sample_every);
        let Some(start) = self.start.filter(|_| elapsed == expected) else {
            return Err(Error::new(format!(
                "the stress of step {} came where that of step {} was expected: every step must be run once, in \
                 order, without rerun or a gap between runs",
                sample.step,
                sample.step - elapsed as i64 + expected as i64
            )));
        };
        self.check_sample(sample)?;
        let (strain, volume) = self.strain_and_volume(sample, &start);
        let protocol = &self.protocol;
        let deformation = protocol.deformation;
        let scale = sample.volume / volume;
        let stress = sample.stress.map(|value| value * scale);
        let virial = sample.virial.map(|value| value * scale);

        let moment = Moment::new(elapsed, protocol.period);
        let used = moment.cycle >= protocol.skip;
        let working = if self.request.scale_velocities {
            &stress
        } else {
            &virial
        };
        let force = deformation.work_per_strain(deformation.driven(working), volume, strain);
        self.work.add(strain, force / self.constants.pressure);

        let mut values = [0.0; RESPONSES];
        values[TOTAL..VIRIAL].copy_from_slice(&stress);
        values[VIRIAL..TEMPERATURE].copy_from_slice(&virial);
        values[TEMPERATURE] = sample.temperature;
        values[POTENTIAL] = sample.potential;
        values[VOLUME] = volume;
        values[CONSERVED] =
            sample.potential + sample.kinetic + sample.reservoir - self.work.total();
        values[DRIVEN] = deformation.driven(if self.request.virial_headline {
            &virial
        } else {
            &stress
        });
        values[STRAIN] = strain;
        if self.last_sampled.is_none() {
            self.shifts = values;
        }
        self.last_sampled = Some(elapsed);
        self.last_stress = values[DRIVEN];
        self.last_strain = strain;
        let (design, sums) = if used {
            (&self.design, &mut self.sums)
        } else {
            (&self.transient, &mut self.transient_sums)
        };
        let index = sums.taken();
        sums.add(design, index, moment.step, &values, &self.shifts);
        let complete = sums.taken() == design.samples();
        if used && self.request.fluctuations {
            self.add_to_cycle(moment, &values);
        }
        if complete {
            self.close_block(sample.step, moment, used).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Fails where a number of `sample` cannot be computed with.
    pub fn check_sample(&self, sample: &Sample) -> Result<(), Error> {
        let (strain, volume) = self.start.as_ref().map_or((0.0, sample.volume), |start| {
            self.strain_and_volume(sample, start)
        });
        check_numbers(sample, strain, volume)
    }

    /// The strain that belongs to the stress of `sample`, and the volume over which it was taken, which a box that moved
    /// after the forces were computed has changed.
    fn strain_and_volume(&self, sample: &Sample, start: &Start) -> (f64, f64) {
        match self.protocol.external {
            None => (
                self.protocol.strain(self.elapsed(sample.step)),
                sample.volume,
            ),
            Some(0) => (
                self.protocol
                    .deformation
                    .strain_of(&sample.cell, &start.reference),
                sample.volume,
            ),
            Some(_) => (self.follower.strain(), self.follower.volume()),
        }
    }

    fn add_to_cycle(&mut self, moment: Moment, values: &[f64; RESPONSES]) {
        let protocol = &self.protocol;
        let shifted = |response: usize| values[response] - self.shifts[response];
        let mut locked = [0.0; LOCKED];
        for (component, value) in locked[..COMPONENTS].iter_mut().enumerate() {
            *value = shifted(self.outcome.base + component);
        }
        locked[COMPONENTS] = shifted(DRIVEN);
        locked[WATCHED] = shifted(STRAIN);
        self.cycle.add(protocol, moment.step, &locked);
        if moment.step + protocol.sample_every == protocol.period {
            for (tone, losses) in self
                .outcome
                .tones
                .iter_mut()
                .zip(self.cycle.close(protocol))
            {
                for (series, loss) in tone.cycle_losses.iter_mut().zip(losses) {
                    series.push(loss);
                }
            }
        }
    }

    fn close_block(&mut self, step: i64, moment: Moment, used: bool) -> Result<Block, Error> {
        let protocol = &self.protocol;
        let (design, sums, cycles) = if used {
            (&self.design, &mut self.sums, protocol.block)
        } else {
            (&self.transient, &mut self.transient_sums, 1)
        };
        let fits = sums.fit(design, cycles, &self.shifts);
        sums.clear();
        let tones: Vec<ToneFit> = protocol
            .tones
            .iter()
            .map(|tone| ToneFit::new(protocol, tone, &fits, design.multiples()))
            .collect();
        if used {
            for (tone, fit) in protocol.tones.iter().zip(&tones) {
                if fit.strain < STILL * tone.amplitude {
                    return Err(Error::new(format!(
                        "drive external: the box oscillates in {} with an amplitude of {} at the period {}, where {} \
                         was announced: give period and amplitude of the command that moves the box",
                        protocol.deformation.mode.name(),
                        brief(fit.strain),
                        rounded(protocol.period_time() / tone.multiple as f64),
                        tone.amplitude
                    )));
                }
            }
        }
        let span = (cycles * protocol.period - protocol.sample_every) as i64;
        let block = Block {
            number: if used {
                protocol.skip + self.outcome.blocks() + 1
            } else {
                moment.cycle + 1
            },
            used,
            cycles: (moment.cycle + 2 - cycles, moment.cycle + 1),
            steps: (step - span, step),
            fits,
            tones,
            work: self.work.close_block() / cycles as f64,
        };
        if used {
            self.outcome.push(&block);
            self.pend_atoms(&block);
        }
        Ok(block)
    }
}

/// Fails where one of `numbers`, of single atoms at timestep `step`, is infinite, not a number, or so large that its square
/// is; `name` says what they are.
pub fn check_atom_numbers(name: &str, step: i64, numbers: &[f64]) -> Result<(), Error> {
    match numbers
        .iter()
        .find(|value| value.is_nan() || value.abs() >= LARGEST)
    {
        None => Ok(()),
        Some(value) => Err(unusable(&format!("{name} of an atom"), step, *value)),
    }
}

fn unusable(name: &str, step: i64, value: f64) -> Error {
    Error::new(format!(
        "{name} in step {step} is {}, which nothing can be computed with: this sample is not used, and what was measured \
         before it stays as it is. Look for atoms that overlap, a timestep that is too long, or a potential that gives \
         such forces",
        brief(value)
    ))
}

/// Fails where a number of `sample` is infinite, not a number, or so large that its square is.
fn check_numbers(sample: &Sample, strain: f64, volume: f64) -> Result<(), Error> {
    let components = |name: &'static str, values: [f64; 6]| {
        let named = move |(axes, value)| (format!("the {name} {axes}"), value);
        COMPONENT_NAMES.into_iter().zip(values).map(named)
    };
    let single = [
        ("the temperature", sample.temperature),
        ("the potential energy", sample.potential),
        ("the kinetic energy", sample.kinetic),
        (
            "the energy of thermostats and other fixes",
            sample.reservoir,
        ),
        ("the volume", sample.volume),
        ("the volume", volume),
        ("the strain", strain),
    ];
    let wrong = components("virial", sample.virial)
        .chain(components("stress", sample.stress))
        .chain(single.map(|(name, value)| (name.to_owned(), value)))
        // also false for what is not a number
        .find(|(_, value)| value.is_nan() || value.abs() >= LARGEST);
    match wrong {
        None => Ok(()),
        Some((name, value)) => Err(unusable(&name, sample.step, value)),
    }
}
