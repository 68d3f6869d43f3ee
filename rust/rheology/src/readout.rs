//! The numbers that leave a measurement, in the chosen unit.

mod row;
mod tone;

use serde::Serialize;

use crate::measurement::Measurement;
use crate::mode::Mode;
use crate::outcome::{CONSERVED, DRIVEN, TEMPERATURE};
use crate::phase::Moment;
use crate::series::{PairSeries, Series};
use crate::units::StressUnit;
use crate::work::work_of_tone;
pub use row::{
    ISOTROPIC_COLUMNS, TONE_COLUMNS, component_losses, isotropic_estimates, tone_columns, tone_row,
};
pub use tone::ToneReading;

/// Length of [`Reading::vector`].
pub const VECTOR: usize = 24;

/// Kinetic pressure over E' below which a system counts as being at T = 0.
const COLD: f64 = 1e-9;

/// A mean over blocks and its standard error (zero with a single block).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Mean.
    pub value: f64,
    /// Standard error of the mean.
    pub error: f64,
}

impl Estimate {
    /// Mean and error of `series`, both times `factor`.
    pub fn of(series: &Series, factor: f64) -> Self {
        Estimate {
            value: series.mean() * factor,
            error: series.error() * factor.abs(),
        }
    }

    /// tan δ of `pair`.
    pub fn ratio(pair: &PairSeries) -> Self {
        Estimate {
            value: pair.ratio(),
            error: pair.ratio_error(),
        }
    }
}

/// The results after the used blocks so far; everything is zero before the first.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Reading {
    /// Used blocks.
    pub blocks: u64,
    /// Used cycles.
    pub cycles: u64,
    /// The first tone.
    #[serde(flatten)]
    pub first: ToneReading,
    /// Mean driven stress.
    pub mean_stress: Estimate,
    /// Change of the mean stress per cycle.
    pub stress_drift: f64,
    /// Work per cycle [energy].
    pub work_per_cycle: Estimate,
    /// E'' from the work, of the first tone: without what the regression says of the others.
    pub loss_from_work: f64,
    /// Mean temperature.
    pub temperature: Estimate,
    /// k_B T/V in the unit of the moduli; zero where the kinetic pressure N k_B T/V is nothing beside E'.
    pub thermal_stress: f64,
    /// Drift of the conserved energy per atom and cycle [energy].
    pub energy_drift: f64,
    /// The same over the work of a cycle; zero where no work is done.
    pub drift_over_work: f64,
    /// Every tone, the first one included.
    #[serde(skip)]
    pub tones: Vec<ToneReading>,
}

impl Reading {
    /// The results of `measurement` in `unit`.
    pub fn of(measurement: &Measurement, unit: &StressUnit) -> Self {
        let outcome = measurement.outcome();
        let blocks = outcome.blocks();
        let Some(start) = measurement.start().filter(|_| blocks > 0) else {
            return Reading::default();
        };
        let protocol = measurement.protocol();
        let constants = measurement.constants();
        let volume = start.reference.volume(constants.dimension);
        let temperature = Estimate::of(&outcome.means[TEMPERATURE], 1.0);
        let mut thermal = constants.boltzmann * temperature.value / volume * constants.pressure;
        let storage = outcome.tones.first().map_or(0.0, |tone| {
            let amplitude = tone.conjugate_amplitude();
            if amplitude > 0.0 {
                tone.pairs[DRIVEN].a.mean() / amplitude
            } else {
                0.0
            }
        });
        if thermal * start.atoms < COLD * storage.abs() {
            thermal = 0.0;
        }
        let tones: Vec<ToneReading> = (0..protocol.tones.len())
            .map(|index| ToneReading::of(measurement, index, thermal, unit))
            .collect();
        let work = Estimate::of(&outcome.work, 1.0);
        let drift = &outcome.drifts[DRIVEN];
        let energy_drift = energy_drift(measurement);
        Reading {
            blocks,
            cycles: blocks * protocol.block,
            first: tones[0].clone(),
            mean_stress: Estimate::of(&outcome.means[DRIVEN], unit.factor),
            stress_drift: unit.factor
                * if protocol.detrend.degree() > 0 {
                    drift.mean()
                } else {
                    outcome.means[DRIVEN].slope() / protocol.block as f64
                },
            work_per_cycle: work,
            loss_from_work: loss_from_work(measurement, work.value, volume) * unit.factor,
            temperature,
            thermal_stress: unit.factor * thermal,
            energy_drift: energy_drift / start.atoms,
            drift_over_work: if work.value == 0.0 {
                0.0
            } else {
                energy_drift / work.value
            },
            tones,
        }
    }

    /// The 24 numbers of the global vector, with the state of timestep `step` in the first four.
    pub fn vector(&self, measurement: &Measurement, unit: &StressUnit, step: i64) -> [f64; VECTOR] {
        let period = measurement.protocol().period;
        let moment = Moment::new(measurement.elapsed(step), period);
        let first = &self.first;
        [
            measurement.strain(step),
            measurement.last_stress() * unit.factor,
            moment.step as f64 / period as f64,
            moment.cycle as f64,
            self.blocks as f64,
            first.storage.value,
            first.loss.value,
            first.loss_tangent.value,
            first.storage.error,
            first.loss.error,
            first.loss_tangent.error,
            self.mean_stress.value,
            self.stress_drift,
            first.second_harmonic,
            first.third_harmonic,
            self.work_per_cycle.value,
            self.loss_from_work,
            first.loss_from_noise.value,
            self.temperature.value,
            first.temperature_amplitude(),
            first.predicted_error,
            first.trend_over_error,
            self.energy_drift,
            first.sampling_penalty,
        ]
    }
}

/// E'' of the first tone from the work `per_cycle` [energy] of one cycle, in the pressure unit of the simulation. The
/// work of further tones is taken off as the regression has it.
fn loss_from_work(measurement: &Measurement, per_cycle: f64, volume: f64) -> f64 {
    let protocol = measurement.protocol();
    if protocol.deformation.mode == Mode::None {
        return 0.0;
    }
    let samples = protocol.samples_per_period();
    let tones = protocol.tones.iter().zip(&measurement.outcome().tones);
    let mut rest = per_cycle * measurement.constants().pressure;
    let mut first = 0.0;
    for (index, (tone, outcome)) in tones.enumerate() {
        let announced = outcome.conjugate_amplitude();
        let found = outcome.strain.mean() * protocol.deformation.conjugate();
        let loss = outcome.pairs[DRIVEN].b.mean() / announced;
        if index == 0 {
            first = work_of_tone(found, 1.0, volume, tone.multiple, samples);
        } else {
            rest -= work_of_tone(found, loss, volume, tone.multiple, samples);
        }
    }
    rest / first
}

/// Drift of the conserved energy per cycle: the slope over blocks, or that within a single block [energy].
fn energy_drift(measurement: &Measurement) -> f64 {
    let outcome = measurement.outcome();
    match outcome.blocks() {
        0 | 1 => outcome.drifts[CONSERVED].mean(),
        _ => outcome.means[CONSERVED].slope() / measurement.protocol().block as f64,
    }
}
