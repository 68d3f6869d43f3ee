//! Fitting nets, frame and atom parameters, and the energies that are added.

use super::super::type_embedding::TypeEmbedding;
use super::super::{Activation, Layer, Network, Parameters, Residual};
use super::constants::FrozenGraph;
use super::script::Script;
use crate::Error;
use serde_json::Value;

/// What turns a descriptor into an energy.
pub(super) struct Fitting {
    /// One net a type.
    pub(super) networks: Vec<Network>,
    pub(super) frame_parameters: Parameters,
    pub(super) atom_parameters: Parameters,
    pub(super) from_vacuum: Vec<bool>,
    pub(super) energy_bias: Vec<f64>,
    pub(super) energy_scale: Vec<f64>,
    /// Inputs that are the descriptor.
    pub(super) width: usize,
}

/// Names of the layers of a net; `type_suffix` is empty where one net serves all types.
struct Names<'r> {
    type_suffix: String,
    /// `layer_name` of the training script: layers that share their weights with others of the same name.
    shared: &'r [Value],
}

impl Names<'_> {
    fn hidden(&self, l: usize) -> String {
        self.name(self.shared.get(l), &format!("layer_{l}"))
    }

    fn last(&self) -> String {
        self.name(self.shared.last(), "final_layer")
    }

    fn name(&self, shared: Option<&Value>, otherwise: &str) -> String {
        match shared.and_then(Value::as_str) {
            Some(name) => format!("share_{name}{}", self.type_suffix),
            None => format!("{otherwise}{}", self.type_suffix),
        }
    }
}

impl FrozenGraph<'_> {
    pub(super) fn fitting(
        &self,
        script: &Script,
        types: Option<&TypeEmbedding>,
        n_types: usize,
    ) -> Result<Fitting, Error> {
        let shared = script.fitting()["layer_name"].as_array();
        let shared = shared.map_or(&[][..], Vec::as_slice);
        let names = |type_suffix: String| Names {
            type_suffix,
            shared,
        };
        let frame_parameters = self.parameters("fparam")?;
        let atom_parameters = self.parameters("aparam")?;
        let parameters = frame_parameters.len() + atom_parameters.len();
        let common = names(String::new());
        let for_all = self.has(&format!("{}/matrix", common.last()));
        let (networks, width) = if for_all {
            let net = self.net(script, &common)?;
            let y = types.map_or(0, TypeEmbedding::width);
            let width = self.descriptor_inputs(&common, &net, parameters + y)?;
            let networks = match types {
                Some(types) => types.fitting_nets(&net, width),
                None => vec![net; n_types],
            };
            (networks, width)
        } else {
            let of_type = |t: usize| self.net(script, &names(format!("_type_{t}")));
            let networks = (0..n_types).map(of_type).collect::<Result<Vec<_>, _>>()?;
            let first = names("_type_0".to_owned());
            let width = self.descriptor_inputs(&first, &networks[0], parameters)?;
            (networks, width)
        };
        let listed = script.fitting()["atom_ener"].as_array();
        let from_vacuum = if for_all {
            let any = listed.map_or_else(|| self.passes_twice(&common), |list| !list.is_empty());
            vec![any; n_types]
        } else {
            let of_type = |t: usize| match listed {
                Some(list) => list.get(t).is_some_and(|energy| !energy.is_null()),
                None => self.passes_twice(&names(format!("_type_{t}"))),
            };
            (0..n_types).map(of_type).collect()
        };
        let (energy_bias, energy_scale) = self.energy_offsets(&from_vacuum)?;
        Ok(Fitting {
            networks,
            frame_parameters,
            atom_parameters,
            from_vacuum,
            energy_bias,
            energy_scale,
            width,
        })
    }

    /// Whether the net is evaluated a second time, for the atom without neighbours.
    fn passes_twice(&self, names: &Names<'_>) -> bool {
        let last = names.last();
        self.has(&format!("{last}_1/BiasAdd")) || self.has(&format!("{last}_1/add"))
    }

    /// Inputs of a net that are the descriptor: all but `others`, where all of its layers fit each other.
    fn descriptor_inputs(
        &self,
        names: &Names<'_>,
        net: &Network,
        others: usize,
    ) -> Result<usize, Error> {
        let name = format!("{}/matrix", names.hidden(0));
        if let Some(what) = net.fault(net.inputs(), 1) {
            return Err(self.inconsistent(&name, what));
        }
        net.inputs().checked_sub(others).ok_or_else(|| {
            self.inconsistent(
                &name,
                format!(
                    "{} rows are fewer than the {others} inputs that are no descriptor",
                    net.inputs()
                ),
            )
        })
    }

    /// A net. A hidden layer adds its input only where it is not the first and equally wide.
    fn net(&self, script: &Script, names: &Names<'_>) -> Result<Network, Error> {
        let mut activation = None;
        let mut layers: Vec<Layer> = Vec::new();
        // With names of their own, the list of names tells how many layers there are.
        let hidden = names.shared.len().checked_sub(1).unwrap_or(usize::MAX);
        for l in 0..hidden {
            let scope = names.hidden(l);
            let name = |item: &str| format!("{scope}/{item}");
            let Some(weights) = self.matrix(&name("matrix"))? else {
                break;
            };
            let residual = match l {
                1.. if weights.nrows() == weights.ncols() => Residual::Same,
                _ => Residual::None,
            };
            let known = match activation {
                Some(known) => known,
                None => self.activation(script.fitting(), &scope)?,
            };
            activation = Some(known);
            layers.push(self.layer(weights, &name("bias"), &name("idt"), known, residual)?);
        }
        let last = names.last();
        let name = |item: &str| format!("{last}/{item}");
        let weights = self
            .matrix(&name("matrix"))?
            .ok_or_else(|| self.missing(&name("matrix")))?;
        layers.push(self.layer(
            weights,
            &name("bias"),
            "",
            Activation::Linear,
            Residual::None,
        )?);
        Ok(Network { layers })
    }

    /// `fparam` or `aparam`. Before 1.1 there was no `daparam`; a negative number means none.
    fn parameters(&self, kind: &str) -> Result<Parameters, Error> {
        let name = format!("fitting_attr/d{kind}");
        let count = self.integer(&name)?.unwrap_or(0).max(0) as usize;
        if count == 0 {
            return Ok(Parameters::default());
        }
        let numbers = |item: &str| {
            let name = format!("fitting_attr/t_{kind}_{item}");
            self.list(&name, count)?.ok_or_else(|| self.missing(&name))
        };
        Ok(Parameters {
            mean: numbers("avg")?,
            inverse_deviation: numbers("istd")?,
            default: None,
        })
    }

    /// `(bias, scale)` of `E = (net + t_bias_atom_e) out_std + out_bias`, by type.
    ///
    /// Before 2.2 the bias is that of the last layer, and nothing is added, but to energies that are counted from the atom
    /// without neighbours, for which the last layer's bias cancels: there it is `atom_{t}_ener`. Models with type embedding,
    /// whose last layer knows no type, have kept it in a tensor called `bias_atom_ei`.
    fn energy_offsets(&self, from_vacuum: &[bool]) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let n_types = from_vacuum.len();
        let by_type = |names: &[&str]| -> Result<Option<Vec<f64>>, Error> {
            for name in names {
                if let Some(values) = self.list(name, n_types)? {
                    return Ok(Some(values));
                }
            }
            Ok(None)
        };
        let older = self.graph.nodes().find(|(name, node)| {
            node.op == "Const" && name.rsplit('/').next() == Some("bias_atom_ei")
        });
        let inner = match by_type(&["fitting_attr/t_bias_atom_e"])? {
            Some(bias) => bias,
            None => match older {
                Some((name, _)) => by_type(&[name])?.unwrap_or_default(),
                None => from_vacuum
                    .iter()
                    .enumerate()
                    .map(|(t, &from_vacuum)| {
                        if !from_vacuum {
                            return Ok(0.0);
                        }
                        let name = format!("atom_{t}_ener");
                        let energy = self.list(&name, 1)?;
                        Ok(energy.ok_or_else(|| self.missing(&name))?[0])
                    })
                    .collect::<Result<_, Error>>()?,
            },
        };
        // The scope stands twice in the files that are written.
        let outer = by_type(&["model_attr/model_attr/t_out_bias", "model_attr/t_out_bias"])?;
        let scale = by_type(&["model_attr/model_attr/t_out_std", "model_attr/t_out_std"])?;
        let outer = outer.unwrap_or_else(|| vec![0.0; n_types]);
        let scale = scale.unwrap_or_else(|| vec![1.0; n_types]);
        let bias = (0..n_types)
            .map(|t| inner[t] * scale[t] + outer[t])
            .collect();
        Ok((bias, scale))
    }
}
