//! Fast and slow atoms.

use crate::minimum::Minimum;

/// Which atoms are fast.
#[derive(Debug, Clone, PartialEq)]
pub enum Fast {
    /// Those that moved by u_min of their type or more.
    Minimum,
    /// The same with the end of the jump region as an upper bound.
    Region,
    /// Those that moved by the value of their type or more.
    Cut(Vec<f64>),
    /// The fraction that moved most.
    Top(f64),
}

/// Which atoms are slow.
#[derive(Debug, Clone, PartialEq)]
pub enum Slow {
    /// All that are not fast.
    Rest,
    /// Those that moved by no more than the value of their type.
    Cut(Vec<f64>),
    /// The fraction that moved least.
    Bottom(f64),
}

/// The atoms in descending order of `lengths`; of equal ones, the one with the smaller number first.
pub fn descending(lengths: &[f64]) -> Vec<u32> {
    // lengths are not negative, so that their bits are in their order
    let mut keys: Vec<(u64, u32)> = lengths
        .iter()
        .zip(0..)
        .map(|(u, index)| (!u.to_bits(), index))
        .collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, index)| index).collect()
}

/// The atoms in ascending order of `lengths`; of equal ones, the one with the smaller number first.
pub fn ascending(lengths: &[f64]) -> Vec<u32> {
    let mut keys: Vec<(u64, u32)> = lengths
        .iter()
        .zip(0..)
        .map(|(u, index)| (u.to_bits(), index))
        .collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, index)| index).collect()
}

/// Marks the first floor(`fraction`·n + 1/2) of `order`, or as many of each type.
fn mark(order: &[u32], types: &[u32], fraction: f64, by_type: bool, value: i8, class: &mut [i8]) {
    let share = |count: usize| (fraction * count as f64 + 0.5).floor() as usize;
    if !by_type {
        for &index in &order[..share(order.len()).min(order.len())] {
            class[index as usize] = value;
        }
        return;
    }
    let kinds = types.iter().max().map_or(0, |most| *most as usize);
    let mut left = vec![0; kinds + 1];
    types.iter().for_each(|&kind| left[kind as usize] += 1);
    left.iter_mut().for_each(|count| *count = share(*count));
    for &index in order {
        let left = &mut left[types[index as usize] as usize];
        if *left > 0 {
            *left -= 1;
            class[index as usize] = value;
        }
    }
}

/// 1 for fast, −1 for slow, 0 for neither, for atoms of `types` that moved by `lengths`; `minima` holds the thresholds of the
/// types.
pub fn classes(
    lengths: &[f64],
    types: &[u32],
    fast: &Fast,
    slow: &Slow,
    by_type: bool,
    minima: &[Minimum],
) -> Vec<i8> {
    let mut class = vec![0i8; lengths.len()];
    let kind = |index: usize| types[index] as usize - 1;
    match slow {
        Slow::Rest => class.fill(-1),
        Slow::Cut(limits) => {
            for (index, &u) in lengths.iter().enumerate() {
                if u <= limits[kind(index)] {
                    class[index] = -1;
                }
            }
        }
        Slow::Bottom(fraction) => {
            mark(
                &ascending(lengths),
                types,
                *fraction,
                by_type,
                -1,
                &mut class,
            );
        }
    }
    let mut above = |holds: &dyn Fn(f64, usize) -> bool| {
        for (index, &u) in lengths.iter().enumerate() {
            if holds(u, kind(index)) {
                class[index] = 1;
            }
        }
    };
    match fast {
        Fast::Minimum => above(&|u, kind| u >= minima[kind].u_min),
        Fast::Region => above(&|u, kind| u >= minima[kind].u_min && u < minima[kind].u_out),
        Fast::Cut(limits) => above(&|u, kind| u >= limits[kind]),
        Fast::Top(fraction) => {
            mark(
                &descending(lengths),
                types,
                *fraction,
                by_type,
                1,
                &mut class,
            );
        }
    }
    class
}

#[cfg(test)]
mod tests {
    use super::{Fast, Slow, ascending, classes, descending};

    #[test]
    fn equal_displacements_go_to_the_smaller_number() {
        let lengths = [0.5, 2.0, 0.5, 2.0, 0.0];
        assert_eq!(descending(&lengths), [1, 3, 0, 2, 4]);
        assert_eq!(ascending(&lengths), [4, 0, 2, 1, 3]);
        let types = [1, 1, 1, 2, 2];
        let class = |fast, slow, by_type| classes(&lengths, &types, &fast, &slow, by_type, &[]);
        assert_eq!(
            class(Fast::Top(0.2), Slow::Bottom(0.4), false),
            [-1, 1, 0, 0, -1]
        );
        assert_eq!(class(Fast::Top(0.5), Slow::Rest, true), [1, 1, -1, 1, -1]);
        assert_eq!(
            class(Fast::Cut(vec![2.0, 3.0]), Slow::Cut(vec![0.0, 0.0]), false),
            [0, 1, 0, 0, -1]
        );
    }
}
