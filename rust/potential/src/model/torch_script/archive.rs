//! The zip container of a TorchScript file, and the numbers in it.

use super::item::{Item, Tensor};
use super::pickle;
use crate::model::Shaped;
use crate::model::zip::member;
use ::zip::ZipArchive;
use std::cell::RefCell;
use std::io::Cursor;
use std::rc::Rc;

/// A view of more numbers than are stored, such as one number repeated, has no more than this.
const MOST_REPEATED: usize = 1 << 16;

/// Name and numbers of a storage.
type Stored = (Rc<str>, Rc<[f64]>);

/// An opened file.
pub(super) struct Archive<'a> {
    zip: RefCell<ZipArchive<Cursor<&'a [u8]>>>,
    /// Folder that all entries lie in, with its slash.
    root: String,
    /// Bytes of the whole file, which no entry exceeds.
    size: usize,
    /// The storage that was read last, since several tensors may be views of one.
    last: RefCell<Option<Stored>>,
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
            size: bytes.len(),
            last: RefCell::new(None),
        };
        let object = pickle::load(&archive.entry("data.pkl")?)
            .map_err(|what| format!("data.pkl: {what}"))?;
        Ok((archive, object))
    }

    fn entry(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = format!("{}{name}", self.root);
        member(&mut self.zip.borrow_mut(), &path, self.size)
    }

    /// Shape and numbers of a tensor.
    pub(super) fn numbers(&self, tensor: &Tensor) -> Result<Shaped, String> {
        let stored = self.stored(tensor)?;
        let elements = tensor
            .shape
            .iter()
            .try_fold(1usize, |product, &extent| product.checked_mul(extent))
            .filter(|&elements| elements <= stored.len().max(MOST_REPEATED))
            .ok_or_else(|| format!("its shape is larger than its {} numbers", stored.len()))?;
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

    fn stored(&self, tensor: &Tensor) -> Result<Rc<[f64]>, String> {
        let key = &tensor.storage.key;
        if let Some((last, numbers)) = &*self.last.borrow()
            && last == key
        {
            return Ok(numbers.clone());
        }
        let bytes = self.entry(&format!("data/{key}"))?;
        let numbers: Rc<[f64]> = match &*tensor.storage.kind {
            "DoubleStorage" => words(&bytes, f64::from_le_bytes),
            "FloatStorage" => words(&bytes, |word| f64::from(f32::from_le_bytes(word))),
            "HalfStorage" => words(&bytes, |word| half(u16::from_le_bytes(word))),
            "BFloat16Storage" => words(&bytes, |word| {
                f64::from(f32::from_bits(u32::from(u16::from_le_bytes(word)) << 16))
            }),
            "LongStorage" => words(&bytes, |word| i64::from_le_bytes(word) as f64),
            "IntStorage" => words(&bytes, |word| f64::from(i32::from_le_bytes(word))),
            _ => return Err("it is of a kind that does not occur in models".to_owned()),
        };
        *self.last.borrow_mut() = Some((key.clone(), numbers.clone()));
        Ok(numbers)
    }
}

fn words<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Rc<[f64]> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| number(*word))
        .collect()
}

/// A number of 16 bits: sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (fraction / 1024.0 + 1.0) * 2f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn numbers_of_sixteen_bits() {
        let cases = [
            (0x0000, 0.0),
            (0x0001, 2f64.powi(-24)),
            (0x3c00, 1.0),
            (0x3555, 0.333_251_953_125),
            (0xc500, -5.0),
            (0x7bff, 65504.0),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(half(bits), value, "{bits:#06x}");
        }
        assert!(half(0x7e00).is_nan());
    }
}
