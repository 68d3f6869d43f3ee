//! The strain that something else imposes, read from the box.
//!
//! The box that the forces of a timestep are computed in is handed in as the step goes by. With lag 1, the strain that
//! belongs to the stress of step n is that of the box which step n − 1 left behind, in which the forces of step n are
//! computed: exact for boxes that move at the end of a step, and for a rerun. Larger lags look further back. With lag 0
//! it is that of the box at the end of step n.

use crate::error::Error;
use crate::restart::{Reader, State, Writer};

/// Strains of the boxes of the last steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Follower {
    /// Strains of the last `lag` boxes, oldest first.
    strains: Vec<f64>,
    /// Volume of the last box.
    volume: f64,
    /// Timestep of the last box plus one; zero without one.
    next: u64,
}

impl Follower {
    /// Takes `strain` and `volume` of the box in which the forces of timestep `step` are computed. Fails where `lag` looks
    /// back over timesteps that were left out.
    pub fn follow(&mut self, lag: u64, step: i64, strain: f64, volume: f64) -> Result<(), Error> {
        let next = step as u64 + 1;
        self.volume = volume;
        if self.next == next && !self.strains.is_empty() {
            // the same step again, at the start of another run
            self.strains.pop();
        } else if lag > 1 && self.next != 0 && self.next + 1 != next {
            return Err(Error::new(format!(
                "drive external lag {lag} needs the box of every timestep, and step {step} came after step {}: use lag \
                 0 or 1 with rerun",
                self.next as i64 - 1
            )));
        }
        self.next = next;
        self.strains.push(strain);
        if self.strains.len() > lag.max(1) as usize {
            self.strains.remove(0);
        }
        Ok(())
    }

    /// The strain that the lag looks back to; before there are that many steps, the oldest known one.
    pub fn strain(&self) -> f64 {
        self.strains.first().copied().unwrap_or(0.0)
    }

    /// Volume of the box in which the last forces were computed.
    pub fn volume(&self) -> f64 {
        self.volume
    }
}

impl State for Follower {
    fn write(&self, out: &mut Writer) {
        out.integer(self.next);
        out.real(self.volume);
        out.integer(self.strains.len() as u64);
        self.strains.iter().for_each(|strain| out.real(*strain));
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
        self.next = from.integer()?;
        self.volume = from.real()?;
        let count = from.integer()?;
        self.strains.clear();
        for _ in 0..count {
            self.strains.push(from.real()?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Follower;

    #[test]
    fn a_lag_looks_back_and_a_repeated_step_counts_once() {
        let mut follower = Follower::default();
        for (step, seen) in [(10, 10.0), (11, 10.0), (12, 10.0), (12, 10.0), (13, 11.0)] {
            follower.follow(3, step, step as f64, 1.0).unwrap();
            assert_eq!(follower.strain(), seen, "step {step}");
        }
        assert_eq!(
            follower.follow(3, 20, 0.0, 1.0).unwrap_err().to_string(),
            "drive external lag 3 needs the box of every timestep, and step 20 came after step 13: use lag 0 or 1 with \
             rerun"
        );
        let mut follower = Follower::default();
        for step in [0, 100, 200] {
            follower.follow(1, step, step as f64, 2.0).unwrap();
            assert_eq!(follower.strain(), step as f64);
        }
        assert_eq!(follower.volume(), 2.0);
    }
}
