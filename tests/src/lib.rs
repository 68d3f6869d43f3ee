//! The harness of the LAMMPS cases in `tests/cases`, and LAMMPS as a library for the tests that need it in one process.
//!
//! A case is a folder with an input deck and a `case.toml` that says what must come out: see `tests/README.md`.
//!
//! * [`case`]: the format of `case.toml`;
//! * [`place`]: where LAMMPS, MPI, the plugin and the cases are;
//! * [`launch`]: one run of LAMMPS on some ranks, with a time limit;
//! * [`output`]: the results and errors that a run printed;
//! * [`table`]: numbers out of dumps, tables and JSON files;
//! * [`compare`]: numbers against numbers;
//! * [`verdict`]: all of it, for one case;
//! * [`lammps`]: LAMMPS through its library interface.

pub mod case;
pub mod compare;
pub mod lammps;
pub mod launch;
pub mod output;
pub mod place;
pub mod table;
pub mod verdict;
