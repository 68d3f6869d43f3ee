//! A number for every pair of types.

use deepdms_statistics::{Error, Stored, Stream};

/// A symmetric table of pairs of types, which count from 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    types: usize,
    values: Vec<f64>,
}

impl Table {
    /// A table with `value` for all pairs of `types` types.
    pub fn filled(types: usize, value: f64) -> Self {
        Table {
            types,
            values: vec![value; types * types],
        }
    }

    /// Number of types.
    pub fn types(&self) -> usize {
        self.types
    }

    /// The value of types `a` and `b`.
    #[inline]
    pub fn get(&self, a: u32, b: u32) -> f64 {
        self.values[(a as usize - 1) * self.types + b as usize - 1]
    }

    /// Sets the value of types `a` and `b`, in either order.
    pub fn set(&mut self, a: u32, b: u32, value: f64) {
        self.values[(a as usize - 1) * self.types + b as usize - 1] = value;
        self.values[(b as usize - 1) * self.types + a as usize - 1] = value;
    }

    /// The pairs a ≤ b.
    pub fn pairs(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let types = self.types as u32;
        (1..=types).flat_map(move |a| (a..=types).map(move |b| (a, b)))
    }

    /// The pair with the largest value, and that; zero without types.
    pub fn largest(&self) -> (u32, u32, f64) {
        self.pairs()
            .map(|(a, b)| (a, b, self.get(a, b)))
            .fold(
                (0, 0, 0.0),
                |most, next| if next.2 > most.2 { next } else { most },
            )
    }

    /// The values, row by row.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.types.max(1))
    }
}

impl Stored for Table {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        let mut types = self.types as u64;
        types.pass(stream)?;
        self.types = types as usize;
        self.values.pass(stream)?;
        if self.values.len() == self.types.saturating_mul(self.types) {
            Ok(())
        } else {
            Err(Error::new(
                "the stored state is damaged: a table of types has no square shape",
            ))
        }
    }
}
