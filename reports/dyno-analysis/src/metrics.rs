//! Figures by metric, launch and category.

use std::collections::BTreeMap;

use dyno_model::metric::{METRICS, Metric, Unit};
use dyno_view::report::{CategoryView, LaunchView, MethodView, MetricView, OutcomeCount, UnitView};

use crate::cell::{CellRecord, LaunchRecord};
use crate::derive::Derived;
use crate::observations::{Observations, median};

/// Every metric of the catalogue, in its order.
pub(crate) fn metric_views(cell: &CellRecord<'_>) -> Vec<MetricView> {
    let rows = cell.ok_rows();
    METRICS.iter().filter_map(|metric| metric_view(metric, cell, &rows)).collect()
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
    Some(MetricView {
        metric: metric.id.to_owned(),
        label: metric.label.to_owned(),
        unit: unit_view(metric.unit),
        n: observations.len() as u64,
        n_undefined,
        min: observations.min(),
        max: observations.max(),
        quantiles: observations.views(),
    })
}

/// The unit as a view says it.
pub(crate) fn unit_view(unit: Unit) -> UnitView {
    match unit {
        Unit::Ns => UnitView::Ns,
        Unit::TokensPerSecond => UnitView::TokensPerSecond,
        Unit::Bytes => UnitView::Bytes,
        Unit::Tokens => UnitView::Tokens,
    }
}

/// The observations of a metric and how many requests or launches have none; `None` for a metric that is not
/// computed here (a test holds that there is none such).
fn observe(id: &str, cell: &CellRecord<'_>, rows: &[usize]) -> Option<(Observations, u64)> {
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
    Some(match id {
        "ttft_ns" => derived(|of| of.ttft_ns),
        "tpot_ns" => derived(|of| of.tpot_ns),
        "e2e_ns" => derived(|of| of.e2e_ns),
        "decode_tokens_per_s" => rates(|of| of.decode_tokens_per_s),
        "prefill_tokens_per_s" => rates(|of| of.prefill_tokens_per_s),
        "chunk_gap_ns" => gaps(cell, rows),
        "load_ns" => launches(&|launch| launch.load_ns()),
        "first_inference_ns" => launches(&|launch| launch.first_inference_ns(cell.record)),
        "peak_rss_bytes" => launches(&|launch| launch.row.peak_rss_bytes),
        "isl_tokens" => tokens(&requests.prompt_tokens),
        "osl_tokens" => tokens(&requests.completion_tokens),
        _ => return None,
    })
}

fn counted<T>(
    values: impl Iterator<Item = Option<T>>,
    sort: fn(Vec<T>) -> Observations,
) -> (Observations, u64) {
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
fn gaps(cell: &CellRecord<'_>, rows: &[usize]) -> (Observations, u64) {
    let mut n_undefined = 0;
    let mut gaps = Vec::new();
    for row in rows {
        let tokens = cell.record.tokens(*row);
        n_undefined += u64::from(tokens.len() < 2);
        gaps.extend(tokens.windows(2).map(|pair| pair[1].saturating_sub(pair[0])));
    }
    (Observations::whole(gaps), n_undefined)
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

/// Requests by outcome: `ok` first, then by word.
pub(crate) fn outcome_counts(cell: &CellRecord<'_>) -> Vec<OutcomeCount> {
    let requests = &cell.record.requests;
    let mut counts: BTreeMap<(bool, &str), OutcomeCount> = BTreeMap::new();
    for row in cell.all_rows() {
        let word = requests.outcome[row].as_str();
        let count = counts.entry((word != "ok", word)).or_insert_with(|| OutcomeCount {
            outcome: word.to_owned(),
            n: 0,
            example: None,
        });
        count.n += 1;
        if count.example.is_none() {
            count.example.clone_from(&requests.outcome_detail[row]);
        }
    }
    counts.into_values().collect()
}
