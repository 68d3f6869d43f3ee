//! The state of the shared statistics in a blob.

use deepdms_statistics::{Error, PairSeries, Series, Stored, Stream, Sum};

use super::{Reader, State, Writer, damaged};

impl Stream for Writer {
    fn pass_integer(&mut self, value: &mut u64) -> Result<(), Error> {
        self.integer(*value);
        Ok(())
    }

    fn pass_real(&mut self, value: &mut f64) -> Result<(), Error> {
        self.real(*value);
        Ok(())
    }

    fn pass_length(&mut self, value: &mut usize) -> Result<(), Error> {
        self.integer(*value as u64);
        Ok(())
    }

    fn pass_text(&mut self, value: &mut String) -> Result<(), Error> {
        self.text(value);
        Ok(())
    }
}

impl Stream for Reader<'_> {
    fn pass_integer(&mut self, value: &mut u64) -> Result<(), Error> {
        *value = self.integer()?;
        Ok(())
    }

    fn pass_real(&mut self, value: &mut f64) -> Result<(), Error> {
        *value = self.real()?;
        Ok(())
    }

    fn pass_length(&mut self, value: &mut usize) -> Result<(), Error> {
        // every item of a list takes a number or more
        *value = usize::try_from(self.integer()?)
            .ok()
            .filter(|length| *length <= self.rest.len() / 8)
            .ok_or_else(|| damaged("a list is longer than the rest"))?;
        Ok(())
    }

    fn pass_text(&mut self, value: &mut String) -> Result<(), Error> {
        *value = self.text()?;
        Ok(())
    }
}

macro_rules! state {
    ($($name:ty),*) => {$(
        impl State for $name {
            fn write(&self, out: &mut Writer) {
                // a writer takes everything
                let _ = self.clone().pass(out);
            }

            fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Error> {
                self.pass(from)
            }
        }
    )*};
}

state!(Sum, Series, PairSeries);
