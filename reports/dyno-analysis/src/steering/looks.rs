//! What a look shows, at the confidence that is left to it.
//!
//! Looks that may end a campaign share what the confidence leaves, and the end itself is one of them: so whatever the
//! campaign says at last, it says with the confidence that was asked for.

use dyno_model::metric::metric;
use dyno_model::plan::{Cell, Plan, PlannedSlo, SloLimit, Steering};
use dyno_stats::{Known, Level, Verdict, all_of, confidence_of_each, slo_verdict};

use super::evidence::Tally;
use super::search::n_rates;
use crate::load::time_words;

/// How many looks share the confidence of what is said of a cell: those after which its repetitions may end, and their
/// end; or the verdicts of a search.
pub(crate) fn n_looks(plan: &Plan, cell: &Cell) -> u32 {
    match &plan.steering {
        None => 1,
        Some(Steering::Precision { n_looks, .. } | Steering::SloDecided { n_looks }) => {
            n_looks.saturating_add(1)
        }
        // A search by halves of n rates meets ⌈log2(n + 1)⌉ of them.
        Some(Steering::Capacity) => usize::BITS - n_rates(plan, cell).leading_zeros(),
    }
}

/// How well a percentile is known.
pub(super) struct PrecisionLook<'p> {
    pub(super) metric: &'p str,
    pub(super) permille: u32,
    pub(super) within_milli: u32,
    /// Of this look.
    pub(super) confidence: f64,
    /// Requests with a value.
    pub(super) n: u64,
    /// `None` when an end of the interval would be infinite.
    pub(super) known: Option<Known>,
}

impl<'p> PrecisionLook<'p> {
    /// `None` when the plan asks for no precision.
    pub(super) fn of(steering: &'p Steering, n_looks: u32, tally: &Tally) -> Option<Self> {
        let Steering::Precision { metric, permille, within_milli, confidence_milli, .. } = steering else {
            return None;
        };
        let confidence = confidence_of_each(f64::from(*confidence_milli) / 1000.0, n_looks);
        let values = tally.values(metric);
        let level = Level::per_million(permille.saturating_mul(1000))?;
        Some(Self {
            metric,
            permille: *permille,
            within_milli: *within_milli,
            confidence,
            n: values.len() as u64,
            known: Known::of(&values, level, confidence),
        })
    }

    pub(super) fn is_enough(&self) -> bool {
        self.known.is_some_and(|known| known.is_within(self.within_milli))
    }

    /// `p95 of TTFT`.
    pub(super) fn name(&self, is_open: bool) -> String {
        format!("p{} of {}", decimal(self.permille), label(self.metric, is_open))
    }
}

/// `known within ±4.1 %: 812 ms, from 790 ms to 846 ms (n = 120`, without the end of the bracket.
pub(super) fn known_words(known: &Known) -> String {
    let spread =
        known.spread_ratio().map_or_else(String::new, |ratio| format!(" within ±{:.1} %", ratio * 100.0));
    let [estimate, low, high] = [known.estimate, known.low, known.high].map(|ns| time_words(ns as f64));
    format!("known{spread}: {estimate}, from {low} to {high} (n = {}", known.n)
}

/// What requests show of a set of SLOs.
pub(super) struct SloLook<'p> {
    slo: &'p PlannedSlo,
    /// Of the whole set.
    pub(super) verdict: Verdict,
    limits: Vec<LimitLook<'p>>,
    n: u64,
}

struct LimitLook<'p> {
    limit: &'p SloLimit,
    n_violations: u64,
    confidence: f64,
    verdict: Verdict,
}

impl<'p> SloLook<'p> {
    /// `None` without requests, or limits.
    pub(super) fn of(slo: &'p PlannedSlo, n_looks: u32, tally: &Tally) -> Option<Self> {
        let n = tally.n();
        let look = |limit: &'p SloLimit| {
            let confidence = confidence_of_each(f64::from(limit.confidence_milli) / 1000.0, n_looks);
            let level = Level::per_million(limit.fraction_milli.saturating_mul(1000))?;
            let n_violations = tally.violations(limit);
            let verdict = slo_verdict(n, n_violations, level, confidence)?;
            Some(LimitLook { limit, n_violations, confidence, verdict })
        };
        let limits: Vec<LimitLook<'p>> = slo.limits.iter().map(look).collect::<Option<_>>()?;
        let verdict = all_of(limits.iter().map(|look| look.verdict));
        (n > 0 && !limits.is_empty()).then_some(Self { slo, verdict, limits, n })
    }

    /// The confidence that is left to this look: the lowest of its limits.
    pub(super) fn confidence(&self) -> f64 {
        self.limits.iter().map(|look| look.confidence).fold(1.0, f64::min)
    }

    /// `` `interactive` FAIL: 7 of 120 requests do not keep TTFT ≤ 1.00 s, and 5 % may ``; of the limits that decide.
    pub(super) fn words(&self, is_open: bool) -> String {
        let decides = |look: &&LimitLook<'_>| match self.verdict {
            Verdict::Fail => look.verdict == Verdict::Fail,
            Verdict::Inconclusive { .. } => matches!(look.verdict, Verdict::Inconclusive { .. }),
            Verdict::Pass => true,
        };
        let limits = self.limits.iter().filter(decides).map(|look| {
            format!(
                "{} of {} requests do not keep {} ≤ {}, and {} % may",
                look.n_violations,
                self.n,
                label(&look.limit.metric, is_open),
                time_words(look.limit.limit_ns as f64),
                decimal(1000_u32.saturating_sub(look.limit.fraction_milli)),
            )
        });
        format!(
            "`{}` {}: {}",
            self.slo.name,
            verdict_word(self.verdict),
            limits.collect::<Vec<_>>().join("; ")
        )
    }
}

/// `PASS`.
pub(super) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive { .. } => "INCONCLUSIVE",
    }
}

/// `TTFT`, or what it is in an open loop.
pub(super) fn label(word: &str, is_open: bool) -> &'static str {
    let id = match (word, is_open) {
        ("ttft", true) => "ttft_sched_ns",
        ("e2e", true) => "e2e_sched_ns",
        ("ttft", false) => "ttft_ns",
        ("e2e", false) => "e2e_ns",
        _ => "tpot_ns",
    };
    metric(id).map_or("latency", |metric| metric.label)
}

/// Thousandths as percent without zeros behind: 950 is `95`, 999 is `99.9`.
fn decimal(milli: u32) -> String {
    match milli % 10 {
        0 => format!("{}", milli / 10),
        tenth => format!("{}.{tenth}", milli / 10),
    }
}

/// `99.5 %`.
pub(super) fn confidence_words(confidence: f64) -> String {
    format!("{:.1} %", confidence * 100.0)
}
