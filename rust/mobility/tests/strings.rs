//! Strings with known answers on a simple cubic lattice.

mod common;

use common::{
    AT_REST, OPEN_DRIFT, Place, SC, atoms, frozen, gaussian, lattice, observe, settings, typed,
};
use deepdms_mobility::Cell;
use deepdms_mobility::baseline::{chain_link, isolated};
use deepdms_mobility::cell::{Matrix, Vector};
use deepdms_mobility::observation::Observation;
use deepdms_mobility::random::Random;
use deepdms_mobility::strings::{Movers, Rule, Strings, links, mutual};
use deepdms_mobility::table::Table;

const A: f64 = 2.5;
const CELLS: usize = 10;

/// Number of the site (x, y, z).
fn site(x: usize, y: usize, z: usize) -> usize {
    (x % CELLS * CELLS + y % CELLS) * CELLS + z % CELLS
}

/// The lattice without the atom at `vacancy`, which is the last then.
fn with_vacancy(vacancy: usize) -> Place {
    let mut place = lattice(&SC, CELLS, A);
    place.scaled.remove(vacancy);
    place
}

/// Number of a site once that of `vacancy` is gone.
fn without(vacancy: usize, site: usize) -> usize {
    assert_ne!(site, vacancy);
    if site > vacancy { site - 1 } else { site }
}

/// Observes atoms that move by `steps` (in lattice constants).
fn hop(place: &Place, steps: &[(usize, Vector)]) -> Observation {
    let later = place.moved(|i| {
        let step = steps.iter().find(|(mover, _)| *mover == i);
        step.map_or([0.0; 3], |(_, step)| step.map(|part| part * A))
    });
    let count = place.scaled.len();
    let rules = frozen(1, A, 0.5 * A, 1.2 * A, 0.6 * A);
    observe(place, &later, &atoms(count), &settings(OPEN_DRIFT), &rules).1
}

fn of(observation: &Observation, rule: Rule) -> &Strings {
    &observation.strings.as_ref().unwrap()[rule as usize]
}

/// Sizes of strings of two or more.
fn sizes(strings: &Strings) -> Vec<u32> {
    let list = strings.list.iter().map(|string| string.size);
    list.filter(|size| *size > 1).collect()
}

/// A row of `length` atoms along x from `first`, each into the next site, the last into a vacancy.
fn row(length: usize, first: [usize; 3]) -> Observation {
    let [x, y, z] = first;
    let vacancy = site(x + length, y, z);
    let place = with_vacancy(vacancy);
    let steps: Vec<(usize, Vector)> = (0..length)
        .map(|k| (without(vacancy, site(x + k, y, z)), [1.0, 0.0, 0.0]))
        .collect();
    hop(&place, &steps)
}

fn assert_row(observation: &Observation, length: u32) {
    for rule in Rule::ALL {
        let strings = of(observation, rule);
        assert_eq!(sizes(strings), [length]);
        assert_eq!(strings.links.len() as u32, length - 1);
        assert!(!strings.closed(0));
        let sums = &observation.tally.strings[rule as usize];
        assert_eq!(sums.atoms, u64::from(length));
        assert_eq!(sums.long, if length >= 6 { u64::from(length) } else { 0 });
        assert_eq!((sums.branched, sums.ring_atoms, sums.wrapped), (0, 0, 0));
    }
    assert_eq!(observation.fast.len() as u32, length);
}

#[test]
fn a_row_that_moves_into_a_vacancy_is_one_open_string() {
    for length in [5, 6, 7] {
        assert_row(&row(length, [1, 4, 4]), length as u32);
    }
}

#[test]
fn a_row_across_a_face_or_a_corner_is_the_same() {
    assert_row(&row(5, [8, 4, 4]), 5);
    // along the diagonal of the cube, through its corner
    let vacancy = site(3, 3, 3);
    let place = with_vacancy(vacancy);
    let steps: Vec<(usize, Vector)> = (0..5)
        .map(|k| (without(vacancy, site(8 + k, 8 + k, 8 + k)), [1.0; 3]))
        .collect();
    assert_row(&hop(&place, &steps), 5);
}

#[test]
fn images_chosen_at_random_change_nothing() {
    let vacancy = site(13, 4, 4);
    let mut place = with_vacancy(vacancy);
    let steps: Vec<(usize, Vector)> = (0..5)
        .map(|k| (without(vacancy, site(8 + k, 4, 4)), [1.0, 0.0, 0.0]))
        .collect();
    let plain = hop(&place, &steps);
    let mut random = Random::new(3, 0, 0);
    for s in &mut place.scaled {
        *s = s.map(|part| part + random.below(7) as f64 - 3.0);
    }
    let shifted = hop(&place, &steps);
    assert_row(&shifted, 5);
    assert_eq!(shifted.tally.strings, plain.tally.strings);
    for rule in Rule::ALL {
        assert_eq!(shifted.string_labels(rule), plain.string_labels(rule));
    }
    assert_eq!(shifted.places_taken(), plain.places_taken());
    assert_eq!(shifted.neighbours, plain.neighbours);
    assert_eq!(shifted.cages.lost, plain.cages.lost);
}

#[test]
fn four_atoms_round_a_square_are_a_ring() {
    let place = lattice(&SC, CELLS, A);
    let steps = [
        (site(9, 9, 5), [1.0, 0.0, 0.0]),
        (site(0, 9, 5), [0.0, 1.0, 0.0]),
        (site(0, 0, 5), [-1.0, 0.0, 0.0]),
        (site(9, 0, 5), [0.0, -1.0, 0.0]),
    ];
    let observation = hop(&place, &steps);
    for rule in Rule::ALL {
        let strings = of(&observation, rule);
        assert_eq!(sizes(strings), [4]);
        assert_eq!(strings.links.len(), 4);
        assert!(strings.closed(0));
        assert_eq!(strings.list[0].wrap.rank(), 0);
        assert_eq!(strings.rings(), (4, 0));
    }
}

#[test]
fn two_atoms_that_swap_are_a_ring_of_two() {
    let place = lattice(&SC, CELLS, A);
    let steps = [
        (site(9, 5, 5), [1.0, 0.0, 0.0]),
        (site(0, 5, 5), [-1.0, 0.0, 0.0]),
    ];
    let observation = hop(&place, &steps);
    for rule in Rule::ALL {
        let strings = of(&observation, rule);
        assert_eq!((sizes(strings), strings.rings()), (vec![2], (2, 1)));
        assert_eq!(strings.list[0].wrap.rank(), 0);
    }
    let taken = observation.places_taken();
    assert_eq!(taken[site(9, 5, 5)] as usize, site(0, 5, 5));
    assert_eq!(taken[site(0, 5, 5)] as usize, site(9, 5, 5));
}

#[test]
fn a_whole_row_that_moves_on_wraps() {
    let place = lattice(&SC, CELLS, A);
    let steps: Vec<(usize, Vector)> = (0..CELLS)
        .map(|k| (site(k, 2, 7), [1.0, 0.0, 0.0]))
        .collect();
    let observation = hop(&place, &steps);
    for rule in Rule::ALL {
        let strings = of(&observation, rule);
        assert_eq!(sizes(strings), [10]);
        assert!(strings.closed(0));
        assert_eq!(strings.list[0].wrap.vectors(), [[1, 0, 0]]);
        assert_eq!(observation.tally.strings[rule as usize].wrapped, 1);
    }
}

/// The place in the basis A + B, B, C of the same lattice.
fn along_diagonal(place: &Place) -> Place {
    let m = place.matrix;
    let matrix: Matrix = std::array::from_fn(|row| [m[row][0] + m[row][1], m[row][1], m[row][2]]);
    let scaled = place
        .scaled
        .iter()
        .map(|s| [s[0], s[1] - s[0], s[2]])
        .collect();
    Place { matrix, scaled }
}

#[test]
fn a_row_along_a_diagonal_wraps_in_two_directions_and_once_the_cell_follows_it_in_one() {
    let place = lattice(&SC, CELLS, A);
    let steps: Vec<(usize, Vector)> = (0..CELLS)
        .map(|k| (site(k, k, 3), [1.0, 1.0, 0.0]))
        .collect();
    let wrap = |observation: &Observation, rule: Rule| of(observation, rule).list[0].wrap;
    let cubic = hop(&place, &steps);
    let skew = hop(&along_diagonal(&place), &steps);
    for rule in Rule::ALL {
        assert_eq!(sizes(of(&cubic, rule)), [10]);
        assert_eq!(wrap(&cubic, rule).vectors(), [[1, 1, 0]]);
        assert_eq!(wrap(&cubic, rule).flags(), [true, true, false]);
        assert_eq!(sizes(of(&skew, rule)), [10]);
        assert_eq!(wrap(&skew, rule).vectors(), [[1, 0, 0]]);
        assert_eq!(wrap(&skew, rule).flags(), [true, false, false]);
    }
}

#[test]
fn two_atoms_that_end_at_one_start_branch() {
    let place = lattice(&SC, CELLS, A);
    // from both sides onto the start of an atom that leaves
    let steps = [
        (site(3, 5, 5), [0.95, 0.0, 0.0]),
        (site(5, 5, 5), [-0.9, 0.0, 0.0]),
        (site(4, 5, 5), [0.0, 0.5, 0.5]),
    ];
    let observation = hop(&place, &steps);
    assert_eq!(sizes(of(&observation, Rule::Donati)), [3]);
    assert_eq!(observation.tally.strings[0].branched, 1);
    assert_eq!(sizes(of(&observation, Rule::Chain)), [2]);
    assert_eq!(observation.tally.strings[1].branched, 0);
    assert_eq!(
        observation.tally.strings[1]
            .sizes
            .iter()
            .collect::<Vec<_>>(),
        [(1, 1), (2, 1)]
    );
    let taken = observation.places_taken();
    assert_eq!(taken[site(3, 5, 5)] as usize, site(4, 5, 5));
}

#[test]
fn a_link_is_shorter_than_delta() {
    let cell = Cell::new(common::cubic(10.0), [true; 3], 3).unwrap();
    let delta = Table::filled(1, 1.0);
    for (factor, count) in [(1.0 - 1e-12, 1), (1.0, 0), (1.0 + 1e-12, 0)] {
        let movers = Movers {
            scaled: vec![[0.0; 3], [0.5, 0.0, 0.0]],
            ends: vec![[5.0 - factor, 0.0, 0.0], [0.0, 5.0, 5.0]],
            types: vec![1, 1],
        };
        assert_eq!(links(&cell, &movers, &delta).len(), count, "{factor}");
    }
}

#[test]
fn distances_of_links_belong_to_pairs_of_types() {
    let place = lattice(&SC, CELLS, A);
    let later = place.moved(|i| match i {
        _ if i == site(3, 5, 5) => [0.7 * A, 0.0, 0.0],
        _ if i == site(4, 5, 5) => [0.0, 0.8 * A, 0.0],
        _ => [0.0; 3],
    });
    let mut types = vec![1; CELLS * CELLS * CELLS];
    types[site(4, 5, 5)] = 2;
    let mut rules = frozen(2, A, 0.5 * A, 1.2 * A, 0.1 * A);
    let settings = deepdms_mobility::Settings {
        types: 2,
        ..settings(AT_REST)
    };
    let atoms = typed(types);
    let count = |rules: &_| {
        let (_, observation) = observe(&place, &later, &atoms, &settings, rules);
        (observation.tally.strings[0].atoms, observation.tally.links)
    };
    assert_eq!(count(&rules), (0, vec![0; 4]));
    rules.delta.set(1, 2, 0.31 * A);
    // the atom of type 2 left, that of type 1 came
    assert_eq!(count(&rules), (2, vec![0, 0, 1, 0]));
}

#[test]
fn random_starts_and_ends_give_the_closed_formulas() {
    let mut random = Random::new(11, 0, 0);
    let count = 4000;
    for volumes in [0.05, 0.2, 0.5] {
        let edge = 10.0;
        let density = count as f64 / (edge * edge * edge);
        let delta = (volumes / density * 3.0 / (4.0 * std::f64::consts::PI)).cbrt();
        let cell = Cell::new(common::cubic(edge), [true; 3], 3).unwrap();
        let table = Table::filled(1, delta);
        let (mut alone, mut linked, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..30 {
            let mut point = || -> Vector { std::array::from_fn(|_| random.unit()) };
            let movers = Movers {
                scaled: (0..count).map(|_| point()).collect(),
                ends: (0..count).map(|_| cell.real(point())).collect(),
                types: vec![1; count],
            };
            let all = links(&cell, &movers, &table);
            let donati = Strings::new(all.clone(), count);
            let chain = Strings::new(mutual(&all, count), count);
            let singles = donati.list.iter().filter(|string| string.size == 1).count();
            alone.push(singles as f64 / count as f64);
            linked.push(chain.links.len() as f64 / count as f64);
            lengths.push(count as f64 / chain.list.len() as f64);
        }
        let q = chain_link(density, delta, 3);
        for (values, expected) in [
            (alone, isolated(density, delta, 3)),
            (linked, q),
            (lengths, 1.0 / (1.0 - q)),
        ] {
            let (mean, error) = common::mean_and_error(&values);
            assert!(
                (mean - expected).abs() < 3.5 * error,
                "{volumes}: {mean} ± {error}, not {expected}"
            );
        }
    }
    assert!(
        (isolated(1.0, (0.2f64 * 0.75 / std::f64::consts::PI).cbrt(), 3) - 0.6703).abs() < 5e-5
    );
}

#[test]
fn shuffled_displacements_link_as_chance_does() {
    let place = lattice(&SC, CELLS, A);
    let mut random = Random::new(5, 0, 0);
    // a tenth of the atoms move by random vectors, far enough to be uncorrelated with the lattice
    let moves: Vec<Vector> = (0..CELLS.pow(3))
        .map(|i| {
            if i % 10 == 0 {
                gaussian(&mut random, 2.0 * A)
            } else {
                [0.0; 3]
            }
        })
        .collect();
    let later = place.moved(|i| moves[i]);
    let rules = frozen(1, A, 1e-6, 1.2 * A, 0.6 * A);
    let settings = deepdms_mobility::Settings {
        shuffles: 400,
        ..settings(OPEN_DRIFT)
    };
    let (_, observation) = observe(&place, &later, &atoms(CELLS.pow(3)), &settings, &rules);
    let [strings, _, fast] = observation.tally.strings[0].shuffled;
    assert_eq!(fast, 400 * 100);
    let expected = 1.0 - isolated(0.1 / A.powi(3), 0.6 * A, 3);
    let share = strings as f64 / fast as f64;
    // the displacements are the same in all shuffles, so that their number limits the accuracy
    assert!((share - expected).abs() < 0.03, "{share} {expected}");
}
