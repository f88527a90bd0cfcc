//! `plan`: print the frozen plan without running it.

use std::fmt::Write as _;

use dyno_model::plan::{ModelOrigin, Plan};

use crate::args::{Ask, Global};
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Freezes the plan that the flags ask for.
pub(crate) fn freeze(project: &Project, ask: &Ask) -> Result<Plan, Failure> {
    let ask = dyno_plan::Ask {
        suite: ask.suite.clone(),
        devices: ask.devices.clone(),
        models: ask.models.clone(),
        runtimes: ask.runtimes.clone(),
        threads: ask.threads.clone(),
        repetitions: ask.repetitions,
        requests: ask.requests,
        max_tokens: ask.max_tokens,
        seed: ask.seed,
        ..dyno_plan::Ask::default()
    };
    Ok(dyno_plan::freeze(&project.inputs()?, &ask)?)
}

/// Prints it.
pub(crate) fn plan(global: &Global, ask: &Ask) -> Result<Exit, Failure> {
    let plan = freeze(&Project::find(global)?, ask)?;
    if global.json {
        output::stdout(&plan.canonical())?;
    } else {
        output::stdout(words(&plan).as_bytes())?;
    }
    Ok(Exit::Ok)
}

fn words(plan: &Plan) -> String {
    let mut text = String::new();
    let out = &mut text;
    let mut line = |words: String| writeln!(out, "{words}").expect("writing to a String cannot fail");
    line(format!("plan    {}", plan.digest()));
    line(format!("suite   {}: {}", plan.suite.name, plan.suite.description));
    let slice = plan.corpus.slice.as_deref().unwrap_or("all");
    line(format!(
        "corpus  {} / {slice}, {} prompts, {}",
        plan.corpus.name,
        plan.prompts.len(),
        plan.corpus.digest.short()
    ));
    line(format!("seed    {}", plan.seed));
    line(format!("work    {} launches, {} requests", plan.runs.len(), plan.n_requests()));
    for cell in &plan.cells {
        let threads = cell.threads.map_or("its own choice of".to_owned(), |threads| threads.to_string());
        line(format!("\ncell {}", cell.id));
        line(format!("  device   {}", cell.device));
        line(format!(
            "  runtime  {}, {threads} threads, context {} tokens",
            cell.runtime, cell.context_tokens
        ));
        line(format!(
            "  model    {}{}",
            cell.model,
            plan.models.get(&cell.model).map_or(String::new(), |m| mark(&m.origin))
        ));
        line(format!("  load     {}", cell.load.label()));
        for run in plan.runs.iter().filter(|run| run.cell == cell.id) {
            line(format!(
                "  run {:<4} repetition {}, {} requests",
                run.id,
                run.repetition,
                run.requests.len()
            ));
        }
    }
    text
}

fn mark(origin: &ModelOrigin) -> String {
    match origin {
        ModelOrigin::Published { digest, .. } => format!(" ({})", digest.short()),
        ModelOrigin::Derived { from, quantize, .. } => format!(" (derived from {from} as {quantize})"),
        ModelOrigin::Synthetic { .. } => " (synthetic: speed only)".to_owned(),
        ModelOrigin::None => String::new(),
    }
}
