//! AVX-512: eight numbers a register.

#![allow(unsafe_code)]

/// Whether the processor has what the table is compiled for.
pub(super) fn supported() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("fma")
}

super::instruction_set::kernels_for!(
    "avx512",
    "avx512f,avx512dq,avx512vl,avx2,fma",
    crate::simd::vector::x86::F64x8,
    crate::simd::vector::x86::F32x16,
    crate::simd::vector::x86::F64x8,
    1
);
