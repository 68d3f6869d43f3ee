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
        if matches!(module.class(), Some("DescrptDPA1" | "DescrptSeAttenV2")) {
            return self.attention(module);
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

    /// `se_atten` (DPA-1); attention layers themselves are left out.
    fn attention(&mut self, module: &Item) -> Result<Value, Error> {
        let block = self.attribute(module, "se_atten")?;
        let names = [
            "rcut",
            "rcut_smth",
            "sel",
            "axis_neuron",
            "env_protection",
            "attn_layer",
            "lmax",
            "tebd_input_mode",
            "type_one_side",
        ]
        .map(|name| (name, name));
        let mut tree = self.values(block, &names)?;
        tree["type"] = "dpa1".into();
        tree["smooth_type_embedding"] = self.value(block.get("smooth"))?;
        tree["concat_output_tebd"] = self.value(module.get("concat_output_tebd"))?;
        tree["exclude_types"] = self.excluded_pairs(block.get("emask"))?;
        tree["@variables"] = self.values(block, &[("mean", "davg"), ("stddev", "dstd")])?;
        tree["type_embedding"] = self.type_embedding(module)?;
        for (theirs, ours) in [
            ("filter_layers", "embeddings"),
            ("filter_layers_strip", "embeddings_strip"),
        ] {
            if let Some(nets @ Item::Map(_)) = block.get(theirs) {
                tree[ours] = json!({ "networks": self.networks(nets, 1)? });
            }
        }
        if matches!(block.get("tebd_compress"), Some(Item::Bool(true))) {
            let mut tables = self.values(block, &[("type_embd_data", "type_embd_data")])?;
            let names = [("geo_compress", "geo_compress")];
            tree["compress"] = self.values(block, &names)?;
            for key in ["compress_data", "compress_info"] {
                tables[key] = self.numbered(self.attribute(block, key)?, 1)?;
            }
            tree["compress"]["@variables"] = tables;
        }
        Ok(tree)
    }

    /// The net that turns types into numbers.
    fn type_embedding(&mut self, module: &Item) -> Result<Value, Error> {
        let embedding = self.attribute(module, "type_embedding")?;
        let embedding = self.attribute(embedding, "embedding")?;
        let names = ["use_econf_tebd", "econf_tebd"].map(|name| (name, name));
        let mut tree = self.values(embedding, &names)?;
        tree["embedding"] = self.network(self.attribute(embedding, "embedding_net")?)?;
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
