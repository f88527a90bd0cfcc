//! The shape of a synthetic model: words, and sizes that no engine could run.

use dyno_model::plan::SyntheticShape;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::models::Place;
use crate::problem::Problems;

/// Architecture and sizes of a synthetic model.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShapeWords {
    /// Family of the architecture.
    architecture: Architecture,
    /// Tensor type of the matrices: `q4_0`.
    quantization: String,
    /// Transformer blocks.
    #[schemars(range(min = 1))]
    n_layers: u32,
    /// Width of the residual stream.
    #[schemars(range(min = 1))]
    n_embedding: u32,
    /// Width of the feed-forward part.
    #[schemars(range(min = 1))]
    n_feed_forward: u32,
    /// Attention heads.
    #[schemars(range(min = 1))]
    n_heads: u32,
    /// Key/value heads.
    #[schemars(range(min = 1))]
    n_kv_heads: u32,
    /// Width of one head.
    #[schemars(range(min = 1))]
    head_dim: u32,
    /// Size of the vocabulary.
    #[schemars(range(min = 1))]
    n_vocabulary: u32,
    /// Context length in tokens that the file claims.
    #[schemars(range(min = 1))]
    context_tokens: u32,
    /// Whether the output matrix is the embedding table.
    tied_embeddings: bool,
}

/// Families of architectures that the engine runs.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Architecture {
    Llama,
    Gemma3,
}

impl ShapeWords {
    pub(crate) fn plan(&self) -> SyntheticShape {
        SyntheticShape {
            architecture: match self.architecture {
                Architecture::Llama => "llama".to_owned(),
                Architecture::Gemma3 => "gemma3".to_owned(),
            },
            quantization: self.quantization.clone(),
            n_layers: self.n_layers,
            n_embedding: self.n_embedding,
            n_feed_forward: self.n_feed_forward,
            n_heads: self.n_heads,
            n_kv_heads: self.n_kv_heads,
            head_dim: self.head_dim,
            n_vocabulary: self.n_vocabulary,
            context_tokens: self.context_tokens,
            tied_embeddings: self.tied_embeddings,
        }
    }
}

/// Sizes that no engine could run.
pub(crate) fn check_shape(shape: &ShapeWords, place: &Place<'_>, problems: &mut Problems) {
    place.quantization(&["shape", "quantization"], &shape.quantization, problems);
    if shape.n_kv_heads == 0 || !shape.n_heads.is_multiple_of(shape.n_kv_heads) {
        let message = format!("{} heads cannot share {} key/value heads", shape.n_heads, shape.n_kv_heads);
        place.report(&["shape", "n_kv_heads"], message, None, problems);
    }
    let block = if shape.quantization.ends_with("_k") { 256 } else { 32 };
    let attention = u64::from(shape.n_heads) * u64::from(shape.head_dim);
    let rows = [
        ("n_embedding", u64::from(shape.n_embedding)),
        ("n_feed_forward", u64::from(shape.n_feed_forward)),
        ("head_dim", attention),
    ];
    for (key, width) in rows {
        if shape.quantization.starts_with('q') && !width.is_multiple_of(block) {
            let message = format!(
                "rows of {width} weights cannot be {}: it packs blocks of {block}",
                shape.quantization
            );
            place.report(&["shape", key], message, None, problems);
        }
    }
}
