//! Records of answers that a grader accepts or does not.

use std::path::Path;

use dyno_model::clock::MonoNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::grader::Grader;
use dyno_model::ids::{PromptId, RunId};
use dyno_model::outcome::Outcome;
use dyno_model::plan::{Plan, PlannedPrompt, PlannedRun};
use dyno_model::request::Message;
use dyno_store::Campaign;

use super::queue::MS;
use super::sample::{End, launch, named, ok, plan, record};

/// What an answer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Passes,
    Fails,
    TimesOut,
}

pub(super) use Answer::{Fails, Passes, TimesOut};

/// A plan whose runs ask so many prompts of each category, each once; those of `free` have no grader.
pub(super) fn graded(categories: &[(&str, usize)], n_runs: u32) -> Plan {
    with_prompts(plan(n_runs), categories)
}

/// The same cells and runs with these prompts.
pub(super) fn with_prompts(mut all: Plan, categories: &[(&str, usize)]) -> Plan {
    let request = all.runs[0].requests[0].clone();
    let prompts: Vec<(PromptId, PlannedPrompt)> =
        categories.iter().flat_map(|(category, n)| (0..*n).map(move |i| prompt(category, i))).collect();
    let requests: Vec<_> = prompts
        .iter()
        .map(|(id, _)| dyno_model::plan::PlannedRequest { prompt: id.clone(), ..request.clone() })
        .collect();
    for run in &mut all.runs {
        run.requests.clone_from(&requests);
    }
    all.prompts = prompts.into_iter().collect();
    all
}

fn prompt(category: &str, i: usize) -> (PromptId, PlannedPrompt) {
    let grader = (category != "free").then(|| Grader::ContainsAll { expected: vec!["yes".to_owned()] });
    let content = format!("Is it {category} number {i}?");
    let planned = PlannedPrompt {
        category: category.to_owned(),
        language: "en".to_owned(),
        messages: vec![Message { role: "user".to_owned(), content }],
        grader,
    };
    (format!("{category}-{i:03}").as_str().into(), planned)
}

/// A launch of a run in which the first prompts come to these answers, and the others pass.
pub(super) fn answered(run: &PlannedRun, answers: &[Answer]) -> Vec<Event> {
    let began = 1_000_000_000_000 * u64::from(run.id.0) + 1_000_000;
    let mut events = launch(run.id.0, 1, began - 1000, &[], &End::Valid);
    let mut ended = events.pop().expect("a launch ends");
    for (idx, request) in (0_u32..).zip(&run.requests) {
        let answer = answers.get(idx as usize).copied().unwrap_or(Passes);
        let sent_at = began + u64::from(idx) * 1000 * MS;
        let tokens: &[u64] = if answer == TimesOut { &[] } else { &[20 * MS, 30 * MS] };
        let mut asked = ok(idx, sent_at, tokens, 10);
        if answer == TimesOut {
            (asked.outcome, asked.osl) = (Outcome::Timeout { limit_ms: 1000 }, None);
        }
        let mut kind = record(&asked);
        if let EventKind::Request(request_record) = &mut kind {
            request_record.prompt_id = request.prompt.clone();
            request_record.text = if answer == Passes { "Yes." } else { "No." }.to_owned();
            ended.at = MonoNs(request_record.ended_at.0 + 1000);
        }
        events.push(Event { run: RunId(run.id.0), launch: 1, seq: 0, at: MonoNs(sent_at), kind });
    }
    events.push(ended);
    for (seq, event) in (0..).zip(&mut events) {
        event.seq = seq;
    }
    events
}

/// A campaign of that plan, each of whose runs comes to its own answers.
pub(super) fn campaign(root: &Path, name: &str, plan: &Plan, runs: &[&[Answer]]) -> Campaign {
    let launches: Vec<Vec<Event>> =
        plan.runs.iter().zip(runs).map(|(run, answers)| answered(run, answers)).collect();
    named(name, root, plan, &launches)
}
