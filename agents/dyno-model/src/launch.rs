//! What to start on a device, and what it says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::start::StartState;
use crate::trust::ProgramPins;

/// How a runtime is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// The engine that the agent carries, in a process of its own.
    Embedded,
    /// The scripted token clock: no model, no waiting, exact truth.
    Fake,
    /// OpenAI's chat completions, streamed.
    OpenaiChat,
    /// OpenAI's completions, streamed: the prompt as it stands.
    OpenaiCompletions,
    /// llama-server's own `/completion`.
    LlamaServer,
    /// Ollama's `/api/generate`.
    OllamaGenerate,
    /// Ollama's `/api/chat`.
    OllamaChat,
}

impl Dialect {
    /// Whether it is spoken over HTTP.
    pub fn is_http(self) -> bool {
        match self {
            Self::Embedded | Self::Fake => false,
            Self::OpenaiChat
            | Self::OpenaiCompletions
            | Self::LlamaServer
            | Self::OllamaGenerate
            | Self::OllamaChat => true,
        }
    }
}

/// A server to be started on the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// The program: a path on the device, or a name that its PATH knows.
    pub program: String,
    /// Its arguments, with gaps ([`crate::template`]): those of [`ServerSpec::GAPS`], and settings by their names.
    pub args: Vec<String>,
    /// Variables of its environment, with the same gaps; one whose gap has no value is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The path that answers 200 when it is ready.
    pub ready_path: String,
    /// Arguments that make it say its version; empty where it cannot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version_args: Vec<String>,
    /// The path before the API's own: `/v1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Folders of compiled kernels that a compile-cold start deletes; `~/` is the home folder on the device.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache_dirs: Vec<String>,
    /// What the program's file must be, by architecture; empty where it may be any.
    #[serde(default, skip_serializing_if = "ProgramPins::is_empty")]
    pub pins: ProgramPins,
}

impl ServerSpec {
    /// The gaps that every launch has values for, or knows to be without one: the model's file on the device, the port
    /// to listen at, compute threads, tokens of context of one request, requests at once, and tokens of context of all
    /// of these together.
    pub const GAPS: [&str; 6] = ["model", "port", "threads", "context_tokens", "slots", "all_context_tokens"];

    /// The names of all gaps, in order of their place.
    pub fn gaps(&self) -> Vec<&str> {
        let texts = self.args.iter().chain(self.env.values());
        texts.flat_map(|text| crate::template::gaps(text)).collect()
    }
}

/// A server that runs already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    /// Its address with the path before the API's own: `http://host:port/v1`.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// The variable of the controller's environment that holds its key, which must then be set; `None` is
    /// [`EndpointSpec::KEY_VARIABLE`], set or not. The key itself is in no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_variable: Option<String>,
    /// The name by which the server is asked, where `url` leads to a relay before it; in no plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl EndpointSpec {
    /// Holds a key when nothing else is said. No other program's variable is read unasked.
    pub const KEY_VARIABLE: &str = "EDGEDYNO_API_KEY";
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
    /// The state that it starts from.
    #[serde(default, skip_serializing_if = "StartState::is_as_it_is")]
    pub start: StartState,
    /// The server to be started, for dialects over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Box<ServerSpec>>,
    /// The server that runs already, in place of one to be started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointSpec>,
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
    /// What runs the binary, where it is a script: `/bin/sh`. What a script starts is in no digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_script_for: Option<String>,
    /// What it says of the model.
    pub model: Option<ModelFacts>,
    /// The runtime's process, for the sensors.
    pub pid: Option<u32>,
}

/// K and V caches of layers that keep a window of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvWindow {
    /// Length of the window.
    pub tokens: u32,
    /// Bytes of one token in all such layers together.
    pub bytes_per_token: u64,
    /// Whether the runtime keeps every token of them all the same, and only reads the window.
    #[serde(default)]
    pub is_kept_whole: bool,
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
    /// Bytes that one more token of context adds to the K and V caches, over all layers that keep every token; `None`
    /// where the runtime does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_bytes_per_token: Option<u64>,
    /// The same over layers that keep only a window of tokens, and how long that is; `None` without such layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_window: Option<KvWindow>,
    /// Weights that one token is multiplied with, embedding table rows not read left out; `None` where unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_active_parameters: Option<u64>,
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
    /// SHA-256 of that template's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template_digest: Option<Digest>,
    /// `tokenizer.ggml.pre`: how text is cut before it is tokenized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_tokenizer: Option<String>,
    /// `general.base_model.N`: names of the models that this one was made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base_models: Vec<String>,
    /// `general.quantized_by`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantized_by: Option<String>,
    /// `general.version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `general.author`, or else `general.organization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// `general.license`.
    pub license: Option<String>,
    /// Weights are seeded noise: speed only, no quality.
    pub synthetic: bool,
}
