//! Plain Rust: the reference that the others are tested against, and the fallback.

use super::super::half::{f32_to_half, half_to_f32};
use super::super::tile::{Act, Block4, Block8, Scales};
use super::super::{Dot8, HalfLanes, LANES, Lanes, Simd, Task};

/// No special instructions.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn zip(a: Lanes, b: Lanes, f: impl Fn(f32, f32) -> f32) -> Lanes {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Dot8 for Portable {
    type Sums = ();
    type Bytes = ();
    const PRODUCTS: u64 = 0;

    #[inline(always)]
    fn sums(self) {}
    #[inline(always)]
    fn bytes(self, _x: i8) {}
    #[inline(always)]
    fn dot8(self, (): (), (): (), (): ()) {}
}

impl Simd for Portable {
    type V = Lanes;
    const WIDE: bool = false;

    #[inline(always)]
    fn vectorize<T: Task>(self, task: T) -> T::Out {
        task.run(self)
    }
    #[inline(always)]
    fn splat(self, x: f32) -> Lanes {
        [x; LANES]
    }
    #[inline(always)]
    fn load(self, from: &Lanes) -> Lanes {
        *from
    }
    #[inline(always)]
    fn load_half(self, from: &HalfLanes) -> Lanes {
        from.map(half_to_f32)
    }
    #[inline(always)]
    fn store(self, v: Lanes, to: &mut Lanes) {
        *to = v;
    }
    #[inline(always)]
    fn store_half(self, v: Lanes, to: &mut HalfLanes) {
        *to = v.map(f32_to_half);
    }
    #[inline(always)]
    fn add(self, a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn fma(self, a: Lanes, b: Lanes, c: Lanes) -> Lanes {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn max(self, a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, f32::max)
    }
    #[inline(always)]
    fn min(self, a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, f32::min)
    }
    #[inline(always)]
    fn abs(self, a: Lanes) -> Lanes {
        a.map(f32::abs)
    }
    #[inline(always)]
    fn exponent(self, a: Lanes) -> Lanes {
        a.map(|x| f32::from_bits((x.to_bits() << 23).wrapping_add(1.0_f32.to_bits())))
    }
    #[inline(always)]
    fn sum(self, a: Lanes) -> f32 {
        let mut width = LANES / 2;
        let mut part = a;
        while width > 0 {
            for i in 0..width {
                part[i] += part[i + width];
            }
            width /= 2;
        }
        part[0]
    }
    #[inline(always)]
    fn greatest(self, a: Lanes) -> f32 {
        a.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
    #[inline(always)]
    fn store_int8(self, v: Lanes, to: &mut [i8; LANES]) -> i32 {
        *to = v.map(|x| x.round_ties_even() as i8);
        to.iter().map(|q| i32::from(*q)).sum()
    }

    #[inline(always)]
    fn tile4<const N: usize, const MIN: bool>(
        self,
        q: &[Block4],
        scales: Scales<'_>,
        acts: &[Act<'_>; N],
    ) -> [Lanes; N] {
        std::array::from_fn(|n| {
            let mut out = [0.0; LANES];
            for (b, block) in q.iter().enumerate() {
                let mut dot = [if MIN { 0 } else { acts[n].offset[b] }; LANES];
                for (row, dot) in dot.iter_mut().enumerate() {
                    for i in 0..16 {
                        let byte = block.0[(i / 4) * 64 + row * 4 + i % 4];
                        let low = (i / 4) * 8 + i % 4;
                        *dot += i32::from(byte & 15) * i32::from(acts[n].q[b][low]);
                        *dot += i32::from(byte >> 4) * i32::from(acts[n].q[b][low + 4]);
                    }
                }
                scales.accumulate::<MIN>(b, &dot, &acts[n], &mut out);
            }
            out
        })
    }

    #[inline(always)]
    fn tile8<const N: usize, const MIN: bool>(
        self,
        q: &[Block8],
        scales: Scales<'_>,
        acts: &[Act<'_>; N],
    ) -> [Lanes; N] {
        std::array::from_fn(|n| {
            let mut out = [0.0; LANES];
            for (b, block) in q.iter().enumerate() {
                let mut dot = [0_i32; LANES];
                for (row, dot) in dot.iter_mut().enumerate() {
                    for i in 0..32 {
                        let byte = block.0[(i / 4) * 64 + row * 4 + i % 4].cast_signed();
                        *dot += i32::from(byte) * i32::from(acts[n].q[b][i]);
                    }
                }
                scales.accumulate::<MIN>(b, &dot, &acts[n], &mut out);
            }
            out
        })
    }
}
