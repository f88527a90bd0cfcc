//! `catalog/slos/*.toml`: limits that figures are held against.

use std::collections::BTreeMap;

use dyno_model::metric::{Direction, METRICS, Metric, Unit};
use dyno_model::plan::{PlannedSlo, SloLimit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::devices::check_name;
use crate::document::Document;
use crate::problem::{Problems, known_words};
use crate::registry::{Entry, Registry};

/// A named set of limits.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlosFile {
    /// Version of this file's form: 1.
    #[expect(dead_code, reason = "checked in the document, for all files alike")]
    schema_version: u32,
    /// Name of the set.
    name: String,
    /// What it stands for.
    description: String,
    /// The limits, all of which must hold.
    slo: Vec<SloWords>,
}

/// One limit; exactly one of the `limit_…` keys, in a unit of the metric.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SloWords {
    /// The metric by its id, with or without its unit: `ttft`.
    metric: String,
    /// Limit of a time, in ns.
    #[schemars(range(min = 0.0))]
    limit_ns: Option<f64>,
    /// Limit of a time, in ms.
    #[schemars(range(min = 0.0))]
    limit_ms: Option<f64>,
    /// Limit of a rate, in tokens/s.
    #[schemars(range(min = 0.0))]
    limit_tokens_per_s: Option<f64>,
    /// Limit of a size, in bytes.
    #[schemars(range(min = 0.0))]
    limit_bytes: Option<f64>,
    /// Limit of a count of tokens.
    #[schemars(range(min = 0.0))]
    limit_tokens: Option<f64>,
    /// Share of the observations that must keep the limit.
    #[schemars(range(min = 0.0, max = 1.0))]
    fraction: f64,
    /// Confidence with which it must be shown.
    #[schemars(range(min = 0.0, max = 1.0))]
    confidence: f64,
}

/// A named set of limits, checked against the catalogue of metrics.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SloSet {
    /// What it stands for.
    pub description: String,
    /// The limits, all of which must hold.
    pub objectives: Vec<Objective>,
}

/// "At least `fraction` of the observations keep `limit`, shown with `confidence`."
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Objective {
    /// Id of the metric.
    pub metric: &'static str,
    /// Upper limit where lower is better, else lower limit; in the metric's own unit.
    pub limit: f64,
    /// In 0..1, neither included.
    pub fraction: f64,
    /// In 0..1, neither included.
    pub confidence: f64,
}

/// Reads the sets of `documents`.
pub(crate) fn read<'d>(documents: &'d [Document<'d>], problems: &mut Problems) -> Registry<'d, SloSet> {
    let mut registry = Registry::empty("slo");
    for document in documents {
        let Some(file) = document.whole::<SlosFile>(problems) else { continue };
        check_name("set of SLOs", &file.name, document, &["name"], problems);
        if file.slo.is_empty() {
            problems.push(document.problem_at(&["slo"], "no limit is set".to_owned(), None));
        }
        let before = problems.0.len();
        let objectives = (0..)
            .zip(&file.slo)
            .filter_map(|(idx, words)| objective(idx, words, document, problems))
            .collect();
        let words = SloSet { description: file.description.clone(), objectives };
        let words = (problems.0.len() == before).then_some(words);
        registry.add(file.name.clone(), Entry { words, document }, problems);
    }
    registry
}

/// The set `name` as a plan has it; `Err` says what of it a plan cannot have.
pub(crate) fn plan(name: &str, set: &SloSet) -> Result<PlannedSlo, String> {
    let limits = set.objectives.iter().map(planned).collect::<Result<_, _>>();
    let limits =
        limits.map_err(|message: String| format!("the set of SLOs `{name}` cannot be used: {message}"))?;
    Ok(PlannedSlo { name: name.to_owned(), description: set.description.clone(), limits })
}

/// Requests are judged one by one, and by times only.
const JUDGED: [&str; 3] = ["ttft_ns", "tpot_ns", "e2e_ns"];

fn planned(objective: &Objective) -> Result<SloLimit, String> {
    if !JUDGED.contains(&objective.metric) {
        return Err(format!("requests are judged by ttft, tpot and e2e, not by `{}`", objective.metric));
    }
    let milli = |what: &str, share: f64| {
        let milli = (share * 1000.0).round();
        let is_whole = (share * 1000.0 - milli).abs() < 1e-6 && (1.0..=999.0).contains(&milli);
        is_whole.then_some(milli as u32).ok_or_else(|| format!("{what} {share} is no number of thousandths"))
    };
    Ok(SloLimit {
        metric: objective.metric.trim_end_matches("_ns").to_owned(),
        limit_ns: objective.limit.round() as u64,
        fraction_milli: milli("fraction", objective.fraction)?,
        confidence_milli: milli("confidence", objective.confidence)?,
    })
}

/// All usable sets.
pub(crate) fn all(registry: &Registry<'_, SloSet>) -> BTreeMap<String, SloSet> {
    registry.usable().map(|(name, set, _)| (name.to_owned(), set.clone())).collect()
}

fn objective(
    idx: u32,
    words: &SloWords,
    document: &Document<'_>,
    problems: &mut Problems,
) -> Option<Objective> {
    let idx = idx.to_string();
    let mut report = |key: &str, message: String, hint: Option<String>| {
        problems.push(document.problem_at(&["slo", &idx, key], message, hint));
    };
    for (key, value) in [("fraction", words.fraction), ("confidence", words.confidence)] {
        if value <= 0.0 || value >= 1.0 {
            report(
                key,
                format!("`{key}` is {value}, which no finite number of observations can show"),
                Some("above 0 and below 1".to_owned()),
            );
        }
    }
    let Some(metric) = find_metric(&words.metric) else {
        let ids: Vec<&str> = METRICS.iter().map(|metric| metric.id).collect();
        report(
            "metric",
            format!("unknown metric `{}`", words.metric),
            Some(known_words(&words.metric, &ids)),
        );
        return None;
    };
    if metric.direction == Direction::Neutral {
        report("metric", format!("`{}` has no better or worse", metric.id), None);
    }
    let limits = [
        ("limit_ns", Unit::Ns, 1.0, words.limit_ns),
        ("limit_ms", Unit::Ns, 1e6, words.limit_ms),
        ("limit_tokens_per_s", Unit::TokensPerSecond, 1.0, words.limit_tokens_per_s),
        ("limit_bytes", Unit::Bytes, 1.0, words.limit_bytes),
        ("limit_tokens", Unit::Tokens, 1.0, words.limit_tokens),
    ];
    let fitting: Vec<&str> =
        limits.iter().filter(|(_, unit, ..)| *unit == metric.unit).map(|(key, ..)| *key).collect();
    let hint = Some(format!("for `{}` write {}", metric.id, fitting.join(" or ")));
    let set: Vec<_> = limits
        .iter()
        .filter_map(|(key, unit, scale, value)| Some((key, unit, value.as_ref()? * scale)))
        .collect();
    match set.as_slice() {
        [(_, unit, limit)] if **unit == metric.unit => Some(Objective {
            metric: metric.id,
            limit: *limit,
            fraction: words.fraction,
            confidence: words.confidence,
        }),
        [(key, ..)] => {
            report(key, format!("`{key}` is no unit of `{}`", metric.id), hint);
            None
        }
        [] => {
            report("metric", format!("no limit for `{}`", metric.id), hint);
            None
        }
        [.., (key, ..)] => {
            report(key, "more than one limit".to_owned(), hint);
            None
        }
    }
}

/// The metric of that id, with or without its unit.
fn find_metric(word: &str) -> Option<&'static Metric> {
    let suffix = |metric: &Metric| match metric.unit {
        Unit::Ns => "_ns",
        Unit::TokensPerSecond => "_tokens_per_s",
        Unit::Bytes => "_bytes",
        Unit::Tokens => "_tokens",
    };
    METRICS.iter().find(|metric| metric.id == word || metric.id.strip_suffix(suffix(metric)) == Some(word))
}
