//! D²_min: what the best affine map of an atom's neighbourhood leaves over.

use crate::cell::{Matrix, Vector, add, dot, product, subtract};
use crate::pairs::Pairs;
use crate::window::Window;

/// Condition of the moment matrix of the neighbourhood beyond which there is no affine map.
const SINGULAR: f64 = 1e8;
/// Fewest neighbours that determine one.
const FEWEST: u32 = 4;

/// D²_min of each analysed atom [length²]: the mean over its neighbours of |y_ij − F x_ij|² with the F that makes it least.
/// NaN where there are fewer than four neighbours, or they lie in a plane.
pub fn d2min(window: &Window, pairs: &Pairs) -> Vec<f64> {
    let flat = window.cell.dimension() == 2;
    (0..window.len())
        .map(|i| {
            if pairs.count(i) < FEWEST {
                return f64::NAN;
            }
            let vectors = || {
                pairs.of(i).map(|pair| {
                    let j = pair.index as usize;
                    let start = subtract(add(window.starts[j], pair.shift()), window.starts[i]);
                    let moved = subtract(window.moves[j], window.moves[i]);
                    (start, add(start, moved))
                })
            };
            let (mut across, mut own): (Matrix, Matrix) = ([[0.0; 3]; 3], [[0.0; 3]; 3]);
            for (x, y) in vectors() {
                for row in 0..3 {
                    for column in 0..3 {
                        across[row][column] += y[row] * x[column];
                        own[row][column] += x[row] * x[column];
                    }
                }
            }
            if flat {
                // the third direction, in which nothing lies, shall not make it singular
                own[2][2] += 0.5 * (own[0][0] + own[1][1]);
            }
            let Some(inverse) = inverse(&own) else {
                return f64::NAN;
            };
            let map: Matrix = std::array::from_fn(|row| {
                std::array::from_fn(|column| {
                    (0..3).map(|k| across[row][k] * inverse[k][column]).sum()
                })
            });
            let rest: f64 = vectors()
                .map(|(x, y)| {
                    let left = subtract(y, product(&map, x));
                    dot(left, left)
                })
                .sum();
            rest / f64::from(pairs.count(i))
        })
        .collect()
}

/// Inverse of a symmetric matrix; `None` where its condition, the product of the norms of both, is too large.
fn inverse(m: &Matrix) -> Option<Matrix> {
    let minor = |a: usize, b: usize, c: usize, d: usize| m[a][c] * m[b][d] - m[a][d] * m[b][c];
    let adjoint: [Vector; 3] = [
        [minor(1, 2, 1, 2), -minor(0, 2, 1, 2), minor(0, 1, 1, 2)],
        [-minor(1, 2, 0, 2), minor(0, 2, 0, 2), -minor(0, 1, 0, 2)],
        [minor(1, 2, 0, 1), -minor(0, 2, 0, 1), minor(0, 1, 0, 1)],
    ];
    let determinant: f64 = (0..3).map(|k| m[0][k] * adjoint[k][0]).sum();
    let norm = |m: &Matrix| {
        m.iter()
            .flatten()
            .map(|part| part * part)
            .sum::<f64>()
            .sqrt()
    };
    let inverse = adjoint.map(|row| row.map(|part| part / determinant));
    (determinant > 0.0 && norm(m) * norm(&inverse) <= SINGULAR).then_some(inverse)
}
