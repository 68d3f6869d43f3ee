//! The format of `case.toml`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::compare::Tolerance;

/// One case, as its `case.toml` describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// One sentence: what the case shows.
    pub about: String,
    /// MPI ranks to run on, one run for each entry; more than one run also compares the others with the first.
    #[serde(default = "one_rank")]
    pub ranks: Vec<Ranks>,
    /// Input decks, run one after another in one folder.
    #[serde(default = "in_lmp")]
    pub decks: Vec<String>,
    /// Further command line arguments of LAMMPS.
    #[serde(default)]
    pub args: Vec<String>,
    /// Index variables for the deck.
    #[serde(default)]
    pub vars: BTreeMap<String, String>,
    /// Environment variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Time limit of one run [s].
    #[serde(default = "two_minutes")]
    pub timeout: f64,
    /// The exact text of the error that must end the last deck.
    pub error: Option<String>,
    /// Texts that must occur in what LAMMPS prints.
    #[serde(default)]
    pub output: Vec<String>,
    /// Texts that must occur in it exactly once, whatever the number of ranks.
    #[serde(default)]
    pub once: Vec<String>,
    /// Texts that must not occur in it.
    #[serde(default)]
    pub no_output: Vec<String>,
    /// What the printed results must be, by name.
    #[serde(default)]
    pub results: BTreeMap<String, ExpectedResult>,
    /// Files that the run writes and what must be in them.
    #[serde(default)]
    pub files: Vec<ExpectedFile>,
    /// How closely runs on different numbers of ranks must agree.
    pub agreement: Option<Agreement>,
}

/// MPI ranks of one run.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum Ranks {
    /// The same number for all decks.
    All(usize),
    /// A number for each deck.
    Each(Vec<usize>),
}

impl Ranks {
    /// Ranks for the deck with this index in `decks`.
    pub fn of_deck(&self, deck: usize) -> usize {
        match self {
            Self::All(ranks) => *ranks,
            Self::Each(list) => list[deck],
        }
    }

    /// The largest number of ranks of any deck.
    pub fn widest(&self) -> usize {
        match self {
            Self::All(ranks) => *ranks,
            Self::Each(list) => list.iter().copied().max().unwrap_or(1),
        }
    }

    fn check(&self, decks: usize) -> Result<(), String> {
        let list = match self {
            Self::All(ranks) => std::slice::from_ref(ranks),
            Self::Each(list) if list.len() == decks => list.as_slice(),
            Self::Each(list) => {
                return Err(format!(
                    "ranks lists {} numbers for {decks} decks; it takes one for each",
                    list.len()
                ));
            }
        };
        if list.contains(&0) {
            return Err("a number of ranks is at least 1".into());
        }
        Ok(())
    }
}

/// `4`, or `4-4-2` where each deck has its own.
impl fmt::Display for Ranks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(ranks) => write!(f, "{ranks}"),
            Self::Each(list) => {
                let words: Vec<String> = list.iter().map(usize::to_string).collect();
                f.write_str(&words.join("-"))
            }
        }
    }
}

/// What one result must be. Exactly one of `value`, `json` and `same_as`, or bounds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedResult {
    /// A JSON file that the run writes, to take the number from instead of a RESULT line.
    pub file: Option<String>,
    /// Path of dot-separated keys in `file`.
    pub field: Option<String>,
    /// The number or numbers.
    pub value: Option<Numbers>,
    /// A JSON file of references.
    pub json: Option<String>,
    /// Path of dot-separated keys in `json`.
    pub key: Option<String>,
    /// Name of another result that must be the same.
    pub same_as: Option<String>,
    /// Lower bound of every number.
    pub at_least: Option<f64>,
    /// Upper bound of every number.
    pub at_most: Option<f64>,
    /// Tolerance relative to the largest reference.
    #[serde(default)]
    pub relative: f64,
    /// Tolerance added to it.
    #[serde(default)]
    pub absolute: f64,
}

/// One number or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Numbers {
    /// One.
    One(f64),
    /// Several.
    Several(Vec<f64>),
}

impl Numbers {
    /// The numbers as a list.
    pub fn to_vec(&self) -> Vec<f64> {
        match self {
            Self::One(number) => vec![*number],
            Self::Several(numbers) => numbers.clone(),
        }
    }
}

/// A file that the run writes: a text dump, or a table of numbers. Without a reference it only counts in the agreement
/// between ranks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedFile {
    /// Its name in the run's folder.
    pub name: String,
    /// Columns of a dump to take, by name; all columns of a table if empty.
    #[serde(default)]
    pub columns: Vec<String>,
    /// A JSON file of references.
    pub json: Option<String>,
    /// Path of dot-separated keys in `json`.
    pub key: Option<String>,
    /// Another file of the same run, whose columns are the reference.
    pub same_as: Option<String>,
    /// Tolerance relative to the largest reference.
    #[serde(default)]
    pub relative: f64,
    /// Tolerance added to it.
    #[serde(default)]
    pub absolute: f64,
}

/// How closely runs on different numbers of ranks must agree.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Tolerance relative to the largest number of the first run.
    #[serde(default)]
    pub relative: f64,
    /// Tolerance added to it.
    #[serde(default)]
    pub absolute: f64,
    /// Results and files that are left out.
    #[serde(default)]
    pub except: Vec<String>,
}

impl Case {
    /// Reads `case.toml` in `folder`; fails with the line at fault, and where the case could not fail.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let file = folder.join("case.toml");
        let text =
            fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", file.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let case: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        case.check()?;
        Ok(case)
    }

    fn check(&self) -> Result<(), String> {
        if self.ranks.is_empty() {
            return Err("ranks needs at least one entry".into());
        }
        for ranks in &self.ranks {
            ranks.check(self.decks.len())?;
        }
        if self.ranks.len() > 1 && self.error.is_none() && self.agreement.is_none() {
            return Err(
                "several ranks need an [agreement] with a relative or absolute tolerance".into(),
            );
        }
        for (name, result) in &self.results {
            let ways = [
                result.value.is_some(),
                result.json.is_some(),
                result.same_as.is_some(),
            ];
            let bounded = result.at_least.is_some() || result.at_most.is_some();
            if ways.iter().filter(|way| **way).count() + usize::from(bounded) != 1 {
                return Err(format!(
                    "results.{name} needs one of value, json, same_as, or at_least and at_most"
                ));
            }
        }
        if let Some(file) = self
            .files
            .iter()
            .find(|file| file.json.is_some() && file.same_as.is_some())
        {
            return Err(format!("files {} has both json and same_as", file.name));
        }
        let referenced = |file: &ExpectedFile| file.json.is_some() || file.same_as.is_some();
        let referenced = self.files.iter().any(referenced);
        let compared = self.ranks.len() > 1;
        if self.error.is_none()
            && self.output.is_empty()
            && self.results.is_empty()
            && !referenced
            && !compared
        {
            return Err("the case checks nothing: give error, output, results, files with json or same_as, or several ranks".into());
        }
        Ok(())
    }
}

impl ExpectedResult {
    /// Its tolerance.
    pub fn tolerance(&self) -> Tolerance {
        Tolerance {
            relative: self.relative,
            absolute: self.absolute,
        }
    }
}

impl ExpectedFile {
    /// Its tolerance.
    pub fn tolerance(&self) -> Tolerance {
        Tolerance {
            relative: self.relative,
            absolute: self.absolute,
        }
    }
}

impl Agreement {
    /// Its tolerance.
    pub fn tolerance(&self) -> Tolerance {
        Tolerance {
            relative: self.relative,
            absolute: self.absolute,
        }
    }
}

fn one_rank() -> Vec<Ranks> {
    vec![Ranks::All(1)]
}

fn in_lmp() -> Vec<String> {
    vec!["in.lmp".into()]
}

fn two_minutes() -> f64 {
    120.0
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn a_case_that_checks_nothing_is_refused() {
        let message = Case::parse("about = 'x'").unwrap_err();
        assert!(message.starts_with("the case checks nothing"), "{message}");
    }

    #[test]
    fn several_ranks_need_an_agreement() {
        let message = Case::parse("about = 'x'\nranks = [1, 2]\noutput = ['y']").unwrap_err();
        assert!(message.contains("[agreement]"), "{message}");
    }

    #[test]
    fn each_deck_may_have_its_own_ranks() {
        let case = |ranks: &str| {
            Case::parse(&format!(
                "about = 'x'\nranks = {ranks}\ndecks = ['a', 'b']\n[agreement]\nrelative = 1e-9"
            ))
        };
        let [all, each] = case("[4, [1, 2]]").unwrap().ranks.try_into().unwrap();
        assert_eq!((all.of_deck(1), all.widest()), (4, 4));
        assert_eq!((each.of_deck(0), each.widest()), (1, 2));
        assert_eq!(format!("{all} {each}"), "4 1-2");
        let message = case("[4, [1, 2, 3]]").unwrap_err();
        assert!(
            message.starts_with("ranks lists 3 numbers for 2 decks"),
            "{message}"
        );
        let message = case("[[1, 0]]").unwrap_err();
        assert_eq!(message, "a number of ranks is at least 1");
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let message = Case::parse("about = 'x'\noutput = ['y']\ntolerance = 1").unwrap_err();
        assert!(message.contains("unknown field `tolerance`"), "{message}");
    }

    #[test]
    fn a_result_has_one_expectation() {
        let message = Case::parse("about = 'x'\n[results.e]\nvalue = 1\nat_most = 2").unwrap_err();
        assert!(message.starts_with("results.e needs one of"), "{message}");
    }
}
