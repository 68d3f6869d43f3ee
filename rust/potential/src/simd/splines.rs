//! Moments from splines: neighbours are added to the knots that they lie between, and gradients are read off there; and the
//! products of moments that make a descriptor.

#![allow(unsafe_code)]
// rows and registers are counted: what belongs together has the same number in several arrays
#![allow(clippy::needless_range_loop)]

use super::vector::{Real, Store, Vector};

/// Coefficients that meet in one interval of a spline.
pub const WEIGHTS: usize = 8;

/// The weights of these coefficients in powers of the offset, `[power][coefficient]`.
pub type Weights<S> = [[S; WEIGHTS]; WEIGHTS];

/// Most axis columns of a descriptor.
pub const MOST_AXIS: usize = 64;

/// A neighbour: the interval that it falls into, and its environment row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place<S> {
    /// Column of the first coefficient of the interval.
    pub column: u32,
    /// Distance from the start of the interval, in units of its length.
    pub offset: S,
    /// Normalised row `R`.
    pub row: [S; 4],
}

/// Shape of a descriptor `D = T^T T[:, ..axis]` whose square block of axis columns is symmetric and stored once.
///
/// Rows `p < axis` hold `q <= p`, all others `q < axis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// `M1`
    pub m1: usize,
    /// `M2`
    pub axis: usize,
}

impl Shape {
    /// Where row `p` begins.
    #[inline(always)]
    pub fn start(self, p: usize) -> usize {
        if p < self.axis {
            p * (p + 1) / 2
        } else {
            self.axis * (self.axis + 1) / 2 + (p - self.axis) * self.axis
        }
    }

    /// Numbers of the descriptor.
    pub fn width(self) -> usize {
        self.start(self.m1)
    }
}

/// The loops of one instruction set and precision. `C` rows of `stride` numbers belong to one centre: four, or one where only
/// distances count.
#[derive(Debug)]
pub struct Splines<S> {
    /// Adds neighbours to knots.
    pub bin: Bin<S>,
    /// Gradients at the places.
    pub gather: Gather<S>,
    /// Descriptors less their means, in double and in single precision.
    pub contract: (Contract<S, f64>, Contract<S, f32>),
    /// Gradients of moments from those of descriptors less their means.
    pub contract_backward: (ContractBackward<S, f64>, ContractBackward<S, f32>),
}

/// Type of [`Splines::bin`]: `(weights, places, a [C, stride], stride)`: `a[c][column + m] += row[c] weight[m]` for every place.
pub type Bin<S> = fn(&Weights<S>, &[Place<S>], &mut [S], usize);

/// Type of [`Splines::gather`]: `(weights, slope weights, places, slope_a [C, stride], slope_b [C, stride], stride, slopes)`
/// writes the gradient with respect to the four (or one) numbers of the row, from `slope_a`, and last that with respect to the
/// offset, from `slope_b` with the slope weights.
pub type Gather<S> = fn(&Weights<S>, &Weights<S>, &[Place<S>], &[S], &[S], usize, &mut [[S; 5]]);

/// Type of [`Splines::contract`]: `(shape, t [4, stride], means, d)`; writes up to a register beyond the width.
pub type Contract<S, F> = fn(Shape, &[S], &[S], &mut [F]);

/// Type of [`Splines::contract_backward`]: `(shape, t [4, stride], mean gradient, slope_d, slope_t [4, stride])`; reads up to a
/// register beyond the width.
pub type ContractBackward<S, F> = fn(Shape, &[S], &[S], &[F], &mut [S]);

/// `N` registers that hold the eight weights at an offset.
///
/// # Safety
/// `N` registers have eight lanes.
#[inline(always)]
unsafe fn weights_at<V: Vector, const N: usize>(
    weights: &Weights<V::Scalar>,
    offset: V::Scalar,
) -> [V; N] {
    let t = V::splat(offset);
    // SAFETY: eight numbers a row, the caller's promise
    unsafe {
        let row = |power: usize| -> [V; N] {
            let row = weights[power].as_ptr();
            let mut registers = [V::splat(V::Scalar::ZERO); N];
            let mut n = 0;
            while n < N {
                registers[n] = V::load(row.add(n * V::LANES));
                n += 1;
            }
            registers
        };
        let mut sums = row(WEIGHTS - 1);
        let mut power = WEIGHTS - 1;
        while power > 0 {
            power -= 1;
            let next = row(power);
            let mut n = 0;
            while n < N {
                sums[n] = sums[n].mul_add(t, next[n]);
                n += 1;
            }
        }
        sums
    }
}

/// See [`Splines::bin`].
#[inline(always)]
pub(super) fn bin<V: Vector, const N: usize>(
    weights: &Weights<V::Scalar>,
    places: &[Place<V::Scalar>],
    a: &mut [V::Scalar],
    stride: usize,
) {
    if a.len() == stride {
        bin_rows::<V, N, 1>(weights, places, a, stride);
    } else {
        bin_rows::<V, N, 4>(weights, places, a, stride);
    }
}

#[inline(always)]
fn bin_rows<V: Vector, const N: usize, const C: usize>(
    weights: &Weights<V::Scalar>,
    places: &[Place<V::Scalar>],
    a: &mut [V::Scalar],
    stride: usize,
) {
    check_places(places, a.len(), stride, C);
    let a = a.as_mut_ptr();
    for place in places {
        // SAFETY: eight columns from the place's on are within each row, as was checked
        unsafe {
            let weights: [V; N] = weights_at(weights, place.offset);
            for c in 0..C {
                let row = V::splat(place.row[c]);
                let to = a.add(c * stride + place.column as usize);
                for (n, weight) in weights.iter().enumerate() {
                    let to = to.add(n * V::LANES);
                    row.mul_add(*weight, V::load(to)).store(to);
                }
            }
        }
    }
}

/// Panics unless all eight columns of every place lie within rows of `stride`.
#[inline(always)]
fn check_places<S>(places: &[Place<S>], len: usize, stride: usize, rows: usize) {
    assert!(len >= rows * stride);
    let last = places.iter().fold(0, |last, place| last.max(place.column));
    assert!(places.is_empty() || last as usize + WEIGHTS <= stride);
}

/// See [`Splines::gather`].
#[inline(always)]
pub(super) fn gather<V: Vector, const N: usize>(
    weights: &Weights<V::Scalar>,
    slope_weights: &Weights<V::Scalar>,
    places: &[Place<V::Scalar>],
    slope_a: &[V::Scalar],
    slope_b: &[V::Scalar],
    stride: usize,
    slopes: &mut [[V::Scalar; 5]],
) {
    if slope_a.len() == stride {
        gather_rows::<V, N, 1>(
            weights,
            slope_weights,
            places,
            slope_a,
            slope_b,
            stride,
            slopes,
        );
    } else {
        gather_rows::<V, N, 4>(
            weights,
            slope_weights,
            places,
            slope_a,
            slope_b,
            stride,
            slopes,
        );
    }
}

#[inline(always)]
fn gather_rows<V: Vector, const N: usize, const C: usize>(
    weights: &Weights<V::Scalar>,
    slope_weights: &Weights<V::Scalar>,
    places: &[Place<V::Scalar>],
    slope_a: &[V::Scalar],
    slope_b: &[V::Scalar],
    stride: usize,
    slopes: &mut [[V::Scalar; 5]],
) {
    check_places(places, slope_a.len().min(slope_b.len()), stride, C);
    for (place, slopes) in places.iter().zip(slopes) {
        let zero = V::splat(V::Scalar::ZERO);
        let mut along = [zero; 4];
        let mut chain = zero;
        // SAFETY: eight columns from the place's on are within each row, as was checked
        unsafe {
            let own: [V; N] = weights_at(weights, place.offset);
            let slope: [V; N] = weights_at(slope_weights, place.offset);
            let mut mixed = [zero; N];
            for c in 0..C {
                let row = V::splat(place.row[c]);
                let start = c * stride + place.column as usize;
                for n in 0..N {
                    let a = V::load(slope_a.as_ptr().add(start + n * V::LANES));
                    let b = V::load(slope_b.as_ptr().add(start + n * V::LANES));
                    along[c] = a.mul_add(own[n], along[c]);
                    mixed[n] = b.mul_add(row, mixed[n]);
                }
            }
            for n in 0..N {
                chain = mixed[n].mul_add(slope[n], chain);
            }
        }
        let [x, y, z, w] = V::sums(along);
        *slopes = [x, y, z, w, chain.sum()];
    }
}

/// The axis columns of `t`, with zeros behind them.
#[inline(always)]
fn axis_columns<S: Real>(shape: Shape, t: &[S]) -> [[S; MOST_AXIS]; 4] {
    let stride = t.len() / 4;
    let mut columns = [[S::ZERO; MOST_AXIS]; 4];
    for (c, row) in columns.iter_mut().enumerate() {
        row[..shape.axis].copy_from_slice(&t[c * stride..][..shape.axis]);
    }
    columns
}

/// See [`Splines::contract`].
#[inline(always)]
pub(super) fn contract<V: Vector, F: Store>(
    shape: Shape,
    t: &[V::Scalar],
    means: &[V::Scalar],
    d: &mut [F],
) {
    match shape.axis.div_ceil(V::LANES) {
        1 => contract_by::<V, F, 1>(shape, t, means, d),
        2 => contract_by::<V, F, 2>(shape, t, means, d),
        _ => contract_by::<V, F, 0>(shape, t, means, d),
    }
}

/// With `B` registers a row, or any number where it is 0.
#[inline(always)]
fn contract_by<V: Vector, F: Store, const B: usize>(
    shape: Shape,
    t: &[V::Scalar],
    means: &[V::Scalar],
    d: &mut [F],
) {
    let stride = t.len() / 4;
    let registers = if B == 0 {
        shape.axis.div_ceil(V::LANES)
    } else {
        B
    };
    let end = shape.start(shape.m1 - 1) + registers * V::LANES;
    assert!(shape.axis <= MOST_AXIS && shape.axis <= shape.m1 && shape.m1 <= stride);
    assert!(d.len() >= end && means.len() >= end);
    let columns = axis_columns(shape, t);
    for p in 0..shape.m1 {
        let left: [V; 4] = [
            V::splat(t[p]),
            V::splat(t[stride + p]),
            V::splat(t[2 * stride + p]),
            V::splat(t[3 * stride + p]),
        ];
        let start = shape.start(p);
        for b in 0..registers {
            // SAFETY: registers up to `end` were checked; what is written beyond a row is written again by the next
            unsafe {
                let at = b * V::LANES;
                let mean = V::load(means.as_ptr().add(start + at));
                let mut sum = left[0].mul(V::load(columns[0].as_ptr().add(at)));
                sum = left[1].mul_add(V::load(columns[1].as_ptr().add(at)), sum);
                sum = left[2].mul_add(V::load(columns[2].as_ptr().add(at)), sum);
                sum = left[3].mul_add(V::load(columns[3].as_ptr().add(at)), sum);
                F::store(sum.sub(mean), d.as_mut_ptr().add(start + at));
            }
        }
    }
}

/// See [`Splines::contract_backward`].
#[inline(always)]
pub(super) fn contract_backward<V: Vector, F: Store>(
    shape: Shape,
    t: &[V::Scalar],
    means: &[V::Scalar],
    slope_d: &[F],
    slope_t: &mut [V::Scalar],
) {
    match shape.axis.div_ceil(V::LANES) {
        1 => contract_backward_by::<V, F, 1>(shape, t, means, slope_d, slope_t),
        2 => contract_backward_by::<V, F, 2>(shape, t, means, slope_d, slope_t),
        3 => contract_backward_by::<V, F, 3>(shape, t, means, slope_d, slope_t),
        4 => contract_backward_by::<V, F, 4>(shape, t, means, slope_d, slope_t),
        _ => contract_backward_by::<V, F, 16>(shape, t, means, slope_d, slope_t),
    }
}

/// With at most `B` registers a row.
#[inline(always)]
fn contract_backward_by<V: Vector, F: Store, const B: usize>(
    shape: Shape,
    t: &[V::Scalar],
    means: &[V::Scalar],
    slope_d: &[F],
    slope_t: &mut [V::Scalar],
) {
    let Shape { m1, axis } = shape;
    let stride = t.len() / 4;
    let registers = axis.div_ceil(V::LANES);
    let end = shape.start(m1 - 1) + registers * V::LANES;
    assert!(axis <= MOST_AXIS && axis <= m1 && m1 <= stride && registers <= B);
    assert!(slope_d.len() >= end && means.len() >= end && slope_t.len() == t.len());
    let columns = axis_columns(shape, t);
    let zero = V::splat(V::Scalar::ZERO);
    let mut sums = [[zero; B]; 4];
    let read = |start: usize| {
        // SAFETY: registers up to `end` were checked
        unsafe {
            let mean = V::load(means.as_ptr().add(start));
            F::load::<V>(slope_d.as_ptr().add(start)).add(mean)
        }
    };
    for p in axis..m1 {
        let left: [V; 4] = [
            V::splat(t[p]),
            V::splat(t[stride + p]),
            V::splat(t[2 * stride + p]),
            V::splat(t[3 * stride + p]),
        ];
        let start = shape.start(p);
        let mut along = [zero; 4];
        for b in 0..registers.min(B) {
            let slope = read(start + b * V::LANES);
            for c in 0..4 {
                // SAFETY: zeros stand behind the axis columns up to the last register
                let column = unsafe { V::load(columns[c].as_ptr().add(b * V::LANES)) };
                along[c] = slope.mul_add(column, along[c]);
                sums[c][b] = slope.mul_add(left[c], sums[c][b]);
            }
        }
        for (c, sum) in V::sums(along).into_iter().enumerate() {
            slope_t[c * stride + p] = sum;
        }
    }
    // the symmetric block: a row of the square at a time
    let mut square = [[V::Scalar::ZERO; MOST_AXIS]; MOST_AXIS];
    for p in 0..axis {
        let start = shape.start(p);
        for q in 0..=p {
            let slope = V::Scalar::of(slope_d[start + q].double() + means[start + q].double());
            square[p][q] = slope;
            square[q][p] = slope;
        }
        square[p][p] += square[p][p];
    }
    for p in 0..axis {
        let mut along = [zero; 4];
        for b in 0..registers {
            // SAFETY: `registers` registers are within rows of `MOST_AXIS`
            unsafe {
                let slope = V::load(square[p].as_ptr().add(b * V::LANES));
                for c in 0..4 {
                    let column = V::load(columns[c].as_ptr().add(b * V::LANES));
                    along[c] = slope.mul_add(column, along[c]);
                }
            }
        }
        for (c, sum) in V::sums(along).into_iter().enumerate() {
            slope_t[c * stride + p] = sum;
        }
    }
    for c in 0..4 {
        let mut row = [V::Scalar::ZERO; MOST_AXIS];
        for b in 0..registers.min(B) {
            // SAFETY: `registers` registers are within a row of `MOST_AXIS`
            unsafe { sums[c][b].store(row.as_mut_ptr().add(b * V::LANES)) };
        }
        for (slope, sum) in slope_t[c * stride..][..axis].iter_mut().zip(row) {
            *slope += sum;
        }
    }
}
