//! Fitting networks of the native form, with frame and atom parameters, and the layers of all networks.

use super::Reader;
use super::descriptor::Described;
use crate::Error;
use crate::model::{Activation, Descriptor, Layer, Network, Parameters, Residual, brief, matrix};
use ndarray::Array1;
use serde_json::Value;

/// What turns descriptors into energies.
pub(super) struct Fitting {
    /// One a type.
    pub(super) networks: Vec<Network>,
    /// Energy added to the network's by type [eV].
    pub(super) bias: Vec<f64>,
    pub(super) frame_parameters: Parameters,
    pub(super) atom_parameters: Parameters,
    /// Types whose energy is counted from that of an atom without neighbours.
    pub(super) from_vacuum: Vec<bool>,
    /// Types that have no energy from here.
    pub(super) without_energy: Vec<usize>,
}

impl Reader<'_> {
    pub(super) fn fitting(
        &self,
        tree: &Value,
        n_types: usize,
        described: &Described,
    ) -> Result<Fitting, Error> {
        self.check_fitting(tree, described)?;
        let frame_parameters = self.parameters(tree, "numb_fparam", "fparam")?;
        let atom_parameters = self.parameters(tree, "numb_aparam", "aparam")?;
        let nets = self.list(&tree["nets"], "networks")?;
        let needed = if described.mixed { 1 } else { n_types };
        if nets.len() != needed {
            let whose = match described.mixed {
                true => "all types".to_owned(),
                false => format!("{n_types} types"),
            };
            let what = format!("{} nets for {whose}", nets.len());
            return Err(self.inconsistent("fitting", what));
        }
        let nets = nets.iter().map(|net| self.network(net));
        let mut networks = nets.collect::<Result<Vec<_>, _>>()?;
        if described.mixed {
            let parameters = frame_parameters.len() + atom_parameters.len();
            networks = self.of_types(&networks[0], n_types, described, parameters)?;
        }
        let variables = &tree["@variables"];
        let from_vacuum = vacuum_types(&tree["atom_ener"], n_types);
        if described.types.is_some() && from_vacuum.contains(&true) {
            // the free atom has no type there
            return Err(self.needs_libtorch("atom_ener with type embeddings"));
        }
        Ok(Fitting {
            networks,
            bias: self.one_for_each(variables, "bias_atom_e", n_types)?,
            frame_parameters,
            atom_parameters,
            from_vacuum,
            // exclude_types of a native file are overruled by atom_exclude_types of the model when deepmd-kit reads it
            without_energy: self.types(tree, "masked_types", n_types)?,
        })
    }

    /// The net of each type, from the one of all.
    fn of_types(
        &self,
        net: &Network,
        n_types: usize,
        described: &Described,
        parameters: usize,
    ) -> Result<Vec<Network>, Error> {
        let Some(types) = &described.types else {
            return Ok(vec![net.clone(); n_types]);
        };
        let width: usize = described.descriptors.iter().map(Descriptor::width).sum();
        match net.fault(width + types.width() + parameters, 1) {
            Some(what) => Err(self.inconsistent("fitting", what)),
            None => Ok(types.fitting_nets(net, width)),
        }
    }

    fn check_fitting(&self, tree: &Value, described: &Described) -> Result<(), Error> {
        match tree["type"].as_str() {
            Some("ener") => {}
            Some(kind) => {
                return Err(self.unsupported(
                    format!("a model of another quantity than energy ({})", brief(kind)),
                    "Energy models are",
                ));
            }
            None => return Err(self.inconsistent("fitting", "it has no type")),
        }
        self.version(tree, "fitting net", 4)?;
        if self.asks_for(tree, "mixed_types") && !described.mixed {
            return Err(self.needs_libtorch("one fitting net for all types (mixed_types)"));
        }
        if self.asks_for(tree, "dim_case_embd") {
            return Err(self.needs_libtorch("case embedding (dim_case_embd)"));
        }
        // a mask is an atom parameter that must be given and does not enter the network
        if self.asks_for(tree, "use_aparam_as_mask") && self.asks_for(tree, "numb_aparam") {
            return Err(self.needs_libtorch("use_aparam_as_mask"));
        }
        for key in ["spin", "tot_ener_zero"] {
            if self.asks_for(tree, key) {
                return Err(self.unsupported(key, format!("Energy models without {key} are")));
            }
        }
        Ok(())
    }

    /// Frame or atom parameters, whose number is called `count` and whose statistics begin with `name`.
    fn parameters(&self, tree: &Value, count: &str, name: &str) -> Result<Parameters, Error> {
        let n = self.optional_integer(tree, count)?;
        if n == 0 {
            return Ok(Parameters::default());
        }
        let variables = &tree["@variables"];
        // the tensor holds what the list says, in the precision that the networks see
        let tensor = self.vector(variables, &format!("default_{name}_tensor"))?;
        let key = format!("default_{name}");
        let default = match (tensor, &tree[&key]) {
            (Some(tensor), _) => Some(tensor.to_vec()),
            (None, Value::Null) => None,
            (None, _) => {
                let numbers = self.list(tree, &key)?.iter().map(Value::as_f64);
                let numbers: Option<Vec<_>> = numbers.collect();
                Some(
                    numbers
                        .ok_or_else(|| self.inconsistent(&key, "it is not a list of numbers"))?,
                )
            }
        };
        Ok(Parameters {
            mean: self.one_for_each(variables, &format!("{name}_avg"), n)?,
            inverse_deviation: self.one_for_each(variables, &format!("{name}_inv_std"), n)?,
            default,
        })
    }

    pub(super) fn network(&self, tree: &Value) -> Result<Network, Error> {
        self.version(tree, "network", 2)?;
        let layers = self.list(tree, "layers")?;
        let layers = layers
            .iter()
            .map(|layer| self.layer(layer))
            .collect::<Result<_, _>>()?;
        Ok(Network { layers })
    }

    fn layer(&self, tree: &Value) -> Result<Layer, Error> {
        self.version(tree, "layer", 2)?;
        let name = tree["activation_function"].as_str().unwrap_or("none");
        let activation = Activation::native(name)
            .ok_or_else(|| self.needs_libtorch(format!("activation function '{}'", brief(name))))?;
        let variables = &tree["@variables"];
        let weights = matrix(self.required_array(variables, "w")?)
            .map_err(|what| self.inconsistent("w", what))?;
        let (rows, columns) = weights.dim();
        let bias = self
            .vector(variables, "b")?
            .unwrap_or_else(|| Array1::zeros(columns));
        let residual = match tree["resnet"].as_bool() {
            Some(true) => Residual::by_width(rows, columns),
            _ => Residual::None,
        };
        Ok(Layer {
            weights: weights.into_shared(),
            bias,
            timestep: self.vector(variables, "idt")?,
            activation,
            residual,
        })
    }
}

/// With any energy assigned, every type is counted from its vacuum but those that are listed as `null`.
fn vacuum_types(assigned: &Value, n_types: usize) -> Vec<bool> {
    let assigned = assigned.as_array().map_or(&[][..], Vec::as_slice);
    if assigned.iter().all(Value::is_null) {
        return vec![false; n_types];
    }
    (0..n_types)
        .map(|t| assigned.get(t).is_none_or(|energy| !energy.is_null()))
        .collect()
}
