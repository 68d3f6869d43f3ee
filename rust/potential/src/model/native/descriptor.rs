//! Descriptors of the native form: `se_e2_a`, `se_e2_r`, `se_e3` and hybrids of them.

use super::Reader;
use super::attention::is_attention;
use crate::Error;
use crate::model::descriptor::{RADIAL_DIVISOR, by_section};
use crate::model::limits::MOST_SLOTS;
use crate::model::type_embedding::TypeEmbedding;
use crate::model::{
    DEGREES, Descriptor, Embedding, Exclusion, Kind, Selection, Shaped, Smoothing, Table, brief,
};
use ndarray::{Array2, Array3};
use serde_json::Value;
use std::sync::Arc;

/// No hybrid has more parts.
const MOST_PARTS: usize = 64;

/// Descriptors, and what they mean for the fitting nets.
pub(super) struct Described {
    pub(super) descriptors: Vec<Descriptor>,
    /// Whether one fitting net serves all types.
    pub(super) mixed: bool,
    /// The types that stand behind the descriptor in the input of that net.
    pub(super) types: Option<Arc<TypeEmbedding>>,
}

impl Reader<'_> {
    /// The descriptor of a model, or the parts of its hybrid; pairs in `off_the_list` are nobody's neighbours.
    pub(super) fn descriptors(
        &self,
        tree: &Value,
        n_types: usize,
        off_the_list: &[[usize; 2]],
    ) -> Result<Described, Error> {
        if is_attention(tree) {
            return self.without_attention(tree, n_types, off_the_list);
        }
        let parts = if tree["type"] == "hybrid" {
            self.version(tree, "hybrid descriptor", 1)?;
            self.list(tree, "list")?
        } else {
            std::slice::from_ref(tree)
        };
        if parts.is_empty() || parts.len() > MOST_PARTS {
            let what = format!("{} is not a possible number of descriptors", parts.len());
            return Err(self.inconsistent("list", what));
        }
        let mut descriptors: Vec<_> = parts
            .iter()
            .map(|part| self.descriptor(part, n_types))
            .collect::<Result<_, _>>()?;
        // one list serves all parts: of each type as many as the part with the most slots takes
        let most = |t: usize| descriptors.iter().map(|d| d.sel[t]).max().unwrap_or(0);
        let selection = Selection::OverallThenPerType((0..n_types).map(most).sum());
        self.check_shells(&descriptors)?;
        for descriptor in &mut descriptors {
            descriptor.selection = selection;
            for pair in off_the_list.iter().flat_map(|&[a, b]| [[a, b], [b, a]]) {
                descriptor.excluded[pair] = Exclusion::FromList;
            }
        }
        Ok(Described {
            descriptors,
            mixed: false,
            types: None,
        })
    }

    /// Neighbours between the cutoff of one part and that of another are empty slots to the first, except that their rows
    /// are zero where their types are excluded.
    fn check_shells(&self, descriptors: &[Descriptor]) -> Result<(), Error> {
        let cutoff = descriptors
            .iter()
            .map(Descriptor::cutoff)
            .fold(0.0, f64::max);
        let differs = |descriptor: &Descriptor| {
            let pairs = descriptor.excluded.indexed_iter();
            descriptor.cutoff() < cutoff
                && pairs
                    .filter(|(_, excluded)| **excluded == Exclusion::Neighbours)
                    .any(|((a, b), _)| descriptor.padding_row(a, b) != [0.0; 4])
        };
        if descriptors.iter().any(differs) {
            let feature = "a hybrid with exclude_types in the part with the shorter cutoff";
            return Err(self.needs_libtorch(feature));
        }
        Ok(())
    }

    fn descriptor(&self, tree: &Value, n_types: usize) -> Result<Descriptor, Error> {
        let kind = match tree["type"].as_str() {
            Some("se_e2_a" | "se_a") => Kind::SeE2A {
                axis: self.integer(tree, "axis_neuron")?,
            },
            Some("se_e2_r" | "se_r") => Kind::SeE2R,
            Some("se_e3" | "se_t" | "se_a_3be") => Kind::SeE3,
            Some(kind) => {
                return Err(self.needs_libtorch(format!("descriptor {}", brief(kind))));
            }
            None => return Err(self.inconsistent("descriptor", "it has no type")),
        };
        self.version(tree, "descriptor", 3)?;
        self.check_settings(tree)?;
        let sel = self.sel(tree, n_types)?;
        let slots: usize = sel.iter().sum();
        let components = match kind {
            Kind::SeE2R => 1,
            Kind::SeE2A { .. } | Kind::SeE3 => 4,
        };
        let variables = &tree["@variables"];
        let statistics = |key: &str, otherwise: f64| {
            let values = self.required_array(variables, key)?;
            by_section(&values, n_types, &sel, components, otherwise)
                .map_err(|what| self.inconsistent(key, what))
        };
        let (mean, deviation): (Array3<f64>, Array3<f64>) =
            (statistics("davg", 0.0)?, statistics("dstd", 1.0)?);
        let excluded = self.excluded(tree, n_types)?;
        let (embeddings, embedding_of) = self.embeddings(tree, kind, n_types)?;
        Ok(Descriptor {
            kind,
            smoothing: self.smoothing(tree)?,
            divisor: match kind {
                Kind::SeE2R => RADIAL_DIVISOR * slots as f64,
                Kind::SeE2A { .. } | Kind::SeE3 => slots as f64,
            },
            selection: Selection::OverallThenPerType(slots),
            sel,
            mean,
            deviation,
            embeddings,
            embedding_of,
            excluded,
            empty_curves: Vec::new(),
        })
    }

    /// Refuses settings of any descriptor that are not evaluated.
    pub(super) fn check_settings(&self, tree: &Value) -> Result<(), Error> {
        if self.asks_for(&tree["env_mat"], "use_exp_switch") {
            return Err(self.needs_libtorch("use_exp_switch"));
        }
        if self.asks_for(tree, "spin") {
            return Err(self.unsupported("spin", "Energy models without spin are"));
        }
        Ok(())
    }

    pub(super) fn smoothing(&self, tree: &Value) -> Result<Smoothing, Error> {
        let mut smoothing =
            Smoothing::double(self.float(tree, "rcut_smth")?, self.float(tree, "rcut")?);
        if !tree["env_protection"].is_null() {
            smoothing.protection = self.float(tree, "env_protection")?;
        }
        Ok(smoothing)
    }

    /// `exclude_types`
    pub(super) fn excluded(
        &self,
        tree: &Value,
        n_types: usize,
    ) -> Result<Array2<Exclusion>, Error> {
        let mut excluded = Array2::from_elem((n_types, n_types), Exclusion::None);
        for [a, b] in self.pairs(tree, "exclude_types", n_types)? {
            excluded[[a, b]] = Exclusion::Neighbours;
            excluded[[b, a]] = Exclusion::Neighbours;
        }
        Ok(excluded)
    }

    fn sel(&self, tree: &Value, n_types: usize) -> Result<Vec<usize>, Error> {
        let slots = |value: &Value| {
            let slots = usize::try_from(value.as_u64()?).ok()?;
            (slots <= MOST_SLOTS).then_some(slots)
        };
        self.list(tree, "sel")?
            .iter()
            .map(slots)
            .collect::<Option<Vec<_>>>()
            .filter(|sel| sel.len() == n_types && sel.iter().any(|&slots| slots > 0))
            .ok_or_else(|| {
                let what = format!("it is not a number of neighbours for each of {n_types} types");
                self.inconsistent("sel", what)
            })
    }

    /// The embedding curves in use, and which of them is that of a pair of types.
    fn embeddings(
        &self,
        tree: &Value,
        kind: Kind,
        n_types: usize,
    ) -> Result<(Vec<Embedding>, Array2<Option<usize>>), Error> {
        let collection = &tree["embeddings"];
        self.version(collection, "collection of networks", 1)?;
        let nets = self.list(collection, "networks")?;
        // Index: neighbour, or first type + n_types * second type.
        let dimensions = self.integer(collection, "ndim")?;
        match (kind, dimensions) {
            (Kind::SeE2A { .. }, 1 | 2) | (Kind::SeE2R, 1) | (Kind::SeE3, 2) => {}
            (Kind::SeE2R, 2) => {
                return Err(self.unsupported(
                    "se_e2_r with type_one_side false",
                    "deepmd-kit evaluates it in a frozen graph (.pb) only, which is read too",
                ));
            }
            _ => {
                let what = format!("ndim = {dimensions} does not belong to this descriptor");
                return Err(self.inconsistent("embeddings", what));
            }
        }
        let expected = n_types.pow(dimensions as u32);
        if nets.len() != expected {
            let what = format!("{} nets where {expected} are needed", nets.len());
            return Err(self.inconsistent("embeddings", what));
        }
        let tables = tree.get("compress").map(|compress| &compress["@variables"]);
        let mut embeddings = Vec::new();
        let mut place = vec![None; nets.len()];
        let used = |k: usize| kind != Kind::SeE3 || k % n_types <= k / n_types;
        for (k, net) in nets.iter().enumerate().filter(|(k, _)| used(*k)) {
            let embedding = match tables {
                Some(tables) => self.table(tables, kind, k)?,
                None if net.is_null() => {
                    return Err(self.unsupported(
                        "a compressed model without its embedding nets",
                        "Use the file that it was converted from, or compress after converting",
                    ));
                }
                None => Some(self.network(net).map(Embedding::Network)?),
            };
            if let Some(embedding) = embedding {
                place[k] = Some(embeddings.len());
                embeddings.push(embedding);
            }
        }
        let index = |(first, second): (usize, usize)| match (kind, dimensions) {
            (Kind::SeE3, _) if first > second => None,
            (_, 1) => place[second],
            _ => place[first + n_types * second],
        };
        Ok((embeddings, Array2::from_shape_fn((n_types, n_types), index)))
    }

    /// The table in the place of the `k`-th net; an empty one contributes nothing.
    pub(super) fn table(
        &self,
        tables: &Value,
        kind: Kind,
        k: usize,
    ) -> Result<Option<Embedding>, Error> {
        let item = |key: &str| self.numbers(&tables[key][k], key);
        let Some((shape, numbers)) = item("compress_data")? else {
            return Err(self.inconsistent("compress_data", format!("table {k} is missing")));
        };
        if numbers.is_empty() {
            return Ok(None);
        }
        let (_, info): Shaped = item("compress_info")?.unwrap_or_default();
        let outputs = shape.last().map_or(0, |columns| columns / DEGREES);
        let table = match kind {
            Kind::SeE3 => Table::three_body(&info, &numbers, outputs),
            Kind::SeE2A { .. } | Kind::SeE2R => Table::new(&info, &numbers, outputs),
        };
        table
            .map(|table| Some(Embedding::Table(table)))
            .map_err(|what| self.inconsistent("compress_data", what))
    }
}
