//! The neighbour list that LAMMPS made, kept flat until LAMMPS makes a new one.

use crate::Error;
use crate::engine::GhostExchange;

/// Atoms closer than this [Å] sit on the same point: `1/r` has no use there.
const OVERLAP: f64 = 1e-6;

/// Refuses two atoms on the same point; `squared` is their distance squared [Å²].
///
/// # Errors
/// [`Error::Overlap`]
#[inline]
pub fn check_apart(first: usize, second: usize, squared: f64) -> Result<(), Error> {
    if squared < OVERLAP * OVERLAP {
        return Err(Error::Overlap {
            first,
            second,
            distance: squared.sqrt(),
        });
    }
    Ok(())
}

/// Centres with their neighbours within the cutoff and the skin, in the caller's order.
#[derive(Clone, Debug, Default)]
pub struct NeighbourList {
    centres: Vec<u32>,
    offsets: Vec<usize>,
    neighbours: Vec<u32>,
}

impl NeighbourList {
    /// Empties the list and keeps its memory.
    pub fn clear(&mut self) {
        self.centres.clear();
        self.offsets.clear();
        self.neighbours.clear();
    }

    /// Adds a centre atom and the atoms around it, by index.
    pub fn push(&mut self, centre: u32, neighbours: impl IntoIterator<Item = u32>) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.centres.push(centre);
        self.neighbours.extend(neighbours);
        self.offsets.push(self.neighbours.len());
    }

    /// Number of centres.
    pub fn len(&self) -> usize {
        self.centres.len()
    }

    /// Whether there is no centre at all.
    pub fn is_empty(&self) -> bool {
        self.centres.is_empty()
    }

    /// The centres, in order.
    pub fn centres(&self) -> &[u32] {
        &self.centres
    }

    /// Memory that is held.
    pub fn bytes(&self) -> usize {
        4 * (self.centres.capacity() + self.neighbours.capacity()) + 8 * self.offsets.capacity()
    }

    /// The `k`-th centre and its neighbours.
    pub fn entry(&self, k: usize) -> (usize, &[u32]) {
        let neighbours = &self.neighbours[self.offsets[k]..self.offsets[k + 1]];
        (self.centres[k] as usize, neighbours)
    }
}

/// What an engine evaluates: positions and types of local and ghost atoms, and who may be whose neighbour.
#[derive(Clone, Copy, Debug)]
pub struct Atoms<'a> {
    /// Positions [Å], `[n_all, 3]`, ghosts at their own places.
    pub positions: &'a [f64],
    /// Model types, `[n_all]`; negative is virtual.
    pub types: &'a [i32],
    /// Every real local atom is a centre.
    pub list: &'a NeighbourList,
    /// Frame parameters (`fparam`), as many as the model takes.
    pub frame_parameters: &'a [f64],
    /// Atom parameters (`aparam`) by atom index, `[n, d]` with at least the centres.
    pub atom_parameters: &'a [f64],
    /// Corner of the box [Å], from which models in single precision measure positions.
    pub origin: [f64; 3],
    /// The way to ghosts and back, for models that need it.
    pub exchange: Option<&'a dyn GhostExchange>,
}

impl Atoms<'_> {
    /// Number of atoms, ghosts included.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether there is no atom.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Position of an atom [Å].
    #[inline]
    pub fn position(&self, atom: usize) -> [f64; 3] {
        let position = &self.positions[3 * atom..3 * atom + 3];
        [position[0], position[1], position[2]]
    }
}
