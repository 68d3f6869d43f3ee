//! The entry of `deepdmstorch.so`.

use crate::engine::shares_slots;
use crate::{ScriptEngine, TorchEngine};
use deepdms_boundary::serve::{Library, Request};
use deepdms_boundary::table::Table;
use deepdms_potential::engine::Engine;
use deepdms_potential::model::Format;
use deepdms_potential::{Error, model};

/// The libtorch engines: one for models that have a reader, one for the programs of all others.
#[derive(Debug)]
pub struct Torch;

impl Library for Torch {
    fn open(request: Request<'_>) -> Result<Box<dyn Engine>, Error> {
        let Request {
            file,
            bytes,
            device,
            threads,
            trusted,
        } = request;
        match model::read(file, bytes) {
            // tensors have slots for neighbours of each type
            Ok(model) if model.format == Format::TorchScript && shares_slots(&model) => {}
            Ok(model) => return Ok(Box::new(TorchEngine::new(vec![model], device)?)),
            Err(Error::NeedsLibtorch { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut engine = ScriptEngine::new(file, bytes, device, trusted)?;
        if threads > 1 {
            engine.set_threads(threads);
        }
        Ok(Box::new(engine))
    }
}

static TABLE: Table = Table::of::<Torch>();

/// The only symbol that `deepdmstorch.so` shows.
// SAFETY: nothing else in a process has this name, and the plugin looks for it in this library only
#[unsafe(no_mangle)]
pub extern "C" fn deepdms_torch() -> *const Table {
    &raw const TABLE
}

#[cfg(test)]
mod tests {
    use super::deepdms_torch;
    use deepdms_boundary::call::RemoteLibrary;
    use deepdms_boundary::serve::Request;
    use deepdms_potential::engine::Engine;
    use std::path::Path;

    #[test]
    fn files_go_to_the_engine_that_can_evaluate_them() {
        // SAFETY: the table is a constant
        let library = RemoteLibrary::new(unsafe { &*deepdms_torch() }).unwrap();
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/models");
        let describe = |file: &str, device: &str| {
            let bytes = std::fs::read(models.join(file)).unwrap();
            let request = Request {
                file,
                bytes: &bytes,
                device,
                threads: 1,
                trusted: false,
            };
            library
                .open(request)
                .map(|engine| (engine.describe(), engine.exchanges_ghosts()))
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            describe("one_sided.pb", "cpu").unwrap(),
            ("torch, fp64, device cpu".to_owned(), false)
        );
        let (words, exchanges) = describe("dpa2.pth", "cpu").unwrap();
        assert!(words.starts_with("torch script, device cpu, "), "{words}");
        assert!(exchanges);
        let (words, _) = describe("atten_concat.pth", "cpu").unwrap();
        assert!(words.starts_with("torch script, device cpu, "), "{words}");
        assert_eq!(
            describe("atten_concat.dp", "cpu").unwrap_err(),
            "engine torch evaluates se_atten (DPA-1) only as the program in a .pth file: convert the model, or leave out 'engine torch'"
        );
        assert_eq!(
            describe("refused_spin.pth", "cpu").unwrap_err(),
            "refused_spin.pth: a model with spin is not supported. Energy models without spin are"
        );
        assert_eq!(
            describe("one_sided.pb", "tpu").unwrap_err(),
            "device 'tpu' is unknown: use 'cpu', 'cuda' or 'cuda:N'"
        );
    }
}
