//! The report as one HTML file: style, script and charts inside, no network request of any kind.
//!
//! The template is `reports/templates/report.html`.

mod canary;
mod compare;
mod comparison;
mod compliance;
mod energy;
mod fact;
mod heat;
mod history;
mod imported;
mod load;
mod memory;
mod network;
mod page;
pub(crate) mod picture;
mod proof;
mod quality;
mod recommend;
mod shell;
mod tile;
mod timeline;

use std::io::{self, Write};

use dyno_view::canary::CanaryView;
use dyno_view::compare::CompareView;
use dyno_view::compliance::ComplianceView;
use dyno_view::history::HistoryView;
use dyno_view::recommend::Recommendation;
use dyno_view::report::Report;

const TEMPLATE: &str = include_str!("../../../templates/report.html");
const CANARY: &str = include_str!("../../../templates/canary.html");
const COMPARE: &str = include_str!("../../../templates/compare.html");
const COMPLIANCE: &str = include_str!("../../../templates/compliance.html");
const HISTORY: &str = include_str!("../../../templates/history.html");
const RECOMMEND: &str = include_str!("../../../templates/recommend.html");

/// Writes the report as one HTML page.
///
/// # Errors
/// The writer's own.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    shell::write("report.html", TEMPLATE, page::Page::of(report), out)
}

/// Writes a comparison as one HTML page.
///
/// # Errors
/// The writer's own.
pub fn compare(view: &CompareView, out: &mut dyn Write) -> io::Result<()> {
    shell::write("compare.html", COMPARE, compare::page(view), out)
}

/// Writes a canary check as one HTML page.
///
/// # Errors
/// The writer's own.
pub fn canary(view: &CanaryView, out: &mut dyn Write) -> io::Result<()> {
    shell::write("canary.html", CANARY, canary::page(view), out)
}

/// Writes a history as one HTML page.
///
/// # Errors
/// The writer's own.
pub fn history(view: &HistoryView, out: &mut dyn Write) -> io::Result<()> {
    shell::write("history.html", HISTORY, history::page(view), out)
}

/// Writes a compliance report as one HTML page, which prints as a document to sign.
///
/// # Errors
/// The writer's own.
pub fn compliance(view: &ComplianceView, out: &mut dyn Write) -> io::Result<()> {
    shell::write("compliance.html", COMPLIANCE, compliance::page(view), out)
}

/// Writes a recommendation as one HTML page.
///
/// # Errors
/// The writer's own.
pub fn recommend(of: &Recommendation, out: &mut dyn Write) -> io::Result<()> {
    shell::write("recommend.html", RECOMMEND, recommend::page(of), out)
}
