//! Prompts from elsewhere: read from the forms that others keep them in, checked, made unlike each other, and cleaned of
//! personal data before they become a corpus.
//!
//! [`import`] is pure: bytes in, a corpus or all problems out.
//! [`write_corpus`] puts it into a folder, whole or not at all.
//! [`lint`] holds a corpus that is there against the same rules.

mod alike;
mod columns;
mod corpus;
mod error;
mod histogram;
mod import;
mod lint;
mod place;
mod record;
mod redact;
mod rows;
mod stats;
mod write;

pub use alike::{Alike, NEAR_DUPLICATE, near_duplicates};
pub use columns::Columns;
pub use corpus::{Corpus, Entry, Meta};
pub use error::{ImportError, WriteError};
pub use histogram::Histogram;
pub use import::{Handling, Input, Options, Report, import};
pub use lint::{Finding, Linted, Severity, lint};
pub use place::{Place, Problem};
pub use redact::{Personal, Redacted, redact};
pub use rows::Form;
pub use stats::{Group, Spread, Stats, stats};
pub use write::{check_name, write_corpus};

use dyno_model::request::Message;

/// The text of a prompt, as it is measured and compared: all messages, joined by line feeds.
pub fn text_of(messages: &[Message]) -> String {
    let contents: Vec<&str> = messages.iter().map(|message| message.content.as_str()).collect();
    contents.join("\n")
}
