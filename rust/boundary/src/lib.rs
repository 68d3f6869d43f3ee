//! The boundary between the plugin and an engine that lies in a library of its own.
//!
//! libtorch costs a quarter of a second and a hundred megabytes at the start of each run, so the plugin opens the library
//! that needs it only where a run asks for it. Each of the two files has its own copy of Rust's standard library: a panic of
//! the one must not unwind into the other, and Rust promises no layout for what its own types would be there. So only C
//! crosses, in both directions:
//!
//! * [`table`]: what crosses, a table of functions and the structures that they take;
//! * [`serve`]: the side of the library, which wraps any [`Engine`](deepdms_potential::engine::Engine) and catches panics;
//! * [`call`]: the side of the plugin, where what was wrapped is an `Engine` again;
//! * [`answer`]: slices, and answers of any length;
//! * [`loading`]: the dynamic loader.
//!
//! A model crosses as the bytes of its file: the library reads it again. Both must understand the same by it, so they have
//! to come from the same sources, which [`BUILD`] tells.

pub mod answer;
pub mod call;
mod failure;
pub mod loading;
pub mod serve;
pub mod table;
#[cfg(test)]
mod tests;

use std::any::Any;

/// Version, and a number that is another for other sources of this crate or of the models' readers.
pub const BUILD: &str = env!("DEEPDMS_BUILD");

/// The message about a panic in `place`, which is always a mistake of ours.
pub fn panic_message(place: &str, payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown cause");
    format!(
        "internal error in deepdms ({place}): {text}. This is a bug, please report it with the input deck"
    )
}
