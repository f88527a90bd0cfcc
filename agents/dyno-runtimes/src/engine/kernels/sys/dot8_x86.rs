//! Multiply-adds of 8-bit integers on x86.
#![expect(
    unsafe_code,
    reason = "intrinsics; every block is sound because a value of the type proves the CPU feature"
)]

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_add_epi32, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_setzero_si256, _mm512_dpbusd_epi32, _mm512_set1_epi8, _mm512_setzero_si512,
};

use super::super::Dot8;
use super::avx2::Avx2;
use super::avx512::Avx512Vnni;

impl Dot8 for Avx512Vnni {
    type Sums = __m512i;
    type Bytes = __m512i;
    const PRODUCTS: u64 = 64;

    #[inline(always)]
    fn sums(self) -> __m512i {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_setzero_si512() }
    }
    #[inline(always)]
    fn bytes(self, x: i8) -> __m512i {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_set1_epi8(x) }
    }
    #[inline(always)]
    fn dot8(self, sums: __m512i, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_dpbusd_epi32(sums, a, b) }
    }
}

impl Dot8 for Avx2 {
    type Sums = __m256i;
    type Bytes = __m256i;
    const PRODUCTS: u64 = 32;

    #[inline(always)]
    fn sums(self) -> __m256i {
        // SAFETY: `self` proves the feature.
        unsafe { _mm256_setzero_si256() }
    }
    #[inline(always)]
    fn bytes(self, x: i8) -> __m256i {
        // SAFETY: `self` proves the feature.
        unsafe { _mm256_set1_epi8(x) }
    }
    #[inline(always)]
    fn dot8(self, sums: __m256i, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: `self` proves the feature.
        unsafe {
            let pairs = _mm256_maddubs_epi16(a, b);
            _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
    }
}
