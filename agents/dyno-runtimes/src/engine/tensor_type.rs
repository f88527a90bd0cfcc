//! How tensors are stored in GGUF files, and how their numbers are read.
//!
//! Layouts are those of ggml (`ggml-common.h`): a block is a fixed number of weights with their scales.

use super::kernels::half::{bfloat_to_f32, half_to_f32};

/// Storage type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TensorType {
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// bfloat16.
    Bf16,
    /// 32 weights of 4 bits, a scale.
    Q4_0,
    /// 32 weights of 4 bits, a scale and a minimum.
    Q4_1,
    /// 32 weights of 5 bits, a scale.
    Q5_0,
    /// 32 weights of 5 bits, a scale and a minimum.
    Q5_1,
    /// 32 weights of 8 bits, a scale.
    Q8_0,
    /// 256 weights of 2 bits, 16 scales and minima of 4 bits.
    Q2K,
    /// 256 weights of 3 bits, 16 scales of 6 bits.
    Q3K,
    /// 256 weights of 4 bits, 8 scales and minima of 6 bits.
    Q4K,
    /// 256 weights of 5 bits, 8 scales and minima of 6 bits.
    Q5K,
    /// 256 weights of 6 bits, 16 scales of 8 bits.
    Q6K,
}

/// Type, number in files, name, weights per block, bytes per block.
const TABLE: [(TensorType, u32, &str, u64, u64); 13] = [
    (TensorType::F32, 0, "F32", 1, 4),
    (TensorType::F16, 1, "F16", 1, 2),
    (TensorType::Bf16, 30, "BF16", 1, 2),
    (TensorType::Q4_0, 2, "Q4_0", 32, 18),
    (TensorType::Q4_1, 3, "Q4_1", 32, 20),
    (TensorType::Q5_0, 6, "Q5_0", 32, 22),
    (TensorType::Q5_1, 7, "Q5_1", 32, 24),
    (TensorType::Q8_0, 8, "Q8_0", 32, 34),
    (TensorType::Q2K, 10, "Q2_K", 256, 84),
    (TensorType::Q3K, 11, "Q3_K", 256, 110),
    (TensorType::Q4K, 12, "Q4_K", 256, 144),
    (TensorType::Q5K, 13, "Q5_K", 256, 176),
    (TensorType::Q6K, 14, "Q6_K", 256, 210),
];

impl TensorType {
    fn row(self) -> &'static (Self, u32, &'static str, u64, u64) {
        TABLE.iter().find(|row| row.0 == self).expect("the table has every type")
    }

    /// The type of that number in files.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    /// Its number in files.
    pub(crate) fn code(self) -> u32 {
        self.row().1
    }

    /// Its name: `Q4_1`.
    pub(crate) fn name(self) -> &'static str {
        self.row().2
    }

    /// Weights per block.
    pub(crate) fn block_len(self) -> u64 {
        self.row().3
    }

    /// Bytes of `n` weights, `n` a multiple of the block length.
    pub(crate) fn bytes_of(self, n: u64) -> u64 {
        n / self.block_len() * self.row().4
    }

    /// `general.file_type` of a model whose matrices have this type (llama.cpp's `llama_ftype`, without a mix).
    pub(crate) fn file_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q8_0 => 7,
            Self::Q5_0 => 8,
            Self::Q5_1 => 9,
            Self::Q2K => 10,
            Self::Q3K => 12,
            Self::Q4K => 15,
            Self::Q5K => 17,
            Self::Q6K => 18,
            Self::Bf16 => 32,
        }
    }

    /// Whether its scales cover 16 weights, not 32.
    pub(crate) fn has_short_groups(self) -> bool {
        matches!(self, Self::Q2K | Self::Q3K | Self::Q6K)
    }

    /// Reads a whole number of blocks; `out` has as many elements as `bytes` hold.
    pub(crate) fn dequantize(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            Self::F32 => each(bytes, out, |raw: &[u8; 4]| f32::from_le_bytes(*raw)),
            Self::F16 => each(bytes, out, |raw: &[u8; 2]| half_to_f32(u16::from_le_bytes(*raw))),
            Self::Bf16 => each(bytes, out, |raw: &[u8; 2]| bfloat_to_f32(u16::from_le_bytes(*raw))),
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 | Self::Q4K | Self::Q5K => {
                for (i, out) in out.as_chunks_mut::<32>().0.iter_mut().enumerate() {
                    let group = self.group(bytes, i);
                    *out = group.q.map(|q| f32::from(q) * group.scale + group.min);
                }
            }
            Self::Q2K => blocks(bytes, out, super::k_quants::dequantize_q2),
            Self::Q3K => blocks(bytes, out, super::k_quants::dequantize_q3),
            Self::Q6K => blocks(bytes, out, super::k_quants::dequantize_q6),
        }
    }

    /// The `i`-th group of 32 weights that share a scale; only for types that have such groups.
    pub(crate) fn group(self, bytes: &[u8], i: usize) -> Group {
        let block_bytes = self.row().4 as usize;
        match self {
            Self::Q4_0 => {
                let block = &bytes[i * block_bytes..][..block_bytes];
                Group { q: nibbles(&block[2..]).map(|q| q - 8), scale: half_at(block, 0), min: 0.0 }
            }
            Self::Q4_1 => {
                let block = &bytes[i * block_bytes..][..block_bytes];
                Group { q: nibbles(&block[4..]), scale: half_at(block, 0), min: half_at(block, 2) }
            }
            Self::Q5_0 => {
                let block = &bytes[i * block_bytes..][..block_bytes];
                let q = with_fifth_bits(nibbles(&block[6..]), &block[2..]);
                Group { q: q.map(|q| q - 16), scale: half_at(block, 0), min: 0.0 }
            }
            Self::Q5_1 => {
                let block = &bytes[i * block_bytes..][..block_bytes];
                let q = with_fifth_bits(nibbles(&block[8..]), &block[4..]);
                Group { q, scale: half_at(block, 0), min: half_at(block, 2) }
            }
            Self::Q8_0 => {
                let block = &bytes[i * block_bytes..][..block_bytes];
                Group {
                    q: std::array::from_fn(|j| block[2 + j].cast_signed()),
                    scale: half_at(block, 0),
                    min: 0.0,
                }
            }
            Self::Q4K => super::k_quants::group_q4(&bytes[i / 8 * block_bytes..][..block_bytes], i % 8),
            Self::Q5K => super::k_quants::group_q5(&bytes[i / 8 * block_bytes..][..block_bytes], i % 8),
            Self::F32 | Self::F16 | Self::Bf16 | Self::Q2K | Self::Q3K | Self::Q6K => {
                unreachable!("{} has no groups of 32", self.name())
            }
        }
    }
}

/// 32 weights: `scale * q + min`.
pub(crate) struct Group {
    /// The integers.
    pub(crate) q: [i8; 32],
    /// Their step.
    pub(crate) scale: f32,
    /// What is added.
    pub(crate) min: f32,
}

/// The half-precision number at `at`.
pub(crate) fn half_at(bytes: &[u8], at: usize) -> f32 {
    half_to_f32(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

/// Low halves of 16 bytes, then their high halves.
fn nibbles(bytes: &[u8]) -> [i8; 32] {
    let bytes: &[u8; 16] = bytes.first_chunk().expect("a block has 16 bytes of nibbles");
    std::array::from_fn(|i| (if i < 16 { bytes[i] & 15 } else { bytes[i - 16] >> 4 }).cast_signed())
}

fn with_fifth_bits(q: [i8; 32], bits: &[u8]) -> [i8; 32] {
    let bits = u32::from_le_bytes(*bits.first_chunk().expect("a block has 32 fifth bits"));
    std::array::from_fn(|i| q[i] | (((bits >> i) & 1) << 4) as i8)
}

fn each<const B: usize>(bytes: &[u8], out: &mut [f32], read: impl Fn(&[u8; B]) -> f32) {
    for (raw, out) in bytes.as_chunks::<B>().0.iter().zip(out) {
        *out = read(raw);
    }
}

fn blocks<const B: usize>(bytes: &[u8], out: &mut [f32], read: impl Fn(&[u8; B], &mut [f32; 256])) {
    for (raw, out) in bytes.as_chunks::<B>().0.iter().zip(out.as_chunks_mut::<256>().0) {
        read(raw, out);
    }
}
