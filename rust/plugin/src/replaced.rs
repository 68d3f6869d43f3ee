//! A file that is replaced as a whole, so that a reader, or a kill at any moment, never finds half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use deepdms_rheology::Error;

use crate::target::Target;

/// Ending of the temporary file that then takes the name.
pub const TEMPORARY: &str = ".tmp";
/// Ending of the file that keeps what was there before.
pub const PREVIOUS: &str = ".previous";
/// Ending of the same file on its way to this name.
const BETWEEN: &str = ".previous.tmp";

/// Between two of these the disk is not waited for: what was written survives the end of the program all the same, but
/// perhaps not that of the machine.
const PATIENCE: Duration = Duration::from_secs(1);

/// One such file, and the lock on what is there.
#[derive(Debug)]
pub struct Replaced {
    target: Target,
    temporary: Target,
    /// What keeps what was there before, and its name in between.
    previous: Option<[Target; 2]>,
    lock: Option<File>,
    synced: Option<Instant>,
}

impl Replaced {
    /// The file `target`; with `keeps`, what was there before stays under another name. Nothing is opened yet. Fails where
    /// one of the names that it needs stands for something that is not a regular file.
    pub fn new(target: Target, keeps: bool) -> Result<Self, Error> {
        Ok(Replaced {
            temporary: target.beside(TEMPORARY)?,
            previous: if keeps {
                Some([target.beside(PREVIOUS)?, target.beside(BETWEEN)?])
            } else {
                None
            },
            target,
            lock: None,
            synced: None,
        })
    }

    /// All files that it writes.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        [&self.target, &self.temporary]
            .into_iter()
            .chain(self.previous.iter().flatten())
    }

    /// Takes the lock on what is there. Fails where another run holds it.
    pub fn reserve(&mut self) -> Result<(), Error> {
        if self.lock.is_some() {
            return Ok(());
        }
        match OpenOptions::new().write(true).open(&self.target.path) {
            Ok(file) => {
                self.target.lock(&file)?;
                self.lock = Some(file);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.target.failure("open", &error)),
        }
    }

    /// Writes `text`. With `durable` it is on the disk when this returns; without, it is at the latest after another second
    /// of writing. What was there before is untouched where this fails.
    pub fn write(&mut self, text: &str, durable: bool) -> Result<(), Error> {
        self.reserve()?;
        let sync = durable || self.synced.is_none_or(|last| last.elapsed() >= PATIENCE);
        let file = self.fill(text, sync)?;
        if let Some(previous) = &self.previous {
            self.keep(previous)
                .map_err(|error| self.target.failure("keep", &error))?;
        }
        fs::rename(&self.temporary.path, &self.target.path)
            .map_err(|error| self.target.failure("replace", &error))?;
        // the lock goes over to what is there now
        self.lock = Some(file);
        if sync {
            self.synced = Some(Instant::now());
            self.sync_folder();
        }
        Ok(())
    }

    /// Makes sure that what was written last is on the disk.
    pub fn sync(&mut self) -> Result<(), Error> {
        if let Some(file) = &self.lock {
            file.sync_all()
                .map_err(|error| self.target.failure("write", &error))?;
            self.sync_folder();
        }
        Ok(())
    }

    /// The temporary file with `text`, locked; it is removed where that fails.
    fn fill(&self, text: &str, sync: bool) -> Result<File, Error> {
        let failure = |error: io::Error| self.target.failure("write", &error);
        // again before each time, since opening a pipe would wait for ever
        self.target.beside(TEMPORARY)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&self.temporary.path)
            .map_err(failure)?;
        self.target.lock(&file)?;
        // between opening and locking, another run may have given the file its final name
        let opened = file.metadata().map_err(failure)?;
        let there = fs::metadata(&self.temporary.path).map_err(failure)?;
        if (opened.dev(), opened.ino()) != (there.dev(), there.ino()) {
            return Err(self.target.taken());
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| if sync { file.sync_all() } else { Ok(()) });
        match written {
            Ok(()) => Ok(file),
            Err(error) => {
                let _ = fs::remove_file(&self.temporary.path);
                Err(failure(error))
            }
        }
    }

    /// Gives what is there the name `previous`, too, in place of what had it, so that there is always a file of that name
    /// once there was one.
    fn keep(&self, [previous, between]: &[Target; 2]) -> io::Result<()> {
        match fs::remove_file(&between.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        match fs::hard_link(&self.target.path, &between.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // a file system without such links
            Err(_) => {
                fs::copy(&self.target.path, &between.path)?;
            }
        }
        fs::rename(&between.path, &previous.path)
    }

    fn sync_folder(&self) {
        // not every file system can do it, and none needs it for what a killed program leaves
        if let Some(folder) = self.target.path.parent()
            && let Ok(folder) = File::open(folder)
        {
            let _ = folder.sync_all();
        }
    }
}
