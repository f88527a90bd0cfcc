//! `canary record`: the answers of a campaign as a baseline.

use dyno_analysis::{RecordedBaseline, canary_baseline, canary_records};
use dyno_report::untrusted::one_line;
use serde::Serialize;

use super::files::{self, Replace};
use super::{SUITE, measured, named};
use crate::args::{Ask, Global, RecordArgs};
use crate::cmd::plan;
use crate::exit::Exit;
use crate::output;
use crate::progress::{Talk, say};
use crate::project::Project;
use crate::render_error::Failure;

/// What was written, for programs.
#[derive(Serialize)]
struct Written {
    name: String,
    path: String,
    sha256: String,
    campaign: String,
    n_prompts: usize,
    /// Answers whose tokens the runtime told.
    n_with_tokens: usize,
    n_graded: usize,
    n_passed: usize,
    /// Prompts without an answer, which are not in it.
    failed: Vec<String>,
    /// Prompts whose launches gave different answers.
    unstable: Vec<String>,
}

/// Records.
pub(super) fn record(global: &Global, project: &Project, args: &RecordArgs) -> Result<Exit, Failure> {
    let path = files::place(project, &args.name)?;
    let replace = if args.force { Replace::Allowed } else { Replace::Refused };
    if replace == Replace::Refused && path.exists() {
        return Err(files::is_there(&path));
    }
    let campaign = if let Some(campaign) = named(project, &args.source)? {
        campaign
    } else {
        let plan = plan::freeze(project, &asked(&args.source.ask))?;
        canary_records(&plan)?;
        match measured(global, project, &args.source, &plan)? {
            Some(campaign) => campaign,
            None => return Ok(Exit::Interrupted),
        }
    };
    let recorded = canary_baseline(&campaign, &args.name, args.source.cell.as_deref())?;
    files::write(&path, &recorded.baseline.to_bytes()?, replace)?;
    let written = written(&recorded, &path.display().to_string());
    if global.json {
        let mut json = serde_json::to_vec_pretty(&written).expect("names and counts are JSON");
        json.push(b'\n');
        output::stdout(&json)?;
    } else {
        output::stdout(words(&recorded, &written).as_bytes())?;
    }
    told(global, &written);
    Ok(if written.failed.is_empty() { Exit::Ok } else { Exit::Invalid })
}

/// The flags, with the canary suite where none is named.
fn asked(ask: &Ask) -> Ask {
    Ask { suite: ask.suite.clone().or_else(|| Some(SUITE.to_owned())), ..ask.clone() }
}

fn written(recorded: &RecordedBaseline, path: &str) -> Written {
    let of = &recorded.baseline;
    let count = |is: fn(&dyno_analysis::BaselineAnswer) -> bool| {
        of.answers.values().filter(|answer| is(answer)).count()
    };
    Written {
        name: of.name.clone(),
        path: path.to_owned(),
        sha256: of.digest().as_str().to_owned(),
        campaign: of.campaign.clone(),
        n_prompts: of.answers.len(),
        n_with_tokens: count(|answer| answer.tokens.is_some()),
        n_graded: count(|answer| answer.passed.is_some()),
        n_passed: count(|answer| answer.passed == Some(true)),
        failed: recorded.failed.iter().map(|(id, outcome)| format!("{id}: {outcome}")).collect(),
        unstable: of
            .answers
            .iter()
            .filter(|(_, answer)| answer.n_others > 0)
            .map(|(id, _)| id.to_string())
            .collect(),
    }
}

fn words(recorded: &RecordedBaseline, written: &Written) -> String {
    let of = &recorded.baseline;
    let version = of.runtime.version.as_deref().map(|version| format!(" {}", one_line(version)));
    format!(
        "canary {}: {} answers of {} · {}{} · {} ({}); {} of {} graded pass; tokens of {}\n{}\n",
        written.name,
        written.n_prompts,
        one_line(&of.device),
        one_line(&of.runtime.name),
        version.unwrap_or_default(),
        one_line(&of.model.name),
        one_line(&of.corpus.name),
        written.n_passed,
        written.n_graded,
        written.n_with_tokens,
        written.path,
    )
}

/// What makes a baseline less than it might be.
fn told(global: &Global, written: &Written) {
    let talk = Talk::of(global);
    if !written.failed.is_empty() {
        let first = written.failed.iter().take(3).map(|text| one_line(text)).collect::<Vec<_>>().join(", ");
        let n = written.failed.len();
        say(talk, Talk::Quiet, &format!("{n} prompts have no answer and are not in it: {first}"));
        say(talk, Talk::Quiet, "hint: look at the campaign's report, and record it anew with --force");
    }
    if !written.unstable.is_empty() {
        let n = written.unstable.len();
        say(
            talk,
            Talk::Quiet,
            &format!("the launches gave different answers to {n} prompts: the first is kept"),
        );
    }
    if written.n_with_tokens == 0 {
        let text = "this runtime does not tell its tokens: checks can compare texts only, and tell no tie from a drift";
        say(talk, Talk::Normal, text);
    }
}
