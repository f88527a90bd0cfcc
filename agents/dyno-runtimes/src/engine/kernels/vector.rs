//! Operations on rows of `f32`. Lengths are multiples of 16 where a row is a vector of the model.

use super::{LANES, Lanes, Simd};

/// Sum of squares.
#[inline(always)]
fn sum_of_squares<S: Simd>(simd: S, row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sum = simd.splat(0.0);
    for chunk in chunks {
        let x = simd.load(chunk);
        sum = simd.fma(x, x, sum);
    }
    simd.sum(sum) + rest.iter().map(|x| x * x).sum::<f32>()
}

/// Root-mean-square norm: `x * weight / sqrt(mean(x²) + eps)`.
#[inline(always)]
pub(crate) fn rms_norm<S: Simd>(simd: S, row: &[f32], weight: &[f32], eps: f32, to: &mut [f32]) {
    let mean = sum_of_squares(simd, row) / row.len() as f32;
    let factor = 1.0 / (mean + eps).sqrt();
    let factors = simd.splat(factor);
    let (chunks, rest) = row.as_chunks::<LANES>();
    let (weights, weights_rest) = weight.as_chunks::<LANES>();
    let (outs, outs_rest) = to.as_chunks_mut::<LANES>();
    for ((x, w), out) in chunks.iter().zip(weights).zip(outs) {
        simd.store(simd.mul(simd.mul(simd.load(x), factors), simd.load(w)), out);
    }
    for ((x, w), out) in rest.iter().zip(weights_rest).zip(outs_rest) {
        *out = x * factor * w;
    }
}

/// `to += row`.
#[inline(always)]
pub(crate) fn add<S: Simd>(simd: S, row: &[f32], to: &mut [f32]) {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let (outs, outs_rest) = to.as_chunks_mut::<LANES>();
    for (x, out) in chunks.iter().zip(outs) {
        simd.store(simd.add(simd.load(x), simd.load(out)), out);
    }
    for (x, out) in rest.iter().zip(outs_rest) {
        *out += x;
    }
}

/// e^x to 2 units in the last place for -87 < x < 88, 0 or the greatest finite number's neighbourhood beyond.
///
/// Cody and Waite's reduction to |r| <= ln 2 / 2, then the Taylor polynomial of degree 6 and a shift of the exponent.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::V) -> S::V {
    // Adding 1.5 * 2^23 leaves a whole number in the low bits.
    let magic = simd.splat(12_582_912.0);
    let x = simd.max(simd.min(x, simd.splat(88.0)), simd.splat(-87.0));
    let shifted = simd.fma(x, simd.splat(std::f32::consts::LOG2_E), magic);
    let n = simd.sub(shifted, magic);
    // ln 2 in two parts, the first exact in 12 bits.
    let r = simd.fma(n, simd.splat(-0.693_359_4), x);
    let r = simd.fma(n, simd.splat(2.121_944_4e-4), r);
    let mut poly = simd.splat(1.0 / 720.0);
    for factor in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        poly = simd.fma(poly, r, simd.splat(factor));
    }
    simd.mul(poly, simd.exponent(shifted))
}

/// `silu(gate) * up`.
#[inline(always)]
pub(crate) fn silu_mul<S: Simd>(simd: S, gate: &Lanes, up: &Lanes) -> Lanes {
    let gate = simd.load(gate);
    let one = simd.splat(1.0);
    let bottom = simd.add(one, exp(simd, simd.sub(simd.splat(0.0), gate)));
    stored(simd, simd.mul(simd.div(gate, bottom), simd.load(up)))
}

/// `gelu(gate) * up`, gelu by its tanh formula: `x / (1 + e^(-2 √(2/π) (x + 0.044715 x³)))`.
#[inline(always)]
pub(crate) fn gelu_mul<S: Simd>(simd: S, gate: &Lanes, up: &Lanes) -> Lanes {
    let x = simd.load(gate);
    let one = simd.splat(1.0);
    let cubic = simd.fma(simd.mul(x, x), simd.splat(0.044_715), one);
    let inner = simd.mul(simd.mul(x, cubic), simd.splat(-2.0 * 0.797_884_6));
    let bottom = simd.add(one, exp(simd, inner));
    stored(simd, simd.mul(simd.div(x, bottom), simd.load(up)))
}

#[inline(always)]
fn stored<S: Simd>(simd: S, v: S::V) -> Lanes {
    let mut out = [0.0; LANES];
    simd.store(v, &mut out);
    out
}

/// Replaces scores by their softmax; returns nothing but needs whole vectors (pad with minus infinity).
#[inline(always)]
pub(crate) fn softmax<S: Simd>(simd: S, scores: &mut [f32]) {
    let (chunks, _) = scores.as_chunks_mut::<LANES>();
    let mut greatest = simd.splat(f32::NEG_INFINITY);
    for chunk in chunks.iter() {
        greatest = simd.max(greatest, simd.load(chunk));
    }
    let greatest = simd.splat(simd.greatest(greatest));
    let mut sum = simd.splat(0.0);
    for chunk in chunks.iter_mut() {
        let e = exp(simd, simd.sub(simd.load(chunk), greatest));
        sum = simd.add(sum, e);
        simd.store(e, chunk);
    }
    let inverse = simd.splat(1.0 / simd.sum(sum));
    for chunk in chunks {
        simd.store(simd.mul(simd.load(chunk), inverse), chunk);
    }
}
