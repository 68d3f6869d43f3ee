//! The box: what the fix does to it, step by step.

use deepdms_rheology::mode::Lateral;
use deepdms_rheology::readout::tone_columns;
use deepdms_rheology::{Error, Mode, advice};

use super::{Dms, box_of, cell_of, command, dms, ffi};
use crate::guard::BridgeError;

impl Dms {
    /// Fails where the box is of a kind that the mode cannot strain.
    pub(super) fn check_box(&self, kind: &ffi::DmsBoxKind) -> Result<(), BridgeError> {
        dms("check_box", || {
            command::check_box(&self.command.request, kind)
        })
    }

    /// What the fix does to the box.
    pub(super) fn strain_kind(&self) -> Result<ffi::DmsStrain, BridgeError> {
        dms("strain_kind", || {
            let protocol = self.measurement.protocol();
            let deformation = protocol.deformation;
            let drives = self.measurement.drives();
            let lateral = |condition: Lateral| {
                std::array::from_fn(|axis| {
                    let Some((_, others)) = deformation.uniaxial() else {
                        return false;
                    };
                    deformation.lateral == condition && others.contains(&axis)
                })
            };
            let tilt = match deformation.mode.component() {
                Some(component) if deformation.mode.is_shear() => component as i32 - 3,
                _ => -1,
            };
            Ok(ffi::DmsStrain {
                drives,
                moves: if drives {
                    deformation.moves()
                } else {
                    [false; 3]
                },
                tilt: if drives { tilt } else { -1 },
                still: deformation.mode == Mode::None,
                fixed: lateral(Lateral::Fixed),
                free: lateral(Lateral::Free),
                scales_velocities: self.command.request.scale_velocities,
                external: protocol.external.is_some(),
                peak: protocol.peak,
            })
        })
    }

    /// The clock, for others that follow the strain.
    pub(super) fn clock(&self) -> Result<ffi::DmsClock, BridgeError> {
        dms("clock", || {
            let protocol = self.measurement.protocol();
            Ok(ffi::DmsClock {
                period: protocol.period as i64,
                first: self.measurement.start().map_or(-1, |start| start.step),
                skip: protocol.skip as i64,
            })
        })
    }

    /// Rows of the global array, one a tone.
    pub(super) fn rows(&self) -> Result<usize, BridgeError> {
        dms("rows", || Ok(self.measurement.protocol().tones.len()))
    }

    /// Columns of the global array.
    pub(super) fn columns(&self) -> Result<usize, BridgeError> {
        dms("columns", || Ok(tone_columns(self.measurement.protocol())))
    }

    /// The box at zero strain.
    pub(super) fn reference(&self) -> Result<ffi::DmsBox, BridgeError> {
        dms("reference", || {
            let start = self
                .measurement
                .start()
                .ok_or_else(|| Error::new("the strain has not started"))?;
            Ok(box_of(start.reference))
        })
    }

    /// The box of timestep `step`.
    pub(super) fn strained_box(
        &self,
        step: i64,
        current: &ffi::DmsBox,
    ) -> Result<ffi::DmsBox, BridgeError> {
        dms("strained_box", || {
            self.measurement.cell(step, &cell_of(current)).map(box_of)
        })
    }

    /// Fails where the run from `step` to `last` starts from another box than that of its strain; comments on its length
    /// if it is the first.
    pub(super) fn check_start(
        &mut self,
        step: i64,
        last: i64,
        current: &ffi::DmsBox,
    ) -> Result<(), BridgeError> {
        dms("check_start", || {
            let deformation = self.measurement.protocol().deformation;
            let all = !deformation.mode.is_shear() && deformation.lateral != Lateral::Free;
            self.measurement.check_cell(step, &cell_of(current), all)?;
            if self.measurement.elapsed(step) == 0 && last > step {
                self.warnings
                    .extend(advice::on_length(&self.measurement, last));
            }
            Ok(())
        })
    }

    /// Takes the box in which the forces of timestep `step` are computed.
    pub(super) fn follow(&mut self, step: i64, current: &ffi::DmsBox) -> Result<(), BridgeError> {
        dms("follow", || {
            self.measurement.follow(step, &cell_of(current))
        })
    }
}
