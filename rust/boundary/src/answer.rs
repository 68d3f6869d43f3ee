//! Slices as C has them, and answers of any length.

use std::ffi::{c_char, c_int, c_void};

/// Status: the question was answered.
pub const ANSWERED: c_int = 0;
/// Status: it was not, and the last text says why.
pub const FAILED: c_int = 1;
/// Status: the other side does not know the question.
pub const UNKNOWN: c_int = 2;

/// Numbers that the other side reads.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Slice<T> {
    data: *const T,
    size: usize,
}

impl<T> Slice<T> {
    /// A slice as it is on this side.
    pub const fn new(slice: &[T]) -> Self {
        Self {
            data: slice.as_ptr(),
            size: slice.len(),
        }
    }

    /// The slice that it was made from, which may be empty and a null pointer.
    ///
    /// # Safety
    /// That slice is alive as long as the result, and nobody writes to it.
    pub const unsafe fn get<'a>(&self) -> &'a [T] {
        if self.size == 0 {
            return &[];
        }
        // SAFETY: as promised
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }
}

impl<T> From<&[T]> for Slice<T> {
    fn from(slice: &[T]) -> Self {
        Self::new(slice)
    }
}

/// Numbers that the other side writes.
#[repr(C)]
#[derive(Debug)]
pub struct SliceMut<T> {
    data: *mut T,
    size: usize,
}

impl<T> SliceMut<T> {
    /// The slice that it was made from, which may be empty and a null pointer.
    ///
    /// # Safety
    /// That slice is alive as long as the result, and nobody else uses it.
    pub unsafe fn get<'a>(&self) -> &'a mut [T] {
        if self.size == 0 {
            return &mut [];
        }
        // SAFETY: as promised
        unsafe { std::slice::from_raw_parts_mut(self.data, self.size) }
    }
}

impl<T> From<&mut [T]> for SliceMut<T> {
    fn from(slice: &mut [T]) -> Self {
        Self {
            data: slice.as_mut_ptr(),
            size: slice.len(),
        }
    }
}

/// Where an answer goes, piece by piece.
#[repr(C)]
#[derive(Debug)]
pub struct Sink {
    context: *mut c_void,
    text: unsafe extern "C" fn(*mut c_void, *const c_char, usize),
    number: unsafe extern "C" fn(*mut c_void, f64),
}

impl Sink {
    /// Adds a text to the answer.
    pub fn text(&self, text: &[u8]) {
        // SAFETY: whoever made the sink waits for the answer, and gets readable bytes
        unsafe { (self.text)(self.context, text.as_ptr().cast(), text.len()) };
    }

    /// Adds a number to the answer.
    pub fn number(&self, number: f64) {
        // SAFETY: whoever made the sink waits for the answer
        unsafe { (self.number)(self.context, number) };
    }
}

/// What the other side answered.
#[derive(Debug, Default)]
pub struct Answer {
    /// Texts, UTF-8 unless they are the bytes of a file.
    pub texts: Vec<Vec<u8>>,
    /// Numbers.
    pub numbers: Vec<f64>,
}

impl Answer {
    /// Asks by `call`, and gives the status that it returned.
    pub fn to(call: impl FnOnce(*const Sink) -> c_int) -> (c_int, Self) {
        let mut answer = Self::default();
        let sink = Sink {
            context: (&raw mut answer).cast(),
            text: push_text,
            number: push_number,
        };
        let status = call(&raw const sink);
        (status, answer)
    }

    /// Asks by `call`; none if the other side does not know what it is asked.
    ///
    /// # Errors
    /// What it says where it fails.
    pub fn of(call: impl FnOnce(*const Sink) -> c_int) -> Result<Option<Self>, String> {
        let (status, answer) = Self::to(call);
        match status {
            ANSWERED => Ok(Some(answer)),
            UNKNOWN => Ok(None),
            _ => Err(answer.strings().pop().unwrap_or_default()),
        }
    }

    /// The texts.
    pub fn strings(&self) -> Vec<String> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        self.texts.iter().map(text).collect()
    }

    /// Gives all of it to the other side.
    pub fn tell(&self, sink: &Sink) {
        for text in &self.texts {
            sink.text(text);
        }
        for &number in &self.numbers {
            sink.number(number);
        }
    }
}

/// # Safety
/// `context` is the [`Answer`] of a sink that is in use, `bytes` are `size` readable bytes.
unsafe extern "C" fn push_text(context: *mut c_void, bytes: *const c_char, size: usize) {
    let slice = Slice {
        data: bytes.cast::<u8>(),
        size,
    };
    // SAFETY: as promised
    let (answer, text) = unsafe { (&mut *context.cast::<Answer>(), slice.get()) };
    answer.texts.push(text.to_vec());
}

/// # Safety
/// `context` is the [`Answer`] of a sink that is in use.
unsafe extern "C" fn push_number(context: *mut c_void, value: f64) {
    // SAFETY: as promised
    unsafe { &mut *context.cast::<Answer>() }
        .numbers
        .push(value);
}
