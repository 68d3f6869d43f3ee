//! Products of matrices whose weights are packed once, and what stands between them, for every register and both precisions.
//!
//! Widths are multiples of the lanes of a register; what lies between a width and its multiple holds zeros.

#![allow(unsafe_code)]

use super::vector::{Real, Vector};

/// Matrices have a multiple of so many rows.
pub const ROWS: usize = 8;

/// The loops of one instruction set and precision.
#[derive(Debug)]
pub struct Dense<S> {
    /// Numbers a register.
    pub lanes: usize,
    /// Registers side by side in a panel of a packed matrix.
    pub columns: usize,
    /// `y = x W` with packed `W`.
    pub product: Product<S>,
    /// Neurons with their slopes.
    pub tanh: Tanh<S>,
    /// `(y, x)`: multiplies each number of `y` by that of `x`.
    pub multiply: fn(&mut [S], &[S]),
    /// `(y, x)`: adds each number of `x` to that of `y`.
    pub add: fn(&mut [S], &[S]),
}

/// Type of [`Dense::tanh`]: `(z [n, m], bias [m], scale [m], slope [n, m])`: replaces `z` by `y = scale tanh(z + bias)` and writes `dy/dz`.
pub type Tanh<S> = fn(&mut [S], &[S], &[S], &mut [S]);

/// Type of [`Dense::product`]: `(x [n, x_stride], x_stride, inputs, panels, y [n, y_stride], y_stride, outputs)`, `n` a multiple
/// of [`ROWS`].
pub type Product<S> = fn(&[S], usize, usize, &[S], &mut [S], usize, usize);

/// A matrix `[inputs, outputs]` in the order in which [`Dense::product`] reads it, and its padded number of outputs.
pub fn pack<S: Real>(
    loops: &Dense<S>,
    inputs: usize,
    outputs: usize,
    element: impl Fn(usize, usize) -> f64,
) -> (Vec<S>, usize) {
    let padded = outputs.next_multiple_of(loops.lanes);
    let mut packed = Vec::with_capacity(inputs * padded);
    let mut start = 0;
    while start < padded {
        let width = (loops.columns * loops.lanes).min(padded - start);
        for row in 0..inputs {
            packed.extend((start..start + width).map(|column| {
                let inside = column < outputs;
                S::of(if inside { element(row, column) } else { 0.0 })
            }));
        }
        start += width;
    }
    (packed, padded)
}

/// See [`Dense::product`].
#[inline(always)]
pub(super) fn product<V: Vector>(
    x: &[V::Scalar],
    x_stride: usize,
    inputs: usize,
    panels: &[V::Scalar],
    y: &mut [V::Scalar],
    y_stride: usize,
    outputs: usize,
) {
    let n = y.len() / y_stride.max(1);
    assert!(n.is_multiple_of(ROWS) && ROWS.is_multiple_of(V::ROWS));
    assert!(inputs <= x_stride && x.len() >= n * x_stride);
    assert!(outputs.is_multiple_of(V::LANES) && outputs <= y_stride);
    assert!(panels.len() >= inputs * outputs);
    let mut column = 0;
    let mut panel = panels.as_ptr();
    while column < outputs {
        let width = ((outputs - column) / V::LANES).min(V::COLUMNS);
        for row in (0..n).step_by(V::ROWS) {
            // SAFETY: rows `row..row + V::ROWS` of both matrices and the panel are within what was checked above
            unsafe {
                let x = x.as_ptr().add(row * x_stride);
                let y = y.as_mut_ptr().add(row * y_stride + column);
                match (width, V::ROWS) {
                    (3, 8) => tile::<V, 3, 8>(x, x_stride, inputs, panel, y, y_stride),
                    (2, 8) => tile::<V, 2, 8>(x, x_stride, inputs, panel, y, y_stride),
                    (_, 8) => tile::<V, 1, 8>(x, x_stride, inputs, panel, y, y_stride),
                    (2, 4) => tile::<V, 2, 4>(x, x_stride, inputs, panel, y, y_stride),
                    (_, 4) => tile::<V, 1, 4>(x, x_stride, inputs, panel, y, y_stride),
                    (2, _) => tile::<V, 2, 2>(x, x_stride, inputs, panel, y, y_stride),
                    _ => tile::<V, 1, 2>(x, x_stride, inputs, panel, y, y_stride),
                }
            }
        }
        column += width * V::LANES;
        // SAFETY: at most one beyond the last panel
        panel = unsafe { panel.add(inputs * width * V::LANES) };
    }
}

/// `R` rows of a product, `C` registers wide.
///
/// # Safety
/// `R` rows of `x` with `inputs` numbers, a panel of `inputs` times `C` registers, and `R` rows of `y` with `C` registers.
#[inline(always)]
unsafe fn tile<V: Vector, const C: usize, const R: usize>(
    x: *const V::Scalar,
    x_stride: usize,
    inputs: usize,
    panel: *const V::Scalar,
    y: *mut V::Scalar,
    y_stride: usize,
) {
    let mut sums = [[V::splat(V::Scalar::ZERO); C]; R];
    for k in 0..inputs {
        // SAFETY: the caller's
        unsafe {
            let panel = panel.add(k * C * V::LANES);
            let columns: [V; C] = std::array::from_fn(|c| V::load(panel.add(c * V::LANES)));
            for (r, sums) in sums.iter_mut().enumerate() {
                let x = V::splat(*x.add(r * x_stride + k));
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = x.mul_add(column, *sum);
                }
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        for (c, sum) in sums.into_iter().enumerate() {
            // SAFETY: the caller's
            unsafe { sum.store(y.add(r * y_stride + c * V::LANES)) };
        }
    }
}

/// See [`Dense::multiply`].
#[inline(always)]
pub(super) fn multiply<S: Real>(y: &mut [S], x: &[S]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y *= *x;
    }
}

/// See [`Dense::add`].
#[inline(always)]
pub(super) fn add<S: Real>(y: &mut [S], x: &[S]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += *x;
    }
}
