//! Bridge of `pair_style deepmd`.
//!
//! LAMMPS' units come in and go out; in between everything is in Å and eV.

mod counters;
mod deviation;
mod deviation_file;
mod ghosts;
mod libtorch;
mod parameters;
mod potential;
mod settings;
mod step_parameters;
mod summary;
mod supply;
mod types;
mod words;

use crate::guard::{BridgeError, guard};
use libtorch::remember_folder;
pub use potential::Potential;
use potential::new_potential;
use settings::Settings;

#[cxx::bridge(namespace = "deepdms")]
#[allow(missing_docs)]
mod ffi {
    /// LAMMPS' units in those of the model.
    #[derive(Clone, Copy)]
    struct Units {
        /// One eV.
        energy: f64,
        /// One Å.
        length: f64,
    }

    /// How a step ended.
    struct Outcome {
        /// Whether `message` of the failure, with the ids of two atoms, is to be asked for.
        failed: bool,
        /// Indices of the atoms that the message is about.
        first: usize,
        second: usize,
    }

    /// LAMMPS' atoms in a step, local ones first.
    struct Frame<'a> {
        /// `[n_all, 3]`
        positions: &'a [f64],
        /// LAMMPS types, `[n_all]`
        types: &'a [i32],
        /// Lower corner of the box.
        corner: [f64; 3],
    }

    /// Arrays that a step is added to; empty where a quantity is not wanted.
    struct Sums<'a> {
        /// `[n_all, 3]`
        forces: &'a mut [f64],
        /// `xx yy zz xy xz yz`
        virial: &'a mut [f64],
        /// `[n_all]`
        atom_energies: &'a mut [f64],
        /// `[n_all, 6]`, for `compute stress/atom`
        atom_virials: &'a mut [f64],
        /// `[n_all, 9]`, for `compute centroid/stress/atom`
        centroid_virials: &'a mut [f64],
    }

    /// Who knows the parameters of a step.
    enum Origin {
        /// Nothing is to be fetched.
        Settled,
        /// A compute.
        Compute,
        /// A fix.
        Fix,
        /// The electron temperatures of a fix ttm.
        Ttm,
    }

    /// Where the shim fetches parameters.
    struct Source {
        origin: Origin,
        /// Id of the compute or fix.
        id: String,
        /// Whether the scalar of the fix holds for all parameters; else its vector does, from `index` on.
        whole: bool,
        index: usize,
        /// How many numbers are wanted, for the frame or for each atom.
        count: usize,
    }

    /// What one step gives to the deviation file, over all ranks.
    struct DeviationLine {
        step: i64,
        n_atoms: i64,
        /// Largest, smallest and sum of the deviations of forces.
        largest: f64,
        smallest: f64,
        sum: f64,
    }

    unsafe extern "C++" {
        include!("ghost_exchange.h");

        type GhostExchange;
        fn to_ghosts(
            self: Pin<&mut GhostExchange>,
            values: &mut [f64],
            columns: usize,
        ) -> Result<()>;
        fn to_owners(
            self: Pin<&mut GhostExchange>,
            values: &mut [f64],
            columns: usize,
        ) -> Result<()>;
    }

    extern "Rust" {
        fn remember_folder();

        type PairSettings;
        fn parse_settings(words: &[String]) -> Result<Box<PairSettings>>;
        fn model_files(self: &PairSettings) -> Vec<String>;

        type Potential;
        fn new_potential(settings: &PairSettings, units: Units) -> Result<Box<Potential>>;
        fn add_model(self: &mut Potential, bytes: &[u8]) -> Result<()>;
        fn prepare(self: &mut Potential) -> Result<()>;
        fn models(self: &Potential) -> usize;
        fn exchanges_ghosts(self: &Potential) -> bool;
        fn describe(self: &Potential) -> Result<String>;
        fn cutoff(self: &Potential) -> f64;
        fn map_types(
            self: &mut Potential,
            names: &[String],
            lammps_types: usize,
        ) -> Result<Vec<String>>;
        fn knows(self: &Potential, lammps_type: i32) -> bool;
        fn describe_accuracy(self: &Potential) -> Vec<String>;

        fn warnings(self: &Potential) -> Vec<String>;
        fn frame_source(self: &Potential) -> Source;
        fn atom_source(self: &Potential) -> Source;
        fn set_frame_parameters(self: &mut Potential, values: &[f64]) -> Result<()>;
        fn set_atom_parameters(self: &mut Potential, values: &[f64]) -> Result<()>;

        fn clear_list(self: &mut Potential);
        fn push_centre(self: &mut Potential, centre: i32, neighbours: &[i32], mask: i32);
        fn compute(
            self: &mut Potential,
            frame: Frame<'_>,
            ghosts: Pin<&mut GhostExchange>,
            with_atom_virials: bool,
            with_all_models: bool,
        ) -> Result<Outcome>;
        fn failure(self: &Potential, first_id: i64, second_id: i64) -> String;

        fn accumulate(self: &mut Potential, scale: f64, sums: Sums<'_>) -> Result<f64>;

        fn deviation_due(self: &Potential, step: i64) -> bool;
        fn deviation_by_atom(self: &Potential) -> bool;
        fn pack_forces(
            self: &Potential,
            first: usize,
            count: usize,
            buffer: &mut [f64],
        ) -> Result<()>;
        fn unpack_forces(self: &mut Potential, atoms: &[i32], buffer: &[f64]) -> Result<()>;
        fn force_deviations(self: &Potential, n_local: usize) -> Result<Vec<f64>>;
        fn virials(self: &Potential) -> Vec<f64>;
        fn write_deviation(
            self: &mut Potential,
            line: &DeviationLine,
            virials: &[f64],
            by_atom: &[f64],
            append: bool,
        ) -> Result<()>;

        fn counts(self: &Potential) -> Result<Vec<i64>>;
        fn has_news(self: &Potential, most: &[i64]) -> bool;
        fn judge_counts(self: &mut Potential, most: &[i64], sum: &[i64]) -> Result<Vec<String>>;

        fn begin_run(self: &mut Potential);
        fn end_run(self: &mut Potential) -> Vec<f64>;
        fn summary(
            self: &Potential,
            least: &[f64],
            sum: &[f64],
            most: &[f64],
            ranks: i32,
        ) -> Result<String>;
        fn memory_usage(self: &Potential) -> f64;
    }
}

/// A parsed `pair_style deepmd` line.
pub struct PairSettings(Settings);

fn parse_settings(words: &[String]) -> Result<Box<PairSettings>, BridgeError> {
    guard("pair settings", || {
        Settings::parse(words).map(|settings| Box::new(PairSettings(settings)))
    })
}

impl PairSettings {
    fn model_files(&self) -> Vec<String> {
        self.0.models.clone()
    }
}
