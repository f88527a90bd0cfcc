//! Requests as rows, with their metrics: comma-separated values, or lines of JSON.

use std::io::Write;

use dyno_model::ids::RunId;
use dyno_store::{Campaign, csv_row};
use serde_json::Value;

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
    let mut header = Vec::new();
    csv_row(&mut header, &COLUMNS);
    out.write_all(&header).map_err(AnalysisError::Export)?;
    each_request(campaign, out, |lines, fields| csv_row(lines, &fields.map(plain)))
}

/// Writes every request of a campaign as one line of JSON with the columns of [`requests_csv`], in their order;
/// undefined values are `null`.
///
/// # Errors
/// As of [`crate::report`], or when `out` cannot be written.
pub fn requests_jsonl(campaign: &Campaign, out: &mut dyn Write) -> Result<(), AnalysisError> {
    each_request(campaign, out, |lines, fields| {
        for (place, (name, value)) in COLUMNS.iter().zip(fields).enumerate() {
            lines.push(if place == 0 { b'{' } else { b',' });
            // A name is a word, and the text of a value is escaped by its own writing.
            lines.extend(format!("\"{name}\":{value}").bytes());
        }
        lines.extend(b"}\n");
    })
}

/// Gives the fields of each request to `line`, which appends what is to be written.
fn each_request(
    campaign: &Campaign,
    out: &mut dyn Write,
    line: impl Fn(&mut Vec<u8>, [Value; COLUMNS.len()]),
) -> Result<(), AnalysisError> {
    let record = Record::read(campaign)?;
    let texts = record.tables.texts()?;
    let mut lines = Vec::new();
    for (row, text) in texts.into_iter().enumerate() {
        line(&mut lines, fields(&record, row, text));
        if lines.len() >= 1 << 16 {
            out.write_all(&lines).map_err(AnalysisError::Export)?;
            lines.clear();
        }
    }
    out.write_all(&lines).map_err(AnalysisError::Export)
}

/// A value without quotes; one that is not defined is empty.
fn plain(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        // A whole float has no `.0` here.
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map(|n| n.to_string()).unwrap_or_default()
        }
        other => other.to_string(),
    }
}

fn fields(record: &Record<'_>, row: usize, text: String) -> [Value; COLUMNS.len()] {
    fn shown<T: Into<Value>>(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
    fn word(value: &impl ToString) -> Value {
        Value::String(value.to_string())
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
        run.into(),
        launch.into(),
        requests.idx[row].into(),
        shown(cell.map(|cell| word(&cell.id))),
        shown(cell.map(|cell| word(&cell.device))),
        shown(record.plan.run(RunId(run)).map(|run| run.repetition)),
        word(&requests.prompt_id[row]),
        word(&requests.category[row]),
        invalid.is_none_or(Vec::is_empty).into(),
        word(&requests.outcome[row]),
        shown(requests.finish[row].as_ref().map(word)),
        requests.sent_at_ns[row].into(),
        shown(requests.prompt_tokens[row]),
        shown(requests.completion_tokens[row]),
        shown(requests.cached_tokens[row]),
        word(&requests.usage_source[row]),
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
        Value::String(text),
    ]
}
