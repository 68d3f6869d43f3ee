//! The block file and the summary, as text.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::measurement::Measurement;
use crate::mode::{COMPONENT_NAMES, COMPONENTS};
use crate::outcome::{Block, POTENTIAL, TEMPERATURE};
use crate::readout::{Reading, isotropic_estimates};
use crate::units::StressUnit;

/// What the host knows and the reports repeat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Provenance {
    /// Version of the host program.
    pub lammps: String,
    /// Version of this library.
    pub deepdms: String,
    /// Unit style.
    pub units: String,
    /// Condition on the lateral lengths, `fixed` or `free`.
    pub lateral: String,
}

/// Columns of the block file.
const COLUMNS: &str = "block,cycle_first,cycle_last,step_first,step_last,temperature,storage,loss,loss_tangent,\
                       mean_stress,stress_drift,I2,I3,work,temperature_in_phase,temperature_out_of_phase,potential,used";

/// Head of the block file: commented settings and the names of the columns.
pub fn block_file_head(measurement: &Measurement, unit: &StressUnit, from: &Provenance) -> String {
    let p = measurement.protocol();
    let mut head = String::new();
    let mut line = |text: String| {
        let _ = writeln!(head, "# {text}");
    };
    line(format!(
        "fix dms, deepdms {}, LAMMPS {}",
        from.deepdms, from.lammps
    ));
    line(format!(
        "units {}, moduli and stresses in {}",
        from.units, unit.name
    ));
    line(format!(
        "mode {}, lateral {}, {}",
        p.mode.name(),
        from.lateral,
        p.mode.modulus(from.lateral == "free")
    ));
    line(format!(
        "amplitude {}, period {} steps = {:.17e} time units",
        p.amplitude,
        p.period,
        p.period_time()
    ));
    line(format!(
        "timestep {}, Nevery {}, {} samples per period",
        p.timestep,
        p.sample_every,
        p.samples_per_period()
    ));
    line(format!(
        "nskip {}, block {}, detrend {}, harmonics {}, ramp {}, phase {} degrees, stress {}",
        p.skip,
        p.block,
        p.detrend.name(),
        p.harmonics,
        p.ramp,
        measurement.phase_degrees(),
        if measurement.virial_headline() {
            "virial"
        } else {
            "total"
        }
    ));
    if let Some(start) = measurement.start() {
        let [lx, ly, lz] = start.reference.lengths();
        let [xy, xz, yz] = start.reference.tilt;
        line(format!("first step {}, {} atoms", start.step, start.atoms));
        line(format!(
            "reference box {lx:.17e} {ly:.17e} {lz:.17e} tilts {xy:.17e} {xz:.17e} {yz:.17e}"
        ));
    }
    head.push_str(COLUMNS);
    head.push('\n');
    head
}

/// The line that marks where a continued measurement goes on.
pub fn continuation_line(step: i64) -> String {
    format!("# continued at step {step}\n")
}

/// The line of one block.
pub fn block_line(measurement: &Measurement, unit: &StressUnit, block: &Block) -> String {
    let per_strain = unit.factor / measurement.protocol().amplitude;
    let driven = &block.fits[measurement.outcome().headline];
    let (a, b) = driven.pairs[0];
    let ratio = |harmonic: usize| {
        driven.pairs.get(harmonic - 1).map_or(0.0, |&(ha, hb)| {
            let norm = a.hypot(b);
            if norm > 0.0 { ha.hypot(hb) / norm } else { 0.0 }
        })
    };
    let temperature = &block.fits[TEMPERATURE];
    let reals = [
        temperature.mean,
        a * per_strain,
        b * per_strain,
        if a == 0.0 { 0.0 } else { b / a },
        driven.mean * unit.factor,
        driven.drift * unit.factor,
        ratio(2),
        ratio(3),
        block.work,
        temperature.pairs[0].0,
        temperature.pairs[0].1,
        block.fits[POTENTIAL].mean,
    ];
    let mut line = format!(
        "{},{},{},{},{}",
        block.number, block.cycles.0, block.cycles.1, block.steps.0, block.steps.1
    );
    for value in reals {
        let _ = write!(line, ",{value:.12e}");
    }
    let _ = writeln!(line, ",{}", u8::from(block.used));
    line
}

/// The summary as JSON text.
pub fn summary(measurement: &Measurement, unit: &StressUnit, from: &Provenance) -> String {
    let p = measurement.protocol();
    let reading = Reading::of(measurement, unit);
    let mut top = Map::new();
    top.insert("program".into(), json!(from));
    top.insert(
        "protocol".into(),
        json!({
            "mode": p.mode.name(),
            "modulus": p.mode.modulus(from.lateral == "free"),
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
            "phase_degrees": measurement.phase_degrees(),
            "stress": if measurement.virial_headline() { "virial" } else { "total" },
        }),
    );
    if let Some(start) = measurement.start() {
        top.insert(
            "reference".into(),
            json!({
                "step": start.step,
                "atoms": start.atoms,
                "low": start.reference.low,
                "high": start.reference.high,
                "tilt": start.reference.tilt,
                "volume": start.reference.volume(),
            }),
        );
    }
    top.insert("stress_unit".into(), json!(unit.name));
    top.insert("results".into(), json!(reading));
    let outcome = measurement.outcome();
    let base = outcome.headline - p.mode.component();
    let responses: Map<String, Value> = (0..COMPONENTS)
        .map(|component| {
            let modulus = outcome.modulus(base + component) * unit.factor;
            let pair = &outcome.pairs[base + component];
            let scale = unit.factor / p.amplitude;
            let value = json!({
                "storage": modulus.re,
                "loss": modulus.im,
                "storage_error": pair.a.error() * scale,
                "loss_error": pair.b.error() * scale,
                "mean": outcome.means[base + component].mean() * unit.factor,
            });
            (COMPONENT_NAMES[component].to_owned(), value)
        })
        .collect();
    top.insert("stress_responses".into(), Value::Object(responses));
    if p.mode.lateral().is_some() && from.lateral == "fixed" {
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
        let parts = isotropic_estimates(measurement, unit);
        let constants: Map<String, Value> = names
            .iter()
            .zip(parts)
            .map(|(name, part)| ((*name).to_owned(), json!(part)))
            .collect();
        top.insert("isotropic_constants".into(), Value::Object(constants));
    }
    format!("{:#}\n", Value::Object(top))
}
