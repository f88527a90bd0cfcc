//! Models of a given shape whose weights are seeded noise: speed without a download, and small files for tests.

use std::path::Path;

use dyno_model::plan::SyntheticShape;

use super::error::EngineError;
use super::facts::SYNTHETIC_KEY;
use super::gguf::{TensorInfo, Value, Writer};
use super::kernels::half::f32_to_half;
use super::quantize::{target, type_for};
use super::rng::SplitMix;
use super::tensor_type::TensorType;

/// Tokens before the bytes: end of text, begin and end of a turn.
const CONTROL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// Merges of the built-in vocabulary: the commonest pairs of English, in GPT-2's alphabet.
const MERGES: [&str; 24] = [
    "Ġ t", "Ġ a", "h e", "i n", "r e", "o n", "Ġt he", "e r", "Ġ s", "a t", "Ġ w", "Ġ o", "e n", "Ġ c",
    "i t", "i s", "a n", "o r", "e s", "Ġ b", "e d", "Ġ f", "in g", "Ġa n",
];

/// ChatML, as the models of this size use it.
const TEMPLATE: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] \
                        + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}\
                        {% endif %}";

/// Writes a model of that shape whose weights the seed alone decides.
///
/// The file is a valid GGUF with a small byte-level tokenizer, padded to the size of the vocabulary, and the mark
/// `edgedyno.synthetic`. Weights are written as they are drawn, so that the size of a model does not matter. They
/// are scaled by the width of their matrix, so that activations neither vanish nor overflow.
///
/// # Errors
/// When the shape is impossible, or the file cannot be written; `dst` appears when it is complete.
pub fn write_synthetic(dst: &Path, shape: &SyntheticShape, seed: u64) -> Result<(), EngineError> {
    let to = target(&shape.quantization)?;
    check(shape)?;
    let tensors: Vec<_> = tensors(shape)
        .into_iter()
        .map(|(name, dims)| {
            let info = TensorInfo { name, dims, kind: TensorType::F32, offset: 0 };
            let kind = type_for(&info, to);
            (info.name, info.dims, kind)
        })
        .collect();
    let mut writer = Writer::create(dst, &metadata(shape, to), &tensors)?;
    let mut rng = SplitMix::new(seed);
    for (_, dims, kind) in &tensors {
        if dims.len() == 1 {
            let ones: Vec<u8> = (0..dims[0]).flat_map(|_| 1.0_f32.to_le_bytes()).collect();
            writer.write(&ones)?;
        } else {
            write_noise(&mut writer, *kind, dims, &mut rng)?;
        }
        writer.pad()?;
    }
    writer.finish()
}

fn check(shape: &SyntheticShape) -> Result<(), EngineError> {
    let wrong = |what: String| Err(EngineError::Shape { what });
    if !super::error::ARCHITECTURES.contains(&shape.architecture.as_str()) {
        let known = super::error::ARCHITECTURES.join(", ");
        return wrong(format!("architecture `{}`, expected one of {known}", shape.architecture));
    }
    let least = (CONTROL.len() + 256 + MERGES.len()) as u32;
    if shape.n_vocabulary < least {
        return wrong(format!("a vocabulary of {}, expected at least {least}", shape.n_vocabulary));
    }
    let widths = [shape.n_embedding, shape.n_feed_forward, shape.head_dim];
    if widths.iter().any(|width| *width == 0 || !width.is_multiple_of(32) || *width > 1 << 16) {
        return wrong(format!("widths {widths:?}, expected multiples of 32 up to 65536"));
    }
    let heads = shape.n_heads > 0 && shape.n_kv_heads > 0 && shape.n_heads.is_multiple_of(shape.n_kv_heads);
    if !heads
        || shape.n_heads > 1024
        || shape.n_layers == 0
        || shape.n_layers > 512
        || shape.context_tokens == 0
    {
        return wrong(format!(
            "{} layers, {} heads, {} key/value heads",
            shape.n_layers, shape.n_heads, shape.n_kv_heads
        ));
    }
    Ok(())
}

/// Names and shapes in the order of the file.
fn tensors(shape: &SyntheticShape) -> Vec<(String, Vec<u64>)> {
    let n = u64::from(shape.n_embedding);
    let ff = u64::from(shape.n_feed_forward);
    let head = u64::from(shape.head_dim);
    let (q, kv) = (head * u64::from(shape.n_heads), head * u64::from(shape.n_kv_heads));
    let vocabulary = u64::from(shape.n_vocabulary);
    let mut layer = vec![
        ("attn_norm", vec![n]),
        ("attn_q", vec![n, q]),
        ("attn_k", vec![n, kv]),
        ("attn_v", vec![n, kv]),
        ("attn_output", vec![q, n]),
        ("ffn_norm", vec![n]),
        ("ffn_gate", vec![n, ff]),
        ("ffn_up", vec![n, ff]),
        ("ffn_down", vec![ff, n]),
    ];
    if shape.architecture == "gemma3" {
        layer.extend([
            ("attn_q_norm", vec![head]),
            ("attn_k_norm", vec![head]),
            ("post_attention_norm", vec![n]),
            ("post_ffw_norm", vec![n]),
        ]);
    }
    let mut out = vec![("token_embd.weight".to_owned(), vec![n, vocabulary])];
    for i in 0..shape.n_layers {
        out.extend(layer.iter().map(|(name, dims)| (format!("blk.{i}.{name}.weight"), dims.clone())));
    }
    out.push(("output_norm.weight".to_owned(), vec![n]));
    if !shape.tied_embeddings {
        out.push(("output.weight".to_owned(), vec![n, vocabulary]));
    }
    out
}

fn metadata(shape: &SyntheticShape, to: TensorType) -> Vec<(String, Value)> {
    let mut out = Vec::new();
    let mut add = |key: &str, value: Value| out.push((key.replace("{}", &shape.architecture), value));
    add("general.architecture", Value::string(&shape.architecture));
    add("general.name", Value::string(&format!("synthetic {} {}", shape.architecture, to.name())));
    add("general.file_type", Value::u32(to.file_type()));
    add("general.quantization_version", Value::u32(2));
    add(SYNTHETIC_KEY, Value::bool(true));
    add("{}.block_count", Value::u32(shape.n_layers));
    add("{}.context_length", Value::u32(shape.context_tokens));
    add("{}.embedding_length", Value::u32(shape.n_embedding));
    add("{}.feed_forward_length", Value::u32(shape.n_feed_forward));
    add("{}.attention.head_count", Value::u32(shape.n_heads));
    add("{}.attention.head_count_kv", Value::u32(shape.n_kv_heads));
    add("{}.attention.key_length", Value::u32(shape.head_dim));
    add("{}.attention.value_length", Value::u32(shape.head_dim));
    add("{}.attention.layer_norm_rms_epsilon", Value::f32(1e-5));
    if shape.architecture == "gemma3" {
        add("{}.attention.sliding_window", Value::u32(512));
        add("{}.rope.freq_base", Value::f32(1_000_000.0));
    } else {
        add("{}.rope.dimension_count", Value::u32(shape.head_dim));
        add("{}.rope.freq_base", Value::f32(10_000.0));
        add("{}.vocab_size", Value::u32(shape.n_vocabulary));
    }
    let (tokens, kinds) = vocabulary(shape.n_vocabulary as usize);
    add("tokenizer.ggml.model", Value::string("gpt2"));
    add("tokenizer.ggml.pre", Value::string("gpt-2"));
    add("tokenizer.ggml.tokens", Value::strings(&tokens));
    add("tokenizer.ggml.token_type", Value::i32s(&kinds));
    add("tokenizer.ggml.merges", Value::strings(&MERGES));
    add("tokenizer.ggml.bos_token_id", Value::u32(1));
    add("tokenizer.ggml.eos_token_id", Value::u32(2));
    add("tokenizer.ggml.add_bos_token", Value::bool(false));
    add("tokenizer.chat_template", Value::string(TEMPLATE));
    out
}

/// Control tokens, bytes, merges, and padding; with their types. Padding is text, so that answers of a model that
/// draws from noise have some; no merge leads to it, so that no prompt has it.
fn vocabulary(n: usize) -> (Vec<String>, Vec<i32>) {
    let mut tokens: Vec<String> = CONTROL.iter().map(|text| (*text).to_owned()).collect();
    tokens.extend((0..=255).map(|byte| super::tokenizer::written_byte(byte).to_string()));
    tokens.extend(MERGES.iter().map(|merge| merge.replacen(' ', "", 1)));
    tokens.extend((tokens.len()..n).map(|i| format!("Ġw{i}")));
    let kinds = (0..n).map(|i| if i < CONTROL.len() { 3 } else { 1 }).collect();
    (tokens, kinds)
}

/// Draws a matrix block by block: random integers, and scales that make the weights' deviation `1 / √columns`.
fn write_noise(
    writer: &mut Writer,
    kind: TensorType,
    dims: &[u64],
    rng: &mut SplitMix,
) -> Result<(), EngineError> {
    let deviation = 1.0 / (dims[0] as f32).sqrt();
    let n_blocks = dims.iter().product::<u64>() / kind.block_len();
    let block_bytes = kind.bytes_of(kind.block_len()) as usize;
    let mut buffer = Vec::with_capacity(1 << 16);
    for _ in 0..n_blocks {
        let start = buffer.len();
        while buffer.len() < start + block_bytes {
            buffer.extend(rng.next_u64().to_le_bytes());
        }
        buffer.truncate(start + block_bytes);
        set_scales(kind, deviation, &mut buffer[start..]);
        if buffer.len() >= (1 << 16) - 512 {
            writer.write(&buffer)?;
            buffer.clear();
        }
    }
    writer.write(&buffer)
}

/// Overwrites the scales of a block of random bytes.
fn set_scales(kind: TensorType, deviation: f32, block: &mut [u8]) {
    // Standard deviation of a uniform integer of that many bits: √((4^bits - 1) / 12).
    let step = |bits: i32| deviation / ((4.0_f32.powi(bits) - 1.0) / 12.0).sqrt();
    let mut put = |at: usize, x: f32| block[at..at + 2].copy_from_slice(&f32_to_half(x).to_le_bytes());
    match kind {
        TensorType::Q4_0 => put(0, step(4)),
        TensorType::Q8_0 => put(0, step(8)),
        TensorType::Q4_1 => {
            put(0, step(4));
            put(2, -7.5 * step(4));
        }
        TensorType::Q4K => {
            // All group scales and minima are 32.
            put(0, step(4) / 32.0);
            put(2, 7.5 * step(4) / 32.0);
            block[4..12].fill(32 | 2 << 6);
            block[12..16].fill(0);
        }
        TensorType::F16 => {
            // A random 16-bit number as the magnitude, uniform in ±√3 deviations.
            let uniform = f32::from(i16::from_le_bytes([block[0], block[1]])) / 32768.0;
            block.copy_from_slice(&f32_to_half(uniform * 3.0_f32.sqrt() * deviation).to_le_bytes());
        }
        TensorType::F32
        | TensorType::Bf16
        | TensorType::Q5_0
        | TensorType::Q5_1
        | TensorType::Q2K
        | TensorType::Q3K
        | TensorType::Q5K
        | TensorType::Q6K => unreachable!("`target` gives none of these"),
    }
}
