//! Bridge of `fix mobility`: the command line of the fix, the configurations that it keeps, the analysis, and its files.
//!
//! Every rank keeps the configurations of its own atoms in their rows and the clock of all. Rank 0 alone has the analysis:
//! at the end of each window it gets the rows of all atoms, sorts them by ID, and gives back what concerns single atoms.

mod clock;
mod command;
mod files;
mod gather;
mod rows;
mod state;

use deepdms_mobility::cell::Matrix;
use deepdms_mobility::{Analysis, Error};

use crate::guard::{BridgeError, guard};
use command::Command;
use files::Files;
use gather::Gathered;
use rows::Layout;

#[cxx::bridge(namespace = "deepdms")]
#[allow(missing_docs)]
mod ffi {
    /// What the fix needs to know of the program that it runs in.
    struct MobilityHost {
        /// Version of LAMMPS.
        version: String,
        /// Unit style.
        units: String,
        timestep: f64,
        /// 2 or 3.
        dimension: i32,
        /// Number of atom types.
        types: i32,
        periodic: [bool; 3],
        /// Whether this is the rank that analyses and writes.
        writes: bool,
        /// Steps of a period of the fix dms that is followed, or 0.
        period: i64,
        /// Cycles that this does not use.
        skip: i64,
    }

    /// Sizes of arrays.
    struct MobilityLayout {
        /// Numbers that are kept with each atom.
        width: usize,
        /// Numbers that come out for each atom.
        columns: usize,
        /// Global vector.
        vector: usize,
        /// Rows and columns of the global array.
        rows: usize,
        row: usize,
        /// Configurations that are handed to rank 0, the newest first, and one halfway through the window behind them.
        frames: usize,
    }

    /// What is to be done at a timestep.
    struct MobilityDue {
        /// The atoms belong to a configuration.
        snapshot: bool,
        /// That ends a window.
        end: bool,
    }

    /// A box: the cell matrix, row by row.
    struct MobilityBox {
        matrix: [f64; 9],
    }

    extern "Rust" {
        type Mobility;
        fn mobility_new(words: Vec<String>, host: &MobilityHost) -> Result<Box<Mobility>>;
        fn mobility_checksum(numbers: &[f64]) -> Result<u32>;

        fn layout(self: &Mobility) -> Result<MobilityLayout>;
        fn name_files(self: &mut Mobility) -> Result<()>;
        fn begin(self: &mut Mobility, step: i64, origin: i64, atoms: f64) -> Result<()>;
        fn set_box_varies(self: &mut Mobility, varies: bool) -> Result<()>;
        fn set_timestep(self: &mut Mobility, timestep: f64) -> Result<()>;
        fn open_files(self: &mut Mobility) -> Result<()>;
        fn due(self: &Mobility, step: i64) -> Result<MobilityDue>;

        fn add_snapshot(
            self: &mut Mobility,
            step: i64,
            borders: &MobilityBox,
            atoms: f64,
        ) -> Result<()>;
        fn add_atoms(
            self: &Mobility,
            scaled: &[f64],
            types: &[f64],
            ids: &[f64],
            rows: &mut [f64],
        ) -> Result<()>;
        fn close_snapshot(self: &mut Mobility) -> Result<()>;
        fn window_ends(self: &Mobility) -> Result<bool>;
        fn frame_place(self: &Mobility, index: usize) -> Result<usize>;
        fn receive_atoms(self: &mut Mobility, table: &[f64]) -> Result<()>;
        fn receive_frame(self: &mut Mobility, index: usize, scaled: &[f64]) -> Result<()>;
        fn receive_histories(self: &mut Mobility, rows: &[f64]) -> Result<()>;
        fn analyse(self: &mut Mobility) -> Result<()>;
        fn results(self: &mut Mobility) -> Result<Vec<f64>>;
        fn keep_atoms(
            self: &Mobility,
            results: &[f64],
            rows: &mut [f64],
            output: &mut [f64],
        ) -> Result<()>;
        fn keep_frame(self: &mut Mobility) -> Result<()>;
        fn write_files(self: &mut Mobility) -> Result<()>;

        fn readings(self: &Mobility) -> Result<Vec<f64>>;
        fn take_warnings(self: &mut Mobility) -> Result<Vec<String>>;
        fn take_notes(self: &mut Mobility) -> Result<Vec<String>>;
        fn pack(self: &Mobility) -> Result<Vec<u8>>;
        fn unpack(self: &mut Mobility, memory: &[u8]) -> Result<()>;
    }
}

/// Atoms that rank 0 can hold without being forced to.
const MANY: f64 = 5e7;
/// Bytes that rank 0 needs for an atom.
const BYTES: f64 = 400.0;

/// A configuration that is kept: its timestep and its cell matrix.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Kept {
    step: i64,
    matrix: Matrix,
}

/// One `fix mobility`.
pub struct Mobility {
    command: Command,
    layout: Layout,
    analysis: Analysis,
    version: String,
    units: String,
    timestep: f64,
    /// Whether this is rank 0.
    writes: bool,
    files: Option<Files>,
    /// A step at which a window ends; none before the start.
    end: Option<i64>,
    atoms: f64,
    /// Kept configurations, the newest first.
    frames: Vec<Kept>,
    /// The one halfway through the window under way.
    middle: Option<Kept>,
    /// The one that is being taken: its matrices are added up.
    taking: Kept,
    /// Snapshots of it so far, and the last of them.
    taken: u64,
    last: Option<i64>,
    /// Whether the configuration that is complete ends a window, or halves it.
    complete: clock::Due,
    gathered: Gathered,
    /// Whether the state came from a restart file.
    continued: bool,
    notes: Vec<String>,
    warnings: Vec<String>,
}

/// Runs `body` in the guard and puts the name of the style before its error.
fn mobility<T>(place: &str, body: impl FnOnce() -> Result<T, Error>) -> Result<T, BridgeError> {
    guard(place, || {
        body().map_err(|error| format!("fix mobility: {error}"))
    })
}

/// A fix from the words after `fix ID group mobility`.
fn mobility_new(
    words: Vec<String>,
    host: &ffi::MobilityHost,
) -> Result<Box<Mobility>, BridgeError> {
    mobility("mobility_new", || {
        let command = Command::parse(&words, host)?;
        Ok(Box::new(Mobility {
            layout: Layout::new(&command.settings),
            analysis: Analysis::new(command.settings.clone())?,
            command,
            version: host.version.clone(),
            units: host.units.clone(),
            timestep: host.timestep,
            writes: host.writes,
            files: None,
            end: None,
            atoms: 0.0,
            frames: Vec::new(),
            middle: None,
            taking: Kept::default(),
            taken: 0,
            last: None,
            complete: clock::Due::default(),
            gathered: Gathered::default(),
            continued: false,
            notes: Vec::new(),
            warnings: Vec::new(),
        }))
    })
}

/// Checksum of the numbers that a restart file keeps with an atom.
fn mobility_checksum(numbers: &[f64]) -> Result<u32, BridgeError> {
    mobility("mobility_checksum", || {
        Ok(deepdms_rheology::restart::checksum(numbers))
    })
}

impl Mobility {
    /// Sizes of arrays.
    fn layout(&self) -> Result<ffi::MobilityLayout, BridgeError> {
        mobility("layout", || {
            Ok(ffi::MobilityLayout {
                width: self.layout.width,
                columns: rows::COLUMNS,
                vector: deepdms_mobility::readout::VECTOR,
                rows: self.command.settings.types + 1,
                row: self.analysis.columns(),
                frames: self.frames.len() + 1 + usize::from(self.middle.is_some()),
            })
        })
    }

    /// Resolves the names of the files, on the rank that writes them; nothing is opened yet.
    fn name_files(&mut self) -> Result<(), BridgeError> {
        mobility("name_files", || {
            if self.writes {
                self.files = Some(Files::new(&self.command)?);
            }
            Ok(())
        })
    }

    /// Starts the clock at `step` unless it runs already: periods begin at `origin`, or windows at `step` where that is
    /// negative.
    fn begin(&mut self, step: i64, origin: i64, atoms: f64) -> Result<(), BridgeError> {
        mobility("begin", || {
            if self.end.is_some() {
                return Ok(());
            }
            if atoms > MANY && !self.command.force {
                return Err(Error::new(format!(
                    "{atoms:.0} atoms need about {:.0} GB on rank 0; add force yes",
                    atoms * BYTES * 1e-9
                )));
            }
            let clock = &self.command.clock;
            let origin = if clock.period > 0 { origin } else { step };
            let lead = ((clock.snapshots - 1) * clock.spacing) as i64;
            let end = clock.first_end(origin, step + lead);
            self.end = Some(end);
            self.atoms = atoms;
            self.notes.push(format!(
                "fix mobility: windows of {} steps from step {end} on; {} of them fix thresholds, {} are not used",
                clock.interval,
                self.command.settings.calibration,
                self.command.settings.skip.max(self.command.settings.calibration - 1)
            ));
            Ok(())
        })
    }

    /// Whether the box may change for a reason that needs no comment.
    fn set_box_varies(&mut self, varies: bool) -> Result<(), BridgeError> {
        mobility("set_box_varies", || {
            self.analysis.set_box_varies(varies);
            Ok(())
        })
    }

    /// Fails where the timestep is no longer that of the window under way.
    fn set_timestep(&mut self, timestep: f64) -> Result<(), BridgeError> {
        mobility("set_timestep", || {
            if timestep == self.timestep {
                return Ok(());
            }
            Err(Error::new(if self.frames.is_empty() {
                "the timestep changed: define the fix after the timestep command"
            } else {
                "timestep changed inside a window"
            }))
        })
    }

    /// Opens the files: new ones, or old ones to be continued. Does nothing on other ranks and when they are open.
    fn open_files(&mut self) -> Result<(), BridgeError> {
        mobility("open_files", || {
            let head = self.head();
            match &mut self.files {
                Some(files) => {
                    let continued = self.continued.then(|| self.analysis.windows());
                    files.open(&head, continued)
                }
                None => Ok(()),
            }
        })
    }

    /// What is due at `step`.
    fn due(&self, step: i64) -> Result<ffi::MobilityDue, BridgeError> {
        mobility("due", || {
            let due = self.due_at(step)?;
            Ok(ffi::MobilityDue {
                snapshot: due.snapshot,
                end: due.snapshot && due.end,
            })
        })
    }

    fn due_at(&self, step: i64) -> Result<clock::Due, Error> {
        let Some(end) = self.end else {
            return Ok(clock::Due::default());
        };
        let clock = &self.command.clock;
        let lead = ((clock.snapshots - 1) * clock.spacing) as i64;
        // a run begins with the step that ended the one before
        if self.last.is_some_and(|last| step <= last) || step < end - lead {
            return Ok(clock::Due::default());
        }
        let due = clock.due(end, step);
        if let Some(newest) = self.frames.first() {
            let next = newest.step + clock.interval as i64;
            if step > next {
                return Err(Error::new(format!(
                    "the configuration of step {next} is missing, and the next is that of step {step}: windows of {} steps \
                     need one every {} steps",
                    clock.interval, clock.interval
                )));
            }
        }
        Ok(due)
    }

    /// Warnings since the last call.
    fn take_warnings(&mut self) -> Result<Vec<String>, BridgeError> {
        mobility("take_warnings", || {
            let mut texts = std::mem::take(&mut self.warnings);
            texts.extend(self.analysis.take_remarks());
            Ok(texts
                .into_iter()
                .map(|text| format!("fix mobility: {text}"))
                .collect())
        })
    }

    /// Lines for the log since the last call.
    fn take_notes(&mut self) -> Result<Vec<String>, BridgeError> {
        mobility("take_notes", || Ok(std::mem::take(&mut self.notes)))
    }

    /// The scalar, the vector and the array, row by row, on the rank that analyses.
    fn readings(&self) -> Result<Vec<f64>, BridgeError> {
        mobility("readings", || {
            let broken = self.analysis.last("c_all");
            let mut readings = vec![if broken.is_nan() { 0.0 } else { broken }];
            readings.extend(self.analysis.vector());
            for kind in 0..=self.command.settings.types {
                readings.extend(self.analysis.row(kind));
            }
            Ok(readings)
        })
    }
}
