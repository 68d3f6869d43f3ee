//! Walks through the graph, from an embedding net or table back to the environment rows that it works on.
//!
//! Frozen graphs say nowhere which table belongs to which types, nor, where there is no training script, which types are
//! excluded. Both follow from the nodes between: slices cut out the slots of one neighbour type, in two-sided graphs
//! another slice cuts out the atoms of one centre type, and a product with a mask excludes pairs of types.

use super::super::graph_def::Node;
use super::constants::FrozenGraph;
use super::parts::makes_rows;
use crate::Error;
use ndarray::Array2;

/// No path from a net to the environment rows is longer.
const LONGEST: usize = 64;

/// What lies between a net and its environment rows.
#[derive(Debug, Default)]
pub(super) struct Path<'g> {
    /// Name of the node that makes the rows.
    pub(super) environment: &'g str,
    /// The factor that excludes pairs of types, if there is one.
    pub(super) mask: Option<&'g str>,
    /// Whether rows of excluded pairs become others in the place of zeros.
    pub(super) replaced: bool,
    /// The slice that takes the atoms of one centre type; none in a one-sided graph.
    pub(super) atoms: Option<&'g str>,
}

/// Slots that a table works on.
#[derive(Debug)]
pub(super) struct Section<'g> {
    pub(super) first: i64,
    pub(super) count: i64,
    /// The input that they are cut from.
    pub(super) input: &'g str,
}

impl FrozenGraph<'_> {
    /// The way from an input of a net back to the node that makes the environment rows; `None` if it leads elsewhere.
    pub(super) fn path<'g>(&'g self, input: &'g str) -> Option<Path<'g>> {
        let mut path = Path::default();
        let mut input = input;
        for _ in 0..LONGEST {
            let (name, node) = self.source(input)?;
            let next = |k: usize| node.inputs.get(k).copied();
            match node.op {
                "Reshape" | "Cast" | "Identity" | "ConcatV2" => {}
                "Slice" => {
                    if self.source(next(2)?)?.1.op != "Const" {
                        path.atoms = Some(name);
                    }
                }
                "Mul" => path.mask = next(1),
                // condition, rows, and what takes their place
                "Select" | "SelectV2" => {
                    path.replaced = true;
                    input = next(1)?;
                    continue;
                }
                op if makes_rows(op) => {
                    path.environment = name;
                    return Some(path);
                }
                _ => return None,
            }
            input = next(0)?;
        }
        None
    }

    /// The mask of a path by centre and neighbour type, true where a pair is excluded; `None` if it is not such a table.
    pub(super) fn mask(&self, input: &str, n_types: usize) -> Option<Array2<bool>> {
        let mut input = input;
        for _ in 0..LONGEST {
            let (name, node) = self.source(input)?;
            match node.op {
                "Reshape" | "Cast" | "Identity" | "GatherV2" | "Gather" => {
                    input = node.inputs.first().copied()?;
                }
                "Const" => {
                    let (_, factors) = self.floats(name).ok()??;
                    let excluded = factors.iter().map(|factor| *factor == 0.0).collect();
                    return Array2::from_shape_vec((n_types, n_types), excluded).ok();
                }
                _ => return None,
            }
        }
        None
    }

    /// What a table works on: one section, or two in `se_e3`.
    pub(super) fn sections<'g>(
        &'g self,
        node: &'g Node<'_>,
        components: i64,
    ) -> Result<Vec<Section<'g>>, Error> {
        let mut sections = Vec::new();
        // Inputs are the table, its description, and the rows, in se_e2_a and se_e3 after what the table is looked up with.
        let data = node.inputs.iter().filter(|input| !input.starts_with('^'));
        let mut inputs: Vec<_> = data.skip(2).take(2).last().copied().into_iter().collect();
        for _ in 0..LONGEST {
            let Some(input) = inputs.pop() else {
                break;
            };
            let Some((_, node)) = self.source(input) else {
                continue;
            };
            match node.op {
                "Slice" if node.inputs.len() == 3 => match self.columns(node)? {
                    Some((first, count)) if first % components == 0 && count % components == 0 => {
                        sections.push(Section {
                            first: first / components,
                            count: count / components,
                            input: node.inputs[0],
                        });
                    }
                    _ => inputs.push(node.inputs[0]),
                },
                "Reshape" | "Cast" | "Identity" | "ExpandDims" | "Transpose" => {
                    inputs.extend(node.inputs.first());
                }
                "Einsum" | "MatMul" | "BatchMatMul" | "BatchMatMulV2" | "Mul" => {
                    inputs.extend(node.inputs.iter().take(2));
                }
                _ => {}
            }
        }
        Ok(sections)
    }

    /// First column and number of columns of a slice through all rows of a matrix; `None` if it is another slice.
    fn columns(&self, node: &Node<'_>) -> Result<Option<(i64, i64)>, Error> {
        let constant = |k: usize| match self.source(node.inputs[k]) {
            Some((name, source)) if source.op == "Const" => self.integers(name),
            _ => Ok(None),
        };
        Ok(match (constant(1)?.as_deref(), constant(2)?.as_deref()) {
            (Some(&[0, first]), Some(&[-1, count])) if first >= 0 && count >= 0 => {
                Some((first, count))
            }
            _ => None,
        })
    }
}
