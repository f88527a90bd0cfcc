//! One objective, checked.

use dyno_model::metric::{Population, metric};
use dyno_model::slo::{Condition, Demand, Judged, Objective, Selection};

use super::Place;
use super::condition::{ANSWERED, PASSED, Read, condition, without_unit};
use super::drop::of_drop;
use super::words::{PerWord, SloWords, WhereWords};
use crate::document::Document;
use crate::problem::Problems;
use crate::suite::OneOrMany;

/// Confidence where none is written (MEASUREMENT §9.2).
const CONFIDENCE: f64 = 0.95;
/// The name of the objective that `forbid_egress` is.
const NO_EGRESS: &str = "no egress";
/// A whole, in millionths.
const WHOLE_PPM: f64 = 1e6;

/// The objective that the words are; `None` when they are none, which has been reported. Its name comes later.
pub(super) fn objective(words: &SloWords, at: &mut Place<'_, '_>) -> Option<Objective> {
    let conditions = conditions(words, at);
    let demand = demand(words, &conditions, at);
    let judges = judged(words, &conditions, at);
    let selection = selection(words.selection.as_ref(), judges, at);
    let (false, Some(demand)) = (conditions.is_empty(), demand) else { return None };
    Some(Objective {
        name: words.name.clone().unwrap_or_default(),
        line: at.line(),
        judges,
        conditions: conditions.into_iter().map(|read| read.condition).collect(),
        demand,
        selection,
        baseline: words.baseline.clone(),
    })
}

fn conditions(words: &SloWords, at: &mut Place<'_, '_>) -> Vec<Read> {
    match (&words.metric, words.limits.as_slice()) {
        (None, []) => {
            let hint = "metric = \"ttft\" with limit_ms, or limits = [ … ] for several at once".to_owned();
            at.report(&[], "an objective without a metric".to_owned(), Some(hint));
            Vec::new()
        }
        (Some(metric), []) => condition(metric, &words.written(), &[], at).into_iter().collect(),
        (Some(metric), _) => {
            let hint = format!("put {{ metric = \"{metric}\", … }} among the limits");
            at.report(&["metric"], "`metric` and `limits` in one objective".to_owned(), Some(hint));
            Vec::new()
        }
        (None, limits) => several(words, limits, at),
    }
}

fn several(words: &SloWords, limits: &[super::words::LimitWords], at: &mut Place<'_, '_>) -> Vec<Read> {
    if let Some(stray) = words.written().first() {
        let hint = Some("each of `limits` has its own".to_owned());
        at.report(&[stray.key], format!("`{}` beside `limits`", stray.key), hint);
    }
    let mut read: Vec<Read> = Vec::new();
    for (idx, limit) in limits.iter().enumerate() {
        let place = idx.to_string();
        let below = ["limits", place.as_str()];
        let Some(found) = condition(&limit.metric, &limit.written(), &below, at) else { continue };
        if read.iter().any(|other| same_metric(&other.condition, &found.condition)) {
            let message = format!("`{}` is limited twice in one objective", limit.metric);
            at.report(&["limits", &place, "metric"], message, None);
        }
        read.push(found);
    }
    // What is left of a set that has a problem is not what was meant.
    if read.len() < limits.len() { Vec::new() } else { read }
}

fn same_metric(one: &Condition, other: &Condition) -> bool {
    match (one, other) {
        (Condition::Answered, Condition::Answered) | (Condition::Passed, Condition::Passed) => true,
        (Condition::Limit { metric: one, .. }, Condition::Limit { metric: other, .. }) => one == other,
        (Condition::Answered | Condition::Passed | Condition::NoEgress | Condition::Limit { .. }, _) => false,
    }
}

/// What is judged: as asked for, else launches where each metric is one of launches.
fn judged(words: &SloWords, conditions: &[Read], at: &mut Place<'_, '_>) -> Judged {
    let of_launches = |read: &Read| read.population == Some(Population::Launch);
    match words.per {
        Some(PerWord::Launch) => {
            if conditions.iter().any(|read| read.population == Some(Population::Gap)) {
                at.report(&["per"], "gaps are judged by the request that they are of".to_owned(), None);
            }
            if conditions.iter().any(|read| read.condition == Condition::Passed) {
                at.report(&["per"], "answers are judged by the request that they are of".to_owned(), None);
            }
            Judged::Launches
        }
        None if !conditions.is_empty() && conditions.iter().all(of_launches) => Judged::Launches,
        Some(PerWord::Request) | None => Judged::Requests,
    }
}

fn demand(words: &SloWords, conditions: &[Read], at: &mut Place<'_, '_>) -> Option<Demand> {
    if words.max_drop.is_some() || words.baseline.is_some() {
        return of_drop(words, conditions, at);
    }
    if words.every {
        for (key, is_set) in
            [("fraction", words.fraction.is_some()), ("confidence", words.confidence.is_some())]
        {
            if is_set {
                let message =
                    format!("`{key}` beside `every`: all of the record are counted, none is inferred");
                at.report(&[key], message, Some(format!("leave out `{key}`, or `every`")));
            }
        }
        return Some(Demand::Every);
    }
    let Some(fraction) = words.fraction else {
        let is_graded = conditions.iter().any(|read| read.condition == Condition::Passed);
        let hint = if is_graded && conditions.len() == 1 {
            "fraction = 0.8 with a confidence, or max_drop = 0.05 with a baseline".to_owned()
        } else {
            "fraction = 0.95 with a confidence, or every = true".to_owned()
        };
        at.report(&[], "nothing says how many must keep it".to_owned(), Some(hint));
        return None;
    };
    let fraction = share("fraction", fraction, at);
    let confidence = confidence(words, at);
    Some(Demand::Share { fraction_ppm: fraction?, confidence_ppm: confidence? })
}

/// The confidence that is asked for, in millionths.
pub(super) fn confidence(words: &SloWords, at: &mut Place<'_, '_>) -> Option<u32> {
    share("confidence", words.confidence.unwrap_or(CONFIDENCE), at)
}

/// A share strictly between 0 and 1, in millionths.
pub(super) fn share(key: &str, value: f64, at: &mut Place<'_, '_>) -> Option<u32> {
    // The schema has told it.
    if value.is_finite() && !(0.0..=1.0).contains(&value) {
        return None;
    }
    if value <= 0.0 || value >= 1.0 || value.is_nan() {
        let message = format!("`{key}` is {value}, which no finite number of observations can show");
        at.report(&[key], message, Some("above 0 and below 1".to_owned()));
        return None;
    }
    let ppm = (value * WHOLE_PPM).round();
    if (value * WHOLE_PPM - ppm).abs() > 1e-6 || !(1.0..WHOLE_PPM).contains(&ppm) {
        at.report(&[key], format!("`{key}` is {value}, which is no number of millionths"), None);
        return None;
    }
    Some(ppm as u32)
}

fn selection(words: Option<&WhereWords>, judges: Judged, at: &mut Place<'_, '_>) -> Selection {
    let Some(words) = words else { return Selection::default() };
    let mut list = |key: &str, list: &Option<OneOrMany<String>>| -> Vec<String> {
        let Some(list) = list else { return Vec::new() };
        let values: Vec<String> = list.values().into_iter().map(|(_, value)| value.clone()).collect();
        if values.is_empty() || values.iter().any(String::is_empty) {
            at.report(
                &["where", key],
                format!("`{key}` selects nothing"),
                Some("leave it out for all".to_owned()),
            );
        }
        values
    };
    let selection = Selection {
        categories: list("category", &words.category),
        languages: list("language", &words.language),
        devices: list("device", &words.device),
        models: list("model", &words.model),
        runtimes: list("runtime", &words.runtime),
        loads: list("load", &words.load),
        isl_from: words.isl_tokens.and_then(|range| range.from),
        isl_to: words.isl_tokens.and_then(|range| range.to),
    };
    if let (Some(from), Some(to)) = (selection.isl_from, selection.isl_to)
        && from > to
    {
        at.report(&["where", "isl_tokens"], format!("no prompt has from {from} to {to} tokens"), None);
    }
    if judges == Judged::Launches && selection.picks_prompts() {
        let message = "a launch serves prompts of all kinds, so it cannot be selected by them".to_owned();
        at.report(
            &["where"],
            message,
            Some("per = \"request\", or select by device, model or load".to_owned()),
        );
    }
    selection
}

/// The objective that `forbid_egress` at `line` is. Its name comes later.
pub(super) fn no_egress(line: u32) -> Objective {
    Objective {
        name: String::new(),
        line,
        judges: Judged::Launches,
        conditions: vec![Condition::NoEgress],
        demand: Demand::Every,
        selection: Selection::default(),
        baseline: None,
    }
}

/// Gives each objective its name: its own, else its metrics; a second one of the same metrics is numbered.
pub(super) fn name(
    objectives: &mut [Objective],
    words: &[SloWords],
    document: &Document<'_>,
    problems: &mut Problems,
) {
    let mut taken: Vec<String> = Vec::new();
    for (idx, words) in words.iter().enumerate() {
        let Some(name) = &words.name else { continue };
        let path = ["slo", &idx.to_string(), "name"];
        if name.trim().is_empty() || name.chars().any(char::is_control) || name.chars().count() > 80 {
            let hint = "one to 80 characters on one line".to_owned();
            problems.push(document.problem_at(&path, "this cannot be a name".to_owned(), Some(hint)));
        }
        if taken.contains(name) {
            problems.push(document.problem_at(&path, format!("two objectives are named `{name}`"), None));
        }
        taken.push(name.clone());
    }
    for objective in objectives.iter_mut().filter(|objective| objective.name.is_empty()) {
        let stem = match objective.demand {
            Demand::Drop { .. } => "accuracy drop".to_owned(),
            Demand::Share { .. } | Demand::Every => {
                objective.conditions.iter().map(word).collect::<Vec<_>>().join(" + ")
            }
        };
        let numbered = (2..).map(|n| format!("{stem} ({n})"));
        let free = std::iter::once(stem.clone()).chain(numbered).find(|name| !taken.contains(name));
        objective.name = free.unwrap_or(stem);
        taken.push(objective.name.clone());
    }
}

fn word(condition: &Condition) -> &str {
    match condition {
        Condition::Answered => ANSWERED,
        Condition::Passed => PASSED,
        Condition::NoEgress => NO_EGRESS,
        Condition::Limit { metric: id, .. } => metric(id).map_or(id.as_str(), |metric| without_unit(metric)),
    }
}
