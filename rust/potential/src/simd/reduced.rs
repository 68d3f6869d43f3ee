//! The loops of reduced models (see [`crate::reduction`]), written once for every register and both precisions.
//!
//! Widths are multiples of [`Loops::lanes`]; what lies between a width and its multiple holds zeros.

#![allow(unsafe_code)]

use super::vector::{Real, Vector};

/// Numbers of a polynomial piece: degree 5.
pub const COEFFICIENTS: usize = 6;
/// Matrices have a multiple of so many rows.
pub const ROWS: usize = 8;

/// A neighbour: where it falls in the table of its type, and its environment row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<S> {
    /// Piece of the table.
    pub piece: u32,
    /// Distance from the start of the piece, in units of its length.
    pub offset: S,
    /// Normalised row `R`.
    pub row: [S; 4],
}

/// Where the products `A_i . A_j`, `j >= i`, of one `i` stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GramRow {
    /// First column.
    pub start: u32,
    /// Number of `j`, which begin at `i`.
    pub count: u32,
}

/// The loops of one instruction set and precision. Shapes: `k` columns of the basis, padded; `n` rows, a multiple of [`ROWS`].
// what each argument is stands beside it; names of function types would only hide that
#[allow(clippy::type_complexity)]
#[derive(Debug)]
pub struct Loops<S> {
    /// Numbers a register.
    pub lanes: usize,
    /// Registers side by side in a panel of a packed matrix.
    pub columns: usize,
    /// `(x [n, x_stride], x_stride, inputs, panels, y [n, y_stride], y_stride, outputs)`: `y = x W` with packed `W`.
    pub product: fn(&[S], usize, usize, &[S], &mut [S], usize, usize),
    /// `(z [n, m], bias [m], scale [m], slope [n, m])`: replaces `z` by `y = scale tanh(z + bias)` and writes `dy/dz`.
    pub tanh: fn(&mut [S], &[S], &[S], &mut [S]),
    /// `(y, x)`: multiplies each number of `y` by that of `x`.
    pub multiply: fn(&mut [S], &[S]),
    /// `(y, x)`: adds each number of `x` to that of `y`.
    pub add: fn(&mut [S], &[S]),
    /// `(places, table [pieces, 6, k], a [4, stride], k)`: `a[c] += sum over places of row[c] u`.
    pub moments: fn(&[Place<S>], &[S], &mut [S], usize),
    /// `(places, table, slope_a [4, stride], k, slopes)`: gradients with respect to the row and, last, the offset.
    pub moments_backward: fn(&[Place<S>], &[S], &[S], usize, &mut [[S; 5]]),
    /// `(a [4, stride], rows, s)`: products `sum over c of a[c][i] a[c][j]`; writes one register beyond the last.
    pub gram: fn(&[S], &[GramRow], &mut [S]),
    /// `(a [4, stride], rows, slope_s, slope_a [4, stride])`: gradient with respect to `a`.
    pub gram_backward: fn(&[S], &[GramRow], &[S], &mut [S]),
}

/// A matrix `[inputs, outputs]` in the order in which [`Loops::product`] reads it, and its padded number of outputs.
pub fn pack<S: Real>(
    loops: &Loops<S>,
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

/// See [`Loops::product`].
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

/// See [`Loops::multiply`].
#[inline(always)]
pub(super) fn multiply<S: Real>(y: &mut [S], x: &[S]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y *= *x;
    }
}

/// See [`Loops::add`].
#[inline(always)]
pub(super) fn add<S: Real>(y: &mut [S], x: &[S]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += *x;
    }
}

/// See [`Loops::moments`].
#[inline(always)]
pub(super) fn moments<V: Vector>(
    places: &[Place<V::Scalar>],
    table: &[V::Scalar],
    a: &mut [V::Scalar],
    k: usize,
) {
    check_places::<V>(places, table, a, k);
    let mut start = 0;
    while start < k {
        // SAFETY: columns `start..start + width` of what was checked
        unsafe {
            start += V::LANES
                * match (k - start) / V::LANES {
                    0 | 1 => moments_of::<V, 1>(places, table, a, k, start),
                    2 => moments_of::<V, 2>(places, table, a, k, start),
                    3 => moments_of::<V, 3>(places, table, a, k, start),
                    5 => moments_of::<V, 3>(places, table, a, k, start),
                    _ => moments_of::<V, 4>(places, table, a, k, start),
                };
        }
    }
}

#[inline(always)]
fn check_places<V: Vector>(
    places: &[Place<V::Scalar>],
    table: &[V::Scalar],
    a: &[V::Scalar],
    k: usize,
) {
    assert!(k.is_multiple_of(V::LANES) && a.len() / 4 >= k);
    let pieces = table.len() / (COEFFICIENTS * k.max(1));
    let last = places.iter().fold(0, |last, place| last.max(place.piece));
    assert!(places.is_empty() || (last as usize) < pieces);
}

/// Columns from `start` on, `N` registers of them; returns `N`.
///
/// # Safety
/// The pieces of all places, and columns up to there.
#[inline(always)]
unsafe fn moments_of<V: Vector, const N: usize>(
    places: &[Place<V::Scalar>],
    table: &[V::Scalar],
    a: &mut [V::Scalar],
    k: usize,
    start: usize,
) -> usize {
    let stride = a.len() / 4;
    let a = a.as_mut_ptr();
    let mut sums = [[V::splat(V::Scalar::ZERO); N]; 4];
    for place in places {
        // SAFETY: the caller's
        unsafe {
            let piece = table
                .as_ptr()
                .add(place.piece as usize * COEFFICIENTS * k + start);
            let t = V::splat(place.offset);
            let mut u: [V; N] = std::array::from_fn(|v| V::load(piece.add(5 * k + v * V::LANES)));
            for degree in (0..5).rev() {
                for (v, u) in u.iter_mut().enumerate() {
                    *u = u.mul_add(t, V::load(piece.add(degree * k + v * V::LANES)));
                }
            }
            for (sums, row) in sums.iter_mut().zip(place.row) {
                let row = V::splat(row);
                for (sum, u) in sums.iter_mut().zip(u) {
                    *sum = u.mul_add(row, *sum);
                }
            }
        }
    }
    for (c, sums) in sums.into_iter().enumerate() {
        for (v, sum) in sums.into_iter().enumerate() {
            // SAFETY: the caller's
            unsafe {
                let to = a.add(c * stride + start + v * V::LANES);
                let one = V::splat(V::Scalar::of(1.0));
                sum.mul_add(one, V::load(to)).store(to);
            }
        }
    }
    N
}

/// See [`Loops::moments_backward`].
#[inline(always)]
pub(super) fn moments_backward<V: Vector>(
    places: &[Place<V::Scalar>],
    table: &[V::Scalar],
    slope_a: &[V::Scalar],
    k: usize,
    slopes: &mut [[V::Scalar; 5]],
) {
    check_places::<V>(places, table, slope_a, k);
    let stride = slope_a.len() / 4;
    let a = slope_a.as_ptr();
    for (place, slopes) in places.iter().zip(slopes) {
        let mut along = [V::splat(V::Scalar::ZERO); 4];
        let mut chain = V::splat(V::Scalar::ZERO);
        // SAFETY: the piece and columns below `k` were checked
        unsafe {
            let piece = table.as_ptr().add(place.piece as usize * COEFFICIENTS * k);
            let t = V::splat(place.offset);
            let row = place.row.map(V::splat);
            for column in (0..k).step_by(V::LANES) {
                let load = |degree: usize| V::load(piece.add(degree * k + column));
                // value and slope by one Horner scheme
                let mut slope = load(5);
                let mut value = slope.mul_add(t, load(4));
                slope = slope.mul_add(t, value);
                for degree in (1..4).rev() {
                    value = value.mul_add(t, load(degree));
                    slope = slope.mul_add(t, value);
                }
                value = value.mul_add(t, load(0));
                let a: [V; 4] = std::array::from_fn(|c| V::load(a.add(c * stride + column)));
                let mut mixed = a[0].mul(row[0]);
                for c in 1..4 {
                    mixed = a[c].mul_add(row[c], mixed);
                }
                for (along, a) in along.iter_mut().zip(a) {
                    *along = a.mul_add(value, *along);
                }
                chain = mixed.mul_add(slope, chain);
            }
        }
        let [x, y, z, w] = V::sums(along);
        *slopes = [x, y, z, w, chain.sum()];
    }
}

/// See [`Loops::gram`].
#[inline(always)]
pub(super) fn gram<V: Vector>(a: &[V::Scalar], rows: &[GramRow], s: &mut [V::Scalar]) {
    let stride = check_gram::<V>(a, rows, s.len());
    for (i, row) in rows.iter().enumerate() {
        // SAFETY: what is read and written was checked, one register beyond the last included
        unsafe {
            let left: [V; 4] = std::array::from_fn(|c| V::splat(a[c * stride + i]));
            let right = a.as_ptr().add(i);
            let to = s.as_mut_ptr().add(row.start as usize);
            for j in (0..row.count as usize).step_by(V::LANES) {
                let mut sum = left[0].mul(V::load(right.add(j)));
                for (c, left) in left.iter().enumerate().skip(1) {
                    sum = left.mul_add(V::load(right.add(c * stride + j)), sum);
                }
                sum.store(to.add(j));
            }
        }
    }
}

/// The stride of `a`; panics unless every row and one register beyond it are within `a` and `s`.
#[inline(always)]
fn check_gram<V: Vector>(a: &[V::Scalar], rows: &[GramRow], len: usize) -> usize {
    let stride = a.len() / 4;
    for (i, row) in rows.iter().enumerate() {
        let count = row.count as usize;
        assert!(i + count + V::LANES <= stride && row.start as usize + count + V::LANES <= len);
    }
    stride
}

/// See [`Loops::gram_backward`].
#[inline(always)]
pub(super) fn gram_backward<V: Vector>(
    a: &[V::Scalar],
    rows: &[GramRow],
    slope_s: &[V::Scalar],
    slope_a: &mut [V::Scalar],
) {
    let stride = check_gram::<V>(a, rows, slope_s.len());
    assert!(slope_a.len() == a.len());
    slope_a.fill(V::Scalar::ZERO);
    let zero = V::splat(V::Scalar::ZERO);
    for (i, row) in rows.iter().enumerate() {
        let count = row.count as usize;
        let mut sums = [zero; 4];
        // SAFETY: what is read and written was checked
        unsafe {
            let left: [V; 4] = std::array::from_fn(|c| V::splat(a[c * stride + i]));
            let from = slope_s.as_ptr().add(row.start as usize);
            for j in (0..count).step_by(V::LANES) {
                let slope = if j + V::LANES <= count {
                    V::load(from.add(j))
                } else {
                    // zeros instead of what belongs to the next row
                    let mut rest = [V::Scalar::ZERO; 16];
                    for (l, rest) in rest.iter_mut().enumerate().take(count - j) {
                        *rest = *from.add(j + l);
                    }
                    V::load(rest.as_ptr())
                };
                for c in 0..4 {
                    let right = V::load(a.as_ptr().add(c * stride + i + j));
                    sums[c] = slope.mul_add(right, sums[c]);
                    let to = slope_a.as_mut_ptr().add(c * stride + i + j);
                    slope.mul_add(left[c], V::load(to)).store(to);
                }
            }
        }
        for (c, sum) in V::sums(sums).into_iter().enumerate() {
            slope_a[c * stride + i] += sum;
        }
    }
}
