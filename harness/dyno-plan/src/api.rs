//! The words for how a runtime is spoken to.

use dyno_model::launch::Dialect;
use schemars::JsonSchema;
use serde::Deserialize;

/// How a runtime is spoken to.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DialectWords {
    /// The engine that the agent carries.
    Embedded,
    /// The scripted token clock.
    Fake,
    /// OpenAI's chat completions, streamed: the server applies the model's chat template.
    OpenaiChat,
    /// OpenAI's completions, streamed: the prompt goes in as it stands.
    OpenaiCompletions,
    /// llama-server's own `/completion`: the prompt goes in as it stands.
    LlamaServer,
    /// Ollama's `/api/generate`.
    OllamaGenerate,
    /// Ollama's `/api/chat`.
    OllamaChat,
}

impl DialectWords {
    pub(crate) fn plan(self) -> Dialect {
        match self {
            Self::Embedded => Dialect::Embedded,
            Self::Fake => Dialect::Fake,
            Self::OpenaiChat => Dialect::OpenaiChat,
            Self::OpenaiCompletions => Dialect::OpenaiCompletions,
            Self::LlamaServer => Dialect::LlamaServer,
            Self::OllamaGenerate => Dialect::OllamaGenerate,
            Self::OllamaChat => Dialect::OllamaChat,
        }
    }
}

/// A dialect in words, for titles and messages.
pub(crate) fn api_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Embedded => "the embedded engine",
        Dialect::Fake => "the scripted runtime",
        Dialect::OpenaiChat => "OpenAI chat",
        Dialect::OpenaiCompletions => "OpenAI completions",
        Dialect::LlamaServer => "llama-server completion",
        Dialect::OllamaGenerate => "Ollama generate",
        Dialect::OllamaChat => "Ollama chat",
    }
}
