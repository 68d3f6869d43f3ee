//! From pair gradients to forces, virials and per-atom virials.
//!
//! With `g = dE_i/dd` for centre `i`, neighbour `j` and `d = r_j - r_i`, the force on `j` is `f = -g` and that on `i` is
//! `g`. The virial is `W[a][b] = sum f[a] d[b]`, stored at `3 a + b`, and the share of a pair belongs to its neighbour `j`:
//! deepmd-kit's convention, and LAMMPS' for `compute centroid/stress/atom`.

/// Where the symmetric part of a 9-component virial stands in LAMMPS' order `xx yy zz xy xz yz`: two entries to average.
const SYMMETRIC: [(usize, usize); 6] = [(0, 0), (4, 4), (8, 8), (1, 3), (2, 6), (5, 7)];
/// LAMMPS' centroid order `xx yy zz xy xz yz yx zx zy`, where `xy` is `r_x f_y`.
const CENTROID: [usize; 9] = [0, 4, 8, 3, 6, 7, 1, 2, 5];

/// The six components `xx yy zz xy xz yz` of a virial `[3, 3]`.
pub fn symmetric(virial: &[f64; 9]) -> [f64; 6] {
    SYMMETRIC.map(|(a, b)| 0.5 * (virial[a] + virial[b]))
}

/// The nine components `xx yy zz xy xz yz yx zx zy` of a virial `[3, 3]`, where `xy` is `r_x f_y`.
pub fn centroid(virial: &[f64; 9]) -> [f64; 9] {
    CENTROID.map(|k| virial[k])
}

/// What an evaluation gives; reused from step to step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Energy of all centres [eV].
    pub energy: f64,
    /// Energy of each centre [eV], by atom index, `[n_all]`; 0 for all others.
    pub atom_energies: Vec<f64>,
    /// Forces [eV/Å], `[n_all, 3]`, ghosts included.
    pub forces: Vec<f64>,
    /// Virial [eV], `[3, 3]`, first index the force's.
    pub virial: [f64; 9],
    /// Virial by atom [eV], `[n_all, 3, 3]`; empty unless asked for.
    pub atom_virials: Vec<[f64; 9]>,
}

impl Output {
    /// Zeroes everything for `n_all` atoms.
    pub fn clear(&mut self, n_all: usize, with_atom_virials: bool) {
        self.energy = 0.0;
        self.virial = [0.0; 9];
        self.atom_energies.clear();
        self.atom_energies.resize(n_all, 0.0);
        self.forces.clear();
        self.forces.resize(3 * n_all, 0.0);
        self.atom_virials.clear();
        if with_atom_virials {
            self.atom_virials.resize(n_all, [0.0; 9]);
        }
    }

    /// Memory that is held.
    pub fn bytes(&self) -> usize {
        8 * (self.atom_energies.capacity() + self.forces.capacity())
            + 72 * self.atom_virials.capacity()
    }

    /// Adds what another evaluation of the same atoms gave.
    pub fn merge(&mut self, other: &Self) {
        let add = |sums: &mut [f64], values: &[f64]| {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value;
            }
        };
        self.energy += other.energy;
        add(&mut self.virial, &other.virial);
        add(&mut self.forces, &other.forces);
        add(&mut self.atom_energies, &other.atom_energies);
        add(
            self.atom_virials.as_flattened_mut(),
            other.atom_virials.as_flattened(),
        );
    }

    /// Adds the energy of a centre [eV].
    pub fn add_energy(&mut self, centre: usize, energy: f64) {
        self.energy += energy;
        self.atom_energies[centre] += energy;
    }

    /// Adds the pairs of one centre: its neighbours with `d` [Å] and `dE_centre/dd` [eV/Å].
    #[inline]
    pub fn add_pairs(
        &mut self,
        centre: usize,
        pairs: impl Iterator<Item = (usize, [f64; 3], [f64; 3])>,
    ) {
        // sums of the centre stay in registers
        let (mut total, mut virial) = ([0.0; 3], [0.0; 9]);
        for (neighbour, vector, gradient) in pairs {
            let forces = &mut self.forces[3 * neighbour..3 * neighbour + 3];
            for a in 0..3 {
                total[a] += gradient[a];
                forces[a] -= gradient[a];
                for b in 0..3 {
                    virial[3 * a + b] -= gradient[a] * vector[b];
                }
            }
            if let Some(sums) = self.atom_virials.get_mut(neighbour) {
                for (k, sum) in sums.iter_mut().enumerate() {
                    *sum -= gradient[k / 3] * vector[k % 3];
                }
            }
        }
        for (sum, total) in self.forces[3 * centre..3 * centre + 3]
            .iter_mut()
            .zip(total)
        {
            *sum += total;
        }
        for (sum, share) in self.virial.iter_mut().zip(virial) {
            *sum += share;
        }
    }

    /// Adds a pair: `gradient` is `dE_centre/dd` [eV/Å], `vector` is `d` [Å].
    #[inline]
    pub fn add_pair(
        &mut self,
        centre: usize,
        neighbour: usize,
        vector: [f64; 3],
        gradient: [f64; 3],
    ) {
        for (a, slope) in gradient.into_iter().enumerate() {
            self.forces[3 * centre + a] += slope;
            self.forces[3 * neighbour + a] -= slope;
        }
        let share: [f64; 9] = std::array::from_fn(|k| -gradient[k / 3] * vector[k % 3]);
        for (sum, share) in self.virial.iter_mut().zip(share) {
            *sum += share;
        }
        if let Some(sums) = self.atom_virials.get_mut(neighbour) {
            for (sum, share) in sums.iter_mut().zip(share) {
                *sum += share;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Output, centroid, symmetric};

    #[test]
    fn components_go_where_lammps_wants_them() {
        // f = (1, 2, 3), d = (10, 20, 30): entry 3 a + b is f_a d_b
        let mut output = Output::default();
        output.clear(2, true);
        output.add_pair(0, 1, [10.0, 20.0, 30.0], [-1.0, -2.0, -3.0]);
        assert_eq!(output.forces, [-1.0, -2.0, -3.0, 1.0, 2.0, 3.0]);
        assert_eq!(output.atom_virials[0], [0.0; 9]);
        assert_eq!(output.atom_virials[1], output.virial);
        // xx yy zz, then r_x f_y, r_x f_z, r_y f_z and their transposes
        assert_eq!(
            centroid(&output.virial),
            [10.0, 40.0, 90.0, 20.0, 30.0, 60.0, 20.0, 30.0, 60.0]
        );
        let mut skewed = [0.0; 9];
        skewed[3] = 4.0;
        assert_eq!(centroid(&skewed)[3], 4.0);
        assert_eq!(symmetric(&skewed)[3], 2.0);
    }
}
