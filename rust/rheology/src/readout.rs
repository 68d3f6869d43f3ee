//! The numbers that leave a measurement, in the chosen unit.

use serde::Serialize;

use crate::measurement::Measurement;
use crate::mode::COMPONENTS;
use crate::noise::{fluctuation_loss, predicted_error, sampling_penalty};
use crate::outcome::{CONSERVED, TEMPERATURE};
use crate::phase::Moment;
use crate::series::Series;
use crate::units::StressUnit;
use crate::work::loss_from_work;

/// Length of [`Reading::vector`].
pub const VECTOR: usize = 24;
/// Columns of [`tone_row`] without the elastic constants.
pub const TONE_COLUMNS: usize = 10 + 2 * COMPONENTS;
/// Columns that the elastic constants add for uniaxial modes.
pub const ISOTROPIC_COLUMNS: usize = 8;

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
}

/// The results after the used blocks so far; everything is zero before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Reading {
    /// Used blocks.
    pub blocks: u64,
    /// Used cycles.
    pub cycles: u64,
    /// Independent blocks, n_eff of E''.
    pub effective_blocks: f64,
    /// E'.
    pub storage: Estimate,
    /// E''.
    pub loss: Estimate,
    /// tan δ.
    pub loss_tangent: Estimate,
    /// Mean driven stress.
    pub mean_stress: Estimate,
    /// Change of the mean stress per cycle.
    pub stress_drift: f64,
    /// |σ̂_2|/|σ̂_1|.
    pub second_harmonic: f64,
    /// |σ̂_3|/|σ̂_1|.
    pub third_harmonic: f64,
    /// Work per cycle [energy].
    pub work_per_cycle: Estimate,
    /// E'' from the work.
    pub loss_from_work: f64,
    /// E'' from the scatter of single cycles.
    pub loss_from_noise: f64,
    /// Mean temperature.
    pub temperature: Estimate,
    /// Temperature oscillation in phase with the strain.
    pub temperature_in_phase: f64,
    /// Temperature oscillation a quarter period ahead of the strain.
    pub temperature_out_of_phase: f64,
    /// k_B T/V in the unit of the moduli; zero where the kinetic pressure N k_B T/V is nothing beside E'.
    pub thermal_stress: f64,
    /// Standard error of E'' predicted from the thermal stress noise.
    pub predicted_error: f64,
    /// Slope of E'' from block to block over its standard error.
    pub trend_over_error: f64,
    /// Drift of the conserved energy per atom and cycle [energy].
    pub energy_drift: f64,
    /// Aliased share of the noise, relative to the thermal one.
    pub sampling_penalty: f64,
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
        let amplitude = protocol.amplitude;
        let volume = start.reference.volume();
        let pair = &outcome.pairs[outcome.headline];
        let per_strain = unit.factor / amplitude;
        let cycles = blocks * protocol.block;
        let temperature = Estimate::of(&outcome.means[TEMPERATURE], 1.0);
        let storage = pair.a.mean() / amplitude;
        let loss = pair.b.mean() / amplitude;
        let mut thermal = constants.boltzmann * temperature.value / volume * constants.pressure;
        if thermal * start.atoms < COLD * storage.abs() {
            thermal = 0.0;
        }
        let oscillation = &outcome.pairs[TEMPERATURE];
        let drift = &outcome.drifts[outcome.headline];
        let work = Estimate::of(&outcome.work, 1.0);
        let slope_error = pair.b.slope_error();
        Reading {
            blocks,
            cycles,
            effective_blocks: pair.b.effective(),
            storage: Estimate::of(&pair.a, per_strain),
            loss: Estimate::of(&pair.b, per_strain),
            loss_tangent: Estimate {
                value: pair.ratio(),
                error: pair.ratio_error(),
            },
            mean_stress: Estimate::of(&outcome.means[outcome.headline], unit.factor),
            stress_drift: unit.factor
                * if protocol.detrend.degree() > 0 {
                    drift.mean()
                } else {
                    outcome.means[outcome.headline].slope() / protocol.block as f64
                },
            second_harmonic: outcome.harmonic_ratio(2),
            third_harmonic: outcome.harmonic_ratio(3),
            work_per_cycle: work,
            loss_from_work: unit.factor
                * constants.pressure
                * loss_from_work(work.value, amplitude, volume, protocol.samples_per_period()),
            loss_from_noise: unit.factor * fluctuation_loss(outcome.cycle_loss.variance(), thermal),
            temperature,
            temperature_in_phase: oscillation.a.mean(),
            temperature_out_of_phase: oscillation.b.mean(),
            thermal_stress: unit.factor * thermal,
            predicted_error: unit.factor * predicted_error(amplitude, thermal, loss, cycles as f64),
            trend_over_error: if slope_error > 0.0 {
                pair.b.slope() / slope_error
            } else {
                0.0
            },
            energy_drift: energy_drift(measurement) / start.atoms,
            sampling_penalty: sampling_penalty(
                outcome.residual.mean(),
                protocol.samples_per_period() as f64,
                thermal,
                loss,
            ),
        }
    }

    /// Amplitude of the temperature oscillation at the drive frequency.
    pub fn temperature_amplitude(&self) -> f64 {
        self.temperature_in_phase
            .hypot(self.temperature_out_of_phase)
    }

    /// The 24 numbers of the global vector, with the state of timestep `step` in the first four.
    pub fn vector(&self, measurement: &Measurement, unit: &StressUnit, step: i64) -> [f64; VECTOR] {
        let period = measurement.protocol().period;
        let moment = Moment::new(measurement.elapsed(step), period);
        [
            measurement.strain(step),
            measurement.last_stress() * unit.factor,
            moment.step as f64 / period as f64,
            moment.cycle as f64,
            self.blocks as f64,
            self.storage.value,
            self.loss.value,
            self.loss_tangent.value,
            self.storage.error,
            self.loss.error,
            self.loss_tangent.error,
            self.mean_stress.value,
            self.stress_drift,
            self.second_harmonic,
            self.third_harmonic,
            self.work_per_cycle.value,
            self.loss_from_work,
            self.loss_from_noise,
            self.temperature.value,
            self.temperature_amplitude(),
            self.predicted_error,
            self.trend_over_error,
            self.energy_drift,
            self.sampling_penalty,
        ]
    }
}

/// Drift of the conserved energy per cycle: the slope over blocks, or that within a single block [energy].
fn energy_drift(measurement: &Measurement) -> f64 {
    let outcome = measurement.outcome();
    match outcome.blocks() {
        0 | 1 => outcome.drifts[CONSERVED].mean(),
        _ => outcome.means[CONSERVED].slope() / measurement.protocol().block as f64,
    }
}

/// One row of the global array: 1 frequency, 2 period, 3 amplitude, 4 E', 5 E'', 6 tan δ, 7 to 9 their errors, 10 used
/// cycles, 11 to 16 real and 17 to 22 imaginary parts of the six stress responses over the strain, and for uniaxial
/// modes 23 to 30 K', K'', G', G'', E', E'', ν', ν''.
pub fn tone_row(measurement: &Measurement, unit: &StressUnit) -> Vec<f64> {
    let reading = Reading::of(measurement, unit);
    let protocol = measurement.protocol();
    let outcome = measurement.outcome();
    let mut row = vec![
        1.0 / protocol.period_time(),
        protocol.period_time(),
        protocol.amplitude,
        reading.storage.value,
        reading.loss.value,
        reading.loss_tangent.value,
        reading.storage.error,
        reading.loss.error,
        reading.loss_tangent.error,
        reading.cycles as f64,
    ];
    let base = outcome.headline - protocol.mode.component();
    let moduli: Vec<_> = (0..COMPONENTS)
        .map(|component| outcome.modulus(base + component) * unit.factor)
        .collect();
    row.extend(moduli.iter().map(|modulus| modulus.re));
    row.extend(moduli.iter().map(|modulus| modulus.im));
    if protocol.mode.lateral().is_some() {
        let parts = isotropic_estimates(measurement, unit);
        row.extend(parts.map(|part| part.value));
    }
    row
}

/// K', K'', G', G'', E', E'', ν', ν'' from the mean C11* and C12*, their errors from the scatter over blocks. Zero for
/// shear and before the first block.
pub fn isotropic_estimates(
    measurement: &Measurement,
    unit: &StressUnit,
) -> [Estimate; ISOTROPIC_COLUMNS] {
    let outcome = measurement.outcome();
    let Some(constants) = outcome.constants().filter(|_| outcome.blocks() > 0) else {
        return Default::default();
    };
    let parts = constants.parts();
    std::array::from_fn(|index| {
        let factor = if index < 6 { unit.factor } else { 1.0 };
        Estimate {
            value: parts[index] * factor,
            error: outcome.isotropic[index].error() * factor,
        }
    })
}
