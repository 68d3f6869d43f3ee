//! Compiles the loops of `kernels.rs` for one set of processor features and gathers them in a table.

/// Defines `KERNELS`, called `$name` and compiled for the `$features`. The file that uses it defines `supported()`,
/// and [`super::available`] hands the table out only where that holds.
macro_rules! kernels_for {
    ($name:literal, $features:literal, $double:ty, $single:ty) => {
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
            double: $crate::simd::instruction_set::loops_for!($features, f64, $double, scaled_tanh),
            single: $crate::simd::instruction_set::loops_for!($features, f32, $single, scaled_tanh_single),
        };
    };
}

/// The loops of reduced models over one register, compiled for the `$features`.
macro_rules! loops_for {
    ($features:literal, $scalar:ty, $register:ty, $tanh:ident) => {{
        use $crate::simd::instruction_set::compiled;
        use $crate::simd::reduced::{self, GramRow, Loops, Place};
        Loops {
            lanes: <$register as $crate::simd::vector::Vector>::LANES,
            columns: <$register as $crate::simd::vector::Vector>::COLUMNS,
            product: compiled!($features, reduced::product::<$register>[
                x: &[$scalar], x_stride: usize, inputs: usize, panels: &[$scalar], y: &mut [$scalar], y_stride: usize,
                outputs: usize]),
            tanh: compiled!($features, $tanh(
                z: &mut [$scalar], bias: &[$scalar], scale: &[$scalar], slope: &mut [$scalar])),
            multiply: compiled!($features, reduced::multiply::<$scalar>[y: &mut [$scalar], x: &[$scalar]]),
            add: compiled!($features, reduced::add::<$scalar>[y: &mut [$scalar], x: &[$scalar]]),
            moments: compiled!($features, reduced::moments::<$register>[
                places: &[Place<$scalar>], table: &[$scalar], a: &mut [$scalar], k: usize]),
            moments_backward: compiled!($features, reduced::moments_backward::<$register>[
                places: &[Place<$scalar>], table: &[$scalar], slope_a: &[$scalar], k: usize,
                slopes: &mut [[$scalar; 5]]]),
            gram: compiled!($features, reduced::gram::<$register>[
                a: &[$scalar], rows: &[GramRow], s: &mut [$scalar]]),
            gram_backward: compiled!($features, reduced::gram_backward::<$register>[
                a: &[$scalar], rows: &[GramRow], slope_s: &[$scalar], slope_a: &mut [$scalar]]),
        }
    }};
}

/// A function pointer to one loop, compiled for `$features`.
macro_rules! compiled {
    ($features:literal, $kernel:ident($($argument:ident: $kind:ty),* $(,)?)) => {
        $crate::simd::instruction_set::compiled!(
            $features, $crate::simd::kernels::$kernel::<true>[$($argument: $kind),*])
    };
    ($features:literal, $kernel:path[$($argument:ident: $kind:ty),* $(,)?]) => {{
        fn entry($($argument: $kind),*) {
            #[target_feature(enable = $features)]
            fn body($($argument: $kind),*) {
                $kernel($($argument),*);
            }
            // SAFETY: the table that holds this function is handed out only where the features are present
            unsafe { body($($argument),*) }
        }
        entry
    }};
}

pub(super) use {compiled, kernels_for, loops_for};
