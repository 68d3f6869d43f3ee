//! What crosses the boundary.

use crate::answer::{Sink, Slice, SliceMut};
use std::ffi::{c_int, c_void};

/// An engine on the side of the library.
#[repr(C)]
#[derive(Debug)]
pub struct Handle {
    _private: [u8; 0],
}

/// A question to an engine that takes no arguments.
pub(crate) type Ask = unsafe extern "C" fn(*const Handle, *const Sink) -> c_int;

/// The functions of a library. Each returns a status as [`ANSWERED`](crate::answer::ANSWERED); where it failed, the answer
/// holds an error.
#[repr(C)]
#[derive(Debug)]
pub struct Table {
    /// [`BUILD`](crate::BUILD) of the library; the rest holds only where it is that of the plugin, so this stays the first.
    pub(crate) build: Slice<u8>,
    /// Stores a new engine and answers with its interfaces.
    pub(crate) open: unsafe extern "C" fn(*const Opening, *mut *mut Handle, *const Sink) -> c_int,
    /// Ends an engine.
    pub(crate) close: unsafe extern "C" fn(*mut Handle),
    pub(crate) evaluate: unsafe extern "C" fn(*mut Handle, *const Evaluation, *const Sink) -> c_int,
    pub(crate) set_charge_spin: unsafe extern "C" fn(*mut Handle, Slice<f64>, *const Sink) -> c_int,
    pub(crate) counters: Ask,
    pub(crate) times: Ask,
    pub(crate) describe: Ask,
}

// SAFETY: a table is never written to, and what it points to is constant
unsafe impl Sync for Table {}

/// A model that is to be opened.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Opening {
    /// Path for messages, UTF-8.
    pub file: Slice<u8>,
    pub bytes: Slice<u8>,
    /// UTF-8.
    pub device: Slice<u8>,
    pub threads: usize,
    pub trusted: bool,
}

/// Atoms as in [`deepdms_potential::descriptor::neighbours::Atoms`], and where the results go.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Evaluation {
    /// `[n_all, 3]`
    pub positions: Slice<f64>,
    /// `[n_all]`
    pub types: Slice<i32>,
    /// `[n_centres]`
    pub centres: Slice<u32>,
    /// How many neighbours each centre has, `[n_centres]`.
    pub counts: Slice<usize>,
    /// Those of one centre after those of the other.
    pub neighbours: Slice<u32>,
    pub frame_parameters: Slice<f64>,
    pub atom_parameters: Slice<f64>,
    pub origin: [f64; 3],
    /// Null where there is no way to ghosts.
    pub exchange: *const Exchange,
    pub with_atom_virials: bool,
    /// One a model that is wanted, from the first on.
    pub outputs: Slice<Arrays>,
}

/// Where the results of one model go, as in [`deepdms_potential::virial::Output`].
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Arrays {
    /// `[1]`
    pub energy: SliceMut<f64>,
    /// `[n_all]`
    pub atom_energies: SliceMut<f64>,
    /// `[n_all, 3]`
    pub forces: SliceMut<f64>,
    /// `[9]`
    pub virial: SliceMut<f64>,
    /// `[n_all, 9]`, or empty
    pub atom_virials: SliceMut<f64>,
}

/// The plugin's way to ghosts and back.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Exchange {
    pub context: *const c_void,
    /// Takes `context`, whether rows go to ghosts rather than to owners, values `[n_all, columns]`, and `columns`.
    pub call: unsafe extern "C" fn(*const c_void, bool, SliceMut<f64>, usize, *const Sink) -> c_int,
}
