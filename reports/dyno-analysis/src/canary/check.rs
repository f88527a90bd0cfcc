//! A campaign's answers held against a baseline's.

use std::collections::BTreeMap;

use dyno_model::ids::PromptId;
use dyno_model::plan::{Cell, Plan};
use dyno_store::Campaign;
use dyno_view::canary::{
    CANARY_SCHEMA_VERSION, CanaryBaselineView, CanaryRow, CanaryRuleView, CanarySubject, CanaryVerdict,
    CanaryView,
};

use super::answers::{Answered, Judges, Subject, Words, cell_name, named};
use super::baseline::{Baseline, BaselineAnswer};
use super::difference::{Difference, difference, ends_of, own_logprob};
use super::error::CanaryError;
use super::facts::facts;
use super::findings::{findings, summary};
use super::identity::{is_one_vocabulary, same_corpus, same_model, same_sampling};
use super::rows::{compared, unanswered};
use super::tokens::{Ends, Said, TokensBy};
use super::verdict::Evidence;
use crate::record::Record;

/// How a check is made.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryAsk {
    /// The only cell to check: its id, or how it begins; `None` is all.
    pub cell: Option<String>,
    /// What counts as what.
    pub rule: CanaryRuleView,
    /// Whether the model may be another one.
    pub allow_other_model: bool,
    /// Command that makes the check again.
    pub regenerate: String,
}

/// Holds the answers of a campaign against a baseline's, cell by cell.
///
/// # Errors
/// The record cannot be read or has no texts, or prompts, drawing or model are others.
pub fn canary_check(
    baseline: &Baseline,
    campaign: &Campaign,
    ask: &CanaryAsk,
) -> Result<CanaryView, CanaryError> {
    same_corpus(baseline, campaign.plan())?;
    let record = Record::read(campaign)?;
    let words = Words::read(&record)?;
    if words.are_left_out() {
        return Err(CanaryError::Redacted { what: named(&record) });
    }
    let judges = Judges::of(record.plan)?;
    let mut subjects = Vec::new();
    for cell in chosen(&record, ask.cell.as_deref())? {
        let subject = Subject::read(&record, cell, &words)?;
        same_sampling(baseline, subject.sampling)?;
        same_model(baseline, &subject.model, ask.allow_other_model)?;
        subjects.push(checked(baseline, &subject, &judges, &ask.rule));
    }
    let verdict = subjects.iter().map(|of| of.verdict).max().unwrap_or(CanaryVerdict::Incomplete);
    Ok(CanaryView {
        schema_version: CANARY_SCHEMA_VERSION,
        campaign: record.id.0.clone(),
        plan_digest: record.plan_digest.clone(),
        rule: ask.rule,
        verdict,
        summary: summary(&subjects),
        findings: findings(baseline, &subjects),
        baseline: baseline_view(baseline),
        subjects,
        regenerate: ask.regenerate.clone(),
    })
}

/// The cells that a word means; all without one.
pub(super) fn chosen<'a>(record: &Record<'a>, word: Option<&str>) -> Result<Vec<&'a Cell>, CanaryError> {
    let all = &record.plan.cells;
    let Some(word) = word else { return Ok(all.iter().collect()) };
    let found: Vec<_> = all.iter().filter(|cell| cell.id.0.starts_with(word)).collect();
    if word.is_empty() || found.len() != 1 {
        let known = cells_words(record.plan);
        let (campaign, cell) = (record.id.0.clone(), word.to_owned());
        return Err(CanaryError::NoCell { campaign, cell, known });
    }
    Ok(found)
}

/// All cells of a plan, each with what it is.
pub(super) fn cells_words(plan: &Plan) -> Vec<String> {
    plan.cells.iter().map(|cell| format!("{} ({})", cell.id, cell_name(cell))).collect()
}

/// The answer as it is compared.
fn said(answer: &BaselineAnswer) -> Said<'_> {
    Said { text: &answer.text, finish: answer.finish, tokens: answer.tokens.as_deref() }
}

/// The pairs of answers of one prompt.
struct Pairs<'a> {
    both: Vec<(&'a PromptId, [&'a BaselineAnswer; 2])>,
    /// Prompts without an answer, with how they failed; `None` where they were not asked.
    lacking: BTreeMap<&'a PromptId, Option<&'a str>>,
}

fn pairs<'a>(baseline: &'a Baseline, subject: &'a Subject<'_>) -> Pairs<'a> {
    let mut pairs = Pairs { both: Vec::new(), lacking: BTreeMap::new() };
    for (id, trusted) in &baseline.answers {
        match subject.answers.get(id) {
            Some(Answered::Answer(answer)) => pairs.both.push((id, [trusted, answer])),
            Some(Answered::Failed(outcome)) => drop(pairs.lacking.insert(id, Some(outcome))),
            None => drop(pairs.lacking.insert(id, None)),
        }
    }
    pairs
}

fn checked(
    baseline: &Baseline,
    subject: &Subject<'_>,
    judges: &Judges,
    rule: &CanaryRuleView,
) -> CanarySubject {
    let pairs = pairs(baseline, subject);
    let ends: Ends<'_> = ends_of(pairs.both.iter().flat_map(|(_, both)| both.map(said)));
    let is_one = is_one_vocabulary(&baseline.model, &subject.model);
    let differ = |both: [&BaselineAnswer; 2]| -> Difference {
        let [a, b] = both.map(said);
        difference([a, b], a.comparable(&b, is_one), &ends, rule.tie_margin_nats)
    };
    let found: Vec<_> = pairs.both.iter().map(|(id, both)| (*id, *both, differ(*both))).collect();
    let passed = |id: &PromptId, both: [&BaselineAnswer; 2]| both.map(|of| judges.passed(id, &of.text));
    let mut rows: Vec<CanaryRow> =
        found.iter().map(|(id, both, of)| compared(id, *both, of, passed(id, *both))).collect();
    rows.extend(pairs.lacking.iter().map(|(id, outcome)| {
        let answer = &baseline.answers[*id];
        unanswered(id, answer, *outcome, judges.passed(id, &answer.text))
    }));
    rows.sort_by(|a, b| (a.kind.gravity(), &a.prompt).cmp(&(b.kind.gravity(), &b.prompt)));
    let kl: Vec<f64> = found.iter().flat_map(|(_, _, of)| of.kl.iter().copied()).collect();
    let evidence = Evidence::of(&rows, kl);
    let (verdict, reasons) = evidence.verdict(rule);
    let n = found.len();
    let sum_of_ratios: f64 = found.iter().map(|(_, _, of)| of.edit.ratio).sum();
    CanarySubject {
        cell: subject.cell.id.0.clone(),
        name: subject.name(),
        verdict,
        reasons,
        facts: facts(baseline, subject),
        tokens_by: found.iter().map(|(_, _, of)| of.by).max().unwrap_or(TokensBy::Text).view(),
        counts: evidence.counts,
        mean_edit_ratio: (n > 0).then(|| sum_of_ratios / n as f64),
        kl: evidence.kl,
        perplexity: [0, 1].map(|side| perplexity(found.iter().map(|(_, both, _)| said(both[side])))),
        grades: evidence.grades,
        rows,
    }
}

/// `e` to the mean of `−ln p` over all tokens of a side's own answers; `None` where one tells no probabilities.
fn perplexity<'a>(all: impl Iterator<Item = Said<'a>>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0_usize);
    for said in all.filter(|said| !said.text.is_empty()) {
        let (of_answer, n_tokens) = own_logprob(&said)?;
        sum += of_answer;
        n += n_tokens;
    }
    (n > 0).then(|| (-sum / n as f64).exp()).filter(|value| value.is_finite())
}

fn baseline_view(of: &Baseline) -> CanaryBaselineView {
    let slice = of.corpus.slice.as_ref().map(|slice| format!(", slice {slice}")).unwrap_or_default();
    CanaryBaselineView {
        name: of.name.clone(),
        digest: of.digest().as_str().to_owned(),
        recorded_at: of.recorded_at.clone(),
        campaign: of.campaign.clone(),
        tool_version: of.tool_version.clone(),
        corpus: format!("{}{slice}", of.corpus.name),
        corpus_digest: of.corpus.digest.as_str().to_owned(),
        sampling: of.sampling.words(),
        n_prompts: of.answers.len() as u64,
    }
}
