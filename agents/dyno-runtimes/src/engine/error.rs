//! What can go wrong in the embedded engine.

use std::io;
use std::path::PathBuf;

use dyno_model::blame::{Blame, Classify};

/// Architectures that the engine runs.
pub const ARCHITECTURES: [&str; 2] = ["llama", "gemma3"];

/// Why a model could not be loaded, written or run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The file could not be opened or read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no memory for weights or cache.
    #[error("no memory for the model {path}")]
    Memory {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file does not begin as GGUF files do.
    #[error("not a GGUF file: it begins with {found:02x?}, expected \"GGUF\": {path}")]
    NotGguf {
        /// Which file.
        path: PathBuf,
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// The file ends before what its header promises.
    #[error("truncated: {what} needs {needed_bytes} bytes, {left_bytes} are left: {path}")]
    Truncated {
        /// Which file.
        path: PathBuf,
        /// What was being read.
        what: String,
        /// How much of it is needed.
        needed_bytes: u64,
        /// How much the file still has.
        left_bytes: u64,
    },
    /// The file contradicts itself or the format.
    #[error("malformed model: {what}: {path}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// An architecture that the engine does not run.
    #[error("unsupported architecture `{architecture}`: this engine runs {}: {path}", ARCHITECTURES.join(", "))]
    Architecture {
        /// Which file.
        path: PathBuf,
        /// What it says of itself.
        architecture: String,
    },
    /// Something else in a well-formed file that the engine cannot do.
    #[error("unsupported model: {what}: {path}")]
    Unsupported {
        /// Which file.
        path: PathBuf,
        /// What it would need.
        what: String,
    },
    /// The model's chat template refused the conversation or is not valid Jinja.
    #[error("the model's chat template cannot be applied")]
    Template {
        /// The template engine's words.
        #[source]
        source: minijinja::Error,
    },
    /// The prompt leaves no room for an answer.
    #[error("the prompt has {prompt_tokens} tokens and the context holds {context_tokens}")]
    ContextExceeded {
        /// Length of the prompt.
        prompt_tokens: usize,
        /// Length of the context.
        context_tokens: usize,
    },
    /// A prompt of tokens holds one that the model does not have.
    #[error("token {token} is not in the vocabulary of {n_vocabulary}")]
    UnknownToken {
        /// Which one.
        token: u32,
        /// Size of the vocabulary.
        n_vocabulary: usize,
    },
    /// The prompt has no tokens at all.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// A type that matrices cannot be quantized to.
    #[error("cannot quantize to `{name}`: expected one of {}", expected.join(", "))]
    QuantizeTo {
        /// What was asked for.
        name: String,
        /// What can be asked for.
        expected: Vec<&'static str>,
    },
    /// A compute thread could not be started.
    #[error("cannot start a compute thread")]
    Thread {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A shape that no file can be written for.
    #[error("impossible model shape: {what}")]
    Shape {
        /// What is wrong with it.
        what: String,
    },
}

impl Classify for EngineError {
    fn blame(&self) -> Blame {
        match self {
            Self::Read { .. } | Self::Write { .. } | Self::Memory { .. } | Self::Thread { .. } => Blame::Lab,
            Self::NotGguf { .. }
            | Self::Truncated { .. }
            | Self::Malformed { .. }
            | Self::Architecture { .. }
            | Self::Unsupported { .. }
            | Self::Template { .. } => Blame::Runtime,
            Self::ContextExceeded { .. }
            | Self::EmptyPrompt
            | Self::UnknownToken { .. }
            | Self::QuantizeTo { .. }
            | Self::Shape { .. } => Blame::User,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Truncated { .. } => vec!["pull or copy the model again: the file is incomplete".to_owned()],
            Self::Memory { .. } => vec!["take a smaller model, or fewer `context_tokens`".to_owned()],
            Self::ContextExceeded { .. } => {
                vec!["raise `context_tokens`, or leave this prompt out of the slice".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}
