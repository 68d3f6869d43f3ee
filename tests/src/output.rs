//! The results and errors that a run printed.

use std::collections::BTreeMap;

/// What the decks of one run printed, and how the last one ended.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Everything, in order.
    pub text: String,
    /// Numbers of the lines `RESULT name number ..`; a name that occurs again appends.
    pub results: BTreeMap<String, Vec<f64>>,
    /// Text of LAMMPS' error, without the source file that follows it.
    pub error: Option<String>,
    /// Whether the last deck ended with exit status 0.
    pub succeeded: bool,
    /// A RESULT line that holds something other than numbers.
    pub unreadable: Option<String>,
}

impl Output {
    /// Adds what another deck printed.
    pub fn add(&mut self, text: &str, succeeded: bool) {
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("RESULT ") {
                self.add_result(line, rest);
            } else if self.error.is_none() {
                self.error = error_text(line);
            }
        }
        self.text.push_str(text);
        self.succeeded = succeeded;
    }

    fn add_result(&mut self, line: &str, rest: &str) {
        let mut words = rest.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        let numbers: Result<Vec<f64>, _> = words.map(str::parse).collect();
        match numbers {
            Ok(numbers) if !numbers.is_empty() => {
                self.results.entry(name).or_default().extend(numbers)
            }
            _ => self.unreadable = Some(line.to_owned()),
        }
    }

    /// The last lines, for a message.
    pub fn tail(&self) -> String {
        let lines: Vec<&str> = self.text.lines().collect();
        lines[lines.len().saturating_sub(12)..]
            .iter()
            .map(|line| format!("\n    | {line}"))
            .collect()
    }
}

/// `ERROR: text (src/file.cpp:12)` and `ERROR on proc 3: text (src/file.cpp:12)` without all but the text.
fn error_text(line: &str) -> Option<String> {
    let rest = line.strip_prefix("ERROR")?;
    let text = match rest.strip_prefix(": ") {
        Some(text) => text,
        None => rest.strip_prefix(" on proc ")?.split_once(": ")?.1,
    };
    let text = match text.rfind(" (") {
        Some(start) if text.ends_with(')') && text[start..].contains(".cpp:") => &text[..start],
        _ => text,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Output, error_text};

    #[test]
    fn results_append_by_name() {
        let mut output = Output::default();
        output.add("RESULT e 1.5\nstep 3\nRESULT e -2\nRESULT v 1 2 3\n", true);
        assert_eq!(output.results["e"], [1.5, -2.0]);
        assert_eq!(output.results["v"], [1.0, 2.0, 3.0]);
        assert!(output.unreadable.is_none());
        output.add("RESULT w one\n", true);
        assert_eq!(output.unreadable.as_deref(), Some("RESULT w one"));
    }

    #[test]
    fn an_error_loses_its_source_file_only() {
        let text =
            error_text("ERROR: Unrecognized pair style 'x' (expected y) (src/force.cpp:275)");
        assert_eq!(
            text.as_deref(),
            Some("Unrecognized pair style 'x' (expected y)")
        );
        let text = error_text("ERROR on proc 1: Lost atoms (src/thermo.cpp:9)");
        assert_eq!(text.as_deref(), Some("Lost atoms"));
        assert_eq!(error_text("WARNING: no"), None);
    }
}
