//! Reader of frozen TensorFlow graphs, `.pb`, as deepmd-kit writes them.
//!
//! All variables have become constants whose names say what they are; the rest of the graph is not looked at, except
//! where the hyper-parameters that have no node of their own must be recovered from it.

use super::graph_def::{Graph, Tensor, Values};
use super::{
    Activation, Format, Layer, Model, Network, Residual, SeA, Selection, Shaped, Smoothing,
};
use crate::Error;
use ndarray::{Array1, Array2, Array3};
use serde_json::Value;
use std::borrow::Cow;

/// Reads a frozen graph. `file` goes into messages.
///
/// # Errors
/// [`Error::Malformed`] for damage, [`Error::Unsupported`] for other model kinds, [`Error::Inconsistent`] for tensors
/// that are missing or do not fit.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Model, Error> {
    let graph = Graph::parse(bytes).map_err(|what| Error::Malformed {
        file: file.to_owned(),
        format: "frozen TensorFlow graph (.pb)",
        what,
    })?;
    let frozen = FrozenGraph { file, graph };
    frozen.refuse_other_kinds()?;
    let script = frozen.training_script()?;
    let hyper = Hyper::new(&frozen, &script)?;
    let descriptor = frozen.descriptor(&hyper)?;
    let fitting = frozen.fitting(&hyper)?;
    let n_types = hyper.type_map.len();
    let (energy_bias, energy_scale) = frozen.energy_offsets(n_types)?;
    let mut model = Model {
        format: Format::FrozenGraph,
        type_map: hyper.type_map.clone(),
        descriptor,
        fitting,
        energy_bias,
        energy_scale,
    }
    .validate(file)?;
    let vacuum = frozen.vacuum_types(&script, n_types)?;
    model.subtract_vacuum(&vacuum);
    Ok(model)
}

struct FrozenGraph<'a> {
    file: &'a str,
    graph: Graph<'a>,
}

/// What the graph and its training script say beside the weights.
struct Hyper {
    type_map: Vec<String>,
    sel: Vec<usize>,
    divisor: f64,
    smoothing: Smoothing,
    one_sided: bool,
    excluded: Vec<(usize, usize)>,
    descriptor_activation: Activation,
    fitting_activation: Activation,
}

impl Hyper {
    fn new(frozen: &FrozenGraph<'_>, script: &Value) -> Result<Self, Error> {
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
    fn inconsistent(&self, item: &str, what: impl Into<String>) -> Error {
        Error::Inconsistent {
            file: self.file.to_owned(),
            item: item.to_owned(),
            what: what.into(),
        }
    }

    fn unsupported(&self, feature: impl Into<String>, remedy: &str) -> Error {
        Error::Unsupported {
            file: self.file.to_owned(),
            feature: feature.into(),
            remedy: remedy.to_owned(),
        }
    }

    // Constants by name

    fn constant(&self, name: &str) -> Result<Option<Tensor>, Error> {
        self.graph
            .constant(name)
            .map_err(|what| self.inconsistent(name, what))
    }

    fn floats(&self, name: &str) -> Result<Option<Shaped>, Error> {
        match self.constant(name)? {
            None => Ok(None),
            Some(Tensor {
                shape,
                values: Values::Float(values),
            }) => Ok(Some((shape, values))),
            Some(_) => Err(self.inconsistent(name, "it does not hold floating-point numbers")),
        }
    }

    fn required_floats(&self, name: &str) -> Result<Shaped, Error> {
        self.floats(name)?
            .ok_or_else(|| self.inconsistent(name, "the graph has no such tensor"))
    }

    fn integers(&self, name: &str) -> Result<Option<Vec<i64>>, Error> {
        match self.constant(name)? {
            None => Ok(None),
            Some(Tensor {
                values: Values::Integer(values),
                ..
            }) => Ok(Some(values)),
            Some(_) => Err(self.inconsistent(name, "it does not hold integers")),
        }
    }

    fn integer(&self, name: &str) -> Result<i64, Error> {
        match self.integers(name)?.as_deref() {
            Some([value]) => Ok(*value),
            Some(_) => Err(self.inconsistent(name, "it is not a single number")),
            None => Err(self.inconsistent(
                name,
                "the graph has no such tensor; is it a Deep Potential model?",
            )),
        }
    }

    fn string(&self, name: &str) -> Result<Option<String>, Error> {
        match self.constant(name)? {
            None => Ok(None),
            Some(Tensor {
                values: Values::Text(values),
                ..
            }) if values.len() == 1 => Ok(Some(String::from_utf8_lossy(&values[0]).into_owned())),
            Some(_) => Err(self.inconsistent(name, "it is not a single string")),
        }
    }

    fn counts(&self, name: &str, values: &[i64]) -> Result<Vec<usize>, Error> {
        let counts: Result<Vec<_>, _> =
            values.iter().map(|&value| usize::try_from(value)).collect();
        counts.map_err(|_| self.inconsistent(name, format!("a negative number in {values:?}")))
    }

    fn matrix(&self, name: &str) -> Result<Option<Array2<f64>>, Error> {
        let Some((shape, values)) = self.floats(name)? else {
            return Ok(None);
        };
        let [rows, columns] = shape[..] else {
            return Err(self.inconsistent(name, format!("shape {shape:?} is not that of a matrix")));
        };
        let matrix = Array2::from_shape_vec((rows, columns), values);
        matrix
            .map(Some)
            .map_err(|error| self.inconsistent(name, error.to_string()))
    }

    /// A vector, whether stored as `[n]` or as `[1, n]`.
    fn vector(&self, name: &str) -> Result<Option<Array1<f64>>, Error> {
        Ok(self
            .floats(name)?
            .map(|(_, values)| Array1::from_vec(values)))
    }

    // What kind of model it is

    fn refuse_other_kinds(&self) -> Result<(), Error> {
        if let Some(kind) = self.string("model_attr/model_type")?
            && kind != "ener"
        {
            return Err(self.unsupported(
                format!("a model of type '{kind}'"),
                "pair_style deepmd needs an energy model ('ener')",
            ));
        }
        if let Some(version) = self.string("model_attr/model_version")? {
            let mut parts = version.split('.').map(str::parse::<u32>);
            let known = matches!(
                (parts.next(), parts.next()),
                (Some(Ok(0)), _) | (Some(Ok(1)), Some(Ok(0 | 1)))
            );
            if !known {
                return Err(self.unsupported(
                    format!("model version {version}"),
                    "Versions up to 1.1 (deepmd-kit 3.2) are known; convert the model with 'dp convert-backend'",
                ));
            }
        }
        let mut compressed = false;
        for (name, node) in self.graph.nodes() {
            let feature = match node.op {
                "ProdEnvMatR" | "DescrptSeR" => "descriptor se_e2_r",
                "TabulateFusionSeT" | "TabulateFusionSeR" | "TabulateFusionSeAtten" => {
                    "a compressed descriptor other than se_e2_a"
                }
                "PairTab" => "use_srtab (interpolation with a table)",
                _ if name == "type_embed_net/matrix_1" || name == "t_typeebd" => "type embedding",
                _ if name == "spin_attr/ntypes_spin" => "spin",
                _ if name == "modifier_attr/type" => "the dipole-charge modifier (DPLR)",
                _ => {
                    compressed |= node.op.starts_with("TabulateFusion");
                    continue;
                }
            };
            return Err(self.unsupported(feature, "Energy models with descriptor se_e2_a are"));
        }
        if compressed {
            return Err(self.unsupported(
                "a compressed model",
                "Use the uncompressed .pb that it was made from ('dp freeze' without 'dp compress')",
            ));
        }
        Ok(())
    }

    /// The one node that makes the environment matrix; it alone holds the smoothing radius.
    fn environment_node(&self) -> Result<&super::graph_def::Node<'_>, Error> {
        let is_environment = |op: &str| matches!(op, "ProdEnvMatA" | "DescrptSeA");
        let mut found = self
            .graph
            .nodes()
            .filter(|(_, node)| is_environment(node.op));
        let (_, first) = found.next().ok_or_else(|| {
            self.inconsistent(
                "ProdEnvMatA",
                "the graph has no such node; is it a Deep Potential model?",
            )
        })?;
        if found.next().is_some() {
            return Err(self.unsupported(
                "a hybrid descriptor",
                "Energy models with a single se_e2_a descriptor are",
            ));
        }
        Ok(first)
    }

    /// The input script of the training, `null` where the file is older than that.
    fn training_script(&self) -> Result<Value, Error> {
        let name = "train_attr/training_script";
        let Some(text) = self.string(name)? else {
            return Ok(Value::Null);
        };
        let script: Value = serde_json::from_str(&text)
            .map_err(|error| self.inconsistent(name, format!("it is not JSON ({error})")))?;
        let kind = script["model"]["descriptor"]["type"]
            .as_str()
            .unwrap_or("se_e2_a");
        if !matches!(kind, "se_e2_a" | "se_a") {
            return Err(self.unsupported(
                format!("descriptor {kind}"),
                "Energy models with descriptor se_e2_a are",
            ));
        }
        for item in ["numb_fparam", "numb_aparam"] {
            if script["model"]["fitting_net"][item].as_i64().unwrap_or(0) > 0 {
                return Err(self.unsupported(item, "Models without frame or atom parameters are"));
            }
        }
        Ok(script)
    }

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
        let follows = |node: &super::graph_def::Node<'_>| {
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

    // Weights

    fn descriptor(&self, hyper: &Hyper) -> Result<SeA, Error> {
        let n_types = hyper.type_map.len();
        let mut embeddings = Vec::new();
        let mut embedding_of = Array2::from_elem((n_types, n_types), None);
        let centres = if hyper.one_sided { 1 } else { n_types };
        for centre in 0..centres {
            for neighbour in 0..n_types {
                let scope = if hyper.one_sided {
                    "filter_type_all".to_owned()
                } else {
                    format!("filter_type_{centre}")
                };
                let Some(network) =
                    self.embedding(&scope, neighbour, hyper.descriptor_activation)?
                else {
                    continue;
                };
                let index = Some(embeddings.len());
                embeddings.push(network);
                if hyper.one_sided {
                    embedding_of.column_mut(neighbour).fill(index);
                } else {
                    embedding_of[[centre, neighbour]] = index;
                }
            }
        }
        // The graph multiplies one-sided excluded sections by zero, the empty slots too; two-sided ones have no net.
        for &(a, b) in &hyper.excluded {
            embedding_of[[a, b]] = None;
        }
        let m1 = embeddings.first().map_or(0, Network::outputs);
        let rows = self
            .matrix("layer_0_type_0/matrix")?
            .map_or(0, |weights| weights.nrows());
        if m1 == 0 || rows % m1 != 0 {
            return Err(self.inconsistent(
                "layer_0_type_0/matrix",
                format!("{rows} rows are not a multiple of the {m1} outputs of the embedding nets"),
            ));
        }
        Ok(SeA {
            smoothing: hyper.smoothing,
            mean: self.statistics("t_avg", &hyper.sel)?,
            deviation: self.statistics("t_std", &hyper.sel)?,
            sel: hyper.sel.clone(),
            selection: Selection::PerType,
            divisor: hyper.divisor,
            axis: rows / m1,
            embeddings,
            embedding_of,
            masked: Array2::from_elem((n_types, n_types), false),
        })
    }

    /// `davg` or `dstd`, `[n_types, 4 slots]` in the file, by pair of types here.
    fn statistics(&self, item: &str, sel: &[usize]) -> Result<Array3<f64>, Error> {
        let name = format!("descrpt_attr/{item}");
        let (shape, values) = self.required_floats(&name)?;
        super::se_a::by_section(&shape, &values, sel).map_err(|what| self.inconsistent(&name, what))
    }

    fn embedding(
        &self,
        scope: &str,
        neighbour: usize,
        activation: Activation,
    ) -> Result<Option<Network>, Error> {
        let mut layers = Vec::new();
        for l in 1.. {
            let name = |item: &str| format!("{scope}/{item}_{l}_{neighbour}");
            let Some(weights) = self.matrix(&name("matrix"))? else {
                break;
            };
            let residual = Residual::by_width(weights.nrows(), weights.ncols());
            layers.push(self.layer(weights, &name("bias"), &name("idt"), activation, residual)?);
        }
        Ok((!layers.is_empty()).then_some(Network { layers }))
    }

    fn layer(
        &self,
        weights: Array2<f64>,
        bias: &str,
        timestep: &str,
        activation: Activation,
        residual: Residual,
    ) -> Result<Layer, Error> {
        let bias = self
            .vector(bias)?
            .ok_or_else(|| self.inconsistent(bias, "the graph has no such tensor"))?;
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

    /// One fitting net a type. A hidden layer adds its input only where it is not the first and equally wide.
    fn fitting(&self, hyper: &Hyper) -> Result<Vec<Network>, Error> {
        for item in ["fitting_attr/dfparam", "fitting_attr/daparam"] {
            if self
                .integers(item)?
                .is_some_and(|values| values.iter().any(|&value| value > 0))
            {
                return Err(self.unsupported(item, "Models without frame or atom parameters are"));
            }
        }
        (0..hyper.type_map.len())
            .map(|t| self.fitting_of_type(t, hyper.fitting_activation))
            .collect()
    }

    fn fitting_of_type(&self, t: usize, activation: Activation) -> Result<Network, Error> {
        let mut layers: Vec<Layer> = Vec::new();
        for l in 0.. {
            let name = |item: &str| format!("layer_{l}_type_{t}/{item}");
            let Some(weights) = self.matrix(&name("matrix"))? else {
                break;
            };
            let residual = match l {
                1.. if weights.nrows() == weights.ncols() => Residual::Same,
                _ => Residual::None,
            };
            layers.push(self.layer(weights, &name("bias"), &name("idt"), activation, residual)?);
        }
        let name = |item: &str| format!("final_layer_type_{t}/{item}");
        let Some(weights) = self.matrix(&name("matrix"))? else {
            return Err(self.inconsistent(&name("matrix"), "the graph has no such tensor"));
        };
        layers.push(self.layer(
            weights,
            &name("bias"),
            "",
            Activation::Linear,
            Residual::None,
        )?);
        Ok(Network { layers })
    }

    /// `(bias, scale)` of `E = (net + t_bias_atom_e) out_std + out_bias`, by type.
    fn energy_offsets(&self, n_types: usize) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let by_type = |names: &[&str], default: f64| -> Result<Vec<f64>, Error> {
            for name in names {
                if let Some((_, values)) = self.floats(name)? {
                    if values.len() != n_types {
                        return Err(self.inconsistent(
                            name,
                            format!("{} numbers for {n_types} types", values.len()),
                        ));
                    }
                    return Ok(values);
                }
            }
            Ok(vec![default; n_types])
        };
        let inner = by_type(&["fitting_attr/t_bias_atom_e"], 0.0)?;
        // The scope stands twice in the files that are written.
        let outer = by_type(
            &["model_attr/model_attr/t_out_bias", "model_attr/t_out_bias"],
            0.0,
        )?;
        let scale = by_type(
            &["model_attr/model_attr/t_out_std", "model_attr/t_out_std"],
            1.0,
        )?;
        let bias = (0..n_types)
            .map(|t| inner[t] * scale[t] + outer[t])
            .collect();
        Ok((bias, scale))
    }

    /// Types whose energy is counted from that of an atom without neighbours (`atom_ener`).
    fn vacuum_types(&self, script: &Value, n_types: usize) -> Result<Vec<bool>, Error> {
        let list = script["model"]["fitting_net"]["atom_ener"].as_array();
        let types: Vec<_> = match list {
            Some(list) => (0..n_types)
                .map(|t| list.get(t).is_some_and(|energy| !energy.is_null()))
                .collect(),
            None => (0..n_types)
                .map(|t| {
                    self.graph
                        .node(&format!("final_layer_type_{t}_1/BiasAdd"))
                        .is_some()
                })
                .collect(),
        };
        if types.contains(&true) && self.graph.node("fitting_attr/t_bias_atom_e").is_none() {
            return Err(self.unsupported(
                "atom_ener in a model frozen before deepmd-kit 2.2",
                "Convert it with 'dp convert-from' of deepmd-kit 2.2 or later",
            ));
        }
        Ok(types)
    }
}
