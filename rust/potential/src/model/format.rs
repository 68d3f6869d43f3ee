//! Which reader a file goes to. Contents decide where they are unmistakable, the suffix where they are not.

use super::{Model, frozen_graph, native, torch_script};
use crate::Error;

/// A file format that models are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Frozen TensorFlow graph, `.pb`.
    FrozenGraph,
    /// deepmd-kit's own serialization in HDF5, `.dp`.
    NativeHdf5,
    /// deepmd-kit's own serialization as text, `.yaml` or `.yml`.
    NativeYaml,
    /// TorchScript, `.pth`.
    TorchScript,
}

impl Format {
    /// The suffix by which users know it.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::FrozenGraph => ".pb",
            Self::NativeHdf5 => ".dp",
            Self::NativeYaml => ".yaml",
            Self::TorchScript => ".pth",
        }
    }
}

const HDF5_SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";
const READABLE: &str = "Models are read from frozen graphs (.pb), TorchScript (.pth) and deepmd-kit's own form (.dp, .yaml)";

/// Reads and validates a model from the bytes of a file; `file` is its path, for the suffix and for messages.
///
/// # Errors
/// Any reading error of [`Error`]; the message names the file, the item and the remedy.
pub fn read(file: &str, bytes: &[u8]) -> Result<Model, Error> {
    let suffix = file
        .rsplit_once('.')
        .map_or("", |(_, suffix)| suffix)
        .to_ascii_lowercase();
    let unsupported = |feature: &str, remedy: &str| Error::Unsupported {
        file: file.to_owned(),
        feature: feature.to_owned(),
        remedy: remedy.to_owned(),
    };
    if bytes.is_empty() {
        return Err(Error::UnknownFormat {
            file: file.to_owned(),
            what: format!("the file is empty. {READABLE}"),
        });
    }
    if bytes.starts_with(HDF5_SIGNATURE) {
        return native::read_hdf5(file, bytes);
    }
    if bytes.starts_with(ZIP_SIGNATURE) {
        return match suffix.as_str() {
            "pt2" | "pte" => Err(unsupported(
                "a compiled PyTorch model (.pt2)",
                &format!("Convert it: dp convert-backend {file} model.dp"),
            )),
            _ => torch_script::read(file, bytes),
        };
    }
    match suffix.as_str() {
        "yaml" | "yml" => native::read_yaml(file, bytes),
        "pbtxt" => Err(unsupported(
            "a graph in text form (.pbtxt)",
            &format!("Convert it: dp convert-from pbtxt -i {file} -o model.pb"),
        )),
        "savedmodel" | "savedmodeltf" | "json" | "pd" | "pdmodel" | "hlo" | "jax" | "pt"
        | "ckpt" => Err(unsupported(
            &format!("the format .{suffix}"),
            &format!("Convert it: dp convert-backend {file} model.dp"),
        )),
        "pb" => frozen_graph::read(file, bytes),
        _ => frozen_graph::read(file, bytes).map_err(|error| match error {
            Error::Malformed { .. } => Error::UnknownFormat {
                file: file.to_owned(),
                what: format!("it is not a Deep Potential model. {READABLE}"),
            },
            other => other,
        }),
    }
}
