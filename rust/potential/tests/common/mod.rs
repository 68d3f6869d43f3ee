//! Configurations of the stored references, with periodic images made explicit as LAMMPS makes them.

// Each test binary uses its own part of this module.
#![allow(dead_code)]

use deepdms_potential::Error;
use deepdms_potential::descriptor::neighbours::{Atoms, NeighbourList};
use deepdms_potential::engine::{Engine, GhostExchange};
use deepdms_potential::model::{self, Model};
use deepdms_potential::virial::Output;
use serde_json::Value;
use std::path::PathBuf;

/// Extra reach of neighbour lists beyond the cutoff [Å], as in LAMMPS.
const SKIN: f64 = 0.7;

/// The folder of test models.
pub fn models() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/models")
}

/// Reads a test model.
pub fn model(name: &str) -> Model {
    let bytes = std::fs::read(models().join(name)).unwrap();
    model::read(name, &bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// Reads a JSON file of references.
pub fn json(name: &str) -> Value {
    let text = std::fs::read_to_string(models().join("references").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A list of numbers in a JSON tree.
pub fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

/// A configuration: local atoms only.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub types: Vec<i32>,
    pub positions: Vec<f64>,
    /// Rows are the lattice vectors [Å].
    pub cell: Option<[f64; 9]>,
    /// As many as the model takes.
    pub frame_parameters: Vec<f64>,
    /// As many as the model takes, atom after atom.
    pub atom_parameters: Vec<f64>,
}

impl Configuration {
    /// A stored configuration.
    pub fn stored(name: &str) -> Self {
        let all = json("configurations.json");
        let stored = &all["configurations"][name];
        Self {
            types: numbers(&stored["types"])
                .iter()
                .map(|t| *t as i32)
                .collect(),
            positions: numbers(&stored["coordinates"]),
            cell: (!stored["cell"].is_null()).then(|| numbers(&stored["cell"]).try_into().unwrap()),
            frame_parameters: Vec::new(),
            atom_parameters: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Adds the images and evaluates; forces and per-atom virials are folded back onto the local atoms.
    pub fn evaluate(&self, engine: &mut dyn Engine) -> Output {
        let reach = engine.models()[0].cutoff + SKIN;
        let images = Images::new(self, reach);
        let list = images.list(self.len(), reach);
        let atoms = Atoms {
            frame_parameters: &self.frame_parameters,
            atom_parameters: &self.atom_parameters,
            exchange: Some(&images),
            ..images.atoms(&list)
        };
        let mut outputs = [Output::default()];
        engine
            .evaluate(&atoms, true, &mut outputs)
            .unwrap_or_else(|error| panic!("{error}"));
        let [mut output] = outputs;
        for (image, &owner) in images.owners.iter().enumerate().skip(self.len()) {
            for a in 0..3 {
                output.forces[3 * owner + a] += output.forces[3 * image + a];
            }
            for a in 0..9 {
                output.atom_virials[owner][a] += output.atom_virials[image][a];
            }
        }
        output.forces.truncate(3 * self.len());
        output.atom_virials.truncate(self.len());
        output.atom_energies.truncate(self.len());
        output
    }
}

/// Local atoms followed by their images.
#[derive(Debug)]
pub struct Images {
    pub positions: Vec<f64>,
    pub types: Vec<i32>,
    pub owners: Vec<usize>,
}

impl Images {
    pub fn new(configuration: &Configuration, reach: f64) -> Self {
        let n = configuration.len();
        let mut images = Self {
            positions: configuration.positions.clone(),
            types: configuration.types.clone(),
            owners: (0..n).collect(),
        };
        let Some(h) = configuration.cell else {
            return images;
        };
        let vector = |k: usize| [h[3 * k], h[3 * k + 1], h[3 * k + 2]];
        let cross = |a: [f64; 3], b: [f64; 3]| {
            [
                a[1] * b[2] - a[2] * b[1],
                a[2] * b[0] - a[0] * b[2],
                a[0] * b[1] - a[1] * b[0],
            ]
        };
        let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let volume = dot(vector(0), cross(vector(1), vector(2))).abs();
        // atoms may lie outside the cell by up to one cell
        let most: [i64; 3] = std::array::from_fn(|k| {
            let face = cross(vector((k + 1) % 3), vector((k + 2) % 3));
            (reach * dot(face, face).sqrt() / volume).ceil() as i64 + 1
        });
        for i in -most[0]..=most[0] {
            for j in -most[1]..=most[1] {
                for k in -most[2]..=most[2] {
                    if (i, j, k) == (0, 0, 0) {
                        continue;
                    }
                    let shift = [i as f64, j as f64, k as f64];
                    for atom in 0..n {
                        let position: [f64; 3] = std::array::from_fn(|a| {
                            configuration.positions[3 * atom + a]
                                + (0..3).map(|b| shift[b] * h[3 * b + a]).sum::<f64>()
                        });
                        images.positions.extend(position);
                        images.types.push(configuration.types[atom]);
                        images.owners.push(atom);
                    }
                }
            }
        }
        images
    }

    /// What an engine evaluates, without parameters and without a way to ghosts.
    pub fn atoms<'a>(&'a self, list: &'a NeighbourList) -> Atoms<'a> {
        Atoms {
            positions: &self.positions,
            types: &self.types,
            list,
            frame_parameters: &[],
            atom_parameters: &[],
            origin: [0.0; 3],
            exchange: None,
        }
    }

    /// All pairs within `reach` of the first `n_local` atoms.
    pub fn list(&self, n_local: usize, reach: f64) -> NeighbourList {
        let mut list = NeighbourList::default();
        for i in 0..n_local {
            let near = |&j: &usize| {
                let squared: f64 = (0..3)
                    .map(|a| (self.positions[3 * j + a] - self.positions[3 * i + a]).powi(2))
                    .sum();
                j != i && squared < reach * reach
            };
            list.push(
                i as u32,
                (0..self.types.len()).filter(near).map(|j| j as u32),
            );
        }
        list
    }
}

impl GhostExchange for Images {
    fn to_ghosts(&self, values: &mut [f64], columns: usize) -> Result<(), Error> {
        for (image, &owner) in self.owners.iter().enumerate() {
            values.copy_within(owner * columns..(owner + 1) * columns, image * columns);
        }
        Ok(())
    }

    fn to_owners(&self, values: &mut [f64], columns: usize) -> Result<(), Error> {
        for (image, &owner) in self.owners.iter().enumerate() {
            for column in 0..columns {
                if image != owner {
                    values[owner * columns + column] += values[image * columns + column];
                }
            }
        }
        Ok(())
    }
}

/// Largest difference of two equally long lists.
pub fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |most, x| if x > most || x.is_nan() { x } else { most })
}
