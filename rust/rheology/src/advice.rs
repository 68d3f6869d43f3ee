//! Remarks on a protocol and on its results that a user should not miss.

use crate::measurement::Measurement;
use crate::noise::cycles_for;
use crate::readout::Reading;
use crate::units::StressUnit;

/// Amplitude above which the response of a glass is rarely linear.
const LARGE_AMPLITUDE: f64 = 0.02;

/// Differences of E'' below this fraction of E' are rounding, not physics.
const ROUNDING: f64 = 1e-6;

/// Remarks on the settings, before the first step.
pub fn on_settings(measurement: &Measurement) -> Vec<String> {
    let p = measurement.protocol();
    let mut remarks = Vec::new();
    if p.amplitude > LARGE_AMPLITUDE {
        remarks.push(format!(
            "strain amplitude {} is large for linear response: compare with half of it, and watch the third harmonic",
            p.amplitude
        ));
    }
    if p.skip == 0 {
        remarks.push("nskip 0 keeps the start-up transient in the averages".to_owned());
    }
    remarks
}

/// A remark on a first run that ends at timestep `last`: too short for a block, or not a whole number of blocks.
pub fn on_length(measurement: &Measurement, last: i64) -> Option<String> {
    let p = measurement.protocol();
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

/// `value` with about four significant digits.
fn brief(value: f64) -> String {
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

/// Kinds of remark on the results, each worth saying once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remark {
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
    if reading.blocks < 2 {
        return remarks;
    }
    let stress = p.amplitude * reading.storage.value.hypot(reading.loss.value);
    let oscillation = reading.temperature_amplitude();
    if !p.mode.is_shear()
        && reading.thermal_stress > 0.0
        && oscillation > 0.1 * reading.temperature.value * p.amplitude
    {
        remarks.push((
            Remark::Temperature,
            format!(
                "the temperature oscillates by {} with the strain: unless the run is adiabatic on \
                 purpose, the thermostat adds a loss of its own; keep Tdamp below a thousandth of the period",
                brief(oscillation)
            ),
        ));
    }
    if reading.mean_stress.value.abs() > 0.1 * stress {
        remarks.push((
            Remark::MeanStress,
            format!(
                "the mean stress {} {} is more than a tenth of the stress amplitude {}: relax the mean \
                 box before the measurement if zero pressure was intended",
                brief(reading.mean_stress.value),
                unit.name,
                brief(stress)
            ),
        ));
    }
    if reading.loss.error > reading.loss.value.abs()
        && reading.loss.error > ROUNDING * reading.storage.value.abs()
    {
        remarks.push((
            Remark::Noise,
            format!(
                "the loss modulus {} is smaller than its standard error {} {}: run more cycles, more atoms, or \
                 a larger amplitude",
                brief(reading.loss.value),
                brief(reading.loss.error),
                unit.name
            ),
        ));
    }
    if reading.third_harmonic > 0.02 {
        remarks.push((
            Remark::Harmonic,
            format!(
                "the third harmonic of the stress is {:.1} % of the first: the response is not linear (or not resolved \
                 yet), compare with half the amplitude",
                100.0 * reading.third_harmonic
            ),
        ));
    }
    let outcome = measurement.outcome();
    let change =
        outcome.pairs[outcome.headline].b.slope().abs() * reading.blocks as f64 * unit.factor
            / p.amplitude;
    if reading.blocks >= 5
        && reading.trend_over_error.abs() > 3.0
        && change > ROUNDING * reading.storage.value.abs()
    {
        remarks.push((
            Remark::Trend,
            format!(
                "the loss modulus changes from block to block, by {:.1} standard errors: the sample ages, or nskip is \
                 too small",
                reading.trend_over_error
            ),
        ));
    }
    remarks
}

/// The error to expect, once the first block has been fitted; nothing where the thermal noise is unknown.
pub fn forecast(measurement: &Measurement, unit: &StressUnit) -> Option<String> {
    let reading = Reading::of(measurement, unit);
    if reading.predicted_error <= 0.0 {
        return None;
    }
    let cycles = cycles_for(
        measurement.protocol().amplitude,
        reading.thermal_stress,
        reading.loss.value,
        0.1,
    );
    Some(format!(
        "first block: E' = {}, E'' = {} {}; thermal noise alone gives E'' an error of {} now, and 10 % of \
         E'' after about {:.0} cycles",
        brief(reading.storage.value),
        brief(reading.loss.value),
        unit.name,
        brief(reading.predicted_error),
        cycles.ceil()
    ))
}
