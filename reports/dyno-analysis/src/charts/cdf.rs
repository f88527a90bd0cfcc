//! Distributions.

use dyno_stats::dkw_half_height;
use dyno_view::chart::{AxisUnit, Chart, ChartForm, Mark, Series};

use super::reduce::steps;
use super::{MAX_LAUNCHES, axis, chart};
use crate::cell::CellRecord;
use crate::derive::Derived;
use crate::independence::n_effective;
use crate::load::limits_of;

/// Confidence of the bands.
const CONFIDENCE: f64 = 0.95;
/// House rule: a band that is higher than the whole axis says nothing.
const WORTHLESS: f64 = 0.5;

pub(super) fn ttft(cell: &CellRecord<'_>) -> Chart {
    let axes = (axis("TTFT", AxisUnit::Ns), axis("share of requests", AxisUnit::Ratio));
    let caption = "A point says which share of the requests had their first token within that time.";
    let mut chart = distribution(cell, "ttft_ns", |derived| derived.ttft_ns, caption);
    (chart.id, chart.title) = ("ttft-cdf".to_owned(), "Time to first token".to_owned());
    (chart.x, chart.y) = axes;
    chart
}

pub(super) fn tpot(cell: &CellRecord<'_>) -> Chart {
    let axes = (axis("TPOT", AxisUnit::Ns), axis("share of requests", AxisUnit::Ratio));
    let caption = "A point says which share of the requests had their tokens at that pace or faster.";
    let mut chart = distribution(cell, "tpot_ns", |derived| derived.tpot_ns, caption);
    (chart.id, chart.title) = ("tpot-cdf".to_owned(), "Time per output token".to_owned());
    (chart.x, chart.y) = axes;
    chart
}

/// A line for each launch, so that launches that differ are seen, then all of them with their band.
fn distribution(
    cell: &CellRecord<'_>,
    metric: &str,
    value: fn(&Derived) -> Option<u64>,
    text: &str,
) -> Chart {
    let sorted = |rows: &[usize]| {
        let mut values: Vec<u64> = rows.iter().filter_map(|row| value(&cell.record.derived[*row])).collect();
        values.sort_unstable();
        values
    };
    let series =
        |name: String, values: &[u64]| Series { name, points: steps(values), n: values.len() as u64 };
    let n_launches = cell.valid_launches().count();
    let mut lines: Vec<Series> = Vec::new();
    if (2..=MAX_LAUNCHES).contains(&n_launches) {
        let of_launches = cell.valid_launches();
        lines.extend(of_launches.map(|launch| series(launch.name(), &sorted(&cell.ok_rows_of(launch)))));
    }
    let all = sorted(&cell.ok_rows());
    let name = match (n_launches, cell.valid_launches().next()) {
        (1, Some(only)) => only.name(),
        _ => "all launches".to_owned(),
    };
    lines.push(series(name, &all));
    let n = n_effective(metric, cell).unwrap_or(all.len() as u64);
    let band = dkw_half_height(n, CONFIDENCE).filter(|height| *height < WORTHLESS && !all.is_empty());
    let caption = match band {
        None => text.to_owned(),
        Some(_) => format!("{text} {}", band_words(n, all.len() as u64)),
    };
    lines.extend(band.map(|height| Series {
        name: "95 % band".to_owned(),
        points: vec![[0.0, height]],
        n: 0,
    }));
    let unset = || axis("", AxisUnit::Count);
    let mut chart = chart("", "", &caption, ChartForm::StepBand, (unset(), unset()), lines);
    chart.marks =
        limits_of(cell, metric).into_iter().map(|(ns, label)| Mark { x: ns as f64, label }).collect();
    chart
}

fn band_words(n: u64, n_all: u64) -> String {
    let worth = if n < n_all {
        format!(", which count as {n} here for they resemble their neighbours")
    } else {
        String::new()
    };
    format!(
        "The shaded band holds the whole true distribution with 95 % confidence (Dvoretzky–Kiefer–Wolfowitz), if the \
         requests are independent{worth}."
    )
}
