//! The block file, line by line, and the summary, replaced as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use deepdms_rheology::Error;

/// The files of one fix, on the rank that writes them.
pub struct Files {
    block_path: Option<PathBuf>,
    block_file: Option<File>,
    summary_path: Option<PathBuf>,
    lines: String,
}

fn failure(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("cannot {what} '{}': {error}", path.display()))
}

impl Files {
    /// Files that are not open yet.
    pub fn new(block_path: Option<String>, summary_path: Option<String>) -> Self {
        Files {
            block_path: block_path.map(PathBuf::from),
            block_file: None,
            summary_path: summary_path.map(PathBuf::from),
            lines: String::new(),
        }
    }

    /// Opens the block file with `head`; with a `continuation` line an existing file is appended to instead.
    pub fn open(&mut self, head: &str, continuation: Option<String>) -> Result<(), Error> {
        let Some(path) = &self.block_path else {
            return Ok(());
        };
        if self.block_file.is_some() {
            return Ok(());
        }
        let append = continuation.filter(|_| path.exists());
        let mut options = OpenOptions::new();
        if append.is_some() {
            options.append(true);
        } else {
            options.write(true).create(true).truncate(true);
        }
        let mut file = options
            .open(path)
            .map_err(|error| failure("open the block file", path, &error))?;
        file.write_all(append.as_deref().unwrap_or(head).as_bytes())
            .map_err(|error| failure("write to the block file", path, &error))?;
        self.block_file = Some(file);
        Ok(())
    }

    /// Keeps a line of the block file until [`Files::flush`].
    pub fn queue(&mut self, line: &str) {
        self.lines.push_str(line);
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
