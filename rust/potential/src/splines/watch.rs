//! What is seen in an evaluation, by thread and model.

/// What was seen in an evaluation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    /// Largest bound of a force error of a centre that was kept [eV/Å].
    pub bound: f64,
    /// Largest bound of all.
    pub largest: f64,
    /// Entries of centres that were left out since their bound is above what is allowed.
    pub left_out: Vec<u32>,
    /// Centres in all.
    pub centres: usize,
    /// Shares in bounds by descriptor and pair of types, see [`super::bound`].
    pub shares: Vec<Vec<f64>>,
    /// By type: descriptors, those far from their point, largest length (squared) of a difference, sums of descriptors for the
    /// next point.
    pub types: Vec<Seen>,
}

/// Descriptors of one type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub rows: usize,
    pub far: usize,
    pub longest: f32,
    pub sums: Vec<f64>,
    pub summed: usize,
}

impl Watch {
    /// Forgets everything but sums for points to come.
    pub fn clear(&mut self, n_types: usize) {
        self.types.resize_with(n_types, Seen::default);
        self.bound = 0.0;
        self.largest = 0.0;
        self.centres = 0;
        self.left_out.clear();
        self.shares.iter_mut().for_each(|shares| shares.fill(0.0));
        for seen in &mut self.types {
            (seen.rows, seen.far, seen.longest) = (0, 0, 0.0);
        }
    }

    /// Adds what another thread saw, and takes its sums.
    pub fn merge(&mut self, other: &mut Self) {
        self.bound = self.bound.max(other.bound);
        self.largest = self.largest.max(other.largest);
        self.centres += other.centres;
        self.left_out.append(&mut other.left_out);
        self.shares
            .resize_with(other.shares.len().max(self.shares.len()), Vec::new);
        for (own, other) in self.shares.iter_mut().zip(&other.shares) {
            own.resize(other.len().max(own.len()), 0.0);
            own.iter_mut().zip(other).for_each(|(a, b)| *a = a.max(*b));
        }
        for (seen, other) in self.types.iter_mut().zip(&mut other.types) {
            seen.rows += other.rows;
            seen.far += other.far;
            seen.longest = seen.longest.max(other.longest);
            if other.summed > 0 {
                seen.sums.resize(other.sums.len(), 0.0);
                seen.sums
                    .iter_mut()
                    .zip(&other.sums)
                    .for_each(|(a, b)| *a += b);
                seen.summed += other.summed;
                other.sums.clear();
                other.summed = 0;
            }
        }
    }
}
