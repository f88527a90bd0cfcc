//! `plan`: print the frozen plan without running it.

use std::fmt::Write as _;

use dyno_model::care::{Care, Hold};
use dyno_model::launch::Dialect;
use dyno_model::load::Arrivals;
use dyno_model::plan::{BlockOrder, ModelOrigin, Plan, PlannedComparison};
use dyno_plan::{AskedLoad, AskedPrompts, EndpointAsk};
use dyno_report::untrusted::one_line;

use crate::args::{self, Api, Ask, EndpointFlags, Global, LoadFlags, Order, PromptFlags};
use crate::exit::Exit;
use crate::output;
use crate::progress::{Talk, say};
use crate::project::Project;
use crate::render_error::Failure;

/// Freezes the plan that the flags ask for.
pub(crate) fn freeze(project: &Project, ask: &Ask) -> Result<Plan, Failure> {
    let arms: Vec<String> = ask.blocks.compare.iter().flat_map(|list| dyno_plan::split_arms(list)).collect();
    let of_blocks = [("--blocks", ask.blocks.blocks.is_some()), ("--order", ask.blocks.order.is_some())];
    if let Some((flag, _)) = of_blocks.iter().find(|(_, is_given)| *is_given && arms.is_empty()) {
        return Err(Failure::usage(
            format!("{flag} is about the blocks of a comparison, and nothing is compared"),
            "say what with --compare A,B; a plain matrix has --repetitions",
        ));
    }
    Ok(dyno_plan::freeze(&project.inputs()?, &asked(ask, arms)?)?)
}

/// The flags as dyno-plan takes them, with these arms.
pub(crate) fn asked(ask: &Ask, arms: Vec<String>) -> Result<dyno_plan::Ask, Failure> {
    let endpoint = endpoint(ask)?;
    let usual_suite = if arms.is_empty() { "quick" } else { "compare" };
    Ok(dyno_plan::Ask {
        suite: ask.suite.clone().unwrap_or_else(|| usual_suite.to_owned()),
        devices: ask.endpoint.from.iter().chain(&ask.devices).cloned().collect(),
        models: if endpoint.is_some() { Vec::new() } else { ask.models.clone() },
        runtimes: ask.runtimes.clone(),
        threads: ask.threads.clone(),
        context_tokens: ask.context_tokens.clone(),
        corpus: ask.prompts.corpus.clone(),
        slice: ask.prompts.slice.clone(),
        prompts: prompts(&ask.prompts),
        repetitions: ask.blocks.blocks.or(ask.repetitions),
        requests: ask.requests,
        max_tokens: ask.max_tokens,
        seed: ask.seed,
        slo: ask.slo.clone(),
        stop: ask.stop.clone(),
        load: load(&ask.load),
        hold_ms: ask.load.duration.filter(|_| ask.load.rate.is_empty()),
        ambient_mdegc: ask.ambient,
        endpoint,
        arms,
        block_order: ask.blocks.order.map(|order| match order {
            Order::Abba => BlockOrder::Abba,
            Order::Shuffled => BlockOrder::Shuffled,
        }),
    })
}

/// Which prompts of the slice.
fn prompts(flags: &PromptFlags) -> AskedPrompts {
    AskedPrompts {
        categories: flags.categories.clone(),
        languages: flags.languages.clone(),
        tokens_from: flags.tokens_from,
        tokens_to: flags.tokens_to,
        n: flags.prompts,
        seed: flags.prompts_seed,
    }
}

/// Says what is uncertain about a plan before it costs time.
pub(crate) fn tell_doubts(global: &Global, plan: &Plan) {
    for doubt in dyno_plan::doubts(plan) {
        say(Talk::of(global), Talk::Normal, &one_line(&doubt));
    }
}

/// Says where the plan of a comparison has more blocks than were asked for.
pub(crate) fn tell_blocks(global: &Global, ask: &Ask, plan: &Plan) {
    let (Some(asked), n) = (ask.blocks.blocks.or(ask.repetitions), n_blocks(plan)) else { return };
    if plan.comparison.is_some() && asked != n {
        let text = format!("{n} blocks instead of {asked}: the order ABBA takes an even number");
        say(Talk::of(global), Talk::Normal, &text);
    }
}

/// How many blocks, or repetitions, a plan has.
pub(crate) fn n_blocks(plan: &Plan) -> u32 {
    plan.runs.iter().map(|run| run.repetition + 1).max().unwrap_or(0)
}

/// The load that takes the place of the suite's.
fn load(flags: &LoadFlags) -> Option<AskedLoad> {
    if !flags.concurrency.is_empty() {
        return Some(AskedLoad::Closed { concurrency: flags.concurrency.clone() });
    }
    let arrivals = match flags.arrivals {
        args::Arrivals::Constant => Arrivals::Constant,
        args::Arrivals::Poisson => Arrivals::Poisson,
    };
    let rates_milli_per_s = flags.rate.clone();
    (!rates_milli_per_s.is_empty()).then_some(AskedLoad::Open {
        arrivals,
        rates_milli_per_s,
        duration_ms: flags.duration,
    })
}

/// The server that runs already.
fn endpoint(ask: &Ask) -> Result<Option<EndpointAsk>, Failure> {
    let EndpointFlags { endpoint: Some(url), api, key_variable, .. } = &ask.endpoint else { return Ok(None) };
    let [model] = ask.models.as_slice() else {
        return Err(Failure::usage(
            format!("--endpoint needs one --model, and there are {}", ask.models.len()),
            "name the model as the server does: --model NAME",
        ));
    };
    let api = match api {
        Api::OpenaiChat => Dialect::OpenaiChat,
        Api::OpenaiCompletions => Dialect::OpenaiCompletions,
        Api::LlamaServer => Dialect::LlamaServer,
        Api::OllamaGenerate => Dialect::OllamaGenerate,
        Api::OllamaChat => Dialect::OllamaChat,
    };
    let (url, model, key_variable) = (url.clone(), model.clone(), key_variable.clone());
    Ok(Some(EndpointAsk { url, model, api, key_variable }))
}

/// Prints it.
pub(crate) fn plan(global: &Global, ask: &Ask) -> Result<Exit, Failure> {
    let plan = freeze(&Project::find(global)?, ask)?;
    tell_blocks(global, ask, &plan);
    tell_doubts(global, &plan);
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
    if let Some(comparison) = &plan.comparison {
        line(format!("blocks  {}", blocks(plan, comparison)));
    }
    let in_turn =
        if plan.cells.iter().any(|cell| cell.hold.is_some()) { ", in turn while a load is held" } else { "" };
    line(format!("work    {} launches, {} requests{in_turn}", plan.runs.len(), plan.n_requests()));
    if let Some(care) = &plan.care {
        line(format!("around  {}", around(care)));
    }
    for cell in &plan.cells {
        let arm = cell.arm.as_ref().map(|arm| format!("  arm      {}", one_line(arm)));
        let threads = cell.threads.map_or("its own choice of".to_owned(), |threads| threads.to_string());
        line(format!("\ncell {}", cell.id));
        arm.into_iter().for_each(&mut line);
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
        line(format!(
            "  load     {}{}",
            cell.load.label(),
            cell.hold.as_ref().map_or_else(String::new, held)
        ));
        if let Some(code) = cell.start.code() {
            line(format!("  start    {code} {}", cell.start.label()));
        }
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

/// What is compared, and how.
fn blocks(plan: &Plan, comparison: &PlannedComparison) -> String {
    let order = match comparison.order {
        BlockOrder::Abba => "in the order ABBA",
        BlockOrder::Shuffled => "in an order drawn from the seed",
    };
    let arms: Vec<String> = comparison.arms.iter().map(|arm| one_line(&arm.name)).collect();
    format!("{}, each of {} launches {order}: {}", n_blocks(plan), arms.len(), arms.join(" | "))
}

/// What surrounds each load.
fn around(care: &Care) -> String {
    let s = |ms: u64| ms as f64 / 1000.0;
    let mut parts = Vec::new();
    if care.machine_ms > 0 {
        parts.push(format!("{} s of finding out what the device can do", s(care.machine_ms)));
    }
    if care.test_sensors {
        parts.push("a test of its power sensors".to_owned());
    }
    if let Some(cool) = &care.cool_down {
        let above = f64::from(cool.above_mdegc) / 1000.0;
        parts.push(format!(
            "cool-down to within {above} °C for {} s, {} s at most",
            s(cool.for_ms),
            s(cool.limit_ms)
        ));
    }
    if care.idle_ms > 0 {
        parts.push(format!("{} s at rest", s(care.idle_ms)));
    }
    if care.ready_idle_ms > 0 {
        parts.push(format!("{} s at rest with the runtime ready", s(care.ready_idle_ms)));
    }
    if care.recovery_ms > 0 {
        parts.push(format!("up to {} s of cooling down again", s(care.recovery_ms)));
    }
    if let Some(mdegc) = care.limits.max_temp_mdegc {
        parts.push(format!("a stop at {} °C", f64::from(mdegc) / 1000.0));
    }
    if let Some(permille) = care.limits.min_battery_permille {
        parts.push(format!("a stop at {} % of the battery", f64::from(permille) / 10.0));
    }
    parts.join("; ")
}

/// How long a load goes on.
fn held(hold: &Hold) -> String {
    let s = |ms: u64| ms as f64 / 1000.0;
    let mut text = format!(", held for {} s", s(hold.for_ms));
    let mut add = |words: String| text.push_str(&words);
    if let Some(n) = hold.max_requests {
        add(format!(" or {n} requests"));
    }
    if let Some(after_ms) = hold.steady_after_ms {
        add(format!(", or from {} s on until it is steady", s(after_ms)));
    }
    if let Some(duty) = hold.duty {
        add(format!(", {} s of work and {} s of rest in turn", s(duty.work_ms), s(duty.rest_ms)));
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
