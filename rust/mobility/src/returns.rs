//! What becomes of a jump: whether the atom comes back, or another takes its place.

use deepdms_statistics::Error;

use crate::cell::{Vector, add, dot, subtract};
use crate::frame::{Atoms, Frame};
use crate::grid::Grid;
use crate::minimum::Minimum;
use crate::table::Table;
use crate::window::{Geometry, Window};

/// Where an atom that jumped is at a later frame; the first that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nearer to its start than the threshold.
    Returned,
    /// Away, but another atom of its type lies where it started.
    Refilled,
    /// Away from where it started and from where it jumped to.
    MovedOn,
    /// Where it jumped to.
    Stayed,
}

impl Fate {
    /// Names, in the order of the variants.
    pub const NAMES: [&str; 4] = ["returned", "refilled", "moved_on", "stayed"];
}

/// Atoms that jumped in a window.
#[derive(Debug, Clone, Copy)]
pub struct Jumps<'a> {
    /// The window.
    pub window: &'a Window,
    /// The frame with which it begins.
    pub first: &'a Frame<'a>,
    /// Types of the analysed atoms.
    pub types: &'a [u32],
    /// Those that jumped.
    pub jumped: &'a [u32],
    /// Thresholds of the types.
    pub minima: &'a [Minimum],
    /// A place is taken by an atom of the same type that lies nearer than the distance of this type with itself.
    pub delta: &'a Table,
}

impl Jumps<'_> {
    /// The fate of each at the frame `later`.
    pub fn fates(
        &self,
        atoms: &Atoms,
        later: &Frame<'_>,
        geometry: &Geometry,
    ) -> Result<Vec<Fate>, Error> {
        let Jumps {
            window,
            types,
            minima,
            delta,
            ..
        } = *self;
        let moves = window.moves_to(atoms, self.first, later, geometry)?;
        let length = |vector: Vector| dot(vector, vector).sqrt();
        let threshold = |i: u32| minima[types[i as usize] as usize - 1].u_min;
        let returned = |i: u32| length(moves[i as usize]) < threshold(i);
        let radius = delta.largest().2;
        let all: Vec<u32> = (0..window.len() as u32).collect();
        let grid = self.jumped.iter().any(|&i| !returned(i)).then(|| {
            let scaled: Vec<Vector> = window
                .starts
                .iter()
                .zip(&moves)
                .map(|(&start, &moved)| {
                    let scaled = window.cell.scaled(add(start, moved));
                    let image = window.cell.image(scaled);
                    std::array::from_fn(|axis| scaled[axis] - f64::from(image[axis]))
                })
                .collect();
            Grid::new(&window.cell, &scaled, &all, radius)
        });
        let refilled = |i: u32| {
            let kind = types[i as usize];
            let mut found = false;
            if let Some(grid) = &grid {
                let limit = delta.get(kind, kind);
                grid.near(window.starts[i as usize], radius, |j, _, square| {
                    found |= j != i && types[j as usize] == kind && square < limit * limit;
                });
            }
            found
        };
        Ok(self
            .jumped
            .iter()
            .map(|&i| {
                let away = subtract(moves[i as usize], window.moves[i as usize]);
                if returned(i) {
                    Fate::Returned
                } else if refilled(i) {
                    Fate::Refilled
                } else if length(away) >= threshold(i) {
                    Fate::MovedOn
                } else {
                    Fate::Stayed
                }
            })
            .collect())
    }
}

/// Hops of one type in the halves of a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Halves {
    /// Atoms that hopped in the first half.
    pub first: u64,
    /// Atoms that hopped in the second half.
    pub second: u64,
    /// Atoms that hopped in both and were back after them: driven there and back by the strain.
    pub reversible: u64,
    /// Atoms that hopped over the whole period.
    pub whole: u64,
}

/// Hops of each type between `frames`: the beginning, the middle and the end of a period, each half in its own mean box.
pub fn halves(
    atoms: &Atoms,
    types: &[u32],
    frames: [&Frame<'_>; 3],
    geometry: &Geometry,
    minima: &[Minimum],
) -> Result<Vec<Halves>, Error> {
    let first = Window::new(atoms, frames[0], frames[1], geometry)?;
    let second = Window::new(atoms, frames[1], frames[2], geometry)?;
    let whole = Window::new(atoms, frames[0], frames[2], geometry)?;
    let mut counts = vec![Halves::default(); minima.len()];
    for (i, &kind) in types.iter().enumerate() {
        let count = &mut counts[kind as usize - 1];
        let hops = |window: &Window| window.lengths[i] >= minima[kind as usize - 1].u_min;
        let (a, b, c) = (hops(&first), hops(&second), hops(&whole));
        count.first += u64::from(a);
        count.second += u64::from(b);
        count.whole += u64::from(c);
        count.reversible += u64::from(a && b && !c);
    }
    Ok(counts)
}
