//! What LAMMPS reads from a fix: scalar, vector and array.

use deepdms_rheology::readout::{Reading, VECTOR, tone_row};

use super::{Dms, dms};
use crate::guard::BridgeError;

impl Dms {
    /// Work done on the cell.
    pub(super) fn work(&self) -> Result<f64, BridgeError> {
        dms("work", || Ok(self.measurement.work()))
    }

    /// Element `index`, from 0, of the global vector at timestep `step`.
    pub(super) fn vector(&self, index: usize, step: i64) -> Result<f64, BridgeError> {
        dms("vector", || {
            let reading = Reading::of(&self.measurement, &self.unit);
            let vector: [f64; VECTOR] = reading.vector(&self.measurement, &self.unit, step);
            Ok(vector[index])
        })
    }

    /// Element `column` of row `row`, both from 0, of the global array.
    pub(super) fn array(&self, row: usize, column: usize) -> Result<f64, BridgeError> {
        dms("array", || {
            Ok(tone_row(&self.measurement, row, &self.unit)[column])
        })
    }
}
