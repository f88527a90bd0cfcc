//! What to buy: devices that did equal work, held against a service level, with what they cost (MEASUREMENT §9.4).
//!
//! What is sustained is the headline. Where intervals overlap nothing is preferred, and what is not known is left out
//! with its reason, never taken for nothing.

mod ask;
mod bounded;
mod candidate;
mod charts;
mod cost;
mod findings;
mod flips;
mod judge;
mod measured;
mod methods;
mod money;
mod offer;
mod predict;
mod rank;

use dyno_model::slo::Objective;
use dyno_store::Campaign;
use dyno_view::comparison::WorkView;
use dyno_view::recommend::{
    AdviceView, AdviceWord, BuyerObjectiveView, FlipView, OptionCellView, OptionView,
    RECOMMENDATION_SCHEMA_VERSION, RecommendSloView, RecommendSourceView, Recommendation, Standing,
};

use crate::cell::CellRecord;
use crate::comparison::{Work, work_view};
use crate::compliance::{conditions_view, demand_view, judgements};
use crate::machine::unreal;
use crate::present::campaign_view;
use crate::record::Record;

pub(crate) use charts::frontier;

pub use ask::{BuyerAsk, CloudPrice, Demand, PredictAsk, RecommendError};

use candidate::{Candidate, Measured, candidates};
use cost::{Cost, EnergyRule, money};
use judge::Checked;
use offer::Offer;

/// What to buy, by the records of these campaigns, of which the newest comes last: a pure function of their folders and
/// What to buy, by the records of these campaigns: a pure function of their folders and of what is asked. Of two that
/// measured the same, the later one counts. Makes the tables first where they are missing or old.
///
/// # Errors
/// A record cannot be read; cells did unlike work; a number means nothing, or a name is not known.
pub fn recommend(campaigns: &[Campaign], ask: &BuyerAsk) -> Result<Recommendation, RecommendError> {
    ask.check()?;
    if campaigns.is_empty() {
        return Err(RecommendError::NoCampaign);
    }
    let records: Vec<Record<'_>> = campaigns.iter().map(Record::read).collect::<Result<_, _>>()?;
    let cells = cells(&records, ask)?;
    check_prices(&cells, ask)?;
    let found = candidates(&cells)?;
    let predictions = predict::predictions(&found.all, ask);
    let offers: Vec<Offer<'_, '_>> = found.all.into_iter().map(|of| Offer::of(of, ask)).collect();
    let rule = EnergyRule::of(&offers, ask);
    let mut placed: Vec<Placed<'_, '_>> = offers.into_iter().map(|of| Placed::of(of, ask, &rule)).collect();
    placed.sort_by(Placed::order);
    rank(&mut placed);
    let options: Vec<OptionView> = placed.iter().map(|of| of.view(ask, &rule)).collect();
    let offers: Vec<&Offer<'_, '_>> = placed.iter().map(|of| &of.offer).collect();
    let findings = findings::findings(&records, &offers, &found.left_out, &rule);
    let assumptions = methods::assumptions(ask, &offers);
    let judged = offers.iter().find_map(|offer| offer.candidate.judged());
    let flips = flips_of(&placed, &rule);
    let work = judged.map(|of| work_of(of.cell));
    let model = cells.first().map(|of| of.cell.cell.model.clone()).unwrap_or_default();
    let costs: Vec<Option<Cost>> = placed.into_iter().map(|of| of.ranked).collect();
    Ok(Recommendation {
        schema_version: RECOMMENDATION_SCHEMA_VERSION,
        tool_version: ask.tool_version.clone(),
        advice: advice(&options),
        slo: slo_view(ask),
        model,
        work,
        charts: charts::charts(&options, &costs, rule.work),
        options,
        energy: rule.view(),
        flips,
        predictions,
        findings,
        assumptions,
        formulas: methods::formulas(),
        sources: records.iter().map(source).collect(),
        regenerate: ask.regenerate.clone(),
    })
}

/// All cells, of the model that is meant where one is named.
fn cells<'a>(records: &'a [Record<'a>], ask: &BuyerAsk) -> Result<Vec<Measured<'a>>, RecommendError> {
    let mut all: Vec<Measured<'a>> = Vec::new();
    for record in records {
        let cells: Vec<CellRecord<'a>> =
            record.plan.cells.iter().map(|cell| CellRecord::of(record, cell)).collect();
        let judgements = judgements(&cells, &ask.slo);
        let measured = cells.into_iter().zip(judgements);
        all.extend(measured.map(|(cell, judgements)| Measured { cell, judgements }));
    }
    let Some(model) = &ask.model else { return Ok(all) };
    let (found, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|of| of.cell.cell.model == *model);
    if found.is_empty() {
        let mut known: Vec<String> = others.into_iter().map(|of| of.cell.cell.model.clone()).collect();
        known.sort();
        known.dedup();
        return Err(RecommendError::UnknownModel { model: model.clone(), known });
    }
    Ok(found)
}

/// A price of a device that nobody measured is a slip of the pen.
fn check_prices(cells: &[Measured<'_>], ask: &BuyerAsk) -> Result<(), RecommendError> {
    let mut known: Vec<String> = cells.iter().map(|of| of.cell.cell.device.0.clone()).collect();
    known.sort();
    known.dedup();
    match ask.prices_eur.keys().find(|device| !known.contains(device)) {
        None => Ok(()),
        Some(device) => Err(RecommendError::UnknownDevice { device: device.clone(), known }),
    }
}

/// An offer with its costs and where it stands.
struct Placed<'c, 'a> {
    offer: Offer<'c, 'a>,
    standing: Standing,
    /// The cost that is ranked.
    ranked: Option<Cost>,
    /// The cost with its own energy.
    own: Option<Cost>,
}

impl<'c, 'a> Placed<'c, 'a> {
    fn of(offer: Offer<'c, 'a>, ask: &BuyerAsk, rule: &EnergyRule) -> Self {
        let ranked = Cost::of(&offer, ask, (rule.work, rule.rest));
        let own = Cost::of(&offer, ask, (true, true));
        Self { standing: offer.standing.clone(), offer, ranked, own }
    }

    /// The ranked ones by their cost, then those without a price by their rate, then the others by what they miss.
    fn order(a: &Self, b: &Self) -> std::cmp::Ordering {
        let key = |of: &Self| {
            let cost = of.ranked.as_ref().map(|cost| cost.per_million().value);
            let rate = of.offer.pace.as_ref().and_then(|pace| Some(-pace.tokens_per_s.as_ref().ok()?.value));
            let group = match (&of.standing, cost) {
                (_, Some(_)) | (Standing::Ranked { .. }, None) => 0_u8,
                (Standing::Unpriced, None) => 1,
                (Standing::SustainedNotShown, None) => 2,
                (Standing::Inconclusive { .. }, None) => 3,
                (Standing::Misses, None) => 4,
                (Standing::NotMeasured, None) => 5,
            };
            (group, cost.or(rate).unwrap_or(0.0))
        };
        let (one, other) = (key(a), key(b));
        let by_name = || a.offer.candidate.name.cmp(&b.offer.candidate.name);
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)).then_with(by_name)
    }

    fn view(&self, ask: &BuyerAsk, rule: &EnergyRule) -> OptionView {
        let (offer, candidate) = (&self.offer, &self.offer.candidate);
        let mark = candidate.judged().and_then(|of| unreal(of.cell.record, &of.cell.cell.device));
        OptionView {
            name: candidate.name.clone(),
            device: candidate.key.device.clone(),
            runtime: candidate.key.runtime.clone(),
            threads: candidate.key.threads,
            cells: cell_views(candidate),
            marks: mark.map(|of| of.mark()).into_iter().collect(),
            standing: self.standing.clone(),
            reasons: offer.reasons.clone(),
            objectives: offer.objectives.clone(),
            at_end: offer.at_end.clone(),
            rates: offer.rates(),
            energy: offer.joules.as_ref().map(measured::Joules::view),
            money: money(offer, ask, rule, self.ranked.as_ref(), self.own.as_ref()),
            hybrid: offer.hybrid.clone(),
            published: offer.published.clone(),
        }
    }
}

/// Gives those that have a cost their ranks; they come first.
fn rank(placed: &mut [Placed<'_, '_>]) {
    let reach = |of: &Placed<'_, '_>| of.ranked.as_ref().map(|cost| cost.per_million().reach());
    let intervals: Vec<[f64; 2]> = placed.iter().map_while(reach).collect();
    for (of, rank) in placed.iter_mut().zip(rank::ranks(&intervals)) {
        of.standing = Standing::Ranked { rank: rank.rank, tied: rank.tied };
    }
}

/// Where energy is in no ranked cost its price changes nothing.
fn flips_of(placed: &[Placed<'_, '_>], rule: &EnergyRule) -> Vec<FlipView> {
    let costs: Vec<&Cost> = placed.iter().filter_map(|of| of.ranked.as_ref()).collect();
    let Some(cost) = costs.first() else { return Vec::new() };
    let lines: Vec<money::Line> = costs.iter().map(|cost| cost.line()).collect();
    let numbers: Vec<u32> = (0..lines.len() as u32).collect();
    let kwh_eur = if rule.work { cost.terms().kwh_eur } else { 0.0 };
    flips::flips(&lines, 0, &numbers, &money::Terms { kwh_eur, ..*cost.terms() })
}

fn cell_views(candidate: &Candidate<'_, '_>) -> Vec<OptionCellView> {
    let view = |(role, of): (_, Checked<'_, '_>)| OptionCellView {
        campaign: of.cell.record.id.0.clone(),
        cell: of.cell.cell.id.0.clone(),
        role,
        load: of.cell.cell.load.label(),
    };
    candidate.cells().into_iter().map(view).collect()
}

fn work_of(cell: &CellRecord<'_>) -> WorkView {
    work_view(&Work::of(cell))
}

/// What it comes to: those that no other one beats.
fn advice(options: &[OptionView]) -> AdviceView {
    let first =
        options.iter().zip(0_u32..).filter(|(of, _)| matches!(of.standing, Standing::Ranked { rank: 1, .. }));
    let first: Vec<u32> = first.map(|(_, place)| place).collect();
    let any = |is: fn(&Standing) -> bool| options.iter().any(|of| is(&of.standing));
    let measured = || options.iter().filter(|of| of.standing != Standing::NotMeasured);
    let word = if !first.is_empty() {
        AdviceWord::Buy
    } else if any(|of| *of == Standing::Unpriced) {
        AdviceWord::MeetsUnpriced
    } else if measured().next().is_some() && measured().all(|of| of.standing == Standing::Misses) {
        AdviceWord::NoneMeets
    } else {
        AdviceWord::Unknown
    };
    AdviceView { word, first }
}

fn slo_view(ask: &BuyerAsk) -> RecommendSloView {
    let objective = |of: &Objective| BuyerObjectiveView {
        name: of.name.clone(),
        conditions: conditions_view(&of.conditions),
        demand: demand_view(of.demand),
    };
    RecommendSloView {
        name: ask.slo.name.clone(),
        description: ask.slo.description.clone(),
        objectives: ask.slo.objectives.iter().map(objective).collect(),
    }
}

fn source(record: &Record<'_>) -> RecommendSourceView {
    let of = campaign_view(record);
    RecommendSourceView {
        campaign: of.id,
        suite: of.suite,
        started_at: of.started_at,
        tool_version: of.tool_version,
        plan_digest: of.plan_digest,
        corpus: of.corpus,
        corpus_digest: of.corpus_digest,
    }
}
