//! `se_atten` (DPA-1) without attention layers, in its forms "concat" and "strip", compressed or not.
//!
//! Neighbours of all types share the slots, nearest first. An empty slot takes the type of whatever atom comes first in the list of
//! all atoms; where that matters, the energy depends on the order of atoms, and such models are left to libtorch. Compiled models
//! (`.pt2`) have no slots: every neighbour counts, and nothing is empty.

use super::Reader;
use super::descriptor::Described;
use crate::Error;
use crate::model::descriptor::by_centre;
use crate::model::limits::MOST_SLOTS;
use crate::model::type_embedding::{Factors, PairCurves, SharedNet, TypeEmbedding};
use crate::model::{
    Descriptor, Embedding, Exclusion, Fading, FadingKind, Kind, Network, Selection, brief, matrix,
};
use ndarray::Array2;
use serde_json::Value;
use std::sync::Arc;

/// Whether a descriptor is one of these.
pub(super) fn is_attention(tree: &Value) -> bool {
    matches!(
        tree["type"].as_str(),
        Some("dpa1" | "se_atten" | "se_atten_v2")
    )
}

impl Reader<'_> {
    pub(super) fn without_attention(
        &self,
        tree: &Value,
        n_types: usize,
        off_the_list: &[[usize; 2]],
    ) -> Result<Described, Error> {
        self.version(tree, "descriptor", 4)?;
        self.check_settings(tree)?;
        if self.integer(tree, "attn_layer")? > 0 {
            return Err(self.needs_libtorch("descriptor se_atten (DPA-1) with attention layers"));
        }
        if !tree["lmax"].is_null() && tree["lmax"] != 1 {
            return Err(self.needs_libtorch("descriptor se_atten (DPA-1) with lmax above 1"));
        }
        let second = tree["type"] == "se_atten_v2";
        let strip = second || tree["tebd_input_mode"] == "strip";
        let smooth = strip && (second || tree["smooth_type_embedding"] == true);
        let types = Arc::new(self.type_embedding(&tree["type_embedding"], n_types)?);
        let curves = if strip {
            self.apart(tree, &types)?
        } else {
            self.concatenated(tree, &types)?
        };
        let slots = self.shared_slots(tree)?;
        let statistics = |key: &str| {
            let values = self.required_array(&tree["@variables"], key)?;
            by_centre(&values, n_types, slots).map_err(|what| self.inconsistent(key, what))
        };
        let (mean, deviation) = (statistics("davg")?, statistics("dstd")?);
        let smoothing = self.smoothing(tree)?;
        let fading = |centre: usize| {
            smooth.then(|| Fading {
                kind: FadingKind::Switch(smoothing),
                mean: mean[[centre, 0, 0]],
                deviation: deviation[[centre, 0, 0]],
            })
        };
        let mut empty_curves = Vec::new();
        if !self.takes_all && mean.iter().any(|mean| *mean != 0.0) {
            if n_types > 1 && !smooth {
                return Err(self.needs_libtorch(
                    "descriptor se_atten (DPA-1) with set_davg_zero false, whose energy depends on the type of the first atom,",
                ));
            }
            empty_curves.extend((0..n_types).map(|a| curves.curve((a, 0), fading(a))));
        }
        let (embeddings, embedding_of) = curves.of_pairs(n_types, fading);
        let mut excluded = self.excluded(tree, n_types)?;
        for pair in off_the_list.iter().flat_map(|&[a, b]| [[a, b], [b, a]]) {
            excluded[pair] = Exclusion::FromList;
        }
        let descriptor = Descriptor {
            kind: Kind::SeE2A {
                axis: self.integer(tree, "axis_neuron")?,
            },
            smoothing,
            sel: vec![slots; n_types],
            selection: if self.takes_all {
                Selection::All(slots)
            } else {
                Selection::Together(slots)
            },
            divisor: slots as f64,
            mean,
            deviation,
            embeddings,
            embedding_of,
            excluded,
            empty_curves,
        };
        Ok(Described {
            descriptors: vec![descriptor],
            mixed: true,
            types: (tree["concat_output_tebd"] != false).then_some(types),
        })
    }

    /// Slots of all types together; files hold them as a list whatever its length.
    fn shared_slots(&self, tree: &Value) -> Result<usize, Error> {
        let slots = self.list(tree, "sel")?.iter().map(Value::as_u64);
        let slots = slots.sum::<Option<u64>>();
        slots
            .and_then(|slots| usize::try_from(slots).ok())
            .filter(|slots| (1..=MOST_SLOTS).contains(slots))
            .ok_or_else(|| {
                let what = format!("{} is not a number of neighbours", brief(&tree["sel"]));
                self.inconsistent("sel", what)
            })
    }

    fn type_embedding(&self, tree: &Value, n_types: usize) -> Result<TypeEmbedding, Error> {
        self.version(tree, "type embedding", 2)?;
        let net = self.network(&tree["embedding"])?;
        let inputs = if self.asks_for(tree, "use_econf_tebd") {
            let Some(shells) = self.array(tree, "econf_tebd")? else {
                return Err(self.needs_libtorch("use_econf_tebd"));
            };
            matrix(shells).map_err(|what| self.inconsistent("econf_tebd", what))?
        } else {
            Array2::eye(n_types)
        };
        if let Some(what) = net.fault(inputs.ncols(), net.outputs()) {
            return Err(self.inconsistent("type_embedding", what));
        }
        if inputs.nrows() != n_types {
            let what = format!("{} rows for {n_types} types", inputs.nrows());
            return Err(self.inconsistent("econf_tebd", what));
        }
        Ok(TypeEmbedding::of(&net, &inputs))
    }

    fn concatenated(&self, tree: &Value, types: &Arc<TypeEmbedding>) -> Result<PairCurves, Error> {
        let net = SharedNet {
            net: self.only_network(tree, "embeddings")?,
            types: types.clone(),
            one_sided: tree["type_one_side"] == true,
        };
        PairCurves::concatenated(net).map_err(|what| self.inconsistent("embeddings", what))
    }

    fn apart(&self, tree: &Value, types: &Arc<TypeEmbedding>) -> Result<PairCurves, Error> {
        let one_sided = tree["type_one_side"] == true;
        let tables = &tree["compress"]["@variables"];
        let common = if tree["compress"]["geo_compress"] == true {
            let kind = Kind::SeE2A { axis: 0 };
            self.table(tables, kind, 0)?
                .ok_or_else(|| self.inconsistent("compress_data", "the table is empty"))?
        } else {
            Embedding::Network(self.only_network(tree, "embeddings")?)
        };
        let factors = match self.array(tables, "type_embd_data")? {
            Some(rows) => Factors::Table {
                rows: matrix(rows).map_err(|what| self.inconsistent("type_embd_data", what))?,
                n_types: types.n_types(),
                one_sided,
            },
            None => Factors::Net(SharedNet {
                net: self.only_network(tree, "embeddings_strip")?,
                types: types.clone(),
                one_sided,
            }),
        };
        let item = "embeddings_strip";
        PairCurves::apart(common, factors).map_err(|what| self.inconsistent(item, what))
    }

    /// The net of a collection that has no other.
    fn only_network(&self, tree: &Value, key: &str) -> Result<Network, Error> {
        let collection = &tree[key];
        self.version(collection, "collection of networks", 1)?;
        match self.list(collection, "networks")? {
            [net] => self.network(net),
            nets => {
                let what = format!("{} nets where one is needed", nets.len());
                Err(self.inconsistent(key, what))
            }
        }
    }
}
