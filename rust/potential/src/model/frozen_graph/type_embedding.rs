//! Type embedding in a graph: the net that turns types into numbers, and the nets that see them.

use super::super::type_embedding::{Factors, PairCurves, SharedNet, TypeEmbedding};
use super::super::{Activation, Embedding};
use super::constants::FrozenGraph;
use super::script::Script;
use crate::Error;
use ndarray::Array2;
use std::sync::Arc;

impl FrozenGraph<'_> {
    /// The type embedding, if there is one.
    pub(super) fn type_embedding(
        &self,
        script: &Script,
        n_types: usize,
    ) -> Result<Option<Arc<TypeEmbedding>>, Error> {
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
        Ok(Some(Arc::new(TypeEmbedding::of(&net, &inputs))))
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

    /// The curves of all pairs, from the nets of a scope.
    pub(super) fn curves_of_types(
        &self,
        scope: &str,
        activation: Activation,
        types: &Arc<TypeEmbedding>,
    ) -> Result<PairCurves, Error> {
        let net = self.embedding_net(scope, "", activation)?;
        let strip = ["_one_side_ebd", "_two_side_ebd"]
            .into_iter()
            .find(|suffix| self.has(&format!("{scope}/matrix_1{suffix}")));
        let curves = match strip {
            None => PairCurves::concatenated(SharedNet {
                one_sided: net.inputs() == 1 + types.width(),
                net,
                types: types.clone(),
            }),
            Some(suffix) => {
                let factors = Factors::Net(SharedNet {
                    net: self.embedding_net(scope, suffix, activation)?,
                    types: types.clone(),
                    one_sided: suffix == "_one_side_ebd",
                });
                PairCurves::apart(Embedding::Network(net), factors)
            }
        };
        curves.map_err(|what| self.inconsistent(&format!("{scope}/matrix_1"), what))
    }
}
