//! AVX2 with FMA and F16C: x86 since Haswell and Zen. A vector is two registers of 8 lanes.
#![expect(
    unsafe_code,
    reason = "intrinsics; every block is sound because a value of the type proves the CPU feature"
)]

use std::arch::x86_64::{
    __m256, __m256i, _MM_FROUND_TO_NEAREST_INT, _mm_loadu_si128, _mm_storeu_si128, _mm256_abs_epi8,
    _mm256_add_epi16, _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256, _mm256_andnot_ps,
    _mm256_castps_si256, _mm256_castsi256_ps, _mm256_cvtepi32_ps, _mm256_cvtph_ps, _mm256_cvtps_epi32,
    _mm256_cvtps_ph, _mm256_div_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_sign_epi8, _mm256_slli_epi32,
    _mm256_srli_epi16, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_ps,
};

use super::super::tile::{Act, Block4, Block8, Scales, cut, stored};
use super::super::{HalfLanes, LANES, Lanes, Simd, Task};

/// Proof of AVX2, FMA and F16C.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

/// Lanes 0..8 and 8..16.
type Pair = [__m256; 2];

impl Avx2 {
    /// `Some` where the CPU and the system have it.
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c"))
        .then_some(Self(()))
    }

    /// Integer sums of one block, scaled and added to `sum`.
    #[inline(always)]
    fn accumulate(self, dot: [__m256i; 2], scale: Pair, act_scale: f32, sum: &mut Pair) {
        // SAFETY: `self` proves the feature.
        let dot = unsafe { [_mm256_cvtepi32_ps(dot[0]), _mm256_cvtepi32_ps(dot[1])] };
        *sum = self.fma(self.mul(scale, self.splat(act_scale)), dot, *sum);
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn enter<T: Task>(simd: Avx2, task: T) -> T::Out {
    task.run(simd)
}

/// Four activations in every lane.
#[inline(always)]
fn quad(block: &[i8; 32], i: usize) -> __m256i {
    let four = [block[i * 4], block[i * 4 + 1], block[i * 4 + 2], block[i * 4 + 3]].map(|q| q as u8);
    // SAFETY: the caller holds an `Avx2`.
    unsafe { _mm256_set1_epi32(i32::from_le_bytes(four)) }
}

/// Group `i`, rows of half `half`.
#[inline(always)]
fn load_group(bytes: &[u8], i: usize, half: usize) -> __m256i {
    let group: &[u8; 32] =
        bytes[i * 64 + half * 32..].first_chunk().expect("a block is a whole number of groups");
    // SAFETY: the reference covers 32 readable bytes; the caller holds an `Avx2`.
    unsafe { _mm256_loadu_si256(group.as_ptr().cast()) }
}

#[inline(always)]
fn halves<T>(from: &[T; 16]) -> [*const T; 2] {
    [from.as_ptr(), from[8..].as_ptr()]
}

impl Simd for Avx2 {
    type V = Pair;
    const WIDE: bool = false;

    #[inline(always)]
    fn vectorize<T: Task>(self, task: T) -> T::Out {
        // SAFETY: `self` proves the features that `enter` is compiled for.
        unsafe { enter(self, task) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> Pair {
        // SAFETY: `self` proves the feature.
        [unsafe { _mm256_set1_ps(x) }; 2]
    }
    #[inline(always)]
    fn load(self, from: &Lanes) -> Pair {
        let [low, high] = halves(from);
        // SAFETY: each pointer covers 32 readable bytes; `self` proves the feature.
        unsafe { [_mm256_loadu_ps(low), _mm256_loadu_ps(high)] }
    }
    #[inline(always)]
    fn load_half(self, from: &HalfLanes) -> Pair {
        let [low, high] = halves(from);
        // SAFETY: each pointer covers 16 readable bytes; `self` proves the feature.
        unsafe {
            [_mm256_cvtph_ps(_mm_loadu_si128(low.cast())), _mm256_cvtph_ps(_mm_loadu_si128(high.cast()))]
        }
    }
    #[inline(always)]
    fn store(self, v: Pair, to: &mut Lanes) {
        for (half, v) in to.as_chunks_mut::<8>().0.iter_mut().zip(v) {
            // SAFETY: the reference covers 32 writable bytes; `self` proves the feature.
            unsafe { _mm256_storeu_ps(half.as_mut_ptr(), v) }
        }
    }
    #[inline(always)]
    fn store_half(self, v: Pair, to: &mut HalfLanes) {
        for (half, v) in to.as_chunks_mut::<8>().0.iter_mut().zip(v) {
            // SAFETY: the reference covers 16 writable bytes; `self` proves the feature.
            unsafe {
                _mm_storeu_si128(half.as_mut_ptr().cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v));
            }
        }
    }
    #[inline(always)]
    fn add(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: `self` proves the feature.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn sub(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: `self` proves the feature.
        unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn mul(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: `self` proves the feature.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn div(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: `self` proves the feature.
        unsafe { [_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn fma(self, a: Pair, b: Pair, c: Pair) -> Pair {
        // SAFETY: `self` proves the feature.
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }
    #[inline(always)]
    fn max(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: `self` proves the feature.
        unsafe { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn min(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: `self` proves the feature.
        unsafe { [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn abs(self, a: Pair) -> Pair {
        // SAFETY: `self` proves the feature.
        unsafe {
            let sign = _mm256_set1_ps(-0.0);
            [_mm256_andnot_ps(sign, a[0]), _mm256_andnot_ps(sign, a[1])]
        }
    }
    #[inline(always)]
    fn exponent(self, a: Pair) -> Pair {
        let mut out = a;
        for a in &mut out {
            // SAFETY: `self` proves the feature.
            *a = unsafe {
                let shifted = _mm256_slli_epi32::<23>(_mm256_castps_si256(*a));
                _mm256_castsi256_ps(_mm256_add_epi32(shifted, _mm256_castps_si256(_mm256_set1_ps(1.0))))
            };
        }
        out
    }
    #[inline(always)]
    fn sum(self, a: Pair) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(a, &mut lanes);
        super::portable::Portable.sum(lanes)
    }
    #[inline(always)]
    fn greatest(self, a: Pair) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(a, &mut lanes);
        super::portable::Portable.greatest(lanes)
    }
    #[inline(always)]
    fn store_int8(self, v: Pair, to: &mut [i8; LANES]) -> i32 {
        let mut whole = [0_i32; LANES];
        for (half, v) in whole.as_chunks_mut::<8>().0.iter_mut().zip(v) {
            // SAFETY: the reference covers 32 writable bytes; `self` proves the feature.
            unsafe { _mm256_storeu_si256(half.as_mut_ptr().cast(), _mm256_cvtps_epi32(v)) }
        }
        *to = whole.map(|q| q as i8);
        whole.iter().sum()
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
            // 16 products of at most 15 * 127 stay within 16 bits, so that they are widened once per block.
            let dots: [[__m256i; 2]; N] = unsafe {
                let low = _mm256_set1_epi8(15);
                let mut dots = [[_mm256_setzero_si256(); 2]; N];
                for half in 0..2 {
                    for i in 0..4 {
                        let pair = load_group(&block.0, i, half);
                        let even = _mm256_and_si256(pair, low);
                        let odd = _mm256_and_si256(_mm256_srli_epi16::<4>(pair), low);
                        for (act, dot) in acts.iter().zip(&mut dots) {
                            let products = _mm256_add_epi16(
                                _mm256_maddubs_epi16(even, quad(&act.q[b], 2 * i)),
                                _mm256_maddubs_epi16(odd, quad(&act.q[b], 2 * i + 1)),
                            );
                            dot[half] = _mm256_add_epi16(dot[half], products);
                        }
                    }
                }
                dots
            };
            let scale = self.load_half(&scale[b]);
            for ((act, dot), sum) in acts.iter().zip(dots).zip(&mut sums) {
                // SAFETY: `self` proves the feature.
                let dot = unsafe {
                    let one = _mm256_set1_epi16(1);
                    let offset = _mm256_set1_epi32(if MIN { 0 } else { act.offset[b] });
                    [
                        _mm256_add_epi32(_mm256_madd_epi16(dot[0], one), offset),
                        _mm256_add_epi32(_mm256_madd_epi16(dot[1], one), offset),
                    ]
                };
                self.accumulate(dot, scale, act.scale[b], sum);
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
            // SAFETY: `self` proves the feature.
            // Unsigned |w| times the activation with w's sign: 2 * 128 * 127 stays within 16 bits.
            let dots: [[__m256i; 2]; N] = unsafe {
                let mut dots = [[_mm256_setzero_si256(); 2]; N];
                for half in 0..2 {
                    for i in 0..8 {
                        let weights = load_group(&block.0, i, half);
                        let magnitude = _mm256_abs_epi8(weights);
                        for (act, dot) in acts.iter().zip(&mut dots) {
                            let signed = _mm256_sign_epi8(quad(&act.q[b], i), weights);
                            let products = _mm256_maddubs_epi16(magnitude, signed);
                            let wide = _mm256_madd_epi16(products, _mm256_set1_epi16(1));
                            dot[half] = _mm256_add_epi32(dot[half], wide);
                        }
                    }
                }
                dots
            };
            let scale = self.load_half(&scale[b]);
            for ((act, dot), sum) in acts.iter().zip(dots).zip(&mut sums) {
                self.accumulate(dot, scale, act.scale[b], sum);
                if MIN {
                    *sum = self.fma(self.load_half(&min[b]), self.splat(act.sum[b]), *sum);
                }
            }
        }
        stored(self, &sums)
    }
}
