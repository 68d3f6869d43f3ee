//! YAML as a tree of limited size. Aliases repeat what they name, and aliases of aliases multiply it.

use crate::model::nesting;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fmt;

/// The tree in the text, with at most two values a byte.
///
/// # Errors
/// Says what is wrong with the text, and where.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    nesting::check(bytes)?;
    let left = Cell::new(bytes.len().saturating_mul(2));
    let text = serde_yaml_ng::Deserializer::from_slice(bytes);
    Node { left: &left }
        .deserialize(text)
        .map_err(|error| error.to_string())
}

/// A value of the tree, and how many there may still be.
#[derive(Clone, Copy)]
struct Node<'b> {
    left: &'b Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => return Err(D::Error::custom("its aliases make it too large")),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value without a tag")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key()? {
            map.insert(key, entries.next_value_seed(self)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::json;

    #[test]
    fn values_of_all_kinds() {
        let text = b"a: [1, -2, 1.5e-3, null, true, x]\nb: &list [1]\nc: *list\n";
        let expected = json!({"a": [1, -2, 1.5e-3, null, true, "x"], "b": [1], "c": [1]});
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn aliases_of_aliases_come_to_an_end() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for k in 1..30 {
            let alias = format!("*a{}", k - 1);
            text += &format!("a{k}: &a{k} [{}]\n", [&*alias; 9].join(", "));
        }
        let error = parse(text.as_bytes()).unwrap_err();
        assert!(error.contains("its aliases make it too large"), "{error}");
    }
}
