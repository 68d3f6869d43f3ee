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
    input: Vec<f64>,
    output: Vec<f64>,
    slope: Vec<f64>,
    places: Vec<Place>,
}

/// Writes `G` and `H`, both `[n, m]`, for the first components of `n` rows.
pub fn evaluate(
    embedding: &Embedding,
    kernels: &Kernels,
    rows: &[[f64; 4]],
    scratch: &mut Scratch,
    g: &mut Vec<f64>,
    h: &mut Vec<f64>,
) {
    let m = embedding.outputs();
    g.resize(rows.len() * m, 0.0);
    h.resize(rows.len() * m, 0.0);
    match embedding {
        Embedding::Network(network) => through_network(network, kernels, rows, scratch, g, h),
        Embedding::Table(table) => {
            scratch.places.clear();
            scratch
                .places
                .extend(rows.iter().map(|row| table.place(row[0])));
            (kernels.tabulate)(&scratch.places, table.coefficients(), g, h);
        }
    }
}

fn through_network(
    network: &Network,
    kernels: &Kernels,
    rows: &[[f64; 4]],
    scratch: &mut Scratch,
    g: &mut [f64],
    h: &mut [f64],
) {
    let m = network.outputs();
    let outputs = g.chunks_mut(CHUNK * m).zip(h.chunks_mut(CHUNK * m));
    for (rows, (g, h)) in rows.chunks(CHUNK).zip(outputs) {
        let n = rows.len();
        // values in the upper half, derivatives in the lower
        scratch.input.clear();
        scratch.input.extend(rows.iter().map(|row| row[0]));
        scratch.input.resize(2 * n, 1.0);
        for layer in &network.layers {
            forward(layer, kernels, n, scratch);
            std::mem::swap(&mut scratch.input, &mut scratch.output);
        }
        let (values, derivatives) = scratch.input.split_at(n * m);
        g.copy_from_slice(values);
        h.copy_from_slice(derivatives);
    }
}

/// One layer: `y = idt f(x W + b) + residual`, and its derivative.
fn forward(layer: &Layer, kernels: &Kernels, n: usize, scratch: &mut Scratch) {
    let Scratch {
        input,
        output,
        slope,
        ..
    } = scratch;
    let (inputs, outputs) = (layer.inputs(), layer.outputs());
    output.clear();
    output.resize(2 * n * outputs, 0.0);
    slope.resize(n * outputs, 0.0);
    multiply(input, layer, output);
    let (values, derivatives) = output.split_at_mut(n * outputs);
    let bias = layer.bias.as_slice().expect("a vector is contiguous");
    for row in values.chunks_exact_mut(outputs) {
        for (z, b) in row.iter_mut().zip(bias) {
            *z += b;
        }
    }
    activate(layer.activation, kernels, values, slope);
    for (derivative, slope) in derivatives.iter_mut().zip(slope.iter()) {
        *derivative *= slope;
    }
    if let Some(timestep) = &layer.timestep {
        for row in output.chunks_exact_mut(outputs) {
            for (y, scale) in row.iter_mut().zip(timestep) {
                *y *= scale;
            }
        }
    }
    if layer.residual != Residual::None {
        for (y, x) in output
            .chunks_exact_mut(outputs)
            .zip(input.chunks_exact(inputs))
        {
            for half in y.chunks_exact_mut(inputs) {
                for (y, x) in half.iter_mut().zip(x) {
                    *y += x;
                }
            }
        }
    }
}

/// `output = input W` for rows of both.
fn multiply(input: &[f64], layer: &Layer, output: &mut [f64]) {
    let (inputs, outputs) = (layer.inputs(), layer.outputs());
    if inputs == 1 {
        let weights = layer.weights.as_slice().expect("a matrix is contiguous");
        for (row, x) in output.chunks_exact_mut(outputs).zip(input) {
            for (z, w) in row.iter_mut().zip(weights) {
                *z = x * w;
            }
        }
        return;
    }
    let rows = input.len() / inputs;
    let x = ArrayView2::from_shape((rows, inputs), input).expect("rows of the input");
    let mut z = ArrayViewMut2::from_shape((rows, outputs), output).expect("rows of the output");
    general_mat_mul(1.0, &x, &layer.weights, 0.0, &mut z);
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
