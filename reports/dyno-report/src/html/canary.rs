//! Answers against a baseline's, as the template shows them.

use dyno_view::canary::{CanaryKind, CanarySubject, CanaryView};
use serde::Serialize;

use super::compare::{FoundWords, found};
use super::fact::{Fact, digest, text};
use crate::canary::{
    BothWords, RowWords, baseline_words, both_words, figures, row_words, rule_words, title, verdict_tone,
    verdict_word,
};

/// The page of a check.
#[derive(Serialize)]
pub(super) struct CanaryPage {
    title: String,
    kind: &'static str,
    regenerate: String,
    class: &'static str,
    word: &'static str,
    summary: String,
    baseline: Vec<Fact>,
    findings: Vec<FoundWords>,
    subjects: Vec<Subject>,
    rule: String,
    provenance: Vec<Fact>,
}

#[derive(Serialize)]
struct Subject {
    anchor: String,
    name: String,
    class: &'static str,
    word: &'static str,
    reasons: Vec<String>,
    figures: Vec<[String; 2]>,
    facts: Vec<Both>,
    rows: Vec<Row>,
    parted: Vec<Parted>,
}

#[derive(Serialize)]
struct Both {
    label: String,
    baseline: String,
    subject: String,
    differs: bool,
}

#[derive(Serialize)]
struct Row {
    prompt: String,
    category: String,
    class: &'static str,
    word: &'static str,
    prefix: String,
    prefix_by: u64,
    edit: String,
    edit_by: Option<f64>,
    kl: String,
    kl_by: Option<f64>,
    grade: String,
}

/// A prompt whose answers part.
#[derive(Serialize)]
struct Parted {
    prompt: String,
    class: &'static str,
    word: &'static str,
    line: String,
    before: String,
    sides: Vec<[String; 3]>,
}

/// The whole page.
pub(super) fn page(view: &CanaryView) -> CanaryPage {
    let numbered = view.subjects.iter().zip(1_usize..);
    CanaryPage {
        title: title(view),
        kind: "canary check",
        regenerate: view.regenerate.clone(),
        class: verdict_tone(view.verdict).class(),
        word: verdict_word(view.verdict),
        summary: view.summary.clone(),
        baseline: baseline_words(view).into_iter().map(|(label, value)| text(label, &value)).collect(),
        findings: view.findings.iter().map(found).collect(),
        subjects: numbered.map(|(of, number)| subject(of, number)).collect(),
        rule: rule_words(&view.rule),
        provenance: provenance(view),
    }
}

fn subject(of: &CanarySubject, number: usize) -> Subject {
    let words: Vec<RowWords<'_>> = of.rows.iter().map(row_words).collect();
    let both = |of: BothWords| Both {
        label: of.label,
        baseline: of.baseline,
        subject: of.subject,
        differs: of.differs,
    };
    Subject {
        anchor: format!("cell-{number}"),
        name: of.name.clone(),
        class: verdict_tone(of.verdict).class(),
        word: verdict_word(of.verdict),
        reasons: of.reasons.clone(),
        figures: figures(of).into_iter().map(|(label, value)| [label.to_owned(), value]).collect(),
        facts: of.facts.iter().map(both_words).map(both).collect(),
        parted: words.iter().filter(|of| of.row.kind != CanaryKind::Same).map(parted).collect(),
        rows: words.iter().map(row).collect(),
    }
}

fn row(of: &RowWords<'_>) -> Row {
    Row {
        prompt: of.row.prompt.clone(),
        category: of.row.category.clone(),
        class: of.tone.class(),
        word: of.word,
        prefix: of.prefix.clone(),
        prefix_by: of.row.prefix_tokens.unwrap_or(of.row.prefix_chars),
        edit: of.edit.clone(),
        edit_by: of.row.edit_ratio,
        kl: of.kl.clone(),
        kl_by: of.row.mean_kl,
        grade: of.grade.clone(),
    }
}

fn parted(of: &RowWords<'_>) -> Parted {
    let sides = of.fork.as_ref().map(|fork| {
        let side = |name: &str, i: usize| {
            [name.to_owned(), fork.sides[i].choice.clone(), fork.sides[i].text.clone()]
        };
        vec![side("Baseline", 0), side("Now", 1)]
    });
    Parted {
        prompt: of.row.prompt.clone(),
        class: of.tone.class(),
        word: of.word,
        line: of.line(),
        before: of.fork.as_ref().map(|fork| fork.before.clone()).unwrap_or_default(),
        sides: sides.unwrap_or_default(),
    }
}

fn provenance(view: &CanaryView) -> Vec<Fact> {
    let of = &view.baseline;
    vec![
        text("Campaign", &view.campaign),
        digest("Plan (SHA-256)", &view.plan_digest),
        text("Baseline", &of.name),
        digest("Baseline (SHA-256)", &of.digest),
        text("Baseline measured by edgedyno", &of.tool_version),
        text("Corpus", &of.corpus),
        digest("Corpus (SHA-256)", &of.corpus_digest),
        text("Schema", &view.schema_version.to_string()),
    ]
}
