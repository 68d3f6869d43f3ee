//! The libtorch engines, which lie in a library beside the plugin. It is loaded where a run needs it: libtorch takes longer
//! to load than LAMMPS to start, and a hundred megabytes.

use super::settings::Settings;
use deepdms_boundary::call::{Refusal, RemoteLibrary};
use deepdms_boundary::serve::Request;
use deepdms_boundary::{BUILD, loading};
use deepdms_potential::Error;
use deepdms_potential::engine::Engine;
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const FILE: &str = "deepdmstorch.so";

/// The function in it that gives its table.
const ENTRY: &CStr = c"deepdms_torch";

/// The folder of the plugin.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Finds the folder of the plugin. When LAMMPS loads it, for the path that it was loaded by may be relative, and the
/// working directory may change later.
pub(super) fn remember_folder() {
    folder();
}

fn folder() -> &'static Path {
    FOLDER.get_or_init(|| {
        let file = loading::file_of(remember_folder as fn() as usize);
        let folder = file.as_deref().and_then(Path::parent);
        folder.map(PathBuf::from).unwrap_or_default()
    })
}

/// An engine for the model in a file, whose contents are `bytes`; `reason` says what needs libtorch.
///
/// # Errors
/// [`Error::Engine`] if the library is not there or does not fit, or with what it says about the file or the device.
pub(super) fn open(
    file: &str,
    bytes: &[u8],
    settings: &Settings,
    reason: &str,
) -> Result<Box<dyn Engine>, Error> {
    let path = folder().join(FILE);
    let library = RemoteLibrary::load(&path, ENTRY).map_err(|refusal| {
        Error::Engine(format!(
            "{reason} needs {}, {}",
            path.display(),
            explain(&refusal)
        ))
    })?;
    let engine = library.open(Request {
        file,
        bytes,
        device: &settings.device,
        threads: settings.threads,
        trusted: settings.trusted,
    })?;
    Ok(Box::new(engine))
}

/// What is wrong with the library, and what to do.
fn explain(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Missing => {
            "which is not there. Build the plugin with -D DEEPDMS_TORCH=ON and leave both files in one folder"
                .to_owned()
        }
        Refusal::NotLoaded(reason) => format!(
            "which cannot be loaded ({reason}). See that libtorch is where it was when this file was built, or build again with -D LIBTORCH=<its folder>"
        ),
        Refusal::Foreign => {
            "which is another library. Build the plugin again with -D DEEPDMS_TORCH=ON".to_owned()
        }
        Refusal::OtherBuild(theirs) => {
            let bare = |build: &str| build.trim_start_matches("deepdms-build ").to_owned();
            format!(
                "which is from another build ({}) than the plugin ({}). Build both again with -D DEEPDMS_TORCH=ON",
                bare(theirs),
                bare(BUILD)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{folder, open};
    use crate::pair::settings::Settings;

    #[test]
    fn a_library_that_is_not_there_is_named_with_its_folder() {
        let program = std::env::current_exe().unwrap();
        assert_eq!(folder(), program.parent().unwrap());
        let words = ["m.pb", "engine", "torch"].map(str::to_owned);
        let settings = Settings::parse(&words).unwrap();
        let Err(error) = open("m.pb", b"", &settings, "engine torch") else {
            panic!("there is no library")
        };
        assert_eq!(
            error.to_string(),
            format!(
                "engine torch needs {}/deepdmstorch.so, which is not there. Build the plugin with -D DEEPDMS_TORCH=ON and \
                 leave both files in one folder",
                folder().display()
            )
        );
    }
}
