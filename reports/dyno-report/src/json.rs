//! The normative forms: `report.json` and its kin, and their schemas.

use dyno_view::calibration::CalibrationView;
use dyno_view::canary::CanaryView;
use dyno_view::compare::CompareView;
use dyno_view::compliance::ComplianceView;
use dyno_view::history::HistoryView;
use dyno_view::report::Report;
use schemars::Schema;
use serde::Serialize;

/// The report as JSON, indented, with a line feed at its end; the same report gives the same bytes.
///
/// Foreign text is kept as it is: JSON is for programs.
pub fn render(report: &Report) -> String {
    pretty(report)
}

/// A comparison as JSON, in the same form.
pub fn compare(view: &CompareView) -> String {
    pretty(view)
}

/// A calibration as JSON, in the same form.
pub fn calibration(view: &CalibrationView) -> String {
    pretty(view)
}

/// A compliance report as JSON, in the same form: this is the normative one.
pub fn compliance(view: &ComplianceView) -> String {
    pretty(view)
}

/// A canary check as JSON, in the same form.
pub fn canary(view: &CanaryView) -> String {
    pretty(view)
}

/// A history as JSON, in the same form.
pub fn history(view: &HistoryView) -> String {
    pretty(view)
}

fn pretty(view: &impl Serialize) -> String {
    let mut json = serde_json::to_string_pretty(view).expect("a view has only string keys");
    json.push('\n');
    json
}

/// The JSON Schema (draft 2020-12) of [`render`]'s output; `docs/report.schema.json` is this.
pub fn report_schema() -> Schema {
    schemars::schema_for!(Report)
}

/// The same of [`compare`]; `docs/compare.schema.json` is this.
pub fn compare_schema() -> Schema {
    schemars::schema_for!(CompareView)
}

/// The same of [`calibration`]; `docs/calibration.schema.json` is this.
pub fn calibration_schema() -> Schema {
    schemars::schema_for!(CalibrationView)
}

/// The same of [`compliance`]; `docs/compliance.schema.json` is this.
pub fn compliance_schema() -> Schema {
    schemars::schema_for!(ComplianceView)
}

/// The same of [`canary`]; `docs/canary.schema.json` is this.
pub fn canary_schema() -> Schema {
    schemars::schema_for!(CanaryView)
}

/// The same of [`history`]; `docs/history.schema.json` is this.
pub fn history_schema() -> Schema {
    schemars::schema_for!(HistoryView)
}
