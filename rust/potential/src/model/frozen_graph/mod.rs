//! Reader of frozen TensorFlow graphs, `.pb`, as deepmd-kit writes them.
//!
//! All variables have become constants whose names say what they are; the rest of the graph is not looked at, except
//! where the hyper-parameters that have no node of their own must be recovered from it.

mod constants;
mod hyper;
mod kind;
mod weights;

use super::graph_def::Graph;
use super::{Format, Model, Parameters};
use crate::Error;
use constants::FrozenGraph;
use hyper::Hyper;

/// Reads a frozen graph. `file` goes into messages.
///
/// # Errors
/// [`Error::Malformed`] for damage, [`Error::Unsupported`] for other model kinds, [`Error::Inconsistent`] for tensors
/// that are missing or do not fit.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Model, Error> {
    let graph = Graph::parse(bytes).map_err(|what| Error::Malformed {
        file: file.to_owned(),
        format: "frozen TensorFlow graph (.pb)",
        what,
    })?;
    let frozen = FrozenGraph { file, graph };
    frozen.refuse_other_kinds()?;
    let script = frozen.training_script()?;
    let hyper = Hyper::new(&frozen, &script)?;
    let descriptor = frozen.descriptor(&hyper)?;
    let fitting = frozen.fitting(&hyper)?;
    let n_types = hyper.type_map.len();
    let (energy_bias, energy_scale) = frozen.energy_offsets(n_types)?;
    Model {
        format: Format::FrozenGraph,
        type_map: hyper.type_map.clone(),
        descriptors: vec![descriptor],
        frame_parameters: Parameters::default(),
        atom_parameters: Parameters::default(),
        fitting,
        from_vacuum: frozen.vacuum_types(&script, n_types)?,
        energy_bias,
        energy_scale,
    }
    .validate(file)
}
