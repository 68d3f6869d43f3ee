//! The fast ways against slow and plain ones, in cells that are tilted at random.

mod common;

use common::{OPEN_DRIFT, all_pairs, atoms, components, frozen, gaussian, random_cell, settings};
use deepdms_mobility::cell::Vector;
use deepdms_mobility::disjoint::Disjoint;
use deepdms_mobility::histogram::Histogram;
use deepdms_mobility::observation::Observation;
use deepdms_mobility::pairs::Pairs;
use deepdms_mobility::random::Random;
use deepdms_mobility::strings::Rule;
use deepdms_mobility::table::Table;
use deepdms_mobility::{Frame, Geometry, Window};

use std::collections::BTreeSet;

const COUNT: usize = 200;

#[test]
fn neighbours_cages_strings_and_clusters_are_those_of_all_images() {
    let mut random = Random::new(41, 0, 0);
    let mut wrapped = 0;
    for case in 0..1000 {
        let matrix = random_cell(&mut random, 10.0);
        let geometry = Geometry {
            periodic: [case % 5 != 1, case % 7 != 2, case % 3 != 1],
            ..OPEN_DRIFT
        };
        let first: Vec<Vector> = (0..COUNT)
            .map(|_| std::array::from_fn(|_| random.unit()))
            .collect();
        let atoms = atoms(COUNT);
        let cell = deepdms_mobility::Cell::new(matrix, geometry.periodic, 3).unwrap();
        let second: Vec<Vector> = first
            .iter()
            .map(|s| {
                let step = cell.scaled(gaussian(&mut random, 0.7));
                std::array::from_fn(|axis| s[axis] + step[axis])
            })
            .collect();
        let frame = |scaled| Frame {
            step: 0,
            matrix,
            scaled,
        };
        let window = Window::new(&atoms, &frame(&first), &frame(&second), &geometry).unwrap();
        let half = 0.5 * cell.heights().into_iter().fold(f64::INFINITY, f64::min);
        let cutoff = half / 1.2 * (0.3 + 0.69 * random.unit());
        let delta = 0.45 * half;
        let rules = frozen(1, 1.0, 1.0, cutoff, delta);
        let settings = settings(geometry);
        let seen = Observation::new(&window, atoms.types.clone(), &settings, &rules, 1);

        // neighbours with their images, through all 27 of them
        let inside =
            |image: [i32; 3]| (0..3).all(|axis| geometry.periodic[axis] || image[axis] == 0);
        let mut expected = BTreeSet::new();
        all_pairs(
            &cell,
            &window.starts,
            &window.starts,
            1,
            |i, j, image, square| {
                if i != j && inside(image) && square < cutoff * cutoff {
                    expected.insert((i, j, image));
                }
            },
        );
        let pairs = Pairs::new(&window, &atoms.types, &Table::filled(1, cutoff));
        let found: BTreeSet<_> = (0..COUNT)
            .flat_map(|i| {
                pairs
                    .of(i)
                    .map(move |pair| (i, pair.index as usize, pair.image()))
            })
            .collect();
        assert_eq!(found, expected);
        assert_eq!(
            found.len() as u32,
            (0..COUNT).map(|i| pairs.count(i)).sum::<u32>()
        );

        // distances at the end, of ends that are brought back into the cell
        let ends: Vec<Vector> = (0..COUNT)
            .map(|i| {
                let scaled = cell.scaled(window.end(i));
                cell.real(std::array::from_fn(|axis| {
                    scaled[axis]
                        - f64::from(i8::from(geometry.periodic[axis])) * scaled[axis].floor()
                }))
            })
            .collect();
        let mut nearest = vec![f64::INFINITY; COUNT * COUNT];
        all_pairs(&cell, &ends, &ends, 1, |i, j, image, square| {
            if inside(image) {
                let least = &mut nearest[i * COUNT + j];
                *least = least.min(square);
            }
        });
        for i in 0..COUNT {
            let beyond = |limit: f64| {
                let apart = |j: usize| nearest[i * COUNT + j] > limit * limit;
                expected
                    .range((i, 0, [-9; 3])..(i + 1, 0, [-9; 3]))
                    .filter(|pair| apart(pair.1))
                    .count()
            };
            assert_eq!(seen.cages.lost[i] as usize, beyond(1.2 * cutoff));
            assert_eq!(seen.cages.beyond[i] as usize, beyond(cutoff));
        }
        let gained: usize = (0..COUNT * COUNT)
            .filter(|place| {
                let (i, j) = (place / COUNT, place % COUNT);
                let was = expected
                    .range((i, j, [-9; 3])..(i, j + 1, [-9; 3]))
                    .next()
                    .is_some();
                i != j && !was && nearest[*place] < cutoff * cutoff
            })
            .count();
        assert_eq!(seen.tally.kinds[0].neighbours[3] as usize, gained);

        // strings by all links
        let fast: Vec<usize> = seen.fast.iter().map(|&i| i as usize).collect();
        let from: Vec<Vector> = fast.iter().map(|&i| ends[i]).collect();
        let to: Vec<Vector> = fast.iter().map(|&i| window.starts[i]).collect();
        let mut joined = BTreeSet::new();
        let mut least = vec![vec![f64::INFINITY; fast.len()]; fast.len()];
        all_pairs(&cell, &from, &to, 1, |a, b, image, square| {
            if a != b && inside(image) && square < delta * delta {
                joined.insert((fast[a], fast[b]));
                least[a][b] = square;
            }
        });
        let bonds: Vec<(usize, usize)> = joined.iter().copied().collect();
        check_strings(&seen, Rule::Donati, &bonds);
        // and by the nearest of them on both sides
        let first_least = |values: Vec<f64>| {
            let best = values.iter().copied().fold(f64::INFINITY, f64::min);
            values
                .iter()
                .position(|value| best.is_finite() && *value == best)
        };
        let bonds: Vec<(usize, usize)> = (0..fast.len())
            .filter_map(|a| {
                let b = first_least(least[a].clone())?;
                let back = first_least(least.iter().map(|row| row[b]).collect())?;
                (back == a).then_some((fast[a], fast[b]))
            })
            .collect();
        check_strings(&seen, Rule::Chain, &bonds);

        // clusters of both classes
        for (class, clusters) in [1i8, -1].into_iter().zip(&seen.clusters) {
            let member = |i: usize| seen.class[i] == class;
            let bonds: Vec<(usize, usize)> = expected
                .iter()
                .filter(|(i, j, _)| member(*i) && member(*j))
                .map(|(i, j, _)| (*i, *j))
                .collect();
            let labels = components(COUNT, member, &bonds);
            for (i, label) in labels.iter().enumerate() {
                let found = clusters
                    .list
                    .get(clusters.of[i] as usize)
                    .map(|cluster| cluster.first as usize);
                assert_eq!(found, *label);
            }
            for cluster in &clusters.list {
                let size = labels
                    .iter()
                    .filter(|label| **label == Some(cluster.first as usize))
                    .count();
                assert_eq!(cluster.size as usize, size);
                let rank = wrapping_rank(&expected, &labels, cluster.first as usize);
                assert_eq!(cluster.wrap.rank(), rank);
                wrapped += rank;
            }
        }
    }
    assert!(wrapped > 100, "{wrapped}");
}

fn check_strings(seen: &Observation, rule: Rule, bonds: &[(usize, usize)]) {
    let member = |i: usize| seen.class[i] == 1;
    let labels = components(COUNT, member, bonds);
    let strings = &seen.strings.as_ref().unwrap()[rule as usize];
    assert_eq!(strings.links.len(), bonds.len());
    let sizes = seen.string_sizes(rule);
    for (i, label) in labels.iter().enumerate() {
        let size = label.map_or(0, |label| {
            labels.iter().filter(|other| **other == Some(label)).count()
        });
        assert_eq!(sizes[i] as usize, size);
        let named = seen.string_labels(rule)[i];
        let expected = label
            .filter(|_| size > 1)
            .map_or(u32::MAX, |label| label as u32);
        assert_eq!(named, expected);
    }
}

/// Rank of the lattice of wrapping vectors of a component: images of its atoms are spread by breadth-first search, and each
/// bond that disagrees gives a vector.
fn wrapping_rank(
    bonds: &BTreeSet<(usize, usize, [i32; 3])>,
    labels: &[Option<usize>],
    first: usize,
) -> usize {
    let inside = |i: usize| labels[i] == Some(first);
    let mut images = vec![None; COUNT];
    images[first] = Some([0i32; 3]);
    let mut queue = std::collections::VecDeque::from([first]);
    let mut vectors: Vec<[f64; 3]> = Vec::new();
    while let Some(i) = queue.pop_front() {
        let own: [i32; 3] = images[i].unwrap();
        for &(_, j, image) in bonds.range((i, 0, [-9; 3])..(i + 1, 0, [-9; 3])) {
            if !inside(j) {
                continue;
            }
            let there: [i32; 3] = std::array::from_fn(|axis| own[axis] + image[axis]);
            match images[j] {
                None => {
                    images[j] = Some(there);
                    queue.push_back(j);
                }
                Some(known) => vectors.push(std::array::from_fn(|axis| {
                    f64::from(there[axis] - known[axis])
                })),
            }
        }
    }
    // Gaussian elimination of what are small whole numbers
    let mut rank = 0;
    for axis in 0..3 {
        let Some(pivot) = (rank..vectors.len()).find(|&row| vectors[row][axis].abs() > 1e-9) else {
            continue;
        };
        vectors.swap(rank, pivot);
        let lead = vectors[rank];
        for vector in &mut vectors[rank + 1..] {
            let factor = vector[axis] / lead[axis];
            (0..3).for_each(|k| vector[k] -= factor * lead[k]);
        }
        rank += 1;
    }
    rank
}

#[test]
fn the_histogram_counts_as_a_plain_loop_does() {
    let mut random = Random::new(43, 0, 0);
    let draws: Vec<f64> = (0..10_000).map(|_| 6.0 * random.unit()).collect();
    let mut histogram = Histogram::new(2.5);
    draws.iter().for_each(|&u| histogram.add(u));
    for (bin, &count) in histogram.counts().iter().enumerate() {
        let (low, high) = (
            bin as f64 * histogram.width(),
            (bin + 1) as f64 * histogram.width(),
        );
        let expected = draws.iter().filter(|u| (low..high).contains(*u)).count() as i64;
        // an edge that is rounded may put a draw on its other side
        assert!((count as i64 - expected).abs() <= 1);
    }
    assert_eq!(
        histogram.overflow(),
        draws.iter().filter(|u| **u >= 5.0).count() as u64
    );
}

#[test]
fn trees_are_those_of_a_search() {
    let mut random = Random::new(47, 0, 0);
    for _ in 0..200 {
        let mut trees = Disjoint::new(60);
        (0..60).for_each(|node| trees.insert(node));
        let mut bonds = Vec::new();
        for _ in 0..random.below(80) {
            let (i, j) = (random.below(60), random.below(60));
            bonds.push((i, j));
            trees.unite(i as u32, j as u32, [0; 3]);
        }
        let labels = components(60, |_| true, &bonds);
        for i in 0..60 {
            for j in 0..60 {
                let same = trees.find(i as u32).0 == trees.find(j as u32).0;
                assert_eq!(same, labels[i] == labels[j]);
            }
        }
    }
}
