//! Union-find with whole image offsets: which atoms hang together, and whether they meet their own periodic images.
//!
//! Topology is decided by integers alone. Each node knows how many lattice vectors its image lies beyond that of its parent;
//! a bond within one tree whose sum of offsets round the loop is not zero is a wrapping vector of the cluster.

use std::collections::BTreeMap;

use crate::cell::Image;

/// Independent wrapping vectors of a cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wrap {
    basis: [[i64; 3]; 3],
    rank: usize,
    flags: [bool; 3],
}

impl Wrap {
    /// Number of independent wrapping vectors, 0 to 3.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Whether some wrapping vector has a component along A, B, C.
    pub fn flags(&self) -> [bool; 3] {
        self.flags
    }

    /// The independent wrapping vectors, in the order in which they were found, with the first non-zero component positive.
    pub fn vectors(&self) -> &[[i64; 3]] {
        &self.basis[..self.rank]
    }

    /// Takes a wrapping vector; the test of independence is exact.
    fn insert(&mut self, vector: [i64; 3]) {
        for (flag, part) in self.flags.iter_mut().zip(vector) {
            *flag |= part != 0;
        }
        let big = |v: [i64; 3]| v.map(i128::from);
        let cross = |a: [i64; 3], b: [i64; 3]| {
            let (a, b) = (big(a), big(b));
            [
                a[1] * b[2] - a[2] * b[1],
                a[2] * b[0] - a[0] * b[2],
                a[0] * b[1] - a[1] * b[0],
            ]
        };
        let independent = match self.rank {
            0 => vector != [0; 3],
            1 => cross(self.basis[0], vector) != [0; 3],
            2 => {
                let normal = cross(self.basis[0], self.basis[1]);
                let vector = big(vector);
                (0..3).map(|axis| normal[axis] * vector[axis]).sum::<i128>() != 0
            }
            _ => false,
        };
        if independent {
            let negative = vector
                .iter()
                .find(|part| **part != 0)
                .is_some_and(|p| *p < 0);
            self.basis[self.rank] = if negative { vector.map(|p| -p) } else { vector };
            self.rank += 1;
        }
    }

    fn merge(&mut self, other: &Wrap) {
        other
            .vectors()
            .iter()
            .for_each(|&vector| self.insert(vector));
        for (flag, theirs) in self.flags.iter_mut().zip(other.flags) {
            *flag |= theirs;
        }
    }
}

/// Marks a node that is in no tree yet.
const ABSENT: i32 = i32::MIN;

#[derive(Debug, Clone, Copy)]
struct Node {
    /// The parent, or minus the size of the tree, or [`ABSENT`].
    parent: i32,
    /// Image of the node less that of its parent.
    offset: Image,
}

/// Trees over the nodes 0 … n − 1.
#[derive(Debug, Clone)]
pub struct Disjoint {
    nodes: Vec<Node>,
    /// Wrapping vectors, by root.
    wraps: BTreeMap<u32, Wrap>,
}

impl Disjoint {
    /// `count` nodes that are in no tree.
    pub fn new(count: usize) -> Self {
        let absent = Node {
            parent: ABSENT,
            offset: [0; 3],
        };
        Disjoint {
            nodes: vec![absent; count],
            wraps: BTreeMap::new(),
        }
    }

    /// Empties all trees.
    pub fn clear(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.parent = ABSENT);
        self.wraps.clear();
    }

    /// Makes `node` a tree of its own.
    #[inline]
    pub fn insert(&mut self, node: u32) {
        self.nodes[node as usize] = Node {
            parent: -1,
            offset: [0; 3],
        };
    }

    /// Whether `node` is in a tree.
    #[inline]
    pub fn contains(&self, node: u32) -> bool {
        self.nodes[node as usize].parent != ABSENT
    }

    /// Root of the tree of `node`, and the image of `node` less that of the root. Shortens the path by halves.
    #[inline]
    pub fn find(&mut self, node: u32) -> (u32, Image) {
        let mut offset = [0; 3];
        let mut here = node;
        loop {
            let Node {
                parent,
                offset: own,
            } = self.nodes[here as usize];
            if parent < 0 {
                return (here, offset);
            }
            let above = self.nodes[parent as usize];
            if above.parent < 0 {
                return (parent as u32, sum(offset, own));
            }
            let skipped = sum(own, above.offset);
            self.nodes[here as usize] = Node {
                parent: above.parent,
                offset: skipped,
            };
            offset = sum(offset, skipped);
            here = above.parent as u32;
        }
    }

    /// Size of the tree with this root.
    pub fn size(&self, root: u32) -> u32 {
        self.nodes[root as usize].parent.unsigned_abs()
    }

    /// Wrapping vectors of the tree with this root.
    pub fn wrap(&self, root: u32) -> Wrap {
        self.wraps.get(&root).copied().unwrap_or_default()
    }

    /// Joins node `i` with image `image` of node `j`. Returns the root where the bond changed the wrapping vectors of a
    /// cluster.
    #[inline]
    pub fn unite(&mut self, i: u32, j: u32, image: Image) -> Option<u32> {
        let (first, to_first) = self.find(i);
        let (second, to_second) = self.find(j);
        // image of the second root less that of the first
        let between: Image =
            std::array::from_fn(|axis| to_first[axis] + image[axis] - to_second[axis]);
        if first == second {
            return (between != [0; 3]).then(|| {
                let wrap = self.wraps.entry(first).or_default();
                wrap.insert(between.map(i64::from));
                first
            });
        }
        let sizes = [self.size(first), self.size(second)];
        let (root, child, offset) =
            if sizes[1] < sizes[0] || (sizes[1] == sizes[0] && second > first) {
                (first, second, between)
            } else {
                (second, first, between.map(|part| -part))
            };
        self.nodes[child as usize] = Node {
            parent: root as i32,
            offset,
        };
        self.nodes[root as usize].parent = -((sizes[0] + sizes[1]) as i32);
        if self.wraps.is_empty() {
            return None;
        }
        let moved = self.wraps.remove(&child)?;
        self.wraps.entry(root).or_default().merge(&moved);
        Some(root)
    }
}

#[inline]
fn sum(a: Image, b: Image) -> Image {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

#[cfg(test)]
mod tests {
    use super::{Disjoint, Wrap};

    #[test]
    fn rank_counts_independent_vectors() {
        let mut wrap = Wrap::default();
        for (vector, rank) in [
            ([1, 1, 0], 1),
            ([-2, -2, 0], 1),
            ([0, 1, 0], 2),
            ([5, -3, 0], 2),
            ([0, 0, -7], 3),
        ] {
            wrap.insert(vector);
            assert_eq!(wrap.rank(), rank);
        }
        assert_eq!(wrap.vectors(), [[1, 1, 0], [0, 1, 0], [0, 0, 7]]);
        assert_eq!(wrap.flags(), [true; 3]);
    }

    #[test]
    fn a_chain_that_closes_on_its_image_wraps() {
        let mut trees = Disjoint::new(5);
        (0..5).for_each(|node| trees.insert(node));
        for node in 0..4 {
            assert_eq!(trees.unite(node, node + 1, [0; 3]), None);
        }
        let root = trees.unite(4, 0, [1, 0, 0]).unwrap();
        assert_eq!(trees.wrap(root).vectors(), [[1, 0, 0]]);
        assert_eq!(trees.size(root), 5);
    }

    #[test]
    fn a_ring_across_the_border_does_not() {
        let mut trees = Disjoint::new(4);
        (0..4).for_each(|node| trees.insert(node));
        assert_eq!(trees.unite(0, 1, [1, 0, 0]), None);
        assert_eq!(trees.unite(1, 2, [0; 3]), None);
        assert_eq!(trees.unite(2, 3, [-1, 0, 0]), None);
        assert_eq!(trees.unite(3, 0, [0; 3]), None);
        assert_eq!(trees.find(2).0, trees.find(0).0);
        let (_, two) = trees.find(2);
        let (_, zero) = trees.find(0);
        assert_eq!(two[0] - zero[0], 1);
    }
}
