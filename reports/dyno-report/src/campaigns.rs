//! What every format says of the campaigns that one report is of.

use dyno_view::report::{CampaignView, Report};

use crate::words;

/// One campaign in words.
pub(crate) struct Part<'a> {
    /// Its id; foreign text.
    pub(crate) id: &'a str,
    /// `suite quick · 2026-11-21 04:30 UTC · took 3 min 12 s · 120 of 120 requests · edgedyno 0.1.0 · corpus … · seed 7`;
    /// foreign text.
    pub(crate) words: String,
    /// SHA-256 of its plan.
    pub(crate) plan_digest: &'a str,
}

/// The campaigns, where they are several.
pub(crate) fn parts(report: &Report) -> Vec<Part<'_>> {
    report.campaigns.iter().map(part).collect()
}

fn part(of: &CampaignView) -> Part<'_> {
    let mut parts = vec![format!("suite {}", of.suite)];
    if let Some(started) = &of.started_at {
        parts.push(words::instant(started));
        let took = of.ended_at.as_ref().and_then(|ended| words::span_ns(started, ended));
        parts.extend(took.map(|ns| format!("took {}", words::duration(ns))));
    }
    parts.push(words::recorded(of));
    parts.push(format!("edgedyno {}", of.tool_version));
    parts.push(format!("corpus {}", of.corpus));
    parts.push(format!("seed {}", of.seed));
    Part { id: &of.id, words: parts.join(" · "), plan_digest: &of.plan_digest }
}

/// `Campaign`, or `Campaigns`.
pub(crate) fn noun(report: &Report) -> &'static str {
    if report.campaigns.is_empty() { "Campaign" } else { "Campaigns" }
}
