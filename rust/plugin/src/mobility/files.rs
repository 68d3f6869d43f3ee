//! The file of windows and that of strings, line by line, and the summary and the distributions, replaced as a whole.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};

use deepdms_mobility::scalars::of_kind;
use deepdms_mobility::strings::Rule;
use deepdms_mobility::summary::summary;
use deepdms_mobility::{Analysis, Atoms, Error, Outcome};
use serde_json::json;

use super::command::Command;
use super::{Mobility, mobility};
use crate::guard::BridgeError;
use crate::replaced::Replaced;
use crate::target::{Claim, Target};

/// How our text files begin.
const FIRST: &str = "# fix mobility, deepdms ";

/// The files of one fix, on the rank that writes them.
#[derive(Debug)]
pub struct Files {
    windows: Option<Lines>,
    members: Option<Lines>,
    summary: Option<Replaced>,
    hist: Option<Replaced>,
    _claim: Claim,
}

/// A file that grows line by line.
#[derive(Debug)]
struct Lines {
    target: Target,
    file: Option<File>,
    queued: String,
    /// The number of the window to which a line belongs; none for other lines.
    window: fn(&str) -> Option<u64>,
}

/// The window of a line of the file of windows.
fn window_of_row(line: &str) -> Option<u64> {
    line.split(',').next()?.parse().ok()
}

/// The window of a line of the file of strings.
fn window_of_string(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("{\"window\":")?;
    rest.split(',').next()?.parse().ok()
}

impl Files {
    /// Files that are not open yet, their names resolved in the folder of this moment. Fails where two of them are one,
    /// where somebody else in this run has one, and where one is there already and something else.
    pub fn new(command: &Command) -> Result<Self, Error> {
        let mut claim = Claim::default();
        let resolve = |what, name: &Option<String>, own: fn(&str) -> bool| {
            let Some(name) = name else { return Ok(None) };
            let target = Target::resolve(what, name)?;
            target.check_not_open()?;
            target.check_content(own)?;
            Ok::<_, Error>(Some(target))
        };
        let text = |start: &str| start.starts_with(FIRST) || FIRST.starts_with(start);
        let strings = |start: &str| start.starts_with("{\"window\":");
        // its keys are sorted, and what comes first is long
        let whole = |start: &str| {
            start.starts_with('{')
                && (start.contains("\"bond_survival\"") || start.contains("\"program\""))
        };
        let windows = resolve("file", &command.file, text)?;
        let members = resolve("members", &command.members, strings)?;
        let summary = resolve("summary", &command.summary, whole)?;
        let hist = resolve("hist", &command.hist, text)?;
        let summary = summary.map(|one| Replaced::new(one, false)).transpose()?;
        let hist = hist.map(|one| Replaced::new(one, false)).transpose()?;
        for target in windows
            .iter()
            .chain(&members)
            .chain(summary.iter().flat_map(Replaced::targets))
            .chain(hist.iter().flat_map(Replaced::targets))
        {
            claim.add(target)?;
        }
        let lines = |target: Option<Target>, window| {
            target.map(|target| Lines {
                target,
                file: None,
                queued: String::new(),
                window,
            })
        };
        Ok(Files {
            windows: lines(windows, window_of_row),
            members: lines(members, window_of_string),
            summary,
            hist,
            _claim: claim,
        })
    }

    /// Opens the files with `head`, and makes sure that no other run writes them. Of those that are continued after
    /// `continued` windows, the lines of later windows are dropped, since they will be measured again.
    pub fn open(&mut self, head: &str, continued: Option<u64>) -> Result<(), Error> {
        for file in [&mut self.summary, &mut self.hist].into_iter().flatten() {
            file.reserve()?;
        }
        let mark = "# continued\n";
        if let Some(lines) = &mut self.windows {
            lines.open(head, mark, continued)?;
        }
        match &mut self.members {
            Some(lines) => lines.open("", "", continued),
            None => Ok(()),
        }
    }
}

impl Lines {
    fn open(&mut self, head: &str, mark: &str, continued: Option<u64>) -> Result<(), Error> {
        if self.file.is_some() {
            return Ok(());
        }
        let target = &self.target;
        let failure = |error: io::Error| target.failure("open", &error);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&target.path)
            .map_err(failure)?;
        target.lock(&file)?;
        let text = match continued {
            Some(_) => fs::read_to_string(&target.path).map_err(failure)?,
            None => String::new(),
        };
        let (end, next) = match continued {
            Some(last) if !text.is_empty() => (kept(&text, last, self.window).len(), mark),
            _ => (0, head),
        };
        file.set_len(end as u64)
            .and_then(|()| file.write_all(next.as_bytes()))
            .map_err(failure)?;
        self.file = Some(file);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        if let Some(file) = &mut self.file {
            file.write_all(self.queued.as_bytes())
                .map_err(|error| self.target.failure("write to", &error))?;
        }
        self.queued.clear();
        Ok(())
    }
}

/// The lines of `text` up to the first that belongs to a window after `last`, or which was cut off.
fn kept(text: &str, last: u64, window: fn(&str) -> Option<u64>) -> &str {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if !line.ends_with('\n') || window(line).is_some_and(|window| window > last) {
            break;
        }
        end += line.len();
    }
    &text[..end]
}

impl Mobility {
    /// Head of the file of windows: commented settings and the names of the columns.
    pub(super) fn head(&self) -> String {
        let mut head = format!(
            "{FIRST}{}, LAMMPS {}\n# units {}, windows of {} steps of {} time units\n",
            env!("CARGO_PKG_VERSION"),
            self.version,
            self.units,
            self.command.clock.interval,
            self.timestep
        );
        let clock = &self.command.clock;
        let _ = writeln!(
            head,
            "# a configuration is {}",
            match clock.snapshots {
                1 => "that of one timestep".to_owned(),
                count => format!(
                    "the mean of {count} snapshots, {} steps apart",
                    clock.spacing
                ),
            }
        );
        for (keyword, value) in self.command.settings.words() {
            let _ = writeln!(head, "# {keyword} {value}");
        }
        let _ = write!(head, "window,step_first,step_last");
        for name in self.analysis.names() {
            let _ = write!(head, ",{name}");
        }
        head.push_str(",used\n");
        head
    }

    /// Queues the lines of the window that was analysed last.
    pub(super) fn queue_window(&mut self) {
        let Some((outcome, atoms)) = self.outcome() else {
            return;
        };
        let row = row(outcome, self.analysis.names().len());
        let strings = strings(outcome, atoms, &self.command);
        if let Some(files) = &mut self.files {
            if let Some(lines) = &mut files.windows {
                lines.queued.push_str(&row);
            }
            if let Some(lines) = &mut files.members {
                lines.queued.push_str(&strings);
            }
        }
    }

    /// Writes what is queued, the summary and the distributions, on the rank that writes them.
    pub(super) fn write_files(&mut self) -> Result<(), BridgeError> {
        mobility("write_files", || {
            let Mobility {
                files: Some(files),
                analysis,
                version,
                units,
                ..
            } = self
            else {
                return Ok(());
            };
            for lines in [&mut files.windows, &mut files.members]
                .into_iter()
                .flatten()
            {
                lines.flush()?;
            }
            if let Some(file) = &mut files.summary {
                let mut all = summary(analysis);
                all["program"] = json!({
                    "lammps": version,
                    "deepdms": env!("CARGO_PKG_VERSION"),
                    "units": units,
                });
                file.write(&format!("{all:#}\n"), false)?;
            }
            if let Some(file) = &mut files.hist {
                file.write(&distributions(analysis), false)?;
            }
            Ok(())
        })
    }
}

/// The line of a window; quantities that are not defined, or not yet, are nan.
fn row(outcome: &Outcome, count: usize) -> String {
    let mut line = format!("{},{},{}", outcome.number, outcome.steps.0, outcome.steps.1);
    for index in 0..count {
        match outcome.scalars.get(index) {
            Some(value) if value.is_finite() => {
                let _ = write!(line, ",{value:.12e}");
            }
            _ => line.push_str(",nan"),
        }
    }
    let _ = writeln!(line, ",{}", u8::from(outcome.used));
    line
}

/// The lines of the long strings of a window, by the rule of the headline.
fn strings(outcome: &Outcome, atoms: &Atoms, command: &Command) -> String {
    let settings = &command.settings;
    let mut text = String::new();
    let (Some(rule), Some(seen)) = (settings.strings, &outcome.observation) else {
        return text;
    };
    let Some(found) = &seen.strings else {
        return text;
    };
    let chosen = &found[rule as usize];
    for (string, members) in chosen.members(settings.long, &found[Rule::Chain as usize].links) {
        let places = members.iter().map(|&mover| seen.fast[mover as usize]);
        let atom = |index: u32| outcome.window.places[index as usize] as usize;
        let ids: Vec<u64> = places.clone().map(|index| atoms.ids[atom(index)]).collect();
        let types: Vec<u32> = places.map(|index| atoms.types[atom(index)]).collect();
        let cluster = &chosen.list[string];
        // the window comes first, by which lines are found again
        let _ = writeln!(
            text,
            "{{\"window\":{},\"size\":{},\"ring\":{},\"wrap\":{},\"ids\":{},\"types\":{}}}",
            outcome.number,
            cluster.size,
            chosen.closed(string),
            json!(cluster.wrap.vectors()),
            json!(ids),
            json!(types)
        );
    }
    text
}

/// p(u), P(ξ) and n_s over all used windows, as a table each.
fn distributions(analysis: &Analysis) -> String {
    let mut text = format!("{FIRST}{}\n", env!("CARGO_PKG_VERSION"));
    let Some(total) = analysis.blocks().total() else {
        return text;
    };
    let _ = writeln!(text, "# {} windows", total.windows);
    let _ = write!(text, "# distribution of displacements\n# u");
    for kind in 0..total.kinds.len() {
        let _ = write!(text, " {}", of_kind("p", kind));
    }
    text.push('\n');
    let all = &total.kinds[0].histogram;
    for bin in 0..all.counts().len() {
        let _ = write!(text, "{:.6}", (bin as f64 + 0.5) * all.width());
        for kind in &total.kinds {
            let histogram = &kind.histogram;
            let norm = (histogram.total().max(1) as f64 * histogram.width()).recip();
            let _ = write!(text, " {:.6e}", histogram.counts()[bin] as f64 * norm);
        }
        text.push('\n');
    }
    for (rule, sums) in Rule::NAMES.iter().zip(&total.strings) {
        let _ = writeln!(
            text,
            "\n\n# strings by the rule {rule}: size, number, number in shuffles"
        );
        let mut sizes = sums.sizes.clone();
        deepdms_statistics::Merge::merge(&mut sizes, &sums.shuffled_sizes);
        for (size, _) in sizes.iter() {
            let (own, chance) = (sums.sizes.number(size), sums.shuffled_sizes.number(size));
            let _ = writeln!(text, "{size} {own} {chance}");
        }
    }
    for (name, sums) in ["fast", "slow"].iter().zip(&total.clusters) {
        let _ = writeln!(text, "\n\n# clusters of {name} atoms: size, number");
        for (size, number) in sums.sizes.iter() {
            let _ = writeln!(text, "{size} {number}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{kept, window_of_row, window_of_string};

    #[test]
    fn windows_that_will_be_analysed_again_are_dropped() {
        let text = "# head\nwindow,a\n1,0.5,0\n2,0.5,1\n# continued\n3,0.5,1\n";
        assert_eq!(
            kept(text, 2, window_of_row),
            "# head\nwindow,a\n1,0.5,0\n2,0.5,1\n# continued\n"
        );
        assert_eq!(kept(text, 9, window_of_row), text);
        assert_eq!(kept("1,0.5,0\n2,0.5", 9, window_of_row), "1,0.5,0\n");
        let text = "{\"window\":1,\"size\":6}\n{\"window\":2,\"size\":7}\n";
        assert_eq!(
            kept(text, 1, window_of_string),
            "{\"window\":1,\"size\":6}\n"
        );
    }
}
