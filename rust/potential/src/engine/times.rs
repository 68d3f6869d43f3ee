//! Where the time of an engine goes.

use std::time::{Duration, Instant};

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Distances, selection of neighbours, environment rows.
    Environment,
    /// Embedding networks or tables.
    Embedding,
    /// Moments and descriptors.
    Descriptor,
    /// Fitting networks, forward and backward.
    Fitting,
    /// Gradients of descriptors and rows, forces, virials.
    Force,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [
        Self::Environment,
        Self::Embedding,
        Self::Descriptor,
        Self::Fitting,
        Self::Force,
    ];

    /// Its name in the summary of a run.
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Embedding => "embedding",
            Self::Descriptor => "descriptor",
            Self::Fitting => "fitting",
            Self::Force => "force",
        }
    }
}

/// A stopwatch with one sum a phase.
#[derive(Clone, Debug)]
pub struct Times {
    last: Instant,
    sums: [Duration; 5],
}

impl Default for Times {
    fn default() -> Self {
        Self {
            last: Instant::now(),
            sums: [Duration::ZERO; 5],
        }
    }
}

impl Times {
    /// Starts a stretch of work.
    pub fn start(&mut self) {
        self.last = Instant::now();
    }

    /// Books the time since the last start or end on a phase.
    pub fn end(&mut self, phase: Phase) {
        let now = Instant::now();
        self.sums[phase as usize] += now - self.last;
        self.last = now;
    }

    /// Seconds in each phase, in the order of [`Phase::ALL`].
    pub fn seconds(&self) -> [f64; 5] {
        self.sums.map(|sum| sum.as_secs_f64())
    }

    /// A stopwatch that shows these seconds, in the order of [`Phase::ALL`].
    pub fn from_seconds(seconds: [f64; 5]) -> Self {
        Self {
            sums: seconds.map(Duration::from_secs_f64),
            ..Self::default()
        }
    }

    /// Adds the sums of another stopwatch.
    pub fn merge(&mut self, other: &Self) {
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            *sum += *other;
        }
    }
}
