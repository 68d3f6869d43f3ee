//! Which reader a file goes to. Contents decide where they are unmistakable, the suffix where they are not.

use super::{Model, exported, foreign, frozen_graph, native, nesting, torch_script};
use crate::Error;
use serde_json::Value;

/// A file format that models are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Frozen TensorFlow graph, `.pb`.
    FrozenGraph,
    /// deepmd-kit's own serialization in HDF5, `.dp`.
    NativeHdf5,
    /// deepmd-kit's own serialization as text, `.yaml` or `.yml`.
    NativeYaml,
    /// deepmd-kit's own serialization as JSON, `.json`.
    NativeJson,
    /// TorchScript, `.pth`.
    TorchScript,
    /// A program that PyTorch compiled or exported, with deepmd-kit's own serialization beside it, `.pt2` or `.pte`.
    Exported,
}

impl Format {
    /// The suffix by which users know it.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::FrozenGraph => ".pb",
            Self::NativeHdf5 => ".dp",
            Self::NativeYaml => ".yaml",
            Self::NativeJson => ".json",
            Self::TorchScript => ".pth",
            Self::Exported => ".pt2",
        }
    }
}

const HDF5_SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";
const READABLE: &str = "Models are read from frozen graphs (.pb), PyTorch's archives (.pth, .pt2) and deepmd-kit's own form (.dp, .yaml, .json)";

const PADDLE: &str = "It cannot be converted: train or freeze the model with another backend, such as dp --pt freeze -o model.pth";

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
    if let Some(error) = foreign::recognise(file, bytes) {
        return Err(error);
    }
    if bytes.starts_with(HDF5_SIGNATURE) {
        return native::read_hdf5(file, bytes);
    }
    if bytes.starts_with(ZIP_SIGNATURE) {
        return match suffix.as_str() {
            "pt2" | "pte" => exported::read(file, bytes),
            _ => torch_script::read(file, bytes),
        };
    }
    match suffix.as_str() {
        "yaml" | "yml" => native::read_yaml(file, bytes),
        "json" => read_json(file, bytes),
        "pbtxt" => Err(unsupported(
            "a graph in text form (.pbtxt)",
            &format!("Convert it: dp convert-from pbtxt -i {file} -o model.pb"),
        )),
        "savedmodel" | "savedmodeltf" | "hlo" | "jax" => Err(unsupported(
            &format!("the format .{suffix}"),
            &format!("Convert it: dp convert-backend {file} model.dp"),
        )),
        "pd" | "pdmodel" | "pdiparams" => {
            Err(unsupported(&format!("the format .{suffix}"), PADDLE))
        }
        "pt" | "ckpt" | "meta" | "index" | "data-00000-of-00001" => {
            Err(foreign::checkpoint(file, &format!(".{suffix}")))
        }
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

/// deepmd-kit writes its tree in no file of its own called `.json`, but inside others; Paddle's programs are called so.
fn read_json(file: &str, bytes: &[u8]) -> Result<Model, Error> {
    let malformed = |what: String| Error::Malformed {
        file: file.to_owned(),
        format: "native model (.json)",
        what,
    };
    nesting::check(bytes).map_err(malformed)?;
    let tree: Value =
        serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
    if tree["model"].is_null() && !tree["program"].is_null() {
        return Err(Error::Unsupported {
            file: file.to_owned(),
            feature: "a program of the Paddle backend (.json)".to_owned(),
            remedy: PADDLE.to_owned(),
        });
    }
    native::read_json(file, &tree, Format::NativeJson, false)
}
