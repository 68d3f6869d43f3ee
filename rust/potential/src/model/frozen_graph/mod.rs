//! Reader of frozen TensorFlow graphs, `.pb`, as deepmd-kit 0.12 to 3.2 writes them.
//!
//! All variables have become constants whose names say what they are. The rest of the graph is looked at where something has
//! no name: hyper-parameters without a training script, the types that a table is for, the pairs of types that are excluded.

mod attention;
mod constants;
mod descriptor;
mod fitting;
mod kind;
mod networks;
mod parts;
mod paths;
mod script;
mod tables;
mod type_embedding;

use super::graph_def::Graph;
use super::{Format, Model};
use crate::Error;
use constants::FrozenGraph;
use script::Script;

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
    let script = Script::read(&frozen)?;
    frozen.refuse_other_kinds(&script)?;
    let parts = frozen.parts()?;
    let n_types = parts[0].n_types;
    let types = frozen.type_embedding(&script, n_types)?;
    let fitting = frozen.fitting(&script, types.as_deref(), n_types)?;
    Model {
        format: Format::FrozenGraph,
        type_map: frozen.type_map(n_types)?,
        descriptors: frozen.descriptors(&parts, &script, types.as_ref(), fitting.width)?,
        frame_parameters: fitting.frame_parameters,
        atom_parameters: fitting.atom_parameters,
        fitting: fitting.networks,
        from_vacuum: fitting.from_vacuum,
        energy_bias: fitting.energy_bias,
        energy_scale: fitting.energy_scale,
    }
    .validate(file)
}
