//! The bridge to libtorch's own interface, which knows of modules and operators what the wrapper crate does not.

use super::exchange::exchange_ghosts;

#[cxx::bridge(namespace = "deepdms::script")]
pub(super) mod ffi {
    /// What a model is asked; rows are those of the model, local atoms first.
    struct Request<'a> {
        /// `[n, 3]` [Å]
        coordinates: &'a [f64],
        /// `[n]`
        types: &'a [i64],
        /// `[n_local, width]`, -1 for none
        neighbours: &'a [i64],
        n_local: usize,
        width: usize,
        /// `[dimension]`, empty for none
        frame_parameters: &'a [f64],
        /// `[n_local, dimension]`, empty for none
        atom_parameters: &'a [f64],
        /// `[dimension]`, empty for the model's own
        charge_spin: &'a [f64],
        /// The number under which an exchange is announced, 0 for none.
        exchange: i64,
    }

    /// Where a model answers.
    struct Response<'a> {
        /// `[n_local]` [eV]
        atom_energies: &'a mut [f64],
        /// `[n, 3]` [eV/Å]
        forces: &'a mut [f64],
        /// `[9]` [eV]
        virial: &'a mut [f64],
        /// `[n, 9]` [eV], empty if not wanted
        atom_virials: &'a mut [f64],
    }

    extern "Rust" {
        fn exchange_ghosts(
            number: i64,
            to_ghosts: bool,
            values: &mut [f64],
            columns: usize,
        ) -> Result<()>;
    }

    unsafe extern "C++" {
        include!("deepdms-torch/cpp/script.h");

        type Script;
        fn load_script(bytes: &[u8], device: i32) -> Result<UniquePtr<Script>>;
        fn class_name(self: &Script) -> String;
        fn required_arguments(self: &Script) -> Result<Vec<String>>;
        fn has(self: &Script, method: &str) -> bool;
        fn flag(self: &Script, method: &str) -> Result<bool>;
        fn integer(self: &Script, method: &str) -> Result<i64>;
        fn real(self: &Script, method: &str) -> Result<f64>;
        fn texts(self: &Script, method: &str) -> Result<Vec<String>>;
        fn numbers_at(self: &Script, path: &str) -> Result<Vec<f64>>;
        fn evaluate(
            self: &Script,
            request: &Request<'_>,
            response: &mut Response<'_>,
        ) -> Result<f64>;
    }
}
