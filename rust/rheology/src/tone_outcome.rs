//! What the fitted blocks say of one tone.

use crate::block::Fit;
use crate::deformation::Deformation;
use crate::error::Error;
use crate::mode::COMPONENTS;
use crate::moduli::{Complex, Isotropic};
use crate::outcome::{DRIVEN, RESPONSES, STRAIN, VOLUME};
use crate::protocol::Protocol;
use crate::restart::{Reader, State, Writer};
use crate::series::{PairSeries, Series};
use crate::tones::Tone;

/// Stresses whose single cycles are watched: the six components and the driven stress.
pub const WATCHED: usize = COMPONENTS + 1;

/// One tone in the fit of one block, in the phase of its strain.
#[derive(Debug, Clone, PartialEq)]
pub struct ToneFit {
    /// a + ib of every response, for the amplitude of the protocol.
    pub pairs: [Complex; RESPONSES],
    /// a + ib of the driven stress at harmonics 2 … H; `None` where another tone has this frequency.
    pub harmonics: Vec<Option<Complex>>,
    /// Amplitude of the strain as it was found; that of the protocol for a strain of our own.
    pub strain: f64,
    /// The factor that takes a + ib from the phase of the clock to that of the strain, and to the protocol's amplitude.
    pub turn: Complex,
}

impl ToneFit {
    /// Tone `tone` of `protocol` in the fits of every response, whose pairs are those of `multiples`.
    pub fn new(protocol: &Protocol, tone: &Tone, fits: &[Fit], multiples: &[u64]) -> Self {
        let at = |response: usize, harmonic: u64| {
            multiples
                .binary_search(&(harmonic * tone.multiple))
                .map_or(Complex::default(), |index| fits[response].pairs[index])
        };
        let (strain, angle, scale) = if protocol.external.is_some() {
            let found = at(STRAIN, 1);
            let size = found.abs();
            let scale = if size > 0.0 {
                tone.amplitude / size
            } else {
                0.0
            };
            (size, found.im.atan2(found.re), scale)
        } else {
            (tone.amplitude, tone.phase, 1.0)
        };
        let turned = |value: Complex, harmonic: u64| {
            value * Complex::turn(-(harmonic as f64) * angle) * scale
        };
        ToneFit {
            pairs: std::array::from_fn(|response| turned(at(response, 1), 1)),
            harmonics: (2..=protocol.harmonics)
                .map(|h| {
                    let own = !protocol.belongs_to_another(tone, h);
                    own.then(|| turned(at(DRIVEN, h), h))
                })
                .collect(),
            strain,
            turn: Complex::turn(-angle) * scale,
        }
    }

    /// |σ̂_h|/|σ̂_1| of the driven stress; zero where harmonic `harmonic` is not fitted.
    pub fn harmonic_ratio(&self, harmonic: usize) -> f64 {
        let norm = self.pairs[DRIVEN].abs();
        match self.harmonics.get(harmonic.wrapping_sub(2)) {
            Some(Some(pair)) if norm > 0.0 => pair.abs() / norm,
            _ => 0.0,
        }
    }
}

/// Averages over the used blocks of everything that one tone excites.
#[derive(Debug, Clone)]
pub struct ToneOutcome {
    deformation: Deformation,
    /// Amplitude of the strain by the protocol; zero in mode none.
    amplitude: f64,
    /// (a, b) of every response.
    pub pairs: [PairSeries; RESPONSES],
    /// (a, b) of the driven stress at harmonics 2 … H; `None` where another tone has this frequency.
    pub harmonics: Vec<Option<PairSeries>>,
    /// K', K'', G', G'', E', E'', ν', ν'' block by block; uniaxial modes only.
    pub isotropic: [Series; 8],
    /// (a, b) of the difference of the two lateral stresses; uniaxial modes in three dimensions only.
    pub lateral_difference: PairSeries,
    /// Amplitude of the strain as it was found.
    pub strain: Series,
    /// (a, b) of the driven stress, block by block.
    pub history: Vec<(f64, f64)>,
    /// Plain loss coefficients b of single used cycles: the six headline stress components, and the driven stress.
    pub cycle_losses: [Series; WATCHED],
}

impl ToneOutcome {
    /// No blocks yet.
    pub fn new(protocol: &Protocol, tone: &Tone) -> Self {
        ToneOutcome {
            deformation: protocol.deformation,
            amplitude: tone.amplitude,
            pairs: [PairSeries::default(); RESPONSES],
            harmonics: (2..=protocol.harmonics)
                .map(|h| (!protocol.belongs_to_another(tone, h)).then(PairSeries::default))
                .collect(),
            isotropic: [Series::default(); 8],
            lateral_difference: PairSeries::default(),
            strain: Series::default(),
            history: Vec::new(),
            cycle_losses: [Series::default(); WATCHED],
        }
    }

    /// Takes the fit of a used block of mean volume `volume`; `base` is the index of the first headline component.
    pub fn push(&mut self, fit: &ToneFit, base: usize, volume: f64) {
        for (series, pair) in self.pairs.iter_mut().zip(&fit.pairs) {
            series.push(pair.re, pair.im);
        }
        for (series, pair) in self.harmonics.iter_mut().zip(&fit.harmonics) {
            if let (Some(series), Some(pair)) = (series, pair) {
                series.push(pair.re, pair.im);
            }
        }
        self.strain.push(fit.strain);
        let driven = fit.pairs[DRIVEN];
        self.history.push((driven.re, driven.im));
        if let Some((_, &[first, second])) = self.deformation.uniaxial() {
            let difference = fit.pairs[base + first] - fit.pairs[base + second];
            self.lateral_difference.push(difference.re, difference.im);
        }
        let per_strain = |pair: Complex| self.per_strain(pair);
        if let Some(constants) = self.deformation.isotropic(
            |component| per_strain(fit.pairs[base + component]),
            per_strain(fit.pairs[DRIVEN]),
            per_strain(fit.pairs[VOLUME]) * (1.0 / volume),
        ) {
            self.isotropic
                .iter_mut()
                .zip(constants.parts())
                .for_each(|(series, part)| series.push(part));
        }
    }

    fn per_strain(&self, pair: Complex) -> Complex {
        if self.amplitude > 0.0 {
            pair * (1.0 / self.amplitude)
        } else {
            Complex::default()
        }
    }

    /// Amplitude of the strain that is conjugate to the driven stress; zero in mode none.
    pub fn conjugate_amplitude(&self) -> f64 {
        self.amplitude * self.deformation.conjugate()
    }

    /// Mean complex response `response` over the strain, ŷ/ε0; zero in mode none.
    pub fn response(&self, response: usize) -> Complex {
        let pair = &self.pairs[response];
        self.per_strain(Complex::new(pair.a.mean(), pair.b.mean()))
    }

    /// Elastic constants of an isotropic body from the mean responses; `base` is the index of the first headline
    /// component, `volume` the mean volume. `None` where the mode does not tell them.
    pub fn constants(&self, base: usize, volume: f64) -> Option<Isotropic> {
        self.deformation.isotropic(
            |component| self.response(base + component),
            self.response(DRIVEN),
            self.response(VOLUME) * (1.0 / volume),
        )
    }

    /// I_h = |σ̂_h|/|σ̂_1| from the mean amplitudes; zero where harmonic h is not fitted or belongs to another tone.
    pub fn harmonic_ratio(&self, harmonic: usize) -> f64 {
        let driven = &self.pairs[DRIVEN];
        let norm = driven.a.mean().hypot(driven.b.mean());
        match self.harmonics.get(harmonic.wrapping_sub(2)) {
            Some(Some(pair)) if norm > 0.0 => pair.a.mean().hypot(pair.b.mean()) / norm,
            _ => 0.0,
        }
    }
}

impl State for ToneOutcome {
    fn write(&self, out: &mut Writer) {
        self.pairs.write(out);
        self.harmonics
            .iter()
            .flatten()
            .for_each(|pair| pair.write(out));
        self.isotropic.write(out);
        self.lateral_difference.write(out);
        self.strain.write(out);
        out.integer(self.history.len() as u64);
        for (a, b) in &self.history {
            out.real(*a);
            out.real(*b);
        }
        self.cycle_losses.write(out);
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
        self.pairs.read(from)?;
        self.harmonics
            .iter_mut()
            .flatten()
            .try_for_each(|pair| pair.read(from))?;
        self.isotropic.read(from)?;
        self.lateral_difference.read(from)?;
        self.strain.read(from)?;
        let blocks = from.integer()?;
        self.history.clear();
        for _ in 0..blocks {
            self.history.push((from.real()?, from.real()?));
        }
        self.cycle_losses.read(from)
    }
}
