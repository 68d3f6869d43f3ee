//! What chance alone would show.

use std::f64::consts::PI;

use crate::cell::{Vector, add};
use crate::random::Random;
use crate::strings::Movers;
use crate::window::Window;

/// Purpose of the random numbers of percolation.
pub const PERCOLATION: u64 = 0;
/// Purpose of those of strings.
const STRINGS: u64 = 1;

/// The generator of a shuffle.
pub fn generator(seed: u64, window: u64, shuffle: u64, purpose: u64) -> Random {
    Random::new(seed, window, 2 * shuffle + purpose)
}

/// Which shuffles.
#[derive(Debug, Clone, Copy)]
pub struct Shuffles {
    /// The seed.
    pub seed: u64,
    /// Number of the window.
    pub window: u64,
    /// How many.
    pub count: u64,
}

/// Calls `each` with random atoms of `window` instead of the fast ones, as many of each type, of which `fast` are the types
/// and `moves` the displacements: these go to the random atoms, permuted within their type.
pub fn strings(
    window: &Window,
    types: &[u32],
    fast: &[u32],
    moves: &[Vector],
    shuffles: &Shuffles,
    mut each: impl FnMut(&Movers),
) {
    let kinds = types.iter().max().map_or(0, |most| *most as usize);
    let mut atoms = vec![Vec::new(); kinds + 1];
    for (i, &kind) in (0u32..).zip(types) {
        atoms[kind as usize].push(i);
    }
    let mut given = vec![Vec::new(); kinds + 1];
    for (i, &kind) in (0u32..).zip(fast) {
        given[kind as usize].push(i);
    }
    for shuffle in 0..shuffles.count {
        let mut random = generator(shuffles.seed, shuffles.window, shuffle, STRINGS);
        let mut chosen: Vec<(u32, u32)> = Vec::with_capacity(fast.len());
        for (atoms, given) in atoms.iter().zip(&given) {
            let (mut atoms, mut given) = (atoms.clone(), given.clone());
            while let Some(moved) = random.take(&mut given) {
                chosen.extend(random.take(&mut atoms).map(|atom| (atom, moved)));
            }
        }
        chosen.sort_unstable();
        let place = |atom: u32| atom as usize;
        each(&Movers {
            scaled: chosen
                .iter()
                .map(|&(atom, _)| window.scaled[place(atom)])
                .collect(),
            ends: chosen
                .iter()
                .map(|&(atom, moved)| add(window.starts[place(atom)], moves[moved as usize]))
                .collect(),
            types: chosen.iter().map(|&(atom, _)| types[place(atom)]).collect(),
        });
    }
}

/// Share of fast atoms without a link by the rule `donati` where starts and ends are random: exp(−2nv), with n fast atoms a
/// volume and v the volume of a sphere (or the area of a circle) of radius `delta`.
pub fn isolated(density: f64, delta: f64, dimension: usize) -> f64 {
    (-2.0 * density * ball(delta, dimension)).exp()
}

/// Probability q of a link out of a fast atom by the rule `chain` where starts and ends are random, (1 − exp(−2nv))/2; then
/// P(ξ) ∝ q^(ξ−1), and the mean length from ξ = 1 on is 1/(1 − q).
pub fn chain_link(density: f64, delta: f64, dimension: usize) -> f64 {
    0.5 * (1.0 - isolated(density, delta, dimension))
}

fn ball(radius: f64, dimension: usize) -> f64 {
    match dimension {
        2 => PI * radius * radius,
        _ => 4.0 / 3.0 * PI * radius.powi(3),
    }
}
