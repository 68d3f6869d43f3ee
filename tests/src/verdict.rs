//! Runs one case and judges it.

use std::path::Path;

use crate::case::{Case, ExpectedResult, Ranks};
use crate::compare::{Tolerance, compare};
use crate::launch;
use crate::output::Output;
use crate::place::Place;
use crate::table;

/// A finished run with the numbers of its files, in the order of `case.files`.
struct Run {
    ranks: Ranks,
    output: Output,
    files: Vec<Vec<f64>>,
}

/// Runs the case in `folder` once for each entry of its ranks. Returns the largest deviations found, for a report;
/// fails with everything that is not as expected.
pub fn judge(place: &Place, case: &Case, folder: &Path, scratch: &Path) -> Result<String, String> {
    let mut problems = Vec::new();
    let mut deviations = Vec::new();
    let mut first: Option<Run> = None;
    for ranks in &case.ranks {
        let mut judge = Judge {
            place,
            case,
            folder,
            problems: Vec::new(),
            deviations: Vec::new(),
        };
        let at = scratch.join(format!("{ranks}"));
        let run = match launch::run(place, case, folder, &at, ranks) {
            Ok(output) => judge.one_run(output, &at, ranks),
            Err(problem) => {
                judge.problems.push(problem);
                None
            }
        };
        match (&first, run) {
            (None, run) => first = run,
            (Some(first), Some(run)) => judge.agreement(first, &run),
            (Some(_), None) => {}
        }
        let prefix = if case.ranks.len() > 1 {
            format!("on {ranks} ranks: ")
        } else {
            String::new()
        };
        problems.extend(
            judge
                .problems
                .iter()
                .map(|problem| format!("{prefix}{problem}")),
        );
        deviations.append(&mut judge.deviations);
    }
    if problems.is_empty() {
        Ok(summary(&deviations))
    } else {
        Err(problems.join("\n"))
    }
}

struct Judge<'a> {
    place: &'a Place,
    case: &'a Case,
    folder: &'a Path,
    problems: Vec<String>,
    deviations: Vec<(String, f64)>,
}

impl Judge<'_> {
    /// Judges what a run left; `None` where it ended so that its numbers mean nothing.
    fn one_run(&mut self, output: Output, at: &Path, ranks: &Ranks) -> Option<Run> {
        self.ending(&output);
        for text in &self.case.output {
            let text = self.place.fill_in(text, self.folder);
            if !output.text.contains(&text) {
                self.problems
                    .push(format!("the output lacks '{text}'{}", output.tail()));
            }
        }
        for text in &self.case.once {
            let count = output
                .text
                .matches(&self.place.fill_in(text, self.folder))
                .count();
            if count != 1 {
                self.problems.push(format!(
                    "the output holds '{text}' {count} times instead of once"
                ));
            }
        }
        for text in &self.case.no_output {
            let text = self.place.fill_in(text, self.folder);
            if output.text.contains(&text) {
                self.problems
                    .push(format!("the output must not hold '{text}'"));
            }
        }
        if !output.succeeded {
            return None;
        }
        if let Some(line) = &output.unreadable {
            self.problems
                .push(format!("'{line}' is not RESULT, a name and numbers"));
        }
        for (name, expected) in &self.case.results {
            let outcome = self.result(name, expected, &output, at);
            self.note(name, outcome);
        }
        let files = self.files(at)?;
        Some(Run {
            ranks: ranks.clone(),
            output,
            files,
        })
    }

    /// The error, or its absence.
    fn ending(&mut self, output: &Output) {
        let expected = self
            .case
            .error
            .as_ref()
            .map(|text| self.place.fill_in(text, self.folder));
        let problem = match (expected, &output.error) {
            (None, None) if output.succeeded => return,
            (Some(expected), Some(found)) if expected == *found && !output.succeeded => return,
            (Some(expected), Some(found)) if expected == *found => {
                format!("'{found}' left the exit status 0")
            }
            (Some(expected), Some(found)) => {
                format!("expected the error\n    {expected}\n  but LAMMPS says\n    {found}")
            }
            (Some(expected), None) => format!(
                "expected the error\n    {expected}\n  but there was none{}",
                output.tail()
            ),
            (None, Some(found)) => format!("LAMMPS stopped: {found}"),
            (None, None) => format!("LAMMPS ended with a failure and no error{}", output.tail()),
        };
        self.problems.push(problem);
    }

    fn result(
        &self,
        name: &str,
        expected: &ExpectedResult,
        output: &Output,
        at: &Path,
    ) -> Result<f64, String> {
        let printed = |name: &str| {
            let found = output.results.get(name).cloned();
            found.ok_or_else(|| format!("no line 'RESULT {name} ..' was printed"))
        };
        let values = match (&expected.file, &expected.field) {
            (Some(file), field) => {
                table::read_json(&at.join(file), field.as_deref().unwrap_or(""))?
            }
            _ => printed(name)?,
        };
        let reference = if let Some(value) = &expected.value {
            value.to_vec()
        } else if let Some(other) = &expected.same_as {
            printed(other)?
        } else if let Some(json) = &expected.json {
            self.reference(json, expected.key.as_deref())?
        } else {
            return bounds(name, &values, expected);
        };
        compare(name, &values, &reference, expected.tolerance())
    }

    /// Reads the files of a run; notes how far those with a reference are from it.
    fn files(&mut self, at: &Path) -> Option<Vec<Vec<f64>>> {
        let mut files = Vec::new();
        for expected in &self.case.files {
            let values = match table::read(&at.join(&expected.name), &expected.columns) {
                Ok(values) => values,
                Err(problem) => {
                    self.problems.push(problem);
                    return None;
                }
            };
            let reference = match (&expected.json, &expected.same_as) {
                (Some(json), _) => Some(self.reference(json, expected.key.as_deref())),
                (_, Some(other)) => Some(table::read(&at.join(other), &expected.columns)),
                _ => None,
            };
            if let Some(reference) = reference {
                let outcome = reference.and_then(|reference| {
                    compare(&expected.name, &values, &reference, expected.tolerance())
                });
                self.note(&expected.name, outcome);
            }
            files.push(values);
        }
        Some(files)
    }

    fn reference(&self, json: &str, key: Option<&str>) -> Result<Vec<f64>, String> {
        let file = self.folder.join(self.place.fill_in(json, self.folder));
        table::read_json(&file, key.unwrap_or(""))
    }

    /// Compares a run with the one on the first number of ranks.
    fn agreement(&mut self, first: &Run, run: &Run) {
        let Some(agreement) = &self.case.agreement else {
            return;
        };
        let tolerance: Tolerance = agreement.tolerance();
        let include = |name: &String| !agreement.except.contains(name);
        for (name, reference) in first
            .output
            .results
            .iter()
            .filter(|(name, _)| include(name))
        {
            let what = format!("{name} against {} ranks", first.ranks);
            let values = run.output.results.get(name).map_or(&[][..], Vec::as_slice);
            self.note("agreement", compare(&what, values, reference, tolerance));
        }
        for ((expected, values), reference) in
            self.case.files.iter().zip(&run.files).zip(&first.files)
        {
            if include(&expected.name) {
                let what = format!("{} against {} ranks", expected.name, first.ranks);
                self.note("agreement", compare(&what, values, reference, tolerance));
            }
        }
    }

    fn note(&mut self, name: &str, outcome: Result<f64, String>) {
        match outcome {
            Ok(deviation) => self.deviations.push((name.to_owned(), deviation)),
            Err(problem) => self.problems.push(problem),
        }
    }
}

fn bounds(name: &str, values: &[f64], expected: &ExpectedResult) -> Result<f64, String> {
    let least = expected.at_least.unwrap_or(f64::NEG_INFINITY);
    let most = expected.at_most.unwrap_or(f64::INFINITY);
    match values.iter().find(|value| !(least..=most).contains(*value)) {
        Some(value) => Err(format!(
            "{name}: {value:.10e} is not between {least:e} and {most:e}"
        )),
        None => Ok(0.0),
    }
}

/// The largest deviation of each name, once.
fn summary(deviations: &[(String, f64)]) -> String {
    let mut largest: Vec<(&str, f64)> = Vec::new();
    for (name, deviation) in deviations.iter().filter(|(_, deviation)| *deviation > 0.0) {
        match largest.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = known.max(*deviation),
            None => largest.push((name, *deviation)),
        }
    }
    largest
        .iter()
        .map(|(name, deviation)| format!("{name} {deviation:.1e}"))
        .collect::<Vec<_>>()
        .join(", ")
}
