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
    summary: Option<String>,
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
            summary: None,
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

    /// Keeps a line of the block file and the new summary until [`Files::flush`].
    pub fn queue(&mut self, line: String, summary: String) {
        self.lines.push_str(&line);
        self.summary = Some(summary);
    }

    /// Writes what is queued. The summary goes to a temporary file that then takes its name, so a reader never sees half
    /// of one.
    pub fn flush(&mut self) -> Result<(), Error> {
        if let (Some(file), Some(path)) = (&mut self.block_file, &self.block_path) {
            file.write_all(self.lines.as_bytes())
                .map_err(|error| failure("write to the block file", path, &error))?;
        }
        self.lines.clear();
        if let (Some(summary), Some(path)) = (self.summary.take(), &self.summary_path) {
            let mut temporary = path.clone().into_os_string();
            temporary.push(".tmp");
            let temporary = PathBuf::from(temporary);
            fs::write(&temporary, summary)
                .map_err(|error| failure("write the summary", &temporary, &error))?;
            fs::rename(&temporary, path)
                .map_err(|error| failure("replace the summary", path, &error))?;
        }
        Ok(())
    }
}
