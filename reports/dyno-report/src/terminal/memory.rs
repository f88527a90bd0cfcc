//! Memory and roofline.

use dyno_view::report::CellView;

use super::{Ink, Page};
use crate::memory::sections;

impl Page {
    /// A verdict and its figures for each; of a ladder of contexts one line a rung.
    pub(super) fn memory(&mut self, cell: &CellView) {
        for section in sections(cell) {
            let ink = match section.tone {
                "bad" => Ink::Bad,
                "warn" => Ink::Warn,
                _ => Ink::Plain,
            };
            self.wrapped(&format!("{}:", section.title), &section.verdict, ink);
            for line in &section.lines {
                self.wrapped(&format!("  {}:", line.label), &line.text(), Ink::Plain);
            }
            for rung in &section.rungs {
                let text = format!(
                    "{}; {} tokens in use, anonymous peak {}, launches: {}",
                    rung.outcome, rung.used, rung.anon, rung.launches
                );
                let ink = if rung.tone == "bad" { Ink::Bad } else { Ink::Plain };
                self.wrapped(&format!("  context {}:", rung.context), &text, ink);
            }
        }
    }
}
