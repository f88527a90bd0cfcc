//! From an ask to the frozen plan.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::care::Hold;
use dyno_model::digest::Digest;
use dyno_model::ids::{CellId, DeviceId, PromptId, RunId};
use dyno_model::load::LoadModel;
use dyno_model::plan::{
    Cell, PLAN_FORMAT, Plan, PlannedCorpus, PlannedDevice, PlannedModel, PlannedPrompt, PlannedRun,
    PlannedRuntime, PlannedSuite,
};
use dyno_model::request::Sampling;

use crate::answers::Fill;
use crate::ask::Ask;
use crate::asked_load;
use crate::boards;
use crate::care;
use crate::catalog::{Documents, Library, check_slice};
use crate::corpus::Corpus;
use crate::devices::select;
use crate::document::Document;
use crate::endpoint;
use crate::expand::{Matrix, expand};
use crate::lengths::{Lengths, estimate_tokens};
use crate::load::MAX_REQUESTS;
use crate::meters;
use crate::order::{Launch, launches};
use crate::pairs;
use crate::problem::{Problem, Problems};
use crate::registry::At;
use crate::schedule::{Offer, n_requests, requests};
use crate::source::Inputs;
use crate::start::{self, Launched, starts};
use crate::steering;
use crate::suite::{OneOrMany, SuiteWords};

/// The most requests of a plan: some 200 MB of JSON.
const MAX_REQUESTS_OF_PLAN: usize = 1_000_000;

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
    /// In the order of the ask or the suite.
    models: Vec<(String, PlannedModel)>,
    runtimes: Vec<(String, PlannedRuntime)>,
    corpus: &'l Corpus,
    corpus_name: String,
    slice: Option<String>,
}

fn plan(library: &Library<'_>, ask: &Ask, problems: &mut Problems) -> Option<Plan> {
    let parts = resolve(library, ask, problems)?;
    check_pairs(&parts, ask, problems);
    check_starts(&parts, ask, problems);
    let suite = parts.suite;
    let hold = care::hold(suite, ask, problems);
    let matrix = matrix(&parts, ask, library, hold);
    check_context(&matrix, suite, ask, problems);
    let seed = ask.seed.unwrap_or(suite.seed);
    let repetitions = ask.repetitions.unwrap_or(suite.repetitions);
    let offer = offer(&parts, ask, library);
    let cells = expand(&matrix);
    let declared = steering::declare(suite, parts.document, ask, &library.slos, problems);
    if problems.0.is_empty() {
        check_size(&offer, &cells, repetitions, problems);
        check_workers(&offer, &cells, &parts, ask, problems);
    }
    if !problems.0.is_empty() {
        return None;
    }
    let care = care::care(suite, &parts.runtimes);
    let launches = launches(&cells, repetitions, seed, declared.steering.as_ref());
    let fill = suite.fill_context.then(|| Fill::of(parts.corpus));
    let runs = runs(&cells, &offer, launches, seed, fill.as_ref());
    let prompts = prompts_of(parts.corpus, &runs);
    let meters = meters::of_devices(&parts.devices, &library.meters);
    let boards = boards::named(&parts.devices, &library.boards);
    Some(Plan {
        format: PLAN_FORMAT,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        suite: PlannedSuite {
            name: ask.suite.clone(),
            description: suite.description.clone(),
            digest: Digest::of(parts.document.source.text.as_bytes()),
        },
        seed,
        devices: parts.devices,
        models: parts.models.into_iter().collect(),
        runtimes: parts.runtimes.into_iter().collect(),
        corpus: PlannedCorpus {
            name: parts.corpus_name,
            digest: parts.corpus.digest.clone(),
            slice: parts.slice,
        },
        prompts,
        cells,
        runs,
        sampling_period_ms: suite.sampling_period_ms,
        slo: declared.slo,
        steering: declared.steering,
        restart: start::restart(suite),
        care,
        meters,
        boards,
    })
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
    let (corpus_name, slice) = match &ask.corpus {
        Some(name) => (name.clone(), ask.slice.clone()),
        None => (suite.corpus.clone(), ask.slice.clone().or_else(|| suite.slice.clone())),
    };
    let corpus = match &ask.corpus {
        Some(name) => library.corpora.find(name, &At::Flag("--corpus"), problems)?,
        None => library.corpora.get(&corpus_name)?.words.as_ref()?,
    };
    if let Some(slice) = &ask.slice {
        check_slice(corpus, &corpus_name, slice, &At::Flag("--slice"), problems);
    }
    endpoint::check(ask, suite.ignore_eos, problems);
    let (models, runtimes) = match &ask.endpoint {
        None => (pick(models, &library.planned_models)?, pick(runtimes, &library.planned_runtimes)?),
        Some(asked) => {
            endpoint::check_devices(asked, &devices, problems);
            let max_tokens = ask.max_tokens.unwrap_or(suite.max_tokens);
            (vec![endpoint::model(asked, max_tokens)], vec![endpoint::runtime(asked)])
        }
    };
    Some(Parts { suite, document, devices, models, runtimes, corpus, corpus_name, slice })
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
    for (runtime, planned) in &parts.runtimes {
        for (model, planned_model) in &parts.models {
            let Some((message, hint)) = pairs::refusal((runtime, planned), (model, planned_model)) else {
                continue;
            };
            let at = if ask.runtimes.is_empty() && ask.models.is_empty() {
                At::File(parts.document, ["suite", &ask.suite, "model"].map(str::to_owned).to_vec())
            } else {
                At::Flag(if ask.runtimes.is_empty() { "--model" } else { "--runtime" })
            };
            problems.push(at.problem(message, Some(hint.to_owned())));
        }
    }
}

fn matrix(parts: &Parts<'_>, ask: &Ask, library: &Library<'_>, hold: Option<Hold>) -> Matrix {
    let numbers = |asked: &[u32], words: Option<&OneOrMany<u32>>| -> Vec<u32> {
        let own = words.map(OneOrMany::values).unwrap_or_default().into_iter().map(|(_, n)| *n);
        // What a server that runs already was started with is not the suite's to say.
        let own = own.filter(|_| ask.endpoint.is_none());
        if asked.is_empty() { distinct(own) } else { distinct(asked.iter().copied()) }
    };
    let threads = numbers(&ask.threads, parts.suite.threads.as_ref());
    Matrix {
        devices: parts.devices.keys().cloned().collect(),
        runtimes: parts.runtimes.iter().map(|(name, _)| name.clone()).collect(),
        models: parts.models.iter().map(|(name, model)| (name.clone(), model.context_tokens)).collect(),
        threads: if threads.is_empty() { vec![None] } else { threads.into_iter().map(Some).collect() },
        context_tokens: numbers(&ask.context_tokens, parts.suite.context_tokens.as_ref()),
        loads: loads(parts, ask, library),
        starts: starts(parts.suite),
        hold,
    }
}

/// The loads of the ask, or else those of the suite.
fn loads(parts: &Parts<'_>, ask: &Ask, library: &Library<'_>) -> Vec<LoadModel> {
    let Some(asked) = &ask.load else {
        let of_suite = parts.suite.load.values();
        return distinct(of_suite.iter().flat_map(|(_, load)| load.plan(&library.traces, ask.requests)));
    };
    let each_once = u32::try_from(parts.corpus.ids(parts.slice.as_deref()).len()).unwrap_or(u32::MAX);
    distinct(asked_load::plan(asked, ask.requests.or(parts.suite.requests).unwrap_or(each_once)))
}

fn check_starts(parts: &Parts<'_>, ask: &Ask, problems: &mut Problems) {
    let launched = Launched {
        devices: parts.devices.iter().map(|(id, device)| (id.0.as_str(), device)).collect(),
        models: &parts.models,
        runtimes: &parts.runtimes,
    };
    start::check(&ask.suite, parts.suite, &launched, parts.document, problems);
}

/// An answer must leave room for its prompt.
fn check_context(matrix: &Matrix, suite: &SuiteWords, ask: &Ask, problems: &mut Problems) {
    if suite.fill_context {
        // What is left beside the prompt is what they may have.
        return;
    }
    let max_tokens = ask.max_tokens.unwrap_or(suite.max_tokens);
    let own = matrix.models.iter().map(|(_, context)| *context);
    let smallest = if matrix.context_tokens.is_empty() {
        own.min()
    } else {
        matrix.context_tokens.iter().copied().min()
    };
    if let Some(context) = smallest.filter(|context| *context <= max_tokens) {
        let message =
            format!("{max_tokens} tokens of answer leave no room for a prompt in a context of {context}");
        problems.push(Problem::of_flag("--max-tokens", message, None));
    }
}

/// A plan is read as a whole; what would not fit in memory on a small controller is refused.
fn check_size(offer: &Offer<'_>, cells: &[Cell], repetitions: u32, problems: &mut Problems) {
    let of_round: usize = cells.iter().map(|cell| n_requests(offer, &cell.load)).sum();
    let total = of_round.saturating_mul(repetitions as usize);
    if total > MAX_REQUESTS_OF_PLAN {
        let message = format!("{total} requests, more than the {MAX_REQUESTS_OF_PLAN} that a plan can hold");
        let hint = "ask for fewer repetitions, requests, or points of the matrix".to_owned();
        problems.push(Problem::of_flag("--suite", message, Some(hint)));
    }
}

/// More users at once than requests would be fewer users than the report says.
fn check_workers(offer: &Offer<'_>, cells: &[Cell], parts: &Parts<'_>, ask: &Ask, problems: &mut Problems) {
    let idle = cells.iter().find_map(|cell| {
        let n = n_requests(offer, &cell.load);
        let idles = matches!(&cell.load, LoadModel::Closed { workers, .. } if *workers as usize > n);
        (idles && cell.hold.is_none()).then_some((cell, n))
    });
    if let Some((cell, n)) = idle {
        let message = format!("{n} requests are too few for this load: {}", cell.load.label());
        let hint = "ask for more with `requests` of the suite, or --requests".to_owned();
        problems.push(parts.document.problem_at(&["suite", &ask.suite, "load"], message, Some(hint)));
    }
}

fn offer<'l>(parts: &Parts<'_>, ask: &Ask, library: &'l Library<'_>) -> Offer<'l> {
    let milli = |ratio: f64| (ratio * 1000.0).round() as u32;
    let suite = parts.suite;
    let prompts = parts.corpus.ids(parts.slice.as_deref());
    Offer {
        lengths: lengths(parts.corpus, &prompts),
        prompts,
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
        },
        limit_ms: suite.request_limit_ms,
        traces: &library.traces,
    }
}

fn lengths(corpus: &Corpus, prompts: &[PromptId]) -> Lengths {
    let by_id: BTreeMap<&PromptId, &PlannedPrompt> =
        corpus.prompts.iter().map(|(id, prompt)| (id, prompt)).collect();
    let mut lengths = Lengths::default();
    for (id, prompt) in prompts.iter().filter_map(|id| Some((id, by_id.get(id)?))) {
        lengths.add(estimate_tokens(&prompt.messages), id.clone());
    }
    lengths
}

/// The prompts that are sent.
fn prompts_of(corpus: &Corpus, runs: &[PlannedRun]) -> BTreeMap<PromptId, PlannedPrompt> {
    let used: BTreeSet<&PromptId> =
        runs.iter().flat_map(|run| &run.requests).map(|request| &request.prompt).collect();
    corpus.prompts.iter().filter(|(id, _)| used.contains(id)).cloned().collect()
}
