//! Answers that were graded, in a terminal.

use comfy_table::CellAlignment;
use dyno_view::quality::FrontierView;
use dyno_view::report::{CellView, Report};

use super::{Ink, Page, plain_table, ruled};
use crate::quality;
use crate::untrusted::one_line;
use crate::words::Worded;

/// Failed answers that a terminal shows; the page has more.
const N_FAILURES: usize = 3;
/// Longest beginning of an answer.
const ANSWER_CHARS: usize = 120;

impl Page {
    /// Cells by speed, quality and energy.
    pub(super) fn quality_table(&mut self, report: &Report) {
        let Some(view) = &report.quality else { return };
        self.gap();
        self.heading("Speed, quality and energy");
        for group in &view.groups {
            self.wrapped("", &group.work, Ink::Dim);
            self.frontier(group);
            for text in quality::front_sentences(group) {
                self.wrapped("", &text, Ink::Plain);
            }
        }
        self.wrapped("", quality::FRONT_NOTE, Ink::Dim);
    }

    fn frontier(&mut self, group: &FrontierView) {
        let rows = quality::front_rows(group);
        let mut header = vec!["cell".to_owned()];
        header.extend(quality::FRONT_HEADS[..4].iter().map(|head| (*head).to_owned()));
        let lines = rows.iter().map(|row| (row.name.clone(), row.figures.each_ref().map(figure)));
        let lines: Vec<Vec<(String, String)>> = lines
            .map(|(name, figures)| [(one_line(&name), String::new())].into_iter().chain(figures).collect())
            .collect();
        self.figures(&header, &lines);
        for row in &rows {
            let ink = if row.is_on_front { Ink::Good } else { Ink::Plain };
            self.wrapped("", &format!("{}: {}", row.name, row.standing), ink);
        }
    }

    /// The pass rates of a cell, and a few answers that do not pass.
    pub(super) fn cell_quality(&mut self, cell: &CellView) {
        let Some(view) = &cell.quality else { return };
        self.gap();
        self.wrapped("Quality:", &quality::population(&view.overall), Ink::Plain);
        let header: Vec<String> =
            ["category"].iter().chain(&quality::HEADS).map(|head| (*head).to_owned()).collect();
        let plain = |text: String| (text, String::new());
        let line = |row: quality::Row| {
            let name = plain(one_line(&row.name));
            vec![
                name,
                plain(row.n),
                plain(row.passed),
                figure(&row.rate),
                plain(row.cut),
                plain(row.ungraded),
            ]
        };
        let lines: Vec<_> = quality::rows(view).into_iter().map(line).collect();
        self.figures(&header, &lines);
        for text in quality::sentences(view) {
            self.wrapped("note:", &text, Ink::Plain);
        }
        for of in view.failures.iter().take(N_FAILURES) {
            let answer: String = of.answer.chars().take(ANSWER_CHARS).collect();
            self.wrapped("not passed:", &format!("{} — {answer}", quality::failure(of)), Ink::Dim);
        }
        self.wrapped("", quality::SHORT_NOTE, Ink::Dim);
        self.gap();
    }

    /// A table of values and what stands behind them: on one line, on two, or row by row where no table fits.
    fn figures(&mut self, header: &[String], lines: &[Vec<(String, String)>]) {
        let width = usize::from(self.style.width);
        for between in [" ", "\n"] {
            let text = table(header, lines, between);
            if text.lines().all(|line| line.trim_end().chars().count() <= width) {
                for (place, line) in text.lines().enumerate() {
                    self.text(line, if place < 2 { Ink::Dim } else { Ink::Plain });
                }
                return;
            }
        }
        for line in lines {
            let [(name, _), figures @ ..] = &line[..] else { continue };
            let told = header[1..].iter().zip(figures).filter(|(_, (value, _))| !value.is_empty());
            let words =
                told.map(|(head, (value, note))| format!("{head} {value} {note}").trim_end().to_owned());
            self.wrapped("", &format!("{name}: {}", words.collect::<Vec<_>>().join("; ")), Ink::Plain);
        }
    }
}

fn figure(of: &Worded) -> (String, String) {
    match of {
        Worded::Estimate { .. } => of.parts(),
        Worded::Missing { .. } => ("n/a".to_owned(), String::new()),
    }
}

fn table(header: &[String], lines: &[Vec<(String, String)>], between: &str) -> String {
    let mut table = plain_table();
    table.set_header(header.iter());
    for line in lines {
        let cells =
            line.iter().map(
                |(value, note)| {
                    if note.is_empty() { value.clone() } else { format!("{value}{between}{note}") }
                },
            );
        table.add_row(cells);
    }
    ruled(&mut table);
    for place in 1..table.column_count() {
        if let Some(column) = table.column_mut(place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}
