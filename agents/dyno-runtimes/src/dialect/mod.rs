//! What servers of language models speak over HTTP: requests out of our [`Request`], chunks and counts out of answers.
//!
//! [`Api`] names a way to ask; [`AnswerReader`] takes one answer apart, wherever its bytes were cut; [`Driver`] carries
//! many requests on one thread.
//!
//! A chunk's stamp is that of the read which completed its event, made before it was parsed.
//! `<think>` within content stays content here: only a server's own field makes a chunk one of reasoning.

mod answer;
mod driver;
mod llama_server;
mod ndjson;
mod odds;
mod ollama;
mod openai;
mod request;
mod sse;
#[cfg(test)]
mod tests;

pub use answer::{AnswerFacts, AnswerReader};
pub use driver::{Answered, Driver, Server, Step};
pub use request::{Ask, AskError, PromptCache};

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use dyno_model::launch::Dialect;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

/// The longest line and the longest event that are taken.
pub const MAX_EVENT_BYTES: usize = 8 << 20;

/// A way to ask a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// OpenAI's chat completions, streamed as server-sent events.
    OpenAiChat,
    /// OpenAI's completions: the prompt goes in as it stands, without a chat template.
    OpenAiCompletions,
    /// llama-server's own `/completion`: the prompt as it stands.
    LlamaServer,
    /// Ollama's `/api/generate`.
    OllamaGenerate,
    /// Ollama's `/api/chat`.
    OllamaChat,
}

impl Api {
    /// How that dialect is asked; `None` for those that are not spoken over HTTP.
    pub fn of(dialect: Dialect) -> Option<Self> {
        match dialect {
            Dialect::Embedded | Dialect::Fake => None,
            Dialect::OpenaiChat => Some(Self::OpenAiChat),
            Dialect::OpenaiCompletions => Some(Self::OpenAiCompletions),
            Dialect::LlamaServer => Some(Self::LlamaServer),
            Dialect::OllamaGenerate => Some(Self::OllamaGenerate),
            Dialect::OllamaChat => Some(Self::OllamaChat),
        }
    }

    /// In words, for tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::OpenAiChat => "OpenAI chat",
            Self::OpenAiCompletions => "OpenAI completions",
            Self::LlamaServer => "llama-server completion",
            Self::OllamaGenerate => "Ollama generate",
            Self::OllamaChat => "Ollama chat",
        }
    }

    /// The path after the endpoint's own.
    pub fn path(self) -> &'static str {
        match self {
            Self::OpenAiChat => "/chat/completions",
            Self::OpenAiCompletions => "/completions",
            Self::LlamaServer => "/completion",
            Self::OllamaGenerate => "/api/generate",
            Self::OllamaChat => "/api/chat",
        }
    }

    /// Whether answers are server-sent events; lines of JSON otherwise.
    fn is_sse(self) -> bool {
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions | Self::LlamaServer => true,
            Self::OllamaGenerate | Self::OllamaChat => false,
        }
    }

    /// Whether answers can be made to run on to `max_tokens`.
    pub fn can_ignore_eos(self) -> bool {
        self.is_sse()
    }
}

/// A line or an event is longer than is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TooLong;

/// A string of a JSON text, borrowed where it has no escapes.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    /// The text, if there is one and it is not empty.
    fn some<'t>(text: Option<&'t Text<'_>>) -> Option<&'t str> {
        text.map(|text| &*text.0).filter(|text| !text.is_empty())
    }
}

/// The first element of a JSON list, and how many it has; nothing for `null`.
#[derive(Debug)]
struct First<T> {
    first: Option<T>,
    n: usize,
}

impl<T> Default for First<T> {
    fn default() -> Self {
        Self { first: None, n: 0 }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FirstVisitor(PhantomData))
    }
}

struct FirstVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FirstVisitor<T> {
    type Value = First<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(First::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let first = seq.next_element()?;
        let mut n = usize::from(first.is_some());
        while seq.next_element::<IgnoredAny>()?.is_some() {
            n += 1;
        }
        Ok(First { first, n })
    }
}
