//! What is not known yet, or cannot be known, is null in the summary: a zero there is a zero that was measured.

use serde_json::{Map, Value};

/// What needs the thermal noise, and is exactly zero where that is not known.
const OF_NOISE: [&str; 5] = [
    "loss_from_noise",
    "noise_ratio",
    "effective_temperature",
    "predicted_error",
    "sampling_penalty",
];

/// What is the same before the first block as after it.
const COUNTS: [&str; 2] = ["blocks", "cycles"];

/// Fewest blocks whose scatter gives an error, and fewest whose slope has one.
const SCATTER: u64 = 2;
const SLOPE: u64 = 3;

/// Sets to null what `blocks` used blocks do not tell in `results`, the results of a tone or of all, under a strain or, with
/// `strained` false, without one. `harmonics` is the highest one that was fitted.
pub fn forget(results: &mut Value, blocks: u64, harmonics: u64, strained: bool) {
    let Value::Object(entries) = results else {
        return;
    };
    let mut unknown = |name: &str| {
        if let Some(entry) = entries.get_mut(name) {
            *entry = Value::Null;
        }
    };
    if harmonics < 2 || !strained {
        unknown("second_harmonic");
    }
    if harmonics < 3 || !strained {
        unknown("third_harmonic");
    }
    if !strained {
        ["storage", "loss_tangent"]
            .into_iter()
            .for_each(&mut unknown);
    }
    if blocks < SLOPE {
        unknown("trend_over_error");
    }
    for name in OF_NOISE {
        if entries.get(name).is_some_and(is_zero) {
            entries.insert(name.to_owned(), Value::Null);
        }
    }
    if blocks == 0 {
        let measured = |(name, _): &(&String, &mut Value)| !COUNTS.contains(&name.as_str());
        for (_, value) in entries.iter_mut().filter(measured) {
            *value = Value::Null;
        }
    }
    if blocks < SCATTER {
        forget_errors(entries);
        for name in ["noise_ratio", "effective_temperature"] {
            if let Some(Value::Object(estimate)) = entries.get_mut(name) {
                estimate.insert("error".to_owned(), Value::Null);
            }
        }
    }
}

/// Sets errors that are exactly zero to null, here and below: there is no scatter yet that they could come from.
pub fn forget_errors(entries: &mut Map<String, Value>) {
    for (name, value) in entries {
        match value {
            Value::Object(inner) => forget_errors(inner),
            Value::Array(list) => list
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(forget_errors),
            value if name.ends_with("error") && is_zero(value) => *value = Value::Null,
            _ => {}
        }
    }
}

/// Whether `value` is zero, or an estimate whose value is.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Object(estimate) => estimate.get("value").is_some_and(is_zero),
        value => value.as_f64() == Some(0.0),
    }
}
