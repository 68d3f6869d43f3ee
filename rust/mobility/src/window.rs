//! Displacements of one window, in one box.
//!
//! Both frames are mapped to the mean h_ref of their cell matrices: x = h_ref s(t0), u = h_ref (s(t1) − s(t0)) − c, y = x + u,
//! with the displacement c of the centre of mass. Affine strain and fluctuations of the box are gone, and the reversed
//! window has the displacements −u.

use deepdms_statistics::{Error, Sum};

use crate::cell::{Cell, Image, Vector, add, dot};
use crate::frame::{Atoms, Frame};

/// Which centre of mass is kept at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Centre {
    /// That of all atoms.
    System,
    /// That of the analysed atoms.
    Group,
    /// None: displacements are taken as they are.
    None,
}

impl Centre {
    /// Names, in the order of the variants.
    pub const NAMES: [&str; 3] = ["system", "group", "none"];

    /// All, in the order of [`Centre::NAMES`].
    pub const ALL: [Centre; 3] = [Centre::System, Centre::Group, Centre::None];
}

/// How cells repeat, and what is held at rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Directions in which the cell repeats.
    pub periodic: [bool; 3],
    /// 2 or 3.
    pub dimension: usize,
    /// The centre of mass at rest.
    pub centre: Centre,
}

/// Starts and displacements of the analysed atoms, which are numbered from 0 in the order of their IDs.
#[derive(Debug, Clone)]
pub struct Window {
    /// The common cell h_ref.
    pub cell: Cell,
    /// Place of each analysed atom among all atoms.
    pub places: Vec<u32>,
    /// Scaled starts, wrapped into the cell.
    pub scaled: Vec<Vector>,
    /// Starts x, wrapped into the cell [length].
    pub starts: Vec<Vector>,
    /// Images of the starts before wrapping.
    pub images: Vec<Image>,
    /// Displacements u [length].
    pub moves: Vec<Vector>,
    /// |u| [length].
    pub lengths: Vec<f64>,
    /// The displacement of the centre of mass that was removed [length].
    pub drift: Vector,
    /// The first analysed atom that moved by more than half the box along a lattice vector.
    pub farthest: Option<u32>,
}

impl Window {
    /// The window between two frames of `atoms`. Fails where a frame has another number of atoms or the cell no volume.
    pub fn new(
        atoms: &Atoms,
        first: &Frame<'_>,
        second: &Frame<'_>,
        geometry: &Geometry,
    ) -> Result<Self, Error> {
        first.check(atoms)?;
        second.check(atoms)?;
        let cell = Cell::between(
            first.matrix,
            second.matrix,
            geometry.periodic,
            geometry.dimension,
        )?;
        let mean = centre(atoms, first, second, geometry.centre);
        let places: Vec<u32> = (0..atoms.len() as u32)
            .filter(|&place| atoms.members[place as usize])
            .collect();
        let mut window = Window {
            cell,
            scaled: Vec::with_capacity(places.len()),
            starts: Vec::with_capacity(places.len()),
            images: Vec::with_capacity(places.len()),
            moves: Vec::with_capacity(places.len()),
            lengths: Vec::with_capacity(places.len()),
            drift: cell.real(mean),
            farthest: None,
            places,
        };
        for index in 0..window.places.len() {
            let place = window.places[index] as usize;
            let unwrapped = first.scaled[place];
            let image = cell.image(unwrapped);
            let scaled = std::array::from_fn(|axis| unwrapped[axis] - f64::from(image[axis]));
            let relative = relative(first, second, place, mean);
            let u = cell.real(relative);
            if window.farthest.is_none()
                && (0..3).any(|axis| cell.periodic()[axis] && relative[axis].abs() > 0.5)
            {
                window.farthest = Some(index as u32);
            }
            window.scaled.push(scaled);
            window.starts.push(cell.real(scaled));
            window.images.push(image);
            window.moves.push(u);
            window.lengths.push(dot(u, u).sqrt());
        }
        Ok(window)
    }

    /// Displacements of the analysed atoms from the frame `first` with which the window begins to the frame `later`, in the
    /// box of the window and by the same rule [length].
    pub fn moves_to(
        &self,
        atoms: &Atoms,
        first: &Frame<'_>,
        later: &Frame<'_>,
        geometry: &Geometry,
    ) -> Result<Vec<Vector>, Error> {
        later.check(atoms)?;
        let mean = centre(atoms, first, later, geometry.centre);
        Ok(self
            .places
            .iter()
            .map(|&place| self.cell.real(relative(first, later, place as usize, mean)))
            .collect())
    }

    /// Number of analysed atoms.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no atoms are analysed.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// End y = x + u of analysed atom `index`, not wrapped [length].
    #[inline]
    pub fn end(&self, index: usize) -> Vector {
        add(self.starts[index], self.moves[index])
    }

    /// Largest relative difference of an element of the two cell matrices, in units of the largest element.
    pub fn box_change(first: &Frame<'_>, second: &Frame<'_>) -> f64 {
        let parts = || first.matrix.iter().flatten();
        let largest = parts().fold(0.0f64, |largest, part| largest.max(part.abs()));
        parts()
            .zip(second.matrix.iter().flatten())
            .map(|(a, b)| (a - b).abs() / largest)
            .fold(0.0, f64::max)
    }
}

/// Scaled displacement of one atom less `mean`.
fn relative(first: &Frame<'_>, second: &Frame<'_>, place: usize, mean: Vector) -> Vector {
    std::array::from_fn(|axis| {
        (second.scaled[place][axis] - first.scaled[place][axis]) - mean[axis]
    })
}

/// Scaled displacement of the centre of mass, summed in the order of IDs.
fn centre(atoms: &Atoms, first: &Frame<'_>, second: &Frame<'_>, centre: Centre) -> Vector {
    let counts = |place: usize| match centre {
        Centre::System => true,
        Centre::Group => atoms.members[place],
        Centre::None => false,
    };
    let mut moment = [Sum::default(); 3];
    let mut mass = Sum::default();
    for place in (0..atoms.len()).filter(|&place| counts(place)) {
        let m = atoms.masses[place];
        for (sum, part) in moment
            .iter_mut()
            .zip(relative(first, second, place, [0.0; 3]))
        {
            sum.add(m * part);
        }
        mass.add(m);
    }
    match mass.total() {
        total if total > 0.0 => moment.map(|sum| sum.total() / total),
        _ => [0.0; 3],
    }
}
