//! The words for the state that launches start from.

use std::borrow::Cow;

use dyno_model::launch::Dialect;
use dyno_model::plan::{ModelOrigin, PlannedDevice, PlannedModel, PlannedRuntime, TransportSpec};
use dyno_model::start::{RestartSpec, StartState};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::document::Document;
use crate::problem::Problems;
use crate::suite::SuiteWords;

/// A state to start from, by its name as people write it or by its code in tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StartWords {
    #[serde(alias = "as-it-is")]
    AsItIs,
    #[serde(alias = "device-cold", alias = "C0")]
    DeviceCold,
    #[serde(alias = "storage-cold", alias = "C1")]
    StorageCold,
    #[serde(alias = "compile-cold", alias = "C2")]
    CompileCold,
    #[serde(alias = "page-warm", alias = "C3")]
    PageWarm,
}

/// All that serde takes above: a derived schema would not know of aliases.
const WORDS: [&str; 14] = [
    "as_it_is",
    "device_cold",
    "storage_cold",
    "compile_cold",
    "page_warm",
    "as-it-is",
    "device-cold",
    "storage-cold",
    "compile-cold",
    "page-warm",
    "C0",
    "C1",
    "C2",
    "C3",
];

impl JsonSchema for StartWords {
    fn schema_name() -> Cow<'static, str> {
        "StartWords".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The state that a launch starts from: as it is; C0, the device just restarted; C1, no page of the model in memory; C2, as C1 and without compile caches; C3, all of the model in the page cache.",
            "type": "string",
            "enum": WORDS,
        })
    }
}

impl StartWords {
    fn state(self) -> StartState {
        match self {
            Self::AsItIs => StartState::AsItIs,
            Self::DeviceCold => StartState::DeviceCold,
            Self::StorageCold => StartState::StorageCold,
            Self::CompileCold => StartState::CompileCold,
            Self::PageWarm => StartState::PageWarm,
        }
    }
}

/// How a device is restarted.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestartWords {
    /// How long it may take until it can be reached again; without it, five minutes.
    #[schemars(range(min = 1000, max = 3_600_000))]
    boot_limit_ms: Option<u64>,
    /// How long it is left alone then; without it, two minutes.
    #[schemars(range(max = 3_600_000))]
    settle_ms: Option<u64>,
}

/// How devices are restarted, in a suite that wants it.
pub(crate) fn restart(suite: &SuiteWords) -> Option<RestartSpec> {
    let usual = RestartSpec::default();
    let spec = suite.restart.map_or(usual, |words| RestartSpec {
        boot_limit_ms: words.boot_limit_ms.unwrap_or(usual.boot_limit_ms),
        settle_ms: words.settle_ms.unwrap_or(usual.settle_ms),
    });
    starts(suite).contains(&StartState::DeviceCold).then_some(spec)
}

/// The states of a suite, each once, in its order.
pub(crate) fn starts(suite: &SuiteWords) -> Vec<StartState> {
    let mut starts = Vec::new();
    for (_, words) in suite.start.iter().flat_map(crate::suite::OneOrMany::values) {
        if !starts.contains(&words.state()) {
            starts.push(words.state());
        }
    }
    if starts.is_empty() { vec![StartState::AsItIs] } else { starts }
}

/// What a suite's launches are of.
pub(crate) struct Launched<'p> {
    pub(crate) devices: Vec<(&'p str, &'p PlannedDevice)>,
    pub(crate) models: &'p [(String, PlannedModel)],
    pub(crate) runtimes: &'p [(String, PlannedRuntime)],
}

/// Reports states that no launch of the matrix could be brought into.
pub(crate) fn check(
    name: &str,
    suite: &SuiteWords,
    launched: &Launched<'_>,
    document: &Document<'_>,
    problems: &mut Problems,
) {
    for (idx, words) in suite.start.iter().flat_map(crate::suite::OneOrMany::values) {
        let idx = idx.map(|idx| idx.to_string());
        let path: Vec<&str> = ["suite", name, "start"].into_iter().chain(idx.as_deref()).collect();
        for (message, hint) in launched.refusals(words.state()) {
            problems.push(document.problem_at(&path, message, Some(hint.to_owned())));
        }
    }
}

impl Launched<'_> {
    /// Why a state does not apply, each with what to do.
    fn refusals(&self, state: StartState) -> Vec<(String, &'static str)> {
        let label = state.label();
        if state.is_as_it_is() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (name, runtime) in self.runtimes {
            if let Some((why, hint)) = refusal(state, runtime) {
                found.push((format!("{label} does not apply to runtime `{name}`: {why}"), hint));
            }
        }
        for (name, _) in self.models.iter().filter(|(_, model)| model.origin == ModelOrigin::None) {
            let message = format!("{label} does not apply to model `{name}`: it has no file");
            found.push((message, "leave `start` out, or name another model"));
        }
        for (name, device) in &self.devices {
            if state == StartState::DeviceCold && device.transport == TransportSpec::Local {
                let message = format!("{label} does not apply to device `{name}`: it is this machine");
                found.push((message, "measure it from another machine, or use storage_cold"));
            }
        }
        found
    }
}

fn refusal(state: StartState, runtime: &PlannedRuntime) -> Option<(String, &'static str)> {
    const LEAVE_OUT: &str = "leave `start` out, or name another runtime";
    if runtime.dialect == Dialect::Fake {
        return Some(("it is scripted and reads no model".to_owned(), LEAVE_OUT));
    }
    if runtime.endpoint.is_some() {
        return Some(("it runs already, and no launch starts it".to_owned(), LEAVE_OUT));
    }
    let has_caches = runtime.server.as_ref().is_some_and(|server| !server.cache_dirs.is_empty());
    if state == StartState::CompileCold && !has_caches {
        return Some((
            "no compile cache of it is known".to_owned(),
            "name them in `cache_dirs` of the runtime, or use storage_cold",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_every_word_and_no_other() {
        for word in WORDS {
            let json = serde_json::Value::from(word);
            serde_json::from_value::<StartWords>(json).unwrap_or_else(|error| panic!("{word}: {error}"));
        }
        let code = |word: &str| {
            serde_json::from_value::<StartWords>(word.into()).expect("a word of the list").state().code()
        };
        for expected in ["C0", "C1", "C2", "C3"] {
            assert_eq!(code(expected), Some(expected));
        }
        assert_eq!(code("page-warm"), Some("C3"));
        assert_eq!(code("as_it_is"), None);
    }
}
