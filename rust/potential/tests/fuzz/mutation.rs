//! Ways to damage a file.

use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Makes a damaged copy.
pub trait Mutate: Sync {
    /// A damaged copy of a valid file.
    fn mutate(&self, whole: &[u8], random: &mut fastrand::Rng) -> Vec<u8>;
}

/// Damage to any bytes: replaced, inserted, removed, repeated, cut off; numbers pushed to their limits.
pub struct Bytes;

/// Damage to a text: digits and punctuation replaced, lines removed, repeated and indented anew, besides that of bytes.
pub struct Text;

/// Damage to the members of a zip archive, which is packed again, so that its checksums hold.
pub struct Archive;

impl Mutate for Bytes {
    fn mutate(&self, whole: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        for _ in 0..random.usize(1..=4) {
            damage(&mut bytes, random);
        }
        bytes
    }
}

impl Mutate for Text {
    fn mutate(&self, whole: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        for _ in 0..random.usize(1..=4) {
            match random.u8(0..6) {
                0 => damage(&mut bytes, random),
                1 => replace_digit(&mut bytes, random),
                kind => edit_line(&mut bytes, kind, random),
            }
        }
        bytes
    }
}

impl Mutate for Archive {
    fn mutate(&self, whole: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
        let mut archive = ZipArchive::new(Cursor::new(whole)).expect("a valid archive");
        // most of the structure is in data.pkl; the other members are arrays and programs
        let pickle = archive
            .file_names()
            .position(|name| name.is_ok_and(|name| name.ends_with("/data.pkl")));
        let target = match pickle {
            Some(pickle) if random.u8(0..4) > 0 => pickle,
            _ => random.usize(0..archive.len()),
        };
        let mut packed = ZipWriter::new(Cursor::new(Vec::with_capacity(whole.len())));
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for k in 0..archive.len() {
            let mut member = archive.by_index(k).expect("a member");
            let mut bytes = Vec::new();
            // a program is deflated, which is not read here, and its contents do not matter
            if member.compression() == CompressionMethod::Stored {
                member.read_to_end(&mut bytes).expect("a stored member");
            }
            if k == target {
                for _ in 0..random.usize(1..=3) {
                    damage(&mut bytes, random);
                }
            }
            let name = member.name().expect("a name").into_owned();
            packed
                .start_file(name, stored)
                .and_then(|()| packed.write_all(&bytes).map_err(Into::into))
                .expect("writing to memory");
        }
        packed.finish().expect("writing to memory").into_inner()
    }
}

fn damage(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) {
    if bytes.is_empty() {
        return;
    }
    let place = random.usize(0..bytes.len());
    let length = random.usize(1..=64).min(bytes.len() - place);
    match random.u8(0..9) {
        0 | 1 => bytes[place] = random.u8(..),
        2 => bytes[place] ^= 1 << random.u8(0..8),
        3 => replace_digit(bytes, random),
        4 => {
            // a number at its limits
            let limits: [u64; 8] = [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];
            let value = limits[random.usize(0..limits.len())].to_le_bytes();
            let width = [1, 2, 4, 8][random.usize(0..4)].min(bytes.len() - place);
            bytes[place..place + width].copy_from_slice(&value[..width]);
        }
        5 => {
            bytes.drain(place..place + length);
        }
        6 => {
            let copy = bytes[place..place + length].to_vec();
            let there = random.usize(0..=bytes.len());
            bytes.splice(there..there, copy);
        }
        7 => {
            let copy = bytes[place..place + length].to_vec();
            let there = random.usize(0..=bytes.len() - length);
            bytes[there..there + length].copy_from_slice(&copy);
        }
        _ if random.u8(0..4) == 0 => bytes.truncate(place),
        _ => {
            let noise: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
            bytes[place..place + length].copy_from_slice(&noise);
        }
    }
}

/// Replaces a digit near a random place by another character that numbers are made of.
fn replace_digit(bytes: &mut [u8], random: &mut fastrand::Rng) {
    if bytes.is_empty() {
        return;
    }
    let place = random.usize(0..bytes.len());
    if let Some(digit) = bytes[place..].iter_mut().find(|byte| byte.is_ascii_digit()) {
        *digit = b"0123456789-.e[]{}"[random.usize(0..17)];
    }
}

fn edit_line(bytes: &mut Vec<u8>, kind: u8, random: &mut fastrand::Rng) {
    let place = random.usize(0..bytes.len().max(1));
    let is_end = |byte: &u8| *byte == b'\n';
    let Some(start) = bytes[..place].iter().rposition(is_end) else {
        return;
    };
    let Some(length) = bytes[start + 1..].iter().position(is_end) else {
        return;
    };
    let line = start + 1..start + 2 + length;
    match kind {
        2 => {
            bytes.drain(line);
        }
        3 => {
            let copy = bytes[line.clone()].to_vec();
            bytes.splice(line.end..line.end, copy);
        }
        4 => bytes.insert(line.start, b' '),
        _ if bytes[line.start] == b' ' => {
            bytes.remove(line.start);
        }
        _ => bytes
            .splice(line.start..line.start, *b"? &a [*a, ")
            .for_each(drop),
    }
}
