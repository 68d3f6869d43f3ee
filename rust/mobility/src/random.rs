//! Random numbers for baselines, the same on every machine.

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence for a purpose in a window.
    pub fn new(seed: u64, window: u64, purpose: u64) -> Self {
        let mut random = Random(seed);
        for part in [window, purpose] {
            random.0 = random.next() ^ part;
        }
        random
    }

    /// The next 64 bits.
    #[inline]
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `count`.
    #[inline]
    pub fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }

    /// A real in [0, 1).
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Takes a random item out of `pool`; taking all of them is a Fisher-Yates shuffle from the end.
    #[inline]
    pub fn take(&mut self, pool: &mut Vec<u32>) -> Option<u32> {
        if pool.is_empty() {
            return None;
        }
        let place = self.below(pool.len());
        Some(pool.swap_remove(place))
    }
}

/// `order` with atoms put in random places: every atom, or every atom of a type, is equally likely at each place of its kind.
pub fn shuffled<'a>(
    order: &'a [u32],
    types: &'a [u32],
    by_type: bool,
    mut random: Random,
) -> impl Iterator<Item = u32> + 'a {
    let kind = move |index: u32| {
        if by_type {
            types[index as usize] as usize
        } else {
            0
        }
    };
    let kinds = order.iter().map(|&index| kind(index)).max().unwrap_or(0);
    let mut pools = vec![Vec::new(); kinds + 1];
    for index in 0..order.len() as u32 {
        pools[kind(index)].push(index);
    }
    order
        .iter()
        .filter_map(move |&index| random.take(&mut pools[kind(index)]))
}

#[cfg(test)]
mod tests {
    use super::{Random, shuffled};

    #[test]
    fn the_sequence_is_that_of_its_authors() {
        // first outputs of splitmix64 from the seed 1234567
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_shuffle_holds_every_atom_once_and_types_in_their_places() {
        let order: Vec<u32> = (0..60).rev().collect();
        let types: Vec<u32> = (0..60).map(|index| 1 + index % 3).collect();
        let mixed: Vec<u32> = shuffled(&order, &types, true, Random::new(1, 2, 3)).collect();
        assert_ne!(mixed, order);
        for (place, &index) in mixed.iter().enumerate() {
            assert_eq!(types[index as usize], types[order[place] as usize]);
        }
        let mut sorted = mixed.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..60).collect::<Vec<u32>>());
        let again: Vec<u32> = shuffled(&order, &types, true, Random::new(1, 2, 3)).collect();
        assert_eq!(mixed, again);
        let other: Vec<u32> = shuffled(&order, &types, false, Random::new(1, 3, 3)).collect();
        assert_ne!(mixed, other);
    }
}
