//! What is told of a start, launch by launch.

use dyno_model::start::StartPoint;
use dyno_stats::Level;
use dyno_view::comparison::ComparedFigure;
use dyno_view::report::{QuantileFigure, UnitView};

use crate::cell::{CellRecord, LaunchRecord};
use crate::observations::Observations;
use crate::steady::{first_ttft, warm_ttft};

/// One thing that is told.
pub(super) struct Column {
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    pub(super) unit: UnitView,
    pub(super) note: &'static str,
    /// Why there may be none.
    missing: &'static str,
}

const fn column(
    id: &'static str,
    label: &'static str,
    unit: UnitView,
    note: &'static str,
    missing: &'static str,
) -> Column {
    Column { id, label, unit, note, missing }
}

const NO_TOKEN: &str = "no launch has a first token";
const NOT_SAID: &str = "the system does not say";

/// The whole way, which the chart shows.
pub(super) const TOTAL: usize = 2;
/// Of the steady state, not of the start.
const WARM: usize = 8;

/// In the order to show.
pub(super) const COLUMNS: [Column; 9] = [
    column(
        "spawn_to_ready_ns",
        "Spawn to ready",
        UnitView::Ns,
        "process start, loading",
        "no launch became ready",
    ),
    column(
        "ready_to_first_token_ns",
        "Ready to first token",
        UnitView::Ns,
        "the first request as a user waits for it",
        NO_TOKEN,
    ),
    column(
        "spawn_to_first_token_ns",
        "Spawn to first token",
        UnitView::Ns,
        "the two above together",
        NO_TOKEN,
    ),
    column(
        "ready_read_bytes",
        "Bytes read until ready",
        UnitView::Bytes,
        "from storage, by the runtime's process",
        NOT_SAID,
    ),
    column(
        "read_bytes",
        "Bytes read until the first answer",
        UnitView::Bytes,
        "the same; a mapped model is read as it is used",
        NOT_SAID,
    ),
    column(
        "major_faults",
        "Major faults until the first answer",
        UnitView::Count,
        "page faults that needed storage",
        NOT_SAID,
    ),
    column(
        "read_bytes_per_s",
        "Read bandwidth of the load",
        UnitView::BytesPerSecond,
        "bytes read until ready / spawn to ready",
        NOT_SAID,
    ),
    column(
        "first_request_ttft_ns",
        "C4: TTFT of the first request",
        UnitView::Ns,
        "sent when the runtime was ready",
        NO_TOKEN,
    ),
    column(
        "warm_ttft_ns",
        "W: TTFT in the steady state",
        UnitView::Ns,
        "of all launches of the state",
        "no steady state was found",
    ),
];

/// What is known of one launch.
pub(super) struct Figure {
    values: [Option<f64>; COLUMNS.len()],
}

impl Figure {
    pub(super) fn of(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Self {
        let cost = |until: StartPoint| launch.row.start_costs.iter().find(|cost| cost.until == until);
        let (ready, first) = (cost(StartPoint::Ready), cost(StartPoint::FirstRequest));
        let (load_ns, answer_ns) = (launch.load_ns(), launch.first_inference_ns(cell.record));
        let float = |value: Option<u64>| value.map(|value| value as f64);
        let ready_bytes = float(ready.and_then(|cost| cost.read_bytes));
        // What was read from nowhere has no bandwidth.
        let bandwidth = ready_bytes
            .filter(|bytes| *bytes > 0.0)
            .zip(float(load_ns).filter(|ns| *ns > 0.0))
            .map(|(bytes, ns)| bytes * 1e9 / ns);
        Self {
            values: [
                float(load_ns),
                float(answer_ns),
                float(load_ns.zip(answer_ns).map(|(load, answer)| load.saturating_add(answer))),
                ready_bytes,
                float(first.and_then(|cost| cost.read_bytes)),
                float(first.and_then(|cost| cost.major_faults)),
                bandwidth,
                float(first_ttft(cell, launch)),
                None,
            ],
        }
    }

    /// The value of a column, by its place.
    pub(super) fn value(&self, column: usize) -> Option<f64> {
        self.values.get(column).copied().flatten()
    }
}

/// Medians over launches, one for each column; `absent` is the reason where none may be shown.
pub(super) fn medians(
    cell: &CellRecord<'_>,
    launches: &[Figure],
    absent: Option<&str>,
) -> Vec<ComparedFigure> {
    let one = |(place, column): (usize, &Column)| {
        if let Some(reason) = absent {
            return ComparedFigure::Missing { reason: reason.to_owned() };
        }
        if place == WARM {
            return warm(cell, column);
        }
        let values: Vec<f64> = launches.iter().filter_map(|launch| launch.value(place)).collect();
        median(values, column.missing)
    };
    COLUMNS.iter().enumerate().map(one).collect()
}

fn warm(cell: &CellRecord<'_>, column: &Column) -> ComparedFigure {
    match warm_ttft(cell) {
        None => ComparedFigure::Missing { reason: column.missing.to_owned() },
        Some(view) => compared(&view.figure, view.n),
    }
}

/// The median of paired differences of a column.
pub(super) fn difference(column: usize, values: Vec<f64>) -> ComparedFigure {
    let has_difference = COLUMNS.get(column).is_some_and(|of| of.unit != UnitView::BytesPerSecond);
    if !has_difference || column == WARM {
        return ComparedFigure::Missing { reason: "not paired".to_owned() };
    }
    median(values, "no round has both")
}

fn median(values: Vec<f64>, missing: &str) -> ComparedFigure {
    if values.is_empty() {
        return ComparedFigure::Missing { reason: missing.to_owned() };
    }
    let n = values.len() as u64;
    compared(&Observations::real(values).figure(Level::P50, None), n)
}

fn compared(figure: &QuantileFigure, n: u64) -> ComparedFigure {
    match *figure {
        QuantileFigure::Estimate { value, low, high, .. } => ComparedFigure::Estimate { value, low, high, n },
        QuantileFigure::TooFew { n, needed } => ComparedFigure::TooFew { n, needed },
    }
}
