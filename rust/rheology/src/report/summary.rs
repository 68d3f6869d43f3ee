//! The summary: settings and results as JSON.

use std::f64::consts::FRAC_PI_2;

use serde_json::{Map, Value, json};

use super::unknown::{forget, forget_errors};
use super::{Provenance, degrees, stress_name};
use crate::measurement::Measurement;
use crate::mode::{COMPONENT_NAMES, COMPONENTS, Mode};
use crate::outcome::VOLUME;
use crate::readout::{Estimate, Reading, ToneReading, component_losses, isotropic_estimates};
use crate::series::{PairSeries, Series, median_and_deviation};
use crate::units::StressUnit;

/// The summary as JSON text; what is not known yet is null.
pub fn summary(measurement: &Measurement, unit: &StressUnit, from: &Provenance) -> String {
    let reading = Reading::of(measurement, unit);
    let mut top = Map::new();
    top.insert("program".into(), json!(from));
    top.insert("protocol".into(), settings(measurement));
    if let Some(start) = measurement.start() {
        let dimension = measurement.constants().dimension;
        top.insert(
            "reference".into(),
            json!({
                "step": start.step,
                "atoms": start.atoms,
                "low": start.reference.low,
                "high": start.reference.high,
                "tilt": start.reference.tilt,
                "volume": start.reference.volume(dimension),
            }),
        );
    }
    top.insert("stress_unit".into(), json!(unit.name));
    let protocol = measurement.protocol();
    let known = |mut results: Value| {
        let strained = protocol.deformation.mode != Mode::None;
        forget(&mut results, reading.blocks, protocol.harmonics, strained);
        results
    };
    top.insert("results".into(), known(json!(reading)));
    if reading.blocks > 0 {
        let tones: Vec<Value> = (0..reading.tones.len())
            .map(|index| {
                let mut value = known(json!(reading.tones[index]));
                if let Value::Object(entries) = &mut value {
                    entries.extend(responses(measurement, unit, index));
                }
                value
            })
            .collect();
        // of the first tone also at the top
        top.extend(responses(measurement, unit, 0));
        if tones.len() > 1 {
            top.insert("tones".into(), Value::Array(tones));
            top.insert("kramers_kronig".into(), kramers_kronig(&reading));
        }
    }
    if let Some(atoms) = measurement.atoms() {
        let sum = measurement.atom_sum();
        let mut entry = json!({
            "interval": atoms.sampling().every,
            "blocks": atoms.blocks(),
        });
        if sum.a.count() > 0 {
            entry["sum"] = pair(sum, unit.factor);
        }
        top.insert("peratom".into(), entry);
    }
    if reading.blocks < 2 {
        forget_errors(&mut top);
    }
    format!("{:#}\n", Value::Object(top))
}

fn settings(measurement: &Measurement) -> Value {
    let p = measurement.protocol();
    let request = measurement.request();
    let tones: Vec<Value> = p
        .tones
        .iter()
        .map(|tone| {
            json!({
                "multiple": tone.multiple,
                "amplitude": tone.amplitude,
                "phase_degrees": degrees(tone),
            })
        })
        .collect();
    json!({
        "mode": p.deformation.mode.name(),
        "lateral": p.deformation.lateral.name(),
        "modulus": p.deformation.modulus(),
        "amplitude": p.amplitude,
        "period_steps": p.period,
        "period": p.period_time(),
        "timestep": p.timestep,
        "nevery": p.sample_every,
        "cycles": p.cycles,
        "nskip": p.skip,
        "block": p.block,
        "detrend": p.detrend.name(),
        "harmonics": p.harmonics,
        "ramp": p.ramp,
        "phase_degrees": request.phase,
        "tones": tones,
        "stress": stress_name(measurement),
        "vscale": request.scale_velocities,
        "drive": if p.external.is_some() { "external" } else { "internal" },
        "lag": p.external,
    })
}

/// Medians over blocks, stress responses, what an isotropic body would have at zero, elastic constants, and noise of one
/// tone.
fn responses(measurement: &Measurement, unit: &StressUnit, index: usize) -> Map<String, Value> {
    let outcome = measurement.outcome();
    let deformation = outcome.deformation;
    let tone = &outcome.tones[index];
    let mut map = Map::new();
    if deformation.mode == Mode::None {
        let losses = component_losses(measurement, index, unit);
        let losses = COMPONENT_NAMES.iter().zip(losses);
        map.insert("noise_losses".into(), named(losses));
        return map;
    }
    let per_strain = unit.factor / tone.conjugate_amplitude();
    let storage = median_and_deviation(tone.history.iter().map(|pair| pair.0));
    let loss = median_and_deviation(tone.history.iter().map(|pair| pair.1));
    for (name, (value, deviation)) in [("storage_median", storage), ("loss_median", loss)] {
        let value = json!({ "value": value * per_strain, "deviation": deviation * per_strain });
        map.insert(name.into(), value);
    }
    let scale = unit.factor / measurement.protocol().tones[index].amplitude;
    let stresses: Map<String, Value> = (0..COMPONENTS)
        .map(|component| {
            let response = outcome.base + component;
            let mut value = pair(&tone.pairs[response], scale);
            value["mean"] = json!(outcome.means[response].mean() * unit.factor);
            (COMPONENT_NAMES[component].to_owned(), value)
        })
        .collect();
    map.insert("stress_responses".into(), Value::Object(stresses));
    if let Some((_, lateral)) = deformation.uniaxial() {
        let mut residuals = Map::new();
        if let &[first, second] = lateral {
            residuals.insert(
                format!("{}-{}", COMPONENT_NAMES[first], COMPONENT_NAMES[second]),
                pair(&tone.lateral_difference, scale),
            );
        }
        for (component, name) in COMPONENT_NAMES.iter().enumerate().skip(3) {
            let response = &tone.pairs[outcome.base + component];
            residuals.insert((*name).to_owned(), pair(response, scale));
        }
        map.insert("isotropy_residuals".into(), Value::Object(residuals));
    }
    if tone
        .constants(outcome.base, outcome.means[VOLUME].mean())
        .is_some()
    {
        let names = [
            "bulk_storage",
            "bulk_loss",
            "shear_storage",
            "shear_loss",
            "young_storage",
            "young_loss",
            "poisson_real",
            "poisson_imaginary",
        ];
        let parts = isotropic_estimates(measurement, index, unit);
        // at constant volume only the shear modulus is told
        let told = names
            .iter()
            .zip(parts)
            .filter(|(_, part)| *part != Estimate::default());
        map.insert("isotropic_constants".into(), named(told));
    }
    map
}

/// E'' between tones of neighbouring frequencies by the local form of the Kramers-Kronig relation, (π/2) dE'/d ln ω, and
/// the mean of what was measured at both.
fn kramers_kronig(reading: &Reading) -> Value {
    let mut tones: Vec<&ToneReading> = reading.tones.iter().collect();
    tones.sort_by_key(|tone| tone.multiple);
    let between = tones.windows(2).map(|two| {
        let (slow, fast) = (two[0], two[1]);
        let octaves = (fast.frequency / slow.frequency).ln();
        let slope = FRAC_PI_2 / octaves;
        json!({
            "frequencies": [slow.frequency, fast.frequency],
            "from_storage": Estimate {
                value: slope * (fast.storage.value - slow.storage.value),
                error: slope * fast.storage.error.hypot(slow.storage.error),
            },
            "measured": Estimate {
                value: 0.5 * (fast.loss.value + slow.loss.value),
                error: 0.5 * fast.loss.error.hypot(slow.loss.error),
            },
        })
    });
    Value::Array(between.collect())
}

fn pair(pair: &PairSeries, scale: f64) -> Value {
    let error = |series: &Series| (series.count() > 1).then(|| series.error() * scale);
    json!({
        "storage": pair.a.mean() * scale,
        "loss": pair.b.mean() * scale,
        "storage_error": error(&pair.a),
        "loss_error": error(&pair.b),
    })
}

fn named<'a>(estimates: impl Iterator<Item = (&'a &'static str, Estimate)>) -> Value {
    Value::Object(
        estimates
            .map(|(name, estimate)| ((*name).to_owned(), json!(estimate)))
            .collect(),
    )
}
