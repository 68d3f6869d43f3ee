//! Tests of the bare operators: values against the formulas, gradients against differences.

use super::exchange::Announcement;
use super::interface::checks::{Question, border, tabulate};
use super::rows::Rows;
use deepdms_potential::Error;
use deepdms_potential::engine::GhostExchange;

/// Five atoms: 0 and 1 are local, 2 is a virtual one, 3 and 4 are ghosts of 1 and 0.
#[derive(Debug)]
struct Ghosts;

const OWNERS: [usize; 5] = [0, 1, 2, 1, 0];

impl GhostExchange for Ghosts {
    fn to_ghosts(&self, values: &mut [f64], columns: usize) -> Result<(), Error> {
        for (atom, owner) in OWNERS.into_iter().enumerate() {
            values.copy_within(owner * columns..(owner + 1) * columns, atom * columns);
        }
        Ok(())
    }

    fn to_owners(&self, values: &mut [f64], columns: usize) -> Result<(), Error> {
        for (atom, owner) in OWNERS
            .into_iter()
            .enumerate()
            .filter(|(k, owner)| k != owner)
        {
            for column in 0..columns {
                values[owner * columns + column] += values[atom * columns + column];
            }
        }
        Ok(())
    }
}

#[test]
fn rows_go_to_ghosts_and_gradients_come_back() {
    let rows = Rows::of(&[Some(1), Some(0), Some(3), Some(4)], 2, 5);
    let announcement = Announcement::new(&Ghosts, &rows);
    let values = [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0];
    let mut gradient = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
    let sent = border(announcement.number(), 2, &values, &mut gradient).unwrap();
    assert_eq!(sent, [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
    let expected = [
        0.1 + 0.5,
        0.2 + 0.6,
        0.3 + 0.7,
        0.4 + 0.8,
        0.0,
        0.0,
        0.0,
        0.0,
    ];
    assert_eq!(gradient, expected);

    let error = border(announcement.number(), 2, &values[..6], &mut gradient[..6]).unwrap_err();
    assert!(
        error.contains("the model exchanges 6 numbers in 2 columns for 4 atoms"),
        "{error}"
    );
    let number = announcement.number();
    drop(announcement);
    let error = border(number, 2, &values, &mut gradient).unwrap_err();
    assert!(
        error.contains("rows are exchanged outside of an evaluation"),
        "{error}"
    );
}

#[test]
fn a_row_without_an_atom_stays_by_itself() {
    let rows = Rows::of(&[None, Some(3)], 1, 5);
    let announcement = Announcement::new(&Ghosts, &rows);
    let mut gradient = [1.0, 2.0];
    let sent = border(announcement.number(), 1, &[7.0, 0.0], &mut gradient).unwrap();
    assert_eq!(sent, [7.0, 0.0]);
    assert_eq!(gradient, [1.0, 0.0]);
}

/// Lower end, upper end of the fine region, end, steps; the last number means nothing.
const INFO: [f64; 6] = [-1.0, 1.0, 3.0, 0.25, 0.5, -1.0];
/// With both signs; without, the first four are not there.
const TABLE_ROWS: usize = 4 + 8 + 4;
const OUTPUTS: usize = 3;

/// Numbers between -1 and 1 that look random.
fn numbers(count: usize, seed: f64) -> Vec<f64> {
    (0..count)
        .map(|k| ((k as f64 + 1.0) * (1.3 + seed)).sin())
        .collect()
}

/// The `m`-th curve by the definition of the table.
fn curve(table: &[f64], both_signs: bool, x: f64, m: usize) -> f64 {
    let [lower, upper, max, fine, coarse, _] = INFO;
    let (min, more) = if both_signs { (-max, 4) } else { (lower, 0) };
    let inside = x.clamp(min, max.next_down());
    let (first, start, step) = match inside {
        x if x < lower => (0, min, coarse),
        x if x < upper => (more, lower, fine),
        _ => (more + 8, upper, coarse),
    };
    let cell = ((inside - start) / step).floor();
    let (row, start) = (first + cell as usize, start + cell * step);
    let a = &table[(row * OUTPUTS + m) * 6..][..6];
    let d = inside - start;
    let value: f64 = (0..6).map(|p| a[p] * d.powi(p as i32)).sum();
    let slope: f64 = (1..6).map(|p| p as f64 * a[p] * d.powi(p as i32 - 1)).sum();
    value + slope * (x - inside)
}

/// Everything that an operator is asked with.
#[derive(Clone)]
struct Arguments {
    name: &'static str,
    shape: Vec<i64>,
    table: Vec<f64>,
    inputs: Vec<f64>,
    rows: Vec<f64>,
    factors: Vec<f64>,
}

impl Arguments {
    /// For rows of this shape with one input for each of the first `inputs` extents; some lie beyond the table.
    fn new(name: &'static str, shape: &[usize], inputs: usize) -> Self {
        let count: usize = shape[..inputs].iter().product();
        Self {
            name,
            shape: shape.iter().map(|&extent| extent as i64).collect(),
            table: numbers(TABLE_ROWS * OUTPUTS * 6, 0.1),
            inputs: numbers(count, 0.2).iter().map(|x| 4.2 * x).collect(),
            rows: numbers(shape.iter().product(), 0.3),
            factors: numbers(count * OUTPUTS, 0.4),
        }
    }

    /// Values, or their gradients where there are weights.
    fn call(&mut self, weights: &[f64]) -> Vec<f64> {
        let question = Question {
            name: self.name,
            table: &self.table,
            info: &INFO,
            outputs: OUTPUTS,
            shape: &self.shape,
            weights,
        };
        let Self {
            inputs,
            rows,
            factors,
            ..
        } = self;
        tabulate(&question, inputs, rows, factors)
    }

    /// Compares values with `expected` and gradients with differences of them.
    fn check(&self, expected: impl Fn(&Self) -> Vec<f64>) {
        let name = self.name;
        let values = self.clone().call(&[]);
        let target = expected(self);
        assert_eq!(values.len(), target.len(), "{name}");
        for (value, target) in values.iter().zip(&target) {
            assert!((value - target).abs() < 1e-13, "{name}: {value} {target}");
        }
        let weights = numbers(values.len(), 0.5);
        let mut gradients = self.clone();
        gradients.call(&weights);
        let sum = |arguments: &Self| -> f64 {
            let values = expected(arguments);
            weights.iter().zip(&values).map(|(w, v)| w * v).sum()
        };
        type Part = fn(&mut Arguments) -> &mut Vec<f64>;
        let parts: [Part; 3] = [|a| &mut a.inputs, |a| &mut a.rows, |a| &mut a.factors];
        for part in parts {
            let gradient = part(&mut gradients).clone();
            for (k, slope) in gradient.into_iter().enumerate() {
                let shifted = |by: f64| {
                    let mut arguments = self.clone();
                    part(&mut arguments)[k] += by;
                    sum(&arguments)
                };
                let difference = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                assert!(
                    (slope - difference).abs() < 1e-7,
                    "{name}, {k}: {slope} {difference}"
                );
            }
        }
    }
}

#[test]
fn curves_are_those_of_the_table_on_every_device() {
    for name in ["curves", "tensors"] {
        Arguments::new(name, &[40, 1], 1).check(|a| {
            let curves = a
                .inputs
                .iter()
                .flat_map(|&x| (0..OUTPUTS).map(move |m| (x, m)));
            curves.map(|(x, m)| curve(&a.table, true, x, m)).collect()
        });
    }
}

#[test]
fn inputs_that_are_not_numbers_stay_so() {
    for name in ["curves", "tensors"] {
        let mut arguments = Arguments::new(name, &[1, 1], 1);
        arguments.inputs[0] = f64::NAN;
        assert!(
            arguments.call(&[]).iter().all(|value| value.is_nan()),
            "{name}"
        );
    }
}

#[test]
fn two_body_operators_sum_over_slots() {
    // [atoms, slots, 4] -> [atoms, 4, outputs]
    let sum = |a: &Arguments, factor: &dyn Fn(usize, usize) -> f64| {
        let (n, slots) = (a.shape[0] as usize, a.shape[1] as usize);
        let mut values = vec![0.0; n * 4 * OUTPUTS];
        for k in 0..n * slots {
            for c in 0..4 {
                for m in 0..OUTPUTS {
                    let g = curve(&a.table, false, a.inputs[k], m);
                    values[(k / slots * 4 + c) * OUTPUTS + m] +=
                        a.rows[4 * k + c] * g * factor(k, m);
                }
            }
        }
        values
    };
    Arguments::new("tabulate_fusion_se_a", &[3, 5, 4], 2).check(|a| sum(a, &|_, _| 1.0));
    Arguments::new("tabulate_fusion_se_atten", &[3, 5, 4], 2)
        .check(|a| sum(a, &|k, m| 1.0 + a.factors[k * OUTPUTS + m]));
}

#[test]
fn radial_and_three_body_operators() {
    let curves = |a: &Arguments, both_signs: bool, inputs: &[f64]| -> Vec<f64> {
        let pairs = inputs
            .iter()
            .flat_map(|&x| (0..OUTPUTS).map(move |m| (x, m)));
        pairs
            .map(|(x, m)| curve(&a.table, both_signs, x, m))
            .collect()
    };
    Arguments::new("tabulate_fusion_se_r", &[3, 5], 2).check(|a| curves(a, false, &a.rows));
    Arguments::new("tabulate_fusion_se_t_tebd", &[2, 3, 4], 3)
        .check(|a| curves(a, true, &a.inputs));
    Arguments::new("tabulate_fusion_se_t", &[2, 3, 4], 3).check(|a| {
        let mut values = vec![0.0; 2 * OUTPUTS];
        for (k, g) in curves(a, true, &a.inputs).into_iter().enumerate() {
            let (pair, m) = (k / OUTPUTS, k % OUTPUTS);
            values[pair / 12 * OUTPUTS + m] += a.rows[pair] * g;
        }
        values
    });
}
