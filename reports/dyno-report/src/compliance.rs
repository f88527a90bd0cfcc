//! A compliance report in words, the same for all forms: verdict lines first, then the ten points of MEASUREMENT §9.3 as
//! numbered sections.

mod claim;
mod dropped;
mod sections;
mod surroundings;

use dyno_view::compliance::{
    ComplianceVerdict, ComplianceView, JudgedCellView, JudgementMethod, JudgementView, ObjectiveView,
};
use dyno_view::report::UnitView;

use crate::words;

pub(crate) use crate::compare::Tone;
pub(crate) use claim::{claim, exact, limit_line, share_of, share_up};

/// The whole paper.
pub(crate) struct Paper {
    pub(crate) title: String,
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    /// What the verdict means, in a sentence.
    pub(crate) meaning: &'static str,
    pub(crate) description: String,
    /// One for each objective and cell.
    pub(crate) lines: Vec<VerdictLine>,
    /// What the paper is about, for its cover.
    pub(crate) cover: Vec<Line>,
    pub(crate) sections: Vec<Section>,
}

/// The verdict on one objective in one cell.
pub(crate) struct VerdictLine {
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    pub(crate) name: String,
    pub(crate) claim: String,
    /// The cell, where there are several.
    pub(crate) cell: Option<String>,
    pub(crate) counts: String,
    pub(crate) why: Option<String>,
}

/// A numbered part.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) blocks: Vec<Block>,
}

/// A piece of a part.
pub(crate) enum Block {
    Heading(String),
    Facts(Vec<Line>),
    Table { head: Vec<&'static str>, rows: Vec<Vec<String>> },
    Points(Vec<String>),
    Command(String),
}

/// A label and its value.
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) kind: LineKind,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineKind {
    Text,
    Digest,
    /// Nobody knows, or nobody said.
    Missing,
}

impl LineKind {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Digest => "digest",
            Self::Missing => "missing",
        }
    }
}

impl Line {
    fn text(label: &str, value: impl Into<String>) -> Self {
        Self { label: label.to_owned(), value: value.into(), kind: LineKind::Text }
    }

    fn digest(label: &str, value: &str) -> Self {
        Self { label: label.to_owned(), value: value.to_owned(), kind: LineKind::Digest }
    }

    fn missing(label: &str, why: &str) -> Self {
        Self { label: label.to_owned(), value: why.to_owned(), kind: LineKind::Missing }
    }

    /// The value, or why there is none.
    fn or(label: &str, value: Option<String>, why: &str) -> Self {
        match value {
            Some(value) => Self::text(label, value),
            None => Self::missing(label, why),
        }
    }
}

/// Everything in words.
pub(crate) fn paper(view: &ComplianceView) -> Paper {
    let (word, tone) = verdict_word(view.verdict);
    let lines = view.objectives.iter().flat_map(|objective| {
        objective.judgements.iter().map(|judgement| verdict_line(view, objective, judgement))
    });
    Paper {
        title: format!("Compliance with {}", view.slo.name),
        word,
        tone,
        meaning: meaning(view.verdict),
        description: view.slo.description.clone(),
        lines: lines.collect(),
        cover: cover(view),
        sections: [sections::sections(view), surroundings::sections(view)].into_iter().flatten().collect(),
    }
}

pub(crate) fn verdict_word(verdict: ComplianceVerdict) -> (&'static str, Tone) {
    match verdict {
        ComplianceVerdict::Pass => ("PASS", Tone::Good),
        ComplianceVerdict::Fail => ("FAIL", Tone::Bad),
        ComplianceVerdict::Inconclusive => ("INCONCLUSIVE", Tone::Warn),
        ComplianceVerdict::Invalid => ("INVALID", Tone::Bad),
    }
}

fn meaning(verdict: ComplianceVerdict) -> &'static str {
    match verdict {
        ComplianceVerdict::Pass => "Every objective is shown to be kept.",
        ComplianceVerdict::Fail => "At least one objective is shown not to be kept.",
        ComplianceVerdict::Inconclusive => {
            "No objective is shown to be broken, but not every one is shown to be kept."
        }
        ComplianceVerdict::Invalid => {
            "Too much of the record had to be left out: this report shows nothing, neither for nor against."
        }
    }
}

pub(crate) fn verdict_line(
    view: &ComplianceView,
    objective: &ObjectiveView,
    judgement: &JudgementView,
) -> VerdictLine {
    let (word, tone) = verdict_word(judgement.verdict);
    VerdictLine {
        word,
        tone,
        name: objective.name.clone(),
        claim: claim(objective),
        cell: (view.cells.len() > 1).then(|| cell_name(view, &judgement.cell)),
        counts: counts(objective, judgement),
        why: judgement.why.clone(),
    }
}

/// `3 of 120 requests violate it (2.5 %, at most 6.4 % with 95 % confidence); 5 % may`.
fn counts(objective: &ObjectiveView, judgement: &JudgementView) -> String {
    if judgement.method == JudgementMethod::PairedScore {
        return dropped::counts(judgement);
    }
    if judgement.n == 0 {
        return "nothing was judged".to_owned();
    }
    let noun = claim::plural(objective.judges);
    let (bad, n) = (words::count(judgement.n_violations), words::count(judgement.n));
    if judgement.method == JudgementMethod::Count {
        let others = judgement.share.map_or_else(String::new, |share| {
            format!(
                " (of others, up to {} with {} confidence)",
                share_up(share.high),
                share_of(share.confidence)
            )
        });
        return format!("{bad} of {n} {noun} violate it; none of the record may{others}");
    }
    let share = judgement.share.map_or_else(String::new, |share| {
        let bound = match judgement.verdict {
            ComplianceVerdict::Fail if share.low > 0.0 => {
                format!("at least {}", claim::share_down(share.low))
            }
            _ => format!("at most {}", share_up(share.high)),
        };
        let confidence = share_of(share.confidence);
        let runs = if judgement.method == JudgementMethod::RunLevel { ", by runs" } else { "" };
        format!(
            " ({}, {bound} with {confidence} confidence{runs})",
            words::value(UnitView::Ratio, share.ratio)
        )
    });
    format!("{bad} of {n} {noun} violate it{share}; {} may", share_of(judgement.allowed_ratio))
}

/// The cell of that id by what it is.
pub(crate) fn cell_name(view: &ComplianceView, id: &str) -> String {
    let Some(cell) = view.cells.iter().find(|cell| cell.id == id) else { return id.to_owned() };
    let is_alone = view.cells.iter().filter(|other| named(other) == named(cell)).count() == 1;
    if is_alone {
        return named(cell);
    }
    let threads = match cell.threads {
        Some(n) => words::plural(u64::from(n), "thread", "threads"),
        None => "threads left to the runtime".to_owned(),
    };
    format!("{} · {threads} · context {}", named(cell), words::count(u64::from(cell.context_tokens)))
}

fn named(cell: &JudgedCellView) -> String {
    let start = cell.start.as_ref().map(|start| format!(" · {start}")).unwrap_or_default();
    let arm = cell.arm.as_ref().map(|arm| format!(" · arm {arm}")).unwrap_or_default();
    format!("{} · {} · {} · {}{start}{arm}", cell.device, cell.runtime, cell.model, cell.load)
}

fn cover(view: &ComplianceView) -> Vec<Line> {
    let campaign = &view.campaign;
    let cell = |of: fn(&JudgedCellView) -> String| {
        let mut all: Vec<String> = view.cells.iter().map(of).collect();
        all.sort();
        all.dedup();
        all.join(", ")
    };
    vec![
        Line::text("Objectives", format!("{} ({})", view.slo.name, view.slo.file)),
        Line::text("Devices", cell(|cell| cell.device.clone())),
        Line::text("Runtimes", cell(|cell| cell.runtime.clone())),
        Line::text("Models", cell(|cell| cell.model.clone())),
        Line::text("Loads", cell(|cell| cell.load.clone())),
        Line::text("Campaign", campaign.id.clone()),
        Line::or("Measured", measured(view), "nothing ran"),
        Line::text(
            "edgedyno",
            format!("{} measured, {} judged", view.evidence.measured_by, view.evidence.checked_by),
        ),
        Line::or("Operator", view.operator.clone(), "not named"),
        Line::digest("Record (SHA-256 of the journal)", &view.evidence.journal_digest),
    ]
}

/// `2026-11-21 04:30 UTC, took 3 min 12 s`.
fn measured(view: &ComplianceView) -> Option<String> {
    let started = view.campaign.started_at.as_ref()?;
    let took = view.campaign.ended_at.as_ref().and_then(|ended| words::span_ns(started, ended));
    let took = took.map(|ns| format!(", took {}", words::duration(ns))).unwrap_or_default();
    Some(format!("{}{took}", words::instant(started)))
}
