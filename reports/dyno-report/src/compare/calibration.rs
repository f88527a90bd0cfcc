//! A device held against itself, in words.

use dyno_view::calibration::{CalibratedMetric, CalibrationView};

use super::Tone;
use crate::load::share_words;
use crate::words::{self, count, plural};

/// A metric of a calibration in words.
pub(crate) struct CalibrationLine {
    pub(crate) label: String,
    pub(crate) n_blocks: String,
    pub(crate) median: String,
    /// How far launches scatter.
    pub(crate) scatter: String,
    /// The least change that 10 blocks find.
    pub(crate) mde: String,
    pub(crate) delta: String,
    /// How much a block resembles the one before it.
    pub(crate) r1: String,
    /// `5 of 120`: tests that share blocks.
    pub(crate) alarms: String,
    /// Whether all blocks together show one of two equal arms to be the better one.
    pub(crate) q: String,
}

/// Whether verdicts may rest on it, in a sentence.
pub(crate) fn calibration_verdict(view: &CalibrationView) -> (Tone, String) {
    if view.is_usable {
        (Tone::Good, "USABLE: verdicts of this device may rest on it".to_owned())
    } else {
        (Tone::Bad, format!("NOT USABLE: {}", view.reasons.join("; ")))
    }
}

/// Where it comes from, as label and value.
pub(crate) fn calibration_facts(view: &CalibrationView) -> Vec<(String, String)> {
    let fact = |label: &str, value: String| (label.to_owned(), value);
    let mut facts = vec![fact("Both sides", view.work.clone())];
    let blocks = plural(view.n_blocks_planned, "block", "blocks");
    facts.push(fact("Blocks", format!("{} of {blocks} count", count(view.n_blocks))));
    facts.push(fact("Campaign", view.campaign.clone()));
    facts.extend(view.measured_at.as_ref().map(|at| fact("Measured", words::instant(at))));
    facts.push(fact("edgedyno", view.tool_version.clone()));
    facts.push(fact("Plan", words::short_digest(&view.plan_digest).to_owned()));
    let identity = view.identity.iter().map(|of| {
        let value = of.value.as_ref().map_or_else(|| "could not be read".to_owned(), words::fact);
        (of.label.clone(), value)
    });
    facts.extend(identity);
    facts
}

/// Every metric in words.
pub(crate) fn calibration_lines(view: &CalibrationView) -> Vec<CalibrationLine> {
    view.metrics.iter().map(line).collect()
}

/// How often equal arms were told apart, in a sentence; `None` where there are too few blocks for such tests.
pub(crate) fn false_alarm_words(view: &CalibrationView) -> Option<(Tone, String)> {
    let of = view.false_alarms?;
    let tone = if of.is_within { Tone::Plain } else { Tone::Bad };
    let text = format!(
        "False alarms: {} of {} that share no block found a difference ({}); each has {} blocks and a level of {}, and up \
         to twice that is borne",
        count(of.share.n),
        plural(of.share.of, "test", "tests"),
        share_words(of.share),
        count(of.n_blocks_each),
        words::percent(of.alpha),
    );
    Some((tone, text))
}

fn line(metric: &CalibratedMetric) -> CalibrationLine {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "n/a".to_owned());
    let alarms = metric.alarms.map(|of| format!("{} of {}", count(of.n_alarms), count(of.n_tests)));
    CalibrationLine {
        label: metric.label.clone(),
        n_blocks: count(metric.n_blocks),
        median: words::value(metric.unit, metric.median),
        scatter: words::percent(metric.sigma_run_ln),
        mde: words::percent(metric.mde_10),
        delta: words::percent(metric.delta),
        r1: or_none(metric.r1.map(|r1| words::grouped(r1, 2))),
        alarms: or_none(alarms),
        q: or_none(metric.q_all.map(words::p_value)),
    }
}
