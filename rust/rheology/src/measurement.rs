//! The measurement as a whole: it says which cell belongs to which step, takes one sample at each sampling step, closes
//! blocks, and keeps what they add up to.

mod atoms;
mod continuation;
mod sampling;

use crate::advice::brief;
use crate::atoms::AtomLockin;
use crate::block::BlockSums;
use crate::cell::Cell;
use crate::error::Error;
use crate::follower::Follower;
use crate::lockin::CycleSums;
use crate::mode::Mode;
use crate::outcome::{Outcome, RESPONSES, TOTAL, VIRIAL};
use crate::protocol::Protocol;
use crate::regression::Design;
use crate::request::Request;
use crate::series::PairSeries;
use crate::work::Work;
pub use atoms::PendingAtoms;
pub use sampling::check_atom_numbers;

/// Constants of the simulation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constants {
    /// Boltzmann's constant [energy/temperature].
    pub boltzmann: f64,
    /// Pressure of one energy unit per volume unit [pressure].
    pub pressure: f64,
    /// Dimensions, 2 or 3.
    pub dimension: usize,
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
    /// Volume over which the stresses were taken.
    pub volume: f64,
    /// The cell at that moment; only an external strain is read from it.
    pub cell: Cell,
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
    constants: Constants,
    design: Design,
    /// Design of a single cycle, for those before the first used one.
    transient: Design,
    start: Option<Start>,
    last_sampled: Option<u64>,
    last_stress: f64,
    last_strain: f64,
    follower: Follower,
    shifts: [f64; RESPONSES],
    sums: BlockSums,
    transient_sums: BlockSums,
    cycle: CycleSums,
    work: Work,
    outcome: Outcome,
    atoms: Option<AtomLockin>,
    /// The block whose sums of single atoms are to be closed.
    pending: Option<PendingAtoms>,
    /// What the stresses of all atoms add up to, a modulus, block by block.
    atom_sum: PairSeries,
}

impl Measurement {
    /// A measurement that has not started.
    pub fn new(request: Request, timestep: f64, constants: Constants) -> Result<Self, Error> {
        let protocol = request.resolve(timestep, constants.dimension)?;
        let multiples = protocol.multiples();
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
        let base = if request.virial_headline {
            VIRIAL
        } else {
            TOTAL
        };
        Ok(Measurement {
            sums: BlockSums::new(RESPONSES, design.columns()),
            transient_sums: BlockSums::new(RESPONSES, transient.columns()),
            cycle: CycleSums::new(protocol.tones.len()),
            outcome: Outcome::new(&protocol, base),
            atoms: request
                .atoms
                .map(|sampling| AtomLockin::new(&protocol, sampling))
                .transpose()?,
            pending: None,
            atom_sum: PairSeries::default(),
            request,
            protocol,
            constants,
            design,
            transient,
            start: None,
            last_sampled: None,
            last_stress: 0.0,
            last_strain: 0.0,
            follower: Follower::default(),
            shifts: [0.0; RESPONSES],
            work: Work::default(),
        })
    }

    /// What was asked for.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The protocol in whole steps.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Averages over the used blocks.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Constants of the simulation.
    pub fn constants(&self) -> Constants {
        self.constants
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

    /// Timestep of the last sample.
    pub fn last_step(&self) -> Option<i64> {
        let start = self.start?;
        self.last_sampled.map(|last| start.step + last as i64)
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
        *self = Measurement::new(self.request.clone(), timestep, self.constants)?;
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

    /// Whether this measurement moves the box.
    pub fn drives(&self) -> bool {
        self.protocol.external.is_none() && self.protocol.deformation.mode != Mode::None
    }

    /// Strain at timestep `step`, of an external drive that of the last sample; zero before the start.
    pub fn strain(&self, step: i64) -> f64 {
        if self.start.is_none() {
            0.0
        } else if self.protocol.external.is_some() {
            self.last_strain
        } else {
            self.protocol.strain(self.elapsed(step))
        }
    }

    /// The cell of timestep `step`, with entries of `current` where the mode does not reach. Fails before the start.
    pub fn cell(&self, step: i64, current: &Cell) -> Result<Cell, Error> {
        let start = self.start.ok_or_else(|| {
            Error::new("the box was to be strained before the strain had started")
        })?;
        let strain = self.strain(step);
        let deformation = &self.protocol.deformation;
        Ok(deformation.cell(current, &start.reference, strain))
    }

    /// Takes the cell in which the forces of timestep `step` are computed; of use with an external drive only.
    pub fn follow(&mut self, step: i64, cell: &Cell) -> Result<(), Error> {
        let (Some(lag), Some(start)) = (self.protocol.external, &self.start) else {
            return Ok(());
        };
        let strain = self.protocol.deformation.strain_of(cell, &start.reference);
        let volume = cell.volume(self.constants.dimension);
        self.follower.follow(lag, step, strain, volume)
    }

    /// Fails where `current` is not the cell of timestep `step`, because something else changed it. Entries that the
    /// mode does not reach count only with `all`.
    pub fn check_cell(&self, step: i64, current: &Cell, all: bool) -> Result<(), Error> {
        let Some(start) = self.start.as_ref().filter(|_| self.drives()) else {
            return Ok(());
        };
        let base = if all { &start.reference } else { current };
        let deformation = &self.protocol.deformation;
        let expected = deformation.cell(base, &start.reference, self.strain(step));
        if expected.differs(current) {
            let name = deformation.mode.name();
            return Err(Error::new(format!(
                "the box at step {step} is not the reference box at its strain {} in {name}: it was changed between \
                 runs, for instance by change_box, read_dump or rerun. Unfix and start a new measurement",
                brief(self.strain(step))
            )));
        }
        Ok(())
    }
}
