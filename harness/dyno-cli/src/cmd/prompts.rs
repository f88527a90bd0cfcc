//! `prompts`: corpora – import, look at, check.

mod import;
mod lint;
mod stats;

use std::fmt::Write as _;

use dyno_plan::{corpus_at, corpus_names};
use dyno_report::untrusted::one_line;

use crate::args::{Global, PromptsCommand};
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Does what the subcommand says.
pub(crate) fn prompts(global: &Global, command: &PromptsCommand) -> Result<Exit, Failure> {
    match command {
        PromptsCommand::Import(args) => import::import(global, args),
        PromptsCommand::Stats { corpus } => stats::stats(global, corpus),
        PromptsCommand::Lint(args) => lint::lint(global, args),
        PromptsCommand::List => list(global),
    }
}

fn list(global: &Global) -> Result<Exit, Failure> {
    let inputs = Project::find(global)?.inputs()?;
    let mut text = String::new();
    let mut rows = Vec::new();
    for name in corpus_names(&inputs) {
        let corpus = corpus_at(&inputs, &name)?;
        let slices: Vec<&str> = corpus.slices.keys().map(String::as_str).collect();
        let n_graded = corpus.prompts.iter().filter(|(_, prompt)| is_graded(prompt)).count();
        writeln!(
            text,
            "{:16} {:>5} prompts, {n_graded} graded by programs · {} · {}{}",
            one_line(&name),
            corpus.prompts.len(),
            one_line(&corpus.title),
            one_line(&corpus.license),
            if slices.is_empty() {
                String::new()
            } else {
                format!(" · slices {}", one_line(&slices.join(", ")))
            },
        )
        .expect("writing to a String cannot fail");
        rows.push(serde_json::json!({
            "name": name, "title": corpus.title, "license": corpus.license, "digest": corpus.digest,
            "n_prompts": corpus.prompts.len(), "n_graded": n_graded, "slices": slices,
        }));
    }
    let text = if global.json { format!("{:#}\n", serde_json::json!({ "corpora": rows })) } else { text };
    output::stdout(text.as_bytes())?;
    Ok(Exit::Ok)
}

/// Whether a program can judge answers to it.
fn is_graded(prompt: &dyno_model::plan::PlannedPrompt) -> bool {
    prompt.grader.as_ref().is_some_and(|grader| *grader != dyno_model::grader::Grader::None)
}

/// `1 prompt`, `2 prompts`.
fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
