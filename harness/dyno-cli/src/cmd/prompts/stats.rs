//! `prompts stats`: how long the prompts of a corpus are.

use std::fmt::Write as _;

use dyno_model::plan::PlannedPrompt;
use dyno_plan::corpus_at;
use dyno_prompts::{Group, Histogram, Stats};
use dyno_report::untrusted::one_line;

use crate::args::Global;
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Columns of the longest bar.
const BAR_COLUMNS: u64 = 40;

pub(super) fn stats(global: &Global, name: &str) -> Result<Exit, Failure> {
    let inputs = Project::find(global)?.inputs()?;
    let corpus = corpus_at(&inputs, name)?;
    let prompts: Vec<&PlannedPrompt> = corpus.prompts.iter().map(|(_, prompt)| prompt).collect();
    let stats = dyno_prompts::stats(&prompts);
    let text = if global.json {
        let mut json = serde_json::to_value(&stats).expect("plain fields with string keys");
        json["name"] = corpus.name.into();
        json["digest"] = corpus.digest.as_str().into();
        format!("{json:#}\n")
    } else {
        format!("{} · {}\n\n{}", one_line(&corpus.name), one_line(&corpus.title), words(&stats))
    };
    output::stdout(text.as_bytes())?;
    Ok(Exit::Ok)
}

fn words(stats: &Stats) -> String {
    let mut text = String::new();
    put(
        &mut text,
        "category             prompts   words: min  median     p90     max   tokens: median     max",
    );
    for (category, group) in &stats.categories {
        put(&mut text, &row(category, group));
    }
    put(&mut text, &row("all", &stats.all));
    put(&mut text, "\nwords, split at white space");
    bars(&mut text, &stats.words);
    put(&mut text, "\ntokens, estimated as two for seven bytes");
    bars(&mut text, &stats.tokens_estimated);
    put(&mut text, &format!("\nlanguages  {}", counts(&stats.languages)));
    put(&mut text, &format!("graders    {}", counts(&stats.graders)));
    put(
        &mut text,
        &format!("the user speaks more than once in {} of {} prompts", stats.n_multi_turn, stats.all.n),
    );
    text
}

fn row(name: &str, group: &Group) -> String {
    let (words, tokens) = (&group.words, &group.tokens_estimated);
    format!(
        "{:20} {:>7} {:>12} {:>7} {:>7} {:>7} {:>16} {:>7}",
        one_line(name),
        group.n,
        words.min,
        words.median,
        words.p90,
        words.max,
        tokens.median,
        tokens.max
    )
}

fn bars(text: &mut String, histogram: &Histogram) {
    let most = histogram.counts.iter().copied().max().unwrap_or_default().max(1);
    for (edges, n) in histogram.edges.windows(2).zip(&histogram.counts) {
        let columns = (n * BAR_COLUMNS).div_ceil(most) as usize;
        put(text, &format!("{:>7} to below {:>7} {n:>6}  {}", edges[0], edges[1], "█".repeat(columns)));
    }
}

fn counts(counts: &std::collections::BTreeMap<String, u64>) -> String {
    let words: Vec<String> = counts.iter().map(|(name, n)| format!("{} {n}", one_line(name))).collect();
    words.join(" · ")
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a String cannot fail");
}
