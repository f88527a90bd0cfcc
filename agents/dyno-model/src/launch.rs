//! What to start on a device, and what it says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// How a runtime is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// The engine that the agent carries, in a process of its own.
    Embedded,
    /// The scripted token clock: no model, no waiting, exact truth.
    Fake,
}

/// What to launch: resolved on the controller, so that the agent reads no configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchSpec {
    /// The runtime's name in the catalogue.
    pub runtime: String,
    /// How to speak to it.
    pub dialect: Dialect,
    /// The model file on the device; `None` where the dialect needs none.
    pub model_path: Option<String>,
    /// What the file must hash to; checked before a measurement by the deploy step.
    pub model_digest: Option<Digest>,
    /// Compute threads; `None` is "as many as the runtime takes for itself".
    pub threads: Option<u32>,
    /// CPUs that the runtime may use, sorted; `None` is all that the agent may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_mask: Option<Vec<u32>>,
    /// Context length in tokens.
    pub context_tokens: u32,
    /// Further settings of this runtime by name.
    pub settings: BTreeMap<String, String>,
    /// How long the launch may take until it is ready.
    pub ready_limit_ms: u64,
}

/// What a started runtime says of itself and of its model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RuntimeFacts {
    /// Name: `edgedyno-embedded`.
    pub name: String,
    /// Version, with the commit where it is known.
    pub version: String,
    /// Backend in use: `cpu avx512vnni`.
    pub backend: String,
    /// Threads that it really runs.
    pub threads: Option<u32>,
    /// CPUs that it may use, where a launch asked for some: as the kernel says after its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_cpus: Option<Vec<u32>>,
    /// SHA-256 of the runtime's own binary.
    pub binary_digest: Option<Digest>,
    /// What it says of the model.
    pub model: Option<ModelFacts>,
    /// The runtime's process, for the sensors.
    pub pid: Option<u32>,
}

/// What a model file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelFacts {
    /// `general.architecture`: `llama`, `gemma3`.
    pub architecture: String,
    /// `general.name`.
    pub name: Option<String>,
    /// The tensor type that holds most of the bytes: `Q4_1`.
    pub quantization: String,
    /// Number of weights.
    pub n_parameters: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of weights that one decoded token reads.
    pub bytes_per_token: u64,
    /// Transformer blocks.
    pub n_layers: u32,
    /// Width of the residual stream.
    pub n_embedding: u32,
    /// Size of the vocabulary.
    pub n_vocabulary: u32,
    /// Context length that the model was trained for.
    pub trained_context_tokens: u32,
    /// `tokenizer.ggml.model`: `gpt2`, `llama`.
    pub tokenizer: String,
    /// SHA-256 over the vocabulary, merges and special tokens.
    pub tokenizer_digest: Option<Digest>,
    /// Whether the file brings its own chat template.
    pub has_chat_template: bool,
    /// `general.license`.
    pub license: Option<String>,
    /// Weights are seeded noise: speed only, no quality.
    pub synthetic: bool,
}
