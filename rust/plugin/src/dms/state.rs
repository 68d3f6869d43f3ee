//! The state of the measurement: in restart files, and in checkpoints.

use deepdms_rheology::Error;
use deepdms_rheology::readout::Reading;
use deepdms_rheology::report;
use deepdms_rheology::restart;

use super::{Dms, dms, files};
use crate::guard::BridgeError;

impl Dms {
    /// The state for a restart file.
    pub(super) fn pack(&self) -> Result<Vec<u8>, BridgeError> {
        dms("pack", || Ok(self.measurement.pack()))
    }

    /// Restores the state from a restart file.
    pub(super) fn unpack(&mut self, blob: &[u8]) -> Result<(), BridgeError> {
        dms("unpack", || {
            if let Some(name) = &self.command.resume {
                return Err(Error::new(format!(
                    "the restart file holds the state of this fix, so that '{name}' cannot be resumed: leave resume out"
                )));
            }
            self.continued = true;
            self.measurement.unpack(blob)
        })
    }

    /// Writes the checkpoint, if there is one to be written, at the end of a run.
    pub(super) fn write_checkpoint(&self, step: i64) -> Result<(), BridgeError> {
        dms("write_checkpoint", || self.checkpoint(step))
    }

    /// Replaces the checkpoint by the state at timestep `step`.
    pub(super) fn checkpoint(&self, step: i64) -> Result<(), Error> {
        let Some(files) = self.files.as_ref().filter(|files| files.checkpoints()) else {
            return Ok(());
        };
        let head = report::block_file_head(&self.measurement, &self.unit, &self.provenance);
        let reading = Reading::of(&self.measurement, &self.unit);
        let mut remarks: Vec<String> = head
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .map(str::to_owned)
            .collect();
        remarks.push(format!(
            "state at step {step}, {} blocks, E' = {:.6e} +- {:.1e}, E'' = {:.6e} +- {:.1e}",
            reading.blocks,
            reading.first.storage.value,
            reading.first.storage.error,
            reading.first.loss.value,
            reading.first.loss.error
        ));
        files.checkpoint(&restart::to_text(&self.measurement.pack(), &remarks))
    }

    /// Whether the measurement is to go on from a checkpoint.
    pub(super) fn resumes(&self) -> Result<bool, BridgeError> {
        dms("resumes", || {
            Ok(self.command.resume.is_some() && self.measurement.start().is_none())
        })
    }

    /// The state in the checkpoint to go on from.
    pub(super) fn read_checkpoint(&self) -> Result<Vec<u8>, BridgeError> {
        dms("read_checkpoint", || match &self.command.resume {
            Some(name) => files::read_checkpoint(name),
            None => Err(Error::new("there is no checkpoint to be resumed")),
        })
    }

    /// Goes on from the state `blob` at timestep `step`.
    pub(super) fn resume(&mut self, blob: &[u8], step: i64) -> Result<(), BridgeError> {
        dms("resume", || {
            self.measurement.unpack(blob)?;
            self.continued = true;
            let last = self.measurement.last_step().unwrap_or(step);
            let every = self.measurement.protocol().sample_every as i64;
            if step < last || step > last + every {
                return Err(Error::new(format!(
                    "the checkpoint goes on between the steps {last} and {}, and this run starts at step {step}: read the \
                     configuration that belongs to the checkpoint, and set its step by reset_timestep",
                    last + every
                )));
            }
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
