//! Vector kernels, chosen once at run time by what the CPU has.
//!
//! [`Simd`] is a proof that the CPU has a set of instructions, and the operations that they give: 16 lanes of
//! `f32`, and the integer dot products of a weight tile (see [`tile`]) with activations.
//! Everything above is written once, generic over [`Simd`], and runs inside [`Level::run`], so that a portable
//! build is as fast as one for this very CPU. All code on the way must be `#[inline(always)]`: what is not
//! inlined into [`Level::run`] is compiled for the plain target, and every intrinsic in it becomes a call. Closures
//! cannot carry the attribute, so that there are none around vectors. `nm` on a binary shows what went wrong: no
//! symbol of `core_arch` may be left.
#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the instruction set")]

pub(crate) mod attention;
pub(crate) mod half;
pub(crate) mod sys;
#[cfg(test)]
mod tests;
pub(crate) mod tile;
pub(crate) mod vector;

use tile::{Act, Block4, Block8, Scales};

/// Lanes of one vector: all layouts are in units of it.
pub(crate) const LANES: usize = 16;
/// Weights of one row that share a scale.
pub(crate) const BLOCK: usize = 32;

/// One vector's worth of `f32`.
pub(crate) type Lanes = [f32; LANES];
/// One vector's worth of half-precision numbers, as bits.
pub(crate) type HalfLanes = [u16; LANES];

/// Work that is generic over the instruction set.
pub(crate) trait Task {
    /// What it gives.
    type Out;
    /// Does it. Must be `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S) -> Self::Out;
}

/// Multiply-adds of 8-bit integers that stay in registers: what dot products are made of.
pub(crate) trait Dot8: Copy {
    /// Sums of 32 bits.
    type Sums: Copy;
    /// Integers of 8 bits, as many as are multiplied at a time.
    type Bytes: Copy;
    /// Multiply-adds of one [`Dot8::dot8`]; 0 where there is no instruction for them.
    const PRODUCTS: u64;

    /// Sums of nothing.
    fn sums(self) -> Self::Sums;
    /// All of them `x`, which is not negative.
    fn bytes(self, x: i8) -> Self::Bytes;
    /// `sums + a · b`.
    fn dot8(self, sums: Self::Sums, a: Self::Bytes, b: Self::Bytes) -> Self::Sums;
}

/// An instruction set that this CPU has: a value exists only where that is so.
pub(crate) trait Simd: Dot8 + Copy + Send + Sync + 'static {
    /// 16 lanes of `f32`.
    type V: Copy;
    /// Whether there are registers enough for 8 activation rows at a time; else 4 are taken.
    const WIDE: bool;

    /// Runs `task` compiled for this instruction set.
    fn vectorize<T: Task>(self, task: T) -> T::Out;

    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::V;
    /// Reads 16 numbers.
    fn load(self, from: &Lanes) -> Self::V;
    /// Reads 16 half-precision numbers; what it gives for infinities and NaN is not specified.
    fn load_half(self, from: &HalfLanes) -> Self::V;
    /// Writes 16 numbers.
    fn store(self, v: Self::V, to: &mut Lanes);
    /// Writes 16 numbers, rounded to half precision.
    fn store_half(self, v: Self::V, to: &mut HalfLanes);
    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, fused where the CPU can.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The greater of each lane.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller of each lane.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// Clears the signs.
    fn abs(self, a: Self::V) -> Self::V;
    /// The bits of each lane shifted left by 23, plus the bits of 1.0: 2^n for a lane that ends in the integer n.
    fn exponent(self, a: Self::V) -> Self::V;
    /// Sum of the lanes, in a fixed order.
    fn sum(self, a: Self::V) -> f32;
    /// The greatest lane.
    fn greatest(self, a: Self::V) -> f32;
    /// Rounds to the nearest integers, which must be in -127..=127, writes them and returns their sum.
    fn store_int8(self, v: Self::V, to: &mut [i8; LANES]) -> i32;

    /// Dot products of a tile of 4-bit weights with `N` activation rows.
    fn tile4<const N: usize, const MIN: bool>(
        self,
        q: &[Block4],
        scales: Scales<'_>,
        acts: &[Act<'_>; N],
    ) -> [Lanes; N];
    /// Dot products of a tile of 8-bit weights with `N` activation rows.
    fn tile8<const N: usize, const MIN: bool>(
        self,
        q: &[Block8],
        scales: Scales<'_>,
        acts: &[Act<'_>; N],
    ) -> [Lanes; N];
}

/// The instruction set in use.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    /// Plain Rust.
    Portable(sys::portable::Portable),
    /// AVX2, FMA and F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2(sys::avx2::Avx2),
    /// AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(sys::avx512::Avx512Vnni),
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon(sys::neon::Neon<false>),
    /// NEON with dot products.
    #[cfg(target_arch = "aarch64")]
    Dotprod(sys::neon::Neon<true>),
}

impl Level {
    /// All levels that this CPU has, slowest first.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn available() -> Vec<Self> {
        let mut levels = vec![Self::Portable(sys::portable::Portable)];
        levels.extend(sys::avx2::Avx2::detect().map(Self::Avx2));
        levels.extend(sys::avx512::Avx512Vnni::detect().map(Self::Avx512Vnni));
        levels
    }

    /// All levels that this CPU has, slowest first.
    #[cfg(target_arch = "aarch64")]
    pub(crate) fn available() -> Vec<Self> {
        let mut levels = vec![Self::Portable(sys::portable::Portable)];
        levels.extend(sys::neon::Neon::<false>::detect().map(Self::Neon));
        levels.extend(sys::neon::Neon::<true>::detect().map(Self::Dotprod));
        levels
    }

    /// All levels that this CPU has, slowest first.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(crate) fn available() -> Vec<Self> {
        vec![Self::Portable(sys::portable::Portable)]
    }

    /// The fastest level that this CPU has.
    pub(crate) fn detect() -> Self {
        Self::available().pop().expect("the portable level is always there")
    }

    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(_) => "avx512vnni",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
            #[cfg(target_arch = "aarch64")]
            Self::Dotprod(_) => "neon dotprod",
        }
    }

    /// Runs `task` compiled for this level.
    #[inline]
    pub(crate) fn run<T: Task>(self, task: T) -> T::Out {
        match self {
            Self::Portable(simd) => simd.vectorize(task),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.vectorize(task),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(simd) => simd.vectorize(task),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(simd) => simd.vectorize(task),
            #[cfg(target_arch = "aarch64")]
            Self::Dotprod(simd) => simd.vectorize(task),
        }
    }
}
