//! A comparison with its verdicts, as the templates show it.

use dyno_view::compare::CompareView;
use dyno_view::report::{Finding, FindingLevel, MethodView};
use serde::Serialize;

use super::fact::{Fact, digest, text};
use super::picture::{Picture, picture};
use crate::chart::forest_svg;
use crate::compare::{
    Group, Line, QualityLine, Tone, block_charts, calibration_used, groups, how_measured, lettered,
    quality_lines, said_of, shape_words, side_line, tail_words, title, verdict_tone, verdict_word,
};
use crate::words;

/// The page of a comparison.
#[derive(Serialize)]
pub(super) struct ComparePage {
    title: String,
    kind: &'static str,
    regenerate: String,
    verdicts: Verdicts,
    sides: Vec<Side>,
    findings: Vec<FoundWords>,
    calibrations: Vec<SaidWords>,
    how: Vec<String>,
    methods: Vec<MethodView>,
    provenance: Vec<Fact>,
}

/// The verdict, and each pair of cells.
#[derive(Serialize)]
pub(super) struct Verdicts {
    class: &'static str,
    word: &'static str,
    summary: String,
    groups: Vec<GroupWords>,
}

#[derive(Serialize)]
struct Side {
    letter: String,
    name: String,
    line: String,
}

/// A finding as the templates show it.
#[derive(Serialize)]
pub(super) struct FoundWords {
    class: &'static str,
    word: &'static str,
    text: String,
}

#[derive(Serialize)]
struct SaidWords {
    class: &'static str,
    text: String,
}

#[derive(Serialize)]
struct GroupWords {
    anchor: String,
    heading: String,
    work: String,
    unpaired: bool,
    letter: String,
    /// What one unit of replication is.
    replicate: &'static str,
    rows: Vec<Row>,
    /// Graded answers; empty without a grader.
    answers: Vec<AnswersRow>,
    forest: Option<Forest>,
    said: Vec<SaidWords>,
    tails: Vec<[String; 2]>,
    shapes: Vec<[String; 2]>,
    charts: Vec<Picture>,
}

#[derive(Serialize)]
struct Forest {
    anchor: String,
    svg: String,
}

#[derive(Serialize)]
struct Row {
    class: &'static str,
    word: &'static str,
    label: String,
    id: String,
    better: &'static str,
    primary: bool,
    /// Baseline, side and change, each with what to sort by.
    baseline: Sorted,
    candidate: Sorted,
    change: Sorted,
    interval: String,
    n: Sorted,
    q: Sorted,
    mde: Sorted,
    delta: String,
}

/// Answers to all prompts, or to those of a category.
#[derive(Serialize)]
struct AnswersRow {
    class: &'static str,
    word: &'static str,
    name: String,
    is_all: bool,
    baseline: String,
    candidate: String,
    change: String,
    interval: String,
    flips: String,
    n: String,
    q: String,
}

#[derive(Serialize)]
struct Sorted {
    text: String,
    by: Option<f64>,
}

/// The whole page.
pub(super) fn page(view: &CompareView) -> ComparePage {
    let side = |(letter, side): (String, &dyno_view::compare::SideView)| Side {
        letter,
        name: side.name.clone(),
        line: side_line(side),
    };
    let calibration = |of| {
        let said = calibration_used(of);
        SaidWords { class: said.tone.class(), text: said.text }
    };
    ComparePage {
        title: title(view),
        kind: "comparison",
        regenerate: view.regenerate.clone(),
        verdicts: verdicts(view),
        sides: lettered(view).map(side).collect(),
        findings: view.findings.iter().map(found).collect(),
        calibrations: view.calibrations.iter().map(calibration).collect(),
        how: how_measured(view),
        methods: view.methods.clone(),
        provenance: provenance(view),
    }
}

/// The verdicts alone, for a campaign's own report.
pub(super) fn verdicts(view: &CompareView) -> Verdicts {
    let numbered = groups(view).into_iter().zip(1_usize..);
    Verdicts {
        class: verdict_tone(view.verdict).class(),
        word: verdict_word(view.verdict),
        summary: view.summary.clone(),
        groups: numbered.map(|(group, number)| group_words(&group, number)).collect(),
    }
}

/// A finding in words.
pub(super) fn found(finding: &Finding) -> FoundWords {
    let (tone, word) = match finding.level {
        FindingLevel::Invalid => (Tone::Bad, "Invalid"),
        FindingLevel::Warning => (Tone::Warn, "Warning"),
        FindingLevel::Note => (Tone::Plain, "Note"),
    };
    FoundWords { class: tone.class(), word, text: finding.text.clone() }
}

const FOREST_TITLE: &str = "Changes with their intervals";
const FOREST_CAPTION: &str = "Each dot is a change, its line the interval; the band behind it holds the changes that do not matter. Worse lies to the right, whichever way a metric counts.";

fn group_words(group: &Group<'_>, number: usize) -> GroupWords {
    let anchor = format!("pair-{number}");
    let forest_anchor = format!("{anchor}-forest");
    let forest = forest_svg(&group.forest(), &forest_anchor, FOREST_TITLE, FOREST_CAPTION);
    let blocks = block_charts(group);
    let charts = blocks.iter().chain(&group.contrast.charts).zip(1_usize..);
    let pair = |(name, text): (String, String)| [name, text];
    GroupWords {
        heading: format!("{} {} against A {}", group.letter, group.side, group.baseline),
        work: group.work(),
        unpaired: group.is_unpaired,
        letter: group.letter.clone(),
        replicate: group.replicate(),
        rows: group.lines.iter().map(row).collect(),
        answers: quality_lines(group).iter().map(answers_row).collect(),
        forest: forest.map(|svg| Forest { anchor: format!("{forest_anchor}-figure"), svg }),
        said: said_of(group)
            .into_iter()
            .map(|said| SaidWords { class: said.tone.class(), text: said.text })
            .collect(),
        tails: group.contrast.tails.iter().map(tail_words).map(pair).collect(),
        shapes: group.contrast.shapes.iter().map(shape_words).map(pair).collect(),
        charts: charts.map(|(chart, i)| picture(chart, &anchor, i)).collect(),
        anchor,
    }
}

fn row(line: &Line<'_>) -> Row {
    let change = line.change;
    let sorted = |text: &str, by: Option<f64>| Sorted { text: text.to_owned(), by };
    Row {
        class: line.tone.class(),
        word: line.word,
        label: line.row.label.clone(),
        id: line.row.metric.clone(),
        better: line.better(),
        primary: line.row.is_primary,
        baseline: sorted(&line.baseline, line.row.baseline),
        candidate: sorted(&line.candidate, line.row.candidate),
        change: sorted(&line.effect, change.map(|change| change.effect.ratio)),
        interval: line.interval.clone(),
        n: sorted(&line.n, change.map(|change| change.n as f64)),
        q: sorted(&line.q, change.and_then(|change| change.q)),
        mde: sorted(&line.mde, change.and_then(|change| change.mde)),
        delta: words::percent(line.row.delta),
    }
}

fn answers_row(line: &QualityLine<'_>) -> AnswersRow {
    AnswersRow {
        class: line.tone.class(),
        word: line.word,
        name: line.name.clone(),
        is_all: line.row.category.is_none(),
        baseline: line.baseline.clone(),
        candidate: line.candidate.clone(),
        change: line.effect.clone(),
        interval: line.interval.clone(),
        flips: line.flips.clone(),
        n: line.n.clone(),
        q: line.q.clone(),
    }
}

fn provenance(view: &CompareView) -> Vec<Fact> {
    let of_side = |(letter, side): (String, &dyno_view::compare::SideView)| {
        [
            text(&format!("{letter}: campaign"), &side.campaign),
            text(&format!("{letter}: edgedyno"), &side.tool_version),
            digest(&format!("{letter}: plan (SHA-256)"), &side.plan_digest),
        ]
    };
    let of_calibration = |of: &dyno_view::calibration::CalibrationUse| {
        digest(&format!("A/A calibration of {} (SHA-256)", of.device), &of.digest)
    };
    let schema = text("Comparison schema", &view.schema_version.to_string());
    let sides = lettered(view).flat_map(of_side);
    sides.chain(view.calibrations.iter().map(of_calibration)).chain([schema]).collect()
}
