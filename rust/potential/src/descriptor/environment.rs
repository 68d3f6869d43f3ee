//! Environment rows of a block of centre atoms of one type, sorted into one section a neighbour type.
//!
//! `d = r_j - r_i`, `r = |d|`, `s = w(r)/r`, row `(s, s x/r, s y/r, s z/r)`, where rows may divide by `r + p` instead of `r`
//! (`env_protection`). Mean and deviation come later: they belong to one descriptor, and the rows here serve all descriptors
//! with the same switch, slots and selection.

use super::counters::Counters;
use super::neighbours::{Atoms, check_apart};
use crate::Error;
use crate::model::{Descriptor, Exclusion, Selection};
use crate::simd::Kernels;
use std::cmp::Ordering;
use std::ops::Range;

/// Neighbours of one type of all centres of the block, centre after centre; one entry a neighbour in each list.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Index of the atom.
    pub atoms: Vec<u32>,
    /// `d` by axis [Å].
    pub vectors: [Vec<f64>; 3],
    /// `s = w(r)/r` [1/Å]
    pub s: Vec<f64>,
    /// `s'(r)/r`
    pub s_slope: Vec<f64>,
    /// `q = s/r`
    pub q: Vec<f64>,
    /// `q'(r)/r`
    pub q_slope: Vec<f64>,
    squares: Vec<f64>,
    ends: Vec<usize>,
}

impl Section {
    /// Where the neighbours of the `k`-th centre stand.
    pub fn range(&self, k: usize) -> Range<usize> {
        let start = if k == 0 { 0 } else { self.ends[k - 1] };
        start..self.ends[k]
    }

    /// Number of neighbours of all centres.
    pub fn len(&self) -> usize {
        self.atoms.len()
    }

    /// Whether no centre has a neighbour of this type.
    pub fn is_empty(&self) -> bool {
        self.atoms.is_empty()
    }

    /// `d` of a neighbour [Å].
    #[inline(always)]
    pub fn vector(&self, j: usize) -> [f64; 3] {
        [self.vectors[0][j], self.vectors[1][j], self.vectors[2][j]]
    }

    /// Distance of a neighbour, squared [Å²].
    #[inline(always)]
    pub fn squared(&self, j: usize) -> f64 {
        self.squares[j]
    }

    /// The row of a neighbour, before mean and deviation.
    #[inline(always)]
    pub fn row(&self, j: usize) -> [f64; 4] {
        let (q, [x, y, z]) = (self.q[j], self.vector(j));
        [self.s[j], q * x, q * y, q * z]
    }

    /// `dE/dd` [eV/Å] of a neighbour from `dE/drow`, the gradient with respect to the row before mean and deviation.
    #[inline(always)]
    pub fn gradient(&self, j: usize, slope_raw: [f64; 4]) -> [f64; 3] {
        let [x, y, z] = self.vector(j);
        let radial = slope_raw[0] * self.s_slope[j]
            + (slope_raw[1] * x + slope_raw[2] * y + slope_raw[3] * z) * self.q_slope[j];
        let q = self.q[j];
        [
            radial * x + q * slope_raw[1],
            radial * y + q * slope_raw[2],
            radial * z + q * slope_raw[3],
        ]
    }

    fn clear(&mut self) {
        self.atoms.clear();
        self.squares.clear();
        self.vectors.iter_mut().for_each(Vec::clear);
        self.ends.clear();
    }

    /// Makes room for so many more; returns where the first of them stands.
    fn grow(&mut self, count: usize) -> usize {
        let start = self.atoms.len();
        self.atoms.resize(start + count, 0);
        self.squares.resize(start + count, 0.0);
        for column in &mut self.vectors {
            column.resize(start + count, 0.0);
        }
        start
    }

    #[inline(always)]
    fn set(&mut self, j: usize, candidate: &Candidate) {
        self.atoms[j] = candidate.atom;
        self.squares[j] = candidate.squared;
        for (column, x) in self.vectors.iter_mut().zip(candidate.vector) {
            column[j] = x;
        }
    }

    fn finish(&mut self, descriptor: &Descriptor, kernels: &Kernels) {
        let n = self.squares.len();
        for column in [
            &mut self.s,
            &mut self.s_slope,
            &mut self.q,
            &mut self.q_slope,
        ] {
            column.resize(n, 0.0);
        }
        let columns = [
            &mut self.s[..],
            &mut self.s_slope,
            &mut self.q,
            &mut self.q_slope,
        ];
        (kernels.environment)(&descriptor.smoothing, &self.squares, columns);
    }
}

/// Environment of a block of centres of one type.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The centre atoms, by index.
    pub centres: Vec<usize>,
    /// One section a neighbour type.
    pub sections: Vec<Section>,
    candidates: Vec<Candidate>,
    /// Candidates of each type.
    counts: Vec<usize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Candidate {
    atom: u32,
    kind: u32,
    vector: [f64; 3],
    squared: f64,
}

impl Environment {
    /// Makes the environment of the centres in `entries` of the list, all of type `centre_type`.
    ///
    /// # Errors
    /// [`Error::Overlap`] if a neighbour sits on a centre.
    pub fn see(
        &mut self,
        descriptor: &Descriptor,
        kernels: &Kernels,
        atoms: &Atoms<'_>,
        centre_type: usize,
        entries: &[u32],
        counters: &mut Counters,
    ) -> Result<(), Error> {
        let n_types = descriptor.sel.len();
        self.centres.clear();
        self.sections.resize_with(n_types, Section::default);
        self.sections.iter_mut().for_each(Section::clear);
        for &k in entries {
            self.push(descriptor, atoms, k as usize, centre_type, counters)?;
        }
        for section in &mut self.sections {
            section.finish(descriptor, kernels);
        }
        Ok(())
    }

    /// Adds the `k`-th centre of the list.
    fn push(
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
        // all are written, and those that are kept stay: a branch would be mispredicted for every third of them
        if self.candidates.len() < around.len() {
            self.candidates.resize(around.len(), Candidate::default());
        }
        let (mut kept, mut nearest) = (0, f64::INFINITY);
        for &atom in around {
            let kind = atoms.types[atom as usize];
            let position = atoms.position(atom as usize);
            let vector: [f64; 3] = std::array::from_fn(|axis| position[axis] - origin[axis]);
            let squared = vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2];
            self.candidates[kept] = Candidate {
                atom,
                kind: kind as u32,
                vector,
                squared,
            };
            let keep = squared < cutoff && kind >= 0;
            nearest = if keep && squared < nearest {
                squared
            } else {
                nearest
            };
            kept += usize::from(keep);
        }
        let candidates = &mut self.candidates[..kept];
        if check_apart(centre, centre, nearest).is_err() {
            for candidate in candidates.iter() {
                check_apart(centre, candidate.atom as usize, candidate.squared)?;
            }
        }
        self.centres.push(centre);
        self.counts.clear();
        self.counts.resize(descriptor.sel.len(), 0);
        for candidate in candidates.iter() {
            self.counts[candidate.kind as usize] += 1;
        }
        if too_many(descriptor, centre_type, &self.counts) {
            kept = select(
                descriptor,
                atoms,
                centre,
                centre_type,
                candidates,
                &mut self.counts,
                counters,
            );
        }
        let sections = self.sections.iter_mut().zip(&mut self.counts);
        for (section, count) in sections {
            let start = section.grow(*count);
            section.ends.push(start + *count);
            *count = start;
        }
        for candidate in &self.candidates[..kept] {
            let next = &mut self.counts[candidate.kind as usize];
            self.sections[candidate.kind as usize].set(*next, candidate);
            *next += 1;
        }
        Ok(())
    }
}

/// Whether some of the neighbours are not kept.
fn too_many(descriptor: &Descriptor, centre_type: usize, counts: &[usize]) -> bool {
    let all: usize = counts.iter().sum();
    let overall = overall(descriptor.selection).is_some_and(|most| all > most);
    let per_type = descriptor.selection.shared_slots().is_none();
    overall
        || counts.iter().enumerate().any(|(b, &count)| {
            per_type && count > descriptor.sel[b]
                || count > 0 && removed(descriptor, centre_type, b)
        })
}

/// Neighbours of all types together that are kept at most, if that is limited.
fn overall(selection: Selection) -> Option<usize> {
    match selection {
        Selection::OverallThenPerType(most) | Selection::Together(most) => Some(most),
        Selection::PerType | Selection::All(_) => None,
    }
}

/// Whether neighbours of a type are taken off the list.
fn removed(descriptor: &Descriptor, centre_type: usize, neighbour_type: usize) -> bool {
    descriptor.excluded[[centre_type, neighbour_type]] == Exclusion::FromList
}

/// Keeps the nearest neighbours where there are more than slots, and takes excluded ones off the list; returns how many stay,
/// at the front, and leaves their numbers in `counts`. Which of several at one distance are kept is as arbitrary as in deepmd-kit,
/// and the same: see [`Key`].
fn select(
    descriptor: &Descriptor,
    atoms: &Atoms<'_>,
    centre: usize,
    centre_type: usize,
    candidates: &mut [Candidate],
    counts: &mut [usize],
    counters: &mut Counters,
) -> usize {
    let per_type = descriptor.selection.shared_slots().is_none();
    for (b, (&slots, &count)) in descriptor.sel.iter().zip(&*counts).enumerate() {
        if per_type && count > slots && !removed(descriptor, centre_type, b) {
            counters.note_overflow(centre_type, b, count, slots);
        }
    }
    let numbered = candidates.iter().enumerate();
    let keyed: Vec<(Key, Candidate)> = numbered
        .map(|(place, one)| {
            let key = Key::of(descriptor.selection, atoms, centre, one.atom, place);
            (key, *one)
        })
        .collect();
    let mut limit = None;
    if let Some(most) = overall(descriptor.selection)
        && keyed.len() > most
    {
        if !per_type {
            counters.note_overflow(centre_type, 0, keyed.len(), most);
        }
        let mut keys: Vec<_> = keyed.iter().map(|(key, _)| *key).collect();
        limit = Some(*keys.select_nth_unstable_by(most, Key::compare).1);
    }
    let mut all: Vec<(Key, Candidate)> = Vec::with_capacity(keyed.len());
    for (b, &slots) in descriptor.sel.iter().enumerate() {
        if removed(descriptor, centre_type, b) {
            counts[b] = 0;
        }
        if counts[b] == 0 {
            continue;
        }
        let start = all.len();
        let near = |(key, one): &&(Key, Candidate)| {
            one.kind == b as u32 && limit.is_none_or(|limit| key.compare(&limit).is_lt())
        };
        all.extend(keyed.iter().filter(near));
        if per_type && all.len() - start > slots {
            all[start..].select_nth_unstable_by(slots, |a, b| a.0.compare(&b.0));
            all.truncate(start + slots);
        }
        counts[b] = all.len() - start;
    }
    for (place, (_, one)) in candidates.iter_mut().zip(&all) {
        *place = *one;
    }
    all.len()
}

/// What neighbours are sorted by where they do not all fit: a distance with the rounding errors that deepmd-kit makes, which
/// decide between those at one distance in a perfect lattice, and then an order.
///
/// TensorFlow graphs round coordinates to single precision, subtract, and sort by the square and by the index of the atom; the
/// native form sorts by the distance in double precision, and by the place in the list. Both count coordinates from the
/// corner of the box.
#[derive(Clone, Copy, Debug)]
struct Key {
    distance: f64,
    order: usize,
}

impl Key {
    fn of(selection: Selection, atoms: &Atoms<'_>, centre: usize, atom: u32, place: usize) -> Self {
        let (here, there) = (atoms.position(centre), atoms.position(atom as usize));
        let from_corner = |position: &[f64; 3], axis: usize| position[axis] - atoms.origin[axis];
        match selection {
            Selection::PerType => {
                let [x, y, z] = std::array::from_fn(|axis| {
                    from_corner(&there, axis) as f32 - from_corner(&here, axis) as f32
                });
                Self {
                    distance: (x * x + y * y + z * z).into(),
                    order: atom as usize,
                }
            }
            Selection::OverallThenPerType(_) | Selection::Together(_) | Selection::All(_) => {
                let [x, y, z] = std::array::from_fn(|axis| {
                    from_corner(&there, axis) - from_corner(&here, axis)
                });
                Self {
                    distance: (x * x + y * y + z * z).sqrt(),
                    order: place,
                }
            }
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let nearer = self.distance.total_cmp(&other.distance);
        nearer.then(self.order.cmp(&other.order))
    }
}
