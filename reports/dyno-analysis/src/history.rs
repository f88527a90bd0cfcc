//! Campaigns in the order of time: the level of each metric, and where it changed for good (MEASUREMENT §3.6).

mod chart;
mod series;

use dyno_model::plan::Cell;
use dyno_store::Campaign;
use dyno_view::history::{HISTORY_SCHEMA_VERSION, HistoryCampaign, HistoryView, UnreadCampaign};
use dyno_view::report::Finding;

use crate::cell::CellRecord;
use crate::compare::{Asked, CompareError, asked, cells_of, release};
use crate::error::AnalysisError;
use crate::facts::threads_words;
use crate::findings::{note, warning};
use crate::planned::held;
use crate::present::{started_at, tool_version};
use crate::record::Record;
use crate::steering::n_wanted;

use series::Growing;

/// What of a history is asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistoryAsk {
    /// Metrics, with or without their unit; empty is the primary one of each scenario and the usual ones beside it.
    pub metrics: Vec<String>,
    /// The smallest change that is told, as a share of 0 to 1; `None` is the usual one of each metric.
    pub delta: Option<f64>,
    /// In which order the campaigns are.
    pub order: HistoryOrder,
    /// Command that makes the history again; `None` where campaigns are told by their names.
    pub regenerate: Option<String>,
}

/// The order of campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistoryOrder {
    /// By their first events.
    #[default]
    ByTime,
    /// As they are given.
    AsGiven,
}

/// The history of campaigns. One that cannot be read is named, and the others go on.
///
/// # Errors
/// A metric that is asked for is none.
pub fn history(
    campaigns: &[Campaign],
    unread: Vec<UnreadCampaign>,
    ask: &HistoryAsk,
) -> Result<HistoryView, CompareError> {
    let asked = asked(&ask.metrics)?;
    let mut read: Vec<Read> = Vec::new();
    let mut unread = unread;
    for campaign in campaigns {
        match one(campaign, &asked) {
            Ok(of) => read.push(of),
            Err(error) => unread.push(UnreadCampaign {
                name: campaign.id().0.clone(),
                why: dyno_model::blame::chain(&error),
            }),
        }
    }
    if ask.order == HistoryOrder::ByTime {
        // The sort is stable: of campaigns without a time the given order stays, before all others.
        read.sort_by(|a, b| a.campaign.started_at.cmp(&b.campaign.started_at));
    }
    let mut growing = Growing::default();
    for (place, of) in read.iter().enumerate() {
        growing.add(place as u32, of);
    }
    let campaigns: Vec<HistoryCampaign> = read.into_iter().map(|of| of.campaign).collect();
    let series = growing.settle(&campaigns, ask.delta);
    let findings = findings(&campaigns, &unread, series.is_empty());
    let regenerate = ask.regenerate.clone().unwrap_or_else(|| {
        let ids: Vec<&str> = campaigns.iter().map(|of| of.id.as_str()).collect();
        format!("edgedyno history {}", ids.join(" "))
    });
    Ok(HistoryView {
        schema_version: HISTORY_SCHEMA_VERSION,
        campaigns,
        unread,
        series,
        findings,
        regenerate,
    })
}

/// What is kept of a campaign once its tables are closed.
struct Read {
    campaign: HistoryCampaign,
    levels: Vec<series::Level>,
}

fn one(campaign: &Campaign, asked: &Asked) -> Result<Read, AnalysisError> {
    let record = Record::read(campaign)?;
    let cells = cells_of(&record);
    let mut releases: Vec<String> = cells.iter().filter_map(named_release).collect();
    releases.sort();
    releases.dedup();
    let is_whole = record.n_measured() >= n_wanted(&record);
    Ok(Read {
        campaign: HistoryCampaign {
            id: record.id.0.clone(),
            started_at: started_at(&record),
            tool_version: tool_version(&record),
            releases,
            complete: is_whole && held(&record).is_none_or(|held| held.n_ended == held.n),
        },
        levels: cells.iter().flat_map(|cell| series::levels(cell, asked)).collect(),
    })
}

/// `llama-server b9986`.
fn named_release(cell: &CellRecord<'_>) -> Option<String> {
    Some(format!("{} {}", cell.cell.runtime, release(cell)?))
}

/// Load, threads, context, start and duration in words.
fn scenario(cell: &Cell) -> String {
    let threads = cell.threads.map(|n| threads_words(Some(n)));
    let hold = cell.hold.map(|hold| format!("held for {} s", hold.for_ms / 1000));
    let context = Some(format!("{} tokens of context", cell.context_tokens));
    let start = crate::start::start_name(cell.start);
    let arm = cell.arm.as_ref().map(|arm| format!("arm {arm}"));
    let parts = [Some(cell.load.label()), threads, context, start, hold, arm];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn findings(campaigns: &[HistoryCampaign], unread: &[UnreadCampaign], is_empty: bool) -> Vec<Finding> {
    let mut all: Vec<Finding> =
        unread.iter().map(|of| warning(format!("{} cannot be read: {}", of.name, of.why))).collect();
    if is_empty {
        all.push(warning("no campaign has a launch that may be used".to_owned()));
    }
    let cut: Vec<String> = campaigns.iter().filter(|of| !of.complete).map(|of| of.id.clone()).collect();
    if !cut.is_empty() {
        let words = crate::findings::some_of(&cut);
        all.push(note(format!("{words}: not whole, so that medians are of fewer launches")));
    }
    all
}
