//! Constants of a frozen graph by name, and the nodes that feed a node, with errors that name file and tensor.

use super::super::graph_def::{Graph, Node, Tensor, Values};
use super::super::{Shaped, brief, matrix};
use crate::Error;
use ndarray::{Array1, Array2};

pub(super) struct FrozenGraph<'a> {
    pub(super) file: &'a str,
    pub(super) graph: Graph<'a>,
}

impl FrozenGraph<'_> {
    pub(super) fn inconsistent(&self, item: &str, what: impl Into<String>) -> Error {
        Error::Inconsistent {
            file: self.file.to_owned(),
            item: brief(item),
            what: what.into(),
        }
    }

    pub(super) fn missing(&self, name: &str) -> Error {
        self.inconsistent(name, "the graph has no such tensor")
    }

    pub(super) fn unsupported(&self, feature: impl Into<String>, remedy: &str) -> Error {
        Error::Unsupported {
            file: self.file.to_owned(),
            feature: feature.into(),
            remedy: remedy.to_owned(),
        }
    }

    // Nodes

    pub(super) fn has(&self, name: &str) -> bool {
        self.graph.node(name).is_some()
    }

    /// Whether any node stands in the scope.
    pub(super) fn has_scope(&self, scope: &str) -> bool {
        let within = |name: &str| {
            name.strip_prefix(scope)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        self.graph.nodes().any(|(name, _)| within(name))
    }

    /// The node that an input comes from, with its name: `name`, or `name:1` for its second output.
    pub(super) fn source<'g>(&'g self, input: &str) -> Option<(&'g str, &'g Node<'g>)> {
        self.graph.entry(input.split(':').next()?)
    }

    // Constants by name

    pub(super) fn constant(&self, name: &str) -> Result<Option<Tensor>, Error> {
        self.graph
            .constant(name)
            .map_err(|what| self.inconsistent(name, what))
    }

    pub(super) fn floats(&self, name: &str) -> Result<Option<Shaped>, Error> {
        match self.constant(name)? {
            None => Ok(None),
            Some(Tensor {
                shape,
                values: Values::Float(values),
            }) => Ok(Some((shape, values))),
            Some(_) => Err(self.inconsistent(name, "it does not hold floating-point numbers")),
        }
    }

    pub(super) fn required_floats(&self, name: &str) -> Result<Shaped, Error> {
        self.floats(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn integers(&self, name: &str) -> Result<Option<Vec<i64>>, Error> {
        match self.constant(name)? {
            None => Ok(None),
            Some(Tensor {
                values: Values::Integer(values),
                ..
            }) => Ok(Some(values)),
            Some(_) => Err(self.inconsistent(name, "it does not hold integers")),
        }
    }

    /// A single integer; `None` where there is no such tensor.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Error> {
        match self.integers(name)?.as_deref() {
            None => Ok(None),
            Some([value]) => Ok(Some(*value)),
            Some(_) => Err(self.inconsistent(name, "it is not a single number")),
        }
    }

    pub(super) fn string(&self, name: &str) -> Result<Option<String>, Error> {
        match self.constant(name)? {
            None => Ok(None),
            Some(Tensor {
                values: Values::Text(values),
                ..
            }) if values.len() == 1 => Ok(Some(String::from_utf8_lossy(&values[0]).into_owned())),
            Some(_) => Err(self.inconsistent(name, "it is not a single string")),
        }
    }

    pub(super) fn matrix(&self, name: &str) -> Result<Option<Array2<f64>>, Error> {
        let stored = self.floats(name)?.map(matrix).transpose();
        stored.map_err(|what| self.inconsistent(name, what))
    }

    /// A vector, whether stored as `[n]` or as `[1, n]`.
    pub(super) fn vector(&self, name: &str) -> Result<Option<Array1<f64>>, Error> {
        Ok(self
            .floats(name)?
            .map(|(_, values)| Array1::from_vec(values)))
    }

    /// One number for each of `count` types or parameters.
    pub(super) fn list(&self, name: &str, count: usize) -> Result<Option<Vec<f64>>, Error> {
        match self.floats(name)? {
            Some((_, values)) if values.len() != count => Err(self.inconsistent(
                name,
                format!("{} numbers where {count} are needed", values.len()),
            )),
            other => Ok(other.map(|(_, values)| values)),
        }
    }
}
