//! The state in restart files.

use deepdms_mobility::Error;
use deepdms_rheology::restart::{self, Reader, Writer};
use deepdms_statistics::{Stored, Stream};

use super::{Kept, Mobility, mobility};
use crate::guard::BridgeError;

/// What the state begins with, so that it is not taken for that of another style.
const NAME: &str = "mobility";

impl Stored for Kept {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.step.pass(stream)?;
        self.matrix.pass(stream)
    }
}

/// Passes what all ranks know, and then the analysis.
fn pass(state: &mut Mobility, stream: &mut dyn Stream) -> Result<(), Error> {
    let mut name = NAME.to_owned();
    name.pass(stream)?;
    if name != NAME {
        return Err(Error::new(
            "the restart file holds the state of another style under this fix ID: use another fix ID",
        ));
    }
    state.analysis.pass(stream)?;
    state.end.pass(stream)?;
    state.atoms.pass(stream)?;
    state.frames.pass(stream)?;
    state.middle.pass(stream)?;
    state.taking.pass(stream)?;
    state.taken.pass(stream)?;
    state.last.pass(stream)
}

impl Mobility {
    /// The state for a restart file, on the rank that analyses.
    pub(super) fn pack(&self) -> Result<Vec<u8>, BridgeError> {
        mobility("pack", || {
            let mut writer = Writer::default();
            let mut state = Mobility {
                analysis: self.analysis.clone(),
                frames: self.frames.clone(),
                command: self.command.clone(),
                version: String::new(),
                units: String::new(),
                files: None,
                gathered: Default::default(),
                notes: Vec::new(),
                warnings: Vec::new(),
                ..*self
            };
            pass(&mut state, &mut writer)?;
            Ok(writer.finish())
        })
    }

    /// Restores the state that `memory` begins with, as it comes from a restart file.
    pub(super) fn unpack(&mut self, memory: &[u8]) -> Result<(), BridgeError> {
        mobility("unpack", || {
            let mut reader = Reader::new(restart::blob_in(memory)?)?;
            pass(self, &mut reader)?;
            reader.finish()?;
            self.continued = true;
            if !self.writes {
                // remarks are made by the rank that analyses
                self.analysis.take_remarks();
            }
            Ok(())
        })
    }
}
