//! AVX-512 with VNNI: Ice Lake and Zen 4 on.
#![expect(
    unsafe_code,
    reason = "intrinsics; every block is sound because a value of the type proves the CPU feature"
)]

use std::arch::x86_64::{
    __m512, __m512i, _MM_FROUND_TO_NEAREST_INT, _mm_storeu_si128, _mm256_loadu_si256, _mm256_storeu_si256,
    _mm512_abs_ps, _mm512_add_epi32, _mm512_add_ps, _mm512_and_si512, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_cvtepi32_epi8, _mm512_cvtepi32_ps, _mm512_cvtph_ps, _mm512_cvtps_epi32,
    _mm512_cvtps_ph, _mm512_div_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_reduce_add_epi32,
    _mm512_reduce_add_ps, _mm512_reduce_max_ps, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setzero_si512, _mm512_slli_epi32, _mm512_srli_epi16, _mm512_storeu_ps, _mm512_sub_ps,
    _mm512_xor_si512,
};

use super::super::tile::{Act, Block4, Block8, Scales, cut, stored};
use super::super::{HalfLanes, LANES, Lanes, Simd, Task};

/// Proof of AVX-512 F, BW, VL, DQ and VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Vnni(());

impl Avx512Vnni {
    /// `Some` where the CPU and the system have it.
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma"))
        .then_some(Self(()))
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
fn enter<T: Task>(simd: Avx512Vnni, task: T) -> T::Out {
    task.run(simd)
}

/// Four activations in every lane.
#[inline(always)]
fn quad(block: &[i8; 32], i: usize) -> __m512i {
    let four = [block[i * 4], block[i * 4 + 1], block[i * 4 + 2], block[i * 4 + 3]].map(|q| q as u8);
    // SAFETY: the caller holds an `Avx512Vnni`.
    unsafe { _mm512_set1_epi32(i32::from_le_bytes(four)) }
}

#[inline(always)]
fn load_group(bytes: &[u8], i: usize) -> __m512i {
    let group: &[u8; 64] = bytes[i * 64..].first_chunk().expect("a block is a whole number of groups");
    // SAFETY: the reference covers 64 readable bytes; the caller holds an `Avx512Vnni`.
    unsafe { _mm512_loadu_si512(group.as_ptr().cast()) }
}

impl Simd for Avx512Vnni {
    type V = __m512;
    const WIDE: bool = true;

    #[inline(always)]
    fn vectorize<T: Task>(self, task: T) -> T::Out {
        // SAFETY: `self` proves the features that `enter` is compiled for.
        unsafe { enter(self, task) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn load(self, from: &Lanes) -> __m512 {
        // SAFETY: the reference covers 64 readable bytes; `self` proves the feature.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }
    #[inline(always)]
    fn load_half(self, from: &HalfLanes) -> __m512 {
        // SAFETY: the reference covers 32 readable bytes; `self` proves the feature.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) }
    }
    #[inline(always)]
    fn store(self, v: __m512, to: &mut Lanes) {
        // SAFETY: the reference covers 64 writable bytes; `self` proves the feature.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
    }
    #[inline(always)]
    fn store_half(self, v: __m512, to: &mut HalfLanes) {
        // SAFETY: the reference covers 32 writable bytes; `self` proves the feature.
        unsafe {
            _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v));
        }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn abs(self, a: __m512) -> __m512 {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_abs_ps(a) }
    }
    #[inline(always)]
    fn exponent(self, a: __m512) -> __m512 {
        // SAFETY: `self` proves the feature.
        unsafe {
            let shifted = _mm512_slli_epi32::<23>(_mm512_castps_si512(a));
            _mm512_castsi512_ps(_mm512_add_epi32(shifted, _mm512_castps_si512(_mm512_set1_ps(1.0))))
        }
    }
    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_reduce_add_ps(a) }
    }
    #[inline(always)]
    fn greatest(self, a: __m512) -> f32 {
        // SAFETY: `self` proves the feature.
        unsafe { _mm512_reduce_max_ps(a) }
    }
    #[inline(always)]
    fn store_int8(self, v: __m512, to: &mut [i8; LANES]) -> i32 {
        // SAFETY: the reference covers 16 writable bytes; `self` proves the feature.
        unsafe {
            let whole = _mm512_cvtps_epi32(v);
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(whole));
            _mm512_reduce_add_epi32(whole)
        }
    }

    #[inline(always)]
    fn tile4<const N: usize, const MIN: bool>(
        self,
        q: &[Block4],
        scales: Scales<'_>,
        acts: &[Act<'_>; N],
    ) -> [Lanes; N] {
        let (scale, min) = scales.of::<MIN>(q.len());
        let acts = cut(acts, q.len());
        let mut sums = [self.splat(0.0); N];
        for (b, block) in q.iter().enumerate() {
            // SAFETY: `self` proves the feature.
            let nibbles = unsafe {
                let low = _mm512_set1_epi8(15);
                let mut nibbles = [low; 8];
                for i in 0..4 {
                    let pair = load_group(&block.0, i);
                    nibbles[2 * i] = _mm512_and_si512(pair, low);
                    nibbles[2 * i + 1] = _mm512_and_si512(_mm512_srli_epi16::<4>(pair), low);
                }
                nibbles
            };
            let scale = self.load_half(&scale[b]);
            for (act, sum) in acts.iter().zip(&mut sums) {
                // SAFETY: `self` proves the feature.
                let dot = unsafe {
                    let mut dot = if MIN { _mm512_setzero_si512() } else { _mm512_set1_epi32(act.offset[b]) };
                    for (i, four) in nibbles.iter().enumerate() {
                        dot = _mm512_dpbusd_epi32(dot, *four, quad(&act.q[b], i));
                    }
                    _mm512_cvtepi32_ps(dot)
                };
                *sum = self.fma(self.mul(scale, self.splat(act.scale[b])), dot, *sum);
                if MIN {
                    *sum = self.fma(self.load_half(&min[b]), self.splat(act.sum[b]), *sum);
                }
            }
        }
        stored(self, &sums)
    }

    #[inline(always)]
    fn tile8<const N: usize, const MIN: bool>(
        self,
        q: &[Block8],
        scales: Scales<'_>,
        acts: &[Act<'_>; N],
    ) -> [Lanes; N] {
        let (scale, min) = scales.of::<MIN>(q.len());
        let acts = cut(acts, q.len());
        let mut sums = [self.splat(0.0); N];
        for (b, block) in q.iter().enumerate() {
            // SAFETY: `self` proves the feature. The instruction wants unsigned weights: w + 128.
            let weights = unsafe {
                let flip = _mm512_set1_epi8(-128);
                let mut weights = [flip; 8];
                for (i, weights) in weights.iter_mut().enumerate() {
                    *weights = _mm512_xor_si512(load_group(&block.0, i), flip);
                }
                weights
            };
            let scale = self.load_half(&scale[b]);
            for (act, sum) in acts.iter().zip(&mut sums) {
                // SAFETY: `self` proves the feature. The offset is for 8 too much per weight; here it is 128.
                let dot = unsafe {
                    let mut dot = _mm512_set1_epi32(act.offset[b] * 16);
                    for (i, four) in weights.iter().enumerate() {
                        dot = _mm512_dpbusd_epi32(dot, *four, quad(&act.q[b], i));
                    }
                    _mm512_cvtepi32_ps(dot)
                };
                *sum = self.fma(self.mul(scale, self.splat(act.scale[b])), dot, *sum);
                if MIN {
                    *sum = self.fma(self.load_half(&min[b]), self.splat(act.sum[b]), *sum);
                }
            }
        }
        stored(self, &sums)
    }
}
