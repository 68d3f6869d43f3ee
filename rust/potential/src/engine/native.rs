//! The native CPU engine: exact double-precision networks, analytic gradients, blocks of atoms of one type.

use super::times::{Phase, Times};
use super::{Engine, Interface, check_forces, check_parameters, check_positions};
use crate::descriptor::counters::Counters;
use crate::descriptor::environment::Environment;
use crate::descriptor::neighbours::{Atoms, NeighbourList};
use crate::descriptor::{Block, Prepared, Scratch};
use crate::model::{Descriptor, Parameters};
use crate::reduction::{self, Reduced, Report, Request};
use crate::simd::reduced::ROWS;
use crate::simd::{self, Kernels};
use crate::virial::Output;
use crate::{Error, Model, fitting};

/// Atoms of one type that go through the fitting net together: enough to use each weight often, few enough for the
/// embedding rows of all their neighbours to stay in the cache.
const BLOCK: usize = 128;

/// Atoms on which reduced models are judged when a run begins: those around some of them are among them.
const JUDGED: usize = 200;

/// Evaluates models of the same types, block by block: the environment of a block serves every descriptor that sees the
/// same neighbours, of all models.
#[derive(Debug)]
pub struct NativeEngine {
    models: Vec<PreparedModel>,
    interfaces: Vec<Interface>,
    kernels: &'static Kernels,
    /// Entries of the neighbour list by centre type.
    by_type: Vec<Vec<u32>>,
    /// One a thread.
    workers: Vec<Worker>,
}

#[derive(Debug)]
struct PreparedModel {
    model: Model,
    descriptors: Vec<Prepared>,
    /// By descriptor.
    surroundings: Vec<Surroundings>,
    /// What takes the place of descriptor and fitting network, where there is a tolerance.
    reduced: Option<Reduced>,
}

/// Which environment of a block a descriptor sees.
#[derive(Clone, Copy, Debug)]
struct Surroundings {
    number: usize,
    /// Whether no descriptor before it, of this model or another, sees the same.
    first: bool,
}

/// What one thread has for itself, kept from step to step.
#[derive(Debug, Default)]
struct Worker {
    /// Environments of the block, by the number in [`Surroundings`].
    environments: Vec<Environment>,
    scratch: Vec<Scratch>,
    reduced: reduction::Scratch,
    fitting: fitting::Scratch,
    /// Input of the fitting network, and after it its gradient, `[n, width]`.
    rows: Vec<f64>,
    energies: Vec<f64>,
    /// Rows with vanishing descriptors, and their energies.
    vacuum_rows: Vec<f64>,
    vacuum_energies: Vec<f64>,
    counters: Vec<Counters>,
    times: Times,
    /// Sums of this thread; those of the first go to the caller's at once.
    outputs: Vec<Output>,
}

impl NativeEngine {
    /// Prepares models of the same types.
    ///
    /// # Errors
    /// [`Error::Engine`] if the environment asks for an instruction set that the processor lacks.
    ///
    /// # Panics
    /// Without any model.
    pub fn new(models: Vec<Model>) -> Result<Self, Error> {
        let kernels = simd::detect().map_err(Error::Engine)?;
        Ok(Self::with_kernels(models, kernels))
    }

    /// Prepares models for the given inner loops.
    ///
    /// # Panics
    /// Without any model.
    pub fn with_kernels(models: Vec<Model>, kernels: &'static Kernels) -> Self {
        assert!(!models.is_empty(), "an engine needs a model");
        let surroundings = surroundings(&models);
        let mut engine = Self {
            interfaces: models.iter().map(Interface::from).collect(),
            models: models
                .into_iter()
                .zip(surroundings)
                .map(|(model, surroundings)| PreparedModel::new(model, surroundings))
                .collect(),
            kernels,
            by_type: Vec::new(),
            workers: Vec::new(),
        };
        engine.set_threads(1);
        engine
    }

    /// Divides the work among so many threads. Results are the same, to the last bit, whenever the number is the same.
    pub fn set_threads(&mut self, threads: usize) {
        let counters = |model: &PreparedModel| Counters::new(model.model.n_types());
        let environments = self.models.iter().flat_map(|model| &model.surroundings);
        let environments = environments.filter(|seen| seen.first).count();
        self.workers.resize_with(threads.max(1), || Worker {
            environments: vec![Environment::default(); environments],
            counters: self.models.iter().map(counters).collect(),
            ..Worker::default()
        });
    }

    /// Evaluates all models with fewer numbers, as far as the request allows; says for each what came out.
    pub fn reduce(&mut self, request: Request) -> Vec<Report> {
        let kernels = self.kernels;
        let reduce = |prepared: &mut PreparedModel| {
            let (reduced, report) = reduction::reduce(&prepared.model, kernels, request);
            prepared.reduced = reduced;
            report
        };
        self.models.iter_mut().map(reduce).collect()
    }

    /// Evaluates one of the models by what takes its place, or exactly; returns what took its place before.
    pub fn set_reduced(&mut self, model: usize, reduced: Option<Reduced>) -> Option<Reduced> {
        std::mem::replace(&mut self.models[model].reduced, reduced)
    }

    /// Sorts the centres by type and cuts them into blocks `(type, entries)`.
    fn blocks(by_type: &[Vec<u32>], threads: usize) -> Vec<(usize, &[u32])> {
        let mut blocks = Vec::new();
        for (centre_type, entries) in by_type.iter().enumerate() {
            // nearly equal blocks: a small last one would use each weight for few atoms; kernels work on whole groups of rows
            let count = entries
                .len()
                .div_ceil(BLOCK)
                .next_multiple_of(threads)
                .max(1);
            let size = entries.len().div_ceil(count).max(1).next_multiple_of(ROWS);
            blocks.extend(entries.chunks(size).map(|block| (centre_type, block)));
        }
        blocks
    }
}

impl PreparedModel {
    fn new(model: Model, surroundings: Vec<Surroundings>) -> Self {
        let mut offset = 0;
        let descriptors = model
            .descriptors
            .iter()
            .map(|descriptor| {
                let prepared = Prepared::new(descriptor, offset);
                offset += descriptor.width();
                prepared
            })
            .collect();
        Self {
            model,
            descriptors,
            surroundings,
            reduced: None,
        }
    }
}

/// Which environments the descriptors of all models see; equal ones have the same number.
fn surroundings(models: &[Model]) -> Vec<Vec<Surroundings>> {
    let mut distinct: Vec<&Descriptor> = Vec::new();
    let mut number = |descriptor| {
        let same = |other: &&Descriptor| other.shares_environment(descriptor);
        match distinct.iter().position(same) {
            Some(number) => Surroundings {
                number,
                first: false,
            },
            None => {
                distinct.push(descriptor);
                Surroundings {
                    number: distinct.len() - 1,
                    first: true,
                }
            }
        }
    };
    models
        .iter()
        .map(|model| model.descriptors.iter().map(&mut number).collect())
        .collect()
}

impl Worker {
    /// Evaluates the centres in `entries`, all of type `centre_type`, by the first models.
    fn evaluate_block(
        &mut self,
        models: &[PreparedModel],
        kernels: &'static Kernels,
        atoms: &Atoms<'_>,
        (centre_type, entries): (usize, &[u32]),
        outputs: &mut [Output],
    ) -> Result<(), Error> {
        self.times.start();
        for (m, (prepared, output)) in models.iter().zip(outputs).enumerate() {
            let PreparedModel {
                model,
                descriptors,
                surroundings,
                reduced,
            } = prepared;
            if let Some(reduced) = reduced {
                let Surroundings { number, first } = surroundings[0];
                if first {
                    self.see(
                        m,
                        &model.descriptors[0],
                        number,
                        atoms,
                        centre_type,
                        entries,
                    )?;
                }
                self.times.end(Phase::Environment);
                let parameters = model.fitting_width() - model.descriptor_width();
                self.rows.resize(entries.len() * parameters, 0.0);
                if parameters > 0 {
                    for (row, centre) in self
                        .rows
                        .chunks_exact_mut(parameters)
                        .zip(&self.environments[number].centres)
                    {
                        write_parameters(model, atoms, *centre, row);
                    }
                }
                let block = reduction::Block {
                    model,
                    environment: &self.environments[number],
                    centre_type,
                    parameters: &self.rows,
                };
                reduced.evaluate(
                    &block,
                    &mut self.reduced,
                    &mut self.counters[m],
                    &mut self.times,
                    &mut self.energies,
                    output,
                );
                continue;
            }
            let width = model.fitting_width();
            self.rows.resize(entries.len() * width, 0.0);
            let count = self.scratch.len().max(descriptors.len());
            self.scratch.resize_with(count, Scratch::default);
            for (d, prepared) in descriptors.iter().enumerate() {
                let Surroundings { number, first } = surroundings[d];
                let descriptor = &model.descriptors[d];
                if first {
                    self.see(m, descriptor, number, atoms, centre_type, entries)?;
                }
                let block = Block {
                    descriptor,
                    prepared,
                    kernels,
                    environment: &self.environments[number],
                    centre_type,
                };
                block.forward(
                    &mut self.scratch[d],
                    &mut self.counters[m],
                    &mut self.times,
                    &mut self.rows,
                    width,
                );
            }

            self.fit(model, kernels, centre_type, atoms, entries);
            let scale = model.energy_scale[centre_type];
            for (&k, energy) in entries.iter().zip(&self.energies) {
                let (centre, _) = atoms.list.entry(k as usize);
                output.add_energy(centre, energy * scale + model.energy_bias[centre_type]);
            }
            self.times.end(Phase::Fitting);

            for (d, prepared) in descriptors.iter().enumerate() {
                let block = Block {
                    descriptor: &model.descriptors[d],
                    prepared,
                    kernels,
                    environment: &self.environments[surroundings[d].number],
                    centre_type,
                };
                block.backward(&mut self.scratch[d], &self.rows, width, scale, output);
            }
            self.times.end(Phase::Force);
        }
        Ok(())
    }

    /// Makes the environment of a block.
    fn see(
        &mut self,
        model: usize,
        descriptor: &Descriptor,
        number: usize,
        atoms: &Atoms<'_>,
        centre_type: usize,
        entries: &[u32],
    ) -> Result<(), Error> {
        let environment = &mut self.environments[number];
        environment.clear(descriptor.sel.len());
        for &k in entries {
            let counters = &mut self.counters[model];
            environment.push(descriptor, atoms, k as usize, centre_type, counters)?;
        }
        Ok(())
    }

    /// Fills in the parameters and sends `rows` through the fitting network.
    fn fit(
        &mut self,
        model: &Model,
        kernels: &'static Kernels,
        centre_type: usize,
        atoms: &Atoms<'_>,
        entries: &[u32],
    ) {
        let (width, start) = (model.fitting_width(), model.descriptor_width());
        if width > start {
            for (row, &k) in self.rows.chunks_exact_mut(width).zip(entries) {
                let (centre, _) = atoms.list.entry(k as usize);
                write_parameters(model, atoms, centre, &mut row[start..]);
            }
        }
        let network = &model.fitting[centre_type];
        if model.from_vacuum[centre_type] {
            // without parameters all rows are the same
            let needed = if width > start {
                self.rows.len()
            } else {
                width
            };
            self.vacuum_rows.clear();
            self.vacuum_rows.extend_from_slice(&self.rows[..needed]);
            for row in self.vacuum_rows.chunks_exact_mut(width) {
                row[..start].fill(0.0);
            }
            fitting::evaluate(
                network,
                kernels,
                &mut self.vacuum_rows,
                &mut self.fitting,
                &mut self.vacuum_energies,
            );
        }
        fitting::evaluate(
            network,
            kernels,
            &mut self.rows,
            &mut self.fitting,
            &mut self.energies,
        );
        if model.from_vacuum[centre_type] {
            let vacuum = self.vacuum_energies.iter().cycle();
            for (energy, vacuum) in self.energies.iter_mut().zip(vacuum) {
                *energy -= vacuum;
            }
        }
    }
}

/// Normalised frame parameters and those of one atom.
fn write_parameters(model: &Model, atoms: &Atoms<'_>, atom: usize, columns: &mut [f64]) {
    let Model {
        frame_parameters,
        atom_parameters,
        ..
    } = model;
    let own = |parameters: &Parameters| {
        let d = parameters.len();
        &atoms.atom_parameters[atom * d..][..d]
    };
    let values = frame_parameters
        .normalised(atoms.frame_parameters)
        .chain(atom_parameters.normalised(own(atom_parameters)));
    for (column, value) in columns.iter_mut().zip(values) {
        *column = value;
    }
}

impl Engine for NativeEngine {
    fn models(&self) -> &[Interface] {
        &self.interfaces
    }

    fn evaluate(
        &mut self,
        atoms: &Atoms<'_>,
        with_atom_virials: bool,
        outputs: &mut [Output],
    ) -> Result<(), Error> {
        check_positions(atoms)?;
        for interface in &self.interfaces[..outputs.len()] {
            check_parameters(atoms, interface)?;
        }
        let clear = |outputs: &mut [Output]| {
            for (m, output) in outputs.iter_mut().enumerate() {
                output.clear(atoms.len(), with_atom_virials && m == 0);
            }
        };
        clear(outputs);
        let n_types = self.interfaces[0].type_map.len();
        self.by_type.resize_with(n_types, Vec::new);
        self.by_type.iter_mut().for_each(Vec::clear);
        for k in 0..atoms.list.len() {
            let (centre, _) = atoms.list.entry(k);
            if let Ok(centre_type) = usize::try_from(atoms.types[centre]) {
                self.by_type[centre_type].push(k as u32);
            }
        }
        let (models, kernels) = (&self.models[..outputs.len()], self.kernels);
        let threads = self.workers.len();
        let blocks = Self::blocks(&self.by_type, threads);
        let share = |thread: usize| blocks.iter().skip(thread).step_by(threads);
        let (first, others) = self.workers.split_at_mut(1);
        for worker in others.iter_mut() {
            worker.outputs.resize_with(outputs.len(), Output::default);
            clear(&mut worker.outputs);
        }
        std::thread::scope(|scope| {
            let handles: Vec<_> = others
                .iter_mut()
                .enumerate()
                .map(|(t, worker)| {
                    let share = share(t + 1);
                    scope.spawn(move || {
                        let mut outputs = std::mem::take(&mut worker.outputs);
                        let done = share.copied().try_for_each(|block| {
                            worker.evaluate_block(models, kernels, atoms, block, &mut outputs)
                        });
                        worker.outputs = outputs;
                        done
                    })
                })
                .collect();
            let done = share(0).copied().try_for_each(|block| {
                first[0].evaluate_block(models, kernels, atoms, block, outputs)
            });
            handles.into_iter().fold(done, |done, handle| {
                let other = handle
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                done.and(other)
            })
        })?;
        for worker in others.iter() {
            for (output, share) in outputs.iter_mut().zip(&worker.outputs) {
                output.merge(share);
            }
        }
        outputs
            .iter()
            .try_for_each(|output| check_forces(atoms, output))
    }

    fn judge(&mut self, atoms: &Atoms<'_>) -> Result<f64, Error> {
        if self.models.iter().all(|model| model.reduced.is_none()) {
            return Ok(0.0);
        }
        let mut list = NeighbourList::default();
        for k in 0..atoms.list.len().min(JUDGED) {
            let (centre, around) = atoms.list.entry(k);
            list.push(centre as u32, around.iter().copied());
        }
        let atoms = Atoms {
            list: &list,
            ..*atoms
        };
        let counters = self.workers[0].counters.clone();
        let mut found = vec![Output::default(); self.models.len()];
        let mut exact = found.clone();
        let done = self.evaluate(&atoms, false, &mut found);
        let take = |model: &mut PreparedModel| model.reduced.take();
        let reduced: Vec<_> = self.models.iter_mut().map(take).collect();
        let done = done.and_then(|()| self.evaluate(&atoms, false, &mut exact));
        for (model, reduced) in self.models.iter_mut().zip(reduced) {
            model.reduced = reduced;
        }
        self.workers[0].counters = counters;
        done?;
        let forces = |outputs: Vec<Output>| outputs.into_iter().flat_map(|output| output.forces);
        let differences = forces(found).zip(forces(exact)).map(|(a, b)| (a - b).abs());
        Ok(differences.fold(0.0, f64::max))
    }

    fn be_exact(&mut self) {
        for model in &mut self.models {
            model.reduced = None;
        }
    }

    fn counters(&self) -> Vec<Counters> {
        let mut sums = self.workers[0].counters.clone();
        for worker in &self.workers[1..] {
            for (sum, counters) in sums.iter_mut().zip(&worker.counters) {
                sum.merge(counters);
            }
        }
        sums
    }

    fn times(&self) -> Times {
        let mut sum = Times::default();
        for worker in &self.workers {
            sum.merge(&worker.times);
        }
        sum
    }

    fn describe(&self) -> String {
        format!("native, fp64, {} instructions", self.kernels.name)
    }
}
