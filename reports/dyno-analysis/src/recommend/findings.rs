//! What a reader must know before buying.

use dyno_view::comparison::WorkDoneView;
use dyno_view::recommend::Standing;
use dyno_view::report::{Finding, FindingLevel};

use super::cost::EnergyRule;
use super::offer::Offer;
use crate::cell::CellRecord;
use crate::comparison::{listed, unlike, work_done};
use crate::machine::unreal;
use crate::present::campaign_view;
use crate::record::Record;

/// House rule (MEASUREMENT §9.2): requests of fewer launches may resemble each other more than an interval assumes.
const ENOUGH_RUNS: usize = 5;

/// All findings, the gravest first.
pub(super) fn findings(
    records: &[Record<'_>],
    offers: &[&Offer<'_, '_>],
    left_out: &[String],
    rule: &EnergyRule,
) -> Vec<Finding> {
    let warn = |text: String| Finding { level: FindingLevel::Warning, text };
    let note = |text: String| Finding { level: FindingLevel::Note, text };
    let mut all: Vec<Finding> = records.iter().filter_map(incomplete).map(warn).collect();
    all.extend(not_real(offers).map(warn));
    all.extend(unlike_work(offers).into_iter().map(warn));
    all.extend(few_runs(offers).map(note));
    all.push(note(rule.view().why));
    all.push(note("one unit of each device was measured: how units differ is in no interval".to_owned()));
    all.extend(left_out.iter().cloned().map(note));
    all
}

fn incomplete(record: &Record<'_>) -> Option<String> {
    let of = campaign_view(record);
    (!of.complete).then(|| {
        format!(
            "campaign {} is incomplete: {} of {} requests are in its record",
            of.id, of.n_requests_recorded, of.n_requests_planned
        )
    })
}

/// Devices whose times are not those of a device of their kind.
fn not_real(offers: &[&Offer<'_, '_>]) -> Option<String> {
    let mark = |offer: &&Offer<'_, '_>| {
        let cell = offer.candidate.judged()?.cell;
        let mark = unreal(cell.record, &cell.cell.device)?.mark();
        Some(format!("{} ({mark})", offer.candidate.name))
    };
    let marked: Vec<String> = offers.iter().filter_map(mark).collect();
    let names: Vec<&str> = marked.iter().map(String::as_str).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} {} no machine of {} own: figures are not those of a device that can be bought",
            listed(&names),
            if names.len() == 1 { "is" } else { "are" },
            if names.len() == 1 { "its" } else { "their" }
        )
    })
}

/// In what requests differed although their plans were equal.
fn unlike_work(offers: &[&Offer<'_, '_>]) -> Vec<String> {
    let done: Vec<(&str, WorkDoneView)> = offers
        .iter()
        .filter_map(|offer| Some((offer.candidate.name.as_str(), work_done(offer.candidate.judged()?.cell)?)))
        .collect();
    let rows: Vec<(&str, &WorkDoneView)> = done.iter().map(|(name, work)| (*name, work)).collect();
    let reasons = unlike(&[], &rows).into_iter();
    reasons.map(|of| format!("the work was not the same everywhere: {}", of.reason)).collect()
}

fn few_runs(offers: &[&Offer<'_, '_>]) -> Option<String> {
    let n_runs = |offer: &&Offer<'_, '_>| {
        let runs = |cell: &CellRecord<'_>| cell.valid_launches().count();
        offer
            .pace
            .as_ref()
            .map(|pace| pace.n_runs)
            .or_else(|| offer.candidate.judged().map(|of| runs(of.cell)))
    };
    let measured = offers.iter().filter(|offer| offer.standing != Standing::NotMeasured);
    let fewest = measured.filter_map(n_runs).min()?;
    (fewest < ENOUGH_RUNS).then(|| {
        format!(
            "some figures are of {fewest} launch{}: verdicts and intervals take requests as independent, and \
             {ENOUGH_RUNS} launches tell more than more requests",
            if fewest == 1 { "" } else { "es" }
        )
    })
}
