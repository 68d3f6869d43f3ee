//! What the fitted blocks add up to.

use crate::block::Fit;
use crate::deformation::Deformation;
use crate::error::Error;
use crate::mode::COMPONENTS;
use crate::protocol::Protocol;
use crate::restart::{Reader, State, Writer};
use crate::series::Series;
use crate::tone_outcome::{ToneFit, ToneOutcome};

/// Index of the first component of the total stress among the responses.
pub const TOTAL: usize = 0;
/// Index of the first component of the virial-only stress.
pub const VIRIAL: usize = COMPONENTS;
/// Index of the kinetic temperature.
pub const TEMPERATURE: usize = 2 * COMPONENTS;
/// Index of the potential energy.
pub const POTENTIAL: usize = TEMPERATURE + 1;
/// Index of the volume.
pub const VOLUME: usize = TEMPERATURE + 2;
/// Index of the conserved energy: potential + kinetic + reservoirs − work.
pub const CONSERVED: usize = TEMPERATURE + 3;
/// Index of the driven stress, the combination of components that does the work.
pub const DRIVEN: usize = TEMPERATURE + 4;
/// Index of the strain.
pub const STRAIN: usize = TEMPERATURE + 5;
/// Number of responses that are fitted together.
pub const RESPONSES: usize = TEMPERATURE + 6;

/// One fitted block.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Number of the block, from 1; the cycles before the first used one are blocks of one cycle and count, too.
    pub number: u64,
    /// Whether it enters the averages.
    pub used: bool,
    /// First and last cycle, from 1.
    pub cycles: (u64, u64),
    /// Timesteps of its first and last sample.
    pub steps: (i64, i64),
    /// Fit of every response in the phase of the clock.
    pub fits: Vec<Fit>,
    /// The same, tone by tone, in the phase of the strain.
    pub tones: Vec<ToneFit>,
    /// Work per cycle [energy].
    pub work: f64,
}

/// Averages over the used blocks, response by response, in the pressure unit of the simulation.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Index of the first of the six stress components, total or virial-only, behind the headline numbers.
    pub base: usize,
    /// What is strained.
    pub deformation: Deformation,
    /// Averages of every tone.
    pub tones: Vec<ToneOutcome>,
    /// Means of every response.
    pub means: [Series; RESPONSES],
    /// Drifts per cycle of every response.
    pub drifts: [Series; RESPONSES],
    /// Residual variances of every response.
    pub residuals: [Series; RESPONSES],
    /// Work per cycle [energy].
    pub work: Series,
}

impl Outcome {
    /// No blocks yet. `base` is the index of the first headline stress component.
    pub fn new(protocol: &Protocol, base: usize) -> Self {
        Outcome {
            base,
            deformation: protocol.deformation,
            tones: protocol
                .tones
                .iter()
                .map(|tone| ToneOutcome::new(protocol, tone))
                .collect(),
            means: [Series::default(); RESPONSES],
            drifts: [Series::default(); RESPONSES],
            residuals: [Series::default(); RESPONSES],
            work: Series::default(),
        }
    }

    /// Takes a used block.
    pub fn push(&mut self, block: &Block) {
        for (response, fit) in block.fits.iter().enumerate() {
            self.means[response].push(fit.mean);
            self.drifts[response].push(fit.drift);
            self.residuals[response].push(fit.residual);
        }
        self.work.push(block.work);
        let volume = block.fits[VOLUME].mean;
        for (outcome, fit) in self.tones.iter_mut().zip(&block.tones) {
            outcome.push(fit, self.base, volume);
        }
    }

    /// Number of used blocks.
    pub fn blocks(&self) -> u64 {
        self.work.count()
    }
}

impl State for Outcome {
    fn write(&self, out: &mut Writer) {
        self.tones.write(out);
        self.means.write(out);
        self.drifts.write(out);
        self.residuals.write(out);
        self.work.write(out);
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
        self.tones.read(from)?;
        self.means.read(from)?;
        self.drifts.read(from)?;
        self.residuals.read(from)?;
        self.work.read(from)
    }
}
