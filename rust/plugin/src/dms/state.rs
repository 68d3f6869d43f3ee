//! The state of the measurement: in restart files, and in checkpoints.

use deepdms_rheology::readout::Reading;
use deepdms_rheology::{Error, Measurement, advice, report, restart};

use super::{Dms, dms};
use crate::guard::BridgeError;

impl Dms {
    /// The state for a restart file.
    pub(super) fn pack(&self) -> Result<Vec<u8>, BridgeError> {
        dms("pack", || Ok(self.measurement.pack()))
    }

    /// Restores the state that `memory` begins with, as it comes from a restart file.
    pub(super) fn unpack(&mut self, memory: &[u8]) -> Result<(), BridgeError> {
        dms("unpack", || {
            if let Some(resume) = &self.resume {
                return Err(Error::new(format!(
                    "the restart file holds the state of this fix, so that '{}' cannot be resumed: leave resume out",
                    resume.name
                )));
            }
            self.measurement.unpack(restart::blob_in(memory)?)?;
            self.continued = true;
            Ok(())
        })
    }

    /// Whether a checkpoint is wanted.
    pub(super) fn checkpoints(&self) -> Result<bool, BridgeError> {
        dms("checkpoints", || Ok(self.command.checkpoint.is_some()))
    }

    /// Writes the checkpoint at the end of a run.
    pub(super) fn write_checkpoint(&mut self, step: i64) -> Result<(), BridgeError> {
        dms("write_checkpoint", || self.checkpoint(step, true))
    }

    /// Replaces the checkpoint by the state at timestep `step`; `last` at the end of a run.
    pub(super) fn checkpoint(&mut self, step: i64, last: bool) -> Result<(), Error> {
        let Dms {
            files: Some(files),
            measurement,
            unit,
            provenance,
            ..
        } = self
        else {
            return Ok(());
        };
        files.checkpoint(step, last, || {
            let head = report::block_file_head(measurement, unit, provenance);
            let reading = Reading::of(measurement, unit);
            let mut remarks: Vec<String> = head
                .lines()
                .filter_map(|line| line.strip_prefix("# "))
                .map(str::to_owned)
                .collect();
            let first = &reading.first;
            remarks.push(format!(
                "state at step {step}, {} blocks, E' = {}, E'' = {}",
                reading.blocks,
                advice::with_error(first.storage),
                advice::with_error(first.loss)
            ));
            restart::to_text(&measurement.pack(), &remarks)
        })
    }

    /// Whether the measurement is to go on from a checkpoint.
    pub(super) fn resumes(&self) -> Result<bool, BridgeError> {
        dms("resumes", || {
            Ok(self.resume.is_some() && self.measurement.start().is_none())
        })
    }

    /// The state in the checkpoint to go on from at timestep `step`; where it belongs to another step, or cannot be read,
    /// that of the checkpoint before it, if that belongs to this step.
    pub(super) fn read_checkpoint(&mut self, step: i64) -> Result<Vec<u8>, BridgeError> {
        dms("read_checkpoint", || {
            let Some(resume) = &self.resume else {
                return Err(Error::new("there is no checkpoint to be resumed"));
            };
            let fits = |blob: &Vec<u8>| {
                let mut measurement = self.measurement.clone();
                measurement.unpack(blob)?;
                check_step(&measurement, step)
            };
            let blob = resume.read();
            let problem = match blob.as_ref().map_err(Error::clone).and_then(fits) {
                Ok(()) => return blob,
                Err(problem) => problem,
            };
            let previous = resume.previous();
            let Ok(before) = previous.read().and_then(|blob| fits(&blob).map(|()| blob)) else {
                return Err(problem);
            };
            self.notes.push(format!(
                "fix dms: goes on from '{}', the checkpoint before '{}', which belongs to step {step}",
                previous.name, resume.name
            ));
            Ok(before)
        })
    }

    /// Goes on from the state `blob` at timestep `step`.
    pub(super) fn resume(&mut self, blob: &[u8], step: i64) -> Result<(), BridgeError> {
        dms("resume", || {
            self.measurement.unpack(blob)?;
            check_step(&self.measurement, step)?;
            self.continued = true;
            if self.measurement.atoms().is_some() {
                self.measurement.forget_atoms();
                self.warnings.push(
                    "a checkpoint does not hold the numbers of single atoms: they start anew with the next block; restart \
                     files hold them"
                        .to_owned(),
                );
            }
            Ok(())
        })
    }
}

/// Fails where `measurement` cannot go on at timestep `step`.
fn check_step(measurement: &Measurement, step: i64) -> Result<(), Error> {
    let last = measurement.last_step().unwrap_or(step);
    let every = measurement.protocol().sample_every as i64;
    if step < last || step > last + every {
        return Err(Error::new(format!(
            "the checkpoint goes on between the steps {last} and {}, and this run starts at step {step}: read the \
             configuration that belongs to the checkpoint, and set its step by reset_timestep",
            last + every
        )));
    }
    Ok(())
}
