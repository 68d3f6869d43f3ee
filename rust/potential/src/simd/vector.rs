//! Vector registers of each instruction set behind one trait, for the loops whose speed rests on what stays in registers.

#![allow(unsafe_code)]

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Mul, MulAssign, Sub};

/// The precisions that loops are compiled for.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + AddAssign
    + MulAssign
    + Send
    + Sync
    + 'static
{
    /// 0
    const ZERO: Self;
    /// Whether it is double precision.
    const IS_DOUBLE: bool;
    /// Rounds a number in double precision.
    fn of(x: f64) -> Self;
    /// The number in double precision.
    fn double(self) -> f64;
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const IS_DOUBLE: bool = true;
    #[inline(always)]
    fn of(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn double(self) -> f64 {
        self
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const IS_DOUBLE: bool = false;
    #[inline(always)]
    fn of(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn double(self) -> f64 {
        f64::from(self)
    }
}

/// A precision in which numbers of a register of another may be kept.
pub trait Store: Real {
    /// # Safety
    /// `LANES` numbers can be written to `to`.
    #[doc(hidden)]
    unsafe fn store<V: Vector>(v: V, to: *mut Self);
    /// # Safety
    /// `LANES` numbers can be read from `from`.
    #[doc(hidden)]
    unsafe fn load<V: Vector>(from: *const Self) -> V;
}

impl Store for f64 {
    #[inline(always)]
    unsafe fn store<V: Vector>(v: V, to: *mut Self) {
        // SAFETY: the caller's
        unsafe { v.store_double(to) }
    }
    #[inline(always)]
    unsafe fn load<V: Vector>(from: *const Self) -> V {
        // SAFETY: the caller's
        unsafe { V::load_double(from) }
    }
}

impl Store for f32 {
    #[inline(always)]
    unsafe fn store<V: Vector>(v: V, to: *mut Self) {
        // SAFETY: the caller's
        unsafe { v.store_single(to) }
    }
    #[inline(always)]
    unsafe fn load<V: Vector>(from: *const Self) -> V {
        // SAFETY: the caller's
        unsafe { V::load_single(from) }
    }
}

/// One vector register, or what stands for it.
pub trait Vector: Copy {
    /// What it holds.
    type Scalar: Real;
    /// How many of them.
    const LANES: usize;
    /// Rows of a matrix product, and registers in each, whose sums stay in registers.
    const ROWS: usize;
    /// See [`Self::ROWS`].
    const COLUMNS: usize;

    /// All lanes alike.
    fn splat(x: Self::Scalar) -> Self;
    /// # Safety
    /// `LANES` numbers can be read from `from`.
    unsafe fn load(from: *const Self::Scalar) -> Self;
    /// # Safety
    /// `LANES` numbers can be written to `to`.
    unsafe fn store(self, to: *mut Self::Scalar);
    /// `self a + b`
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// `self a`
    fn mul(self, a: Self) -> Self;
    /// `self + a`
    fn add(self, a: Self) -> Self;
    /// `self - a`
    fn sub(self, a: Self) -> Self;
    /// # Safety
    /// `LANES` numbers can be written to `to`.
    unsafe fn store_double(self, to: *mut f64);
    /// # Safety
    /// `LANES` numbers can be read from `from`.
    unsafe fn load_double(from: *const f64) -> Self;
    /// # Safety
    /// `LANES` numbers can be written to `to`.
    unsafe fn store_single(self, to: *mut f32);
    /// # Safety
    /// `LANES` numbers can be read from `from`.
    unsafe fn load_single(from: *const f32) -> Self;
    /// The sum of the lanes.
    fn sum(self) -> Self::Scalar;
    /// The sums of the lanes of four.
    #[inline(always)]
    fn sums(of: [Self; 4]) -> [Self::Scalar; 4] {
        of.map(Self::sum)
    }
}

/// Lanes without an instruction set, which the compiler turns into whatever the processor has.
#[derive(Clone, Copy)]
pub(super) struct Lanes<S, const N: usize>([S; N]);

impl<S: Real, const N: usize> Vector for Lanes<S, N> {
    type Scalar = S;
    const LANES: usize = N;
    const ROWS: usize = 2;
    const COLUMNS: usize = 2;

    #[inline(always)]
    fn splat(x: S) -> Self {
        Self([x; N])
    }
    #[inline(always)]
    unsafe fn load(from: *const S) -> Self {
        // SAFETY: the caller's
        Self(unsafe { from.cast::<[S; N]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut S) {
        // SAFETY: the caller's
        unsafe { to.cast::<[S; N]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|l| self.0[l] * a.0[l] + b.0[l]))
    }
    #[inline(always)]
    fn mul(self, a: Self) -> Self {
        Self(std::array::from_fn(|l| self.0[l] * a.0[l]))
    }
    #[inline(always)]
    fn add(self, a: Self) -> Self {
        Self(std::array::from_fn(|l| self.0[l] + a.0[l]))
    }
    #[inline(always)]
    fn sub(self, a: Self) -> Self {
        Self(std::array::from_fn(|l| self.0[l] - a.0[l]))
    }
    #[inline(always)]
    unsafe fn store_double(self, to: *mut f64) {
        // SAFETY: the caller's
        unsafe { to.cast::<[f64; N]>().write_unaligned(self.0.map(S::double)) }
    }
    #[inline(always)]
    unsafe fn load_double(from: *const f64) -> Self {
        // SAFETY: the caller's
        Self(unsafe { from.cast::<[f64; N]>().read_unaligned() }.map(S::of))
    }
    #[inline(always)]
    unsafe fn store_single(self, to: *mut f32) {
        let singles = self.0.map(|x| x.double() as f32);
        // SAFETY: the caller's
        unsafe { to.cast::<[f32; N]>().write_unaligned(singles) }
    }
    #[inline(always)]
    unsafe fn load_single(from: *const f32) -> Self {
        // SAFETY: the caller's
        let singles = unsafe { from.cast::<[f32; N]>().read_unaligned() };
        Self(singles.map(|x| S::of(f64::from(x))))
    }
    #[inline(always)]
    fn sum(self) -> S {
        self.0.into_iter().fold(S::ZERO, |sum, x| sum + x)
    }
}

/// A register of x86.
#[cfg(target_arch = "x86_64")]
macro_rules! register {
    (
        $(#[$about:meta])* $name:ident, $register:ty, $scalar:ty, $lanes:literal, $rows:literal, $columns:literal,
        $splat:ident, $load:ident, $store:ident, $fma:ident, $mul:ident, $add:ident, $sub:ident, $sum:expr, $sums:expr,
        $store_double:expr, $load_double:expr, $store_single:expr, $load_single:expr
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        pub(in crate::simd) struct $name($register);

        // SAFETY of all that follows: kernels over this type are compiled and handed out for processors that have the
        // instructions; pointers are the caller's
        impl Vector for $name {
            type Scalar = $scalar;
            const LANES: usize = $lanes;
            const ROWS: usize = $rows;
            const COLUMNS: usize = $columns;

            #[inline(always)]
            fn splat(x: $scalar) -> Self {
                // SAFETY: see above
                Self(unsafe { $splat(x) })
            }
            #[inline(always)]
            unsafe fn load(from: *const $scalar) -> Self {
                // SAFETY: see above
                Self(unsafe { $load(from) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $scalar) {
                // SAFETY: see above
                unsafe { $store(to, self.0) }
            }
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                // SAFETY: see above
                Self(unsafe { $fma(self.0, a.0, b.0) })
            }
            #[inline(always)]
            fn mul(self, a: Self) -> Self {
                // SAFETY: see above
                Self(unsafe { $mul(self.0, a.0) })
            }
            #[inline(always)]
            fn add(self, a: Self) -> Self {
                // SAFETY: see above
                Self(unsafe { $add(self.0, a.0) })
            }
            #[inline(always)]
            fn sub(self, a: Self) -> Self {
                // SAFETY: see above
                Self(unsafe { $sub(self.0, a.0) })
            }
            #[inline(always)]
            unsafe fn store_double(self, to: *mut f64) {
                // SAFETY: see above
                unsafe { $store_double(to, self.0) }
            }
            #[inline(always)]
            unsafe fn load_double(from: *const f64) -> Self {
                // SAFETY: see above
                Self(unsafe { $load_double(from) })
            }
            #[inline(always)]
            unsafe fn store_single(self, to: *mut f32) {
                // SAFETY: see above
                unsafe { $store_single(to, self.0) }
            }
            #[inline(always)]
            unsafe fn load_single(from: *const f32) -> Self {
                // SAFETY: see above
                Self(unsafe { $load_single(from) })
            }
            #[inline(always)]
            fn sum(self) -> $scalar {
                // SAFETY: see above
                unsafe { $sum(self.0) }
            }
            #[inline(always)]
            fn sums(of: [Self; 4]) -> [$scalar; 4] {
                // SAFETY: see above
                unsafe { $sums([of[0].0, of[1].0, of[2].0, of[3].0]) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use super::Vector;
    use std::arch::x86_64::*;

    #[inline(always)]
    unsafe fn sums_256(v: [__m256d; 4]) -> [f64; 4] {
        // SAFETY: AVX is the caller's
        unsafe {
            let (ab, cd) = (_mm256_hadd_pd(v[0], v[1]), _mm256_hadd_pd(v[2], v[3]));
            let crossed = _mm256_permute2f128_pd::<0x21>(ab, cd);
            let kept = _mm256_blend_pd::<0b1100>(ab, cd);
            let mut sums = [0.0; 4];
            _mm256_storeu_pd(sums.as_mut_ptr(), _mm256_add_pd(crossed, kept));
            sums
        }
    }

    // no closures here: they would not inherit the instruction set, and would be called rather than inlined

    #[inline(always)]
    unsafe fn halves_512(v: __m512d) -> __m256d {
        // SAFETY: AVX-512 is the caller's
        unsafe { _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd::<1>(v)) }
    }

    #[inline(always)]
    unsafe fn halves_512_single(v: __m512) -> __m256 {
        // SAFETY: AVX-512 is the caller's
        unsafe { _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v)) }
    }

    #[inline(always)]
    unsafe fn sum_512(v: __m512d) -> f64 {
        // SAFETY: AVX-512 is the caller's
        unsafe { sum_256(halves_512(v)) }
    }

    #[inline(always)]
    unsafe fn sum_512_single(v: __m512) -> f32 {
        // SAFETY: AVX-512 is the caller's
        unsafe { sum_256_single(halves_512_single(v)) }
    }

    #[inline(always)]
    unsafe fn sums_512(v: [__m512d; 4]) -> [f64; 4] {
        // SAFETY: AVX-512 is the caller's
        unsafe {
            sums_256([
                halves_512(v[0]),
                halves_512(v[1]),
                halves_512(v[2]),
                halves_512(v[3]),
            ])
        }
    }

    #[inline(always)]
    unsafe fn sums_256_single(v: [__m256; 4]) -> [f32; 4] {
        // SAFETY: AVX is the caller's
        unsafe {
            let (ab, cd) = (_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
            let all = _mm256_hadd_ps(ab, cd);
            let halves = _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps::<1>(all));
            let mut sums = [0.0; 4];
            _mm_storeu_ps(sums.as_mut_ptr(), halves);
            sums
        }
    }

    #[inline(always)]
    unsafe fn sums_512_single(v: [__m512; 4]) -> [f32; 4] {
        // SAFETY: AVX-512 is the caller's
        unsafe {
            sums_256_single([
                halves_512_single(v[0]),
                halves_512_single(v[1]),
                halves_512_single(v[2]),
                halves_512_single(v[3]),
            ])
        }
    }

    #[inline(always)]
    unsafe fn sum_256(v: __m256d) -> f64 {
        // SAFETY: AVX is the caller's
        unsafe { sums_256([v; 4])[0] }
    }

    #[inline(always)]
    unsafe fn sum_256_single(v: __m256) -> f32 {
        // SAFETY: AVX is the caller's
        unsafe { sums_256_single([v; 4])[0] }
    }

    #[inline(always)]
    unsafe fn narrow_256(to: *mut f32, v: __m256d) {
        // SAFETY: AVX and four places are the caller's
        unsafe { _mm_storeu_ps(to, _mm256_cvtpd_ps(v)) }
    }

    #[inline(always)]
    unsafe fn widen_256(from: *const f32) -> __m256d {
        // SAFETY: AVX and four numbers are the caller's
        unsafe { _mm256_cvtps_pd(_mm_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn narrow_512(to: *mut f32, v: __m512d) {
        // SAFETY: AVX-512 and eight places are the caller's
        unsafe { _mm256_storeu_ps(to, _mm512_cvtpd_ps(v)) }
    }

    #[inline(always)]
    unsafe fn widen_512(from: *const f32) -> __m512d {
        // SAFETY: AVX-512 and eight numbers are the caller's
        unsafe { _mm512_cvtps_pd(_mm256_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn widen_256_single(to: *mut f64, v: __m256) {
        // SAFETY: AVX and eight places are the caller's
        unsafe {
            _mm256_storeu_pd(to, _mm256_cvtps_pd(_mm256_castps256_ps128(v)));
            _mm256_storeu_pd(to.add(4), _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(v)));
        }
    }

    #[inline(always)]
    unsafe fn narrow_256_single(from: *const f64) -> __m256 {
        // SAFETY: AVX and eight numbers are the caller's
        unsafe {
            let low = _mm256_cvtpd_ps(_mm256_loadu_pd(from));
            let high = _mm256_cvtpd_ps(_mm256_loadu_pd(from.add(4)));
            _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(low), high)
        }
    }

    #[inline(always)]
    unsafe fn widen_512_single(to: *mut f64, v: __m512) {
        // SAFETY: AVX-512 and sixteen places are the caller's
        unsafe {
            _mm512_storeu_pd(to, _mm512_cvtps_pd(_mm512_castps512_ps256(v)));
            _mm512_storeu_pd(to.add(8), _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(v)));
        }
    }

    #[inline(always)]
    unsafe fn narrow_512_single(from: *const f64) -> __m512 {
        // SAFETY: AVX-512 and sixteen numbers are the caller's
        unsafe {
            let low = _mm512_cvtpd_ps(_mm512_loadu_pd(from));
            let high = _mm512_cvtpd_ps(_mm512_loadu_pd(from.add(8)));
            _mm512_insertf32x8::<1>(_mm512_castps256_ps512(low), high)
        }
    }

    register!(
        /// Four numbers of AVX2.
        F64x4, __m256d, f64, 4, 4, 2,
        _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_fmadd_pd, _mm256_mul_pd, _mm256_add_pd,
        _mm256_sub_pd, sum_256, sums_256, _mm256_storeu_pd, _mm256_loadu_pd, narrow_256, widen_256
    );
    register!(
        /// Eight numbers of AVX2 in single precision.
        F32x8, __m256, f32, 8, 4, 2,
        _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps, _mm256_mul_ps, _mm256_add_ps,
        _mm256_sub_ps, sum_256_single, sums_256_single, widen_256_single, narrow_256_single, _mm256_storeu_ps,
        _mm256_loadu_ps
    );
    register!(
        /// Eight numbers of AVX-512.
        F64x8, __m512d, f64, 8, 8, 3,
        _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_fmadd_pd, _mm512_mul_pd, _mm512_add_pd,
        _mm512_sub_pd, sum_512, sums_512, _mm512_storeu_pd, _mm512_loadu_pd, narrow_512, widen_512
    );
    register!(
        /// Sixteen numbers of AVX-512 in single precision.
        F32x16, __m512, f32, 16, 8, 3,
        _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_add_ps,
        _mm512_sub_ps, sum_512_single, sums_512_single, widen_512_single, narrow_512_single, _mm512_storeu_ps,
        _mm512_loadu_ps
    );
}
