//! The zip container of a TorchScript file, and the numbers in it.

use super::pickle::{self, Item, Tensor};
use crate::model::Shaped;
use std::cell::RefCell;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// No array, and no description of a module, is larger.
const MOST_BYTES: u64 = 1 << 29;

/// An opened file.
pub(super) struct Archive<'a> {
    zip: RefCell<ZipArchive<Cursor<&'a [u8]>>>,
    /// Folder that all entries lie in, with its slash.
    root: String,
}

impl<'a> Archive<'a> {
    /// Opens the archive and reads the object in it.
    pub(super) fn open(bytes: &'a [u8]) -> Result<(Self, Item), String> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
        let root = zip
            .file_names()
            .filter_map(|name| Some(name.ok()?.strip_suffix("data.pkl")?.to_owned()))
            .filter(|root| root.matches('/').count() == 1)
            .min()
            .ok_or("it holds no data.pkl")?;
        let archive = Self {
            zip: RefCell::new(zip),
            root,
        };
        let object = pickle::load(&archive.entry("data.pkl")?)
            .map_err(|what| format!("data.pkl: {what}"))?;
        Ok((archive, object))
    }

    fn entry(&self, name: &str) -> Result<Vec<u8>, String> {
        let mut zip = self.zip.borrow_mut();
        let entry = zip
            .by_name(&format!("{}{name}", self.root))
            .map_err(|error| format!("{name}: {error}"))?;
        let mut bytes = Vec::new();
        entry
            .take(MOST_BYTES)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("{name}: {error}"))?;
        Ok(bytes)
    }

    /// Shape and numbers of a tensor.
    pub(super) fn numbers(&self, tensor: &Tensor) -> Result<Shaped, String> {
        let bytes = self.entry(&format!("data/{}", tensor.storage.key))?;
        let stored: Vec<f64> = match &*tensor.storage.kind {
            "DoubleStorage" => words(&bytes, f64::from_le_bytes),
            "FloatStorage" => words(&bytes, |word| f64::from(f32::from_le_bytes(word))),
            "BFloat16Storage" => words(&bytes, |word| {
                f64::from(f32::from_bits(u32::from(u16::from_le_bytes(word)) << 16))
            }),
            "LongStorage" => words(&bytes, |word| i64::from_le_bytes(word) as f64),
            "IntStorage" => words(&bytes, |word| f64::from(i32::from_le_bytes(word))),
            other => return Err(format!("a tensor of {other} does not occur in models")),
        };
        let elements = tensor
            .shape
            .iter()
            .try_fold(1usize, |product, &extent| product.checked_mul(extent))
            .filter(|&elements| elements as u64 <= MOST_BYTES / 8)
            .ok_or_else(|| format!("its shape {:?} is impossibly large", tensor.shape))?;
        let mut numbers = Vec::with_capacity(elements);
        for element in 0..elements {
            let mut rest = element;
            let mut place = Some(tensor.offset);
            for (&extent, &stride) in tensor.shape.iter().zip(&tensor.strides).rev() {
                place = (rest % extent)
                    .checked_mul(stride)
                    .and_then(|step| place?.checked_add(step));
                rest /= extent;
            }
            let number = place.and_then(|place| stored.get(place));
            numbers.push(*number.ok_or("it reaches beyond the numbers that are stored")?);
        }
        Ok((tensor.shape.clone(), numbers))
    }
}

fn words<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| number(*word))
        .collect()
}
