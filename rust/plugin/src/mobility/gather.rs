//! The atoms of all ranks on rank 0: sorted by ID, analysed, and given back in the order in which they came.

use deepdms_mobility::analysis::{AtomHistory, Outcome};
use deepdms_mobility::cell::Vector;
use deepdms_mobility::clusters::NOTHING;
use deepdms_mobility::frame::order;
use deepdms_mobility::strings::Rule;
use deepdms_mobility::{Atoms, Error, Frame};

use super::rows::COLUMNS;
use super::{Mobility, mobility};
use crate::guard::BridgeError;

/// What has been received for the window that ends.
#[derive(Debug, Default)]
pub struct Gathered {
    atoms: Atoms,
    /// Place in what was received of each atom in the order of IDs.
    order: Vec<usize>,
    /// Configurations, the newest first.
    frames: Vec<Vec<Vector>>,
    histories: Vec<AtomHistory>,
    outcome: Option<Outcome>,
}

impl Mobility {
    /// Takes the atoms of all ranks: ID, type, mass, and whether it is analysed [n, 4].
    pub(super) fn receive_atoms(&mut self, table: &[f64]) -> Result<(), BridgeError> {
        mobility("receive_atoms", || {
            let ids: Vec<u64> = table.chunks_exact(4).map(|atom| atom[0] as u64).collect();
            let order = order(&ids);
            let row = |place: &usize| &table[4 * place..4 * place + 4];
            let rows = || order.iter().map(row);
            let atoms = Atoms {
                ids: order.iter().map(|&place| ids[place]).collect(),
                types: rows().map(|atom| atom[1] as u32).collect(),
                masses: rows().map(|atom| atom[2]).collect(),
                members: rows().map(|atom| atom[3] != 0.0).collect(),
            };
            self.gathered = Gathered {
                atoms,
                order,
                ..Gathered::default()
            };
            Ok(())
        })
    }

    /// Takes the next configuration, from the newest on, and behind them the one halfway through the window [n, 3].
    pub(super) fn receive_frame(
        &mut self,
        index: usize,
        scaled: &[f64],
    ) -> Result<(), BridgeError> {
        mobility("receive_frame", || {
            if index != self.gathered.frames.len() {
                return Err(Error::new("configurations came in another order"));
            }
            let frame = self
                .gathered
                .order
                .iter()
                .map(|&place| std::array::from_fn(|axis| scaled[3 * place + axis]))
                .collect();
            self.gathered.frames.push(frame);
            Ok(())
        })
    }

    /// Takes the histories of all atoms.
    pub(super) fn receive_histories(&mut self, rows: &[f64]) -> Result<(), BridgeError> {
        mobility("receive_histories", || {
            let width = AtomHistory::WIDTH;
            self.gathered.histories = self
                .gathered
                .order
                .iter()
                .map(|&place| {
                    let row = std::array::from_fn(|k| rows[width * place + k]);
                    AtomHistory::from_row(&row)
                })
                .collect();
            Ok(())
        })
    }

    /// Analyses the window, once everything has been received.
    pub(super) fn analyse(&mut self) -> Result<(), BridgeError> {
        mobility("analyse", || {
            let Gathered {
                atoms,
                frames,
                histories,
                outcome,
                ..
            } = &mut self.gathered;
            let kept: Vec<_> = std::iter::once(&self.taking).chain(&self.frames).collect();
            let views: Vec<Frame<'_>> = frames
                .iter()
                .zip(&kept)
                .map(|(scaled, kept)| Frame {
                    step: kept.step,
                    matrix: kept.matrix,
                    scaled,
                })
                .rev()
                .collect();
            let middle = self.middle.as_ref().zip(frames.get(kept.len()));
            let middle = middle.map(|(kept, scaled)| Frame {
                step: kept.step,
                matrix: kept.matrix,
                scaled,
            });
            let found = self
                .analysis
                .advance(atoms, &views, middle.as_ref(), histories)?;
            *outcome = Some(found);
            self.queue_window();
            Ok(())
        })
    }

    /// What came out for every atom, in the order in which they came: its history, and the columns of the array
    /// [n, history + columns]. Forgets what was received.
    pub(super) fn results(&mut self) -> Result<Vec<f64>, BridgeError> {
        mobility("results", || {
            let mut gathered = std::mem::take(&mut self.gathered);
            gathered.frames = Vec::new();
            let rule = self.command.settings.strings.unwrap_or(Rule::Donati);
            let columns = gathered
                .outcome
                .as_ref()
                .map(|outcome| columns(outcome, &gathered, rule))
                .unwrap_or_default();
            let width = AtomHistory::WIDTH + COLUMNS;
            let mut results = vec![0.0; width * gathered.order.len()];
            for (sorted, &place) in gathered.order.iter().enumerate() {
                let row = &mut results[width * place..width * (place + 1)];
                row[..AtomHistory::WIDTH].copy_from_slice(&gathered.histories[sorted].to_row());
                row[AtomHistory::WIDTH..].copy_from_slice(&columns[sorted]);
            }
            Ok(results)
        })
    }

    /// The window that was analysed last, with its atoms.
    pub(super) fn outcome(&self) -> Option<(&Outcome, &Atoms)> {
        let outcome = self.gathered.outcome.as_ref()?;
        Some((outcome, &self.gathered.atoms))
    }
}

/// The columns of each atom, in the order of IDs; zeros for atoms that are not analysed.
fn columns(outcome: &Outcome, gathered: &Gathered, rule: Rule) -> Vec<[f64; COLUMNS]> {
    let window = &outcome.window;
    let mut all = vec![[0.0; COLUMNS]; gathered.atoms.len()];
    let id = |index: u32| match index {
        NOTHING => 0.0,
        _ => gathered.atoms.ids[window.places[index as usize] as usize] as f64,
    };
    let flag = |holds: bool| f64::from(u8::from(holds));
    for (i, &place) in window.places.iter().enumerate() {
        let row = &mut all[place as usize];
        row[0] = window.lengths[i];
        row[1..4].copy_from_slice(&window.moves[i]);
        let history = &gathered.histories[place as usize];
        row[15] = history.jumps as f64;
        row[16] = history.returned as f64;
    }
    let Some(seen) = &outcome.observation else {
        return all;
    };
    let (labels, sizes, taken) = (
        seen.string_labels(rule),
        seen.string_sizes(rule),
        seen.places_taken(),
    );
    for (i, &place) in window.places.iter().enumerate() {
        let row = &mut all[place as usize];
        row[4] = flag(seen.jumped[i]);
        row[5] = f64::from(seen.neighbours[i]);
        row[6] = f64::from(seen.cages.lost[i]);
        row[7] = flag(seen.broken[i]);
        row[8] = f64::from(seen.class[i]);
        row[9] = id(labels[i]);
        row[10] = f64::from(sizes[i]);
        row[11] = id(taken[i]);
        for clusters in &seen.clusters {
            if let Some(cluster) = clusters.list.get(clusters.of[i] as usize) {
                row[12] = id(cluster.first);
                row[13] = f64::from(cluster.size);
                row[14] = cluster.wrap.rank() as f64;
            }
        }
        let square = seen.nonaffine.get(i).copied().unwrap_or(0.0);
        row[17] = if square.is_nan() { 0.0 } else { square };
    }
    all
}
