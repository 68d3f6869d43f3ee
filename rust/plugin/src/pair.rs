//! Bridge of `pair_style deepmd`.
//!
//! LAMMPS' units come in and go out; in between everything is in Å and eV.

mod deviation_file;
mod settings;

use crate::guard::{BridgeError, guard, guard_sound};
use deepdms_potential::descriptor::neighbours::{Atoms, NeighbourList};
use deepdms_potential::deviation::{self, Spread};
use deepdms_potential::engine::{Engine, Interface, NativeEngine};
use deepdms_potential::virial::{Output, centroid, symmetric};
use deepdms_potential::{Error, Model, model};
use deviation_file::DeviationFile;
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

    /// What one step gives to the deviation file, over all ranks.
    struct DeviationLine {
        step: i64,
        n_atoms: i64,
        /// Largest, smallest and sum of the deviations of forces.
        largest: f64,
        smallest: f64,
        sum: f64,
    }

    extern "Rust" {
        type PairSettings;
        fn parse_settings(words: &[String]) -> Result<Box<PairSettings>>;
        fn model_files(self: &PairSettings) -> Vec<String>;

        type Potential;
        fn new_potential(settings: &PairSettings, units: Units) -> Result<Box<Potential>>;
        fn add_model(self: &mut Potential, bytes: &[u8]) -> Result<()>;
        fn prepare(self: &mut Potential) -> Result<()>;
        fn models(self: &Potential) -> usize;
        fn describe(self: &Potential) -> Result<String>;
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
            with_all_models: bool,
        ) -> Result<Outcome>;
        fn failure(self: &Potential, first_id: i64, second_id: i64) -> String;

        fn accumulate(self: &Potential, scale: f64, sums: Sums<'_>) -> Result<f64>;

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

        fn overflow(self: &Potential) -> Result<Vec<i32>>;
        fn overflow_warnings(self: &mut Potential, most: &[i32]) -> Result<Vec<String>>;
        fn memory_usage(self: &Potential) -> f64;
    }
}

use ffi::{DeviationLine, Outcome, Sums, Units};

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

/// The models with their engines, and what a step needs between its calls. The first model drives the run.
pub struct Potential {
    settings: Settings,
    /// Models that were read and have no engine yet.
    pending: Vec<Model>,
    /// All models; the first of the first engine drives the run.
    engines: Vec<Box<dyn Engine>>,
    /// What each model gave for the step, engine after engine.
    outputs: Vec<Output>,
    units: Units,
    /// Model type by LAMMPS type; the first entry belongs to no type.
    map: Vec<i32>,
    list: NeighbourList,
    positions: Vec<f64>,
    types: Vec<i32>,
    failure: Option<Error>,
    /// Pairs of types that were warned about.
    warned: Vec<bool>,
    deviation: Option<DeviationFile>,
}

fn new_potential(settings: &PairSettings, units: Units) -> Result<Box<Potential>, BridgeError> {
    guard("pair settings", || {
        Ok::<_, Error>(Box::new(Potential {
            settings: settings.0.clone(),
            pending: Vec::new(),
            engines: Vec::new(),
            outputs: Vec::new(),
            units,
            map: Vec::new(),
            list: NeighbourList::default(),
            positions: Vec::new(),
            types: Vec::new(),
            failure: None,
            warned: Vec::new(),
            deviation: None,
        }))
    })
}

#[cfg(feature = "torch")]
fn torch_engine(models: Vec<Model>, device: &str) -> Result<Box<dyn Engine>, Error> {
    Ok(Box::new(deepdms_torch::TorchEngine::new(models, device)?))
}

#[cfg(not(feature = "torch"))]
fn torch_engine(_: Vec<Model>, _: &str) -> Result<Box<dyn Engine>, Error> {
    Err(Error::Engine(
        "engine torch: this plugin was built without libtorch. Build it with -DDEEPDMS_TORCH=ON, or use 'engine native'".to_owned(),
    ))
}

impl Potential {
    /// Reads the next of the model files, whose contents are `bytes`.
    fn add_model(&mut self, bytes: &[u8]) -> Result<(), BridgeError> {
        guard("loading a model", || {
            let files = &self.settings.models;
            let file = &files[self.pending.len()];
            let model = model::read(file, bytes)?;
            if let Some(first) = self.pending.first() {
                let first = &first.type_map;
                if &model.type_map != first {
                    return Err(Error::Engine(format!(
                        "{file} knows the types {}, and {} knows {}: models whose deviation is wanted need the same types in the same order",
                        model.type_map.join(" "),
                        files[0],
                        first.join(" "),
                    )));
                }
            }
            self.pending.push(model);
            Ok(())
        })
    }

    /// Gives the models that were read to an engine.
    fn prepare(&mut self) -> Result<(), BridgeError> {
        guard("preparing the models", || {
            let models = std::mem::take(&mut self.pending);
            let n_types = models[0].n_types();
            self.warned.resize(n_types * n_types, false);
            self.outputs.resize_with(models.len(), Output::default);
            self.engines.push(match self.settings.engine {
                EngineChoice::Native => Box::new(NativeEngine::new(models)?),
                EngineChoice::Torch => torch_engine(models, &self.settings.device)?,
            });
            Ok::<_, Error>(())
        })
    }

    fn models(&self) -> usize {
        self.outputs.len()
    }

    /// The model that drives the run.
    fn first(&self) -> &Interface {
        &self.engines[0].models()[0]
    }

    fn output(&self) -> &Output {
        &self.outputs[0]
    }

    /// The line at start-up.
    fn describe(&self) -> Result<String, BridgeError> {
        guard_sound("describing a model", || {
            let model = self.first();
            format!(
                "deepdms {}: {} ({}){}, types {}, rcut {} A, sel {:?}; engine {}, 1 thread",
                env!("CARGO_PKG_VERSION"),
                self.file(),
                model.format.suffix(),
                match self.models() {
                    1 => String::new(),
                    n => format!(" and the deviation from {} more", n - 1),
                },
                model.type_map.join(" "),
                // frozen graphs hold it as float32, whose shortest decimals are what was typed
                model.cutoff as f32,
                model.sel,
                self.engines[0].describe(),
            )
        })
    }

    fn file(&self) -> &str {
        &self.settings.models[0]
    }

    /// The largest cutoff, in LAMMPS' length unit.
    fn cutoff(&self) -> f64 {
        let models = self.engines.iter().flat_map(|engine| engine.models());
        models.map(|model| model.cutoff).fold(0.0, f64::max) * self.units.length
    }

    /// Maps LAMMPS types to model types, by the names of `pair_coeff` or, without names, in order; gives warnings.
    fn map_types(
        &mut self,
        names: &[String],
        lammps_types: usize,
    ) -> Result<Vec<String>, BridgeError> {
        guard("pair_coeff", || {
            let type_map = &self.first().type_map;
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
                        self.file(),
                        type_map.len()
                    ));
                } else if lammps_types < type_map.len() {
                    warnings.push(format!(
                        "{} knows more types ({known}) than the {lammps_types} of LAMMPS, which are taken in this order. Name them in pair_coeff to be sure",
                        self.file()
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
                            self.file()
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
        with_all_models: bool,
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
                frame_parameters: &[],
                atom_parameters: &[],
            };
            let mut outputs = &mut self.outputs[..];
            if !with_all_models {
                outputs = &mut outputs[..1];
            }
            for (k, engine) in self.engines.iter_mut().enumerate() {
                let count = engine.models().len().min(outputs.len());
                let (own, rest) = outputs.split_at_mut(count);
                outputs = rest;
                if count == 0 {
                    break;
                }
                if let Err(error) = engine.evaluate(&atoms, with_atom_virials && k == 0, own) {
                    let (first, second) = error.atoms().ok_or_else(|| error.to_string())?;
                    self.failure = Some(error);
                    return Ok(Outcome {
                        failed: true,
                        first,
                        second,
                    });
                }
            }
            Ok::<_, String>(Outcome {
                failed: false,
                first: 0,
                second: 0,
            })
        })
    }

    /// What went wrong, in terms of atom ids.
    fn failure(&self, first_id: i64, second_id: i64) -> String {
        self.failure
            .as_ref()
            .map_or_else(String::new, |error| error.with_ids(first_id, second_id))
    }

    /// Adds the step to LAMMPS' arrays, in LAMMPS' units and times `scale`; returns the energy.
    fn accumulate(&self, scale: f64, sums: Sums<'_>) -> Result<f64, BridgeError> {
        guard_sound("pair results", || {
            let output = self.output();
            let energy = scale * self.units.energy;
            let force = energy / self.units.length;
            add(sums.forces, output.forces.iter().copied(), force);
            add(sums.virial, symmetric(&output.virial), energy);
            add(
                sums.atom_energies,
                output.atom_energies.iter().copied(),
                energy,
            );
            let virials = &output.atom_virials;
            add(
                sums.atom_virials,
                virials.iter().flat_map(symmetric),
                energy,
            );
            add(
                sums.centroid_virials,
                virials.iter().flat_map(centroid),
                energy,
            );
            output.energy * energy
        })
    }

    /// Whether the deviation between models is written in this step.
    fn deviation_due(&self, step: i64) -> bool {
        let every = i64::from(self.settings.deviation.every);
        self.models() > 1 && every > 0 && step % every == 0
    }

    /// Whether each atom has a column in the deviation file.
    fn deviation_by_atom(&self) -> bool {
        self.settings.deviation.atomic
    }

    /// Forces of all models on `count` atoms from `first` on, for the ranks that own these atoms: `[count, models, 3]`.
    fn pack_forces(
        &self,
        first: usize,
        count: usize,
        buffer: &mut [f64],
    ) -> Result<(), BridgeError> {
        guard_sound("packing forces", || {
            let mut rows = buffer.chunks_exact_mut(3);
            for atom in first..first + count {
                for (output, row) in self.outputs.iter().zip(&mut rows) {
                    row.copy_from_slice(&output.forces[3 * atom..3 * atom + 3]);
                }
            }
        })
    }

    /// Adds what another rank packed.
    fn unpack_forces(&mut self, atoms: &[i32], buffer: &[f64]) -> Result<(), BridgeError> {
        guard_sound("unpacking forces", || {
            let mut rows = buffer.chunks_exact(3);
            for &atom in atoms {
                for (output, row) in self.outputs.iter_mut().zip(&mut rows) {
                    let forces = &mut output.forces[3 * atom as usize..][..3];
                    forces
                        .iter_mut()
                        .zip(row)
                        .for_each(|(sum, force)| *sum += force);
                }
            }
        })
    }

    /// Deviation of the force on each local atom, in the unit of the deviation file.
    fn force_deviations(&self, n_local: usize) -> Result<Vec<f64>, BridgeError> {
        guard_sound("deviation of forces", || {
            let forces: Vec<_> = self
                .outputs
                .iter()
                .map(|output| &output.forces[..])
                .collect();
            let level = self
                .settings
                .deviation
                .relative
                .map(|level| level / self.units.energy);
            let mut deviations = deviation::of_forces(&forces, n_local, level);
            let unit = self.units.energy / self.units.length;
            deviations
                .iter_mut()
                .for_each(|deviation| *deviation *= unit);
            deviations
        })
    }

    /// Virials of all models on this rank [eV], `[models, 3, 3]`.
    fn virials(&self) -> Vec<f64> {
        self.outputs
            .iter()
            .flat_map(|output| output.virial)
            .collect()
    }

    /// Writes one line of the deviation file; `virials` and `by_atom` are sums over ranks, the latter in the order of ids.
    fn write_deviation(
        &mut self,
        line: &DeviationLine,
        virials: &[f64],
        by_atom: &[f64],
        append: bool,
    ) -> Result<(), BridgeError> {
        guard("deviation file", || {
            let settings = &self.settings.deviation;
            let n_atoms = line.n_atoms as f64;
            let level = settings.relative_v.map(|level| level / self.units.energy);
            let virials = virials.as_chunks::<9>().0;
            let components =
                deviation::of_virials(virials, n_atoms, level).map(|v| v * self.units.energy);
            let virial = Spread::of_components(&components);
            let force = Spread {
                largest: line.largest,
                smallest: line.smallest,
                average: line.sum / n_atoms,
            };
            if self.deviation.is_none() {
                self.deviation = Some(DeviationFile::open(
                    &settings.file,
                    settings.atomic,
                    append,
                )?);
            }
            match &mut self.deviation {
                Some(file) => file.write(&deviation::line(line.step, virial, force, by_atom)),
                None => Ok(()),
            }
        })
    }

    /// Most neighbours seen by pair of types, `[n_types, n_types]`; 0 where `sel` always sufficed.
    fn overflow(&self) -> Result<Vec<i32>, BridgeError> {
        guard_sound("overflow", || {
            let counters = self.engines[0].counters();
            let most = counters[0].most_neighbours().iter();
            most.map(|&count| i32::try_from(count).unwrap_or(i32::MAX))
                .collect()
        })
    }

    /// One warning for each pair of types in `most`, the maximum of [`Self::overflow`] over ranks, that had none yet.
    fn overflow_warnings(&mut self, most: &[i32]) -> Result<Vec<String>, BridgeError> {
        guard_sound("overflow warnings", || {
            let model = &self.engines[0].models()[0];
            let n_types = model.type_map.len();
            let mut warnings = Vec::new();
            for (k, (&count, warned)) in most.iter().zip(&mut self.warned).enumerate() {
                if count == 0 || *warned {
                    continue;
                }
                *warned = true;
                let (centre, neighbour) = (k / n_types, k % n_types);
                warnings.push(format!(
                "an atom of type {} has {count} neighbours of type {} within rcut, and the model has room for {}: the nearest are kept, as deepmd-kit does, and the energy jumps when they change. Train with a larger sel",
                model.type_map[centre], model.type_map[neighbour], model.sel[neighbour]
            ));
            }
            warnings
        })
    }

    /// Bytes that grow with the number of atoms.
    fn memory_usage(&self) -> f64 {
        let outputs: usize = self.outputs.iter().map(Output::bytes).sum();
        let own = self.types.capacity() * 4 + self.positions.capacity() * 8;
        (own + outputs + self.list.bytes()) as f64
    }
}

/// Adds `factor` times the values to the sums, as far as there are any of both.
fn add(sums: &mut [f64], values: impl IntoIterator<Item = f64>, factor: f64) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += factor * value;
    }
}
