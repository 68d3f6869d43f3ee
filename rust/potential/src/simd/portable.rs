//! The loops for any processor.

use super::reduced::{self, Loops};
use super::vector::{Lanes, Vector};
use super::{Kernels, kernels};

type Double = Lanes<f64, 4>;
type Single = Lanes<f32, 8>;

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
    double: Loops {
        lanes: <Double as Vector>::LANES,
        columns: <Double as Vector>::COLUMNS,
        product: reduced::product::<Double>,
        tanh: kernels::scaled_tanh::<false>,
        multiply: reduced::multiply::<f64>,
        add: reduced::add::<f64>,
        moments: reduced::moments::<Double>,
        moments_backward: reduced::moments_backward::<Double>,
        gram: reduced::gram::<Double>,
        gram_backward: reduced::gram_backward::<Double>,
    },
    single: Loops {
        lanes: <Single as Vector>::LANES,
        columns: <Single as Vector>::COLUMNS,
        product: reduced::product::<Single>,
        tanh: kernels::scaled_tanh_single::<false>,
        multiply: reduced::multiply::<f32>,
        add: reduced::add::<f32>,
        moments: reduced::moments::<Single>,
        moments_backward: reduced::moments_backward::<Single>,
        gram: reduced::gram::<Single>,
        gram_backward: reduced::gram_backward::<Single>,
    },
};
