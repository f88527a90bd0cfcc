//! NEON, which every 64-bit Arm has, and its dot products, which cores since Cortex-A76 have. A vector is four
//! registers of 4 lanes.
#![expect(
    unsafe_code,
    reason = "intrinsics; every block is sound because a value of the type proves the CPU feature"
)]

use std::arch::aarch64::{
    float16x4_t, float32x4_t, int8x16_t, int32x4_t, vabsq_f32, vaddq_f32, vaddq_s32, vaddvq_s32, vandq_u8,
    vcombine_s16, vcvt_f16_f32, vcvt_f32_f16, vcvtnq_s32_f32, vcvtq_f32_s32, vdivq_f32, vdupq_n_f32,
    vdupq_n_s8, vdupq_n_s32, vdupq_n_u8, vfmaq_f32, vget_low_s8, vld1_u16, vld1q_f32, vld1q_s8, vmaxq_f32,
    vmaxvq_f32, vminq_f32, vmlal_high_s8, vmlal_s8, vmovn_s16, vmovn_s32, vmull_high_s8, vmull_s8, vmulq_f32,
    vpadalq_s16, vpaddq_s32, vreinterpret_f16_u16, vreinterpret_u16_f16, vreinterpretq_f32_s32,
    vreinterpretq_s8_s32, vreinterpretq_s8_u8, vreinterpretq_s32_f32, vreinterpretq_u8_s8, vshlq_n_s32,
    vshrq_n_u8, vst1_s8, vst1_u16, vst1q_f32, vsubq_f32,
};
use std::arch::asm;

use super::super::tile::{Act, Block4, Block8, Scales, cut, stored};
use super::super::{HalfLanes, LANES, Lanes, Simd, Task};

/// Proof of NEON; with `DOT`, of its dot products too.
#[derive(Clone, Copy)]
pub(crate) struct Neon<const DOT: bool>(());

/// Lanes 0..4, 4..8, 8..12, 12..16.
type Quads = [float32x4_t; 4];

impl Neon<false> {
    /// `Some` where the CPU and the system have it.
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

impl Neon<true> {
    /// `Some` where the CPU and the system have it.
    pub(crate) fn detect() -> Option<Self> {
        let dot = std::arch::is_aarch64_feature_detected!("dotprod");
        (dot && std::arch::is_aarch64_feature_detected!("neon")).then_some(Self(()))
    }
}

#[target_feature(enable = "neon,dotprod")]
fn enter_dot<const DOT: bool, T: Task>(simd: Neon<DOT>, task: T) -> T::Out {
    task.run(simd)
}

#[target_feature(enable = "neon")]
fn enter_plain<const DOT: bool, T: Task>(simd: Neon<DOT>, task: T) -> T::Out {
    task.run(simd)
}

/// Adds to each lane of `sum` the dot product of 4 weights with 4 activations, which are quad `I` of `x`.
///
/// # Safety
/// The CPU must have dot products.
#[inline(always)]
pub(super) unsafe fn dot<const I: usize>(sum: int32x4_t, w: int8x16_t, x: int8x16_t) -> int32x4_t {
    let mut out = sum;
    // The intrinsic is unstable. SAFETY: the instruction reads and writes the named registers only, and the caller
    // vouches for the CPU; the assembler is told of the extension and then of its end.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sum:v}.4s, {w:v}.16b, {x:v}.4b[{i}]",
            sum = inout(vreg) out,
            w = in(vreg) w,
            x = in(vreg) x,
            i = const I,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    out
}

/// Quad `i` (0..4) of 16 activations in all lanes.
#[inline(always)]
fn spread(x: &[i8; 32], i: usize) -> int8x16_t {
    let four = [x[i * 4], x[i * 4 + 1], x[i * 4 + 2], x[i * 4 + 3]].map(|q| q as u8);
    // SAFETY: the caller holds a `Neon`.
    unsafe { vreinterpretq_s8_s32(vdupq_n_s32(i32::from_le_bytes(four))) }
}

/// Dot products of 4 rows with 32 activations; `weights` are the 8 quads of columns of these rows, of 4 bits or of 8.
#[inline(always)]
fn rows<const DOT: bool, const BITS: u32>(weights: &[int8x16_t; 8], x: &[i8; 32]) -> int32x4_t {
    // SAFETY: the caller holds a `Neon<DOT>`; the loads cover the 32 bytes of `x`.
    // Without dot products: 8 products of at most 15 * 127 stay within 16 bits, of 128 * 127 two do.
    unsafe {
        if DOT {
            let (low, high) = (vld1q_s8(x.as_ptr()), vld1q_s8(x[16..].as_ptr()));
            let mut a = dot::<0>(vdupq_n_s32(0), weights[0], low);
            let mut b = dot::<1>(vdupq_n_s32(0), weights[1], low);
            a = dot::<2>(a, weights[2], low);
            b = dot::<3>(b, weights[3], low);
            a = dot::<0>(a, weights[4], high);
            b = dot::<1>(b, weights[5], high);
            a = dot::<2>(a, weights[6], high);
            b = dot::<3>(b, weights[7], high);
            return vaddq_s32(a, b);
        }
        let (mut first, mut second) = (vdupq_n_s32(0), vdupq_n_s32(0));
        let step = if BITS == 4 { 8 } else { 2 };
        for i in (0..8).step_by(step) {
            let four = spread(x, i);
            let mut low = vmull_s8(vget_low_s8(weights[i]), vget_low_s8(four));
            let mut high = vmull_high_s8(weights[i], four);
            for (j, weights) in weights.iter().enumerate().take(i + step).skip(i + 1) {
                let four = spread(x, j);
                low = vmlal_s8(low, vget_low_s8(*weights), vget_low_s8(four));
                high = vmlal_high_s8(high, *weights, four);
            }
            first = vpadalq_s16(first, low);
            second = vpadalq_s16(second, high);
        }
        vpaddq_s32(first, second)
    }
}

impl<const DOT: bool> Neon<DOT> {
    /// Group `group` of 64 bytes, rows `4 * quarter` to `4 * quarter + 3`.
    #[expect(clippy::unused_self, reason = "the value proves the CPU feature")]
    #[inline(always)]
    fn load_group(self, bytes: &[u8], group: usize, quarter: usize) -> int8x16_t {
        let part: &[u8; 16] =
            bytes[group * 64 + quarter * 16..].first_chunk().expect("a block is whole groups");
        // SAFETY: the reference covers 16 readable bytes; `self` proves the feature.
        unsafe { vld1q_s8(part.as_ptr().cast()) }
    }

    /// The 8 quads of columns of 4 rows of a block of 4-bit weights.
    #[inline(always)]
    fn nibbles(self, block: &Block4, quarter: usize) -> [int8x16_t; 8] {
        // SAFETY: `self` proves the feature.
        unsafe {
            let mut out = [vdupq_n_s8(0); 8];
            for i in 0..4 {
                let pair = vreinterpretq_u8_s8(self.load_group(&block.0, i, quarter));
                out[2 * i] = vreinterpretq_s8_u8(vandq_u8(pair, vdupq_n_u8(15)));
                out[2 * i + 1] = vreinterpretq_s8_u8(vshrq_n_u8::<4>(pair));
            }
            out
        }
    }

    /// The 8 quads of columns of 4 rows of a block of 8-bit weights.
    #[inline(always)]
    fn bytes(self, block: &Block8, quarter: usize) -> [int8x16_t; 8] {
        // SAFETY: `self` proves the feature.
        let mut out = [unsafe { vdupq_n_s8(0) }; 8];
        for (i, out) in out.iter_mut().enumerate() {
            *out = self.load_group(&block.0, i, quarter);
        }
        out
    }

    /// Adds the integer sums of 4 rows, scaled.
    #[expect(clippy::unused_self, reason = "the value proves the CPU feature")]
    #[inline(always)]
    fn accumulate(
        self,
        dot: int32x4_t,
        offset: i32,
        scale: float32x4_t,
        act_scale: f32,
        sum: &mut float32x4_t,
    ) {
        // SAFETY: `self` proves the feature.
        unsafe {
            let dot = vcvtq_f32_s32(vaddq_s32(dot, vdupq_n_s32(offset)));
            *sum = vfmaq_f32(*sum, vmulq_f32(scale, vdupq_n_f32(act_scale)), dot);
        }
    }
}

#[inline(always)]
fn half_quad(from: &HalfLanes, quarter: usize) -> float16x4_t {
    let part: &[u16; 4] = from[quarter * 4..].first_chunk().expect("a vector has four quarters");
    // SAFETY: the reference covers 8 readable bytes; the caller holds a `Neon`.
    unsafe { vreinterpret_f16_u16(vld1_u16(part.as_ptr())) }
}

impl<const DOT: bool> Simd for Neon<DOT> {
    type V = Quads;
    const WIDE: bool = false;

    #[inline(always)]
    fn vectorize<T: Task>(self, task: T) -> T::Out {
        // SAFETY: `self` proves the features that the function is compiled for.
        unsafe { if DOT { enter_dot(self, task) } else { enter_plain(self, task) } }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> Quads {
        // SAFETY: `self` proves the feature.
        [unsafe { vdupq_n_f32(x) }; 4]
    }
    #[inline(always)]
    fn load(self, from: &Lanes) -> Quads {
        let mut out = self.splat(0.0);
        for (quad, part) in out.iter_mut().zip(from.as_chunks::<4>().0) {
            // SAFETY: the reference covers 16 readable bytes; `self` proves the feature.
            *quad = unsafe { vld1q_f32(part.as_ptr()) };
        }
        out
    }
    #[inline(always)]
    fn load_half(self, from: &HalfLanes) -> Quads {
        let mut out = self.splat(0.0);
        for (i, quad) in out.iter_mut().enumerate() {
            // SAFETY: `self` proves the feature.
            *quad = unsafe { vcvt_f32_f16(half_quad(from, i)) };
        }
        out
    }
    #[inline(always)]
    fn store(self, v: Quads, to: &mut Lanes) {
        for (part, quad) in to.as_chunks_mut::<4>().0.iter_mut().zip(v) {
            // SAFETY: the reference covers 16 writable bytes; `self` proves the feature.
            unsafe { vst1q_f32(part.as_mut_ptr(), quad) }
        }
    }
    #[inline(always)]
    fn store_half(self, v: Quads, to: &mut HalfLanes) {
        for (part, quad) in to.as_chunks_mut::<4>().0.iter_mut().zip(v) {
            // SAFETY: the reference covers 8 writable bytes; `self` proves the feature.
            unsafe { vst1_u16(part.as_mut_ptr(), vreinterpret_u16_f16(vcvt_f16_f32(quad))) }
        }
    }
    #[inline(always)]
    fn add(self, a: Quads, b: Quads) -> Quads {
        let mut out = a;
        for (a, b) in out.iter_mut().zip(b) {
            // SAFETY: `self` proves the feature.
            *a = unsafe { vaddq_f32(*a, b) };
        }
        out
    }
    #[inline(always)]
    fn sub(self, a: Quads, b: Quads) -> Quads {
        let mut out = a;
        for (a, b) in out.iter_mut().zip(b) {
            // SAFETY: `self` proves the feature.
            *a = unsafe { vsubq_f32(*a, b) };
        }
        out
    }
    #[inline(always)]
    fn mul(self, a: Quads, b: Quads) -> Quads {
        let mut out = a;
        for (a, b) in out.iter_mut().zip(b) {
            // SAFETY: `self` proves the feature.
            *a = unsafe { vmulq_f32(*a, b) };
        }
        out
    }
    #[inline(always)]
    fn div(self, a: Quads, b: Quads) -> Quads {
        let mut out = a;
        for (a, b) in out.iter_mut().zip(b) {
            // SAFETY: `self` proves the feature.
            *a = unsafe { vdivq_f32(*a, b) };
        }
        out
    }
    #[inline(always)]
    fn fma(self, a: Quads, b: Quads, c: Quads) -> Quads {
        let mut out = c;
        for ((c, a), b) in out.iter_mut().zip(a).zip(b) {
            // SAFETY: `self` proves the feature.
            *c = unsafe { vfmaq_f32(*c, a, b) };
        }
        out
    }
    #[inline(always)]
    fn max(self, a: Quads, b: Quads) -> Quads {
        let mut out = a;
        for (a, b) in out.iter_mut().zip(b) {
            // SAFETY: `self` proves the feature.
            *a = unsafe { vmaxq_f32(*a, b) };
        }
        out
    }
    #[inline(always)]
    fn min(self, a: Quads, b: Quads) -> Quads {
        let mut out = a;
        for (a, b) in out.iter_mut().zip(b) {
            // SAFETY: `self` proves the feature.
            *a = unsafe { vminq_f32(*a, b) };
        }
        out
    }
    #[inline(always)]
    fn abs(self, a: Quads) -> Quads {
        let mut out = a;
        for a in &mut out {
            // SAFETY: `self` proves the feature.
            *a = unsafe { vabsq_f32(*a) };
        }
        out
    }
    #[inline(always)]
    fn exponent(self, a: Quads) -> Quads {
        let mut out = a;
        for a in &mut out {
            // SAFETY: `self` proves the feature.
            *a = unsafe {
                let one = vreinterpretq_s32_f32(vdupq_n_f32(1.0));
                vreinterpretq_f32_s32(vaddq_s32(vshlq_n_s32::<23>(vreinterpretq_s32_f32(*a)), one))
            };
        }
        out
    }
    #[inline(always)]
    fn sum(self, a: Quads) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(a, &mut lanes);
        super::portable::Portable.sum(lanes)
    }
    #[inline(always)]
    fn greatest(self, a: Quads) -> f32 {
        // SAFETY: `self` proves the feature.
        unsafe { vmaxvq_f32(vmaxq_f32(vmaxq_f32(a[0], a[1]), vmaxq_f32(a[2], a[3]))) }
    }
    #[inline(always)]
    fn store_int8(self, v: Quads, to: &mut [i8; LANES]) -> i32 {
        let mut total = 0;
        for (part, pair) in to.as_chunks_mut::<8>().0.iter_mut().zip(v.as_chunks::<2>().0) {
            // SAFETY: the reference covers 8 writable bytes; `self` proves the feature.
            unsafe {
                let whole = [vcvtnq_s32_f32(pair[0]), vcvtnq_s32_f32(pair[1])];
                let narrow = vcombine_s16(vmovn_s32(whole[0]), vmovn_s32(whole[1]));
                vst1_s8(part.as_mut_ptr(), vmovn_s16(narrow));
                total += vaddvq_s32(vaddq_s32(whole[0], whole[1]));
            }
        }
        total
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
            let scale = self.load_half(&scale[b]);
            for quarter in 0..4 {
                let weights = self.nibbles(block, quarter);
                for (act, sum) in acts.iter().zip(&mut sums) {
                    let dot = rows::<DOT, 4>(&weights, &act.q[b]);
                    let offset = if MIN { 0 } else { act.offset[b] };
                    self.accumulate(dot, offset, scale[quarter], act.scale[b], &mut sum[quarter]);
                }
            }
            if MIN {
                let min = self.load_half(&min[b]);
                for (act, sum) in acts.iter().zip(&mut sums) {
                    *sum = self.fma(min, self.splat(act.sum[b]), *sum);
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
            let scale = self.load_half(&scale[b]);
            for quarter in 0..4 {
                let weights = self.bytes(block, quarter);
                for (act, sum) in acts.iter().zip(&mut sums) {
                    let dot = rows::<DOT, 8>(&weights, &act.q[b]);
                    self.accumulate(dot, 0, scale[quarter], act.scale[b], &mut sum[quarter]);
                }
            }
            if MIN {
                let min = self.load_half(&min[b]);
                for (act, sum) in acts.iter().zip(&mut sums) {
                    *sum = self.fma(min, self.splat(act.sum[b]), *sum);
                }
            }
        }
        stored(self, &sums)
    }
}
