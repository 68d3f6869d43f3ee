//! The inner loops, compiled once for each instruction set and chosen once at run time.
//!
//! *What* is computed stands in `kernels.rs`, in portable Rust that the compiler vectorises; *for which processor*
//! stands in one file an instruction set. The environment variable `DEEPDMS_SIMD` (`portable`, `avx2` or `avx512`)
//! overrides the choice, so that each can be tested on one machine.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod dense;
#[cfg(target_arch = "x86_64")]
mod instruction_set;
mod kernels;
mod portable;
pub mod splines;
mod vector;

pub use vector::{Real, Store};

use crate::model::{Place, Smoothing};
use crate::splines::variable::Variable;
use dense::Dense;
use splines::Splines;
use std::sync::OnceLock;

/// The inner loops of one instruction set. Shapes: `n` neighbours, `m` embedding outputs, `a` axis columns.
#[derive(Debug)]
pub struct Kernels {
    /// Name, as `DEEPDMS_SIMD` spells it.
    pub name: &'static str,
    /// `(z, slope)`: replaces `z` by `tanh z` and writes `1 - tanh² z`.
    pub tanh: fn(&mut [f64], &mut [f64]),
    /// `(z, d)`: replaces `z` by `tanh z` and multiplies `d` by `1 - tanh² z`.
    pub tanh_with_derivative: fn(&mut [f64], &mut [f64]),
    /// `(x [n, inputs], inputs, y [n, outputs], outputs)`: adds each row of `x` to that of `y`, as often as it fits in.
    pub add_residual: fn(&[f64], usize, &mut [f64], usize),
    /// `(places [n], coefficients [rows, 6, m], g [n, m], h [n, m])`: curves of a table and their slopes.
    pub tabulate: Tabulate,
    /// `(rows [n], g [n, m], t [4, m])`: `t[c] += sum over rows of row[c] g`.
    pub moments: fn(&[[f64; 4]], &[f64], &mut [f64]),
    /// `(t [4, m], a, d [m, a])`: `d[p][q] = sum over c of t[c][p] t[c][q]`.
    pub contract: fn(&[f64], usize, &mut [f64]),
    /// `(t [4, m], a, slope_d [m, a], slope_t [4, m])`: gradient with respect to `t` from that with respect to `d`.
    pub contract_backward: fn(&[f64], usize, &[f64], &mut [f64]),
    /// `(slope_t [4, m], rows [n], g [n, m], h [n, m], slope_rows [n])`: gradient with respect to the rows, `h = dg/drow[0]`.
    pub moments_backward: MomentsBackward,
    /// `(smoothing, squared distances [n], (s, s'/r, q = s/r, q'/r) [n] each)`: what environment rows and their slopes are made of.
    pub environment: fn(&Smoothing, &[f64], [&mut [f64]; 4]),
    /// `(variable, s [n], x [n], dx/ds [n])`
    pub variable: fn(&Variable, &[f64], &mut [f64], &mut [f64]),
    /// `(z [n, m], about m neurons, slope [n, m])`: replaces changes `z` of the arguments by those of the values and writes those of
    /// the slopes.
    pub tanh_difference: fn(&mut [f32], &AboutTanh, &mut [f32]),
    /// `(rows [n, m], m, weights [m], sums [n])`: `sum over k of weight[k] row[k]^power`, power 1 where there are weights, 2 where there
    /// are none, summed by registers in single precision.
    pub row_sums: fn(&[f32], usize, &[f32], &mut [f32]),
    /// Changes of slopes times upstream gradients.
    pub slope_difference: SlopeDifference,
    /// Loops in double precision.
    pub double: (Dense<f64>, Splines<f64>),
    /// Loops in single precision.
    pub single: (Dense<f32>, Splines<f32>),
}

/// Type of [`Kernels::slope_difference`]: `(slope [n, m], mean slope [m], upstream [n, m], mean upstream [m])` replaces changes of slopes
/// by those of slopes times upstream gradients, from changes of the latter.
pub type SlopeDifference = fn(&mut [f32], &[f32], &[f32], &[f32]);

/// Neurons `scale tanh z` about one point each, for [`Kernels::tanh_difference`]: one number a neuron in each list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AboutTanh {
    /// 2 where `z <= 0`, else -2.
    direction: Vec<f32>,
    /// `exp -2|z|`
    growth: Vec<f32>,
    /// `1 - tanh |z|`, with the sign of the direction.
    rise: Vec<f32>,
    /// `tanh z` there.
    value: Vec<f32>,
    /// The factor.
    scale: Vec<f32>,
}

impl AboutTanh {
    /// Adds `scale tanh` about `z`.
    pub fn push(&mut self, z: f64, scale: f64) {
        let growth = (-2.0 * z.abs().min(20.0)).exp();
        let sign = if z > 0.0 { -1.0 } else { 1.0 };
        self.direction.push((2.0 * sign) as f32);
        self.growth.push(growth as f32);
        self.rise
            .push((sign * 2.0 * growth / (growth + 1.0)) as f32);
        self.value.push(z.tanh() as f32);
        self.scale.push(scale as f32);
    }

    /// Adds neurons that never change, up to `len` in all.
    pub fn pad(&mut self, len: usize) {
        for list in [
            &mut self.direction,
            &mut self.growth,
            &mut self.rise,
            &mut self.value,
            &mut self.scale,
        ] {
            list.resize(len, 0.0);
        }
    }
}

/// Type of [`Kernels::tabulate`].
pub type Tabulate = fn(&[Place], &[f64], &mut [f64], &mut [f64]);

/// Type of [`Kernels::moments_backward`].
pub type MomentsBackward = fn(&[f64], &[[f64; 4]], &[f64], &[f64], &mut [[f64; 4]]);

/// The loops for the processor that this runs on, or those that `DEEPDMS_SIMD` asks for.
///
/// # Errors
/// Says so if `DEEPDMS_SIMD` names no instruction set, or one that the processor lacks.
pub fn detect() -> Result<&'static Kernels, String> {
    static CHOICE: OnceLock<Result<&'static Kernels, String>> = OnceLock::new();
    CHOICE
        .get_or_init(|| match std::env::var("DEEPDMS_SIMD") {
            Ok(name) => named(&name),
            Err(_) => Ok(available().next().unwrap_or(&portable::KERNELS)),
        })
        .clone()
}

/// Every set of loops that this processor can run, the widest first.
pub fn available() -> impl Iterator<Item = &'static Kernels> {
    #[cfg(target_arch = "x86_64")]
    let wide = [
        avx512::supported().then_some(&avx512::KERNELS),
        avx2::supported().then_some(&avx2::KERNELS),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let wide: [Option<&'static Kernels>; 0] = [];
    wide.into_iter().flatten().chain([&portable::KERNELS])
}

fn named(name: &str) -> Result<&'static Kernels, String> {
    available()
        .find(|kernels| kernels.name == name)
        .ok_or_else(|| {
            let names: Vec<_> = available().map(|kernels| kernels.name).collect();
            format!(
                "DEEPDMS_SIMD={name} is not one of those that this processor runs: {}",
                names.join(", ")
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence of numbers in [-1, 1) that needs no crate.
    fn numbers(count: usize, mut seed: u64) -> Vec<f64> {
        (0..count)
            .map(|_| {
                seed = seed
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
            })
            .collect()
    }

    #[test]
    fn an_unknown_instruction_set_is_refused_by_name() {
        let message = named("mmx").unwrap_err();
        assert!(
            message.starts_with("DEEPDMS_SIMD=mmx is not one of"),
            "{message}"
        );
        assert!(message.ends_with("portable"), "{message}");
    }

    #[test]
    fn tanh_is_accurate_everywhere() {
        for kernels in available() {
            let x: Vec<f64> = (0..40_001)
                .map(|k| (k - 20_000) as f64 * 1.3e-3)
                .chain([400.0, -400.0, 1e300, -1e300])
                .collect();
            let (mut y, mut slope) = (x.clone(), vec![0.0; x.len()]);
            (kernels.tanh)(&mut y, &mut slope);
            for (k, x) in x.iter().enumerate() {
                assert!(
                    (y[k] - x.tanh()).abs() < 4e-16,
                    "{} at {x}: {} {}",
                    kernels.name,
                    y[k],
                    x.tanh()
                );
                assert!((slope[k] - (1.0 - y[k] * y[k])).abs() < 3e-16);
            }
            let (mut z, mut d) = (x.clone(), vec![3.0; x.len()]);
            (kernels.tanh_with_derivative)(&mut z, &mut d);
            assert_eq!(z, y);
            assert!(
                d.iter()
                    .zip(&slope)
                    .all(|(d, slope)| (d - 3.0 * slope).abs() < 1e-15)
            );
        }
    }

    #[test]
    fn residuals_are_added_once_or_twice() {
        let (x, start) = (numbers(5 * 25, 7), numbers(5 * 50, 8));
        for kernels in available() {
            for (inputs, outputs) in [(25, 50), (25, 25)] {
                let mut y = start[..5 * outputs].to_vec();
                (kernels.add_residual)(&x, inputs, &mut y, outputs);
                for (k, y) in y.iter().enumerate() {
                    let (row, column) = (k / outputs, k % outputs);
                    assert_eq!(
                        *y,
                        start[k] + x[row * inputs + column % inputs],
                        "{}",
                        kernels.name
                    );
                }
            }
        }
    }

    #[test]
    fn tables_agree_with_the_polynomial() {
        let m = 21;
        let coefficients = numbers(3 * 6 * m, 6);
        let places =
            [(0, 0.3, 0.0), (2, 0.1, 0.7), (1, 0.0, -0.4)].map(|(row, offset, excess)| Place {
                row,
                offset,
                excess,
            });
        for kernels in available() {
            let (mut g, mut h) = (vec![9.0; 3 * m], vec![9.0; 3 * m]);
            (kernels.tabulate)(&places, &coefficients, &mut g, &mut h);
            for (j, place) in places.iter().enumerate() {
                for p in 0..m {
                    let a = |k: usize| coefficients[(place.row * 6 + k) * m + p];
                    let value: f64 = (0..6).map(|k| a(k) * place.offset.powi(k as i32)).sum();
                    let slope: f64 = (1..6)
                        .map(|k| k as f64 * a(k) * place.offset.powi(k as i32 - 1))
                        .sum();
                    assert!(
                        (g[j * m + p] - value - slope * place.excess).abs() < 1e-14,
                        "{}",
                        kernels.name
                    );
                    assert!((h[j * m + p] - slope).abs() < 1e-14, "{}", kernels.name);
                }
            }
        }
    }

    #[test]
    fn contractions_agree_with_the_formula() {
        for (n, m, a) in [(1, 1, 1), (3, 8, 4), (7, 21, 5), (40, 100, 16)] {
            let rows: Vec<[f64; 4]> = numbers(4 * n, 1)
                .chunks(4)
                .map(|r| [r[0], r[1], r[2], r[3]])
                .collect();
            let (g, h, t) = (numbers(n * m, 2), numbers(n * m, 3), numbers(4 * m, 4));
            let slope_d = numbers(m * a, 5);
            for kernels in available() {
                let name = kernels.name;
                let close = |x: f64, y: f64, what: &str| {
                    assert!((x - y).abs() < 1e-12, "{name} {what} {n} {m} {a}: {x} {y}")
                };
                let mut moments = vec![0.5; 4 * m];
                (kernels.moments)(&rows, &g, &mut moments);
                for c in 0..4 {
                    for p in 0..m {
                        close(
                            moments[c * m + p],
                            0.5 + (0..n).map(|j| rows[j][c] * g[j * m + p]).sum::<f64>(),
                            "moments",
                        );
                    }
                }
                let mut d = vec![9.0; m * a];
                (kernels.contract)(&t, a, &mut d);
                let mut slope_t = vec![9.0; 4 * m];
                (kernels.contract_backward)(&t, a, &slope_d, &mut slope_t);
                let mut expected = vec![0.0; 4 * m];
                for p in 0..m {
                    for q in 0..a {
                        close(
                            d[p * a + q],
                            (0..4).map(|c| t[c * m + p] * t[c * m + q]).sum(),
                            "contract",
                        );
                        for c in 0..4 {
                            expected[c * m + p] += slope_d[p * a + q] * t[c * m + q];
                            expected[c * m + q] += slope_d[p * a + q] * t[c * m + p];
                        }
                    }
                }
                for k in 0..4 * m {
                    close(slope_t[k], expected[k], "contract_backward");
                }
                let mut slope_rows = vec![[9.0; 4]; n];
                (kernels.moments_backward)(&t, &rows, &g, &h, &mut slope_rows);
                for j in 0..n {
                    for c in 0..4 {
                        let mut expected: f64 = (0..m).map(|p| t[c * m + p] * g[j * m + p]).sum();
                        if c == 0 {
                            expected += (0..4)
                                .map(|c| {
                                    rows[j][c]
                                        * (0..m).map(|p| t[c * m + p] * h[j * m + p]).sum::<f64>()
                                })
                                .sum::<f64>();
                        }
                        close(slope_rows[j][c], expected, "moments_backward");
                    }
                }
            }
        }
    }
}
