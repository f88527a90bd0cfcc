//! One condition of an objective: a metric and its limit.

use dyno_model::metric::{Direction, METRICS, Metric, Population, Unit};
use dyno_model::slo::Condition;

use super::Place;
use super::words::Written;
use crate::problem::{known_words, nearest};

/// The word for "it ended well": no metric of the catalogue, for it has no value.
pub(super) const ANSWERED: &str = "answered";

/// The metric of answers that a grader accepts: a condition without a limit.
pub(super) const PASSED: &str = "passed";

/// Keys of limits, with the unit that they are in, and how many of the metric's own units one of theirs is.
const KEYS: [(&str, Unit, f64); 8] = [
    ("limit_ns", Unit::Ns, 1.0),
    ("limit_ms", Unit::Ns, 1e6),
    ("limit_s", Unit::Ns, 1e9),
    ("limit_tokens_per_s", Unit::TokensPerSecond, 1.0),
    ("limit_bytes", Unit::Bytes, 1.0),
    ("limit_tokens", Unit::Tokens, 1.0),
    ("limit_j", Unit::Joules, 1.0),
    ("limit_ratio", Unit::Ratio, 1.0),
];

/// A metric that can be judged, by its id.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read {
    pub(super) condition: Condition,
    /// What the metric has a value for; `None` for [`ANSWERED`], which fits both.
    pub(super) population: Option<Population>,
}

/// The condition that `metric` and its limits are; `below` is where they stand below the objective.
pub(super) fn condition(
    metric: &str,
    written: &[Written],
    below: &[&str],
    at: &mut Place<'_, '_>,
) -> Option<Read> {
    let without_limit = match metric {
        ANSWERED => Some((Condition::Answered, None, "a request is answered or it is not")),
        PASSED => Some((Condition::Passed, Some(Population::Request), "an answer passes or it does not")),
        _ => None,
    };
    if let Some((condition, population, why)) = without_limit {
        if let Some(first) = written.first() {
            let message = format!("`{metric}` has no limit: {why}");
            at.report(&path(below, first.key), message, Some(format!("leave `{}` out", first.key)));
        }
        return Some(Read { condition, population });
    }
    let Some(found) = find_metric(metric) else {
        at.report(&path(below, "metric"), format!("unknown metric `{metric}`"), Some(known_metrics(metric)));
        return None;
    };
    if found.direction == Direction::Neutral {
        at.report(&path(below, "metric"), format!("`{}` has no better or worse", found.id), None);
    }
    let limit = limit(found, written, below, at)?;
    let condition = Condition::Limit { metric: found.id.to_owned(), limit };
    Some(Read { condition, population: Some(found.population) })
}

fn limit(metric: &Metric, written: &[Written], below: &[&str], at: &mut Place<'_, '_>) -> Option<f64> {
    let fitting: Vec<&str> =
        KEYS.iter().filter(|(_, unit, _)| *unit == metric.unit).map(|(key, ..)| *key).collect();
    let hint = Some(format!("for `{}` write {}", metric.id, fitting.join(" or ")));
    match written {
        [] => {
            at.report(&path(below, "metric"), format!("no limit for `{}`", metric.id), hint);
            None
        }
        [one] => {
            let of_metric = |(key, unit, _): &&(&str, Unit, f64)| *key == one.key && *unit == metric.unit;
            if let Some((_, _, scale)) = KEYS.iter().find(of_metric) {
                return possible(metric, *one, below, at).then_some(one.value * scale);
            }
            at.report(&path(below, one.key), format!("`{}` is no unit of `{}`", one.key, metric.id), hint);
            None
        }
        [.., last] => {
            at.report(&path(below, last.key), "more than one limit".to_owned(), hint);
            None
        }
    }
}

/// Whether a limit can be kept, and can be missed.
fn possible(metric: &Metric, written: Written, below: &[&str], at: &mut Place<'_, '_>) -> bool {
    let (key, value) = (written.key, written.value);
    let why = match metric.direction {
        // The schema has told it.
        _ if value < 0.0 => return false,
        _ if !value.is_finite() => "is no number that anything can be held against",
        Direction::LowerIsBetter if value <= 0.0 => "cannot be kept: nothing has less than that",
        Direction::HigherIsBetter if value <= 0.0 => "cannot be missed: everything has more than that",
        Direction::LowerIsBetter | Direction::HigherIsBetter | Direction::Neutral => return true,
    };
    at.report(&path(below, key), format!("`{key}` is {value}, which {why}"), Some("above 0".to_owned()));
    false
}

fn path<'p>(below: &[&'p str], key: &'p str) -> Vec<&'p str> {
    below.iter().copied().chain([key]).collect()
}

/// The hint for a word that is no metric: a slip of a short word is one, too.
fn known_metrics(word: &str) -> String {
    let ids: Vec<&str> = METRICS.iter().map(|metric| metric.id).chain([ANSWERED]).collect();
    let short: Vec<&str> = METRICS.iter().map(without_unit).collect();
    match nearest(word, &short).filter(|near| nearest(word, &ids).is_none() && !ids.contains(near)) {
        Some(near) => format!("did you mean `{near}`? known: {}", ids.join(", ")),
        None => known_words(word, &ids),
    }
}

/// The metric of that id, with or without its unit.
fn find_metric(word: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.id == word || without_unit(metric) == word)
}

/// `ttft` of `ttft_ns`; an id without its unit at its end is returned as it is. A ratio is no unit but a figure of its
/// own: `sustained_ratio` is not `sustained`.
pub(super) fn without_unit(metric: &Metric) -> &'static str {
    let unit = match metric.unit {
        Unit::Ns => "_ns",
        Unit::TokensPerSecond => "_tokens_per_s",
        Unit::Bytes => "_bytes",
        Unit::Tokens => "_tokens",
        Unit::Joules => "_j",
        Unit::Ratio => return metric.id,
    };
    metric.id.strip_suffix(unit).unwrap_or(metric.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_found_with_and_without_its_unit() {
        let check = |word: &str, expected: Option<&str>| {
            assert_eq!(find_metric(word).map(|metric| metric.id), expected, "{word}");
        };
        check("ttft", Some("ttft_ns"));
        check("ttft_ns", Some("ttft_ns"));
        check("j_per_request", Some("j_per_request"));
        check("sustained", Some("sustained_tokens_per_s"));
        check("sustained_ratio", Some("sustained_ratio"));
        check("load", Some("load_ns"));
        check("_ns", None);
        check("", None);
    }

    #[test]
    fn a_slip_of_a_short_word_is_one() {
        let check = |word: &str, expected: &str| {
            assert!(
                known_metrics(word)
                    .starts_with(&format!("did you mean `{expected}`? known: ttft_sched_ns, ")),
                "{word}"
            );
        };
        check("tpo", "tpot");
        check("ttft_n", "ttft_ns");
        check("answerd", "answered");
        assert!(known_metrics("colour").starts_with("known: ttft_sched_ns, "));
    }

    #[test]
    fn no_two_metrics_share_a_word() {
        let mut words: Vec<&str> = METRICS.iter().map(|metric| metric.id).collect();
        words.extend(METRICS.iter().map(without_unit));
        words.sort_unstable();
        for pair in words.windows(2) {
            let is_itself = METRICS.iter().any(|of| of.id == pair[0] && without_unit(of) == of.id);
            assert!(pair[0] != pair[1] || is_itself, "{}", pair[0]);
        }
    }
}
