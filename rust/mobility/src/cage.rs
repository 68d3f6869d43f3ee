//! Cages: which neighbours of the start are no neighbours at the end.

use crate::cell::{Vector, add, dot, subtract};
use crate::grid::Grid;
use crate::pairs::Pairs;
use crate::table::Table;
use crate::window::Window;

/// When the cage of an atom counts as broken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Broken {
    /// When this share of the neighbours is lost.
    Share(f64),
    /// When so many are lost.
    Count(u32),
}

impl Broken {
    /// Whether the cage of an atom that lost `lost` of `count` neighbours is broken.
    pub fn holds(self, count: u32, lost: u32) -> bool {
        count > 0
            && match self {
                // one half is compared in integers
                Broken::Share(0.5) => 2 * lost >= count,
                Broken::Share(share) => f64::from(lost) >= share * f64::from(count),
                Broken::Count(least) => lost >= least,
            }
    }
}

/// Neighbours that left, for every analysed atom.
#[derive(Debug, Clone)]
pub struct Cages {
    /// Neighbours lost.
    pub lost: Vec<u32>,
    /// Neighbours beyond the cutoff itself at the end, without hysteresis.
    pub beyond: Vec<u32>,
}

impl Cages {
    /// The neighbours in `pairs` of atoms of `types` that lie farther away than `hysteresis` times their cutoff at the end of
    /// `window`, by minimum image; twice that distance must not exceed the smallest height of the cell.
    pub fn new(
        window: &Window,
        types: &[u32],
        pairs: &Pairs,
        cutoffs: &Table,
        hysteresis: f64,
    ) -> Self {
        let lowest = window.cell.smallest_height();
        let mut cages = Cages {
            lost: vec![0; window.len()],
            beyond: vec![0; window.len()],
        };
        let ends: Vec<Vector> = pairs
            .atoms()
            .iter()
            .map(|&i| window.end(i as usize))
            .collect();
        let types: Vec<u32> = pairs.atoms().iter().map(|&i| types[i as usize]).collect();
        for (p, &atom) in pairs.atoms().iter().enumerate() {
            let (mut lost, mut beyond) = (0, 0);
            for pair in pairs.row(p as u32) {
                let q = pair.index as usize;
                let tracked = subtract(add(ends[q], pair.shift()), ends[p]);
                let cutoff = cutoffs.get(types[p], types[q]);
                let limit = hysteresis * cutoff;
                let mut square = dot(tracked, tracked);
                // another image can be within the limit only if this one is a lattice vector away from it
                if square > limit * limit && square.sqrt() > lowest - limit {
                    let nearest = window.cell.nearest(tracked);
                    square = square.min(dot(nearest, nearest));
                }
                lost += u32::from(square > limit * limit);
                beyond += u32::from(square > cutoff * cutoff);
            }
            (cages.lost[atom as usize], cages.beyond[atom as usize]) = (lost, beyond);
        }
        cages
    }
}

/// Neighbours at the end that were none at the start, for every analysed atom, both within `cutoffs`. `kept` are those at the
/// start that still are within.
pub fn gained(window: &Window, types: &[u32], cutoffs: &Table, kept: &[u32]) -> Vec<u32> {
    let scaled: Vec<Vector> = (0..window.len())
        .map(|i| {
            let scaled = window.cell.scaled(window.end(i));
            let image = window.cell.image(scaled);
            std::array::from_fn(|axis| scaled[axis] - f64::from(image[axis]))
        })
        .collect();
    let all: Vec<u32> = (0..window.len() as u32).collect();
    let radius = cutoffs.largest().2;
    let grid = Grid::new(&window.cell, &scaled, &all, radius);
    let types: Vec<u32> = grid.numbers().iter().map(|&i| types[i as usize]).collect();
    let mut counts = vec![0u32; window.len()];
    grid.pairs(radius, |p, q, _, square| {
        let cutoff = cutoffs.get(types[p as usize], types[q as usize]);
        counts[p as usize] += u32::from(square < cutoff * cutoff);
    });
    let mut gained = vec![0; window.len()];
    for (&i, &now) in grid.numbers().iter().zip(&counts) {
        gained[i as usize] = now.saturating_sub(kept[i as usize]);
    }
    gained
}

#[cfg(test)]
mod tests {
    use super::Broken;

    #[test]
    fn half_is_half() {
        let half = Broken::Share(0.5);
        assert!(half.holds(12, 6) && !half.holds(12, 5));
        assert!(half.holds(13, 7) && !half.holds(13, 6));
        assert!(!half.holds(0, 0));
        assert!(Broken::Share(0.25).holds(12, 3) && !Broken::Share(0.25).holds(12, 2));
        assert!(Broken::Count(2).holds(12, 2) && !Broken::Count(2).holds(12, 1));
        assert!(!Broken::Count(0).holds(0, 0));
    }
}
