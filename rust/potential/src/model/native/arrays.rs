//! Arrays of the native form, wherever they are kept.

use super::Reader;
use crate::Error;
use crate::model::{Shaped, brief};
use hdf5_reader::Hdf5File;
use ndarray::Array1;
use serde_json::Value;

/// Arrays of more dimensions do not occur.
const MOST_DIMENSIONS: usize = 8;

/// Where the arrays of the tree are kept.
pub(super) enum Arrays<'a> {
    /// In datasets; the tree holds their paths.
    Datasets(&'a Hdf5File),
    /// In the tree, as `{"@class": "np.ndarray", "value": [...]}`.
    Inline,
    /// Elsewhere; the tree holds numbers by which to ask for them.
    Numbered(&'a NumberedArrays<'a>),
}

/// Gives the array with a number.
pub(in crate::model) type NumberedArrays<'a> = dyn Fn(u64) -> Result<Shaped, String> + 'a;

impl Reader<'_> {
    /// Shape and numbers of an array; `None` for `null`.
    pub(super) fn array(&self, tree: &Value, key: &str) -> Result<Option<Shaped>, Error> {
        self.numbers(&tree[key], key)
    }

    /// The same for a value that is called `key` in messages.
    pub(super) fn numbers(&self, value: &Value, key: &str) -> Result<Option<Shaped>, Error> {
        let array = match (&self.arrays, value) {
            (_, Value::Null) => return Ok(None),
            (Arrays::Datasets(file), Value::String(path)) => read_dataset(file, path),
            (Arrays::Inline, Value::Object(map)) => {
                let (mut shape, mut numbers) = (Vec::new(), Vec::new());
                let value = map.get("value").unwrap_or(&Value::Null);
                flatten(value, 0, &mut shape, &mut numbers).map(|()| (shape, numbers))
            }
            (Arrays::Numbered(array), Value::Number(number)) => {
                array(number.as_u64().unwrap_or(u64::MAX))
            }
            _ => Err("it is not an array".to_owned()),
        };
        let array = array.and_then(|(shape, numbers)| {
            let left = self.left.get().checked_sub(numbers.len());
            let left =
                left.ok_or("with it, the arrays have more numbers than the file can hold")?;
            self.left.set(left);
            Ok((shape, numbers))
        });
        array
            .map(Some)
            .map_err(|what| self.inconsistent(key, brief(&what)))
    }

    pub(super) fn required_array(&self, tree: &Value, key: &str) -> Result<Shaped, Error> {
        self.array(tree, key)?
            .ok_or_else(|| self.inconsistent(key, "the array is missing"))
    }

    /// The numbers of an array of any shape.
    pub(super) fn vector(&self, tree: &Value, key: &str) -> Result<Option<Array1<f64>>, Error> {
        Ok(self
            .array(tree, key)?
            .map(|(_, numbers)| Array1::from_vec(numbers)))
    }

    /// The numbers of an array with one for each of `count` things.
    pub(super) fn one_for_each(
        &self,
        tree: &Value,
        key: &str,
        count: usize,
    ) -> Result<Vec<f64>, Error> {
        let (_, numbers) = self.required_array(tree, key)?;
        if numbers.len() == count {
            Ok(numbers)
        } else {
            let what = format!("it has {} numbers where {count} are needed", numbers.len());
            Err(self.inconsistent(key, what))
        }
    }
}

fn read_dataset(file: &Hdf5File, path: &str) -> Result<Shaped, String> {
    let dataset = file.dataset(path).map_err(|error| error.to_string())?;
    let shape: Vec<_> = dataset
        .shape()
        .iter()
        .map(|&extent| extent as usize)
        .collect();
    let numbers = dataset
        .read_array::<f64>()
        .map(|array| array.into_iter().collect())
        .or_else(|_| {
            dataset
                .read_array::<f32>()
                .map(|array| array.into_iter().map(f64::from).collect())
        })
        .map_err(|error| format!("dataset {path}: {error}"))?;
    Ok((shape, numbers))
}

/// Appends the numbers of nested lists in row-major order and checks that the nesting is regular.
fn flatten(
    value: &Value,
    depth: usize,
    shape: &mut Vec<usize>,
    numbers: &mut Vec<f64>,
) -> Result<(), String> {
    match value {
        Value::Array(items) => {
            if shape.len() == depth {
                if !numbers.is_empty() || depth == MOST_DIMENSIONS {
                    return Err("its lists are not regular".to_owned());
                }
                shape.push(items.len());
            } else if shape[depth] != items.len() {
                return Err("its lists are not equally long".to_owned());
            }
            items
                .iter()
                .try_for_each(|item| flatten(item, depth + 1, shape, numbers))
        }
        _ if depth != shape.len() => Err("its lists are not regular".to_owned()),
        _ => {
            numbers.push(
                value
                    .as_f64()
                    .ok_or_else(|| format!("{value} is not a number"))?,
            );
            Ok(())
        }
    }
}
