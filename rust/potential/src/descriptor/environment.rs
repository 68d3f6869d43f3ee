//! Environment rows of a block of centre atoms of one type, sorted into one section a neighbour type.
//!
//! `d = r_j - r_i`, `r = |d|`, `s = w(r)/r`, row `(s, s x/r, s y/r, s z/r)`, less its mean and over its deviation.

use super::neighbours::Atoms;
use crate::Error;
use crate::model::{SeA, Selection};
use std::ops::Range;

/// Atoms closer than this [Å] sit on the same point: `1/r` has no use there.
const OVERLAP: f64 = 1e-6;

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
    /// Normalised rows `R`.
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

/// Neighbours that did not fit into `sel`, by centre and neighbour type.
#[derive(Clone, Debug, Default)]
pub struct Overflow {
    n_types: usize,
    /// Largest number of neighbours of that type seen around one atom; 0 where all of them always fitted.
    most: Vec<usize>,
}

impl Overflow {
    /// For a model of `n_types`.
    pub fn new(n_types: usize) -> Self {
        Self {
            n_types,
            most: vec![0; n_types * n_types],
        }
    }

    /// `(centre type, neighbour type, most neighbours)` for each pair of types that ever overflowed.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let n_types = self.n_types;
        self.most
            .iter()
            .enumerate()
            .filter(|(_, most)| **most > 0)
            .map(move |(k, &most)| (k / n_types, k % n_types, most))
    }

    fn note(&mut self, centre: usize, neighbour: usize, count: usize) {
        let most = &mut self.most[centre * self.n_types + neighbour];
        *most = count.max(*most);
    }
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
        descriptor: &SeA,
        atoms: &Atoms<'_>,
        k: usize,
        centre_type: usize,
        overflow: &mut Overflow,
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
            if squared < OVERLAP * OVERLAP {
                return Err(Error::Overlap {
                    first: centre,
                    second: atom as usize,
                    distance: squared.sqrt(),
                });
            }
            self.candidates[neighbour_type].push(Candidate {
                atom,
                vector,
                squared,
            });
        }
        self.select(descriptor, centre_type, overflow);
        self.centres.push(centre);
        for (neighbour_type, candidates) in self.candidates.iter().enumerate() {
            let section = &mut self.sections[neighbour_type];
            for candidate in candidates {
                let (row, neighbour) = descriptor.row(centre_type, neighbour_type, candidate);
                section.rows.push(row);
                section.neighbours.push(neighbour);
            }
            section.ends.push(section.rows.len());
        }
        Ok(())
    }

    /// Keeps the nearest neighbours where there are more than slots.
    fn select(&mut self, descriptor: &SeA, centre_type: usize, overflow: &mut Overflow) {
        let all: usize = self.candidates.iter().map(Vec::len).sum();
        let crowded = all > descriptor.slots();
        for (neighbour_type, &slots) in descriptor.sel.iter().enumerate() {
            let count = self.candidates[neighbour_type].len();
            if count > slots {
                overflow.note(centre_type, neighbour_type, count);
            }
        }
        if crowded && descriptor.selection == Selection::OverallThenPerType {
            let mut squares: Vec<_> = self
                .candidates
                .iter()
                .flatten()
                .map(|candidate| candidate.squared)
                .collect();
            let (_, &mut limit, _) =
                squares.select_nth_unstable_by(descriptor.slots(), f64::total_cmp);
            for candidates in &mut self.candidates {
                candidates.retain(|candidate| candidate.squared < limit);
            }
        }
        for (candidates, &slots) in self.candidates.iter_mut().zip(&descriptor.sel) {
            if candidates.len() > slots {
                let nearer = |a: &Candidate, b: &Candidate| {
                    a.squared.total_cmp(&b.squared).then(a.atom.cmp(&b.atom))
                };
                candidates.sort_unstable_by(nearer);
                candidates.truncate(slots);
            }
        }
    }
}

impl SeA {
    /// The normalised row of one neighbour, and what its gradient needs.
    #[inline]
    fn row(&self, centre: usize, neighbour: usize, candidate: &Candidate) -> ([f64; 4], Neighbour) {
        let vector = candidate.vector;
        let r = candidate.squared.sqrt();
        let inverse = 1.0 / r;
        let (w, w_slope) = self.smoothing.switch(r);
        let s = w * inverse;
        let s_slope = (w_slope - s) * inverse;
        let q = s * inverse;
        let q_slope = (s_slope - q) * inverse;
        let raw = [s, q * vector[0], q * vector[1], q * vector[2]];
        let row = std::array::from_fn(|c| {
            (raw[c] - self.mean[[centre, neighbour, c]]) / self.deviation[[centre, neighbour, c]]
        });
        let slopes = [s_slope * inverse, q, q_slope * inverse];
        (
            row,
            Neighbour {
                atom: candidate.atom,
                vector,
                slopes,
            },
        )
    }
}

impl Neighbour {
    /// `dE/dd` [eV/Å] from `dE/draw`, the gradient with respect to the row before its deviation is divided out.
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
