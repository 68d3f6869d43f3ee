//! The rows of the global array, and the elastic constants in them.

use super::tone::noise_estimate;
use super::{Estimate, Reading};
use crate::measurement::Measurement;
use crate::mode::{COMPONENTS, Mode};
use crate::moduli::Complex;
use crate::outcome::{TEMPERATURE, VOLUME};
use crate::protocol::Protocol;
use crate::units::StressUnit;

/// Columns of [`tone_row`] without the elastic constants.
pub const TONE_COLUMNS: usize = 10 + 2 * COMPONENTS;
/// Columns that the elastic constants add for uniaxial modes.
pub const ISOTROPIC_COLUMNS: usize = 8;

/// Length of [`tone_row`] under `protocol`.
pub fn tone_columns(protocol: &Protocol) -> usize {
    TONE_COLUMNS
        + if protocol.deformation.mode.is_uniaxial() {
            ISOTROPIC_COLUMNS
        } else {
            0
        }
}

/// The row of tone `index` in the global array: 1 frequency, 2 period, 3 amplitude, 4 E', 5 E'', 6 tan δ, 7 to 9 their
/// errors, 10 used cycles, 11 to 16 real and 17 to 22 imaginary parts of the six stress responses over the strain (in
/// mode none the loss moduli of the six components from the noise), and for uniaxial modes 23 to 30 K', K'', G', G'',
/// E', E'', ν', ν''.
pub fn tone_row(measurement: &Measurement, index: usize, unit: &StressUnit) -> Vec<f64> {
    let reading = Reading::of(measurement, unit);
    let protocol = measurement.protocol();
    let tone = &protocol.tones[index];
    let period = protocol.period_time() / tone.multiple as f64;
    let found = reading.tones.get(index).cloned().unwrap_or_default();
    let mut row = vec![
        1.0 / period,
        period,
        if protocol.external.is_some() {
            found.strain_amplitude
        } else {
            tone.amplitude
        },
        found.storage.value,
        found.loss.value,
        found.loss_tangent.value,
        found.storage.error,
        found.loss.error,
        found.loss_tangent.error,
        reading.cycles as f64,
    ];
    let outcome = measurement.outcome();
    let moduli: [Complex; COMPONENTS] = if protocol.deformation.mode == Mode::None {
        component_losses(measurement, index, unit).map(|loss| Complex::new(0.0, loss.value))
    } else {
        std::array::from_fn(|component| {
            outcome.tones[index].response(outcome.base + component) * unit.factor
        })
    };
    row.extend(moduli.iter().map(|modulus| modulus.re));
    row.extend(moduli.iter().map(|modulus| modulus.im));
    if protocol.deformation.mode.is_uniaxial() {
        let parts = isotropic_estimates(measurement, index, unit);
        row.extend(parts.map(|part| part.value));
    }
    row
}

/// Loss moduli of the six stress components from the scatter of single cycles of tone `index`; zero at T = 0 and before
/// the first block.
pub fn component_losses(
    measurement: &Measurement,
    index: usize,
    unit: &StressUnit,
) -> [Estimate; COMPONENTS] {
    let outcome = measurement.outcome();
    let Some(start) = measurement.start().filter(|_| outcome.blocks() > 0) else {
        return Default::default();
    };
    let constants = measurement.constants();
    let energy = constants.boltzmann * outcome.means[TEMPERATURE].mean();
    let thermal = energy / start.reference.volume(constants.dimension) * constants.pressure;
    let periods = measurement.protocol().tones[index].multiple as f64;
    let losses = &outcome.tones[index].cycle_losses;
    std::array::from_fn(|component| noise_estimate(&[&losses[component]], thermal, periods, unit))
}

/// K', K'', G', G'', E', E'', ν', ν'' of tone `index` from its mean responses, their errors from the scatter over blocks.
/// Zero where the mode does not tell them, and before the first block.
pub fn isotropic_estimates(
    measurement: &Measurement,
    index: usize,
    unit: &StressUnit,
) -> [Estimate; ISOTROPIC_COLUMNS] {
    let outcome = measurement.outcome();
    let tone = &outcome.tones[index];
    let volume = outcome.means[VOLUME].mean();
    let Some(constants) = tone
        .constants(outcome.base, volume)
        .filter(|_| outcome.blocks() > 0)
    else {
        return Default::default();
    };
    let parts = constants.parts();
    std::array::from_fn(|part| {
        let factor = if part < 6 { unit.factor } else { 1.0 };
        Estimate {
            value: parts[part] * factor,
            error: tone.isotropic[part].error() * factor,
        }
    })
}
