//! What kind of model a graph is; everything that is not evaluated is refused by name.

use super::super::{brief, convert_for_libtorch};
use super::constants::FrozenGraph;
use super::script::Script;
use crate::Error;
use serde_json::Value;

const READ: &str = "Energy models with descriptors se_e2_a, se_e2_r, se_e3, hybrids of them, and se_atten without attention layers are";

impl FrozenGraph<'_> {
    pub(super) fn refuse_other_kinds(&self, script: &Script) -> Result<(), Error> {
        if let Some(kind) = self.string("model_attr/model_type")?
            && kind != "ener"
        {
            return Err(self.unsupported(
                format!("a model of type '{}'", brief(&kind)),
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
                    format!("model version {}", brief(&version)),
                    "Versions up to 1.1 (deepmd-kit 3.2) are known; convert the model with 'dp convert-backend'",
                ));
            }
        }
        match script.model()["type"].as_str() {
            None | Some("standard" | "multi") => {}
            Some("linear_ener") => return Err(self.several_models("linear_ener")),
            Some(kind) => {
                return Err(self.unsupported(format!("a model of type '{}'", brief(kind)), READ));
            }
        }
        // A DPLR model holds a whole dipole model too; what it is as a whole must be said first.
        for (name, feature, remedy) in [
            (
                "modifier_attr/type",
                "the dipole-charge modifier (DPLR)",
                "Use deepmd-kit's own plugin with fix dplr, or train a model without modifier",
            ),
            (
                "spin_attr/ntypes_spin",
                "spin",
                "Use deepmd-kit's own plugin, or train a model without spin",
            ),
        ] {
            if self.has(name) {
                return Err(self.unsupported(feature, remedy));
            }
        }
        let mixed = self.graph.nodes().any(|(_, n)| n.op == "ProdEnvMatAMix");
        if mixed && self.has_scope("attention_layer_0") {
            let remedy = convert_for_libtorch(self.file);
            return Err(
                self.unsupported("descriptor se_atten (DPA-1) with attention layers", &remedy)
            );
        }
        for (_, node) in self.graph.nodes() {
            let (feature, remedy) = match node.op {
                "PairTab" => (
                    "use_srtab (interpolation with a table)",
                    "Train the model without it",
                ),
                "TabulateFusionSeAtten" if !mixed => (
                    "a compressed descriptor with type embedding",
                    "Use the model from before 'dp compress'",
                ),
                "Descrpt" => ("descriptor loc_frame", READ),
                "DescrptSeAEf" | "DescrptSeAEfPara" | "DescrptSeAEfVert" => {
                    ("descriptor se_a_ef", READ)
                }
                "DescrptSeAMask" => ("descriptor se_a_mask", READ),
                op if op.ends_with("Nvnmd") || op.ends_with("NvnmdQuantize") => {
                    ("a model for NVNMD hardware", READ)
                }
                _ => continue,
            };
            return Err(self.unsupported(feature, remedy));
        }
        for kind in script.descriptor_types() {
            let known = [
                "se_e2_a",
                "se_a",
                "se_e2_r",
                "se_r",
                "se_e3",
                "se_at",
                "se_a_3be",
                "se_t",
                "se_atten",
                "dpa1",
                "se_atten_v2",
                "se_a_ebd_v2",
                "se_a_tpe_v2",
            ];
            if !known.contains(&kind.to_ascii_lowercase().as_str()) {
                return Err(self.unsupported(format!("descriptor {}", brief(kind)), READ));
            }
        }
        let fitting = script.fitting();
        for (key, remedy) in [
            (
                "tot_ener_zero",
                "The energy of an atom would depend on all others; train the model without it",
            ),
            (
                "use_aparam_as_mask",
                "Delete atoms in LAMMPS instead of masking them",
            ),
        ] {
            if fitting[key] == Value::Bool(true) {
                return Err(self.unsupported(key, remedy));
            }
        }
        Ok(())
    }

    /// The error for a model that is a sum of models.
    pub(super) fn several_models(&self, kind: &str) -> Error {
        self.unsupported(
            format!("a model of type '{kind}'"),
            "Freeze its models one by one and combine them with pair_style hybrid/scaled",
        )
    }

    /// Names of the types; old and edited graphs may name fewer than there are, and then the others have their numbers.
    pub(super) fn type_map(&self, n_types: usize) -> Result<Vec<String>, Error> {
        let names = self.string("model_attr/tmap")?.unwrap_or_default();
        let mut names: Vec<_> = names.split_whitespace().map(str::to_owned).collect();
        if names.len() > n_types {
            return Err(self.inconsistent(
                "model_attr/tmap",
                format!("{} names for {n_types} types", names.len()),
            ));
        }
        names.extend((names.len()..n_types).map(|t| (t + 1).to_string()));
        Ok(names)
    }
}
