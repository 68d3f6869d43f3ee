//! What went beyond the range of the models: neighbours beyond `sel`, lookups outside of the tables.
//!
//! Counts travel between ranks as one row of integers: for each model what [`Counters::most_neighbours`] holds, with the
//! room for them in the low bits, then what [`Counters::extrapolated`] holds.

use super::Potential;
use super::settings::Reaction;
use crate::guard::{BridgeError, guard, guard_sound};
use deepdms_potential::descriptor::counters::Counters;

/// Bits that hold the room for neighbours.
const ROOM_BITS: u32 = 24;

/// Counts over all ranks, and what the user was told.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    told: Vec<bool>,
    /// The largest of each count on any rank.
    most: Vec<i64>,
    /// The sum of each count over ranks.
    sum: Vec<i64>,
}

/// Something that went beyond a range, with where it stands in the row of counts.
struct Excess {
    place: usize,
    model: usize,
    kind: Kind,
    /// Names of the two types; only of the first where the model has room for neighbours of all types together.
    types: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// More neighbours of the second type, or of all types, around one atom of the first than the model has room for.
    Overflow { count: i64, room: i64 },
    /// Lookups outside of the tables.
    Extrapolation { count: i64 },
}

impl Potential {
    /// Counts of this rank since the start.
    pub(super) fn counts(&self) -> Result<Vec<i64>, BridgeError> {
        guard_sound("counters", || {
            let integer = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            let mut row = Vec::new();
            for counters in self.engines.iter().flat_map(|engine| engine.counters()) {
                let most = counters.most_neighbours().iter().zip(counters.room());
                row.extend(most.map(|(&count, &room)| (count << ROOM_BITS | room) as i64));
                row.extend(counters.extrapolated().iter().copied().map(integer));
            }
            row
        })
    }

    /// Whether `most`, the largest counts on any rank, hold something that was not told yet.
    pub(super) fn has_news(&self, most: &[i64]) -> bool {
        let told = |place: usize| self.seen.told.get(place).is_some_and(|&told| told);
        let mut counts = most.iter().enumerate();
        counts.any(|(place, &count)| count > 0 && !told(place))
    }

    /// Takes the largest counts and their sums over ranks; gives a warning for each pair of types that had none yet, or
    /// the error that was asked for instead.
    pub(super) fn judge_counts(
        &mut self,
        most: &[i64],
        sum: &[i64],
    ) -> Result<Vec<String>, BridgeError> {
        guard("counters", || {
            self.seen.told.resize(most.len(), false);
            self.seen.most = most.to_vec();
            self.seen.sum = sum.to_vec();
            let mut news = self.excesses();
            news.retain(|excess| !self.seen.told[excess.place]);
            for excess in &news {
                self.seen.told[excess.place] = true;
            }
            for (reaction, is_overflow, keyword) in [
                (self.settings.on_overflow, true, "on_overflow"),
                (self.settings.on_extrapolation, false, "on_extrapolation"),
            ] {
                let mut kind = news
                    .iter()
                    .filter(|excess| matches!(excess.kind, Kind::Overflow { .. }) == is_overflow);
                if let (Reaction::Error, Some(first)) = (reaction, kind.next()) {
                    let others = match kind.count() {
                        0 => String::new(),
                        1 => ", and so for 1 more pair of types".to_owned(),
                        n => format!(", and so for {n} more pairs of types"),
                    };
                    return Err(format!(
                        "{}{others}. {}, or use '{keyword} warn' to go on",
                        self.what(first),
                        first.kind.remedy()
                    ));
                }
            }
            let warnings = news.iter();
            Ok(warnings
                .map(|excess| {
                    format!(
                        "{}: {}. {}",
                        self.what(excess),
                        excess.kind.consequence(),
                        excess.kind.remedy()
                    )
                })
                .collect())
        })
    }

    /// Everything that is not 0 in the counts over ranks.
    fn excesses(&self) -> Vec<Excess> {
        let mut excesses = Vec::new();
        let mut offset = 0;
        let all = self.engines.iter().flat_map(|engine| {
            let counters: Vec<Counters> = engine.counters();
            engine.models().iter().zip(counters)
        });
        for (number, (model, counters)) in all.enumerate() {
            let n_types = model.type_map.len();
            let types = |k: usize| {
                let pair = [k / n_types, k % n_types];
                pair.map(|t: usize| model.type_map[t].clone()).to_vec()
            };
            let n = counters.most_neighbours().len();
            for k in (0..n).filter(|k| self.seen.most[offset + k] > 0) {
                excesses.push(Excess {
                    place: offset + k,
                    model: number,
                    kind: Kind::Overflow {
                        count: self.seen.most[offset + k] >> ROOM_BITS,
                        room: self.seen.most[offset + k] & ((1 << ROOM_BITS) - 1),
                    },
                    types: match model.sel.is_empty() {
                        true => types(k)[..1].to_vec(),
                        false => types(k),
                    },
                });
            }
            offset += n;
            let n = counters.extrapolated().len();
            for k in (0..n).filter(|k| self.seen.sum[offset + k] > 0) {
                excesses.push(Excess {
                    place: offset + k,
                    model: number,
                    kind: Kind::Extrapolation {
                        count: self.seen.sum[offset + k],
                    },
                    types: types(k),
                });
            }
            offset += n;
        }
        excesses
    }

    /// What happened, in words.
    fn what(&self, excess: &Excess) -> String {
        let types = &excess.types;
        let file = match self.models() {
            1 => String::new(),
            _ => format!("{}: ", self.settings.models[excess.model]),
        };
        match excess.kind {
            Kind::Overflow { count, room } => {
                let second = match &types[1..] {
                    [second] => format!(" of type {second}"),
                    _ => String::new(),
                };
                format!(
                    "{file}an atom of type {} has {count} neighbours{second} within rcut, and the model has room for {room}",
                    types[0]
                )
            }
            Kind::Extrapolation { count } => format!(
                "{file}{count} lookup{} for types {} outside of the tables of the compressed model",
                if count == 1 { "" } else { "s" },
                types.join(" and ")
            ),
        }
    }

    /// The counts over all ranks since the start, a line for each kind and model, for the summary of a run.
    pub(super) fn counter_lines(&self) -> Vec<String> {
        let excesses = self.excesses();
        let line = |title: &str, model: usize, is_overflow: bool| {
            let texts: Vec<_> = excesses
                .iter()
                .filter(|excess| excess.model == model)
                .filter(|excess| matches!(excess.kind, Kind::Overflow { .. }) == is_overflow)
                .map(|Excess { types, kind, .. }| match kind {
                    Kind::Overflow { count, room } => {
                        format!("{} {count} > {room}", types.join("-"))
                    }
                    Kind::Extrapolation { count } => format!("{} {count}", types.join("-")),
                })
                .collect();
            let file = match self.models() {
                1 => String::new(),
                _ => format!(" of {}", self.settings.models[model]),
            };
            let texts = if texts.is_empty() {
                "none".to_owned()
            } else {
                texts.join(", ")
            };
            format!("{title}{file} = {texts}")
        };
        let mut lines = Vec::new();
        for model in 0..self.models() {
            lines.push(line("Neighbours beyond sel", model, true));
            if self.tabulated[model] {
                lines.push(line("Lookups outside of tables", model, false));
            }
        }
        lines
    }
}

impl Kind {
    fn consequence(self) -> &'static str {
        match self {
            Self::Overflow { .. } => {
                "the nearest are kept, as deepmd-kit does, and the energy jumps when they change"
            }
            Self::Extrapolation { .. } => {
                "they are extrapolated, as deepmd-kit does, and some atoms are closer than in the training data"
            }
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Overflow { .. } => "Train with a larger sel",
            Self::Extrapolation { .. } => {
                "Compress with a larger range (dp compress --extrapolate), or use the model before compression"
            }
        }
    }
}
