//! From an ask to the frozen plan.

use std::collections::BTreeMap;

use dyno_model::digest::Digest;
use dyno_model::ids::{CellId, DeviceId, RunId};
use dyno_model::load::LoadModel;
use dyno_model::plan::{Cell, PLAN_FORMAT, Plan, PlannedCorpus, PlannedDevice, PlannedRun, PlannedSuite};
use dyno_model::request::Sampling;

use crate::answers::Fill;
use crate::arms::{self, Said, Subjects};
use crate::ask::Ask;
use crate::asked_load;
use crate::boards;
use crate::care;
use crate::catalog::{Documents, Library};
use crate::devices::select;
use crate::document::Document;
use crate::endpoint;
use crate::expand::{Matrix, Sides, expand};
use crate::fits;
use crate::load::MAX_REQUESTS;
use crate::meters;
use crate::order::{Launch, launches};
use crate::pairs;
use crate::problem::{Problem, Problems};
use crate::registry::At;
use crate::room;
use crate::schedule::{Offer, requests};
use crate::select::Chosen;
use crate::source::Inputs;
use crate::start::{self, Launched, starts};
use crate::steering;
use crate::suite::{OneOrMany, SuiteWords};

/// Makes the plan that `ask` describes: the same words and the same ask give the same bytes.
///
/// # Errors
/// All problems of all files and of the ask, for the person who wrote them.
pub fn freeze(inputs: &Inputs, ask: &Ask) -> Result<Plan, Problems> {
    let mut problems = Problems::default();
    let documents = Documents::read(inputs, &mut problems);
    let library = Library::read(&documents, inputs, &mut problems);
    check_numbers(ask, &mut problems);
    let plan = plan(&library, ask, &mut problems);
    match plan {
        Some(plan) => problems.or(plan),
        // Without a plan there is a problem; `or` would give the plan back otherwise.
        None => Err(problems.or(()).err().unwrap_or_default()),
    }
}

fn check_numbers(ask: &Ask, problems: &mut Problems) {
    if let Some(load) = &ask.load {
        asked_load::check(load, problems);
    }
    let air = ask.ambient_mdegc.and_then(|mdegc| care::refuse_air(f64::from(mdegc) / 1000.0));
    problems.0.extend(air.map(|(message, hint)| Problem::of_flag("--ambient", message, Some(hint))));
    let mut positive = |flag: &str, n: Option<u32>| {
        if n == Some(0) {
            problems.push(Problem::of_flag(
                flag,
                "0 is out of range".to_owned(),
                Some("1 or more".to_owned()),
            ));
        }
    };
    positive("--repetitions", ask.repetitions);
    positive("--requests", ask.requests);
    positive("--max-tokens", ask.max_tokens);
    positive("--prompts", ask.prompts.n);
    for threads in &ask.threads {
        positive("--threads", Some(*threads));
    }
    for context in &ask.context_tokens {
        positive("--context-tokens", Some(*context));
    }
    if let Some(n) = ask.requests.filter(|n| *n > MAX_REQUESTS) {
        let hint = format!("from 1 to {MAX_REQUESTS}");
        problems.push(Problem::of_flag("--requests", format!("{n} is out of range"), Some(hint)));
    }
}

/// All that the plan is made of, each part by name.
struct Parts<'l> {
    suite: &'l SuiteWords,
    document: &'l Document<'l>,
    devices: BTreeMap<DeviceId, PlannedDevice>,
    subjects: Subjects,
    chosen: Chosen<'l>,
}

fn plan(library: &Library<'_>, ask: &Ask, problems: &mut Problems) -> Option<Plan> {
    let parts = resolve(library, ask, problems)?;
    check_pairs(&parts, ask, problems);
    check_starts(&parts, ask, problems);
    let suite = parts.suite;
    let hold = care::hold(suite, ask, problems);
    room::check_context(&parts.subjects.points, suite, ask, problems);
    let seed = ask.seed.unwrap_or(suite.seed);
    let repetitions = match &parts.subjects.comparison {
        Some(_) => arms::blocks(ask),
        None => ask.repetitions.unwrap_or(suite.repetitions),
    };
    let offer = offer(&parts, ask, library);
    let cells = expand(&Matrix {
        devices: parts.devices.keys().cloned().collect(),
        points: parts.subjects.points.clone(),
        loads: loads(&parts, ask, library),
        starts: starts(suite),
        hold,
    });
    // No rule leaves out launches of a comparison; that one was asked for has been reported.
    let stop = (ask.stop.is_some() || suite.stop.is_some()).then(|| "never".to_owned());
    let steered = parts.subjects.comparison.as_ref().map(|_| Ask { stop, ..ask.clone() });
    let steered = steered.as_ref().unwrap_or(ask);
    let declared = steering::declare(suite, parts.document, steered, &library.slos, problems);
    if problems.0.is_empty() {
        room::check_size(&offer, &cells, repetitions, problems);
        room::check_workers(&offer, &cells, (&ask.suite, parts.document), problems);
    }
    if !problems.0.is_empty() {
        return None;
    }
    let care = care::care(suite, &parts.subjects.runtimes);
    let order = parts.subjects.comparison.as_ref().map(|comparison| comparison.order);
    let launches = launches(&cells, repetitions, seed, declared.steering.as_ref(), order);
    let fill = suite.fill_context.then(|| Fill::of(parts.chosen.corpus));
    let runs = runs(&cells, &offer, launches, seed, fill.as_ref());
    let chosen = parts.chosen;
    let meters = meters::of_devices(&parts.devices, &library.meters);
    let boards = boards::named(&parts.devices, &library.boards);
    let plan = Plan {
        format: PLAN_FORMAT,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        suite: PlannedSuite {
            name: ask.suite.clone(),
            description: suite.description.clone(),
            digest: Digest::of(parts.document.source.text.as_bytes()),
        },
        seed,
        devices: parts.devices,
        models: parts.subjects.models.into_iter().collect(),
        runtimes: parts.subjects.runtimes.into_iter().collect(),
        corpus: PlannedCorpus {
            name: chosen.name.clone(),
            digest: chosen.corpus.digest.clone(),
            slice: chosen.part.clone(),
        },
        prompts: chosen.sent(&runs),
        cells,
        runs,
        sampling_period_ms: suite.sampling_period_ms,
        slo: declared.slo,
        steering: declared.steering,
        restart: start::restart(suite),
        care,
        meters,
        boards,
        comparison: parts.subjects.comparison,
        trust: library.trust.clone(),
    };
    fits::check(&plan, &chosen, ask, parts.document, problems);
    Some(plan)
}

fn runs(
    cells: &[Cell],
    offer: &Offer<'_>,
    launches: Vec<Launch>,
    seed: u64,
    fill: Option<&Fill>,
) -> Vec<PlannedRun> {
    let by_id: BTreeMap<&CellId, &Cell> = cells.iter().map(|cell| (&cell.id, cell)).collect();
    let of = |cell: &Cell, repetition| {
        let requests = requests(offer, &cell.load, repetition, seed);
        match fill {
            None => requests,
            Some(fill) => fill.fill(requests, cell.context_tokens),
        }
    };
    (0..)
        .zip(launches)
        .map(|(id, launch)| PlannedRun {
            id: RunId(id),
            requests: of(by_id[&launch.cell], launch.repetition),
            cell: launch.cell,
            repetition: launch.repetition,
        })
        .collect()
}

/// Finds all that the ask and its suite name; `None` when something is missing, which has been reported.
fn resolve<'l>(library: &'l Library<'l>, ask: &Ask, problems: &mut Problems) -> Option<Parts<'l>> {
    let local = ["local".to_owned()];
    let selectors = if ask.devices.is_empty() { local.as_slice() } else { ask.devices.as_slice() };
    let mut devices = select(&library.devices, selectors, problems);
    if let Some(ambient_mdegc) = ask.ambient_mdegc {
        for device in devices.values_mut() {
            device.ambient_mdegc = Some(ambient_mdegc);
        }
    }
    let asked_models =
        asked(&ask.models, "--model", |name, at| library.models.find(name, at, problems).is_some());
    let asked_runtimes =
        asked(&ask.runtimes, "--runtime", |name, at| library.runtimes.find(name, at, problems).is_some());
    let suite = library.suites.find(&ask.suite, &At::Flag("--suite"), problems)?;
    let document = library.suites.get(&ask.suite)?.document;
    let models = asked_models
        .unwrap_or_else(|| distinct(suite.model.values().into_iter().map(|(_, model)| model.name())));
    let runtimes = asked_runtimes
        .unwrap_or_else(|| distinct(suite.runtime.values().into_iter().map(|(_, runtime)| runtime.clone())));
    let chosen = Chosen::find(library, ask, suite, document, problems)?;
    endpoint::check(ask, suite.ignore_eos, problems);
    let said = Said {
        runtimes,
        models,
        threads: numbers(ask, &ask.threads, suite.threads.as_ref()),
        context_tokens: numbers(ask, &ask.context_tokens, suite.context_tokens.as_ref()),
    };
    if let Some(asked) = &ask.endpoint {
        endpoint::check_devices(asked, &devices, problems);
    }
    let subjects = if ask.arms.is_empty() {
        matrix(library, ask, suite, said)?
    } else {
        arms::check(ask, suite, problems);
        arms::resolve(ask, &said, library, problems)?
    };
    Some(Parts { suite, document, devices, subjects, chosen })
}

/// All combinations of what was said.
fn matrix(library: &Library<'_>, ask: &Ask, suite: &SuiteWords, said: Said) -> Option<Subjects> {
    let (models, runtimes) = match &ask.endpoint {
        None => {
            (pick(said.models, &library.planned_models)?, pick(said.runtimes, &library.planned_runtimes)?)
        }
        Some(asked) => {
            let max_tokens = ask.max_tokens.unwrap_or(suite.max_tokens);
            (vec![endpoint::model(asked, max_tokens)], vec![endpoint::runtime(asked)])
        }
    };
    let sides = Sides {
        runtimes: runtimes.iter().map(|(name, _)| name.clone()).collect(),
        models: models.iter().map(|(name, model)| (name.clone(), model.context_tokens)).collect(),
        threads: said.threads,
        context_tokens: said.context_tokens,
    };
    Some(Subjects { points: sides.points(), comparison: None, runtimes, models })
}

/// The numbers of a side of the matrix, as the ask or else the suite says.
fn numbers(ask: &Ask, asked: &[u32], words: Option<&OneOrMany<u32>>) -> Vec<u32> {
    let own = words.map(OneOrMany::values).unwrap_or_default().into_iter().map(|(_, n)| *n);
    // What a server that runs already was started with is not the suite's to say.
    let own = own.filter(|_| ask.endpoint.is_none());
    if asked.is_empty() { distinct(own) } else { distinct(asked.iter().copied()) }
}

/// The names of a flag, each checked by `known`; `None` when the flag is not given.
fn asked(
    names: &[String],
    flag: &'static str,
    mut known: impl FnMut(&str, &At<'_>) -> bool,
) -> Option<Vec<String>> {
    if names.is_empty() {
        return None;
    }
    let known = names.iter().filter(|name| known(name, &At::Flag(flag))).cloned();
    Some(distinct(known))
}

/// The values without doubles, the first of each kept in its place.
fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

/// The entries of these names; `None` when one is broken or missing, which has been reported.
fn pick<T: Clone>(names: Vec<String>, all: &BTreeMap<String, T>) -> Option<Vec<(String, T)>> {
    names.into_iter().map(|name| Some((name.clone(), all.get(&name)?.clone()))).collect()
}

fn check_pairs(parts: &Parts<'_>, ask: &Ask, problems: &mut Problems) {
    let at = if parts.subjects.comparison.is_some() {
        At::Flag("--compare")
    } else if ask.runtimes.is_empty() && ask.models.is_empty() {
        At::File(parts.document, ["suite", &ask.suite, "model"].map(str::to_owned).to_vec())
    } else {
        At::Flag(if ask.runtimes.is_empty() { "--model" } else { "--runtime" })
    };
    pairs::check(&parts.subjects.points, &parts.subjects.runtimes, &parts.subjects.models, &at, problems);
}

/// The loads of the ask, or else those of the suite.
fn loads(parts: &Parts<'_>, ask: &Ask, library: &Library<'_>) -> Vec<LoadModel> {
    let Some(asked) = &ask.load else {
        let of_suite = parts.suite.load.values();
        return distinct(of_suite.iter().flat_map(|(_, load)| load.plan(&library.traces, ask.requests)));
    };
    let each_once = u32::try_from(parts.chosen.ids.len()).unwrap_or(u32::MAX);
    distinct(asked_load::plan(asked, ask.requests.or(parts.suite.requests).unwrap_or(each_once)))
}

fn check_starts(parts: &Parts<'_>, ask: &Ask, problems: &mut Problems) {
    let launched = Launched {
        devices: parts.devices.iter().map(|(id, device)| (id.0.as_str(), device)).collect(),
        models: &parts.subjects.models,
        runtimes: &parts.subjects.runtimes,
    };
    start::check(&ask.suite, parts.suite, &launched, parts.document, problems);
}

fn offer<'l>(parts: &Parts<'_>, ask: &Ask, library: &'l Library<'_>) -> Offer<'l> {
    let milli = |ratio: f64| (ratio * 1000.0).round() as u32;
    let suite = parts.suite;
    Offer {
        lengths: parts.chosen.lengths(),
        prompts: parts.chosen.ids.clone(),
        order: suite.prompt_order,
        // Of a held load, the command line says how many are made in all: the list that goes round stays.
        n_requests: ask.requests.filter(|_| suite.hold.is_none()).or(suite.requests),
        max_tokens_in_turn: suite.max_tokens_in_turn.clone().unwrap_or_default(),
        sampling: Sampling {
            max_tokens: ask.max_tokens.unwrap_or(suite.max_tokens),
            ignore_eos: suite.ignore_eos,
            temperature_milli: milli(suite.temperature),
            top_p_milli: milli(suite.top_p),
            seed: 0,
            top_logprobs: suite.top_logprobs,
        },
        limit_ms: suite.request_limit_ms,
        traces: &library.traces,
    }
}
