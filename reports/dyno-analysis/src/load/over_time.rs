//! One cell's requests along its load.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};

use super::saturation::{began_at, rate_at};
use super::{by_rate, rate_words};
use crate::cell::{CellRecord, LaunchRecord};
use crate::charts::cloud;

/// Stretches of time that rates are counted in.
const N_STRETCHES: usize = 24;
/// Marks of a ramp's rate.
const N_MARKS: usize = 4;

/// Latency against time, and the rates beside it; nothing for closed loops.
pub(crate) fn charts_over_time(cell: &CellRecord<'_>) -> Vec<Chart> {
    let Some(first) = cell.valid_launches().next().filter(|_| cell.cell.load.is_open()) else {
        return Vec::new();
    };
    vec![latency(cell, first), rates(cell, first)]
}

fn axis(label: &str, unit: AxisUnit, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), unit, scale }
}

/// Waits of all launches by the instant at which each request was due.
fn latency(cell: &CellRecord<'_>, first: &LaunchRecord<'_>) -> Chart {
    let record = cell.record;
    let points = |value: fn(&crate::derive::Derived) -> Option<u64>| {
        let of = |launch: &LaunchRecord<'_>| {
            let began = began_at(cell, launch);
            let point = |row: usize| {
                let due = record.requests.due_at_ns[row]?.checked_sub(began?)?;
                Some([due as f64, value(&record.derived[row])? as f64])
            };
            cell.ok_rows_of(launch).into_iter().filter_map(point).collect::<Vec<_>>()
        };
        cell.valid_launches().flat_map(of).collect::<Vec<_>>()
    };
    let series = |name: &str, points: Vec<[f64; 2]>| {
        let n = points.len() as u64;
        Series { name: name.to_owned(), points: cloud(points), n }
    };
    let series = vec![
        series("E2E latency from due", points(|of| of.e2e_sched_ns)),
        series("TTFT from due", points(|of| of.ttft_sched_ns)),
    ];
    let scale = by_rate::scale(series.iter().flat_map(|series| &series.points).map(|point| point[1]));
    Chart {
        id: "latency-over-time".to_owned(),
        title: "Latency over time".to_owned(),
        caption: "What each request waited from the instant at which it was due. A cloud that rises is a queue that \
                  grows."
            .to_owned(),
        form: ChartForm::Points,
        x: axis("due, since the load began", AxisUnit::Ns, Scale::Linear),
        y: axis("latency from due", AxisUnit::Ns, scale),
        series,
        marks: rate_marks(cell, first),
    }
}

/// Where a ramp reaches evenly spread rates.
fn rate_marks(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Vec<Mark> {
    let Some(end) = last_due(cell, launch) else { return Vec::new() };
    let mark = |k: usize| {
        let x = end * k as f64 / N_MARKS as f64;
        Some(Mark { x, label: rate_words(rate_at(cell, x)?) })
    };
    (0..=N_MARKS).filter_map(mark).collect()
}

fn last_due(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<f64> {
    let began = began_at(cell, launch)?;
    let last = launch.rows.iter().filter_map(|row| cell.record.requests.due_at_ns[*row]).max()?;
    last.checked_sub(began).map(|ns| ns as f64)
}

/// Requests due and answered in stretches of equal length of the first launch.
fn rates(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Chart {
    let record = cell.record;
    let began = began_at(cell, launch);
    let since = |at: u64| Some(at.checked_sub(began?)? as f64);
    let dues: Vec<f64> =
        launch.rows.iter().filter_map(|row| since(record.requests.due_at_ns[*row]?)).collect();
    let answer =
        |row: usize| since(record.requests.sent_at_ns[row].saturating_add(record.derived[row].e2e_ns?));
    let answers: Vec<f64> = cell.ok_rows_of(launch).into_iter().filter_map(answer).collect();
    let end = dues.iter().chain(&answers).copied().fold(0.0, f64::max);
    let series = |name: &str, instants: &[f64]| Series {
        name: name.to_owned(),
        points: counted(instants, end),
        n: instants.len() as u64,
    };
    Chart {
        id: "rates-over-time".to_owned(),
        title: "Offered and answered over time".to_owned(),
        caption: format!(
            "Requests that were due and answers that were complete, in stretches of equal length of {}.",
            launch.name()
        ),
        form: ChartForm::Step,
        x: axis("since the load began", AxisUnit::Ns, Scale::Linear),
        y: axis("rate", AxisUnit::RequestsPerSecond, Scale::Linear),
        series: vec![series("offered", &dues), series("answered", &answers)],
        marks: Vec::new(),
    }
}

/// Instants per second in each stretch of `0..=end`, as the corners of steps; nothing of no time.
fn counted(instants: &[f64], end: f64) -> Vec<[f64; 2]> {
    let width = end / N_STRETCHES as f64;
    if width <= 0.0 || instants.is_empty() {
        return Vec::new();
    }
    let mut counts = [0.0; N_STRETCHES];
    for at in instants {
        counts[((at / width) as usize).min(N_STRETCHES - 1)] += 1e9 / width;
    }
    let steps = counts.iter().enumerate().map(|(place, rate)| [place as f64 * width, *rate]);
    steps.chain([[end, counts[N_STRETCHES - 1]]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_counts_over_the_length_of_a_stretch() {
        // 24 stretches of 1 s: two instants in the first, one in the last, which holds its end.
        let points = counted(&[0.1e9, 0.9e9, 24e9], 24e9);
        assert_eq!(points.len(), 25);
        assert_eq!((points[0], points[1]), ([0.0, 2.0], [1e9, 0.0]));
        assert_eq!((points[23], points[24]), ([23e9, 1.0], [24e9, 1.0]));
        assert_eq!(counted(&[], 5.0), Vec::<[f64; 2]>::new());
        assert_eq!(counted(&[0.0], 0.0), Vec::<[f64; 2]>::new());
    }
}
