//! What is wrong or doubtful with the prompts of a corpus that can be read.

use std::collections::HashMap;

use dyno_grade::Judge;
use dyno_model::grader::Grader;
use dyno_model::plan::PlannedPrompt;
use serde::Serialize;

use crate::alike::near_duplicates;
use crate::redact::redact;
use crate::text_of;

/// A prompt with its id and place.
#[derive(Debug, Clone, Copy)]
pub struct Linted<'p> {
    /// Its id.
    pub id: &'p str,
    /// Where it stands: `prompts/assistant/qa.jsonl:12`.
    pub place: &'p str,
    /// The prompt.
    pub prompt: &'p PlannedPrompt,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is wrong.
    Problem,
    /// Somebody should look.
    Doubt,
}

/// Something to mend, or to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How sure it is.
    pub severity: Severity,
    /// Where.
    pub place: String,
    /// Of which prompt.
    pub id: String,
    /// What.
    pub message: String,
}

/// Texts that stand where somebody meant to write something.
const PLACEHOLDERS: [&str; 8] =
    ["lorem ipsum", "[insert ", "<insert ", "[your ", "<your ", "[placeholder", "tbd.", "xxxxx"];
/// A paragraph of so many characters does not come twice in one prompt by itself (house rule).
const PARAGRAPH_CHARS: usize = 80;
/// A word does not come so often in a row (house rule).
const WORD_REPEATS: usize = 8;

/// The findings of `prompts`, problems first, in order of place; `near_limit` is that of [`near_duplicates`].
pub fn lint(prompts: &[Linted<'_>], near_limit: f64) -> Vec<Finding> {
    let mut findings: Vec<Finding> = prompts.iter().flat_map(findings_of).collect();
    let texts: Vec<String> = prompts.iter().map(|linted| text_of(&linted.prompt.messages)).collect();
    for pair in near_duplicates(&texts, near_limit) {
        let (first, second) = (&prompts[pair.first], &prompts[pair.second]);
        let message =
            format!("says nearly the same as `{}` ({}): {:.2}", first.id, first.place, pair.similarity);
        findings.push(finding(second, Severity::Problem, message));
    }
    findings.sort();
    findings
}

fn finding(linted: &Linted<'_>, severity: Severity, message: String) -> Finding {
    Finding { severity, place: linted.place.to_owned(), id: linted.id.to_owned(), message }
}

fn findings_of(linted: &Linted<'_>) -> Vec<Finding> {
    let text = text_of(&linted.prompt.messages);
    let mut findings = Vec::new();
    for (kind, n) in redact(&text).counts {
        let what = kind.placeholder().trim_matches(['[', ']']);
        let message = format!("has {n} {what}{}: personal data or a secret", if n == 1 { "" } else { "s" });
        findings.push(finding(linted, Severity::Problem, message));
    }
    findings.extend(filler(&text).map(|message| finding(linted, Severity::Problem, message)));
    if let Some(grader) = &linted.prompt.grader {
        findings.extend(grader_findings(linted, grader));
    }
    findings
}

/// What looks as if nobody had written it.
fn filler(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    if let Some(words) = PLACEHOLDERS.iter().find(|words| lower.contains(**words)) {
        return Some(format!("`{}` looks like a placeholder", words.trim()));
    }
    if !text.chars().any(char::is_alphanumeric) {
        return Some("has no letter and no digit".to_owned());
    }
    let mut paragraphs: HashMap<&str, usize> = HashMap::new();
    for line in text.lines().map(str::trim).filter(|line| line.chars().count() >= PARAGRAPH_CHARS) {
        *paragraphs.entry(line).or_default() += 1;
    }
    if let Some((twice, _)) = paragraphs.iter().filter(|(_, n)| **n > 1).min() {
        return Some(format!(
            "the paragraph `{}…` stands there twice",
            twice.chars().take(40).collect::<String>()
        ));
    }
    let words: Vec<&str> = lower.split_whitespace().collect();
    let mut runs = words.chunk_by(|a, b| a == b);
    let run = runs.find(|run| run.len() >= WORD_REPEATS && run[0].chars().any(char::is_alphabetic))?;
    Some(format!(
        "`{}` stands there {} times in a row",
        run[0].chars().take(40).collect::<String>(),
        run.len()
    ))
}

/// Graders that tell nothing: an answer of nothing, or the question given back, would pass.
fn grader_findings(linted: &Linted<'_>, grader: &Grader) -> Vec<Finding> {
    let judge = match Judge::new(grader) {
        Ok(judge) => judge,
        Err(error) => {
            let message = format!("its grader cannot be used: {}", dyno_model::blame::chain(&error));
            return vec![finding(linted, Severity::Problem, message)];
        }
    };
    if judge.judge("") == Some(true) {
        return vec![finding(linted, Severity::Problem, "its grader passes an empty answer".to_owned())];
    }
    let asked = linted.prompt.messages.last().map_or("", |message| message.content.as_str());
    if wants_something(grader) && judge.judge(asked) == Some(true) {
        let message = "its grader passes the prompt itself, given back as an answer".to_owned();
        return vec![finding(linted, Severity::Doubt, message)];
    }
    Vec::new()
}

/// Whether the grader asks for something to be there: one that only asks for something to be absent passes most texts.
fn wants_something(grader: &Grader) -> bool {
    match grader {
        Grader::Exact { .. }
        | Grader::Normalised { .. }
        | Grader::Numeric { .. }
        | Grader::ContainsAll { .. }
        | Grader::Regex { .. }
        | Grader::Choice { .. }
        | Grader::JsonSchema { .. }
        | Grader::Parses { .. } => true,
        Grader::ContainsNone { .. } | Grader::Refusal { .. } | Grader::None => false,
    }
}
