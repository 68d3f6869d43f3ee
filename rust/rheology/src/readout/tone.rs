//! The results of one tone.

use serde::Serialize;

use super::{COLD, Estimate};
use crate::measurement::Measurement;
use crate::mode::{COMPONENTS, Mode};
use crate::noise::{fluctuation_error, fluctuation_loss, predicted_error, sampling_penalty};
use crate::outcome::{DRIVEN, TEMPERATURE};
use crate::series::Series;
use crate::tone_outcome::ToneOutcome;
use crate::units::StressUnit;

/// Moduli of one tone, with what bears on their errors.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ToneReading {
    /// Periods in one base period.
    pub multiple: u64,
    /// Frequency [1/time].
    pub frequency: f64,
    /// Period [time].
    pub period: f64,
    /// Amplitude of the strain; of an external one, as it was found.
    pub strain_amplitude: f64,
    /// Independent blocks, n_eff of E''.
    pub effective_blocks: f64,
    /// E'.
    pub storage: Estimate,
    /// E''; in mode none the shear modulus' from the stress noise.
    pub loss: Estimate,
    /// tan δ.
    pub loss_tangent: Estimate,
    /// |σ̂_2|/|σ̂_1|.
    pub second_harmonic: f64,
    /// |σ̂_3|/|σ̂_1|.
    pub third_harmonic: f64,
    /// Temperature oscillation in phase with the strain.
    pub temperature_in_phase: f64,
    /// Temperature oscillation a quarter period ahead of the strain.
    pub temperature_out_of_phase: f64,
    /// E'' from the scatter of single cycles.
    pub loss_from_noise: Estimate,
    /// E'' from the scatter over E'': 1 in equilibrium.
    pub noise_ratio: Estimate,
    /// The temperature at which that ratio would be 1.
    pub effective_temperature: Estimate,
    /// Standard error of E'' predicted from the thermal stress noise.
    pub predicted_error: f64,
    /// Slope of E'' from block to block over its standard error.
    pub trend_over_error: f64,
    /// Aliased share of the noise, relative to the thermal one.
    pub sampling_penalty: f64,
}

impl ToneReading {
    /// Tone `index` of `measurement` in `unit`; `thermal` is k_B T/V in the pressure unit of the simulation.
    pub(super) fn of(
        measurement: &Measurement,
        index: usize,
        thermal: f64,
        unit: &StressUnit,
    ) -> Self {
        let protocol = measurement.protocol();
        let tone = &protocol.tones[index];
        let outcome = &measurement.outcome().tones[index];
        let periods = tone.multiple as f64;
        let common = ToneReading {
            multiple: tone.multiple,
            frequency: periods / protocol.period_time(),
            period: protocol.period_time() / periods,
            strain_amplitude: outcome.strain.mean(),
            ..ToneReading::default()
        };
        if protocol.deformation.mode == Mode::None {
            return common.of_noise(measurement, outcome, thermal, unit);
        }
        let pair = &outcome.pairs[DRIVEN];
        let announced = outcome.conjugate_amplitude();
        let per_strain = unit.factor / announced;
        let found = outcome.strain.mean() * protocol.deformation.conjugate();
        let loss = pair.b.mean() / announced;
        let cycles = (measurement.outcome().blocks() * protocol.block) as f64;
        let noise = noise_estimate(&[&outcome.cycle_losses[COMPONENTS]], thermal, periods, unit);
        let estimate = Estimate::of(&pair.b, per_strain);
        let ratio = ratio_of(noise, estimate);
        let temperature = measurement.outcome().means[TEMPERATURE].mean();
        let oscillation = &outcome.pairs[TEMPERATURE];
        let slope_error = pair.b.slope_error();
        ToneReading {
            effective_blocks: pair.b.effective(),
            storage: Estimate::of(&pair.a, per_strain),
            loss: estimate,
            loss_tangent: Estimate::ratio(pair),
            second_harmonic: outcome.harmonic_ratio(2),
            third_harmonic: outcome.harmonic_ratio(3),
            temperature_in_phase: oscillation.a.mean(),
            temperature_out_of_phase: oscillation.b.mean(),
            loss_from_noise: noise,
            noise_ratio: ratio,
            effective_temperature: Estimate {
                value: ratio.value * temperature,
                error: ratio.error * temperature,
            },
            predicted_error: unit.factor * predicted_error(found, thermal, loss, cycles * periods),
            trend_over_error: if slope_error > 0.0 {
                pair.b.slope() / slope_error
            } else {
                0.0
            },
            sampling_penalty: sampling_penalty(
                measurement.outcome().residuals[DRIVEN].mean(),
                protocol.samples_per_period() as f64 / periods,
                thermal,
                loss,
            ),
            ..common
        }
    }

    /// Without strain: the loss of the shear modulus from the noise of all shear stresses.
    fn of_noise(
        self,
        measurement: &Measurement,
        outcome: &ToneOutcome,
        thermal: f64,
        unit: &StressUnit,
    ) -> Self {
        let protocol = measurement.protocol();
        let periods = self.multiple as f64;
        let shears = shear_components(protocol.deformation.dimension);
        let series: Vec<&Series> = shears
            .iter()
            .map(|component| &outcome.cycle_losses[*component])
            .collect();
        let noise = noise_estimate(&series, thermal, periods, unit);
        let base = measurement.outcome().base;
        let residuals = shears
            .iter()
            .map(|component| measurement.outcome().residuals[base + component].mean());
        let residual = residuals.sum::<f64>() / shears.len() as f64;
        ToneReading {
            loss: noise,
            loss_from_noise: noise,
            predicted_error: noise.error,
            sampling_penalty: sampling_penalty(
                residual,
                protocol.samples_per_period() as f64 / periods,
                thermal,
                noise.value / unit.factor,
            ),
            ..self
        }
    }

    /// Amplitude of the temperature oscillation at the frequency of the tone.
    pub fn temperature_amplitude(&self) -> f64 {
        self.temperature_in_phase
            .hypot(self.temperature_out_of_phase)
    }
}

/// Indices of the shear stresses in `dimension` dimensions.
fn shear_components(dimension: usize) -> &'static [usize] {
    if dimension == 2 { &[3] } else { &[3, 4, 5] }
}

/// E'' from the mean variance of the single-cycle loss coefficients in `series`.
pub(super) fn noise_estimate(
    series: &[&Series],
    thermal: f64,
    periods: f64,
    unit: &StressUnit,
) -> Estimate {
    let count = series.len() as f64;
    let variance = series.iter().map(|one| one.variance()).sum::<f64>() / count;
    let value = unit.factor * fluctuation_loss(variance, thermal, periods);
    let cycles = series.first().map_or(0, |one| one.count());
    Estimate {
        value,
        error: value * fluctuation_error(cycles) / count.sqrt(),
    }
}

/// `noise` over `loss`, with the errors of both; zero where E'' is not resolved.
fn ratio_of(noise: Estimate, loss: Estimate) -> Estimate {
    if noise.value <= 0.0 || loss.value <= COLD * noise.value {
        return Estimate::default();
    }
    let value = noise.value / loss.value;
    let relative = (noise.error / noise.value).hypot(loss.error / loss.value);
    Estimate {
        value,
        error: value * relative,
    }
}
