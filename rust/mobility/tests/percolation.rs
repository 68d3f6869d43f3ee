//! Percolation and clusters against what is known of lattices.

mod common;

use common::{
    BCC, FCC, OPEN_DRIFT, Place, SC, atoms, frozen, lattice, mean_and_error, observe, settings,
};
use deepdms_mobility::cell::Vector;
use deepdms_mobility::classes::Fast;
use deepdms_mobility::clusters::Clusters;
use deepdms_mobility::disjoint::Disjoint;
use deepdms_mobility::fractal::Radii;
use deepdms_mobility::pairs::Pairs;
use deepdms_mobility::percolation::{QUANTILE, Thresholds, quantile};
use deepdms_mobility::random::{Random, shuffled};
use deepdms_mobility::table::Table;
use deepdms_mobility::{Settings, Window};

/// Threshold of site percolation on the simple cubic lattice.
const CRITICAL: f64 = 0.311_607_7;

/// Sites of `basis` as atoms that do not move, and their neighbours within `cutoff` lattice constants.
fn sites(basis: &[Vector], cells: usize, cutoff: f64) -> (Window, Pairs) {
    let place = lattice(basis, cells, 1.0);
    let atoms = atoms(place.scaled.len());
    let window = Window::new(&atoms, &place.frame(0), &place.frame(1), &OPEN_DRIFT).unwrap();
    let pairs = Pairs::new(&window, &atoms.types, &Table::filled(1, cutoff));
    (window, pairs)
}

/// First wraps in `draws` random orders: any, the mean of the three directions, along all, in full.
fn first_wraps(basis: &[Vector], cells: usize, cutoff: f64, draws: u64) -> [Vec<f64>; 4] {
    let (window, pairs) = sites(basis, cells, cutoff);
    let order: Vec<u32> = (0..window.len() as u32).collect();
    let types = vec![1; window.len()];
    let mut trees = Disjoint::new(window.len());
    let mut found = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for draw in 0..draws {
        let random = Random::new(17, draw, cells as u64);
        let order = shuffled(&order, &types, false, random);
        let thresholds = Thresholds::by_addition(&pairs, [true; 3], order, &mut trees);
        found[0].push(thresholds.any.fraction);
        found[1].push(
            thresholds
                .along
                .iter()
                .map(|along| along.fraction)
                .sum::<f64>()
                / 3.0,
        );
        found[2].push(thresholds.all.fraction);
        found[3].push(thresholds.full.fraction);
    }
    found
}

fn check(values: &[f64], expected: f64, known: f64) {
    let (mean, error) = mean_and_error(values);
    assert!(
        (mean - expected).abs() < 4.0 * error.hypot(known),
        "{mean} ± {error}, not {expected}"
    );
}

#[test]
fn sites_of_the_simple_cubic_lattice_wrap_where_they_should() {
    let [any, along, all, full] = first_wraps(&SC, 16, 1.2, 2000);
    check(&any, 0.3123, 0.0004);
    check(&along, 0.3235, 0.0004);
    check(&all, 0.3349, 0.0004);
    // independent vectors come later than components along all directions
    assert!(mean_and_error(&full).0 > mean_and_error(&all).0 + 0.001);
    let (_, error) = mean_and_error(&any);
    let deviation = error * (any.len() as f64).sqrt();
    assert!((deviation / 0.0158 - 1.0).abs() < 0.08, "{deviation}");
    let critical = quantile(&any, QUANTILE);
    assert!((critical - 0.3116).abs() < 0.002, "{critical}");
}

#[test]
fn sites_of_the_centred_lattices_wrap_where_they_should() {
    let [any, ..] = first_wraps(&BCC, 10, 0.95, 600);
    check(&any, 0.2478, 0.0004);
    assert!((quantile(&any, QUANTILE) - 0.246).abs() < 0.004);
    let [any, ..] = first_wraps(&FCC, 10, 0.85, 600);
    check(&any, 0.1999, 0.0003);
    assert!((quantile(&any, QUANTILE) - 0.1992).abs() < 0.003);
}

/// Classes that are 1 with the probability `p`.
fn occupied(count: usize, p: f64, random: &mut Random) -> Vec<i8> {
    (0..count).map(|_| i8::from(random.unit() < p)).collect()
}

#[test]
fn wrapping_at_the_threshold_has_its_universal_probabilities() {
    let (window, pairs) = sites(&SC, 16, 1.2);
    let mut trees = Disjoint::new(window.len());
    let mut random = Random::new(23, 0, 0);
    let (mut any, mut along, mut all, mut full) = (vec![], vec![], vec![], vec![]);
    let mut largest = Vec::new();
    for _ in 0..1500 {
        let class = occupied(window.len(), CRITICAL, &mut random);
        let clusters = Clusters::new(&window, &pairs, &class, 1, &mut trees);
        let found = clusters.percolation([true; 3]);
        any.push(f64::from(found.any));
        along.push(found.flags.iter().map(|flag| f64::from(*flag)).sum::<f64>() / 3.0);
        all.push(f64::from(found.all));
        full.push(f64::from(found.full));
        largest.push(f64::from(clusters.largest().unwrap().size));
    }
    // the digits of the infinite system, with what an own simulation of this size leaves open
    check(&any, 0.460, 0.005);
    check(&along, 0.258, 0.005);
    check(&all, 0.080, 0.005);
    // three independent vectors are rarer than components along three directions
    check(&full, 0.050, 0.003);
    check(&largest, 506.0, 5.0);
}

#[test]
fn the_largest_cluster_grows_with_the_fractal_dimension() {
    let mean = |cells: usize, draws: usize| {
        let (window, pairs) = sites(&SC, cells, 1.2);
        let mut trees = Disjoint::new(window.len());
        let mut random = Random::new(29, cells as u64, 0);
        let sizes: Vec<f64> = (0..draws)
            .map(|_| {
                let class = occupied(window.len(), CRITICAL, &mut random);
                let clusters = Clusters::new(&window, &pairs, &class, 1, &mut trees);
                f64::from(clusters.largest().unwrap().size)
            })
            .collect();
        mean_and_error(&sizes)
    };
    let (small, small_error) = mean(16, 1500);
    let (large, large_error) = mean(32, 500);
    assert!(
        (large - 2898.0).abs() < 3.0 * large_error.hypot(47.0),
        "{large} ± {large_error}"
    );
    let ratio = (large / small).log2();
    let error = (large_error / large).hypot(small_error / small) / 2f64.ln();
    assert!(
        (ratio - 2.523).abs() < 3.0 * error.max(0.03),
        "{ratio} ± {error}"
    );
}

#[test]
fn radii_at_the_threshold_suggest_too_small_a_dimension() {
    let (window, pairs) = sites(&SC, 160, 1.2);
    let mut trees = Disjoint::new(window.len());
    let mut random = Random::new(31, 0, 0);
    let mut radii = Radii::default();
    let class = occupied(window.len(), CRITICAL, &mut random);
    for cluster in &Clusters::new(&window, &pairs, &class, 1, &mut trees).list {
        radii.add(cluster.size, cluster.radius);
    }
    let fit = radii.fit(160.0);
    assert!((fit.dimension - 2.40).abs() < 0.05, "{fit:?}");
    let near = |size: f64| {
        let bins = radii.means().map(|(_, s, radius)| (s, radius));
        bins.min_by(|a, b| (a.0 / size).ln().abs().total_cmp(&(b.0 / size).ln().abs()))
            .unwrap()
    };
    for (size, radius) in [(53.0, 3.11), (606.0, 8.84)] {
        let (found_size, found) = near(size);
        let expected = radius * (found_size / size).powf(1.0 / 2.4);
        assert!(
            (found / expected - 1.0).abs() < 0.04,
            "{found_size} {found} {expected}"
        );
    }
}

/// Clusters of the chosen sites of a simple cubic lattice of ten sites along each axis.
fn chosen(inside: impl Fn([usize; 3]) -> bool) -> Clusters {
    let (window, pairs) = sites(&SC, 10, 1.2);
    let class: Vec<i8> = (0..1000)
        .map(|i| i8::from(inside([i / 100, i / 10 % 10, i % 10])))
        .collect();
    Clusters::new(&window, &pairs, &class, 1, &mut Disjoint::new(1000))
}

/// Rank and flags.
fn wraps(clusters: &Clusters) -> (usize, [bool; 3]) {
    let found = clusters.percolation([true; 3]);
    assert_eq!(found.full, found.rank == 3);
    (found.rank, found.flags)
}

#[test]
fn a_layer_a_layer_with_a_line_and_everything_have_their_ranks() {
    let layer = chosen(|[x, _, _]| x == 3);
    assert_eq!(layer.list.len(), 1);
    assert_eq!(wraps(&layer), (2, [false, true, true]));
    let line = chosen(|[x, y, z]| x == 3 || (y, z) == (2, 7));
    assert_eq!((line.list.len(), wraps(&line)), (1, (3, [true; 3])));
    let all = chosen(|_| true);
    assert_eq!((all.list[0].size, wraps(&all)), (1000, (3, [true; 3])));
    assert!(all.list[0].radius.is_nan());
    assert_eq!(all.mean_size_sums(), (0, 0));
    let none = chosen(|_| false);
    assert_eq!((none.largest(), wraps(&none)), (None, (0, [false; 3])));
}

#[test]
fn an_extended_cluster_that_does_not_close_does_not_wrap() {
    // a staircase that goes farther than the cell is long, but misses itself
    let bent = chosen(|[x, y, z]| z == 5 && ((x < 9 && y == 0) || (x == 8 && y < 9)));
    assert_eq!((bent.list.len(), wraps(&bent).0), (1, 0));
    assert_eq!(bent.list[0].size, 17);
}

#[test]
fn a_straight_chain_across_the_border_has_its_radius() {
    for length in [2, 5, 9] {
        let chain = chosen(|[x, y, z]| (y, z) == (9, 0) && (x + 10 - 7) % 10 < length);
        let expected = ((length * length - 1) as f64 / 12.0).sqrt();
        assert!((chain.list[0].radius - expected).abs() < 1e-13);
    }
}

#[test]
fn without_periodic_directions_nothing_wraps() {
    let (_, pairs) = sites(&SC, 10, 1.2);
    let mut trees = Disjoint::new(1000);
    let found = Thresholds::by_addition(&pairs, [false; 3], 0..1000, &mut trees);
    assert!(found.any.fraction.is_nan() && found.all.fraction.is_nan());
}

#[test]
fn fast_atoms_are_added_first_and_slow_ones_from_the_other_end() {
    // u grows with x, so that layers are filled one after another from either side
    let place = lattice(&SC, 10, 1.0);
    let later = place.moved(|i| [0.0, 0.0, 1e-3 * (i + 1) as f64]);
    let settings = Settings {
        percolation: true,
        fast: Fast::Top(0.1),
        strings: None,
        ..settings(OPEN_DRIFT)
    };
    let rules = frozen(1, 1.0, 0.4, 1.2, 0.1);
    let (_, observation) = observe(&place, &later, &atoms(1000), &settings, &rules);
    let [fast, slow] = observation.thresholds.unwrap();
    // the first row of ten along C is the first to close
    for found in [fast, slow] {
        assert_eq!(found.any.fraction, 0.010);
        assert_eq!(found.along[2].fraction, 0.010);
        // ten rows make a layer, which closes along B with its last row
        assert_eq!(found.along[1].fraction, 0.091);
        assert_eq!(found.along[0].fraction, 0.901);
        assert_eq!((found.all.fraction, found.full.fraction), (0.901, 0.901));
    }
    assert_eq!((fast.any.last, slow.any.last), (990, 9));
    assert_eq!(observation.tally.clusters[0].wraps, [1, 0, 1, 1, 0, 0]);
    assert_eq!(observation.tally.random.len(), 4);
}

#[test]
fn a_place_is_needed_for_every_pair() {
    // the neighbours of a small cell are counted once each: two cells along every axis
    let place = Place {
        scaled: lattice(&SC, 4, 1.0).scaled,
        matrix: common::cubic(4.0),
    };
    let atoms = atoms(64);
    let window = Window::new(&atoms, &place.frame(0), &place.frame(1), &OPEN_DRIFT).unwrap();
    for (cutoff, count) in [(1.2, 6), (1.5, 18), (1.9, 26)] {
        let pairs = Pairs::new(&window, &atoms.types, &Table::filled(1, cutoff));
        assert!((0..64).all(|i| pairs.count(i) == count), "{cutoff}");
    }
}
