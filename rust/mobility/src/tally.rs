//! What the windows of a block add up to.

use deepdms_statistics::{Error, Merge, Stored, Stream, Sum};

use crate::counts::Sizes;
use crate::fractal::Radii;
use crate::histogram::Histogram;
use crate::moments::Moments;
use crate::returns::{Fate, Halves};

/// Sums over the atoms of one type, or all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kind {
    /// Atoms, once a window.
    pub atoms: u64,
    /// Displacements over one window.
    pub histogram: Histogram,
    /// Moments at each lag.
    pub lags: Vec<Moments>,
    /// Atoms that jumped.
    pub jumped: u64,
    /// Atoms with neighbours.
    pub caged: u64,
    /// Atoms whose cage broke.
    pub broken: u64,
    /// Σ of the shares of neighbours that stayed.
    pub bonds: Sum,
    /// Neighbours at the start, lost, beyond the cutoff itself, and gained.
    pub neighbours: [u64; 4],
    /// Jumps after each number of windows by their fate: \[alone, in a string\].
    pub fates: Vec<[[u64; 4]; 2]>,
    /// Jumps that were followed: \[alone, in a string\].
    pub events: [u64; 2],
    /// Those that were neither undone nor refilled at any time: \[alone, in a string\].
    pub for_good: [u64; 2],
    /// Hops in halves of a period: first, second, driven there and back, whole.
    pub halves: [u64; 4],
}

impl Kind {
    /// ρ_k, the share of the jumps that were undone `k` windows later, k ≥ 1; NaN without any.
    pub fn returned(&self, k: usize) -> f64 {
        let undone: u64 = self.fates.get(k - 1).map_or(0, |sides| {
            sides
                .iter()
                .map(|fates| fates[Fate::Returned as usize])
                .sum()
        });
        undone as f64 / self.events.iter().sum::<u64>() as f64
    }

    /// Takes hops of a period.
    pub fn add_halves(&mut self, halves: &Halves) {
        let counts = [halves.first, halves.second, halves.reversible, halves.whole];
        add(&mut self.halves, &counts);
    }
}

/// Sums over strings by one rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StringSums {
    /// Atoms in strings of two or more.
    pub atoms: u64,
    /// Atoms in long strings.
    pub long: u64,
    /// P(ξ).
    pub sizes: Sizes,
    /// String atoms with several partners on one side.
    pub branched: u64,
    /// Atoms in closed strings.
    pub ring_atoms: u64,
    /// Closed strings of two atoms.
    pub swaps: u64,
    /// Strings that meet their own image.
    pub wrapped: u64,
    /// Atoms in strings, and in long ones, and fast atoms, of all shuffles.
    pub shuffled: [u64; 3],
    /// P(ξ) of the shuffles.
    pub shuffled_sizes: Sizes,
}

/// Names of wraps: in any direction, along A, B, C, along all with one cluster, with independent vectors along all.
pub const WRAPS: [&str; 6] = ["any", "a", "b", "c", "all", "full"];

/// Sums over clusters of one class.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClusterSums {
    /// Atoms of the class.
    pub atoms: u64,
    /// n_s.
    pub sizes: Sizes,
    /// Σ s² and Σ s of clusters that do not wrap.
    pub mean: [u64; 2],
    /// Sizes and radii.
    pub radii: Radii,
    /// Windows with a cluster that wraps as in [`WRAPS`].
    pub wraps: [u64; 6],
    /// Shares of atoms at the first of these wraps by ordered addition; one of each a window.
    pub fractions: [Vec<f64>; 6],
    /// The displacement of the last atom at the first of them.
    pub displacements: Vec<f64>,
}

/// Sums over the windows of a block.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Windows.
    pub windows: u64,
    /// All atoms, and then each type.
    pub kinds: Vec<Kind>,
    /// Strings by the rules `donati` and `chain`.
    pub strings: [StringSums; 2],
    /// Clusters of fast and of slow atoms.
    pub clusters: [ClusterSums; 2],
    /// First wraps in random order.
    pub random: Vec<f64>,
    /// Atoms by (jumped, cage broken).
    pub table: [u64; 4],
    /// Links by (type that left, type that came), row by row.
    pub links: Vec<u64>,
}

/// Adds numbers place by place.
fn add(sums: &mut [u64], more: &[u64]) {
    sums.iter_mut()
        .zip(more)
        .for_each(|(sum, more)| *sum += more);
}

impl Merge for Kind {
    fn merge(&mut self, later: &Self) {
        self.atoms += later.atoms;
        self.histogram.merge(&later.histogram);
        let most = self.lags.len().max(later.lags.len());
        self.lags.resize_with(most, Moments::default);
        for (sum, more) in self.lags.iter_mut().zip(&later.lags) {
            sum.merge(more);
        }
        self.jumped += later.jumped;
        self.caged += later.caged;
        self.broken += later.broken;
        self.bonds.add(later.bonds.total());
        add(&mut self.neighbours, &later.neighbours);
        let most = self.fates.len().max(later.fates.len());
        self.fates.resize(most, [[0; 4]; 2]);
        for (sum, more) in self.fates.iter_mut().zip(&later.fates) {
            for (sum, more) in sum.iter_mut().zip(more) {
                add(sum, more);
            }
        }
        add(&mut self.events, &later.events);
        add(&mut self.for_good, &later.for_good);
        add(&mut self.halves, &later.halves);
    }
}

impl Merge for StringSums {
    fn merge(&mut self, later: &Self) {
        self.atoms += later.atoms;
        self.long += later.long;
        self.sizes.merge(&later.sizes);
        self.branched += later.branched;
        self.ring_atoms += later.ring_atoms;
        self.swaps += later.swaps;
        self.wrapped += later.wrapped;
        add(&mut self.shuffled, &later.shuffled);
        self.shuffled_sizes.merge(&later.shuffled_sizes);
    }
}

impl Merge for ClusterSums {
    fn merge(&mut self, later: &Self) {
        self.atoms += later.atoms;
        self.sizes.merge(&later.sizes);
        add(&mut self.mean, &later.mean);
        self.radii.merge(&later.radii);
        add(&mut self.wraps, &later.wraps);
        for (all, more) in self.fractions.iter_mut().zip(&later.fractions) {
            all.extend(more);
        }
        self.displacements.extend(&later.displacements);
    }
}

impl Merge for Tally {
    fn merge(&mut self, later: &Self) {
        self.windows += later.windows;
        let most = self.kinds.len().max(later.kinds.len());
        self.kinds.resize_with(most, Kind::default);
        for (sum, more) in self.kinds.iter_mut().zip(&later.kinds) {
            sum.merge(more);
        }
        for (sum, more) in self.strings.iter_mut().zip(&later.strings) {
            sum.merge(more);
        }
        for (sum, more) in self.clusters.iter_mut().zip(&later.clusters) {
            sum.merge(more);
        }
        self.random.extend(&later.random);
        add(&mut self.table, &later.table);
        self.links
            .resize(self.links.len().max(later.links.len()), 0);
        add(&mut self.links, &later.links);
    }
}

impl Stored for Kind {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.atoms.pass(stream)?;
        self.histogram.pass(stream)?;
        self.lags.pass(stream)?;
        self.jumped.pass(stream)?;
        self.caged.pass(stream)?;
        self.broken.pass(stream)?;
        self.bonds.pass(stream)?;
        self.neighbours.pass(stream)?;
        self.fates.pass(stream)?;
        self.events.pass(stream)?;
        self.for_good.pass(stream)?;
        self.halves.pass(stream)
    }
}

impl Stored for StringSums {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.atoms.pass(stream)?;
        self.long.pass(stream)?;
        self.sizes.pass(stream)?;
        self.branched.pass(stream)?;
        self.ring_atoms.pass(stream)?;
        self.swaps.pass(stream)?;
        self.wrapped.pass(stream)?;
        self.shuffled.pass(stream)?;
        self.shuffled_sizes.pass(stream)
    }
}

impl Stored for ClusterSums {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.atoms.pass(stream)?;
        self.sizes.pass(stream)?;
        self.mean.pass(stream)?;
        self.radii.pass(stream)?;
        self.wraps.pass(stream)?;
        self.fractions.pass(stream)?;
        self.displacements.pass(stream)
    }
}

impl Stored for Tally {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.windows.pass(stream)?;
        self.kinds.pass(stream)?;
        self.strings.pass(stream)?;
        self.clusters.pass(stream)?;
        self.random.pass(stream)?;
        self.table.pass(stream)?;
        self.links.pass(stream)
    }
}
