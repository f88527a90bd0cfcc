//! What came of a load: how it was offered, whether it was kept up with, and which rate a service level holds.
//!
//! In open loops and traces a latency counts from the instant at which its request was due, whenever it was sent, so
//! that no stall hides the requests that waited behind it.

mod attempts;
mod by_rate;
mod capacity;
mod cell;
mod chunks;
mod good;
mod latency;
mod over_time;
mod pace;
mod saturation;
mod sweep;

use dyno_model::load::LoadModel;
use dyno_model::plan::Cell;
use dyno_view::load::{CellLoadView, LoadReportView};
use dyno_view::report::{CellView, Finding, FindingLevel};

use crate::cell::CellRecord;

pub(crate) use attempts::{errors, n_unsent, share, unsent_of_runs};
pub(crate) use capacity::{Step, capacity_of};
pub(crate) use cell::cell_load;
pub(crate) use chunks::chunks;
pub(crate) use good::limits_of;
pub(crate) use over_time::charts_over_time;

/// What cells under load show together; `None` when all loads are of a single user.
pub(crate) fn load_report(cells: &[CellRecord<'_>], views: &[CellView]) -> Option<LoadReportView> {
    let is_loaded = |cell: &CellRecord<'_>| !matches!(cell.cell.load, LoadModel::Single { .. });
    if !cells.iter().any(is_loaded) {
        return None;
    }
    let shown = cells.iter().zip(views).filter(|(cell, _)| is_loaded(cell));
    Some(LoadReportView {
        alarms: cells.iter().zip(views).flat_map(|(cell, view)| alarms(cell, view, cells)).collect(),
        cells: shown.map(|(_, view)| view.id.clone()).collect(),
        sweeps: sweep::sweeps(cells, views),
    })
}

/// What must be known before the figures of a cell that could not keep up.
fn alarms(cell: &CellRecord<'_>, view: &CellView, cells: &[CellRecord<'_>]) -> Vec<Finding> {
    let Some(load) = &view.offered else { return Vec::new() };
    let name = cell_name(cell, cells);
    let words = |reason: &String| Finding {
        level: FindingLevel::Warning,
        text: format!("saturated{name}: {reason}"),
    };
    load.saturation.iter().map(words).collect()
}

/// Which cell is meant: its load, and what else tells it from others.
fn cell_name(cell: &CellRecord<'_>, cells: &[CellRecord<'_>]) -> String {
    if cells.len() < 2 {
        return String::new();
    }
    let of = cell.cell;
    let differs = |tells: fn(&Cell, &Cell) -> bool| cells.iter().any(|other| tells(other.cell, of));
    let parts = [
        (differs(|a, b| a.device != b.device), of.device.0.clone()),
        (differs(|a, b| a.runtime != b.runtime), of.runtime.clone()),
        (differs(|a, b| a.model != b.model), of.model.clone()),
        (true, of.load.label()),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| part.0).map(|part| part.1).collect();
    format!(" ({})", parts.join(" · "))
}

/// The load of a cell by its id, among the views of all.
fn load_of<'v>(views: &'v [CellView], id: &str) -> Option<&'v CellLoadView> {
    views.iter().find(|view| view.id == id)?.offered.as_ref()
}

/// `2.5/s`: a rate with at most three significant digits and no zeros behind.
pub(crate) fn rate_words(per_s: f64) -> String {
    let decimals = (2 - per_s.abs().max(1e-3).log10().floor() as i32).clamp(0, 5) as usize;
    let text = format!("{per_s:.decimals$}");
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{short}/s")
}

/// `512 ms`, `14.1 s`.
pub(crate) fn time_words(ns: f64) -> String {
    let (value, sign) = if ns >= 1e9 { (ns / 1e9, "s") } else { (ns / 1e6, "ms") };
    let decimals = (2 - value.max(1e-3).log10().floor() as i32).clamp(0, 3) as usize;
    format!("{value:.decimals$} {sign}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_times_have_three_digits_at_most() {
        let rates =
            [(10.0, "10/s"), (2.5, "2.5/s"), (0.125, "0.125/s"), (1234.0, "1234/s"), (1.994, "1.99/s")];
        for (rate, expected) in rates {
            assert_eq!(rate_words(rate), expected);
        }
        for (ns, expected) in
            [(512e6, "512 ms"), (14.1e9, "14.1 s"), (2.104e9, "2.10 s"), (5.25e6, "5.25 ms")]
        {
            assert_eq!(time_words(ns), expected);
        }
    }
}
