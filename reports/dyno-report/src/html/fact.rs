//! Facts with their labels.

use dyno_view::report::{FactValue, FactView, Report};
use serde::Serialize;

use crate::campaigns;
use crate::words;

/// A label and its value.
#[derive(Serialize)]
pub(super) struct Fact {
    label: String,
    value: String,
    /// `text`, `digest` or `missing`.
    kind: &'static str,
}

/// The campaign in a line.
pub(super) fn campaign_facts(report: &Report) -> Vec<Fact> {
    let campaign = &report.campaign;
    if !report.campaigns.is_empty() {
        let n = words::count(report.campaigns.len() as u64);
        return vec![text("Campaigns", &n), text("Requests", &words::recorded(campaign))];
    }
    let mut facts = vec![text("Suite", &campaign.suite)];
    if let Some(started) = &campaign.started_at {
        facts.push(text("Started", &words::instant(started)));
        let took = campaign.ended_at.as_ref().and_then(|ended| words::span_ns(started, ended));
        facts.extend(took.map(|ns| text("Took", &words::duration(ns))));
    }
    let complete = if campaign.complete { "" } else { ", incomplete" };
    let recorded = match campaign.held {
        None => {
            let planned = words::count(campaign.n_requests_planned);
            format!("{} of {planned}", words::count(campaign.n_requests_recorded))
        }
        Some(_) => words::recorded(campaign),
    };
    facts.push(text("Requests", &format!("{recorded}{complete}")));
    facts.push(text("edgedyno", &campaign.tool_version));
    facts
}

/// Where the figures come from.
pub(super) fn provenance(report: &Report) -> Vec<Fact> {
    let campaign = &report.campaign;
    if !report.campaigns.is_empty() {
        let both = |part: campaigns::Part<'_>| {
            let plan = format!("Plan of {} (SHA-256)", part.id);
            [text(&format!("Campaign {}", part.id), &part.words), digest(&plan, part.plan_digest)]
        };
        let schema = text("Report schema", &report.schema_version.to_string());
        return campaigns::parts(report).into_iter().flat_map(both).chain([schema]).collect();
    }
    vec![
        text("Campaign", &campaign.id),
        text("edgedyno", &campaign.tool_version),
        digest("Plan (SHA-256)", &campaign.plan_digest),
        text("Corpus", &campaign.corpus),
        digest("Corpus (SHA-256)", &campaign.corpus_digest),
        text("Seed", &campaign.seed.to_string()),
        text("Report schema", &report.schema_version.to_string()),
    ]
}

pub(super) fn text(label: &str, value: &str) -> Fact {
    Fact { label: label.to_owned(), value: value.to_owned(), kind: "text" }
}

pub(super) fn digest(label: &str, value: &str) -> Fact {
    Fact { label: label.to_owned(), value: value.to_owned(), kind: "digest" }
}

/// Facts in words; what could not be read says so.
pub(super) fn facts(views: &[FactView]) -> Vec<Fact> {
    views
        .iter()
        .map(|view| match &view.value {
            None => {
                Fact { label: view.label.clone(), value: "could not be read".to_owned(), kind: "missing" }
            }
            Some(FactValue::Digest(value)) => digest(&view.label, value),
            Some(value) => text(&view.label, &words::fact(value)),
        })
        .collect()
}
