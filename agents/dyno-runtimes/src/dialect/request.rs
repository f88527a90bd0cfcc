//! Request bodies.

use dyno_model::blame::{Blame, Classify};
use dyno_model::request::{Request, Sampling};
use serde_json::{Map, Value, json};

use super::Api;

/// Servers take seeds of different widths; 31 bits fit into all, and none of them means "at random".
const SEED_MASK: u64 = 0x7fff_ffff;

/// What is the same for all requests of a cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ask {
    /// The model's name at the server; llama-server takes any.
    pub model: String,
    /// Whether the server may answer a prompt's beginning from what it kept.
    pub prompt_cache: PromptCache,
    /// Further fields of the body, which win over ours.
    pub extra: Map<String, Value>,
}

/// Whether a server may keep prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PromptCache {
    /// As it does by itself.
    #[default]
    ServerDefault,
    /// Not, where it can be told so by a request (`cache_prompt: false` of llama-server).
    Off,
}

/// A request cannot be said in a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Answers cannot be made to run on.
    #[error("{api:?} cannot be asked to ignore the end of the answer")]
    IgnoreEos {
        /// How it is asked.
        api: Api,
    },
}

impl Classify for AskError {
    fn blame(&self) -> Blame {
        Blame::User
    }

    fn hints(&self) -> Vec<String> {
        vec!["let answers end by themselves, or ask over another API".to_owned()]
    }
}

impl Api {
    /// The body of a request.
    ///
    /// # Errors
    /// When the API has no word for what the request wants.
    pub fn body(self, ask: &Ask, request: &Request) -> Result<Vec<u8>, AskError> {
        let sampling = &request.sampling;
        if sampling.ignore_eos && !self.can_ignore_eos() {
            return Err(AskError::IgnoreEos { api: self });
        }
        let mut body = match self {
            Self::OpenAiChat | Self::OllamaChat => json!({ "messages": request.messages }),
            Self::OpenAiCompletions | Self::OllamaGenerate => json!({ "prompt": prompt(request) }),
            Self::LlamaServer => json!({ "prompt": prompt(request), "return_tokens": true }),
        };
        let Value::Object(fields) = &mut body else { unreachable!("each is an object") };
        fields.insert("stream".to_owned(), true.into());
        if self != Self::LlamaServer {
            fields.insert("model".to_owned(), ask.model.clone().into());
        }
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions => {
                fields.insert("max_tokens".to_owned(), sampling.max_tokens.into());
                fields.insert("stream_options".to_owned(), json!({ "include_usage": true }));
                draw(fields, sampling);
            }
            Self::LlamaServer => {
                fields.insert("n_predict".to_owned(), sampling.max_tokens.into());
                draw(fields, sampling);
            }
            Self::OllamaGenerate | Self::OllamaChat => {
                let mut options = Map::new();
                options.insert("num_predict".to_owned(), sampling.max_tokens.into());
                draw(&mut options, sampling);
                fields.insert("options".to_owned(), options.into());
            }
        }
        self.ask_odds(fields, sampling.top_logprobs);
        if ask.prompt_cache == PromptCache::Off && self.is_sse() {
            fields.insert("cache_prompt".to_owned(), false.into());
        }
        fields.extend(ask.extra.clone());
        Ok(serde_json::to_vec(&body).expect("a JSON value has only string keys"))
    }

    /// Asks how likely the likeliest tokens were, in the API's own words.
    fn ask_odds(self, fields: &mut Map<String, Value>, top: u8) {
        if top == 0 {
            return;
        }
        match self {
            Self::OpenAiChat | Self::OllamaGenerate | Self::OllamaChat => {
                fields.insert("logprobs".to_owned(), true.into());
                fields.insert("top_logprobs".to_owned(), top.into());
            }
            Self::OpenAiCompletions => {
                fields.insert("logprobs".to_owned(), top.into());
            }
            Self::LlamaServer => {
                fields.insert("n_probs".to_owned(), top.into());
            }
        }
    }
}

fn draw(fields: &mut Map<String, Value>, sampling: &Sampling) {
    fields.insert("temperature".to_owned(), (f64::from(sampling.temperature_milli) / 1000.0).into());
    fields.insert("top_p".to_owned(), (f64::from(sampling.top_p_milli) / 1000.0).into());
    fields.insert("seed".to_owned(), (sampling.seed & SEED_MASK).into());
    if sampling.ignore_eos {
        fields.insert("ignore_eos".to_owned(), true.into());
    }
}

/// The conversation as one text, for APIs without roles: contents with a blank line between them.
fn prompt(request: &Request) -> String {
    let contents: Vec<&str> = request.messages.iter().map(|message| message.content.as_str()).collect();
    contents.join("\n\n")
}
