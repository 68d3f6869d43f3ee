//! Validated, format-independent models, and one reader a file format.
//!
//! A [`Model`] is what every engine evaluates. Readers resolve whatever depends on the format (residual rules,
//! float32 cutoffs, where the energy bias is kept, what padding means) so that engines need not know where a model came from.

mod activation;
mod embedding;
mod format;
mod frozen_graph;
mod graph_def;
mod native;
mod network;
mod se_a;
mod table;
mod torch_script;
mod wire;

pub use activation::Activation;
pub use embedding::Embedding;
pub use format::{Format, read};
pub use network::{Layer, Network, Residual};
pub use se_a::{SeA, Selection, Smoothing};
pub use table::{DEGREES, Place, Table};

use crate::Error;
use ndarray::{Array1, Array2};

/// Shape and numbers of an array in a file, row-major.
type Shaped = (Vec<usize>, Vec<f64>);

/// An array of two dimensions.
fn matrix((shape, numbers): Shaped) -> Result<Array2<f64>, String> {
    let [rows, columns] = shape[..] else {
        return Err(format!("shape {shape:?} is not that of a matrix"));
    };
    Array2::from_shape_vec((rows, columns), numbers).map_err(|error| error.to_string())
}

/// An energy model: a descriptor, one fitting network a type, and energy offsets.
#[derive(Clone, Debug)]
pub struct Model {
    /// File format it was read from.
    pub format: Format,
    /// Element names, `[n_types]`; may be empty names in very old files.
    pub type_map: Vec<String>,
    /// The descriptor. Further kinds become an enum here.
    pub descriptor: SeA,
    /// One network a centre type, from the flat descriptor to one number [eV].
    pub fitting: Vec<Network>,
    /// Energy added per atom of each type [eV], everything constant included.
    pub energy_bias: Vec<f64>,
    /// Factor on the network's output, by type; 1 unless the graph says otherwise.
    pub energy_scale: Vec<f64>,
}

impl Model {
    /// Number of types.
    pub fn n_types(&self) -> usize {
        self.type_map.len()
    }

    /// Checks that all parts fit each other. `file` goes into the message.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] names the first part that does not fit.
    pub fn validate(self, file: &str) -> Result<Self, Error> {
        let fault = |item: &str, what: String| {
            Err(Error::Inconsistent {
                file: file.to_owned(),
                item: item.to_owned(),
                what,
            })
        };
        let n_types = self.n_types();
        if let Some((item, what)) = self.descriptor.fault(n_types) {
            return fault(&item, what);
        }
        if self.fitting.len() != n_types {
            return fault(
                "fitting",
                format!("{} networks for {n_types} types", self.fitting.len()),
            );
        }
        for (t, network) in self.fitting.iter().enumerate() {
            if let Some(what) = network.fault(self.descriptor.width(), 1) {
                return fault(&format!("fitting net of type {t}"), what);
            }
        }
        let offsets = [
            ("energy bias", &self.energy_bias),
            ("energy scale", &self.energy_scale),
        ];
        for (item, values) in offsets {
            if values.len() != n_types || values.iter().any(|value| !value.is_finite()) {
                return fault(
                    item,
                    format!("{values:?} is not one finite number for each of {n_types} types"),
                );
            }
        }
        Ok(self)
    }

    /// Takes the energy of an atom without neighbours out of `types`: deepmd-kit's `atom_ener`, `net(D) - net(0)`.
    pub(crate) fn subtract_vacuum(&mut self, types: &[bool]) {
        let vacuum = Array1::zeros(self.descriptor.width());
        for (t, _) in types.iter().enumerate().filter(|(_, wanted)| **wanted) {
            self.energy_bias[t] -= self.energy_scale[t] * self.fitting[t].apply(&vacuum)[0];
        }
    }
}
