//! Graders that cannot be used.

use dyno_model::blame::{Blame, Classify};

/// What is wrong with a grader: always the words of who wrote it.
#[derive(Debug, thiserror::Error)]
pub enum GraderError {
    /// The pattern is none, or a very large one.
    #[error("pattern `{pattern}` does not compile")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        #[source]
        source: Box<regex::Error>,
    },
    /// The schema is none.
    #[error("the JSON Schema does not compile, at `{at}`")]
    Schema {
        /// JSON pointer within the schema; empty is all of it.
        at: String,
        /// Why.
        #[source]
        source: Box<jsonschema::ValidationError<'static>>,
    },
    /// The schema refers to something outside itself.
    #[error("`{keyword}` of the JSON Schema names `{target}`, which is not a place within it")]
    Reference {
        /// `$ref` or another keyword that refers.
        keyword: String,
        /// What it names.
        target: String,
    },
    /// The schema comes back to itself without going deeper into the answer: checking would never end.
    #[error("`$ref` of the JSON Schema to `{target}` comes back to itself at the same place of an answer")]
    Loop {
        /// What it names.
        target: String,
    },
    /// The schema becomes very large once its references are followed.
    #[error("the JSON Schema has more than {limit} parts once its references are followed")]
    Large {
        /// The limit.
        limit: usize,
    },
    /// A field that makes the grader accept everything, or nothing.
    #[error("grader `{kind}`: {what}")]
    Useless {
        /// The grader's kind, as it is written.
        kind: &'static str,
        /// What is wrong with which field.
        what: &'static str,
    },
}

impl Classify for GraderError {
    fn blame(&self) -> Blame {
        Blame::User
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Pattern { .. } => {
                "use the syntax of Rust's `regex` crate: no look-around, no back-references, no huge repetitions"
            }
            Self::Schema { .. } => "write a schema of draft 2020-12, or name its draft in `$schema`",
            Self::Reference { .. } => {
                "refer to a place of the same schema, such as `#/$defs/name`: files and addresses are never read"
            }
            Self::Loop { .. } => "let the reference stand below `properties`, `items` or the like",
            Self::Large { .. } => "ask for less: an answer needs few conditions to be told from a wrong one",
            Self::Useless { kind, .. } => match *kind {
                "choice" => "write one letter from A to Z",
                "numeric" => "write numbers; `tolerance` is 0 or more",
                _ => "write what a right answer says, or `none` where only a person can judge",
            },
        };
        vec![hint.to_owned()]
    }
}
