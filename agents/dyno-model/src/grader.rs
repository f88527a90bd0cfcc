//! How an answer can be checked by a program: carried by the plan with each prompt, judged by dyno-grade.
//!
//! A grader is a necessary condition, not a mark for style. What each kind means is written in `prompts/README.md`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an answer must be to pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Grader {
    /// It is this text, letter case and one full stop at the end aside.
    Exact {
        /// The text.
        expected: String,
    },
    /// It is one of these texts once both are normalised: Unicode form, letter case, marks and white space aside.
    Normalised {
        /// The texts.
        expected: Vec<String>,
    },
    /// Its last number lies within a tolerance.
    Numeric {
        /// The number.
        expected: f64,
        /// How far off it may be.
        #[serde(default)]
        tolerance: f64,
    },
    /// Every one of these strings occurs, letter case aside.
    ContainsAll {
        /// The strings.
        expected: Vec<String>,
    },
    /// None of these strings occurs, letter case aside, and it is not empty.
    ContainsNone {
        /// The strings.
        unwanted: Vec<String>,
    },
    /// A pattern matches somewhere; syntax of Rust's `regex` crate.
    Regex {
        /// The pattern.
        pattern: String,
    },
    /// The first capital letter that stands alone is this label.
    Choice {
        /// The label.
        expected: String,
    },
    /// The first JSON value in it validates against a JSON Schema.
    JsonSchema {
        /// The schema, draft 2020-12 unless it names another.
        schema: Value,
    },
    /// Its first fenced block, or all of it where there is none, parses, and every string occurs in it as written.
    Parses {
        /// The language.
        syntax: Syntax,
        /// The strings.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        contains_all: Vec<String>,
    },
    /// It declines to do what was asked, or does not.
    Refusal {
        /// Whether it should decline.
        expected: bool,
    },
    /// Only a person can judge it.
    None,
}

/// A plan has no NaN: JSON cannot say it.
impl Eq for Grader {}

/// A language whose grammar [`Grader::Parses`] knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Syntax {
    /// Python 3.
    Python,
    /// JSON.
    Json,
    /// TOML.
    Toml,
    /// Rust.
    Rust,
}
