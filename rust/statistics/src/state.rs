//! State that is written and read by the same walk over its numbers, so that neither can forget one.

use crate::error::Error;

/// Where numbers go to, or come from. A writer leaves each value as it is, a reader replaces it.
pub trait Stream {
    /// Passes a whole number.
    fn pass_integer(&mut self, value: &mut u64) -> Result<(), Error>;

    /// Passes a real, bit for bit.
    fn pass_real(&mut self, value: &mut f64) -> Result<(), Error>;

    /// Passes the length of a list. A reader fails where it announces more than is there, before memory is taken for it.
    fn pass_length(&mut self, value: &mut usize) -> Result<(), Error>;

    /// Passes a text.
    fn pass_text(&mut self, value: &mut String) -> Result<(), Error>;
}

/// Something that can be stored and restored.
pub trait Stored {
    /// Passes every number of the state through `stream`; fails where the stream ends, or holds what cannot be.
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error>;
}

impl Stored for u64 {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        stream.pass_integer(self)
    }
}

impl Stored for f64 {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        stream.pass_real(self)
    }
}

impl Stored for String {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        stream.pass_text(self)
    }
}

impl Stored for i64 {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        let mut bits = self.cast_unsigned();
        stream.pass_integer(&mut bits)?;
        *self = bits.cast_signed();
        Ok(())
    }
}

impl Stored for bool {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        let mut bit = u64::from(*self);
        stream.pass_integer(&mut bit)?;
        *self = bit != 0;
        Ok(())
    }
}

impl<T: Stored, const N: usize> Stored for [T; N] {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.iter_mut().try_for_each(|item| item.pass(stream))
    }
}

impl<T: Stored + Default> Stored for Vec<T> {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        let mut length = self.len();
        stream.pass_length(&mut length)?;
        self.resize_with(length, T::default);
        self.iter_mut().try_for_each(|item| item.pass(stream))
    }
}

impl<T: Stored + Default> Stored for Option<T> {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        let mut some = self.is_some();
        some.pass(stream)?;
        if !some {
            *self = None;
            return Ok(());
        }
        self.get_or_insert_default().pass(stream)
    }
}
