//! Answers against a baseline's as test cases: one for each prompt, and one for each cell's verdict.

use dyno_view::canary::{CanaryKind, CanarySubject, CanaryVerdict, CanaryView};

use super::{Case, Outcome, Suite, written};
use crate::canary::{figures, row_words, title, verdict_word};

/// A check. A prompt fails where its cell drifts and its answer says something else; what the rule allows is skipped.
pub fn canary(view: &CanaryView) -> String {
    let suite = |of: &CanarySubject| Suite {
        name: format!("{} · {}", title(view), of.name),
        cases: [verdict_case(of)].into_iter().chain(prompts(of)).collect(),
    };
    written("edgedyno canary check", &view.subjects.iter().map(suite).collect::<Vec<_>>())
}

fn verdict_case(of: &CanarySubject) -> Case {
    let message = format!("{}: {}", verdict_word(of.verdict), of.reasons.join("; "));
    let outcome = match of.verdict {
        CanaryVerdict::Same | CanaryVerdict::Numeric => Outcome::Passed,
        CanaryVerdict::Incomplete => Outcome::Error { kind: "INCOMPLETE", message },
        CanaryVerdict::Drift => Outcome::Failed { kind: "DRIFT", message },
    };
    let lines: Vec<String> =
        figures(of).into_iter().map(|(label, value)| format!("{label}: {value}")).collect();
    Case { class: of.name.clone(), name: "verdict".to_owned(), outcome, said: lines.join("\n") }
}

fn prompts(of: &CanarySubject) -> impl Iterator<Item = Case> {
    of.rows.iter().map(|row| {
        let words = row_words(row);
        let message = format!("{}: {}", words.word, words.line());
        let outcome = match row.kind {
            CanaryKind::Same | CanaryKind::Tie => Outcome::Passed,
            CanaryKind::Disagreement | CanaryKind::Unexplained if of.verdict == CanaryVerdict::Drift => {
                Outcome::Failed { kind: "DRIFT", message: message.clone() }
            }
            CanaryKind::Disagreement | CanaryKind::Unexplained | CanaryKind::Missing => {
                Outcome::Skipped(message.clone())
            }
            CanaryKind::Failed => Outcome::Error { kind: "NO ANSWER", message: message.clone() },
        };
        let said = if row.kind == CanaryKind::Same { String::new() } else { message };
        Case { class: of.name.clone(), name: row.prompt.clone(), outcome, said }
    })
}
