//! A descriptor from its part of the graph: embedding curves by pair of types, what is excluded, statistics.

use super::super::brief;
use super::super::descriptor::{RADIAL_DIVISOR, by_centre, by_section};
use super::super::type_embedding::{PairCurves, TypeEmbedding};
use super::super::{Activation, Descriptor, Embedding, Exclusion, Kind, Selection};
use super::constants::FrozenGraph;
use super::parts::Part;
use super::script::Script;
use super::tables::Tables;
use crate::Error;
use ndarray::{Array2, Array3};
use serde_json::Value;
use std::cell::OnceCell;
use std::sync::Arc;

/// No embedding net has more outputs.
const MOST_AXIS: i64 = 1 << 16;

/// How the nets of a descriptor are named, and what they depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// By neighbour type: `matrix_{l}_{b}` in the common scope.
    OneSided,
    /// By centre and neighbour type: `matrix_{l}_{b}` in the scope of the centre type.
    TwoSided,
    /// By two neighbour types: `matrix_{l}_{a}_{b}` in the common scope.
    ThreeBody,
    /// One for all, `matrix_{l}` in the common scope, which sees the types as further inputs.
    TypeEmbedding,
}

/// What a descriptor is read from.
struct Source<'r> {
    frozen: &'r FrozenGraph<'r>,
    part: &'r Part,
    /// The descriptor's section of the training script.
    section: &'r Value,
    tables: Tables<'r>,
    form: Form,
    activation: OnceCell<Activation>,
}

/// Curves, and which of them serves a pair of types.
struct Curves {
    embeddings: Vec<Embedding>,
    embedding_of: Array2<Option<usize>>,
}

impl FrozenGraph<'_> {
    /// All descriptors. `width` is their width together, as the fitting nets take it.
    pub(super) fn descriptors(
        &self,
        parts: &[Part],
        script: &Script,
        types: Option<&Arc<TypeEmbedding>>,
        width: usize,
    ) -> Result<Vec<Descriptor>, Error> {
        let mut descriptors = parts
            .iter()
            .map(|part| self.descriptor(part, script.descriptor(&part.place), types))
            .collect::<Result<Vec<_>, _>>()?;
        // An axis that is said nowhere is what remains of the fitting nets' inputs.
        let known: usize = descriptors.iter().map(Descriptor::width).sum();
        for descriptor in &mut descriptors {
            let m1 = descriptor.m1();
            if let Kind::SeE2A { axis } = &mut descriptor.kind
                && *axis == 0
            {
                *axis = width.saturating_sub(known).checked_div(m1).unwrap_or(0);
                break;
            }
        }
        Ok(descriptors)
    }

    fn descriptor(
        &self,
        part: &Part,
        section: &Value,
        types: Option<&Arc<TypeEmbedding>>,
    ) -> Result<Descriptor, Error> {
        let n_types = part.n_types;
        if part.mixed {
            let types = types.ok_or_else(|| self.missing("type_embed_net/matrix_1"))?;
            return self.without_attention(part, section, types);
        }
        let mean = self.statistics(part, 0, 0.0)?;
        let deviation = self.statistics(part, 1, 1.0)?;
        let stated = self.stated_exclusions(section, n_types)?;
        let idle = |centre: usize| stated.row(centre).iter().all(|excluded| *excluded);
        let tables = self.tables(part, idle)?;
        let form = self.form(part, &tables);
        let source = Source {
            frozen: self,
            part,
            section,
            tables,
            form,
            activation: OnceCell::new(),
        };
        let masked = source.masked(stated.clone());
        let curves = match (form, types) {
            (Form::TypeEmbedding, Some(types)) => source.with_type_embedding(types, &mean)?,
            (Form::TypeEmbedding, None) => return Err(self.missing("type_embed_net/matrix_1")),
            (Form::OneSided, _) => source.one_sided(&masked)?,
            (Form::TwoSided, _) => source.two_sided(&stated)?,
            (Form::ThreeBody, _) => source.three_body()?,
        };
        let Curves {
            embeddings,
            mut embedding_of,
        } = curves;
        if embeddings.is_empty() {
            return Err(self.inconsistent(
                &part.scope(0),
                "the graph has neither embedding nets nor tables there",
            ));
        }
        let mut excluded = Array2::from_elem((n_types, n_types), Exclusion::None);
        if part.radial {
            excluded.zip_mut_with(&masked, |excluded, &masked| {
                if masked {
                    *excluded = Exclusion::Slots;
                }
            });
        } else {
            // Rows that are zero, in empty slots too, add nothing to a sum of rows times curves.
            embedding_of.zip_mut_with(&masked, |index, &masked| {
                if masked {
                    *index = None;
                }
            });
        }
        let trained_slots = self.trained_slots(part)?;
        let (kind, divisor) = match form {
            Form::ThreeBody => (Kind::SeE3, trained_slots),
            _ if part.radial => (Kind::SeE2R, RADIAL_DIVISOR * part.slots() as f64),
            _ => {
                let axis = source.axis()?.unwrap_or(0);
                (Kind::SeE2A { axis }, trained_slots)
            }
        };
        Ok(Descriptor {
            kind,
            smoothing: part.smoothing,
            sel: part.sel.clone(),
            selection: Selection::PerType,
            divisor,
            mean,
            deviation,
            embeddings,
            embedding_of,
            excluded,
            empty_curves: Vec::new(),
        })
    }

    /// `davg` or `dstd`, `[n_types, components slots]` in the file, by pair of types here.
    pub(super) fn statistics(
        &self,
        part: &Part,
        k: usize,
        otherwise: f64,
    ) -> Result<Array3<f64>, Error> {
        let name = &part.statistics[k];
        let values = self.required_floats(name)?;
        let statistics = if part.mixed {
            by_centre(&values, part.n_types, part.slots())
        } else {
            by_section(
                &values,
                part.n_types,
                &part.sel,
                part.components(),
                otherwise,
            )
        };
        statistics.map_err(|what| {
            if self.sel_was_enlarged(part) {
                self.unsupported(
                    "a sel that was enlarged after training, which leaves new slots with another dstd than old ones",
                    "Freeze the model with the sel that it was trained with",
                )
            } else {
                self.inconsistent(name, what)
            }
        })
    }

    /// `exclude_types` of the training script, by centre and neighbour type.
    pub(super) fn stated_exclusions(
        &self,
        section: &Value,
        n_types: usize,
    ) -> Result<Array2<bool>, Error> {
        let name = "exclude_types of the training script";
        let mut excluded = Array2::from_elem((n_types, n_types), false);
        for pair in section["exclude_types"].as_array().into_iter().flatten() {
            match (pair[0].as_u64(), pair[1].as_u64()) {
                (Some(a), Some(b)) if a.max(b) < n_types as u64 => {
                    excluded[[a as usize, b as usize]] = true;
                    excluded[[b as usize, a as usize]] = true;
                }
                _ => {
                    return Err(
                        self.inconsistent(name, format!("{} is not a pair of types", brief(pair)))
                    );
                }
            }
        }
        Ok(excluded)
    }

    fn form(&self, part: &Part, tables: &Tables<'_>) -> Form {
        let common = part.common_scope();
        let has = |net: &str| self.has(&format!("{common}/matrix_1{net}"));
        if tables.three_body || !part.radial && has("_0_0") {
            Form::ThreeBody
        } else if has("") {
            Form::TypeEmbedding
        } else if self.has_scope(&common) || !tables.is_empty() && tables.one_sided {
            Form::OneSided
        } else {
            Form::TwoSided
        }
    }
}

impl Source<'_> {
    fn n_types(&self) -> usize {
        self.part.sel.len()
    }

    /// The net `matrix_1{suffix}`, ... of a scope, or the table that replaced it; `None` if there is neither.
    fn curve(
        &self,
        scope: &str,
        suffix: &str,
        types: (usize, usize),
    ) -> Result<Option<Embedding>, Error> {
        if !self.frozen.has(&format!("{scope}/matrix_1{suffix}")) {
            return self.frozen.table(&self.tables, types);
        }
        let activation = self.activation(scope)?;
        let network = self.frozen.embedding_net(scope, suffix, activation)?;
        Ok(Some(Embedding::Network(network)))
    }

    fn activation(&self, scope: &str) -> Result<Activation, Error> {
        if let Some(known) = self.activation.get() {
            return Ok(*known);
        }
        let found = self.frozen.activation(self.section, scope)?;
        Ok(*self.activation.get_or_init(|| found))
    }

    fn missing(&self, scope: &str, suffix: &str) -> Error {
        self.frozen.missing(&format!("{scope}/matrix_1{suffix}"))
    }

    fn one_sided(&self, masked: &Array2<bool>) -> Result<Curves, Error> {
        let scope = self.part.common_scope();
        let mut curves = Curves::none(self.n_types());
        for neighbour in 0..self.n_types() {
            let suffix = format!("_{neighbour}");
            match self.curve(&scope, &suffix, (0, neighbour))? {
                Some(curve) => {
                    let index = Some(curves.push(curve));
                    curves.embedding_of.column_mut(neighbour).fill(index);
                }
                None if masked.column(neighbour).iter().all(|masked| *masked) => {}
                None => return Err(self.missing(&scope, &suffix)),
            }
        }
        Ok(curves)
    }

    /// Excluded pairs have no net; where there is a training script, it must say so.
    fn two_sided(&self, stated: &Array2<bool>) -> Result<Curves, Error> {
        let mut curves = Curves::none(self.n_types());
        for centre in 0..self.n_types() {
            let scope = self.part.scope(centre);
            for neighbour in 0..self.n_types() {
                let suffix = format!("_{neighbour}");
                match self.curve(&scope, &suffix, (centre, neighbour))? {
                    Some(curve) => {
                        let index = curves.push(curve);
                        curves.embedding_of[[centre, neighbour]] = Some(index);
                    }
                    None if self.section.is_object() && !stated[[centre, neighbour]] => {
                        return Err(self.missing(&scope, &suffix));
                    }
                    None => {}
                }
            }
        }
        Ok(curves)
    }

    fn three_body(&self) -> Result<Curves, Error> {
        let scope = self.part.common_scope();
        let mut curves = Curves::none(self.n_types());
        for a in 0..self.n_types() {
            for b in a..self.n_types() {
                let suffix = format!("_{a}_{b}");
                let curve = self.curve(&scope, &suffix, (a, b))?;
                let curve = curve.ok_or_else(|| self.missing(&scope, &suffix))?;
                let index = curves.push(curve);
                curves.embedding_of[[a, b]] = Some(index);
            }
        }
        Ok(curves)
    }

    fn with_type_embedding(
        &self,
        types: &Arc<TypeEmbedding>,
        mean: &Array3<f64>,
    ) -> Result<Curves, Error> {
        let scope = self.part.common_scope();
        let activation = self.activation(&scope)?;
        let curves = self.frozen.curves_of_types(&scope, activation, types)?;
        if matches!(curves, PairCurves::Apart(..)) && mean.iter().any(|mean| *mean != 0.0) {
            return Err(self.frozen.unsupported(
                "type embedding in the form 'strip' (se_a_ebd_v2) with set_davg_zero false",
                "Train se_e2_a with type_embedding, or with set_davg_zero true",
            ));
        }
        let (embeddings, embedding_of) = curves.of_pairs(self.n_types(), |_| None);
        Ok(Curves {
            embeddings,
            embedding_of,
        })
    }

    /// Pairs whose rows the graph multiplies by zero. Graphs without directions of this kind show no such product; where
    /// the product cannot be read, the training script is believed.
    fn masked(&self, stated: Array2<bool>) -> Array2<bool> {
        let none = Array2::from_elem(stated.dim(), false);
        if !matches!(self.form, Form::OneSided | Form::TypeEmbedding) {
            return none;
        }
        let frozen = self.frozen;
        let product = format!("{}/MatMul", self.part.common_scope());
        let input = match (self.tables.any(), frozen.graph.node(&product)) {
            (Some(table), _) => table.inputs.get(2),
            (None, Some(product)) => product.inputs.first(),
            (None, None) => None,
        };
        match input.and_then(|input| frozen.path(input)) {
            None => stated,
            Some(path) => match path.mask {
                None => none,
                Some(mask) => frozen.mask(mask, self.n_types()).unwrap_or(stated),
            },
        }
    }

    /// `M2`: the columns that a slice through both other dimensions keeps, or what the training script says.
    fn axis(&self) -> Result<Option<usize>, Error> {
        let own = (0..self.n_types())
            .map(|centre| self.part.scope(centre))
            .chain([self.part.common_scope()]);
        let scopes: std::collections::HashSet<_> = own.collect();
        for (name, node) in self.frozen.graph.nodes() {
            let within = name
                .rsplit_once('/')
                .is_some_and(|(scope, _)| scopes.contains(scope));
            if node.op != "Slice" || !within {
                continue;
            }
            let constant = |k: usize| match node.inputs.get(k).and_then(|i| self.frozen.source(i)) {
                Some((name, source)) if source.op == "Const" => self.frozen.integers(name),
                _ => Ok(None),
            };
            if let (Some(&[0, 0, 0]), Some(&[-1, -1, axis @ 1..=MOST_AXIS])) =
                (constant(1)?.as_deref(), constant(2)?.as_deref())
            {
                return Ok(Some(axis as usize));
            }
        }
        let stated = ["axis_neuron", "n_axis_neuron"]
            .iter()
            .find_map(|key| self.section[*key].as_u64());
        Ok(stated
            .filter(|axis| (1..=MOST_AXIS as u64).contains(axis))
            .map(|axis| axis as usize))
    }
}

impl Curves {
    fn none(n_types: usize) -> Self {
        Self {
            embeddings: Vec::new(),
            embedding_of: Array2::from_elem((n_types, n_types), None),
        }
    }

    fn push(&mut self, curve: Embedding) -> usize {
        self.embeddings.push(curve);
        self.embeddings.len() - 1
    }
}
