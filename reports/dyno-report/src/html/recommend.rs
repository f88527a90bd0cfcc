//! A buyer's page.

use dyno_view::recommend::{FormulaView, Recommendation};
use dyno_view::report::FindingLevel;
use serde::Serialize;

use super::fact::{Fact, digest, text};
use super::picture::{Picture, picture};
use crate::recommend::{Said, Sheet, assumptions, flips, lead, tables};
use crate::words;

/// The page.
#[derive(Serialize)]
pub(super) struct RecommendPage {
    title: String,
    kind: &'static str,
    regenerate: String,
    description: String,
    lead: Vec<Sentence>,
    facts: Vec<Fact>,
    tables: Vec<Sheet>,
    flips: Vec<String>,
    charts: Vec<Picture>,
    findings: Vec<Found>,
    assumptions: Sheet,
    formulas: Vec<FormulaView>,
    sources: Vec<Vec<Fact>>,
}

#[derive(Serialize)]
struct Sentence {
    class: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Found {
    class: &'static str,
    word: &'static str,
    text: String,
}

/// Everything in words.
pub(super) fn page(of: &Recommendation) -> RecommendPage {
    let sentence = |said: Said| Sentence { class: said.tone, text: said.text };
    let found = |finding: &dyno_view::report::Finding| {
        let (class, word) = match finding.level {
            FindingLevel::Invalid => ("bad", "Invalid"),
            FindingLevel::Warning => ("warn", "Warning"),
            FindingLevel::Note => ("note", "Note"),
        };
        Found { class, word, text: finding.text.clone() }
    };
    RecommendPage {
        title: format!("What to buy for {}", of.slo.name),
        kind: "recommendation",
        regenerate: of.regenerate.clone(),
        description: of.slo.description.clone(),
        lead: lead(of).into_iter().map(sentence).collect(),
        facts: facts(of),
        tables: tables(of),
        flips: flips(of),
        charts: of.charts.iter().zip(1..).map(|(chart, i)| picture(chart, "buy", i)).collect(),
        findings: of.findings.iter().map(found).collect(),
        assumptions: assumptions(of),
        formulas: of.formulas.clone(),
        sources: of.sources.iter().map(source).collect(),
    }
}

fn facts(of: &Recommendation) -> Vec<Fact> {
    let mut facts = vec![text("Model", &of.model)];
    if let Some(work) = &of.work {
        facts.push(text("Load", &work.load));
        facts.push(text("Prompts", &words::count(work.n_prompts)));
        facts.push(text("Context", &format!("{} tokens", words::count(u64::from(work.context_tokens)))));
        facts.extend(work.model_digest.as_ref().map(|of| digest("Model file (SHA-256)", of)));
    }
    facts.push(text("edgedyno", &of.tool_version));
    facts
}

fn source(of: &dyno_view::recommend::RecommendSourceView) -> Vec<Fact> {
    let mut facts = vec![text("Campaign", &of.campaign), text("Suite", &of.suite)];
    facts.extend(of.started_at.as_ref().map(|at| text("Started", &words::instant(at))));
    facts.push(text("edgedyno", &of.tool_version));
    facts.push(digest("Plan (SHA-256)", &of.plan_digest));
    facts.push(text("Corpus", &of.corpus));
    facts.push(digest("Corpus (SHA-256)", &of.corpus_digest));
    facts
}
