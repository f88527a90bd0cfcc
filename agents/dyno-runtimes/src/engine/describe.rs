//! What a model file says of itself, whatever engine runs it: its header is read, and no weight.

use std::path::Path;

use dyno_model::launch::ModelFacts;

use super::error::EngineError;
use super::facts::{SYNTHETIC_KEY, main_type, with_provenance};
use super::gguf::{Gguf, TensorInfo, Value};
use super::kv;
use super::tokenizer::Tokenizer;

/// Facts of a GGUF file of any architecture.
///
/// Weights read for each token are those of all blocks and of the output; of a mixture of experts, the share of the
/// experts that a token passes through.
///
/// # Errors
/// A file that is no GGUF, or one that does not say its shape.
pub fn describe(path: &Path) -> Result<ModelFacts, EngineError> {
    let gguf = Gguf::open(path)?;
    let text = |key: &str| gguf.get(key).and_then(Value::to_text).map(str::to_owned);
    let missing = |key: &str| gguf.malformed(&format!("it has no `{key}`"));
    let architecture = text("general.architecture").ok_or_else(|| missing("general.architecture"))?;
    let number = |key: &str| {
        let key = format!("{architecture}.{key}");
        let value = gguf.get(&key).and_then(Value::to_u64).and_then(|n| u32::try_from(n).ok());
        value.ok_or_else(|| missing(&key))
    };
    let n_vocabulary = gguf.get("tokenizer.ggml.tokens").and_then(|tokens| tokens.len).unwrap_or(0);
    let tokenizer = Tokenizer::read(&gguf, usize::try_from(n_vocabulary).unwrap_or(0)).ok();
    let kv = kv::growth(&gguf, &architecture);
    let facts = ModelFacts {
        name: text("general.name"),
        quantization: main_type(&gguf),
        n_parameters: gguf.tensors.iter().map(TensorInfo::n_elements).sum(),
        file_bytes: gguf.file_bytes,
        bytes_per_token: per_token(&gguf, &architecture, TensorInfo::n_bytes),
        kv_bytes_per_token: kv.map(|growth| growth.bytes_per_token),
        kv_window: kv.and_then(|growth| growth.window),
        n_active_parameters: Some(per_token(&gguf, &architecture, TensorInfo::n_elements)),
        n_layers: number("block_count")?,
        n_embedding: number("embedding_length")?,
        n_vocabulary: u32::try_from(n_vocabulary).unwrap_or(u32::MAX),
        trained_context_tokens: number("context_length")?,
        tokenizer: text("tokenizer.ggml.model").unwrap_or_default(),
        tokenizer_digest: tokenizer.map(|tokenizer| tokenizer.digest),
        has_chat_template: text("tokenizer.chat_template").is_some(),
        license: text("general.license"),
        synthetic: gguf.get(SYNTHETIC_KEY).and_then(Value::to_bool).unwrap_or(false),
        architecture,
        ..ModelFacts::default()
    };
    Ok(with_provenance(facts, &gguf))
}

/// What of the weights one token passes through, in bytes or in numbers.
fn per_token(gguf: &Gguf, architecture: &str, of_tensor: fn(&TensorInfo) -> u64) -> u64 {
    let number = |key: &str| gguf.get(&format!("{architecture}.{key}")).and_then(Value::to_u64);
    let experts = number("expert_used_count").zip(number("expert_count").filter(|n| *n > 0));
    let output = if gguf.find("output.weight").is_some() { "output.weight" } else { "token_embd.weight" };
    let is_read = |tensor: &&TensorInfo| {
        tensor.dims.len() > 1 && (tensor.name.starts_with("blk.") || tensor.name == output)
    };
    let read = gguf.tensors.iter().filter(is_read).map(|tensor| match experts {
        Some((used, of)) if tensor.name.contains("_exps") => of_tensor(tensor) / of * used.min(of),
        _ => of_tensor(tensor),
    });
    read.sum()
}
