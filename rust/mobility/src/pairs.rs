//! The list of neighbours at the start of a window.

use crate::cell::{Image, Vector};
use crate::grid::Grid;
use crate::table::Table;
use crate::window::Window;

/// Code of the image (0, 0, 0).
const HOME: u8 = 13;

/// The image behind a code.
#[inline]
fn image_of(code: u8) -> Image {
    let code = i32::from(code);
    [code % 3 - 1, code / 3 % 3 - 1, code / 9 - 1]
}

#[inline]
fn code_of(image: Image) -> u8 {
    (image[0] + 1 + 3 * (image[1] + 1) + 9 * (image[2] + 1)) as u8
}

/// Neighbours j of every analysed atom i: x_j + h n lies nearer to x_i than the cutoff of their types.
///
/// The list is kept in the order of the cells of a grid, so that neighbours lie near one another in memory whatever their
/// IDs are: an atom has a place in this order.
#[derive(Debug, Clone)]
pub struct Pairs {
    /// Atom at each place.
    atoms: Vec<u32>,
    /// Place of each atom.
    places: Vec<u32>,
    /// First neighbour of the atom at each place, and the end of the last.
    firsts: Vec<u32>,
    /// Places of the neighbours.
    indices: Vec<u32>,
    images: Vec<u8>,
    /// h n of every code.
    shifts: [Vector; 27],
}

impl Pairs {
    /// The neighbours in `window` of atoms of `types` within `cutoffs`, twice the largest of which must not exceed the smallest
    /// height of the cell.
    pub fn new(window: &Window, types: &[u32], cutoffs: &Table) -> Self {
        let radius = cutoffs.largest().2;
        let all: Vec<u32> = (0..window.len() as u32).collect();
        let grid = Grid::new(&window.cell, &window.scaled, &all, radius);
        let atoms = grid.numbers().to_vec();
        let mut places = vec![0; atoms.len()];
        for (place, &atom) in (0u32..).zip(&atoms) {
            places[atom as usize] = place;
        }
        let types: Vec<u32> = atoms.iter().map(|&atom| types[atom as usize]).collect();
        let mut firsts = Vec::with_capacity(atoms.len() + 1);
        let mut indices = Vec::with_capacity(16 * atoms.len());
        let mut images = Vec::with_capacity(16 * atoms.len());
        grid.pairs(radius, |p, q, image, distance| {
            let cutoff = cutoffs.get(types[p as usize], types[q as usize]);
            if distance < cutoff * cutoff {
                firsts.resize(p as usize + 1, indices.len() as u32);
                indices.push(q);
                images.push(code_of(image));
            }
        });
        firsts.resize(atoms.len() + 1, indices.len() as u32);
        Pairs {
            atoms,
            places,
            firsts,
            indices,
            images,
            shifts: std::array::from_fn(|code| window.cell.shift(image_of(code as u8))),
        }
    }

    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.atoms.len()
    }

    /// Whether there are no atoms.
    pub fn is_empty(&self) -> bool {
        self.atoms.is_empty()
    }

    /// The atom at each place.
    pub fn atoms(&self) -> &[u32] {
        &self.atoms
    }

    /// The place of atom `i`.
    #[inline]
    pub fn place(&self, i: u32) -> u32 {
        self.places[i as usize]
    }

    /// Number of neighbours of atom `i`.
    pub fn count(&self, i: usize) -> u32 {
        let place = self.places[i] as usize;
        self.firsts[place + 1] - self.firsts[place]
    }

    /// The neighbours of atom `i`, as atoms.
    pub fn of(&self, i: usize) -> impl Iterator<Item = Neighbour<'_>> {
        self.row(self.places[i]).map(|neighbour| Neighbour {
            index: self.atoms[neighbour.index as usize],
            ..neighbour
        })
    }

    /// The neighbours of the atom at `place`, as places.
    #[inline]
    pub fn row(&self, place: u32) -> impl Iterator<Item = Neighbour<'_>> {
        let place = place as usize;
        let range = self.firsts[place] as usize..self.firsts[place + 1] as usize;
        self.indices[range.clone()]
            .iter()
            .zip(&self.images[range])
            .map(|(&index, &code)| Neighbour {
                index,
                code,
                shifts: &self.shifts,
            })
    }
}

/// One entry of the list.
#[derive(Debug, Clone, Copy)]
pub struct Neighbour<'a> {
    /// The neighbour.
    pub index: u32,
    code: u8,
    shifts: &'a [Vector; 27],
}

impl Neighbour<'_> {
    /// The image n of the neighbour.
    #[inline]
    pub fn image(&self) -> Image {
        if self.code == HOME {
            [0; 3]
        } else {
            image_of(self.code)
        }
    }

    /// h n.
    #[inline]
    pub fn shift(&self) -> Vector {
        self.shifts[self.code as usize]
    }
}
