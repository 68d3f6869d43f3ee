//! LAMMPS through its library interface, inside the test's own process.
//!
//! The declarations come from `library.h` by way of bindgen (`build.rs`).

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::slice;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::place::Place;

#[allow(
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    dead_code,
    clippy::all
)]
mod library {
    include!(concat!(env!("OUT_DIR"), "/library.rs"));
}

/// LAMMPS and MPI are used by one thread at a time; each test holds this while it runs.
static TURN: Mutex<()> = Mutex::new(());

/// A test's turn with LAMMPS, and what it works with.
pub struct Turn {
    /// Where everything lies.
    pub place: Place,
    _guard: MutexGuard<'static, ()>,
}

impl Turn {
    /// Waits until no other test of this process uses LAMMPS.
    ///
    /// # Panics
    /// Where the plugin or LAMMPS is missing.
    pub fn wait() -> Self {
        Self {
            _guard: TURN.lock().unwrap_or_else(PoisonError::into_inner),
            place: Place::find().unwrap_or_else(|reason| panic!("{reason}")),
        }
    }
}

/// One instance of LAMMPS.
pub struct Lammps {
    handle: *mut c_void,
}

impl Lammps {
    /// Opens an instance that writes neither to the screen nor to a log file.
    pub fn open() -> Self {
        let words = ["lmp", "-screen", "none", "-log", "none", "-nocite"];
        let words: Vec<CString> = words
            .iter()
            .map(|word| CString::new(*word).expect("no zero byte"))
            .collect();
        let mut arguments: Vec<*mut c_char> =
            words.iter().map(|word| word.as_ptr().cast_mut()).collect();
        // SAFETY: `arguments` holds as many valid strings as its length says, and LAMMPS copies them.
        let handle = unsafe {
            library::lammps_open_no_mpi(
                arguments.len() as c_int,
                arguments.as_mut_ptr(),
                ptr::null_mut(),
            )
        };
        assert!(!handle.is_null(), "LAMMPS could not be opened");
        Self { handle }
    }

    /// Runs one line of input; fails with LAMMPS' message.
    pub fn command(&mut self, line: &str) -> Result<(), String> {
        let line = CString::new(line).expect("no zero byte");
        // SAFETY: the handle is open and the string ends in a zero byte; the result is LAMMPS' own.
        unsafe { library::lammps_command(self.handle, line.as_ptr()) };
        self.error().map_or(Ok(()), Err)
    }

    /// Runs several lines of input, and stops at the first that fails.
    pub fn commands(&mut self, lines: &str) -> Result<(), String> {
        lines.lines().try_for_each(|line| self.command(line))
    }

    /// The value of a thermo keyword at this moment.
    pub fn thermo(&mut self, keyword: &str) -> f64 {
        let keyword = CString::new(keyword).expect("no zero byte");
        // SAFETY: the handle is open and the string ends in a zero byte.
        unsafe { library::lammps_get_thermo(self.handle, keyword.as_ptr()) }
    }

    /// The forces on this rank's atoms, `[n_atoms, 3]`, in the order in which LAMMPS holds the atoms.
    pub fn forces(&self) -> Vec<[f64; 3]> {
        self.per_atom("f")
    }

    /// The ids of this rank's atoms, in the order in which LAMMPS holds them.
    pub fn ids(&self) -> Vec<c_int> {
        let count = self.local_atoms();
        let name = CString::new("id").expect("no zero byte");
        // SAFETY: this LAMMPS has int ids (smallbig), at least nlocal of them.
        unsafe {
            let ids = library::lammps_extract_atom(self.handle, name.as_ptr()).cast::<c_int>();
            assert!(!ids.is_null(), "LAMMPS has no atom ids");
            slice::from_raw_parts(ids, count).to_vec()
        }
    }

    fn local_atoms(&self) -> usize {
        let name = CString::new("nlocal").expect("no zero byte");
        // SAFETY: the handle is open and the string ends in a zero byte.
        unsafe { library::lammps_extract_setting(self.handle, name.as_ptr()) as usize }
    }

    /// A per-atom array of three numbers an atom, `[n_atoms, 3]`.
    fn per_atom(&self, name: &str) -> Vec<[f64; 3]> {
        let name = CString::new(name).expect("no zero byte");
        let count = self.local_atoms();
        // SAFETY: LAMMPS returns rows of three doubles for x, v and f, at least nlocal of them.
        unsafe {
            let rows =
                library::lammps_extract_atom(self.handle, name.as_ptr()).cast::<*const [f64; 3]>();
            assert!(!rows.is_null(), "LAMMPS has no per-atom array {name:?}");
            slice::from_raw_parts(rows, count)
                .iter()
                .map(|row| **row)
                .collect()
        }
    }

    /// How many plugin styles are registered in this process.
    pub fn plugin_count(&self) -> usize {
        // SAFETY: the function takes nothing and only counts.
        unsafe { library::lammps_plugin_count() as usize }
    }

    /// The message of the last error, which is then forgotten.
    fn error(&mut self) -> Option<String> {
        // SAFETY: the handle is open, and LAMMPS writes at most as many bytes as the buffer has.
        unsafe {
            if library::lammps_has_error(self.handle) == 0 {
                return None;
            }
            let mut buffer = vec![0 as c_char; 8192];
            library::lammps_get_last_error_message(
                self.handle,
                buffer.as_mut_ptr(),
                buffer.len() as c_int,
            );
            Some(
                CStr::from_ptr(buffer.as_ptr())
                    .to_string_lossy()
                    .trim_end()
                    .to_owned(),
            )
        }
    }
}

impl Drop for Lammps {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nothing uses it afterwards.
        unsafe { library::lammps_close(self.handle) }
    }
}
