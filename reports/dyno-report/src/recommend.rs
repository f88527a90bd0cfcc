//! What every format says of a recommendation: sentences and tables in words.

mod amount;
mod csv;
mod said;
mod tables;

use dyno_view::recommend::Recommendation;

pub use csv::{COLUMNS as CSV_COLUMNS, render as csv};
pub(crate) use said::{Said, flips, lead};
pub(crate) use tables::{Sheet, all as tables, assumptions};

/// The recommendation as JSON, indented, with a line feed at its end; the same one gives the same bytes.
///
/// Foreign text is kept as it is: JSON is for programs.
pub fn json(of: &Recommendation) -> String {
    let mut json = serde_json::to_string_pretty(of).expect("a recommendation has only string keys");
    json.push('\n');
    json
}

/// The JSON Schema (draft 2020-12) of [`json`]'s output.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Recommendation)
}
