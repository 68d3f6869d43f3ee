//! Layers and embedding nets by name, and the activation that they use.

use super::super::graph_def::Node;
use super::super::{Activation, Layer, Network, Residual};
use super::constants::FrozenGraph;
use crate::Error;
use ndarray::{Array1, Array2};
use serde_json::Value;

impl FrozenGraph<'_> {
    /// The net `matrix_1{suffix}`, `matrix_2{suffix}`, ... of a scope.
    pub(super) fn embedding_net(
        &self,
        scope: &str,
        suffix: &str,
        activation: Activation,
    ) -> Result<Network, Error> {
        let mut layers = Vec::new();
        for l in 1.. {
            let name = |item: &str| format!("{scope}/{item}_{l}{suffix}");
            let Some(weights) = self.matrix(&name("matrix"))? else {
                break;
            };
            let residual = Residual::by_width(weights.nrows(), weights.ncols());
            layers.push(self.layer(weights, &name("bias"), &name("idt"), activation, residual)?);
        }
        Ok(Network { layers })
    }

    /// A layer of these weights. Graphs hold timesteps only where there is a residual.
    pub(super) fn layer(
        &self,
        weights: Array2<f64>,
        bias: &str,
        timestep: &str,
        activation: Activation,
        residual: Residual,
    ) -> Result<Layer, Error> {
        let bias = self.vector(bias)?.ok_or_else(|| self.missing(bias))?;
        let timestep = match residual {
            Residual::None => None,
            _ => self.vector(timestep)?,
        };
        Ok(Layer {
            weights,
            bias,
            timestep,
            activation,
            residual,
        })
    }

    /// The activation that the script names, or the one that follows the first layer of a scope in the graph.
    pub(super) fn activation(&self, section: &Value, scope: &str) -> Result<Activation, Error> {
        let name = match section.get("activation_function") {
            Some(Value::String(name)) => name,
            Some(_) => "linear",
            None if section.is_object() => "tanh",
            None => return self.activation_in_graph(scope),
        };
        Activation::tensorflow(name).ok_or_else(|| {
            self.unsupported(
                format!("activation function '{name}'"),
                "See the documentation of pair_style deepmd for those that are",
            )
        })
    }

    fn activation_in_graph(&self, scope: &str) -> Result<Activation, Error> {
        // Biases are added by BiasAdd, before 2.0 by a sum, and type embeddings may have none.
        let sum = ["BiasAdd", "add", "MatMul"]
            .iter()
            .map(|op| format!("{scope}/{op}"))
            .find(|name| self.has(name));
        let follows = |node: &Node<'_>| {
            let mut inputs = node.inputs.iter().map(|input| input.split(':').next());
            inputs.any(|input| input == sum.as_deref())
        };
        let following: Vec<_> = self
            .graph
            .nodes()
            .filter(|(_, node)| sum.is_some() && follows(node))
            .collect();
        let has = |op: &str| following.iter().any(|(_, node)| node.op == op);
        // TensorFlow's own gelu stands in a scope of its own; deepmd-kit 1.x wrote the formula out.
        let within_gelu = || following.iter().any(|(name, _)| name.contains("/Gelu"));
        let name = match () {
            () if has("Sigmoid") && has("Mul") => "silu",
            () if has("Sigmoid") => "sigmoid",
            () if has("Tanh") => "tanh",
            () if has("Relu") => "relu",
            () if has("Relu6") => "relu6",
            () if has("Softplus") => "softplus",
            () if has("Gelu") || has("GeluCustom") => "gelu",
            () if has("Pow") && within_gelu() => "gelu_tf",
            () if has("Pow") => "gelu",
            () if has("Reshape") && following.len() == 1 => "linear",
            () => {
                let ops: Vec<_> = following.iter().map(|(_, node)| node.op).collect();
                return Err(self.inconsistent(
                    scope,
                    format!("no known activation function follows it, only {ops:?}"),
                ));
            }
        };
        Activation::tensorflow(name).ok_or_else(|| {
            self.inconsistent(scope, format!("{name} is not an activation function"))
        })
    }

    /// The net that turns types into numbers: its biases may be absent.
    pub(super) fn type_net(&self, activation: Activation) -> Result<Network, Error> {
        let mut layers = Vec::new();
        for l in 1.. {
            let name = |item: &str| format!("type_embed_net/{item}_{l}");
            let Some(weights) = self.matrix(&name("matrix"))? else {
                break;
            };
            let residual = Residual::by_width(weights.nrows(), weights.ncols());
            let bias = self.vector(&name("bias"))?;
            let timestep = match residual {
                Residual::None => None,
                _ => self.vector(&name("idt"))?,
            };
            layers.push(Layer {
                bias: bias.unwrap_or_else(|| Array1::zeros(weights.ncols())),
                weights,
                timestep,
                activation,
                residual,
            });
        }
        Ok(Network { layers })
    }
}
