//! From errors of splines to errors of forces.
//!
//! With `g_c = dE/dT_c / N`, a neighbour with row `R` at distance `r` has `dE/dR_c = g_c . G` and, through `G`,
//! `dE/ds = (sum of R_c g_c) . G'`. If `|G|` and `|G'|` are off by `e` and `e'`, the two are off by at most `|g_c| e` and
//! `|sum of R_c g_c| e'`, and so the gradient of the pair by
//!
//! `(|sum of R_c g_c| e' + |g_0|/d_0 e) |s'| + |g_123|/d_1 e max(q, |q + r q'|)`
//!
//! with the deviations `d` of rows. That is of first order in the errors. The sum over the neighbours of a centre is its share of the
//! error of its own force, and about as large is what it is in the environments of others.

use super::curve::Error;
use crate::descriptor::environment::Section;
use crate::simd::Real;

/// Own share, and the share as a neighbour of others.
const SHARES: f64 = 2.0;
/// Standard deviations of the cosine between two vectors that have nothing to do with each other.
const DEVIATIONS: f64 = 2.5;

/// What the errors of a pair count for in the bound of a centre: both shares, times the largest part of its length that an error of
/// `m1` numbers is expected to have along a gradient of as many. That all neighbours of an atom are taken to err to the same side
/// overestimates their sum by far more.
pub fn shares(m1: usize) -> f64 {
    SHARES * (DEVIATIONS / (m1 as f64).sqrt()).min(1.0)
}

/// Lengths of the gradients of one centre.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lengths {
    /// `|g_0|`
    pub radial: f64,
    /// The length of the three others together.
    pub angular: f64,
}

impl Lengths {
    /// From `dE/dT`, `[C, stride]` with zeros behind the numbers of a row.
    pub fn of<S: Real>(slope_t: &[S], stride: usize) -> Self {
        let mut squares = slope_t.chunks_exact(stride).map(|row| {
            // four sums at a time: one would wait for itself
            let mut sums = [0.0; 4];
            for part in row.chunks(4) {
                for (sum, x) in sums.iter_mut().zip(part) {
                    *sum += x.double() * x.double();
                }
            }
            sums.iter().sum::<f64>()
        });
        Self {
            radial: squares.next().unwrap_or(0.0).sqrt(),
            angular: squares.sum::<f64>().sqrt(),
        }
    }
}

/// Bound of the error of a pair's gradient [eV/Å] for the normalised row of neighbour `j` and the inverse deviations of rows.
#[inline(always)]
pub fn pair(
    lengths: Lengths,
    error: Error,
    row: [f64; 4],
    inverse: [f64; 4],
    section: &Section,
    j: usize,
) -> f64 {
    let squared = section.squared(j);
    let r = squared.sqrt();
    let vector = (row[1] * row[1] + row[2] * row[2] + row[3] * row[3]).sqrt();
    let along = row[0].abs() * lengths.radial + vector * lengths.angular;
    let (q, q_slope) = (section.q[j], section.q_slope[j]);
    let turning = q.abs().max((q + squared * q_slope).abs());
    (along * error.slope + lengths.radial * inverse[0].abs() * error.value)
        * (section.s_slope[j] * r).abs()
        + lengths.angular * inverse[1].abs() * error.value * turning
}
