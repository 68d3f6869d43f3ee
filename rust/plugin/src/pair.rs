//! Bridge of `pair_style deepmd`.

use crate::guard::{BridgeError, guard};

#[cxx::bridge(namespace = "deepdms")]
#[allow(missing_docs)]
mod ffi {
    extern "Rust" {
        fn pair_version() -> Result<String>;
    }
}

/// Version of this library.
fn pair_version() -> Result<String, BridgeError> {
    guard("pair_version", || Ok::<_, String>(env!("CARGO_PKG_VERSION").to_owned()))
}
