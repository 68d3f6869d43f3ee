//! Fitting networks over a block of atoms of one type: energies, and their gradient with respect to the descriptors.

use crate::descriptor::embedding::activate;
use crate::model::{Network, Residual};
use crate::simd::Kernels;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

/// Intermediate rows of one block, kept between calls.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// Output of each layer, `[n, outputs]`.
    outputs: Vec<Vec<f64>>,
    /// `idt f'(z)` of each layer, `[n, outputs]`.
    slopes: Vec<Vec<f64>>,
    upstream: Vec<f64>,
    downstream: Vec<f64>,
}

/// Network outputs `[n]` for descriptors `[n, width]`; `descriptors` is overwritten by their gradient.
///
/// # Panics
/// If `descriptors` does not hold whole rows.
pub fn evaluate(
    network: &Network,
    kernels: &Kernels,
    descriptors: &mut [f64],
    scratch: &mut Scratch,
    energies: &mut Vec<f64>,
) {
    let n = descriptors.len() / network.inputs();
    assert_eq!(
        descriptors.len(),
        n * network.inputs(),
        "whole rows of descriptors"
    );
    let depth = network.layers.len();
    scratch.outputs.resize_with(depth, Vec::new);
    scratch.slopes.resize_with(depth, Vec::new);
    for (l, layer) in network.layers.iter().enumerate() {
        let (before, after) = scratch.outputs.split_at_mut(l);
        let input: &[f64] = before.last().map_or(descriptors, Vec::as_slice);
        let (output, slope) = (&mut after[0], &mut scratch.slopes[l]);
        let width = layer.outputs();
        output.clear();
        for _ in 0..n {
            output.extend(&layer.bias);
        }
        slope.resize(n * width, 0.0);
        general_mat_mul(
            1.0,
            &rows(input, n),
            &layer.weights,
            1.0,
            &mut rows_mut(output, n),
        );
        activate(layer.activation, kernels, output, slope);
        if let Some(timestep) = &layer.timestep {
            for (y, slope) in output
                .chunks_exact_mut(width)
                .zip(slope.chunks_exact_mut(width))
            {
                for ((y, slope), scale) in y.iter_mut().zip(slope).zip(timestep) {
                    *y *= scale;
                    *slope *= scale;
                }
            }
        }
        if layer.residual != Residual::None {
            (kernels.add_residual)(input, layer.inputs(), output, width);
        }
    }
    energies.clear();
    energies.extend_from_slice(&scratch.outputs[depth - 1]);

    scratch.upstream.clear();
    scratch.upstream.resize(n, 1.0);
    for (l, layer) in network.layers.iter().enumerate().rev() {
        let inputs = layer.inputs();
        // gradient with respect to the layer's input: first the residual's share, then that of the matrix
        let target: &mut [f64] = if l == 0 {
            &mut *descriptors
        } else {
            scratch.downstream.resize(n * inputs, 0.0);
            &mut scratch.downstream
        };
        target.fill(0.0);
        if layer.residual != Residual::None {
            for (x, y) in target
                .chunks_exact_mut(inputs)
                .zip(scratch.upstream.chunks_exact(layer.outputs()))
            {
                for half in y.chunks_exact(inputs) {
                    for (x, y) in x.iter_mut().zip(half) {
                        *x += y;
                    }
                }
            }
        }
        for (y, slope) in scratch.upstream.iter_mut().zip(&scratch.slopes[l]) {
            *y *= slope;
        }
        general_mat_mul(
            1.0,
            &rows(&scratch.upstream, n),
            &layer.weights.t(),
            1.0,
            &mut rows_mut(target, n),
        );
        if l > 0 {
            std::mem::swap(&mut scratch.upstream, &mut scratch.downstream);
        }
    }
}

fn rows(values: &[f64], n: usize) -> ArrayView2<'_, f64> {
    let width = values.len().checked_div(n).unwrap_or(0);
    ArrayView2::from_shape((n, width), values).expect("whole rows")
}

fn rows_mut(values: &mut [f64], n: usize) -> ArrayViewMut2<'_, f64> {
    let width = values.len().checked_div(n).unwrap_or(0);
    ArrayViewMut2::from_shape((n, width), values).expect("whole rows")
}
