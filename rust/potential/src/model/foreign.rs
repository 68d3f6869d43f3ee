//! Files that take the place of a model by mistake, known by how they begin.

use crate::Error;

/// What PyTorch's checkpoints before version 1.6 begin with: a pickle of a number that says so.
const OLD_CHECKPOINT: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19";
const GIT_LFS: &[u8] = b"version https://git-lfs.github.com/spec/";
/// Packed files by their first bytes.
const PACKED: [(&[u8], &str); 5] = [
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
];
/// Links of Windows and macOS as they are stored in files.
const LINKS: [&[u8]; 2] = [b"!<symlink>", b"XSym\n"];
const SUFFIXES: [&str; 8] = [
    ".pb", ".pth", ".pt", ".pt2", ".dp", ".yaml", ".yml", ".json",
];
/// No path is longer.
const LONGEST_PATH: usize = 4096;
/// Words of 32 bits in the head of a file for NVNMD hardware, which is the second of them.
const NVNMD_HEAD: [u8; 4] = 128u32.to_le_bytes();

/// What training leaves behind, and how a model is made of it.
pub(super) fn checkpoint(file: &str, what: &str) -> Error {
    Error::Unsupported {
        file: file.to_owned(),
        feature: format!("a checkpoint of a training ({what})"),
        remedy: "Freeze the model: dp freeze -o model.pb, or dp --pt freeze -o model.pth"
            .to_owned(),
    }
}

/// The error about a file that is something else than a model.
pub(super) fn recognise(file: &str, bytes: &[u8]) -> Option<Error> {
    let other = |what: String| {
        Some(Error::UnknownFormat {
            file: file.to_owned(),
            what,
        })
    };
    if bytes.starts_with(OLD_CHECKPOINT) {
        return Some(checkpoint(file, "saved by PyTorch"));
    }
    if bytes.starts_with(GIT_LFS) {
        return other("it is a pointer of Git LFS, which stands for the model until that is fetched. Run 'git lfs pull' in its repository, or download the file itself".to_owned());
    }
    if let Some((_, program)) = PACKED.iter().find(|(begin, _)| bytes.starts_with(begin)) {
        return other(format!("it is packed by {program}. Unpack it first"));
    }
    if is_tar(bytes) {
        return other("it is a tar archive. Unpack it, and give the model in it".to_owned());
    }
    if is_page(bytes) {
        return other("it is a web page. Download the model itself: what a browser shows of it has another address".to_owned());
    }
    if LINKS.iter().any(|begin| bytes.starts_with(begin)) {
        return other(
            "it is a symbolic link that was stored as a file. Copy the file that it leads to"
                .to_owned(),
        );
    }
    if let Some(path) = lone_path(bytes) {
        return other(format!(
            "it holds the path '{path}' and nothing else: a symbolic link that was stored as text. Give the file that it leads to"
        ));
    }
    if is_nvnmd(bytes) {
        return Some(Error::Unsupported {
            file: file.to_owned(),
            feature: "a file for NVNMD hardware".to_owned(),
            remedy: "Give the frozen model that it was made of, trained without NVNMD".to_owned(),
        });
    }
    None
}

fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

fn is_page(bytes: &[u8]) -> bool {
    let begin = bytes.trim_ascii_start();
    let begin = begin[..begin.len().min(14)].to_ascii_lowercase();
    begin.starts_with(b"<!doctype html") || begin.starts_with(b"<html")
}

/// The path of a model that is all there is.
fn lone_path(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes.get(..LONGEST_PATH).map_or(bytes, |_| &[])).ok()?;
    let text = text.trim_end();
    let is_path = SUFFIXES.iter().any(|suffix| text.ends_with(suffix))
        && !text.contains(|c: char| c.is_control() || "[]{}\"".contains(c));
    is_path.then_some(text)
}

/// Version 0 or 1, its subversion and a number of neighbours; then the length of the head.
fn is_nvnmd(bytes: &[u8]) -> bool {
    let neighbours = bytes.get(2..4).map(|b| u16::from_le_bytes([b[0], b[1]]));
    bytes.first().is_some_and(|&version| version <= 1)
        && neighbours.is_some_and(|count| (1..=1024).contains(&count))
        && bytes.get(4..8) == Some(&NVNMD_HEAD)
}
