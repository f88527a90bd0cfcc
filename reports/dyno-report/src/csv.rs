//! Metrics as comma-separated values, one row for each percentile and for each rate of a whole cell.
//!
//! Values are in base units and unrounded. Line feeds end rows; fields are quoted as in RFC 4180.

use std::fmt::Write as _;

use dyno_view::compare::CompareView;
use dyno_view::imported::ImportedView;
use dyno_view::report::{CellView, QuantileFigure, Report, UnitView};

use crate::compare::{Group, Line, QualityLine, groups, quality_lines};
use crate::untrusted::one_line;

/// The columns, in order.
pub const COLUMNS: [&str; 12] =
    ["cell", "device", "runtime", "model", "metric", "unit", "n", "p", "value", "low", "high", "reason"];

/// All metric rows with a header.
///
/// `p` is a share of 0 to 1, empty for rates of a whole cell; `reason` says why `value` is empty, and of figures of
/// other tools whose they are.
/// A text that a spreadsheet would take for a formula begins with an apostrophe.
pub fn render(report: &Report) -> String {
    let mut out = COLUMNS.join(",");
    out.push('\n');
    for cell in &report.cells {
        metric_rows(cell, &mut out);
        throughput_rows(cell, &mut out);
        quality_rows(cell, &mut out);
    }
    for view in &report.imported {
        imported_rows(view, &mut out);
    }
    out
}

/// Figures of another tool: its name stands for the runtime, its file for the cell, and `reason` says whose they are.
fn imported_rows(view: &ImportedView, out: &mut String) {
    for row in &view.rows {
        let sd = row.sd.map(|sd| format!(", standard deviation {sd}")).unwrap_or_default();
        let reason = format!("mean as {} states it{sd}; no record stands behind it", view.tool);
        let tool = format!("{} (imported)", view.tool);
        let names = [&view.file, &row.device, &tool, &row.model, &row.test].map(|text| field(text));
        let (unit, n, mean) = (unit_name(row.unit), row.n, row.mean);
        writeln!(out, "{},{unit},{n},,{mean},,,{}", names.join(","), field(&reason))
            .expect("writing to a String cannot fail");
    }
}

/// The columns of a comparison, in order.
pub const COMPARE_COLUMNS: [&str; 20] = [
    "side", "baseline", "device", "work", "metric", "unit", "primary", "pairing", "n", "a", "b", "ratio",
    "low", "high", "p", "q", "delta", "mde", "verdict", "reason",
];

/// A comparison, one row for each metric of each pair of cells, with a header.
///
/// `a` and `b` are medians of the launches of the baseline and of the side, `ratio` is the side over the baseline. Graded
/// answers are rows of the metric `passed`, with the pass rates as `a` and `b` and no ratio.
pub fn compare(view: &CompareView) -> String {
    let mut out = COMPARE_COLUMNS.join(",");
    out.push('\n');
    for group in groups(view) {
        for line in &group.lines {
            compared_row(&group, line, &mut out);
        }
        for line in quality_lines(&group) {
            answers_row(&group, &line, &mut out);
        }
    }
    out
}

fn compared_row(group: &Group<'_>, line: &Line<'_>, out: &mut String) {
    let (row, contrast) = (line.row, group.contrast);
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let effect = line.change.map(|change| change.effect);
    let names = [group.side, group.baseline, &contrast.device, &contrast.label, &row.metric].map(field);
    let pairing = if group.is_unpaired { "unpaired" } else { "paired" };
    let n = line.change.map(|change| change.n.to_string()).unwrap_or_default();
    let figures = [
        row.baseline,
        row.candidate,
        effect.map(|effect| effect.ratio),
        effect.and_then(|effect| effect.low),
        effect.and_then(|effect| effect.high),
        line.change.and_then(|change| change.p),
        line.change.and_then(|change| change.q),
        Some(row.delta),
        line.change.and_then(|change| change.mde),
    ];
    let figures = figures.map(number).join(",");
    writeln!(
        out,
        "{},{},{},{pairing},{n},{figures},{},{}",
        names.join(","),
        unit_name(row.unit),
        row.is_primary,
        line.word.to_lowercase().replace(' ', "_"),
        field(&line.why)
    )
    .expect("writing to a String cannot fail");
}

/// Graded answers: the pass rates, and the difference in `reason`, for it is no ratio. A category stands behind the metric.
fn answers_row(group: &Group<'_>, line: &QualityLine<'_>, out: &mut String) {
    let (row, contrast) = (line.row, group.contrast);
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let metric = row.category.as_ref().map_or_else(|| "passed".to_owned(), |of| format!("passed:{of}"));
    let names = [group.side, group.baseline, &contrast.device, &contrast.label, &metric].map(field);
    let [a, b] = row.shares().map_or([None, None], |shares| shares.map(Some));
    let why = if line.why.is_empty() { String::new() } else { format!("; {}", line.why) };
    let difference = row
        .difference
        .map_or_else(String::new, |of| format!("difference {} from {} to {}; ", of.value, of.low, of.high));
    let reason = format!("{difference}lost {}; gained {}{why}", row.n_lost, row.n_gained);
    let figures = [a, b, None, None, None, row.p, row.q, Some(row.delta), None].map(number).join(",");
    writeln!(
        out,
        "{},ratio,false,by prompt,{},{figures},{},{}",
        names.join(","),
        row.n,
        line.word.to_lowercase(),
        field(&reason)
    )
    .expect("writing to a String cannot fail");
}

fn metric_rows(cell: &CellView, out: &mut String) {
    for metric in &cell.metrics {
        for quantile in &metric.quantiles {
            let p = f64::from(quantile.permille) / 1000.0;
            let figures = match &quantile.figure {
                QuantileFigure::Estimate { value, low, high, .. } => format!("{value},{low},{high},"),
                QuantileFigure::TooFew { n, needed } => format!(",,,n = {n} < {needed}"),
            };
            row(cell, &metric.metric, metric.unit, &format!("{},{p},{figures}", metric.n), out);
        }
    }
}

fn throughput_rows(cell: &CellView, out: &mut String) {
    for figure in &cell.throughput {
        let rest = match figure.value {
            Some(value) => format!(",,{value},,,"),
            None => format!(",,,,,{}", field(&figure.note)),
        };
        row(cell, &figure.label, figure.unit, &rest, out);
    }
}

/// Pass rates of all prompts, as the metric `passed`, and of each category, as `passed:CATEGORY`; `n` counts prompts.
fn quality_rows(cell: &CellView, out: &mut String) {
    let Some(view) = &cell.quality else { return };
    let all = [(String::from("passed"), &view.overall)];
    let categories = view.categories.iter().map(|of| (format!("passed:{}", of.category), &of.rate));
    for (name, of) in all.into_iter().chain(categories) {
        let figures = match (of.rate, of.interval) {
            (Some(rate), Some([low, high])) => format!("{rate},{low},{high},"),
            (Some(rate), None) => format!("{rate},,,"),
            (None, _) => ",,,no answer is graded".to_owned(),
        };
        row(cell, &name, UnitView::Ratio, &format!("{},,{figures}", of.n), out);
    }
}

/// Writes the columns that all rows share, then `rest`.
fn row(cell: &CellView, metric: &str, unit: UnitView, rest: &str, out: &mut String) {
    let names = [&cell.id, &cell.device, &cell.runtime, &cell.model, metric].map(field);
    writeln!(out, "{},{},{rest}", names.join(","), unit_name(unit)).expect("writing to a String cannot fail");
}

fn unit_name(unit: UnitView) -> &'static str {
    match unit {
        UnitView::Ns => "ns",
        UnitView::TokensPerSecond => "tokens_per_s",
        UnitView::Bytes => "bytes",
        UnitView::Tokens => "tokens",
        UnitView::RequestsPerSecond => "requests_per_s",
        UnitView::BytesPerSecond => "bytes_per_s",
        UnitView::Count => "count",
        UnitView::Ratio => "ratio",
        UnitView::Joules => "j",
        UnitView::Watts => "w",
        UnitView::TokensPerJoule => "tokens_per_j",
        UnitView::JouleSeconds => "js",
        UnitView::WattHours => "wh",
        UnitView::Hours => "h",
        UnitView::OperationsPerSecond => "operations_per_s",
    }
}

/// One field: visible, harmless for a spreadsheet, quoted where RFC 4180 asks for it.
pub(crate) fn field(text: &str) -> String {
    let mut text = one_line(text);
    if text.starts_with(['=', '+', '-', '@']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_formulas_defused() {
        let check = |input: &str, expected: &str| assert_eq!(field(input), expected);
        check("plain", "plain");
        check("a,b", "\"a,b\"");
        check("say \"hi\"", "\"say \"\"hi\"\"\"");
        check("=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0");
        check("two\nlines\u{202E}", "two⏎lines⟪U+202E⟫");
    }
}
