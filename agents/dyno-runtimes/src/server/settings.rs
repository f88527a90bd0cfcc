//! What a runtime's settings mean for a server.

use dyno_model::launch::LaunchSpec;
use serde_json::Value;

use crate::dialect::{Ask, PromptCache};
use crate::error::RuntimeError;
use crate::http::Reuse;

/// Settings that every server has, beside those that its arguments have gaps for.
const KNOWN: &[&str] = &["slots", "model", "prompt_cache", "connections", "body.FIELD"];
/// No server takes more requests at once (house rule).
const MAX_SLOTS: u32 = 4096;

/// The settings of a launch over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HttpSettings {
    /// Requests at once; `None` where it is not said.
    pub(super) slots: Option<u32>,
    /// What all requests have in common.
    pub(super) ask: Ask,
    /// Whether the prompt cache was spoken of.
    pub(super) says_prompt_cache: bool,
    /// Whether connections are kept.
    pub(super) reuse: Reuse,
}

impl HttpSettings {
    /// Reads the settings of `spec`; `model` is the model's name at the server, unless a setting says it.
    pub(super) fn read(spec: &LaunchSpec, model: &str) -> Result<Self, RuntimeError> {
        let mut settings = Self {
            slots: None,
            ask: Ask { model: model.to_owned(), ..Ask::default() },
            says_prompt_cache: false,
            reuse: Reuse::Pooled,
        };
        let gaps = spec.server.as_ref().map(|server| server.gaps()).unwrap_or_default();
        for (name, value) in &spec.settings {
            let wrong = |expected| RuntimeError::Setting {
                runtime: spec.runtime.clone(),
                name: name.clone(),
                value: value.clone(),
                expected,
            };
            match (name.as_str(), name.strip_prefix("body.")) {
                ("slots", _) => {
                    let slots = value.parse().ok().filter(|n| (1..=MAX_SLOTS).contains(n));
                    settings.slots = Some(slots.ok_or_else(|| wrong("a number from 1 to 4096"))?);
                }
                ("model", _) => settings.ask.model.clone_from(value),
                ("prompt_cache", _) => {
                    settings.says_prompt_cache = true;
                    settings.ask.prompt_cache = match value.as_str() {
                        "off" => PromptCache::Off,
                        "server" => PromptCache::ServerDefault,
                        _ => return Err(wrong("`off` or `server`")),
                    };
                }
                ("connections", _) => {
                    settings.reuse = match value.as_str() {
                        "kept" => Reuse::Pooled,
                        "fresh" => Reuse::Fresh,
                        _ => return Err(wrong("`kept` or `fresh`")),
                    };
                }
                (_, Some(field)) => {
                    // A text is a text; numbers, truth values, lists and objects are what they look like.
                    let value =
                        serde_json::from_str(value).unwrap_or_else(|_text| Value::from(value.clone()));
                    settings.ask.extra.insert(field.to_owned(), value);
                }
                (name, None) if gaps.contains(&name) => {}
                (_, None) => {
                    let (runtime, name) = (spec.runtime.clone(), name.clone());
                    return Err(RuntimeError::UnknownSetting { runtime, name, known: KNOWN });
                }
            }
        }
        Ok(settings)
    }

    /// Connections to make before the first request. No more than one: a server that serves one connection after the
    /// other would wait at the first for ever.
    pub(super) fn connect_ahead(&self) -> usize {
        match self.reuse {
            Reuse::Pooled => 1,
            Reuse::Fresh => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dyno_model::launch::{Dialect, ServerSpec};
    use dyno_model::start::StartState;
    use serde_json::json;

    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<HttpSettings, RuntimeError> {
        let server = ServerSpec {
            program: "p".to_owned(),
            args: vec!["--layers={gpu_layers}".to_owned()],
            env: BTreeMap::new(),
            ready_path: "/health".to_owned(),
            version_args: Vec::new(),
            prefix: String::new(),
            cache_dirs: Vec::new(),
            pins: BTreeMap::new(),
        };
        let spec = LaunchSpec {
            runtime: "r".to_owned(),
            dialect: Dialect::OpenaiChat,
            model_path: None,
            model_digest: None,
            threads: None,
            core_mask: None,
            context_tokens: 64,
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ready_limit_ms: 1,
            start: StartState::AsItIs,
            server: Some(Box::new(server)),
            endpoint: None,
        };
        HttpSettings::read(&spec, "/m.gguf")
    }

    #[test]
    fn settings_are_of_the_client_of_the_body_or_of_a_gap() {
        let plain = read(&[]).expect("none");
        assert_eq!((plain.slots, plain.ask.model.as_str(), plain.connect_ahead()), (None, "/m.gguf", 1));
        let settings = read(&[
            ("slots", "8"),
            ("model", "tiny"),
            ("prompt_cache", "off"),
            ("gpu_layers", "99"),
            ("body.top_k", "0"),
            ("body.stop", "[\"x\"]"),
            ("body.note", "yes, please"),
        ]);
        let settings = settings.expect("all are known");
        assert_eq!((settings.slots, settings.connect_ahead()), (Some(8), 1));
        assert_eq!((settings.ask.model.as_str(), settings.ask.prompt_cache), ("tiny", PromptCache::Off));
        let extra = json!({ "top_k": 0, "stop": ["x"], "note": "yes, please" });
        assert_eq!(Value::Object(settings.ask.extra), extra);
        assert_eq!(read(&[("connections", "fresh"), ("slots", "8")]).expect("known").connect_ahead(), 0);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let check = |name: &str, value: &str, expected: &str| {
            let error = read(&[(name, value)]).expect_err("it makes no sense").to_string();
            assert_eq!(error, expected);
        };
        check("slots", "0", "setting `slots` of the runtime `r` is `0`, expected a number from 1 to 4096");
        check(
            "prompt_cache",
            "on",
            "setting `prompt_cache` of the runtime `r` is `on`, expected `off` or `server`",
        );
        check("top_k", "0", "the runtime `r` has no setting `top_k`");
    }
}
