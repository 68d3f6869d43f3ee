//! Hyper-parameters: from the training script where there is one, from the graph where not.

use super::super::graph_def::Node;
use super::super::{Activation, Smoothing};
use super::constants::FrozenGraph;
use crate::Error;
use serde_json::Value;
use std::borrow::Cow;

/// What the graph and its training script say beside the weights.
pub(super) struct Hyper {
    pub(super) type_map: Vec<String>,
    pub(super) sel: Vec<usize>,
    pub(super) divisor: f64,
    pub(super) smoothing: Smoothing,
    pub(super) one_sided: bool,
    pub(super) excluded: Vec<(usize, usize)>,
    pub(super) descriptor_activation: Activation,
    pub(super) fitting_activation: Activation,
}

impl Hyper {
    pub(super) fn new(frozen: &FrozenGraph<'_>, script: &Value) -> Result<Self, Error> {
        let n_types = frozen.integer("descrpt_attr/ntypes")?;
        if !(1..=1000).contains(&n_types) {
            return Err(frozen.inconsistent("descrpt_attr/ntypes", format!("{n_types} types")));
        }
        let n_types = n_types as usize;
        let environment = frozen.environment_node()?;
        let missing =
            |what: &str| frozen.inconsistent("ProdEnvMatA", format!("attribute {what} is missing"));
        let cutoff = environment
            .float("rcut_r")
            .ok_or_else(|| missing("rcut_r"))?;
        let smooth = environment
            .float("rcut_r_smth")
            .ok_or_else(|| missing("rcut_r_smth"))?;
        let slots = |name: &str| -> Result<Option<Vec<usize>>, Error> {
            frozen
                .integers(name)?
                .map(|values| frozen.counts(name, &values))
                .transpose()
        };
        let sel = match slots("descrpt_attr/sel")? {
            Some(sel) => sel,
            None => {
                let values = environment
                    .integers("sel_a")
                    .ok_or_else(|| missing("sel_a"))?;
                frozen.counts("sel_a", &values)?
            }
        };
        let original = slots("descrpt_attr/original_sel")?.unwrap_or_else(|| sel.clone());
        let one_sided = frozen
            .graph
            .nodes()
            .any(|(name, _)| name.starts_with("filter_type_all/"));
        let filter = if one_sided {
            "filter_type_all"
        } else {
            "filter_type_0"
        };
        let descriptor = &script["model"]["descriptor"];
        let fitting = &script["model"]["fitting_net"];
        Ok(Self {
            type_map: frozen.type_map(n_types)?,
            divisor: original.iter().sum::<usize>() as f64,
            sel,
            smoothing: Smoothing::single(smooth, cutoff),
            one_sided,
            excluded: frozen.excluded_pairs(&descriptor["exclude_types"], n_types)?,
            descriptor_activation: frozen.activation(descriptor, filter)?,
            fitting_activation: frozen.activation(fitting, "layer_0_type_0")?,
        })
    }
}

impl FrozenGraph<'_> {
    fn type_map(&self, n_types: usize) -> Result<Vec<String>, Error> {
        let names = self.string("model_attr/tmap")?.unwrap_or_default();
        let mut names: Vec<_> = names.split_whitespace().map(str::to_owned).collect();
        if names.len() > n_types {
            return Err(self.inconsistent(
                "model_attr/tmap",
                format!("{} names for {n_types} types", names.len()),
            ));
        }
        names.resize(n_types, String::new());
        Ok(names)
    }

    /// The activation that the script names, or the one that follows the first layer in the graph.
    fn activation(&self, section: &Value, layer: &str) -> Result<Activation, Error> {
        let name: Cow<'_, str> = match section["activation_function"].as_str() {
            Some(name) => Cow::from(name.to_owned()),
            None if section.is_object() => Cow::from("tanh"),
            None => Cow::from(self.activation_in_graph(layer)?),
        };
        Activation::tensorflow(&name).ok_or_else(|| {
            self.unsupported(
                format!("activation function '{name}'"),
                "See the documentation of pair_style deepmd for those that are",
            )
        })
    }

    fn activation_in_graph(&self, layer: &str) -> Result<&'static str, Error> {
        let sums = [format!("{layer}/BiasAdd"), format!("{layer}/add")];
        let follows = |node: &Node<'_>| {
            node.inputs
                .iter()
                .any(|input| sums.iter().any(|sum| input.split(':').next() == Some(sum)))
        };
        let ops: Vec<_> = self
            .graph
            .nodes()
            .filter(|(_, node)| follows(node))
            .map(|(_, node)| node.op)
            .collect();
        let has = |op: &str| ops.contains(&op);
        Ok(match () {
            () if has("Sigmoid") && has("Mul") => "silu",
            () if has("Sigmoid") => "sigmoid",
            () if has("Tanh") => "tanh",
            () if has("Relu") => "relu",
            () if has("Relu6") => "relu6",
            () if has("Softplus") => "softplus",
            () if has("Gelu") || has("GeluCustom") => "gelu",
            () => {
                return Err(self.inconsistent(
                    layer,
                    format!("no known activation function follows it, only {ops:?}"),
                ));
            }
        })
    }

    fn excluded_pairs(&self, list: &Value, n_types: usize) -> Result<Vec<(usize, usize)>, Error> {
        let name = "exclude_types of the training script";
        let mut pairs = Vec::new();
        for pair in list.as_array().into_iter().flatten() {
            let (a, b) = (pair[0].as_u64(), pair[1].as_u64());
            match (a, b) {
                (Some(a), Some(b)) if a < n_types as u64 && b < n_types as u64 => {
                    pairs.extend([(a as usize, b as usize), (b as usize, a as usize)]);
                }
                _ => return Err(self.inconsistent(name, format!("{pair} is not a pair of types"))),
            }
        }
        Ok(pairs)
    }
}
