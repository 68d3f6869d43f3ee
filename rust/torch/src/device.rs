//! Where libtorch works, and on how many threads.

use crate::cuda;
use deepdms_potential::Error;
use std::sync::Once;
use tch::Device;

/// Variables that tell how many threads libtorch may use, deepmd-kit's before that of all programs.
const VARIABLES: [&str; 2] = ["DP_INTRA_OP_PARALLELISM_THREADS", "OMP_NUM_THREADS"];

/// The device called `name`: `cpu`, `cuda` or `cuda:N`; libtorch keeps to one thread from here on, unless a variable of the
/// environment says otherwise.
///
/// # Errors
/// [`Error::Engine`] if there is no such device.
pub(crate) fn open(name: &str) -> Result<Device, Error> {
    static THREADS: Once = Once::new();
    THREADS.call_once(|| {
        // MPI ranks share the cores: one thread each, as LAMMPS itself
        let wanted = VARIABLES.iter().find_map(|name| {
            let count = std::env::var(name).ok()?.parse().ok()?;
            (count > 0).then_some(count)
        });
        tch::set_num_threads(wanted.unwrap_or(1));
        tch::set_num_interop_threads(1);
    });
    cuda::device(name).map_err(Error::Engine)
}

/// The device in words.
pub(crate) fn describe(device: Device) -> String {
    match (device, tch::get_num_threads()) {
        (Device::Cuda(index), _) => format!("cuda:{index}"),
        (_, 1) => "cpu".to_owned(),
        (_, threads) => format!("cpu with {threads} threads of libtorch"),
    }
}
