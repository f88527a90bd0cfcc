//! Launches as dots.

use dyno_model::ids::RunId;
use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};

use super::figure::{Figure, TOTAL};
use super::{is_in_state, start_name};
use crate::cell::CellRecord;

/// Spawn to first token of each launch that was in its state, by round; none without a launch.
pub(super) fn charts(cells: &[&CellRecord<'_>]) -> Vec<Chart> {
    let series: Vec<Series> = cells.iter().map(|cell| series(cell)).filter(|of| of.n > 0).collect();
    if series.is_empty() {
        return Vec::new();
    }
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    vec![Chart {
        id: "starts".to_owned(),
        title: "Spawn to first token".to_owned(),
        caption:
            "One dot for each launch that was shown to be in its state, by the round in which it took place."
                .to_owned(),
        form: ChartForm::Points,
        x: axis("round", AxisUnit::Count),
        y: axis("spawn to first token", AxisUnit::Ns),
        series,
        marks: Vec::new(),
    }]
}

fn series(cell: &CellRecord<'_>) -> Series {
    let point = |launch: &crate::cell::LaunchRecord<'_>| {
        let round = cell.record.plan.run(RunId(launch.row.run))?.repetition;
        Some([f64::from(round) + 1.0, Figure::of(cell, launch).value(TOTAL)?])
    };
    let proven = cell.valid_launches().filter(|launch| is_in_state(cell, launch));
    let points: Vec<[f64; 2]> = proven.filter_map(point).collect();
    let name = start_name(cell.cell.start).unwrap_or_else(|| cell.cell.start.label().to_owned());
    Series { name, n: points.len() as u64, points }
}
