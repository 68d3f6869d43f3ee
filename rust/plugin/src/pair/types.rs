//! Which type of the model each LAMMPS type is.

use super::Potential;
use crate::guard::{BridgeError, guard};

impl Potential {
    /// Maps LAMMPS types to model types, by the names of `pair_coeff` or, without names, in order; gives warnings.
    pub(super) fn map_types(
        &mut self,
        names: &[String],
        lammps_types: usize,
    ) -> Result<Vec<String>, BridgeError> {
        guard("pair_coeff", || {
            let type_map = &self.first().type_map;
            let known = type_map.join(" ");
            let mut map = vec![-1; lammps_types + 1];
            let mut warnings = Vec::new();
            if names.is_empty() {
                for (k, entry) in map.iter_mut().skip(1).enumerate().take(type_map.len()) {
                    *entry = k as i32;
                }
                if lammps_types > type_map.len() {
                    warnings.push(format!(
                        "{} knows {} types ({known}): LAMMPS types above that have no interaction. Name them in pair_coeff to be sure",
                        self.file(),
                        type_map.len()
                    ));
                } else if lammps_types < type_map.len() {
                    warnings.push(format!(
                        "{} knows more types ({known}) than the {lammps_types} of LAMMPS, which are taken in this order. Name them in pair_coeff to be sure",
                        self.file()
                    ));
                }
            }
            let mut entries = map.iter_mut().skip(1);
            for name in names {
                let model_type = match type_map.iter().position(|known| known == name) {
                    Some(k) => k as i32,
                    None if name == "NULL" => -1,
                    None => {
                        return Err(format!(
                            "pair_coeff: element {name} is not in {}, which knows {known}",
                            self.file()
                        ));
                    }
                };
                if let Some(entry) = entries.next() {
                    *entry = model_type;
                }
            }
            if names.len() > lammps_types {
                warnings.push(format!(
                    "pair_coeff names {} elements for {lammps_types} atom types: only the first {lammps_types} are used",
                    names.len()
                ));
            }
            if !names.is_empty() && names.len() < lammps_types {
                warnings.push(format!(
                    "pair_coeff names {} of {lammps_types} types: the others have no interaction",
                    names.len()
                ));
            }
            self.map = map;
            self.set_accuracy();
            Ok(warnings)
        })
    }

    /// Whether a LAMMPS type is one of the model's.
    pub(super) fn knows(&self, lammps_type: i32) -> bool {
        let mapped = usize::try_from(lammps_type)
            .ok()
            .and_then(|k| self.map.get(k));
        mapped.is_some_and(|&model_type| model_type >= 0)
    }
}
