//! Reader of deepmd-kit's own, backend-independent form: `.dp` (HDF5) and `.yaml`.
//!
//! Both hold the same tree. Arrays are HDF5 datasets named by their path in the one, and nested lists in the other.

use super::descriptor::by_section;
use super::matrix;
use super::{
    Activation, DEGREES, Descriptor, Embedding, Exclusion, Format, Kind, Layer, Model, Network,
    Parameters, Residual, Selection, Shaped, Smoothing, Table,
};
use crate::Error;
use hdf5_reader::{Hdf5File, OpenOptions};
use ndarray::{Array1, Array2, Array3};
use serde_json::Value;

/// No array of a model takes more bytes than this; a file that says so is damaged.
const MOST_BYTES: usize = 1 << 29;

/// Reads a `.dp` file. `file` goes into messages.
///
/// # Errors
/// As [`super::read`].
pub(super) fn read_hdf5(file: &str, bytes: &[u8]) -> Result<Model, Error> {
    let malformed = |what: String| Error::Malformed {
        file: file.to_owned(),
        format: "native model (.dp, HDF5)",
        what,
    };
    let options = OpenOptions::default().with_max_read_bytes(MOST_BYTES);
    let container = Hdf5File::from_bytes_with_options(bytes, options)
        .map_err(|error| malformed(error.to_string()))?;
    let text = container
        .root_group()
        .and_then(|root| root.attribute("json"))
        .and_then(|attribute| attribute.read_string())
        .map_err(|error| malformed(format!("its attribute 'json' cannot be read ({error})")))?;
    let tree: Value = serde_json::from_str(&text)
        .map_err(|error| malformed(format!("its attribute 'json' is not JSON ({error})")))?;
    let reader = Reader {
        file,
        arrays: Arrays::Datasets(&container),
    };
    reader.model(&tree, Format::NativeHdf5)
}

/// Reads a `.yaml` file. `file` goes into messages.
///
/// # Errors
/// As [`super::read`].
pub(super) fn read_yaml(file: &str, bytes: &[u8]) -> Result<Model, Error> {
    let tree: Value = serde_yaml_ng::from_slice(bytes).map_err(|error| Error::Malformed {
        file: file.to_owned(),
        format: "native model (.yaml)",
        what: error.to_string(),
    })?;
    let reader = Reader {
        file,
        arrays: Arrays::Inline,
    };
    reader.model(&tree, Format::NativeYaml)
}

/// Where the arrays of the tree are kept.
enum Arrays<'a> {
    /// In datasets; the tree holds their paths.
    Datasets(&'a Hdf5File),
    /// In the tree, as `{"@class": "np.ndarray", "value": [...]}`.
    Inline,
    /// Elsewhere; the tree holds numbers by which to ask for them.
    Numbered(&'a NumberedArrays<'a>),
}

/// Gives the array with a number.
pub(super) type NumberedArrays<'a> = dyn Fn(u64) -> Result<Shaped, String> + 'a;

/// Interprets a tree whose arrays are numbered.
///
/// # Errors
/// As [`super::read`].
pub(super) fn read_tree(
    file: &str,
    tree: &Value,
    format: Format,
    arrays: &NumberedArrays<'_>,
) -> Result<Model, Error> {
    let reader = Reader {
        file,
        arrays: Arrays::Numbered(arrays),
    };
    reader.model(tree, format)
}

struct Reader<'a> {
    file: &'a str,
    arrays: Arrays<'a>,
}

impl Reader<'_> {
    fn inconsistent(&self, item: &str, what: impl Into<String>) -> Error {
        Error::Inconsistent {
            file: self.file.to_owned(),
            item: item.to_owned(),
            what: what.into(),
        }
    }

    fn unsupported(&self, feature: impl Into<String>) -> Error {
        Error::Unsupported {
            file: self.file.to_owned(),
            feature: feature.into(),
            remedy: "Energy models of type 'standard' with descriptor se_e2_a are".to_owned(),
        }
    }

    // Entries of the tree

    fn integer(&self, tree: &Value, key: &str) -> Result<usize, Error> {
        let value = &tree[key];
        value
            .as_u64()
            .and_then(|value| usize::try_from(value).ok())
            .ok_or_else(|| self.inconsistent(key, format!("{value} is not a number of things")))
    }

    fn float(&self, tree: &Value, key: &str) -> Result<f64, Error> {
        let value = &tree[key];
        value
            .as_f64()
            .ok_or_else(|| self.inconsistent(key, format!("{value} is not a number")))
    }

    fn list<'t>(&self, tree: &'t Value, key: &str) -> Result<&'t [Value], Error> {
        let list = tree[key].as_array().map(Vec::as_slice);
        list.ok_or_else(|| {
            self.inconsistent(
                key,
                "it is missing or not a list; is it a Deep Potential model?",
            )
        })
    }

    /// Refuses whatever would change the energy and is not implemented.
    fn refuse(&self, tree: &Value, key: &str, harmless: &[Value]) -> Result<(), Error> {
        let value = &tree[key];
        if value.is_null() || harmless.contains(value) {
            Ok(())
        } else {
            Err(self.unsupported(format!("{key} = {value}")))
        }
    }

    /// Shape and numbers of an array; `None` for `null`.
    fn array(&self, tree: &Value, key: &str) -> Result<Option<Shaped>, Error> {
        self.numbers(&tree[key], key)
    }

    /// The same for a value that is called `key` in messages.
    fn numbers(&self, value: &Value, key: &str) -> Result<Option<Shaped>, Error> {
        let array = match (&self.arrays, value) {
            (_, Value::Null) => return Ok(None),
            (Arrays::Datasets(file), Value::String(path)) => read_dataset(file, path),
            (Arrays::Inline, Value::Object(map)) => {
                let (mut shape, mut numbers) = (Vec::new(), Vec::new());
                flatten(&map["value"], 0, &mut shape, &mut numbers).map(|()| (shape, numbers))
            }
            (Arrays::Numbered(array), Value::Number(number)) => {
                array(number.as_u64().unwrap_or(u64::MAX))
            }
            _ => Err("it is not an array".to_owned()),
        };
        array.map(Some).map_err(|what| self.inconsistent(key, what))
    }

    fn required_array(&self, tree: &Value, key: &str) -> Result<Shaped, Error> {
        self.array(tree, key)?
            .ok_or_else(|| self.inconsistent(key, "the array is missing"))
    }

    fn vector(&self, tree: &Value, key: &str) -> Result<Option<Array1<f64>>, Error> {
        Ok(self
            .array(tree, key)?
            .map(|(_, numbers)| Array1::from_vec(numbers)))
    }

    // The model

    fn model(&self, tree: &Value, format: Format) -> Result<Model, Error> {
        let model = &tree["model"];
        match model["type"].as_str() {
            Some("standard") => {}
            Some(kind) => return Err(self.unsupported(format!("a model of type '{kind}'"))),
            None => {
                return Err(
                    self.inconsistent("model", "it has no type; is it a Deep Potential model?")
                );
            }
        }
        self.refuse(model, "atom_exclude_types", &[Value::Array(vec![])])?;
        self.refuse(model, "pair_exclude_types", &[Value::Array(vec![])])?;
        let type_map: Vec<_> = self
            .list(model, "type_map")?
            .iter()
            .map(|name| name.as_str().unwrap_or_default().to_owned())
            .collect();
        let n_types = type_map.len();
        let descriptor = self.descriptor(&model["descriptor"], n_types)?;
        let fitting = &model["fitting"];
        let networks = self.fitting(fitting, n_types)?;
        let (_, inner) = self.required_array(&fitting["@variables"], "bias_atom_e")?;
        let (_, outer) = self.required_array(&model["@variables"], "out_bias")?;
        if inner.len() != n_types || outer.len() != n_types {
            let what = format!(
                "{} and {} numbers for {n_types} types",
                inner.len(),
                outer.len()
            );
            return Err(self.inconsistent("bias_atom_e, out_bias", what));
        }
        Model {
            format,
            type_map,
            descriptors: vec![descriptor],
            frame_parameters: Parameters::default(),
            atom_parameters: Parameters::default(),
            from_vacuum: vacuum_types(&fitting["atom_ener"], n_types),
            fitting: networks,
            energy_bias: inner.iter().zip(&outer).map(|(a, b)| a + b).collect(),
            // out_std is stored and not used for energies
            energy_scale: vec![1.0; n_types],
        }
        .validate(self.file)
    }

    fn descriptor(&self, tree: &Value, n_types: usize) -> Result<Descriptor, Error> {
        match tree["type"].as_str() {
            Some("se_e2_a" | "se_a") => {}
            Some(kind) => return Err(self.unsupported(format!("descriptor {kind}"))),
            None => return Err(self.inconsistent("descriptor", "it has no type")),
        }
        self.refuse(tree, "env_protection", &[0.0.into(), 0.into()])?;
        self.refuse(tree, "spin", &[])?;
        self.refuse(&tree["env_mat"], "use_exp_switch", &[false.into()])?;
        let sel = self
            .list(tree, "sel")?
            .iter()
            .map(|value| value.as_u64().map(|value| value as usize))
            .collect::<Option<Vec<_>>>()
            .filter(|sel| sel.len() == n_types)
            .ok_or_else(|| self.inconsistent("sel", format!("it is not {n_types} numbers")))?;
        let networks = &tree["embeddings"];
        let nets = self.list(networks, "networks")?;
        // Index: neighbour, or centre + n_types * neighbour.
        let one_sided = self.integer(networks, "ndim")? == 1;
        let expected = if one_sided {
            n_types
        } else {
            n_types * n_types
        };
        if nets.len() != expected {
            return Err(self.inconsistent(
                "embeddings",
                format!("{} nets where {expected} are needed", nets.len()),
            ));
        }
        let index = |(centre, neighbour): (usize, usize)| {
            Some(if one_sided {
                neighbour
            } else {
                centre + n_types * neighbour
            })
        };
        let mut excluded = Array2::from_elem((n_types, n_types), Exclusion::None);
        for pair in tree["exclude_types"].as_array().into_iter().flatten() {
            match (pair[0].as_u64(), pair[1].as_u64()) {
                (Some(a), Some(b)) if a < n_types as u64 && b < n_types as u64 => {
                    excluded[[a as usize, b as usize]] = Exclusion::Neighbours;
                    excluded[[b as usize, a as usize]] = Exclusion::Neighbours;
                }
                _ => {
                    return Err(self
                        .inconsistent("exclude_types", format!("{pair} is not a pair of types")));
                }
            }
        }
        let variables = &tree["@variables"];
        Ok(Descriptor {
            kind: Kind::SeE2A {
                axis: self.integer(tree, "axis_neuron")?,
            },
            smoothing: Smoothing::double(self.float(tree, "rcut_smth")?, self.float(tree, "rcut")?),
            divisor: sel.iter().sum::<usize>() as f64,
            selection: Selection::OverallThenPerType(sel.iter().sum()),
            mean: self.statistics(variables, "davg", &sel, 0.0)?,
            deviation: self.statistics(variables, "dstd", &sel, 1.0)?,
            embeddings: nets
                .iter()
                .enumerate()
                .map(|(k, net)| self.embedding(net, &tree["compress"]["@variables"], k))
                .collect::<Result<_, _>>()?,
            embedding_of: Array2::from_shape_fn((n_types, n_types), index),
            excluded,
            sel,
        })
    }

    fn statistics(
        &self,
        variables: &Value,
        key: &str,
        sel: &[usize],
        otherwise: f64,
    ) -> Result<Array3<f64>, Error> {
        let values = self.required_array(variables, key)?;
        by_section(&values, sel, 4, otherwise).map_err(|what| self.inconsistent(key, what))
    }

    fn fitting(&self, tree: &Value, n_types: usize) -> Result<Vec<Network>, Error> {
        match tree["type"].as_str() {
            Some("ener") => {}
            kind => {
                return Err(self.unsupported(format!("fitting type {}", kind.unwrap_or("(none)"))));
            }
        }
        let none = [0.into(), false.into(), Value::Array(vec![])];
        for key in [
            "numb_fparam",
            "numb_aparam",
            "dim_case_embd",
            "mixed_types",
            "exclude_types",
            "spin",
            "tot_ener_zero",
        ] {
            self.refuse(tree, key, &none)?;
        }
        let nets = self.list(&tree["nets"], "networks")?;
        if nets.len() != n_types {
            return Err(self.inconsistent(
                "fitting",
                format!("{} nets for {n_types} types", nets.len()),
            ));
        }
        nets.iter().map(|net| self.network(net)).collect()
    }

    /// The `k`-th embedding: its table where the model is compressed, else its network.
    fn embedding(&self, net: &Value, tables: &Value, k: usize) -> Result<Embedding, Error> {
        let data = self.numbers(&tables["compress_data"][k], "compress_data")?;
        match data.filter(|(_, numbers)| !numbers.is_empty()) {
            Some((shape, numbers)) => {
                let info = self.numbers(&tables["compress_info"][k], "compress_info")?;
                let (_, info) = info.unwrap_or_default();
                let outputs = shape.last().map_or(0, |columns| columns / DEGREES);
                Table::new(&info, &numbers, outputs)
                    .map(Embedding::Table)
                    .map_err(|what| self.inconsistent("compress_data", what))
            }
            None if net.is_null() => {
                Err(self.unsupported("a compressed model without its embedding nets"))
            }
            None => self.network(net).map(Embedding::Network),
        }
    }

    fn network(&self, tree: &Value) -> Result<Network, Error> {
        let layers = self.list(tree, "layers")?;
        let layers = layers
            .iter()
            .map(|layer| self.layer(layer))
            .collect::<Result<_, _>>()?;
        Ok(Network { layers })
    }

    fn layer(&self, tree: &Value) -> Result<Layer, Error> {
        let name = tree["activation_function"].as_str().unwrap_or("none");
        let activation = Activation::native(name)
            .ok_or_else(|| self.unsupported(format!("activation function '{name}'")))?;
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
        let timestep = self.vector(variables, "idt")?;
        Ok(Layer {
            weights,
            bias,
            timestep,
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

fn read_dataset(file: &Hdf5File, path: &str) -> Result<Shaped, String> {
    let dataset = file.dataset(path).map_err(|error| error.to_string())?;
    let shape: Vec<_> = dataset
        .shape()
        .iter()
        .map(|&extent| extent as usize)
        .collect();
    let numbers = dataset
        .read_array::<f64>()
        .map(|array| array.into_iter().collect())
        .or_else(|_| {
            dataset
                .read_array::<f32>()
                .map(|array| array.into_iter().map(f64::from).collect())
        })
        .map_err(|error| format!("dataset {path}: {error}"))?;
    Ok((shape, numbers))
}

/// Appends the numbers of nested lists in row-major order and checks that the nesting is regular.
fn flatten(
    value: &Value,
    depth: usize,
    shape: &mut Vec<usize>,
    numbers: &mut Vec<f64>,
) -> Result<(), String> {
    match value {
        Value::Array(items) => {
            if shape.len() == depth {
                if !numbers.is_empty() || depth == 8 {
                    return Err("its lists are not regular".to_owned());
                }
                shape.push(items.len());
            } else if shape[depth] != items.len() {
                return Err("its lists are not equally long".to_owned());
            }
            items
                .iter()
                .try_for_each(|item| flatten(item, depth + 1, shape, numbers))
        }
        _ if depth != shape.len() => Err("its lists are not regular".to_owned()),
        _ => {
            numbers.push(
                value
                    .as_f64()
                    .ok_or_else(|| format!("{value} is not a number"))?,
            );
            Ok(())
        }
    }
}
