//! Plain lock-in of single cycles, whose scatter measures the thermal noise.

use crate::error::Error;
use crate::moduli::Complex;
use crate::phase::{reduced, sin_cos_turn};
use crate::protocol::Protocol;
use crate::restart::{Reader, State, Writer};
use crate::sum::Sum;
use crate::tone_outcome::WATCHED;

/// The watched stresses, and the strain.
pub const LOCKED: usize = WATCHED + 1;

/// Σ y sin qωt and Σ y cos qωt over the cycle under way, for every tone and locked response.
#[derive(Debug, Clone)]
pub struct CycleSums {
    tones: Vec<[[Sum; 2]; LOCKED]>,
}

impl CycleSums {
    /// Empty sums for `tones` tones.
    pub fn new(tones: usize) -> Self {
        CycleSums {
            tones: vec![[[Sum::default(); 2]; LOCKED]; tones],
        }
    }

    /// Adds the sample `step` steps into the cycle.
    pub fn add(&mut self, protocol: &Protocol, step: u64, values: &[f64; LOCKED]) {
        for (sums, tone) in self.tones.iter_mut().zip(&protocol.tones) {
            let part = reduced(tone.multiple, step, protocol.period);
            let (sin, cos) = sin_cos_turn(part, protocol.period);
            for (sum, value) in sums.iter_mut().zip(values) {
                sum[0].add(value * sin);
                sum[1].add(value * cos);
            }
        }
    }

    /// The loss coefficients b of the complete cycle, tone by tone, in the phase of the strain; the next cycle starts
    /// afresh.
    pub fn close(&mut self, protocol: &Protocol) -> Vec<[f64; WATCHED]> {
        let scale = 2.0 / protocol.samples_per_period() as f64;
        let losses = self.tones.iter().zip(&protocol.tones).map(|(sums, tone)| {
            let pair =
                |index: usize| Complex::new(sums[index][0].total(), sums[index][1].total()) * scale;
            let strain = pair(WATCHED);
            let angle = if protocol.external.is_some() {
                strain.im.atan2(strain.re)
            } else {
                tone.phase
            };
            std::array::from_fn(|index| (pair(index) * Complex::turn(-angle)).im)
        });
        let losses = losses.collect();
        self.tones
            .iter_mut()
            .for_each(|sums| *sums = [[Sum::default(); 2]; LOCKED]);
        losses
    }
}

impl State for CycleSums {
    fn write(&self, out: &mut Writer) {
        self.tones.iter().flatten().for_each(|pair| pair.write(out));
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
        self.tones
            .iter_mut()
            .flatten()
            .try_for_each(|pair| pair.read(from))
    }
}
