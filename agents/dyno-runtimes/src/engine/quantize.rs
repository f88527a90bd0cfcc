//! Making another quantization of a model: GGUF to GGUF.

use std::path::Path;

use super::error::EngineError;
use super::gguf::{Gguf, TensorInfo, Value, Writer};
use super::kernels::half::f32_to_half;
use super::tensor_type::TensorType;

/// Types that matrices can be quantized to.
const TARGETS: [(&str, TensorType); 5] = [
    ("q4_0", TensorType::Q4_0),
    ("q4_1", TensorType::Q4_1),
    ("q4_k", TensorType::Q4K),
    ("q8_0", TensorType::Q8_0),
    ("f16", TensorType::F16),
];

/// Rows that are read, quantized and written at a time, if they are not very long.
const ROWS_AT_A_TIME: u64 = 1024;
/// The most that is read at a time, but for one row.
const BYTES_AT_A_TIME: u64 = 64 << 20;
/// House rule: no real row comes near this, and memory holds it also where addresses have 32 bits.
const MAX_COLUMNS: u64 = 1 << 24;

/// The type of that name, if it is one of [`TARGETS`].
pub(crate) fn target(name: &str) -> Result<TensorType, EngineError> {
    let found = TARGETS.iter().find(|target| target.0.eq_ignore_ascii_case(name));
    found.map(|target| target.1).ok_or_else(|| EngineError::QuantizeTo {
        name: name.chars().take(64).collect(),
        expected: TARGETS.iter().map(|target| target.0).collect(),
    })
}

/// Writes `dst` with the matrices of `src` quantized to `to` (`q8_0`, `q4_0`, `q4_1`, `q4_k`, `f16`).
///
/// Vectors stay as they are, and all metadata but `general.file_type`. Embeddings and output go to Q8_0 where `to`
/// has fewer bits, for they are the most sensitive part; rows that do not divide into blocks of 256 go to Q4_1
/// where `to` is Q4_K. The bytes depend on `src` and `to` alone. `dst` appears when it is complete.
///
/// # Errors
/// When `src` cannot be read or is malformed, `to` is none of these, or `dst` cannot be written.
pub fn quantize(src: &Path, dst: &Path, to: &str, threads: u32) -> Result<(), EngineError> {
    let to = target(to)?;
    let gguf = Gguf::open(src)?;
    let mut metadata = gguf.metadata.clone();
    set(&mut metadata, "general.file_type", Value::u32(to.file_type()));
    set(&mut metadata, "general.quantization_version", Value::u32(2));
    if gguf.get("general.alignment").is_some() {
        set(&mut metadata, "general.alignment", Value::u32(super::gguf::DEFAULT_ALIGNMENT as u32));
    }
    let tensors: Vec<_> =
        gguf.tensors.iter().map(|info| (info.name.clone(), info.dims.clone(), type_for(info, to))).collect();
    let mut writer = Writer::create(dst, &metadata, &tensors)?;
    for (info, (_, _, kind)) in gguf.tensors.iter().zip(&tensors) {
        convert(&gguf, info, *kind, threads.clamp(1, 64), &mut writer)?;
        writer.pad()?;
    }
    writer.finish()
}

fn set(metadata: &mut Vec<(String, Value)>, key: &str, value: Value) {
    match metadata.iter_mut().find(|entry| entry.0 == key) {
        Some(entry) => entry.1 = value,
        None => metadata.push((key.to_owned(), value)),
    }
}

/// What a tensor is quantized to.
pub(crate) fn type_for(info: &TensorInfo, to: TensorType) -> TensorType {
    if info.dims.len() < 2 || !info.columns().is_multiple_of(32) {
        return info.kind;
    }
    let is_table = matches!(info.name.as_str(), "token_embd.weight" | "output.weight");
    match to {
        TensorType::Q4_0 | TensorType::Q4_1 | TensorType::Q4K if is_table => TensorType::Q8_0,
        TensorType::Q4K if !info.columns().is_multiple_of(256) => TensorType::Q4_1,
        _ => to,
    }
}

fn convert(
    gguf: &Gguf,
    info: &TensorInfo,
    to: TensorType,
    threads: u32,
    writer: &mut Writer,
) -> Result<(), EngineError> {
    let columns = info.columns();
    if columns > MAX_COLUMNS {
        return Err(gguf.unsupported(&format!("tensor `{}` with rows of {columns} numbers", info.name)));
    }
    let row_bytes = info.kind.bytes_of(columns);
    let n_rows = info.n_elements() / columns;
    let rows_at_a_time = (BYTES_AT_A_TIME / row_bytes).clamp(1, ROWS_AT_A_TIME);
    for first in (0..n_rows).step_by(rows_at_a_time as usize) {
        let n = rows_at_a_time.min(n_rows - first);
        let mut bytes = vec![0; (n * row_bytes) as usize];
        gguf.read_part(info, first * row_bytes, &mut bytes)?;
        if to == info.kind {
            writer.write(&bytes)?;
            continue;
        }
        let rows_per_thread = n.div_ceil(u64::from(threads));
        let parts = bytes.chunks((rows_per_thread * row_bytes) as usize);
        let done: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let threads: Vec<_> = parts
                .map(|part| scope.spawn(move || convert_rows(info.kind, to, columns as usize, part)))
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("quantizing does not panic")).collect()
        });
        for part in done {
            writer.write(&part)?;
        }
    }
    Ok(())
}

fn convert_rows(from: TensorType, to: TensorType, columns: usize, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut row = vec![0.0; columns];
    for raw in bytes.chunks_exact(from.bytes_of(columns as u64) as usize) {
        from.dequantize(raw, &mut row);
        quantize_row(to, &row, &mut out);
    }
    out
}

/// Appends a row of whole blocks.
fn quantize_row(to: TensorType, row: &[f32], out: &mut Vec<u8>) {
    match to {
        TensorType::F16 => out.extend(row.iter().flat_map(|x| f32_to_half(*x).to_le_bytes())),
        TensorType::Q8_0 => row.as_chunks::<32>().0.iter().for_each(|block| quantize_q8_0(block, out)),
        TensorType::Q4_0 => row.as_chunks::<32>().0.iter().for_each(|block| quantize_q4_0(block, out)),
        TensorType::Q4_1 => row.as_chunks::<32>().0.iter().for_each(|block| quantize_q4_1(block, out)),
        TensorType::Q4K => {
            row.as_chunks::<256>().0.iter().for_each(|block| super::k_quants::quantize_q4(block, out));
        }
        TensorType::F32
        | TensorType::Bf16
        | TensorType::Q5_0
        | TensorType::Q5_1
        | TensorType::Q2K
        | TensorType::Q3K
        | TensorType::Q5K
        | TensorType::Q6K => unreachable!("`target` and `type_for` give none of these"),
    }
}

fn inverse(x: f32) -> f32 {
    if x == 0.0 { 0.0 } else { 1.0 / x }
}

/// Scale: the greatest magnitude is 127 steps.
fn quantize_q8_0(block: &[f32; 32], out: &mut Vec<u8>) {
    let greatest = block.iter().fold(0.0_f32, |greatest, x| greatest.max(x.abs()));
    let scale = greatest / 127.0;
    out.extend(f32_to_half(scale).to_le_bytes());
    out.extend(block.map(|x| (x * inverse(scale)).round() as i8 as u8));
}

/// Scale: the number of greatest magnitude is 8 steps below zero.
fn quantize_q4_0(block: &[f32; 32], out: &mut Vec<u8>) {
    let extreme = block.iter().fold(0.0_f32, |extreme, x| if x.abs() > extreme.abs() { *x } else { extreme });
    let scale = extreme / -8.0;
    out.extend(f32_to_half(scale).to_le_bytes());
    let q = block.map(|x| (x * inverse(scale) + 8.0).round().clamp(0.0, 15.0) as u8);
    out.extend((0..16).map(|i| q[i] | q[i + 16] << 4));
}

/// Scale and minimum: the range is 15 steps.
fn quantize_q4_1(block: &[f32; 32], out: &mut Vec<u8>) {
    let low = block.iter().copied().fold(f32::INFINITY, f32::min);
    let high = block.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let scale = (high - low) / 15.0;
    out.extend(f32_to_half(scale).to_le_bytes());
    out.extend(f32_to_half(low).to_le_bytes());
    let q = block.map(|x| ((x - low) * inverse(scale)).round().clamp(0.0, 15.0) as u8);
    out.extend((0..16).map(|i| q[i] | q[i + 16] << 4));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(to: TensorType, row: &[f32]) -> Vec<f32> {
        let mut bytes = Vec::new();
        quantize_row(to, row, &mut bytes);
        assert_eq!(bytes.len() as u64, to.bytes_of(row.len() as u64));
        let mut out = vec![0.0; row.len()];
        to.dequantize(&bytes, &mut out);
        out
    }

    #[test]
    fn whole_steps_survive_quantization() {
        // -8..=7 twice is exact in Q4_0 (scale 1) and Q4_1 (scale 1, minimum -8); in Q8_0 scaled to 127 steps.
        let row: Vec<f32> = (0..32).map(|i| (i % 16) as f32 - 8.0).collect();
        assert_eq!(round_trip(TensorType::Q4_0, &row), row);
        assert_eq!(round_trip(TensorType::Q4_1, &row), row);
        let row: Vec<f32> = (0..32).map(|i| (i * 8) as f32 - 127.0).collect();
        assert_eq!(round_trip(TensorType::Q8_0, &row), row);
        assert_eq!(round_trip(TensorType::F16, &row), row);
        assert_eq!(round_trip(TensorType::Q8_0, &[0.0; 32]), [0.0; 32]);
        assert_eq!(round_trip(TensorType::Q4_0, &[0.0; 32]), [0.0; 32]);
        assert_eq!(round_trip(TensorType::Q4_1, &[3.0; 32]), [3.0; 32]);
    }

    #[test]
    fn tables_and_odd_rows_keep_more_bits() {
        let info = |name: &str, dims: &[u64]| TensorInfo {
            name: name.to_owned(),
            dims: dims.to_vec(),
            kind: TensorType::F16,
            offset: 0,
        };
        let check = |name, dims: &[u64], to, expected| assert_eq!(type_for(&info(name, dims), to), expected);
        check("blk.0.ffn_up.weight", &[512, 64], TensorType::Q4K, TensorType::Q4K);
        check("blk.0.ffn_up.weight", &[576, 64], TensorType::Q4K, TensorType::Q4_1);
        check("token_embd.weight", &[576, 64], TensorType::Q4_0, TensorType::Q8_0);
        check("output_norm.weight", &[576], TensorType::Q4_0, TensorType::F16);
    }

    #[test]
    fn an_unknown_target_names_the_known_ones() {
        let error = target("q9").expect_err("there is no such type");
        assert_eq!(error.to_string(), "cannot quantize to `q9`: expected one of q4_0, q4_1, q4_k, q8_0, f16");
    }
}
