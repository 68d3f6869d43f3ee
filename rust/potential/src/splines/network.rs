//! Fitting networks with weights packed once, forward and backward over a block of atoms.

use super::Scalar;
use crate::model::{Activation, Network, Residual};
use crate::simd::dense::{Dense, ROWS, pack};

/// A network to one number, ready for blocks.
#[derive(Clone, Debug)]
pub struct Packed<S> {
    pub(super) layers: Vec<Layer<S>>,
    /// Weights of the last layer, which is linear, padded, and its bias.
    pub(super) last: Vec<S>,
    bias: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Layer<S> {
    pub inputs: usize,
    pub outputs: usize,
    /// Columns between rows: outputs, padded.
    pub width: usize,
    pub forward: Vec<S>,
    pub backward: Vec<S>,
    bias: Vec<S>,
    timestep: Vec<S>,
    activation: Activation,
    pub residual: Residual,
}

/// Rows of one block, kept between calls.
#[derive(Clone, Debug, Default)]
pub struct Scratch<S> {
    outputs: Vec<Vec<S>>,
    slopes: Vec<Vec<S>>,
    upstream: Vec<S>,
    downstream: Vec<S>,
}

/// Whether a network can be packed: a first layer without residual, and a last one that is linear.
pub fn suits(network: &Network) -> bool {
    let [first, .., last] = &network.layers[..] else {
        return false;
    };
    first.residual == Residual::None
        && last.residual == Residual::None
        && last.activation == Activation::Linear
        && last.timestep.is_none()
        && last.outputs() == 1
}

impl<S: Scalar> Packed<S> {
    /// Packs a network whose first layer has other weights, `inputs` rows of them.
    ///
    /// # Panics
    /// Unless the network [`suits`].
    pub fn new(
        network: &Network,
        loops: &Dense<S>,
        inputs: usize,
        first: impl Fn(usize, usize) -> f64,
    ) -> Self {
        let (last, hidden) = network.layers.split_last().expect("a network has layers");
        let layers = hidden.iter().enumerate().map(|(l, layer)| {
            let (inputs, outputs) = (
                if l == 0 { inputs } else { layer.inputs() },
                layer.outputs(),
            );
            let weight = |i: usize, j: usize| {
                if l == 0 {
                    first(i, j)
                } else {
                    layer.weights[[i, j]]
                }
            };
            let (forward, width) = pack(loops, inputs, outputs, weight);
            let (backward, _) = pack(loops, outputs, inputs, |j, i| weight(i, j));
            let padded = |values: Option<&ndarray::Array1<f64>>, otherwise: f64| {
                let value = |k| values.map_or(otherwise, |values| values[k]);
                (0..width)
                    .map(|k| S::of(if k < outputs { value(k) } else { 0.0 }))
                    .collect()
            };
            Layer {
                inputs,
                outputs,
                width,
                forward,
                backward,
                bias: padded(Some(&layer.bias), 0.0),
                timestep: padded(layer.timestep.as_ref(), 1.0),
                activation: layer.activation,
                residual: layer.residual,
            }
        });
        let layers: Vec<_> = layers.collect();
        let mut weights: Vec<S> = last.weights.iter().map(|w| S::of(*w)).collect();
        weights.resize(layers.last().map_or(0, |layer| layer.width), S::ZERO);
        Self {
            layers,
            last: weights,
            bias: last.bias[0],
        }
    }

    /// Columns between rows of a layer's output.
    pub fn width(&self, layer: usize) -> usize {
        self.layers[layer].width
    }

    /// Numbers that are held.
    pub fn numbers(&self) -> usize {
        let layer = |layer: &Layer<S>| layer.forward.len() + layer.backward.len();
        self.layers.iter().map(layer).sum()
    }

    /// Energies of the first rows of `x` `[n, stride]`, `n` a multiple of [`ROWS`]; `x` is overwritten by their gradient.
    ///
    /// # Panics
    /// If there are more energies than rows.
    pub fn evaluate(
        &self,
        loops: &Dense<S>,
        x: &mut [S],
        stride: usize,
        scratch: &mut Scratch<S>,
        energies: &mut [f64],
    ) {
        let n = x.len() / stride;
        assert!(energies.len() <= n && n.is_multiple_of(ROWS));
        scratch.outputs.resize_with(self.layers.len(), Vec::new);
        scratch.slopes.resize_with(self.layers.len(), Vec::new);
        let mut before_width = stride;
        for (l, layer) in self.layers.iter().enumerate() {
            let (before, after) = scratch.outputs.split_at_mut(l);
            let input: &[S] = before.last().map_or(x, Vec::as_slice);
            let (y, slope) = (&mut after[0], &mut scratch.slopes[l]);
            y.resize(n * layer.width, S::ZERO);
            slope.resize(n * layer.width, S::ZERO);
            let (inputs, width) = (layer.inputs, layer.width);
            (loops.product)(input, before_width, inputs, &layer.forward, y, width, width);
            layer.activate(loops, y, slope);
            if layer.residual != Residual::None {
                layer.add_residual(loops, input, before_width, y);
            }
            before_width = layer.width;
        }
        let (width, outputs) = (
            before_width,
            scratch.outputs.last().map_or(&[][..], Vec::as_slice),
        );
        for (energy, row) in energies.iter_mut().zip(outputs.chunks_exact(width)) {
            let products = row
                .iter()
                .zip(&self.last)
                .map(|(y, w)| y.double() * w.double());
            *energy = products.sum::<f64>() + self.bias;
        }

        scratch.upstream.resize(n * width, S::ZERO);
        for row in scratch.upstream.chunks_exact_mut(width) {
            row[..self.last.len()].copy_from_slice(&self.last);
            row[self.last.len()..].fill(S::ZERO);
        }
        for (l, layer) in self.layers.iter().enumerate().rev() {
            let padded = layer.inputs.next_multiple_of(loops.lanes);
            scratch.downstream.resize(n * padded, S::ZERO);
            let weighted = &mut scratch.slopes[l];
            (loops.multiply)(weighted, &scratch.upstream);
            let target: &mut [S] = if l == 0 {
                &mut *x
            } else {
                &mut scratch.downstream
            };
            let columns = if l == 0 { stride } else { padded };
            layer.backward(loops, weighted, &scratch.upstream, target, columns);
            if l > 0 {
                std::mem::swap(&mut scratch.upstream, &mut scratch.downstream);
            }
        }
    }
}

impl<S: Scalar> Layer<S> {
    /// `y = idt f(z + b)` and its slope.
    fn activate(&self, loops: &Dense<S>, z: &mut [S], slope: &mut [S]) {
        if self.activation == Activation::Tanh {
            (loops.tanh)(z, &self.bias, &self.timestep, slope);
            return;
        }
        let rows = z.chunks_exact_mut(self.width);
        for (z, slope) in rows.zip(slope.chunks_exact_mut(self.width)) {
            for k in 0..self.outputs {
                let scale = self.timestep[k].double();
                let (y, derivative) = self
                    .activation
                    .value_and_slope(z[k].double() + self.bias[k].double());
                z[k] = S::of(scale * y);
                slope[k] = S::of(scale * derivative);
            }
        }
    }

    /// Adds rows of the input, `stride` apart, to those of the output.
    pub fn add_residual(&self, loops: &Dense<S>, x: &[S], stride: usize, y: &mut [S]) {
        for (x, y) in x.chunks_exact(stride).zip(y.chunks_exact_mut(self.width)) {
            for part in y[..self.outputs].chunks_exact_mut(self.inputs) {
                (loops.add)(part, &x[..self.inputs]);
            }
        }
    }

    /// Gradients with respect to the input, rows `stride` apart, from those with respect to the arguments (`weighted`) and to the
    /// output (`upstream`), which passes the input on.
    pub fn backward(
        &self,
        loops: &Dense<S>,
        weighted: &[S],
        upstream: &[S],
        x: &mut [S],
        stride: usize,
    ) {
        let (width, outputs) = (self.width, self.outputs);
        let padded = self.inputs.next_multiple_of(loops.lanes);
        (loops.product)(weighted, width, outputs, &self.backward, x, stride, padded);
        if self.residual == Residual::None {
            return;
        }
        let upstream = upstream.chunks_exact(width);
        for (x, y) in x.chunks_exact_mut(stride).zip(upstream) {
            for part in y[..outputs].chunks_exact(self.inputs) {
                (loops.add)(&mut x[..self.inputs], part);
            }
        }
    }
}
