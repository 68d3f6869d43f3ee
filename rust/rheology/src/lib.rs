//! Dynamic mechanical spectroscopy: a periodic cell is strained as ε(t) = R(t)·A·sin θ(t), and the stress that it
//! answers with is resolved into a storage and a loss part while the trajectory goes on.
//!
//! Symbols, used throughout the crate: ε strain, σ stress (tension positive, so σ = −P), N_p steps per period,
//! M samples per period, B cycles per block, N = B·M samples per block, V volume. With σ = c + a sin θ + b cos θ and
//! ε0 the amplitude, E' = a/ε0, E'' = b/ε0 and tan δ = b/a.
//!
//! The crate is pure mathematics and text. It sees neither LAMMPS nor an interatomic potential: the caller moves the
//! box to the [`Cell`] it is told and hands in one [`Sample`] at each sampling step.
//!
//! - [`mode`], [`cell`], [`deformation`], [`phase`], [`tones`], [`request`], [`protocol`]: which box, when
//! - [`follower`]: the strain of a box that something else moves
//! - [`regression`], [`block`], [`lockin`]: streaming least squares over blocks of cycles, and single cycles
//! - [`moduli`], [`noise`], [`work`]: elastic constants, error bars, energy audit; statistics over blocks are those of
//!   [`deepdms_statistics`]
//! - [`measurement`], [`outcome`], [`tone_outcome`]: the whole, fed with samples, and what its blocks add up to
//! - [`atoms`]: the same for single atoms
//! - [`readout`], [`report`], [`advice`], [`units`], [`restart`]: what leaves it

pub mod advice;
pub mod atoms;
pub mod block;
pub mod cell;
pub mod deformation;
pub mod follower;
pub mod lockin;
pub mod measurement;
pub mod mode;
pub mod moduli;
pub mod noise;
pub mod outcome;
pub mod phase;
pub mod protocol;
pub mod readout;
pub mod regression;
pub mod report;
pub mod request;
pub mod restart;
pub mod tone_outcome;
pub mod tones;
pub mod units;
pub mod work;

pub use cell::Cell;
pub use deepdms_statistics::{error, error::Error, series, sum};
pub use deformation::Deformation;
pub use measurement::{Measurement, Sample};
pub use mode::Mode;
pub use protocol::Protocol;
pub use request::Request;
