//! The file that the deviation between models is written to, a line a step.

use deepdms_potential::deviation;
use std::fs::{File, OpenOptions};
use std::io::Write;

/// An open deviation file.
pub struct DeviationFile {
    path: String,
    file: File,
}

impl DeviationFile {
    /// Starts the file with its header (`by_atom` where each atom has a column), or goes on with the one of an earlier run.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn open(path: &str, by_atom: bool, append: bool) -> Result<Self, String> {
        let file = if append {
            OpenOptions::new().append(true).create(true).open(path)
        } else {
            File::create(path)
        };
        let file = file.map_err(|error| format!("out_file {path} cannot be written: {error}"))?;
        let mut opened = Self {
            path: path.to_owned(),
            file,
        };
        if !append {
            opened.write(&deviation::header(by_atom))?;
        }
        Ok(opened)
    }

    /// Adds a line; it is in the file when this returns.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn write(&mut self, line: &str) -> Result<(), String> {
        let Self { path, file } = self;
        file.write_all(line.as_bytes())
            .map_err(|error| format!("out_file {path} cannot be written: {error}"))
    }
}
