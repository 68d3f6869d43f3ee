//! Configurations on which a reduction is judged before any atom of the user's is known.
//!
//! Their density is that of the training data, as far as the model's statistics tell: the deviation of the angular components
//! of environment rows is the mean of `s²/3` over all slots, and a homogeneous density `n` gives `sum of s² = 4 pi n` times
//! the integral of `w²`. Atoms are displaced from a close-packed lattice, so that near and far pairs occur.

use crate::descriptor::neighbours::NeighbourList;
use crate::model::Descriptor;

/// Cells a side of the close-packed lattice.
const CELLS: usize = 3;
/// Density relative to that of the statistics, and largest displacement along an axis in units of the lattice's nearest
/// neighbour distance.
const STATES: [(f64, f64); 3] = [(1.0, 0.05), (1.15, 0.08), (0.9, 0.12)];

/// A generator of numbers in [0, 1) that gives the same on every machine.
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// A sequence of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What the statistics of a descriptor tell of the configurations that it was trained on.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Atoms of each type [Å⁻³].
    pub densities: Vec<f64>,
    /// Distance of nearest neighbours in a close-packed lattice of that density [Å].
    pub nearest: f64,
}

impl Surroundings {
    /// Reads them off the deviations; densities that would fill hardly any slots, or more than there are, are not believed.
    pub fn of(descriptor: &Descriptor) -> Self {
        let n_types = descriptor.sel.len();
        let cutoff = descriptor.cutoff();
        let sphere = 4.0 / 3.0 * std::f64::consts::PI * cutoff.powi(3);
        let slots = descriptor.slots() as f64;
        let squares: f64 = (0..n_types)
            .flat_map(|a| (0..n_types).map(move |b| (a, b)))
            .map(|(a, b)| {
                let angular = (1..4).map(|c| descriptor.deviation[[a, b, c]].powi(2));
                descriptor.sel[b] as f64 * angular.sum::<f64>() / n_types as f64
            })
            .sum();
        let spacing = |density: f64| (std::f64::consts::SQRT_2 / density).cbrt();
        let believed = |density: f64| density.clamp(0.15 * slots / sphere, 0.9 * slots / sphere);
        let mut density = 0.6 * slots / sphere;
        // the integral of w² begins at the nearest neighbour, which follows from the density
        for _ in 0..20 {
            let steps = 200;
            let start = 0.9 * spacing(density);
            let width = (cutoff - start) / f64::from(steps);
            let weight = |k: i32| {
                let r = start + (f64::from(k) + 0.5) * width;
                descriptor.smoothing.switch(r).0.powi(2) * width
            };
            let integral: f64 = (0..steps).map(weight).sum();
            density = believed(squares / (4.0 * std::f64::consts::PI * integral));
        }
        let share = |b: usize| density * descriptor.sel[b] as f64 / slots;
        Self {
            densities: (0..n_types).map(share).collect(),
            nearest: spacing(density),
        }
    }
}

/// A periodic configuration with its images made explicit.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Positions [Å], `[n_all, 3]`, local atoms first.
    pub positions: Vec<f64>,
    /// Types, `[n_all]`.
    pub types: Vec<i32>,
    /// The local atom that each is an image of, `[n_all]`.
    pub owners: Vec<usize>,
    /// All local atoms with the atoms within the cutoff.
    pub list: NeighbourList,
}

impl Sample {
    /// Some configurations of the density that `surroundings` tells.
    pub fn several(descriptor: &Descriptor, surroundings: &Surroundings) -> Vec<Self> {
        STATES
            .iter()
            .enumerate()
            .map(|(k, &(compression, displacement))| {
                let mut numbers = Numbers::new(k as u64 + 1);
                let spacing = surroundings.nearest / compression.cbrt();
                Self::lattice(
                    descriptor,
                    surroundings,
                    spacing,
                    displacement,
                    &mut numbers,
                )
            })
            .collect()
    }

    fn lattice(
        descriptor: &Descriptor,
        surroundings: &Surroundings,
        spacing: f64,
        displacement: f64,
        numbers: &mut Numbers,
    ) -> Self {
        let cell = spacing * std::f64::consts::SQRT_2;
        let length = cell * CELLS as f64;
        let corners = [
            [0.0, 0.0, 0.0],
            [0.5, 0.5, 0.0],
            [0.5, 0.0, 0.5],
            [0.0, 0.5, 0.5],
        ];
        let mut positions = Vec::new();
        for site in 0..CELLS.pow(3) {
            let at = [site / (CELLS * CELLS), site / CELLS % CELLS, site % CELLS];
            for corner in corners {
                positions.extend((0..3).map(|a| {
                    let moved = displacement * spacing * (2.0 * numbers.draw() - 1.0);
                    (at[a] as f64 + corner[a]) * cell + moved
                }));
            }
        }
        let local = positions.len() / 3;
        let total: f64 = surroundings.densities.iter().sum();
        let mut types: Vec<i32> = (0..local)
            .map(|atom| {
                // each type is there, the others by their share
                let n_types = surroundings.densities.len();
                if atom < 6 * n_types {
                    return (atom % n_types) as i32;
                }
                let mut left = numbers.draw() * total;
                let found = surroundings.densities.iter().position(|density| {
                    left -= density;
                    left < 0.0
                });
                found.unwrap_or(n_types - 1) as i32
            })
            .collect();
        // atoms of the first sites would be sorted otherwise
        for atom in (1..local).rev() {
            types.swap(atom, (numbers.draw() * (atom + 1) as f64) as usize);
        }
        let mut owners: Vec<usize> = (0..local).collect();
        let reach = (descriptor.cutoff() / length).ceil() as i32 + 1;
        let cutoff = descriptor.cutoff() + 2.0 * displacement * spacing;
        for i in -reach..=reach {
            for j in -reach..=reach {
                for k in -reach..=reach {
                    if (i, j, k) == (0, 0, 0) {
                        continue;
                    }
                    let shift = [i, j, k].map(|n| f64::from(n) * length);
                    for atom in 0..local {
                        let image: [f64; 3] =
                            std::array::from_fn(|a| positions[3 * atom + a] + shift[a]);
                        if image.iter().all(|x| (-cutoff..length + cutoff).contains(x)) {
                            positions.extend(image);
                            types.push(types[atom]);
                            owners.push(atom);
                        }
                    }
                }
            }
        }
        let mut list = NeighbourList::default();
        let squared = descriptor.cutoff().powi(2);
        for i in 0..local {
            let near = |&j: &usize| {
                let difference = (0..3).map(|a| positions[3 * j + a] - positions[3 * i + a]);
                j != i && difference.map(|d| d * d).sum::<f64>() < squared
            };
            let around = (0..types.len()).filter(near);
            list.push(i as u32, around.map(|j| j as u32));
        }
        Self {
            positions,
            types,
            owners,
            list,
        }
    }

    /// Forces on the local atoms [eV/Å], `[n, 3]`, from those on all.
    pub fn fold(&self, forces: &[f64]) -> Vec<f64> {
        let mut folded = vec![0.0; 3 * self.list.len()];
        for (force, &owner) in forces.chunks_exact(3).zip(&self.owners) {
            for (sum, force) in folded[3 * owner..][..3].iter_mut().zip(force) {
                *sum += force;
            }
        }
        folded
    }
}
