//! What maps the first component of an environment row to the outputs `G`: a network, the table that replaced it, or what one
//! pair of types makes of a network or table that all pairs share.

use super::{Layer, Network, PairNetwork, ScaledCurve, Table};
use ndarray::Array1;

/// An embedding curve with `M1` outputs.
#[derive(Clone, Debug)]
pub enum Embedding {
    /// As trained.
    Network(Network),
    /// As compressed.
    Table(Table),
    /// A network that sees types too, for one pair of them.
    Pair(PairNetwork),
    /// A curve of all pairs times factors of one.
    Scaled(ScaledCurve),
}

impl Embedding {
    /// `M1`
    pub fn outputs(&self) -> usize {
        match self {
            Self::Network(network) => network.outputs(),
            Self::Table(table) => table.outputs(),
            Self::Pair(pair) => pair.outputs(),
            Self::Scaled(scaled) => scaled.common().outputs(),
        }
    }

    /// Outputs for one input; slow and readable, for constants and tests.
    pub fn apply(&self, x: f64) -> Array1<f64> {
        self.apply_with_slope(x).0
    }

    /// The same with their derivatives.
    pub fn apply_with_slope(&self, x: f64) -> (Array1<f64>, Array1<f64>) {
        let of_network = |network: &Network| {
            let one = |x| Array1::from_elem(1, x);
            network.apply_along(&one(x), &one(1.0))
        };
        match self {
            Self::Network(network) => of_network(network),
            Self::Table(table) => table.apply_with_slope(x),
            Self::Pair(pair) => of_network(pair.network()),
            Self::Scaled(scaled) => {
                let (mut values, mut slopes) = scaled.common().apply_with_slope(x);
                scaled.scale(x, &mut values, &mut slopes);
                (values, slopes)
            }
        }
    }

    /// The same where the switch, if it has one, is 0.
    pub fn apply_faded(&self, x: f64) -> Array1<f64> {
        match self {
            Self::Scaled(scaled) if scaled.fading().is_some() => scaled.common().apply(x),
            _ => self.apply(x),
        }
    }

    /// The table that it is looked up in, if there is one.
    pub fn table(&self) -> Option<&Table> {
        match self {
            Self::Network(_) | Self::Pair(_) => None,
            Self::Table(table) => Some(table),
            Self::Scaled(scaled) => scaled.common().table(),
        }
    }

    /// Layers of its network, with the inputs of types where it has such; none of a table.
    pub fn layers(&self) -> &[Layer] {
        match self {
            Self::Network(network) => &network.layers,
            Self::Table(_) => &[],
            Self::Pair(pair) => pair.shared_layers(),
            Self::Scaled(scaled) => scaled.common().layers(),
        }
    }

    /// Why it does not have `m1` outputs, if it does not; what pairs share was looked at when it was read.
    pub(super) fn fault(&self, m1: usize) -> Option<String> {
        match self {
            Self::Network(network) => network.fault(1, m1),
            _ if self.outputs() == m1 => None,
            _ => Some(format!(
                "it has {} outputs where {m1} are needed",
                self.outputs()
            )),
        }
    }
}
