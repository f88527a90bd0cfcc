//! Rows on their way to a table: the one place that names the columns for writing.

use std::path::Path;

use polars::prelude::Column;
use serde::Serialize;

use dyno_model::ids::RunId;
use dyno_model::plan::Plan;
use dyno_model::request::{ChunkKind, FinishReason, RequestRecord, UsageSource};
use dyno_model::sample::{OwnCost, SampleBatch};

use crate::codec::{optional_i64s, optional_texts, optional_u32s, optional_u64s, texts, u32s, u64s};
use crate::columns::{ChannelRow, ChunkColumns, LaunchRow, RequestColumns, SampleColumns};
use crate::error::TableError;
use crate::index::{RequestPlace, SamplesPlace};
use crate::schema::{CHANNELS, RUNS};

/// Requests on their way to their table.
#[derive(Debug, Default)]
pub(crate) struct RequestBatch {
    columns: RequestColumns,
    text: Vec<String>,
}

impl RequestBatch {
    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(crate) fn push(&mut self, place: &RequestPlace, category: &str, record: RequestRecord) {
        let columns = &mut self.columns;
        columns.run.push(place.run);
        columns.launch.push(u32::from(place.launch));
        columns.idx.push(place.idx);
        columns.prompt_id.push(record.prompt_id.0.into());
        columns.category.push(category.into());
        columns.due_at_ns.push(record.due_at.map(|at| at.0));
        columns.sent_at_ns.push(record.sent_at.0);
        columns.ended_at_ns.push(record.ended_at.0);
        columns.outcome.push(record.outcome.word().into());
        columns.outcome_detail.push(record.outcome.detail());
        columns.finish.push(record.finish.map(|reason| finish_word(reason).into()));
        columns.prompt_tokens.push(record.usage.prompt_tokens);
        columns.completion_tokens.push(record.usage.completion_tokens);
        columns.cached_tokens.push(record.usage.cached_tokens);
        columns.usage_source.push(source_word(record.usage.source).into());
        columns.prefill_ns.push(record.timings.map(|timings| timings.prefill_ns));
        columns.decode_ns.push(record.timings.map(|timings| timings.decode_ns));
        columns.n_chunks.push(record.chunk_ns.len() as u32);
        columns.reasoning_tokens.push(record.usage.reasoning_tokens);
        columns.queue_ns.push(record.queue_ns);
        let exchange = record.exchange;
        columns.http_status.push(exchange.and_then(|of| of.status).map(u32::from));
        columns.retry_after_ms.push(exchange.and_then(|of| of.retry_after_ms));
        columns.connect_ns.push(exchange.and_then(|of| of.connect_ns));
        columns.n_coalesced.push(exchange.map(|of| of.n_coalesced));
        columns.timings_tokens.push(exchange.and_then(|of| of.timings_tokens));
        self.text.push(record.text);
    }

    pub(crate) fn into_columns(self) -> Vec<Column> {
        let Self { columns, text } = self;
        vec![
            u32s("run", columns.run),
            u32s("launch", columns.launch),
            u32s("idx", columns.idx),
            texts("prompt_id", &columns.prompt_id),
            texts("category", &columns.category),
            optional_u64s("due_at_ns", &columns.due_at_ns),
            u64s("sent_at_ns", columns.sent_at_ns),
            u64s("ended_at_ns", columns.ended_at_ns),
            texts("outcome", &columns.outcome),
            optional_texts("outcome_detail", &columns.outcome_detail),
            optional_texts("finish", &columns.finish),
            optional_u32s("prompt_tokens", &columns.prompt_tokens),
            optional_u32s("completion_tokens", &columns.completion_tokens),
            optional_u32s("cached_tokens", &columns.cached_tokens),
            texts("usage_source", &columns.usage_source),
            optional_u64s("prefill_ns", &columns.prefill_ns),
            optional_u64s("decode_ns", &columns.decode_ns),
            u32s("n_chunks", columns.n_chunks),
            optional_u32s("reasoning_tokens", &columns.reasoning_tokens),
            optional_u64s("queue_ns", &columns.queue_ns),
            optional_u32s("http_status", &columns.http_status),
            optional_u64s("retry_after_ms", &columns.retry_after_ms),
            optional_u64s("connect_ns", &columns.connect_ns),
            optional_u64s("n_coalesced", &columns.n_coalesced),
            optional_u32s("timings_tokens", &columns.timings_tokens),
            texts("text", &text),
        ]
    }
}

/// Chunks on their way to their table.
#[derive(Debug, Default)]
pub(crate) struct ChunkBatch {
    run: Vec<u32>,
    launch: Vec<u32>,
    idx: Vec<u32>,
    chunk: Vec<u32>,
    kind: Vec<u32>,
    columns: ChunkColumns,
}

impl ChunkBatch {
    pub(crate) fn len(&self) -> usize {
        self.run.len()
    }

    /// Chunk columns that are shorter than the arrivals (no agent of ours writes such) count as "not said".
    pub(crate) fn push(&mut self, place: &RequestPlace, record: &RequestRecord) {
        let n = record.chunk_ns.len();
        let all = self.run.len() + n;
        self.run.resize(all, place.run);
        self.launch.resize(all, u32::from(place.launch));
        self.idx.resize(all, place.idx);
        self.chunk.extend(0..n as u32);
        self.columns.at_ns.extend_from_slice(&record.chunk_ns);
        self.kind.extend(record.chunk_kind.iter().take(n).map(|kind| kind_code(*kind)));
        self.kind.resize(all, kind_code(ChunkKind::Role));
        self.columns.n_tokens.extend(record.chunk_tokens.iter().take(n).map(|tokens| tokens.map(u32::from)));
        self.columns.n_tokens.resize(all, None);
        self.columns.n_bytes.extend(record.chunk_bytes.iter().take(n));
        self.columns.n_bytes.resize(all, 0);
    }

    pub(crate) fn into_columns(self) -> Vec<Column> {
        vec![
            u32s("run", self.run),
            u32s("launch", self.launch),
            u32s("idx", self.idx),
            u32s("chunk", self.chunk),
            u64s("at_ns", self.columns.at_ns),
            u32s("kind", self.kind),
            optional_u32s("n_tokens", &self.columns.n_tokens),
            u32s("n_bytes", self.columns.n_bytes),
        ]
    }
}

/// Samples on their way to their table.
#[derive(Debug, Default)]
pub(crate) struct SamplesBatch {
    columns: SampleColumns,
}

impl SamplesBatch {
    pub(crate) fn len(&self) -> usize {
        self.columns.run.len()
    }

    pub(crate) fn push(&mut self, place: &SamplesPlace, batch: &SampleBatch) {
        let columns = &mut self.columns;
        let n_rows = batch.at_ns.len();
        let n_channels = batch.values.len().checked_div(n_rows).unwrap_or(0);
        for (row, at) in batch.at_ns.iter().enumerate() {
            for channel in 0..n_channels {
                columns.run.push(place.run);
                columns.launch.push(u32::from(place.launch));
                columns.sensor.push(u32::from(place.sensor));
                columns.channel.push(channel as u32);
                columns.at_ns.push(at.0);
                columns.value.push(batch.values[row * n_channels + channel]);
            }
        }
    }

    pub(crate) fn into_columns(self) -> Vec<Column> {
        let columns = self.columns;
        vec![
            u32s("run", columns.run),
            u32s("launch", columns.launch),
            u32s("sensor", columns.sensor),
            u32s("channel", columns.channel),
            u64s("at_ns", columns.at_ns),
            optional_i64s("value", &columns.value),
        ]
    }
}

/// The table of launches.
pub(crate) fn run_columns(plan: &Plan, rows: &[LaunchRow], dir: &Path) -> Result<Vec<Column>, TableError> {
    fn column<T>(rows: &[LaunchRow], value: impl Fn(&LaunchRow) -> T) -> Vec<T> {
        rows.iter().map(value).collect()
    }
    let u64_of = |name, value: fn(&LaunchRow) -> Option<u64>| optional_u64s(name, &column(rows, value));
    let own_of = |name, value: fn(&OwnCost) -> Option<u64>| {
        optional_u64s(name, &column(rows, |row| row.own.as_ref().and_then(value)))
    };
    let planned = |row: &LaunchRow| plan.run(RunId(row.run));
    let device =
        |row: &LaunchRow| planned(row).and_then(|run| plan.cell(&run.cell)).map(|cell| cell.device.0.clone());
    Ok(vec![
        u32s("run", column(rows, |row| row.run)),
        u32s("launch", column(rows, |row| row.launch)),
        u32s("session", column(rows, |row| row.session)),
        optional_texts("cell", &column(rows, |row| planned(row).map(|run| run.cell.0.clone()))),
        optional_u32s("repetition", &column(rows, |row| planned(row).map(|run| run.repetition))),
        optional_texts("device", &column(rows, device)),
        u64_of("wall_ns", |row| row.wall_ns),
        u64_of("started_at_ns", |row| row.started_at_ns),
        u64_of("spawned_at_ns", |row| row.spawned_at_ns),
        u64_of("ready_at_ns", |row| row.ready_at_ns),
        u64_of("ended_at_ns", |row| row.ended_at_ns),
        optional_u32s("n_requests_asked", &column(rows, |row| row.n_requests_asked)),
        optional_texts("outcome", &column(rows, |row| row.outcome.clone())),
        optional_texts("outcome_detail", &column(rows, |row| row.outcome_detail.clone())),
        optional_texts("invalid_json", &json_column(rows, dir, |row| row.invalid.as_ref())?),
        optional_texts("exit", &column(rows, |row| row.exit.clone())),
        u64_of("cpu_ns", |row| row.cpu_ns),
        u64_of("peak_rss_bytes", |row| row.peak_rss_bytes),
        own_of("own_wall_ns", |own| Some(own.wall_ns)),
        own_of("own_cpu_ns", |own| Some(own.cpu_ns)),
        own_of("own_sampler_cpu_ns", |own| Some(own.sampler_cpu_ns)),
        own_of("own_peak_rss_bytes", |own| own.peak_rss_bytes),
        own_of("own_n_rows", |own| Some(own.n_rows)),
        own_of("own_n_dropped", |own| Some(own.n_dropped)),
        own_of("own_lateness_p50_ns", |own| own.lateness_p50_ns),
        own_of("own_lateness_p99_ns", |own| own.lateness_p99_ns),
        own_of("own_lateness_max_ns", |own| own.lateness_max_ns),
        optional_texts("facts_json", &json_column(rows, dir, |row| row.facts.as_ref())?),
        optional_texts("unreadable_json", &json_column(rows, dir, |row| Some(&row.unreadable))?),
        optional_texts("notes_json", &json_column(rows, dir, |row| Some(&row.notes))?),
        optional_texts("calibration_json", &json_column(rows, dir, |row| row.calibration.as_ref())?),
        optional_texts("load_json", &json_column(rows, dir, |row| row.load.as_ref())?),
        optional_texts("network_json", &json_column(rows, dir, |row| row.network.as_ref())?),
        optional_texts("start_json", &json_column(rows, dir, |row| row.start.as_ref())?),
        optional_texts("start_costs_json", &json_column(rows, dir, |row| Some(&row.start_costs))?),
        optional_texts("spans_json", &json_column(rows, dir, |row| Some(&row.spans))?),
    ])
}

/// A column of nested values, each as JSON text.
fn json_column<T: Serialize>(
    rows: &[LaunchRow],
    dir: &Path,
    value: impl Fn(&LaunchRow) -> Option<&T>,
) -> Result<Vec<Option<String>>, TableError> {
    let json = |row| value(row).map(serde_json::to_string).transpose();
    let content = |source| TableError::Content { what: "a launch's event", path: dir.join(RUNS), source };
    rows.iter().map(json).collect::<Result<_, _>>().map_err(content)
}

/// The table of channels.
pub(crate) fn channel_columns(rows: &[ChannelRow], dir: &Path) -> Result<Vec<Column>, TableError> {
    let column = |value: fn(&ChannelRow) -> u32| rows.iter().map(value).collect::<Vec<_>>();
    let words = |value: &dyn Fn(&ChannelRow) -> Result<String, serde_json::Error>| {
        let content = |source| TableError::Content { what: "a channel", path: dir.join(CHANNELS), source };
        rows.iter().map(value).collect::<Result<Vec<_>, _>>().map_err(content)
    };
    let drivers: Vec<_> = rows.iter().map(|row| row.driver.as_str()).collect();
    let scopes = words(&|row| row.what.scope.as_ref().map_or_else(|| Ok(String::new()), word))?;
    let scopes: Vec<_> = scopes.into_iter().map(|word| Some(word).filter(|word| !word.is_empty())).collect();
    let sites: Vec<_> = rows.iter().map(|row| row.what.site.as_str()).collect();
    Ok(vec![
        u32s("run", column(|row| row.run)),
        u32s("launch", column(|row| row.launch)),
        u32s("sensor", column(|row| row.sensor)),
        u32s("channel", column(|row| row.channel)),
        texts("driver", &drivers),
        texts("quantity", &words(&|row| word(&row.what.quantity))?),
        texts("site", &sites),
        texts("class", &words(&|row| word(&row.what.class))?),
        u32s("period_ms", column(|row| row.what.period_ms)),
        optional_u64s("wraps_at", &rows.iter().map(|row| row.what.wraps_at).collect::<Vec<_>>()),
        optional_texts("scope", &scopes),
    ])
}

/// The word that a plain enum has in JSON.
fn word<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string(value)?.trim_matches('"').to_owned())
}

/// The code of a kind of chunk in `chunks.parquet`.
pub(crate) fn kind_code(kind: ChunkKind) -> u32 {
    match kind {
        ChunkKind::Content => 0,
        ChunkKind::Reasoning => 1,
        ChunkKind::Tool => 2,
        ChunkKind::Role => 3,
    }
}

/// The kind of a code; unknown codes are no tokens.
pub(crate) fn kind_of(code: u32) -> ChunkKind {
    match code {
        0 => ChunkKind::Content,
        1 => ChunkKind::Reasoning,
        2 => ChunkKind::Tool,
        _ => ChunkKind::Role,
    }
}

fn finish_word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
    }
}

fn source_word(source: UsageSource) -> &'static str {
    match source {
        UsageSource::Engine => "engine",
        UsageSource::Usage => "usage",
        UsageSource::Timings => "timings",
        UsageSource::Tokenizer => "tokenizer",
        UsageSource::Chunks => "chunks",
    }
}
