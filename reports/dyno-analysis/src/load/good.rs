//! Which requests kept the service level, and what that shows.

use dyno_model::metric::metric;
use dyno_model::plan::SloLimit;
use dyno_stats::{Level, Verdict, all_of, confidence_of_each, goodput, slo_verdict};
use dyno_view::load::{GoodView, LimitView, VerdictView};

use super::attempts::{Attempts, share};
use crate::cell::CellRecord;
use crate::measure::request_value;
use crate::steering::n_looks;

/// What a request was judged by: its value, and the most that it may be.
struct Limit<'p> {
    of: &'p SloLimit,
    /// Metric that is judged: in open loops, latencies count from the due.
    id: &'static str,
}

/// The requests of a cell against the plan's service level; `None` when the plan has none.
pub(super) fn good(cell: &CellRecord<'_>, attempts: &Attempts) -> Option<GoodView> {
    let plan = cell.record.plan;
    let slo = plan.slo.as_ref()?;
    let limits: Vec<Limit<'_>> =
        slo.limits.iter().map(|of| Limit { of, id: judged(cell, &of.metric) }).collect();
    let keeps = |row: usize, limit: &Limit<'_>| {
        value(cell, limit.id, row).is_some_and(|ns| ns <= limit.of.limit_ns as f64)
    };
    let n = attempts.n();
    let is_good = |row: &&usize| limits.iter().all(|limit| keeps(**row, limit));
    let n_good = attempts.rows.iter().filter(is_good).count() as u64;
    let n_looks = n_looks(plan, cell.cell);
    let judge = |limit: &Limit<'_>| {
        let n_kept = attempts.rows.iter().filter(|row| keeps(**row, limit)).count() as u64;
        limit_view(limit, n, n - n_kept, n_looks)
    };
    let judged: Vec<(LimitView, Verdict)> = limits.iter().map(judge).collect();
    Some(GoodView {
        slo: slo.name.clone(),
        n,
        n_good,
        share: share(n_good, n),
        rate_per_s: elapsed_ns(cell).and_then(|ns| Some(goodput(n_good, n, ns)?.rate_per_s)),
        verdict: view(all_of(judged.iter().map(|(_, verdict)| *verdict))),
        limits: judged.into_iter().map(|(limit, _)| limit).collect(),
    })
}

fn limit_view(limit: &Limit<'_>, n: u64, n_violations: u64, n_looks: u32) -> (LimitView, Verdict) {
    let confidence = confidence_of_each(f64::from(limit.of.confidence_milli) / 1000.0, n_looks);
    let level = Level::per_million(limit.of.fraction_milli.saturating_mul(1000));
    // A share of all or none can never be shown by a finite number of requests.
    let verdict = level
        .and_then(|level| slo_verdict(n, n_violations, level, confidence))
        .unwrap_or(Verdict::Inconclusive { more_needed: u64::MAX });
    let view = LimitView {
        metric: limit.id.to_owned(),
        label: metric(limit.id).map_or(limit.id, |metric| metric.label).to_owned(),
        limit_ns: limit.of.limit_ns,
        fraction_milli: limit.of.fraction_milli,
        confidence,
        n_violations,
        verdict: view(verdict),
    };
    (view, verdict)
}

fn view(verdict: Verdict) -> VerdictView {
    match verdict {
        Verdict::Pass => VerdictView::Pass,
        Verdict::Fail => VerdictView::Fail,
        Verdict::Inconclusive { more_needed } => VerdictView::Inconclusive { more_needed },
    }
}

/// The limits of the plan's service level on a metric, in ns, each with its name for a chart.
pub(crate) fn limits_of(cell: &CellRecord<'_>, id: &str) -> Vec<(u64, String)> {
    let limits = cell.record.plan.slo.iter().flat_map(|slo| &slo.limits);
    let of_metric = limits.filter(|of| judged(cell, &of.metric) == id);
    of_metric.map(|of| (of.limit_ns, format!("SLO p{}", f64::from(of.fraction_milli) / 10.0))).collect()
}

/// The metric that an objective's word means under this load.
fn judged(cell: &CellRecord<'_>, word: &str) -> &'static str {
    let word = word.trim_end_matches("_ns");
    match (word, cell.cell.load.is_open()) {
        ("ttft", true) => "ttft_sched_ns",
        ("e2e", true) => "e2e_sched_ns",
        _ => metric(&format!("{word}_ns")).map_or("unknown", |metric| metric.id),
    }
}

/// A request's value of a time; `None` when it failed, or has none.
fn value(cell: &CellRecord<'_>, id: &str, row: usize) -> Option<f64> {
    let requests = &cell.record.requests;
    // An answer of one token has no gap that could be too long (vLLM counts it as 0, too).
    let is_pace = matches!(id, "tpot_ns" | "tpot_k1_ns");
    let has_no_gap = requests.outcome[row] == "ok" && requests.completion_tokens[row] == Some(1);
    request_value(cell, id, row).or((is_pace && has_no_gap).then_some(0.0))
}

/// From the first send to the end of the last request, summed over launches.
fn elapsed_ns(cell: &CellRecord<'_>) -> Option<u64> {
    let requests = &cell.record.requests;
    let span = |rows: &[usize]| {
        let measured = || rows.iter().filter(|row| requests.outcome[**row] != "cancelled");
        let first = measured().map(|row| requests.sent_at_ns[*row]).min()?;
        let last = measured().map(|row| requests.ended_at_ns[*row]).max()?;
        last.checked_sub(first)
    };
    let sum: u64 = cell.valid_launches().filter_map(|launch| span(&launch.rows)).sum();
    (sum > 0).then_some(sum)
}
