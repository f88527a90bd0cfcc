//! Cells side by side in a terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement};
use dyno_view::comparison::RowState;
use dyno_view::report::Report;

use super::{Ink, Page, plain_table, ruled};
use crate::comparison::{NO_VERDICT, Row, Table, device_line, tables, unlike};
use crate::untrusted::one_line;

impl Page {
    /// All groups, then the devices in a line each.
    pub(super) fn comparison(&mut self, report: &Report) {
        let Some(view) = &report.comparison else { return };
        self.gap();
        self.heading("Comparison");
        if let Some(text) = unlike(view) {
            self.wrapped("", &text, Ink::Warn);
        }
        for table in tables(view) {
            self.gap();
            self.wrapped("", &format!("{} · {}", table.shared, table.work), Ink::Dim);
            self.gap();
            self.group(&table);
        }
        self.gap();
        self.wrapped("", NO_VERDICT, Ink::Dim);
        self.gap();
        for device in &report.devices {
            self.wrapped(&format!("{}:", one_line(&device.id)), &device_line(device), Ink::Plain);
        }
    }

    /// The first layout that fits, then what is to be said of it.
    fn group(&mut self, table: &Table<'_>) {
        let width = usize::from(self.style.width);
        let fits = |text: &String| text.lines().all(|line| line.trim_end().chars().count() <= width);
        let layouts = [Layout::OneLine, Layout::TwoLines, Layout::Compact];
        let wide = layouts.into_iter().map(|layout| across(table, layout)).find(fits);
        let text = wide.unwrap_or_else(|| down(table, self.style.width));
        let n_header = text.lines().position(|line| line.starts_with('─')).map_or(0, |rule| rule + 1);
        for (i, line) in text.lines().enumerate() {
            self.text(line, if i < n_header { Ink::Dim } else { Ink::Plain });
        }
        if table.rows.iter().any(Row::needs_words)
            || !table.unlike.is_empty()
            || !table.overlaps.is_empty()
            || !table.notes.is_empty()
        {
            self.gap();
        }
        for row in table.rows.iter().filter(|row| row.needs_words()) {
            let ink = match row.view.state {
                RowState::Invalid | RowState::NotMeasured => Ink::Bad,
                RowState::Valid | RowState::Failures | RowState::Incomplete | RowState::Partly => Ink::Warn,
            };
            let name = format!("{}:", one_line(&row.view.name));
            self.wrapped(&name, &format!("{}: {}", row.word, row.why()), ink);
        }
        for text in &table.unlike {
            self.wrapped("unlike work:", text, Ink::Warn);
        }
        for text in &table.overlaps {
            self.wrapped("", text, Ink::Plain);
        }
        for text in table.notes {
            self.wrapped("note:", text, Ink::Warn);
        }
        for done in &table.done {
            let text = format!(
                "prompts of {} tokens, {} from a cache; answers of {} tokens, {} lengths; tokenizer {}; counted by {}",
                done.prompts, done.cached, done.answers, done.lengths, done.tokenizer, done.counted
            );
            self.wrapped(&format!("{}:", one_line(&done.name)), &text, Ink::Dim);
        }
    }
}

/// How a table with figures across is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `92.1 [90.3 – 94.1]`.
    OneLine,
    /// The interval below the value.
    TwoLines,
    /// The same without spaces in intervals, the validity below the name, and headings folded.
    Compact,
}

/// Longest lines of names and headings, but for a narrow table.
const NAME_CHARS: usize = 22;
const NARROW_CHARS: usize = 10;
const HEADING_CHARS: usize = 11;

fn across(table: &Table<'_>, layout: Layout) -> String {
    let is_compact = layout == Layout::Compact;
    let mut drawn = plain_table();
    let mut header = vec!["cell".to_owned()];
    header.extend((!is_compact).then(|| "validity".to_owned()));
    header.extend(table.columns.iter().map(|column| {
        let label =
            if is_compact { folded(&column.label, HEADING_CHARS).join("\n") } else { column.label.clone() };
        format!("{label}\n{}", column.sign)
    }));
    header.push("n".to_owned());
    drawn.set_header(header);
    for row in &table.rows {
        let mut cells = if is_compact {
            vec![name(row, NARROW_CHARS, &[row.word])]
        } else {
            vec![name(row, NAME_CHARS, &[]), row.word.replace(", ", ",\n")]
        };
        cells.extend(row.figures.iter().map(|figure| match layout {
            Layout::OneLine => figure.line(),
            Layout::TwoLines => stacked(&figure.value, &figure.note),
            Layout::Compact => stacked(&figure.value, &tight(&figure.note)),
        }));
        cells.push(row.n.clone());
        drawn.add_row(cells);
    }
    ruled(&mut drawn);
    for i in if is_compact { 1 } else { 2 }..drawn.column_count() {
        if let Some(column) = drawn.column_mut(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    drawn.to_string()
}

/// Without the spaces around signs.
pub(super) fn tight(note: &str) -> String {
    note.replace(" – ", "–").replace(" = ", "=").replace(" < ", "<")
}

fn stacked(value: &str, note: &str) -> String {
    if note.is_empty() { value.to_owned() } else { format!("{value}\n{note}") }
}

/// The name, `more`, and the marks, in lines of a bounded length.
fn name(row: &Row<'_>, n_chars: usize, more: &[&str]) -> String {
    let mut lines = folded(&one_line(&row.view.name), n_chars);
    lines.extend(more.iter().flat_map(|text| folded(text, n_chars)));
    lines.extend(row.view.marks.iter().flat_map(|mark| folded(&one_line(mark), n_chars)));
    lines.join("\n")
}

/// Lines of at most `n_chars`, broken at spaces where there are any.
fn folded(text: &str, n_chars: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let mut rest: &str = word;
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= n_chars => {
                line.push(' ');
                line.push_str(word);
                continue;
            }
            _ => {}
        }
        while let Some((at, _)) = rest.char_indices().nth(n_chars) {
            lines.push(rest[..at].to_owned());
            rest = &rest[at..];
        }
        lines.push(rest.to_owned());
    }
    lines
}

/// One part for the validity and for each figure, with the cells below each other: for narrow terminals.
fn down(table: &Table<'_>, width: u16) -> String {
    let mut drawn = plain_table();
    drawn.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
    let part = |title: String| [title, String::new(), String::new()];
    drawn.add_row(part("validity".to_owned()));
    for row in &table.rows {
        let marks: Vec<String> = row.view.marks.iter().map(|mark| one_line(mark)).collect();
        drawn.add_row([indented(row), row.word.to_owned(), marks.join(", ")]);
    }
    for (place, column) in table.columns.iter().enumerate() {
        drawn.add_row(part(column.title()));
        for row in &table.rows {
            let figure = &row.figures[place];
            drawn.add_row([indented(row), figure.value.clone(), figure.note.clone()]);
        }
    }
    drawn.add_row(part("n".to_owned()));
    for row in &table.rows {
        drawn.add_row([indented(row), row.n.clone(), String::new()]);
    }
    for column in drawn.column_iter_mut() {
        column.set_padding((0, 1));
    }
    if let Some(values) = drawn.column_mut(1) {
        values.set_cell_alignment(CellAlignment::Right);
        values.set_constraint(ColumnConstraint::ContentWidth);
    }
    drawn.to_string()
}

fn indented(row: &Row<'_>) -> String {
    format!("  {}", folded(&one_line(&row.view.name), NAME_CHARS).join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_take_several_lines() {
        let check = |text: &str, expected: &[&str]| assert_eq!(folded(text, 22), expected);
        check("pi5", &["pi5"]);
        check("pi5 · embedded · 4 threads", &["pi5 · embedded · 4", "threads"]);
        check(&"x".repeat(50), &[&"x".repeat(22), &"x".repeat(22), "xxxxxx"]);
        check("", &[""]);
    }
}
