//! Answers against a baseline's as Markdown.

use dyno_view::canary::{CanaryKind, CanarySubject, CanaryView};

use super::{code, escaped, push};
use crate::canary::{baseline_words, both_words, figures, row_words, rule_words, title, verdict_word};
use crate::words;

/// Prompts that differ and are listed (house rule): a comment has a greatest length.
const MAX_ROWS: usize = 60;

/// The verdict, the figures of each cell, and the prompts that differ, folded.
pub fn canary(view: &CanaryView) -> String {
    let mut out = String::new();
    push(&mut out, format_args!("## {}\n\n", escaped(&title(view))));
    push(&mut out, format_args!("**{}**: {}\n\n", verdict_word(view.verdict), escaped(&view.summary)));
    for finding in &view.findings {
        push(&mut out, format_args!("- {}\n", escaped(&finding.text)));
    }
    let baseline: Vec<String> = baseline_words(view)
        .into_iter()
        .map(|(label, value)| format!("{} {}", label.to_lowercase(), escaped(&value)))
        .collect();
    push(&mut out, format_args!("\n{}\n", baseline.join(" · ")));
    for subject in &view.subjects {
        section(subject, &mut out);
    }
    push(
        &mut out,
        format_args!(
            "\n{}\n\nRendered again by {}.\n",
            escaped(&rule_words(&view.rule)),
            code(&view.regenerate)
        ),
    );
    out
}

fn section(subject: &CanarySubject, out: &mut String) {
    push(out, format_args!("\n### {}: {}\n\n", escaped(&subject.name), verdict_word(subject.verdict)));
    for why in &subject.reasons {
        push(out, format_args!("- {}\n", escaped(why)));
    }
    out.push_str("\n| | |\n| --- | --- |\n");
    for (label, value) in figures(subject) {
        push(out, format_args!("| {label} | {} |\n", escaped(&value)));
    }
    for both in subject.facts.iter().map(both_words).filter(|both| both.differs) {
        let (label, one, two) = (escaped(&both.label), escaped(&both.baseline), escaped(&both.subject));
        push(out, format_args!("| {label} | {one} → {two} |\n"));
    }
    let all: Vec<_> = subject.rows.iter().filter(|row| row.kind != CanaryKind::Same).map(row_words).collect();
    if all.is_empty() {
        return;
    }
    let n = words::plural(all.len() as u64, "prompt differs", "prompts differ");
    push(out, format_args!("\n<details><summary>{n}</summary>\n\n"));
    out.push_str(
        "| Prompt | What | Same | Edit | KL | Where they part |\n| --- | --- | ---: | ---: | ---: | --- |\n",
    );
    for row in all.iter().take(MAX_ROWS) {
        push(
            out,
            format_args!(
                "| {} | {} | {} | {} | {} | {} |\n",
                escaped(&row.row.prompt),
                row.word,
                row.prefix,
                row.edit,
                row.kl,
                escaped(&row.line())
            ),
        );
    }
    if let Some(more) = all.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
        push(out, format_args!("\nand {} more\n", words::count(more as u64)));
    }
    out.push_str("\n</details>\n");
}
