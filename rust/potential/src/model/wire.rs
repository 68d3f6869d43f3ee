//! The protobuf wire format: fields of one message, borrowed from the file's bytes.
//!
//! Source: "Encoding", the Protocol Buffers documentation. Groups (wire types 3 and 4) are not used by TensorFlow.

/// One field's content.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64([u8; 8]),
    /// Wire type 2: a string, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32([u8; 4]),
}

/// Iterates over `(field number, content)` of a message; after an error it ends.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Result<(u64, Field<'a>), String> {
        let tag = varint(&mut self.rest)?;
        let content = match tag & 7 {
            0 => Field::Varint(varint(&mut self.rest)?),
            1 => Field::Fixed64(fixed(&mut self.rest)?),
            2 => {
                let length = varint(&mut self.rest)?;
                let length =
                    usize::try_from(length).map_err(|_| "a length exceeds the address space")?;
                let (content, rest) = self.rest.split_at_checked(length).ok_or_else(|| {
                    format!(
                        "a field of {length} bytes has only {} left",
                        self.rest.len()
                    )
                })?;
                self.rest = rest;
                Field::Bytes(content)
            }
            5 => Field::Fixed32(fixed(&mut self.rest)?),
            other => {
                return Err(format!(
                    "wire type {other} does not occur in a TensorFlow graph"
                ));
            }
        };
        Ok((tag >> 3, content))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Takes one base-128 number off the front.
pub(super) fn varint(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for k in 0..10 {
        let (&byte, tail) = rest.split_first().ok_or("a number is cut off")?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << (7 * k);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number has more than ten bytes".to_owned())
}

/// Takes `N` bytes off the front.
pub(super) fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], String> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or("a number is cut off")?;
    *rest = tail;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::{Field, Fields};

    #[test]
    fn reads_each_wire_type() {
        let bytes = [0x08, 0xac, 0x02, 0x12, 0x02, b'h', b'i', 0x1d, 1, 0, 0, 0];
        let fields: Vec<_> = Fields::of(&bytes).map(Result::unwrap).collect();
        assert!(matches!(fields[0], (1, Field::Varint(300))));
        assert!(matches!(fields[1], (2, Field::Bytes(b"hi"))));
        assert!(matches!(fields[2], (3, Field::Fixed32([1, 0, 0, 0]))));
    }

    #[test]
    fn a_cut_off_message_is_an_error_and_then_the_end() {
        for bytes in [
            &[0x08][..],
            &[0x12, 0x05, b'h'],
            &[0x1d, 1, 0],
            &[0x0b],
            &[0xff; 11],
        ] {
            let mut fields = Fields::of(bytes);
            assert!(fields.next().unwrap().is_err(), "{bytes:?}");
            assert!(fields.next().is_none());
        }
    }
}
