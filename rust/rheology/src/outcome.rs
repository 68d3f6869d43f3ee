//! What the fitted blocks add up to.

use crate::block::Fit;
use crate::error::Error;
use crate::mode::{COMPONENTS, Mode};
use crate::moduli::{Complex, Isotropic};
use crate::restart::{Reader, State, Writer};
use crate::series::{PairSeries, Series};

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
/// Number of responses that are fitted together.
pub const RESPONSES: usize = TEMPERATURE + 4;

/// One fitted block.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Number of the block, from 1; the cycles before the first used one are blocks of one cycle.
    pub number: u64,
    /// Whether it enters the averages.
    pub used: bool,
    /// First and last cycle, from 1.
    pub cycles: (u64, u64),
    /// Timesteps of its first and last sample.
    pub steps: (i64, i64),
    /// Fit of every response.
    pub fits: Vec<Fit>,
    /// Work per cycle [energy].
    pub work: f64,
}

/// Averages over the used blocks, response by response, in the pressure unit of the simulation.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Index of the headline stress among the responses.
    pub headline: usize,
    mode: Mode,
    amplitude: f64,
    /// Fundamental (a, b) of every response.
    pub pairs: [PairSeries; RESPONSES],
    /// Means of every response.
    pub means: [Series; RESPONSES],
    /// Drifts per cycle of every response.
    pub drifts: [Series; RESPONSES],
    /// (a, b) of the headline stress at harmonics 2 … H.
    pub harmonics: Vec<PairSeries>,
    /// K', K'', G', G'', E', E'', ν', ν'' block by block; uniaxial modes only.
    pub isotropic: [Series; 8],
    /// Work per cycle [energy].
    pub work: Series,
    /// Residual variance of the headline stress.
    pub residual: Series,
    /// Plain loss coefficient b of the headline stress in single used cycles.
    pub cycle_loss: Series,
}

impl Outcome {
    /// No blocks yet. `headline` is the index of the driven stress, `harmonics` the highest fitted harmonic.
    pub fn new(mode: Mode, headline: usize, amplitude: f64, harmonics: u64) -> Self {
        Outcome {
            headline,
            mode,
            amplitude,
            pairs: [PairSeries::default(); RESPONSES],
            means: [Series::default(); RESPONSES],
            drifts: [Series::default(); RESPONSES],
            harmonics: vec![PairSeries::default(); harmonics as usize - 1],
            isotropic: [Series::default(); 8],
            work: Series::default(),
            residual: Series::default(),
            cycle_loss: Series::default(),
        }
    }

    /// Takes a used block.
    pub fn push(&mut self, block: &Block) {
        for (response, fit) in block.fits.iter().enumerate() {
            let (a, b) = fit.pairs[0];
            self.pairs[response].push(a, b);
            self.means[response].push(fit.mean);
            self.drifts[response].push(fit.drift);
        }
        let driven = &block.fits[self.headline];
        for (series, &(a, b)) in self.harmonics.iter_mut().zip(&driven.pairs[1..]) {
            series.push(a, b);
        }
        self.residual.push(driven.residual);
        self.work.push(block.work);
        let modulus = |response: usize| {
            let (a, b) = block.fits[response].pairs[0];
            Complex::new(a, b) * (1.0 / self.amplitude)
        };
        if let Some(constants) = self.isotropic_of(modulus) {
            self.isotropic
                .iter_mut()
                .zip(constants.parts())
                .for_each(|(series, part)| series.push(part));
        }
    }

    /// Number of used blocks.
    pub fn blocks(&self) -> u64 {
        self.work.count()
    }

    /// Mean complex modulus of response `response`, σ̂/ε0.
    pub fn modulus(&self, response: usize) -> Complex {
        let pair = &self.pairs[response];
        Complex::new(pair.a.mean(), pair.b.mean()) * (1.0 / self.amplitude)
    }

    /// Elastic constants of an isotropic body from the mean C11* and C12*; `None` for shear.
    pub fn constants(&self) -> Option<Isotropic> {
        self.isotropic_of(|response| self.modulus(response))
    }

    fn isotropic_of(&self, modulus: impl Fn(usize) -> Complex) -> Option<Isotropic> {
        let [first, second] = self.mode.lateral()?;
        let base = self.headline - self.mode.component();
        let lateral = (modulus(base + first) + modulus(base + second)) * 0.5;
        Some(Isotropic::from_uniaxial(modulus(self.headline), lateral))
    }

    /// I_h = |σ̂_h|/|σ̂_1| from the mean amplitudes; zero where harmonic h is not fitted.
    pub fn harmonic_ratio(&self, harmonic: usize) -> f64 {
        let fundamental = &self.pairs[self.headline];
        let norm = fundamental.a.mean().hypot(fundamental.b.mean());
        match self.harmonics.get(harmonic.wrapping_sub(2)) {
            Some(pair) if norm > 0.0 => pair.a.mean().hypot(pair.b.mean()) / norm,
            _ => 0.0,
        }
    }
}

impl State for Outcome {
    fn write(&self, out: &mut Writer) {
        self.pairs.write(out);
        self.means.write(out);
        self.drifts.write(out);
        self.harmonics.write(out);
        self.isotropic.write(out);
        for series in [&self.work, &self.residual, &self.cycle_loss] {
            series.write(out);
        }
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
        self.pairs.read(from)?;
        self.means.read(from)?;
        self.drifts.read(from)?;
        self.harmonics.read(from)?;
        self.isotropic.read(from)?;
        for series in [&mut self.work, &mut self.residual, &mut self.cycle_loss] {
            series.read(from)?;
        }
        Ok(())
    }
}
