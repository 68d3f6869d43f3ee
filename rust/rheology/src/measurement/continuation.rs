//! The state of a measurement as a blob in a restart file, and back.

use super::{Measurement, Start};
use crate::atoms::AtomSampling;
use crate::error::Error;
use crate::restart::{Reader, State, Writer};
use crate::tones::{ToneRequest, Tones};

impl Measurement {
    /// Settings that a continued measurement must share with the one it continues, as names and texts.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let p = &self.protocol;
        let r = &self.request;
        let yes = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
        let tones = match &r.tones {
            Tones::One => "one".to_owned(),
            Tones::Automatic(count) => format!("auto {count}"),
            Tones::List(list) => {
                let tone = |t: &ToneRequest| format!("{} {} {}", t.multiple, t.weight, t.phase);
                list.iter().map(tone).collect::<Vec<_>>().join(" ")
            }
        };
        let drive = match p.external {
            Some(lag) => format!("external lag {lag}"),
            None => "internal".to_owned(),
        };
        let stress = if r.virial_headline { "virial" } else { "total" };
        let atoms = |part: fn(&AtomSampling) -> bool| match r.atoms.filter(part) {
            Some(atoms) => format!("every {} steps", atoms.every),
            None => "no".to_owned(),
        };
        vec![
            ("mode", p.deformation.mode.name().to_owned()),
            ("amplitude", p.amplitude.to_string()),
            ("period in steps", p.period.to_string()),
            ("Nevery", p.sample_every.to_string()),
            ("timestep", p.timestep.to_string()),
            ("nskip", p.skip.to_string()),
            ("block", p.block.to_string()),
            ("detrend", p.detrend.name().to_owned()),
            ("harmonics", p.harmonics.to_string()),
            ("ramp", p.ramp.to_string()),
            ("phase", r.phase.to_string()),
            ("tones", tones),
            ("lateral", p.deformation.lateral.name().to_owned()),
            ("stress", stress.to_owned()),
            ("drive", drive),
            ("vscale", yes(r.scale_velocities)),
            ("fdt", yes(r.fluctuations)),
            ("peratom", atoms(|atoms| atoms.stress)),
            ("nonaffine", atoms(|atoms| atoms.displacement)),
            ("shell", atoms(|atoms| atoms.shell)),
        ]
    }

    /// The state as a blob for a restart file.
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Writer::default();
        let settings = self.settings();
        out.integer(settings.len() as u64);
        for (name, value) in settings {
            out.text(name);
            out.text(&value);
        }
        let start = self.start.unwrap_or_default();
        out.integer(u64::from(self.start.is_some()));
        out.integer(start.step as u64);
        start.reference.write(&mut out);
        out.real(start.atoms);
        out.integer(self.last_sampled.map_or(0, |last| last + 1));
        out.real(self.last_stress);
        out.real(self.last_strain);
        self.follower.write(&mut out);
        self.shifts.into_iter().for_each(|shift| out.real(shift));
        self.sums.write(&mut out);
        self.transient_sums.write(&mut out);
        self.cycle.write(&mut out);
        self.work.write(&mut out);
        self.outcome.write(&mut out);
        self.atoms.iter().for_each(|atoms| atoms.write(&mut out));
        self.atom_sum.write(&mut out);
        out.finish()
    }

    /// Restores the state that [`Measurement::pack`] stored. Fails where it belongs to other settings, naming the first
    /// that differs, or where the blob is damaged; this measurement then stays as it is.
    pub fn unpack(&mut self, blob: &[u8]) -> Result<(), Error> {
        let mut from = Reader::new(blob)?;
        self.check_settings(&mut from)?;
        let mut next = self.clone();
        next.read(&mut from)?;
        from.finish()?;
        *self = next;
        Ok(())
    }

    fn check_settings(&self, from: &mut Reader<'_>) -> Result<(), Error> {
        let settings = self.settings();
        let stored = from.integer()?;
        for (index, (name, value)) in settings.iter().enumerate() {
            let (stored_name, stored_value) = if (index as u64) < stored {
                (from.text()?, from.text()?)
            } else {
                Default::default()
            };
            if stored_name != *name || stored_value != *value {
                return Err(Error::new(format!(
                    "the stored state continues a measurement with {stored_name} {stored_value}, the command says \
                     {name} {value}: repeat the command that wrote it, or start anew with another fix ID"
                )));
            }
        }
        Ok(())
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
        let started = from.integer()? != 0;
        let mut start = Start {
            step: from.integer()? as i64,
            ..Start::default()
        };
        start.reference.read(from)?;
        start.atoms = from.real()?;
        self.start = started.then_some(start);
        self.last_sampled = from.integer()?.checked_sub(1);
        self.last_stress = from.real()?;
        self.last_strain = from.real()?;
        self.follower.read(from)?;
        for shift in &mut self.shifts {
            *shift = from.real()?;
        }
        self.sums.read(from)?;
        self.transient_sums.read(from)?;
        self.cycle.read(from)?;
        self.work.read(from)?;
        self.outcome.read(from)?;
        self.atoms
            .iter_mut()
            .try_for_each(|atoms| atoms.read(from))?;
        self.atom_sum.read(from)
    }
}
