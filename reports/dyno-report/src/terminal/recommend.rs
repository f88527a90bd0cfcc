//! A recommendation as text.

use comfy_table::CellAlignment;
use dyno_view::recommend::Recommendation;
use dyno_view::report::FindingLevel;

use super::{Ink, LEAST_WIDTH, Page, TerminalStyle, plain_table, ruled};
use crate::recommend::{Sheet, assumptions, flips, lead, tables};
use crate::untrusted::one_line;

/// The answer, the tables, what would change it, assumptions and findings.
///
/// Charts and formulas are left to the HTML page.
pub fn recommend(of: &Recommendation, style: &TerminalStyle) -> String {
    let style = TerminalStyle { width: style.width.max(LEAST_WIDTH), color: style.color };
    let mut page = Page { style, out: String::new() };
    page.heading(&format!("What to buy for {}", of.slo.name));
    page.gap();
    for said in lead(of) {
        let ink = match said.tone {
            "good" => Ink::Good,
            "warn" => Ink::Warn,
            "bad" => Ink::Bad,
            _ => Ink::Plain,
        };
        page.wrapped("", &said.text, ink);
    }
    for sheet in tables(of) {
        page.sheet(&sheet);
    }
    let flips = flips(of);
    if !flips.is_empty() {
        page.gap();
        page.heading("What would change it");
        for text in flips {
            page.wrapped("-", &text, Ink::Plain);
        }
    }
    page.sheet(&assumptions(of));
    page.buyer_findings(of);
    page.out
}

impl Page {
    /// A table where it fits, else one device below the other.
    fn sheet(&mut self, sheet: &Sheet) {
        self.gap();
        self.heading(&sheet.title);
        match self.fitting(sheet) {
            Some(text) => {
                for (place, line) in text.lines().enumerate() {
                    self.text(line, if place < 2 { Ink::Dim } else { Ink::Plain });
                }
            }
            None => self.down_sheet(sheet),
        }
        for note in &sheet.notes {
            self.wrapped("", note, Ink::Dim);
        }
    }

    fn fitting(&self, sheet: &Sheet) -> Option<String> {
        let width = usize::from(self.style.width);
        [" ", "\n"]
            .into_iter()
            .map(|between| across(sheet, between))
            .find(|text| text.lines().all(|line| line.trim_end().chars().count() <= width))
    }

    fn down_sheet(&mut self, sheet: &Sheet) {
        for row in &sheet.rows {
            let Some((name, figures)) = row.split_first() else { continue };
            let mark = if name.note.is_empty() { String::new() } else { format!(" ({})", name.note) };
            self.heading(&format!("{}{mark}", name.value));
            for (head, entry) in sheet.heads.iter().skip(1).zip(figures) {
                if entry.value == "–" || entry.value.is_empty() {
                    continue;
                }
                let ink = match entry.tone {
                    "good" => Ink::Good,
                    "warn" => Ink::Warn,
                    "bad" => Ink::Bad,
                    _ => Ink::Plain,
                };
                self.wrapped(&format!("  {}:", one_line(head)), &noted(&entry.value, " ", &entry.note), ink);
            }
        }
    }

    fn buyer_findings(&mut self, of: &Recommendation) {
        self.gap();
        for finding in &of.findings {
            let (word, ink) = match finding.level {
                FindingLevel::Invalid => ("invalid:", Ink::Bad),
                FindingLevel::Warning => ("warning:", Ink::Warn),
                FindingLevel::Note => ("note:   ", Ink::Plain),
            };
            self.wrapped(word, &finding.text, ink);
        }
    }
}

/// A figure and its note, in brackets where it is not an interval, which has its own.
fn noted(value: &str, between: &str, note: &str) -> String {
    match note {
        "" => value.to_owned(),
        _ if note.starts_with('[') => format!("{value}{between}{note}"),
        _ => format!("{value}{between}({note})"),
    }
}

/// Devices as rows; `between` stands between a figure and its note.
fn across(sheet: &Sheet, between: &str) -> String {
    let mut table = plain_table();
    table.set_header(sheet.heads.iter().map(|head| one_line(head)));
    for row in &sheet.rows {
        table.add_row(row.iter().map(|entry| {
            let (value, note) = (one_line(&entry.value), one_line(&entry.note));
            noted(&value, between, &note)
        }));
    }
    ruled(&mut table);
    for place in 1..table.column_count() {
        if let Some(column) = table.column_mut(place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}
