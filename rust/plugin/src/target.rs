//! Files that a style writes: which file a name in the deck stands for, what must not be written over, and that nobody else
//! writes it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, FileType, Metadata, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use deepdms_rheology::Error;

/// Bytes of a file from which its kind is told.
const BEGINNING: u64 = 1 << 16;

/// A file that is to be written, its path resolved once for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What it is, in the words of the command.
    pub what: &'static str,
    /// Its name as the user wrote it.
    pub name: String,
    /// Its absolute path, free of symbolic links as far as it exists.
    pub path: PathBuf,
}

impl Target {
    /// The file that `name` means in the folder of this moment. Fails where it is there and not a regular file.
    pub fn resolve(what: &'static str, name: &str) -> Result<Self, Error> {
        if name.is_empty() || name.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Error::new(format!(
                "{what}: the name '{name}' is empty or has letters that are not UTF-8, give another name"
            )));
        }
        let target = |path| Target {
            what,
            name: name.to_owned(),
            path,
        };
        let written = std::path::absolute(name)
            .map_err(|error| target(PathBuf::from(name)).failure("find", &error))?;
        let refuse = |kind: &str| {
            Err(Error::new(format!(
                "{what} '{name}' is {kind}: give the name of a regular file"
            )))
        };
        match fs::metadata(&written) {
            Ok(meta) if meta.is_file() => fs::canonicalize(&written)
                .map(target)
                .map_err(|error| target(written).failure("find", &error)),
            Ok(meta) => refuse(kind_of(meta.file_type())),
            Err(_) if fs::symlink_metadata(&written).is_ok() => {
                refuse("a symbolic link to a file that cannot be reached")
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = written.parent().and_then(|one| fs::canonicalize(one).ok());
                match (folder, written.file_name()) {
                    (Some(folder), Some(file)) => Ok(target(folder.join(file))),
                    _ => Ok(target(written)),
                }
            }
            Err(error) => Err(target(written).failure("find", &error)),
        }
    }

    /// The file beside it whose name ends in `suffix`, too. Fails where it is there and not a regular file.
    pub fn beside(&self, suffix: &str) -> Result<Self, Error> {
        let beside = Target {
            what: self.what,
            name: format!("{}{suffix}", self.name),
            path: with_suffix(&self.path, suffix),
        };
        match fs::symlink_metadata(&beside.path) {
            Ok(meta) if !meta.is_file() => Err(Error::new(format!(
                "{} '{}' needs the file '{}' for itself, which is {}: remove that, or give another name",
                self.what,
                self.name,
                beside.name,
                kind_of(meta.file_type())
            ))),
            _ => Ok(beside),
        }
    }

    /// That `verb` (open, write, ..) did not succeed.
    pub fn failure(&self, verb: &str, error: &io::Error) -> Error {
        Error::new(format!(
            "cannot {verb} the {} '{}': {error}",
            self.what, self.name
        ))
    }

    /// Whether both are one file.
    pub fn is(&self, other: &Target) -> bool {
        let same_node =
            |one: Metadata, other: Metadata| one.dev() == other.dev() && one.ino() == other.ino();
        self.path == other.path
            || match (fs::metadata(&self.path), fs::metadata(&other.path)) {
                (Ok(one), Ok(other)) => same_node(one, other),
                _ => false,
            }
    }

    /// Fails where this process has the file open: as its input deck, its log, a dump, or for another fix.
    pub fn check_not_open(&self) -> Result<(), Error> {
        let (Ok(own), Ok(open)) = (fs::metadata(&self.path), fs::read_dir("/dev/fd")) else {
            return Ok(());
        };
        let is_own = |meta: Metadata| meta.dev() == own.dev() && meta.ino() == own.ino();
        if open
            .flatten()
            .any(|entry| fs::metadata(entry.path()).is_ok_and(is_own))
        {
            return Err(Error::new(format!(
                "{} '{}' is open in this run already, as its input deck or for another output: give another name",
                self.what, self.name
            )));
        }
        Ok(())
    }

    /// Fails where the file holds something whose beginning `own` does not know as what is written to it.
    pub fn check_content(&self, own: impl Fn(&str) -> bool) -> Result<(), Error> {
        let mut start = Vec::new();
        match File::open(&self.path) {
            Ok(file) => file
                .take(BEGINNING)
                .read_to_end(&mut start)
                .map_err(|error| self.failure("read", &error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.failure("read", &error)),
        };
        if start.is_empty() || own(&String::from_utf8_lossy(&start)) {
            return Ok(());
        }
        Err(Error::new(format!(
            "{} '{}' exists and holds something else, which would be lost: give another name, or remove that file",
            self.what, self.name
        )))
    }

    /// That somebody else writes it.
    pub fn taken(&self) -> Error {
        Error::new(format!(
            "the {} '{}' is being written by another run: give each run names of its own",
            self.what, self.name
        ))
    }

    /// Locks `file`, which is this one, for this process. Fails where somebody else holds it; a file system without locks
    /// lets everybody pass.
    pub fn lock(&self, file: &File) -> Result<(), Error> {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(self.taken()),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn kind_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Paths that something in this process is going to write.
static CLAIMED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The right to write some files, as long as it lives.
#[derive(Debug, Default)]
pub struct Claim {
    paths: Vec<PathBuf>,
}

impl Claim {
    /// Claims `target`. Fails where somebody else in this process has done so.
    pub fn add(&mut self, target: &Target) -> Result<(), Error> {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        if !claimed.insert(target.path.clone()) {
            return Err(Error::new(format!(
                "{} '{}' is written by another fix of this run: give another name",
                target.what, target.name
            )));
        }
        self.paths.push(target.path.clone());
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        for path in &self.paths {
            claimed.remove(path);
        }
    }
}
