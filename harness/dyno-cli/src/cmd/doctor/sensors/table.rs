//! The sensors of devices as tables for a terminal.

use std::fmt::Write as _;

use dyno_report::terminal::ColorChoice;
use dyno_report::untrusted::one_line;

use super::{ChannelRow, Device, Inventory, SourceRow};

/// Prints them; all words of devices pass through [`one_line`], so that none can move the cursor.
pub(super) fn render(inventory: &Inventory, color: ColorChoice) -> String {
    let mut page = Page { text: String::new(), color };
    for device in &inventory.devices {
        page.device(device);
    }
    page.text
}

struct Page {
    text: String,
    color: ColorChoice,
}

impl Page {
    fn line(&mut self, text: &str) {
        writeln!(self.text, "{}", text.trim_end()).expect("writing to a String cannot fail");
    }

    fn paint(&self, text: &str, sgr: &str) -> String {
        if self.color == ColorChoice::Always { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn device(&mut self, device: &Device) {
        let words = [&device.model, &device.board].into_iter().flatten();
        let words: Vec<String> =
            [self.paint(&device.name, "1")].into_iter().chain(words.map(|word| one_line(word))).collect();
        self.line(&words.join(", "));
        if let Some(error) = &device.error {
            self.line(&format!("  error: {}", one_line(error)));
            for hint in &device.hints {
                self.line(&format!("  hint: {}", one_line(hint)));
            }
            return;
        }
        self.sources(device);
        self.channels(&device.channels);
        if !device.unreadable.is_empty() {
            self.line("");
            self.line("  there, but not readable");
        }
        for one in &device.unreadable {
            let (driver, what, reason) = (one_line(&one.driver), one_line(&one.what), one_line(&one.reason));
            self.line(&format!("    {driver}  {what}: {reason}"));
            if let Some(fix) = one.fix {
                self.line(&format!("      fix: {fix}"));
            }
        }
        self.line("");
        self.line("  to know");
        for note in &device.notes {
            self.line(&format!("    - {}", one_line(note)));
        }
    }

    fn sources(&mut self, device: &Device) {
        let Some(first) = device.sources.first() else {
            self.line("  no source of power or energy");
            return;
        };
        let n = first.n_steps;
        self.line(&format!(
            "  sources of power, each tried against {n} steps of all CPUs at work and at rest"
        ));
        let head =
            ["source", "driver", "class", "scope", "update", "lag", "at rest", "under load", "verdict"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(device.sources.iter().map(source));
        self.table(&rows, 4);
        for one in &device.sources {
            if let Some(why) = &one.why {
                self.line(&format!("    {}: {}", one_line(&one.site), one_line(why)));
            }
        }
        if let Some(total) = &device.total {
            let levels = format!("{} at rest, {} under load", watts(total.idle_uw), watts(total.busy_uw));
            let sum = one_line(&total.sites.join(" + "));
            self.line(&format!("    {} = {sum}: {levels}", total.scope));
            if let Some(caveat) = &total.caveat {
                self.line(&format!("      {}", one_line(caveat)));
            }
        }
    }

    fn channels(&mut self, channels: &[ChannelRow]) {
        self.line("");
        self.line(&format!("  {} channels that can be read", channels.len()));
        let head = ["driver", "site", "quantity", "unit", "class", "scope", "every"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(channels.iter().map(|one| {
            let every = match one.period_ms {
                0 => "boundary".to_owned(),
                ms => format!("{ms} ms"),
            };
            vec![
                one_line(&one.driver),
                one_line(&one.site),
                one.quantity.clone(),
                one.unit.unwrap_or("").to_owned(),
                format!("{:?}", one.class),
                one.scope.clone().unwrap_or_default(),
                every,
            ]
        }));
        self.table(&rows, 4);
    }

    /// Columns as wide as their widest cell.
    fn table(&mut self, rows: &[Vec<String>], indent: usize) {
        let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..n_columns).map(width).collect();
        for (idx, row) in rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = format!("{:indent$}{}", "", cells.collect::<Vec<_>>().join("  "));
            let line = if idx == 0 { self.paint(line.trim_end(), "2") } else { line };
            self.line(&line);
        }
    }
}

fn source(one: &SourceRow) -> Vec<String> {
    let verdict = match one.verdict {
        "usable" => format!("follows ({} of {})", one.n_followed, one.n_steps),
        "negated" => format!("follows ({} of {}), sign turned round", one.n_followed, one.n_steps),
        "untried" => "not moved by this load".to_owned(),
        _ => "not used".to_owned(),
    };
    vec![
        one_line(&one.site),
        one_line(&one.driver),
        format!("{:?}", one.class),
        one.scope.clone().unwrap_or_else(|| "unknown".to_owned()),
        milliseconds(one.update_ns),
        milliseconds(one.lag_ns),
        watts(one.idle_uw),
        watts(one.busy_uw),
        verdict,
    ]
}

fn milliseconds(ns: Option<u64>) -> String {
    ns.map_or_else(|| "n/a".to_owned(), |ns| format!("{:.0} ms", ns as f64 / 1e6))
}

fn watts(uw: Option<i64>) -> String {
    uw.map_or_else(|| "n/a".to_owned(), |uw| format!("{:.3} W", uw as f64 / 1e6))
}
