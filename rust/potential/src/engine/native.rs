//! The native CPU engine: blocks of atoms of one type, on one thread or several, each model with its networks as they are or from splines.

use super::times::{Phase, Times};
use super::{Engine, Interface, Steps, check_forces, check_parameters, check_positions};
use crate::descriptor::counters::Counters;
use crate::descriptor::environment::Environment;
use crate::descriptor::neighbours::Atoms;
use crate::descriptor::{Block, Prepared, Scratch};
use crate::model::{Descriptor, Parameters};
use crate::simd::dense::ROWS;
use crate::simd::{self, Kernels};
use crate::splines::{self, Accuracy, Refinement, Report, Splined, Watch};
use crate::virial::Output;
use crate::{Error, Model, fitting};

/// Atoms of one type that go through the fitting net together: enough to use each weight often, few enough for what is kept of
/// their neighbours to stay in the cache.
const BLOCK: usize = 128;
/// Times that one step may be evaluated again with more knots.
const REFINEMENTS: usize = 8;

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
    steps: Steps,
    /// Forces of a trial.
    trial: Vec<Output>,
}

#[derive(Debug)]
struct PreparedModel {
    model: Model,
    descriptors: Vec<Prepared>,
    /// By descriptor.
    surroundings: Vec<Surroundings>,
    /// What is evaluated in place of the networks, where they are not evaluated as they are.
    splined: Option<Splined>,
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
    splines: Vec<splines::Scratch>,
    /// By model.
    watches: Vec<Watch>,
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

/// What a pass over blocks is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// As the models are prepared.
    Step,
    /// One model with its networks as they are.
    Networks(usize),
}

impl NativeEngine {
    /// Prepares models of the same types, which are evaluated with their networks as they are.
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
            steps: Steps::default(),
            trial: Vec::new(),
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
            splines: vec![splines::Scratch::default(); self.models.len()],
            watches: vec![Watch::default(); self.models.len()],
            ..Worker::default()
        });
    }

    /// Bytes of splines and packed weights of all models.
    pub fn bytes(&self) -> usize {
        let splined = self
            .models
            .iter()
            .filter_map(|model| model.splined.as_ref());
        splined.map(Splined::bytes).sum()
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

    /// Sorts entries of the list by the type of their centre.
    fn sort(
        by_type: &mut Vec<Vec<u32>>,
        n_types: usize,
        atoms: &Atoms<'_>,
        entries: impl Iterator<Item = u32>,
    ) {
        by_type.resize_with(n_types, Vec::new);
        by_type.iter_mut().for_each(Vec::clear);
        for k in entries {
            let (centre, _) = atoms.list.entry(k as usize);
            if let Ok(centre_type) = usize::try_from(atoms.types[centre]) {
                by_type[centre_type].push(k);
            }
        }
    }

    /// One pass over all blocks of `by_type`, added to the outputs.
    fn pass(&mut self, atoms: &Atoms<'_>, pass: Pass, outputs: &mut [Output]) -> Result<(), Error> {
        let (models, kernels) = (&self.models[..], self.kernels);
        let threads = self.workers.len();
        let blocks = Self::blocks(&self.by_type, threads);
        let share = |thread: usize| blocks.iter().skip(thread).step_by(threads);
        let (first, others) = self.workers.split_at_mut(1);
        for worker in others.iter_mut() {
            worker.outputs.resize_with(outputs.len(), Output::default);
            for (own, output) in worker.outputs.iter_mut().zip(&*outputs) {
                own.clear(atoms.len(), !output.atom_virials.is_empty());
            }
        }
        let evaluate = |worker: &mut Worker, thread: usize, outputs: &mut [Output]| {
            share(thread).copied().try_for_each(|block| {
                worker.evaluate_block(models, kernels, atoms, block, pass, outputs)
            })
        };
        std::thread::scope(|scope| {
            let handles: Vec<_> = others
                .iter_mut()
                .enumerate()
                .map(|(t, worker)| {
                    scope.spawn(move || {
                        let mut outputs = std::mem::take(&mut worker.outputs);
                        let done = evaluate(worker, t + 1, &mut outputs);
                        worker.outputs = outputs;
                        done
                    })
                })
                .collect();
            let done = evaluate(&mut first[0], 0, outputs);
            handles.into_iter().fold(done, |done, handle| {
                let other = handle
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                done.and(other)
            })
        })?;
        for worker in others.iter_mut() {
            for (output, share) in outputs.iter_mut().zip(&worker.outputs) {
                output.merge(share);
            }
            for (watch, other) in first[0].watches.iter_mut().zip(&mut worker.watches) {
                watch.merge(other);
            }
        }
        Ok(())
    }

    /// Starts to watch a pass.
    fn watch(&mut self) {
        let n_types = self.interfaces[0].type_map.len();
        for watch in self
            .workers
            .iter_mut()
            .flat_map(|worker| &mut worker.watches)
        {
            watch.clear(n_types);
        }
    }

    /// All centres by the first models, with more knots where these are needed, and single centres by the networks.
    fn step(
        &mut self,
        atoms: &Atoms<'_>,
        with_atom_virials: bool,
        outputs: &mut [Output],
    ) -> Result<(), Error> {
        let n_types = self.interfaces[0].type_map.len();
        let count = outputs.len();
        let counted = self.counted();
        for attempt in 0.. {
            for (m, output) in outputs.iter_mut().enumerate() {
                output.clear(atoms.len(), with_atom_virials && m == 0);
            }
            Self::sort(
                &mut self.by_type,
                n_types,
                atoms,
                0..atoms.list.len() as u32,
            );
            self.watch();
            self.pass(atoms, Pass::Step, outputs)?;
            if attempt == REFINEMENTS {
                break;
            }
            let watches = &self.workers[0].watches;
            let mut refined = false;
            for (prepared, watch) in self.models[..count].iter_mut().zip(watches) {
                let Some(splined) = &mut prepared.splined else {
                    continue;
                };
                match splined.refine(&prepared.model, watch) {
                    Refinement::None => continue,
                    Refinement::Done => {}
                    Refinement::Hopeless => {
                        prepared.splined = None;
                        self.steps.given_up = true;
                    }
                }
                refined = true;
            }
            if !refined {
                break;
            }
            self.steps.refined += 1;
            self.count_again(&counted);
        }
        let counted = self.counted();
        for m in 0..count {
            let watch = &mut self.workers[0].watches[m];
            self.steps.bound = self.steps.bound.max(watch.bound);
            let left_out = std::mem::take(&mut watch.left_out);
            if left_out.is_empty() {
                continue;
            }
            self.steps.by_networks += left_out.len() as u64;
            let mut left_out = left_out;
            left_out.sort_unstable();
            Self::sort(&mut self.by_type, n_types, atoms, left_out.into_iter());
            self.pass(atoms, Pass::Networks(m), outputs)?;
            self.count_again(&counted);
        }
        Ok(())
    }

    /// What was counted up to now, by thread and model.
    fn counted(&self) -> Vec<Vec<Counters>> {
        let counters = self.workers.iter().map(|worker| worker.counters.clone());
        counters.collect()
    }

    /// Takes back what was counted since: the same atoms are counted once a step.
    fn count_again(&mut self, counted: &[Vec<Counters>]) {
        for (worker, counters) in self.workers.iter_mut().zip(counted) {
            worker.counters.clone_from(counters);
        }
    }

    /// Takes points for single precision from the step that was evaluated, and measures what it does to the forces.
    fn take_points(&mut self, atoms: &Atoms<'_>, outputs: &[Output]) -> Result<(), Error> {
        let count = outputs.len();
        let watches = &mut self.workers[0].watches;
        let mut taken = vec![false; count];
        for (taken, (prepared, watch)) in taken.iter_mut().zip(self.models.iter_mut().zip(watches))
        {
            if let Some(splined) = &mut prepared.splined {
                self.steps.far += watch.types.iter().map(|seen| seen.far as u64).sum::<u64>();
                *taken = splined.take_points(&prepared.model, watch);
            }
        }
        if !taken.contains(&true) {
            return Ok(());
        }
        let counted = self.counted();
        let mut trial = std::mem::take(&mut self.trial);
        trial.resize_with(count, Output::default);
        let mut done = Ok(());
        let mut errors = vec![0.0; count];
        let mut again = true;
        while again && done.is_ok() {
            again = false;
            let steps = self.steps;
            done = self.step(atoms, false, &mut trial);
            self.steps = steps;
            self.count_again(&counted);
            if done.is_err() {
                break;
            }
            for (m, (found, expected)) in trial.iter().zip(outputs).enumerate() {
                let pairs = found.forces.iter().zip(&expected.forces);
                errors[m] = pairs.fold(0.0, |most, (a, b)| f64::max(most, (a - b).abs()));
                if let Some(splined) = &mut self.models[m].splined {
                    again |= splined.set_limits(&self.workers[0].watches[m], errors[m]);
                }
            }
        }
        // the error of the last trial is that within the limits
        self.steps.rounding = errors.into_iter().fold(self.steps.rounding, f64::max);
        self.trial = trial;
        done
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
            splined: None,
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
        pass: Pass,
        outputs: &mut [Output],
    ) -> Result<(), Error> {
        self.times.start();
        let mut seen = vec![false; self.environments.len()];
        for (m, (prepared, output)) in models.iter().zip(outputs).enumerate() {
            if matches!(pass, Pass::Networks(only) if only != m) {
                continue;
            }
            for (descriptor, &Surroundings { number, .. }) in prepared
                .model
                .descriptors
                .iter()
                .zip(&prepared.surroundings)
            {
                if !std::mem::replace(&mut seen[number], true) {
                    let counters = &mut self.counters[m];
                    self.environments[number].see(
                        descriptor,
                        kernels,
                        atoms,
                        centre_type,
                        entries,
                        counters,
                    )?;
                }
            }
            self.times.end(Phase::Environment);
            match &prepared.splined {
                Some(splined) if pass == Pass::Step => {
                    self.by_splines(m, prepared, splined, atoms, centre_type, entries, output);
                }
                _ => self.by_networks(m, prepared, kernels, atoms, centre_type, entries, output),
            }
        }
        Ok(())
    }

    /// One model from splines.
    #[allow(clippy::too_many_arguments)]
    fn by_splines(
        &mut self,
        m: usize,
        prepared: &PreparedModel,
        splined: &Splined,
        atoms: &Atoms<'_>,
        centre_type: usize,
        entries: &[u32],
        output: &mut Output,
    ) {
        let model = &prepared.model;
        let parameters = model.fitting_width() - model.descriptor_width();
        self.rows.resize(entries.len() * parameters, 0.0);
        if parameters > 0 {
            for (row, &k) in self.rows.chunks_exact_mut(parameters).zip(entries) {
                let (centre, _) = atoms.list.entry(k as usize);
                write_parameters(model, atoms, centre, row);
            }
        }
        let environments = prepared.surroundings.iter();
        let block = splines::Block {
            model,
            environments: environments
                .map(|seen| &self.environments[seen.number])
                .collect(),
            centre_type,
            entries,
            parameters: &self.rows,
        };
        splined.evaluate(
            &block,
            &mut self.splines[m],
            &mut self.counters[m],
            &mut self.times,
            &mut self.watches[m],
            output,
        );
    }

    /// One model with its networks as they are.
    #[allow(clippy::too_many_arguments)]
    fn by_networks(
        &mut self,
        m: usize,
        prepared: &PreparedModel,
        kernels: &'static Kernels,
        atoms: &Atoms<'_>,
        centre_type: usize,
        entries: &[u32],
        output: &mut Output,
    ) {
        let PreparedModel {
            model,
            descriptors,
            surroundings,
            ..
        } = prepared;
        let width = model.fitting_width();
        self.rows.resize(entries.len() * width, 0.0);
        let count = self.scratch.len().max(descriptors.len());
        self.scratch.resize_with(count, Scratch::default);
        for (d, prepared) in descriptors.iter().enumerate() {
            let block = Block {
                descriptor: &model.descriptors[d],
                prepared,
                kernels,
                environment: &self.environments[surroundings[d].number],
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
        self.step(atoms, with_atom_virials, outputs)?;
        self.take_points(atoms, outputs)?;
        outputs
            .iter()
            .try_for_each(|output| check_forces(atoms, output))
    }

    fn set_accuracy(&mut self, accuracy: Accuracy, used: &[bool]) -> Vec<Report> {
        let kernels = self.kernels;
        let prepare = |prepared: &mut PreparedModel| {
            assert_eq!(used.len(), prepared.model.n_types(), "a flag for each type");
            match Splined::new(&prepared.model, kernels, accuracy, used) {
                Ok(splined) => {
                    let report = splined.report(&prepared.model);
                    prepared.splined = Some(splined);
                    report
                }
                Err(report) => {
                    prepared.splined = None;
                    report
                }
            }
        };
        self.models.iter_mut().map(prepare).collect()
    }

    fn steps(&self) -> Steps {
        let splined = self
            .models
            .iter()
            .filter_map(|model| model.splined.as_ref());
        Steps {
            knots: splined.map(Splined::intervals).max().unwrap_or(0),
            ..self.steps
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
        format!("native, {} instructions", self.kernels.name)
    }
}
