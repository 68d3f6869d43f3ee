//! What one window shows, once thresholds are fixed.

use deepdms_statistics::Sum;

use crate::baseline::{self, Shuffles};
use crate::cage::{Cages, gained};
use crate::calibration::Frozen;
use crate::classes::{ascending, classes, descending};
use crate::clusters::{Clusters, NOTHING};
use crate::disjoint::Disjoint;
use crate::histogram::Histogram;
use crate::moments::Moments;
use crate::nonaffine::d2min;
use crate::pairs::Pairs;
use crate::percolation::Thresholds;
use crate::settings::Settings;
use crate::strings::{Link, Movers, Rule, Strings, links, mutual};
use crate::table::Table;
use crate::tally::{ClusterSums, Kind, StringSums, Tally};
use crate::window::Window;

/// Everything about one window. Atoms are numbered as in [`Window`].
#[derive(Debug, Clone)]
pub struct Observation {
    /// Types.
    pub types: Vec<u32>,
    /// Whether each atom jumped.
    pub jumped: Vec<bool>,
    /// Number of neighbours at the start.
    pub neighbours: Vec<u32>,
    /// What became of them.
    pub cages: Cages,
    /// Whether each cage broke.
    pub broken: Vec<bool>,
    /// 1 fast, −1 slow, 0 neither.
    pub class: Vec<i8>,
    /// The fast atoms.
    pub fast: Vec<u32>,
    /// Strings of the fast atoms by both rules; none where strings are off.
    pub strings: Option<[Strings; 2]>,
    /// Clusters of fast and of slow atoms.
    pub clusters: [Clusters; 2],
    /// Percolation thresholds of fast and of slow atoms.
    pub thresholds: Option<[Thresholds; 2]>,
    /// D²_min; empty where it is off.
    pub nonaffine: Vec<f64>,
    /// Cubic mean over pairs of fast atoms of the distance δ of a link [length]; zero without fast atoms.
    pub mean_delta: f64,
    /// The window's sums.
    pub tally: Tally,
}

/// Classes of the clusters, in the order in which they are kept.
pub const CLASSES: [i8; 2] = [1, -1];

impl Observation {
    /// The observation of `window`, the number `number`, of atoms of `types`.
    pub fn new(
        window: &Window,
        types: Vec<u32>,
        settings: &Settings,
        frozen: &Frozen,
        number: u64,
    ) -> Self {
        let minima = &frozen.minima;
        let jumped: Vec<bool> = window
            .lengths
            .iter()
            .zip(&types)
            .map(|(&u, &kind)| {
                let minimum = &minima[kind as usize - 1];
                u >= minimum.u_min && u < minimum.u_out
            })
            .collect();
        let pairs = Pairs::new(window, &types, &frozen.cutoffs);
        let cages = Cages::new(window, &types, &pairs, &frozen.cutoffs, settings.hysteresis);
        let neighbours: Vec<u32> = (0..pairs.len()).map(|i| pairs.count(i)).collect();
        let broken: Vec<bool> = neighbours
            .iter()
            .zip(&cages.lost)
            .map(|(&count, &lost)| settings.broken.holds(count, lost))
            .collect();
        let class = classes(
            &window.lengths,
            &types,
            &settings.fast,
            &settings.slow,
            settings.by_type,
            minima,
        );
        let fast: Vec<u32> = (0..window.len() as u32)
            .filter(|&i| class[i as usize] == 1)
            .collect();
        let mut trees = Disjoint::new(window.len());
        let clusters =
            CLASSES.map(|wanted| Clusters::new(window, &pairs, &class, wanted, &mut trees));
        let mut observation = Observation {
            nonaffine: if settings.nonaffine {
                d2min(window, &pairs)
            } else {
                Vec::new()
            },
            types,
            jumped,
            neighbours,
            cages,
            broken,
            class,
            fast,
            strings: None,
            clusters,
            thresholds: None,
            mean_delta: 0.0,
            tally: Tally {
                windows: 1,
                links: vec![0; settings.types * settings.types],
                ..Tally::default()
            },
        };
        observation.tally_kinds(window, settings, frozen);
        observation.tally_clusters(window);
        if let Some(rule) = settings.strings {
            observation.find_strings(window, settings, frozen, rule, number);
        }
        if settings.percolation {
            observation.find_thresholds(window, &pairs, settings, number, &mut trees);
        }
        observation
    }

    /// Sums of each type and of all.
    fn tally_kinds(&mut self, window: &Window, settings: &Settings, frozen: &Frozen) {
        let gained = {
            let kept: Vec<u32> = self
                .neighbours
                .iter()
                .zip(&self.cages.beyond)
                .map(|(count, beyond)| count - beyond)
                .collect();
            gained(window, &self.types, &frozen.cutoffs, &kept)
        };
        let mut kinds = vec![Kind::default(); settings.types + 1];
        for kind in &mut kinds {
            kind.histogram = Histogram::new(frozen.r_nn);
        }
        let mut bonds = vec![Sum::default(); settings.types + 1];
        for (i, &of) in self.types.iter().enumerate() {
            let count = self.neighbours[i];
            let lost = self.cages.lost[i];
            for index in [0, of as usize] {
                let kind = &mut kinds[index];
                kind.atoms += 1;
                kind.histogram.add(window.lengths[i]);
                kind.jumped += u64::from(self.jumped[i]);
                kind.broken += u64::from(self.broken[i]);
                if count > 0 {
                    kind.caged += 1;
                    bonds[index].add(1.0 - f64::from(lost) / f64::from(count));
                }
                for (sum, more) in
                    kind.neighbours
                        .iter_mut()
                        .zip([count, lost, self.cages.beyond[i], gained[i]])
                {
                    *sum += u64::from(more);
                }
            }
            let place = usize::from(self.jumped[i]) * 2 + usize::from(self.broken[i]);
            self.tally.table[place] += 1;
        }
        for (index, (kind, bonds)) in kinds.iter_mut().zip(bonds).enumerate() {
            kind.bonds = bonds;
            let own = self
                .types
                .iter()
                .zip(&window.lengths)
                .filter(|(of, _)| index == 0 || **of as usize == index)
                .map(|(_, u)| *u);
            let dimension = window.cell.dimension();
            kind.lags = vec![Moments::default(); settings.lags.len()];
            if settings.lags[0] == 1 {
                kind.lags[0] = Moments::of(own, frozen.overlap, &settings.waves, dimension);
            }
        }
        self.tally.kinds = kinds;
    }

    fn tally_clusters(&mut self, window: &Window) {
        for (sums, clusters) in self.tally.clusters.iter_mut().zip(&self.clusters) {
            *sums = ClusterSums::default();
            for cluster in &clusters.list {
                sums.sizes.add(u64::from(cluster.size));
                sums.atoms += u64::from(cluster.size);
                sums.radii.add(cluster.size, cluster.radius);
            }
            let (squares, sizes) = clusters.mean_size_sums();
            sums.mean = [squares, sizes];
            let found = clusters.percolation(window.cell.periodic());
            let [a, b, c] = found.flags;
            sums.wraps = [found.any, a, b, c, found.all, found.full].map(u64::from);
        }
    }

    fn find_strings(
        &mut self,
        window: &Window,
        settings: &Settings,
        frozen: &Frozen,
        headline: Rule,
        number: u64,
    ) {
        let movers = Movers {
            scaled: self
                .fast
                .iter()
                .map(|&i| window.scaled[i as usize])
                .collect(),
            ends: self.fast.iter().map(|&i| window.end(i as usize)).collect(),
            types: self.fast.iter().map(|&i| self.types[i as usize]).collect(),
        };
        let all = links(&window.cell, &movers, &frozen.delta);
        let strings = by_both(&all, movers.len());
        for (sums, strings) in self.tally.strings.iter_mut().zip(&strings) {
            *sums = string_sums(strings, settings.long);
        }
        let kind = |mover: u32| movers.types[mover as usize] as usize - 1;
        for link in &strings[headline as usize].links {
            self.tally.links[kind(link.to) * settings.types + kind(link.from)] += 1;
        }
        let moves: Vec<_> = self
            .fast
            .iter()
            .map(|&i| window.moves[i as usize])
            .collect();
        let shuffles = Shuffles {
            seed: settings.seed,
            window: number,
            count: settings.shuffles,
        };
        baseline::strings(
            window,
            &self.types,
            &movers.types,
            &moves,
            &shuffles,
            |movers| {
                let all = links(&window.cell, movers, &frozen.delta);
                for (sums, strings) in self
                    .tally
                    .strings
                    .iter_mut()
                    .zip(by_both(&all, movers.len()))
                {
                    let shuffled = string_sums(&strings, settings.long);
                    let counts = [shuffled.atoms, shuffled.long, movers.len() as u64];
                    for (sum, more) in sums.shuffled.iter_mut().zip(counts) {
                        *sum += more;
                    }
                    deepdms_statistics::Merge::merge(&mut sums.shuffled_sizes, &shuffled.sizes);
                }
            },
        );
        self.mean_delta = mean_delta(&movers.types, &frozen.delta);
        self.strings = Some(strings);
    }

    fn find_thresholds(
        &mut self,
        window: &Window,
        pairs: &Pairs,
        settings: &Settings,
        number: u64,
        trees: &mut Disjoint,
    ) {
        let periodic = window.cell.periodic();
        let orders = [descending(&window.lengths), ascending(&window.lengths)];
        let thresholds = [0, 1].map(|class: usize| {
            Thresholds::by_addition(pairs, periodic, orders[class].iter().copied(), trees)
        });
        for (sums, found) in self.tally.clusters.iter_mut().zip(&thresholds) {
            let [a, b, c] = &found.along;
            let all = [&found.any, a, b, c, &found.all, &found.full];
            for (list, crossing) in sums.fractions.iter_mut().zip(all) {
                list.push(crossing.fraction);
            }
            let u = window.lengths.get(found.any.last as usize).copied();
            sums.displacements.push(u.unwrap_or(f64::NAN));
        }
        for shuffle in 0..settings.shuffles {
            let random = baseline::generator(settings.seed, number, shuffle, baseline::PERCOLATION);
            let order = crate::random::shuffled(&orders[0], &self.types, settings.by_type, random);
            let found = Thresholds::by_addition(pairs, periodic, order, trees);
            self.tally.random.push(found.any.fraction);
        }
        self.thresholds = Some(thresholds);
    }

    /// Size of the string of each atom by `rule`: 0 for an atom that is not fast.
    pub fn string_sizes(&self, rule: Rule) -> Vec<u32> {
        let mut sizes = vec![0; self.types.len()];
        if let Some(strings) = &self.strings {
            let strings = &strings[rule as usize];
            for (&i, &string) in self.fast.iter().zip(&strings.of) {
                sizes[i as usize] = strings.list[string as usize].size;
            }
        }
        sizes
    }

    /// First atom of the string of each atom by `rule`, or [`NOTHING`] for one that is alone or not fast.
    pub fn string_labels(&self, rule: Rule) -> Vec<u32> {
        let mut labels = vec![NOTHING; self.types.len()];
        if let Some(strings) = &self.strings {
            let strings = &strings[rule as usize];
            for (&i, &string) in self.fast.iter().zip(&strings.of) {
                let string = &strings.list[string as usize];
                if string.size > 1 {
                    labels[i as usize] = self.fast[string.first as usize];
                }
            }
        }
        labels
    }

    /// The atom whose place each took by the rule `chain`, or [`NOTHING`].
    pub fn places_taken(&self) -> Vec<u32> {
        let mut taken = vec![NOTHING; self.types.len()];
        if let Some(strings) = &self.strings {
            let successors = strings[Rule::Chain as usize].successors();
            for (&i, &next) in self.fast.iter().zip(&successors) {
                if next != NOTHING {
                    taken[i as usize] = self.fast[next as usize];
                }
            }
        }
        taken
    }
}

/// Cubic mean of δ over all pairs of atoms of `types`.
fn mean_delta(types: &[u32], delta: &Table) -> f64 {
    let mut counts = vec![0.0; delta.types()];
    types
        .iter()
        .for_each(|&kind| counts[kind as usize - 1] += 1.0);
    let n = (types.len() as f64).max(1.0);
    let cubes: f64 = delta
        .rows()
        .zip(&counts)
        .map(|(row, own)| {
            let sum: f64 = row
                .iter()
                .zip(&counts)
                .map(|(d, count)| count * d.powi(3))
                .sum();
            own * sum
        })
        .sum();
    (cubes / (n * n)).cbrt()
}

/// Strings by both rules.
fn by_both(links: &[Link], count: usize) -> [Strings; 2] {
    [
        Strings::new(links.to_vec(), count),
        Strings::new(mutual(links, count), count),
    ]
}

/// The sums of strings without their shuffles.
fn string_sums(strings: &Strings, long: u32) -> StringSums {
    let (ring_atoms, swaps) = strings.rings();
    let mut sums = StringSums {
        atoms: strings.atoms(2),
        long: strings.atoms(long),
        branched: strings.branched,
        ring_atoms,
        swaps,
        wrapped: strings.wrapped(),
        ..StringSums::default()
    };
    for string in &strings.list {
        sums.sizes.add(u64::from(string.size));
    }
    sums
}
