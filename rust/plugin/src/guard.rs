//! The one place where a panic becomes an error. cxx aborts the process when a panic reaches it, so every function
//! of a bridge that does more than hand out a field runs its body inside [`guard`] or [`guard_sound`].

use deepdms_boundary::panic_message;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The text that a shim hands to `error->all` or `error->one`.
#[derive(Debug)]
pub struct BridgeError(String);

impl fmt::Display for BridgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs `body` and turns its error, or its panic, into a [`BridgeError`]. `place` names the bridge function in the
/// message of a panic, which is always a mistake of ours and says so.
pub fn guard<T, E: fmt::Display>(
    place: &str,
    body: impl FnOnce() -> Result<T, E>,
) -> Result<T, BridgeError> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(BridgeError(error.to_string())),
        Err(payload) => Err(BridgeError(panic_message(place, &*payload))),
    }
}

/// The same for a body without errors of its own.
pub fn guard_sound<T>(place: &str, body: impl FnOnce() -> T) -> Result<T, BridgeError> {
    guard(place, || Ok::<_, BridgeError>(body()))
}

#[cfg(test)]
mod tests {
    use super::guard;

    #[test]
    fn a_panic_becomes_an_error_that_names_the_place() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let outcome = guard("pair compute", || -> Result<(), String> {
            panic!("index {} is out of bounds", 7)
        });
        std::panic::set_hook(hook);
        let message = outcome.unwrap_err().to_string();
        assert_eq!(
            message,
            "internal error in deepdms (pair compute): index 7 is out of bounds. This is a bug, please report it with the input deck"
        );
    }

    #[test]
    fn errors_and_values_pass_unchanged() {
        assert_eq!(guard("x", || Ok::<_, String>(3)).unwrap(), 3);
        let error = guard("x", || Err::<(), _>("no such file")).unwrap_err();
        assert_eq!(error.to_string(), "no such file");
    }
}
