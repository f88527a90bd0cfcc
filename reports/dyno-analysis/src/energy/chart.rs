//! Power over time, by the source that the figures are made of.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};

use super::energy_of;
use super::launch::choose;
use super::reading::{Curve, Reading};
use crate::cell::{CellRecord, LaunchRecord};

/// More launches than these are not drawn.
const MAX_LAUNCHES: usize = 6;
/// Points of a line.
const MAX_POINTS: usize = 2000;

/// One line for each launch; `None` where nothing measures power.
pub(crate) fn power_chart(cell: &CellRecord<'_>) -> Option<Chart> {
    let source = energy_of(cell)?.view.source.as_ref()?;
    let launches: Vec<&LaunchRecord<'_>> = cell.valid_launches().take(MAX_LAUNCHES).collect();
    // The first launches may lack the source that the cell's figures are made of.
    let chosen = choose(cell, &launches)?.0.filter(|of| of.source.name == source.name)?;
    let start = |launch: &LaunchRecord<'_>| launch.row.started_at_ns.unwrap_or(0);
    let series: Vec<Series> = launches
        .iter()
        .zip(&chosen.launches)
        .filter_map(|(launch, of)| Some(series(&of.name, start(launch), of.reading.as_ref()?)))
        .collect();
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    let mark = launches.first().and_then(|launch| {
        let load = chosen.launches.first()?.load.began;
        Some(Mark { x: load.checked_sub(start(launch))? as f64, label: "first request".to_owned() })
    });
    Some(Chart {
        id: "power".to_owned(),
        title: "Power over time".to_owned(),
        caption: format!("Power as {} gives it (class {}).", source.name, source.class),
        form: ChartForm::Line,
        x: axis("time since the launch began", AxisUnit::Ns),
        y: axis("power", AxisUnit::Watts),
        series: series.into_iter().filter(|series| !series.points.is_empty()).collect(),
        marks: mark.into_iter().collect(),
    })
}

/// Power of one launch by the source of its cell's figures, with that source's name: a sample each, or the mean between
/// two updates of a counter at its end. Empty where that launch has none.
pub(crate) fn power_of(
    cell: &CellRecord<'_>,
    launch: &LaunchRecord<'_>,
) -> Option<(String, Vec<(u64, f64)>)> {
    let source = energy_of(cell)?.view.source.as_ref()?;
    let chosen = choose(cell, &[launch])?.0.filter(|of| of.source.name == source.name)?;
    let power = power(chosen.launches.first()?.reading.as_ref()?);
    Some((source.name.clone(), power))
}

/// A sample each, or the mean between two updates of a counter at its end.
fn power(reading: &Reading) -> Vec<(u64, f64)> {
    match &reading.curve {
        Curve::Power(power) => power.clone(),
        Curve::Counts(counts) => counts.first().map_or_else(Vec::new, |first| {
            let mean = |pair: &[(u64, f64)]| {
                let (from, to) = (pair[0].0, pair[1].0);
                let found = reading.integral(from, to).filter(|found| found.coverage > 0.999)?;
                Some((to, found.value / ((to - from) as f64 / 1e9)))
            };
            first.points.windows(2).filter_map(mean).collect()
        }),
    }
}

/// Means of neighbours where there are many.
fn series(name: &str, start: u64, reading: &Reading) -> Series {
    let power = power(reading);
    let n = power.len();
    let each = n.div_ceil(MAX_POINTS).max(1);
    let point = |few: &[(u64, f64)]| {
        let at = few[few.len() - 1].0.saturating_sub(start) as f64;
        [at, few.iter().map(|of| of.1).sum::<f64>() / few.len() as f64]
    };
    Series { name: name.to_owned(), points: power.chunks(each).map(point).collect(), n: n as u64 }
}
