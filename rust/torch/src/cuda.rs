//! Opens the CUDA half of libtorch, and only when a GPU is asked for: on machines without one the plugin needs no CUDA.

use std::ffi::{CStr, CString};
use std::path::PathBuf;
use tch::{Cuda, Device};

/// A symbol of libtorch_cpu, to find the folder that it was loaded from.
const LANDMARK: &CStr = c"aoti_torch_device_type_cpu";

/// The device called `name`: `cpu`, `cuda` or `cuda:N`.
///
/// # Errors
/// Says why there is no such GPU, or why libtorch cannot use it.
pub(crate) fn device(name: &str) -> Result<Device, String> {
    let index = match name {
        "cpu" => return Ok(Device::Cpu),
        "cuda" => 0,
        _ => name
            .strip_prefix("cuda:")
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| format!("device '{name}' is unknown: use 'cpu', 'cuda' or 'cuda:N'"))?,
    };
    let remedy = "Use 'device cpu', or a machine with an NVIDIA GPU and a libtorch built for CUDA";
    open_cuda_library().map_err(|what| format!("device {name}: {what}. {remedy}"))?;
    if !Cuda::is_available() {
        return Err(format!("device {name}: libtorch finds no GPU. {remedy}"));
    }
    let count = Cuda::device_count();
    if index as i64 >= count {
        return Err(format!(
            "device {name}: there are only {count} GPUs, cuda:0 to cuda:{}",
            count - 1
        ));
    }
    Ok(Device::Cuda(index))
}

/// Loads libtorch_cuda.so from beside libtorch_cpu.so; its static initialisers register the GPU with libtorch.
fn open_cuda_library() -> Result<(), String> {
    let path = folder_of_libtorch().map_or_else(
        || PathBuf::from("libtorch_cuda.so"),
        |folder| folder.join("libtorch_cuda.so"),
    );
    let name =
        CString::new(path.to_string_lossy().as_bytes()).map_err(|error| error.to_string())?;
    // SAFETY: a valid C string and flags; the handle is never closed, for libtorch keeps pointers into the library
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    if handle.is_null() {
        // SAFETY: dlerror returns null or a string that lives until the next dl call of this thread
        let message = unsafe { libc::dlerror() };
        let text = if message.is_null() {
            "unknown cause".into()
        } else {
            // SAFETY: not null, see above
            unsafe { CStr::from_ptr(message) }
                .to_string_lossy()
                .into_owned()
        };
        return Err(format!(
            "the CUDA half of libtorch cannot be loaded ({text})"
        ));
    }
    Ok(())
}

/// Where libtorch_cpu.so really lies, behind symbolic links.
fn folder_of_libtorch() -> Option<PathBuf> {
    // SAFETY: a valid C string; a null result is handled below
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, LANDMARK.as_ptr()) };
    if address.is_null() {
        return None;
    }
    // SAFETY: all-zero is a valid Dl_info
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is valid for writing; on success `dli_fname` is a string that lives as long as the library
    let found = unsafe { libc::dladdr(address, &mut info) } != 0 && !info.dli_fname.is_null();
    if !found {
        return None;
    }
    // SAFETY: not null, see above
    let file = unsafe { CStr::from_ptr(info.dli_fname) }
        .to_string_lossy()
        .into_owned();
    let real = std::fs::canonicalize(file).ok()?;
    real.parent().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::device;
    use tch::Device;

    #[test]
    fn the_cpu_is_always_there_and_other_names_are_refused() {
        assert_eq!(device("cpu"), Ok(Device::Cpu));
        assert_eq!(
            device("gpu").unwrap_err(),
            "device 'gpu' is unknown: use 'cpu', 'cuda' or 'cuda:N'"
        );
    }

    #[test]
    fn a_gpu_is_there_or_its_absence_is_explained() {
        match device("cuda") {
            Ok(found) => assert_eq!(found, Device::Cuda(0)),
            Err(message) => {
                assert!(message.starts_with("device cuda: "), "{message}");
                assert!(message.contains("Use 'device cpu'"), "{message}");
            }
        }
    }
}
