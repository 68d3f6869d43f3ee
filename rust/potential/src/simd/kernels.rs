//! The inner loops, written once. Each is inlined into one function an instruction set, where the compiler turns the
//! inner arrays of [`LANES`] numbers into vector registers.

use super::AboutTanh;
use crate::model::{DEGREES, Place, Smoothing};
use crate::splines::variable::Variable;

/// Numbers that are worked on together: one AVX-512 register, two of AVX2.
const LANES: usize = 8;

/// `a b + c`, fused where the instruction set has it (elsewhere a fused product would be a slow library call).
#[inline(always)]
fn fma<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// `exp x` for `|x| < 700`; the error is below one unit in the last place.
#[inline(always)]
fn exp<const FUSED: bool>(x: f64) -> f64 {
    /// Adding and subtracting it rounds to an integer, whose bits then stand at the low end.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    /// `ln 2` in two parts, the first with zeros at its end.
    const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let shifted = fma::<FUSED>(x, std::f64::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma::<FUSED>(n, -LN2_LOW, fma::<FUSED>(n, -LN2_HIGH, x));
    // Taylor series; |r| < 0.347, so the first term left out is below 5e-18
    let mut p = 1.0 / 6_227_020_800.0;
    for factorial in [
        479_001_600.0,
        39_916_800.0,
        3_628_800.0,
        362_880.0,
        40_320.0,
        5_040.0,
        720.0,
        120.0,
        24.0,
        6.0,
        2.0,
        1.0,
        1.0,
    ] {
        p = fma::<FUSED>(p, r, 1.0 / factorial);
    }
    // 2^n: n stands in the low bits of `shifted`; move it into the exponent field
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    p * power
}

/// `tanh x`
#[inline(always)]
fn tanh_of<const FUSED: bool>(x: f64) -> f64 {
    // beyond 20, tanh is 1 to the last bit
    1.0 - 2.0 / (exp::<FUSED>(2.0 * x.clamp(-20.0, 20.0)) + 1.0)
}

/// See [`super::Kernels::tanh`].
#[inline(always)]
pub(super) fn tanh<const FUSED: bool>(z: &mut [f64], slope: &mut [f64]) {
    for (z, slope) in z.iter_mut().zip(slope) {
        let y = tanh_of::<FUSED>(*z);
        *z = y;
        *slope = fma::<FUSED>(-y, y, 1.0);
    }
}

/// `exp x` in single precision for `|x| < 80`.
#[inline(always)]
fn exp_single<const FUSED: bool>(x: f32) -> f32 {
    /// Adding and subtracting it rounds to an integer, whose bits then stand at the low end.
    const ROUND: f32 = 12_582_912.0;
    /// `ln 2` in two parts, the first with zeros at its end.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let fma = |a: f32, b: f32, c: f32| if FUSED { a.mul_add(b, c) } else { a * b + c };
    let shifted = fma(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x));
    // Taylor series; |r| < 0.347, so the first term left out is below 6e-9
    let mut p = 1.0 / 5_040.0;
    for factorial in [720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0] {
        p = fma(p, r, 1.0 / factorial);
    }
    p * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// See [`super::dense::Dense::tanh`].
#[inline(always)]
pub(super) fn scaled_tanh<const FUSED: bool>(
    z: &mut [f64],
    bias: &[f64],
    scale: &[f64],
    slope: &mut [f64],
) {
    let rows = z.chunks_exact_mut(bias.len());
    for (z, slope) in rows.zip(slope.chunks_exact_mut(bias.len())) {
        for (((z, slope), bias), scale) in z.iter_mut().zip(slope).zip(bias).zip(scale) {
            let y = tanh_of::<FUSED>(*z + bias);
            *z = scale * y;
            *slope = scale * fma::<FUSED>(-y, y, 1.0);
        }
    }
}

/// The same in single precision; the error of `tanh` is below 2e-7.
#[inline(always)]
pub(super) fn scaled_tanh_single<const FUSED: bool>(
    z: &mut [f32],
    bias: &[f32],
    scale: &[f32],
    slope: &mut [f32],
) {
    let rows = z.chunks_exact_mut(bias.len());
    for (z, slope) in rows.zip(slope.chunks_exact_mut(bias.len())) {
        for (((z, slope), bias), scale) in z.iter_mut().zip(slope).zip(bias).zip(scale) {
            let x = 2.0 * (*z + bias).clamp(-10.0, 10.0);
            let y = 1.0 - 2.0 / (exp_single::<FUSED>(x) + 1.0);
            *z = scale * y;
            *slope = scale * (1.0 - y * y);
        }
    }
}

/// `exp x - 1` in single precision for `|x| < 80`, with a small relative error also where it is small.
#[inline(always)]
fn exp_less_one_single<const FUSED: bool>(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let fma = |a: f32, b: f32, c: f32| if FUSED { a.mul_add(b, c) } else { a * b + c };
    let shifted = fma(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x));
    // Taylor series of (exp r - 1)/r; |r| < 0.347, so the first term left out is below 6e-9
    let mut p = 1.0 / 5_040.0;
    for factorial in [720.0, 120.0, 24.0, 6.0, 2.0, 1.0] {
        p = fma(p, r, 1.0 / factorial);
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    fma(power, p * r, power - 1.0)
}

/// See [`super::Kernels::tanh_difference`].
///
/// With `E = exp 2a` and `e = exp 2d - 1`, `tanh(a + d) - tanh a = (1 + tanh a) e / (E e + E + 1)`: nothing cancels where `a <= 0`, and
/// where it is positive both signs are turned.
#[inline(always)]
pub(super) fn tanh_difference<const FUSED: bool>(
    z: &mut [f32],
    about: &AboutTanh,
    slope: &mut [f32],
) {
    let fma = |a: f32, b: f32, c: f32| if FUSED { a.mul_add(b, c) } else { a * b + c };
    let m = about.scale.len();
    let (direction, growth) = (&about.direction[..m], &about.growth[..m]);
    let (rise, value, scale) = (&about.rise[..m], &about.value[..m], &about.scale[..m]);
    for (z, slope) in z.chunks_exact_mut(m).zip(slope.chunks_exact_mut(m)) {
        for k in 0..m {
            let e = exp_less_one_single::<FUSED>(direction[k] * z[k].clamp(-20.0, 20.0));
            let change = rise[k] * e / fma(growth[k], e, growth[k] + 1.0);
            z[k] = scale[k] * change;
            slope[k] = -scale[k] * change * fma(2.0, value[k], change);
        }
    }
}

/// See [`super::Kernels::row_sums`].
#[inline(always)]
pub(super) fn row_sums(rows: &[f32], m: usize, weights: &[f32], sums: &mut [f32]) {
    for (row, sum) in rows.chunks_exact(m).zip(sums) {
        let others = if weights.is_empty() { row } else { weights };
        let mut lanes = [0.0f32; 2 * LANES];
        let parts = row
            .chunks_exact(2 * LANES)
            .zip(others.chunks_exact(2 * LANES));
        for (a, b) in parts {
            for l in 0..2 * LANES {
                lanes[l] += a[l] * b[l];
            }
        }
        let rest = row.chunks_exact(2 * LANES).remainder().iter();
        let rest = rest
            .zip(others[m - m % (2 * LANES)..].iter())
            .map(|(a, b)| a * b);
        *sum = lanes.iter().sum::<f32>() + rest.sum::<f32>();
    }
}

/// See [`super::Kernels::slope_difference`].
#[inline(always)]
pub(super) fn slope_difference<const FUSED: bool>(
    slope: &mut [f32],
    mean_slope: &[f32],
    upstream: &[f32],
    mean_upstream: &[f32],
) {
    let fma = |a: f32, b: f32, c: f32| if FUSED { a.mul_add(b, c) } else { a * b + c };
    let m = mean_slope.len();
    let rows = slope.chunks_exact_mut(m).zip(upstream.chunks_exact(m));
    for (slope, upstream) in rows {
        let means = mean_slope.iter().zip(mean_upstream);
        for ((slope, upstream), (mean_slope, mean_upstream)) in
            slope.iter_mut().zip(upstream).zip(means)
        {
            *slope = fma(*slope, mean_upstream + upstream, mean_slope * upstream);
        }
    }
}

/// See [`super::Kernels::environment`].
#[inline(always)]
pub(super) fn environment<const FUSED: bool>(
    smoothing: &Smoothing,
    squares: &[f64],
    [s, s_slope, q, q_slope]: [&mut [f64]; 4],
) {
    let (from, inverse_span, p) = (smoothing.from, 1.0 / smoothing.span, smoothing.protection);
    let radial = s.iter_mut().zip(s_slope);
    let angular = q.iter_mut().zip(q_slope);
    for ((squared, (s, s_slope)), (q, q_slope)) in squares.iter().zip(radial).zip(angular) {
        let r = squared.sqrt();
        let inverse = 1.0 / r;
        let protected = if p == 0.0 { inverse } else { 1.0 / (r + p) };
        let u = ((r - from) * inverse_span).clamp(0.0, 1.0);
        let uu = u * u;
        let polynomial = fma::<FUSED>(fma::<FUSED>(-6.0, u, 15.0), u, -10.0);
        let w = fma::<FUSED>(uu * u, polynomial, 1.0);
        let w_slope =
            uu * fma::<FUSED>(3.0, polynomial, u * fma::<FUSED>(-12.0, u, 15.0)) * inverse_span;
        let value = w * protected;
        let slope = (w_slope - value) * protected;
        let over = value * protected;
        *s = value;
        *s_slope = slope * inverse;
        *q = over;
        *q_slope = (slope - over) * protected * inverse;
    }
}

/// See [`super::Kernels::variable`].
#[inline(always)]
pub(super) fn variable<const FUSED: bool>(
    variable: &Variable,
    s: &[f64],
    x: &mut [f64],
    slope: &mut [f64],
) {
    for ((s, x), slope) in s.iter().zip(x).zip(slope) {
        (*x, *slope) = variable.at(*s);
    }
}

/// See [`super::Kernels::tanh_with_derivative`].
#[inline(always)]
pub(super) fn tanh_with_derivative<const FUSED: bool>(z: &mut [f64], d: &mut [f64]) {
    for (z, d) in z.iter_mut().zip(d) {
        let y = tanh_of::<FUSED>(*z);
        *z = y;
        *d *= fma::<FUSED>(-y, y, 1.0);
    }
}

/// See [`super::Kernels::add_residual`].
#[inline(always)]
pub(super) fn add_residual<const FUSED: bool>(
    x: &[f64],
    inputs: usize,
    y: &mut [f64],
    outputs: usize,
) {
    for (y, x) in y.chunks_exact_mut(outputs).zip(x.chunks_exact(inputs)) {
        for part in y.chunks_exact_mut(inputs) {
            for (y, x) in part.iter_mut().zip(x) {
                *y += x;
            }
        }
    }
}

/// See [`super::Kernels::tabulate`].
#[inline(always)]
pub(super) fn tabulate<const FUSED: bool>(
    places: &[Place],
    coefficients: &[f64],
    g: &mut [f64],
    h: &mut [f64],
) {
    let m = g.len().checked_div(places.len()).unwrap_or(0).max(1);
    let outputs = g.chunks_exact_mut(m).zip(h.chunks_exact_mut(m));
    for (place, (g, h)) in places.iter().zip(outputs) {
        let cell = &coefficients[place.row * DEGREES * m..][..DEGREES * m];
        let (a0, a) = cell.split_at(m);
        let (a1, a) = a.split_at(m);
        let (a2, a) = a.split_at(m);
        let (a3, a) = a.split_at(m);
        let (a4, a5) = a.split_at(m);
        let x = place.offset;
        for p in 0..m {
            // value and slope by one Horner scheme
            let mut value = fma::<FUSED>(a5[p], x, a4[p]);
            let mut slope = fma::<FUSED>(a5[p], x, value);
            value = fma::<FUSED>(value, x, a3[p]);
            slope = fma::<FUSED>(slope, x, value);
            value = fma::<FUSED>(value, x, a2[p]);
            slope = fma::<FUSED>(slope, x, value);
            value = fma::<FUSED>(value, x, a1[p]);
            slope = fma::<FUSED>(slope, x, value);
            value = fma::<FUSED>(value, x, a0[p]);
            g[p] = fma::<FUSED>(slope, place.excess, value);
            h[p] = slope;
        }
    }
}

/// The numbers from `start` on, with zeros behind the end of `values`.
#[inline(always)]
fn lanes(values: &[f64], start: usize) -> [f64; LANES] {
    let rest = &values[start..];
    match rest.first_chunk() {
        Some(whole) => *whole,
        None => std::array::from_fn(|l| if l < rest.len() { rest[l] } else { 0.0 }),
    }
}

/// See [`super::Kernels::moments`].
#[inline(always)]
pub(super) fn moments<const FUSED: bool>(rows: &[[f64; 4]], g: &[f64], t: &mut [f64]) {
    let m = t.len() / 4;
    for start in (0..m).step_by(LANES) {
        let width = LANES.min(m - start);
        let mut sums = [[0.0; LANES]; 4];
        for (row, g) in rows.iter().zip(g.chunks_exact(m)) {
            let g = lanes(g, start);
            for c in 0..4 {
                sums[c] = std::array::from_fn(|l| fma::<FUSED>(row[c], g[l], sums[c][l]));
            }
        }
        for c in 0..4 {
            let t = &mut t[c * m + start..][..width];
            t.iter_mut().zip(sums[c]).for_each(|(t, sum)| *t += sum);
        }
    }
}

/// See [`super::Kernels::contract`].
#[inline(always)]
pub(super) fn contract<const FUSED: bool>(t: &[f64], axis: usize, d: &mut [f64]) {
    let m = t.len() / 4;
    for (p, d) in d.chunks_exact_mut(axis).enumerate() {
        let column = [t[p], t[m + p], t[2 * m + p], t[3 * m + p]];
        let (t0, t1, t2, t3) = (
            &t[..axis],
            &t[m..m + axis],
            &t[2 * m..2 * m + axis],
            &t[3 * m..3 * m + axis],
        );
        for q in 0..axis {
            let first = fma::<FUSED>(column[1], t1[q], column[0] * t0[q]);
            d[q] = fma::<FUSED>(column[3], t3[q], fma::<FUSED>(column[2], t2[q], first));
        }
    }
}

/// See [`super::Kernels::contract_backward`].
#[inline(always)]
pub(super) fn contract_backward<const FUSED: bool>(
    t: &[f64],
    axis: usize,
    slope_d: &[f64],
    slope_t: &mut [f64],
) {
    let m = t.len() / 4;
    for c in 0..4 {
        let t = &t[c * m..][..m];
        let slope_t = &mut slope_t[c * m..][..m];
        // from the factor with all m columns
        for (slope, row) in slope_t.iter_mut().zip(slope_d.chunks_exact(axis)) {
            *slope = dot::<FUSED>(row, &t[..axis]);
        }
        // from the factor with the axis columns
        let slope_t = &mut slope_t[..axis];
        for (t, row) in t.iter().zip(slope_d.chunks_exact(axis)) {
            for (slope, d) in slope_t.iter_mut().zip(row) {
                *slope = fma::<FUSED>(*t, *d, *slope);
            }
        }
    }
}

/// See [`super::Kernels::moments_backward`].
///
/// The chain through `h` is `sum over p of h[p] (sum over c of row[c] slope[c][p])`; with the sums exchanged, eight
/// independent scalar products are left.
#[inline(always)]
pub(super) fn moments_backward<const FUSED: bool>(
    slope_t: &[f64],
    rows: &[[f64; 4]],
    g: &[f64],
    h: &[f64],
    slope_rows: &mut [[f64; 4]],
) {
    let m = slope_t.len() / 4;
    let whole = m - m % LANES;
    let slopes: [&[f64]; 4] = std::array::from_fn(|c| &slope_t[c * m..][..m]);
    let neighbours = rows
        .iter()
        .zip(g.chunks_exact(m))
        .zip(h.chunks_exact(m))
        .zip(slope_rows);
    for (((row, g), h), slope_row) in neighbours {
        let mut with_g = [[0.0; LANES]; 4];
        let mut with_h = [[0.0; LANES]; 4];
        let mut p = 0;
        while p < whole {
            let g: &[f64; LANES] = g[p..p + LANES].try_into().expect("LANES numbers");
            let h: &[f64; LANES] = h[p..p + LANES].try_into().expect("LANES numbers");
            for c in 0..4 {
                let slope: &[f64; LANES] =
                    slopes[c][p..p + LANES].try_into().expect("LANES numbers");
                for l in 0..LANES {
                    with_g[c][l] = fma::<FUSED>(slope[l], g[l], with_g[c][l]);
                    with_h[c][l] = fma::<FUSED>(slope[l], h[l], with_h[c][l]);
                }
            }
            p += LANES;
        }
        let mut total = [0.0; 4];
        let mut chain = 0.0;
        for c in 0..4 {
            let (mut along_g, mut along_h) = (sum(with_g[c]), sum(with_h[c]));
            for k in whole..m {
                along_g = fma::<FUSED>(slopes[c][k], g[k], along_g);
                along_h = fma::<FUSED>(slopes[c][k], h[k], along_h);
            }
            total[c] = along_g;
            chain = fma::<FUSED>(row[c], along_h, chain);
        }
        total[0] += chain;
        *slope_row = total;
    }
}

/// Sum by halves, which stays in vector registers.
#[inline(always)]
fn sum(lanes: [f64; LANES]) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[inline(always)]
fn dot<const FUSED: bool>(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    let tail = rest.fold(0.0, |sum, (a, b)| fma::<FUSED>(*a, *b, sum));
    for (a, b) in a_chunks.zip(b_chunks) {
        for l in 0..LANES {
            sums[l] = fma::<FUSED>(a[l], b[l], sums[l]);
        }
    }
    sum(sums) + tail
}
