//! What went beyond the model's range since the start: neighbours beyond `sel`, inputs beyond the tables.

/// Counts by centre and neighbour type; in `se_e3` tables are looked up for two neighbour types, which stand here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    n_types: usize,
    most: Vec<usize>,
    room: Vec<usize>,
    extrapolated: Vec<u64>,
}

impl Counters {
    /// For a model of `n_types`.
    pub fn new(n_types: usize) -> Self {
        Self {
            n_types,
            most: vec![0; n_types * n_types],
            room: vec![0; n_types * n_types],
            extrapolated: vec![0; n_types * n_types],
        }
    }

    /// With counts that were made elsewhere, in the order of the methods below, `[n_types, n_types]` each.
    pub fn from_counts(
        n_types: usize,
        most: Vec<usize>,
        room: Vec<usize>,
        extrapolated: Vec<u64>,
    ) -> Self {
        Self {
            n_types,
            most,
            room,
            extrapolated,
        }
    }

    /// Largest number of neighbours of a type that were seen around one atom, by pair of types; 0 where all of them
    /// always fitted into `sel`, `[n_types, n_types]`. Where types share the slots, those of all types stand at the first one.
    pub fn most_neighbours(&self) -> &[usize] {
        &self.most
    }

    /// Slots that there were for the neighbours of [`Self::most_neighbours`], `[n_types, n_types]`.
    pub fn room(&self) -> &[usize] {
        &self.room
    }

    /// Lookups outside of a table by pair of types, `[n_types, n_types]`.
    pub fn extrapolated(&self) -> &[u64] {
        &self.extrapolated
    }

    /// Adds what another counter of the same model saw.
    pub fn merge(&mut self, other: &Self) {
        for (k, &count) in other.most.iter().enumerate() {
            if count > self.most[k] {
                self.most[k] = count;
                self.room[k] = other.room[k];
            }
        }
        for (sum, count) in self.extrapolated.iter_mut().zip(&other.extrapolated) {
            *sum += count;
        }
    }

    pub(crate) fn note_overflow(
        &mut self,
        centre: usize,
        neighbour: usize,
        count: usize,
        slots: usize,
    ) {
        let k = centre * self.n_types + neighbour;
        if count > self.most[k] {
            self.most[k] = count;
            self.room[k] = slots;
        }
    }

    pub(crate) fn note_extrapolated(&mut self, first: usize, second: usize, count: u64) {
        self.extrapolated[first * self.n_types + second] += count;
    }
}
