//! Tables that replaced the embedding nets of a compressed model.

use super::super::graph_def::Node;
use super::super::{Embedding, Table};
use super::constants::FrozenGraph;
use super::parts::Part;
use crate::Error;
use std::collections::{BTreeMap, HashMap};

/// Whether nodes of this kind look up a table; `TabulateFusion` is the name of deepmd-kit 2.0.
fn tabulates(op: &str) -> bool {
    matches!(
        op,
        "TabulateFusion" | "TabulateFusionSeA" | "TabulateFusionSeR" | "TabulateFusionSeT"
    )
}

/// The tables of a descriptor.
#[derive(Debug, Default)]
pub(super) struct Tables<'g> {
    /// By centre and neighbour type; by two neighbour types `a <= b` in `se_e3`; centre 0 stands for all if one-sided.
    by_types: HashMap<(usize, usize), (&'g str, &'g Node<'g>)>,
    /// Whether one table serves all centre types.
    pub(super) one_sided: bool,
    /// Whether these are tables of `se_e3`.
    pub(super) three_body: bool,
}

/// A table and what it works on.
struct Found<'g> {
    name: &'g str,
    node: &'g Node<'g>,
    /// Neighbour types, one or two.
    types: Vec<usize>,
    /// The slice that takes the atoms of one centre type.
    atoms: Option<&'g str>,
}

impl<'g> Tables<'g> {
    pub(super) fn is_empty(&self) -> bool {
        self.by_types.is_empty()
    }

    /// Name of any of the tables.
    pub(super) fn any(&self) -> Option<&'g Node<'g>> {
        self.by_types.values().next().map(|(_, node)| *node)
    }
}

impl FrozenGraph<'_> {
    /// All tables of a descriptor. `idle` are the centre types that no neighbour counts for, which have no table.
    pub(super) fn tables<'g>(
        &'g self,
        part: &Part,
        idle: impl Fn(usize) -> bool,
    ) -> Result<Tables<'g>, Error> {
        let mut found = Vec::new();
        for (name, node) in self.graph.nodes() {
            if tabulates(node.op)
                && let Some(table) = self.what_it_works_on(name, node, part)?
            {
                found.push(table);
            }
        }
        let n_types = part.sel.len();
        let mut tables = Tables {
            one_sided: found.iter().all(|table| table.atoms.is_none()),
            three_body: found.iter().any(|t| t.node.op == "TabulateFusionSeT"),
            ..Tables::default()
        };
        let scopes: HashMap<_, _> = (0..n_types).map(|t| (part.scope(t), t)).collect();
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for table in found {
            let types = match table.types[..] {
                [a, b] => (a.min(b), a.max(b)),
                [b] if tables.one_sided => (0, b),
                [b, ..] => {
                    let scope = table.name.rsplit_once('/').map_or("", |(scope, _)| scope);
                    match (scopes.get(scope), table.atoms) {
                        (Some(&centre), _) => (centre, b),
                        (None, Some(atoms)) => {
                            groups.entry(place_in_order(atoms)).or_default().push(table);
                            continue;
                        }
                        (None, None) => return Err(self.for_whom(table.name)),
                    }
                }
                [] => return Err(self.for_whom(table.name)),
            };
            tables.by_types.insert(types, (table.name, table.node));
        }
        // deepmd-kit 2.0 wrote tables without a scope; slices of atoms follow each other as the centre types do.
        let centres: Vec<_> = (0..n_types).filter(|&centre| !idle(centre)).collect();
        if !groups.is_empty() && groups.len() != centres.len() {
            return Err(self.inconsistent(
                "TabulateFusion",
                format!(
                    "there are tables for {} centre types where {} are needed",
                    groups.len(),
                    centres.len()
                ),
            ));
        }
        for (centre, group) in centres.into_iter().zip(groups.into_values()) {
            for table in group {
                let types = (centre, table.types[0]);
                tables.by_types.insert(types, (table.name, table.node));
            }
        }
        Ok(tables)
    }

    /// The neighbour types that a table is for; `None` if it belongs to another descriptor.
    fn what_it_works_on<'g>(
        &'g self,
        name: &'g str,
        node: &'g Node<'g>,
        part: &Part,
    ) -> Result<Option<Found<'g>>, Error> {
        let sections = self.sections(node, part.components() as i64)?;
        let path = sections
            .first()
            .and_then(|section| self.path(section.input));
        let Some(path) = path else {
            return Err(self.for_whom(name));
        };
        if path.environment != part.node {
            return Ok(None);
        }
        let mut types = Vec::new();
        for section in &sections {
            let mut first = 0;
            let known = part.sel.iter().position(|&slots| {
                let own = (first, slots as i64);
                first += slots as i64;
                own == (section.first, section.count)
            });
            types.push(known.ok_or_else(|| self.for_whom(name))?);
        }
        Ok(Some(Found {
            name,
            node,
            types,
            atoms: path.atoms,
        }))
    }

    fn for_whom(&self, name: &str) -> Error {
        self.inconsistent(name, "the neighbours that it is for cannot be told")
    }

    /// The table of a pair of types; `None` where there is none.
    pub(super) fn table(
        &self,
        tables: &Tables<'_>,
        types: (usize, usize),
    ) -> Result<Option<Embedding>, Error> {
        let Some((name, node)) = tables.by_types.get(&types) else {
            return Ok(None);
        };
        self.read_table(name, node, tables.three_body).map(Some)
    }

    /// The table of a node.
    pub(super) fn read_table(
        &self,
        name: &str,
        node: &Node<'_>,
        three_body: bool,
    ) -> Result<Embedding, Error> {
        let (Some(data), Some(info)) = (node.inputs.first(), node.inputs.get(1)) else {
            return Err(self.inconsistent(name, "it has no table"));
        };
        let outputs = node
            .integer("last_layer_size")
            .and_then(|size| usize::try_from(size).ok())
            .filter(|size| (1..=1 << 20).contains(size))
            .ok_or_else(|| self.inconsistent(name, "attribute last_layer_size is missing"))?;
        let (_, data) = self.required_floats(data)?;
        let (_, info) = self.required_floats(info)?;
        if info.len() != 6 {
            return Err(self.inconsistent(
                name,
                format!(
                    "its description has {} numbers where 6 are needed",
                    info.len()
                ),
            ));
        }
        let table = if three_body {
            Table::three_body(&info, &data, outputs)
        } else {
            Table::new(&info, &data, outputs)
        };
        table
            .map(Embedding::Table)
            .map_err(|what| self.inconsistent(name, what))
    }
}

/// TensorFlow numbers nodes of a kind as they are made: `Slice`, `Slice_1`, `Slice_2`, ...
fn place_in_order(name: &str) -> (usize, &str) {
    let number = name
        .rsplit_once('_')
        .and_then(|(_, number)| number.parse().ok());
    (number.unwrap_or(0), name)
}
