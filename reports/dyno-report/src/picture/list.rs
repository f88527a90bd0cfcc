//! All charts of a report, each with a name for its file.

use std::borrow::Cow;
use std::collections::BTreeSet;

use dyno_view::chart::{Chart, PanelChart};
use dyno_view::report::Report;

use super::energy::energy_parts;

/// Longest part of a name that comes from the record.
const NAME_CHARS: usize = 60;

/// One chart of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<'r> {
    /// File name without its ending: letters, digits, `-` and `_`; no two of a report are alike.
    pub name: String,
    /// What stands below its title: the cell that it is of; empty for charts of the whole campaign.
    pub of: String,
    /// The chart.
    pub chart: Shown<'r>,
}

/// A chart of either kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown<'r> {
    /// One pair of axes, or rows.
    Plain(Cow<'r, Chart>),
    /// Panels above each other.
    Panels(&'r PanelChart),
}

/// All charts: those of loads, comparisons and quality, what energy went into, then cell by cell in the order of the page.
pub fn pictures(report: &Report) -> Vec<Named<'_>> {
    let mut list = List { all: Vec::new(), taken: BTreeSet::new() };
    for (number, sweep) in (1..).zip(report.load.iter().flat_map(|load| &load.sweeps)) {
        list.plain(&format!("load-{number}"), &sweep.model, &sweep.charts);
    }
    for (number, group) in (1..).zip(report.comparison.iter().flat_map(|of| &of.groups)) {
        list.plain(&format!("comparison-{number}"), "", &group.charts);
    }
    for (number, group) in (1..).zip(report.quality.iter().flat_map(|of| &of.groups)) {
        list.plain(&format!("quality-{number}"), &group.work, &group.charts);
    }
    for (number, group) in (1..).zip(report.energy.iter().flat_map(|of| &of.groups)) {
        if let Some(chart) = energy_parts(group) {
            let id = chart.id.clone();
            list.add(&format!("energy-{number}"), &id, "", Shown::Plain(Cow::Owned(chart)));
        }
    }
    for (number, cell) in (1..).zip(&report.cells) {
        let prefix = format!("cell-{number}");
        let of = format!("{}, {} on {}", cell.model, cell.runtime, cell.device);
        list.plain(&prefix, &of, &cell.charts);
        for chart in cell.heat.iter().flat_map(|heat| &heat.charts) {
            list.add(&prefix, &chart.id, &of, Shown::Panels(chart));
        }
        for timeline in &cell.timelines {
            list.add(&prefix, &timeline.chart.id, &of, Shown::Panels(&timeline.chart));
        }
    }
    list.all
}

struct List<'r> {
    all: Vec<Named<'r>>,
    taken: BTreeSet<String>,
}

impl<'r> List<'r> {
    fn plain(&mut self, prefix: &str, of: &str, charts: &'r [Chart]) {
        for chart in charts {
            self.add(prefix, &chart.id, of, Shown::Plain(Cow::Borrowed(chart)));
        }
    }

    fn add(&mut self, prefix: &str, id: &str, of: &str, chart: Shown<'r>) {
        let id: String =
            id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(NAME_CHARS).collect();
        let name = format!("{prefix}-{id}").to_ascii_lowercase();
        let mut unique = name.clone();
        let mut again = 2;
        while !self.taken.insert(unique.clone()) {
            unique = format!("{name}_{again}");
            again += 1;
        }
        self.all.push(Named { name: unique, of: of.to_owned(), chart });
    }
}
