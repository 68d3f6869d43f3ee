//! Lock-in of single atoms: their share of the modulus, and their displacement beside the affine one.
//!
//! The least-squares fit of a block is linear in the samples, so the pair (a, b) of a tone is Σ w_s y_s with weights that
//! are the same for all atoms, trend and harmonics included. An atom therefore needs two sums a quantity, and what its
//! stresses add up to over all atoms is exactly what the fit makes of their sum.
//!
//! With S the stress of an atom times its volume, Ω that volume, and ε0 the strain conjugate to the driven stress,
//! M' + iM'' = (a + ib)/(ε0 Ω), and the energy that the atom dissipates in a period is W = π ε0² M'' Ω. S and Ω are taken
//! relative to the volume of the cell, which keeps the sum rule Σ Ω M = V·M of the cell exact where the volume oscillates.
//! The non-affine displacement is u = h_ref (s(t) − s(0)) in unwrapped scaled coordinates, without that of the centre of
//! mass.
//!
//! The state of an atom is a row of [`Layout::width`] numbers which the caller keeps with the atom.

mod rows;

use crate::error::Error;
use crate::mode::COMPONENTS;
use crate::phase::Moment;
use crate::protocol::Protocol;
use crate::regression::Design;
use crate::restart::{Reader, State, Writer};
pub use rows::{AtomSample, Closing, Layout};

/// Numbers that come out for each atom: M', M'', W, the standard error of M'', û' along x, y, z, û'' along x, y, z, and
/// the standard errors of these six.
pub const ATOM_COLUMNS: usize = 16;

/// Numbers that averages over neighbours add: M'' of the shell and its standard error.
pub const SHELL_COLUMNS: usize = 2;

/// What is measured of single atoms, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtomSampling {
    /// Steps between samples.
    pub every: u64,
    /// The stress of each atom.
    pub stress: bool,
    /// Its non-affine displacement.
    pub displacement: bool,
    /// Averages of M'' over an atom and its neighbours.
    pub shell: bool,
}

/// The weights of one sample in the pair (a, b).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    a: f64,
    b: f64,
}

/// Clock and weights of the lock-in of atoms; the same on every rank.
#[derive(Debug, Clone)]
pub struct AtomLockin {
    sampling: AtomSampling,
    layout: Layout,
    design: Design,
    /// Gains of the sine and the cosine of the first tone.
    gains: [Vec<f64>; 2],
    /// Weights of the stress components in the driven stress.
    driven: [f64; COMPONENTS],
    /// Samples of the block under way.
    taken: u64,
    /// Used blocks.
    blocks: u64,
    /// Whether each atom has its place of zero displacement.
    started: bool,
}

impl AtomLockin {
    /// The lock-in of atoms under `protocol`. Fails where the interval does not fit period and Nevery, or the samples do
    /// not suffice.
    pub fn new(protocol: &Protocol, sampling: AtomSampling) -> Result<Self, Error> {
        let every = sampling.every;
        let (period, nevery) = (protocol.period, protocol.sample_every);
        let fits = |m: u64| m > 0 && m.is_multiple_of(nevery) && period.is_multiple_of(m);
        let multiples = protocol.multiples();
        let highest = multiples.last().copied().unwrap_or(1);
        let suffices = |m: u64| period / m > 2 * highest;
        if !fits(every) || !suffices(every) {
            let below = (1..=every.min(period))
                .rev()
                .find(|m| *m != every && fits(*m) && suffices(*m));
            let above = (every + 1..=period).find(|m| fits(*m) && suffices(*m));
            let admissible: Vec<String> = [below, above]
                .into_iter()
                .flatten()
                .map(|m| m.to_string())
                .collect();
            let reason = if fits(every) {
                format!(
                    "gives {} samples per period, and the fitted harmonics need more than {}",
                    period / every,
                    2 * highest
                )
            } else {
                format!(
                    "is not a multiple of Nevery = {nevery} that divides the period of {period} steps"
                )
            };
            return Err(Error::new(format!(
                "peratom: the interval of {every} steps {reason}: use {}",
                admissible.join(" or ")
            )));
        }
        let design = Design::new(
            period,
            period / every,
            protocol.block,
            protocol.detrend,
            &multiples,
        )?;
        let index = multiples
            .binary_search(&protocol.tones[0].multiple)
            .unwrap_or(0);
        let column = design.sine_column(index);
        Ok(AtomLockin {
            layout: Layout::new(&sampling),
            gains: [design.functional(column), design.functional(column + 1)],
            driven: protocol.deformation.weights(),
            design,
            sampling,
            taken: 0,
            blocks: 0,
            started: false,
        })
    }

    /// What is measured.
    pub fn sampling(&self) -> AtomSampling {
        self.sampling
    }

    /// The layout of the rows.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Used blocks.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Whether each atom has its place of zero displacement.
    pub fn started(&self) -> bool {
        self.started
    }

    /// Index of the sample in its block, `elapsed` steps after the start; `None` where none is due.
    fn index(&self, protocol: &Protocol, elapsed: u64) -> Option<u64> {
        let first = protocol.skip * protocol.period;
        if elapsed < first || protocol.over(elapsed) || !elapsed.is_multiple_of(self.sampling.every)
        {
            return None;
        }
        Some((elapsed - first) % (protocol.block * protocol.period) / self.sampling.every)
    }

    /// Whether atoms are to be sampled `elapsed` steps after the start.
    pub fn is_due(&self, protocol: &Protocol, elapsed: u64) -> bool {
        self.index(protocol, elapsed).is_some()
    }

    /// Steps after the start at which atoms are sampled next after `elapsed`.
    pub fn next_due(&self, protocol: &Protocol, elapsed: u64) -> u64 {
        let next = (elapsed / self.sampling.every + 1) * self.sampling.every;
        next.max(protocol.skip * protocol.period)
    }

    /// Counts the sample `elapsed` steps after the start and returns its weights; `None` where none is due, or the block
    /// has not been sampled from its beginning.
    pub fn weights(&mut self, protocol: &Protocol, elapsed: u64) -> Option<Weights> {
        let index = self.index(protocol, elapsed)?;
        if index != self.taken {
            return None;
        }
        self.taken += 1;
        let step = Moment::new(elapsed, protocol.period).step;
        let mut row = vec![0.0; self.design.columns()];
        self.design.regressors(index, step, &mut row);
        let [a, b] = [0, 1].map(|part| self.gains[part].iter().zip(&row).map(|(g, r)| g * r).sum());
        Some(Weights { a, b })
    }

    /// Starts the statistics anew, with the next block.
    pub fn forget(&mut self) {
        (self.taken, self.blocks, self.started) = (0, 0, false);
    }

    /// Ends the block on the clock. Whether it was sampled as a whole and counts.
    pub fn complete(&mut self) -> bool {
        let whole = self.taken == self.design.samples();
        self.taken = 0;
        self.blocks += u64::from(whole);
        whole
    }
}

impl State for AtomLockin {
    fn write(&self, out: &mut Writer) {
        out.integer(self.taken);
        out.integer(self.blocks);
        out.integer(u64::from(self.started));
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
        self.taken = from.integer()?;
        self.blocks = from.integer()?;
        self.started = from.integer()? != 0;
        Ok(())
    }
}
