//! Dense networks: the layers of embedding and fitting nets.

use super::activation::Activation;
use ndarray::{ArcArray2, Array1};

/// What a layer adds to its activated output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residual {
    /// Nothing.
    None,
    /// The input `x`: input and output are equally wide.
    Same,
    /// The input twice, `(x, x)`: the output is twice as wide.
    Doubled,
}

impl Residual {
    /// The rule of embedding nets, and of fitting nets in deepmd-kit's native form: an equal width adds `x`, a doubled one `(x, x)`.
    pub fn by_width(inputs: usize, outputs: usize) -> Self {
        if outputs == inputs {
            Self::Same
        } else if outputs == 2 * inputs {
            Self::Doubled
        } else {
            Self::None
        }
    }
}

/// One layer, `y = idt * f(x W + b) + residual(x)`.
#[derive(Clone, Debug)]
pub struct Layer {
    /// `W`, `[inputs, outputs]`; networks of several types may share it.
    pub weights: ArcArray2<f64>,
    /// `b`, `[outputs]`
    pub bias: Array1<f64>,
    /// Scale of the activated output, `[outputs]`
    pub timestep: Option<Array1<f64>>,
    /// `f`
    pub activation: Activation,
    /// What is added to the activated output.
    pub residual: Residual,
}

impl Layer {
    /// `y = x W + b`
    pub(super) fn linear(weights: ArcArray2<f64>, bias: Option<Array1<f64>>) -> Self {
        Self {
            bias: bias.unwrap_or_else(|| Array1::zeros(weights.ncols())),
            weights,
            timestep: None,
            activation: Activation::Linear,
            residual: Residual::None,
        }
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.weights.nrows()
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.weights.ncols()
    }

    /// Why the arrays of the layer do not fit each other, if they do not.
    fn fault(&self) -> Option<String> {
        let (inputs, outputs) = self.weights.dim();
        if inputs == 0 || outputs == 0 {
            return Some(format!("its matrix is empty, [{inputs}, {outputs}]"));
        }
        if self.bias.len() != outputs {
            return Some(format!(
                "its bias has {} entries for {outputs} outputs",
                self.bias.len()
            ));
        }
        if let Some(timestep) = &self.timestep
            && timestep.len() != outputs
        {
            return Some(format!(
                "its timestep has {} entries for {outputs} outputs",
                timestep.len()
            ));
        }
        let fits = match self.residual {
            Residual::None => true,
            Residual::Same => outputs == inputs,
            Residual::Doubled => outputs == 2 * inputs,
        };
        if !fits {
            return Some(format!(
                "a residual from {inputs} inputs does not fit {outputs} outputs"
            ));
        }
        let mut numbers = self
            .weights
            .iter()
            .chain(&self.bias)
            .chain(self.timestep.iter().flatten());
        if numbers.any(|value| !value.is_finite()) {
            return Some("it holds a number that is not finite".to_owned());
        }
        None
    }

    /// Output for one input row, and its derivative where that of the input is `dx`; slow and readable, for constants and
    /// tests.
    pub fn apply_along(&self, x: &Array1<f64>, dx: &Array1<f64>) -> (Array1<f64>, Array1<f64>) {
        let mut y = x.dot(&self.weights) + &self.bias;
        let mut dy = dx.dot(&self.weights);
        for (y, dy) in y.iter_mut().zip(&mut dy) {
            let (value, slope) = self.activation.value_and_slope(*y);
            (*y, *dy) = (value, *dy * slope);
        }
        let inputs = self.inputs();
        for (y, x) in [(&mut y, x), (&mut dy, dx)] {
            if let Some(timestep) = &self.timestep {
                *y *= timestep;
            }
            match self.residual {
                Residual::None => {}
                Residual::Same => *y += x,
                Residual::Doubled => {
                    for (k, value) in y.iter_mut().enumerate() {
                        *value += x[k % inputs];
                    }
                }
            }
        }
        (y, dy)
    }
}

/// Layers in order; the output of each is the input of the next.
#[derive(Clone, Debug)]
pub struct Network {
    /// At least one layer.
    pub layers: Vec<Layer>,
}

impl Network {
    /// Number of inputs; 0 without any layer.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, Layer::inputs)
    }

    /// Number of outputs; 0 without any layer.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, Layer::outputs)
    }

    /// Why the network is not one that maps `inputs` to `outputs` numbers, if it is not.
    pub fn fault(&self, inputs: usize, outputs: usize) -> Option<String> {
        let mut width = inputs;
        for (l, layer) in self.layers.iter().enumerate() {
            if let Some(what) = layer.fault() {
                return Some(format!("layer {l}: {what}"));
            }
            if layer.inputs() != width {
                return Some(format!(
                    "layer {l} takes {} inputs where {width} come in",
                    layer.inputs()
                ));
            }
            width = layer.outputs();
        }
        if self.layers.is_empty() {
            return Some("it has no layer".to_owned());
        }
        if width != outputs {
            return Some(format!("it has {width} outputs where {outputs} are needed"));
        }
        None
    }

    /// Output for one input row; slow and readable, for constants and tests.
    pub fn apply(&self, x: &Array1<f64>) -> Array1<f64> {
        self.apply_along(x, &Array1::zeros(x.len())).0
    }

    /// The same with its derivative where that of the input is `dx`.
    pub fn apply_along(&self, x: &Array1<f64>, dx: &Array1<f64>) -> (Array1<f64>, Array1<f64>) {
        let start = (x.clone(), dx.clone());
        self.layers
            .iter()
            .fold(start, |(x, dx), layer| layer.apply_along(&x, &dx))
    }
}
