//! Weights: embedding nets or tables, fitting nets, energy offsets.

use super::super::descriptor::by_section;
use super::super::graph_def::Node;
use super::super::{
    Activation, Descriptor, Embedding, Exclusion, Kind, Layer, Network, Residual, Selection, Table,
};
use super::constants::FrozenGraph;
use super::hyper::Hyper;
use crate::Error;
use ndarray::{Array2, Array3};
use serde_json::Value;

impl FrozenGraph<'_> {
    pub(super) fn descriptor(&self, hyper: &Hyper) -> Result<Descriptor, Error> {
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
                let embedding =
                    match self.network(&scope, neighbour, hyper.descriptor_activation)? {
                        Some(network) => Some(Embedding::Network(network)),
                        None => self
                            .table(&scope, neighbour, &hyper.sel)?
                            .map(Embedding::Table),
                    };
                let Some(embedding) = embedding else {
                    continue;
                };
                let index = Some(embeddings.len());
                embeddings.push(embedding);
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
        let m1 = embeddings.first().map_or(0, Embedding::outputs);
        let rows = self
            .matrix("layer_0_type_0/matrix")?
            .map_or(0, |weights| weights.nrows());
        if m1 == 0 || rows % m1 != 0 {
            return Err(self.inconsistent(
                "layer_0_type_0/matrix",
                format!("{rows} rows are not a multiple of the {m1} outputs of the embedding nets"),
            ));
        }
        Ok(Descriptor {
            kind: Kind::SeE2A { axis: rows / m1 },
            smoothing: hyper.smoothing,
            mean: self.statistics("t_avg", &hyper.sel, 0.0)?,
            deviation: self.statistics("t_std", &hyper.sel, 1.0)?,
            sel: hyper.sel.clone(),
            selection: Selection::PerType,
            divisor: hyper.divisor,
            embeddings,
            embedding_of,
            excluded: Array2::from_elem((n_types, n_types), Exclusion::None),
        })
    }

    /// `davg` or `dstd`, `[n_types, 4 slots]` in the file, by pair of types here.
    fn statistics(&self, item: &str, sel: &[usize], otherwise: f64) -> Result<Array3<f64>, Error> {
        let name = format!("descrpt_attr/{item}");
        let values = self.required_floats(&name)?;
        by_section(&values, sel, 4, otherwise).map_err(|what| self.inconsistent(&name, what))
    }

    /// The embedding net of a section; `None` where the graph has none.
    fn network(
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

    /// The table that replaced the embedding net of a section in a compressed model; `None` where there is none.
    ///
    /// Nothing but the slots that it works on tells which section a table belongs to.
    fn table(&self, scope: &str, neighbour: usize, sel: &[usize]) -> Result<Option<Table>, Error> {
        let first: usize = sel[..neighbour].iter().sum();
        let section = [4 * first as i64, 4 * sel[neighbour] as i64];
        let prefix = format!("{scope}/");
        for (name, node) in self.graph.nodes() {
            let tabulates = matches!(node.op, "TabulateFusion" | "TabulateFusionSeA");
            if !(tabulates && name.starts_with(&prefix)) || self.section_of(name, node)? != section
            {
                continue;
            }
            let (Some(data), Some(info)) = (node.inputs.first(), node.inputs.get(1)) else {
                return Err(self.inconsistent(name, "it has no table"));
            };
            let outputs = node
                .integer("last_layer_size")
                .and_then(|size| usize::try_from(size).ok());
            let outputs = outputs
                .ok_or_else(|| self.inconsistent(name, "attribute last_layer_size is missing"))?;
            let (_, data) = self.required_floats(data)?;
            let (_, info) = self.required_floats(info)?;
            return Table::new(&info, &data, outputs)
                .map(Some)
                .map_err(|what| self.inconsistent(name, what));
        }
        Ok(None)
    }

    /// First column and number of columns of the environment matrix that a table works on.
    fn section_of(&self, name: &str, node: &Node<'_>) -> Result<[i64; 2], Error> {
        let input = |node: &Node<'_>, k: usize| -> Option<&Node<'_>> {
            self.graph.node(node.inputs.get(k)?.split(':').next()?)
        };
        let slice = input(node, 3)
            .filter(|node| node.op == "Reshape")
            .and_then(|reshape| input(reshape, 0))
            .filter(|node| node.op == "Slice" && node.inputs.len() == 3)
            .ok_or_else(|| {
                self.inconsistent(name, "the neighbours that it is for cannot be told")
            })?;
        let column = |input: &str| match self.integers(input)?.as_deref() {
            Some(&[_, column]) => Ok(column),
            _ => Err(self.inconsistent(input, "it is not a pair of integers")),
        };
        Ok([column(slice.inputs[1])?, column(slice.inputs[2])?])
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
    pub(super) fn fitting(&self, hyper: &Hyper) -> Result<Vec<Network>, Error> {
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
    pub(super) fn energy_offsets(&self, n_types: usize) -> Result<(Vec<f64>, Vec<f64>), Error> {
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
    pub(super) fn vacuum_types(&self, script: &Value, n_types: usize) -> Result<Vec<bool>, Error> {
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
