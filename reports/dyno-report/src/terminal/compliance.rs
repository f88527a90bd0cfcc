//! A compliance report in a terminal.

use dyno_view::compliance::ComplianceView;

use super::compare::ink;
use super::{Ink, LEAST_WIDTH, Page, TerminalStyle, plain_table, ruled};
use crate::compliance::{Block, Line, LineKind, VerdictLine, paper};
use crate::untrusted::one_line;

/// The verdicts first, then all sections.
pub fn compliance(view: &ComplianceView, style: &TerminalStyle) -> String {
    let style = TerminalStyle { width: style.width.max(LEAST_WIDTH), color: style.color };
    let mut page = Page { style, out: String::new() };
    let paper = paper(view);
    for line in &paper.lines {
        page.verdict(line);
    }
    page.gap();
    page.wrapped(
        &format!("{}:", paper.word),
        &format!("{}. {}", paper.title, paper.meaning),
        ink(paper.tone),
    );
    page.wrapped("", &paper.description, Ink::Dim);
    page.lines(&paper.cover);
    for (section, number) in paper.sections.iter().zip(1..) {
        page.gap();
        page.heading(&format!("{number}. {}", section.title));
        for block in &section.blocks {
            page.block(block);
        }
    }
    page.out
}

impl Page {
    fn verdict(&mut self, line: &VerdictLine) {
        let cell = line.cell.as_ref().map(|cell| format!(" · {cell}")).unwrap_or_default();
        // Verdicts of all lines stand one below the other.
        let word = format!("{:<12}", line.word);
        self.wrapped(&word, &format!("{}{cell}: {}", line.name, line.counts), ink(line.tone));
        let indent = " ".repeat(12);
        self.wrapped(&indent, &line.claim, Ink::Dim);
        if let Some(why) = &line.why {
            self.wrapped(&indent, why, Ink::Plain);
        }
    }

    fn lines(&mut self, lines: &[Line]) {
        for line in lines {
            let ink = if line.kind == LineKind::Missing { Ink::Dim } else { Ink::Plain };
            self.wrapped(&format!("{}:", one_line(&line.label)), &line.value, ink);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(text) => {
                self.gap();
                self.wrapped("", text, Ink::Bold);
            }
            Block::Facts(lines) => self.lines(lines),
            Block::Points(points) => {
                for point in points {
                    self.wrapped("-", point, Ink::Plain);
                }
            }
            Block::Command(command) => self.wrapped(" ", command, Ink::Plain),
            Block::Table { head, rows } => self.grid(head, rows),
        }
    }

    /// A table where it fits, else a list.
    fn grid(&mut self, head: &[&str], rows: &[Vec<String>]) {
        let mut table = plain_table();
        table.set_header(head.iter().map(|name| (*name).to_owned()));
        for row in rows {
            table.add_row(row.iter().map(|text| one_line(text)));
        }
        ruled(&mut table);
        let text = table.to_string();
        let width = usize::from(self.style.width);
        if text.lines().all(|line| line.trim_end().chars().count() <= width) {
            for (place, line) in text.lines().enumerate() {
                self.text(line, if place < 2 { Ink::Dim } else { Ink::Plain });
            }
            return;
        }
        for row in rows {
            let (first, rest) =
                row.split_first().map_or(("", [].as_slice()), |(first, rest)| (first.as_str(), rest));
            let rest: Vec<String> = head
                .iter()
                .skip(1)
                .zip(rest)
                .map(|(name, value)| format!("{} {value}", name.to_lowercase()))
                .collect();
            self.wrapped("-", &format!("{first}: {}", rest.join(", ")), Ink::Plain);
        }
    }
}
