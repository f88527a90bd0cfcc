//! Sections 1 to 5: claim, population, counts, estimate with its verdict, exclusions.

use std::collections::BTreeSet;

use dyno_view::compliance::{
    BoundView, ComplianceView, ConditionView, DemandView, JudgedCellView, JudgementMethod, JudgementView,
    LengthsView, ObjectiveView,
};
use dyno_view::device::{FactValue, FactView};
use dyno_view::report::UnitView;

use super::claim::{share_down, share_of, share_up};
use super::{Block, Line, LineKind, Section, cell_name, claim, exact, limit_line, named, verdict_word};
use crate::words;

pub(super) fn sections(view: &ComplianceView) -> Vec<Section> {
    vec![
        Section { title: "Claim", blocks: claims(view) },
        Section { title: "Population", blocks: population(view) },
        Section { title: "What was measured", blocks: measured(view) },
        Section { title: "Estimate and verdict", blocks: estimates(view) },
        Section { title: "Exclusions", blocks: exclusions(view) },
    ]
}

fn claims(view: &ComplianceView) -> Vec<Block> {
    let mut blocks = Vec::new();
    for objective in &view.objectives {
        blocks.push(Block::Heading(objective.name.clone()));
        let metrics = objective.conditions.iter().filter_map(|condition| match condition {
            ConditionView::Answered | ConditionView::Passed | ConditionView::NoEgress => None,
            ConditionView::Limit { metric, formula_version, bound, .. } => {
                let better = match bound {
                    BoundView::AtMost => "lower is better",
                    BoundView::AtLeast => "higher is better",
                };
                Some(format!(
                    "{} ({metric}, formula version {formula_version}, {better})",
                    limit_line(condition)
                ))
            }
        });
        let metrics: Vec<String> = metrics.collect();
        let mut lines = vec![Line::text("Claim", claim(objective))];
        if !metrics.is_empty() {
            lines.push(Line::text("Limits", metrics.join("; ")));
        }
        lines.push(Line::text("Written in", format!("{}, line {}", view.slo.file, objective.line)));
        blocks.push(Block::Facts(lines));
    }
    blocks.push(Block::Heading("What counts".to_owned()));
    blocks.push(Block::Points(view.rules.clone()));
    if !view.methods.is_empty() {
        let row = |method: &dyno_view::report::MethodView| {
            vec![
                method.label.clone(),
                method.formula.clone(),
                method.formula_version.to_string(),
                method.source.clone(),
            ]
        };
        blocks.push(Block::Table {
            head: vec!["Metric", "Formula", "Version", "As defined by"],
            rows: view.methods.iter().map(row).collect(),
        });
    }
    blocks
}

fn population(view: &ComplianceView) -> Vec<Block> {
    let mut blocks = Vec::new();
    for device in &view.devices {
        blocks.push(Block::Heading(format!("Device {}", device.id)));
        let mut lines = vec![
            Line::text("Units tested", "1, this one"),
            Line::missing(
                "Serial number",
                "not in the record; the boot id below tells this machine from others",
            ),
            Line::text("Reached over", device.transport.clone()),
        ];
        lines.extend(facts(&device.facts));
        blocks.push(Block::Facts(lines));
    }
    for cell in &view.cells {
        blocks.push(Block::Heading(named(cell)));
        let mut lines = facts(&cell.facts);
        lines.push(Line::text("Context", format!("{} tokens", words::count(cell.context_tokens.into()))));
        let threads = cell.threads.map_or_else(|| "the runtime's own choice".to_owned(), |n| n.to_string());
        lines.push(Line::text("Threads asked for", threads));
        lines.push(Line::text("Load", format!("{}; latency counts {}", cell.load, cell.origin)));
        lines.extend(facts(&cell.sampling));
        lines.push(Line::text("Prompts", view.campaign.corpus.clone()));
        lines.push(Line::digest("Corpus (SHA-256)", &view.campaign.corpus_digest));
        lines.push(lengths("Prompt length", &cell.isl));
        lines.push(lengths("Answer length", &cell.osl));
        blocks.push(Block::Facts(lines));
    }
    blocks
}

/// Facts in words; what could not be read says so.
pub(super) fn facts(views: &[FactView]) -> Vec<Line> {
    let line = |view: &FactView| match &view.value {
        None => Line::missing(&view.label, "could not be read"),
        Some(FactValue::Digest(digest)) => Line::digest(&view.label, digest),
        Some(value) => Line { label: view.label.clone(), value: words::fact(value), kind: LineKind::Text },
    };
    views.iter().map(line).collect()
}

/// `12 – 210 tokens, median 48, p95 160 (n = 120)`.
fn lengths(label: &str, of: &LengthsView) -> Line {
    let (Some(min), Some(p50), Some(p95), Some(max)) = (of.min, of.p50, of.p95, of.max) else {
        return Line::missing(label, "the runtime counts no tokens");
    };
    let [min, p50, p95, max] = [min, p50, p95, max].map(words::count);
    let unknown = match of.n_unknown {
        0 => String::new(),
        n => format!(", {} without", words::count(n)),
    };
    let n = words::count(of.n);
    Line::text(label, format!("{min} – {max} tokens, median {p50}, p95 {p95} (n = {n}{unknown})"))
}

fn measured(view: &ComplianceView) -> Vec<Block> {
    let row = |cell: &JudgedCellView| {
        let n_ok: u64 = cell.outcomes.iter().filter(|of| of.outcome == "ok").map(|of| of.n).sum();
        let n_all: u64 = cell.outcomes.iter().map(|of| of.n).sum();
        let mut failed: Vec<String> = cell
            .outcomes
            .iter()
            .filter(|of| of.outcome != "ok")
            .map(|of| format!("{} {}", words::count(of.n), of.outcome))
            .collect();
        failed.extend((cell.n_unsent > 0).then(|| format!("{} never sent", words::count(cell.n_unsent))));
        vec![
            named(cell),
            words::count(n_all + cell.n_unsent),
            words::count(n_ok),
            if failed.is_empty() { "none".to_owned() } else { failed.join(", ") },
            cell.n_runs.to_string(),
            cell.n_launches.to_string(),
            cell.n_sessions.to_string(),
            when(cell),
        ]
    };
    let head =
        vec!["Cell", "Requests", "Answered", "Failed", "Runs (blocks)", "Launches", "Sessions", "When"];
    let campaign = &view.campaign;
    let mut lines = vec![
        Line::text("Suite", format!("{}: {}", campaign.suite, campaign.description)),
        Line::text(
            "Record",
            format!("{}{}", words::recorded(campaign), if campaign.complete { "" } else { ", incomplete" }),
        ),
        Line::or("Operator", view.operator.clone(), "not named"),
    ];
    lines.push(Line::text("Seed of all orders", campaign.seed.to_string()));
    let mut blocks =
        vec![Block::Table { head, rows: view.cells.iter().map(row).collect() }, Block::Facts(lines)];
    let examples = view.cells.iter().flat_map(|cell| &cell.outcomes).filter(|of| of.outcome != "ok");
    let examples: Vec<String> = examples
        .filter_map(|of| Some(format!("{}, for example: {}", of.outcome, of.example.as_ref()?)))
        .collect::<BTreeSet<String>>()
        .into_iter()
        .collect();
    if !examples.is_empty() {
        blocks.push(Block::Points(examples));
    }
    blocks
}

fn when(cell: &JudgedCellView) -> String {
    match (&cell.started_at, &cell.ended_at) {
        (Some(from), Some(to)) => format!("{} to {}", words::instant(from), words::instant(to)),
        (Some(from), None) => format!("from {}", words::instant(from)),
        _ => "never".to_owned(),
    }
}

fn estimates(view: &ComplianceView) -> Vec<Block> {
    let mut blocks = Vec::new();
    for objective in &view.objectives {
        for judgement in &objective.judgements {
            let cell = if view.cells.len() > 1 {
                format!(" · {}", cell_name(view, &judgement.cell))
            } else {
                String::new()
            };
            blocks.push(Block::Heading(format!("{}{cell}", objective.name)));
            blocks.push(Block::Facts(estimate(objective, judgement)));
        }
    }
    blocks
}

fn estimate(objective: &ObjectiveView, of: &JudgementView) -> Vec<Line> {
    let (word, _) = verdict_word(of.verdict);
    let verdict = match &of.why {
        Some(why) => format!("{word}: {why}"),
        None => word.to_owned(),
    };
    if of.method == JudgementMethod::PairedScore {
        return drop_estimate(objective, of, verdict);
    }
    let mut lines = vec![Line::text("Verdict", verdict), Line::text("Judged", judged(objective, of))];
    let mut violations = words::count(of.n_violations);
    if !of.violations.is_empty() {
        let causes: Vec<String> =
            of.violations.iter().map(|cause| format!("{} {}", words::count(cause.n), cause.label)).collect();
        violations = format!("{violations}: {}", causes.join(", "));
    }
    lines.push(Line::text("Violations", violations));
    if let Some(share) = of.share {
        let confidence = share_of(share.confidence);
        lines.push(Line::text(
            "Share of violations",
            format!(
                "{}; at least {} and at most {}, each with {confidence} confidence",
                words::value(UnitView::Ratio, share.ratio),
                share_down(share.low),
                share_up(share.high)
            ),
        ));
    }
    lines.push(Line::text("Allowed", share_of(of.allowed_ratio)));
    lines.push(Line::text("Method", method(of)));
    lines.extend(of.confidence.map(|confidence| shared(objective, of, confidence)));
    lines.extend(margin(objective, of));
    lines.extend(power(of));
    lines.extend(more(objective, of));
    lines
}

/// Of a drop since a baseline.
fn drop_estimate(objective: &ObjectiveView, of: &JudgementView, verdict: String) -> Vec<Line> {
    let mut lines = vec![Line::text("Verdict", verdict)];
    lines.extend(of.drop.iter().flat_map(super::dropped::lines));
    lines.push(Line::text("Allowed", super::dropped::points_of(of.allowed_ratio)));
    lines.push(Line::text("Method", method(of)));
    lines.extend(of.confidence.map(|confidence| shared(objective, of, confidence)));
    lines
}

fn judged(objective: &ObjectiveView, of: &JudgementView) -> String {
    let n = format!("{} {}", words::count(of.n), super::claim::noun(objective, of.n));
    let runs = words::plural(of.n_runs.into(), "run", "runs");
    let largest = of.largest_run_ratio.map_or_else(String::new, |ratio| {
        format!(", the largest of which holds {}", words::value(UnitView::Ratio, ratio))
    });
    format!("{n} of {runs}{largest}")
}

fn method(of: &JudgementView) -> String {
    match of.method {
        JudgementMethod::Count => "a count of the record, from which nothing is inferred".to_owned(),
        JudgementMethod::PairedScore => {
            "one-sided ends of Tango's score interval for two shares of the same prompts".to_owned()
        }
        JudgementMethod::ClopperPearson => {
            let runs = of.runs_p.map_or_else(String::new, |p| {
                format!("; no sign that requests differ from run to run (p = {p:.2})")
            });
            format!("one-sided Clopper–Pearson bounds, as MLPerf's early stopping{runs}")
        }
        JudgementMethod::RunLevel => {
            let p = of.runs_p.map_or_else(String::new, |p| format!(" (p = {p:.4})"));
            let worth = of.n_effective.map_or_else(String::new, |n| {
                format!(", so that they tell as much as {} independent ones", words::count(n))
            });
            let alike =
                of.intraclass.map_or_else(String::new, |rho| format!("; intraclass correlation {rho:.2}"));
            format!("bounds over runs, for requests may differ from run to run{p}{worth}{alike}")
        }
    }
}

fn shared(objective: &ObjectiveView, of: &JudgementView, confidence: f64) -> Line {
    let value = match (&objective.demand, of.n_shared) {
        (DemandView::Share { confidence: asked, .. } | DemandView::Drop { confidence: asked, .. }, n)
            if n > 1 =>
        {
            format!("{}: {} shared among {n} statements", share_of(confidence), share_of(*asked))
        }
        _ => share_of(confidence),
    };
    Line::text("Confidence of this verdict", value)
}

/// Why margin and power are not told.
fn without(of: &JudgementView) -> &'static str {
    match of.method {
        JudgementMethod::Count => "none: a count of the record infers nothing",
        JudgementMethod::RunLevel => "none: it is told for independent requests, and here runs decide",
        JudgementMethod::ClopperPearson | JudgementMethod::PairedScore => {
            "none: so few requests, launches or runs can pass with no limit"
        }
    }
}

/// How far the observations are from the limit.
fn margin(objective: &ObjectiveView, of: &JudgementView) -> Vec<Line> {
    let [ConditionView::Limit { unit, bound, limit, .. }] = objective.conditions.as_slice() else {
        return vec![Line::missing("Margin", "none: it is that of a single limit")];
    };
    let mut lines = Vec::new();
    if let Some(observed) = of.observed {
        let label = format!("Value that {} keep", share_of(1.0 - of.allowed_ratio));
        lines.push(Line::text(&label, words::value(*unit, observed)));
    }
    let Some(strictest) = of.would_pass else {
        lines.push(Line::missing("Margin", without(of)));
        return lines;
    };
    let room = match bound {
        BoundView::AtMost => (limit - strictest) / limit,
        BoundView::AtLeast => (strictest - limit) / limit,
    };
    let side = if room >= 0.0 { "better than the limit" } else { "worse than the limit" };
    lines.push(Line::text(
        "Margin",
        format!(
            "these observations pass with a limit of {}, {} {side} of {}",
            words::value(*unit, strictest),
            words::value(UnitView::Ratio, room.abs()),
            exact(*unit, *limit)
        ),
    ));
    lines
}

/// What a check of this size can show at all.
fn power(of: &JudgementView) -> Vec<Line> {
    let (Some(tolerated), Some(power)) = (of.n_tolerated, of.power_ratio) else {
        return vec![Line::missing("Power", without(of))];
    };
    let n = words::count(of.n);
    let violations = words::plural(tolerated, "violation", "violations");
    vec![Line::text(
        "Power",
        format!(
            "{n} observations pass with up to {violations}; a device that truly violates {} of the time passes such a \
             check 8 times of 10",
            share_down(power)
        ),
    )]
}

fn more(objective: &ObjectiveView, of: &JudgementView) -> Vec<Line> {
    let mut words_of = Vec::new();
    words_of.extend(of.more_needed.filter(|n| *n < u64::MAX).map(|n| {
        format!(
            "{} more {}, if all of them meet the conditions",
            words::count(n),
            super::claim::noun(objective, n)
        )
    }));
    words_of.extend(of.more_runs.map(|n| words::plural(n.into(), "more run", "more runs")));
    if words_of.is_empty() {
        Vec::new()
    } else {
        vec![Line::text("What decides it", words_of.join("; at least "))]
    }
}

fn exclusions(view: &ComplianceView) -> Vec<Block> {
    let most = share_of(view.most_excluded_ratio);
    let rule = format!(
        "What is left out is decided by rules that were fixed beforehand, never by a person. With more than {most} left out \
         a verdict is INVALID."
    );
    if view.exclusions.is_empty() {
        return vec![Block::Points(vec!["Nothing was left out.".to_owned(), rule])];
    }
    let row = |of: &dyno_view::compliance::ExclusionView| {
        let why = if of.reasons.is_empty() { String::new() } else { format!(": {}", of.reasons.join("; ")) };
        vec![
            of.rule.clone(),
            format!("{}{why}", of.words),
            cell_name(view, &of.cell),
            words::count(of.n_requests),
            words::count(of.n_launches),
        ]
    };
    vec![
        Block::Table {
            head: vec!["Rule", "Why", "Cell", "Requests", "Launches"],
            rows: view.exclusions.iter().map(row).collect(),
        },
        Block::Points(vec![rule]),
    ]
}
