//! The side of the library: engines behind a [`Table`].

use crate::answer::{ANSWERED, Answer, FAILED, Sink, Slice};
use crate::table::{Arrays, Evaluation, Exchange, Handle, Opening, Table};
use crate::{BUILD, failure, panic_message};
use deepdms_potential::Error;
use deepdms_potential::descriptor::neighbours::{Atoms, NeighbourList};
use deepdms_potential::engine::{Engine, GhostExchange, Interface};
use deepdms_potential::model::Format;
use deepdms_potential::virial::Output;
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A model that is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Path for messages.
    pub file: &'a str,
    /// Contents of the file.
    pub bytes: &'a [u8],
    /// Where the engine is to work, as the user named it.
    pub device: &'a str,
    /// Threads of the engine.
    pub threads: usize,
    /// Whether the user trusts a program in the file, whatever it does.
    pub trusted: bool,
}

/// What a library makes engines by.
pub trait Library {
    /// An engine for one model.
    ///
    /// # Errors
    /// Any error about a file or a device.
    fn open(request: Request<'_>) -> Result<Box<dyn Engine>, Error>;
}

impl Table {
    /// The table of a library.
    pub const fn of<L: Library>() -> Self {
        Self {
            build: Slice::new(BUILD.as_bytes()),
            open: open::<L>,
            close,
            evaluate,
            set_charge_spin,
            counters,
            times,
            describe,
        }
    }
}

/// An engine, and what it needs again in each step.
struct Served {
    engine: Box<dyn Engine>,
    list: NeighbourList,
    outputs: Vec<Output>,
}

/// Answers by `body`; neither an error nor a panic leaves in any other form.
///
/// # Safety
/// `sink` is in use.
unsafe fn respond(
    place: &str,
    sink: *const Sink,
    body: impl FnOnce() -> Result<Answer, Error>,
) -> c_int {
    let (status, answer) = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(answer)) => (ANSWERED, answer),
        Ok(Err(error)) => (FAILED, failure::encode(&error)),
        Err(payload) => {
            let message = panic_message(place, &*payload);
            (FAILED, failure::encode(&Error::Engine(message)))
        }
    };
    // SAFETY: as promised
    answer.tell(unsafe { &*sink });
    status
}

/// # Safety
/// Everything is valid; the engine that is stored belongs to the caller.
unsafe extern "C" fn open<L: Library>(
    opening: *const Opening,
    place: *mut *mut Handle,
    sink: *const Sink,
) -> c_int {
    let body = || {
        // SAFETY: as promised, and all slices live during the call
        let (opening, file, bytes, device) = unsafe {
            let opening = &*opening;
            let text = |slice: &Slice<u8>| String::from_utf8_lossy(slice.get());
            (
                opening,
                text(&opening.file),
                opening.bytes.get(),
                text(&opening.device),
            )
        };
        let engine = L::open(Request {
            file: &file,
            bytes,
            device: &device,
            threads: opening.threads,
            trusted: opening.trusted,
        })?;
        let answer = introduce(&*engine);
        let served = Box::new(Served {
            engine,
            list: NeighbourList::default(),
            outputs: Vec::new(),
        });
        // SAFETY: as promised
        unsafe { *place = Box::into_raw(served).cast() };
        Ok(answer)
    };
    // SAFETY: as promised
    unsafe { respond("opening a model in a library", sink, body) }
}

/// # Safety
/// The handle came from [`open`] and is not used again.
unsafe extern "C" fn close(handle: *mut Handle) {
    // SAFETY: as promised
    let served = unsafe { Box::from_raw(handle.cast::<Served>()) };
    // a panic here has nobody left to tell
    let _ = catch_unwind(AssertUnwindSafe(|| drop(served)));
}

/// # Safety
/// The handle came from [`open`], all slices live during the call, and nobody else uses those that are written to.
unsafe extern "C" fn evaluate(
    handle: *mut Handle,
    evaluation: *const Evaluation,
    sink: *const Sink,
) -> c_int {
    let body = || {
        // SAFETY: as promised
        unsafe {
            let served = &mut *handle.cast::<Served>();
            served.evaluate(&*evaluation)
        }?;
        Ok(Answer::default())
    };
    // SAFETY: as promised
    unsafe { respond("evaluation in a library", sink, body) }
}

impl Served {
    /// # Safety
    /// All slices live during the call, and nobody else uses those that are written to.
    unsafe fn evaluate(&mut self, evaluation: &Evaluation) -> Result<(), Error> {
        let Evaluation {
            positions,
            types,
            centres,
            counts,
            neighbours,
            frame_parameters,
            atom_parameters,
            origin,
            exchange,
            with_atom_virials,
            outputs,
        } = evaluation;
        // SAFETY: as promised
        let (centres, counts, mut neighbours, arrays) =
            unsafe { (centres.get(), counts.get(), neighbours.get(), outputs.get()) };
        self.list.clear();
        for (&centre, &count) in centres.iter().zip(counts) {
            let (own, rest) = neighbours.split_at(count);
            self.list.push(centre, own.iter().copied());
            neighbours = rest;
        }
        // SAFETY: null or alive during the call
        let exchange = unsafe { exchange.as_ref() }.map(Ghosts);
        // SAFETY: as promised
        let atoms = unsafe {
            Atoms {
                positions: positions.get(),
                types: types.get(),
                list: &self.list,
                frame_parameters: frame_parameters.get(),
                atom_parameters: atom_parameters.get(),
                origin: *origin,
                exchange: exchange.as_ref().map(|ghosts| ghosts as _),
            }
        };
        self.outputs.resize_with(arrays.len(), Output::default);
        self.engine
            .evaluate(&atoms, *with_atom_virials, &mut self.outputs)?;
        for (output, arrays) in self.outputs.iter().zip(arrays) {
            // SAFETY: as promised
            unsafe { arrays.fill(output) };
        }
        Ok(())
    }
}

impl Arrays {
    /// # Safety
    /// All slices are alive and nobody else uses them.
    unsafe fn fill(&self, output: &Output) {
        let Output {
            energy,
            atom_energies,
            forces,
            virial,
            atom_virials,
        } = output;
        // SAFETY: as promised
        unsafe {
            self.energy.get().copy_from_slice(&[*energy]);
            self.atom_energies.get().copy_from_slice(atom_energies);
            self.forces.get().copy_from_slice(forces);
            self.virial.get().copy_from_slice(virial);
            self.atom_virials
                .get()
                .copy_from_slice(atom_virials.as_flattened());
        }
    }
}

/// The plugin's way to ghosts.
#[derive(Debug)]
struct Ghosts<'a>(&'a Exchange);

// SAFETY: behind it is an exchange of the plugin's that may be called from any thread
unsafe impl Sync for Ghosts<'_> {}

impl Ghosts<'_> {
    fn call(&self, to_ghosts: bool, values: &mut [f64], columns: usize) -> Result<(), Error> {
        let (status, answer) = Answer::to(|sink| {
            // SAFETY: the plugin waits for the evaluation, so its exchange is alive, as are slice and sink
            unsafe { (self.0.call)(self.0.context, to_ghosts, values.into(), columns, sink) }
        });
        match status {
            ANSWERED => Ok(()),
            _ => Err(failure::decode(&answer)),
        }
    }
}

impl GhostExchange for Ghosts<'_> {
    fn to_ghosts(&self, values: &mut [f64], columns: usize) -> Result<(), Error> {
        self.call(true, values, columns)
    }

    fn to_owners(&self, values: &mut [f64], columns: usize) -> Result<(), Error> {
        self.call(false, values, columns)
    }
}

/// # Safety
/// The handle came from [`open`], slice and sink live during the call.
unsafe extern "C" fn set_charge_spin(
    handle: *mut Handle,
    values: Slice<f64>,
    sink: *const Sink,
) -> c_int {
    let body = || {
        // SAFETY: as promised
        let (served, values) = unsafe { (&mut *handle.cast::<Served>(), values.get()) };
        served.engine.set_charge_spin(values)?;
        Ok(Answer::default())
    };
    // SAFETY: as promised
    unsafe { respond("charge and spin in a library", sink, body) }
}

/// # Safety
/// The handle came from [`open`], the sink is in use.
unsafe fn ask(
    handle: *const Handle,
    sink: *const Sink,
    body: impl FnOnce(&dyn Engine) -> Answer,
) -> c_int {
    // SAFETY: as promised
    unsafe {
        respond("asking an engine in a library", sink, || {
            Ok(body(&*(*handle.cast::<Served>()).engine))
        })
    }
}

/// # Safety
/// As [`ask`].
unsafe extern "C" fn counters(handle: *const Handle, sink: *const Sink) -> c_int {
    let body = |engine: &dyn Engine| {
        let mut answer = Answer::default();
        for counters in engine.counters() {
            let counts = counters.most_neighbours().iter().chain(counters.room());
            answer.numbers.extend(counts.map(|&count| count as f64));
            let lookups = counters.extrapolated().iter();
            answer.numbers.extend(lookups.map(|&count| count as f64));
        }
        answer
    };
    // SAFETY: as promised
    unsafe { ask(handle, sink, body) }
}

/// # Safety
/// As [`ask`].
unsafe extern "C" fn times(handle: *const Handle, sink: *const Sink) -> c_int {
    let body = |engine: &dyn Engine| Answer {
        texts: Vec::new(),
        numbers: engine.times().seconds().to_vec(),
    };
    // SAFETY: as promised
    unsafe { ask(handle, sink, body) }
}

/// # Safety
/// As [`ask`].
unsafe extern "C" fn describe(handle: *const Handle, sink: *const Sink) -> c_int {
    let body = |engine: &dyn Engine| Answer {
        texts: vec![engine.describe().into_bytes()],
        numbers: Vec::new(),
    };
    // SAFETY: as promised
    unsafe { ask(handle, sink, body) }
}

/// What an engine has, as [`crate::call`] reads it: whether it exchanges ghosts, number of models, and for each model its
/// numbers; the texts are the names of types.
fn introduce(engine: &dyn Engine) -> Answer {
    let mut answer = Answer::default();
    let models = engine.models();
    let numbers = &mut answer.numbers;
    numbers.extend([
        f64::from(u8::from(engine.exchanges_ghosts())),
        models.len() as f64,
    ]);
    for model in models {
        let Interface {
            format,
            type_map,
            cutoff,
            sel,
            frame_parameters,
            atom_parameters,
            default_frame_parameters,
        } = model;
        let format = FORMATS.iter().position(|known| known == format);
        numbers.extend([
            format.expect("all formats are listed") as f64,
            *cutoff,
            *frame_parameters as f64,
            *atom_parameters as f64,
            type_map.len() as f64,
            sel.len() as f64,
        ]);
        numbers.extend(sel.iter().map(|&slots| slots as f64));
        let default = default_frame_parameters.as_deref();
        numbers.push(f64::from(u8::from(default.is_some())));
        numbers.extend(default.unwrap_or_default());
        let names = type_map.iter().map(|name| name.clone().into_bytes());
        answer.texts.extend(names);
    }
    answer
}

/// Formats by their number.
pub(crate) const FORMATS: [Format; 6] = [
    Format::FrozenGraph,
    Format::NativeHdf5,
    Format::NativeYaml,
    Format::NativeJson,
    Format::TorchScript,
    Format::Exported,
];
