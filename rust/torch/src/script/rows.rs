//! What a model is shown: real atoms in rows, local ones first, and the rows around each local one.

use deepdms_potential::Error;
use deepdms_potential::descriptor::neighbours::{Atoms, check_apart};

/// Rows of a model, and what stands in them. Reused from step to step.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Index of the atom in a row, or none where the row was only put in because a model needs one local atom.
    pub atoms: Vec<Option<usize>>,
    /// Rows of local atoms, which come first.
    pub n_local: usize,
    /// Atoms of the caller, the virtual ones included.
    pub n_all: usize,
    /// `[rows, 3]` [Å], from the origin.
    pub coordinates: Vec<f64>,
    /// `[rows]`
    pub types: Vec<i64>,
    /// `[n_local, width]`, nearest first, -1 for none.
    pub neighbours: Vec<i64>,
    pub width: usize,
    /// Row of an atom, -1 for none.
    row_of: Vec<i64>,
    /// Neighbours within the cutoff by row and distance [Å], local atom after local atom.
    near: Vec<(f64, i64)>,
    ends: Vec<usize>,
}

impl Rows {
    /// Rows of these atoms, without anything in them.
    #[cfg(test)]
    pub fn of(atoms: &[Option<usize>], n_local: usize, n_all: usize) -> Self {
        Self {
            atoms: atoms.to_vec(),
            n_local,
            n_all,
            ..Self::default()
        }
    }

    /// Arranges `atoms` for a model with this `cutoff` [Å] and room for `slots` neighbours, if it says so.
    ///
    /// # Errors
    /// [`Error::Overlap`] if two atoms sit on the same point.
    pub fn arrange(
        &mut self,
        atoms: &Atoms<'_>,
        cutoff: f64,
        slots: Option<usize>,
    ) -> Result<(), Error> {
        self.number(atoms);
        self.near.clear();
        self.ends.clear();
        let mut most = 0;
        for k in 0..atoms.list.len() {
            let (centre, around) = atoms.list.entry(k);
            if atoms.types[centre] < 0 {
                continue;
            }
            let start = self.near.len();
            let origin = atoms.position(centre);
            for &atom in around {
                let row = self.row_of[atom as usize];
                if row < 0 {
                    continue;
                }
                let position = atoms.position(atom as usize);
                let squared: f64 = (0..3).map(|a| (position[a] - origin[a]).powi(2)).sum();
                if squared > cutoff * cutoff {
                    continue;
                }
                check_apart(centre, atom as usize, squared)?;
                // the sort is stable, and by the distance, as deepmd-kit's
                self.near.push((squared.sqrt(), row));
            }
            let near = &mut self.near[start..];
            near.sort_by(|a, b| a.0.total_cmp(&b.0));
            most = near.len().max(most);
            self.ends.push(self.near.len());
        }
        self.width = slots.unwrap_or(most).min(most).max(1);
        self.neighbours.clear();
        self.neighbours.resize(self.n_local * self.width, -1);
        let mut start = 0;
        for (row, &end) in self.neighbours.chunks_exact_mut(self.width).zip(&self.ends) {
            for (slot, near) in row.iter_mut().zip(&self.near[start..end]) {
                *slot = near.1;
            }
            start = end;
        }
        Ok(())
    }

    /// Gives rows to the real atoms, centres first.
    fn number(&mut self, atoms: &Atoms<'_>) {
        self.n_all = atoms.len();
        self.atoms.clear();
        self.coordinates.clear();
        self.types.clear();
        self.row_of.clear();
        self.row_of.resize(self.n_all, -1);
        for &centre in atoms.list.centres() {
            self.push(atoms, centre as usize);
        }
        if self.atoms.is_empty() {
            self.atoms.push(None);
            self.coordinates.extend([0.0; 3]);
            self.types.push(0);
        }
        self.n_local = self.atoms.len();
        for atom in 0..self.n_all {
            if self.row_of[atom] < 0 {
                self.push(atoms, atom);
            }
        }
    }

    fn push(&mut self, atoms: &Atoms<'_>, atom: usize) {
        let kind = atoms.types[atom];
        if kind < 0 {
            return;
        }
        self.row_of[atom] = self.atoms.len() as i64;
        self.atoms.push(Some(atom));
        let position = atoms.position(atom);
        self.coordinates
            .extend((0..3).map(|a| position[a] - atoms.origin[a]));
        self.types.push(kind.into());
    }
}
