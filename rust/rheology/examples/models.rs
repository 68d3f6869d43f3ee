//! Maxwell, Kelvin-Voigt and Zener bodies against their closed forms: the exact stress of each, from rest, is fed to a
//! measurement sample by sample, without noise and with white noise.
//!
//! `cargo run --release -p deepdms-rheology --example models`

use std::f64::consts::TAU;

use deepdms_rheology::measurement::{Constants, Start};
use deepdms_rheology::readout::{Estimate, Reading};
use deepdms_rheology::units::StressUnit;
use deepdms_rheology::{Cell, Error, Measurement, Mode, Request, Sample};

const AMPLITUDE: f64 = 0.01;
/// Relaxation time of the Maxwell element, in timesteps.
const TIME: f64 = 1000.0;
/// Modulus of the Maxwell element, and of the spring beside it or beside the dashpot.
const SHEAR: f64 = 35.0;
const SPRING: f64 = 12.0;
/// Standard deviation of the white noise; the stress amplitude is about 0.3.
const NOISE: f64 = 0.05;
const SAMPLES: u64 = 64;
const CYCLES: u64 = 40;
/// Runs with other noise, for the statistics of the error bars.
const RUNS: u64 = 400;

/// A body of springs and dashpots in parallel: spring, dashpot, Maxwell element.
struct Body {
    name: &'static str,
    spring: f64,
    viscosity: f64,
    maxwell: f64,
}

const BODIES: [Body; 3] = [
    Body {
        name: "Maxwell",
        spring: 0.0,
        viscosity: 0.0,
        maxwell: SHEAR,
    },
    Body {
        name: "Kelvin-Voigt",
        spring: SPRING,
        viscosity: SHEAR * TIME / 3.0,
        maxwell: 0.0,
    },
    Body {
        name: "Zener",
        spring: SPRING,
        viscosity: 0.0,
        maxwell: SHEAR,
    },
];

impl Body {
    /// G' and G'' at the angular frequency `omega`.
    fn moduli(&self, omega: f64) -> (f64, f64) {
        let x = omega * TIME;
        let element = self.maxwell * x / (1.0 + x * x);
        (self.spring + element * x, self.viscosity * omega + element)
    }

    /// Stress at `phase` of the strain, `elapsed` timesteps after it began from rest.
    fn stress(&self, omega: f64, phase: f64, elapsed: u64) -> f64 {
        let (storage, loss) = self.moduli(omega);
        let (sin, cos) = phase.sin_cos();
        let start = (loss - self.viscosity * omega) * (-(elapsed as f64) / TIME).exp();
        AMPLITUDE * (storage * sin + loss * cos - start)
    }

    /// Measures the body at the period `period` (timesteps) with white noise of the standard deviation `noise`.
    fn measure(&self, period: u64, noise: f64, random: &mut Random) -> Result<Reading, Error> {
        let mut request = Request::new(period / SAMPLES, Mode::Xy, AMPLITUDE, period as f64);
        // exp(-37) is the last digit: by then the start is forgotten
        let skip = 1 + (37.0 * TIME / period as f64) as u64;
        request.skip = Some(skip);
        let constants = Constants {
            boltzmann: 1.0,
            pressure: 1.0,
            dimension: 3,
        };
        let mut measurement = Measurement::new(request, 1.0, constants)?;
        let reference = Cell {
            low: [0.0; 3],
            high: [10.0; 3],
            tilt: [0.0; 3],
        };
        measurement.begin(Start {
            step: 0,
            reference,
            atoms: 1000.0,
        });
        let omega = TAU / period as f64;
        for elapsed in (0..(skip + CYCLES) * period).step_by((period / SAMPLES) as usize) {
            let phase = omega * (elapsed % period) as f64;
            let stress = self.stress(omega, phase, elapsed) + noise * random.normal();
            measurement.sample(&Sample {
                step: elapsed as i64,
                stress: [stress; 6],
                virial: [stress; 6],
                volume: 1000.0,
                ..Sample::default()
            })?;
        }
        Ok(Reading::of(
            &measurement,
            &StressUnit::choose(None, "lj").expect("lj has a default unit"),
        ))
    }
}

/// Pseudo-random numbers of Marsaglia's xorshift with a multiplier (xorshift64*).
struct Random(u64);

impl Random {
    /// Uniform in (0, 1].
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        (bits as f64 + 1.0) / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (TAU * self.uniform()).cos()
    }
}

fn pull(found: Estimate, exact: f64) -> f64 {
    (found.value - exact) / found.error
}

fn main() -> Result<(), Error> {
    let mut random = Random(20_261);
    println!(
        "# shear amplitude {AMPLITUDE}, relaxation time {TIME} timesteps, {SAMPLES} samples per period, {CYCLES} cycles"
    );
    println!(
        "# off: difference to the closed form over |G*| without noise; then with white noise of {NOISE}"
    );
    println!(
        "# body         omega*tau        G'       G''  off(G') off(G'')   G' noisy +-  error  pull  G'' noisy +-  error  pull"
    );
    let mut pulls = Vec::new();
    for body in &BODIES {
        for period in [64_000, 32_000, 12_800, 6_400, 3_200, 1_280, 640, 320] {
            let omega = TAU / period as f64;
            let (storage, loss) = body.moduli(omega);
            let clean = body.measure(period, 0.0, &mut random)?.first;
            let noisy = body.measure(period, NOISE, &mut random)?.first;
            let size = storage.hypot(loss);
            println!(
                "{:12} {:11.4} {storage:9.4} {loss:9.4} {:8.0e} {:8.0e}   {:8.3} +- {:6.3} {:5.1}  {:9.3} +- {:6.3} {:5.1}",
                body.name,
                omega * TIME,
                (clean.storage.value - storage) / size,
                (clean.loss.value - loss) / size,
                noisy.storage.value,
                noisy.storage.error,
                pull(noisy.storage, storage),
                noisy.loss.value,
                noisy.loss.error,
                pull(noisy.loss, loss),
            );
        }
        let period = 6_400;
        let (storage, loss) = body.moduli(TAU / period as f64);
        for _ in 0..RUNS {
            let found = body.measure(period, NOISE, &mut random)?.first;
            pulls.extend([pull(found.storage, storage), pull(found.loss, loss)]);
        }
    }
    let count = pulls.len() as f64;
    let mean = pulls.iter().sum::<f64>() / count;
    let square = pulls.iter().map(|pull| pull * pull).sum::<f64>() / count;
    let beyond = pulls.iter().filter(|pull| pull.abs() > 2.0).count() as f64 / count;
    println!(
        "# pulls of {count} more noisy moduli at omega*tau = 0.98: mean {mean:.3} +- {:.3}, root mean square {:.3}, beyond two errors {:.1} %",
        count.sqrt().recip(),
        square.sqrt(),
        100.0 * beyond,
    );
    Ok(())
}
