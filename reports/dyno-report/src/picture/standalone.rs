//! A chart as an SVG file: heading, legend, picture and caption, with all colours inside.

use std::fmt::Write as _;

use crate::chart::{Drawing, UNITS, WIDTH, drawing, escaped, panels_drawing};
use crate::html::picture::{legend, panel_legend};
use crate::untrusted::{one_line, visible};

use super::list::{Named, Shown};

const PAGE_STYLE: &str = include_str!("../../../templates/report.css");
const STYLE: &str = include_str!("../../../templates/picture.css");
/// Margin around all, in units of the `viewBox`.
const MARGIN: u32 = 80;
/// Height of a line of text, and of the heading.
const LINE: u32 = 64;
const HEADING: u32 = 84;
/// Width of an average character of the text, and of the heading.
const CHARACTER: u32 = 28;
const HEADING_CHARACTER: u32 = 38;
/// Room for a swatch and the gap after an entry.
const SWATCH: u32 = 84;
const ENTRY_GAP: u32 = 60;

/// Light or dark ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// For print and light slides.
    #[default]
    Light,
    /// For dark slides.
    Dark,
}

/// A whole SVG file, `width` pixels across; `None` when no point of the chart can be drawn.
///
/// All text of the chart is foreign, and escaped.
pub fn standalone(of: &Named<'_>, theme: Theme, width: u32) -> Option<String> {
    let (drawing, title, caption, entries) = match &of.chart {
        Shown::Plain(chart) => {
            let entry = |of: crate::html::picture::LegendEntry| {
                let n = if of.n.is_empty() { String::new() } else { format!(", n = {}", of.n) };
                (of.class, format!("{}{n}", of.name))
            };
            let entries: Vec<_> = legend(chart).into_iter().map(entry).collect();
            (drawing(chart)?, &chart.title, &chart.caption, vec![(String::new(), entries)])
        }
        Shown::Panels(chart) => {
            let rows = chart.panels.iter().map(panel_legend).map(|panel| {
                (panel.name, panel.entries.into_iter().map(|entry| (entry.class, entry.name)).collect())
            });
            (panels_drawing(chart)?, &chart.title, &chart.caption, rows.collect::<Vec<_>>())
        }
    };
    let mut file = File { body: String::new(), top: MARGIN / 2, theme };
    let heading = if of.of.is_empty() { title.clone() } else { format!("{title} · {}", of.of) };
    file.paragraph(&heading, "heading", (HEADING, HEADING_CHARACTER));
    for (name, row) in entries.iter().filter(|(_, row)| !row.is_empty()) {
        file.legend(name, row);
    }
    file.picture(&drawing);
    file.paragraph(caption, "label", (LINE, CHARACTER));
    // Names on axes are foreign, too.
    Some(visible(&file.close(width)))
}

/// The file in the making, from top to bottom.
struct File {
    body: String,
    top: u32,
    theme: Theme,
}

impl File {
    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.body.write_fmt(text).expect("writing to a String cannot fail");
    }

    fn text(&mut self, x: u32, class: &str, text: &str) {
        let base = self.top + LINE * 3 / 4;
        self.push(format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{base}\">{}</text>\n", escaped(text)));
    }

    fn paragraph(&mut self, text: &str, class: &str, (height, character): (u32, u32)) {
        for line in wrapped(&one_line(text), (WIDTH * UNITS / character) as usize) {
            self.text(MARGIN, class, &line);
            self.top += height;
        }
    }

    /// Entries side by side, as many as fit in a line.
    fn legend(&mut self, name: &str, entries: &[(String, String)]) {
        let mut x = MARGIN;
        if !name.is_empty() {
            let name = one_line(name);
            self.text(x, "title", &name);
            x += name.chars().count() as u32 * CHARACTER + ENTRY_GAP;
        }
        for (class, entry) in entries {
            let entry = one_line(entry);
            let width = SWATCH + entry.chars().count() as u32 * CHARACTER;
            if x > MARGIN && x + width > MARGIN + WIDTH * UNITS {
                x = MARGIN;
                self.top += LINE;
            }
            let (top, kind) =
                (self.top + LINE / 2, if class == "reference" { "mark" } else { class.as_str() });
            if class == "reference" {
                self.push(format_args!("<path class=\"{kind} line\" d=\"M{x} {top}h64\"/>\n"));
            } else {
                self.push(format_args!("<path class=\"{kind} fill\" d=\"M{x} {}h64v24h-64z\"/>\n", top - 12));
            }
            self.text(x + SWATCH, "label", &entry);
            x += width + ENTRY_GAP;
        }
        self.top += LINE;
    }

    fn picture(&mut self, drawing: &Drawing) {
        self.top += LINE / 4;
        let (top, form) = (self.top, drawing.form);
        self.push(format_args!(
            "<g class=\"{form}\" transform=\"translate({MARGIN} {top})\">\n{}</g>\n",
            drawing.body
        ));
        self.top += drawing.height * UNITS + LINE / 4;
    }

    fn close(self, width: u32) -> String {
        let (across, down) = (WIDTH * UNITS + 2 * MARGIN, self.top + MARGIN / 2);
        let height = (u64::from(width) * u64::from(down)).div_ceil(u64::from(across));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {across} {down}\">\n<style>\n{}</style>\n\
             <path class=\"ground\" style=\"stroke:none\" d=\"M-40 -40h{}v{}h-{}z\"/>\n{}</svg>\n",
            coloured(STYLE, self.theme),
            // Beyond the edges: a whole number of pixels is seldom a whole number of units.
            across + 80,
            down + 80,
            across + 80,
            self.body
        )
    }
}

/// Lines of at most `n` characters, broken between words; a longer word is cut.
fn wrapped(text: &str, n: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let chars: Vec<char> = word.chars().collect();
        for piece in chars.chunks(n.max(1)) {
            let piece: String = piece.iter().collect();
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + piece.chars().count() <= n => {
                    line.push(' ');
                    line.push_str(&piece);
                }
                _ => lines.push(piece),
            }
        }
    }
    lines
}

/// A style sheet with the page's colours in place of its variables.
fn coloured(style: &str, theme: Theme) -> String {
    let nth = match theme {
        Theme::Light => 0,
        Theme::Dark => 1,
    };
    let (start, _) =
        PAGE_STYLE.match_indices(":root {").nth(nth).expect("the page has a light and a dark theme");
    let block = PAGE_STYLE[start..].split('}').next().unwrap_or_default();
    let values = block.split(['{', ';']).filter_map(|entry| entry.trim().split_once(':'));
    let values = values.filter(|(name, _)| name.starts_with("--"));
    values.fold(style.to_owned(), |style, (name, value)| style.replace(&format!("var({name})"), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_colour_is_left_open() {
        for theme in [Theme::Light, Theme::Dark] {
            assert!(!coloured(STYLE, theme).contains("var("), "{theme:?}");
        }
        assert!(coloured(STYLE, Theme::Light).contains("fill: #ffffff"));
        assert!(coloured(STYLE, Theme::Dark).contains("fill: #14181d"));
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert!(wrapped(" ", 4).is_empty());
    }
}
