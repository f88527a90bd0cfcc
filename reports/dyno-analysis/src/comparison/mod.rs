//! Cells side by side, as far as they did equal work. Nothing is ranked here, and nothing is tested.

mod boxes;
mod charts;
mod done;
mod overlap;
mod rows;
mod work;

use dyno_view::comparison::{
    Better, ColumnFigure, ColumnView, ComparedFigure, ComparisonView, GroupView, OverlapView, RowPart,
    RowState, RowView, WorkDoneView,
};
use dyno_view::report::CellView;

use crate::cell::CellRecord;
use crate::machine::shared_machines;
use crate::metrics::unit_view;
use crate::record::Record;

pub(crate) use done::{unlike, work_done};
pub(crate) use work::{Work, work_view};

/// The comparison of a campaign; `None` with fewer than two cells.
pub(crate) fn comparison(cells: &[CellRecord<'_>], views: &[CellView]) -> Option<ComparisonView> {
    if cells.len() < 2 {
        return None;
    }
    if is_one_sweep(cells) {
        return None;
    }
    let mut columns = columns(cells.iter().any(|cell| cell.cell.load.is_open()));
    if views.iter().any(|view| view.quality.is_some()) {
        columns.extend(column("passed", ColumnFigure::Share));
    }
    let mut groups: Vec<(Work<'_>, Vec<usize>)> = Vec::new();
    for (place, cell) in cells.iter().enumerate() {
        let work = Work::of(cell);
        match groups.iter_mut().find(|group| group.0 == work) {
            Some(group) => group.1.push(place),
            None => groups.push((work, vec![place])),
        }
    }
    let differences = work::differences(groups.iter().map(|group| &group.0));
    let group = |(work, places): &(Work<'_>, Vec<usize>)| {
        let members: Vec<(&CellRecord<'_>, &CellView)> =
            places.iter().map(|place| (&cells[*place], &views[*place])).collect();
        group_view(work, &members, &columns)
    };
    Some(ComparisonView { groups: groups.iter().map(group).collect(), columns, differences })
}

/// Whether cells differ by their load and by nothing else: then they are points of lines, not rows of a table.
fn is_one_sweep(cells: &[CellRecord<'_>]) -> bool {
    let others = |cell: &CellRecord<'_>| {
        let of = cell.cell;
        (
            cell.record.id.clone(),
            of.device.clone(),
            of.runtime.clone(),
            of.model.clone(),
            of.threads,
            of.context_tokens,
            of.start,
        )
    };
    cells
        .windows(2)
        .all(|pair| others(&pair[0]) == others(&pair[1]) && pair[0].cell.load != pair[1].cell.load)
}

/// The figures that are compared; where requests are due, what users waited comes first.
fn columns(has_dues: bool) -> Vec<ColumnView> {
    let quantile = |permille| ColumnFigure::Quantile { permille };
    let due =
        [("ttft_sched_ns", quantile(500)), ("ttft_sched_ns", quantile(950)), ("e2e_sched_ns", quantile(500))];
    let of = [
        ("ttft_ns", quantile(500)),
        ("ttft_ns", quantile(950)),
        ("decode_tokens_per_s", quantile(500)),
        ("prefill_tokens_per_s", quantile(500)),
        ("e2e_ns", quantile(500)),
        ("peak_rss_bytes", ColumnFigure::Highest),
    ];
    let due = due.into_iter().filter(|_| has_dues);
    due.chain(of).filter_map(|(id, figure)| column(id, figure)).collect()
}

fn column(id: &str, figure: ColumnFigure) -> Option<ColumnView> {
    let metric = dyno_model::metric::metric(id)?;
    let better = match metric.direction {
        dyno_model::metric::Direction::HigherIsBetter => Better::Higher,
        dyno_model::metric::Direction::LowerIsBetter | dyno_model::metric::Direction::Neutral => {
            Better::Lower
        }
    };
    Some(ColumnView {
        metric: id.to_owned(),
        label: metric.label.to_owned(),
        unit: unit_view(metric.unit),
        figure,
        better,
    })
}

fn group_view(
    work: &Work<'_>,
    members: &[(&CellRecord<'_>, &CellView)],
    columns: &[ColumnView],
) -> GroupView {
    let views: Vec<&CellView> = members.iter().map(|member| member.1).collect();
    let differ_in = differ_in(&views);
    let rows: Vec<RowView> =
        members.iter().map(|(cell, view)| rows::row(cell, view, columns, &differ_in)).collect();
    let overlaps = (0..columns.len()).flat_map(|column| overlaps(&rows, column)).collect();
    let mut notes = Vec::new();
    if rows.len() > 1 {
        notes.extend(one_machine(members, &rows));
        notes.extend(survivors(&rows));
    }
    let cells: Vec<&CellRecord<'_>> = members.iter().map(|member| member.0).collect();
    let charts = if rows.len() > 1 {
        charts::charts(columns, &rows).into_iter().chain(boxes::charts(&cells, columns, &rows)).collect()
    } else {
        Vec::new()
    };
    let done: Vec<(&str, &WorkDoneView)> =
        rows.iter().filter_map(|row| Some((row.name.as_str(), row.work.as_ref()?))).collect();
    let unlike = done::unlike(columns, &done);
    GroupView { work: work_view(work), differ_in, unlike, rows, overlaps, notes, charts }
}

/// What tells the rows from each other.
fn differ_in(views: &[&CellView]) -> Vec<RowPart> {
    let differs =
        |same: fn(&CellView, &CellView) -> bool| views.windows(2).any(|pair| !same(pair[0], pair[1]));
    let parts = [
        (RowPart::Campaign, differs(|a, b| a.campaign == b.campaign)),
        (RowPart::Device, differs(|a, b| a.device == b.device)),
        (RowPart::Model, differs(|a, b| a.model == b.model)),
        (RowPart::Runtime, differs(|a, b| a.runtime == b.runtime)),
        (RowPart::Threads, differs(|a, b| a.threads == b.threads)),
    ];
    parts.into_iter().filter(|part| part.1).map(|part| part.0).collect()
}

fn overlaps(rows: &[RowView], column: usize) -> Vec<OverlapView> {
    let interval = |row: &RowView| match row.figures.get(column) {
        Some(ComparedFigure::Estimate { value, low, high, .. }) => Some([*low, *value, *high]),
        Some(
            ComparedFigure::Highest { .. } | ComparedFigure::TooFew { .. } | ComparedFigure::Missing { .. },
        )
        | None => None,
    };
    let intervals: Vec<Option<[f64; 3]>> = rows.iter().map(interval).collect();
    let view = |rows: Vec<usize>| OverlapView {
        column: column as u32,
        rows: rows.into_iter().map(|row| row as u32).collect(),
    };
    overlap::overlapping(&intervals).into_iter().map(view).collect()
}

/// Rows of devices that are one machine, measured at the same time.
fn one_machine(members: &[(&CellRecord<'_>, &CellView)], rows: &[RowView]) -> Vec<String> {
    let mut notes = Vec::new();
    let mut records: Vec<&Record<'_>> = members.iter().map(|member| member.0.record).collect();
    records.dedup_by_key(|record| record.id);
    for devices in records.into_iter().flat_map(shared_machines) {
        let here: Vec<&str> = devices
            .iter()
            .map(|device| device.0.as_str())
            .filter(|device| rows.iter().any(|row| row.device == *device))
            .collect();
        if here.len() > 1 {
            notes.push(format!(
                "{} are one machine (they say the same boot): measured at once, they take CPU time from each other",
                listed(&here)
            ));
        }
    }
    notes
}

/// Figures of the requests that went well leave out those that did not.
fn survivors(rows: &[RowView]) -> Option<String> {
    let names: Vec<&str> = rows
        .iter()
        .filter(|row| row.n > 0 && row.state != RowState::Valid)
        .map(|row| row.name.as_str())
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "figures of {} leave out requests that failed or are missing, which may be the slow ones",
            listed(&names)
        )
    })
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
