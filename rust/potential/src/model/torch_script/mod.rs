//! Reader of TorchScript files, `.pth`, as deepmd-kit's PyTorch backend freezes them.
//!
//! The attributes of the scripted module hold what the native form holds, under other names; they are put into its tree,
//! so that one reader interprets both. The program in the archive is not run.

mod archive;
mod pickle;

use super::{Format, Model, native};
use crate::Error;
use archive::Archive;
use pickle::{Item, Tensor};
use serde_json::{Value, json};
use std::rc::Rc;

/// Reads a `.pth` file. `file` goes into messages.
///
/// # Errors
/// As [`super::read`].
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Model, Error> {
    let (archive, module) = Archive::open(bytes).map_err(|what| Error::Malformed {
        file: file.to_owned(),
        format: "TorchScript (.pth)",
        what,
    })?;
    let mut tree = Tree {
        file,
        archive: &archive,
        tensors: Vec::new(),
    };
    let model = tree.model(&module)?;
    let array = |number: u64| {
        let tensor = usize::try_from(number)
            .ok()
            .and_then(|number| tree.tensors.get(number));
        archive.numbers(tensor.ok_or("it is not an array")?)
    };
    native::read_tree(
        file,
        &json!({ "model": model }),
        Format::TorchScript,
        &array,
    )
}

/// Translates attributes into the native tree.
struct Tree<'r, 'z> {
    file: &'r str,
    archive: &'r Archive<'z>,
    tensors: Vec<Rc<Tensor>>,
}

impl Tree<'_, '_> {
    fn unsupported(&self, feature: String) -> Error {
        Error::Unsupported {
            file: self.file.to_owned(),
            feature,
            remedy: "Energy models with descriptor se_e2_a are".to_owned(),
        }
    }

    fn attribute<'i>(&self, item: &'i Item, name: &str) -> Result<&'i Item, Error> {
        item.get(name).ok_or_else(|| Error::Inconsistent {
            file: self.file.to_owned(),
            item: name.to_owned(),
            what: "the module has no such attribute; is it a Deep Potential model?".to_owned(),
        })
    }

    /// A scalar, text, tensor or flat list; `null` for everything else and for what is missing.
    fn value(&mut self, item: Option<&Item>) -> Value {
        match item {
            Some(Item::Bool(value)) => Value::from(*value),
            Some(Item::Int(value)) => Value::from(*value),
            Some(Item::Float(value)) => Value::from(*value),
            Some(Item::Text(value)) => Value::from(&**value),
            Some(Item::Tensor(tensor)) => {
                self.tensors.push(tensor.clone());
                Value::from(self.tensors.len() - 1)
            }
            Some(Item::Sequence(sequence)) => {
                let scalars = sequence.items.iter().map(|item| match item {
                    Item::Bool(value) => Value::from(*value),
                    Item::Int(value) => Value::from(*value),
                    Item::Float(value) => Value::from(*value),
                    Item::Text(value) => Value::from(&**value),
                    _ => Value::Null,
                });
                Value::Array(scalars.collect())
            }
            _ => Value::Null,
        }
    }

    fn values(&mut self, item: &Item, names: &[(&str, &str)]) -> Value {
        let entries = names
            .iter()
            .map(|(theirs, ours)| ((*ours).to_owned(), self.value(item.get(theirs))));
        Value::Object(entries.collect())
    }

    fn model(&mut self, module: &Item) -> Result<Value, Error> {
        match module.class() {
            Some("EnergyModel") => {}
            class => {
                return Err(
                    self.unsupported(format!("a module of class {}", class.unwrap_or("(none)")))
                );
            }
        }
        let atomic = self.attribute(module, "atomic_model")?;
        match atomic.class() {
            Some("DPEnergyAtomicModel" | "DPAtomicModel") => {}
            class => {
                return Err(self.unsupported(format!(
                    "an atomic model of class {}",
                    class.unwrap_or("(none)")
                )));
            }
        }
        for name in ["atom_excl", "pair_excl"] {
            if matches!(atomic.get(name), Some(Item::Map(_))) {
                return Err(self.unsupported(format!("{}_exclude_types", &name[..4])));
            }
        }
        let descriptor = self.descriptor(self.attribute(atomic, "descriptor")?)?;
        let fitting = self.fitting(self.attribute(atomic, "fitting_net")?)?;
        Ok(json!({
            "type": "standard",
            "type_map": self.value(atomic.get("type_map")),
            "@variables": self.values(atomic, &[("out_bias", "out_bias")]),
            "descriptor": descriptor,
            "fitting": fitting,
        }))
    }

    fn descriptor(&mut self, module: &Item) -> Result<Value, Error> {
        match module.class() {
            Some("DescrptSeA") => {}
            class => {
                return Err(self.unsupported(format!(
                    "a descriptor of class {}",
                    class.unwrap_or("(none)")
                )));
            }
        }
        let block = self.attribute(module, "sea")?;
        let one_sided = matches!(block.get("type_one_side"), Some(Item::Bool(true)));
        let count = match (block.get("ntypes"), one_sided) {
            (Some(Item::Int(n)), true) => *n,
            (Some(Item::Int(n)), false) => n.saturating_mul(*n),
            _ => 0,
        };
        let compressed = matches!(block.get("compress"), Some(Item::Bool(true)));
        let mut tree = self.values(
            block,
            &[
                ("rcut", "rcut"),
                ("rcut_smth", "rcut_smth"),
                ("sel", "sel"),
                ("axis_neuron", "axis_neuron"),
                ("env_protection", "env_protection"),
            ],
        );
        tree["type"] = "se_e2_a".into();
        tree["exclude_types"] = self.excluded(block)?;
        tree["@variables"] = self.values(block, &[("mean", "davg"), ("stddev", "dstd")]);
        tree["embeddings"] = json!({
            "ndim": if one_sided { 1 } else { 2 },
            "networks": self.networks(self.attribute(block, "filter_layers")?, count)?,
        });
        if compressed {
            tree["compress"] = json!({ "@variables": {
                "compress_data": self.numbered(self.attribute(block, "compress_data")?, count),
                "compress_info": self.numbered(self.attribute(block, "compress_info")?, count),
            }});
        }
        Ok(tree)
    }

    /// Pairs of types that see nothing of each other: zeros of a mask `[n_types + 1, n_types + 1]`.
    fn excluded(&self, block: &Item) -> Result<Value, Error> {
        let mask = block.get("emask").and_then(|mask| mask.get("type_mask"));
        let Some(Item::Tensor(mask)) = mask else {
            return Ok(Value::Null);
        };
        let (_, mask) = self
            .archive
            .numbers(mask)
            .map_err(|what| Error::Inconsistent {
                file: self.file.to_owned(),
                item: "type_mask".to_owned(),
                what,
            })?;
        let width = mask.len().isqrt().max(1);
        // the last row and column belong to empty slots
        let types = width - 1;
        let zeros = mask
            .iter()
            .enumerate()
            .filter(|(_, allowed)| **allowed == 0.0);
        let pairs = zeros.map(|(k, _)| (k / width, k % width));
        let real = pairs.filter(|&(a, b)| a < types && b < types);
        Ok(real.map(|(a, b)| json!([a, b])).collect())
    }

    fn fitting(&mut self, module: &Item) -> Result<Value, Error> {
        match module.class() {
            Some("EnergyFittingNet" | "InvarFitting") => {}
            class => {
                return Err(self.unsupported(format!(
                    "a fitting net of class {}",
                    class.unwrap_or("(none)")
                )));
            }
        }
        let mut tree = self.values(
            module,
            &[
                ("numb_fparam", "numb_fparam"),
                ("numb_aparam", "numb_aparam"),
                ("dim_case_embd", "dim_case_embd"),
                ("mixed_types", "mixed_types"),
                ("exclude_types", "exclude_types"),
            ],
        );
        let count = match module.get("ntypes") {
            Some(Item::Int(n)) => *n,
            _ => 0,
        };
        tree["type"] = "ener".into();
        tree["@variables"] = self.values(module, &[("bias_atom_e", "bias_atom_e")]);
        tree["nets"] =
            json!({ "networks": self.networks(self.attribute(module, "filter_layers")?, count)? });
        // true where an energy was assigned to the free atom; the energy itself is part of the bias
        let counted = module
            .get("remove_vaccum_contribution")
            .and_then(Item::items)
            .unwrap_or_default();
        tree["atom_ener"] = counted
            .iter()
            .map(|counted| {
                if matches!(counted, Item::Bool(true)) {
                    json!(0.0)
                } else {
                    Value::Null
                }
            })
            .collect();
        Ok(tree)
    }

    /// The networks called `0`, `1`, ... of a collection.
    fn networks(&mut self, collection: &Item, count: i64) -> Result<Value, Error> {
        let networks = self.attribute(collection, "networks")?;
        (0..count)
            .map(|k| self.network(self.attribute(networks, &k.to_string())?))
            .collect()
    }

    fn network(&mut self, module: &Item) -> Result<Value, Error> {
        let layers = self.attribute(module, "layers")?;
        let numbered = (0..).map_while(|l: usize| layers.get(&l.to_string()));
        let layers: Vec<_> = numbered
            .map(|layer| {
                json!({
                    "activation_function": self.value(layer.get("activate").and_then(|f| f.get("activation"))),
                    "resnet": self.value(layer.get("resnet")),
                    "@variables": self.values(layer, &[("matrix", "w"), ("bias", "b"), ("idt", "idt")]),
                })
            })
            .collect();
        Ok(json!({ "layers": layers }))
    }

    /// Tensors that are attributes called `0`, `1`, ..., or items of a list.
    fn numbered(&mut self, module: &Item, count: i64) -> Value {
        let tensors = (0..count).map_while(|k| match module.items() {
            Some(items) => items.get(k as usize),
            None => module.get(&k.to_string()),
        });
        Value::Array(tensors.map(|tensor| self.value(Some(tensor))).collect())
    }
}
