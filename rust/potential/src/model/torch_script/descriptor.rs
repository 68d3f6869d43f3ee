//! Descriptors of scripted modules.

use super::Tree;
use super::item::Item;
use crate::Error;
use crate::model::brief;
use serde_json::{Value, json};

/// What the native tree calls a descriptor, the attribute that its numbers are in, and whether it has one network for each pair
/// of types, for each type, or says which.
struct Class {
    kind: &'static str,
    block: Option<&'static str>,
    one_sided: Option<bool>,
}

impl Class {
    fn of(module: &Item) -> Option<Self> {
        let (kind, block, one_sided) = match module.class()? {
            "DescrptSeA" => ("se_e2_a", Some("sea"), None),
            "DescrptSeR" => ("se_e2_r", None, Some(true)),
            "DescrptSeT" => ("se_e3", Some("seat"), Some(false)),
            _ => return None,
        };
        Some(Self {
            kind,
            block,
            one_sided,
        })
    }
}

impl Tree<'_, '_> {
    pub(super) fn descriptor(&mut self, module: &Item) -> Result<Value, Error> {
        if module.class() == Some("DescrptHybrid") {
            let list = self.attribute(module, "descrpt_list")?;
            let parts = (0..).map_while(|k: usize| list.get(&k.to_string()));
            let parts: Vec<_> = parts
                .map(|part| self.part(part))
                .collect::<Result<_, _>>()?;
            return Ok(json!({ "type": "hybrid", "list": parts }));
        }
        self.part(module)
    }

    fn part(&mut self, module: &Item) -> Result<Value, Error> {
        let Some(class) = Class::of(module) else {
            let class = brief(module.class().unwrap_or("(none)"));
            return Err(self.needs_libtorch(format!("a descriptor of class {class}")));
        };
        let block = match class.block {
            Some(name) => self.attribute(module, name)?,
            None => module,
        };
        let n_types = self.n_types(block)?;
        let says = matches!(block.get("type_one_side"), Some(Item::Bool(true)));
        let one_sided = class.one_sided.unwrap_or(says);
        let count = if one_sided {
            n_types
        } else {
            n_types.saturating_mul(n_types)
        };
        let names =
            ["rcut", "rcut_smth", "sel", "axis_neuron", "env_protection"].map(|name| (name, name));
        let mut tree = self.values(block, &names)?;
        tree["type"] = class.kind.into();
        tree["exclude_types"] = self.excluded_pairs(block.get("emask"))?;
        tree["@variables"] = self.values(block, &[("mean", "davg"), ("stddev", "dstd")])?;
        tree["embeddings"] = json!({
            "ndim": if one_sided { 1 } else { 2 },
            "networks": self.networks(self.attribute(block, "filter_layers")?, count)?,
        });
        // absent from files of deepmd-kit 3.0
        if matches!(block.get("compress"), Some(Item::Bool(true))) {
            let mut tables = json!({});
            for key in ["compress_data", "compress_info"] {
                tables[key] = self.numbered(self.attribute(block, key)?, count)?;
            }
            tree["compress"] = json!({ "@variables": tables });
        }
        Ok(tree)
    }

    /// Tensors that are attributes called `0`, `1`, ..., or items of a list.
    fn numbered(&mut self, module: &Item, count: usize) -> Result<Value, Error> {
        let tensors = (0..count).map_while(|k| match module.items() {
            Some(items) => items.get(k),
            None => module.get(&k.to_string()),
        });
        tensors.map(|tensor| self.value(Some(tensor))).collect()
    }
}
