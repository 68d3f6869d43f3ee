//! A fitting network in single precision about one point.
//!
//! With the values at the point `x` known in double precision, what is evaluated is how they change with `d`:
//! `f(x + d) - f(x)`, layer by layer, and the same for the gradient. Every number is of the size of the change, and so is its
//! rounding error: `tanh(a + d) - tanh a` and the change of its slope come without cancellation
//! ([`Kernels::tanh_difference`]).

use super::network::Packed;
use crate::model::{Activation, Network, Residual};
use crate::simd::dense::ROWS;
use crate::simd::{AboutTanh, Kernels};

/// Reference values of a network at one point.
#[derive(Clone, Debug)]
pub struct Point {
    /// The point.
    pub inputs: Vec<f64>,
    /// What the network gives there [eV].
    pub energy: f64,
    /// Its gradient there, `[inputs]`.
    pub gradient: Vec<f64>,
    layers: Vec<Layer>,
}

#[derive(Clone, Debug)]
struct Layer {
    about: AboutTanh,
    /// Factors of activations other than tanh.
    scales: Vec<f64>,
    /// `idt f'(z)`
    slope: Vec<f32>,
    /// Gradient with respect to the layer's output.
    upstream: Vec<f32>,
    /// `z`, for activations other than tanh.
    arguments: Vec<f64>,
    activation: Activation,
}

/// Rows of one block, kept between calls.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    outputs: Vec<Vec<f32>>,
    slopes: Vec<Vec<f32>>,
    upstream: Vec<f32>,
    downstream: Vec<f32>,
    /// Length of the change of the first layer's arguments, squared, by row.
    pub lengths: Vec<f32>,
    sums: Vec<f32>,
}

impl Point {
    /// The network, whose first layer has the weights `first` `(input, output)`, at `inputs`.
    pub fn new(
        network: &Network,
        packed: &Packed<f32>,
        first: &dyn Fn(usize, usize) -> f64,
        inputs: Vec<f64>,
    ) -> Self {
        let (last, hidden) = network.layers.split_last().expect("a network has layers");
        let weight = |l: usize, i: usize, j: usize| match l {
            0 => first(i, j),
            _ => hidden[l].weights[[i, j]],
        };
        let mut x = inputs.clone();
        let mut values = Vec::with_capacity(hidden.len());
        for (l, layer) in hidden.iter().enumerate() {
            let mut next = Vec::with_capacity(layer.outputs());
            let (mut arguments, mut activated) = (Vec::new(), Vec::new());
            for j in 0..layer.outputs() {
                let products = x.iter().enumerate().map(|(i, x)| x * weight(l, i, j));
                let z = products.sum::<f64>() + layer.bias[j];
                let scale = layer.timestep.as_ref().map_or(1.0, |timestep| timestep[j]);
                let (y, slope) = layer.activation.value_and_slope(z);
                let carried = match layer.residual {
                    Residual::None => 0.0,
                    _ => x[j % x.len()],
                };
                next.push(scale * y + carried);
                arguments.push(z);
                activated.push((scale, y, slope));
            }
            values.push((arguments, activated));
            x = next;
        }
        let outputs = x.iter().zip(&last.weights).map(|(x, w)| x * w);
        let energy = outputs.sum::<f64>() + last.bias[0];
        let mut upstream: Vec<f64> = last.weights.iter().copied().collect();
        let mut layers = Vec::with_capacity(hidden.len());
        for (l, layer) in hidden.iter().enumerate().rev() {
            let width = packed.width(l);
            let padded = |value: &dyn Fn(usize) -> f64| -> Vec<f32> {
                let inside = |k: usize| if k < layer.outputs() { value(k) } else { 0.0 };
                (0..width).map(|k| inside(k) as f32).collect()
            };
            let (arguments, activated) = &values[l];
            let mut about = AboutTanh::default();
            for (z, (scale, ..)) in arguments.iter().zip(activated) {
                about.push(*z, *scale);
            }
            about.pad(width);
            layers.push(Layer {
                about,
                scales: activated.iter().map(|(scale, ..)| *scale).collect(),
                slope: padded(&|k| activated[k].0 * activated[k].2),
                upstream: padded(&|k| upstream[k]),
                arguments: arguments.clone(),
                activation: layer.activation,
            });
            let weighted: Vec<f64> = upstream
                .iter()
                .zip(activated)
                .map(|(u, (scale, _, slope))| u * scale * slope)
                .collect();
            let count = if l == 0 { inputs.len() } else { layer.inputs() };
            let mut below = vec![0.0; count];
            if layer.residual != Residual::None {
                for (j, u) in upstream.iter().enumerate() {
                    below[j % count] += u;
                }
            }
            for (i, below) in below.iter_mut().enumerate() {
                let products = weighted
                    .iter()
                    .enumerate()
                    .map(|(j, u)| u * weight(l, i, j));
                *below += products.sum::<f64>();
            }
            upstream = below;
        }
        layers.reverse();
        Self {
            inputs,
            energy,
            gradient: upstream,
            layers,
        }
    }

    /// Energies of the first rows of differences `x` `[n, stride]` from the point; `x` is overwritten by the difference of the
    /// gradient from that at the point.
    ///
    /// # Panics
    /// Unless `n` is a multiple of [`ROWS`] and not less than the number of energies.
    pub fn evaluate(
        &self,
        packed: &Packed<f32>,
        kernels: &'static Kernels,
        x: &mut [f32],
        stride: usize,
        scratch: &mut Scratch,
        energies: &mut [f64],
    ) {
        let n = x.len() / stride;
        assert!(energies.len() <= n && n.is_multiple_of(ROWS));
        let loops = &kernels.single.0;
        let depth = packed.layers.len();
        scratch.outputs.resize_with(depth, Vec::new);
        scratch.slopes.resize_with(depth, Vec::new);
        let mut before_width = stride;
        for (l, (layer, own)) in packed.layers.iter().zip(&self.layers).enumerate() {
            let (before, after) = scratch.outputs.split_at_mut(l);
            let input: &[f32] = before.last().map_or(x, Vec::as_slice);
            let (y, slope) = (&mut after[0], &mut scratch.slopes[l]);
            y.resize(n * layer.width, 0.0);
            slope.resize(n * layer.width, 0.0);
            let (inputs, width) = (layer.inputs, layer.width);
            (loops.product)(input, before_width, inputs, &layer.forward, y, width, width);
            if l == 0 {
                scratch.lengths.resize(n, 0.0);
                (kernels.row_sums)(y, width, &[], &mut scratch.lengths);
            }
            own.activate(kernels, y, slope, width);
            if layer.residual != Residual::None {
                layer.add_residual(loops, input, before_width, y);
            }
            before_width = width;
        }
        let width = before_width;
        let outputs = scratch.outputs.last().map_or(&[][..], Vec::as_slice);
        scratch.sums.resize(n, 0.0);
        (kernels.row_sums)(outputs, width, &packed.last, &mut scratch.sums);
        for (energy, sum) in energies.iter_mut().zip(&scratch.sums) {
            *energy = f64::from(*sum) + self.energy;
        }
        scratch.upstream.clear();
        scratch.upstream.resize(n * width, 0.0);
        for (l, (layer, own)) in packed.layers.iter().zip(&self.layers).enumerate().rev() {
            let padded = layer.inputs.next_multiple_of(loops.lanes);
            scratch.downstream.resize(n * padded, 0.0);
            let changed = &mut scratch.slopes[l];
            (kernels.slope_difference)(changed, &own.slope, &scratch.upstream, &own.upstream);
            let target: &mut [f32] = if l == 0 {
                &mut *x
            } else {
                &mut scratch.downstream
            };
            let columns = if l == 0 { stride } else { padded };
            layer.backward(loops, changed, &scratch.upstream, target, columns);
            if l > 0 {
                std::mem::swap(&mut scratch.upstream, &mut scratch.downstream);
            }
        }
    }
}

impl Layer {
    /// Changes of `idt f(z)` and of its slope from those of `z`.
    fn activate(&self, kernels: &Kernels, z: &mut [f32], slope: &mut [f32], width: usize) {
        if self.activation == Activation::Tanh {
            (kernels.tanh_difference)(z, &self.about, slope);
            return;
        }
        let rows = z.chunks_exact_mut(width);
        for (z, slope) in rows.zip(slope.chunks_exact_mut(width)) {
            for (k, argument) in self.arguments.iter().enumerate() {
                let scale = self.scales[k];
                let here = self.activation.value_and_slope(*argument);
                let there = self.activation.value_and_slope(argument + f64::from(z[k]));
                z[k] = (scale * (there.0 - here.0)) as f32;
                slope[k] = (scale * (there.1 - here.1)) as f32;
            }
            slope[self.arguments.len()..].fill(0.0);
        }
    }
}
