//! Clusters of atoms of one class that are neighbours at the start of the window.

use crate::cell::{Vector, add, dot, subtract};
use crate::disjoint::{Disjoint, Wrap};
use crate::pairs::Pairs;
use crate::window::Window;

/// Number of what an atom belongs to where it belongs to nothing.
pub const NOTHING: u32 = u32::MAX;

/// One cluster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cluster {
    /// Its atom with the smallest ID.
    pub first: u32,
    /// Number of atoms.
    pub size: u32,
    /// How it meets its own images.
    pub wrap: Wrap,
    /// Root of the mean squared distance from the mean position [length]; NaN where it wraps.
    pub radius: f64,
}

/// How the clusters of a class wrap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Percolation {
    /// Largest number of independent wrapping vectors of a cluster.
    pub rank: usize,
    /// Directions along which some cluster wraps.
    pub flags: [bool; 3],
    /// Whether some cluster wraps.
    pub any: bool,
    /// Whether one cluster wraps along every direction in which the cell repeats, perhaps only diagonally.
    pub all: bool,
    /// Whether one cluster has as many independent wrapping vectors as there are such directions.
    pub full: bool,
}

/// All clusters of a class, in the order of their first atoms.
#[derive(Debug, Clone, Default)]
pub struct Clusters {
    /// Cluster of each atom, or [`NOTHING`].
    pub of: Vec<u32>,
    /// The clusters.
    pub list: Vec<Cluster>,
}

impl Clusters {
    /// The connected components of the atoms of `window` whose class is `wanted`, joined by `pairs`. `trees` is working space
    /// for as many nodes.
    pub fn new(
        window: &Window,
        pairs: &Pairs,
        class: &[i8],
        wanted: i8,
        trees: &mut Disjoint,
    ) -> Self {
        trees.clear();
        let class: Vec<i8> = pairs.atoms().iter().map(|&i| class[i as usize]).collect();
        let chosen = |place: u32| class[place as usize] == wanted;
        let count = class.len() as u32;
        for place in (0..count).filter(|&place| chosen(place)) {
            trees.insert(place);
            for pair in pairs.row(place) {
                if pair.index < place && chosen(pair.index) {
                    trees.unite(place, pair.index, pair.image());
                }
            }
        }
        let node = |i: u32| pairs.place(i);
        let mut clusters = gather(trees, class.len(), node);
        clusters.measure(window, trees, node);
        clusters
    }

    /// Radii of gyration of the clusters that do not wrap.
    fn measure(&mut self, window: &Window, trees: &mut Disjoint, node: impl Fn(u32) -> u32) {
        let count = self.list.len();
        let mut means = vec![[0.0; 3]; count];
        let mut squares = vec![0.0; count];
        let mut homes: Vec<Vector> = Vec::with_capacity(count);
        for cluster in &self.list {
            homes.push(unwrapped(window, trees, cluster.first, node(cluster.first)));
        }
        for pass in 0..2 {
            for (i, &number) in self.of.iter().enumerate() {
                if number == NOTHING {
                    continue;
                }
                let cluster = &self.list[number as usize];
                if cluster.wrap.rank() > 0 || cluster.size == 1 {
                    continue;
                }
                let number = number as usize;
                let place = subtract(
                    unwrapped(window, trees, i as u32, node(i as u32)),
                    homes[number],
                );
                if pass == 0 {
                    means[number] = add(means[number], place);
                } else {
                    let away = subtract(place, means[number]);
                    squares[number] += dot(away, away);
                }
            }
            if pass == 0 {
                for (mean, cluster) in means.iter_mut().zip(&self.list) {
                    *mean = mean.map(|part| part / f64::from(cluster.size));
                }
            }
        }
        for (cluster, square) in self.list.iter_mut().zip(squares) {
            cluster.radius = if cluster.wrap.rank() > 0 {
                f64::NAN
            } else {
                (square / f64::from(cluster.size)).sqrt()
            };
        }
    }

    /// The largest cluster; of equal ones, the one with the smaller ID.
    pub fn largest(&self) -> Option<&Cluster> {
        self.list
            .iter()
            .reduce(|best, next| if next.size > best.size { next } else { best })
    }

    /// How the clusters wrap in a cell that repeats where `periodic`.
    pub fn percolation(&self, periodic: [bool; 3]) -> Percolation {
        let directions = periodic.iter().filter(|flag| **flag).count();
        let mut found = Percolation::default();
        for cluster in &self.list {
            let flags = cluster.wrap.flags();
            found.rank = found.rank.max(cluster.wrap.rank());
            found.all |= directions > 0 && flags == periodic;
            for (flag, own) in found.flags.iter_mut().zip(flags) {
                *flag |= own;
            }
        }
        found.any = found.rank > 0;
        found.full = directions > 0 && found.rank == directions;
        found
    }

    /// Σ s² and Σ s over the clusters that do not wrap; their ratio is the mean size.
    pub fn mean_size_sums(&self) -> (u64, u64) {
        self.list
            .iter()
            .filter(|cluster| cluster.wrap.rank() == 0)
            .fold((0, 0), |(squares, sum), cluster| {
                let size = u64::from(cluster.size);
                (squares + size * size, sum + size)
            })
    }
}

/// x_i + h o_i of atom `i`, which is `node` in the trees.
fn unwrapped(window: &Window, trees: &mut Disjoint, i: u32, node: u32) -> Vector {
    let (_, offset) = trees.find(node);
    let start = window.starts[i as usize];
    if offset == [0; 3] {
        start
    } else {
        add(start, window.cell.shift(offset))
    }
}

/// The trees over `count` atoms, of which each is a `node`, as components in the order of their first atoms, without radii.
pub fn gather(trees: &mut Disjoint, count: usize, node: impl Fn(u32) -> u32) -> Clusters {
    let mut of = vec![NOTHING; count];
    let mut list = Vec::new();
    // number of the component of each root
    let mut numbers = vec![NOTHING; count];
    for (i, own) in (0u32..).zip(&mut of) {
        let node = node(i);
        if !trees.contains(node) {
            continue;
        }
        let (root, _) = trees.find(node);
        let number = &mut numbers[root as usize];
        if *number == NOTHING {
            *number = list.len() as u32;
            list.push(Cluster {
                first: i,
                size: trees.size(root),
                wrap: trees.wrap(root),
                radius: f64::NAN,
            });
        }
        *own = *number;
    }
    Clusters { of, list }
}
