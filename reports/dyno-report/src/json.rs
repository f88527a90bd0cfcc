//! `report.json`: the report itself, and its schema.

use dyno_view::report::Report;
use schemars::Schema;

/// The report as JSON, indented, with a line feed at its end; the same report gives the same bytes.
///
/// Foreign text is kept as it is: JSON is for programs.
pub fn render(report: &Report) -> String {
    let mut json = serde_json::to_string_pretty(report).expect("a report has only string keys");
    json.push('\n');
    json
}

/// The JSON Schema (draft 2020-12) of [`render`]'s output; `docs/report.schema.json` is this.
pub fn report_schema() -> Schema {
    schemars::schema_for!(Report)
}
