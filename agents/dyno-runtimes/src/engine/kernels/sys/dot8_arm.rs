//! Multiply-adds of 8-bit integers on Arm.
#![expect(
    unsafe_code,
    reason = "intrinsics; every block is sound because a value of the type proves the CPU feature"
)]

use std::arch::aarch64::{
    int8x16_t, int32x4_t, vdupq_n_s8, vdupq_n_s32, vget_low_s8, vmull_high_s8, vmull_s8, vpadalq_s16,
};

use super::super::Dot8;
use super::neon::{Neon, dot};

impl<const DOT: bool> Dot8 for Neon<DOT> {
    type Sums = int32x4_t;
    type Bytes = int8x16_t;
    const PRODUCTS: u64 = 16;

    #[inline(always)]
    fn sums(self) -> int32x4_t {
        // SAFETY: `self` proves the feature.
        unsafe { vdupq_n_s32(0) }
    }
    #[inline(always)]
    fn bytes(self, x: i8) -> int8x16_t {
        // SAFETY: `self` proves the feature.
        unsafe { vdupq_n_s8(x) }
    }
    #[inline(always)]
    fn dot8(self, sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
        // SAFETY: `self` proves the features, with `DOT` the dot products.
        unsafe {
            if DOT {
                return dot::<0>(sums, a, b);
            }
            let low = vpadalq_s16(sums, vmull_s8(vget_low_s8(a), vget_low_s8(b)));
            vpadalq_s16(low, vmull_high_s8(a, b))
        }
    }
}
