//! A history, as the template shows it.

use dyno_view::history::HistoryView;
use serde::Serialize;

use super::compare::{FoundWords, found};
use super::fact::{Fact, text};
use super::picture::{Picture, picture};
use crate::compare::{SeriesWords, history_verdict, series_words};
use crate::words;

/// The page of a history.
#[derive(Serialize)]
pub(super) struct HistoryPage {
    title: &'static str,
    kind: &'static str,
    regenerate: String,
    class: &'static str,
    verdict: String,
    findings: Vec<FoundWords>,
    unread: Vec<[String; 2]>,
    /// Devices that have series, with these.
    series: Vec<Series>,
    campaigns: Vec<[String; 5]>,
    provenance: Vec<Fact>,
}

#[derive(Serialize)]
struct Series {
    anchor: String,
    name: String,
    work: String,
    unsearched: Option<String>,
    changes: Vec<Changed>,
    charts: Vec<Picture>,
    points: Vec<Point>,
}

#[derive(Serialize)]
struct Changed {
    class: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Point {
    campaign: String,
    at: String,
    release: String,
    value: String,
    by: f64,
    range: String,
    n: String,
}

/// The whole page.
pub(super) fn page(view: &HistoryView) -> HistoryPage {
    let (tone, verdict) = history_verdict(view);
    let numbered = series_words(view).into_iter().zip(1_usize..);
    HistoryPage {
        title: "History",
        kind: "history",
        regenerate: view.regenerate.clone(),
        class: tone.class(),
        verdict,
        findings: view.findings.iter().map(found).collect(),
        unread: view.unread.iter().map(|of| [of.name.clone(), of.why.clone()]).collect(),
        series: numbered.map(|(of, number)| series(&of, number)).collect(),
        campaigns: view.campaigns.iter().map(campaign).collect(),
        provenance: vec![text("History schema", &view.schema_version.to_string())],
    }
}

/// Id, time, releases, edgedyno's version, and whether the record is whole.
fn campaign(of: &dyno_view::history::HistoryCampaign) -> [String; 5] {
    let at = of.started_at.as_ref().map_or_else(|| "nothing ran".to_owned(), |at| words::instant(at));
    let whole = if of.complete { "complete" } else { "incomplete" };
    [of.id.clone(), at, of.releases.join(", "), of.tool_version.clone(), whole.to_owned()]
}

fn series(of: &SeriesWords<'_>, number: usize) -> Series {
    let anchor = format!("series-{number}");
    Series {
        name: of.name.clone(),
        work: of.work.clone(),
        unsearched: of.unsearched.map(str::to_owned),
        changes: of
            .changes
            .iter()
            .map(|(tone, text)| Changed { class: tone.class(), text: text.clone() })
            .collect(),
        charts: of.charts.iter().zip(1_usize..).map(|(chart, i)| picture(chart, &anchor, i)).collect(),
        points: of
            .points
            .iter()
            .map(|point| Point {
                campaign: point.campaign.clone(),
                at: point.at.clone(),
                release: point.release.clone(),
                value: point.value.clone(),
                by: point.by,
                range: point.range.clone(),
                n: point.n.clone(),
            })
            .collect(),
        anchor,
    }
}
