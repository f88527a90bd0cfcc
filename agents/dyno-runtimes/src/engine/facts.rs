//! What a model file says of itself.

use std::collections::BTreeMap;

use dyno_model::launch::{KvWindow, ModelFacts};

use super::chat::ChatTemplate;
use super::gguf::{Gguf, Value};
use super::kv;
use super::model::{Config, Weights};
use super::tokenizer::Tokenizer;

/// Marks models whose weights are noise.
pub(crate) const SYNTHETIC_KEY: &str = "edgedyno.synthetic";

/// Facts of an opened and loaded model.
pub(crate) fn of(
    gguf: &Gguf,
    config: &Config,
    weights: &Weights,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
) -> ModelFacts {
    let kv = kv::growth(gguf, gguf.get("general.architecture").and_then(Value::to_text).unwrap_or_default());
    let text = |key: &str| gguf.get(key).and_then(Value::to_text).map(str::to_owned);
    ModelFacts {
        architecture: text("general.architecture").unwrap_or_default(),
        name: text("general.name"),
        quantization: main_type(gguf),
        n_parameters: gguf.tensors.iter().map(super::gguf::TensorInfo::n_elements).sum(),
        file_bytes: gguf.file_bytes,
        bytes_per_token: weights.bytes_per_token(),
        kv_bytes_per_token: kv.map(|growth| growth.bytes_per_token),
        // The cache of every layer has room for the whole context; layers with local attention read their window of it.
        kv_window: kv
            .and_then(|growth| growth.window)
            .map(|window| KvWindow { is_kept_whole: true, ..window }),
        n_active_parameters: Some(weights.n_active()),
        n_layers: config.n_layers as u32,
        n_embedding: config.n_embedding as u32,
        n_vocabulary: config.n_vocabulary as u32,
        trained_context_tokens: config.trained_context as u32,
        tokenizer: tokenizer.name.clone(),
        tokenizer_digest: Some(tokenizer.digest.clone()),
        has_chat_template: template.is_own(),
        license: text("general.license"),
        synthetic: gguf.get(SYNTHETIC_KEY).and_then(Value::to_bool).unwrap_or(false),
    }
}

/// The tensor type that holds most of the bytes.
pub(crate) fn main_type(gguf: &Gguf) -> String {
    let mut bytes = BTreeMap::new();
    for tensor in &gguf.tensors {
        *bytes.entry(tensor.kind).or_insert(0) += tensor.n_bytes();
    }
    bytes.into_iter().max_by_key(|(_, n)| *n).map(|(kind, _)| kind.name().to_owned()).unwrap_or_default()
}
