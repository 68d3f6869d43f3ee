//! AVX2 with fused multiply-add: four numbers a register.

#![allow(unsafe_code)]

/// Whether the processor has what the table is compiled for.
pub(super) fn supported() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

super::instruction_set::kernels_for!(
    "avx2",
    "avx2,fma",
    crate::simd::vector::x86::F64x4,
    crate::simd::vector::x86::F32x8,
    crate::simd::vector::x86::F64x4,
    2
);
