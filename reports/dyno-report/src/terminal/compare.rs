//! A comparison with its verdicts in a terminal.

use comfy_table::{CellAlignment, ContentArrangement};
use dyno_view::compare::CompareView;
use dyno_view::report::{Finding, FindingLevel};

use super::{Ink, LEAST_WIDTH, Page, TerminalStyle, plain_table, ruled};
use crate::compare::{
    Group, LOST_AND_GAINED, Line, QualityLine, Said, Tone, calibration_used, groups, how_measured, lettered,
    quality_lines, said_of, side_line, tail_words, title, verdict_tone, verdict_word,
};
use crate::untrusted::one_line;

/// A comparison: the verdict first, then what is held against what, then a table for each pair.
pub fn compare(view: &CompareView, style: &TerminalStyle) -> String {
    let style = TerminalStyle { width: style.width.max(LEAST_WIDTH), color: style.color };
    let mut page = Page { style, out: String::new() };
    page.heading(&title(view));
    page.change_verdict(view);
    page.listed(&view.findings);
    page.compared_sides(view);
    page.contrasts(view);
    page.gap();
    for of in &view.calibrations {
        page.said(&calibration_used(of));
    }
    for text in how_measured(view) {
        page.wrapped("", &text, Ink::Dim);
    }
    page.wrapped("again:", &view.regenerate, Ink::Dim);
    page.out
}

impl Page {
    /// The verdicts of a campaign's own arms, within its report.
    pub(super) fn verdicts(&mut self, view: &CompareView) {
        self.gap();
        self.change_verdict(view);
        self.listed(&view.findings);
        self.contrasts(view);
        self.gap();
    }

    fn change_verdict(&mut self, view: &CompareView) {
        let word = format!("{}:", verdict_word(view.verdict));
        self.wrapped(&word, &view.summary, ink(verdict_tone(view.verdict)));
    }

    pub(super) fn listed(&mut self, findings: &[Finding]) {
        if !findings.is_empty() {
            self.gap();
        }
        for finding in findings {
            let (word, ink) = match finding.level {
                FindingLevel::Invalid => ("invalid:", Ink::Bad),
                FindingLevel::Warning => ("warning:", Ink::Warn),
                FindingLevel::Note => ("note:   ", Ink::Plain),
            };
            self.wrapped(word, &finding.text, ink);
        }
    }

    fn compared_sides(&mut self, view: &CompareView) {
        self.gap();
        for (letter, side) in lettered(view) {
            self.wrapped(&format!("{letter}:"), &format!("{}: {}", side.name, side_line(side)), Ink::Plain);
        }
    }

    fn contrasts(&mut self, view: &CompareView) {
        for group in groups(view) {
            self.gap();
            self.heading(&group.heading());
            self.gap();
            self.lines_of(&group);
            self.quality(&group);
            self.gap();
            for said in said_of(&group) {
                self.said(&said);
            }
            for tail in &group.contrast.tails {
                let (name, text) = tail_words(tail);
                self.wrapped(&format!("{}:", one_line(&name)), &text, Ink::Dim);
            }
        }
    }

    /// The first layout that fits.
    fn lines_of(&mut self, group: &Group<'_>) {
        if group.lines.is_empty() {
            return;
        }
        let width = usize::from(self.style.width);
        let fits = |text: &String| text.lines().all(|line| line.trim_end().chars().count() <= width);
        let wide =
            [Layout::OneLine, Layout::TwoLines].into_iter().map(|layout| across(group, layout)).find(fits);
        let Some(text) = wide else {
            self.contrast_down(group);
            return;
        };
        // Each line of a table begins with its verdict, or goes on with the line before.
        let mut of_row = Ink::Dim;
        let mut is_header = true;
        for line in text.lines() {
            if line.starts_with('─') {
                is_header = false;
                self.text(line, Ink::Dim);
                continue;
            }
            let starts = group.lines.iter().find(|of| !is_header && line.starts_with(of.word));
            of_row = starts.map_or(of_row, |of| ink(of.tone));
            self.text(line, of_row);
        }
    }

    /// Graded answers: a table where it fits, else a part for each line.
    fn quality(&mut self, group: &Group<'_>) {
        let lines = quality_lines(group);
        if lines.is_empty() {
            return;
        }
        self.gap();
        let width = usize::from(self.style.width);
        for layout in [Layout::OneLine, Layout::TwoLines] {
            let text = quality_table(group, &lines, layout);
            if text.lines().any(|line| line.trim_end().chars().count() > width) {
                continue;
            }
            let height = if layout == Layout::OneLine { 1 } else { 2 };
            let inks = lines.iter().flat_map(|line| std::iter::repeat_n(ink(line.tone), height));
            for (text, ink) in text.lines().zip([Ink::Dim, Ink::Dim].into_iter().chain(inks)) {
                self.text(text, ink);
            }
            return;
        }
        for line in &lines {
            self.wrapped(&format!("{}:", line.word), &one_line(&line.name), ink(line.tone));
            self.wrapped("  change", &line.sentence(), Ink::Plain);
        }
    }

    /// One part for each metric: for narrow terminals.
    fn contrast_down(&mut self, group: &Group<'_>) {
        for line in &group.lines {
            self.wrapped(&format!("{}:", line.word), &one_line(&line.name()), ink(line.tone));
            let n = if line.n.is_empty() { String::new() } else { format!(", n = {}", line.n) };
            self.wrapped("  change", &format!("{}{n}", line.effect_line()), Ink::Plain);
            self.wrapped(
                "  values",
                &format!("A {}, {} {}", line.baseline, group.letter, line.candidate),
                Ink::Plain,
            );
            self.wrapped("  q, MDE", &format!("{}, {}", line.q, line.mde), Ink::Plain);
        }
    }

    pub(super) fn said(&mut self, said: &Said) {
        let first = match said.tone {
            Tone::Good | Tone::Plain => "",
            Tone::Warn => "note:",
            Tone::Bad => "mind:",
        };
        self.wrapped(first, &said.text, ink(said.tone));
    }
}

pub(super) fn ink(tone: Tone) -> Ink {
    match tone {
        Tone::Good => Ink::Good,
        Tone::Plain => Ink::Plain,
        Tone::Warn => Ink::Warn,
        Tone::Bad => Ink::Bad,
    }
}

/// How a table is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// The interval beside the change.
    OneLine,
    /// The interval below the change, marks below the metric.
    TwoLines,
}

fn across(group: &Group<'_>, layout: Layout) -> String {
    let mut table = plain_table();
    let n = if group.is_unpaired { "launches" } else { "blocks" };
    let header = ["verdict", "metric", "A", &group.letter, "change", n, "q", "MDE"];
    table.set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    for line in &group.lines {
        table.add_row(row(line, layout));
    }
    ruled(&mut table);
    for i in 2..table.column_count() {
        if let Some(column) = table.column_mut(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

fn quality_table(group: &Group<'_>, lines: &[QualityLine<'_>], layout: Layout) -> String {
    let mut table = plain_table();
    let header = ["verdict", "graded answers", "A", &group.letter, "change", LOST_AND_GAINED, "prompts", "q"];
    table.set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    let passed = |text: &String| match layout {
        Layout::OneLine => text.clone(),
        Layout::TwoLines => text.replacen(' ', "\n", 1),
    };
    for line in lines {
        table.add_row([
            line.word.to_owned(),
            one_line(&line.name),
            passed(&line.baseline),
            passed(&line.candidate),
            match layout {
                Layout::OneLine => line.effect_line(),
                Layout::TwoLines => format!("{}\n{}", line.effect, line.interval),
            },
            line.flips.clone(),
            line.n.clone(),
            line.q.clone(),
        ]);
    }
    ruled(&mut table);
    for i in 2..table.column_count() {
        if let Some(column) = table.column_mut(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

fn row(line: &Line<'_>, layout: Layout) -> [String; 8] {
    let (metric, effect) = match layout {
        Layout::OneLine => (one_line(&line.name()), line.effect_line()),
        Layout::TwoLines => {
            let mark = if line.row.is_primary { "\n(primary)" } else { "" };
            let interval =
                if line.interval.is_empty() { String::new() } else { format!("\n{}", line.interval) };
            (format!("{}{mark}", one_line(&line.row.label)), format!("{}{interval}", line.effect))
        }
    };
    let [baseline, candidate] = [&line.baseline, &line.candidate].map(Clone::clone);
    [
        line.word.to_owned(),
        metric,
        baseline,
        candidate,
        effect,
        line.n.clone(),
        line.q.clone(),
        line.mde.clone(),
    ]
}
