//! Answers against a baseline's in a terminal.

use dyno_view::canary::{CanaryKind, CanarySubject, CanaryView};

use super::compare::ink;
use super::{Ink, LEAST_WIDTH, Page, TerminalStyle};
use crate::canary::{
    RowWords, baseline_words, both_words, figures, row_words, rule_words, title, verdict_tone, verdict_word,
};
use crate::untrusted::one_line;
use crate::words;

/// Prompts that differ and are named in a terminal (house rule); the page and the JSON have all.
const MAX_ROWS: usize = 12;

/// A check: the verdict first, then each cell with its figures and the prompts that differ.
pub fn canary(view: &CanaryView, style: &TerminalStyle) -> String {
    let style = TerminalStyle { width: style.width.max(LEAST_WIDTH), color: style.color };
    let mut page = Page { style, out: String::new() };
    page.heading(&title(view));
    let word = format!("{}:", verdict_word(view.verdict));
    page.wrapped(&word, &view.summary, ink(verdict_tone(view.verdict)));
    page.listed(&view.findings);
    page.gap();
    for (label, value) in baseline_words(view) {
        page.wrapped(&format!("{label}:"), &value, Ink::Plain);
    }
    for subject in &view.subjects {
        page.canary_subject(subject);
    }
    page.gap();
    page.wrapped("", &rule_words(&view.rule), Ink::Dim);
    page.wrapped("again:", &view.regenerate, Ink::Dim);
    page.out
}

impl Page {
    fn canary_subject(&mut self, subject: &CanarySubject) {
        self.gap();
        self.heading(&subject.name);
        let tone = ink(verdict_tone(subject.verdict));
        let why = if subject.reasons.is_empty() {
            "every answer is the same".to_owned()
        } else {
            subject.reasons.join("; ")
        };
        self.wrapped(&format!("{}:", verdict_word(subject.verdict)), &why, tone);
        for both in subject.facts.iter().map(both_words).filter(|both| both.differs) {
            let text = format!("{} → {}", both.baseline, both.subject);
            self.wrapped(&format!("{}:", one_line(&both.label)), &text, Ink::Plain);
        }
        self.gap();
        for (label, value) in figures(subject) {
            self.wrapped(&format!("{label}:"), &value, Ink::Plain);
        }
        self.canary_rows(subject);
    }

    fn canary_rows(&mut self, subject: &CanarySubject) {
        let all: Vec<RowWords<'_>> =
            subject.rows.iter().filter(|row| row.kind != CanaryKind::Same).map(row_words).collect();
        if all.is_empty() {
            return;
        }
        self.gap();
        for row in all.iter().take(MAX_ROWS) {
            let first = format!("{} {}:", row.word, one_line(&row.row.prompt));
            self.wrapped(&first, &row.line(), ink(row.tone));
        }
        if let Some(more) = all.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
            let more = words::plural(more as u64, "other prompt differs", "other prompts differ");
            self.wrapped("", &format!("{more}: the page and the JSON have them"), Ink::Dim);
        }
    }
}
