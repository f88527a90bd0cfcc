//! Figures by metric, launch and category.

use std::collections::BTreeMap;

use dyno_model::metric::{METRICS, Metric, Shown, Unit};
use dyno_view::report::{
    CategoryView, LaunchView, MethodView, MetricView, OutcomeCount, RetryAfterView, StatusCount, UnitView,
};

use crate::cell::{CellRecord, LaunchRecord};
use crate::derive::Derived;
use crate::gap_ranks::GapRanks;
use crate::independence::n_effective;
use crate::load::n_unsent;
use crate::observations::{Observations, median};
use crate::start::is_in_state;

/// House rule: handing a request from thread to thread takes microseconds; only what takes longer is a wait.
const HAND_OVER_NS: u64 = 1_000_000;

/// Gaps that are copied and sorted; of more, only the ranks that are asked for are sought.
const MOST_SORTED: usize = 4_000_000;

/// Every metric of the catalogue that has a row in this cell, in its order.
pub(crate) fn metric_views(cell: &CellRecord<'_>) -> Vec<MetricView> {
    let rows = cell.ok_rows();
    let shown = METRICS.iter().filter(|metric| is_shown(metric, cell, &rows));
    shown.filter_map(|metric| metric_view(metric, cell, &rows)).collect()
}

/// Whether a metric has a row: those that are not defined for a load or a runtime have none.
fn is_shown(metric: &Metric, cell: &CellRecord<'_>, rows: &[usize]) -> bool {
    let (record, requests) = (cell.record, &cell.record.requests);
    let any = |tells: &dyn Fn(usize) -> bool| rows.iter().any(|row| tells(*row));
    match metric.shown {
        Shown::Always => true,
        Shown::InItsSection => false,
        Shown::WhereDue => cell.cell.load.is_open(),
        Shown::WhereItTells => match metric.id {
            "tpot_k1_ns" => any(&|row| record.tokens(row).counts().next().is_some_and(|k1| k1 > Some(1))),
            "ttfo_ns" => any(&|row| record.tokens(row).output().has_reasoning),
            "queue_ns" | "ttft_served_ns" | "e2e_served_ns" => {
                any(&|row| requests.queue_ns[row].is_some_and(|ns| ns > HAND_OVER_NS))
            }
            "connect_ns" => any(&|row| requests.connect_ns[row].is_some()),
            _ => true,
        },
    }
}

/// How each metric is computed.
pub(crate) fn method_views() -> Vec<MethodView> {
    let view = |metric: &Metric| MethodView {
        metric: metric.id.to_owned(),
        label: metric.label.to_owned(),
        formula: metric.formula.to_owned(),
        formula_version: metric.formula_version,
        undefined: metric.undefined.to_owned(),
        source: metric.source.to_owned(),
    };
    METRICS.iter().map(view).collect()
}

fn metric_view(metric: &Metric, cell: &CellRecord<'_>, rows: &[usize]) -> Option<MetricView> {
    let (observations, n_undefined) = observe(metric.id, cell, rows)?;
    let n_effective = n_effective(metric.id, cell);
    Some(MetricView {
        metric: metric.id.to_owned(),
        label: metric.label.to_owned(),
        unit: unit_view(metric.unit),
        n: observations.len() as u64,
        n_effective,
        n_undefined,
        min: observations.min(),
        max: observations.max(),
        quantiles: observations.views(n_effective),
    })
}

/// The unit as a view says it.
pub(crate) fn unit_view(unit: Unit) -> UnitView {
    match unit {
        Unit::Ns => UnitView::Ns,
        Unit::TokensPerSecond => UnitView::TokensPerSecond,
        Unit::Bytes => UnitView::Bytes,
        Unit::Tokens => UnitView::Tokens,
        Unit::Joules => UnitView::Joules,
        Unit::Ratio => UnitView::Ratio,
    }
}

/// The observations of a metric and how many requests or launches have none; `None` for a metric that is not
/// computed here (a test holds that there is none such).
fn observe<'r>(id: &str, cell: &CellRecord<'r>, rows: &[usize]) -> Option<(Observations<'r>, u64)> {
    let requests = &cell.record.requests;
    let derived = |value: fn(&Derived) -> Option<u64>| {
        counted(rows.iter().map(|row| value(&cell.record.derived[*row])), Observations::whole)
    };
    let rates = |value: fn(&Derived) -> Option<f64>| {
        counted(rows.iter().map(|row| value(&cell.record.derived[*row])), Observations::real)
    };
    let tokens = |column: &[Option<u32>]| {
        counted(rows.iter().map(|row| column[*row].map(u64::from)), Observations::whole)
    };
    let launches = |value: &dyn Fn(&LaunchRecord<'_>) -> Option<u64>| {
        counted(cell.valid_launches().map(value), Observations::whole)
    };
    let whole = |column: &[Option<u64>]| counted(rows.iter().map(|row| column[*row]), Observations::whole);
    Some(match id {
        "ttft_sched_ns" => derived(|of| of.ttft_sched_ns),
        "e2e_sched_ns" => derived(|of| of.e2e_sched_ns),
        "tpot_k1_ns" => derived(|of| of.tpot_k1_ns),
        "ttfo_ns" => derived(|of| of.ttfo_ns),
        "ttst_ns" => derived(|of| of.ttst_ns),
        "ttft_served_ns" => derived(|of| of.ttft_served_ns),
        "e2e_served_ns" => derived(|of| of.e2e_served_ns),
        "send_lag_ns" => derived(|of| of.send_lag_ns),
        "queue_ns" => whole(&requests.queue_ns),
        "connect_ns" => whole(&requests.connect_ns),
        "ttft_ns" => derived(|of| of.ttft_ns),
        "tpot_ns" => derived(|of| of.tpot_ns),
        "e2e_ns" => derived(|of| of.e2e_ns),
        "decode_tokens_per_s" => rates(|of| of.decode_tokens_per_s),
        "prefill_tokens_per_s" => rates(|of| of.prefill_tokens_per_s),
        "chunk_gap_ns" => gaps(cell, rows),
        // A start that was not shown to be in its state is no figure of that state.
        "load_ns" => launches(&|launch| launch.load_ns().filter(|_| is_in_state(cell, launch))),
        "first_inference_ns" => {
            launches(&|launch| launch.first_inference_ns(cell.record).filter(|_| is_in_state(cell, launch)))
        }
        "peak_rss_bytes" => launches(&|launch| launch.row.peak_rss_bytes),
        "isl_tokens" => tokens(&requests.prompt_tokens),
        "osl_tokens" => tokens(&requests.completion_tokens),
        _ => return None,
    })
}

fn counted<T>(
    values: impl Iterator<Item = Option<T>>,
    sort: fn(Vec<T>) -> Observations<'static>,
) -> (Observations<'static>, u64) {
    let mut n_undefined = 0;
    let mut defined = Vec::new();
    for value in values {
        match value {
            Some(value) => defined.push(value),
            None => n_undefined += 1,
        }
    }
    (sort(defined), n_undefined)
}

/// Gaps between the token chunks of each request, pooled; undefined for a request with fewer than two.
fn gaps<'r>(cell: &CellRecord<'r>, rows: &[usize]) -> (Observations<'r>, u64) {
    let record = cell.record;
    let n_undefined = rows.iter().filter(|row| record.tokens(**row).len() < 2).count() as u64;
    let n_gaps: usize = rows.iter().map(|row| record.tokens(*row).gaps().len()).sum();
    let observations = if n_gaps > MOST_SORTED {
        Observations::Gaps(GapRanks::of(record, rows.to_vec()))
    } else {
        Observations::whole(rows.iter().flat_map(|row| record.tokens(*row).gaps()).collect())
    };
    (observations, n_undefined)
}

/// All launches, those whose numbers may not be used included and marked.
pub(crate) fn launch_views(cell: &CellRecord<'_>) -> Vec<LaunchView> {
    let record = cell.record;
    let view = |launch: &LaunchRecord<'_>| {
        let rows = cell.ok_rows_of(launch);
        LaunchView {
            run: launch.row.run,
            launch: u16::try_from(launch.row.launch).unwrap_or(u16::MAX),
            n_requests: launch.rows.len() as u64,
            load_ns: launch.load_ns(),
            first_inference_ns: launch.first_inference_ns(record),
            peak_rss_bytes: launch.row.peak_rss_bytes,
            tpot_p50_ns: median(rows.iter().filter_map(|row| record.derived[*row].tpot_ns)),
            outcome: launch.row.outcome.clone().unwrap_or_else(|| "interrupted".to_owned()),
            invalid: launch.row.invalid.clone().unwrap_or_default(),
        }
    };
    cell.launches.iter().map(view).collect()
}

/// Medians by category of prompt, in the order of names.
pub(crate) fn category_views(cell: &CellRecord<'_>) -> Vec<CategoryView> {
    let record = cell.record;
    let mut by_category: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for row in cell.ok_rows() {
        by_category.entry(&record.requests.category[row]).or_default().push(row);
    }
    let view = |(category, rows): (&str, Vec<usize>)| {
        let of = |value: fn(&Derived) -> Option<u64>| {
            median(rows.iter().filter_map(|row| value(&record.derived[*row])))
        };
        CategoryView {
            category: category.to_owned(),
            n: rows.len() as u64,
            isl_p50: median(rows.iter().filter_map(|row| record.requests.prompt_tokens[*row].map(u64::from))),
            ttft_p50_ns: of(|derived| derived.ttft_ns),
            tpot_p50_ns: of(|derived| derived.tpot_ns),
            e2e_p50_ns: of(|derived| derived.e2e_ns),
        }
    };
    by_category.into_iter().map(view).collect()
}

/// Requests by outcome: `ok` first, then by word; those that were never sent are among them.
pub(crate) fn outcome_counts(cell: &CellRecord<'_>) -> Vec<OutcomeCount> {
    let requests = &cell.record.requests;
    let mut counts: BTreeMap<(bool, &str), OutcomeCount> = BTreeMap::new();
    for row in cell.all_rows() {
        let word = requests.outcome[row].as_str();
        let count = counts.entry((word != "ok", word)).or_insert_with(|| outcome_count(word));
        count.n += 1;
        if count.example.is_none() {
            count.example.clone_from(&requests.outcome_detail[row]);
        }
        if let Some(status) = requests.http_status[row] {
            add_status(count, status);
        }
        if let Some(asked_ms) = requests.retry_after_ms[row] {
            add_retry_after(count, asked_ms);
        }
    }
    let n_unsent = n_unsent(cell);
    let unsent = (n_unsent > 0).then(|| OutcomeCount {
        n: n_unsent,
        example: Some("the runtime had ended before they were sent".to_owned()),
        ..outcome_count("unsent")
    });
    counts.into_values().chain(unsent).collect()
}

fn outcome_count(word: &str) -> OutcomeCount {
    OutcomeCount { outcome: word.to_owned(), n: 0, example: None, statuses: Vec::new(), retry_after: None }
}

fn add_status(count: &mut OutcomeCount, status: u32) {
    match count.statuses.iter_mut().find(|of| of.status == status) {
        Some(found) => found.n += 1,
        None => count.statuses.push(StatusCount { status, n: 1 }),
    }
    count.statuses.sort_unstable_by_key(|of| of.status);
}

fn add_retry_after(count: &mut OutcomeCount, asked_ms: u64) {
    let of = count.retry_after.get_or_insert(RetryAfterView { n: 0, min_ms: asked_ms, max_ms: asked_ms });
    of.n += 1;
    of.min_ms = of.min_ms.min(asked_ms);
    of.max_ms = of.max_ms.max(asked_ms);
}
