//! The state blob of a restart file: little-endian, versioned, length-checked, bit exact.
//!
//! Layout: 8 bytes of name, u32 version, u32 zero, u64 length of the whole blob in bytes, then the payload. Integers
//! are u64, reals the bit pattern of an f64, texts a u64 length and their UTF-8 bytes.

use std::fmt::Write as _;

use crate::error::Error;

const NAME: &[u8; 8] = b"deepdms\0";
const VERSION: u32 = 2;

/// Bytes before the payload.
pub const HEADER: usize = 24;

/// Something that can be stored in, and restored from, a blob.
pub trait State {
    /// Appends the state.
    fn write(&self, out: &mut Writer);

    /// Replaces the state; fails at the end of the data.
    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error>;
}

impl<T: State> State for [T] {
    fn write(&self, out: &mut Writer) {
        for item in self {
            item.write(out);
        }
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
        self.iter_mut().try_for_each(|item| item.read(from))
    }
}

/// Builds a blob.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Default for Writer {
    fn default() -> Self {
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend_from_slice(NAME);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 12]);
        Writer { bytes }
    }
}

impl Writer {
    /// Appends a whole number.
    pub fn integer(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a real, bit for bit.
    pub fn real(&mut self, value: f64) {
        self.integer(value.to_bits());
    }

    /// Appends a text.
    pub fn text(&mut self, value: &str) {
        self.integer(value.len() as u64);
        self.bytes.extend_from_slice(value.as_bytes());
    }

    /// The finished blob, its length entered in the header.
    pub fn finish(mut self) -> Vec<u8> {
        let length = self.bytes.len() as u64;
        self.bytes[16..HEADER].copy_from_slice(&length.to_le_bytes());
        self.bytes
    }
}

/// Length in bytes of the blob that starts with `header`; fails where this is no blob of ours, or one of another version.
pub fn blob_length(header: &[u8]) -> Result<usize, Error> {
    if header.len() < HEADER || &header[..8] != NAME {
        return Err(Error::new(
            "the restart file holds no state of this fix under its ID: use another fix ID",
        ));
    }
    let version = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    if version != VERSION {
        return Err(Error::new(format!(
            "the stored state has version {version}, this is version {VERSION}: continue with the \
             library that wrote it"
        )));
    }
    let mut length = [0; 8];
    length.copy_from_slice(&header[16..HEADER]);
    usize::try_from(u64::from_le_bytes(length)).map_err(|_| damaged("its length is impossible"))
}

fn damaged(detail: &str) -> Error {
    Error::new(format!(
        "the stored state is damaged: {detail}. Start from another file"
    ))
}

/// Words in a line of the text form.
const WORDS_PER_LINE: usize = 4;

/// FNV-1a of `bytes`.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// `blob` as text: the lines of `remarks` behind #, a line with length and checksum, and its words as hexadecimal
/// numbers, so that it comes back bit by bit on every machine.
pub fn to_text(blob: &[u8], remarks: &[String]) -> String {
    let mut text = String::new();
    for remark in remarks {
        let _ = writeln!(text, "# {remark}");
    }
    let _ = writeln!(text, "state {} {:016x}", blob.len(), checksum(blob));
    for line in blob.chunks(8 * WORDS_PER_LINE) {
        let words: Vec<String> = line
            .chunks(8)
            .map(|bytes| {
                let mut word = [0; 8];
                word[..bytes.len()].copy_from_slice(bytes);
                format!("{:016x}", u64::from_le_bytes(word))
            })
            .collect();
        let _ = writeln!(text, "{}", words.join(" "));
    }
    text
}

/// The blob that [`to_text`] wrote. Fails where `text` is something else, or damaged.
pub fn from_text(text: &str) -> Result<Vec<u8>, Error> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let head: Vec<&str> = lines.next().unwrap_or("").split_whitespace().collect();
    let ["state", length, sum] = head[..] else {
        return Err(Error::new(
            "it is not the state of a fix dms: give a file that the keyword checkpoint wrote",
        ));
    };
    let damaged = || Error::new("it is damaged: use another checkpoint");
    let length: usize = length.parse().map_err(|_| damaged())?;
    let sum = u64::from_str_radix(sum, 16).map_err(|_| damaged())?;
    let mut blob = Vec::new();
    for word in lines.flat_map(str::split_whitespace) {
        if word.len() != 16 {
            return Err(damaged());
        }
        let word = u64::from_str_radix(word, 16).map_err(|_| damaged())?;
        blob.extend_from_slice(&word.to_le_bytes());
    }
    if blob.len() != length.next_multiple_of(8) {
        return Err(damaged());
    }
    blob.truncate(length);
    if checksum(&blob) == sum {
        Ok(blob)
    } else {
        Err(damaged())
    }
}

/// Takes a blob apart.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks name, version and length of `blob` and stands at the start of its payload.
    pub fn new(blob: &'a [u8]) -> Result<Self, Error> {
        let length = blob_length(blob)?;
        if length != blob.len() {
            return Err(damaged(&format!(
                "it says {length} bytes and has {}",
                blob.len()
            )));
        }
        Ok(Reader {
            rest: &blob[HEADER..],
        })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        if count > self.rest.len() {
            return Err(damaged(&format!(
                "{} bytes are missing",
                count - self.rest.len()
            )));
        }
        let (head, tail) = self.rest.split_at(count);
        self.rest = tail;
        Ok(head)
    }

    /// The next whole number.
    pub fn integer(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// The next real.
    pub fn real(&mut self) -> Result<f64, Error> {
        self.integer().map(f64::from_bits)
    }

    /// The next text.
    pub fn text(&mut self) -> Result<String, Error> {
        let length = usize::try_from(self.integer()?).map_err(|_| damaged("a text is too long"))?;
        let bytes = self.take(length)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| damaged("a text is not UTF-8"))
    }

    /// Fails where something is left over.
    pub fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(damaged(&format!("{} bytes are left over", self.rest.len())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HEADER, Reader, Writer, blob_length, from_text, to_text};

    fn blob() -> Vec<u8> {
        let mut writer = Writer::default();
        writer.integer(u64::MAX - 3);
        writer.real(-0.1);
        writer.text("ε sin θ");
        writer.finish()
    }

    #[test]
    fn what_was_written_is_read() {
        let blob = blob();
        assert_eq!(blob_length(&blob[..HEADER]).unwrap(), blob.len());
        let mut reader = Reader::new(&blob).unwrap();
        assert_eq!(reader.integer().unwrap(), u64::MAX - 3);
        assert_eq!(reader.real().unwrap().to_bits(), (-0.1f64).to_bits());
        assert_eq!(reader.text().unwrap(), "ε sin θ");
        reader.finish().unwrap();
    }

    #[test]
    fn text_brings_every_bit_back() {
        let blob = blob();
        assert_ne!(blob.len() % 8, 0, "the last word is not full");
        let text = to_text(&blob, &["step 7".to_owned()]);
        assert!(text.starts_with("# step 7\nstate "));
        assert_eq!(from_text(&text).unwrap(), blob);
        let message = |text: &str| from_text(text).unwrap_err().to_string();
        assert_eq!(
            message("mode xx\n"),
            "it is not the state of a fix dms: give a file that the keyword checkpoint wrote"
        );
        let cut = &text[..text.len() - 3];
        let other = text.replacen("fffffffffffffffc", "fffffffffffffffd", 1);
        assert_ne!(other, text);
        let mixed = text.replacen("state ", "state x", 1);
        for wrong in [cut, &text[..70], &other, &mixed] {
            assert_eq!(message(wrong), "it is damaged: use another checkpoint");
        }
    }

    #[test]
    fn foreign_old_and_cut_blobs_are_named() {
        let message = |bytes: &[u8]| Reader::new(bytes).unwrap_err().to_string();
        let good = blob();
        assert_eq!(
            message(&[7; 40]),
            "the restart file holds no state of this fix under its ID: use another fix ID"
        );
        let mut other = good.clone();
        other[8] = 9;
        assert_eq!(
            message(&other),
            "the stored state has version 9, this is version 2: continue with the library that wrote it"
        );
        assert_eq!(
            message(&good[..good.len() - 1]),
            format!(
                "the stored state is damaged: it says {} bytes and has {}. Start from another file",
                good.len(),
                good.len() - 1
            )
        );
        let mut reader = Reader::new(&good).unwrap();
        reader.integer().unwrap();
        assert!(
            reader
                .finish()
                .unwrap_err()
                .to_string()
                .contains("bytes are left over")
        );
    }
}
