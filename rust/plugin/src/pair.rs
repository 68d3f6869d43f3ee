//! Bridge of `pair_style deepmd`.
//!
//! LAMMPS' units come in and go out; in between everything is in Å and eV.

mod settings;

use crate::guard::{BridgeError, guard};
use deepdms_potential::descriptor::neighbours::{Atoms, NeighbourList};
use deepdms_potential::engine::{Engine, NativeEngine};
use deepdms_potential::virial::{Output, centroid, symmetric};
use deepdms_potential::{Error, model};
use settings::{EngineChoice, Settings};

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

    extern "Rust" {
        type PairSettings;
        fn parse_settings(words: &[String]) -> Result<Box<PairSettings>>;
        fn model_file(self: &PairSettings) -> &str;

        type Potential;
        fn load_potential(
            settings: &PairSettings,
            bytes: &[u8],
            units: Units,
        ) -> Result<Box<Potential>>;
        fn describe(self: &Potential) -> String;
        fn cutoff(self: &Potential) -> f64;
        fn map_types(
            self: &mut Potential,
            names: &[String],
            lammps_types: usize,
        ) -> Result<Vec<String>>;

        fn clear_list(self: &mut Potential);
        fn push_centre(self: &mut Potential, centre: i32, neighbours: &[i32], mask: i32);
        fn compute(
            self: &mut Potential,
            positions: &[f64],
            types: &[i32],
            with_atom_virials: bool,
        ) -> Result<Outcome>;
        fn failure(self: &Potential, first_id: i64, second_id: i64) -> String;

        fn add_forces(self: &Potential, scale: f64, forces: &mut [f64]);
        fn energy(self: &Potential, scale: f64) -> f64;
        fn add_virial(self: &Potential, scale: f64, virial: &mut [f64]);
        fn add_atom_energies(self: &Potential, scale: f64, energies: &mut [f64]);
        fn add_atom_virials(self: &Potential, scale: f64, virials: &mut [f64]);
        fn add_centroid_virials(self: &Potential, scale: f64, virials: &mut [f64]);

        fn overflow(self: &Potential) -> Vec<i32>;
        fn overflow_warnings(self: &mut Potential, most: &[i32]) -> Vec<String>;
        fn memory_usage(self: &Potential) -> f64;
    }
}

use ffi::{Outcome, Units};

/// A parsed `pair_style deepmd` line.
pub struct PairSettings(Settings);

fn parse_settings(words: &[String]) -> Result<Box<PairSettings>, BridgeError> {
    guard("pair settings", || {
        Settings::parse(words).map(|settings| Box::new(PairSettings(settings)))
    })
}

impl PairSettings {
    fn model_file(&self) -> &str {
        &self.0.model
    }
}

/// A loaded model with its engine, and what a step needs between its calls.
pub struct Potential {
    engine: Box<dyn Engine>,
    file: String,
    units: Units,
    /// Model type by LAMMPS type; the first entry belongs to no type.
    map: Vec<i32>,
    list: NeighbourList,
    positions: Vec<f64>,
    types: Vec<i32>,
    output: Output,
    failure: Option<Error>,
    /// Pairs of types that were warned about.
    warned: Vec<bool>,
}

fn load_potential(
    settings: &PairSettings,
    bytes: &[u8],
    units: Units,
) -> Result<Box<Potential>, BridgeError> {
    guard("loading a model", || {
        let Settings {
            model: file,
            engine,
            device,
        } = &settings.0;
        let model = model::read(file, bytes)?;
        let n_types = model.n_types();
        let engine: Box<dyn Engine> = match engine {
            EngineChoice::Native => Box::new(NativeEngine::new(model)?),
            EngineChoice::Torch => torch_engine(model, device)?,
        };
        Ok::<_, Error>(Box::new(Potential {
            engine,
            file: file.clone(),
            units,
            map: Vec::new(),
            list: NeighbourList::default(),
            positions: Vec::new(),
            types: Vec::new(),
            output: Output::default(),
            failure: None,
            warned: vec![false; n_types * n_types],
        }))
    })
}

#[cfg(feature = "torch")]
fn torch_engine(model: deepdms_potential::Model, device: &str) -> Result<Box<dyn Engine>, Error> {
    Ok(Box::new(deepdms_torch::TorchEngine::new(model, device)?))
}

#[cfg(not(feature = "torch"))]
fn torch_engine(_: deepdms_potential::Model, _: &str) -> Result<Box<dyn Engine>, Error> {
    Err(Error::Engine(
        "engine torch: this plugin was built without libtorch. Build it with -DDEEPDMS_TORCH=ON, or use 'engine native'".to_owned(),
    ))
}

impl Potential {
    /// The line at start-up.
    fn describe(&self) -> String {
        let model = self.engine.model();
        let descriptor = &model.descriptor;
        format!(
            "deepdms {}: {} ({}), types {}, rcut {} A, sel {:?}; engine {}, 1 thread",
            env!("CARGO_PKG_VERSION"),
            self.file,
            model.format.suffix(),
            model.type_map.join(" "),
            // frozen graphs hold it as float32, whose shortest decimals are what was typed
            descriptor.cutoff() as f32,
            descriptor.sel,
            self.engine.describe(),
        )
    }

    /// Cutoff in LAMMPS' length unit.
    fn cutoff(&self) -> f64 {
        self.engine.model().descriptor.cutoff() * self.units.length
    }

    /// Maps LAMMPS types to model types, by the names of `pair_coeff` or, without names, in order; gives warnings.
    fn map_types(
        &mut self,
        names: &[String],
        lammps_types: usize,
    ) -> Result<Vec<String>, BridgeError> {
        guard("pair_coeff", || {
            let type_map = &self.engine.model().type_map;
            let known = type_map.join(" ");
            let mut map = vec![-1; lammps_types + 1];
            let mut warnings = Vec::new();
            if names.is_empty() {
                for (k, entry) in map.iter_mut().skip(1).enumerate().take(type_map.len()) {
                    *entry = k as i32;
                }
                if lammps_types > type_map.len() {
                    warnings.push(format!(
                        "{} knows {} types ({known}): LAMMPS types above that have no interaction. Name them in pair_coeff to be sure",
                        self.file,
                        type_map.len()
                    ));
                } else if lammps_types < type_map.len() {
                    warnings.push(format!(
                        "{} knows more types ({known}) than the {lammps_types} of LAMMPS, which are taken in this order. Name them in pair_coeff to be sure",
                        self.file
                    ));
                }
            }
            for (entry, name) in map.iter_mut().skip(1).zip(names) {
                *entry = match type_map.iter().position(|known| known == name) {
                    Some(k) => k as i32,
                    None if name == "NULL" => -1,
                    None => {
                        return Err(format!(
                            "pair_coeff: element {name} is not in {}, which knows {known}",
                            self.file
                        ));
                    }
                };
            }
            if !names.is_empty() && names.len() < lammps_types {
                warnings.push(format!(
                    "pair_coeff names {} of {lammps_types} types: the others have no interaction",
                    names.len()
                ));
            }
            self.map = map;
            Ok(warnings)
        })
    }

    fn clear_list(&mut self) {
        self.list.clear();
    }

    /// Adds a centre with its neighbours, the high bits of whose indices are not part of them.
    fn push_centre(&mut self, centre: i32, neighbours: &[i32], mask: i32) {
        self.list
            .push(centre as u32, neighbours.iter().map(|j| (j & mask) as u32));
    }

    /// Evaluates one step; `positions` are LAMMPS', `[n_all, 3]`, `types` LAMMPS types, `[n_all]`.
    fn compute(
        &mut self,
        positions: &[f64],
        types: &[i32],
        with_atom_virials: bool,
    ) -> Result<Outcome, BridgeError> {
        guard("pair compute", || {
            self.types.clear();
            self.types
                .extend(types.iter().map(|&t| self.map[t as usize]));
            let positions = if self.units.length == 1.0 {
                positions
            } else {
                self.positions.clear();
                self.positions
                    .extend(positions.iter().map(|x| x / self.units.length));
                &self.positions
            };
            let atoms = Atoms {
                positions,
                types: &self.types,
                list: &self.list,
            };
            let sound = |failed, first, second| {
                Ok(Outcome {
                    failed,
                    first,
                    second,
                })
            };
            match self
                .engine
                .evaluate(&atoms, with_atom_virials, &mut self.output)
            {
                Ok(()) => sound(false, 0, 0),
                Err(error) => match error.atoms() {
                    Some((first, second)) => {
                        self.failure = Some(error);
                        sound(true, first, second)
                    }
                    None => Err(error),
                },
            }
        })
    }

    /// What went wrong, in terms of atom ids.
    fn failure(&self, first_id: i64, second_id: i64) -> String {
        self.failure
            .as_ref()
            .map_or_else(String::new, |error| error.with_ids(first_id, second_id))
    }

    fn energy(&self, scale: f64) -> f64 {
        self.output.energy * self.units.energy * scale
    }

    fn add_forces(&self, scale: f64, forces: &mut [f64]) {
        let factor = scale * self.units.energy / self.units.length;
        for (sum, force) in forces.iter_mut().zip(&self.output.forces) {
            *sum += factor * force;
        }
    }

    /// Adds to `xx yy zz xy xz yz`.
    fn add_virial(&self, scale: f64, virial: &mut [f64]) {
        let factor = scale * self.units.energy;
        for (sum, value) in virial.iter_mut().zip(symmetric(&self.output.virial)) {
            *sum += factor * value;
        }
    }

    fn add_atom_energies(&self, scale: f64, energies: &mut [f64]) {
        let factor = scale * self.units.energy;
        for (sum, energy) in energies.iter_mut().zip(&self.output.atom_energies) {
            *sum += factor * energy;
        }
    }

    /// Adds to `[n_all, 6]`, for `compute stress/atom`.
    fn add_atom_virials(&self, scale: f64, virials: &mut [f64]) {
        let factor = scale * self.units.energy;
        for (sums, virial) in virials.chunks_exact_mut(6).zip(&self.output.atom_virials) {
            sums.iter_mut()
                .zip(symmetric(virial))
                .for_each(|(sum, value)| *sum += factor * value);
        }
    }

    /// Adds to `[n_all, 9]`, for `compute centroid/stress/atom`.
    fn add_centroid_virials(&self, scale: f64, virials: &mut [f64]) {
        let factor = scale * self.units.energy;
        for (sums, virial) in virials.chunks_exact_mut(9).zip(&self.output.atom_virials) {
            sums.iter_mut()
                .zip(centroid(virial))
                .for_each(|(sum, value)| *sum += factor * value);
        }
    }

    /// Most neighbours seen by pair of types, `[n_types, n_types]`; 0 where `sel` always sufficed.
    fn overflow(&self) -> Vec<i32> {
        let n_types = self.engine.model().n_types();
        let mut most = vec![0; n_types * n_types];
        for (centre, neighbour, count) in self.engine.overflow().pairs() {
            most[centre * n_types + neighbour] = i32::try_from(count).unwrap_or(i32::MAX);
        }
        most
    }

    /// One warning for each pair of types in `most`, the maximum of [`Self::overflow`] over ranks, that had none yet.
    fn overflow_warnings(&mut self, most: &[i32]) -> Vec<String> {
        let model = self.engine.model();
        let n_types = model.n_types();
        let mut warnings = Vec::new();
        for (k, (&count, warned)) in most.iter().zip(&mut self.warned).enumerate() {
            if count == 0 || *warned {
                continue;
            }
            *warned = true;
            let (centre, neighbour) = (k / n_types, k % n_types);
            warnings.push(format!(
                "an atom of type {} has {count} neighbours of type {} within rcut, and the model has room for {}: the nearest are kept, as deepmd-kit does, and the energy jumps when they change. Train with a larger sel",
                model.type_map[centre], model.type_map[neighbour], model.descriptor.sel[neighbour]
            ));
        }
        warnings
    }

    /// Bytes that grow with the number of atoms.
    fn memory_usage(&self) -> f64 {
        let atoms = self.types.capacity() * 4
            + (self.positions.capacity()
                + self.output.forces.capacity()
                + self.output.atom_energies.capacity())
                * 8
            + self.output.atom_virials.capacity() * 72;
        (atoms + self.list.bytes()) as f64
    }
}
