//! What went beyond the range of the models.

use super::Potential;
use crate::guard::{BridgeError, guard_sound};

impl Potential {
    /// Most neighbours seen by pair of types, `[n_types, n_types]`; 0 where `sel` always sufficed.
    pub(super) fn overflow(&self) -> Result<Vec<i32>, BridgeError> {
        guard_sound("overflow", || {
            let counters = self.engines[0].counters();
            let most = counters[0].most_neighbours().iter();
            most.map(|&count| i32::try_from(count).unwrap_or(i32::MAX))
                .collect()
        })
    }

    /// One warning for each pair of types in `most`, the maximum of [`Self::overflow`] over ranks, that had none yet.
    pub(super) fn overflow_warnings(&mut self, most: &[i32]) -> Result<Vec<String>, BridgeError> {
        guard_sound("overflow warnings", || {
            let model = &self.engines[0].models()[0];
            let n_types = model.type_map.len();
            let mut warnings = Vec::new();
            for (k, (&count, warned)) in most.iter().zip(&mut self.warned).enumerate() {
                if count == 0 || *warned {
                    continue;
                }
                *warned = true;
                let (centre, neighbour) = (k / n_types, k % n_types);
                warnings.push(format!(
                "an atom of type {} has {count} neighbours of type {} within rcut, and the model has room for {}: the nearest are kept, as deepmd-kit does, and the energy jumps when they change. Train with a larger sel",
                model.type_map[centre], model.type_map[neighbour], model.sel[neighbour]
            ));
            }
            warnings
        })
    }
}
