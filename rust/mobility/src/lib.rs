//! Atomic mobility: which atoms moved between two configurations of the same atoms, how far, out of which cage, in which
//! string, in which cluster.
//!
//! Symbols, used throughout the crate: N atoms analysed, h cell matrix with the lattice vectors in columns, s unwrapped
//! scaled coordinates, t_w length of a window, x and y start and end of an atom in the same box, u = y − x its displacement,
//! R_ab neighbour cutoff, δ_ab distance of a link, r_nn first peak of g(r), ξ size of a string in atoms.
//!
//! The crate is pure mathematics. It sees no files, no processes and no simulation program: the caller hands in [`Frame`]s
//! with the atoms in the order of their IDs. The same frames give the same bits, whatever order they were stored in.
//!
//! - [`cell`], [`frame`], [`window`]: two configurations in one box
//! - [`histogram`], [`minimum`], [`moments`]: the distribution of displacements
//! - [`grid`], [`pairs`], [`radial`], [`table`]: neighbours
//! - [`classes`], [`cage`], [`nonaffine`]: single atoms
//! - [`disjoint`], [`strings`], [`clusters`], [`percolation`]: what hangs together, also through the periodic border
//! - [`random`], [`baseline`]: what chance alone would show
//! - [`returns`], [`diffusion`], [`fractal`], [`correlate`], [`counts`]: what follows
//! - [`settings`], [`calibration`], [`observation`], [`scalars`], [`tally`], [`analysis`], [`readout`],
//!   [`summary`]: the whole

mod advice;
pub mod analysis;
pub mod baseline;
pub mod cage;
pub mod calibration;
pub mod cell;
pub mod classes;
pub mod clusters;
pub mod correlate;
pub mod counts;
pub mod diffusion;
pub mod disjoint;
pub mod fractal;
pub mod frame;
pub mod grid;
pub mod histogram;
pub mod minimum;
pub mod moments;
pub mod nonaffine;
pub mod observation;
pub mod pairs;
pub mod percolation;
pub mod radial;
pub mod random;
pub mod readout;
pub mod returns;
pub mod scalars;
pub mod settings;
pub mod strings;
pub mod summary;
pub mod table;
pub mod tally;
pub mod window;

pub use analysis::{Analysis, AtomHistory, Outcome};
pub use cell::Cell;
pub use deepdms_statistics::Error;
pub use frame::{Atoms, Frame};
pub use settings::Settings;
pub use window::{Geometry, Window};
