//! The loops for any processor.

use super::dense::{self, Dense};
use super::splines::{self, Splines};
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
    environment: kernels::environment::<false>,
    variable: kernels::variable::<false>,
    tanh_difference: kernels::tanh_difference::<false>,
    row_sums: kernels::row_sums,
    slope_difference: kernels::slope_difference::<false>,
    double: (
        Dense {
            lanes: <Double as Vector>::LANES,
            columns: <Double as Vector>::COLUMNS,
            product: dense::product::<Double>,
            tanh: kernels::scaled_tanh::<false>,
            multiply: dense::multiply::<f64>,
            add: dense::add::<f64>,
        },
        Splines {
            bin: splines::bin::<Double, 2>,
            gather: splines::gather::<Double, 2>,
            contract: (
                splines::contract::<Double, f64>,
                splines::contract::<Double, f32>,
            ),
            contract_backward: (
                splines::contract_backward::<Double, f64>,
                splines::contract_backward::<Double, f32>,
            ),
        },
    ),
    single: (
        Dense {
            lanes: <Single as Vector>::LANES,
            columns: <Single as Vector>::COLUMNS,
            product: dense::product::<Single>,
            tanh: kernels::scaled_tanh_single::<false>,
            multiply: dense::multiply::<f32>,
            add: dense::add::<f32>,
        },
        Splines {
            bin: splines::bin::<Single, 1>,
            gather: splines::gather::<Single, 1>,
            contract: (
                splines::contract::<Single, f64>,
                splines::contract::<Single, f32>,
            ),
            contract_backward: (
                splines::contract_backward::<Single, f64>,
                splines::contract_backward::<Single, f32>,
            ),
        },
    ),
};
