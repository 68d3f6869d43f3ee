//! Where things are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders that the commands work in; all but `target` lie inside the repository.
pub struct Paths {
    /// The repository.
    pub root: PathBuf,
    /// The Python environment.
    pub venv: PathBuf,
    /// The build folder of CMake, which the plugin is left in.
    pub build: PathBuf,
    /// What cargo builds: `CARGO_TARGET_DIR`, or `target`.
    pub target: PathBuf,
}

impl Paths {
    /// The paths of the repository that this program was compiled in.
    pub fn of_this_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .expect("rust/xtask lies two folders below the repository")
            .to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => env::current_dir()
                .unwrap_or_else(|_| root.clone())
                .join(folder),
            None => root.join("target"),
        };
        Self {
            venv: root.join(".venv"),
            build: root.join("build"),
            target,
            root,
        }
    }

    /// A program of the Python environment.
    pub fn program(&self, name: &str) -> PathBuf {
        self.venv.join("bin").join(name)
    }

    /// The CPU-only view of libtorch.
    pub fn libtorch(&self) -> PathBuf {
        self.venv.join("libtorch")
    }

    /// The folder that Python packages are installed in, or `None` where there is no environment yet.
    pub fn site_packages(&self) -> Option<PathBuf> {
        fs::read_dir(self.venv.join("lib"))
            .ok()?
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("python3"))
            .map(|entry| entry.path().join("site-packages"))
            .find(|folder| folder.is_dir())
    }

    /// The plugin.
    pub fn plugin(&self) -> PathBuf {
        self.build.join("deepdmsplugin.so")
    }
}
