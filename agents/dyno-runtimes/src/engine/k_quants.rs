//! Blocks of 256 weights with scales that are themselves quantized (ggml's K-quants).

use super::tensor_type::{Group, half_at};

/// Scale and minimum of group `i` (0..8): 6 bits each, packed into 12 bytes.
fn scale_and_min(packed: &[u8], i: usize) -> (u8, u8) {
    if i < 4 {
        return (packed[i] & 63, packed[i + 4] & 63);
    }
    let low = packed[i + 4];
    ((low & 15) | (packed[i - 4] >> 6 << 4), (low >> 4) | (packed[i] >> 6 << 4))
}

/// Packs 8 scales and minima below 64: the inverse of `scale_and_min`.
fn pack_scales(scales: [u8; 8], mins: [u8; 8]) -> [u8; 12] {
    let mut packed = [0; 12];
    for i in 0..4 {
        packed[i] = scales[i] | (scales[i + 4] >> 4 << 6);
        packed[i + 4] = mins[i] | (mins[i + 4] >> 4 << 6);
        packed[i + 8] = (scales[i + 4] & 15) | (mins[i + 4] << 4);
    }
    packed
}

fn half_byte(bytes: &[u8], group: usize) -> [i8; 32] {
    let bytes = &bytes[group / 2 * 32..][..32];
    std::array::from_fn(|i| {
        (if group.is_multiple_of(2) { bytes[i] & 15 } else { bytes[i] >> 4 }).cast_signed()
    })
}

/// Group `i` of a Q4_K block: scale, minimum scale, 12 bytes of scales, 128 bytes of nibbles.
pub(crate) fn group_q4(block: &[u8], i: usize) -> Group {
    let (scale, min) = scale_and_min(&block[4..16], i);
    Group {
        q: half_byte(&block[16..], i),
        scale: half_at(block, 0) * f32::from(scale),
        min: -half_at(block, 2) * f32::from(min),
    }
}

/// Group `i` of a Q5_K block: as Q4_K, with 32 bytes of fifth bits before the nibbles, bit `i` for group `i`.
pub(crate) fn group_q5(block: &[u8], i: usize) -> Group {
    let (scale, min) = scale_and_min(&block[4..16], i);
    let mut q = half_byte(&block[48..], i);
    for (q, high) in q.iter_mut().zip(&block[16..48]) {
        *q |= ((high >> i & 1) << 4).cast_signed();
    }
    Group { q, scale: half_at(block, 0) * f32::from(scale), min: -half_at(block, 2) * f32::from(min) }
}

/// Q2_K: 16 bytes of scales (low) and minima (high), 64 bytes of weights, scale, minimum scale.
pub(crate) fn dequantize_q2(block: &[u8; 84], out: &mut [f32; 256]) {
    let (scale, min) = (half_at(block, 80), half_at(block, 82));
    for (i, out) in out.iter_mut().enumerate() {
        let group = block[i / 16];
        let q = block[16 + i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
        *out = scale * f32::from(group & 15) * f32::from(q) - min * f32::from(group >> 4);
    }
}

/// Q3_K: 32 bytes of high bits, 64 bytes of low bits, 12 bytes of scales (6 bits, 32 added), scale.
pub(crate) fn dequantize_q3(block: &[u8; 110], out: &mut [f32; 256]) {
    let scale = half_at(block, 108);
    let packed = &block[96..108];
    for (i, out) in out.iter_mut().enumerate() {
        let group = i / 16;
        let low = packed[group % 8] >> (group / 8 * 4) & 15;
        let high = packed[8 + group % 4] >> (group / 4 * 2) & 3;
        let group_scale = i16::from(low | high << 4) - 32;
        let q = block[32 + i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
        let high_bit = block[i % 32] >> (i / 32) & 1;
        *out = scale * f32::from(group_scale) * (f32::from(q) - if high_bit == 1 { 0.0 } else { 4.0 });
    }
}

/// Q6_K: 128 bytes of low halves, 64 bytes of high pairs, 16 signed scales, scale.
pub(crate) fn dequantize_q6(block: &[u8; 210], out: &mut [f32; 256]) {
    let scale = half_at(block, 208);
    for (i, out) in out.iter_mut().enumerate() {
        let (half, quarter, column) = (i / 128, i % 128 / 32, i % 32);
        let low = block[half * 64 + quarter % 2 * 32 + column] >> (quarter / 2 * 4) & 15;
        let high = block[128 + half * 32 + column] >> (quarter * 2) & 3;
        let q = f32::from(low | high << 4) - 32.0;
        *out = scale * f32::from(block[192 + i / 16].cast_signed()) * q;
    }
}

/// Quantizes 256 weights to Q4_K.
///
/// Each group of 32 gets the best scale and minimum by a few rounds of least squares; then scales and minima are
/// rounded to 6 bits of the block's greatest, and the weights to the scales that result.
pub(crate) fn quantize_q4(weights: &[f32; 256], out: &mut Vec<u8>) {
    use super::kernels::half::{f32_to_half, half_to_f32};
    let (groups, _) = weights.as_chunks::<32>();
    let fits: Vec<(f32, f32)> = groups.iter().map(fit_group).collect();
    let greatest = |of: fn(&(f32, f32)) -> f32| fits.iter().map(of).fold(0.0, f32::max);
    let scale = f32_to_half(greatest(|fit| fit.0) / 63.0);
    let min = f32_to_half(greatest(|fit| fit.1) / 63.0);
    let rounded = |x: f32, step: u16| {
        let step = half_to_f32(step);
        if step > 0.0 { (x / step).round().clamp(0.0, 63.0) as u8 } else { 0 }
    };
    let scales: [u8; 8] = std::array::from_fn(|i| rounded(fits[i].0, scale));
    let mins: [u8; 8] = std::array::from_fn(|i| rounded(fits[i].1, min));
    out.extend(scale.to_le_bytes());
    out.extend(min.to_le_bytes());
    out.extend(pack_scales(scales, mins));
    let quantized: Vec<[u8; 32]> = (0..8)
        .map(|i| {
            let step = half_to_f32(scale) * f32::from(scales[i]);
            let low = half_to_f32(min) * f32::from(mins[i]);
            groups[i].map(|w| if step > 0.0 { ((w + low) / step).round().clamp(0.0, 15.0) as u8 } else { 0 })
        })
        .collect();
    for pair in quantized.chunks_exact(2) {
        out.extend((0..32).map(|i| pair[0][i] | pair[1][i] << 4));
    }
}

/// Scale `s` and minimum `m`, both at least 0, so that `s * q - m` with q in 0..=15 is near the weights.
fn fit_group(weights: &[f32; 32]) -> (f32, f32) {
    let low = weights.iter().copied().fold(0.0, f32::min);
    let high = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if high <= low {
        return (0.0, -low);
    }
    let mut best = (f32::INFINITY, 0.0, 0.0);
    // Steps somewhat smaller and greater than the plain one: what is cut off at the ends may be worth it.
    for trial in 0..=8 {
        let step = (high - low) / (14.0 + 0.25 * trial as f32);
        let (scale, min) = refine(weights, step, low);
        let error: f32 = weights.iter().map(|w| (quantized(*w, scale, -min) * scale - min - w).powi(2)).sum();
        if error < best.0 {
            best = (error, scale, min);
        }
    }
    (best.1, best.2)
}

fn quantized(weight: f32, step: f32, low: f32) -> f32 {
    if step > 0.0 { ((weight - low) / step).round().clamp(0.0, 15.0) } else { 0.0 }
}

/// One round of least squares for `scale * q - min` with the integers that `step` and `low` give.
fn refine(weights: &[f32; 32], step: f32, low: f32) -> (f32, f32) {
    let (mut q_sum, mut q2, mut w_sum, mut qw) = (0.0_f32, 0.0, 0.0, 0.0);
    for &w in weights {
        let q = quantized(w, step, low);
        q_sum += q;
        q2 += q * q;
        w_sum += w;
        qw += q * w;
    }
    let n = weights.len() as f32;
    let determinant = n * q2 - q_sum * q_sum;
    if determinant <= 0.0 {
        return (step, -low);
    }
    let scale = (n * qw - q_sum * w_sum) / determinant;
    let min = (q_sum * qw - q2 * w_sum) / determinant;
    if min < 0.0 { (if q2 > 0.0 { qw / q2 } else { step }, 0.0) } else { (scale.max(0.0), min) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rng::SplitMix;

    #[test]
    fn scales_survive_packing() {
        let scales = [0, 63, 17, 32, 48, 5, 63, 16];
        let mins = [63, 1, 15, 33, 62, 0, 31, 47];
        let packed = pack_scales(scales, mins);
        for i in 0..8 {
            assert_eq!(scale_and_min(&packed, i), (scales[i], mins[i]));
        }
    }

    #[test]
    fn q4_k_of_noise_has_the_error_of_four_bits() {
        // Uniform noise in -1..1 over 15 steps of 2/15: the error of rounding is 2/15/√12 = 0.038; the 6-bit
        // scales add a little.
        let mut rng = SplitMix::new(3);
        let weights: [f32; 256] = std::array::from_fn(|_| (rng.next_f64() * 2.0 - 1.0) as f32);
        let mut block = Vec::new();
        quantize_q4(&weights, &mut block);
        assert_eq!(block.len(), 144);
        let mut squares = 0.0;
        for group in 0..8 {
            let read = group_q4(&block, group);
            for i in 0..32 {
                squares += (f32::from(read.q[i]) * read.scale + read.min - weights[group * 32 + i]).powi(2);
            }
        }
        let error = (squares / 256.0_f32).sqrt();
        assert!(error > 0.02 && error < 0.042, "{error}");
    }

    #[test]
    fn q6_block_by_hand() {
        // Weight 0: low half 5, high pair 2 -> 37 - 32 = 5; its group's scale -3; block scale 0.5: -7.5.
        let mut block = [0; 210];
        block[0] = 5;
        block[128] = 2;
        block[192] = (-3_i8) as u8;
        block[208..].copy_from_slice(&0x3800_u16.to_le_bytes());
        let mut out = [0.0; 256];
        dequantize_q6(&block, &mut out);
        assert!((out[0] + 7.5).abs() < 1e-6);
        // Weight 1 of the same group: 0 - 32, times -3 and 0.5.
        assert!((out[1] - 48.0).abs() < 1e-6);
    }

    #[test]
    fn q3_and_q2_blocks_by_hand() {
        // Q3_K: weight 0 has low bits 3, high bit set -> 3; scale bits 33 -> 1; block scale 2 -> 6.
        let mut block = [0; 110];
        block[0] = 1;
        block[32] = 3;
        block[96] = 1;
        block[104] = 2;
        block[108..].copy_from_slice(&0x4000_u16.to_le_bytes());
        let mut out = [0.0; 256];
        dequantize_q3(&block, &mut out);
        assert!((out[0] - 6.0).abs() < 1e-6);
        // Q2_K: weight 0 is 2; scale 3, minimum 1; block scale 2, minimum scale 1: 2 * 3 * 2 - 1.
        let mut block = [0; 84];
        block[0] = 0x13;
        block[16] = 2;
        block[80..82].copy_from_slice(&0x4000_u16.to_le_bytes());
        block[82..].copy_from_slice(&0x3c00_u16.to_le_bytes());
        dequantize_q2(&block, &mut out);
        assert!((out[0] - 11.0).abs() < 1e-6);
    }
}
