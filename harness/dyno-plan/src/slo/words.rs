//! The words of an SLO file. An unknown key is told by the schema, so that what else is wrong can be told with it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::suite::OneOrMany;

/// A named set of objectives, all of which must hold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SlosFile {
    /// Version of this file's form: 1.
    #[expect(dead_code, reason = "checked in the document, for all files alike")]
    schema_version: u32,
    /// Name of the set.
    pub(super) name: String,
    /// What it stands for.
    pub(super) description: String,
    /// No launch of the runtime may connect to anything beyond its machine, nor try to; each must have been watched.
    #[serde(default)]
    pub(super) forbid_egress: bool,
    /// The objectives; may be left out beside `forbid_egress`.
    #[serde(default)]
    pub(super) slo: Vec<SloWords>,
}

/// One objective: a `metric` with exactly one `limit_…` key, or several `limits` that one request must keep together.
/// `fraction` says how many must, or `every = true`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SloWords {
    /// Its name in tables; without it, its metrics.
    pub(super) name: Option<String>,
    /// The metric by its id, with or without its unit: `ttft`. `answered` and `passed` have no limit: the request ended
    /// well, and its prompt's grader accepts the answer.
    pub(super) metric: Option<String>,
    /// Limit of a time, in ns.
    #[schemars(range(min = 0.0))]
    limit_ns: Option<f64>,
    /// Limit of a time, in ms.
    #[schemars(range(min = 0.0))]
    limit_ms: Option<f64>,
    /// Limit of a time, in s.
    #[schemars(range(min = 0.0))]
    limit_s: Option<f64>,
    /// Limit of a rate, in tokens/s.
    #[schemars(range(min = 0.0))]
    limit_tokens_per_s: Option<f64>,
    /// Limit of a size, in bytes.
    #[schemars(range(min = 0.0))]
    limit_bytes: Option<f64>,
    /// Limit of a count of tokens.
    #[schemars(range(min = 0.0))]
    limit_tokens: Option<f64>,
    /// Limit of an energy, in joules.
    #[schemars(range(min = 0.0))]
    limit_j: Option<f64>,
    /// Limit of a ratio: 0.9 is 90 %.
    #[schemars(range(min = 0.0))]
    limit_ratio: Option<f64>,
    /// Several limits in place of `metric`: each request must keep all of them.
    #[serde(default)]
    pub(super) limits: Vec<LimitWords>,
    /// What is judged: each `request`, or each `launch`; without it, what the metric has a value for.
    pub(super) per: Option<PerWord>,
    /// Share of the requests or launches that must keep the limit.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(super) fraction: Option<f64>,
    /// Confidence with which the share must be shown; without it, 0.95.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(super) confidence: Option<f64>,
    /// In place of `fraction`, for `passed`: the most that the share of prompts that pass may fall since a baseline; 0.05
    /// is five points.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(super) max_drop: Option<f64>,
    /// Name of the baseline of `max_drop`, as `edgedyno baseline set` gave it; without it, that of `check --baseline`.
    pub(super) baseline: Option<String>,
    /// In place of `fraction`: every one of the record must keep it, whatever that shows of others.
    #[serde(default)]
    pub(super) every: bool,
    /// Which requests or launches it is about; without it, all.
    #[serde(rename = "where")]
    pub(super) selection: Option<WhereWords>,
}

/// One of several limits; exactly one of the `limit_…` keys, in a unit of the metric.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct LimitWords {
    /// The metric by its id, with or without its unit.
    pub(super) metric: String,
    /// Limit of a time, in ns.
    #[schemars(range(min = 0.0))]
    limit_ns: Option<f64>,
    /// Limit of a time, in ms.
    #[schemars(range(min = 0.0))]
    limit_ms: Option<f64>,
    /// Limit of a time, in s.
    #[schemars(range(min = 0.0))]
    limit_s: Option<f64>,
    /// Limit of a rate, in tokens/s.
    #[schemars(range(min = 0.0))]
    limit_tokens_per_s: Option<f64>,
    /// Limit of a size, in bytes.
    #[schemars(range(min = 0.0))]
    limit_bytes: Option<f64>,
    /// Limit of a count of tokens.
    #[schemars(range(min = 0.0))]
    limit_tokens: Option<f64>,
    /// Limit of an energy, in joules.
    #[schemars(range(min = 0.0))]
    limit_j: Option<f64>,
    /// Limit of a ratio: 0.9 is 90 %.
    #[schemars(range(min = 0.0))]
    limit_ratio: Option<f64>,
}

/// What is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PerWord {
    /// Each request.
    Request,
    /// Each launch; a metric of requests by its median over the launch.
    Launch,
}

/// Which requests or launches an objective is about; each key takes one value or a list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct WhereWords {
    /// Categories of prompts.
    pub(super) category: Option<OneOrMany<String>>,
    /// Languages of prompts, BCP 47: `de` is also `de-CH`.
    pub(super) language: Option<OneOrMany<String>>,
    /// Length of the prompt in tokens, as the runtime counted it.
    pub(super) isl_tokens: Option<RangeWords>,
    /// Devices by name.
    pub(super) device: Option<OneOrMany<String>>,
    /// Models by name.
    pub(super) model: Option<OneOrMany<String>>,
    /// Runtimes by name.
    pub(super) runtime: Option<OneOrMany<String>>,
    /// Loads: `single`, `closed`, `open`, `trace`, or a load's name in reports: `closed loop, 4 workers`.
    pub(super) load: Option<OneOrMany<String>>,
}

/// A range of lengths, both ends included.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RangeWords {
    /// Fewest tokens.
    pub(super) from: Option<u32>,
    /// Most tokens.
    pub(super) to: Option<u32>,
}

/// A limit as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Written {
    /// The key: `limit_ms`.
    pub(super) key: &'static str,
    pub(super) value: f64,
}

macro_rules! limit_keys {
    ($($words:ty),*) => {$(
        impl $words {
            /// The limits that are set.
            pub(super) fn written(&self) -> Vec<Written> {
                let all = [
                    ("limit_ns", self.limit_ns),
                    ("limit_ms", self.limit_ms),
                    ("limit_s", self.limit_s),
                    ("limit_tokens_per_s", self.limit_tokens_per_s),
                    ("limit_bytes", self.limit_bytes),
                    ("limit_tokens", self.limit_tokens),
                    ("limit_j", self.limit_j),
                    ("limit_ratio", self.limit_ratio),
                ];
                all.into_iter().filter_map(|(key, value)| Some(Written { key, value: value? })).collect()
            }
        }
    )*};
}

limit_keys!(SloWords, LimitWords);
