//! The subset of Python's pickle that TorchScript archives use: data only, nothing is ever executed.
//!
//! Source: CPython's pickletools, and the opcodes that occur in archives of `torch.jit.save`.

use super::calls::{reduce, storage};
use super::item::{Item, Map, Sequence};
use std::collections::HashMap;
use std::rc::Rc;

/// Containers are not nested deeper in any model.
const DEEPEST: usize = 64;
/// TorchScript remembers containers when they are complete.
const SHARED: &str = "a container is changed after it was remembered";

/// Reads a pickle and returns the object that it describes.
pub(super) fn load(bytes: &[u8]) -> Result<Item, String> {
    let mut machine = Machine {
        rest: bytes,
        ..Machine::default()
    };
    while let Some(item) = machine.step()? {
        if let Step::Done(item) = item {
            return Ok(item);
        }
    }
    Err("it ends before its last instruction".to_owned())
}

enum Step {
    Next,
    Done(Item),
}

#[derive(Default)]
struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Item>,
    /// Heights of the stack at which marks stand.
    marks: Vec<usize>,
    memo: HashMap<u32, Item>,
}

impl<'a> Machine<'a> {
    fn step(&mut self) -> Result<Option<Step>, String> {
        let Some((&opcode, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        self.rest = rest;
        match opcode {
            0x80 => drop(self.take(1)?),
            b'(' => self.marks.push(self.stack.len()),
            b'.' => return self.pop().map(|item| Some(Step::Done(item))),
            b'N' => self.stack.push(Item::None),
            0x88 | 0x89 => self.stack.push(Item::Bool(opcode == 0x88)),
            b'K' => {
                let value = self.take(1)?[0];
                self.stack.push(Item::Int(value.into()));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.array()?);
                self.stack.push(Item::Int(value.into()));
            }
            b'J' => {
                let value = i32::from_le_bytes(self.array()?);
                self.stack.push(Item::Int(value.into()));
            }
            0x8a => {
                let length = self.take(1)?[0] as usize;
                let digits = self.take(length)?;
                self.stack.push(Item::Int(long(digits)?));
            }
            b'G' => {
                let value = f64::from_be_bytes(self.array()?);
                self.stack.push(Item::Float(value));
            }
            b'X' => {
                let length = u32::from_le_bytes(self.array()?) as usize;
                let text = text(self.take(length)?)?;
                self.stack.push(Item::Text(text));
            }
            b'c' => {
                let name = format!("{} {}", self.line()?, self.line()?);
                self.stack.push(Item::Global(name.into()));
            }
            b')' => self.push_sequence(Vec::new())?,
            b']' => self.push_sequence(Vec::new())?,
            b'}' => self.stack.push(Item::Map(Rc::default())),
            b't' => {
                let items = self.pop_to_mark()?;
                self.push_sequence(items)?;
            }
            0x85..=0x87 => {
                let count = usize::from(opcode - 0x84);
                let start = self.height(count)?;
                let items = self.stack.split_off(start);
                self.push_sequence(items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(items)?;
            }
            b's' => {
                let start = self.height(2)?;
                let pair = self.stack.split_off(start);
                self.set(pair)?;
            }
            b'u' => {
                let pairs = self.pop_to_mark()?;
                self.set(pairs)?;
            }
            b'q' => {
                let key = self.take(1)?[0].into();
                self.remember(key)?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.array()?);
                self.remember(key)?;
            }
            b'h' => {
                let key = self.take(1)?[0].into();
                self.recall(key)?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.array()?);
                self.recall(key)?;
            }
            0x81 => {
                let (_, class) = (self.pop()?, self.pop()?);
                let Item::Global(class) = class else {
                    return Err("an object has no class".to_owned());
                };
                self.stack.push(Item::Map(Rc::new(Map {
                    class: Some(class),
                    ..Map::default()
                })));
            }
            b'b' => self.build()?,
            b'R' => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.stack.push(reduce(&function, &arguments)?);
            }
            b'Q' => {
                let description = self.pop()?;
                self.stack.push(storage(&description)?);
            }
            other => {
                return Err(format!(
                    "instruction {other:#04x} does not occur in TorchScript archives"
                ));
            }
        }
        Ok(Some(Step::Next))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (head, tail) = self.rest.split_at_checked(count).ok_or("it is cut off")?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (head, tail) = self.rest.split_first_chunk().ok_or("it is cut off")?;
        self.rest = tail;
        Ok(*head)
    }

    fn line(&mut self) -> Result<Rc<str>, String> {
        let length = self
            .rest
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or("it is cut off")?;
        let line = text(self.take(length)?)?;
        self.take(1)?;
        Ok(line)
    }

    fn pop(&mut self) -> Result<Item, String> {
        self.stack
            .pop()
            .ok_or_else(|| "its stack runs empty".to_owned())
    }

    /// Where the topmost `count` items begin.
    fn height(&self, count: usize) -> Result<usize, String> {
        self.stack
            .len()
            .checked_sub(count)
            .ok_or_else(|| "its stack runs empty".to_owned())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Item>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        if mark > self.stack.len() {
            return Err("a mark lies above the stack".to_owned());
        }
        Ok(self.stack.split_off(mark))
    }

    fn push_sequence(&mut self, items: Vec<Item>) -> Result<(), String> {
        let depth = deeper(items.iter())?;
        self.stack
            .push(Item::Sequence(Rc::new(Sequence { items, depth })));
        Ok(())
    }

    fn append(&mut self, items: Vec<Item>) -> Result<(), String> {
        let depth = deeper(items.iter())?;
        let Some(Item::Sequence(sequence)) = self.stack.last_mut() else {
            return Err("something is appended to what is no list".to_owned());
        };
        let sequence = Rc::get_mut(sequence).ok_or(SHARED)?;
        sequence.items.extend(items);
        sequence.depth = sequence.depth.max(depth);
        Ok(())
    }

    fn set(&mut self, pairs: Vec<Item>) -> Result<(), String> {
        if !pairs.len().is_multiple_of(2) {
            return Err("a key has no value".to_owned());
        }
        let depth = deeper(pairs.iter())?;
        let Some(Item::Map(map)) = self.stack.last_mut() else {
            return Err("an entry is set in what is no dictionary".to_owned());
        };
        let map = Rc::get_mut(map).ok_or(SHARED)?;
        map.depth = map.depth.max(depth);
        let mut pairs = pairs.into_iter();
        while let (Some(key), Some(value)) = (pairs.next(), pairs.next()) {
            map.entries.push((key, value));
        }
        Ok(())
    }

    fn remember(&mut self, key: u32) -> Result<(), String> {
        let item = self.stack.last().ok_or("its stack runs empty")?.clone();
        self.memo.insert(key, item);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), String> {
        let item = self
            .memo
            .get(&key)
            .ok_or("it recalls what was never remembered")?
            .clone();
        self.stack.push(item);
        Ok(())
    }

    /// Gives the object below the topmost item its attributes.
    fn build(&mut self) -> Result<(), String> {
        let state = self.pop()?;
        let (Item::Map(state), Some(Item::Map(object))) = (&state, self.stack.last_mut()) else {
            return Ok(());
        };
        let object = Rc::get_mut(object).ok_or(SHARED)?;
        object.entries.clone_from(&state.entries);
        object.depth = state.depth;
        Ok(())
    }
}

/// One level above the deepest of `items`.
fn deeper<'i>(items: impl Iterator<Item = &'i Item>) -> Result<usize, String> {
    let depth = 1 + items.map(Item::depth).max().unwrap_or(0);
    if depth > DEEPEST {
        return Err(format!("it is nested deeper than {DEEPEST} levels"));
    }
    Ok(depth)
}

fn text(bytes: &[u8]) -> Result<Rc<str>, String> {
    std::str::from_utf8(bytes)
        .map(Rc::from)
        .map_err(|_| "a text is not UTF-8".to_owned())
}

/// A little-endian two's complement number.
fn long(digits: &[u8]) -> Result<i64, String> {
    if digits.len() > 8 {
        return Err("a number has more than eight bytes".to_owned());
    }
    let fill = if digits.last().is_some_and(|byte| byte & 0x80 != 0) {
        0xff
    } else {
        0
    };
    let mut bytes = [fill; 8];
    bytes[..digits.len()].copy_from_slice(digits);
    Ok(i64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::{Item, SHARED, load};

    #[test]
    fn containers_and_the_memo() {
        // {"a": [1, -2], "b": the same list}
        let bytes =
            b"\x80\x02}(X\x01\x00\x00\x00a](K\x01J\xfe\xff\xff\xffeq\x05X\x01\x00\x00\x00bh\x05u.";
        let item = load(bytes).unwrap();
        for name in ["a", "b"] {
            let items = item.get(name).and_then(Item::items).unwrap();
            assert!(matches!(items, [Item::Int(1), Item::Int(-2)]));
        }
    }

    #[test]
    fn damage_is_an_error() {
        for bytes in [
            &b""[..],
            b"\x80",
            b"K",
            b"t.",
            b"h\x01.",
            b"e.",
            b"].",
            b"(((u.",
            b"i.",
        ] {
            if bytes != b"]." {
                assert!(load(bytes).is_err(), "{bytes:?}");
            }
        }
        assert_eq!(load(b"]q\x01K\x01a.").unwrap_err(), SHARED);
        let mut nested = vec![b']'; 100];
        nested.extend([b'a'; 99]);
        nested.push(b'.');
        assert_eq!(
            load(&nested).unwrap_err(),
            "it is nested deeper than 64 levels"
        );
    }

    #[test]
    fn calls_of_anything_but_torchs_helpers_give_nothing() {
        let item = load(b"cos\nsystem\n(X\x04\x00\x00\x00ls -tR.").unwrap();
        assert!(matches!(item, Item::Opaque));
    }
}
