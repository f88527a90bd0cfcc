//! The layout of weights and activations that the dot products read.
//!
//! A weight matrix is cut into tiles of 16 rows; a tile is a sequence of blocks of 32 columns. Within a block the
//! weights of 4 neighbouring columns lie together, row after row, so that one instruction multiplies 4 columns of
//! all 16 rows with the same 4 activations, and every row keeps its own lane: no horizontal sums.
//!
//! An activation row is quantized to 8 bits per block of 32 with one scale, as llama.cpp does for these formats.

use super::{BLOCK, HalfLanes, LANES, Lanes, Simd};

/// 16 rows × 32 columns of 4-bit weights: group `g` of 64 bytes holds columns `8g..8g + 4` of all rows in the low
/// halves and `8g + 4..8g + 8` in the high halves; within it, row `r` is bytes `4r..4r + 4`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Block4(pub(crate) [u8; 256]);

/// 16 rows × 32 columns of signed 8-bit weights: group `g` of 64 bytes holds columns `4g..4g + 4` of all rows.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Block8(pub(crate) [u8; 512]);

/// Scales of one tile, a vector of 16 rows per block, and minima, which formats without them leave empty.
#[derive(Clone, Copy)]
pub(crate) struct Scales<'a> {
    /// Step of the weights.
    pub(crate) scale: &'a [HalfLanes],
    /// What is added to every weight.
    pub(crate) min: &'a [HalfLanes],
}

impl<'a> Scales<'a> {
    /// Both as slices of exactly `n` blocks, so that the compiler can see the bounds.
    #[cfg_attr(
        not(any(target_arch = "x86_64", target_arch = "aarch64")),
        expect(dead_code, reason = "only vector kernels cut their slices")
    )]
    #[inline(always)]
    pub(crate) fn of<const MIN: bool>(self, n: usize) -> (&'a [HalfLanes], &'a [HalfLanes]) {
        (&self.scale[..n], if MIN { &self.min[..n] } else { &[] })
    }

    /// Reference of what the instruction sets do with the integer sums of block `b`.
    #[inline(always)]
    pub(crate) fn accumulate<const MIN: bool>(
        self,
        b: usize,
        dot: &[i32; LANES],
        act: &Act<'_>,
        out: &mut Lanes,
    ) {
        use super::half::half_to_f32;
        for (row, out) in out.iter_mut().enumerate() {
            *out += half_to_f32(self.scale[b][row]) * act.scale[b] * dot[row] as f32;
            if MIN {
                *out += half_to_f32(self.min[b][row]) * act.sum[b];
            }
        }
    }
}

/// One quantized activation row.
#[derive(Clone, Copy)]
pub(crate) struct Act<'a> {
    /// The integers, -127..=127.
    pub(crate) q: &'a [[i8; BLOCK]],
    /// Their step, one per block.
    pub(crate) scale: &'a [f32],
    /// Sum of the block's values: step times the sum of its integers.
    pub(crate) sum: &'a [f32],
    /// -8 times the sum of the block's integers: makes up for weights stored with 8 added.
    pub(crate) offset: &'a [i32],
    /// The row itself; empty where no matrix of the model is dense.
    pub(crate) dense: &'a [f32],
}

/// The first `n` blocks of each row, so that the compiler can see the bounds.
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    expect(dead_code, reason = "only vector kernels cut their slices")
)]
#[inline(always)]
pub(crate) fn cut<'a, const N: usize>(acts: &[Act<'a>; N], n: usize) -> [Act<'a>; N] {
    let mut out = *acts;
    for act in &mut out {
        act.q = &act.q[..n];
        act.scale = &act.scale[..n];
        act.sum = &act.sum[..n];
        act.offset = &act.offset[..n];
    }
    out
}

/// Vectors as numbers.
#[inline(always)]
pub(crate) fn stored<S: Simd, const N: usize>(simd: S, sums: &[S::V; N]) -> [Lanes; N] {
    let mut out = [[0.0; LANES]; N];
    for (sum, out) in sums.iter().zip(&mut out) {
        simd.store(*sum, out);
    }
    out
}

/// Where a quantized activation row is written.
pub(crate) struct ActMut<'a> {
    /// As in [`Act`].
    pub(crate) q: &'a mut [[i8; BLOCK]],
    /// As in [`Act`].
    pub(crate) scale: &'a mut [f32],
    /// As in [`Act`].
    pub(crate) sum: &'a mut [f32],
    /// As in [`Act`].
    pub(crate) offset: &'a mut [i32],
    /// As in [`Act`].
    pub(crate) dense: &'a mut [f32],
}

/// Quantizes a row, whose length is the target's.
#[inline(always)]
pub(crate) fn quantize<S: Simd>(simd: S, row: &[f32], to: ActMut<'_>) {
    let (blocks, rest) = row.as_chunks::<BLOCK>();
    assert!(rest.is_empty() && blocks.len() == to.q.len(), "rows are whole blocks");
    if !to.dense.is_empty() {
        to.dense.copy_from_slice(row);
    }
    let scales = to.scale.iter_mut().zip(to.sum).zip(to.offset);
    for ((block, q), ((scale, sum), offset)) in blocks.iter().zip(to.q).zip(scales) {
        let (halves, _) = block.as_chunks::<LANES>();
        let (a, b) = (simd.load(&halves[0]), simd.load(&halves[1]));
        let greatest = simd.greatest(simd.max(simd.abs(a), simd.abs(b)));
        *scale = greatest / 127.0;
        let inverse = simd.splat(if greatest > 0.0 { 127.0 / greatest } else { 0.0 });
        // Also what is no number at all comes out within the bounds.
        let (low, high) = (simd.splat(-127.0), simd.splat(127.0));
        let a = simd.min(simd.max(simd.mul(a, inverse), low), high);
        let b = simd.min(simd.max(simd.mul(b, inverse), low), high);
        let (parts, _) = q.as_chunks_mut::<LANES>();
        let whole = simd.store_int8(a, &mut parts[0]) + simd.store_int8(b, &mut parts[1]);
        *sum = *scale * whole as f32;
        *offset = -8 * whole;
    }
}

/// Dot products of a dense tile (`columns` vectors of 16 rows) with `N` activation rows.
#[inline(always)]
pub(crate) fn dense<S: Simd, T, const N: usize>(
    simd: S,
    tile: &[T],
    acts: &[Act<'_>; N],
    load: impl Fn(S, &T) -> S::V,
) -> [Lanes; N] {
    let mut rows = [acts[0].dense; N];
    for (row, act) in rows.iter_mut().zip(acts) {
        *row = &act.dense[..tile.len()];
    }
    let mut sums = [simd.splat(0.0); N];
    for (column, weights) in tile.iter().enumerate() {
        let weights = load(simd, weights);
        for (row, sum) in rows.iter().zip(&mut sums) {
            *sum = simd.fma(weights, simd.splat(row[column]), *sum);
        }
    }
    stored(simd, &sums)
}
