//! Where LAMMPS, MPI, the plugin and the cases are.

use std::env;
use std::path::{Path, PathBuf};

/// The folders and programs that the cases need.
#[derive(Clone, Debug)]
pub struct Place {
    /// The repository.
    pub root: PathBuf,
    /// The Python environment that `cargo xtask setup` makes.
    pub venv: PathBuf,
    /// The Python package of LAMMPS, which holds `lmp`, `liblammps.so` and the potentials.
    pub lammps: PathBuf,
    /// The plugin: `DEEPDMS_PLUGIN`, or `build/deepdmsplugin.so`.
    pub plugin: PathBuf,
}

impl Place {
    /// Finds everything; fails with what to do where something is missing.
    pub fn find() -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("tests lies in the repository")
            .to_path_buf();
        let venv = root.join(".venv");
        let lammps = PathBuf::from(env!("DEEPDMS_TEST_LAMMPS"));
        if !lammps.join("lmp").exists() {
            return Err("LAMMPS is not in .venv: run `cargo xtask setup`".into());
        }
        let plugin = env::var_os("DEEPDMS_PLUGIN")
            .map_or_else(|| root.join("build/deepdmsplugin.so"), PathBuf::from);
        if !plugin.exists() {
            return Err(format!(
                "{} does not exist: run `cargo xtask build`",
                plugin.display()
            ));
        }
        Ok(Self {
            root,
            venv,
            lammps,
            plugin,
        })
    }

    /// The folder of the cases.
    pub fn cases(&self) -> PathBuf {
        self.root.join("tests/cases")
    }

    /// The folder of the test models and their references.
    pub fn models(&self) -> PathBuf {
        self.root.join("tests/models")
    }

    /// `text` with `{case}`, `{models}`, `{plugin}`, `{plugin_folder}` and `{root}` replaced by their paths.
    pub fn fill_in(&self, text: &str, case: &Path) -> String {
        let plugin_folder = self.plugin.parent().unwrap_or(Path::new("."));
        [
            ("{case}", case),
            ("{models}", &self.models()),
            ("{plugin}", &self.plugin),
            ("{plugin_folder}", plugin_folder),
            ("{root}", &self.root),
        ]
        .iter()
        .fold(text.to_owned(), |text, (name, path)| {
            text.replace(name, &path.to_string_lossy())
        })
    }
}
