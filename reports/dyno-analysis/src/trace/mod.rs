//! A campaign as a trace that Perfetto and `chrome://tracing` load: the JSON object form of the Trace Event Format.
//!
//! A process is a launch; a thread is a slot that serves one request at a time, so that requests that overlap lie below
//! each other; slices are requests with their parts, instants are token chunks, counters are sensors. Events are written
//! one after the other and none is held.

mod counter;
mod event;
mod place;
mod slot;

use std::io::Write;

use dyno_model::care::SpanKind;
use dyno_store::{Campaign, LaunchRow};
use serde_json::{Value, json};

use crate::cell::{CellRecord, LaunchRecord, launch_name};
use crate::error::AnalysisError;
use crate::record::Record;
use crate::timeline::Moments;
use counter::counters;
use event::{Events, Track};
use place::{Placed, places};
use slot::Slots;

/// What of a campaign is traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraceOptions {
    /// One run only; `None` is all.
    pub run: Option<u32>,
    /// Whether each token chunk is an instant: most of a trace's size.
    pub tokens: bool,
}

/// What was traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traced {
    /// Launches: processes of the trace.
    pub n_launches: u64,
    /// Requests.
    pub n_requests: u64,
    /// Events in all.
    pub n_events: u64,
    /// Bytes that were written.
    pub n_bytes: u64,
}

/// Writes the trace of a campaign.
///
/// Times are microseconds since the first launch began. Launches of one device follow its clock; those of several are
/// placed by their wall clocks, less what these were ahead of the controller's.
///
/// # Errors
/// As of [`crate::report`]; when the campaign has no such run; or when `out` cannot be written.
pub fn trace(
    campaign: &Campaign,
    options: TraceOptions,
    out: &mut dyn Write,
) -> Result<Traced, AnalysisError> {
    let record = Record::read(campaign)?;
    let is_wanted = |row: &LaunchRow| options.run.is_none_or(|run| run == row.run);
    if let Some(run) = options.run.filter(|_| !record.launches.iter().any(is_wanted)) {
        return Err(AnalysisError::NoSuchRun { run, n_runs: record.plan.runs.len() });
    }
    let mut events = Events::begin(out, &about(&record)).map_err(AnalysisError::Export)?;
    let mut traced = Traced::default();
    let placed = places(&record);
    for cell in &record.plan.cells {
        let cell = CellRecord::of(&record, cell);
        for launch in cell.launches.iter().filter(|launch| is_wanted(launch.row)) {
            let Some(placed) = placed.get(&(launch.row.run, launch.row.launch)) else { continue };
            traced.n_launches += 1;
            traced.n_requests += launch.rows.len() as u64;
            one_launch(&cell, launch, *placed, options, &mut events).map_err(AnalysisError::Export)?;
        }
    }
    (traced.n_events, traced.n_bytes) = events.end().map_err(AnalysisError::Export)?;
    Ok(traced)
}

/// Where the trace comes from.
fn about(record: &Record<'_>) -> Value {
    json!({
        "campaign": record.id.0,
        "plan_sha256": record.plan_digest,
        "tool": format!("edgedyno {}", record.plan.tool_version),
        "times": "microseconds since the first launch began",
    })
}

fn one_launch(
    cell: &CellRecord<'_>,
    launch: &LaunchRecord<'_>,
    placed: Placed,
    options: TraceOptions,
    events: &mut Events<'_>,
) -> std::io::Result<()> {
    let of = cell.cell;
    let track = |thread| Track { process: placed.process, thread };
    let name = launch_name(launch.row.run, launch.row.launch);
    let invalid = if launch.is_valid() { "" } else { " · INVALID" };
    let process =
        format!("{} · {name} · {} · {} · {}{invalid}", of.device, of.model, of.runtime, of.load.label());
    events.name_process(placed.process, &process)?;
    events.name_thread(track(0), "launch")?;
    for (name, from, to) in parts(launch.row) {
        events.slice(track(0), &name, "launch", (placed.us(from), placed.us(to)), None)?;
    }
    let mut slots = Slots::default();
    let mut rows: Vec<(Moments, usize)> =
        launch.rows.iter().map(|row| (Moments::of(cell, *row), *row)).collect();
    rows.sort_by_key(|(moments, row)| (moments.from, *row));
    for (moments, row) in rows {
        let (slot, is_new) = slots.take(moments.from, moments.ended);
        let track = track(slot + 1);
        if is_new {
            events.name_thread(track, &format!("requests, slot {}", slot + 1))?;
        }
        request(cell, row, (&moments, placed, track), options, events)?;
    }
    for (channel, points) in cell.record.readings_of(launch.row.run, launch.row.launch) {
        counters(channel, points, placed, events)?;
    }
    Ok(())
}

/// The launch, its load time, and what surrounds its requests.
fn parts(row: &LaunchRow) -> Vec<(String, u64, u64)> {
    let whole = row.started_at_ns.zip(row.ended_at_ns).map(|(from, to)| ("launch".to_owned(), from, to));
    let load = row.spawned_at_ns.zip(row.ready_at_ns).map(|(from, to)| ("load".to_owned(), from, to));
    let spans =
        row.spans.iter().map(|span| (span_name(span.kind).to_owned(), span.began_at.0, span.ended_at.0));
    whole.into_iter().chain(load).chain(spans).filter(|(_, from, to)| to >= from).collect()
}

fn span_name(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::CoolDown => "cool-down",
        SpanKind::Idle => "rest",
        SpanKind::ReadyIdle => "rest, ready",
        SpanKind::Load => "requests",
        SpanKind::Recovery => "recovery",
    }
}

fn request(
    cell: &CellRecord<'_>,
    row: usize,
    (moments, placed, track): (&Moments, Placed, Track),
    options: TraceOptions,
    events: &mut Events<'_>,
) -> std::io::Result<()> {
    let (requests, derived) = (&cell.record.requests, &cell.record.derived[row]);
    let ms = |ns: Option<u64>| ns.map(|ns| ns as f64 / 1e6);
    let arguments = json!({
        "request": requests.idx[row],
        "prompt": requests.prompt_id[row].to_string(),
        "category": requests.category[row].to_string(),
        "outcome": requests.outcome[row].to_string(),
        "isl_tokens": requests.prompt_tokens[row],
        "osl_tokens": requests.completion_tokens[row],
        "ttft_ms": ms(derived.ttft_ns),
        "tpot_ms": ms(derived.tpot_ns),
        "e2e_ms": ms(derived.e2e_ns),
    });
    let name = format!("request {}", requests.idx[row]);
    let whole = (placed.us(moments.from), placed.us(moments.ended));
    events.slice(track, &name, "request", whole, Some(arguments))?;
    for (phase, from, to) in moments.phases() {
        events.slice(track, phase, "phase", (placed.us(from), placed.us(to.min(moments.ended))), None)?;
    }
    if options.tokens {
        for at in cell.record.tokens(row).at_ns() {
            events.instant(track, "token", placed.us(moments.sent.saturating_add(at)))?;
        }
    }
    Ok(())
}
