//! The loops for any processor.

use super::{Kernels, kernels};

/// The table of this instruction set.
pub(super) static KERNELS: Kernels = Kernels {
    name: "portable",
    tanh: kernels::tanh::<false>,
    tanh_with_derivative: kernels::tanh_with_derivative::<false>,
    add_residual: kernels::add_residual::<false>,
    tabulate: kernels::tabulate::<false>,
    moments: kernels::moments::<false>,
    contract: kernels::contract::<false>,
    contract_backward: kernels::contract_backward::<false>,
    moments_backward: kernels::moments_backward::<false>,
};
