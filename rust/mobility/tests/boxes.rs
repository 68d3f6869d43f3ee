//! Displacements in one box: affine strain, drift, reversal, light atoms.

mod common;

use common::{
    AT_REST, FCC, OPEN_DRIFT, Place, SC, atoms, frozen, gaussian, lattice, observe, random_cell,
    settings,
};
use deepdms_mobility::cell::{Matrix, Vector, product};
use deepdms_mobility::random::Random;
use deepdms_mobility::returns::halves;
use deepdms_mobility::{Atoms, Frame, Geometry, Settings, Window};

fn times(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

/// A random matrix near one with a positive determinant, and without symmetry.
fn deformation(random: &mut Random, size: f64) -> Matrix {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| f64::from(i == j) + size * (random.unit() - 0.5))
    })
}

#[test]
fn affine_strain_moves_nothing() {
    let mut random = Random::new(1, 0, 0);
    for _ in 0..20 {
        let edge = 4.0 * 3.6;
        let mut place = lattice(&FCC, 4, 3.6);
        place.matrix = times(
            &deformation(&mut random, 0.1),
            &random_cell(&mut random, edge),
        );
        for s in &mut place.scaled {
            let noise = gaussian(&mut random, 0.01);
            *s = std::array::from_fn(|axis| s[axis] + noise[axis] + random.below(3) as f64);
        }
        let later = Place {
            matrix: times(&deformation(&mut random, 0.3), &place.matrix),
            scaled: place.scaled.clone(),
        };
        let settings = Settings {
            nonaffine: true,
            strings: None,
            ..settings(AT_REST)
        };
        let rules = frozen(1, 2.5, 1.2, 3.0, 1.0);
        let (window, seen) = observe(&place, &later, &atoms(256), &settings, &rules);
        assert!(window.lengths.iter().all(|u| *u < 1e-13 * edge));
        assert!(seen.cages.lost.iter().all(|lost| *lost == 0));
        assert!(seen.neighbours.iter().any(|count| *count >= 4));
        let squares = seen.nonaffine.iter().filter(|square| !square.is_nan());
        assert!(squares.clone().count() > 200);
        assert!(squares.copied().all(|square| square < 1e-13 * edge));
    }
}

#[test]
fn an_affine_map_of_positions_is_no_plastic_event() {
    let mut random = Random::new(2, 0, 0);
    let geometry = Geometry {
        periodic: [false; 3],
        ..OPEN_DRIFT
    };
    let mut place = lattice(&FCC, 4, 3.6);
    place.scaled.iter_mut().for_each(|s| {
        let noise = gaussian(&mut random, 0.01);
        *s = std::array::from_fn(|axis| s[axis] + noise[axis]);
    });
    let map = deformation(&mut random, 0.1);
    let cell = place.cell();
    let later = Place {
        matrix: place.matrix,
        scaled: place
            .scaled
            .iter()
            .map(|&s| cell.scaled(product(&map, cell.real(s))))
            .collect(),
    };
    let settings = Settings {
        nonaffine: true,
        strings: None,
        ..settings(geometry)
    };
    let rules = frozen(1, 2.5, 1.2, 3.0, 1.0);
    let (window, seen) = observe(&place, &later, &atoms(256), &settings, &rules);
    assert!(window.lengths.iter().any(|u| *u > 0.1));
    let whole: Vec<f64> = seen
        .nonaffine
        .iter()
        .copied()
        .filter(|square| !square.is_nan())
        .collect();
    assert!(whole.len() > 200);
    assert!(whole.iter().all(|square| *square < 1e-12));
    // a single atom that moves beside the others is one
    let mut bent = later.clone();
    bent.scaled[130][0] += 0.05;
    let (_, seen) = observe(&place, &bent, &atoms(256), &settings, &rules);
    assert!(seen.nonaffine[130] > 0.1);
}

#[test]
fn too_few_neighbours_or_a_plane_of_them_have_no_affine_map() {
    let flat = Place {
        matrix: common::cubic(20.0),
        scaled: lattice(&SC, 5, 1.0)
            .scaled
            .into_iter()
            .filter(|s| s[2] == 0.0)
            .map(|s| [0.25 * s[0], 0.25 * s[1], 0.0])
            .collect(),
    };
    let count = flat.scaled.len();
    let settings = Settings {
        nonaffine: true,
        strings: None,
        ..settings(AT_REST)
    };
    let rules = frozen(1, 1.0, 0.5, 1.2, 0.6);
    let (_, seen) = observe(&flat, &flat, &atoms(count), &settings, &rules);
    assert!(seen.neighbours.contains(&4) && seen.neighbours.contains(&2));
    assert!(seen.nonaffine.iter().all(|square| square.is_nan()));
}

#[test]
fn the_reversed_window_has_the_opposite_displacements() {
    let mut random = Random::new(3, 0, 0);
    let edge = 14.4;
    let mut place = lattice(&FCC, 4, 3.6);
    place.matrix = random_cell(&mut random, edge);
    let moves: Vec<Vector> = (0..256).map(|_| gaussian(&mut random, 0.5)).collect();
    let mut later = place.moved(|i| moves[i]);
    later.matrix = random_cell(&mut random, edge);
    let atoms = atoms(256);
    let ahead = Window::new(&atoms, &place.frame(0), &later.frame(1), &AT_REST).unwrap();
    let back = Window::new(&atoms, &later.frame(1), &place.frame(0), &AT_REST).unwrap();
    assert_eq!(ahead.cell, back.cell);
    for (u, v) in ahead.moves.iter().zip(&back.moves) {
        assert!((0..3).all(|axis| (u[axis] + v[axis]).abs() < 1e-14 * edge));
    }
    for (x, y) in ahead.drift.iter().zip(&back.drift) {
        assert!((x + y).abs() < 1e-14 * edge);
    }
}

#[test]
fn drift_is_removed_and_reported() {
    let mut random = Random::new(4, 0, 0);
    let place = lattice(&FCC, 4, 3.6);
    let moves: Vec<Vector> = (0..256).map(|_| gaussian(&mut random, 0.2)).collect();
    let drift = [3.0, -20.0, 0.7];
    let plain = place.moved(|i| moves[i]);
    let drifting = place.moved(|i| std::array::from_fn(|axis| moves[i][axis] + drift[axis]));
    let atoms = atoms(256);
    let window =
        |later: &Place| Window::new(&atoms, &place.frame(0), &later.frame(1), &AT_REST).unwrap();
    let (still, moving) = (window(&plain), window(&drifting));
    for (u, v) in still.moves.iter().zip(&moving.moves) {
        assert!((0..3).all(|axis| (u[axis] - v[axis]).abs() < 1e-12));
    }
    for (axis, expected) in drift.into_iter().enumerate() {
        assert!((moving.drift[axis] - still.drift[axis] - expected).abs() < 1e-12);
    }
}

#[test]
fn a_light_atom_pushes_the_others_by_its_mass() {
    let place = lattice(&FCC, 3, 3.6);
    let count = place.scaled.len();
    let step = [1.0, 2.0, -0.5];
    let later = place.moved(|i| if i == 7 { step } else { [0.0; 3] });
    let mut atoms = atoms(count);
    atoms.masses = vec![100.0; count];
    atoms.masses[7] = 1.0;
    let window = Window::new(&atoms, &place.frame(0), &later.frame(1), &AT_REST).unwrap();
    let share = 1.0 / (1.0 + 100.0 * (count as f64 - 1.0));
    for (i, u) in window.moves.iter().enumerate() {
        for axis in 0..3 {
            let expected = if i == 7 { 1.0 - share } else { -share } * step[axis];
            assert!((u[axis] - expected).abs() < 1e-14, "{i}");
        }
    }
}

#[test]
fn the_centre_of_a_group_is_that_of_its_atoms_alone() {
    let place = lattice(&FCC, 3, 3.6);
    let count = place.scaled.len();
    let later = place.moved(|i| if i < 54 { [1.0, 0.0, 0.0] } else { [0.0; 3] });
    let mut atoms = atoms(count);
    atoms.members = (0..count).map(|i| i < 54).collect();
    let drift = |centre| {
        let geometry = Geometry { centre, ..AT_REST };
        let window = Window::new(&atoms, &place.frame(0), &later.frame(1), &geometry).unwrap();
        assert_eq!(window.len(), 54);
        (window.drift[0], window.moves[3][0])
    };
    use deepdms_mobility::window::Centre;
    for (centre, expected) in [
        (Centre::System, 0.5),
        (Centre::Group, 1.0),
        (Centre::None, 0.0),
    ] {
        let (drift, u) = drift(centre);
        assert!((drift - expected).abs() < 1e-13 && (u - 1.0 + expected).abs() < 1e-13);
    }
}

#[test]
fn a_strained_crystal_rests_at_every_phase_and_in_halves() {
    let place = lattice(&FCC, 4, 3.6);
    let strained = |phase: f64| {
        let mut place = place.clone();
        let strain = 0.02 * (std::f64::consts::TAU * phase).sin();
        place.matrix[0][0] *= 1.0 + strain;
        place.matrix[0][1] = 0.3 * strain;
        place
    };
    let atoms = atoms(256);
    for phase in [0.0, 0.1, 0.25, 0.6] {
        let window = Window::new(
            &atoms,
            &strained(phase).frame(0),
            &strained(phase + 0.37).frame(1),
            &AT_REST,
        )
        .unwrap();
        assert!(window.lengths.iter().all(|u| *u < 1e-12 * 14.4));
    }
    let places = [strained(0.25), strained(0.75), strained(1.25)];
    let frames: Vec<Frame> = places.iter().map(|place| place.frame(0)).collect();
    let rules = frozen(1, 2.5, 1.0, 3.0, 1.0);
    let found = halves(
        &atoms,
        &atoms.types,
        [&frames[0], &frames[1], &frames[2]],
        &AT_REST,
        &rules.minima,
    )
    .unwrap();
    assert_eq!(found[0], Default::default());
}

#[test]
fn a_hop_that_the_strain_drives_there_and_back_shows_in_halves_only() {
    let place = lattice(&FCC, 4, 3.6);
    let hop = [2.0, 0.0, 0.0];
    let mut middle = place.moved(|i| if i < 3 { hop } else { [0.0; 3] });
    middle.matrix[0][0] *= 1.03;
    // 0 and 1 come back, 2 stays, 3 leaves in the second half
    let end = place.moved(|i| if i == 2 || i == 3 { hop } else { [0.0; 3] });
    let atoms = atoms(256);
    let rules = frozen(1, 2.5, 1.0, 3.0, 1.0);
    let frames = [&place.frame(0), &middle.frame(1), &end.frame(2)];
    let found = halves(&atoms, &atoms.types, frames, &AT_REST, &rules.minima).unwrap()[0];
    assert_eq!(
        (found.first, found.second, found.reversible, found.whole),
        (3, 3, 2, 2)
    );
}

#[test]
fn what_cannot_be_followed_is_named() {
    let place = lattice(&SC, 3, 1.0);
    let atoms = atoms(27);
    let message = |later: &Place, atoms: &Atoms| {
        Window::new(atoms, &place.frame(5), &later.frame(9), &AT_REST)
            .unwrap_err()
            .to_string()
    };
    let mut fewer = place.clone();
    fewer.scaled.pop();
    assert_eq!(
        message(&fewer, &atoms),
        "the number of atoms changed from 27 to 26; lost or inserted atoms cannot be followed"
    );
    let mut wrong = place.clone();
    wrong.scaled[4][1] = f64::NAN;
    assert_eq!(
        message(&wrong, &atoms),
        "atom 5 has no finite coordinates at step 9"
    );
    let mut unsorted = atoms.clone();
    unsorted.ids.swap(2, 3);
    assert_eq!(
        unsorted.check(1).unwrap_err().to_string(),
        "atom 3 comes after atom 4: sort the atoms by ID, which must be unique"
    );
    let mut foreign = atoms.clone();
    foreign.types[6] = 2;
    assert_eq!(
        foreign.check(1).unwrap_err().to_string(),
        "atom 7 has type 2, and there are 1 types"
    );
    let mut short = atoms.clone();
    short.masses.pop();
    assert_eq!(
        short.check(1).unwrap_err().to_string(),
        "27 atoms have 26 masses: give one for each"
    );
}
