//! What every evaluator of a model answers, and the checks that all of them share.

mod exchange;
mod native;
pub mod times;

pub use exchange::GhostExchange;
pub use native::NativeEngine;

use crate::descriptor::counters::Counters;
use crate::descriptor::neighbours::Atoms;
use crate::model::Format;
use crate::splines::{Accuracy, Report};
use crate::virial::Output;
use crate::{Error, Model};
use times::Times;

/// What a caller needs to know of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// File format that the model was read from.
    pub format: Format,
    /// Names of types.
    pub type_map: Vec<String>,
    /// Distance beyond which an atom has no influence on another's energy [Å].
    pub cutoff: f64,
    /// Slots for neighbours of each type; empty where the model does not tell types apart.
    pub sel: Vec<usize>,
    /// Number of frame parameters.
    pub frame_parameters: usize,
    /// Number of atom parameters.
    pub atom_parameters: usize,
    /// Frame parameters that are used where none are given.
    pub default_frame_parameters: Option<Vec<f64>>,
}

impl From<&Model> for Interface {
    fn from(model: &Model) -> Self {
        let most = |t: usize| {
            let slots = model.descriptors.iter().map(|d| {
                let shared = d.selection.shared_slots().is_some();
                (!shared).then_some(d.sel[t])
            });
            slots.max().flatten()
        };
        Self {
            format: model.format,
            type_map: model.type_map.clone(),
            cutoff: model.cutoff(),
            sel: (0..model.n_types()).filter_map(most).collect(),
            frame_parameters: model.frame_parameters.len(),
            atom_parameters: model.atom_parameters.len(),
            default_frame_parameters: model.frame_parameters.default.clone(),
        }
    }
}

/// What approximations came to in all steps since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Steps {
    /// Intervals of the splines; 0 where there are none.
    pub knots: usize,
    /// Largest bound of a force error that splines may have made [eV/Å].
    pub bound: f64,
    /// Largest force error of single precision, measured where its reference points were taken [eV/Å].
    pub rounding: f64,
    /// Whether a model is evaluated with its networks as they are from some step on, since no number of knots kept the tolerance.
    pub given_up: bool,
    /// Times that there were more knots from a step on.
    pub refined: u64,
    /// Atoms, counted in every step, that were evaluated with the networks as they are.
    pub by_networks: u64,
    /// Atoms, counted in every step, whose fitting network was evaluated in double precision since they were far from the mean.
    pub far: u64,
}

/// An evaluator of one or more models of the same types.
pub trait Engine {
    /// What is evaluated, in order; at least one model.
    fn models(&self) -> &[Interface];

    /// Energies, forces and virials of all centres in the list, by as many models as there are `outputs`, from the first
    /// on; outputs are cleared first. Virials by atom are made for the first model only, and only where they are wanted.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::Overlap`] or [`Error::ForceNotFinite`] name the atoms by index.
    fn evaluate(
        &mut self,
        atoms: &Atoms<'_>,
        with_atom_virials: bool,
        outputs: &mut [Output],
    ) -> Result<(), Error>;

    /// Sets the total charge and spin (`charge_spin`) of all evaluations to come; none where the command gives none.
    ///
    /// # Errors
    /// [`Error::Engine`] unless every model takes so many numbers, or has its own and gets none.
    fn set_charge_spin(&mut self, values: &[f64]) -> Result<(), Error> {
        if values.is_empty() {
            return Ok(());
        }
        Err(Error::Engine(
            "the model takes no charge and spin: remove charge_spin".to_owned(),
        ))
    }

    /// Whether an evaluation needs [`Atoms::exchange`](crate::descriptor::neighbours::Atoms), on all ranks.
    fn exchanges_ghosts(&self) -> bool {
        false
    }

    /// Sets how accurate evaluations are to be, for atoms of the types that are `used` (one flag each); says for each model what came
    /// of it. Engines that evaluate networks as they are have nothing to say.
    fn set_accuracy(&mut self, _accuracy: Accuracy, _used: &[bool]) -> Vec<Report> {
        Vec::new()
    }

    /// What approximations of the engine came to since the start.
    fn steps(&self) -> Steps {
        Steps::default()
    }

    /// What went beyond the range of each model since the start.
    fn counters(&self) -> Vec<Counters>;

    /// Time spent since the start; summed over threads.
    fn times(&self) -> Times;

    /// The engine in words, for the line at start-up.
    fn describe(&self) -> String;
}

/// Refuses frame and atom parameters of the wrong number.
///
/// # Errors
/// [`Error::Engine`] says how many are needed.
pub fn check_parameters(atoms: &Atoms<'_>, model: &Interface) -> Result<(), Error> {
    let given = atoms.frame_parameters.len();
    if given != model.frame_parameters {
        return Err(Error::Engine(format!(
            "the model takes {} frame parameters (fparam) and {given} were given",
            model.frame_parameters
        )));
    }
    let largest = atoms.list.centres().iter().max();
    let needed = largest.map_or(0, |&i| (i as usize + 1) * model.atom_parameters);
    if atoms.atom_parameters.len() < needed {
        return Err(Error::Engine(format!(
            "the model takes {} atom parameters (aparam) for each atom and {} numbers were given where {needed} are needed",
            model.atom_parameters,
            atoms.atom_parameters.len()
        )));
    }
    Ok(())
}

/// Refuses coordinates that are not numbers.
///
/// # Errors
/// [`Error::NotFinite`] names the first such atom.
pub fn check_positions(atoms: &Atoms<'_>) -> Result<(), Error> {
    // one sum tells whether any is not finite, and vectorises
    let total: f64 = atoms.positions.iter().map(|x| x * 0.0).sum();
    if total == 0.0 {
        return Ok(());
    }
    let mut rows = atoms.positions.chunks_exact(3).enumerate();
    match rows.find(|(_, row)| row.iter().any(|x| !x.is_finite())) {
        Some((atom, row)) => Err(Error::NotFinite {
            atom,
            x: row[0],
            y: row[1],
            z: row[2],
        }),
        None => Ok(()),
    }
}

/// Refuses forces that are not numbers.
///
/// # Errors
/// [`Error::ForceNotFinite`] names the first such centre with its nearest neighbour.
pub fn check_forces(atoms: &Atoms<'_>, output: &Output) -> Result<(), Error> {
    let total: f64 = output.forces.iter().map(|f| f * 0.0).sum();
    if total == 0.0 && output.energy.is_finite() {
        return Ok(());
    }
    for k in 0..atoms.list.len() {
        let (atom, around) = atoms.list.entry(k);
        let sound = output.forces[3 * atom..3 * atom + 3]
            .iter()
            .all(|f| f.is_finite());
        if sound && output.atom_energies[atom].is_finite() {
            continue;
        }
        let origin = atoms.position(atom);
        let distance = |other: u32| {
            let position = atoms.position(other as usize);
            (0..3)
                .map(|a| (position[a] - origin[a]).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        let nearest = around
            .iter()
            .filter(|&&other| atoms.types[other as usize] >= 0)
            .map(|&other| (distance(other), other as usize))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let (distance, neighbour) = nearest.unwrap_or((0.0, atom));
        return Err(Error::ForceNotFinite {
            atom,
            neighbour,
            distance,
        });
    }
    Err(Error::Engine(
        "the model gives a force that is not finite on a ghost atom".to_owned(),
    ))
}
