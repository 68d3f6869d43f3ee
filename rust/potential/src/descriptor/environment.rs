//! Environment rows of a block of centre atoms of one type, sorted into one section a neighbour type.
//!
//! `d = r_j - r_i`, `r = |d|`, `s = w(r)/r`, row `(s, s x/r, s y/r, s z/r)`, where rows may divide by `r + p` instead of `r`
//! (`env_protection`). Mean and deviation come later: they belong to one descriptor, and the rows here serve all descriptors
//! with the same switch, slots and selection.

use super::counters::Counters;
use super::neighbours::{Atoms, check_apart};
use crate::Error;
use crate::model::{Descriptor, Exclusion, Selection, Smoothing};
use std::ops::Range;

/// A neighbour that is kept.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    /// Index of the atom.
    pub atom: u32,
    /// `d` [Å]
    pub vector: [f64; 3],
    /// `s'(r)/r`, `q = s/r` and `q'(r)/r`: what the chain rule needs.
    slopes: [f64; 3],
}

/// Neighbours of one type of all centres of the block, centre after centre.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Rows before mean and deviation.
    pub rows: Vec<[f64; 4]>,
    /// Who they are, in the same order.
    pub neighbours: Vec<Neighbour>,
    ends: Vec<usize>,
}

impl Section {
    /// Where the neighbours of the `k`-th centre stand.
    pub fn range(&self, k: usize) -> Range<usize> {
        let start = if k == 0 { 0 } else { self.ends[k - 1] };
        start..self.ends[k]
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.neighbours.clear();
        self.ends.clear();
    }
}

/// Environment of a block of centres of one type.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The centre atoms, by index.
    pub centres: Vec<usize>,
    /// One section a neighbour type.
    pub sections: Vec<Section>,
    candidates: Vec<Vec<Candidate>>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    atom: u32,
    vector: [f64; 3],
    squared: f64,
}

impl Environment {
    /// Starts a block for a descriptor of `n_types`.
    pub fn clear(&mut self, n_types: usize) {
        self.centres.clear();
        self.sections.resize_with(n_types, Section::default);
        self.candidates.resize_with(n_types, Vec::new);
        self.sections.iter_mut().for_each(Section::clear);
    }

    /// Adds the `k`-th centre of the list, whose type is `centre_type`.
    ///
    /// # Errors
    /// [`Error::Overlap`] if a neighbour sits on the centre.
    pub fn push(
        &mut self,
        descriptor: &Descriptor,
        atoms: &Atoms<'_>,
        k: usize,
        centre_type: usize,
        counters: &mut Counters,
    ) -> Result<(), Error> {
        let (centre, around) = atoms.list.entry(k);
        let origin = atoms.position(centre);
        let cutoff = descriptor.cutoff() * descriptor.cutoff();
        self.candidates.iter_mut().for_each(Vec::clear);
        for &atom in around {
            let Ok(neighbour_type) = usize::try_from(atoms.types[atom as usize]) else {
                continue;
            };
            let position = atoms.position(atom as usize);
            let vector: [f64; 3] = std::array::from_fn(|axis| position[axis] - origin[axis]);
            let squared = vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2];
            if squared >= cutoff {
                continue;
            }
            check_apart(centre, atom as usize, squared)?;
            self.candidates[neighbour_type].push(Candidate {
                atom,
                vector,
                squared,
            });
        }
        self.select(descriptor, centre_type, counters);
        self.centres.push(centre);
        for (neighbour_type, candidates) in self.candidates.iter().enumerate() {
            let section = &mut self.sections[neighbour_type];
            for candidate in candidates {
                let (row, neighbour) = candidate.row(&descriptor.smoothing);
                section.rows.push(row);
                section.neighbours.push(neighbour);
            }
            section.ends.push(section.rows.len());
        }
        Ok(())
    }

    /// Keeps the nearest neighbours where there are more than slots, and takes excluded ones off the list.
    fn select(&mut self, descriptor: &Descriptor, centre_type: usize, counters: &mut Counters) {
        let removed = |neighbour_type: usize| {
            descriptor.excluded[[centre_type, neighbour_type]] == Exclusion::FromList
        };
        for (neighbour_type, &slots) in descriptor.sel.iter().enumerate() {
            let count = self.candidates[neighbour_type].len();
            if count > slots && !removed(neighbour_type) {
                counters.note_overflow(centre_type, neighbour_type, count, slots);
            }
        }
        let all: usize = self.candidates.iter().map(Vec::len).sum();
        if let Selection::OverallThenPerType(most) = descriptor.selection
            && all > most
        {
            let mut squares: Vec<_> = self
                .candidates
                .iter()
                .flatten()
                .map(|candidate| candidate.squared)
                .collect();
            let (_, &mut limit, _) = squares.select_nth_unstable_by(most, f64::total_cmp);
            for candidates in &mut self.candidates {
                candidates.retain(|candidate| candidate.squared < limit);
            }
        }
        for (neighbour_type, &slots) in descriptor.sel.iter().enumerate() {
            let candidates = &mut self.candidates[neighbour_type];
            if removed(neighbour_type) {
                candidates.clear();
            } else if candidates.len() > slots {
                let nearer = |a: &Candidate, b: &Candidate| {
                    a.squared.total_cmp(&b.squared).then(a.atom.cmp(&b.atom))
                };
                candidates.sort_unstable_by(nearer);
                candidates.truncate(slots);
            }
        }
    }
}

impl Candidate {
    /// The row, and what its gradient needs.
    #[inline]
    fn row(&self, smoothing: &Smoothing) -> ([f64; 4], Neighbour) {
        let vector = self.vector;
        let r = self.squared.sqrt();
        let inverse = 1.0 / r;
        let protected = 1.0 / (r + smoothing.protection);
        let (w, w_slope) = smoothing.switch(r);
        let s = w * protected;
        let s_slope = (w_slope - s) * protected;
        let q = s * protected;
        let q_slope = (s_slope - q) * protected;
        let row = [s, q * vector[0], q * vector[1], q * vector[2]];
        let slopes = [s_slope * inverse, q, q_slope * inverse];
        (
            row,
            Neighbour {
                atom: self.atom,
                vector,
                slopes,
            },
        )
    }
}

impl Neighbour {
    /// `dE/dd` [eV/Å] from `dE/drow`, the gradient with respect to the row before mean and deviation.
    #[inline]
    pub fn gradient(&self, slope_raw: [f64; 4]) -> [f64; 3] {
        let [s_slope, q, q_slope] = self.slopes;
        let [x, y, z] = self.vector;
        let radial = slope_raw[0] * s_slope
            + (slope_raw[1] * x + slope_raw[2] * y + slope_raw[3] * z) * q_slope;
        [
            radial * x + q * slope_raw[1],
            radial * y + q * slope_raw[2],
            radial * z + q * slope_raw[3],
        ]
    }
}
