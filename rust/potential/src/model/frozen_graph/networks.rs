//! Layers and embedding nets by name, and the activation that they use.

use super::super::brief;
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
            weights: weights.into_shared(),
            bias,
            timestep,
            activation,
            residual,
        })
    }

    /// The activation that the script names, or the one that follows the first layer of a scope in the graph.
    pub(super) fn activation(&self, section: &Value, scope: &str) -> Result<Activation, Error> {
        let name = match section.get("activation_function") {
            Some(Value::String(name)) => name.clone(),
            Some(_) => "linear".to_owned(),
            None if section.is_object() => "tanh".to_owned(),
            None => self.activation_in_graph(scope)?,
        };
        Activation::tensorflow(&name).ok_or_else(|| {
            self.unsupported(
                format!("activation function '{}'", brief(&name)),
                "See the documentation of pair_style deepmd for those that are",
            )
        })
    }

    /// Name of the activation by the nodes that take the first layer's sum, those of gradients aside.
    fn activation_in_graph(&self, scope: &str) -> Result<String, Error> {
        let product = format!("{scope}/MatMul");
        let takes = |node: &Node<'_>, name: &str| {
            let mut inputs = node.inputs.iter().map(|input| input.split(':').next());
            inputs.any(|input| input == Some(name))
        };
        // Biases are added by BiasAdd, before 2.0 by a sum, and type embeddings may have none.
        let sum = ["BiasAdd", "add"]
            .iter()
            .map(|op| format!("{scope}/{op}"))
            .find(|name| {
                let node = self.graph.node(name);
                node.is_some_and(|node| takes(node, &product))
            })
            .unwrap_or(product);
        let mut following: Vec<_> = self
            .graph
            .nodes()
            .filter(|(name, node)| !name.starts_with("gradients") && takes(node, &sum))
            .collect();
        following.sort_by_key(|(_, node)| node.op);
        let ops: Vec<_> = following.iter().map(|(_, node)| node.op).collect();
        let name = match ops[..] {
            ["Tanh"] => "tanh",
            ["Relu"] => "relu",
            ["Relu6"] => "relu6",
            ["Sigmoid"] => "sigmoid",
            ["Softplus"] => "softplus",
            ["Gelu" | "GeluCustom"] => "gelu",
            // TensorFlow's own gelu stands in a scope of its own; deepmd-kit 1.x wrote the formula out.
            ["Add" | "AddV2", "Mul", "Pow"] if following[2].0.contains("/Gelu") => "gelu_tf",
            ["Add" | "AddV2", "Mul", "Pow"] => "gelu",
            ["Mul", "Sigmoid"] => "silu",
            ["Less", "Mul", "Sigmoid", "Sub"] => {
                let from = following[0].1.inputs.get(1).copied().unwrap_or_default();
                let from = self.list(from, 1)?.ok_or_else(|| self.missing(from))?[0];
                return Ok(format!("silut:{from}"));
            }
            ["Reshape"] => "linear",
            _ => {
                return Err(self.inconsistent(
                    scope,
                    format!(
                        "no known activation function follows it, only {}",
                        brief(&format!("{ops:?}"))
                    ),
                ));
            }
        };
        Ok(name.to_owned())
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
                weights: weights.into_shared(),
                timestep,
                activation,
                residual,
            });
        }
        Ok(Network { layers })
    }
}
