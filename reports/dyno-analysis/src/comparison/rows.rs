//! One cell in one row.

use dyno_view::comparison::{
    ColumnFigure, ColumnView, ComparedFigure, RowPart, RowState, RowView, ShareView,
};
use dyno_view::report::{CellView, MetricView, QuantileFigure};

use super::done::work_done;
use crate::cell::CellRecord;
use crate::contacts::Contacts;
use crate::facts::threads_words;
use crate::machine::unreal;
use crate::planned::{is_cut, n_planned};
use crate::steering::left_out;

/// A device's words in a row; the findings have all of them.
const MAX_ERROR_CHARS: usize = 240;

pub(super) fn row(
    cell: &CellRecord<'_>,
    view: &CellView,
    columns: &[ColumnView],
    differ_in: &[RowPart],
) -> RowView {
    let plan = cell.record.plan;
    let left_out = left_out(&cell.record.entries);
    let of_cell = plan.runs.iter().filter(|run| run.cell == cell.cell.id);
    let of_cell: Vec<_> = of_cell.filter(|run| !left_out.contains_key(&run.id)).collect();
    let n_requests_planned = of_cell.iter().map(|run| n_planned(cell.record, run)).sum();
    let is_cut = of_cell.iter().any(|run| is_cut(cell.record, run));
    let (launches, requests) = (launches(view), requests(view));
    let state = match state(launches, requests, n_requests_planned) {
        RowState::Valid | RowState::Failures if is_cut => RowState::Incomplete,
        state => state,
    };
    let contacts = Contacts::of(cell.record, &cell.cell.device);
    let is_whole = requests.of >= n_requests_planned && !is_cut;
    let error = contacts.error().filter(|_| !is_whole).map(|error| shortened(error, MAX_ERROR_CHARS));
    let marks = unreal(cell.record, &cell.cell.device).map(|unreal| unreal.mark());
    RowView {
        cell: view.id.clone(),
        name: name(view, differ_in),
        device: view.device.clone(),
        model: view.model.clone(),
        runtime: view.runtime.clone(),
        threads: view.threads,
        state,
        launches,
        requests,
        n_requests_planned,
        marks: marks.into_iter().collect(),
        work: work_done(cell),
        error,
        n: cell.ok_rows().len() as u64,
        figures: columns.iter().map(|column| figure(view, column, state)).collect(),
    }
}

/// What tells it from the other rows; its device where nothing does. An arm is told by its own name, for two of them
/// may differ in nothing else.
fn name(view: &CellView, differ_in: &[RowPart]) -> String {
    if let Some(arm) = &view.arm {
        let device = differ_in.contains(&RowPart::Device).then_some(&view.device);
        return view.campaign.iter().chain(device).chain([arm]).cloned().collect::<Vec<_>>().join(" · ");
    }
    let part = |part: &RowPart| match part {
        RowPart::Campaign => view.campaign.clone().unwrap_or_default(),
        RowPart::Device => view.device.clone(),
        RowPart::Model => view.model.clone(),
        RowPart::Runtime => view.runtime.clone(),
        RowPart::Threads => threads_words(view.threads),
    };
    let parts: Vec<String> = differ_in.iter().map(part).collect();
    if parts.is_empty() {
        // Alone in its table, it is still one of several campaigns.
        return view.campaign.iter().chain([&view.device]).cloned().collect::<Vec<_>>().join(" · ");
    }
    parts.join(" · ")
}

fn launches(view: &CellView) -> ShareView {
    let n = view.launches.iter().filter(|launch| launch.invalid.is_empty()).count() as u64;
    ShareView { n, of: view.launches.len() as u64 }
}

/// Cancelled requests were not measured.
fn requests(view: &CellView) -> ShareView {
    let count = |is: fn(&str) -> bool| {
        view.outcomes.iter().filter(|outcome| is(&outcome.outcome)).map(|outcome| outcome.n).sum()
    };
    ShareView { n: count(|word| word == "ok"), of: count(|word| word != "cancelled") }
}

/// The gravest thing that can be said.
fn state(launches: ShareView, requests: ShareView, n_planned: u64) -> RowState {
    match (launches, requests) {
        (ShareView { of: 0, .. }, _) => RowState::NotMeasured,
        (ShareView { n: 0, .. }, _) => RowState::Invalid,
        (ShareView { n, of }, _) if n < of => RowState::Partly,
        (_, ShareView { of, .. }) if of < n_planned => RowState::Incomplete,
        (_, ShareView { n, of }) if n < of => RowState::Failures,
        _ => RowState::Valid,
    }
}

fn figure(view: &CellView, column: &ColumnView, state: RowState) -> ComparedFigure {
    let missing = |reason: &str| ComparedFigure::Missing { reason: reason.to_owned() };
    match state {
        RowState::NotMeasured => return missing("not measured"),
        RowState::Invalid => return missing("no launch may be used"),
        RowState::Valid | RowState::Failures | RowState::Incomplete | RowState::Partly => {}
    }
    let highest = |metric: &MetricView| match metric.max {
        Some(value) => ComparedFigure::Highest { value, n: metric.n },
        None => missing("the system does not say"),
    };
    match column.figure {
        ColumnFigure::Highest => metric(view, column).map_or_else(missing, highest),
        ColumnFigure::Quantile { permille } => {
            metric(view, column).map_or_else(missing, |metric| quantile(metric, permille))
        }
        ColumnFigure::Share => share(view).unwrap_or_else(|| missing("no answer is graded")),
    }
}

/// The metric of a column, or why there is none.
fn metric<'v>(view: &'v CellView, column: &ColumnView) -> Result<&'v MetricView, &'static str> {
    let found = view.metrics.iter().find(|metric| metric.metric == column.metric);
    let is_due = column.metric.ends_with("_sched_ns");
    found.ok_or(if is_due { "nothing is due in a closed loop" } else { "not measured" })
}

/// The pass rate of the prompts.
fn share(view: &CellView) -> Option<ComparedFigure> {
    let of = view.quality.as_ref()?.overall;
    let (value, [low, high]) = (of.rate?, of.interval?);
    Some(ComparedFigure::Estimate { value, low, high, n: of.n })
}

fn quantile(metric: &MetricView, permille: u32) -> ComparedFigure {
    let found = metric.quantiles.iter().find(|quantile| quantile.permille == permille);
    match found.map(|quantile| &quantile.figure) {
        Some(QuantileFigure::Estimate { value, low, high, .. }) => {
            ComparedFigure::Estimate { value: *value, low: *low, high: *high, n: metric.n }
        }
        Some(QuantileFigure::TooFew { n, needed }) => ComparedFigure::TooFew { n: *n, needed: *needed },
        None => ComparedFigure::Missing { reason: "not computed".to_owned() },
    }
}

fn shortened(text: &str, n: usize) -> String {
    if text.chars().count() <= n {
        return text.to_owned();
    }
    text.chars().take(n - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_state_is_told() {
        let check = |launches: (u64, u64), requests: (u64, u64), expected: RowState| {
            let share = |(n, of)| ShareView { n, of };
            assert_eq!(state(share(launches), share(requests), 120), expected, "{launches:?} {requests:?}");
        };
        check((3, 3), (120, 120), RowState::Valid);
        check((3, 3), (119, 120), RowState::Failures);
        check((3, 3), (99, 100), RowState::Incomplete);
        check((2, 3), (120, 120), RowState::Partly);
        check((0, 3), (120, 120), RowState::Invalid);
        check((0, 0), (0, 0), RowState::NotMeasured);
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äö…");
    }
}
