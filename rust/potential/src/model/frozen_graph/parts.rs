//! The descriptors of a graph: one, or several in a hybrid.
//!
//! Each has one node that makes its environment rows. That node alone holds the smoothing radius, and its inputs name the
//! statistics, whose scope `descrpt_attr{suffix}` tells which part of a hybrid it is: the suffix is empty, or `_0`, `_1`, ...
//!
//! | generation | node | scope of statistics | scope of embedding nets |
//! |---|---|---|---|
//! | 0.12 | `DescrptNorot` | none | `DS_layer_type_{centre}` |
//! | 1.x | `DescrptSeA`, `DescrptSeR` | `descrpt_attr` | `filter_type_{centre}`, `filter_type_all` |
//! | 2.x, 3.x | `ProdEnvMatA`, `ProdEnvMatR` | `descrpt_attr{suffix}` | `filter_type_{centre}{suffix}`, `filter_type_all{suffix}` |
//! | 2.2 on, `se_atten` | `ProdEnvMatAMix` | `descrpt_attr` | `filter_type_all` |

use super::super::Smoothing;
use super::super::graph_def::Node;
use super::super::limits::{MOST_SLOTS, MOST_TYPES};
use super::super::{brief, convert_for_libtorch};
use super::constants::FrozenGraph;
use crate::Error;

/// Whether nodes of this kind make the environment rows of a descriptor that is read.
pub(super) fn makes_rows(op: &str) -> bool {
    matches!(
        op,
        "ProdEnvMatA"
            | "DescrptSeA"
            | "DescrptNorot"
            | "ProdEnvMatR"
            | "DescrptSeR"
            | "ProdEnvMatAMix"
    )
}

/// One descriptor, by the node that makes its environment rows.
#[derive(Debug)]
pub(super) struct Part {
    /// Name of the node.
    pub(super) node: String,
    /// Place in the lists of hybrids in the training script; empty where there is no hybrid.
    pub(super) place: Vec<usize>,
    /// Whether rows hold distances alone: `se_e2_r`.
    pub(super) radial: bool,
    /// Whether types share one section of slots: `se_atten`.
    pub(super) mixed: bool,
    pub(super) n_types: usize,
    /// Slots for neighbours of each type, or of all.
    pub(super) sel: Vec<usize>,
    pub(super) smoothing: Smoothing,
    /// Names of `davg` and `dstd`.
    pub(super) statistics: [String; 2],
    /// What stands before `/original_sel`.
    attributes: String,
    /// What stands between `filter_type_` and the type, and after the type.
    filter: (&'static str, String),
}

impl Part {
    /// Scope of the embedding nets that serve all centre types.
    pub(super) fn common_scope(&self) -> String {
        format!("{}all{}", self.filter.0, self.filter.1)
    }

    /// Scope of the embedding nets that serve one centre type.
    pub(super) fn scope(&self, centre: usize) -> String {
        format!("{}{centre}{}", self.filter.0, self.filter.1)
    }

    /// Numbers in a row: 4, or 1 without directions.
    pub(super) fn components(&self) -> usize {
        if self.radial { 1 } else { 4 }
    }

    /// All slots.
    pub(super) fn slots(&self) -> usize {
        self.sel.iter().sum()
    }
}

impl FrozenGraph<'_> {
    /// All descriptors, in the order of their outputs.
    pub(super) fn parts(&self) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        for (name, node) in self.graph.nodes() {
            if makes_rows(node.op) {
                parts.push(self.part(name, node)?);
            }
        }
        parts.sort_by(|a, b| (&a.place, &a.node).cmp(&(&b.place, &b.node)));
        let Some(first) = parts.first() else {
            return Err(self.inconsistent(
                "ProdEnvMatA",
                "the graph has no such node; is it a Deep Potential model?",
            ));
        };
        let n_types = first.n_types;
        for (k, part) in parts.iter().enumerate() {
            if part.n_types != n_types {
                return Err(self.inconsistent(
                    &part.node,
                    format!(
                        "it has {} types where {} has {n_types}",
                        part.n_types, parts[0].node
                    ),
                ));
            }
            if part.mixed && parts.len() > 1 {
                return Err(self.unsupported(
                    "a hybrid with descriptor se_atten (DPA-1)",
                    &convert_for_libtorch(self.file),
                ));
            }
            if k > 0 && part.place == parts[k - 1].place {
                return Err(self.inconsistent(
                    &part.node,
                    format!("it cannot be told from {}", parts[k - 1].node),
                ));
            }
        }
        for name in ["descrpt_attr/ntypes", "t_ntypes"] {
            if let Some(stated) = self.integer(name)?
                && usize::try_from(stated) != Ok(n_types)
            {
                return Err(self.inconsistent(
                    name,
                    format!("{stated} types where {} has {n_types}", parts[0].node),
                ));
            }
        }
        Ok(parts)
    }

    fn part(&self, name: &str, node: &Node<'_>) -> Result<Part, Error> {
        let radial = matches!(node.op, "ProdEnvMatR" | "DescrptSeR");
        let mixed = node.op == "ProdEnvMatAMix";
        let [cutoff, smooth, sel] = if radial {
            ["rcut", "rcut_smth", "sel"]
        } else {
            ["rcut_r", "rcut_r_smth", "sel_a"]
        };
        let missing = |what: &str| self.inconsistent(name, format!("attribute {what} is missing"));
        let sel = node.integers(sel).ok_or_else(|| missing(sel))?;
        if !(1..=MOST_TYPES).contains(&sel.len())
            || mixed && sel.len() != 1
            || sel
                .iter()
                .any(|slots| !(0..=MOST_SLOTS as i64).contains(slots))
        {
            return Err(self.inconsistent(
                name,
                format!(
                    "{} is not a possible number of neighbours",
                    brief(&format!("{sel:?}"))
                ),
            ));
        }
        let statistics = [5, 6].map(|k| node.inputs.get(k).copied().unwrap_or_default());
        let statistics = statistics.map(|input| {
            let input = input.split(':').next().unwrap_or_default();
            input.strip_suffix("/read").unwrap_or(input).to_owned()
        });
        let attributes = statistics[0]
            .rsplit_once('/')
            .map_or("", |(scope, _)| scope);
        let suffix = attributes
            .strip_prefix("descrpt_attr")
            .unwrap_or_default()
            .to_owned();
        // A sum of models has the suffix `_model0` and so on.
        let place: Result<_, _> = suffix.split('_').skip(1).map(str::parse).collect();
        let place = place.map_err(|_| self.several_models("linear_ener"))?;
        let n_types = if mixed {
            self.rows(&statistics[0])?
        } else {
            sel.len()
        };
        let oldest = self.has_scope("DS_layer_type_0") && !self.has_scope("filter_type_0");
        Ok(Part {
            node: name.to_owned(),
            place,
            radial,
            mixed,
            n_types,
            sel: sel.iter().map(|&slots| slots as usize).collect(),
            smoothing: Smoothing::single(
                node.float(smooth).ok_or_else(|| missing(smooth))?,
                node.float(cutoff).ok_or_else(|| missing(cutoff))?,
            ),
            attributes: attributes.to_owned(),
            statistics,
            filter: (
                if oldest {
                    "DS_layer_type_"
                } else {
                    "filter_type_"
                },
                suffix,
            ),
        })
    }

    /// Rows of statistics, one a type.
    fn rows(&self, name: &str) -> Result<usize, Error> {
        let (shape, _) = self.required_floats(name)?;
        let rows = shape.first().copied().unwrap_or(0);
        if (1..=MOST_TYPES).contains(&rows) {
            Ok(rows)
        } else {
            Err(self.inconsistent(name, format!("{rows} is not a possible number of types")))
        }
    }

    /// Whether there are more slots for a type than when the model was trained.
    pub(super) fn sel_was_enlarged(&self, part: &Part) -> bool {
        let trained = self.integers(&format!("{}/original_sel", part.attributes));
        let trained = trained.ok().flatten().unwrap_or_default();
        part.sel
            .iter()
            .zip(trained)
            .any(|(&now, then)| now as i64 > then)
    }

    /// The number of slots that sums over neighbours are divided by: that of the training, whatever `sel` is now.
    pub(super) fn trained_slots(&self, part: &Part) -> Result<f64, Error> {
        let positive = |name: &str, count: i64| match count {
            1.. => Ok(count as f64),
            _ => Err(self.inconsistent(name, format!("{count} is not a number of neighbours"))),
        };
        let scopes = (0..part.sel.len()).map(|centre| part.scope(centre));
        for scope in std::iter::once(part.common_scope()).chain(scopes) {
            let name = format!("{scope}/nnei");
            if let Some(count) = self.integer(&name)? {
                return positive(&name, count);
            }
        }
        let name = format!("{}/original_sel", part.attributes);
        match self.integers(&name)? {
            Some(sel) => positive(&name, sel.iter().fold(0, |sum, &n| sum.saturating_add(n))),
            None => Ok(part.slots() as f64),
        }
    }
}
