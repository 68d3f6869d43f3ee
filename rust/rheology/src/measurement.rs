//! The measurement as a whole: it says which cell belongs to which step, takes one sample at each sampling step, closes
//! blocks, and keeps what they add up to.

mod continuation;

use crate::block::BlockSums;
use crate::cell::Cell;
use crate::error::Error;
use crate::outcome::{
    Block, CONSERVED, Outcome, POTENTIAL, RESPONSES, TEMPERATURE, TOTAL, VIRIAL, VOLUME,
};
use crate::phase::{Moment, sin_cos_turn};
use crate::protocol::Protocol;
use crate::regression::Design;
use crate::request::Request;
use crate::sum::Sum;
use crate::work::Work;

/// Constants of the unit system.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constants {
    /// Boltzmann's constant [energy/temperature].
    pub boltzmann: f64,
    /// Pressure of one energy unit per volume unit [pressure].
    pub pressure: f64,
}

/// What is observed at a sampling step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sample {
    /// Timestep.
    pub step: i64,
    /// Total stress xx, yy, zz, xy, xz, yz, tension positive [pressure].
    pub stress: [f64; 6],
    /// The part of it that comes from the virial [pressure].
    pub virial: [f64; 6],
    /// Kinetic temperature.
    pub temperature: f64,
    /// Potential energy.
    pub potential: f64,
    /// Kinetic energy.
    pub kinetic: f64,
    /// Energy that thermostats and barostats have taken up.
    pub reservoir: f64,
    /// Volume.
    pub volume: f64,
}

/// Where the clock and the strain start from.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Start {
    /// Timestep n0 of phase zero.
    pub step: i64,
    /// Cell at zero strain.
    pub reference: Cell,
    /// Number of atoms.
    pub atoms: f64,
}

/// Strain protocol, sums and results of one measurement.
#[derive(Debug, Clone)]
pub struct Measurement {
    request: Request,
    protocol: Protocol,
    virial_headline: bool,
    constants: Constants,
    design: Design,
    /// Design of a single cycle, for those before the first used one.
    transient: Design,
    start: Option<Start>,
    last_sampled: Option<u64>,
    last_stress: f64,
    shifts: [f64; RESPONSES],
    sums: BlockSums,
    transient_sums: BlockSums,
    /// Σ y sin θ and Σ y cos θ of the headline stress in the cycle under way, without start phase.
    cycle: [Sum; 2],
    work: Work,
    outcome: Outcome,
}

impl Measurement {
    /// A measurement that has not started. The headline numbers come from the virial-only stress if `virial_headline`.
    pub fn new(
        request: Request,
        timestep: f64,
        virial_headline: bool,
        constants: Constants,
    ) -> Result<Self, Error> {
        let protocol = request.resolve(timestep)?;
        let multiples: Vec<u64> = (1..=protocol.harmonics).collect();
        let design = |cycles| {
            Design::new(
                protocol.period,
                protocol.samples_per_period(),
                cycles,
                protocol.detrend,
                &multiples,
            )
        };
        let (design, transient) = (design(protocol.block)?, design(1)?);
        let headline = if virial_headline { VIRIAL } else { TOTAL } + protocol.mode.component();
        Ok(Measurement {
            sums: BlockSums::new(RESPONSES, design.columns()),
            transient_sums: BlockSums::new(RESPONSES, transient.columns()),
            outcome: Outcome::new(
                protocol.mode,
                headline,
                protocol.amplitude,
                protocol.harmonics,
            ),
            request,
            protocol,
            virial_headline,
            constants,
            design,
            transient,
            start: None,
            last_sampled: None,
            last_stress: 0.0,
            shifts: [0.0; RESPONSES],
            cycle: [Sum::default(); 2],
            work: Work::default(),
        })
    }

    /// The protocol in whole steps.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Start phase as it was asked for [degrees].
    pub fn phase_degrees(&self) -> f64 {
        self.request.phase
    }

    /// Averages over the used blocks.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Constants of the unit system.
    pub fn constants(&self) -> Constants {
        self.constants
    }

    /// Whether the headline numbers come from the virial-only stress.
    pub fn virial_headline(&self) -> bool {
        self.virial_headline
    }

    /// Origin of time and strain, once there is one.
    pub fn start(&self) -> Option<&Start> {
        self.start.as_ref()
    }

    /// Work done on the cell so far [energy].
    pub fn work(&self) -> f64 {
        self.work.total()
    }

    /// The driven headline stress of the last sample [pressure].
    pub fn last_stress(&self) -> f64 {
        self.last_stress
    }

    /// Adopts the timestep `timestep`: before the start the protocol is resolved anew, afterwards it must not change.
    pub fn set_timestep(&mut self, timestep: f64) -> Result<(), Error> {
        if timestep == self.protocol.timestep {
            return Ok(());
        }
        if self.start.is_some() {
            return Err(Error::new(format!(
                "the timestep changed from {} to {timestep} while the strain was running, which would change its \
                 period: keep the timestep, or start a new measurement with another fix ID",
                self.protocol.timestep
            )));
        }
        *self = Measurement::new(
            self.request.clone(),
            timestep,
            self.virial_headline,
            self.constants,
        )?;
        Ok(())
    }

    /// Sets the origin of time and strain, unless there is one already; says whether it was set now.
    pub fn begin(&mut self, start: Start) -> bool {
        let fresh = self.start.is_none();
        if fresh {
            self.start = Some(start);
        }
        fresh
    }

    /// Steps since the start; zero before it.
    pub fn elapsed(&self, step: i64) -> u64 {
        self.start
            .map_or(0, |start| (step - start.step).max(0) as u64)
    }

    /// Strain at timestep `step`; zero before the start.
    pub fn strain(&self, step: i64) -> f64 {
        if self.start.is_some() {
            self.protocol.strain(self.elapsed(step))
        } else {
            0.0
        }
    }

    /// The cell of timestep `step`, with entries of `current` where the mode does not reach. Fails before the start.
    pub fn cell(&self, step: i64, current: &Cell) -> Result<Cell, Error> {
        let start = self.start.ok_or_else(|| {
            Error::new("the box was to be strained before the strain had started")
        })?;
        Ok(Cell::strained(
            current,
            &start.reference,
            self.protocol.mode,
            self.strain(step),
        ))
    }

    /// Fails where `current` is not the cell of timestep `step`, because something else changed it. Entries that the
    /// mode does not reach count only with `all`.
    pub fn check_cell(&self, step: i64, current: &Cell, all: bool) -> Result<(), Error> {
        let Some(start) = &self.start else {
            return Ok(());
        };
        let base = if all { &start.reference } else { current };
        let expected = Cell::strained(
            base,
            &start.reference,
            self.protocol.mode,
            self.strain(step),
        );
        if expected.differs(current) {
            let name = self.protocol.mode.name();
            return Err(Error::new(format!(
                "the box at step {step} is not the reference box at its strain {:.6e} in {name}: it was changed between \
                 runs, for instance by change_box, read_dump or rerun. Unfix and start a new measurement",
                self.strain(step)
            )));
        }
        Ok(())
    }

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
            && self
                .protocol
                .cycles
                .is_none_or(|cycles| elapsed <= cycles * self.protocol.period)
    }

    /// The first sampling step after `step`.
    pub fn next_due(&self, step: i64) -> i64 {
        let every = self.protocol.sample_every;
        step + (every - self.elapsed(step) % every) as i64
    }

    /// Takes the sample of a step at which one is due; returns the block that it completes. Fails where steps are
    /// missing since the last sample.
    pub fn sample(&mut self, sample: &Sample) -> Result<Option<Block>, Error> {
        let elapsed = self.elapsed(sample.step);
        let expected = self
            .last_sampled
            .map_or(0, |last| last + self.protocol.sample_every);
        if elapsed != expected || self.start.is_none() {
            return Err(Error::new(format!(
                "the stress of step {} came where that of step {} was expected: every step must be run once, in \
                 order, without rerun or a gap between runs",
                sample.step,
                sample.step - elapsed as i64 + expected as i64
            )));
        }
        let strain = self.protocol.strain(elapsed);
        let protocol = &self.protocol;
        let moment = Moment::new(elapsed, protocol.period);
        let regress = !protocol.finished(elapsed);
        let used = moment.cycle >= protocol.skip;

        let driven_virial = sample.virial[protocol.mode.component()];
        let shape = if protocol.mode.is_shear() {
            1.0
        } else {
            1.0 + strain
        };
        let force = sample.volume * driven_virial / (shape * self.constants.pressure);
        self.work.add(strain, force, regress);

        let mut values = [0.0; RESPONSES];
        values[TOTAL..VIRIAL].copy_from_slice(&sample.stress);
        values[VIRIAL..TEMPERATURE].copy_from_slice(&sample.virial);
        values[TEMPERATURE] = sample.temperature;
        values[POTENTIAL] = sample.potential;
        values[VOLUME] = sample.volume;
        values[CONSERVED] =
            sample.potential + sample.kinetic + sample.reservoir - self.work.total();
        if self.last_sampled.is_none() {
            self.shifts = values;
        }
        self.last_sampled = Some(elapsed);
        self.last_stress = values[self.outcome.headline];
        if !regress {
            return Ok(None);
        }

        let design = if used { &self.design } else { &self.transient };
        let sums = if used {
            &mut self.sums
        } else {
            &mut self.transient_sums
        };
        let index = sums.taken();
        sums.add(design, index, moment.step, &values, &self.shifts);
        let complete = sums.taken() == design.samples();
        if used {
            self.add_to_cycle(moment);
        }
        Ok(complete.then(|| self.close_block(sample.step, moment, used)))
    }

    /// Plain lock-in of single cycles, whose scatter measures the thermal noise.
    fn add_to_cycle(&mut self, moment: Moment) {
        let protocol = &self.protocol;
        let (sin, cos) = sin_cos_turn(moment.step, protocol.period);
        let y = self.last_stress - self.shifts[self.outcome.headline];
        self.cycle[0].add(y * sin);
        self.cycle[1].add(y * cos);
        if moment.step + protocol.sample_every == protocol.period {
            let [sine, cosine] = self.cycle.map(|sum| sum.total());
            let scale = 2.0 / protocol.samples_per_period() as f64;
            self.outcome
                .cycle_loss
                .push(scale * (cosine * protocol.phase.cos() - sine * protocol.phase.sin()));
            self.cycle = [Sum::default(); 2];
        }
    }

    fn close_block(&mut self, step: i64, moment: Moment, used: bool) -> Block {
        let protocol = &self.protocol;
        let (design, sums, cycles) = if used {
            (&self.design, &mut self.sums, protocol.block)
        } else {
            (&self.transient, &mut self.transient_sums, 1)
        };
        let fits = sums.fit(design, cycles, protocol.phase, &self.shifts);
        sums.clear();
        let span = (cycles * protocol.period - protocol.sample_every) as i64;
        let block = Block {
            number: if used {
                self.outcome.blocks() + 1
            } else {
                moment.cycle + 1
            },
            used,
            cycles: (moment.cycle + 2 - cycles, moment.cycle + 1),
            steps: (step - span, step),
            fits,
            work: self.work.close_block() / cycles as f64,
        };
        if used {
            self.outcome.push(&block);
        }
        block
    }
}
