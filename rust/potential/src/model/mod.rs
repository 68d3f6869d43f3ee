//! Validated, format-independent models, and one reader a file format.
//!
//! A [`Model`] is what every engine evaluates. Readers resolve whatever depends on the format (residual rules,
//! float32 cutoffs, where the energy bias is kept, what padding means) so that engines need not know where a model came from.

mod activation;
mod descriptor;
mod embedding;
mod exported;
mod foreign;
mod format;
mod frozen_graph;
mod graph_def;
pub mod limits;
mod native;
mod nesting;
mod network;
mod parameters;
mod table;
mod torch_script;
mod type_embedding;
mod wire;
mod zip;

pub use activation::Activation;
pub use descriptor::{Descriptor, Exclusion, Kind, Selection, Smoothing};
pub use embedding::Embedding;
pub use format::{Format, read};
pub use network::{Layer, Network, Residual};
pub use parameters::Parameters;
pub use table::{DEGREES, Place, Table};
pub use type_embedding::{Fading, FadingKind, PairNetwork, ScaledCurve};

use crate::Error;
use ndarray::Array2;

/// Shape and numbers of an array in a file, row-major.
type Shaped = (Vec<usize>, Vec<f64>);

/// An array of two dimensions.
fn matrix((shape, numbers): Shaped) -> Result<Array2<f64>, String> {
    let [rows, columns] = shape[..] else {
        return Err(format!("shape {shape:?} is not that of a matrix"));
    };
    Array2::from_shape_vec((rows, columns), numbers).map_err(|error| error.to_string())
}

/// The decimal number that a float32 number was written as; others stay as they are.
pub fn decimal(x: f64) -> f64 {
    let single = x as f32;
    let shortest = (f64::from(single) == x).then(|| single.to_string().parse().ok());
    shortest.flatten().unwrap_or(x)
}

/// The remedy for models that have no reader and that libtorch can run in another form.
fn convert_for_libtorch(file: &str) -> String {
    format!("As TorchScript it can be run by libtorch: dp convert-backend {file} model.pth")
}

/// The first hundred characters, for messages about what may be long.
fn brief(text: &(impl ToString + ?Sized)) -> String {
    let text = text.to_string();
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// An energy model: descriptors, one fitting network a type, and energy offsets.
///
/// The input of the fitting network is `[D | frame parameters | atom parameters]`, and the energy of an atom of type `t` is
/// `scale[t] (net(input) - [net(input with D = 0)]) + bias[t]`, the bracket where `from_vacuum[t]`.
#[derive(Clone, Debug)]
pub struct Model {
    /// File format it was read from.
    pub format: Format,
    /// Element names, `[n_types]`; numbers from 1 in very old files, which hold none.
    pub type_map: Vec<String>,
    /// The descriptors, whose outputs stand side by side: one, or several in a hybrid.
    pub descriptors: Vec<Descriptor>,
    /// Numbers that describe the whole frame (`fparam`).
    pub frame_parameters: Parameters,
    /// Numbers that describe each atom (`aparam`).
    pub atom_parameters: Parameters,
    /// One network a centre type, to one number [eV].
    pub fitting: Vec<Network>,
    /// Types whose energy is counted from that of an atom without neighbours (`atom_ener`), `[n_types]`.
    pub from_vacuum: Vec<bool>,
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

    /// Length of the flat descriptor, all parts together.
    pub fn descriptor_width(&self) -> usize {
        self.descriptors.iter().map(Descriptor::width).sum()
    }

    /// Inputs of the fitting networks.
    pub fn fitting_width(&self) -> usize {
        self.descriptor_width() + self.frame_parameters.len() + self.atom_parameters.len()
    }

    /// The largest cutoff [Å].
    pub fn cutoff(&self) -> f64 {
        self.descriptors
            .iter()
            .map(Descriptor::cutoff)
            .fold(0.0, f64::max)
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
        if let Some(what) = limits::names_fault(&self.type_map) {
            return fault("type_map", what);
        }
        if self.descriptors.is_empty() {
            return fault("descriptor", "there is none".to_owned());
        }
        for descriptor in &self.descriptors {
            if let Some((item, what)) = descriptor.fault(n_types) {
                return fault(&item, what);
            }
        }
        let parameters = [
            ("fparam", &self.frame_parameters),
            ("aparam", &self.atom_parameters),
        ];
        for (item, parameters) in parameters {
            if let Some(what) = parameters.fault() {
                return fault(item, what);
            }
        }
        if self.fitting.len() != n_types || self.from_vacuum.len() != n_types {
            return fault(
                "fitting",
                format!("{} networks for {n_types} types", self.fitting.len()),
            );
        }
        for (t, network) in self.fitting.iter().enumerate() {
            if let Some(what) = network.fault(self.fitting_width(), 1) {
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
}
