//! `catalog/runtimes/*.toml`: what runs a model.

use std::collections::BTreeMap;

use dyno_model::plan::PlannedRuntime;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::DialectWords;
use crate::devices::check_name;
use crate::problem::Problems;
use crate::registry::Registry;
use crate::server::{self, ServerWords};

/// Runtimes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the file is read table by table; this type is its schema")]
pub(crate) struct RuntimesFile {
    /// Version of this file's form: 1.
    schema_version: u32,
    /// One table for each runtime, under the name that `--runtime` takes.
    runtime: BTreeMap<String, RuntimeWords>,
}

/// One runtime.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuntimeWords {
    /// Name in tables.
    title: String,
    /// How it is spoken to.
    pub(crate) dialect: DialectWords,
    /// How long a launch may take until it is ready, in ms.
    #[schemars(range(min = 1))]
    ready_limit_ms: u64,
    /// Settings by name, as this dialect knows them. A server has `slots` (requests at once; without it, the users of
    /// the load, and 4 where requests come at a rate), `model` (its name there), `prompt_cache` (`off`, `server`),
    /// `connections` (`kept`, `fresh`), and those that its arguments have gaps for.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, Setting>,
    /// Fields of every request's body, of servers; they win over edgedyno's own.
    #[serde(default)]
    pub(crate) body: BTreeMap<String, serde_json::Value>,
    /// The server to be started, for dialects over HTTP.
    pub(crate) server: Option<ServerWords>,
}

/// The value of a setting.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Setting {
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(String),
}

impl Setting {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(value) => value.clone(),
        }
    }
}

impl RuntimeWords {
    /// Settings as the adapter takes them; fields of the body have a prefix.
    fn settings(&self) -> BTreeMap<String, String> {
        let settings = self.settings.iter().map(|(key, value)| (key.clone(), value.text()));
        let body = self.body.iter().map(|(key, value)| (format!("body.{key}"), value.to_string()));
        settings.chain(body).collect()
    }
}

/// All usable runtimes, typed.
pub(crate) fn plan_all(
    runtimes: &Registry<'_, RuntimeWords>,
    problems: &mut Problems,
) -> BTreeMap<String, PlannedRuntime> {
    let mut planned = BTreeMap::new();
    for (name, words, document) in runtimes.usable() {
        check_name("runtime", name, document, &["runtime", name], problems);
        server::check(name, words, document, problems);
        let runtime = PlannedRuntime {
            title: words.title.clone(),
            dialect: words.dialect.plan(),
            settings: words.settings(),
            ready_limit_ms: words.ready_limit_ms,
            server: words.server.as_ref().map(ServerWords::plan),
            endpoint: None,
        };
        planned.insert(name.to_owned(), runtime);
    }
    planned
}
