//! What a model file says of itself.

use std::collections::BTreeMap;

use dyno_model::digest::Digest;
use dyno_model::launch::{KvWindow, ModelFacts};

use super::chat::ChatTemplate;
use super::gguf::{Gguf, Value};
use super::kv;
use super::model::{Config, Weights};
use super::tokenizer::Tokenizer;

/// Marks models whose weights are noise.
pub(crate) const SYNTHETIC_KEY: &str = "edgedyno.synthetic";
/// House rules for what a file says of itself: more is no name, and a merge of more models is cut.
const MAX_WORDS_CHARS: usize = 200;
const MAX_BASE_MODELS: u64 = 8;

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
    let facts = ModelFacts {
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
        ..ModelFacts::default()
    };
    with_provenance(facts, gguf)
}

/// The same with what the file says of who made it from what, and with digests of what shapes its answers.
pub(crate) fn with_provenance(facts: ModelFacts, gguf: &Gguf) -> ModelFacts {
    let text = |key: &str| gguf.get(key).and_then(Value::to_text);
    let shown = |key: &str| text(key).map(bounded).filter(|words| !words.is_empty());
    let n_bases = gguf.get("general.base_model.count").and_then(Value::to_u64).unwrap_or(0);
    let bases = (0..n_bases.min(MAX_BASE_MODELS)).filter_map(|idx| {
        let of = |part: &str| shown(&format!("general.base_model.{idx}.{part}"));
        let (name, organization) = (of("name")?, of("organization"));
        Some(organization.map_or_else(|| name.clone(), |organization| format!("{organization} {name}")))
    });
    ModelFacts {
        architecture: bounded(&facts.architecture),
        tokenizer: bounded(&facts.tokenizer),
        license: facts.license.as_deref().map(bounded),
        name: facts.name.as_deref().map(bounded),
        chat_template_digest: text("tokenizer.chat_template").map(|text| Digest::of(text.as_bytes())),
        pre_tokenizer: shown("tokenizer.ggml.pre"),
        base_models: bases.collect(),
        quantized_by: shown("general.quantized_by"),
        version: shown("general.version"),
        author: shown("general.author").or_else(|| shown("general.organization")),
        ..facts
    }
}

/// A file's own words for the record: one line, and not a long one.
fn bounded(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(MAX_WORDS_CHARS).collect::<String>().trim().to_owned()
}

/// The tensor type that holds most of the bytes.
pub(crate) fn main_type(gguf: &Gguf) -> String {
    let mut bytes = BTreeMap::new();
    for tensor in &gguf.tensors {
        *bytes.entry(tensor.kind).or_insert(0) += tensor.n_bytes();
    }
    bytes.into_iter().max_by_key(|(_, n)| *n).map(|(kind, _)| kind.name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::describe;
    use super::super::gguf::Writer;
    use super::super::tensor_type::TensorType;
    use super::*;

    #[test]
    fn a_file_says_who_made_it_from_what() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("m.gguf");
        let template = "{{ messages[0].content }}";
        let long = format!("by\u{1b}[2J {}", "x".repeat(5000));
        let text = |key: &str, value: &str| (key.to_owned(), Value::string(value));
        let number = |key: &str, value: u32| (key.to_owned(), Value::u32(value));
        let metadata = [
            text("general.architecture", "toy"),
            text("general.name", "Toy 1B"),
            text("general.license", "apache-2.0"),
            text("general.version", "v0.3"),
            text("general.organization", "A Lab"),
            text("general.quantized_by", &long),
            number("general.base_model.count", u32::MAX),
            text("general.base_model.0.name", "Base 1B"),
            text("general.base_model.0.organization", "Upstream"),
            text("general.base_model.1.name", "Other"),
            text("tokenizer.ggml.model", "gpt2"),
            text("tokenizer.ggml.pre", "smollm"),
            text("tokenizer.chat_template", template),
            number("toy.block_count", 2),
            number("toy.embedding_length", 32),
            number("toy.context_length", 128),
        ];
        let tensors = [("token_embd.weight".to_owned(), vec![32, 1], TensorType::F32)];
        let mut writer = Writer::create(&path, &metadata, &tensors).expect("a temporary file");
        writer.write(&[0; 128]).and_then(|()| writer.pad()).expect("a temporary file");
        writer.finish().expect("a temporary file");
        let facts = describe(&path).expect("it says its shape");
        assert_eq!(facts.license.as_deref(), Some("apache-2.0"));
        assert_eq!(facts.version.as_deref(), Some("v0.3"));
        assert_eq!(facts.author.as_deref(), Some("A Lab"));
        assert_eq!(facts.base_models, ["Upstream Base 1B", "Other"]);
        assert_eq!(facts.pre_tokenizer.as_deref(), Some("smollm"));
        assert_eq!(facts.chat_template_digest, Some(Digest::of(template.as_bytes())));
        let by = facts.quantized_by.expect("it says it");
        assert!(by.starts_with("by[2J x") && by.chars().count() == MAX_WORDS_CHARS, "{by}");
    }
}
