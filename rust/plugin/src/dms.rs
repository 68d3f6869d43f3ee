//! Bridge of `fix dms`.

use crate::guard::{BridgeError, guard};

#[cxx::bridge(namespace = "deepdms")]
#[allow(missing_docs)]
mod ffi {
    extern "Rust" {
        fn dms_version() -> Result<String>;
    }
}

/// Version of this library.
fn dms_version() -> Result<String, BridgeError> {
    guard("dms_version", || Ok::<_, String>(env!("CARGO_PKG_VERSION").to_owned()))
}
