//! `se_atten` (DPA-1) without attention layers, in its forms "concat" and "strip", compressed or not.
//!
//! Neighbours of all types share the slots, nearest first. An empty slot has the type that is none, whose embedding is zero. With
//! `smooth_type_embedding` the factors of the form "strip" fade with `1 - (1 - rcut_smth s)^3`, and rows of excluded
//! neighbours hold the mean of `s` in all places; before 3.0, and without it, they are zero.

use super::super::type_embedding::{Factors, PairCurves, TypeEmbedding};
use super::super::{Descriptor, Exclusion, Fading, FadingKind, Kind, Selection, decimal};
use super::constants::FrozenGraph;
use super::parts::Part;
use crate::Error;
use ndarray::Array2;
use serde_json::Value;
use std::sync::Arc;

/// No path from a lookup of factors to their table is longer.
const LONGEST: usize = 16;

impl FrozenGraph<'_> {
    /// The descriptor of a part whose types share their slots.
    pub(super) fn without_attention(
        &self,
        part: &Part,
        section: &Value,
        types: &Arc<TypeEmbedding>,
    ) -> Result<Descriptor, Error> {
        if !section.is_object() {
            return Err(self.inconsistent(
                "train_attr/training_script",
                "it says nothing of the descriptor, and without it no model with se_atten can be read",
            ));
        }
        let n_types = part.n_types;
        let mean = self.statistics(part, 0, 0.0)?;
        let deviation = self.statistics(part, 1, 1.0)?;
        let scope = part.common_scope();
        let table = format!("{scope}/TabulateFusionSeAtten");
        let curves = self.curves_of_pairs(&scope, &table, section, types)?;
        let smooth = is_smooth(section);
        let from = section["rcut_smth"].as_f64();
        let from = from.unwrap_or_else(|| decimal(part.smoothing.from));
        let fading = |centre: usize| {
            smooth.then(|| Fading {
                kind: FadingKind::Cubic { from },
                mean: mean[[centre, 0, 0]],
                deviation: deviation[[centre, 0, 0]],
            })
        };
        let (embeddings, embedding_of) = curves.of_pairs(n_types, fading);
        let empty_curves = if mean.iter().any(|mean| *mean != 0.0) {
            let of_centre = |a: usize| curves.curve((a, n_types), fading(a));
            (0..n_types).map(of_centre).collect()
        } else {
            Vec::new()
        };
        let exclusion = self.exclusion(&scope, &table);
        let excluded = self.stated_exclusions(section, n_types)?;
        let excluded: Array2<Exclusion> = excluded.mapv(|excluded| match excluded {
            true => exclusion,
            false => Exclusion::None,
        });
        Ok(Descriptor {
            kind: Kind::SeE2A { axis: 0 },
            smoothing: part.smoothing,
            sel: vec![part.slots(); n_types],
            selection: Selection::Together(part.slots()),
            divisor: self.trained_slots(part)?,
            empty_curves,
            mean,
            deviation,
            embeddings,
            embedding_of,
            excluded,
        })
    }

    /// The curves of all pairs, from nets or from a table.
    fn curves_of_pairs(
        &self,
        scope: &str,
        table: &str,
        section: &Value,
        types: &Arc<TypeEmbedding>,
    ) -> Result<PairCurves, Error> {
        let Some((name, node)) = self.graph.entry(table) else {
            let activation = self.activation(section, scope)?;
            return self.curves_of_types(scope, activation, types);
        };
        let common = self.read_table(name, node, false)?;
        let rows = node.inputs.get(4).and_then(|input| self.looked_up(input));
        let rows = rows.ok_or_else(|| self.inconsistent(name, "it has no factors of types"))?;
        let factors = Factors::Table {
            rows: self.matrix(rows)?.ok_or_else(|| self.missing(rows))?,
            n_types: types.n_types(),
            one_sided: false,
        };
        PairCurves::apart(common, factors).map_err(|what| self.inconsistent(name, what))
    }

    /// Name of the table that an input is looked up in, faded or not.
    fn looked_up<'g>(&'g self, input: &'g str) -> Option<&'g str> {
        let mut input = input;
        for _ in 0..LONGEST {
            let (name, node) = self.source(input)?;
            if node.op == "Const" {
                return Some(name);
            }
            if !matches!(
                node.op,
                "Mul" | "Reshape" | "Cast" | "Identity" | "GatherV2" | "Gather"
            ) {
                return None;
            }
            input = node.inputs.first().copied()?;
        }
        None
    }

    /// What rows of excluded neighbours become.
    fn exclusion(&self, scope: &str, table: &str) -> Exclusion {
        let input = match self.graph.node(table) {
            Some(table) => table.inputs.get(2),
            None => self
                .graph
                .node(&format!("{scope}/MatMul"))
                .and_then(|product| product.inputs.first()),
        };
        match input.and_then(|input| self.path(input)) {
            Some(path) if path.replaced => Exclusion::Means,
            _ => Exclusion::Neighbours,
        }
    }
}

/// Whether factors fade with the distance; 2.x spelt the key without an e.
fn is_smooth(section: &Value) -> bool {
    let kind = section["type"].as_str().unwrap_or_default();
    kind.eq_ignore_ascii_case("se_atten_v2")
        || ["smooth_type_embedding", "smooth_type_embdding"]
            .iter()
            .any(|key| section[*key] == Value::Bool(true))
}
