//! `catalog/suites/*.toml`: what to ask of a device.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::care::{CoolDownWords, HoldWords, LimitsWords};
use crate::devices::check_name;
use crate::load::LoadWords;
use crate::problem::Problems;
use crate::registry::Registry;
use crate::select::SelectWords;
use crate::start::{RestartWords, StartWords};
use crate::steering::StopWords;

/// Suites.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the file is read table by table; this type is its schema")]
pub(crate) struct SuitesFile {
    /// Version of this file's form: 1.
    schema_version: u32,
    /// One table for each suite, under the name that `--suite` takes.
    suite: BTreeMap<String, SuiteWords>,
}

/// One suite. `model`, `runtime`, `threads`, `context_tokens`, `load` and `start` take one value or a list, and so do a
/// load's `concurrency` and `rate_per_s`; every combination of them becomes a cell.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuiteWords {
    /// What it answers, in a sentence.
    pub(crate) description: String,
    /// Models of the catalogue.
    pub(crate) model: OneOrMany<ModelRef>,
    /// Runtimes of the catalogue.
    pub(crate) runtime: OneOrMany<String>,
    /// Numbers of compute threads; without it, as many as the runtime takes for itself.
    pub(crate) threads: Option<OneOrMany<u32>>,
    /// Context lengths in tokens; without it, the model's.
    pub(crate) context_tokens: Option<OneOrMany<u32>>,
    /// How requests are offered.
    pub(crate) load: OneOrMany<LoadWords>,
    /// The state that each launch starts from; without it, as it happens to be.
    pub(crate) start: Option<OneOrMany<StartWords>>,
    /// How the device is restarted before each launch of a `device_cold` start.
    pub(crate) restart: Option<RestartWords>,
    /// The corpus that the prompts come from.
    pub(crate) corpus: String,
    /// The slice of the corpus; without it, all of it.
    pub(crate) slice: Option<String>,
    /// Which prompts of the slice, by what they are; without it, all.
    pub(crate) select: Option<SelectWords>,
    /// Order of the prompts within a launch.
    pub(crate) prompt_order: PromptOrder,
    /// Requests of each launch of a `single` or `closed` load: fewer than the slice has are taken evenly from all of
    /// it, more go round it again; without it, each prompt once.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) requests: Option<u32>,
    /// Fresh launches of each cell.
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) repetitions: u32,
    /// A set of SLOs of the catalogue: what a good request is.
    pub(crate) slo: Option<String>,
    /// When a cell needs no more launches; `repetitions` is then the most of them.
    pub(crate) stop: Option<StopWords>,
    /// How long the load of a launch goes on; without it, until each of its requests was asked once.
    pub(crate) hold: Option<HoldWords>,
    /// Wait before each launch until the device has cooled down.
    pub(crate) cool_down: Option<CoolDownWords>,
    /// Rest before the runtime is started, for the idle power of the device.
    #[serde(default)]
    #[schemars(range(max = 3_600_000))]
    pub(crate) idle_ms: u64,
    /// Rest when the runtime is ready, before the first request, for the idle power of the device with it.
    #[serde(default)]
    #[schemars(range(max = 3_600_000))]
    pub(crate) ready_idle_ms: u64,
    /// How long, at most, the device is watched after the load until it is as cool as before.
    #[serde(default)]
    #[schemars(range(max = 86_400_000))]
    pub(crate) recovery_ms: u64,
    /// What stops a launch safely.
    pub(crate) limits: Option<LimitsWords>,
    /// Time for finding out what bandwidth and arithmetic a device has, once for each contact; without it, four
    /// seconds, and none where nothing real runs.
    #[schemars(range(max = 600_000))]
    pub(crate) machine_ms: Option<u64>,
    /// Try each source of power against a known step of load, once for each contact.
    #[serde(default)]
    pub(crate) test_sensors: bool,
    /// Longest answer in tokens.
    #[schemars(range(min = 1))]
    pub(crate) max_tokens: u32,
    /// Longest answers in tokens of the requests of a launch, in turn: `[1, 64]` asks each second one for a single
    /// token. None is above `max_tokens`.
    pub(crate) max_tokens_in_turn: Option<Vec<u32>>,
    /// Let each answer go on until the context is full, as far as the prompt's length can be told; `max_tokens` is
    /// still the most.
    #[serde(default)]
    pub(crate) fill_context: bool,
    /// Keep on after the model's end of an answer, so that all answers have `max_tokens`.
    #[serde(default)]
    pub(crate) ignore_eos: bool,
    /// 0 takes the likeliest token each time.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub(crate) temperature: f64,
    /// Share of the probability to draw from; 1 is all.
    #[serde(default = "whole")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) top_p: f64,
    /// For how many of the likeliest tokens of each step the runtime is asked how likely they were; 0 is none. A
    /// runtime that cannot say gives none.
    #[serde(default)]
    #[schemars(range(max = 20))]
    pub(crate) top_logprobs: u8,
    /// Deadline for a whole answer.
    #[schemars(range(min = 1))]
    pub(crate) request_limit_ms: u64,
    /// Time between two samples of the sensors.
    #[schemars(range(min = 10, max = 60_000))]
    pub(crate) sampling_period_ms: u32,
    /// Seed of all orders and draws.
    #[serde(default)]
    pub(crate) seed: u64,
}

fn whole() -> f64 {
    1.0
}

/// One value, or a list of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// The values, with the place of each below its key.
    pub(crate) fn values(&self) -> Vec<(Option<usize>, &T)> {
        match self {
            Self::One(one) => vec![(None, one)],
            Self::Many(many) => many.iter().enumerate().map(|(idx, value)| (Some(idx), value)).collect(),
        }
    }
}

/// A model of the catalogue.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ModelRef {
    /// By its name.
    Name(String),
    /// A synthetic one, by its shape.
    Synthetic(SyntheticRef),
}

/// A synthetic model of the catalogue.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyntheticRef {
    /// Its name without `synthetic-` in front: `llama-1b-q4_0`.
    synthetic: String,
}

impl ModelRef {
    /// Its name in the catalogue.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Synthetic(SyntheticRef { synthetic }) => format!("synthetic-{synthetic}"),
        }
    }
}

/// Order of the prompts within a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PromptOrder {
    /// The order of the slice, in every launch.
    Fixed,
    /// A new order for each repetition, the same for all cells, drawn from the seed.
    Shuffled,
}

/// What a schema cannot see of any suite, asked for or not.
pub(crate) fn check(suites: &Registry<'_, SuiteWords>, problems: &mut Problems) {
    for (name, words, document) in suites.usable() {
        check_name("suite", name, document, &["suite", name], problems);
        let mut report = |key: &str, message: String| {
            problems.push(document.problem_at(&["suite", name, key], message, None));
        };
        let lists = [
            ("model", words.model.values().is_empty()),
            ("runtime", words.runtime.values().is_empty()),
            ("threads", words.threads.as_ref().is_some_and(|many| many.values().is_empty())),
            ("context_tokens", words.context_tokens.as_ref().is_some_and(|many| many.values().is_empty())),
            ("load", words.load.values().is_empty()),
            ("start", words.start.as_ref().is_some_and(|many| many.values().is_empty())),
        ];
        for (key, _) in lists.into_iter().filter(|(_, empty)| *empty) {
            report(key, format!("the list of `{key}` is empty"));
        }
        let zero =
            |many: &Option<OneOrMany<u32>>| many.iter().any(|m| m.values().iter().any(|(_, n)| **n == 0));
        for (key, many) in [("threads", &words.threads), ("context_tokens", &words.context_tokens)] {
            if zero(many) {
                report(key, format!("`{key}` is 0"));
            }
        }
        if words.top_p <= 0.0 {
            report("top_p", "`top_p` is 0, so no token could be drawn".to_owned());
        }
    }
}
