//! Frozen graphs taken apart and put together again, so that a test can change one thing.
//!
//! Message and field numbers: tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto.

use crate::common::models;
use serde_json::Value;

/// A graph whose nodes can be changed.
#[derive(Clone)]
pub struct Graph {
    pub nodes: Vec<Node>,
    /// What else the file holds, as it stands there.
    rest: Vec<u8>,
}

/// A node; attribute values are encoded messages.
#[derive(Clone, Default)]
pub struct Node {
    pub name: String,
    pub op: String,
    pub inputs: Vec<String>,
    pub attributes: Vec<(String, Vec<u8>)>,
}

/// The value of a constant.
pub enum Constant<'a> {
    Floats(&'a [usize], &'a [f64]),
    /// Every element is the same number.
    Equal(&'a [usize], f64),
    Integers(&'a [i64]),
    Integer(i64),
    Text(&'a str),
}

impl Graph {
    /// A test model.
    pub fn of(file: &str) -> Self {
        let bytes = std::fs::read(models().join(file)).unwrap();
        let mut graph = Self {
            nodes: Vec::new(),
            rest: Vec::new(),
        };
        for (number, content) in fields(&bytes) {
            match number {
                1 => graph.nodes.push(Node::parse(content)),
                _ => put(&mut graph.rest, number, content),
            }
        }
        graph
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for node in &self.nodes {
            put(&mut bytes, 1, &node.encoded());
        }
        bytes.extend(&self.rest);
        bytes
    }

    pub fn node(&mut self, name: &str) -> &mut Node {
        let found = self.nodes.iter_mut().find(|node| node.name == name);
        found.unwrap_or_else(|| panic!("no node {name}"))
    }

    pub fn without(mut self, name: &str) -> Self {
        self.node(name);
        self.nodes.retain(|node| node.name != name);
        self
    }

    /// Gives nodes other names, where they are named as inputs too.
    pub fn renamed(mut self, new_name: impl Fn(&str) -> String) -> Self {
        for node in &mut self.nodes {
            node.name = new_name(&node.name);
            for input in &mut node.inputs {
                *input = new_name(input);
            }
        }
        self
    }

    /// Replaces the value of a constant, or adds one.
    pub fn with(mut self, name: &str, value: &Constant<'_>) -> Self {
        self.nodes.retain(|node| node.name != name);
        let mut attribute = Vec::new();
        put(&mut attribute, 8, &value.encoded());
        self.nodes.push(Node {
            name: name.to_owned(),
            op: "Const".to_owned(),
            inputs: Vec::new(),
            attributes: vec![("value".to_owned(), attribute)],
        });
        self
    }

    pub fn with_op(mut self, name: &str, op: &str) -> Self {
        self.node(name).op = op.to_owned();
        self
    }

    pub fn without_attribute(mut self, name: &str, key: &str) -> Self {
        self.node(name).attributes.retain(|(found, _)| found != key);
        self
    }

    /// The graph with a change to its training script.
    pub fn with_script(mut self, change: impl Fn(&mut Value)) -> Self {
        let name = "train_attr/training_script";
        let tensor = self.tensor(name);
        let text = tensor.iter().find(|(number, _)| *number == 8).unwrap();
        let mut script = serde_json::from_slice(&text.1).unwrap();
        change(&mut script);
        self.with(name, &Constant::Text(&script.to_string()))
    }

    /// The numbers of a float64 constant.
    pub fn floats(&mut self, name: &str) -> Vec<f64> {
        let number = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().unwrap());
        let tensor = self.tensor(name);
        let stored = tensor.iter().filter(|(field, _)| matches!(field, 4 | 6));
        stored
            .flat_map(|(_, content)| content.chunks_exact(8).map(number))
            .collect()
    }

    fn tensor(&mut self, name: &str) -> Vec<(u64, Vec<u8>)> {
        let attributes = &self.node(name).attributes;
        let (_, value) = attributes.iter().find(|(key, _)| key == "value").unwrap();
        let (_, tensor) = fields(value).into_iter().find(|(n, _)| *n == 8).unwrap();
        let owned = |(number, content): (u64, &[u8])| (number, content.to_vec());
        fields(tensor).into_iter().map(owned).collect()
    }
}

impl Node {
    fn parse(message: &[u8]) -> Self {
        let text = |content: &[u8]| String::from_utf8(content.to_vec()).unwrap();
        let mut node = Self::default();
        for (number, content) in fields(message) {
            match number {
                1 => node.name = text(content),
                2 => node.op = text(content),
                3 => node.inputs.push(text(content)),
                5 => {
                    let entry = fields(content);
                    node.attributes
                        .push((text(entry[0].1), entry[1].1.to_vec()));
                }
                _ => {}
            }
        }
        node
    }

    fn encoded(&self) -> Vec<u8> {
        let mut message = Vec::new();
        put(&mut message, 1, self.name.as_bytes());
        put(&mut message, 2, self.op.as_bytes());
        for input in &self.inputs {
            put(&mut message, 3, input.as_bytes());
        }
        for (key, value) in &self.attributes {
            let mut entry = Vec::new();
            put(&mut entry, 1, key.as_bytes());
            put(&mut entry, 2, value);
            put(&mut message, 5, &entry);
        }
        message
    }
}

impl Constant<'_> {
    /// A TensorProto.
    fn encoded(&self) -> Vec<u8> {
        let mut tensor = vec![0x08];
        let shape_of = |extents: &[usize]| {
            let mut shape = Vec::new();
            for &extent in extents {
                let mut dimension = vec![0x08];
                varint(&mut dimension, extent as u64);
                put(&mut shape, 2, &dimension);
            }
            shape
        };
        let (number, shape, field, content) = match self {
            Self::Floats(shape, values) => {
                assert_eq!(values.len(), shape.iter().product::<usize>());
                let content = values.iter().flat_map(|x| x.to_le_bytes()).collect();
                (2, shape_of(shape), 4, content)
            }
            Self::Equal(shape, value) => (2, shape_of(shape), 6, value.to_le_bytes().to_vec()),
            Self::Integers(values) => {
                let content = values.iter().flat_map(|&x| (x as i32).to_le_bytes());
                (3, shape_of(&[values.len()]), 4, content.collect())
            }
            Self::Integer(value) => (3, Vec::new(), 4, (*value as i32).to_le_bytes().to_vec()),
            Self::Text(text) => (7, Vec::new(), 8, text.as_bytes().to_vec()),
        };
        tensor.push(number);
        put(&mut tensor, 2, &shape);
        put(&mut tensor, field, &content);
        tensor
    }
}

/// Field numbers and contents of a message; numbers are given by their bytes.
fn fields(message: &[u8]) -> Vec<(u64, &[u8])> {
    let number_at = |place: &mut usize| {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let byte = message[*place];
            *place += 1;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    };
    let mut found = Vec::new();
    let mut place = 0;
    while place < message.len() {
        let tag = number_at(&mut place);
        let start = place;
        let (start, end) = match tag & 7 {
            0 => {
                number_at(&mut place);
                (start, place)
            }
            1 => (start, start + 8),
            5 => (start, start + 4),
            _ => {
                let length = number_at(&mut place) as usize;
                (place, place + length)
            }
        };
        found.push((tag >> 3, &message[start..end]));
        place = end;
    }
    found
}

/// Appends a field of bytes.
fn put(message: &mut Vec<u8>, number: u64, content: &[u8]) {
    varint(message, number << 3 | 2);
    varint(message, content.len() as u64);
    message.extend(content);
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
