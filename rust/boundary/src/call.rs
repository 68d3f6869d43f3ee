//! The side of the plugin: an engine of a library as if it were its own.

use crate::answer::{ANSWERED, Answer, FAILED, Sink, SliceMut};
use crate::loading::{self, Scope};
use crate::serve::{FORMATS, Request};
use crate::table::{Arrays, Evaluation, Exchange, Handle, Opening, Table};
use crate::{BUILD, failure, panic_message};
use deepdms_potential::Error;
use deepdms_potential::descriptor::counters::Counters;
use deepdms_potential::descriptor::neighbours::Atoms;
use deepdms_potential::engine::times::Times;
use deepdms_potential::engine::{Engine, GhostExchange, Interface};
use deepdms_potential::virial::Output;
use std::ffi::{CStr, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::ptr::{self, NonNull};

/// Why a library is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such file.
    Missing,
    /// The loader refuses it, for this reason.
    NotLoaded(String),
    /// It is a library of something else.
    Foreign,
    /// It is from another build.
    OtherBuild(String),
}

/// A library of engines.
#[derive(Clone, Copy, Debug)]
pub struct RemoteLibrary(&'static Table);

impl RemoteLibrary {
    /// Loads the library at `path`, whose function `entry` gives its [`Table`]; it stays loaded.
    ///
    /// # Errors
    /// [`Refusal`] where there is no library that fits.
    pub fn load(path: &Path, entry: &CStr) -> Result<Self, Refusal> {
        if !path.exists() {
            return Err(Refusal::Missing);
        }
        let library = loading::open(path, Scope::Local).map_err(Refusal::NotLoaded)?;
        let entry = loading::symbol(library, entry).ok_or(Refusal::Foreign)?;
        // SAFETY: a function of this name is one of ours, and has had this type in all builds
        let table = unsafe {
            let entry: extern "C" fn() -> *const Table = std::mem::transmute(entry);
            &*entry()
        };
        Self::new(table)
    }

    /// A library whose table is known.
    ///
    /// # Errors
    /// [`Refusal::OtherBuild`]
    pub fn new(table: &'static Table) -> Result<Self, Refusal> {
        // SAFETY: this entry is the first in all builds, and points to a constant
        let build = unsafe { table.build.get() };
        if build == BUILD.as_bytes() {
            return Ok(Self(table));
        }
        Err(Refusal::OtherBuild(
            String::from_utf8_lossy(build).into_owned(),
        ))
    }

    /// An engine for one model.
    ///
    /// # Errors
    /// What the library says about the file or the device.
    pub fn open(self, request: Request<'_>) -> Result<RemoteEngine, Error> {
        let Request {
            file,
            bytes,
            device,
            threads,
            trusted,
        } = request;
        let opening = Opening {
            file: file.as_bytes().into(),
            bytes: bytes.into(),
            device: device.as_bytes().into(),
            threads,
            trusted,
        };
        let mut handle = ptr::null_mut();
        let answer = ask(|sink| {
            // SAFETY: all pointers are to locals, and slices live during the call
            unsafe { (self.0.open)(&raw const opening, &raw mut handle, sink) }
        })?;
        let handle = NonNull::new(handle).expect("an engine that is introduced is there");
        let mut names = answer.strings().into_iter();
        let mut numbers = answer.numbers.iter().copied();
        let exchanges_ghosts = next(&mut numbers) != 0.0;
        let count = next(&mut numbers) as usize;
        let interface = |_| interface(&mut numbers, &mut names);
        Ok(RemoteEngine {
            interfaces: (0..count).map(interface).collect(),
            exchanges_ghosts,
            table: self.0,
            handle,
            counts: Vec::new(),
            neighbours: Vec::new(),
        })
    }
}

/// Asks a library.
fn ask(call: impl FnOnce(*const Sink) -> c_int) -> Result<Answer, Error> {
    match Answer::to(call) {
        (ANSWERED, answer) => Ok(answer),
        (_, answer) => Err(failure::decode(&answer)),
    }
}

fn next(numbers: &mut impl Iterator<Item = f64>) -> f64 {
    numbers.next().expect("an interface is complete")
}

/// The next model, as the library introduced it.
fn interface(
    numbers: &mut impl Iterator<Item = f64>,
    names: &mut impl Iterator<Item = String>,
) -> Interface {
    let format = FORMATS[next(numbers) as usize];
    let cutoff = next(numbers);
    let [frame_parameters, atom_parameters, types, sel] = [(); 4].map(|()| next(numbers) as usize);
    let sel = (0..sel).map(|_| next(numbers) as usize).collect();
    let has_default = next(numbers) != 0.0;
    let mut default = || (0..frame_parameters).map(|_| next(numbers)).collect();
    Interface {
        format,
        type_map: names.take(types).collect(),
        cutoff,
        sel,
        frame_parameters,
        atom_parameters,
        default_frame_parameters: has_default.then(&mut default),
    }
}

/// An engine in a library.
///
/// A method that [`Engine`] provides itself is not asked across the boundary: what it provides for `set_accuracy` and `steps`
/// holds for engines that approximate nothing, as those of libtorch.
#[derive(Debug)]
pub struct RemoteEngine {
    table: &'static Table,
    handle: NonNull<Handle>,
    interfaces: Vec<Interface>,
    exchanges_ghosts: bool,
    /// Numbers of neighbours by centre.
    counts: Vec<usize>,
    neighbours: Vec<u32>,
}

impl RemoteEngine {
    /// The answer to a question that cannot fail but by a mistake of ours.
    fn ask(&self, question: unsafe extern "C" fn(*const Handle, *const Sink) -> c_int) -> Answer {
        // SAFETY: the engine lives as long as we do, and the sink during the call
        let answer = ask(|sink| unsafe { question(self.handle.as_ptr(), sink) });
        answer.unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Drop for RemoteEngine {
    fn drop(&mut self) {
        // SAFETY: the engine is ours and is not used again
        unsafe { (self.table.close)(self.handle.as_ptr()) };
    }
}

impl Engine for RemoteEngine {
    fn models(&self) -> &[Interface] {
        &self.interfaces
    }

    fn evaluate(
        &mut self,
        atoms: &Atoms<'_>,
        with_atom_virials: bool,
        outputs: &mut [Output],
    ) -> Result<(), Error> {
        let &Atoms {
            positions,
            types,
            list,
            frame_parameters,
            atom_parameters,
            origin,
            exchange,
        } = atoms;
        self.counts.clear();
        self.neighbours.clear();
        for k in 0..list.len() {
            let (_, around) = list.entry(k);
            self.counts.push(around.len());
            self.neighbours.extend(around);
        }
        let exchange = exchange.as_ref().map(|exchange| Exchange {
            context: ptr::from_ref(exchange).cast(),
            call: exchange_ghosts,
        });
        let arrays: Vec<Arrays> = outputs
            .iter_mut()
            .enumerate()
            .map(|(m, output)| {
                output.clear(types.len(), with_atom_virials && m == 0);
                arrays(output)
            })
            .collect();
        let evaluation = Evaluation {
            positions: positions.into(),
            types: types.into(),
            centres: list.centres().into(),
            counts: self.counts[..].into(),
            neighbours: self.neighbours[..].into(),
            frame_parameters: frame_parameters.into(),
            atom_parameters: atom_parameters.into(),
            origin,
            exchange: exchange.as_ref().map_or(ptr::null(), ptr::from_ref),
            with_atom_virials,
            outputs: arrays[..].into(),
        };
        ask(|sink| {
            // SAFETY: the engine lives as long as we do, everything else during the call, and outputs are borrowed by it
            unsafe { (self.table.evaluate)(self.handle.as_ptr(), &raw const evaluation, sink) }
        })
        .map(|_| ())
    }

    fn set_charge_spin(&mut self, values: &[f64]) -> Result<(), Error> {
        ask(|sink| {
            // SAFETY: the engine lives as long as we do, slice and sink during the call
            unsafe { (self.table.set_charge_spin)(self.handle.as_ptr(), values.into(), sink) }
        })
        .map(|_| ())
    }

    fn exchanges_ghosts(&self) -> bool {
        self.exchanges_ghosts
    }

    fn counters(&self) -> Vec<Counters> {
        let answer = self.ask(self.table.counters);
        let mut rest = &answer.numbers[..];
        let mut counters = |model: &Interface| {
            let n_types = model.type_map.len();
            let mut table = || {
                let (table, others) = rest.split_at(n_types * n_types);
                rest = others;
                table
            };
            let counts = |table: &[f64]| table.iter().map(|&count| count as usize).collect();
            let (most, room) = (counts(table()), counts(table()));
            let extrapolated = table().iter().map(|&count| count as u64).collect();
            Counters::from_counts(n_types, most, room, extrapolated)
        };
        self.interfaces.iter().map(&mut counters).collect()
    }

    fn times(&self) -> Times {
        let answer = self.ask(self.table.times);
        let seconds = answer.numbers.try_into();
        Times::from_seconds(seconds.expect("one number a phase"))
    }

    fn describe(&self) -> String {
        self.ask(self.table.describe).strings().concat()
    }
}

/// The arrays of a cleared output.
fn arrays(output: &mut Output) -> Arrays {
    let Output {
        energy,
        atom_energies,
        forces,
        virial,
        atom_virials,
    } = output;
    Arrays {
        energy: std::slice::from_mut(energy).into(),
        atom_energies: atom_energies[..].as_mut().into(),
        forces: forces[..].as_mut().into(),
        virial: virial[..].as_mut().into(),
        atom_virials: atom_virials.as_flattened_mut().into(),
    }
}

/// What the library calls to exchange rows.
///
/// # Safety
/// `context` is the reference of an evaluation that is going on, values and sink live during the call, and nobody else uses
/// the values.
unsafe extern "C" fn exchange_ghosts(
    context: *const c_void,
    to_ghosts: bool,
    values: SliceMut<f64>,
    columns: usize,
    sink: *const Sink,
) -> c_int {
    // SAFETY: as promised
    let (exchange, values, sink) =
        unsafe { (*context.cast::<&dyn GhostExchange>(), values.get(), &*sink) };
    let done = catch_unwind(AssertUnwindSafe(|| match to_ghosts {
        true => exchange.to_ghosts(values, columns),
        false => exchange.to_owners(values, columns),
    }));
    let error = match done {
        Ok(Ok(())) => return ANSWERED,
        Ok(Err(error)) => error,
        Err(payload) => Error::Engine(panic_message("ghost exchange", &*payload)),
    };
    failure::encode(&error).tell(sink);
    FAILED
}
