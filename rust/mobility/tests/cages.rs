//! Cages and cutoffs on a face-centred crystal.

mod common;

use common::{
    AT_REST, FCC, OPEN_DRIFT, atoms, frozen, gaussian, lattice, observe, settings, typed,
};
use deepdms_mobility::analysis::AtomHistory;
use deepdms_mobility::cell::{Vector, dot, subtract};
use deepdms_mobility::random::Random;
use deepdms_mobility::settings::Threshold;
use deepdms_mobility::{Analysis, Error, Settings};

const A: f64 = 3.6;

/// Vectors to the twelve neighbours of atom 0 and their numbers.
fn neighbours() -> Vec<(usize, Vector)> {
    let place = lattice(&FCC, 4, A);
    let cell = place.cell();
    (1..place.scaled.len())
        .map(|j| {
            (
                j,
                cell.nearest(subtract(
                    cell.real(place.scaled[j]),
                    cell.real(place.scaled[0]),
                )),
            )
        })
        .filter(|(_, vector)| dot(*vector, *vector).sqrt() < 0.8 * A)
        .collect()
}

#[test]
fn a_cage_breaks_with_half_of_its_neighbours() {
    let near = neighbours();
    assert_eq!(near.len(), 12);
    let place = lattice(&FCC, 4, A);
    // R between the first and the second shell, so that κR lies before the second
    let cutoff = 0.8 * A;
    let rules = frozen(1, A / 2f64.sqrt(), 100.0, cutoff, 0.5);
    for (leaving, farther, lost, broken) in [
        (6, 1.4, 6, true),
        (5, 1.4, 5, false),
        (12, 1.4, 12, true),
        // beyond R, but within κR
        (12, 1.3, 0, false),
    ] {
        let later = place.moved(|i| {
            let index = near.iter().position(|(j, _)| *j == i);
            match index.filter(|index| *index < leaving) {
                // outwards, to `farther` times the neighbour distance
                Some(index) => near[index].1.map(|part| part * (farther - 1.0)),
                None => [0.0; 3],
            }
        });
        let (_, seen) = observe(&place, &later, &atoms(256), &settings(OPEN_DRIFT), &rules);
        assert_eq!(seen.neighbours[0], 12);
        assert_eq!(
            (seen.cages.lost[0], seen.broken[0]),
            (lost, broken),
            "{leaving}"
        );
        assert_eq!(seen.cages.beyond[0], leaving as u32);
    }
}

/// Runs windows of a crystal that vibrates by `noise`.
fn crystal(noise: f64, change: impl Fn(&mut Settings)) -> Result<Analysis, Error> {
    let place = lattice(&FCC, 5, A);
    let count = place.scaled.len();
    let mut settings = Settings {
        threshold: Threshold::Given(vec![1.0]),
        returns: 0,
        ..settings(AT_REST)
    };
    change(&mut settings);
    let types: Vec<u32> = (0..count)
        .map(|i| 1 + (i % settings.types) as u32)
        .collect();
    let mut analysis = Analysis::new(settings)?;
    let mut histories = vec![AtomHistory::default(); count];
    let mut random = Random::new(61, 0, 0);
    let mut shaken = || {
        let moves: Vec<Vector> = (0..count).map(|_| gaussian(&mut random, noise)).collect();
        place.moved(|i| moves[i])
    };
    let mut before = shaken();
    for step in 1..=3 {
        let now = shaken();
        let frames = [before.frame(step - 1), now.frame(step)];
        analysis.advance(&typed(types.clone()), &frames, None, &mut histories)?;
        before = now;
    }
    Ok(analysis)
}

#[test]
fn the_cutoff_of_a_crystal_lies_between_its_shells() {
    // 5 % of the neighbour distance, in three directions together
    let noise = 0.05 * A / 2f64.sqrt() / 3f64.sqrt();
    for noise in [0.0, noise] {
        let analysis = crystal(noise, |_| ()).unwrap();
        let frozen = analysis.frozen().unwrap();
        let cutoff = frozen.cutoffs.get(1, 1);
        assert!(
            cutoff > A / 2f64.sqrt() + 0.1 && cutoff < A - 0.1,
            "{cutoff}"
        );
        assert!(
            (frozen.r_nn - A / 2f64.sqrt()).abs() < 0.1,
            "{}",
            frozen.r_nn
        );
        assert!((frozen.delta.get(1, 1) - 0.6 * A / 2f64.sqrt()).abs() < 0.1);
        assert_eq!(analysis.series("c_all").mean(), 0.0);
        assert_eq!(analysis.series("neighbours_1").mean(), 12.0);
        assert_eq!(analysis.series("b_1").mean(), 1.0);
    }
}

#[test]
fn a_given_cutoff_stands_for_its_pair_alone() {
    let analysis = crystal(0.05, |settings| {
        settings.types = 2;
        settings.threshold = Threshold::Given(vec![1.0, 1.0]);
        settings.cutoffs = vec![(2, 1, 3.0)];
    })
    .unwrap();
    let cutoffs = &analysis.frozen().unwrap().cutoffs;
    assert_eq!(cutoffs.get(1, 2), 3.0);
    assert!(cutoffs.get(1, 1) > 2.7 && cutoffs.get(1, 1) != 3.0);
}

#[test]
fn a_cell_that_is_too_small_is_refused() {
    let message = crystal(0.05, |settings| settings.cutoffs = vec![(1, 1, 8.0)])
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "cutoff 9.6000 of types 1 and 1 exceeds half the cell height, 9.0000; use a larger cell"
    );
    let message = crystal(0.05, |settings| {
        settings.nearness = deepdms_mobility::settings::Nearness::Given(vec![(1, 1, 9.1)]);
    })
    .unwrap_err()
    .to_string();
    assert_eq!(
        message,
        "delta 9.1000 of types 1 and 1 exceeds half the cell height, 9.0000; use a larger cell"
    );
}
