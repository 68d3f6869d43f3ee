//! Lattices, displaced atoms, slow references, and a store for states.
#![allow(dead_code)]

use deepdms_mobility::calibration::Frozen;
use deepdms_mobility::cell::{Matrix, Vector, dot, subtract};
use deepdms_mobility::minimum::Minimum;
use deepdms_mobility::observation::Observation;
use deepdms_mobility::random::Random;
use deepdms_mobility::table::Table;
use deepdms_mobility::window::Centre;
use deepdms_mobility::{Atoms, Cell, Error, Frame, Geometry, Settings, Window};
use deepdms_statistics::{Stored, Stream};

/// A periodic cell in three dimensions, with nothing held at rest.
pub const OPEN_DRIFT: Geometry = Geometry {
    periodic: [true; 3],
    dimension: 3,
    centre: Centre::None,
};

/// The same with the centre of mass at rest.
pub const AT_REST: Geometry = Geometry {
    centre: Centre::System,
    ..OPEN_DRIFT
};

/// Scaled sites of the simple cubic lattice.
pub const SC: [Vector; 1] = [[0.0; 3]];
/// Scaled sites of the body-centred cell.
pub const BCC: [Vector; 2] = [[0.0; 3], [0.5; 3]];
/// Scaled sites of the face-centred cell.
pub const FCC: [Vector; 4] = [[0.0; 3], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];

/// A configuration.
#[derive(Debug, Clone)]
pub struct Place {
    pub matrix: Matrix,
    pub scaled: Vec<Vector>,
}

impl Place {
    pub fn frame(&self, step: i64) -> Frame<'_> {
        Frame {
            step,
            matrix: self.matrix,
            scaled: &self.scaled,
        }
    }

    pub fn cell(&self) -> Cell {
        Cell::new(self.matrix, [true; 3], 3).unwrap()
    }

    /// The same with atom `i` moved by `moves[i]` [length].
    pub fn moved(&self, mut moves: impl FnMut(usize) -> Vector) -> Place {
        let cell = self.cell();
        let mut moved = self.clone();
        for (i, s) in moved.scaled.iter_mut().enumerate() {
            let step = cell.scaled(moves(i));
            *s = std::array::from_fn(|axis| s[axis] + step[axis]);
        }
        moved
    }
}

/// A cubic matrix.
pub fn cubic(edge: f64) -> Matrix {
    [[edge, 0.0, 0.0], [0.0, edge, 0.0], [0.0, 0.0, edge]]
}

/// `cells`³ cells of edge `a` with the sites `basis`; the site of a simple cubic lattice with the coordinates x, y, z has the
/// number (x·cells + y)·cells + z.
pub fn lattice(basis: &[Vector], cells: usize, a: f64) -> Place {
    let mut scaled = Vec::new();
    for x in 0..cells {
        for y in 0..cells {
            for z in 0..cells {
                for site in basis {
                    let corner = [x as f64, y as f64, z as f64];
                    scaled.push(std::array::from_fn(|axis| {
                        (corner[axis] + site[axis]) / cells as f64
                    }));
                }
            }
        }
    }
    Place {
        matrix: cubic(cells as f64 * a),
        scaled,
    }
}

/// Atoms of one type and mass 1 with the IDs 1 … n.
pub fn atoms(count: usize) -> Atoms {
    typed(vec![1; count])
}

/// Atoms of these types and mass 1 with the IDs 1 … n.
pub fn typed(types: Vec<u32>) -> Atoms {
    let count = types.len();
    Atoms::all((1..=count as u64).collect(), types, vec![1.0; count])
}

/// Settings with thresholds given: u_min, cutoff and δ, for one type.
pub fn settings(geometry: Geometry) -> Settings {
    Settings {
        percolation: false,
        ..Settings::new(1, geometry, 1.0)
    }
}

/// Thresholds that are the same for all of `types` types.
pub fn frozen(types: usize, r_nn: f64, u_min: f64, cutoff: f64, delta: f64) -> Frozen {
    Frozen {
        r_nn,
        minima: vec![Minimum::given(u_min); types],
        all: Minimum::given(u_min),
        cutoffs: Table::filled(types, cutoff),
        peaks: Table::filled(types, r_nn),
        delta: Table::filled(types, delta),
        overlap: 0.3 * r_nn,
    }
}

/// What the window between two places shows.
pub fn observe(
    first: &Place,
    second: &Place,
    atoms: &Atoms,
    settings: &Settings,
    frozen: &Frozen,
) -> (Window, Observation) {
    let window = Window::new(atoms, &first.frame(0), &second.frame(1), &settings.geometry).unwrap();
    let observation = Observation::new(&window, atoms.types.clone(), settings, frozen, 1);
    (window, observation)
}

/// A normal deviate.
pub fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.unit()).cos()
}

/// A vector of normal deviates with this standard deviation.
pub fn gaussian(random: &mut Random, deviation: f64) -> Vector {
    std::array::from_fn(|_| deviation * normal(random))
}

/// A random direction.
pub fn direction(random: &mut Random) -> Vector {
    let vector = gaussian(random, 1.0);
    let length = dot(vector, vector).sqrt();
    vector.map(|part| part / length)
}

/// Mean and standard error.
pub fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n * (n - 1.0))).sqrt())
}

/// A cell with random edges and tilts, right-handed, as LAMMPS has it.
pub fn random_cell(random: &mut Random, edge: f64) -> Matrix {
    let mut length = || edge * (0.8 + 0.4 * random.unit());
    let [lx, ly, lz] = [length(), length(), length()];
    let mut tilt = |along: f64| along * (random.unit() - 0.5);
    [
        [lx, tilt(lx), tilt(lx)],
        [0.0, ly, tilt(ly)],
        [0.0, 0.0, lz],
    ]
}

/// Every image n of every pair i, j nearer than `radius`, the slow way: (i, j, n) with x_j + h n − `from`_i.
pub fn all_pairs(
    cell: &Cell,
    from: &[Vector],
    to: &[Vector],
    reach: i32,
    mut found: impl FnMut(usize, usize, [i32; 3], f64),
) {
    let mut images = Vec::new();
    for p in -reach..=reach {
        for q in -reach..=reach {
            for r in -reach..=reach {
                images.push(([p, q, r], cell.shift([p, q, r])));
            }
        }
    }
    for (i, &a) in from.iter().enumerate() {
        for (j, &b) in to.iter().enumerate() {
            let apart = subtract(b, a);
            for &(image, shift) in &images {
                let apart: Vector = std::array::from_fn(|axis| apart[axis] + shift[axis]);
                found(i, j, image, dot(apart, apart));
            }
        }
    }
}

/// Connected components by breadth-first search: the smallest member of the component of each node, or nothing.
pub fn components(
    count: usize,
    inside: impl Fn(usize) -> bool,
    bonds: &[(usize, usize)],
) -> Vec<Option<usize>> {
    let mut next = vec![Vec::new(); count];
    for &(i, j) in bonds {
        next[i].push(j);
        next[j].push(i);
    }
    let mut labels = vec![None; count];
    for start in (0..count).filter(|&i| inside(i)) {
        if labels[start].is_some() {
            continue;
        }
        let mut queue = std::collections::VecDeque::from([start]);
        labels[start] = Some(start);
        while let Some(i) = queue.pop_front() {
            for &j in &next[i] {
                if labels[j].is_none() {
                    labels[j] = Some(start);
                    queue.push_back(j);
                }
            }
        }
    }
    labels
}

/// Numbers and texts, one after another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Store {
    numbers: Vec<u64>,
    texts: Vec<String>,
    /// Places of the next number and text; none while writing.
    reading: Option<(usize, usize)>,
}

impl Store {
    /// The state of `item`.
    pub fn of(item: &(impl Stored + Clone)) -> Self {
        let mut store = Store::default();
        item.clone().pass(&mut store).unwrap();
        store
    }

    /// Gives the state to `item`, to the last number.
    pub fn restore(&self, item: &mut impl Stored) -> Result<(), Error> {
        let mut store = self.clone();
        store.reading = Some((0, 0));
        item.pass(&mut store)?;
        assert_eq!(store.reading, Some((self.numbers.len(), self.texts.len())));
        Ok(())
    }
}

impl Stream for Store {
    fn pass_integer(&mut self, value: &mut u64) -> Result<(), Error> {
        match &mut self.reading {
            None => self.numbers.push(*value),
            Some((next, _)) => {
                *value = self.numbers[*next];
                *next += 1;
            }
        }
        Ok(())
    }

    fn pass_real(&mut self, value: &mut f64) -> Result<(), Error> {
        let mut bits = value.to_bits();
        self.pass_integer(&mut bits)?;
        *value = f64::from_bits(bits);
        Ok(())
    }

    fn pass_length(&mut self, value: &mut usize) -> Result<(), Error> {
        let mut length = *value as u64;
        self.pass_integer(&mut length)?;
        *value = length as usize;
        Ok(())
    }

    fn pass_text(&mut self, value: &mut String) -> Result<(), Error> {
        match &mut self.reading {
            None => self.texts.push(value.clone()),
            Some((_, next)) => {
                value.clone_from(&self.texts[*next]);
                *next += 1;
            }
        }
        Ok(())
    }
}
