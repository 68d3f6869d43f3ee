//! Reader of deepmd-kit's own, backend-independent form: `.dp` (HDF5), `.yaml`, and JSON.
//!
//! All hold the same tree. Arrays are HDF5 datasets named by their path in the first, and nested lists in the others.
//! TorchScript is translated into this tree as well, with numbers in the place of arrays.

mod arrays;
mod attention;
mod descriptor;
mod fitting;
mod yaml;

pub(super) use arrays::NumberedArrays;

use super::limits::MOST_TYPES;
use super::{Format, Model, brief, convert_for_libtorch, nesting};
use crate::Error;
use arrays::Arrays;
use hdf5_reader::{Hdf5File, OpenOptions};
use serde_json::Value;
use std::cell::Cell;

/// Reads a `.dp` file. `file` goes into messages.
///
/// # Errors
/// As [`super::read`].
pub(super) fn read_hdf5(file: &str, bytes: &[u8]) -> Result<Model, Error> {
    let malformed = |what: String| Error::Malformed {
        file: file.to_owned(),
        format: "native model (.dp, HDF5)",
        what: brief(&what),
    };
    // arrays of a model are stored as they are: none is larger than the file
    let most = bytes.len().saturating_add(1 << 16);
    let options = OpenOptions {
        max_chunk_bytes: most,
        max_object_header_bytes: most,
        ..OpenOptions::default()
    };
    let container = Hdf5File::from_bytes_with_options(
        bytes,
        options.with_max_read_bytes(most.saturating_mul(8)),
    )
    .map_err(|error| malformed(error.to_string()))?;
    let text = container
        .root_group()
        .and_then(|root| root.attribute("json"))
        .and_then(|attribute| attribute.read_string())
        .map_err(|error| malformed(format!("its attribute 'json' cannot be read ({error})")))?;
    nesting::check(text.as_bytes()).map_err(malformed)?;
    let tree: Value = serde_json::from_str(&text)
        .map_err(|error| malformed(format!("its attribute 'json' is not JSON ({error})")))?;
    let arrays = Arrays::Datasets(&container);
    Reader::new(file, Format::NativeHdf5, arrays, bytes.len()).model(&tree)
}

/// Reads a `.yaml` file. `file` goes into messages.
///
/// # Errors
/// As [`super::read`].
pub(super) fn read_yaml(file: &str, bytes: &[u8]) -> Result<Model, Error> {
    let tree = yaml::parse(bytes).map_err(|what| Error::Malformed {
        file: file.to_owned(),
        format: "native model (.yaml)",
        what: brief(&what),
    })?;
    Reader::new(file, Format::NativeYaml, Arrays::Inline, bytes.len()).model(&tree)
}

/// Interprets a tree that is JSON, with arrays as nested lists. With `takes_all`, every neighbour counts where types share their
/// slots.
///
/// # Errors
/// As [`super::read`].
pub(super) fn read_json(
    file: &str,
    tree: &Value,
    format: Format,
    takes_all: bool,
) -> Result<Model, Error> {
    Reader {
        takes_all,
        ..Reader::new(file, format, Arrays::Inline, usize::MAX)
    }
    .model(tree)
}

/// Interprets a tree whose arrays are numbered, in a file of `size` bytes.
///
/// # Errors
/// As [`super::read`].
pub(super) fn read_tree(
    file: &str,
    tree: &Value,
    format: Format,
    arrays: &NumberedArrays<'_>,
    size: usize,
) -> Result<Model, Error> {
    Reader::new(file, format, Arrays::Numbered(arrays), size).model(tree)
}

struct Reader<'a> {
    file: &'a str,
    format: Format,
    arrays: Arrays<'a>,
    /// Whether every neighbour within the cutoff counts, where types share their slots.
    takes_all: bool,
    /// Numbers that the arrays may still have, all together: a damaged file may name one large array many times.
    left: Cell<usize>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a str, format: Format, arrays: Arrays<'a>, size: usize) -> Self {
        Self {
            file,
            format,
            arrays,
            takes_all: false,
            left: Cell::new(size.saturating_add(1 << 16)),
        }
    }

    fn inconsistent(&self, item: &str, what: impl Into<String>) -> Error {
        Error::Inconsistent {
            file: self.file.to_owned(),
            item: item.to_owned(),
            what: what.into(),
        }
    }

    /// For what is no model of energies, or of no known kind.
    fn unsupported(&self, feature: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::Unsupported {
            file: self.file.to_owned(),
            feature: feature.into(),
            remedy: remedy.into(),
        }
    }

    /// For models of energies that deepmd-kit's PyTorch backend has a program for.
    fn needs_libtorch(&self, feature: impl Into<String>) -> Error {
        match self.format {
            Format::TorchScript => Error::NeedsLibtorch {
                file: self.file.to_owned(),
                feature: feature.into(),
            },
            _ => self.unsupported(feature, convert_for_libtorch(self.file)),
        }
    }

    // Entries of the tree

    fn integer(&self, tree: &Value, key: &str) -> Result<usize, Error> {
        let value = &tree[key];
        value
            .as_u64()
            .and_then(|value| usize::try_from(value).ok())
            .ok_or_else(|| {
                let what = format!("{} is not a number of things", brief(value));
                self.inconsistent(key, what)
            })
    }

    /// The same where an absent entry means none.
    fn optional_integer(&self, tree: &Value, key: &str) -> Result<usize, Error> {
        if tree[key].is_null() {
            return Ok(0);
        }
        self.integer(tree, key)
    }

    fn float(&self, tree: &Value, key: &str) -> Result<f64, Error> {
        let value = &tree[key];
        value.as_f64().ok_or_else(|| {
            let what = format!("{} is not a number", brief(value));
            self.inconsistent(key, what)
        })
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

    /// A list of atom types; empty where it is absent.
    fn types(&self, tree: &Value, key: &str, n_types: usize) -> Result<Vec<usize>, Error> {
        self.entries(tree, key, |entry| type_index(entry, n_types))
    }

    /// A list of pairs of atom types; empty where it is absent.
    fn pairs(&self, tree: &Value, key: &str, n_types: usize) -> Result<Vec<[usize; 2]>, Error> {
        self.entries(tree, key, |entry| {
            let [a, b] = entry.as_array()?.as_slice() else {
                return None;
            };
            Some([type_index(a, n_types)?, type_index(b, n_types)?])
        })
    }

    fn entries<T>(
        &self,
        tree: &Value,
        key: &str,
        entry: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        if tree[key].is_null() {
            return Ok(Vec::new());
        }
        let read = |value: &Value| {
            entry(value).ok_or_else(|| {
                let what = format!("{} names no types of the model", brief(value));
                self.inconsistent(key, what)
            })
        };
        self.list(tree, key)?.iter().map(read).collect()
    }

    /// Refuses a part of the tree that was written by a version of deepmd-kit that may mean something else by it.
    fn version(&self, tree: &Value, part: &str, newest: u64) -> Result<(), Error> {
        match tree["@version"].as_f64() {
            Some(version) if version > newest as f64 => Err(self.unsupported(
                format!("version {version} of a {part}"),
                format!("Versions up to {newest} are, which deepmd-kit 3.2 writes"),
            )),
            _ => Ok(()),
        }
    }

    /// Whether an entry is there and asks for something.
    fn asks_for(&self, tree: &Value, key: &str) -> bool {
        match &tree[key] {
            Value::Null | Value::Bool(false) => false,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::Array(items) => !items.is_empty(),
            _ => true,
        }
    }

    // The model

    fn model(&self, tree: &Value) -> Result<Model, Error> {
        let model = &tree["model"];
        self.check_kind(model)?;
        let names = self.list(model, "type_map")?;
        let n_types = names.len();
        if n_types == 0 || n_types > MOST_TYPES {
            let what = format!("{n_types} is not a possible number of types");
            return Err(self.inconsistent("type_map", what));
        }
        let name = |name: &Value| {
            let text = name.as_str().map(str::to_owned);
            text.ok_or_else(|| {
                let what = format!(
                    "{} is not the name of a type: put it in quotes",
                    brief(name)
                );
                self.inconsistent("type_map", what)
            })
        };
        let type_map = names.iter().map(name).collect::<Result<_, _>>()?;
        let without_energy = self.types(model, "atom_exclude_types", n_types)?;
        let off_the_list = self.pairs(model, "pair_exclude_types", n_types)?;
        let described = self.descriptors(&model["descriptor"], n_types, &off_the_list)?;
        let fitting = self.fitting(&model["fitting"], n_types, &described)?;

        // out_std is stored and not used for energies
        let mut scale = vec![1.0; n_types];
        let mut bias = fitting.bias;
        for &t in &fitting.without_energy {
            (scale[t], bias[t]) = (0.0, 0.0);
        }
        if let Some((_, outer)) = self.array(&model["@variables"], "out_bias")? {
            if outer.len() != n_types {
                let what = format!("{} numbers for {n_types} types", outer.len());
                return Err(self.inconsistent("out_bias", what));
            }
            bias.iter_mut().zip(outer).for_each(|(sum, b)| *sum += b);
        }
        for &t in &without_energy {
            (scale[t], bias[t]) = (0.0, 0.0);
        }
        Model {
            format: self.format,
            type_map,
            descriptors: described.descriptors,
            frame_parameters: fitting.frame_parameters,
            atom_parameters: fitting.atom_parameters,
            from_vacuum: fitting.from_vacuum,
            fitting: fitting.networks,
            energy_bias: bias,
            energy_scale: scale,
        }
        .validate(self.file)
    }

    fn check_kind(&self, model: &Value) -> Result<(), Error> {
        match model["type"].as_str() {
            Some("standard") => self.version(model, "model", 2),
            Some("linear" | "linear_ener") => {
                Err(self.needs_libtorch("a linear combination of models"))
            }
            Some("zbl") => Err(self.needs_libtorch("a model joined to a tabulated pair potential")),
            Some("pairtab") => Err(self.needs_libtorch("a tabulated pair potential")),
            Some(kind) if kind.contains("spin") => {
                Err(self.unsupported("a model with spin", "Energy models without spin are"))
            }
            Some(kind) => Err(self.needs_libtorch(format!("a model of type '{}'", brief(kind)))),
            None => {
                Err(self.inconsistent("model", "it has no type; is it a Deep Potential model?"))
            }
        }
    }
}

fn type_index(value: &Value, n_types: usize) -> Option<usize> {
    let index = usize::try_from(value.as_u64()?).ok()?;
    (index < n_types).then_some(index)
}
