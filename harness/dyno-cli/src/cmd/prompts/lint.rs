//! `prompts lint`: all that is wrong with corpora.

use std::fmt::Write as _;

use dyno_plan::{CorpusContents, Inputs, Problem, corpus_at, corpus_names};
use dyno_prompts::{Finding, Linted, Severity};
use dyno_report::untrusted::visible;

use crate::args::{Global, LintArgs};
use crate::cmd::prompts::counted;
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

pub(super) fn lint(global: &Global, args: &LintArgs) -> Result<Exit, Failure> {
    let inputs = Project::find(global)?.inputs()?;
    let names = if args.corpora.is_empty() { corpus_names(&inputs) } else { args.corpora.clone() };
    let (corpora, unreadable) = read(&inputs, &names);
    let findings = dyno_prompts::lint(&all(&corpora), args.near_limit);
    let n_wrong =
        unreadable.len() + findings.iter().filter(|finding| finding.severity == Severity::Problem).count();
    let text = if global.json {
        json(&names, &unreadable, &findings)
    } else {
        words(&corpora, &unreadable, &findings)
    };
    output::stdout(text.as_bytes())?;
    Ok(if n_wrong == 0 { Exit::Ok } else { Exit::Usage })
}

/// The corpora that can be read, and the problems of the others.
fn read(inputs: &Inputs, names: &[String]) -> (Vec<CorpusContents>, Vec<Problem>) {
    let (mut corpora, mut problems) = (Vec::new(), Vec::new());
    for name in names {
        match corpus_at(inputs, name) {
            Ok(corpus) => corpora.push(corpus),
            Err(found) => problems.extend(found.0),
        }
    }
    (corpora, problems)
}

fn all(corpora: &[CorpusContents]) -> Vec<Linted<'_>> {
    let placed = corpora.iter().flat_map(|corpus| corpus.prompts.iter().zip(&corpus.places));
    placed.map(|((id, prompt), place)| Linted { id: &id.0, place, prompt }).collect()
}

fn words(corpora: &[CorpusContents], unreadable: &[Problem], findings: &[Finding]) -> String {
    let mut text = String::new();
    for problem in unreadable {
        writeln!(text, "{problem}").expect("writing to a String cannot fail");
    }
    for finding in findings {
        let lead = match finding.severity {
            Severity::Problem => "",
            Severity::Doubt => "doubt: ",
        };
        writeln!(text, "{}: {lead}`{}` {}", finding.place, finding.id, finding.message)
            .expect("writing to a String cannot fail");
    }
    let doubts = findings.iter().filter(|finding| finding.severity == Severity::Doubt).count();
    let problems = unreadable.len() + findings.len() - doubts;
    let prompts = corpora.iter().map(|corpus| corpus.prompts.len()).sum();
    writeln!(
        text,
        "{}: {}, {}",
        counted(prompts, "prompt"),
        counted(problems, "problem"),
        counted(doubts, "doubt")
    )
    .expect("writing to a String cannot fail");
    visible(&text)
}

fn json(names: &[String], unreadable: &[Problem], findings: &[Finding]) -> String {
    let problems: Vec<serde_json::Value> = unreadable
        .iter()
        .map(|problem| {
            serde_json::json!({
                "file": problem.file, "line": problem.line, "col": problem.col, "message": problem.message,
                "hint": problem.hint,
            })
        })
        .collect();
    let json = serde_json::json!({ "corpora": names, "unreadable": problems, "findings": findings });
    format!("{json:#}\n")
}
