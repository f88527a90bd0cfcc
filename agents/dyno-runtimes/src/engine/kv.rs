//! How much memory a model's keys and values take, from its file's header alone.
//!
//! Bytes of one token in one layer are `n_kv_heads · (key_length + value_length) · 2` at half precision, which is what
//! the embedded engine keeps and what llama.cpp keeps unless it is told otherwise.

use dyno_model::launch::KvWindow;

use super::gguf::{Gguf, Kind, Value};

/// Half precision.
const BYTES_OF_VALUE: u64 = 2;
/// House rule: no real model has more.
const MAX_LAYERS: u64 = 4096;

/// Keys of models whose memory of the past is not of this kind: latent attention, recurrent states, layers that share.
const OF_OTHER_KINDS: [&str; 5] = [
    "attention.kv_lora_rank",
    "ssm.state_size",
    "attention.shared_kv_layers",
    "wkv.head_size",
    "shortconv.l_cache",
];

/// What one more token adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KvGrowth {
    /// Over all layers that see all of the context.
    pub(crate) bytes_per_token: u64,
    /// Over those that see a window of it.
    pub(crate) window: Option<KvWindow>,
}

/// `None` where the header does not say it, or the model remembers in another way.
pub(crate) fn growth(gguf: &Gguf, architecture: &str) -> Option<KvGrowth> {
    of_keys(architecture, &|key| gguf.get(&format!("{architecture}.{key}")))
}

fn of_keys<'v>(architecture: &str, get: &dyn Fn(&str) -> Option<&'v Value>) -> Option<KvGrowth> {
    if OF_OTHER_KINDS.iter().any(|key| get(key).is_some()) {
        return None;
    }
    let number = |key: &str| get(key).and_then(Value::to_u64).filter(|n| *n > 0);
    let n_layers = number("block_count").filter(|n| *n <= MAX_LAYERS)?;
    let key_length = number("attention.key_length")
        .or_else(|| number("embedding_length")?.checked_div(number("attention.head_count")?))?;
    let value_length = number("attention.value_length").unwrap_or(key_length);
    let heads = heads(get, n_layers)?;
    let window = number("attention.sliding_window");
    let pattern = match window {
        None => None,
        Some(_) => Some(period(architecture, get)?),
    };
    let (mut all, mut local) = (0_u64, 0_u64);
    for (layer, n_heads) in (0..).zip(heads) {
        let bytes =
            n_heads.checked_mul(key_length.checked_add(value_length)?)?.checked_mul(BYTES_OF_VALUE)?;
        // The last layer of each period sees everything.
        let is_local = pattern.is_some_and(|period| layer % period != period - 1);
        let sum = if is_local { &mut local } else { &mut all };
        *sum = sum.checked_add(bytes)?;
    }
    let of_window = |tokens: u64| {
        Some(KvWindow { tokens: u32::try_from(tokens).ok()?, bytes_per_token: local, is_kept_whole: false })
    };
    let window = window.filter(|_| local > 0).and_then(of_window);
    Some(KvGrowth { bytes_per_token: all, window })
}

/// Key and value heads of each layer: one number for all, or a list.
fn heads<'v>(get: &dyn Fn(&str) -> Option<&'v Value>, n_layers: u64) -> Option<Vec<u64>> {
    let all = |n: u64| Some(vec![n; usize::try_from(n_layers).ok()?]);
    let Some(value) = get("attention.head_count_kv") else {
        return all(get("attention.head_count").and_then(Value::to_u64)?);
    };
    if let Some(n) = value.to_u64() {
        return all(n);
    }
    let words = [Kind::U32, Kind::I32]
        .into_iter()
        .find_map(|kind| value.to_words(kind).map(|words| words.map(u64::from).collect::<Vec<_>>()))?;
    (words.len() as u64 == n_layers).then_some(words)
}

/// After how many layers one comes that sees everything; `None` where the header does not say and we do not know.
///
/// Gemma 2 has one of two and Gemma 3 one of six, as llama.cpp has it (`llama-model.cpp`, `set_swa_pattern`).
fn period<'v>(architecture: &str, get: &dyn Fn(&str) -> Option<&'v Value>) -> Option<u64> {
    let said = get("attention.sliding_window_pattern").and_then(Value::to_u64).filter(|n| *n > 0);
    said.or(match architecture {
        "gemma2" => Some(2),
        "gemma3" => Some(6),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn found(architecture: &str, keys: &[(&str, Value)]) -> Option<KvGrowth> {
        let keys: BTreeMap<&str, &Value> = keys.iter().map(|(key, value)| (*key, value)).collect();
        of_keys(architecture, &|key| keys.get(key).copied())
    }

    fn numbers(of: &[(&'static str, u32)]) -> Vec<(&'static str, Value)> {
        of.iter().map(|(key, n)| (*key, Value::u32(*n))).collect()
    }

    #[test]
    fn smollm2_135m_by_hand() {
        // 30 layers, 3 heads of 576 / 9 = 64: 30 · 3 · (64 + 64) · 2 = 23,040 bytes.
        let keys = numbers(&[
            ("block_count", 30),
            ("embedding_length", 576),
            ("attention.head_count", 9),
            ("attention.head_count_kv", 3),
        ]);
        assert_eq!(found("llama", &keys), Some(KvGrowth { bytes_per_token: 23_040, window: None }));
    }

    #[test]
    fn llama_3_1_8b_has_128_kib_a_token() {
        // MEASUREMENT §6: 32 layers, 8 heads of 128.
        let keys = numbers(&[
            ("block_count", 32),
            ("attention.head_count_kv", 8),
            ("attention.key_length", 128),
            ("attention.value_length", 128),
        ]);
        assert_eq!(found("llama", &keys).map(|growth| growth.bytes_per_token), Some(128 << 10));
    }

    #[test]
    fn gemma_3_270m_by_hand() {
        // 18 layers with one head of 256: 1 · (256 + 256) · 2 = 1,024 bytes each. Layers 5, 11 and 17 see everything.
        let keys = numbers(&[
            ("block_count", 18),
            ("embedding_length", 640),
            ("attention.head_count", 4),
            ("attention.head_count_kv", 1),
            ("attention.key_length", 256),
            ("attention.value_length", 256),
            ("attention.sliding_window", 512),
        ]);
        let window = KvWindow { tokens: 512, bytes_per_token: 15 * 1024, is_kept_whole: false };
        assert_eq!(
            found("gemma3", &keys),
            Some(KvGrowth { bytes_per_token: 3 * 1024, window: Some(window) })
        );
        // A window without a known pattern is a guess.
        assert_eq!(found("other", &keys), None);
    }

    #[test]
    fn layers_may_differ_and_other_memories_are_not_guessed() {
        let mut keys = numbers(&[("block_count", 3), ("attention.key_length", 64)]);
        keys.push(("attention.head_count_kv", Value::i32s(&[4, 0, 2])));
        // (4 + 0 + 2) · (64 + 64) · 2.
        assert_eq!(found("openelm", &keys).map(|growth| growth.bytes_per_token), Some(1536));
        keys.push(("attention.kv_lora_rank", Value::u32(512)));
        assert_eq!(found("deepseek2", &keys), None);
        assert_eq!(found("llama", &numbers(&[("block_count", 3)])), None);
    }
}
