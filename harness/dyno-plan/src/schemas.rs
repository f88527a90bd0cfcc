//! JSON Schemas of the words, for editors, for the docs, and for our own check.

use schemars::JsonSchema;
use serde_json::Value;

use crate::boards::BoardsFile;
use crate::corpus::CorpusFile;
use crate::devices::DevicesFile;
use crate::meters::MetersFile;
use crate::models::ModelsFile;
use crate::runtimes::RuntimesFile;
use crate::slo::SlosFile;
use crate::suite::SuitesFile;
use crate::trust::TrustFile;

/// A JSON Schema (draft 2020-12) with the name of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedSchema {
    /// `boards`, `devices`, `suites`, `models`, `runtimes`, `slos`, `corpus`, `trust`.
    pub name: &'static str,
    /// The schema.
    pub schema: Value,
}

/// The schemas of all TOML files, by name.
pub fn schemas() -> Vec<NamedSchema> {
    vec![
        NamedSchema { name: "boards", schema: schema_of::<BoardsFile>() },
        NamedSchema { name: "corpus", schema: schema_of::<CorpusFile>() },
        NamedSchema { name: "devices", schema: schema_of::<DevicesFile>() },
        NamedSchema { name: "meters", schema: schema_of::<MetersFile>() },
        NamedSchema { name: "models", schema: schema_of::<ModelsFile>() },
        NamedSchema { name: "runtimes", schema: schema_of::<RuntimesFile>() },
        NamedSchema { name: "slos", schema: schema_of::<SlosFile>() },
        NamedSchema { name: "suites", schema: schema_of::<SuitesFile>() },
        NamedSchema { name: "trust", schema: schema_of::<TrustFile>() },
    ]
}

pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}
