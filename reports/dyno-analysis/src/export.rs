//! Requests as comma-separated values, with their metrics.

use std::io::Write;

use dyno_model::ids::RunId;
use dyno_store::{Campaign, csv_row};

use crate::error::AnalysisError;
use crate::record::Record;

/// Columns of the export, in their order; `docs/tables.md` says what they hold.
const COLUMNS: [&str; 33] = [
    "run",
    "launch",
    "idx",
    "cell",
    "device",
    "repetition",
    "prompt_id",
    "category",
    "valid",
    "outcome",
    "finish",
    "sent_at_ns",
    "isl_tokens",
    "osl_tokens",
    "cached_tokens",
    "usage_source",
    "ttft_ns",
    "tpot_ns",
    "e2e_ns",
    "decode_tokens_per_s",
    "prefill_tokens_per_s",
    "due_at_ns",
    "send_lag_ns",
    "ttft_sched_ns",
    "e2e_sched_ns",
    "queue_ns",
    "connect_ns",
    "tpot_k1_ns",
    "ttfo_ns",
    "ttst_ns",
    "http_status",
    "retry_after_ms",
    "text",
];

/// Writes every request of a campaign as one row (RFC 4180), undefined values as empty fields.
///
/// `valid` is `false` for requests of launches whose numbers may not be used.
///
/// # Errors
/// As of [`crate::report`], or when `out` cannot be written.
pub fn requests_csv(campaign: &Campaign, out: &mut dyn Write) -> Result<(), AnalysisError> {
    let record = Record::read(campaign)?;
    let texts = record.tables.texts()?;
    let mut lines = Vec::new();
    csv_row(&mut lines, &COLUMNS);
    for (row, text) in texts.into_iter().enumerate() {
        csv_row(&mut lines, &fields(&record, row, text));
        if lines.len() >= 1 << 16 {
            out.write_all(&lines).map_err(AnalysisError::Export)?;
            lines.clear();
        }
    }
    out.write_all(&lines).map_err(AnalysisError::Export)
}

fn fields(record: &Record<'_>, row: usize, text: String) -> [String; COLUMNS.len()] {
    fn shown<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let (requests, derived) = (&record.requests, &record.derived[row]);
    let (run, launch) = (requests.run[row], requests.launch[row]);
    let cell = record.cell_of(run);
    let invalid = record
        .launches
        .iter()
        .find(|of| (of.run, of.launch) == (run, launch))
        .and_then(|of| of.invalid.as_ref());
    [
        run.to_string(),
        launch.to_string(),
        requests.idx[row].to_string(),
        shown(cell.map(|cell| &cell.id)),
        shown(cell.map(|cell| &cell.device)),
        shown(record.plan.run(RunId(run)).map(|run| run.repetition)),
        requests.prompt_id[row].clone(),
        requests.category[row].clone(),
        invalid.is_none_or(Vec::is_empty).to_string(),
        requests.outcome[row].clone(),
        shown(requests.finish[row].as_ref()),
        requests.sent_at_ns[row].to_string(),
        shown(requests.prompt_tokens[row]),
        shown(requests.completion_tokens[row]),
        shown(requests.cached_tokens[row]),
        requests.usage_source[row].clone(),
        shown(derived.ttft_ns),
        shown(derived.tpot_ns),
        shown(derived.e2e_ns),
        shown(derived.decode_tokens_per_s),
        shown(derived.prefill_tokens_per_s),
        shown(requests.due_at_ns[row]),
        shown(derived.send_lag_ns),
        shown(derived.ttft_sched_ns),
        shown(derived.e2e_sched_ns),
        shown(requests.queue_ns[row]),
        shown(requests.connect_ns[row]),
        shown(derived.tpot_k1_ns),
        shown(derived.ttfo_ns),
        shown(derived.ttst_ns),
        shown(requests.http_status[row]),
        shown(requests.retry_after_ms[row]),
        text,
    ]
}
