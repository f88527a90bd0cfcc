//! The worst requests of a cell over time, with all that was seen while they went on.

mod panels;
mod worst;

use dyno_view::timeline::{PhaseView, TimelineView};

use crate::cell::{CellRecord, LaunchRecord};
use panels::chart;
use worst::worst;

/// When the parts of a request began, in ns of the device's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moments {
    /// When it was due, or sent where nothing was due.
    pub(crate) from: u64,
    /// When it was sent.
    pub(crate) sent: u64,
    /// When the runtime took it from the queue on this side.
    pub(crate) served: u64,
    /// Its first token chunk.
    pub(crate) first: Option<u64>,
    /// Its last token chunk.
    pub(crate) last: Option<u64>,
    /// When the runtime said that it was done.
    pub(crate) ended: u64,
}

impl Moments {
    pub(crate) fn of(cell: &CellRecord<'_>, row: usize) -> Self {
        let (requests, tokens) = (&cell.record.requests, cell.record.tokens(row));
        let sent = requests.sent_at_ns[row];
        let after = |ns: u64| sent.saturating_add(ns);
        Self {
            from: requests.due_at_ns[row].map_or(sent, |due| due.min(sent)),
            sent,
            served: after(requests.queue_ns[row].unwrap_or(0)),
            first: tokens.first().map(after),
            last: tokens.last().map(after),
            ended: requests.ended_at_ns[row].max(sent),
        }
    }

    /// Queue, prefill and decode as far as they took time: name, begin and end.
    pub(crate) fn phases(&self) -> Vec<(&'static str, u64, u64)> {
        let answered = self.first.unwrap_or(self.ended).max(self.served);
        let phases = [
            ("queue", self.from, self.served),
            ("prefill", self.served, answered),
            ("decode", answered, self.last.unwrap_or(answered).max(answered)),
        ];
        phases.into_iter().filter(|(_, from, to)| to > from).collect()
    }
}

/// The timelines of a cell's worst requests: each once, whatever it is the worst of.
pub(crate) fn timelines(cell: &CellRecord<'_>) -> Vec<TimelineView> {
    let view = |(row, worst)| {
        let requests = &cell.record.requests;
        let key = (requests.run[row], requests.launch[row]);
        let launch = cell.launches.iter().find(|of| (of.row.run, of.row.launch) == key)?;
        Some(timeline(cell, launch, row, worst))
    };
    worst(cell).into_iter().filter_map(view).collect()
}

fn timeline(
    cell: &CellRecord<'_>,
    launch: &LaunchRecord<'_>,
    row: usize,
    worst: Vec<dyno_view::timeline::WorstView>,
) -> TimelineView {
    let requests = &cell.record.requests;
    let moments = Moments::of(cell, row);
    let phase = |(name, from, to): (&str, u64, u64)| PhaseView {
        name: name.to_owned(),
        from_ns: from - moments.from,
        to_ns: to - moments.from,
    };
    TimelineView {
        worst,
        run: requests.run[row],
        launch: u16::try_from(requests.launch[row]).unwrap_or(u16::MAX),
        idx: requests.idx[row],
        prompt_id: requests.prompt_id[row].to_string(),
        category: requests.category[row].to_string(),
        n_chunks: cell.record.tokens(row).len() as u64,
        phases: moments.phases().into_iter().map(phase).collect(),
        chart: chart(cell, launch, row, &moments),
    }
}
