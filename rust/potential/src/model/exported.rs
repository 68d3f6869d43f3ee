//! Reader of `.pt2` and `.pte`, programs that PyTorch compiled or exported. They hold the native tree beside the program, which
//! is not run.

use super::zip::{is_checkpoint, member};
use super::{Format, Model, brief, foreign, native, nesting};
use crate::Error;
use ::zip::ZipArchive;
use serde_json::Value;
use std::io::Cursor;

/// Where the tree is, below a folder that depends on the version.
const TREE: &str = "extra/model.json";

/// What is said of the program, in the same folder.
const METADATA: &str = "extra/metadata.json";

/// Inputs of programs that see all neighbours within the cutoff, however many there are.
const GRAPHS: [&str; 2] = ["graph", "dpa1_canonical"];

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
    // older files say nothing, and their programs have slots for neighbours
    let metadata = name.strip_suffix(TREE).unwrap_or_default().to_owned() + METADATA;
    let metadata: Value = match member(&mut archive, &metadata, bytes.len()) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| malformed(format!("{metadata} is not JSON ({error})")))?,
        Err(_) => Value::Null,
    };
    let takes_all = GRAPHS
        .iter()
        .any(|kind| metadata["lower_input_kind"] == *kind);
    native::read_json(file, &tree, Format::Exported, takes_all)
}
