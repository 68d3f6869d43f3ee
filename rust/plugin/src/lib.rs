//! The static library behind `deepdmsplugin.so`: the cxx bridges to the shims in `cpp/`, and nothing else.
//!
//! Every bridge function borrows LAMMPS' arrays for the length of one call, returns `Result`, and runs inside
//! [`guard::guard`], so neither a panic nor an error crosses the boundary in any other form.

pub mod dms;
pub mod guard;
pub mod mobility;
pub mod pair;
mod replaced;
mod target;
mod words;
