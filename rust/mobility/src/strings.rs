//! Strings: fast atoms that end where others started.
//!
//! The link i → j says that i ended nearer than δ to the start of j. Two rules make strings of links: `donati` takes all links
//! and forgets their direction, so that strings may branch; `chain` takes a link only where j has the nearest linked start to
//! the end of i and i the nearest linked end to the start of j, so that every string is an open chain or a ring.

use crate::cell::{Cell, Image, Vector};
use crate::clusters::{Cluster, NOTHING, gather};
use crate::disjoint::Disjoint;
use crate::grid::Grid;
use crate::table::Table;

/// How links make strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Connected components of all links.
    Donati,
    /// Mutually nearest links.
    Chain,
}

impl Rule {
    /// Names, in the order of the variants.
    pub const NAMES: [&str; 2] = ["donati", "chain"];

    /// Both, in the order of [`Rule::NAMES`].
    pub const ALL: [Rule; 2] = [Rule::Donati, Rule::Chain];
}

/// Starts and ends of atoms that moved, in the order of their IDs.
#[derive(Debug, Clone)]
pub struct Movers {
    /// Scaled starts, wrapped into the cell.
    pub scaled: Vec<Vector>,
    /// Ends, start plus displacement, not wrapped [length].
    pub ends: Vec<Vector>,
    /// Types.
    pub types: Vec<u32>,
}

impl Movers {
    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.scaled.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.scaled.is_empty()
    }
}

/// Atom `from` ended where the image `image` of atom `to` started.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// The atom that came, as its number among the movers.
    pub from: u32,
    /// The atom whose place it took.
    pub to: u32,
    /// The image of that start next to the end.
    pub image: Image,
    /// Squared distance.
    pub square: f64,
}

/// All links of `movers` in `cell` below the distances `delta` of their types, ordered by atoms. Twice the largest distance
/// must not exceed the smallest height of the cell.
pub fn links(cell: &Cell, movers: &Movers, delta: &Table) -> Vec<Link> {
    let radius = delta.largest().2;
    if movers.is_empty() || radius <= 0.0 {
        return Vec::new();
    }
    let all: Vec<u32> = (0..movers.len() as u32).collect();
    let grid = Grid::new(cell, &movers.scaled, &all, radius);
    let mut links = Vec::new();
    for (from, &end) in (0u32..).zip(&movers.ends) {
        let before = links.len();
        let kind = movers.types[from as usize];
        grid.near(end, radius, |to, image, square| {
            let limit = delta.get(kind, movers.types[to as usize]);
            if to != from && square < limit * limit {
                links.push(Link {
                    from,
                    to,
                    image,
                    square,
                });
            }
        });
        links[before..].sort_unstable_by_key(|link| link.to);
    }
    links
}

/// The links that are the nearest on both sides; of equally near ones, the one with the smaller number counts.
pub fn mutual(links: &[Link], count: usize) -> Vec<Link> {
    let mut out = vec![NOTHING; count];
    let mut into = vec![NOTHING; count];
    for (index, link) in (0u32..).zip(links) {
        // links are ordered by atoms, so that the first of equal ones stays
        for best in [&mut out[link.from as usize], &mut into[link.to as usize]] {
            if *best == NOTHING || link.square < links[*best as usize].square {
                *best = index;
            }
        }
    }
    (0u32..)
        .zip(links)
        .filter(|(index, link)| {
            out[link.from as usize] == *index && into[link.to as usize] == *index
        })
        .map(|(_, link)| *link)
        .collect()
}

/// The strings of one rule.
#[derive(Debug, Clone, Default)]
pub struct Strings {
    /// String of each mover; one that is alone has a string of its own.
    pub of: Vec<u32>,
    /// The strings, in the order of their first atoms.
    pub list: Vec<Cluster>,
    /// Links of each string.
    pub sizes: Vec<u32>,
    /// The links that make them.
    pub links: Vec<Link>,
    /// Atoms of strings that have more than one partner on the same side.
    pub branched: u64,
}

impl Strings {
    /// The strings that `links` make of `count` movers.
    pub fn new(links: Vec<Link>, count: usize) -> Self {
        let mut trees = Disjoint::new(count);
        (0..count as u32).for_each(|node| trees.insert(node));
        let mut partners = vec![[0u32; 2]; count];
        for link in &links {
            trees.unite(link.from, link.to, link.image);
            partners[link.from as usize][0] += 1;
            partners[link.to as usize][1] += 1;
        }
        let components = gather(&mut trees, count, |node| node);
        let mut sizes = vec![0; components.list.len()];
        for link in &links {
            sizes[components.of[link.from as usize] as usize] += 1;
        }
        Strings {
            of: components.of,
            list: components.list,
            sizes,
            links,
            branched: partners
                .iter()
                .filter(|sides| sides.iter().any(|count| *count > 1))
                .count() as u64,
        }
    }

    /// Whether a string is closed: it has as many links as atoms, or more.
    pub fn closed(&self, string: usize) -> bool {
        self.sizes[string] >= self.list[string].size
    }

    /// Atoms in strings of at least `least` atoms.
    pub fn atoms(&self, least: u32) -> u64 {
        self.list
            .iter()
            .filter(|string| string.size >= least)
            .map(|string| u64::from(string.size))
            .sum()
    }

    /// Atoms in closed strings, and closed strings of two atoms.
    pub fn rings(&self) -> (u64, u64) {
        (0..self.list.len())
            .filter(|&string| self.closed(string))
            .fold((0, 0), |(atoms, swaps), string| {
                let size = self.list[string].size;
                (atoms + u64::from(size), swaps + u64::from(size == 2))
            })
    }

    /// Strings that meet their own image.
    pub fn wrapped(&self) -> u64 {
        self.list
            .iter()
            .filter(|string| string.wrap.rank() > 0)
            .count() as u64
    }

    /// The atom whose place each mover took, or [`NOTHING`]; of several, the nearest.
    pub fn successors(&self) -> Vec<u32> {
        let mut best: Vec<Option<&Link>> = vec![None; self.of.len()];
        for link in &self.links {
            let place = &mut best[link.from as usize];
            if place.is_none_or(|other| link.square < other.square) {
                *place = Some(link);
            }
        }
        best.iter()
            .map(|link| link.map_or(NOTHING, |link| link.to))
            .collect()
    }

    /// The movers of every string of at least `least` atoms, each in the order in which one takes the place of the next
    /// along the links `chain`: from atoms whose place nobody took, the smaller number first, and rings from their smallest.
    pub fn members(&self, least: u32, chain: &[Link]) -> Vec<(usize, Vec<u32>)> {
        let count = self.of.len();
        let mut next = vec![NOTHING; count];
        let mut headed = vec![false; count];
        for link in chain {
            next[link.from as usize] = link.to;
            headed[link.to as usize] = true;
        }
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); self.list.len()];
        let mut done = vec![false; count];
        for heads in [true, false] {
            for start in 0..count {
                if heads && headed[start] {
                    continue;
                }
                let mut here = start as u32;
                while here != NOTHING && !done[here as usize] {
                    done[here as usize] = true;
                    members[self.of[start] as usize].push(here);
                    here = next[here as usize];
                }
            }
        }
        members
            .into_iter()
            .enumerate()
            .filter(|(string, _)| self.list[*string].size >= least)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Link, Strings, mutual};

    fn link(from: u32, to: u32, square: f64) -> Link {
        Link {
            from,
            to,
            image: [0; 3],
            square,
        }
    }

    #[test]
    fn a_fork_branches_and_its_nearest_arm_is_the_chain() {
        let links = vec![link(0, 2, 0.04), link(1, 2, 0.01)];
        let all = Strings::new(links.clone(), 3);
        assert_eq!((all.list.len(), all.list[0].size, all.branched), (1, 3, 1));
        let chain = Strings::new(mutual(&links, 3), 3);
        let sizes: Vec<u32> = chain.list.iter().map(|string| string.size).collect();
        assert_eq!((sizes, chain.branched), (vec![1, 2], 0));
        assert_eq!(chain.members(2, &chain.links), [(1, vec![1, 2])]);
    }

    #[test]
    fn equally_near_links_go_to_the_smaller_number() {
        let links = [link(0, 2, 0.04), link(1, 2, 0.04)];
        assert_eq!(mutual(&links, 3), [links[0]]);
    }

    #[test]
    fn members_follow_the_chain_and_rings_start_at_their_smallest() {
        let links = vec![
            link(0, 4, 0.0),
            link(1, 3, 0.0),
            link(3, 2, 0.0),
            link(2, 1, 0.0),
            link(5, 0, 0.0),
        ];
        let strings = Strings::new(mutual(&links, 6), 6);
        assert_eq!(
            strings.members(2, &strings.links),
            [(0, vec![5, 0, 4]), (1, vec![1, 3, 2])]
        );
        assert!(!strings.closed(0) && strings.closed(1));
        assert_eq!(strings.rings(), (3, 0));
        let none = u32::MAX;
        assert_eq!(strings.successors(), [4, 3, 1, 2, none, 0]);
    }
}
