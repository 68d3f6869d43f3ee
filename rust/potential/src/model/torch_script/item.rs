//! What a pickle describes.

use std::rc::Rc;

/// A value of the archive.
#[derive(Clone, Debug)]
pub(super) enum Item {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// A class or function, `module name`.
    Global(Rc<str>),
    Storage(Rc<Storage>),
    Tensor(Rc<Tensor>),
    Sequence(Rc<Sequence>),
    Map(Rc<Map>),
    /// Something that models do not need.
    Opaque,
}

/// Raw numbers in an entry of the archive.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    /// Such as `DoubleStorage`.
    pub(super) kind: Rc<str>,
    /// Name of the entry below `data/`.
    pub(super) key: Rc<str>,
}

/// A view into a storage.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub(super) storage: Rc<Storage>,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// A list or tuple.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    pub(super) items: Vec<Item>,
    pub(super) depth: usize,
}

/// A dictionary, or the attributes of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Map {
    /// `module name` of an object's class; empty for a dictionary.
    pub(super) class: Option<Rc<str>>,
    pub(super) entries: Vec<(Item, Item)>,
    pub(super) depth: usize,
}

impl Item {
    /// An attribute of an object, or the value of a text key.
    pub(super) fn get(&self, name: &str) -> Option<&Item> {
        let Self::Map(map) = self else {
            return None;
        };
        let named = |key: &Item| matches!(key, Self::Text(text) if &**text == name);
        map.entries
            .iter()
            .find(|(key, _)| named(key))
            .map(|(_, value)| value)
    }

    /// Name of the class of an object, without its module.
    pub(super) fn class(&self) -> Option<&str> {
        match self {
            Self::Map(map) => map
                .class
                .as_deref()
                .and_then(|class| class.rsplit(' ').next()),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> Option<&[Item]> {
        match self {
            Self::Sequence(sequence) => Some(&sequence.items),
            _ => None,
        }
    }

    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Sequence(sequence) => sequence.depth,
            Self::Map(map) => map.depth,
            _ => 0,
        }
    }
}
