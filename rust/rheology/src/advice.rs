//! Remarks on a protocol and on its results that a user should not miss.

use crate::measurement::Measurement;
use crate::mode::Mode;
use crate::noise::cycles_for;
use crate::outcome::{DRIVEN, TEMPERATURE};
use crate::readout::{Estimate, Reading, ToneReading};
use crate::series::PairSeries;
use crate::tone_outcome::ToneOutcome;
use crate::units::StressUnit;

/// Amplitude above which the response of a glass is rarely linear.
const LARGE_AMPLITUDE: f64 = 0.02;

/// Relative difference of an external strain from the announced one that is worth a remark.
const STRAIN_DIFFERENCE: f64 = 0.02;

/// Standard errors by which a limit must be exceeded.
const SURE: f64 = 2.0;

/// Differences of E'' below this fraction of E' are rounding, not physics.
const ROUNDING: f64 = 1e-6;

/// Remarks on the settings, before the first step.
pub fn on_settings(measurement: &Measurement) -> Vec<String> {
    let p = measurement.protocol();
    let mut remarks = Vec::new();
    if p.peak > LARGE_AMPLITUDE {
        remarks.push(format!(
            "strain amplitude {} is large for linear response: compare with half of it, and watch the third harmonic",
            rounded(p.peak)
        ));
    }
    if p.skip == 0 {
        remarks.push("nskip 0 keeps the start-up transient in the averages".to_owned());
    }
    remarks
}

/// One line on the protocol, for the log.
pub fn introduction(measurement: &Measurement) -> String {
    let p = measurement.protocol();
    let mut text = format!(
        "mode {} ({}), amplitude {}, period {} steps = {} time units, {} samples per period, blocks of {} cycles \
         after {}",
        p.deformation.mode.name(),
        p.deformation.modulus(),
        p.amplitude,
        p.period,
        rounded(p.period_time()),
        p.samples_per_period(),
        p.block,
        p.skip
    );
    if p.tones.len() > 1 {
        let tones: Vec<String> = p
            .tones
            .iter()
            .map(|tone| {
                format!(
                    "{} (amplitude {})",
                    rounded(p.period_time() / tone.multiple as f64),
                    brief(tone.amplitude)
                )
            })
            .collect();
        text.push_str(&format!("; tones with the periods {}", tones.join(", ")));
    }
    if p.external.is_some() {
        text.push_str("; the strain is that of the box, which something else moves");
    }
    text
}

/// A remark on a first run that ends at timestep `last`: too short for a block, or not a whole number of blocks.
pub fn on_length(measurement: &Measurement, last: i64) -> Option<String> {
    let p = measurement.protocol();
    if p.external.is_some() {
        // a rerun does not say where it ends
        return None;
    }
    let cycles = measurement.elapsed(last) / p.period;
    let steps = |cycles: u64| cycles * p.period;
    if cycles < p.skip + p.block {
        return Some(format!(
            "this run ends before the first block is complete: results begin after {} cycles, {} steps",
            p.skip + p.block,
            steps(p.skip + p.block)
        ));
    }
    let whole = p.skip + (cycles - p.skip) / p.block * p.block;
    let end = p.cycles.map_or(measurement.elapsed(last), |limit| {
        steps(limit).min(measurement.elapsed(last))
    });
    (end > steps(whole)).then(|| {
        format!(
            "the last {} steps of this run begin a block that it does not complete: they count only if another run \
             follows, {} or {} steps would use all",
            end - steps(whole),
            steps(whole),
            steps(whole + p.block)
        )
    })
}

/// `value` without digits that only rounding made.
pub(crate) fn rounded(value: f64) -> f64 {
    format!("{value:.12e}").parse().unwrap_or(value)
}

/// `value` with about four significant digits.
pub(crate) fn brief(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let exponent = value.abs().log10().floor() as i32;
    if (-4..7).contains(&exponent) {
        let decimals = (3 - exponent).max(0) as usize;
        format!("{value:.decimals$}")
    } else {
        format!("{value:.3e}")
    }
}

/// `estimate` and, once there is one, its standard error.
pub fn with_error(estimate: Estimate) -> String {
    let value = brief(estimate.value);
    if estimate.error > 0.0 {
        format!("{value} +- {}", brief(estimate.error))
    } else {
        value
    }
}

/// Kinds of remark on the results, each worth saying once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remark {
    /// An external strain is not the announced one.
    Strain,
    /// The thermostat cannot follow, or makes a loss of its own.
    Temperature,
    /// The reference box is under stress.
    MeanStress,
    /// E'' is not resolved yet.
    Noise,
    /// The response is not linear.
    Harmonic,
    /// The sample changes while it is measured.
    Trend,
}

/// Remarks that the results so far give rise to.
pub fn on_results(measurement: &Measurement, unit: &StressUnit) -> Vec<(Remark, String)> {
    let p = measurement.protocol();
    let reading = Reading::of(measurement, unit);
    let mut remarks = Vec::new();
    if reading.blocks < 2 || p.deformation.mode == Mode::None {
        return remarks;
    }
    for (index, (tone, planned)) in reading.tones.iter().zip(&p.tones).enumerate() {
        let stress = planned.amplitude
            * p.deformation.conjugate()
            * tone.storage.value.hypot(tone.loss.value);
        let several = reading.tones.len() > 1;
        let at = if several {
            format!(" at the period {}", rounded(tone.period))
        } else {
            String::new()
        };
        of_strain(planned.amplitude, tone, &at, &mut remarks);
        let oscillation = tone.temperature_amplitude();
        let statistics = &measurement.outcome().tones[index];
        let temperature_noise = size_of_error(&statistics.pairs[TEMPERATURE]);
        if p.deformation.changes_volume()
            && reading.thermal_stress > 0.0
            && oscillation - SURE * temperature_noise
                > 0.1 * reading.temperature.value * planned.amplitude
        {
            remarks.push((
                Remark::Temperature,
                format!(
                    "the temperature oscillates by {} with the strain{at}: unless the run is adiabatic on \
                     purpose, the thermostat adds a loss of its own; keep Tdamp below a thousandth of the period",
                    brief(oscillation)
                ),
            ));
        }
        let mean = reading.mean_stress;
        if mean.value.abs() - SURE * mean.error > 0.1 * stress && !several {
            remarks.push((
                Remark::MeanStress,
                format!(
                    "the mean stress {} {} is more than a tenth of the stress amplitude {}: relax the mean \
                     box before the measurement if zero pressure was intended",
                    brief(mean.value),
                    unit.name,
                    brief(stress)
                ),
            ));
        }
        if tone.loss.error > tone.loss.value.abs()
            && tone.loss.error > ROUNDING * tone.storage.value.abs()
        {
            remarks.push((
                Remark::Noise,
                format!(
                    "the loss modulus {} is smaller than its standard error {} {}{at}: run more cycles, more atoms, or \
                     a larger amplitude",
                    brief(tone.loss.value),
                    brief(tone.loss.error),
                    unit.name
                ),
            ));
        }
        if tone.third_harmonic - SURE * third_harmonic_noise(statistics) > 0.02 {
            remarks.push((
                Remark::Harmonic,
                format!(
                    "the third harmonic of the stress is {:.1} % of the first{at}: the response is not linear, compare \
                     with half the amplitude",
                    100.0 * tone.third_harmonic
                ),
            ));
        }
    }
    remarks.extend(on_trend(measurement, &reading, unit));
    remarks
}

/// Standard error of the amplitude of `pair`.
fn size_of_error(pair: &PairSeries) -> f64 {
    pair.a.error().hypot(pair.b.error())
}

/// Standard error of I_3.
fn third_harmonic_noise(tone: &ToneOutcome) -> f64 {
    let driven = &tone.pairs[DRIVEN];
    let norm = driven.a.mean().hypot(driven.b.mean());
    match tone.harmonics.get(1) {
        Some(Some(pair)) if norm > 0.0 => size_of_error(pair) / norm,
        _ => 0.0,
    }
}

/// A remark on an external strain whose amplitude is not that of the command.
fn of_strain(planned: f64, tone: &ToneReading, at: &str, remarks: &mut Vec<(Remark, String)>) {
    if (tone.strain_amplitude / planned - 1.0).abs() > STRAIN_DIFFERENCE {
        remarks.push((
            Remark::Strain,
            format!(
                "the box oscillates with the amplitude {}{at} rather than {}: the moduli refer to the former",
                brief(tone.strain_amplitude),
                rounded(planned)
            ),
        ));
    }
}

/// A remark on a loss that changes from block to block.
fn on_trend(
    measurement: &Measurement,
    reading: &Reading,
    unit: &StressUnit,
) -> Option<(Remark, String)> {
    let tone = measurement.outcome().tones.first()?;
    let change = tone.pairs[DRIVEN].b.slope().abs() * reading.blocks as f64 * unit.factor
        / tone.conjugate_amplitude();
    let first = &reading.first;
    (reading.blocks >= 5
        && first.trend_over_error.abs() > 3.0
        && change > ROUNDING * first.storage.value.abs())
    .then(|| {
        (
            Remark::Trend,
            format!(
                "the loss modulus changes from block to block, by {:.1} standard errors: the sample ages, or nskip is \
                 too small",
                first.trend_over_error
            ),
        )
    })
}

/// The error to expect, once the first block has been fitted; nothing where the thermal noise is unknown.
pub fn forecast(measurement: &Measurement, unit: &StressUnit) -> Option<String> {
    let reading = Reading::of(measurement, unit);
    let p = measurement.protocol();
    let first = &reading.first;
    if p.deformation.mode == Mode::None {
        let shears = if p.deformation.dimension == 2 {
            1.0
        } else {
            3.0
        };
        return (reading.thermal_stress > 0.0).then(|| {
            format!(
                "no strain: G'' from the fluctuations of {shears} shear stresses is known to 10 % after about {:.0} \
                 cycles",
                2.0 / (0.01 * shears) + 1.0
            )
        });
    }
    if first.predicted_error <= 0.0 {
        return None;
    }
    let goal = measurement.request().stop.map_or(0.1, |stop| stop.relative);
    let cycles = cycles_for(
        p.tones[0].amplitude * p.deformation.conjugate(),
        reading.thermal_stress,
        first.loss.value,
        goal,
    ) / first.multiple as f64;
    Some(format!(
        "first block: E' = {}, E'' = {} {}; thermal noise alone gives E'' an error of {} now, and {} % of \
         E'' after about {:.0} cycles",
        brief(first.storage.value),
        brief(first.loss.value),
        unit.name,
        brief(first.predicted_error),
        rounded(100.0 * goal),
        cycles.ceil()
    ))
}

/// What to say when the run may end: the error of E'' is as small as was asked for, for every tone, after the cycles that
/// were asked for. Only where a block has just been completed.
pub fn goal_reached(measurement: &Measurement, unit: &StressUnit) -> Option<String> {
    let stop = measurement
        .request()
        .stop
        .filter(|_| measurement.between_blocks())?;
    let reading = Reading::of(measurement, unit);
    if reading.blocks < 2 || reading.cycles < stop.cycles {
        return None;
    }
    let mut worst = 0.0;
    for tone in &reading.tones {
        if tone.loss.value <= 0.0 || tone.loss.error >= stop.relative * tone.loss.value {
            return None;
        }
        worst = f64::max(worst, tone.loss.error / tone.loss.value);
    }
    Some(format!(
        "E'' is known to {:.1} % after {} used cycles: the run ends",
        100.0 * worst,
        reading.cycles
    ))
}
