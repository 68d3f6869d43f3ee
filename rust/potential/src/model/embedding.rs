//! What maps the first component of an environment row to the outputs `G`: a network, or the table that replaced it.

use super::{Network, Table};
use ndarray::Array1;

/// An embedding curve with `M1` outputs.
#[derive(Clone, Debug)]
pub enum Embedding {
    /// As trained.
    Network(Network),
    /// As compressed.
    Table(Table),
}

impl Embedding {
    /// `M1`
    pub fn outputs(&self) -> usize {
        match self {
            Self::Network(network) => network.outputs(),
            Self::Table(table) => table.outputs(),
        }
    }

    /// Outputs for one input; slow and readable, for constants and tests.
    pub fn apply(&self, x: f64) -> Array1<f64> {
        match self {
            Self::Network(network) => network.apply(&Array1::from_elem(1, x)),
            Self::Table(table) => table.apply(x),
        }
    }

    /// Why it does not have `m1` outputs, if it does not.
    pub(super) fn fault(&self, m1: usize) -> Option<String> {
        match self {
            Self::Network(network) => network.fault(1, m1),
            Self::Table(table) if table.outputs() == m1 => None,
            Self::Table(table) => Some(format!(
                "it has {} outputs where {m1} are needed",
                table.outputs()
            )),
        }
    }
}
