//! The report as text for a terminal.
//!
//! The width is respected by choosing the widest of four layouts that fits; nothing depends on colour.

mod calibration;
mod canary;
mod compare;
mod comparison;
mod compliance;
mod energy;
mod heat;
mod history;
mod imported;
mod load;
mod memory;
mod metrics;
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

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, TableComponent};
use dyno_view::report::{CellView, FindingLevel, Report};

use crate::campaigns;
use crate::cell::{Headline, State, cell_name, cell_settings, is_valid};
use crate::load::unsaid;
use crate::quality::PASS_RATE;
use crate::untrusted::{one_line, visible};
use crate::words;

/// Columns that a table of figures takes at least; a narrower terminal breaks the lines itself.
const LEAST_WIDTH: u16 = 40;

/// How to write for a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalStyle {
    /// Columns that may be used.
    pub width: u16,
    /// Whether to use colour.
    pub color: ColorChoice,
}

/// Whether to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// Plain text.
    #[default]
    Never,
    /// ANSI escape sequences.
    Always,
}

impl Default for TerminalStyle {
    /// Plain text, 100 columns.
    fn default() -> Self {
        Self { width: 100, color: ColorChoice::Never }
    }
}

/// The report's verdicts, comparison, findings, headline figures, metrics and outcomes.
///
/// Charts, launches, categories and answers are left to the HTML page.
pub fn render(report: &Report, style: &TerminalStyle) -> String {
    let style = TerminalStyle { width: style.width.max(LEAST_WIDTH), color: style.color };
    let mut page = Page { style, out: String::new() };
    page.campaign(report);
    if let Some(view) = &report.verdicts {
        page.verdicts(view);
    }
    page.load(report);
    page.comparison(report);
    page.findings(report);
    page.starts(report);
    page.heat_table(report);
    page.quality_table(report);
    page.energies(report);
    for cell in &report.cells {
        page.cell(cell);
    }
    page.imported(report);
    page.out
}

/// What a line is, which decides on its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Plain,
    Bold,
    Dim,
    Good,
    Warn,
    Bad,
}

impl Ink {
    fn sgr(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Warn => "\x1b[33m",
            Self::Bad => "\x1b[1;31m",
        }
    }
}

struct Page {
    style: TerminalStyle,
    out: String,
}

impl Page {
    /// Writes lines in one ink. **Invariant:** all text passes here and is made visible, so no foreign escape gets out.
    fn text(&mut self, text: &str, ink: Ink) {
        let painted = self.style.color == ColorChoice::Always && ink != Ink::Plain;
        for line in visible(text).lines().map(str::trim_end) {
            if painted && !line.is_empty() {
                self.out.push_str(ink.sgr());
                self.out.push_str(line);
                self.out.push_str("\x1b[0m");
            } else {
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }

    fn gap(&mut self) {
        self.out.push('\n');
    }

    fn wrapped(&mut self, first: &str, text: &str, ink: Ink) {
        let mut table = plain_table();
        table.set_width(self.style.width).set_content_arrangement(ContentArrangement::Dynamic);
        table.add_row([first.to_owned(), one_line(text)]);
        if let Some(column) = table.column_mut(0) {
            column.set_padding((0, 1)).set_constraint(ColumnConstraint::ContentWidth);
        }
        if let Some(column) = table.column_mut(1) {
            column.set_padding((0, 0));
        }
        self.text(&table.to_string(), ink);
    }

    fn heading(&mut self, text: &str) {
        let mut table = plain_table();
        table.set_width(self.style.width).set_content_arrangement(ContentArrangement::Dynamic);
        table.add_row([one_line(text)]);
        if let Some(column) = table.column_mut(0) {
            column.set_padding((0, 0));
        }
        self.text(&table.to_string(), Ink::Bold);
    }

    fn campaign(&mut self, report: &Report) {
        let campaign = &report.campaign;
        self.heading(&format!("{} {}", campaigns::noun(report), campaign.id));
        if !report.campaigns.is_empty() {
            self.campaigns(report);
            return;
        }
        let mut facts = vec![format!("suite {}", one_line(&campaign.suite))];
        if let Some(started) = &campaign.started_at {
            facts.push(words::instant(&one_line(started)));
            let took = campaign.ended_at.as_ref().and_then(|ended| words::span_ns(started, ended));
            facts.extend(took.map(|ns| format!("took {}", words::duration(ns))));
        }
        facts.push(words::recorded(campaign));
        facts.push(format!("edgedyno {}", one_line(&campaign.tool_version)));
        facts.push(format!("plan {}", one_line(words::short_digest(&campaign.plan_digest))));
        self.wrapped("", &facts.join(" · "), Ink::Dim);
    }

    fn findings(&mut self, report: &Report) {
        if unsaid(report).next().is_none() {
            return;
        }
        self.gap();
        for finding in unsaid(report) {
            let (word, ink) = match finding.level {
                FindingLevel::Invalid => ("invalid:", Ink::Bad),
                FindingLevel::Warning => ("warning:", Ink::Warn),
                FindingLevel::Note => ("note:   ", Ink::Plain),
            };
            self.wrapped(word, &finding.text, ink);
        }
    }

    fn cell(&mut self, cell: &CellView) {
        self.gap();
        self.heading(&cell_name(cell));
        self.wrapped("", &cell_settings(cell), Ink::Dim);
        for mark in &cell.model_marks {
            self.wrapped("", mark, Ink::Warn);
        }
        if cell.launches.is_empty() {
            self.wrapped("", "nothing was measured", Ink::Bad);
            return;
        }
        self.gap();
        self.headline(cell);
        self.unusable(cell);
        if cell.invalid_metrics.is_empty() {
            self.gap();
            self.metrics(cell);
        }
        self.gap();
        self.proof(cell);
        self.network(cell);
        self.heat(cell);
        self.memory(cell);
        self.cell_load(cell);
        self.rates(cell);
        self.cell_quality(cell);
        self.energy(cell);
        self.outcomes(cell);
        self.errors(cell);
    }

    fn headline(&mut self, cell: &CellView) {
        let headline = Headline::of(cell);
        let validity = &headline.validity;
        let mut table = plain_table();
        for (name, worded) in headline.figures() {
            table.add_row([name.to_owned(), worded.line()]);
        }
        if let Some(worded) = &headline.quality {
            table.add_row([PASS_RATE.to_owned(), worded.line()]);
        }
        table.add_row(["Validity".to_owned(), format!("{}: {}", validity.state.word(), validity.detail)]);
        let ink = match validity.state {
            State::Valid => Ink::Good,
            State::Failures | State::Partly => Ink::Warn,
            State::Invalid | State::NotMeasured => Ink::Bad,
        };
        table.set_width(self.style.width).set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(names) = table.column_mut(0) {
            names.set_padding((0, 1)).set_constraint(ColumnConstraint::ContentWidth);
        }
        let lines = table.to_string();
        let begin = lines.find("Validity").unwrap_or(lines.len());
        self.text(&lines[..begin], Ink::Plain);
        self.text(&lines[begin..], ink);
        for launch in cell.launches.iter().filter(|launch| !is_valid(launch)) {
            for reason in &launch.invalid {
                self.wrapped(&format!("  run {} launch {}:", launch.run, launch.launch), reason, Ink::Bad);
            }
        }
    }

    fn rates(&mut self, cell: &CellView) {
        for figure in &cell.throughput {
            let value =
                figure.value.map_or_else(|| "n/a".to_owned(), |value| words::value(figure.unit, value));
            self.wrapped(
                &format!("{}:", one_line(&figure.label)),
                &format!("{value} ({})", figure.note),
                Ink::Plain,
            );
        }
    }

    fn outcomes(&mut self, cell: &CellView) {
        for outcome in &cell.outcomes {
            let requests = words::plural(outcome.n, "request", "requests");
            let example =
                outcome.example.as_ref().map(|text| format!(", for example: {text}")).unwrap_or_default();
            let ink = if outcome.outcome == "ok" { Ink::Plain } else { Ink::Warn };
            self.wrapped(&format!("{}:", one_line(&outcome.outcome)), &format!("{requests}{example}"), ink);
        }
    }
}

/// A table without lines.
fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// Draws a line below the header and leaves two spaces between columns.
fn ruled(table: &mut Table) {
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table
        .set_style(TableComponent::HeaderLines, '─')
        .set_style(TableComponent::MiddleHeaderIntersections, '─');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_in_foreign_text_is_shown_not_obeyed() {
        for color in [ColorChoice::Never, ColorChoice::Always] {
            let mut page = Page { style: TerminalStyle { width: 80, color }, out: String::new() };
            page.text("a\x1b]0;title\x07b", Ink::Plain);
            assert_eq!(page.out, "a⟪U+001B⟫]0;title⟪U+0007⟫b\n");
        }
    }

    #[test]
    fn colour_is_asked_for() {
        let paint = |color| {
            let mut page = Page { style: TerminalStyle { width: 80, color }, out: String::new() };
            page.text("x\ny", Ink::Bold);
            page.out
        };
        assert_eq!(paint(ColorChoice::Never), "x\ny\n");
        assert_eq!(paint(ColorChoice::Always), "\x1b[1mx\x1b[0m\n\x1b[1my\x1b[0m\n");
    }
}
