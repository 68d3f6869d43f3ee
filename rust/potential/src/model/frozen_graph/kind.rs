//! What kind of model a graph is; everything that is not evaluated is refused by name.

use super::super::graph_def::Node;
use super::constants::FrozenGraph;
use crate::Error;
use serde_json::Value;

impl FrozenGraph<'_> {
    pub(super) fn refuse_other_kinds(&self) -> Result<(), Error> {
        if let Some(kind) = self.string("model_attr/model_type")?
            && kind != "ener"
        {
            return Err(self.unsupported(
                format!("a model of type '{kind}'"),
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
                    format!("model version {version}"),
                    "Versions up to 1.1 (deepmd-kit 3.2) are known; convert the model with 'dp convert-backend'",
                ));
            }
        }
        for (name, node) in self.graph.nodes() {
            let feature = match node.op {
                "ProdEnvMatR" | "DescrptSeR" => "descriptor se_e2_r",
                "TabulateFusionSeT" | "TabulateFusionSeR" | "TabulateFusionSeAtten" => {
                    "a compressed descriptor other than se_e2_a"
                }
                "PairTab" => "use_srtab (interpolation with a table)",
                _ if name == "type_embed_net/matrix_1" || name == "t_typeebd" => "type embedding",
                _ if name == "spin_attr/ntypes_spin" => "spin",
                _ if name == "modifier_attr/type" => "the dipole-charge modifier (DPLR)",
                _ => continue,
            };
            return Err(self.unsupported(feature, "Energy models with descriptor se_e2_a are"));
        }
        let parameters = [
            ("fitting_attr/dfparam", "numb_fparam"),
            ("fitting_attr/daparam", "numb_aparam"),
        ];
        for (node, name) in parameters {
            let counts = self.integers(node)?.unwrap_or_default();
            if counts.iter().any(|&count| count > 0) {
                return Err(self.unsupported(name, "Models without frame or atom parameters are"));
            }
        }
        Ok(())
    }

    /// The one node that makes the environment matrix; it alone holds the smoothing radius.
    pub(super) fn environment_node(&self) -> Result<&Node<'_>, Error> {
        let is_environment = |op: &str| matches!(op, "ProdEnvMatA" | "DescrptSeA");
        let mut found = self
            .graph
            .nodes()
            .filter(|(_, node)| is_environment(node.op));
        let (_, first) = found.next().ok_or_else(|| {
            self.inconsistent(
                "ProdEnvMatA",
                "the graph has no such node; is it a Deep Potential model?",
            )
        })?;
        if found.next().is_some() {
            return Err(self.unsupported(
                "a hybrid descriptor",
                "Energy models with a single se_e2_a descriptor are",
            ));
        }
        Ok(first)
    }

    /// The input script of the training, `null` where the file is older than that.
    pub(super) fn training_script(&self) -> Result<Value, Error> {
        let name = "train_attr/training_script";
        let Some(text) = self.string(name)? else {
            return Ok(Value::Null);
        };
        let script: Value = serde_json::from_str(&text)
            .map_err(|error| self.inconsistent(name, format!("it is not JSON ({error})")))?;
        let kind = script["model"]["descriptor"]["type"]
            .as_str()
            .unwrap_or("se_e2_a");
        if !matches!(kind, "se_e2_a" | "se_a") {
            return Err(self.unsupported(
                format!("descriptor {kind}"),
                "Energy models with descriptor se_e2_a are",
            ));
        }
        Ok(script)
    }
}
