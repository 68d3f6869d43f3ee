//! What must not matter: order of storage, origin, orientation, choice of lattice vectors, number of cells.

mod common;

use common::{AT_REST, FCC, Place, frozen, gaussian, lattice, observe, settings, typed};
use deepdms_mobility::cell::{Matrix, Vector, product};
use deepdms_mobility::frame::order;
use deepdms_mobility::observation::Observation;
use deepdms_mobility::random::Random;
use deepdms_mobility::strings::Rule;
use deepdms_mobility::{Atoms, Settings, Window};

/// A crystal with noise in which a tenth of the atoms hop by about a neighbour distance, and a row wraps.
fn sample() -> (Place, Place, Atoms) {
    let mut random = Random::new(51, 0, 0);
    let a = 3.6;
    let place = lattice(&FCC, 5, a).moved(|_| gaussian(&mut random, 0.08));
    let count = place.scaled.len();
    let near = a / 2f64.sqrt();
    let moves: Vec<Vector> = (0..count)
        .map(|_| {
            if random.unit() < 0.15 {
                common::direction(&mut random).map(|part| part * near)
            } else {
                gaussian(&mut random, 0.1)
            }
        })
        .collect();
    // the row of the first sites of the cells along C
    let later = place.moved(|i| {
        if i % 4 == 0 && i < 20 {
            [0.0, 0.0, a]
        } else {
            moves[i]
        }
    });
    let atoms = typed((0..count as u32).map(|i| 1 + i % 2).collect());
    (place, later, atoms)
}

fn show(first: &Place, second: &Place, atoms: &Atoms) -> (Window, Observation) {
    let settings = Settings {
        types: 2,
        percolation: true,
        nonaffine: true,
        ..settings(AT_REST)
    };
    observe(
        first,
        second,
        atoms,
        &settings,
        &frozen(2, 2.5, 1.2, 3.1, 1.4),
    )
}

/// Everything that is a whole number, by atom ID.
fn sets(seen: &Observation, ids: &[u64]) -> Vec<(u64, Vec<u64>)> {
    let id = |index: u32| ids.get(index as usize).copied().unwrap_or(0);
    let mut rows: Vec<(u64, Vec<u64>)> = (0..ids.len())
        .map(|i| {
            let mut row = vec![
                u64::from(seen.jumped[i]),
                u64::from(seen.neighbours[i]),
                u64::from(seen.cages.lost[i]),
                u64::from(seen.cages.beyond[i]),
                u64::from(seen.broken[i]),
                seen.class[i].unsigned_abs().into(),
                u64::from(seen.class[i] > 0),
                id(seen.places_taken()[i]),
            ];
            for rule in Rule::ALL {
                row.push(id(seen.string_labels(rule)[i]));
                row.push(u64::from(seen.string_sizes(rule)[i]));
            }
            for clusters in &seen.clusters {
                let cluster = clusters.list.get(clusters.of[i] as usize);
                row.push(cluster.map_or(0, |cluster| id(cluster.first)));
                row.push(cluster.map_or(0, |cluster| u64::from(cluster.size)));
                row.push(cluster.map_or(9, |cluster| cluster.wrap.rank() as u64));
            }
            (ids[i], row)
        })
        .collect();
    rows.sort_unstable();
    rows
}

/// Radii of the clusters, squares of displacements, and D²_min, of both to be compared.
fn reals(window: &Window, seen: &Observation) -> Vec<f64> {
    let radii = seen
        .clusters
        .iter()
        .flat_map(|clusters| clusters.list.iter().map(|cluster| cluster.radius));
    window
        .lengths
        .iter()
        .copied()
        .chain(radii)
        .chain(seen.nonaffine.iter().copied())
        .filter(|value| !value.is_nan())
        .collect()
}

fn assert_close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() < 1e-12 * (1.0 + a.abs()), "{a} {b}");
    }
}

fn thresholds(seen: &Observation) -> Vec<u64> {
    let found = seen.thresholds.unwrap();
    let any = found.iter().flat_map(|found| [found.any, found.full]);
    any.map(|crossing| crossing.fraction.to_bits()).collect()
}

#[test]
fn the_order_of_storage_does_not_matter() {
    let (first, second, atoms) = sample();
    let (window, seen) = show(&first, &second, &atoms);
    let mut random = Random::new(3, 3, 3);
    let mut stored: Vec<u32> = Vec::new();
    let mut pool: Vec<u32> = (0..atoms.len() as u32).collect();
    while let Some(next) = random.take(&mut pool) {
        stored.push(next);
    }
    // what a caller does: sort what is stored anyhow by ID
    let ids: Vec<u64> = stored.iter().map(|&i| atoms.ids[i as usize]).collect();
    let sorted = order(&ids);
    let back = |place: &Place| Place {
        matrix: place.matrix,
        scaled: sorted
            .iter()
            .map(|&k| place.scaled[stored[k] as usize])
            .collect(),
    };
    let again = Atoms {
        ids: sorted.iter().map(|&k| ids[k]).collect(),
        ..atoms.clone()
    };
    let (other_window, other) = show(&back(&first), &back(&second), &again);
    assert_eq!(window.moves, other_window.moves);
    assert_eq!(seen.tally, other.tally);
    assert_eq!(sets(&seen, &atoms.ids), sets(&other, &again.ids));
}

#[test]
fn images_and_origin_do_not_matter() {
    let (first, second, atoms) = sample();
    let (window, seen) = show(&first, &second, &atoms);
    assert_eq!(seen.tally.strings[0].wrapped, 1);
    let mut random = Random::new(5, 5, 5);
    let images: Vec<Vector> = (0..atoms.len())
        .map(|_| std::array::from_fn(|_| random.below(9) as f64 - 4.0))
        .collect();
    for origin in [[0.0; 3], [0.31, -0.77, 0.123]] {
        let shifted = |place: &Place| Place {
            matrix: place.matrix,
            scaled: place
                .scaled
                .iter()
                .zip(&images)
                .map(|(s, image)| std::array::from_fn(|k| s[k] + image[k] + origin[k]))
                .collect(),
        };
        let (other_window, other) = show(&shifted(&first), &shifted(&second), &atoms);
        assert_eq!(sets(&seen, &atoms.ids), sets(&other, &atoms.ids));
        assert_eq!(thresholds(&seen), thresholds(&other));
        assert_close(&reals(&window, &seen), &reals(&other_window, &other));
    }
}

#[test]
fn orientation_does_not_matter() {
    let (first, second, atoms) = sample();
    let (window, seen) = show(&first, &second, &atoms);
    // a proper rotation from a quaternion
    let [w, x, y, z] = [0.5f64, -0.1, 0.7, 0.5];
    let turn: Matrix = [
        [
            w * w + x * x - y * y - z * z,
            2.0 * (x * y - w * z),
            2.0 * (x * z + w * y),
        ],
        [
            2.0 * (x * y + w * z),
            w * w - x * x + y * y - z * z,
            2.0 * (y * z - w * x),
        ],
        [
            2.0 * (x * z - w * y),
            2.0 * (y * z + w * x),
            w * w - x * x - y * y + z * z,
        ],
    ];
    let norm = w * w + x * x + y * y + z * z;
    let turned = |place: &Place| {
        let column = |k: usize| {
            let vector = [place.matrix[0][k], place.matrix[1][k], place.matrix[2][k]];
            product(&turn, vector).map(|part| part / norm)
        };
        let columns = [column(0), column(1), column(2)];
        Place {
            matrix: std::array::from_fn(|row| std::array::from_fn(|k| columns[k][row])),
            scaled: place.scaled.clone(),
        }
    };
    let (other_window, other) = show(&turned(&first), &turned(&second), &atoms);
    assert_eq!(sets(&seen, &atoms.ids), sets(&other, &atoms.ids));
    assert_eq!(thresholds(&seen), thresholds(&other));
    assert_close(&reals(&window, &seen), &reals(&other_window, &other));
}

#[test]
fn the_choice_of_lattice_vectors_does_not_matter() {
    let (first, second, atoms) = sample();
    let (window, seen) = show(&first, &second, &atoms);
    // A' = A + B, B' = B, C' = C − A: volume kept, so that s' = M⁻¹ s
    let changed = |place: &Place| Place {
        matrix: std::array::from_fn(|row| {
            let [a, b, c] = place.matrix[row];
            [a + b, b, c - a]
        }),
        scaled: place
            .scaled
            .iter()
            .map(|s| [s[0] + s[2], s[1] - s[0] - s[2], s[2]])
            .collect(),
    };
    let (other_window, other) = show(&changed(&first), &changed(&second), &atoms);
    assert_eq!(sets(&seen, &atoms.ids), sets(&other, &atoms.ids));
    // whether anything wraps does not depend on the basis, along what it wraps does
    assert_eq!(thresholds(&seen), thresholds(&other));
    assert_close(&reals(&window, &seen), &reals(&other_window, &other));
}

#[test]
fn two_cells_hold_twice_as_many() {
    let (first, second, atoms) = sample();
    let (_, seen) = show(&first, &second, &atoms);
    let count = atoms.len();
    let doubled = |place: &Place| Place {
        matrix: std::array::from_fn(|row| {
            let [a, b, c] = place.matrix[row];
            [2.0 * a, b, c]
        }),
        scaled: [0.0, 0.5]
            .into_iter()
            .flat_map(|x| {
                place
                    .scaled
                    .iter()
                    .map(move |s| [0.5 * s[0] + x, s[1], s[2]])
            })
            .collect(),
    };
    let twice = typed((0..2 * count).map(|i| atoms.types[i % count]).collect());
    let (_, other) = show(&doubled(&first), &doubled(&second), &twice);
    assert_eq!(other.fast.len(), 2 * seen.fast.len());
    for rule in Rule::ALL {
        let (one, two) = (
            &seen.tally.strings[rule as usize],
            &other.tally.strings[rule as usize],
        );
        // the row that wraps does so along C
        assert_eq!(two.atoms, 2 * one.atoms);
        assert_eq!((one.wrapped, two.wrapped), (1, 2));
    }
    for (one, two) in seen.clusters.iter().zip(&other.clusters) {
        let periodic = [true; 3];
        assert_eq!(
            one.percolation(periodic).rank,
            two.percolation(periodic).rank
        );
    }
    let lost: u32 = seen.cages.lost.iter().sum();
    assert_eq!(other.cages.lost.iter().sum::<u32>(), 2 * lost);
}
