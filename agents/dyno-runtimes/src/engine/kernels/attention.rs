//! Scores and weighted sums of one head over the key/value cache.
//!
//! Keys lie as blocks of 16 positions, transposed (`head_dim` vectors of 16 positions), so that scores of 16
//! positions need no horizontal sum; values lie position after position. Both are half precision.

use super::{HalfLanes, LANES, Simd};

/// Scores of `N` queries with all positions of `keys`; a query's scores are `keys.len() / head_dim` vectors.
///
/// Four independent sums per query hide the latency of the additions. Their order does not depend on `N`, so that a
/// query gets the same bits in a batch as alone.
#[inline(always)]
pub(crate) fn scores<S: Simd, const N: usize>(
    simd: S,
    keys: &[HalfLanes],
    queries: [&[f32]; N],
    scores: &mut [Vec<f32>; N],
) {
    /// Independent sums.
    const U: usize = 4;
    let head_dim = queries[0].len();
    let n_positions = keys.len() / head_dim * LANES;
    let mut outs = scores.each_mut().map(|row| row[..n_positions].as_chunks_mut::<LANES>().0.iter_mut());
    for block in keys.chunks_exact(head_dim) {
        let mut sums = [[simd.splat(0.0); U]; N];
        for (i, columns) in block.chunks_exact(U).enumerate() {
            for (u, column) in columns.iter().enumerate() {
                let key = simd.load_half(column);
                for (query, sum) in queries.iter().zip(&mut sums) {
                    sum[u] = simd.fma(key, simd.splat(query[i * U + u]), sum[u]);
                }
            }
        }
        for (sum, out) in sums.iter().zip(&mut outs) {
            let mut total = sum[0];
            for part in &sum[1..] {
                total = simd.add(total, *part);
            }
            simd.store(total, out.next().expect("as many outputs as blocks"));
        }
    }
}

/// Sums of the values weighted by `N` rows of `weights`, written to `outs`; `values` starts at the position of the
/// first weight.
#[inline(always)]
pub(crate) fn weigh<S: Simd, const N: usize>(
    simd: S,
    values: &[HalfLanes],
    weights: [&[f32]; N],
    outs: &mut [Vec<f32>; N],
) {
    let width = outs[0].len() / LANES;
    let mut done = 0;
    while done + 4 <= width {
        weigh_columns::<S, N, 4>(simd, values, width, done, weights, outs);
        done += 4;
    }
    while done < width {
        weigh_columns::<S, N, 1>(simd, values, width, done, weights, outs);
        done += 1;
    }
}

#[inline(always)]
fn weigh_columns<S: Simd, const N: usize, const C: usize>(
    simd: S,
    values: &[HalfLanes],
    width: usize,
    first: usize,
    weights: [&[f32]; N],
    outs: &mut [Vec<f32>; N],
) {
    let mut sums = [[simd.splat(0.0); C]; N];
    for (position, row) in values.chunks_exact(width).enumerate().take(weights[0].len()) {
        let mut columns = [simd.splat(0.0); C];
        for (column, half) in columns.iter_mut().zip(&row[first..]) {
            *column = simd.load_half(half);
        }
        for (weights, sum) in weights.iter().zip(&mut sums) {
            let weight = simd.splat(weights[position]);
            for (value, sum) in columns.iter().zip(sum) {
                *sum = simd.fma(*value, weight, *sum);
            }
        }
    }
    for (sum, out) in sums.iter().zip(outs) {
        let (chunks, _) = out.as_chunks_mut::<LANES>();
        for (sum, chunk) in sum.iter().zip(&mut chunks[first..]) {
            simd.store(*sum, chunk);
        }
    }
}
