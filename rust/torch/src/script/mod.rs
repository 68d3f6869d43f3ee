//! TorchScript models run as they are: the program in the file gives energies and their gradients.
//!
//! This is for models that have no reader, such as DPA-1, DPA-2 and DPA-3. The model is shown the real atoms only, local
//! ones first, and for each local one the nearest atoms within the cutoff, as many as it has room for. deepmd-kit leaves
//! it to the model to pick them from LAMMPS' list, with the same outcome where the list is long enough to be sorted.

#[cfg(test)]
mod checks;
mod exchange;
mod interface;
mod rows;
#[cfg(test)]
mod tests;
mod trust;

use crate::device;
use deepdms_potential::Error;
use deepdms_potential::descriptor::counters::Counters;
use deepdms_potential::descriptor::neighbours::Atoms;
use deepdms_potential::engine::times::{Phase, Times};
use deepdms_potential::engine::{
    Engine, Interface, check_forces, check_parameters, check_positions,
};
use deepdms_potential::model::Format;
use deepdms_potential::model::limits::{self, MOST_PARAMETERS, MOST_SLOTS, MOST_TYPES};
use deepdms_potential::virial::Output;
use exchange::Announcement;
use interface::{Request, Script};
use rows::Rows;
use std::fmt;
use tch::Device;

/// Arguments of `forward_lower` that a model may insist on.
const ARGUMENTS: [&str; 3] = ["extended_coord", "extended_atype", "nlist"];

/// Where a model keeps the frame parameters that it takes where none are given.
const DEFAULT_FRAME_PARAMETERS: &str = ".atomic_model.fitting_net.default_fparam_tensor";

/// Evaluates one TorchScript model with libtorch.
pub struct ScriptEngine {
    script: Script,
    device: Device,
    interface: [Interface; 1],
    /// Neighbours that the model has room for, of all types together.
    slots: Option<usize>,
    exchanges_ghosts: bool,
    charge_spin: ChargeSpin,
    rows: Rows,
    times: Times,
}

/// Total charge and spin that some models take.
struct ChargeSpin {
    dimension: usize,
    has_default: bool,
    given: Vec<f64>,
}

impl ScriptEngine {
    /// Loads a model from the bytes of a `.pth` file for the device called `device`: `cpu`, `cuda` or `cuda:N`. Unless its
    /// program is `trusted`, only an energy model of deepmd-kit that does nothing but compute is run. `file` goes into
    /// messages.
    ///
    /// # Errors
    /// [`Error::Engine`] if there is no such device, libtorch cannot load the file, or its program would have to be trusted;
    /// [`Error::Unsupported`] if the model is about something else than the energy of atoms at points, or does what no
    /// model may do.
    pub fn new(file: &str, bytes: &[u8], device: &str, trusted: bool) -> Result<Self, Error> {
        let device = device::open(device)?;
        let cannot_load = |error: String| {
            Error::Engine(format!(
                "{file}: libtorch cannot load it: {}",
                brief(&error)
            ))
        };
        let number = match device {
            Device::Cuda(index) => i32::try_from(index).unwrap_or(i32::MAX),
            _ => -1,
        };
        let script = Script::load(bytes, number).map_err(cannot_load)?;
        let class = script.class().map_err(cannot_load)?;
        let operators = script.texts("operators").map_err(cannot_load)?;
        trust::judge(file, &class, &operators.unwrap_or_default(), trusted)?;
        let devices = script.texts("devices").map_err(cannot_load)?;
        check_devices(&devices.unwrap_or_default(), device)
            .map_err(|what| Error::Engine(format!("{file}: {what}")))?;
        // nothing of the program has run up to here
        if let Some(feature) = foreign_feature(&script).map_err(cannot_load)? {
            return Err(Error::Unsupported {
                file: file.to_owned(),
                feature,
                remedy: "Energy models are".to_owned(),
            });
        }
        Self::of(script, device).map_err(cannot_load)
    }

    /// Asks a model about itself; what files of older versions cannot be asked is not in them.
    fn of(script: Script, device: Device) -> Result<Self, String> {
        let frame_parameters = script.count("get_dim_fparam", MOST_PARAMETERS)?;
        let default = script.ask(DEFAULT_FRAME_PARAMETERS)?;
        let default = default.map_or_else(Vec::new, |answer| answer.numbers);
        let slots = script.count("get_nnei", MOST_SLOTS)?;
        let type_map = script.texts("get_type_map")?.unwrap_or_default();
        if !(1..=MOST_TYPES).contains(&type_map.len()) {
            let n = type_map.len();
            return Err(format!(
                "get_type_map: {n} is not a possible number of types"
            ));
        }
        if let Some(what) = limits::names_fault(&type_map) {
            return Err(format!("get_type_map: {what}"));
        }
        let cutoff = script.number("get_rcut")?.unwrap_or(f64::NAN);
        if let Some(what) = limits::cutoff_fault(cutoff) {
            return Err(format!("get_rcut: {what}"));
        }
        if default.iter().any(|value| !value.is_finite()) {
            return Err(format!(
                "{DEFAULT_FRAME_PARAMETERS}: a number is not finite"
            ));
        }
        Ok(Self {
            device,
            interface: [Interface {
                format: Format::TorchScript,
                type_map,
                cutoff,
                sel: Vec::new(),
                frame_parameters,
                atom_parameters: script.count("get_dim_aparam", MOST_PARAMETERS)?,
                default_frame_parameters: (frame_parameters > 0
                    && default.len() == frame_parameters)
                    .then_some(default),
            }],
            slots: (slots > 0).then_some(slots),
            exchanges_ghosts: script.is("has_message_passing")?,
            charge_spin: ChargeSpin {
                dimension: script.count("get_dim_chg_spin", MOST_PARAMETERS)?,
                has_default: script.is("has_default_chg_spin")?,
                given: Vec::new(),
            },
            rows: Rows::default(),
            times: Times::default(),
            script,
        })
    }

    /// Lets libtorch work on so many threads.
    pub fn set_threads(&mut self, threads: usize) {
        tch::set_num_threads(i32::try_from(threads).unwrap_or(1));
    }

    /// Evaluates what is in `self.rows`.
    fn evaluate_rows(
        &self,
        atoms: &Atoms<'_>,
        with_atom_virials: bool,
        output: &mut Output,
    ) -> Result<(), Error> {
        let rows = &self.rows;
        let announcement = match (self.exchanges_ghosts, atoms.exchange) {
            (false, _) => None,
            (true, Some(exchange)) => Some(Announcement::new(exchange, rows)),
            (true, None) => {
                return Err(Error::Engine(
                    "the model passes messages between atoms, and there is no way to their ghosts"
                        .to_owned(),
                ));
            }
        };
        let dimension = self.interface[0].atom_parameters;
        let mut atom_parameters = Vec::with_capacity(rows.n_local * dimension);
        for atom in &rows.atoms[..rows.n_local] {
            match atom {
                Some(atom) => atom_parameters
                    .extend_from_slice(&atoms.atom_parameters[atom * dimension..][..dimension]),
                None => atom_parameters.resize(dimension, 0.0),
            }
        }
        let n = rows.atoms.len();
        let mut energy = [0.0];
        let mut energies = vec![0.0; rows.n_local];
        let mut forces = vec![0.0; 3 * n];
        let mut virials = vec![0.0; if with_atom_virials { 9 * n } else { 0 }];
        let request = Request {
            coordinates: (&rows.coordinates[..]).into(),
            types: (&rows.types[..]).into(),
            neighbours: (&rows.neighbours[..]).into(),
            n_local: rows.n_local,
            width: rows.width,
            frame_parameters: atoms.frame_parameters.into(),
            atom_parameters: (&atom_parameters[..]).into(),
            charge_spin: (&self.charge_spin.given[..]).into(),
            exchange: announcement.as_ref().map_or(0, Announcement::number),
            energy: (&mut energy[..]).into(),
            atom_energies: (&mut energies[..]).into(),
            forces: (&mut forces[..]).into(),
            virial: (&mut output.virial[..]).into(),
            atom_virials: (&mut virials[..]).into(),
        };
        // SAFETY: everything that the request points to lives in this function or is borrowed by it
        let done = unsafe { self.script.evaluate(&request) };
        done.map_err(|error| {
            let exchange = announcement.as_ref().and_then(Announcement::failure);
            exchange.unwrap_or_else(|| Error::Engine(format!("libtorch: {}", brief(&error))))
        })?;

        // a row without an atom has an energy of its own, of which nothing depends on any position
        if rows.atoms[0].is_some() {
            output.energy = energy[0];
        }
        for (k, atom) in rows.atoms.iter().enumerate() {
            let &Some(atom) = atom else { continue };
            if k < rows.n_local {
                output.atom_energies[atom] = energies[k];
            }
            output.forces[3 * atom..][..3].copy_from_slice(&forces[3 * k..][..3]);
            if with_atom_virials {
                output.atom_virials[atom].copy_from_slice(&virials[9 * k..][..9]);
            }
        }
        Ok(())
    }
}

impl ChargeSpin {
    fn check(&self, values: &[f64]) -> Result<(), Error> {
        if self.dimension == 0 && !values.is_empty() {
            return Err(Error::Engine(
                "the model takes no charge and spin: remove charge_spin".to_owned(),
            ));
        }
        let missing = values.is_empty() && self.dimension > 0 && !self.has_default;
        if missing || !values.is_empty() && values.len() != self.dimension {
            return Err(Error::Engine(format!(
                "the model takes {} numbers for charge and spin (charge_spin) and {} were given",
                self.dimension,
                values.len()
            )));
        }
        Ok(())
    }
}

/// Refuses a program that was made for GPUs and names one, unless it is the one that is used.
fn check_devices(named: &[String], device: Device) -> Result<(), String> {
    let ours = match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".to_owned(),
    };
    let same =
        |name: &&String| **name == "cpu" || **name == ours || **name == "cuda" && ours != "cpu";
    let Some(other) = named.iter().find(|name| !same(name)) else {
        return Ok(());
    };
    Err(format!(
        "the model was frozen on a GPU, and its program works on {other} and not on {ours}. Freeze it where no GPU is seen (CUDA_VISIBLE_DEVICES= dp --pt freeze), or give 'device {other}'"
    ))
}

/// What makes a model one of another kind, in words.
fn foreign_feature(script: &Script) -> Result<Option<String>, String> {
    let class = script.class()?;
    let class = trust::bare(&class);
    let (Some(required), Some(_)) = (script.texts("required")?, script.number("get_rcut")?) else {
        return Ok(Some(format!(
            "a module of class {class}, which is no Deep Potential model,"
        )));
    };
    if script.is("has_spin")? {
        return Ok(Some(format!("a spin model ({class})")));
    }
    let mut outputs = script.texts("model_output_type")?.unwrap_or_default();
    outputs.retain(|output| output != "mask");
    if !outputs.iter().any(|output| output == "energy") {
        return Ok(Some(format!(
            "a model of class {class}, which gives {} and no energy,",
            outputs.join(" and ")
        )));
    }
    let known = |argument: &String| ARGUMENTS.contains(&argument.as_str());
    let more: Vec<_> = required.into_iter().filter(|name| !known(name)).collect();
    if !more.is_empty() {
        return Ok(Some(format!(
            "a model of class {class}, which needs {},",
            more.join(" and ")
        )));
    }
    if script.is("is_aparam_nall")? {
        return Ok(Some("a model with atom parameters of ghosts".to_owned()));
    }
    Ok(None)
}

/// The line of a message of libtorch that says what is wrong: the last one where it retraces a program, else the first.
fn brief(message: &str) -> &str {
    let mut lines = message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let line = match message.contains("Traceback of TorchScript") {
        true => lines.next_back(),
        false => lines.next(),
    };
    line.unwrap_or("unknown cause")
}

impl Engine for ScriptEngine {
    fn models(&self) -> &[Interface] {
        &self.interface
    }

    fn evaluate(
        &mut self,
        atoms: &Atoms<'_>,
        with_atom_virials: bool,
        outputs: &mut [Output],
    ) -> Result<(), Error> {
        let Some(output) = outputs.first_mut() else {
            return Ok(());
        };
        check_positions(atoms)?;
        check_parameters(atoms, &self.interface[0])?;
        self.charge_spin.check(&self.charge_spin.given)?;
        self.times.start();
        output.clear(atoms.len(), with_atom_virials);
        self.rows
            .arrange(atoms, self.interface[0].cutoff, self.slots)?;
        self.times.end(Phase::Environment);
        self.evaluate_rows(atoms, with_atom_virials, output)?;
        self.times.end(Phase::Fitting);
        check_forces(atoms, output)
    }

    fn set_charge_spin(&mut self, values: &[f64]) -> Result<(), Error> {
        self.charge_spin.check(values)?;
        self.charge_spin.given = values.to_vec();
        Ok(())
    }

    fn exchanges_ghosts(&self) -> bool {
        self.exchanges_ghosts
    }

    fn counters(&self) -> Vec<Counters> {
        vec![Counters::new(self.interface[0].type_map.len())]
    }

    fn times(&self) -> Times {
        self.times.clone()
    }

    fn describe(&self) -> String {
        let mut text = format!("torch script, device {}", device::describe(self.device));
        if let Some(slots) = self.slots {
            text += &format!(", up to {slots} neighbours");
        }
        if self.exchanges_ghosts {
            text += ", messages between atoms";
        }
        text
    }
}

impl fmt::Debug for ScriptEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptEngine")
            .field("interface", &self.interface)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}
