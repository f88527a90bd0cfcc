//! From counts to a verdict.

use dyno_model::metric::{Direction, metric};
use dyno_model::slo::{Demand, Judged, Objective};
use dyno_stats::{
    Level, Verdict, clopper_pearson_lower, clopper_pearson_upper, confidence_of_each, slo_verdict,
    tolerated_misses, type1_rank,
};
use dyno_view::compliance::{ComplianceVerdict, JudgementMethod, JudgementView, ShareBoundsView};

use super::observe::{PASSED, Test};
use super::runs::LEAST_RUNS;
use super::tally::Tally;
use super::words::{more, plural, violations};

/// A report with a larger share of observations left out is invalid (MEASUREMENT §9.3, 5).
pub(super) const MOST_EXCLUDED: f64 = 0.02;
/// Confidence of the bounds that stand beside a count, from which nothing is inferred.
const BESIDE: f64 = 0.95;
/// A whole, in millionths.
const WHOLE_PPM: u32 = 1_000_000;
/// The chance to pass that the power is told for.
pub(super) const POWER: f64 = 0.8;

/// What a cell's observations are judged by.
pub(super) struct Frame<'o> {
    pub(super) objective: &'o Objective,
    pub(super) cell: &'o str,
    /// Statements that share the confidence.
    pub(super) n_shared: u32,
    /// How much of what was planned is in the record; `None` when it is all.
    pub(super) incomplete: Option<String>,
}

/// The judgement of a cell.
pub(super) fn judgement(frame: &Frame<'_>, tests: &[Test], tally: &Tally) -> JudgementView {
    let mut view = counted(frame, tests, tally);
    match frame.objective.demand {
        Demand::Share { fraction_ppm, confidence_ppm } => {
            if let Some(level) = Level::per_million(fraction_ppm) {
                let confidence = confidence_of_each(f64::from(confidence_ppm) / 1e6, frame.n_shared);
                inferred(&mut view, frame, tests, tally, (level, confidence));
            }
        }
        Demand::Every if tally.n_violations > 0 => view.verdict = ComplianceVerdict::Fail,
        Demand::Every => view.verdict = ComplianceVerdict::Pass,
        // It takes a baseline, and is decided elsewhere.
        Demand::Drop { .. } => {}
    }
    let decided = view.verdict;
    if let Some((verdict, why)) = overruled(frame, tally, decided) {
        (view.verdict, view.why) = (verdict, Some(why));
    }
    if tally.unmeasured().is_some() {
        unjudged(&mut view);
    }
    if view.verdict != ComplianceVerdict::Inconclusive {
        (view.more_needed, view.more_runs) = (None, None);
    }
    if matches!(view.verdict, ComplianceVerdict::Pass | ComplianceVerdict::Fail) {
        view.why = None;
    }
    view
}

/// Nothing was held against a limit: no figure stands beside it.
fn unjudged(view: &mut JudgementView) {
    (view.n, view.n_violations, view.share) = (0, 0, None);
    view.violations.clear();
    (view.n_tolerated, view.power_ratio, view.more_needed, view.more_runs) = (None, None, None, None);
    (view.observed, view.would_pass, view.runs_p, view.intraclass) = (None, None, None, None);
}

/// What makes a verdict void, whatever the counts say.
pub(super) fn overruled(
    frame: &Frame<'_>,
    tally: &Tally,
    decided: ComplianceVerdict,
) -> Option<(ComplianceVerdict, String)> {
    let noun = noun(frame.objective.judges);
    if tally.n == 0 && tally.n_ungraded > 0 {
        let why = "no prompt of it has a grader that a program can apply".to_owned();
        return Some((ComplianceVerdict::Inconclusive, why));
    }
    if tally.n == 0 && tally.n_excluded() == 0 {
        return Some((ComplianceVerdict::Inconclusive, format!("no {noun} of it is in the record")));
    }
    if tally.excluded_ratio() > MOST_EXCLUDED {
        let (n, of) = (tally.n_excluded(), tally.n + tally.n_excluded());
        let why =
            format!("{n} of {} are left out, and more than 2 % make a report invalid", plural(of, noun));
        return Some((ComplianceVerdict::Invalid, why));
    }
    if let Some(id) = tally.unmeasured() {
        let (label, undefined) = metric(id).map_or((id, ""), |metric| (metric.label, metric.undefined));
        let failed = match tally.n_failed() {
            0 => String::new(),
            n => format!("; and {n} of {} did not end well", plural(tally.n, noun)),
        };
        let why = format!("no {noun} has a value of {label}: {undefined}{failed}");
        return Some((ComplianceVerdict::Inconclusive, why));
    }
    // What is already broken does not get whole by the rest.
    let why = frame.incomplete.clone().filter(|_| decided != ComplianceVerdict::Fail)?;
    Some((ComplianceVerdict::Inconclusive, why))
}

pub(super) fn counted(frame: &Frame<'_>, tests: &[Test], tally: &Tally) -> JudgementView {
    let metrics = tests.iter().filter_map(|test| match test {
        Test::Answered => None,
        Test::Passed => Some(PASSED.to_owned()),
        Test::Limit(limit) => Some(limit.metric.id.to_owned()),
    });
    JudgementView {
        cell: frame.cell.to_owned(),
        verdict: ComplianceVerdict::Inconclusive,
        why: None,
        metrics: metrics.collect(),
        n: tally.n,
        n_violations: tally.n_violations,
        violations: violations(tally, tests),
        share: share(tally, BESIDE),
        allowed_ratio: 0.0,
        confidence: None,
        n_shared: frame.n_shared,
        method: JudgementMethod::Count,
        more_needed: None,
        more_runs: None,
        n_runs: tally.runs.n(),
        largest_run_ratio: tally.runs.largest_ratio(),
        intraclass: None,
        runs_p: None,
        n_effective: None,
        observed: None,
        would_pass: None,
        n_tolerated: Some(0),
        power_ratio: None,
        n_excluded: tally.n_excluded(),
        excluded_ratio: tally.excluded_ratio(),
        drop: None,
    }
}

/// Both one-sided bounds, each at `confidence`.
fn share(tally: &Tally, confidence: f64) -> Option<ShareBoundsView> {
    let (n, of) = (tally.n_violations, tally.n);
    Some(ShareBoundsView {
        ratio: n as f64 / of as f64,
        low: clopper_pearson_lower(n, of, confidence)?,
        high: clopper_pearson_upper(n, of, confidence)?,
        confidence,
    })
}

/// What the counts show of all observations to come.
fn inferred(
    view: &mut JudgementView,
    frame: &Frame<'_>,
    tests: &[Test],
    tally: &Tally,
    (level, confidence): (Level, f64),
) {
    // From whole numbers: 1 − 0.95 is not 0.05.
    let allowed = f64::from(WHOLE_PPM - level.parts_per_million()) / f64::from(WHOLE_PPM);
    view.allowed_ratio = allowed;
    view.confidence = Some(confidence);
    view.method = JudgementMethod::ClopperPearson;
    view.share = share(tally, confidence);
    view.n_tolerated = tolerated_misses(tally.n, level, confidence);
    view.power_ratio =
        view.n_tolerated.and_then(|tolerated| clopper_pearson_upper(tolerated, tally.n, 1.0 - POWER));
    quantiles(view, tests, tally, level);
    let exact = slo_verdict(tally.n, tally.n_violations, level, confidence);
    match exact.unwrap_or(Verdict::Inconclusive { more_needed: u64::MAX }) {
        Verdict::Pass => view.verdict = ComplianceVerdict::Pass,
        Verdict::Fail => view.verdict = ComplianceVerdict::Fail,
        Verdict::Inconclusive { more_needed } => {
            view.more_needed = Some(more_needed);
            let noun = noun(frame.objective.judges);
            view.why = Some(format!(
                "{} would decide it, if all of them meet the conditions",
                more(more_needed, noun)
            ));
        }
    }
    if frame.objective.judges == Judged::Requests {
        over_runs(view, tally, level, confidence);
    }
    if view.verdict == ComplianceVerdict::Inconclusive
        && let Some(n) = tally.runs.repetitions(view.more_needed.unwrap_or(0))
    {
        let why = view.why.take().map(|why| format!("{why}; ")).unwrap_or_default();
        view.why = Some(format!("{why}measure with `--repetitions {n}`"));
    }
}

/// Requests of one run resemble each other: where runs are too few, or may differ, they decide.
fn over_runs(view: &mut JudgementView, tally: &Tally, level: Level, confidence: f64) {
    if let Some(lack) = tally.runs.lack() {
        // So few runs pass with no limit and with no number of violations.
        (view.n_tolerated, view.power_ratio, view.would_pass) = (None, None, None);
        if view.verdict == ComplianceVerdict::Fail && tally.runs.fail_all(1.0 - level.share(), confidence) {
            return;
        }
        view.why = Some(match view.why.take() {
            Some(more) => format!("{lack}; {more}"),
            None => lack,
        });
        view.verdict = ComplianceVerdict::Inconclusive;
        view.more_runs = Some(LEAST_RUNS.saturating_sub(tally.runs.n()).max(1));
        return;
    }
    let Some(clustered) = tally.runs.clustered(confidence) else { return };
    (view.intraclass, view.runs_p) = (Some(clustered.intraclass), Some(clustered.p));
    if !clustered.is_significant {
        return;
    }
    view.method = JudgementMethod::RunLevel;
    view.n_effective = Some(clustered.n_effective);
    let (ratio, low, high) = (clustered.share, clustered.low, clustered.high);
    view.share = Some(ShareBoundsView { ratio, low, high, confidence });
    // What single requests would show is not what these show.
    (view.n_tolerated, view.power_ratio, view.would_pass, view.more_needed) = (None, None, None, None);
    view.verdict = match clustered.verdict(level) {
        Verdict::Pass => ComplianceVerdict::Pass,
        Verdict::Fail => ComplianceVerdict::Fail,
        Verdict::Inconclusive { more_needed } => {
            let more = more(more_needed, "request");
            view.why = Some(format!(
                "requests may differ from run to run, so runs decide; about {more}, in runs like these, would decide it \
                 if all of them meet the conditions"
            ));
            view.more_needed = Some(more_needed);
            ComplianceVerdict::Inconclusive
        }
    };
}

/// The observed quantile, and the strictest limit that would have passed: the value that is left when as many of the
/// worst as are tolerated are dropped.
fn quantiles(view: &mut JudgementView, tests: &[Test], tally: &Tally, level: Level) {
    let [Test::Limit(limit)] = tests else { return };
    let values = &tally.badness;
    let at = |rank: usize| {
        let badness = values.get(rank.checked_sub(1)?)?;
        let value = if limit.metric.direction == Direction::HigherIsBetter { -badness } else { *badness };
        value.is_finite().then_some(value)
    };
    view.observed = type1_rank(values.len(), level).and_then(at);
    let left = |tolerated: u64| values.len().checked_sub(usize::try_from(tolerated).ok()?);
    view.would_pass = view.n_tolerated.and_then(left).and_then(at);
}

fn noun(judges: Judged) -> &'static str {
    match judges {
        Judged::Requests => "request",
        Judged::Launches => "launch",
    }
}
