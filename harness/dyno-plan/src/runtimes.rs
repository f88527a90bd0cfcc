//! `catalog/runtimes/*.toml`: what runs a model.

use std::collections::BTreeMap;

use dyno_model::launch::Dialect;
use dyno_model::plan::PlannedRuntime;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::devices::check_name;
use crate::problem::Problems;
use crate::registry::Registry;

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
    dialect: DialectWords,
    /// How long a launch may take until it is ready, in ms.
    #[schemars(range(min = 1))]
    ready_limit_ms: u64,
    /// Settings by name, as this dialect knows them.
    #[serde(default)]
    settings: BTreeMap<String, Setting>,
}

/// How a runtime is spoken to.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum DialectWords {
    /// The engine that the agent carries.
    Embedded,
    /// The scripted token clock.
    Fake,
}

/// The value of a setting.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Setting {
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(String),
}

impl Setting {
    fn text(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(value) => value.clone(),
        }
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
        let runtime = PlannedRuntime {
            title: words.title.clone(),
            dialect: match words.dialect {
                DialectWords::Embedded => Dialect::Embedded,
                DialectWords::Fake => Dialect::Fake,
            },
            settings: words.settings.iter().map(|(key, value)| (key.clone(), value.text())).collect(),
            ready_limit_ms: words.ready_limit_ms,
            server: None,
            endpoint: None,
        };
        planned.insert(name.to_owned(), runtime);
    }
    planned
}
