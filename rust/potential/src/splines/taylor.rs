//! Taylor coefficients of an embedding network: how fast splines converge to it anywhere.

use crate::model::{Activation, Layer, Network, Residual};

/// Coefficients, `0` to the degree of splines plus one.
pub const ORDER: usize = 9;

/// Length of the vector of eighth derivatives, over 8!, at `x`; `None` for activations other than tanh and linear ones.
pub fn highest(network: &Network, x: f64) -> Option<f64> {
    let mut jets = vec![[0.0; ORDER]; 1];
    jets[0][0] = x;
    jets[0][1] = 1.0;
    for layer in &network.layers {
        jets = through(layer, &jets)?;
    }
    let squares = jets.iter().map(|jet| jet[ORDER - 1] * jet[ORDER - 1]);
    Some(squares.sum::<f64>().sqrt())
}

fn through(layer: &Layer, input: &[[f64; ORDER]]) -> Option<Vec<[f64; ORDER]>> {
    let inputs = layer.inputs();
    let output = (0..layer.outputs()).map(|k| {
        let mut z = [0.0; ORDER];
        z[0] = layer.bias[k];
        for (x, weight) in input.iter().zip(layer.weights.column(k)) {
            z.iter_mut().zip(x).for_each(|(z, x)| *z += weight * x);
        }
        let mut y = match layer.activation {
            Activation::Tanh => tanh(&z),
            Activation::Linear => z,
            _ => return None,
        };
        if let Some(timestep) = &layer.timestep {
            y.iter_mut().for_each(|y| *y *= timestep[k]);
        }
        if layer.residual != Residual::None {
            let x = &input[k % inputs];
            y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
        }
        Some(y)
    });
    output.collect()
}

/// `y = tanh z` from `y' = (1 - y^2) z'`.
fn tanh(z: &[f64; ORDER]) -> [f64; ORDER] {
    let (mut y, mut rest) = ([0.0; ORDER], [0.0; ORDER]);
    y[0] = z[0].tanh();
    rest[0] = 1.0 - y[0] * y[0];
    for k in 1..ORDER {
        let sum: f64 = (0..k).map(|i| rest[i] * (k - i) as f64 * z[k - i]).sum();
        y[k] = sum / k as f64;
        rest[k] = -(0..=k).map(|i| y[i] * y[k - i]).sum::<f64>();
    }
    y
}

#[cfg(test)]
mod tests {
    use super::{ORDER, tanh};

    #[test]
    fn the_series_of_tanh() {
        let mut z = [0.0; ORDER];
        z[1] = 1.0;
        let expected = [
            0.0,
            1.0,
            0.0,
            -1.0 / 3.0,
            0.0,
            2.0 / 15.0,
            0.0,
            -17.0 / 315.0,
            0.0,
        ];
        for (found, expected) in tanh(&z).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15);
        }
        // about another point: the sum of the series is the function
        (z[0], z[1]) = (0.6, 2.0);
        let (step, series) = (0.05f64, tanh(&z));
        let sum: f64 = (0..ORDER).map(|k| series[k] * step.powi(k as i32)).sum();
        assert!((sum - (0.6 + 2.0 * step).tanh()).abs() < 1e-10);
    }
}
