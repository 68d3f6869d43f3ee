//! The loops of reduced models, of every instruction set and precision, against the formulas.

use deepdms_potential::reduction::{Numbers, Precision};
use deepdms_potential::simd::reduced::{COEFFICIENTS, GramRow, Loops, Place, ROWS, pack};
use deepdms_potential::simd::{self, Kernels, Real};

fn numbers<S: Real>(count: usize, seed: u64) -> Vec<S> {
    let mut numbers = Numbers::new(seed);
    (0..count)
        .map(|_| S::of(2.0 * numbers.draw() - 1.0))
        .collect()
}

/// Runs a check for both precisions of all instruction sets.
fn everywhere(double: impl Fn(&Loops<f64>, &str, f64), single: impl Fn(&Loops<f32>, &str, f64)) {
    for kernels in simd::available() {
        double(f64::loops(kernels), kernels.name, 1e-13);
        single(f32::loops(kernels), kernels.name, 2e-5);
    }
}

fn close<S: Real>(found: S, expected: f64, within: f64, what: &str) {
    let difference = (found.double() - expected).abs();
    assert!(
        difference <= within * (1.0 + expected.abs()),
        "{what}: {found:?} for {expected}"
    );
}

fn products<S: Real>(loops: &Loops<S>, name: &str, within: f64) {
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

fn tanh<S: Real>(loops: &Loops<S>, name: &str, within: f64) {
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

/// `u` and its slope by offset, of one place and column.
fn curve<S: Real>(table: &[S], place: &Place<S>, k: usize, column: usize) -> (f64, f64) {
    let a = |d: usize| table[(place.piece as usize * COEFFICIENTS + d) * k + column].double();
    let t = place.offset.double();
    let value = (0..COEFFICIENTS).map(|d| a(d) * t.powi(d as i32)).sum();
    let slope = (1..COEFFICIENTS)
        .map(|d| d as f64 * a(d) * t.powi(d as i32 - 1))
        .sum();
    (value, slope)
}

fn moments<S: Real>(loops: &Loops<S>, name: &str, within: f64) {
    for registers in 1..=9 {
        let (k, pieces) = (registers * loops.lanes, 5);
        let stride = k + loops.lanes;
        let table = numbers::<S>(pieces * COEFFICIENTS * k, 6);
        let rows = numbers::<S>(5 * 11, 7);
        let places: Vec<_> = rows
            .chunks(5)
            .enumerate()
            .map(|(j, r)| Place {
                piece: (j * 3 % pieces) as u32,
                offset: r[4],
                row: [r[0], r[1], r[2], r[3]],
            })
            .collect();
        let start = numbers::<S>(4 * stride, 8);
        let mut a = start.clone();
        (loops.moments)(&places, &table, &mut a, k);
        for c in 0..4 {
            for i in 0..stride {
                let added = |place: &Place<S>| place.row[c].double() * curve(&table, place, k, i).0;
                let added: f64 = if i < k {
                    places.iter().map(added).sum()
                } else {
                    0.0
                };
                close(
                    a[c * stride + i],
                    start[c * stride + i].double() + added,
                    within,
                    &format!("{name} moments"),
                );
            }
        }
        let mut slopes = vec![[S::ZERO; 5]; places.len()];
        (loops.moments_backward)(&places, &table, &a, k, &mut slopes);
        for (place, slopes) in places.iter().zip(slopes) {
            let mut expected = [0.0; 5];
            for i in 0..k {
                let (u, slope) = curve(&table, place, k, i);
                for c in 0..4 {
                    let a = a[c * stride + i].double();
                    expected[c] += a * u;
                    expected[4] += a * place.row[c].double() * slope;
                }
            }
            for (found, expected) in slopes.into_iter().zip(expected) {
                close(
                    found,
                    expected,
                    30.0 * within,
                    &format!("{name} moments_backward"),
                );
            }
        }
    }
}

#[test]
fn moments_and_their_gradient() {
    everywhere(moments, moments);
}

fn gram<S: Real>(loops: &Loops<S>, name: &str, within: f64) {
    let (k, counts) = (21, [21, 20, 13, 9, 0, 1, 5]);
    let stride = k + loops.lanes;
    let mut a = numbers::<S>(4 * stride, 9);
    for row in a.chunks_exact_mut(stride) {
        row[k..].fill(S::ZERO);
    }
    let mut start = 0;
    let rows = counts.map(|count| {
        start += count;
        GramRow {
            start: start - count,
            count,
        }
    });
    let mut s = vec![S::ZERO; start as usize + loops.lanes];
    (loops.gram)(&a, &rows, &mut s);
    let slope_s = numbers::<S>(s.len(), 10);
    let mut slope_a = numbers::<S>(a.len(), 11);
    (loops.gram_backward)(&a, &rows, &slope_s, &mut slope_a);
    let mut expected = vec![0.0; a.len()];
    for (i, row) in rows.iter().enumerate() {
        for j in 0..row.count as usize {
            let at = row.start as usize + j;
            let both = |c: usize| (a[c * stride + i].double(), a[c * stride + i + j].double());
            let product = (0..4).map(|c| both(c).0 * both(c).1).sum();
            close(s[at], product, within, &format!("{name} gram"));
            for c in 0..4 {
                expected[c * stride + i] += slope_s[at].double() * both(c).1;
                expected[c * stride + i + j] += slope_s[at].double() * both(c).0;
            }
        }
    }
    for (found, expected) in slope_a.into_iter().zip(expected) {
        close(
            found,
            expected,
            30.0 * within,
            &format!("{name} gram_backward"),
        );
    }
}

#[test]
fn products_of_coefficients_and_their_gradient() {
    everywhere(gram, gram);
}

#[test]
fn numbers_are_added_and_multiplied() {
    let kernels: Vec<&Kernels> = simd::available().collect();
    for kernels in kernels {
        let x = numbers::<f64>(37, 12);
        let start = numbers::<f64>(37, 13);
        let (mut sum, mut product) = (start.clone(), start.clone());
        (kernels.double.add)(&mut sum, &x);
        (kernels.double.multiply)(&mut product, &x);
        for k in 0..37 {
            assert_eq!(
                (sum[k], product[k]),
                (start[k] + x[k], start[k] * x[k]),
                "{}",
                kernels.name
            );
        }
    }
}
