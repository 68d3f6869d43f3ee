//! Mechanical work of the imposed strain, by the trapezoid rule between samples.
//!
//! An affine step changes the energy by dW = V σ d ln L for uniaxial strain and V σ dγ for shear. With the energy
//! density per strain f = V σ/(1 + ε), or V σ for shear, both read dW = f dε. Over M samples per period the rule
//! returns the work of a sinusoid times sin φ/φ with φ = 2π/M, and that is what [`work_of_tone`] gives.

use std::f64::consts::{PI, TAU};

use crate::error::Error;
use crate::restart::{Reader, State, Writer};
use crate::sum::Sum;

/// Work since the start, and round the cycles of the block under way.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    total: Sum,
    last: Option<Point>,
    loop_total: Sum,
    loop_first: Option<Point>,
    loop_last: Option<Point>,
}

/// One sample: strain, and energy per unit of strain.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Point {
    strain: f64,
    force: f64,
}

impl Point {
    fn work_to(self, next: Point) -> f64 {
        0.5 * (self.force + next.force) * (next.strain - self.strain)
    }
}

impl Work {
    /// Adds a sample at `strain` with f = `force` [energy].
    pub fn add(&mut self, strain: f64, force: f64) {
        let point = Point { strain, force };
        if let Some(last) = self.last {
            self.total.add(last.work_to(point));
        }
        self.last = Some(point);
        match self.loop_last {
            Some(last) => self.loop_total.add(last.work_to(point)),
            None => self.loop_first = Some(point),
        }
        self.loop_last = Some(point);
    }

    /// Work done on the cell since the start [energy].
    pub fn total(&self) -> f64 {
        self.total.total()
    }

    /// Work round the block [energy], whose last sample is joined to its first; the next block starts afresh.
    pub fn close_block(&mut self) -> f64 {
        let mut total = self.loop_total;
        if let (Some(last), Some(first)) = (self.loop_last, self.loop_first) {
            total.add(last.work_to(first));
        }
        (self.loop_total, self.loop_first, self.loop_last) = (Sum::default(), None, None);
        total.total()
    }
}

/// Work of one base cycle [energy, where `loss` is an energy density] that a tone of `multiple` periods, amplitude
/// `amplitude` and loss modulus `loss` does in `volume`, by the trapezoid rule: π ε0² E'' V h·(sin φ/φ) with φ = 2πh/M.
pub fn work_of_tone(
    amplitude: f64,
    loss: f64,
    volume: f64,
    multiple: u64,
    samples_per_period: u64,
) -> f64 {
    let periods = multiple as f64;
    let step = TAU * periods / samples_per_period as f64;
    PI * amplitude * amplitude * loss * volume * periods * (step.sin() / step)
}

fn write_point(point: Option<Point>, out: &mut Writer) {
    out.integer(u64::from(point.is_some()));
    let point = point.unwrap_or_default();
    out.real(point.strain);
    out.real(point.force);
}

fn read_point(from: &mut Reader<'_>) -> Result<Option<Point>, Error> {
    let present = from.integer()? != 0;
    let point = Point {
        strain: from.real()?,
        force: from.real()?,
    };
    Ok(present.then_some(point))
}

impl State for Work {
    fn write(&self, out: &mut Writer) {
        self.total.write(out);
        self.loop_total.write(out);
        [self.last, self.loop_first, self.loop_last]
            .into_iter()
            .for_each(|point| write_point(point, out));
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
        self.total.read(from)?;
        self.loop_total.read(from)?;
        self.last = read_point(from)?;
        self.loop_first = read_point(from)?;
        self.loop_last = read_point(from)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Work, work_of_tone};
    use std::f64::consts::TAU;

    #[test]
    fn the_loop_of_a_lossy_solid_returns_its_loss_modulus() {
        let (storage, loss, amplitude, volume) = (110.0, 4.2, 0.01, 3.5);
        for (samples, cycles) in [(20u64, 1u64), (64, 2), (1000, 3)] {
            let mut work = Work::default();
            for sample in 0..samples * cycles {
                let (sin, cos) = (TAU * sample as f64 / samples as f64).sin_cos();
                work.add(
                    amplitude * sin,
                    volume * amplitude * (storage * sin + loss * cos),
                );
            }
            let per_cycle = work.close_block() / cycles as f64;
            let found = per_cycle / work_of_tone(amplitude, 1.0, volume, 1, samples);
            assert!((found / loss - 1.0).abs() < 1e-12, "{samples}: {found}");
        }
    }

    #[test]
    fn an_elastic_path_there_and_back_costs_nothing() {
        let mut work = Work::default();
        for strain in [0.0, 0.004, 0.01, 0.004, 0.0] {
            work.add(strain, 70.0 * strain);
        }
        assert!(work.total().abs() < 1e-17);
        work.add(0.01, 0.7);
        assert!((work.total() - 0.0035).abs() < 1e-17);
    }
}
