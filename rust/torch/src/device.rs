//! Where libtorch works, and on how many threads.

use crate::cuda;
use deepdms_potential::Error;
use std::sync::Once;
use tch::Device;

/// The device called `name`: `cpu`, `cuda` or `cuda:N`; libtorch keeps to one thread from here on.
///
/// # Errors
/// [`Error::Engine`] if there is no such device.
pub(crate) fn open(name: &str) -> Result<Device, Error> {
    static THREADS: Once = Once::new();
    THREADS.call_once(|| {
        // MPI ranks share the cores: one thread each, as LAMMPS itself
        tch::set_num_threads(1);
        tch::set_num_interop_threads(1);
    });
    cuda::device(name).map_err(Error::Engine)
}

/// The name of a device.
pub(crate) fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".to_owned(),
    }
}
