//! The models of one pair style with their engines, and a step of LAMMPS.

use super::PairSettings;
use super::counters::Seen;
use super::deviation_file::DeviationFile;
use super::ffi::{Frame, GhostExchange, Outcome, Sums, Units};
use super::ghosts::Ghosts;
use super::libtorch;
use super::settings::{EngineChoice, Settings};
use super::summary::Clock;
use super::supply::Sources;
use crate::guard::{BridgeError, guard, guard_sound};
use deepdms_potential::descriptor::neighbours::{Atoms, NeighbourList};
use deepdms_potential::engine::{Engine, Interface, NativeEngine};
use deepdms_potential::splines::Report;
use deepdms_potential::virial::{Output, centroid, symmetric};
use deepdms_potential::{Error, Model, model};
use std::pin::Pin;

/// The models with their engines, and what a step needs between its calls. The first model drives the run.
pub struct Potential {
    pub(super) settings: Settings,
    /// Models that wait for the others.
    pub(super) pending: Vec<Pending>,
    /// All models; the first of the first engine drives the run.
    pub(super) engines: Vec<Box<dyn Engine>>,
    /// What each model gave for the step, engine after engine.
    pub(super) outputs: Vec<Output>,
    pub(super) units: Units,
    /// Model type by LAMMPS type; the first entry belongs to no type.
    pub(super) map: Vec<i32>,
    pub(super) list: NeighbourList,
    pub(super) positions: Vec<f64>,
    pub(super) types: Vec<i32>,
    pub(super) failure: Option<Error>,
    /// Where frame and atom parameters come from.
    pub(super) sources: Sources,
    /// Frame parameters of the step.
    pub(super) frame_parameters: Vec<f64>,
    /// Atom parameters of the step, `[n, d]` with at least the local atoms.
    pub(super) atom_parameters: Vec<f64>,
    /// What went beyond the range of the models.
    pub(super) seen: Seen,
    /// Which models have tables for their embeddings.
    pub(super) tabulated: Vec<bool>,
    pub(super) clock: Clock,
    pub(super) deviation: Option<DeviationFile>,
    /// How each model of native engines is evaluated, engine after engine.
    reports: Vec<Report>,
}

/// A model that was read and has no engine yet, or one that brought its own.
pub(super) enum Pending {
    Read(Box<Model>),
    Run {
        engine: Box<dyn Engine>,
        /// Whether there are tables for all embeddings, as far as one can tell.
        tabulated: bool,
    },
}

impl Pending {
    fn type_map(&self) -> &[String] {
        match self {
            Self::Read(model) => &model.type_map,
            Self::Run { engine, .. } => &engine.models()[0].type_map,
        }
    }

    fn is_tabulated(&self) -> bool {
        match self {
            Self::Read(model) => is_tabulated(model),
            Self::Run { tabulated, .. } => *tabulated,
        }
    }
}

pub(super) fn new_potential(
    settings: &PairSettings,
    units: Units,
) -> Result<Box<Potential>, BridgeError> {
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
            sources: Sources::default(),
            frame_parameters: Vec::new(),
            atom_parameters: Vec::new(),
            seen: Seen::default(),
            tabulated: Vec::new(),
            clock: Clock::default(),
            deviation: None,
            reports: Vec::new(),
        }))
    })
}

/// Whether a model has tables for all of its embeddings.
fn is_tabulated(model: &Model) -> bool {
    let mut embeddings = model.descriptors.iter().flat_map(|d| &d.embeddings);
    embeddings.all(|embedding| embedding.table().is_some())
}

impl Potential {
    /// Reads the next of the model files, whose contents are `bytes`.
    pub(super) fn add_model(&mut self, bytes: &[u8]) -> Result<(), BridgeError> {
        guard("loading a model", || {
            let files = &self.settings.models;
            let file = &files[self.pending.len()];
            let by_libtorch = |reason: &str, tabulated| {
                let engine = libtorch::open(file, bytes, &self.settings, reason)?;
                Ok::<_, Error>(Pending::Run { engine, tabulated })
            };
            let model = match (model::read(file, bytes), self.settings.engine) {
                (Ok(model), EngineChoice::Native) => Pending::Read(Box::new(model)),
                (Ok(model), EngineChoice::Torch) => {
                    by_libtorch("engine torch", is_tabulated(&model))?
                }
                (Err(reason @ Error::NeedsLibtorch { .. }), _) => {
                    by_libtorch(&format!("{reason}, and that"), false)?
                }
                (Err(error), _) => return Err(error),
            };
            if let Some(first) = self.pending.first() {
                let first = first.type_map();
                if model.type_map() != first {
                    return Err(Error::Engine(format!(
                        "{file} knows the types {}, and {} knows {}: models whose deviation is wanted need the same types in the same order",
                        model.type_map().join(" "),
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
    pub(super) fn prepare(&mut self) -> Result<(), BridgeError> {
        guard("preparing the models", || {
            let pending = std::mem::take(&mut self.pending);
            self.tabulated = pending.iter().map(Pending::is_tabulated).collect();
            self.outputs.resize_with(pending.len(), Output::default);
            let mut neighbours = Vec::new();
            for model in pending {
                match model {
                    Pending::Read(model) => neighbours.push(*model),
                    Pending::Run { engine, .. } => {
                        self.give_engine(std::mem::take(&mut neighbours))?;
                        self.engines.push(engine);
                    }
                }
            }
            self.give_engine(neighbours)?;
            self.prepare_parameters()
        })
    }

    /// One native engine for models that stand side by side.
    fn give_engine(&mut self, models: Vec<Model>) -> Result<(), Error> {
        if !models.is_empty() {
            let mut engine = NativeEngine::new(models)?;
            engine.set_threads(self.settings.threads);
            self.engines.push(Box::new(engine));
        }
        Ok(())
    }

    /// Whether a step exchanges rows of atoms with ghosts.
    pub(super) fn exchanges_ghosts(&self) -> bool {
        self.engines.iter().any(|engine| engine.exchanges_ghosts())
    }

    pub(super) fn models(&self) -> usize {
        self.outputs.len()
    }

    /// The model that drives the run.
    pub(super) fn first(&self) -> &Interface {
        &self.engines[0].models()[0]
    }

    pub(super) fn output(&self) -> &Output {
        &self.outputs[0]
    }

    /// The line at start-up.
    pub(super) fn describe(&self) -> Result<String, BridgeError> {
        guard_sound("describing a model", || {
            let model = self.first();
            format!(
                "deepdms {}: {} ({}){}, types {}, rcut {} A{}; engine {}, {} thread{}",
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
                if model.sel.is_empty() {
                    String::new()
                } else {
                    format!(", sel {:?}", model.sel)
                },
                self.engines[0].describe(),
                self.settings.threads,
                if self.settings.threads == 1 { "" } else { "s" },
            )
        })
    }

    /// Prepares native engines for the types that occur.
    pub(super) fn set_accuracy(&mut self) {
        let accuracy = self.settings.accuracy;
        self.reports.clear();
        for engine in &mut self.engines {
            let mut used = vec![false; engine.models()[0].type_map.len()];
            for kind in &self.map {
                if let Some(used) = usize::try_from(*kind).ok().and_then(|t| used.get_mut(t)) {
                    *used = true;
                }
            }
            self.reports.extend(engine.set_accuracy(accuracy, &used));
        }
    }

    /// The lines that say how models are evaluated, for the types of `pair_coeff`.
    pub(super) fn describe_accuracy(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for report in &self.reports {
            let line = format!("deepdms: {report}");
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines
    }

    pub(super) fn file(&self) -> &str {
        &self.settings.models[0]
    }

    /// The largest cutoff, in LAMMPS' length unit.
    ///
    /// A frozen graph holds its cutoff as float32; LAMMPS gets the decimals that were typed, as from deepmd-kit: bins of
    /// compute rdf and PPPM depend on them. A neighbour in between has no weight.
    pub(super) fn cutoff(&self) -> f64 {
        let models = self.engines.iter().flat_map(|engine| engine.models());
        let largest = models.map(|model| model.cutoff).fold(0.0, f64::max);
        model::decimal(largest) * self.units.length
    }

    pub(super) fn clear_list(&mut self) {
        self.clock.list_begins();
        self.list.clear();
    }

    /// Adds a centre with its neighbours, the high bits of whose indices are not part of them.
    pub(super) fn push_centre(&mut self, centre: i32, neighbours: &[i32], mask: i32) {
        self.list
            .push(centre as u32, neighbours.iter().map(|j| (j & mask) as u32));
    }

    /// Evaluates one step.
    pub(super) fn compute(
        &mut self,
        frame: Frame<'_>,
        ghosts: Pin<&mut GhostExchange>,
        with_atom_virials: bool,
        with_all_models: bool,
    ) -> Result<Outcome, BridgeError> {
        guard("pair compute", || {
            let Frame {
                positions,
                types,
                corner,
            } = frame;
            let began = self.clock.step_begins();
            self.repeat_atom_parameters(types.len());
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
            let ghosts = Ghosts::new(ghosts);
            let atoms = Atoms {
                positions,
                types: &self.types,
                list: &self.list,
                frame_parameters: &self.frame_parameters,
                atom_parameters: &self.atom_parameters,
                origin: corner.map(|x| x / self.units.length),
                exchange: Some(&ghosts),
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
            self.clock.step_ends(began);
            Ok::<_, String>(Outcome {
                failed: false,
                first: 0,
                second: 0,
            })
        })
    }

    /// What went wrong, in terms of atom ids.
    pub(super) fn failure(&self, first_id: i64, second_id: i64) -> String {
        self.failure
            .as_ref()
            .map_or_else(String::new, |error| error.with_ids(first_id, second_id))
    }

    /// Adds the step to LAMMPS' arrays, in LAMMPS' units and times `scale`; returns the energy.
    pub(super) fn accumulate(&mut self, scale: f64, sums: Sums<'_>) -> Result<f64, BridgeError> {
        guard_sound("pair results", || {
            let began = self.clock.step_begins();
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
            let energy = output.energy * energy;
            self.clock.step_ends(began);
            energy
        })
    }

    /// Bytes that grow with the number of atoms.
    pub(super) fn memory_usage(&self) -> f64 {
        let outputs: usize = self.outputs.iter().map(Output::bytes).sum();
        let numbers = self.positions.capacity() + self.atom_parameters.capacity();
        let own = self.types.capacity() * 4 + numbers * 8;
        (own + outputs + self.list.bytes()) as f64
    }
}

/// Adds `factor` times the values to the sums, as far as there are any of both.
fn add(sums: &mut [f64], values: impl IntoIterator<Item = f64>, factor: f64) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += factor * value;
    }
}
