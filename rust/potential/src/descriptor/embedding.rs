//! Embedding curves over many neighbours at once, with their derivative.
//!
//! The input is one number, so the derivative is carried forward beside the value: `G(x)` and `H(x) = dG/dx` need one
//! pass, and nothing has to be kept for a backward one.

use crate::model::{Activation, Embedding, Layer, Network, Place, Residual};
use crate::simd::Kernels;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

/// Neighbours that go through all layers together: their intermediate rows stay in the second-level cache.
const CHUNK: usize = 128;

/// Intermediate rows, kept between calls.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    input: Rows,
    output: Rows,
    slope: Vec<f64>,
    places: Vec<Place>,
}

/// What one layer passes to the next, `[n, width]`.
#[derive(Clone, Debug, Default)]
struct Rows {
    values: Vec<f64>,
    derivatives: Vec<f64>,
}

impl Rows {
    fn resize(&mut self, len: usize) {
        self.values.resize(len, 0.0);
        self.derivatives.resize(len, 0.0);
    }
}

/// Writes `G` and `H`, both `[n, m]`, for `n` inputs; returns how many of them lie outside of the table.
pub fn evaluate(
    embedding: &Embedding,
    kernels: &Kernels,
    inputs: &[f64],
    scratch: &mut Scratch,
    g: &mut Vec<f64>,
    h: &mut Vec<f64>,
) -> u64 {
    let m = embedding.outputs();
    g.resize(inputs.len() * m, 0.0);
    h.resize(inputs.len() * m, 0.0);
    if inputs.is_empty() {
        return 0;
    }
    match embedding {
        Embedding::Network(network) => {
            through_network(network, kernels, inputs, scratch, g, h);
            0
        }
        Embedding::Table(table) => {
            scratch.places.clear();
            scratch
                .places
                .extend(inputs.iter().map(|&x| table.place(x)));
            (kernels.tabulate)(&scratch.places, table.coefficients(), g, h);
            let outside = scratch.places.iter().filter(|place| place.excess != 0.0);
            outside.count() as u64
        }
        Embedding::Pair(pair) => {
            through_network(pair.network(), kernels, inputs, scratch, g, h);
            0
        }
        Embedding::Scaled(scaled) => {
            let outside = evaluate(scaled.common(), kernels, inputs, scratch, g, h);
            let rows = g.chunks_exact_mut(m).zip(h.chunks_exact_mut(m));
            for (&x, (g, h)) in inputs.iter().zip(rows) {
                scaled.scale(x, g, h);
            }
            outside
        }
    }
}

fn through_network(
    network: &Network,
    kernels: &Kernels,
    inputs: &[f64],
    scratch: &mut Scratch,
    g: &mut [f64],
    h: &mut [f64],
) {
    let m = network.outputs();
    let Some((last, hidden)) = network.layers.split_last() else {
        return;
    };
    let outputs = g.chunks_mut(CHUNK * m).zip(h.chunks_mut(CHUNK * m));
    for (inputs, (g, h)) in inputs.chunks(CHUNK).zip(outputs) {
        let Scratch {
            input,
            output,
            slope,
            ..
        } = &mut *scratch;
        input.resize(inputs.len());
        input.values.copy_from_slice(inputs);
        input.derivatives.fill(1.0);
        for layer in hidden {
            output.resize(inputs.len() * layer.outputs());
            forward(
                layer,
                kernels,
                input,
                &mut output.values,
                &mut output.derivatives,
                slope,
            );
            std::mem::swap(input, output);
        }
        forward(last, kernels, input, g, h, slope);
    }
}

/// One layer: `y = idt f(x W + b) + residual`, and its derivative.
fn forward(
    layer: &Layer,
    kernels: &Kernels,
    input: &Rows,
    values: &mut [f64],
    derivatives: &mut [f64],
    slope: &mut Vec<f64>,
) {
    let (inputs, outputs) = (layer.inputs(), layer.outputs());
    let bias = layer.bias.as_slice().expect("a vector is contiguous");
    values
        .chunks_exact_mut(outputs)
        .for_each(|row| row.copy_from_slice(bias));
    multiply(&input.values, layer, 1.0, values);
    multiply(&input.derivatives, layer, 0.0, derivatives);
    if layer.activation == Activation::Tanh {
        (kernels.tanh_with_derivative)(values, derivatives);
    } else {
        slope.resize(values.len(), 0.0);
        activate(layer.activation, kernels, values, slope);
        derivatives
            .iter_mut()
            .zip(slope)
            .for_each(|(d, slope)| *d *= *slope);
    }
    for (y, x) in [(values, &input.values), (derivatives, &input.derivatives)] {
        if let Some(timestep) = &layer.timestep {
            for row in y.chunks_exact_mut(outputs) {
                row.iter_mut()
                    .zip(timestep)
                    .for_each(|(y, scale)| *y *= scale);
            }
        }
        if layer.residual != Residual::None {
            (kernels.add_residual)(x, inputs, y, outputs);
        }
    }
}

/// `output = input W + keep output`, row by row.
fn multiply(input: &[f64], layer: &Layer, keep: f64, output: &mut [f64]) {
    let (inputs, outputs) = (layer.inputs(), layer.outputs());
    let rows = input.len() / inputs;
    let x = ArrayView2::from_shape((rows, inputs), input).expect("rows of the input");
    let mut z = ArrayViewMut2::from_shape((rows, outputs), output).expect("rows of the output");
    general_mat_mul(1.0, &x, &layer.weights, keep, &mut z);
}

/// Replaces `z` by `f(z)` and writes `f'(z)`.
pub(crate) fn activate(
    activation: Activation,
    kernels: &Kernels,
    z: &mut [f64],
    slope: &mut [f64],
) {
    match activation {
        Activation::Tanh => (kernels.tanh)(z, slope),
        Activation::Linear => slope.fill(1.0),
        other => {
            for (z, slope) in z.iter_mut().zip(slope) {
                (*z, *slope) = other.value_and_slope(*z);
            }
        }
    }
}
