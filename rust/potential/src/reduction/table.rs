//! Tables of the few curves over `s`: polynomials of fifth degree between nodes at equal steps, which share value, slope and
//! curvature with their neighbours, so that energies are twice differentiable whatever the step.

use super::basis::curves;
use crate::model::Descriptor;
use crate::simd::reduced::COEFFICIENTS;
use crate::simd::{Kernels, Real};
use ndarray::{Array2, Array3, s};

/// End of the tables [1/Å]: neighbours at half an Å. Beyond it curves go on as their tangents.
pub const END: f64 = 2.0;
/// Steps of the finest table.
pub const FINEST: usize = 512;

/// Value, slope and curvature (in units of the finest step) of one pair's curves at the nodes of the finest table.
#[derive(Clone, Debug)]
pub struct Nodes(Array3<f64>);

impl Nodes {
    /// Samples the curves of a pair in the basis `vectors` `[M1, K]`; `None` where the pair has no curve.
    pub fn new(
        descriptor: &Descriptor,
        kernels: &Kernels,
        pair: (usize, usize),
        vectors: &Array2<f64>,
    ) -> Option<Self> {
        let step = END / FINEST as f64;
        let at = |shift: f64| {
            let s: Vec<f64> = (0..=FINEST).map(|k| (k as f64 + shift) * step).collect();
            curves(descriptor, kernels, pair, &s)
        };
        let (values, slopes) = at(0.0)?;
        // curvature from slopes at both sides, to fourth order
        let side = 0.2;
        let mut curvatures = Array2::zeros(slopes.dim());
        for (shift, factor) in [
            (-2.0 * side, 1.0),
            (-side, -8.0),
            (side, 8.0),
            (2.0 * side, -1.0),
        ] {
            let (_, slopes) = at(shift)?;
            curvatures.scaled_add(factor / (12.0 * side * step), &slopes);
        }
        let k = vectors.ncols();
        let mut nodes = Array3::zeros((FINEST + 1, 3, k));
        for (d, array) in [values, slopes * step, curvatures * (step * step)]
            .iter()
            .enumerate()
        {
            nodes.slice_mut(s![.., d, ..]).assign(&array.dot(vectors));
        }
        Some(Self(nodes))
    }

    /// Coefficients `[pieces, 6, padded]` of the first `k` curves in ascending powers of the offset.
    pub fn table<S: Real>(&self, pieces: usize, k: usize, padded: usize) -> Vec<S> {
        let stride = FINEST / pieces;
        let width = stride as f64;
        let mut table = vec![S::ZERO; pieces * COEFFICIENTS * padded];
        for (piece, out) in table.chunks_exact_mut(COEFFICIENTS * padded).enumerate() {
            for i in 0..k {
                let node = |n: usize, d: usize| self.0[[n * stride, d, i]] * width.powi(d as i32);
                let left: [f64; 3] = std::array::from_fn(|d| node(piece, d));
                let right: [f64; 3] = std::array::from_fn(|d| node(piece + 1, d));
                for (degree, value) in quintic(left, right).into_iter().enumerate() {
                    out[degree * padded + i] = S::of(value);
                }
            }
        }
        table
    }
}

/// The polynomial on [0, 1] with given value, slope and curvature at both ends.
fn quintic([f, d, c]: [f64; 3], [f1, d1, c1]: [f64; 3]) -> [f64; COEFFICIENTS] {
    let rise = f1 - f - d - 0.5 * c;
    let turn = d1 - d - c;
    let bend = c1 - c;
    [
        f,
        d,
        0.5 * c,
        10.0 * rise - 4.0 * turn + 0.5 * bend,
        -15.0 * rise + 7.0 * turn - bend,
        6.0 * rise - 3.0 * turn + 0.5 * bend,
    ]
}

#[cfg(test)]
mod tests {
    use super::quintic;

    #[test]
    fn the_polynomial_has_the_ends_that_were_asked_for() {
        let (left, right) = ([0.3, -0.2, 0.7], [1.1, 0.4, -0.9]);
        let a = quintic(left, right);
        let at = |x: f64| {
            let sum = |f: &dyn Fn(usize) -> f64| (0..6).map(|k| a[k] * f(k)).sum::<f64>();
            let power = |k: usize, d: usize| if k < d { 0.0 } else { x.powi((k - d) as i32) };
            [
                sum(&|k| power(k, 0)),
                sum(&|k| k as f64 * power(k, 1)),
                sum(&|k| (k * k.saturating_sub(1)) as f64 * power(k, 2)),
            ]
        };
        for (x, expected) in [(0.0, left), (1.0, right)] {
            for (found, expected) in at(x).into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-13);
            }
        }
    }
}
