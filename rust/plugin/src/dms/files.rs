//! The block file, line by line, and the summary and the checkpoint, replaced as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use deepdms_rheology::{Error, report, restart};

use super::command::Command;
use crate::replaced::{PREVIOUS, Replaced};
use crate::target::{Claim, Target};

/// The files of one fix, on the rank that writes them.
#[derive(Debug)]
pub struct Files {
    blocks: Option<Blocks>,
    summary: Option<Replaced>,
    checkpoint: Option<Replaced>,
    lines: String,
    /// Timestep of the state that the checkpoint holds.
    stored: Option<i64>,
    _claim: Claim,
}

/// The block file, and itself once it is open.
#[derive(Debug)]
struct Blocks {
    target: Target,
    file: Option<File>,
}

impl Files {
    /// Files that are not open yet, their names resolved in the folder of this moment. Fails where two of them are one,
    /// where somebody else in this run has one, and where one is there already and something else.
    pub fn new(command: &Command) -> Result<Self, Error> {
        let resolve = |what, name: &Option<String>| {
            let target = name.as_deref().map(|name| Target::resolve(what, name));
            target.transpose()
        };
        let blocks = resolve("block file", &command.file)?;
        let summary = resolve("summary", &command.summary)?;
        let checkpoint = resolve("checkpoint", &command.checkpoint)?;
        for (target, own) in [
            (&blocks, report::is_block_file as fn(&str) -> bool),
            (&summary, report::is_summary),
            (&checkpoint, restart::is_text),
        ] {
            if let Some(target) = target {
                target.check_not_open()?;
                target.check_content(own)?;
            }
        }
        let summary = summary.map(|one| Replaced::new(one, false)).transpose()?;
        let checkpoint = checkpoint.map(|one| Replaced::new(one, true)).transpose()?;
        let all: Vec<&Target> = [&summary, &checkpoint]
            .into_iter()
            .flatten()
            .flat_map(Replaced::targets)
            .chain(&blocks)
            .collect();
        check_distinct(&all)?;
        // a measurement may go on from the checkpoint that it then replaces, but from no other file
        if let Some(name) = &command.resume
            && let Ok(resume) = Target::resolve("resume", name)
        {
            let mut others = all.iter().filter(|one| one.what != "checkpoint");
            if let Some(other) = others.find(|one| one.is(&resume)) {
                return Err(collision(other, &resume));
            }
        }
        let mut claim = Claim::default();
        all.iter().try_for_each(|target| claim.add(target))?;
        Ok(Files {
            blocks: blocks.map(|target| Blocks { target, file: None }),
            summary,
            checkpoint,
            lines: String::new(),
            stored: None,
            _claim: claim,
        })
    }

    /// Opens the block file with `head`, and makes sure that no other run writes the files. Of an existing block file that
    /// is continued, the blocks that end after timestep `continued` are dropped, since they will be measured again, and
    /// `mark` is added.
    pub fn open(&mut self, head: &str, mark: &str, continued: Option<i64>) -> Result<(), Error> {
        for file in [&mut self.summary, &mut self.checkpoint]
            .into_iter()
            .flatten()
        {
            file.reserve()?;
        }
        match &mut self.blocks {
            Some(blocks) if blocks.file.is_none() => blocks.open(head, mark, continued),
            _ => Ok(()),
        }
    }

    /// Keeps a line of the block file until [`Files::flush`].
    pub fn queue(&mut self, line: &str) {
        self.lines.push_str(line);
    }

    /// Replaces the checkpoint by the state `text` of timestep `step`, unless it holds that already; `last` at the end of
    /// a run, when it must be on the disk.
    pub fn checkpoint(
        &mut self,
        step: i64,
        last: bool,
        text: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        let Some(file) = &mut self.checkpoint else {
            return Ok(());
        };
        if self.stored == Some(step) {
            return if last { file.sync() } else { Ok(()) };
        }
        file.write(&text(), last)?;
        self.stored = Some(step);
        Ok(())
    }

    /// Writes the lines that are queued and, if there are any, a new `summary`.
    pub fn flush(&mut self, summary: impl FnOnce() -> String) -> Result<(), Error> {
        if self.lines.is_empty() {
            return Ok(());
        }
        if let Some(Blocks {
            target,
            file: Some(file),
        }) = &mut self.blocks
        {
            file.write_all(self.lines.as_bytes())
                .map_err(|error| target.failure("write to", &error))?;
        }
        self.lines.clear();
        match &mut self.summary {
            Some(file) => file.write(&summary(), false),
            None => Ok(()),
        }
    }
}

impl Blocks {
    fn open(&mut self, head: &str, mark: &str, continued: Option<i64>) -> Result<(), Error> {
        let Blocks { target, .. } = self;
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
            // also where the end came while the head was being written
            Some(last) if !head.starts_with(&text) => {
                if !is_same_measurement(&text, head) {
                    return Err(Error::new(format!(
                        "the block file '{}' holds the blocks of another measurement, not of the one that goes on: give \
                         the name of its own block file, or a new one",
                        target.name
                    )));
                }
                (kept(&text, last).len(), mark)
            }
            _ => (0, head),
        };
        file.set_len(end as u64)
            .and_then(|()| file.write_all(next.as_bytes()))
            .map_err(failure)?;
        self.file = Some(file);
        Ok(())
    }
}

/// Fails where two of `targets` that serve different ends are one file. The names that one output needs for itself differ,
/// and may be links to one file for the moment in which it is replaced.
fn check_distinct(targets: &[&Target]) -> Result<(), Error> {
    for (index, one) in targets.iter().enumerate() {
        for other in &targets[index + 1..] {
            if one.what != other.what && one.is(other) {
                return Err(collision(other, one));
            }
        }
    }
    Ok(())
}

fn collision(one: &Target, other: &Target) -> Error {
    Error::new(format!(
        "{} '{}' and {} '{}' are one file: give each a name of its own",
        one.what, one.name, other.what, other.name
    ))
}

/// Whether the block file `text` belongs to the measurement whose block file begins with `head`: one start, one box, the
/// same columns.
fn is_same_measurement(text: &str, head: &str) -> bool {
    let line = |text: &str, start: &str| {
        let found = text.lines().find(|line| line.starts_with(start));
        found.map(str::to_owned)
    };
    ["# first step ", "# reference box ", "block,"]
        .into_iter()
        .all(|start| line(text, start) == line(head, start))
}

/// The lines of a block file up to the first whose block ends after timestep `last`, or which was cut off.
fn kept(text: &str, last: i64) -> &str {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let step = line.split(',').nth(4).and_then(|word| word.parse().ok());
        let measured = line.starts_with(|first: char| first.is_ascii_digit());
        let cut = !line.ends_with('\n')
            || (measured && !line.ends_with(",0\n") && !line.ends_with(",1\n"));
        if cut || (measured && step.is_none_or(|step: i64| step > last)) {
            break;
        }
        end += line.len();
    }
    &text[..end]
}

/// A checkpoint to go on from: its name, and its absolute path.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// As the user wrote it.
    pub name: String,
    path: std::path::PathBuf,
}

impl Checkpoint {
    /// The file that `name` means in the folder of this moment.
    pub fn new(name: &str) -> Self {
        Checkpoint {
            name: name.to_owned(),
            path: std::path::absolute(name).unwrap_or_else(|_| Path::new(name).to_path_buf()),
        }
    }

    /// The one that was there before it.
    pub fn previous(&self) -> Self {
        let mut path = self.path.clone().into_os_string();
        path.push(PREVIOUS);
        Checkpoint {
            name: format!("{}{PREVIOUS}", self.name),
            path: path.into(),
        }
    }

    /// The blob in it.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        let name = &self.name;
        let failure = |error: &dyn std::fmt::Display| {
            Error::new(format!("cannot read the checkpoint '{name}': {error}"))
        };
        let meta = fs::metadata(&self.path).map_err(|error| failure(&error))?;
        if !meta.is_file() {
            return Err(failure(&"it is not a regular file"));
        }
        let bytes = fs::read(&self.path).map_err(|error| failure(&error))?;
        restart::from_text(&String::from_utf8_lossy(&bytes))
            .map_err(|error| Error::new(format!("cannot resume from '{name}': {error}")))
    }
}

#[cfg(test)]
mod tests;
