//! Configurations: which atoms there are, and where they are.

use deepdms_statistics::Error;

use crate::cell::{Matrix, Vector};

/// Atoms in ascending order of their IDs, which is what makes every result independent of the order in which they are
/// stored elsewhere.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Atoms {
    /// IDs, ascending.
    pub ids: Vec<u64>,
    /// Types from 1.
    pub types: Vec<u32>,
    /// Masses.
    pub masses: Vec<f64>,
    /// Whether an atom is analysed; the others only count for the centre of mass.
    pub members: Vec<bool>,
}

impl Atoms {
    /// All atoms with these ids, types and masses, analysed without exception.
    pub fn all(ids: Vec<u64>, types: Vec<u32>, masses: Vec<f64>) -> Self {
        let members = vec![true; ids.len()];
        Atoms {
            ids,
            types,
            masses,
            members,
        }
    }

    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Fails where the IDs do not ascend, a list has another length, or a type lies outside 1 … `types`.
    pub fn check(&self, types: usize) -> Result<(), Error> {
        let count = self.len();
        for (name, length) in [
            ("types", self.types.len()),
            ("masses", self.masses.len()),
            ("group members", self.members.len()),
        ] {
            if length != count {
                return Err(Error::new(format!(
                    "{count} atoms have {length} {name}: give one for each"
                )));
            }
        }
        if let Some(pair) = self.ids.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(Error::new(format!(
                "atom {} comes after atom {}: sort the atoms by ID, which must be unique",
                pair[1], pair[0]
            )));
        }
        let wrong = |&&kind: &&u32| kind == 0 || kind as usize > types;
        if let Some(index) = self.types.iter().position(|kind| wrong(&kind)) {
            return Err(Error::new(format!(
                "atom {} has type {}, and there are {types} types",
                self.ids[index], self.types[index]
            )));
        }
        if count >= i32::MAX as usize / 2 {
            return Err(Error::new(format!(
                "{count} atoms are more than can be numbered"
            )));
        }
        Ok(())
    }
}

/// The places in `ids` in ascending order of the IDs.
pub fn order(ids: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_unstable_by_key(|&place| ids[place]);
    order
}

/// One configuration.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Timestep, for messages.
    pub step: i64,
    /// The cell matrix.
    pub matrix: Matrix,
    /// Unwrapped scaled coordinates h⁻¹(r − lower corner) + image counts of every atom, in the order of [`Atoms`].
    pub scaled: &'a [Vector],
}

impl Frame<'_> {
    /// Fails where the frame has not `count` atoms, or one of them has no finite place.
    pub fn check(&self, atoms: &Atoms) -> Result<(), Error> {
        if self.scaled.len() != atoms.len() {
            return Err(Error::new(format!(
                "the number of atoms changed from {} to {}; lost or inserted atoms cannot be followed",
                atoms.len(),
                self.scaled.len()
            )));
        }
        let wrong = |place: &Vector| !place.iter().all(|part| part.is_finite());
        match self.scaled.iter().position(wrong) {
            Some(index) => Err(Error::new(format!(
                "atom {} has no finite coordinates at step {}",
                atoms.ids[index], self.step
            ))),
            None => Ok(()),
        }
    }
}
