//! The shape of a model, read from its metadata and checked.

use super::super::error::EngineError;
use super::super::gguf::Gguf;

/// House rule: bounds that no real model of these families exceeds.
const MAX_LAYERS: u64 = 512;
const MAX_WIDTH: u64 = 1 << 17;
const MAX_CONTEXT: u64 = 1 << 24;

/// Which family of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Llama: RMS norm, rotary positions on neighbouring pairs, SiLU.
    Llama,
    /// Gemma 3: norms on queries and keys and after each part, rotary positions on halves, GELU, local attention.
    Gemma3,
}

/// The shape.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Which family.
    pub(crate) family: Family,
    /// Transformer blocks.
    pub(crate) n_layers: usize,
    /// Width of the residual stream.
    pub(crate) n_embedding: usize,
    /// Width of the feed-forward part.
    pub(crate) n_feed_forward: usize,
    /// Query heads.
    pub(crate) n_heads: usize,
    /// Key/value heads.
    pub(crate) n_kv_heads: usize,
    /// Width of one head.
    pub(crate) head_dim: usize,
    /// Of a head, how many columns turn with the position.
    pub(crate) n_rotary: usize,
    /// Size of the vocabulary.
    pub(crate) n_vocabulary: usize,
    /// Context length that the model was trained for.
    pub(crate) trained_context: usize,
    /// Added to the mean square in norms.
    pub(crate) norm_eps: f32,
    /// Base of the rotary frequencies.
    pub(crate) rope_base: f32,
    /// The same for layers with local attention.
    pub(crate) local_rope_base: f32,
    /// Positions are divided by it in layers with global attention.
    pub(crate) rope_scale: f32,
    /// Positions that a layer with local attention sees; `None` where all layers see all.
    pub(crate) window: Option<usize>,
    /// Factor of the scores.
    pub(crate) attention_scale: f32,
    /// Factor of the token embeddings.
    pub(crate) embedding_scale: f32,
}

struct Keys<'a> {
    gguf: &'a Gguf,
    architecture: &'a str,
}

impl Keys<'_> {
    fn optional(&self, name: &str, limit: u64) -> Result<Option<usize>, EngineError> {
        let key = format!("{}.{name}", self.architecture);
        let Some(value) = self.gguf.get(&key) else { return Ok(None) };
        let number = value.to_u64().filter(|n| (1..=limit).contains(n));
        let number = number.ok_or_else(|| self.gguf.malformed(&format!("`{key}` is not in 1..={limit}")))?;
        Ok(Some(usize::try_from(number).expect("the limit fits")))
    }

    fn required(&self, name: &str, limit: u64) -> Result<usize, EngineError> {
        let missing = || self.gguf.malformed(&format!("`{}.{name}` is missing", self.architecture));
        self.optional(name, limit)?.ok_or_else(missing)
    }

    fn float(&self, name: &str) -> Result<Option<f32>, EngineError> {
        let key = format!("{}.{name}", self.architecture);
        let Some(value) = self.gguf.get(&key) else { return Ok(None) };
        let number = value.to_f32().filter(|x| x.is_finite() && *x > 0.0);
        number.map(Some).ok_or_else(|| self.gguf.malformed(&format!("`{key}` is not a positive number")))
    }
}

impl Config {
    /// Reads the shape.
    pub(crate) fn read(gguf: &Gguf) -> Result<Self, EngineError> {
        let architecture = gguf.get("general.architecture").and_then(|value| value.to_text());
        let architecture = architecture.ok_or_else(|| gguf.malformed("`general.architecture` is missing"))?;
        let family = match architecture {
            "llama" => Family::Llama,
            "gemma3" => Family::Gemma3,
            _ => {
                return Err(EngineError::Architecture {
                    path: gguf.path().to_owned(),
                    architecture: architecture.chars().take(64).collect(),
                });
            }
        };
        let config = Self::read_shape(gguf, &Keys { gguf, architecture }, family)?;
        config.check(gguf)?;
        Ok(config)
    }

    fn read_shape(gguf: &Gguf, keys: &Keys<'_>, family: Family) -> Result<Self, EngineError> {
        let n_embedding = keys.required("embedding_length", MAX_WIDTH)?;
        let n_heads = keys.required("attention.head_count", MAX_WIDTH)?;
        let head_dim = match keys.optional("attention.key_length", MAX_WIDTH)? {
            Some(head_dim) => head_dim,
            None => n_embedding / n_heads,
        };
        let table =
            gguf.find("token_embd.weight").ok_or_else(|| gguf.malformed("`token_embd.weight` is missing"))?;
        let n_vocabulary = usize::try_from(table.n_elements() / table.columns()).unwrap_or(usize::MAX);
        let gemma = family == Family::Gemma3;
        let n_layers = keys.required("block_count", MAX_LAYERS)?;
        // The 27B model, told by its depth, scales by the width of a head's share of the stream.
        let scaled_by = if gemma && n_layers == 62 { n_embedding / n_heads } else { head_dim };
        Ok(Self {
            family,
            n_layers,
            n_embedding,
            n_feed_forward: keys.required("feed_forward_length", MAX_WIDTH)?,
            n_heads,
            n_kv_heads: keys.optional("attention.head_count_kv", MAX_WIDTH)?.unwrap_or(n_heads),
            head_dim,
            n_rotary: keys.optional("rope.dimension_count", MAX_WIDTH)?.unwrap_or(head_dim),
            n_vocabulary,
            trained_context: keys.required("context_length", MAX_CONTEXT)?,
            norm_eps: keys.float("attention.layer_norm_rms_epsilon")?.unwrap_or(1e-5),
            rope_base: keys.float("rope.freq_base")?.unwrap_or(10_000.0),
            local_rope_base: keys.float("rope.freq_base_swa")?.unwrap_or(10_000.0),
            rope_scale: keys.float("rope.scaling.factor")?.unwrap_or(1.0),
            window: if gemma { keys.optional("attention.sliding_window", MAX_CONTEXT)? } else { None },
            attention_scale: 1.0 / (scaled_by as f32).sqrt(),
            embedding_scale: if gemma { (n_embedding as f32).sqrt() } else { 1.0 },
        })
    }

    fn check(&self, gguf: &Gguf) -> Result<(), EngineError> {
        let even_share = self.n_heads.is_multiple_of(self.n_kv_heads);
        let rotary = self.n_rotary.is_multiple_of(2) && self.n_rotary <= self.head_dim;
        if !even_share || !rotary || self.n_heads * self.head_dim > MAX_WIDTH as usize {
            return Err(gguf.malformed("the attention heads have impossible sizes"));
        }
        let whole_blocks = [self.n_embedding, self.n_feed_forward, self.head_dim];
        if whole_blocks.iter().any(|width| !width.is_multiple_of(32)) {
            return Err(gguf.unsupported(&format!("widths {whole_blocks:?} that are not multiples of 32")));
        }
        for key in ["expert_count", "attention.value_length"] {
            let key = format!("{}.{key}", if self.family == Family::Llama { "llama" } else { "gemma3" });
            let value = gguf.get(&key).and_then(super::super::gguf::Value::to_u64).unwrap_or(0);
            if value != 0 && value != self.head_dim as u64 {
                return Err(gguf.unsupported(&format!("`{key}` = {value}")));
            }
        }
        Ok(())
    }

    /// Whether a layer sees only the last [`Config::window`] positions: five of six in Gemma 3.
    pub(crate) fn is_local(&self, layer: usize) -> bool {
        self.window.is_some() && layer % 6 != 5
    }

    /// Width of all query heads together.
    pub(crate) fn query_width(&self) -> usize {
        self.n_heads * self.head_dim
    }

    /// Width of all key heads, and of all value heads.
    pub(crate) fn kv_width(&self) -> usize {
        self.n_kv_heads * self.head_dim
    }
}
