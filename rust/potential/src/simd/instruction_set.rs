//! Compiles the loops of `kernels.rs` for one set of processor features and gathers them in a table.

/// Defines `KERNELS`, called `$name` and compiled for the `$features`. The file that uses it defines `supported()`,
/// and [`super::available`] hands the table out only where that holds.
macro_rules! kernels_for {
    ($name:literal, $features:literal) => {
        /// The table of this instruction set.
        pub(super) static KERNELS: $crate::simd::Kernels = $crate::simd::Kernels {
            name: $name,
            tanh: $crate::simd::instruction_set::compiled!($features, tanh(z: &mut [f64], slope: &mut [f64])),
            tanh_with_derivative: $crate::simd::instruction_set::compiled!(
                $features,
                tanh_with_derivative(z: &mut [f64], d: &mut [f64])
            ),
            add_residual: $crate::simd::instruction_set::compiled!(
                $features,
                add_residual(x: &[f64], inputs: usize, y: &mut [f64], outputs: usize)
            ),
            tabulate: $crate::simd::instruction_set::compiled!(
                $features,
                tabulate(places: &[$crate::model::Place], coefficients: &[f64], g: &mut [f64], h: &mut [f64])
            ),
            moments: $crate::simd::instruction_set::compiled!(
                $features, moments(rows: &[[f64; 4]], g: &[f64], t: &mut [f64])),
            contract: $crate::simd::instruction_set::compiled!(
                $features, contract(t: &[f64], axis: usize, d: &mut [f64])),
            contract_backward: $crate::simd::instruction_set::compiled!(
                $features, contract_backward(t: &[f64], axis: usize, slope_d: &[f64], slope_t: &mut [f64])),
            moments_backward: $crate::simd::instruction_set::compiled!(
                $features,
                moments_backward(slope_t: &[f64], rows: &[[f64; 4]], g: &[f64], h: &[f64], slope_rows: &mut [[f64; 4]])
            ),
        };
    };
}

/// A function pointer to one loop, compiled for `$features`.
macro_rules! compiled {
    ($features:literal, $kernel:ident($($argument:ident: $kind:ty),*)) => {{
        fn entry($($argument: $kind),*) {
            #[target_feature(enable = $features)]
            fn body($($argument: $kind),*) {
                $crate::simd::kernels::$kernel::<true>($($argument),*);
            }
            // SAFETY: the table that holds this function is handed out only where the features are present
            unsafe { body($($argument),*) }
        }
        entry
    }};
}

pub(super) use {compiled, kernels_for};
