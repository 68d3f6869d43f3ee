//! Fitting nets of scripted modules.

use super::Tree;
use super::item::Item;
use crate::Error;
use crate::model::brief;
use serde_json::{Value, json};

impl Tree<'_, '_> {
    pub(super) fn fitting(&mut self, module: &Item) -> Result<Value, Error> {
        match module.class() {
            Some("EnergyFittingNet" | "InvarFitting") => {}
            class => {
                let class = brief(class.unwrap_or("(none)"));
                return Err(self.needs_libtorch(format!("a fitting net of class {class}")));
            }
        }
        // what files of older versions lack is null, which is what those versions did
        let names = [
            "numb_fparam",
            "numb_aparam",
            "default_fparam",
            "dim_case_embd",
            "mixed_types",
            "use_aparam_as_mask",
        ]
        .map(|name| (name, name));
        let mut tree = self.values(module, &names)?;
        tree["type"] = "ener".into();
        tree["masked_types"] = self.excluded_types(module.get("emask"))?;
        let arrays = [
            "bias_atom_e",
            "fparam_avg",
            "fparam_inv_std",
            "aparam_avg",
            "aparam_inv_std",
            "default_fparam_tensor",
        ]
        .map(|name| (name, name));
        tree["@variables"] = self.values(module, &arrays)?;
        let count = if tree["mixed_types"] == true {
            1
        } else {
            self.n_types(module)?
        };
        let nets = self.attribute(module, "filter_layers")?;
        tree["nets"] = json!({ "networks": self.networks(nets, count)? });
        // true where an energy was assigned to the free atom; the energy itself is part of the bias
        let counted = module
            .get("remove_vaccum_contribution")
            .and_then(Item::items)
            .unwrap_or_default();
        self.grow(counted.len())?;
        let assigned = |counted: &Item| match counted {
            Item::Bool(true) => json!(0.0),
            _ => Value::Null,
        };
        tree["atom_ener"] = counted.iter().map(assigned).collect();
        Ok(tree)
    }
}
