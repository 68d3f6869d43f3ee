//! The state blob of a restart file: little-endian, versioned, bit exact, with checksums that show any damage.
//!
//! Layout: 8 bytes of name, u32 version, u32 checksum of the payload, u64 length of the whole blob in bytes, u32 checksum
//! of these 24 bytes, u32 zero, then the payload. Integers are u64, reals the bit pattern of an f64, texts a u64 length
//! and their UTF-8 bytes. Checksums are CRC-32: no damage of up to 32 neighbouring bits escapes them, and of other damage
//! one case in four thousand million. The length is not believed before the checksum of the header has been seen.

mod stored;

use std::fmt::Write as _;

use crate::error::Error;
use crate::report;

const NAME: &[u8; 8] = b"deepdms\0";
const VERSION: u32 = 3;

/// Bytes before the payload.
pub const HEADER: usize = 32;
/// Bytes of the header that its checksum covers.
const COVERED: usize = 24;

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
        bytes.resize(HEADER, 0);
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

    /// The finished blob, its length and its checksums entered in the header.
    pub fn finish(mut self) -> Vec<u8> {
        let length = self.bytes.len() as u64;
        let payload = crc32fast::hash(&self.bytes[HEADER..]);
        self.bytes[12..16].copy_from_slice(&payload.to_le_bytes());
        self.bytes[16..COVERED].copy_from_slice(&length.to_le_bytes());
        let header = crc32fast::hash(&self.bytes[..COVERED]);
        self.bytes[COVERED..COVERED + 4].copy_from_slice(&header.to_le_bytes());
        self.bytes
    }
}

/// The blob that `memory` begins with, checked; what follows it is ignored. Fails where this is no blob of ours, one of
/// another version, or a damaged one.
pub fn blob_in(memory: &[u8]) -> Result<&[u8], Error> {
    let Some((header, _)) = memory.split_at_checked(HEADER) else {
        return Err(damaged("it is cut off"));
    };
    if &header[..8] != NAME {
        return Err(Error::new(
            "the restart file holds no state of this fix under its ID: use another fix ID",
        ));
    }
    let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| header[at + byte]));
    let version = word(8);
    if version != VERSION {
        return Err(Error::new(format!(
            "the stored state has version {version}, this is version {VERSION}: continue with the \
             library that wrote it"
        )));
    }
    if word(COVERED) != crc32fast::hash(&header[..COVERED]) || word(COVERED + 4) != 0 {
        return Err(damaged("its header does not match its checksum"));
    }
    let length = u64::from_le_bytes(std::array::from_fn(|byte| header[16 + byte]));
    let blob = usize::try_from(length)
        .ok()
        .filter(|length| *length >= HEADER)
        .and_then(|length| memory.get(..length))
        .ok_or_else(|| damaged("it is cut off"))?;
    if word(12) != crc32fast::hash(&blob[HEADER..]) {
        return Err(damaged("it does not match its checksum"));
    }
    Ok(blob)
}

fn damaged(detail: &str) -> Error {
    Error::new(format!(
        "the stored state is damaged: {detail}. Start from another file"
    ))
}

/// Words in a line of the text form.
const WORDS_PER_LINE: usize = 4;

/// `blob` as text: the lines of `remarks` behind #, a line with its length, and its words as hexadecimal numbers, so that
/// it comes back bit by bit on every machine.
pub fn to_text(blob: &[u8], remarks: &[String]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(blob.len() * 17 / 8 + 4096);
    for remark in remarks {
        let _ = writeln!(text, "# {remark}");
    }
    let _ = writeln!(text, "state {}", blob.len());
    for line in blob.chunks(8 * WORDS_PER_LINE) {
        for (index, bytes) in line.chunks(8).enumerate() {
            if index > 0 {
                text.push(' ');
            }
            for byte in (0..8).rev() {
                let byte = bytes.get(byte).copied().unwrap_or(0);
                text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
        text.push('\n');
    }
    text
}

/// Whether `beginning` is that of what [`to_text`] wrote.
pub fn is_text(beginning: &str) -> bool {
    report::is_ours(beginning, "state ")
}

/// CRC-32 of `numbers`, bit by bit.
pub fn checksum(numbers: &[f64]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    hasher.finalize()
}

/// The blob that [`to_text`] wrote, checked. Fails where `text` is something else, or damaged.
pub fn from_text(text: &str) -> Result<Vec<u8>, Error> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let head: Vec<&str> = lines.next().unwrap_or("").split_whitespace().collect();
    let ["state", length] = head[..] else {
        return Err(Error::new(
            "it is not the state of a fix dms: give a file that the keyword checkpoint wrote",
        ));
    };
    let damaged = || Error::new("it is damaged: use another checkpoint");
    let length: usize = length.parse().map_err(|_| damaged())?;
    let mut blob = Vec::new();
    for word in lines.flat_map(str::split_whitespace) {
        if word.len() != 16 {
            return Err(damaged());
        }
        let word = u64::from_str_radix(word, 16).map_err(|_| damaged())?;
        blob.extend_from_slice(&word.to_le_bytes());
    }
    if length.checked_next_multiple_of(8) != Some(blob.len()) {
        return Err(damaged());
    }
    let filled = blob.split_off(length);
    if filled.iter().any(|byte| *byte != 0) {
        return Err(damaged());
    }
    match blob_in(&blob) {
        Ok(whole) if whole.len() == length => Ok(blob),
        _ => Err(damaged()),
    }
}

/// Takes a blob apart.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks `blob` as a whole and stands at the start of its payload.
    pub fn new(blob: &'a [u8]) -> Result<Self, Error> {
        let whole = blob_in(blob)?;
        if whole.len() != blob.len() {
            let rest = blob.len() - whole.len();
            return Err(damaged(&format!("{rest} bytes follow it")));
        }
        Ok(Reader {
            rest: &whole[HEADER..],
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
    use super::{HEADER, Reader, Writer, blob_in, from_text, to_text};

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
        let mut reader = Reader::new(&blob).unwrap();
        assert_eq!(reader.integer().unwrap(), u64::MAX - 3);
        assert_eq!(reader.real().unwrap().to_bits(), (-0.1f64).to_bits());
        assert_eq!(reader.text().unwrap(), "ε sin θ");
        reader.finish().unwrap();
        // in memory that holds something else behind it
        let longer = [&blob[..], &[7; 5]].concat();
        assert_eq!(blob_in(&longer).unwrap(), blob);
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
        let endless = text.replacen("state ", &format!("state {}", u64::MAX / 100), 1);
        for wrong in [cut, &text[..70], &other, &mixed, &endless] {
            assert_eq!(message(wrong), "it is damaged: use another checkpoint");
        }
    }

    #[test]
    fn foreign_old_and_cut_blobs_are_named() {
        let message = |bytes: &[u8]| Reader::new(bytes).unwrap_err().to_string();
        let damaged = |detail: &str| {
            format!("the stored state is damaged: {detail}. Start from another file")
        };
        let good = blob();
        assert_eq!(
            message(&[7; 40]),
            "the restart file holds no state of this fix under its ID: use another fix ID"
        );
        let mut other = good.clone();
        other[8] = 9;
        assert_eq!(
            message(&other),
            "the stored state has version 9, this is version 3: continue with the library that wrote it"
        );
        for cut in [0, 8, HEADER - 1, HEADER, good.len() - 1] {
            assert_eq!(message(&good[..cut]), damaged("it is cut off"));
        }
        let longer = [&good[..], &[0]].concat();
        assert_eq!(message(&longer), damaged("1 bytes follow it"));
        let mut header = good.clone();
        header[16] ^= 1;
        assert_eq!(
            message(&header),
            damaged("its header does not match its checksum")
        );
        let mut payload = good.clone();
        payload[HEADER] ^= 1;
        assert_eq!(message(&payload), damaged("it does not match its checksum"));
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
