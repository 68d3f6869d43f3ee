//! Reader of `.pt2` and `.pte`, programs that PyTorch compiled or exported. They hold the native tree beside the program, which
//! is not run.

use super::zip::{is_checkpoint, member};
use super::{Format, Model, brief, foreign, native, nesting};
use crate::Error;
use ::zip::ZipArchive;
use std::io::Cursor;

/// Where the tree is, below a folder that depends on the version.
const TREE: &str = "extra/model.json";

/// Reads a `.pt2` or `.pte` file. `file` goes into messages.
///
/// # Errors
/// As [`super::read`].
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Model, Error> {
    let malformed = |what: String| Error::Malformed {
        file: file.to_owned(),
        format: "exported PyTorch model (.pt2)",
        what: brief(&what),
    };
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| malformed(error.to_string()))?;
    let is_tree = |name: &str| {
        let folder = name.strip_suffix(TREE);
        folder.is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
    };
    let name = archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.into_owned()))
        .find(|name| is_tree(name));
    let Some(name) = name else {
        if is_checkpoint(&archive) {
            return Err(foreign::checkpoint(file, "saved by PyTorch"));
        }
        return Err(Error::Unsupported {
            file: file.to_owned(),
            feature: format!("a compiled PyTorch model (.pt2) without its weights ({TREE})"),
            remedy: "Freeze the model as TorchScript: dp --pt freeze -o model.pth".to_owned(),
        });
    };
    let text = member(&mut archive, &name, bytes.len()).map_err(malformed)?;
    nesting::check(&text).map_err(|what| malformed(format!("{name}: {what}")))?;
    let tree = serde_json::from_slice(&text)
        .map_err(|error| malformed(format!("{name} is not JSON ({error})")))?;
    native::read_json(file, &tree, Format::Exported)
}
