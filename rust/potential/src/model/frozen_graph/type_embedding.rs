//! Type embedding: one net serves all pairs of types, and sees them as further inputs.
//!
//! The types of a pair never change during a run, so the net becomes one of the distance alone for each pair. The rows `t_a`
//! of the type net's output are constants; in the form of deepmd-kit 2.0 and later ("concat") the first layer is
//!
//! `f(x W_0 + t_b W_b + t_a W_a + bias)`, that is a new bias,
//!
//! where a residual adds `(x, t_b, t_a)` to its output, a linear layer before it makes these numbers from `x`. In the form
//! "strip" the output `G(x)` is multiplied by `1 + M(t_b, t_a)` with another net `M`, which is a last, diagonal layer.
//! Fitting nets see `(D, t_a, parameters)`, the same for all types, and become one for each type.

use super::super::{Activation, Layer, Network, Residual};
use super::constants::FrozenGraph;
use super::script::Script;
use crate::Error;
use ndarray::{Array1, Array2, Axis, concatenate, s};

/// No more numbers than this in all nets of pairs together.
const MOST_NUMBERS: usize = 1 << 25;

/// One row a type, `[n_types, Y]`.
pub(super) struct TypeEmbedding(Array2<f64>);

/// The net of all pairs.
pub(super) struct NetsOfTypes {
    net: Network,
    /// The net `M` of the form "strip".
    factors: Option<Network>,
    /// Whether the centre type does not matter.
    pub(super) one_sided: bool,
}

impl TypeEmbedding {
    /// `Y`
    pub(super) fn width(&self) -> usize {
        self.0.ncols()
    }

    /// What the nets see of a pair beside the distance.
    fn of_pair(&self, centre: usize, neighbour: usize, one_sided: bool) -> Array1<f64> {
        let neighbour = self.0.row(neighbour).to_owned();
        if one_sided {
            return neighbour;
        }
        neighbour
            .iter()
            .chain(self.0.row(centre))
            .copied()
            .collect()
    }

    /// The first layer of the fitting net of type `t`, from that of all types, `d` inputs of which come before the type.
    pub(super) fn fitting_layer(&self, layer: &Layer, d: usize, t: usize) -> Layer {
        let after = d + self.width();
        let (before, weights) = layer.weights.view().split_at(Axis(0), d);
        let (of_type, rest) = weights.split_at(Axis(0), after - d);
        Layer {
            weights: concatenate![Axis(0), before, rest],
            bias: &layer.bias + &self.0.row(t).dot(&of_type),
            ..layer.clone()
        }
    }
}

impl FrozenGraph<'_> {
    /// The type embedding, if there is one.
    pub(super) fn type_embedding(
        &self,
        script: &Script,
        n_types: usize,
    ) -> Result<Option<TypeEmbedding>, Error> {
        let name = "type_embed_net/matrix_1";
        if !self.has(name) {
            return Ok(None);
        }
        let activation = self.activation(script.type_embedding(), "type_embed_net")?;
        let net = self.type_net(activation)?;
        let inputs = self.type_inputs(n_types, net.inputs())?;
        if let Some(what) = net.fault(inputs.ncols(), net.outputs()) {
            return Err(self.inconsistent(name, what));
        }
        let mut rows = Array2::zeros((n_types, net.outputs()));
        for (input, mut row) in inputs.outer_iter().zip(rows.outer_iter_mut()) {
            row.assign(&net.apply(&input.to_owned()));
        }
        Ok(Some(TypeEmbedding(rows)))
    }

    /// What the type net sees, `[n_types, width]`: one number for each type, or the shells of electrons.
    fn type_inputs(&self, n_types: usize, width: usize) -> Result<Array2<f64>, Error> {
        let product = self.graph.node("type_embed_net/MatMul");
        let mut input = product.and_then(|node| node.inputs.first().copied());
        while let Some((name, node)) = input.and_then(|input| self.source(input)) {
            match node.op {
                "Reshape" | "Cast" | "Identity" => input = node.inputs.first().copied(),
                "Const" => {
                    return Ok(self
                        .matrix(name)?
                        .filter(|rows| rows.dim() == (n_types, width))
                        .unwrap_or_else(|| Array2::eye(n_types)));
                }
                _ => break,
            }
        }
        Ok(Array2::eye(n_types))
    }

    /// The nets of all pairs of a scope.
    pub(super) fn nets_of_types(
        &self,
        scope: &str,
        activation: Activation,
        types: &TypeEmbedding,
        zero_mean: bool,
    ) -> Result<NetsOfTypes, Error> {
        let name = format!("{scope}/matrix_1");
        let fits = |net: &Network, inputs: usize| match net.fault(inputs, net.outputs()) {
            Some(what) => Err(self.inconsistent(&name, what)),
            None => Ok(()),
        };
        let net = self.embedding_net(scope, "", activation)?;
        let y = types.width();
        let strip = ["_one_side_ebd", "_two_side_ebd"]
            .into_iter()
            .find(|suffix| self.has(&format!("{name}{suffix}")));
        let (one_sided, factors) = match strip {
            None => {
                let one_sided = net.inputs() == 1 + y;
                fits(&net, if one_sided { 1 + y } else { 1 + 2 * y })?;
                (one_sided, None)
            }
            Some(suffix) => {
                let one_sided = suffix == "_one_side_ebd";
                let factors = self.embedding_net(scope, suffix, activation)?;
                fits(&net, 1)?;
                fits(&factors, if one_sided { y } else { 2 * y })?;
                if factors.outputs() != net.outputs() {
                    return Err(self.inconsistent(&name, "its two nets have unequal outputs"));
                }
                if !zero_mean {
                    return Err(self.unsupported(
                        "type embedding in the form 'strip' (se_a_ebd_v2) with set_davg_zero false",
                        "Train se_e2_a with type_embedding, or with set_davg_zero true",
                    ));
                }
                (one_sided, Some(factors))
            }
        };
        let n_types = types.0.nrows();
        let pairs = if one_sided {
            n_types
        } else {
            n_types * n_types
        };
        let numbers: usize = net.layers.iter().map(|layer| layer.weights.len()).sum();
        if numbers.saturating_mul(pairs) > MOST_NUMBERS {
            return Err(self.unsupported(
                format!("a type embedding with nets for {pairs} pairs of types of {numbers} numbers each"),
                "Train a model with fewer types",
            ));
        }
        Ok(NetsOfTypes {
            net,
            factors,
            one_sided,
        })
    }
}

impl NetsOfTypes {
    /// The net of one pair, from the distance alone.
    pub(super) fn of(&self, types: &TypeEmbedding, centre: usize, neighbour: usize) -> Network {
        let seen = types.of_pair(centre, neighbour, self.one_sided);
        let mut layers = self.net.layers.clone();
        if let Some(factors) = &self.factors {
            layers.push(linear(
                Array2::from_diag(&(factors.apply(&seen) + 1.0)),
                None,
            ));
        } else if layers[0].residual == Residual::None {
            let first = &mut layers[0];
            first.bias += &seen.dot(&first.weights.slice(s![1.., ..]));
            first.weights = first.weights.slice(s![..1, ..]).to_owned();
        } else {
            let mut weights = Array2::zeros((1, 1 + seen.len()));
            weights[[0, 0]] = 1.0;
            let bias = std::iter::once(0.0).chain(seen).collect();
            layers.insert(0, linear(weights, Some(bias)));
        }
        Network { layers }
    }
}

/// `y = x W + b`
fn linear(weights: Array2<f64>, bias: Option<Array1<f64>>) -> Layer {
    Layer {
        bias: bias.unwrap_or_else(|| Array1::zeros(weights.ncols())),
        weights,
        timestep: None,
        activation: Activation::Linear,
        residual: Residual::None,
    }
}
