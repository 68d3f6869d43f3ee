//! The block file and the summary, as text.

mod summary;
mod unknown;

use std::fmt::Write as _;

use serde::Serialize;

use crate::advice::rounded;
use crate::measurement::Measurement;
use crate::moduli::Complex;
use crate::outcome::{Block, DRIVEN, POTENTIAL, TEMPERATURE};
use crate::tones::Tone;
use crate::units::StressUnit;
pub use summary::summary;

/// What the host knows and the reports repeat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Provenance {
    /// Version of the host program.
    pub lammps: String,
    /// Version of this library.
    pub deepdms: String,
    /// Unit style.
    pub units: String,
}

/// What our text files begin with.
const FIRST_REMARK: &str = "# fix dms";

/// Columns of the block file before those of further tones and the last one.
const COLUMNS: &str = "block,cycle_first,cycle_last,step_first,step_last,temperature,storage,loss,loss_tangent,\
                       mean_stress,stress_drift,I2,I3,work,temperature_in_phase,temperature_out_of_phase,potential";

/// The settings of `measurement`, in the words of the command.
fn settings(measurement: &Measurement) -> String {
    let p = measurement.protocol();
    let request = measurement.request();
    let mut text = format!(
        "nskip {}, block {}, detrend {}, harmonics {}, ramp {}, phase {} degrees, stress {}",
        p.skip,
        p.block,
        p.detrend.name(),
        p.harmonics,
        p.ramp,
        request.phase,
        stress_name(measurement)
    );
    if request.scale_velocities {
        text.push_str(", vscale yes");
    }
    if let Some(lag) = p.external {
        let _ = write!(text, ", drive external lag {lag}");
    }
    text
}

fn stress_name(measurement: &Measurement) -> &'static str {
    if measurement.request().virial_headline {
        "virial"
    } else {
        "total"
    }
}

/// Phase of `tone` [degrees] within a turn.
fn degrees(tone: &Tone) -> f64 {
    let phase = tone.phase.to_degrees();
    if phase.abs() < 1e-12 { 0.0 } else { phase }
}

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
        p.deformation.mode.name(),
        p.deformation.lateral.name(),
        p.deformation.modulus()
    ));
    line(format!(
        "amplitude {}, period {} steps = {} time units",
        p.amplitude,
        p.period,
        rounded(p.period_time())
    ));
    line(format!(
        "timestep {}, Nevery {}, {} samples per period",
        p.timestep,
        p.sample_every,
        p.samples_per_period()
    ));
    line(settings(measurement));
    if p.tones.len() > 1 {
        for (index, tone) in p.tones.iter().enumerate() {
            line(format!(
                "tone {}: {} periods per base period, amplitude {}, phase {} degrees",
                index + 1,
                tone.multiple,
                tone.amplitude,
                degrees(tone)
            ));
        }
    }
    if let Some(start) = measurement.start() {
        let [lx, ly, lz] = start.reference.lengths();
        let [xy, xz, yz] = start.reference.tilt;
        line(format!("first step {}, {} atoms", start.step, start.atoms));
        line(format!("reference box {lx} {ly} {lz} tilts {xy} {xz} {yz}"));
    }
    head.push_str(COLUMNS);
    for number in 2..=p.tones.len() {
        let _ = write!(
            head,
            ",storage_{number},loss_{number},loss_tangent_{number}"
        );
    }
    head.push_str(",used\n");
    head
}

/// Whether `beginning` is that of a block file.
pub fn is_block_file(beginning: &str) -> bool {
    is_ours(beginning, "block,")
}

/// Whether `beginning` is that of a summary.
pub fn is_summary(beginning: &str) -> bool {
    beginning.starts_with('{')
        && beginning.contains("\"program\"")
        && beginning.contains("\"deepdms\"")
}

/// Whether `beginning` has the first remark of our text files, and `next` behind the remarks or, where these were cut off,
/// nothing.
pub(crate) fn is_ours(beginning: &str, next: &str) -> bool {
    let mut lines = beginning.lines();
    let first = lines
        .next()
        .is_some_and(|line| line.starts_with(FIRST_REMARK));
    let rest = lines.find(|line| !line.starts_with('#'));
    first && rest.is_none_or(|line| line.starts_with(next) || next.starts_with(line))
}

/// The line that marks where a continued measurement goes on.
pub fn continuation_line(step: i64) -> String {
    format!("# continued at step {step}\n")
}

/// The line of one block.
pub fn block_line(measurement: &Measurement, unit: &StressUnit, block: &Block) -> String {
    let outcome = measurement.outcome();
    let moduli: Vec<Complex> = block
        .tones
        .iter()
        .zip(&outcome.tones)
        .map(|(fit, tone)| match tone.conjugate_amplitude() {
            amplitude if amplitude > 0.0 => fit.pairs[DRIVEN] * (unit.factor / amplitude),
            _ => Complex::default(),
        })
        .collect();
    let tangent = |modulus: Complex| {
        if modulus.re == 0.0 {
            0.0
        } else {
            modulus.im / modulus.re
        }
    };
    let first = &block.tones[0];
    let (driven, temperature) = (&block.fits[DRIVEN], &block.fits[TEMPERATURE]);
    let mut reals = vec![
        temperature.mean,
        moduli[0].re,
        moduli[0].im,
        tangent(moduli[0]),
        driven.mean * unit.factor,
        driven.drift * unit.factor,
        first.harmonic_ratio(2),
        first.harmonic_ratio(3),
        block.work,
        first.pairs[TEMPERATURE].re,
        first.pairs[TEMPERATURE].im,
        block.fits[POTENTIAL].mean,
    ];
    for &modulus in &moduli[1..] {
        reals.extend([modulus.re, modulus.im, tangent(modulus)]);
    }
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
