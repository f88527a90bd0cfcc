//! `max_drop`: how far the share of prompts that pass may fall since a baseline.

use dyno_model::slo::{Condition, Demand};

use super::Place;
use super::condition::{PASSED, Read};
use super::objective::{confidence, share};
use super::words::{PerWord, SloWords};

/// The least confidence of a drop, in millionths: one end of an interval says nothing with less.
const LEAST_CONFIDENCE_PPM: u32 = 500_000;

/// The demand of an objective that has `max_drop`, or the `baseline` of one.
pub(super) fn of_drop(words: &SloWords, conditions: &[Read], at: &mut Place<'_, '_>) -> Option<Demand> {
    let Some(most) = words.max_drop else {
        let hint = "add max_drop = 0.05, or leave `baseline` out".to_owned();
        at.report(
            &["baseline"],
            "`baseline` without `max_drop`: nothing is held against it".to_owned(),
            Some(hint),
        );
        return None;
    };
    let is_passed =
        matches!(conditions, [Read { condition: Condition::Passed, .. }]) && words.limits.is_empty();
    // An objective without a usable metric has been told.
    if !conditions.is_empty() && !is_passed {
        let message = "`max_drop` is of answers that pass, and of nothing beside them".to_owned();
        at.report(&["max_drop"], message, Some(format!("metric = \"{PASSED}\"")));
    }
    for (key, is_set) in [("fraction", words.fraction.is_some()), ("every", words.every)] {
        if is_set {
            let message = format!("`{key}` beside `max_drop`: a drop is of the share of prompts that pass");
            at.report(
                &[key],
                message,
                Some(format!("leave out `{key}`, or make it an objective of its own")),
            );
        }
    }
    if words.baseline.as_ref().is_some_and(|name| name.trim().is_empty()) {
        let hint = "the name that `edgedyno baseline set` gave it".to_owned();
        at.report(&["baseline"], "this cannot be a baseline's name".to_owned(), Some(hint));
    }
    if words.per == Some(PerWord::Launch) {
        return None;
    }
    let most = share("max_drop", most, at);
    let confidence = confidence(words, at);
    if confidence.is_some_and(|ppm| ppm < LEAST_CONFIDENCE_PPM) {
        let message =
            "`confidence` of a drop is below 0.5, which would rather be wrong than right".to_owned();
        at.report(&["confidence"], message, Some("0.95 is usual".to_owned()));
        return None;
    }
    Some(Demand::Drop { most_ppm: most?, confidence_ppm: confidence? })
}
