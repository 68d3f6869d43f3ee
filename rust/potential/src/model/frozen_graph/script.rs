//! The input script of the training, which graphs hold since deepmd-kit 2.0.

use super::constants::FrozenGraph;
use crate::Error;
use serde_json::Value;

/// The script; all of its entries are null where the file is older or was made otherwise.
pub(super) struct Script(Value);

impl Script {
    pub(super) fn read(frozen: &FrozenGraph<'_>) -> Result<Self, Error> {
        let name = "train_attr/training_script";
        let Some(text) = frozen.string(name)? else {
            return Ok(Self(Value::Null));
        };
        serde_json::from_str(&text)
            .map(Self)
            .map_err(|error| frozen.inconsistent(name, format!("it is not JSON ({error})")))
    }

    /// The model's own section.
    pub(super) fn model(&self) -> &Value {
        &self.0["model"]
    }

    /// The section of a descriptor by its place in the lists of hybrids.
    pub(super) fn descriptor(&self, place: &[usize]) -> &Value {
        place
            .iter()
            .fold(&self.model()["descriptor"], |section, &k| {
                &section["list"][k]
            })
    }

    pub(super) fn fitting(&self) -> &Value {
        &self.model()["fitting_net"]
    }

    pub(super) fn type_embedding(&self) -> &Value {
        &self.model()["type_embedding"]
    }

    /// Names of the types of all descriptors.
    pub(super) fn descriptor_types(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut sections = vec![&self.model()["descriptor"]];
        while let Some(section) = sections.pop() {
            match section["list"].as_array() {
                Some(list) => sections.extend(list),
                None => names.extend(section["type"].as_str()),
            }
        }
        names
    }
}
