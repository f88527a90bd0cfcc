//! When a launch's load began and ended, and what came before and after.

use dyno_model::care::{Span, SpanKind};
use dyno_view::heat::{HeatWaitView, TerminatedView};

use crate::cell::{CellRecord, LaunchRecord};

/// Outcomes of a launch that the device could not go on with.
const TERMINATED: [&str; 5] = ["oom", "crashed", "timeout", "rebooted", "at_limit"];

/// The load of a launch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) began_at: u64,
    pub(super) ended_at: u64,
}

impl Window {
    /// From the span of the load where the record has one, else from the first request sent to the last sign of life;
    /// `None` without a request.
    pub(super) fn of(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<Self> {
        let requests = &cell.record.requests;
        let sent = launch.rows.iter().map(|row| requests.sent_at_ns[*row]).min()?;
        let mut loads = spans(launch, SpanKind::Load);
        let first = loads.next();
        let ended = loads.last().or(first).map(|span| span.ended_at.0);
        let began_at = first.map_or(sent, |span| span.began_at.0.min(sent));
        let ended_at = ended.unwrap_or_else(|| last_sign(cell, launch)).max(began_at);
        Some(Self { began_at, ended_at })
    }

    pub(super) fn len_ns(self) -> u64 {
        self.ended_at - self.began_at
    }

    /// When its last quarter began.
    pub(super) fn last_quarter_from(self) -> u64 {
        self.began_at + self.len_ns() / 4 * 3
    }

    /// Ns after the load began; 0 before.
    pub(super) fn since(self, at_ns: u64) -> u64 {
        at_ns.saturating_sub(self.began_at)
    }
}

/// Parts of a launch.
pub(super) fn spans<'r>(launch: &'r LaunchRecord<'_>, kind: SpanKind) -> impl Iterator<Item = &'r Span> {
    launch.row.spans.iter().filter(move |span| span.kind == kind)
}

/// Whether the device was still warm at the end of a wait, as the agent says: `hot start: …` of one before the load,
/// `… is still … above before the load` of one after it.
pub(crate) fn is_warm(span: &Span) -> bool {
    let why = span.why.as_deref().unwrap_or_default();
    why.starts_with("hot start") || why.contains(" is still ")
}

/// How long a part took, and whether the device was cool at its end.
pub(super) fn wait(launch: &LaunchRecord<'_>, kind: SpanKind) -> Option<HeatWaitView> {
    let span = spans(launch, kind).last()?;
    let why = span.why.as_deref().unwrap_or_default();
    let is_cool = match () {
        () if why == "no temperature can be read" => None,
        () => Some(!is_warm(span)),
    };
    Some(HeatWaitView { ns: span.ended_at.0.saturating_sub(span.began_at.0), is_cool, why: span.why.clone() })
}

/// That the device could not go on, and when.
///
/// Where it restarted, the launch was ended by another boot, whose clock says nothing of this one: the last sign of
/// life counts.
pub(super) fn terminated(
    cell: &CellRecord<'_>,
    launch: &LaunchRecord<'_>,
    window: Window,
) -> Option<TerminatedView> {
    let outcome = launch.row.outcome.clone().filter(|word| TERMINATED.contains(&word.as_str()))?;
    let sign = last_sign(cell, launch);
    let ended = launch.row.ended_at_ns.filter(|at| outcome != "rebooted" && *at >= window.began_at);
    // Of a launch that ended after its load, the load's end counts.
    let after = spans(launch, SpanKind::Load).last().map(|span| span.ended_at.0);
    let at = after.or(ended).unwrap_or(sign);
    Some(TerminatedView { outcome, detail: launch.row.outcome_detail.clone(), after_ns: window.since(at) })
}

/// The last request that ended, or reading that was made.
fn last_sign(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> u64 {
    let requests = &cell.record.requests;
    let request = launch.rows.iter().map(|row| requests.ended_at_ns[*row]).max();
    let reading = super::sensors::Sensors::of(cell, launch).last_at();
    let is_over = launch.row.outcome.as_deref() == Some("ok");
    // After a load that went well, readings go on.
    request.max(reading.filter(|_| !is_over)).unwrap_or(0)
}
