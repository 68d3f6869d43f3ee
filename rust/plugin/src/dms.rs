//! Bridge of `fix dms`: the command line of the fix, the measurement, and its files.

mod atoms;
mod command;
mod files;
mod output;
mod state;
mod strain;

use std::collections::BTreeSet;

use deepdms_rheology::advice::{self, Remark};
use deepdms_rheology::measurement::{Constants, Start};
use deepdms_rheology::outcome::Block;
use deepdms_rheology::report::{self, Provenance};
use deepdms_rheology::units::StressUnit;
use deepdms_rheology::{Cell, Error, Measurement, Sample, restart};

use crate::guard::{BridgeError, guard};
use command::Command;
use files::{Checkpoint, Files};

#[cxx::bridge(namespace = "deepdms")]
#[allow(missing_docs)]
mod ffi {
    /// What the fix needs to know of the program that it runs in.
    struct DmsHost {
        /// Version of LAMMPS.
        version: String,
        /// Unit style.
        units: String,
        timestep: f64,
        boltzmann: f64,
        /// Pressure of one energy unit per volume unit.
        pressure: f64,
        /// 2 or 3.
        dimension: i32,
        /// Whether this rank writes the files.
        writes: bool,
    }

    /// The kind of box.
    struct DmsBoxKind {
        triclinic: bool,
        dimension: i32,
        periodic: [bool; 3],
    }

    /// A box: bounds and the tilt factors xy, xz, yz.
    struct DmsBox {
        low: [f64; 3],
        high: [f64; 3],
        tilt: [f64; 3],
    }

    /// What the fix does to the box, and what others may do to it.
    struct DmsStrain {
        /// Whether the fix moves the box.
        drives: bool,
        /// The lengths along x, y, z that it moves.
        moves: [bool; 3],
        /// The tilt factor that it moves: 0 xy, 1 xz, 2 yz, or -1.
        tilt: i32,
        /// Whether nothing may move the box at all.
        still: bool,
        /// The lengths that nothing else may move.
        fixed: [bool; 3],
        /// The lengths that a barostat must move.
        free: [bool; 3],
        /// Whether velocities are scaled with the box.
        scales_velocities: bool,
        /// Whether something else strains the box.
        external: bool,
        /// Largest strain.
        peak: f64,
    }

    /// What was observed in one step; pressures as LAMMPS signs them.
    struct DmsSample {
        step: i64,
        pressure: [f64; 6],
        virial: [f64; 6],
        temperature: f64,
        potential: f64,
        kinetic: f64,
        reservoir: f64,
        volume: f64,
        borders: DmsBox,
    }

    /// What is measured of single atoms.
    struct DmsAtoms {
        /// Whether anything is.
        active: bool,
        /// ID of the compute of their stress, or nothing.
        stress: String,
        /// ID of the compute of their volume, or nothing.
        volume: String,
        /// Its column from 1, or 0 for a vector.
        volume_column: usize,
        /// Whether their displacement is measured.
        displacement: bool,
        /// Numbers that are kept with each atom.
        width: usize,
        /// Numbers that come out for each atom.
        columns: usize,
        /// Radius of averages over neighbours, or zero.
        shell: f64,
    }

    /// Three components.
    struct DmsVector {
        part: [f64; 3],
    }

    /// A sample of single atoms: the step, the volume of the box, the displacement of the centre of mass, and the number of
    /// stress components.
    struct DmsAtomSample {
        step: i64,
        volume: f64,
        centre: [f64; 3],
        columns: usize,
    }

    /// What the stresses of atoms add up to.
    struct DmsAtomSum {
        storage: f64,
        loss: f64,
    }

    /// The clock of the strain: steps of a period, the step of the first or -1, and cycles that are not used.
    struct DmsClock {
        period: i64,
        first: i64,
        skip: i64,
    }

    extern "Rust" {
        type Dms;
        fn dms_new(words: Vec<String>, host: &DmsHost) -> Result<Box<Dms>>;
        fn dms_checksum(numbers: &[f64]) -> Result<u32>;

        fn name_files(self: &mut Dms) -> Result<()>;
        fn check_box(self: &Dms, kind: &DmsBoxKind) -> Result<()>;
        fn strain_kind(self: &Dms) -> Result<DmsStrain>;
        fn clock(self: &Dms) -> Result<DmsClock>;
        fn rows(self: &Dms) -> Result<usize>;
        fn columns(self: &Dms) -> Result<usize>;

        fn set_timestep(self: &mut Dms, timestep: f64) -> Result<()>;
        fn begin(self: &mut Dms, step: i64, current: &DmsBox, atoms: f64) -> Result<bool>;
        fn reference(self: &Dms) -> Result<DmsBox>;
        fn open_files(self: &mut Dms, step: i64) -> Result<()>;
        fn strained_box(self: &Dms, step: i64, current: &DmsBox) -> Result<DmsBox>;
        fn check_start(self: &mut Dms, step: i64, last: i64, current: &DmsBox) -> Result<()>;
        fn follow(self: &mut Dms, step: i64, current: &DmsBox) -> Result<()>;
        fn is_due(self: &Dms, step: i64) -> Result<bool>;
        fn next_due(self: &Dms, step: i64) -> Result<i64>;
        fn check_sample(self: &Dms, sample: &DmsSample) -> Result<()>;
        fn sample(self: &mut Dms, sample: &DmsSample) -> Result<()>;
        fn files_due(self: &Dms) -> Result<bool>;
        fn write_files(self: &mut Dms, step: i64) -> Result<()>;
        fn checkpoints(self: &Dms) -> Result<bool>;
        fn write_checkpoint(self: &mut Dms, step: i64) -> Result<()>;
        fn resumes(self: &Dms) -> Result<bool>;
        fn read_checkpoint(self: &mut Dms, step: i64) -> Result<Vec<u8>>;
        fn resume(self: &mut Dms, blob: &[u8], step: i64) -> Result<()>;
        fn take_stop(self: &mut Dms) -> Result<bool>;
        fn take_warnings(self: &mut Dms) -> Result<Vec<String>>;
        fn take_notes(self: &mut Dms) -> Result<Vec<String>>;

        fn work(self: &Dms) -> Result<f64>;
        fn vector(self: &Dms, index: usize, step: i64) -> Result<f64>;
        fn array(self: &Dms, row: usize, column: usize) -> Result<f64>;

        fn atoms(self: &Dms) -> Result<DmsAtoms>;
        fn atoms_due(self: &Dms, step: i64) -> Result<bool>;
        fn next_atoms_due(self: &Dms, step: i64) -> Result<i64>;
        fn needs_atoms(self: &Dms) -> Result<bool>;
        fn start_atoms(self: &mut Dms, scaled: &[f64], rows: &mut [f64]) -> Result<()>;
        fn atoms_moment(
            self: &Dms,
            scaled: &[f64],
            masses: &[f64],
            rows: &[f64],
        ) -> Result<DmsVector>;
        fn check_atoms(
            self: &Dms,
            step: i64,
            stress: &[f64],
            volumes: &[f64],
            scaled: &[f64],
        ) -> Result<()>;
        fn add_atoms(
            self: &mut Dms,
            sample: &DmsAtomSample,
            stress: &[f64],
            volumes: &[f64],
            scaled: &[f64],
            rows: &mut [f64],
        ) -> Result<()>;
        fn atoms_pending(self: &Dms) -> Result<bool>;
        fn close_atoms(self: &Dms, rows: &mut [f64], output: &mut [f64]) -> Result<DmsAtomSum>;
        fn shells_pending(self: &Dms) -> Result<bool>;
        fn atom_losses(self: &Dms, rows: &[f64], losses: &mut [f64]) -> Result<()>;
        fn close_shells(
            self: &Dms,
            averages: &[f64],
            rows: &mut [f64],
            output: &mut [f64],
        ) -> Result<()>;
        fn finish_atoms(self: &mut Dms, sum: &DmsAtomSum) -> Result<()>;

        fn pack(self: &Dms) -> Result<Vec<u8>>;
        fn unpack(self: &mut Dms, memory: &[u8]) -> Result<()>;
    }
}

/// One `fix dms`.
pub struct Dms {
    command: Command,
    measurement: Measurement,
    unit: StressUnit,
    provenance: Provenance,
    /// Whether this rank writes the files.
    writes: bool,
    files: Option<Files>,
    /// The checkpoint to go on from.
    resume: Option<Checkpoint>,
    /// Whether the state came from a restart file.
    continued: bool,
    /// Whether a block has ended that the files do not know yet.
    block_ended: bool,
    /// Whether a cycle has ended that the files do not know yet.
    cycle_ended: bool,
    /// Whether the run is to end now.
    stop: bool,
    said: BTreeSet<Remark>,
    said_of_atoms: bool,
    warnings: Vec<String>,
    notes: Vec<String>,
}

/// Runs `body` in the guard and puts the name of the style before its error.
fn dms<T>(place: &str, body: impl FnOnce() -> Result<T, Error>) -> Result<T, BridgeError> {
    guard(place, || {
        body().map_err(|error| format!("fix dms: {error}"))
    })
}

fn cell_of(borders: &ffi::DmsBox) -> Cell {
    Cell {
        low: borders.low,
        high: borders.high,
        tilt: borders.tilt,
    }
}

/// The sample in the sign of stresses.
fn sample_of(sample: &ffi::DmsSample) -> Sample {
    Sample {
        step: sample.step,
        stress: sample.pressure.map(|pressure| -pressure),
        virial: sample.virial.map(|pressure| -pressure),
        temperature: sample.temperature,
        potential: sample.potential,
        kinetic: sample.kinetic,
        reservoir: sample.reservoir,
        volume: sample.volume,
        cell: cell_of(&sample.borders),
    }
}

fn box_of(cell: Cell) -> ffi::DmsBox {
    ffi::DmsBox {
        low: cell.low,
        high: cell.high,
        tilt: cell.tilt,
    }
}

/// A fix from the words after `fix ID group dms`.
fn dms_new(words: Vec<String>, host: &ffi::DmsHost) -> Result<Box<Dms>, BridgeError> {
    dms("dms_new", || {
        let command = Command::parse(&words)?;
        let unit = StressUnit::choose(command.unit.as_deref(), &host.units)?;
        let constants = Constants {
            boltzmann: host.boltzmann,
            pressure: host.pressure,
            dimension: host.dimension as usize,
        };
        let measurement = Measurement::new(command.request.clone(), host.timestep, constants)?;
        let provenance = Provenance {
            lammps: host.version.clone(),
            deepdms: env!("CARGO_PKG_VERSION").to_owned(),
            units: host.units.clone(),
        };
        Ok(Box::new(Dms {
            writes: host.writes,
            files: None,
            resume: command.resume.as_deref().map(Checkpoint::new),
            warnings: advice::on_settings(&measurement),
            command,
            measurement,
            unit,
            provenance,
            continued: false,
            block_ended: false,
            cycle_ended: false,
            stop: false,
            said: BTreeSet::new(),
            said_of_atoms: false,
            notes: Vec::new(),
        }))
    })
}

/// Checksum of the numbers that a restart file keeps with an atom.
fn dms_checksum(numbers: &[f64]) -> Result<u32, BridgeError> {
    dms("dms_checksum", || Ok(restart::checksum(numbers)))
}

impl Dms {
    /// Resolves the names of the files, on the rank that writes them; nothing is opened yet.
    fn name_files(&mut self) -> Result<(), BridgeError> {
        dms("name_files", || {
            if self.writes {
                self.files = Some(Files::new(&self.command)?);
            }
            Ok(())
        })
    }

    /// Adopts the timestep; after the start it must not change.
    fn set_timestep(&mut self, timestep: f64) -> Result<(), BridgeError> {
        dms("set_timestep", || self.measurement.set_timestep(timestep))
    }

    /// Starts clock and strain at `step` unless they run already; true where they start now.
    fn begin(&mut self, step: i64, current: &ffi::DmsBox, atoms: f64) -> Result<bool, BridgeError> {
        dms("begin", || {
            let reference = self.command.reference(&cell_of(current));
            if !self.measurement.begin(Start {
                step,
                reference,
                atoms,
            }) {
                return Ok(false);
            }
            let protocol = self.measurement.protocol();
            if self.measurement.drives() {
                for strain in [protocol.peak, -protocol.peak] {
                    let cell = protocol.deformation.cell(&reference, &reference, strain);
                    cell.check_tilt()?;
                }
            }
            self.notes.push(format!(
                "fix dms: {}",
                advice::introduction(&self.measurement)
            ));
            Ok(true)
        })
    }

    /// Opens the block file: a new one, or the old one to be continued at `step`. Does nothing on other ranks and when
    /// it is open already.
    fn open_files(&mut self, step: i64) -> Result<(), BridgeError> {
        dms("open_files", || match &mut self.files {
            Some(files) => {
                let head = report::block_file_head(&self.measurement, &self.unit, &self.provenance);
                let last = self.measurement.last_step().unwrap_or(step);
                files.open(
                    &head,
                    &report::continuation_line(step),
                    self.continued.then_some(last),
                )
            }
            None => Ok(()),
        })
    }

    /// Whether the stress of timestep `step` is wanted.
    fn is_due(&self, step: i64) -> Result<bool, BridgeError> {
        dms("is_due", || Ok(self.measurement.is_due(step)))
    }

    /// The next timestep whose stress is wanted.
    fn next_due(&self, step: i64) -> Result<i64, BridgeError> {
        dms("next_due", || Ok(self.measurement.next_due(step)))
    }

    /// Fails where a number of the sample cannot be computed with.
    fn check_sample(&self, sample: &ffi::DmsSample) -> Result<(), BridgeError> {
        dms("check_sample", || {
            self.measurement.check_sample(&sample_of(sample))
        })
    }

    /// Takes one sample.
    fn sample(&mut self, sample: &ffi::DmsSample) -> Result<(), BridgeError> {
        dms("sample", || {
            if let Some(block) = self.measurement.sample(&sample_of(sample))? {
                self.take_block(&block);
            }
            self.cycle_ended |= self.measurement.at_cycle_start();
            if let Some(text) = advice::goal_reached(&self.measurement, &self.unit) {
                self.notes.push(format!("fix dms: {text}"));
                self.stop = true;
            }
            Ok(())
        })
    }

    fn take_block(&mut self, block: &Block) {
        if let Some(files) = &mut self.files {
            files.queue(&report::block_line(&self.measurement, &self.unit, block));
        }
        self.block_ended = true;
        if !block.used {
            return;
        }
        if self.measurement.outcome().blocks() == 1 {
            self.notes.extend(
                advice::forecast(&self.measurement, &self.unit)
                    .map(|text| format!("fix dms: {text}")),
            );
        }
        for (remark, text) in advice::on_results(&self.measurement, &self.unit) {
            if self.said.insert(remark) {
                self.warnings.push(text);
            }
        }
    }

    /// Whether something has happened that belongs into the files; the same on every rank.
    fn files_due(&self) -> Result<bool, BridgeError> {
        dms("files_due", || {
            let command = &self.command;
            Ok(
                self.block_ended && (command.file.is_some() || command.summary.is_some())
                    || self.cycle_ended && command.checkpoint.is_some(),
            )
        })
    }

    /// Brings the files up to date with timestep `step`, on the rank that writes them; called on every rank.
    fn write_files(&mut self, step: i64) -> Result<(), BridgeError> {
        dms("write_files", || {
            self.block_ended = false;
            if let Some(files) = &mut self.files {
                files.flush(|| report::summary(&self.measurement, &self.unit, &self.provenance))?;
            }
            // behind the block file, which so holds all that the checkpoint knows
            if std::mem::take(&mut self.cycle_ended) {
                self.checkpoint(step, false)?;
            }
            Ok(())
        })
    }

    /// Whether the run is to end with this timestep; says so once.
    fn take_stop(&mut self) -> Result<bool, BridgeError> {
        dms("take_stop", || Ok(std::mem::take(&mut self.stop)))
    }

    /// Warnings since the last call.
    fn take_warnings(&mut self) -> Result<Vec<String>, BridgeError> {
        dms("take_warnings", || {
            Ok(std::mem::take(&mut self.warnings)
                .into_iter()
                .map(|text| format!("fix dms: {text}"))
                .collect())
        })
    }

    /// Lines for the log since the last call.
    fn take_notes(&mut self) -> Result<Vec<String>, BridgeError> {
        dms("take_notes", || Ok(std::mem::take(&mut self.notes)))
    }
}
