//! Materials with known answers, fed to a measurement sample by sample.
#![allow(dead_code)]

use deepdms_rheology::measurement::{Constants, Start};
use deepdms_rheology::outcome::Block;
use deepdms_rheology::readout::Reading;
use deepdms_rheology::units::StressUnit;
use deepdms_rheology::{Cell, Measurement, Mode, Request, Sample};

/// Constants of reduced units.
pub const REDUCED: Constants = Constants {
    boltzmann: 1.0,
    pressure: 1.0,
    dimension: 3,
};

/// Amplitude of every test.
pub const AMPLITUDE: f64 = 0.01;

/// A request for mode xy of `period` steps of unit timestep, each sampled.
pub fn request(period: u64) -> Request {
    Request::new(1, Mode::Xy, AMPLITUDE, period as f64)
}

/// A started measurement in a cell of `volume`.
pub fn started(request: &Request, volume: f64) -> Measurement {
    let mut measurement = Measurement::new(request.clone(), 1.0, REDUCED).unwrap();
    let edge = volume.cbrt();
    let reference = Cell {
        low: [0.0; 3],
        high: [edge; 3],
        tilt: [0.0; 3],
    };
    measurement.begin(Start {
        step: 1000,
        reference,
        atoms: 100.0,
    });
    measurement
}

/// The sample of `elapsed` steps after the start with `stress` in every component.
pub fn sample(elapsed: u64, stress: f64, temperature: f64, volume: f64) -> Sample {
    Sample {
        step: 1000 + elapsed as i64,
        stress: [stress; 6],
        virial: [stress; 6],
        temperature,
        volume,
        ..Sample::default()
    }
}

/// Runs `request` for `cycles` cycles on a material whose stress is a function of the elapsed steps.
pub fn run(
    request: &Request,
    cycles: u64,
    mut stress: impl FnMut(u64) -> f64,
) -> (Measurement, Vec<Block>) {
    let mut measurement = started(request, 1.0);
    let protocol = measurement.protocol().clone();
    let mut blocks = Vec::new();
    for elapsed in (0..cycles * protocol.period).step_by(protocol.sample_every as usize) {
        blocks.extend(
            measurement
                .sample(&sample(elapsed, stress(elapsed), 0.0, 1.0))
                .unwrap(),
        );
    }
    (measurement, blocks)
}

/// The results in the unit of the simulation.
pub fn reading(measurement: &Measurement) -> Reading {
    Reading::of(measurement, &StressUnit::choose(None, "lj").unwrap())
}

/// A small deterministic generator (splitmix64).
pub struct Random(pub u64);

impl Random {
    /// Uniform in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 + f64::EPSILON / 4.0
    }

    /// Standard normal (Box-Muller).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Whole number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        (self.uniform() * limit as f64) as u64
    }
}

/// Least squares straight from its definition: the dense normal equations of `rows` against `values`, by Gaussian
/// elimination with row exchange.
pub fn least_squares(rows: &[Vec<f64>], values: &[f64]) -> Vec<f64> {
    let n = rows[0].len();
    let mut system = vec![vec![0.0; n + 1]; n];
    for (row, value) in rows.iter().zip(values) {
        for i in 0..n {
            for j in 0..n {
                system[i][j] += row[i] * row[j];
            }
            system[i][n] += row[i] * value;
        }
    }
    for pivot in 0..n {
        let best = (pivot..n)
            .max_by(|&i, &j| system[i][pivot].abs().total_cmp(&system[j][pivot].abs()))
            .unwrap();
        system.swap(pivot, best);
        let head = system[pivot].clone();
        for (index, row) in system.iter_mut().enumerate() {
            if index != pivot {
                let factor = row[pivot] / head[pivot];
                row.iter_mut()
                    .zip(&head)
                    .for_each(|(x, h)| *x -= factor * h);
            }
        }
    }
    (0..n).map(|i| system[i][n] / system[i][i]).collect()
}
