//! Compiles the loops of `kernels.rs` for one set of processor features and gathers them in a table.

/// Defines `KERNELS`, called `$name` and compiled for the `$features`. The file that uses it defines `supported()`,
/// and [`super::available`] hands the table out only where that holds.
macro_rules! kernels_for {
    ($name:literal, $features:literal, $double:ty, $single:ty, $octet:ty, $count:literal) => {
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
            environment: $crate::simd::instruction_set::compiled!(
                $features,
                environment(smoothing: &$crate::model::Smoothing, squares: &[f64], rows: [&mut [f64]; 4])
            ),
            variable: $crate::simd::instruction_set::compiled!(
                $features,
                variable(of: &$crate::splines::variable::Variable, s: &[f64], x: &mut [f64], slope: &mut [f64])
            ),
            tanh_difference: $crate::simd::instruction_set::compiled!(
                $features,
                tanh_difference(z: &mut [f32], about: &$crate::simd::AboutTanh, slope: &mut [f32])
            ),
            row_sums: $crate::simd::instruction_set::compiled!(
                $features,
                $crate::simd::kernels::row_sums[rows: &[f32], m: usize, weights: &[f32], sums: &mut [f32]]
            ),
            slope_difference: $crate::simd::instruction_set::compiled!(
                $features,
                slope_difference(slope: &mut [f32], mean_slope: &[f32], upstream: &[f32], mean_upstream: &[f32])
            ),
            double: (
                $crate::simd::instruction_set::dense_for!($features, f64, $double, scaled_tanh),
                $crate::simd::instruction_set::splines_for!($features, f64, $double, $octet, $count),
            ),
            single: (
                $crate::simd::instruction_set::dense_for!($features, f32, $single, scaled_tanh_single),
                $crate::simd::instruction_set::splines_for!(
                    $features, f32, $single, $crate::simd::vector::x86::F32x8, 1),
            ),
        };
    };
}

/// Products and what stands between them, compiled for the `$features`.
macro_rules! dense_for {
    ($features:literal, $scalar:ty, $register:ty, $tanh:ident) => {{
        use $crate::simd::dense::{self, Dense};
        use $crate::simd::instruction_set::compiled;
        Dense {
            lanes: <$register as $crate::simd::vector::Vector>::LANES,
            columns: <$register as $crate::simd::vector::Vector>::COLUMNS,
            product: compiled!($features, dense::product::<$register>[
                x: &[$scalar], x_stride: usize, inputs: usize, panels: &[$scalar], y: &mut [$scalar], y_stride: usize,
                outputs: usize]),
            tanh: compiled!($features, $tanh(
                z: &mut [$scalar], bias: &[$scalar], scale: &[$scalar], slope: &mut [$scalar])),
            multiply: compiled!($features, dense::multiply::<$scalar>[y: &mut [$scalar], x: &[$scalar]]),
            add: compiled!($features, dense::add::<$scalar>[y: &mut [$scalar], x: &[$scalar]]),
        }
    }};
}

/// Moments from splines, compiled for the `$features`; eight weights take `$count` registers of the kind `$octet`.
macro_rules! splines_for {
    ($features:literal, $scalar:ty, $register:ty, $octet:ty, $count:literal) => {{
        use $crate::simd::instruction_set::compiled;
        use $crate::simd::splines::{self, Place, Shape, Splines, Weights};
        Splines {
            bin: compiled!($features, splines::bin::<$octet, $count>[
                weights: &Weights<$scalar>, places: &[Place<$scalar>], a: &mut [$scalar], stride: usize]),
            gather: compiled!($features, splines::gather::<$octet, $count>[
                weights: &Weights<$scalar>, slope_weights: &Weights<$scalar>, places: &[Place<$scalar>],
                slope_a: &[$scalar], slope_b: &[$scalar], stride: usize, slopes: &mut [[$scalar; 5]]]),
            contract: (
                compiled!($features, splines::contract::<$register, f64>[
                    shape: Shape, t: &[$scalar], means: &[$scalar], d: &mut [f64]]),
                compiled!($features, splines::contract::<$register, f32>[
                    shape: Shape, t: &[$scalar], means: &[$scalar], d: &mut [f32]]),
            ),
            contract_backward: (
                compiled!($features, splines::contract_backward::<$register, f64>[
                    shape: Shape, t: &[$scalar], means: &[$scalar], slope_d: &[f64], slope_t: &mut [$scalar]]),
                compiled!($features, splines::contract_backward::<$register, f32>[
                    shape: Shape, t: &[$scalar], means: &[$scalar], slope_d: &[f32], slope_t: &mut [$scalar]]),
            ),
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

pub(super) use {compiled, dense_for, kernels_for, splines_for};
