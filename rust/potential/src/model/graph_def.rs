//! `tensorflow.GraphDef`: nodes by name, and the constants that frozen variables have become.
//!
//! Message and field numbers: tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto.

use super::wire::{Field, Fields, fixed, varint};
use std::collections::HashMap;

/// No tensor of a model is larger than this; a shape that says so is damage.
const MOST_ELEMENTS: usize = 1 << 26;
/// Nor is one this large all the same number, which a few bytes of a file would say.
const MOST_REPEATED: usize = 1 << 21;
/// Nor has any more dimensions.
const MOST_DIMENSIONS: usize = 8;

/// A node of the graph.
#[derive(Debug, Default)]
pub(in crate::model) struct Node<'a> {
    pub(in crate::model) op: &'a str,
    pub(in crate::model) inputs: Vec<&'a str>,
    attributes: Vec<(&'a str, &'a [u8])>,
}

/// A graph, borrowed from the file's bytes.
#[derive(Debug)]
pub(in crate::model) struct Graph<'a> {
    nodes: HashMap<&'a str, Node<'a>>,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::model) struct Tensor {
    pub(in crate::model) shape: Vec<usize>,
    pub(in crate::model) values: Values,
}

/// Elements of a constant in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::model) enum Values {
    Float(Vec<f64>),
    Integer(Vec<i64>),
    Text(Vec<Vec<u8>>),
}

impl<'a> Graph<'a> {
    /// Reads all nodes; constants are decoded when they are asked for.
    pub(in crate::model) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let mut nodes = HashMap::new();
        for field in Fields::of(bytes) {
            if let (1, Field::Bytes(message)) = field? {
                let (name, node) = Node::parse(message)?;
                nodes.insert(name, node);
            }
        }
        if nodes.is_empty() {
            return Err("it holds no graph node".to_owned());
        }
        Ok(Self { nodes })
    }

    pub(in crate::model) fn node(&self, name: &str) -> Option<&Node<'a>> {
        self.nodes.get(name)
    }

    /// The node called `name`, with its name in the file's bytes.
    pub(in crate::model) fn entry(&self, name: &str) -> Option<(&'a str, &Node<'a>)> {
        self.nodes
            .get_key_value(name)
            .map(|(name, node)| (*name, node))
    }

    /// All nodes with their names, in no particular order.
    pub(in crate::model) fn nodes(&self) -> impl Iterator<Item = (&'a str, &Node<'a>)> {
        self.nodes.iter().map(|(name, node)| (*name, node))
    }

    /// The constant called `name`; `Ok(None)` if there is no such node.
    pub(in crate::model) fn constant(&self, name: &str) -> Result<Option<Tensor>, String> {
        let Some(node) = self.node(name) else {
            return Ok(None);
        };
        let attribute = node.attribute("value").ok_or("it is not a constant")?;
        for field in Fields::of(attribute) {
            if let (8, Field::Bytes(message)) = field? {
                return Tensor::parse(message).map(Some);
            }
        }
        Err("it is a constant without a tensor".to_owned())
    }
}

impl<'a> Node<'a> {
    fn parse(message: &'a [u8]) -> Result<(&'a str, Self), String> {
        let mut name = "";
        let mut node = Self::default();
        for field in Fields::of(message) {
            match field? {
                (1, Field::Bytes(bytes)) => name = text(bytes)?,
                (2, Field::Bytes(bytes)) => node.op = text(bytes)?,
                (3, Field::Bytes(bytes)) => node.inputs.push(text(bytes)?),
                (5, Field::Bytes(entry)) => {
                    let mut attribute = ("", &[][..]);
                    for field in Fields::of(entry) {
                        match field? {
                            (1, Field::Bytes(bytes)) => attribute.0 = text(bytes)?,
                            (2, Field::Bytes(bytes)) => attribute.1 = bytes,
                            _ => {}
                        }
                    }
                    node.attributes.push(attribute);
                }
                _ => {}
            }
        }
        Ok((name, node))
    }

    fn attribute(&self, key: &str) -> Option<&'a [u8]> {
        self.attributes
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| *value)
    }

    /// A float attribute.
    pub(in crate::model) fn float(&self, key: &str) -> Option<f32> {
        Fields::of(self.attribute(key)?).find_map(|field| match field {
            Ok((4, Field::Fixed32(bytes))) => Some(f32::from_le_bytes(bytes)),
            _ => None,
        })
    }

    /// An integer attribute.
    pub(in crate::model) fn integer(&self, key: &str) -> Option<i64> {
        Fields::of(self.attribute(key)?).find_map(|field| match field {
            Ok((3, Field::Varint(value))) => Some(value as i64),
            _ => None,
        })
    }

    /// A list-of-integers attribute.
    pub(in crate::model) fn integers(&self, key: &str) -> Option<Vec<i64>> {
        let list = Fields::of(self.attribute(key)?).find_map(|field| match field {
            Ok((1, Field::Bytes(bytes))) => Some(bytes),
            _ => None,
        })?;
        let mut values = Vec::new();
        for field in Fields::of(list) {
            match field.ok()? {
                (3, Field::Varint(value)) => values.push(value as i64),
                (3, Field::Bytes(mut packed)) => {
                    while !packed.is_empty() {
                        values.push(varint(&mut packed).ok()? as i64);
                    }
                }
                _ => {}
            }
        }
        Some(values)
    }
}

/// Element types that occur in models, by their number in types.proto.
#[derive(Clone, Copy, PartialEq)]
enum DataType {
    Float,
    Double,
    Int32,
    Text,
    Int64,
    Bool,
    BFloat16,
    Half,
}

impl DataType {
    fn from_number(number: u64) -> Result<Self, String> {
        Ok(match number {
            1 => Self::Float,
            2 => Self::Double,
            3 => Self::Int32,
            7 => Self::Text,
            9 => Self::Int64,
            10 => Self::Bool,
            14 => Self::BFloat16,
            19 => Self::Half,
            other => {
                return Err(format!(
                    "its element type, number {other}, does not occur in models"
                ));
            }
        })
    }

    fn size(self) -> usize {
        match self {
            Self::Double | Self::Int64 => 8,
            Self::Float | Self::Int32 => 4,
            Self::BFloat16 | Self::Half => 2,
            Self::Bool => 1,
            Self::Text => 0,
        }
    }
}

impl Tensor {
    fn parse(message: &[u8]) -> Result<Self, String> {
        let mut data_type = DataType::Float;
        let mut shape = Vec::new();
        let mut content: &[u8] = &[];
        let mut floats = Vec::new();
        let mut integers = Vec::new();
        let mut texts = Vec::new();
        for field in Fields::of(message) {
            match field? {
                (1, Field::Varint(number)) => data_type = DataType::from_number(number)?,
                (2, Field::Bytes(bytes)) => shape = parse_shape(bytes)?,
                (4, Field::Bytes(bytes)) => content = bytes,
                (5, Field::Fixed32(bytes)) => floats.push(f64::from(f32::from_le_bytes(bytes))),
                (5, Field::Bytes(mut packed)) => {
                    while !packed.is_empty() {
                        floats.push(f64::from(f32::from_le_bytes(fixed(&mut packed)?)));
                    }
                }
                (6, Field::Fixed64(bytes)) => floats.push(f64::from_le_bytes(bytes)),
                (6, Field::Bytes(mut packed)) => {
                    while !packed.is_empty() {
                        floats.push(f64::from_le_bytes(fixed(&mut packed)?));
                    }
                }
                // int_val, int64_val, bool_val and half_val hold varints
                (7 | 10 | 11 | 13, Field::Varint(value)) => integers.push(value as i64),
                (7 | 10 | 11 | 13, Field::Bytes(mut packed)) => {
                    while !packed.is_empty() {
                        integers.push(varint(&mut packed)? as i64);
                    }
                }
                (8, Field::Bytes(bytes)) => texts.push(bytes.to_vec()),
                _ => {}
            }
        }
        let elements = shape
            .iter()
            .try_fold(1usize, |product, &extent| product.checked_mul(extent))
            .filter(|&elements| elements <= MOST_ELEMENTS)
            .ok_or_else(|| format!("its shape {shape:?} is impossibly large"))?;
        let values = match data_type {
            DataType::Text if texts.len() == elements => Values::Text(texts),
            DataType::Text => {
                return Err(format!(
                    "{} texts are stored for {elements} elements",
                    texts.len()
                ));
            }
            DataType::Float | DataType::Double | DataType::Half | DataType::BFloat16 => {
                if !content.is_empty() {
                    floats = decode(content, data_type, elements)?;
                } else if matches!(data_type, DataType::Half | DataType::BFloat16) {
                    floats = integers
                        .iter()
                        .map(|&bits| small_float(bits as u16, data_type))
                        .collect();
                }
                Values::Float(spread(floats, elements)?)
            }
            DataType::Int32 | DataType::Int64 | DataType::Bool => {
                if !content.is_empty() {
                    integers = decode(content, data_type, elements)?
                        .into_iter()
                        .map(|value| value as i64)
                        .collect();
                }
                Values::Integer(spread(integers, elements)?)
            }
        };
        Ok(Self { shape, values })
    }
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a name is not UTF-8".to_owned())
}

fn parse_shape(message: &[u8]) -> Result<Vec<usize>, String> {
    let mut shape = Vec::new();
    for field in Fields::of(message) {
        if let (2, Field::Bytes(dimension)) = field? {
            let mut extent = 0;
            for field in Fields::of(dimension) {
                if let (1, Field::Varint(value)) = field? {
                    extent = usize::try_from(value).map_err(|_| "a dimension is negative")?;
                }
            }
            shape.push(extent);
        }
    }
    if shape.len() > MOST_DIMENSIONS {
        return Err(format!("its shape has {} dimensions", shape.len()));
    }
    Ok(shape)
}

/// Raw little-endian bytes to numbers; integers of models are far below 2^53.
fn decode(content: &[u8], data_type: DataType, elements: usize) -> Result<Vec<f64>, String> {
    let size = data_type.size();
    if content.len() != elements * size {
        return Err(format!(
            "{} bytes are stored for {elements} elements of {size}",
            content.len()
        ));
    }
    let number = |chunk: &[u8]| match data_type {
        DataType::Double => chunk.try_into().map_or(f64::NAN, f64::from_le_bytes),
        DataType::Float => f64::from(chunk.try_into().map_or(f32::NAN, f32::from_le_bytes)),
        DataType::Int32 => f64::from(chunk.try_into().map_or(0, i32::from_le_bytes)),
        DataType::Int64 => chunk.try_into().map_or(0, i64::from_le_bytes) as f64,
        DataType::Half | DataType::BFloat16 => {
            small_float(u16::from_le_bytes([chunk[0], chunk[1]]), data_type)
        }
        DataType::Bool | DataType::Text => f64::from(chunk[0]),
    };
    Ok(content.chunks_exact(size).map(number).collect())
}

/// A float16 or bfloat16 number.
fn small_float(bits: u16, data_type: DataType) -> f64 {
    if data_type == DataType::BFloat16 {
        return f64::from(f32::from_bits(u32::from(bits) << 16));
    }
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match exponent {
        0 => fraction * 2f64.powi(-14),
        31 => f64::INFINITY * (1.0 - fraction.signum() * fraction),
        _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

/// Fills up with the last value, as the format prescribes; nothing stored means the type's zero.
fn spread<T: Clone + Default>(mut values: Vec<T>, elements: usize) -> Result<Vec<T>, String> {
    if values.len() > elements {
        return Err(format!(
            "{} values are stored for {elements} elements",
            values.len()
        ));
    }
    if values.len() < elements && elements > MOST_REPEATED {
        return Err(format!(
            "{} values are stored for {elements} elements, which no model repeats so often",
            values.len()
        ));
    }
    let last = values.last().cloned().unwrap_or_default();
    values.resize(elements, last);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::{DataType, Tensor, Values, small_float};

    #[test]
    fn both_storage_forms_and_the_splat_are_read() {
        // dtype double, shape [3], one value 1.5 to be repeated
        let mut splat = vec![0x08, 2, 0x12, 4, 0x12, 2, 0x08, 3, 0x31];
        splat.extend(1.5f64.to_le_bytes());
        assert_eq!(
            Tensor::parse(&splat).unwrap().values,
            Values::Float(vec![1.5; 3])
        );
        // dtype int32, shape [2], raw content
        let content = [
            0x08, 3, 0x12, 4, 0x12, 2, 0x08, 2, 0x22, 8, 7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
        ];
        assert_eq!(
            Tensor::parse(&content).unwrap().values,
            Values::Integer(vec![7, -1])
        );
        // nothing stored: zeros
        let zeros = [0x08, 2, 0x12, 4, 0x12, 2, 0x08, 2];
        assert_eq!(
            Tensor::parse(&zeros).unwrap().values,
            Values::Float(vec![0.0; 2])
        );
    }

    #[test]
    fn a_huge_shape_is_refused_before_memory_is_taken() {
        let huge = [
            0x08, 2, 0x12, 8, 0x12, 6, 0x08, 0xff, 0xff, 0xff, 0xff, 0x0f,
        ];
        assert!(
            Tensor::parse(&huge)
                .unwrap_err()
                .contains("impossibly large")
        );
    }

    #[test]
    fn small_floats() {
        assert_eq!(small_float(0x3c00, DataType::Half), 1.0);
        assert_eq!(small_float(0xc500, DataType::Half), -5.0);
        assert_eq!(small_float(0x3fc0, DataType::BFloat16), 1.5);
    }
}
