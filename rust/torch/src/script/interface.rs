//! The way to libtorch's own interface, which knows of modules and operators what the wrapper crate does not;
//! cpp/interface.h says the same.

use super::exchange;
use deepdms_boundary::answer::{ANSWERED, Answer, FAILED, Sink, Slice, SliceMut};
use deepdms_boundary::panic_message;
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

/// What a model is asked and where it answers, in the layout that C++ has.
#[repr(C)]
pub(super) struct Request {
    pub coordinates: Slice<f64>,
    pub types: Slice<i64>,
    pub neighbours: Slice<i64>,
    pub n_local: usize,
    pub width: usize,
    pub frame_parameters: Slice<f64>,
    pub atom_parameters: Slice<f64>,
    pub charge_spin: Slice<f64>,
    pub exchange: i64,
    pub energy: SliceMut<f64>,
    pub atom_energies: SliceMut<f64>,
    pub forces: SliceMut<f64>,
    pub virial: SliceMut<f64>,
    pub atom_virials: SliceMut<f64>,
}

pub(super) type Exchange =
    unsafe extern "C" fn(i64, bool, SliceMut<f64>, usize, *const Sink) -> c_int;

/// A module of libtorch.
#[repr(C)]
struct Module {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn deepdms_script_load(
        bytes: Slice<u8>,
        device: c_int,
        exchange: Exchange,
        sink: *const Sink,
    ) -> *mut Module;
    fn deepdms_script_free(script: *mut Module);
    fn deepdms_script_ask(script: *const Module, question: Slice<u8>, sink: *const Sink) -> c_int;
    fn deepdms_script_evaluate(
        script: *const Module,
        request: *const Request,
        sink: *const Sink,
    ) -> c_int;
}

/// A TorchScript model.
pub(super) struct Script(NonNull<Module>);

impl Script {
    /// From the bytes of a file, for the GPU of this number or, with -1, for the CPU. Nothing of its program runs.
    ///
    /// # Errors
    /// What libtorch says.
    pub(super) fn load(bytes: &[u8], device: i32) -> Result<Self, String> {
        let mut module = None;
        Answer::of(|sink| {
            // SAFETY: the slice and the sink live during the call; the pointer is null or owned by us from here on
            module = NonNull::new(unsafe {
                deepdms_script_load(bytes.into(), device, exchange_ghosts, sink)
            });
            if module.is_some() { ANSWERED } else { FAILED }
        })?;
        module.map(Self).ok_or_else(String::new)
    }

    /// What the model answers to `class`, `operators`, `devices`, `required`, a method without arguments or
    /// `.attribute.attribute`; none if it has no such method. Only methods run.
    ///
    /// # Errors
    /// What libtorch says.
    pub(super) fn ask(&self, question: &str) -> Result<Option<Answer>, String> {
        // SAFETY: the module is alive as long as we are, slice and sink live during the call
        Answer::of(|sink| unsafe {
            deepdms_script_ask(self.0.as_ptr(), question.as_bytes().into(), sink)
        })
    }

    /// The number or truth that a method answers.
    pub(super) fn number(&self, method: &str) -> Result<Option<f64>, String> {
        Ok(self
            .ask(method)?
            .and_then(|answer| answer.numbers.first().copied()))
    }

    /// The count that a method answers, `most` at most; 0 if it has no such method.
    ///
    /// # Errors
    /// What libtorch says, or that it is no such count.
    pub(super) fn count(&self, method: &str, most: usize) -> Result<usize, String> {
        let count = self.number(method)?.unwrap_or(0.0);
        if (0.0..=most as f64).contains(&count) && count.fract() == 0.0 {
            Ok(count as usize)
        } else {
            Err(format!(
                "{method}: {count} is not a number from 0 to {most}"
            ))
        }
    }

    /// Whether a method answers that something is so.
    pub(super) fn is(&self, method: &str) -> Result<bool, String> {
        Ok(self.number(method)?.unwrap_or(0.0) != 0.0)
    }

    /// The name of the model's class, with its module.
    pub(super) fn class(&self) -> Result<String, String> {
        Ok(self.texts("class")?.unwrap_or_default().concat())
    }

    /// The texts that a method answers.
    pub(super) fn texts(&self, method: &str) -> Result<Option<Vec<String>>, String> {
        Ok(self.ask(method)?.map(|answer| answer.strings()))
    }

    /// Evaluates the model.
    ///
    /// # Errors
    /// What libtorch says.
    ///
    /// # Safety
    /// All slices of the request are alive and nobody else uses those that are written to.
    pub(super) unsafe fn evaluate(&self, request: &Request) -> Result<(), String> {
        // SAFETY: the module is alive as long as we are, and the caller promises the rest
        Answer::of(|sink| unsafe { deepdms_script_evaluate(self.0.as_ptr(), request, sink) })
            .map(|_| ())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // SAFETY: the pointer came from loading and is freed once
        unsafe { deepdms_script_free(self.0.as_ptr()) };
    }
}

/// What the operators of models call to exchange rows.
///
/// # Safety
/// `values` and `sink` live during the call and nobody else uses the values.
pub(super) unsafe extern "C" fn exchange_ghosts(
    number: i64,
    to_ghosts: bool,
    values: SliceMut<f64>,
    columns: usize,
    sink: *const Sink,
) -> c_int {
    // SAFETY: as promised
    let (values, sink) = unsafe { (values.get(), &*sink) };
    // a panic must not reach C++
    let done = catch_unwind(AssertUnwindSafe(|| {
        exchange::exchange_ghosts(number, to_ghosts, values, columns)
    }));
    let text = match done {
        Ok(Ok(())) => return ANSWERED,
        Ok(Err(text)) => text,
        Err(payload) => panic_message("ghost exchange", &*payload),
    };
    sink.text(text.as_bytes());
    FAILED
}

#[cfg(test)]
pub(super) mod checks {
    use super::{Answer, Exchange, Sink, Slice, SliceMut, exchange_ghosts};
    use std::ffi::c_int;

    #[repr(C)]
    struct Tabulation {
        name: Slice<u8>,
        table: Slice<f64>,
        info: Slice<f64>,
        outputs: i64,
        shape: Slice<i64>,
        inputs: SliceMut<f64>,
        rows: SliceMut<f64>,
        factors: SliceMut<f64>,
        weights: Slice<f64>,
    }

    unsafe extern "C" {
        fn deepdms_check_scripted(
            class_name: Slice<u8>,
            methods: Slice<u8>,
            exchange: Exchange,
            sink: *const Sink,
        ) -> c_int;
        fn deepdms_check_border(
            number: i64,
            columns: usize,
            exchange: Exchange,
            rows: Slice<f64>,
            weights: SliceMut<f64>,
            sink: *const Sink,
        ) -> c_int;
        fn deepdms_check_tabulate(
            question: *const Tabulation,
            exchange: Exchange,
            sink: *const Sink,
        ) -> c_int;
    }

    /// The bytes of a file with a module of this class, whose methods are given as source.
    pub fn scripted(class: &str, methods: &str) -> Vec<u8> {
        // SAFETY: slices and sink live during the call
        let answer = Answer::of(|sink| unsafe {
            let (class, methods) = (class.as_bytes(), methods.as_bytes());
            deepdms_check_scripted(class.into(), methods.into(), exchange_ghosts, sink)
        });
        answer.unwrap().unwrap().texts.remove(0)
    }

    /// What `border_op` gives for rows `[n, columns]`; weights become the gradient of the sum of weights times that.
    pub fn border(
        number: i64,
        columns: usize,
        rows: &[f64],
        weights: &mut [f64],
    ) -> Result<Vec<f64>, String> {
        // SAFETY: slices and sink live during the call
        let answer = Answer::of(|sink| unsafe {
            let (rows, weights) = (rows.into(), weights.into());
            deepdms_check_border(number, columns, exchange_ghosts, rows, weights, sink)
        });
        Ok(answer?.unwrap().numbers)
    }

    /// Arguments of an operator on a table.
    #[derive(Clone)]
    pub struct Question<'a> {
        /// Name of the operator, or `curves`: the curves alone, or `tensors`: the same as operations on tensors.
        pub name: &'a str,
        pub table: &'a [f64],
        pub info: &'a [f64],
        pub outputs: usize,
        /// Of the rows.
        pub shape: &'a [i64],
        pub weights: &'a [f64],
    }

    /// What it gives; where there are weights, inputs, rows and factors become the gradients of the sum of weights times
    /// that.
    pub fn tabulate(
        question: &Question<'_>,
        inputs: &mut [f64],
        rows: &mut [f64],
        factors: &mut [f64],
    ) -> Vec<f64> {
        let tabulation = Tabulation {
            name: question.name.as_bytes().into(),
            table: question.table.into(),
            info: question.info.into(),
            outputs: question.outputs as i64,
            shape: question.shape.into(),
            inputs: inputs.into(),
            rows: rows.into(),
            factors: factors.into(),
            weights: question.weights.into(),
        };
        // SAFETY: slices and sink live during the call
        let answer = Answer::of(|sink| unsafe {
            deepdms_check_tabulate(&raw const tabulation, exchange_ghosts, sink)
        });
        answer.unwrap().unwrap().numbers
    }
}
