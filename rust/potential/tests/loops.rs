//! The loops of every instruction set and precision, against the formulas.

use deepdms_potential::model::Smoothing;
use deepdms_potential::simd::dense::{Dense, ROWS, pack};
use deepdms_potential::simd::splines::{Place, Shape, Splines};
use deepdms_potential::simd::{self, AboutTanh, Real};
use deepdms_potential::splines::{Scalar, basis};

/// Numbers in [-1, 1).
fn numbers<S: Real>(count: usize, seed: u64) -> Vec<S> {
    let mut numbers = fastrand::Rng::with_seed(seed);
    (0..count)
        .map(|_| S::of(2.0 * numbers.f64() - 1.0))
        .collect()
}

/// Runs a check of products for both precisions of all instruction sets.
fn everywhere(double: impl Fn(&Dense<f64>, &str, f64), single: impl Fn(&Dense<f32>, &str, f64)) {
    for kernels in simd::available() {
        double(&kernels.double.0, kernels.name, 1e-13);
        single(&kernels.single.0, kernels.name, 2e-5);
    }
}

/// The same for splines.
fn splines_everywhere(
    double: impl Fn(&Splines<f64>, &str, f64),
    single: impl Fn(&Splines<f32>, &str, f64),
) {
    for kernels in simd::available() {
        double(&kernels.double.1, kernels.name, 1e-13);
        single(&kernels.single.1, kernels.name, 2e-5);
    }
}

fn close<S: Real>(found: S, expected: f64, within: f64, what: &str) {
    let difference = (found.double() - expected).abs();
    assert!(
        difference <= within * (1.0 + expected.abs()),
        "{what}: {found:?} for {expected}"
    );
}

fn products<S: Real>(loops: &Dense<S>, name: &str, within: f64) {
    for (n, inputs, outputs) in [
        (ROWS, 1, 1),
        (2 * ROWS, 7, 5),
        (ROWS, 40, 33),
        (3 * ROWS, 19, 120),
    ] {
        let (x_stride, weights) = (inputs + 3, numbers::<S>(inputs * outputs, 1));
        let x = numbers::<S>(n * x_stride, 2);
        let weight = |i: usize, j: usize| weights[i * outputs + j].double();
        let (packed, padded) = pack::<S>(loops, inputs, outputs, weight);
        let y_stride = padded + 5;
        let mut y = numbers::<S>(n * y_stride, 3);
        let before = y.clone();
        (loops.product)(&x, x_stride, inputs, &packed, &mut y, y_stride, padded);
        for row in 0..n {
            for column in 0..y_stride {
                let found = y[row * y_stride + column];
                let sum = |j: usize| {
                    (0..inputs)
                        .map(|k| x[row * x_stride + k].double() * weight(k, j))
                        .sum()
                };
                let expected = match column {
                    j if j < outputs => sum(j),
                    j if j < padded => 0.0,
                    _ => before[row * y_stride + column].double(),
                };
                close(
                    found,
                    expected,
                    within,
                    &format!("{name} product {n} {inputs} {outputs}"),
                );
            }
        }
    }
}

#[test]
fn packed_products() {
    everywhere(products, products);
}

fn tanh<S: Real>(loops: &Dense<S>, name: &str, within: f64) {
    let m = 24;
    let z: Vec<S> = (0..4 * m)
        .map(|k| S::of((k as f64 - 48.0) * 0.37))
        .collect();
    let (bias, scale) = (numbers::<S>(m, 4), numbers::<S>(m, 5));
    let (mut y, mut slope) = (z.clone(), vec![S::ZERO; z.len()]);
    (loops.tanh)(&mut y, &bias, &scale, &mut slope);
    for k in 0..z.len() {
        let (t, scale) = ((z[k] + bias[k % m]).double().tanh(), scale[k % m].double());
        close(y[k], scale * t, within, &format!("{name} tanh"));
        close(
            slope[k],
            scale * (1.0 - t * t),
            within,
            &format!("{name} slope of tanh"),
        );
    }
}

#[test]
fn scaled_tanh() {
    everywhere(tanh, tanh);
}

/// Places in a matrix of so many columns.
fn places<S: Real>(count: usize, columns: usize, seed: u64) -> Vec<Place<S>> {
    let offsets = numbers::<S>(5 * count, seed);
    let place = |k: usize| Place {
        column: ((k * 7) % (columns - 7)) as u32,
        offset: S::of(offsets[5 * k].double().abs()),
        row: std::array::from_fn(|c| offsets[5 * k + 1 + c]),
    };
    (0..count).map(place).collect()
}

/// Weights of a degree in a precision.
fn weights<S: Real>(degree: usize) -> [[S; 8]; 8] {
    basis::weights(degree).map(|row| row.map(S::of))
}

fn bins<S: Real>(loops: &Splines<S>, name: &str, within: f64) {
    let stride = 40;
    for rows in [1, 4] {
        let places = places::<S>(23, stride, 3);
        let start = numbers::<S>(rows * stride, 4);
        let mut a = start.clone();
        (loops.bin)(&weights(7), &places, &mut a, stride);
        for c in 0..rows {
            for column in 0..stride {
                let own = |place: &Place<S>| {
                    let weights = basis::at(&basis::weights(7), place.offset.double());
                    let m = column.wrapping_sub(place.column as usize);
                    weights.get(m).map_or(0.0, |w| w * place.row[c].double())
                };
                let expected =
                    start[c * stride + column].double() + places.iter().map(own).sum::<f64>();
                close(
                    a[c * stride + column],
                    expected,
                    within,
                    &format!("{name} bins"),
                );
            }
        }
    }
}

#[test]
fn neighbours_are_added_to_their_knots() {
    splines_everywhere(bins, bins);
}

fn gather<S: Real>(loops: &Splines<S>, name: &str, within: f64) {
    let stride = 40;
    for rows in [1, 4] {
        let places = places::<S>(9, stride, 5);
        let (a, b) = (
            numbers::<S>(rows * stride, 6),
            numbers::<S>(rows * stride, 7),
        );
        let mut slopes = vec![[S::ZERO; 5]; places.len()];
        let (seven, six) = (weights(7), weights(6));
        (loops.gather)(&seven, &six, &places, &a, &b, stride, &mut slopes);
        for (place, slopes) in places.iter().zip(&slopes) {
            let offset = place.offset.double();
            let along = |of: &[S], degree: usize, c: usize| -> f64 {
                let weights = basis::at(&basis::weights(degree), offset);
                let own = &of[c * stride + place.column as usize..];
                weights.iter().zip(own).map(|(w, x)| w * x.double()).sum()
            };
            let mut chain = 0.0;
            for (c, row) in place.row.iter().enumerate().take(rows) {
                let what = format!("{name} gather");
                close(slopes[c], along(&a, 7, c), within, &what);
                chain += row.double() * along(&b, 6, c);
            }
            close(slopes[4], chain, within, &format!("{name} gather, slope"));
        }
    }
}

#[test]
fn gradients_are_read_off_at_the_knots() {
    splines_everywhere(gather, gather);
}

/// Shapes with axis columns that fill registers and that do not.
const SHAPES: [Shape; 5] = [
    Shape { m1: 5, axis: 1 },
    Shape { m1: 24, axis: 8 },
    Shape { m1: 25, axis: 12 },
    Shape { m1: 30, axis: 16 },
    Shape { m1: 41, axis: 41 },
];

fn contractions<S: Real, F: Scalar>(loops: &Splines<S>, name: &str, within: f64) {
    for shape in SHAPES {
        let Shape { m1, axis } = shape;
        let stride = m1 + 3;
        let t = numbers::<S>(4 * stride, 8);
        let means = numbers::<S>(shape.width() + 64, 9);
        let product = |p: usize, q: usize| -> f64 {
            let terms = (0..4).map(|c| t[c * stride + p].double() * t[c * stride + q].double());
            terms.sum()
        };
        let mut d = vec![F::ZERO; shape.width() + 64];
        F::contract(loops)(shape, &t, &means, &mut d);
        let gradient: Vec<F> = numbers(shape.width() + 64, 10);
        let mut expected = vec![0.0; 4 * stride];
        for p in 0..m1 {
            let row = if p < axis { p + 1 } else { axis };
            for q in 0..row {
                let at = shape.start(p) + q;
                let value = product(p, q) - means[at].double();
                close(
                    d[at],
                    value,
                    within,
                    &format!("{name} contraction {shape:?}"),
                );
                // every number is a product of two columns
                let slope = gradient[at].double() + means[at].double();
                for c in 0..4 {
                    expected[c * stride + p] += slope * t[c * stride + q].double();
                    expected[c * stride + q] += slope * t[c * stride + p].double();
                }
            }
        }
        let mut slope_t = vec![S::ZERO; 4 * stride];
        F::contract_backward(loops)(shape, &t, &means, &gradient, &mut slope_t);
        for c in 0..4 {
            for p in 0..m1 {
                let what = format!("{name} gradient of a contraction {shape:?}");
                close(
                    slope_t[c * stride + p],
                    expected[c * stride + p],
                    10.0 * within,
                    &what,
                );
            }
        }
    }
}

#[test]
fn descriptors_and_their_gradients() {
    splines_everywhere(contractions::<f64, f64>, contractions::<f32, f32>);
    splines_everywhere(
        |loops, name, _| contractions::<f64, f32>(loops, name, 2e-5),
        contractions::<f32, f64>,
    );
}

#[test]
fn changes_of_tanh_keep_their_digits() {
    let points: Vec<f64> = (-24..24).map(|k| 0.27 * f64::from(k) + 0.1).collect();
    let mut about = AboutTanh::default();
    points.iter().for_each(|z| about.push(*z, 0.5));
    for kernels in simd::available() {
        for size in [1e-6, 1e-3, 0.1, 1.0, 9.0, 40.0] {
            let changes: Vec<f32> = numbers::<f64>(points.len(), 12)
                .iter()
                .map(|x| (size * x) as f32)
                .collect();
            let (mut z, mut slope) = (changes.clone(), vec![0.0; changes.len()]);
            (kernels.tanh_difference)(&mut z, &about, &mut slope);
            for (k, a) in points.iter().enumerate() {
                let b = a + f64::from(changes[k]);
                // (tanh b - tanh a) = sinh(b - a) / (cosh a cosh b), without cancellation
                let change = 0.5 * (b - a).sinh() / (a.cosh() * b.cosh());
                let slope_change = -change * (a.tanh() + b.tanh());
                let what = format!("{} change of tanh {a} {b}", kernels.name);
                assert!(
                    (f64::from(z[k]) - change).abs() <= 2e-6 * change.abs(),
                    "{what}: {} for {change}",
                    z[k]
                );
                assert!(
                    (f64::from(slope[k]) - slope_change).abs() <= 2e-6 * change.abs(),
                    "{what}: {} for {slope_change}",
                    slope[k]
                );
            }
        }
    }
}

#[test]
fn changes_of_slopes_times_upstream() {
    let m = 24;
    let (start, upstream) = (numbers::<f32>(2 * m, 13), numbers::<f32>(2 * m, 14));
    let (mean_slope, mean_upstream) = (numbers::<f32>(m, 15), numbers::<f32>(m, 16));
    for kernels in simd::available() {
        let mut slope = start.clone();
        (kernels.slope_difference)(&mut slope, &mean_slope, &upstream, &mean_upstream);
        for k in 0..2 * m {
            let [a, b] = [mean_slope[k % m], mean_upstream[k % m]].map(f64::from);
            let [da, db] = [start[k], upstream[k]].map(f64::from);
            close(slope[k], (a + da) * (b + db) - a * b, 1e-6, kernels.name);
        }
    }
}

#[test]
fn environment_rows_and_their_slopes() {
    for protection in [0.0, 0.2] {
        let smoothing = Smoothing {
            protection,
            ..Smoothing::double(2.0, 6.0)
        };
        let squares: Vec<f64> = (1..200).map(|k| (0.03 * f64::from(k)).powi(2)).collect();
        for kernels in simd::available() {
            let mut columns = vec![vec![0.0; squares.len()]; 4];
            let [s, s_slope, q, q_slope] = &mut columns[..] else {
                unreachable!("four columns")
            };
            (kernels.environment)(&smoothing, &squares, [s, s_slope, q, q_slope]);
            for (k, squared) in squares.iter().enumerate() {
                let r = squared.sqrt();
                let (w, w_slope) = smoothing.switch(r);
                let over = 1.0 / (r + protection);
                let s = w * over;
                let s_slope = (w_slope - s) * over;
                let q = s * over;
                let q_slope = (s_slope - q) * over;
                for (column, expected) in [s, s_slope / r, q, q_slope / r].into_iter().enumerate() {
                    close(columns[column][k], expected, 1e-13, kernels.name);
                }
            }
        }
    }
}

#[test]
fn sums_of_rows() {
    for m in [16, 24, 120] {
        let (rows, weights) = (numbers::<f32>(3 * m, 17), numbers::<f32>(m, 18));
        for kernels in simd::available() {
            for weights in [&weights[..], &[]] {
                let mut sums = [0.0; 3];
                (kernels.row_sums)(&rows, m, weights, &mut sums);
                for (row, sum) in rows.chunks(m).zip(sums) {
                    let others = if weights.is_empty() { row } else { weights };
                    let products = row.iter().zip(others);
                    let expected = products.map(|(a, b)| f64::from(*a) * f64::from(*b));
                    close(sum, expected.sum(), 1e-5, kernels.name);
                }
            }
        }
    }
}
