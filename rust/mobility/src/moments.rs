//! Moments of the displacements of one type over one lag.

use deepdms_statistics::{Error, Merge, Stored, Stream, Sum};

/// Sums over atoms and windows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moments {
    /// Number of displacements.
    pub count: u64,
    second: Sum,
    fourth: Sum,
    /// Displacements below the overlap distance.
    pub near: u64,
    /// Σ sin(qu)/(qu), or Σ J0(qu) in the plane, for each wave number.
    waves: Vec<Sum>,
}

impl Moments {
    /// The sums of the displacements `lengths`, with those below `overlap` counted and F_s at the wave numbers `waves`.
    pub fn of(
        lengths: impl Iterator<Item = f64>,
        overlap: f64,
        waves: &[f64],
        dimension: usize,
    ) -> Self {
        let mut moments = Moments {
            waves: vec![Sum::default(); waves.len()],
            ..Moments::default()
        };
        for u in lengths {
            let square = u * u;
            moments.count += 1;
            moments.second.add(square);
            moments.fourth.add(square * square);
            moments.near += u64::from(u < overlap);
            for (sum, q) in moments.waves.iter_mut().zip(waves) {
                sum.add(if dimension == 2 {
                    bessel(q * u)
                } else {
                    sinc(q * u)
                });
            }
        }
        moments
    }

    /// Mean squared displacement; NaN without displacements.
    pub fn square(&self) -> f64 {
        self.second.total() / self.count as f64
    }

    /// alpha2, 3⟨u⁴⟩/(5⟨u²⟩²) − 1, or ⟨u⁴⟩/(2⟨u²⟩²) − 1 in the plane; NaN without displacements.
    pub fn alpha2(&self, dimension: usize) -> f64 {
        let ratio = self.fourth.total() * self.count as f64 / self.second.total().powi(2);
        match dimension {
            2 => 0.5 * ratio - 1.0,
            _ => 0.6 * ratio - 1.0,
        }
    }

    /// Share of displacements below the overlap distance.
    pub fn overlap(&self) -> f64 {
        self.near as f64 / self.count as f64
    }

    /// F_s at each wave number.
    pub fn scattering(&self) -> impl Iterator<Item = f64> {
        self.waves.iter().map(|sum| sum.total() / self.count as f64)
    }
}

/// sin(x)/x.
fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-4 {
        1.0 - x * x / 6.0
    } else {
        x.sin() / x
    }
}

/// The Bessel function J0 as the mean of cos(x sin t) over equidistant angles, which converges exponentially once there are
/// more of them than x.
fn bessel(x: f64) -> f64 {
    let angles = 24 + x.abs().ceil() as usize;
    let step = std::f64::consts::PI / angles as f64;
    let sum: f64 = (0..angles)
        .map(|k| (x * ((k as f64 + 0.5) * step).sin()).cos())
        .sum();
    sum / angles as f64
}

impl Merge for Moments {
    fn merge(&mut self, later: &Self) {
        self.count += later.count;
        self.near += later.near;
        self.second.add(later.second.total());
        self.fourth.add(later.fourth.total());
        self.waves
            .resize(self.waves.len().max(later.waves.len()), Sum::default());
        for (sum, more) in self.waves.iter_mut().zip(&later.waves) {
            sum.add(more.total());
        }
    }
}

impl Stored for Moments {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.count.pass(stream)?;
        self.second.pass(stream)?;
        self.fourth.pass(stream)?;
        self.near.pass(stream)?;
        self.waves.pass(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::{Moments, bessel};

    #[test]
    fn equal_displacements_have_alpha2_of_minus_two_fifths() {
        let moments = Moments::of([0.7; 50].into_iter(), 0.8, &[2.0], 3);
        assert!((moments.alpha2(3) + 0.4).abs() < 1e-14);
        assert!((moments.square() - 0.49).abs() < 1e-15);
        assert_eq!(moments.overlap(), 1.0);
        let scattering: Vec<f64> = moments.scattering().collect();
        assert!((scattering[0] - 1.4f64.sin() / 1.4).abs() < 1e-15);
    }

    #[test]
    fn no_displacement_has_no_moments() {
        let moments = Moments::of(std::iter::empty(), 1.0, &[], 3);
        assert!(moments.square().is_nan() && moments.alpha2(3).is_nan());
    }

    #[test]
    fn the_bessel_function_is_that_of_the_tables() {
        for (x, value) in [
            (0.0, 1.0),
            (1.0, 0.765_197_686_557_966_6),
            (10.0, -0.245_935_764_451_348_3),
        ] {
            assert!((bessel(x) - value).abs() < 1e-14, "{x}");
        }
        assert!(bessel(2.404_825_557_695_773).abs() < 1e-14);
    }
}
