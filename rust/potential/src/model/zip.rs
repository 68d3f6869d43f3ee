//! Members of zip archives, which hold models of the PyTorch backends.

use ::zip::ZipArchive;
use std::io::{Read, Seek};

/// Whether an archive is what `torch.save` writes: objects, and no program.
pub(super) fn is_checkpoint(archive: &ZipArchive<impl Read + Seek>) -> bool {
    let (mut objects, mut program) = (false, false);
    for name in archive.file_names().flatten() {
        objects |= name.ends_with("/data.pkl");
        program |= name.contains("/code/");
    }
    objects && !program
}

/// Bytes of a member, `most` at most; members of a model are stored as they are, so that none is larger than the archive.
///
/// # Errors
/// Says which member cannot be read, and why.
pub(super) fn member(
    archive: &mut ZipArchive<impl Read + Seek>,
    name: &str,
    most: usize,
) -> Result<Vec<u8>, String> {
    let member = archive
        .by_name(name)
        .map_err(|error| format!("{name}: {error}"))?;
    let mut bytes = Vec::new();
    member
        .take(most as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{name}: {error}"))?;
    Ok(bytes)
}
