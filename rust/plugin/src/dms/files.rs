//! The block file, line by line, and the summary and the checkpoint, replaced as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use deepdms_rheology::{Error, restart};

use super::command::Command;

/// The files of one fix, on the rank that writes them.
pub struct Files {
    block_path: Option<PathBuf>,
    block_file: Option<File>,
    summary_path: Option<PathBuf>,
    checkpoint_path: Option<PathBuf>,
    lines: String,
}

fn failure(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("cannot {what} '{}': {error}", path.display()))
}

impl Files {
    /// Files that are not open yet.
    pub fn new(command: &Command) -> Self {
        let path = |name: &Option<String>| name.as_ref().map(PathBuf::from);
        Files {
            block_path: path(&command.file),
            block_file: None,
            summary_path: path(&command.summary),
            checkpoint_path: path(&command.checkpoint),
            lines: String::new(),
        }
    }

    /// Opens the block file with `head`. Of an existing one that is continued, the blocks that end after timestep
    /// `continued` are dropped, since they will be measured again, and `mark` is added.
    pub fn open(&mut self, head: &str, mark: &str, continued: Option<i64>) -> Result<(), Error> {
        let Some(path) = &self.block_path else {
            return Ok(());
        };
        if self.block_file.is_some() {
            return Ok(());
        }
        match continued.filter(|_| path.exists()) {
            Some(last) => {
                let text = fs::read_to_string(path)
                    .map_err(|error| failure("read the block file", path, &error))?;
                replace(path, &format!("{}{mark}", kept(&text, last)), "block file")?;
            }
            None => fs::write(path, head)
                .map_err(|error| failure("open the block file", path, &error))?,
        }
        let file = OpenOptions::new().append(true).open(path);
        self.block_file = Some(file.map_err(|error| failure("open the block file", path, &error))?);
        Ok(())
    }

    /// Keeps a line of the block file until [`Files::flush`].
    pub fn queue(&mut self, line: &str) {
        self.lines.push_str(line);
    }

    /// Whether a checkpoint is wanted.
    pub fn checkpoints(&self) -> bool {
        self.checkpoint_path.is_some()
    }

    /// Replaces the checkpoint by `text`.
    pub fn checkpoint(&self, text: &str) -> Result<(), Error> {
        match &self.checkpoint_path {
            Some(path) => replace(path, text, "checkpoint"),
            None => Ok(()),
        }
    }

    /// Writes the lines that are queued and, if there are any, a new `summary`. It goes to a temporary file that then takes
    /// its name, so a reader never sees half of one.
    pub fn flush(&mut self, summary: impl FnOnce() -> String) -> Result<(), Error> {
        if self.lines.is_empty() {
            return Ok(());
        }
        if let (Some(file), Some(path)) = (&mut self.block_file, &self.block_path) {
            file.write_all(self.lines.as_bytes())
                .map_err(|error| failure("write to the block file", path, &error))?;
        }
        self.lines.clear();
        match &self.summary_path {
            Some(path) => replace(path, &summary(), "summary"),
            None => Ok(()),
        }
    }
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

/// Writes `text` to a temporary file that then takes the name `path`.
fn replace(path: &Path, text: &str, what: &str) -> Result<(), Error> {
    let mut temporary = path.to_path_buf().into_os_string();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    fs::write(&temporary, text)
        .map_err(|error| failure(&format!("write the {what}"), &temporary, &error))?;
    fs::rename(&temporary, path)
        .map_err(|error| failure(&format!("replace the {what}"), path, &error))
}

/// The blob of the checkpoint `name`.
pub fn read_checkpoint(name: &str) -> Result<Vec<u8>, Error> {
    let path = Path::new(name);
    let text =
        fs::read_to_string(path).map_err(|error| failure("read the checkpoint", path, &error))?;
    restart::from_text(&text)
        .map_err(|error| Error::new(format!("cannot resume from '{name}': {error}")))
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn blocks_that_will_be_measured_again_are_dropped() {
        let head = "# settings\nblock,cycle_first,cycle_last,step_first,step_last,used\n";
        let lines = "1,1,1,0,99,0\n1,2,3,100,299,1\n# continued at step 310\n";
        let rest = "2,4,5,300,499,1\n3,6,7,500,699,1\n";
        let text = format!("{head}{lines}{rest}");
        assert_eq!(kept(&text, 480), format!("{head}{lines}"));
        assert_eq!(kept(&text, 499), format!("{head}{lines}2,4,5,300,499,1\n"));
        assert_eq!(kept(&text, 10_000), text);
        // cut off while it was written
        for cut in ["4,8,9,700,899,1", "4,8,9,700,899\n", "4,8,9,7"] {
            assert_eq!(kept(&format!("{text}{cut}"), 10_000), text);
        }
    }
}
