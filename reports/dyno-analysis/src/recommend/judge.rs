//! Whether a device keeps a service level, sustained, and which of its requests do not (MEASUREMENT §9.2).
//!
//! The verdicts are those of `edgedyno check` in each of its cells. A long load is often one launch, which by itself
//! shows nothing there; so an objective that passes in the short load must also pass by the requests of the long one,
//! and must not fail in its last quarter.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::metric::{Direction, Population, Unit, metric};
use dyno_model::slo::{Condition, Demand, Judged, Objective, Selection, Slo};
use dyno_stats::{Level, Verdict, slo_verdict};
use dyno_view::compliance::{ComplianceVerdict, JudgementView};
use dyno_view::recommend::{
    AmountUnit, AmountView, EndResultView, HybridCategoryView, HybridView, ObjectiveResultView,
};
use dyno_view::report::QuantileFigure;

use super::bounded::missing;
use crate::cell::CellRecord;
use crate::compliance::{Observed, observed};
use crate::independence::n_effective;
use crate::load::share;
use crate::measure::{launch_value, request_value};
use crate::observations::Observations;

/// A cell with what `check` says of it, by the objective's place.
#[derive(Clone, Copy)]
pub(super) struct Checked<'c, 'a> {
    pub(super) cell: &'c CellRecord<'a>,
    pub(super) judgements: &'c [(usize, JudgementView)],
}

impl<'c> Checked<'c, '_> {
    fn judgement(&self, place: usize) -> Option<&'c JudgementView> {
        self.judgements.iter().find(|(of, _)| *of == place).map(|(_, judgement)| judgement)
    }

    /// Of this objective's verdict, after sharing with the others.
    fn confidence(&self, place: usize) -> Option<f64> {
        self.judgement(place)?.confidence
    }

    /// Its objectives on requests, with their places.
    fn on_requests<'s>(&self, slo: &'s Slo) -> Vec<(usize, &'s Objective)> {
        let all = slo.objectives.iter().enumerate();
        let about =
            all.filter(|(place, of)| of.judges == Judged::Requests && self.judgement(*place).is_some());
        about.collect()
    }
}

/// Each objective over the cells of a device; the figures are of the long load where there is one.
pub(super) fn results(
    slo: &Slo,
    long: Option<Checked<'_, '_>>,
    others: &[Checked<'_, '_>],
) -> Vec<ObjectiveResultView> {
    let of = |(place, objective): (usize, &Objective)| result(objective, place, long, others);
    slo.objectives.iter().enumerate().map(of).collect()
}

fn result(
    objective: &Objective,
    place: usize,
    long: Option<Checked<'_, '_>>,
    others: &[Checked<'_, '_>],
) -> ObjectiveResultView {
    let cells = || long.iter().chain(others);
    let found: Vec<&JudgementView> = cells().filter_map(|of| of.judgement(place)).collect();
    let shown = cells()
        .next()
        .filter(|of| of.judgement(place).is_some())
        .or_else(|| cells().find(|of| of.judgement(place).is_some()));
    let plain = long.filter(|of| of.judgement(place).is_some() && objective.judges == Judged::Requests);
    let plain =
        plain.and_then(|of| verdict(&observed(of.cell, objective), objective.demand, of.confidence(place)));
    let mut view = ObjectiveResultView {
        name: objective.name.clone(),
        metric: None,
        figure: None,
        n: shown.and_then(|of| of.judgement(place)).map_or(0, |of| of.n),
        n_violations: shown.and_then(|of| of.judgement(place)).map_or(0, |of| of.n_violations),
        verdict: ComplianceVerdict::Inconclusive,
        why: None,
        more_needed: None,
        more_runs: None,
    };
    if let Some(of) = shown {
        (view.metric, view.figure) = figure(of.cell, objective);
    }
    decide(&mut view, &found, plain);
    view
}

/// One verdict of several cells, and of the long load's requests as they are.
fn decide(view: &mut ObjectiveResultView, found: &[&JudgementView], plain: Option<Verdict>) {
    let with = |verdict: ComplianceVerdict| found.iter().find(|of| of.verdict == verdict);
    if let Some(failed) = with(ComplianceVerdict::Fail) {
        (view.n, view.n_violations) = (failed.n, failed.n_violations);
        view.verdict = ComplianceVerdict::Fail;
        return;
    }
    if plain == Some(Verdict::Fail) {
        view.verdict = ComplianceVerdict::Fail;
        return;
    }
    if let Some(Verdict::Inconclusive { more_needed }) = plain {
        view.why = Some("the long load has too few requests".to_owned());
        view.more_needed = Some(more_needed).filter(|n| *n < u64::MAX);
        return;
    }
    if with(ComplianceVerdict::Pass).is_some() {
        view.verdict = ComplianceVerdict::Pass;
        return;
    }
    let Some(open) = with(ComplianceVerdict::Invalid).or_else(|| found.first()) else {
        view.why = Some("no objective of that name is about this device".to_owned());
        return;
    };
    view.verdict = open.verdict;
    view.why.clone_from(&open.why);
    view.more_needed = found.iter().filter_map(|of| of.more_needed).min();
    view.more_runs = found.iter().filter_map(|of| of.more_runs).min();
}

/// All objectives together: failed when one is, passed when all are.
pub(super) fn together(results: &[ObjectiveResultView]) -> ComplianceVerdict {
    let rank = |of: &ComplianceVerdict| match of {
        ComplianceVerdict::Pass => 0,
        ComplianceVerdict::Inconclusive => 1,
        ComplianceVerdict::Invalid => 2,
        ComplianceVerdict::Fail => 3,
    };
    results.iter().map(|of| of.verdict).max_by_key(rank).unwrap_or(ComplianceVerdict::Inconclusive)
}

/// What requests show, taken as independent; `None` without one.
fn verdict(requests: &[Observed<'_>], demand: Demand, shared: Option<f64>) -> Option<Verdict> {
    let n = requests.len() as u64;
    let n_violations = requests.iter().filter(|of| of.is_violation).count() as u64;
    if n == 0 {
        return None;
    }
    match demand {
        Demand::Every => Some(if n_violations == 0 { Verdict::Pass } else { Verdict::Fail }),
        Demand::Share { fraction_ppm, confidence_ppm } => {
            let confidence = shared.unwrap_or(f64::from(confidence_ppm) / 1e6);
            slo_verdict(n, n_violations, Level::per_million(fraction_ppm)?, confidence)
        }
        // It takes another campaign.
        Demand::Drop { .. } => None,
    }
}

/// Each objective on requests over some rows of a cell: those of its last quarter.
pub(super) fn results_of_rows(slo: &Slo, of: Checked<'_, '_>, rows: &BTreeSet<usize>) -> Vec<EndResultView> {
    let result = |(place, objective): (usize, &Objective)| {
        let mut requests = observed(of.cell, objective);
        requests.retain(|of| of.row.is_some_and(|row| rows.contains(&row)));
        Some(EndResultView {
            name: objective.name.clone(),
            n: requests.len() as u64,
            n_violations: requests.iter().filter(|of| of.is_violation).count() as u64,
            verdict: verdict_view(verdict(&requests, objective.demand, of.confidence(place))?),
        })
    };
    of.on_requests(slo).into_iter().filter_map(result).collect()
}

/// All objectives on requests over one cell, its requests taken as independent; `None` where none is about it.
pub(super) fn plain(slo: &Slo, of: Checked<'_, '_>) -> Option<Verdict> {
    let result = |(place, objective): (usize, &Objective)| {
        verdict(&observed(of.cell, objective), objective.demand, of.confidence(place))
    };
    let all: Vec<Verdict> = of.on_requests(slo).into_iter().filter_map(result).collect();
    (!all.is_empty()).then(|| dyno_stats::all_of(all))
}

pub(super) fn verdict_view(verdict: Verdict) -> dyno_view::load::VerdictView {
    use dyno_view::load::VerdictView;
    match verdict {
        Verdict::Pass => VerdictView::Pass,
        Verdict::Fail => VerdictView::Fail,
        Verdict::Inconclusive { more_needed } => VerdictView::Inconclusive { more_needed },
    }
}

/// The metric of an objective's only limit, and its figure at the objective's share: of what should be high, at what is
/// left of it.
fn figure(cell: &CellRecord<'_>, objective: &Objective) -> (Option<String>, Option<AmountView>) {
    let [Condition::Limit { metric: id, .. }] = objective.conditions.as_slice() else { return (None, None) };
    let judged = match (id.as_str(), cell.cell.load.is_open()) {
        ("ttft_ns", true) => "ttft_sched_ns",
        ("e2e_ns", true) => "e2e_sched_ns",
        (id, _) => id,
    };
    let Some(metric) = metric(judged) else { return (None, None) };
    let unit = amount_unit(metric.unit);
    let values: Vec<f64> = match metric.population {
        Population::Request => {
            let rows = cell.ok_rows().into_iter();
            rows.filter_map(|row| request_value(cell, metric.id, row)).collect()
        }
        Population::Launch => {
            cell.valid_launches().filter_map(|launch| launch_value(cell, metric.id, launch)).collect()
        }
        Population::Gap => Vec::new(),
    };
    let view = match (objective.demand, values.is_empty()) {
        (_, true) => missing(unit, metric.undefined),
        (Demand::Share { fraction_ppm, .. }, false) => {
            let at = match metric.direction {
                Direction::HigherIsBetter => 1_000_000_u32.saturating_sub(fraction_ppm),
                Direction::LowerIsBetter | Direction::Neutral => fraction_ppm,
            };
            match Level::per_million(at) {
                Some(at) => quantile(unit, values, at, n_effective(metric.id, cell)),
                None => missing(unit, "a share of all or of none"),
            }
        }
        (Demand::Every, false) => worst(unit, &values, metric.direction),
        (Demand::Drop { .. }, false) => missing(unit, "a drop is held against another campaign"),
    };
    (Some(metric.id.to_owned()), Some(view))
}

fn worst(unit: AmountUnit, values: &[f64], direction: Direction) -> AmountView {
    let value = match direction {
        Direction::HigherIsBetter => values.iter().copied().fold(f64::INFINITY, f64::min),
        Direction::LowerIsBetter | Direction::Neutral => {
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        }
    };
    let why = Some("the worst of all".to_owned());
    AmountView { unit, value: Some(value), interval: None, n: values.len() as u64, why }
}

/// A percentile with its order-statistic interval, or without where there are too few observations for one.
pub(super) fn quantile(unit: AmountUnit, values: Vec<f64>, at: Level, worth: Option<u64>) -> AmountView {
    let all = Observations::real(values);
    let n = all.len() as u64;
    let (interval, why) = match all.figure(at, worth) {
        QuantileFigure::Estimate { low, high, .. } => (Some([low, high]), None),
        QuantileFigure::TooFew { n, needed } => (None, Some(format!("no interval: n = {n} < {needed}"))),
    };
    AmountView { unit, value: all.quantile(at), interval, n, why }
}

fn amount_unit(unit: Unit) -> AmountUnit {
    match unit {
        Unit::Ns => AmountUnit::Ns,
        Unit::TokensPerSecond => AmountUnit::TokensPerSecond,
        Unit::Bytes => AmountUnit::Bytes,
        Unit::Tokens => AmountUnit::Tokens,
        Unit::Joules => AmountUnit::Joules,
        Unit::Ratio => AmountUnit::Ratio,
    }
}

/// Requests that a hybrid would send elsewhere: not answered, or beyond the loosest limit that the service level has for
/// a metric of requests. `None` without a request.
pub(super) fn hybrid(slo: &Slo, of: Checked<'_, '_>) -> Option<HybridView> {
    let about = slo.objectives.iter().enumerate().filter(|(place, _)| of.judgement(*place).is_some());
    let requests = observed(of.cell, &loosest(about.map(|(_, objective)| objective)));
    let mut categories: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for request in &requests {
        let counts = categories.entry(request.category.unwrap_or("unknown")).or_default();
        counts.0 += u64::from(request.is_violation);
        counts.1 += 1;
    }
    let n_away = requests.iter().filter(|of| of.is_violation).count() as u64;
    let category = |(name, (n, of)): (&str, (u64, u64))| {
        Some(HybridCategoryView { category: name.to_owned(), share: share(n, of)? })
    };
    Some(HybridView {
        all: share(n_away, requests.len() as u64)?,
        categories: categories.into_iter().filter_map(category).collect(),
    })
}

/// The loosest limit on each metric of requests; objectives about some prompts only are passed over.
fn loosest<'o>(objectives: impl Iterator<Item = &'o Objective>) -> Objective {
    let mut limits: BTreeMap<&str, f64> = BTreeMap::new();
    let requests = objectives.filter(|of| of.judges == Judged::Requests && !of.selection.picks_prompts());
    for condition in requests.flat_map(|of| &of.conditions) {
        let Condition::Limit { metric: id, limit } = condition else { continue };
        let Some(found) = metric(id).filter(|of| of.population == Population::Request) else { continue };
        let of = limits.entry(found.id).or_insert(*limit);
        *of = match found.direction {
            Direction::HigherIsBetter => of.min(*limit),
            Direction::LowerIsBetter | Direction::Neutral => of.max(*limit),
        };
    }
    let limit = |(id, limit): (&str, f64)| Condition::Limit { metric: id.to_owned(), limit };
    Objective {
        name: String::new(),
        line: 0,
        judges: Judged::Requests,
        conditions: [Condition::Answered].into_iter().chain(limits.into_iter().map(limit)).collect(),
        demand: Demand::Every,
        selection: Selection::default(),
        baseline: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective(id: &str, limit: f64) -> Objective {
        Objective {
            name: id.to_owned(),
            line: 1,
            judges: Judged::Requests,
            conditions: vec![Condition::Limit { metric: id.to_owned(), limit }],
            demand: Demand::Share { fraction_ppm: 950_000, confidence_ppm: 950_000 },
            selection: Selection::default(),
            baseline: None,
        }
    }

    #[test]
    fn the_loosest_limit_of_a_metric_counts() {
        let picky = Objective {
            selection: Selection { categories: vec!["code".to_owned()], ..Selection::default() },
            ..objective("e2e_ns", 9.0)
        };
        let all = [
            objective("ttft_ns", 150.0),
            objective("ttft_ns", 400.0),
            objective("decode_tokens_per_s", 10.0),
            objective("decode_tokens_per_s", 5.0),
            objective("peak_rss_bytes", 1.0),
            picky,
        ];
        let limit = |id: &str, limit| Condition::Limit { metric: id.to_owned(), limit };
        assert_eq!(
            loosest(all.iter()).conditions,
            [Condition::Answered, limit("decode_tokens_per_s", 5.0), limit("ttft_ns", 400.0)]
        );
    }

    fn requests(n: usize, n_violations: usize) -> Vec<Observed<'static>> {
        let one = |place: usize| Observed { row: None, category: None, is_violation: place < n_violations };
        (0..n).map(one).collect()
    }

    /// 59 without a violation show p95 with 95 % (0.95⁵⁹ = 0.0485), 58 lack one; with 97.5 % it takes 72 (0.0249).
    #[test]
    fn requests_by_themselves() {
        let demand = Demand::Share { fraction_ppm: 950_000, confidence_ppm: 950_000 };
        assert_eq!(verdict(&requests(59, 0), demand, None), Some(Verdict::Pass));
        assert_eq!(verdict(&requests(58, 0), demand, None), Some(Verdict::Inconclusive { more_needed: 1 }));
        assert_eq!(verdict(&requests(20, 10), demand, None), Some(Verdict::Fail));
        assert_eq!(verdict(&requests(20, 1), Demand::Every, None), Some(Verdict::Fail));
        assert_eq!(
            verdict(&requests(71, 0), demand, Some(0.975)),
            Some(Verdict::Inconclusive { more_needed: 1 })
        );
        assert_eq!(verdict(&requests(72, 0), demand, Some(0.975)), Some(Verdict::Pass));
        assert_eq!(verdict(&[], demand, None), None);
    }
}
