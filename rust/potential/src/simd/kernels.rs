//! The inner loops, written once. Each is inlined into one function an instruction set, where the compiler turns the
//! inner arrays of [`LANES`] numbers into vector registers.

use crate::model::{DEGREES, Place};

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

/// See [`super::Kernels::tanh`].
#[inline(always)]
pub(super) fn tanh<const FUSED: bool>(z: &mut [f64], slope: &mut [f64]) {
    for (z, slope) in z.iter_mut().zip(slope) {
        // beyond 20, tanh is 1 to the last bit
        let x = z.clamp(-20.0, 20.0);
        let y = 1.0 - 2.0 / (exp::<FUSED>(2.0 * x) + 1.0);
        *z = y;
        *slope = fma::<FUSED>(-y, y, 1.0);
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

/// See [`super::Kernels::moments`].
#[inline(always)]
pub(super) fn moments<const FUSED: bool>(rows: &[[f64; 4]], g: &[f64], t: &mut [f64]) {
    let m = t.len() / 4;
    let (t0, rest) = t.split_at_mut(m);
    let (t1, rest) = rest.split_at_mut(m);
    let (t2, t3) = rest.split_at_mut(m);
    let mut p = 0;
    while p + LANES <= m {
        let mut sums = [[0.0; LANES]; 4];
        for (row, g) in rows.iter().zip(g.chunks_exact(m)) {
            let g: &[f64; LANES] = g[p..p + LANES].try_into().expect("LANES numbers");
            for c in 0..4 {
                for l in 0..LANES {
                    sums[c][l] = fma::<FUSED>(row[c], g[l], sums[c][l]);
                }
            }
        }
        for l in 0..LANES {
            t0[p + l] += sums[0][l];
            t1[p + l] += sums[1][l];
            t2[p + l] += sums[2][l];
            t3[p + l] += sums[3][l];
        }
        p += LANES;
    }
    for (row, g) in rows.iter().zip(g.chunks_exact(m)) {
        for k in p..m {
            t0[k] = fma::<FUSED>(row[0], g[k], t0[k]);
            t1[k] = fma::<FUSED>(row[1], g[k], t1[k]);
            t2[k] = fma::<FUSED>(row[2], g[k], t2[k]);
            t3[k] = fma::<FUSED>(row[3], g[k], t3[k]);
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
#[inline(always)]
pub(super) fn moments_backward<const FUSED: bool>(
    slope_t: &[f64],
    rows: &[[f64; 4]],
    g: &[f64],
    h: &[f64],
    slope_rows: &mut [[f64; 4]],
) {
    let m = slope_t.len() / 4;
    let slopes = [
        &slope_t[..m],
        &slope_t[m..2 * m],
        &slope_t[2 * m..3 * m],
        &slope_t[3 * m..4 * m],
    ];
    let neighbours = rows
        .iter()
        .zip(g.chunks_exact(m))
        .zip(h.chunks_exact(m))
        .zip(slope_rows);
    for (((row, g), h), slope_row) in neighbours {
        let mut sums = [[0.0; LANES]; 4];
        let mut chain = [0.0; LANES];
        let mut p = 0;
        while p + LANES <= m {
            let (g, h) = (&g[p..p + LANES], &h[p..p + LANES]);
            let mut weight = [0.0; LANES];
            for c in 0..4 {
                let slope = &slopes[c][p..p + LANES];
                for l in 0..LANES {
                    sums[c][l] = fma::<FUSED>(slope[l], g[l], sums[c][l]);
                    weight[l] = fma::<FUSED>(row[c], slope[l], weight[l]);
                }
            }
            for l in 0..LANES {
                chain[l] = fma::<FUSED>(weight[l], h[l], chain[l]);
            }
            p += LANES;
        }
        let mut total: [f64; 4] = std::array::from_fn(|c| sums[c].iter().sum());
        total[0] += chain.iter().sum::<f64>();
        for k in p..m {
            let mut weight = 0.0;
            for c in 0..4 {
                total[c] = fma::<FUSED>(slopes[c][k], g[k], total[c]);
                weight = fma::<FUSED>(row[c], slopes[c][k], weight);
            }
            total[0] = fma::<FUSED>(weight, h[k], total[0]);
        }
        *slope_row = total;
    }
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
    sums.iter().sum::<f64>() + tail
}
