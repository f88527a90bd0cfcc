//! The report as Markdown for pull requests and issues (CommonMark with GitHub's tables).

mod calibration;
mod canary;
mod compare;
mod compliance;
mod energy;
mod heat;
mod history;
mod imported;
mod load;
mod memory;
mod network;
mod proof;
mod quality;
mod recommend;

pub use calibration::calibration;
pub use canary::canary;
pub use compare::compare;
pub use compliance::compliance;
pub use history::history;
pub use recommend::recommend;

use std::fmt::Write as _;

use dyno_view::comparison::ComparisonView;
use dyno_view::report::{CellView, FindingLevel, Report};

use crate::campaigns;
use crate::cell::{Headline, cell_name, cell_settings, extremes, is_valid, permilles};
use crate::comparison::{NO_VERDICT, Table, device_line, tables, unlike};
use crate::load::unsaid;
use crate::untrusted::one_line;
use crate::words;

/// Headline figures or the comparison, findings, metrics, outcomes and provenance.
///
/// Foreign text is escaped so that it can neither format, link, mention nor leave its table cell.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    push(&mut out, format_args!("## {}\n\n{}\n", escaped(&report.campaign.id), campaign_line(report)));
    if let Some(view) = &report.verdicts {
        compare::verdicts(view, &mut out);
    }
    load::load(report, &mut out);
    if let Some(view) = &report.comparison {
        comparison(report, view, &mut out);
    }
    findings(report, &mut out);
    if report.comparison.is_none() && report.load.is_none() {
        headlines(report, &mut out);
    }
    proof::starts(report, &mut out);
    heat::table(report, &mut out);
    quality::table(report, &mut out);
    energy::energies(report, &mut out);
    for cell in &report.cells {
        cell_section(cell, &mut out);
    }
    imported::imported(report, &mut out);
    provenance(report, &mut out);
    out
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a String cannot fail");
}

fn campaign_line(report: &Report) -> String {
    let campaign = &report.campaign;
    if !report.campaigns.is_empty() {
        let n = words::plural(report.campaigns.len() as u64, "campaign", "campaigns");
        return format!("{n} · {} recorded", words::recorded(campaign));
    }
    let mut facts = vec![format!("Suite {}", escaped(&campaign.suite))];
    if let Some(started) = &campaign.started_at {
        facts.push(escaped(&words::instant(started)));
        let took = campaign.ended_at.as_ref().and_then(|ended| words::span_ns(started, ended));
        facts.extend(took.map(|ns| format!("took {}", words::duration(ns))));
    }
    facts.push(format!("{} recorded", words::recorded(campaign)));
    facts.join(" · ")
}

fn findings(report: &Report, out: &mut String) {
    if unsaid(report).next().is_none() {
        return;
    }
    out.push('\n');
    for finding in unsaid(report) {
        let word = match finding.level {
            FindingLevel::Invalid => "**Invalid:**",
            FindingLevel::Warning => "**Warning:**",
            FindingLevel::Note => "Note:",
        };
        push(out, format_args!("- {word} {}\n", escaped(&finding.text)));
    }
}

fn comparison(report: &Report, view: &ComparisonView, out: &mut String) {
    out.push_str("\n### Comparison\n");
    if let Some(text) = unlike(view) {
        push(out, format_args!("\n{}\n", escaped(&text)));
    }
    for table in tables(view) {
        comparison_table(&table, out);
    }
    push(out, format_args!("\n<sub>{NO_VERDICT}</sub>\n\n"));
    for device in &report.devices {
        push(out, format_args!("- {}: {}\n", escaped(&device.id), escaped(&device_line(device))));
    }
}

fn comparison_table(table: &Table<'_>, out: &mut String) {
    push(out, format_args!("\n{}: {}\n", escaped(&table.shared), escaped(&table.work)));
    out.push_str("\n| Cell | Validity |");
    for column in &table.columns {
        push(out, format_args!(" {} |", escaped(&column.title())));
    }
    push(out, format_args!(" n |\n| --- | --- |{} ---: |\n", " ---: |".repeat(table.columns.len())));
    for row in &table.rows {
        let marks: Vec<String> =
            row.view.marks.iter().map(|mark| format!(" **{}**", escaped(mark))).collect();
        let figures: Vec<String> = row.figures.iter().map(escaped_figure).collect();
        push(
            out,
            format_args!(
                "| {}{} | {} | {} | {} |\n",
                escaped(&row.view.name),
                marks.concat(),
                row.word,
                figures.join(" | "),
                row.n
            ),
        );
    }
    let words = table.rows.iter().filter(|row| row.needs_words());
    let words = words.map(|row| format!("{}: {}: {}", row.view.name, row.word, row.why()));
    let sentences: Vec<String> = words
        .chain(table.unlike.iter().cloned())
        .chain(table.overlaps.iter().cloned())
        .chain(table.notes.iter().cloned())
        .collect();
    if !sentences.is_empty() {
        out.push('\n');
    }
    for sentence in sentences {
        push(out, format_args!("- {}\n", escaped(&sentence)));
    }
    work_done(table, out);
}

/// What each row really did.
fn work_done(table: &Table<'_>, out: &mut String) {
    if table.done.is_empty() {
        return;
    }
    out.push_str(
        "\n| Work done | Prompt tokens | from a cache | Answer tokens | lengths | Tokenizer | counted by |\n",
    );
    out.push_str("| --- | ---: | ---: | ---: | --- | --- | --- |\n");
    for done in &table.done {
        let (prompts, answers) = (escaped(&done.prompts), escaped(&done.answers));
        push(
            out,
            format_args!(
                "| {} | {prompts} | {} | {answers} | {} | {} | {} |\n",
                escaped(&done.name),
                done.cached,
                done.lengths,
                escaped(&done.tokenizer),
                escaped(&done.counted)
            ),
        );
    }
}

/// A figure whose interval is not taken for a link.
fn escaped_figure(figure: &words::Entry) -> String {
    if figure.is_missing { escaped(&figure.line()) } else { figure.line() }
}

fn headlines(report: &Report, out: &mut String) {
    if report.cells.is_empty() {
        return;
    }
    let has_grades = report.cells.iter().any(|cell| cell.quality.is_some());
    let (head, rule) = if has_grades { (" Pass rate |", " ---: |") } else { ("", "") };
    push(
        out,
        format_args!(
            "\n| Cell | TTFT p50 | TPOT p50 | Decode rate p50 | Peak memory |{head} Validity |\n\
             | --- | ---: | ---: | ---: | ---: |{rule} --- |\n"
        ),
    );
    for cell in &report.cells {
        let headline = Headline::of(cell);
        let figures = headline.figures().map(|(_, worded)| worded.line()).join(" | ");
        let rate = headline.quality.as_ref().map_or_else(|| "n/a".to_owned(), words::Worded::line);
        let figures = if has_grades { format!("{figures} | {rate}") } else { figures };
        let validity = &headline.validity;
        let name = escaped(&cell_name(cell));
        push(out, format_args!("| {name} | {figures} | {}: {} |\n", validity.state.word(), validity.detail));
    }
}

fn cell_section(cell: &CellView, out: &mut String) {
    push(out, format_args!("\n### {}\n\n{}\n", escaped(&cell_name(cell)), escaped(&cell_settings(cell))));
    for mark in &cell.model_marks {
        push(out, format_args!("\n**{}**\n", escaped(mark)));
    }
    if cell.launches.is_empty() {
        out.push_str("\nNothing was measured.\n");
        return;
    }
    proof::unusable(cell, out);
    metrics(cell, out);
    proof::proof(cell, out);
    network::network(cell, out);
    heat::cell(cell, out);
    memory::memory(cell, out);
    load::cell(cell, out);
    energy::cell(cell, out);
    quality::cell(cell, out);
    if !cell.throughput.is_empty() {
        out.push('\n');
    }
    for figure in &cell.throughput {
        let value = figure.value.map_or_else(|| "n/a".to_owned(), |value| words::value(figure.unit, value));
        push(out, format_args!("- {}: {value} ({})\n", escaped(&figure.label), escaped(&figure.note)));
    }
    outcomes(cell, out);
}

fn metrics(cell: &CellView, out: &mut String) {
    let permilles = permilles(cell);
    if permilles.is_empty() || !cell.invalid_metrics.is_empty() {
        return;
    }
    let names: Vec<String> = permilles.iter().map(|&permille| words::quantile_name(permille)).collect();
    push(out, format_args!("\n| Metric | n | {} | min – max |\n", names.join(" | ")));
    push(out, format_args!("| --- | ---: |{} ---: |\n", " ---: |".repeat(names.len())));
    for metric in &cell.metrics {
        let figures: Vec<String> =
            permilles.iter().map(|&permille| words::quantile(metric, permille).line()).collect();
        let worth =
            metric.n_effective.map(|worth| format!(" worth {}", words::count(worth))).unwrap_or_default();
        let (label, n) = (escaped(&metric.label), words::count(metric.n) + &worth);
        push(out, format_args!("| {label} | {n} | {} | {} |\n", figures.join(" | "), extremes(metric)));
    }
}

fn outcomes(cell: &CellView, out: &mut String) {
    if !cell.outcomes.is_empty() {
        out.push('\n');
    }
    for outcome in &cell.outcomes {
        let requests = words::plural(outcome.n, "request", "requests");
        let example = outcome.example.as_ref().map(|text| format!(", for example: {}", escaped(text)));
        push(
            out,
            format_args!("- {}: {requests}{}\n", escaped(&outcome.outcome), example.unwrap_or_default()),
        );
    }
    load::errors(cell, out);
    for launch in cell.launches.iter().filter(|launch| !is_valid(launch)) {
        let reasons: Vec<String> = launch.invalid.iter().map(|reason| escaped(reason)).collect();
        push(
            out,
            format_args!(
                "- run {} launch {} is invalid: {}\n",
                launch.run,
                launch.launch,
                reasons.join("; ")
            ),
        );
    }
}

/// Where the figures of several campaigns come from.
fn provenances(report: &Report, out: &mut String) {
    out.push_str("\n| Campaign | Plan | What it is |\n| --- | --- | --- |\n");
    for part in campaigns::parts(report) {
        let plan = escaped(words::short_digest(part.plan_digest));
        push(out, format_args!("| {} | {plan} | {} |\n", escaped(part.id), escaped(&part.words)));
    }
    out.push_str("\n<sub>intervals: 95 %, order statistics</sub>\n");
    push(out, format_args!("\nRendered again by {}.\n", code(&report.campaign.regenerate)));
}

fn provenance(report: &Report, out: &mut String) {
    if !report.campaigns.is_empty() {
        provenances(report, out);
        return;
    }
    let campaign = &report.campaign;
    push(
        out,
        format_args!(
            "\n<sub>edgedyno {} · plan {} · corpus {} {} · seed {} · intervals: 95 %, order statistics</sub>\n",
            escaped(&campaign.tool_version),
            escaped(words::short_digest(&campaign.plan_digest)),
            escaped(&campaign.corpus),
            escaped(words::short_digest(&campaign.corpus_digest)),
            campaign.seed,
        ),
    );
    push(out, format_args!("\nRendered again by {}.\n", code(&campaign.regenerate)));
}

/// Text that says only itself: no formatting, HTML, table border, link, mention or issue number.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let one_line = one_line(text);
    let mut chars = one_line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '|' | '[' | ']' | '~' | '!' | '$' => out.extend(['\\', c]),
            // An empty comment keeps GitHub from making a mention, an issue link or a link of bare text.
            '@' => out.push_str("@<!-- -->"),
            '#' => out.push_str("\\#<!-- -->"),
            ':' if chars.peek() == Some(&'/') => out.push_str(":<!-- -->"),
            '.' if out.ends_with("www") => out.push_str("<!-- -->."),
            other => out.push(other),
        }
    }
    out
}

/// A code span whose fence is longer than any run of backticks within.
fn code(text: &str) -> String {
    let text = one_line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_says_only_itself() {
        let check = |input: &str, expected: &str| assert_eq!(escaped(input), expected);
        check("plain text, 1.5 ms (2)", "plain text, 1.5 ms (2)");
        check("a|b `c` *d* _e_", "a\\|b \\`c\\` \\*d\\* \\_e\\_");
        check("<img src=x>&amp;", "&lt;img src=x&gt;&amp;amp;");
        check("![x](http://e.x)", "\\!\\[x\\](http:<!-- -->//e.x)");
        check("ping @all #12 www.e.x", "ping @<!-- -->all \\#<!-- -->12 www<!-- -->.e.x");
        check("two\nlines\u{202E}\u{1b}", "two⏎lines⟪U+202E⟫⟪U+001B⟫");
    }

    #[test]
    fn code_spans_hold_backticks() {
        assert_eq!(code("edgedyno report x"), "`edgedyno report x`");
        assert_eq!(code("a `` b"), "```a `` b```");
        assert_eq!(code("`"), "`` ` ``");
    }
}
