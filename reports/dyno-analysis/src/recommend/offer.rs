//! One candidate: whether it keeps the service level, and all that its cost is worked out of.

use dyno_model::load::{Arrivals, LoadModel};
use dyno_stats::Verdict;
use dyno_view::compliance::ComplianceVerdict;
use dyno_view::load::VerdictView;
use dyno_view::recommend::{
    AmountUnit, AssumptionOrigin, CapacityFrom, EndResultView, HybridView, ObjectiveResultView,
    OptionRatesView, PublishedView, Standing,
};

use super::ask::BuyerAsk;
use super::bounded::{Bounded, Bounds, missing, view_of};
use super::candidate::{Candidate, rate_milli};
use super::judge::{Checked, hybrid, plain, results, results_of_rows, together, verdict_view};
use super::measured::{
    Joules, NOT_SHOWN, Pace, asked_at_end, heat_amount, is_sustained, published, why_not_sustained,
};
use super::money::MOST_AT_WORK;
use crate::cell::CellRecord;
use crate::load::{Step, capacity_of};

/// What is known of one candidate before costs are compared.
pub(super) struct Offer<'c, 'a> {
    pub(super) candidate: Candidate<'c, 'a>,
    /// `Unpriced` where it may be ranked; ranks come later.
    pub(super) standing: Standing,
    pub(super) reasons: Vec<String>,
    pub(super) objectives: Vec<ObjectiveResultView>,
    pub(super) at_end: Vec<EndResultView>,
    pub(super) pace: Option<Pace>,
    pub(super) joules: Option<Joules>,
    pub(super) price: Result<(f64, AssumptionOrigin), String>,
    pub(super) capacity: Result<Bounded, String>,
    pub(super) capacity_from: CapacityFrom,
    pub(super) hybrid: Option<HybridView>,
    pub(super) published: PublishedView,
}

impl<'c, 'a> Offer<'c, 'a> {
    pub(super) fn of(candidate: Candidate<'c, 'a>, ask: &BuyerAsk) -> Self {
        let judgement = Judgement::of(&candidate, ask);
        let meets = judgement.standing == Standing::Unpriced;
        let pace = candidate.long.filter(|_| meets).map(|long| Pace::at_end(long.cell));
        let judged = candidate.judged();
        let (capacity, capacity_from) = capacity(&candidate, ask, pace.as_ref());
        let mut offer = Self {
            standing: judgement.standing,
            reasons: judgement.reasons,
            objectives: judgement.objectives,
            at_end: judgement.at_end,
            joules: candidate.long.into_iter().chain(candidate.short).find_map(|of| Joules::of(of.cell)),
            price: price(&candidate, ask),
            hybrid: judged.and_then(|of| hybrid(&ask.slo, of)),
            published: match judged {
                Some(of) => published(of.cell, candidate.long.map(|long| long.cell)),
                None => nothing_published(),
            },
            capacity,
            capacity_from,
            pace,
            candidate,
        };
        if meets {
            offer.reasons.extend(offer.price.as_ref().err().cloned());
            let counted = offer.pace.as_ref().and_then(|of| of.tokens_per_s.as_ref().err());
            offer.reasons.extend(counted.cloned());
        }
        offer
    }

    /// What it delivers.
    pub(super) fn rates(&self) -> OptionRatesView {
        let long = self.candidate.long.map(|of| of.cell);
        let rate = AmountUnit::TokensPerSecond;
        let why = || long.map_or_else(|| NOT_SHOWN.to_owned(), why_not_sustained);
        let shown = long.filter(|long| is_sustained(long)).map(Pace::at_end);
        let all = self.candidate.judged().map(|of| Pace::of_all(of.cell));
        let tokens =
            |of: fn(&Pace) -> Option<f64>| match all.as_ref().and_then(|pace| Some((of(pace)?, pace.n))) {
                Some((mean, n)) => {
                    let mut view = Bounded::exact(mean).view(AmountUnit::Tokens);
                    view.n = n;
                    view
                }
                None => missing(AmountUnit::Tokens, "the runtime does not count tokens"),
            };
        let heat = |unit, figure| match long {
            Some(long) => heat_amount(long, unit, figure),
            None => missing(unit, NOT_SHOWN),
        };
        OptionRatesView {
            sustained: match &shown {
                Some(pace) => view_of(&pace.tokens_per_s, rate),
                None => missing(rate, why()),
            },
            decode: heat(rate, |of| &of.sustained),
            peak: heat(rate, |of| &of.peak),
            ratio: heat(AmountUnit::Ratio, |of| &of.ratio),
            service: match shown.as_ref().or(all.as_ref()) {
                Some(pace) => view_of(
                    &pace.service_s.as_ref().map(|of| of.times(1e9)).map_err(Clone::clone),
                    AmountUnit::Ns,
                ),
                None => missing(AmountUnit::Ns, "not measured"),
            },
            isl: tokens(|pace| pace.isl),
            osl: tokens(|pace| pace.osl),
        }
    }
}

/// What the service level makes of a candidate.
struct Judgement {
    standing: Standing,
    reasons: Vec<String>,
    objectives: Vec<ObjectiveResultView>,
    at_end: Vec<EndResultView>,
}

impl Judgement {
    /// What `check` says of all its cells, and what the long load adds to that.
    fn of(candidate: &Candidate<'_, '_>, ask: &BuyerAsk) -> Self {
        let Some(judged) = candidate.judged() else {
            return Self::without("nothing was planned that can be judged");
        };
        let cell = judged.cell;
        if cell.valid_launches().next().is_none() {
            let why = if cell.launches.is_empty() { "nothing was measured" } else { "no launch may be used" };
            return Self::without(why);
        }
        let others: Vec<Checked<'_, '_>> = match (candidate.long, candidate.short) {
            (Some(_), short) => short.into_iter().collect(),
            (None, _) => vec![judged],
        };
        let objectives = results(&ask.slo, candidate.long, &others);
        let at_end = candidate.long.map(|long| {
            let rows = asked_at_end(long.cell).into_iter().collect();
            results_of_rows(&ask.slo, long, &rows)
        });
        let at_end = at_end.unwrap_or_default();
        let (standing, reason) = standing(candidate, ask, &objectives, &at_end);
        Self { standing, reasons: reason.into_iter().collect(), objectives, at_end }
    }

    fn without(why: &str) -> Self {
        Self {
            standing: Standing::NotMeasured,
            reasons: vec![why.to_owned()],
            objectives: Vec::new(),
            at_end: Vec::new(),
        }
    }
}

/// Where a candidate stands before costs are compared, and why.
fn standing(
    candidate: &Candidate<'_, '_>,
    ask: &BuyerAsk,
    objectives: &[ObjectiveResultView],
    at_end: &[EndResultView],
) -> (Standing, Option<String>) {
    let misses = |why: &str| (Standing::Misses, Some(why.to_owned()));
    let whole = together(objectives);
    if whole == ComplianceVerdict::Fail {
        return (Standing::Misses, None);
    }
    if at_end.iter().any(|of| of.verdict == VerdictView::Fail) {
        return misses("it misses the service level in the last quarter of the long load");
    }
    if no_rate_keeps(candidate, ask) {
        return misses("not even the lowest rate that was offered keeps the service level");
    }
    if whole != ComplianceVerdict::Pass {
        let open = || objectives.iter().filter(|of| of.verdict != ComplianceVerdict::Pass);
        let more_needed = open().filter_map(|of| of.more_needed).max();
        let more_runs = open().filter_map(|of| of.more_runs).max();
        let why = open().find_map(|of| Some(format!("{}: {}", of.name, of.why.as_ref()?)));
        return (Standing::Inconclusive { more_needed, more_runs }, why);
    }
    match candidate.long {
        Some(long) if is_sustained(long.cell) => (Standing::Unpriced, None),
        Some(long) => (Standing::SustainedNotShown, Some(why_not_sustained(long.cell))),
        None => (Standing::SustainedNotShown, Some(NOT_SHOWN.to_owned())),
    }
}

/// Whether users were asked for, and the lowest rate of a sweep fails.
fn no_rate_keeps(candidate: &Candidate<'_, '_>, ask: &BuyerAsk) -> bool {
    let lowest = candidate.rates.first().filter(|_| ask.demand.is_some());
    lowest.is_some_and(|of| plain(&ask.slo, *of) == Some(Verdict::Fail))
}

/// Requests per second that one device serves within the service level.
fn capacity(
    candidate: &Candidate<'_, '_>,
    ask: &BuyerAsk,
    pace: Option<&Pace>,
) -> (Result<Bounded, String>, CapacityFrom) {
    if let Some(found) = swept(candidate, ask) {
        return (Ok(found), CapacityFrom::Sweep);
    }
    match pace.map(|pace| &pace.service_s) {
        Some(Ok(seconds)) => (Ok(seconds.under(MOST_AT_WORK)), CapacityFrom::ServiceTime),
        Some(Err(why)) => (Err(why.clone()), CapacityFrom::Unknown),
        None => (
            Err("not known of a device that is not shown to meet the service level".to_owned()),
            CapacityFrom::Unknown,
        ),
    }
}

/// The highest rate that passes, up to the lowest that fails; by Poisson arrivals where there are such.
fn swept(candidate: &Candidate<'_, '_>, ask: &BuyerAsk) -> Option<Bounded> {
    let arrivals = |load: &LoadModel| match load {
        LoadModel::Open { arrivals, .. } => Some(*arrivals),
        LoadModel::Single { .. } | LoadModel::Closed { .. } | LoadModel::Trace { .. } => None,
    };
    let kinds = || candidate.rates.iter().filter_map(|of| arrivals(&of.cell.cell.load));
    let kind = kinds().find(|kind| *kind == Arrivals::Poisson).or_else(|| kinds().next())?;
    let step = |of: &Checked<'_, '_>| {
        let rate_per_s = rate_milli(&of.cell.cell.load) as f64 / 1000.0;
        Some(Step { rate_per_s, verdict: verdict_view(plain(&ask.slo, *of)?) })
    };
    let of_kind = candidate.rates.iter().filter(|of| arrivals(&of.cell.cell.load) == Some(kind));
    let steps: Vec<Step> = of_kind.filter_map(step).collect();
    let found = capacity_of(&ask.slo.name, "", &steps);
    let value = found.passes_per_s?;
    let interval = found.fails_per_s.filter(|fails| *fails > value).map(|fails| [value, fails]);
    Some(Bounded { value, interval: interval.map_or(Bounds::Exact, Bounds::Within), n: steps.len() as u64 })
}

fn price(candidate: &Candidate<'_, '_>, ask: &BuyerAsk) -> Result<(f64, AssumptionOrigin), String> {
    const HOW: &str = "`--price DEVICE=EUR`, or `price_eur` in devices.toml";
    let device = &candidate.key.device;
    let planned = |cell: &CellRecord<'_>| cell.record.plan.devices.get(&cell.cell.device)?.price_eur_cents;
    // The newest campaign comes last.
    let cells = candidate.cells();
    let in_plan = cells.iter().rev().find_map(|(_, of)| planned(of.cell));
    let given = ask.prices_eur.get(device).map(|eur| (*eur, AssumptionOrigin::Given));
    match given.or(in_plan.map(|cents| (cents as f64 / 100.0, AssumptionOrigin::Plan))) {
        Some((eur, origin)) if eur > 0.0 => Ok((eur, origin)),
        Some(_) => Err(format!("no price: 0 is none ({HOW})")),
        None => Err(format!("no price ({HOW})")),
    }
}

fn nothing_published() -> PublishedView {
    let none = |unit| missing(unit, "not measured");
    PublishedView {
        first: none(AmountUnit::TokensPerSecond),
        sustained: none(AmountUnit::TokensPerSecond),
        throttle: none(AmountUnit::Ratio),
        decode: none(AmountUnit::TokensPerSecond),
        ttft: none(AmountUnit::Ns),
        memory: none(AmountUnit::Bytes),
    }
}
