//! Opens the CUDA half of libtorch, and only when a GPU is asked for: on machines without one the plugin needs no CUDA.

use deepdms_boundary::loading::{self, Scope};
use std::ffi::CStr;
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
    let folder = folder_of_libtorch().unwrap_or_default();
    loading::open(&folder.join("libtorch_cuda.so"), Scope::Global)
        .map(|_| ())
        .map_err(|text| format!("the CUDA half of libtorch cannot be loaded ({text})"))
}

/// Where libtorch_cpu.so really lies, behind symbolic links.
fn folder_of_libtorch() -> Option<PathBuf> {
    let address = loading::visible_symbol(LANDMARK)?;
    let file = loading::file_of(address.as_ptr() as usize)?;
    file.parent().map(PathBuf::from)
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
