//! What there is room for: an answer within its context, a plan within memory, requests for all users.

use dyno_model::load::LoadModel;
use dyno_model::plan::Cell;

use crate::ask::Ask;
use crate::document::Document;
use crate::expand::Point;
use crate::problem::{Problem, Problems};
use crate::schedule::{Offer, n_requests};
use crate::suite::SuiteWords;

/// The most requests of a plan: some 200 MB of JSON.
const MAX_REQUESTS_OF_PLAN: usize = 1_000_000;

/// An answer must leave room for its prompt.
pub(crate) fn check_context(points: &[Point], suite: &SuiteWords, ask: &Ask, problems: &mut Problems) {
    if suite.fill_context {
        // What is left beside the prompt is what they may have.
        return;
    }
    let max_tokens = ask.max_tokens.unwrap_or(suite.max_tokens);
    let smallest = points.iter().map(|point| point.context_tokens).min();
    if let Some(context) = smallest.filter(|context| *context <= max_tokens) {
        let message =
            format!("{max_tokens} tokens of answer leave no room for a prompt in a context of {context}");
        problems.push(Problem::of_flag("--max-tokens", message, None));
    }
}

/// A plan is read as a whole; what would not fit in memory on a small controller is refused.
pub(crate) fn check_size(offer: &Offer<'_>, cells: &[Cell], repetitions: u32, problems: &mut Problems) {
    let of_round: usize = cells.iter().map(|cell| n_requests(offer, &cell.load)).sum();
    let total = of_round.saturating_mul(repetitions as usize);
    if total > MAX_REQUESTS_OF_PLAN {
        let message = format!("{total} requests, more than the {MAX_REQUESTS_OF_PLAN} that a plan can hold");
        let hint = "ask for fewer repetitions, requests, or points of the matrix".to_owned();
        problems.push(Problem::of_flag("--suite", message, Some(hint)));
    }
}

/// More users at once than requests would be fewer users than the report says.
pub(crate) fn check_workers(
    offer: &Offer<'_>,
    cells: &[Cell],
    (suite, document): (&str, &Document<'_>),
    problems: &mut Problems,
) {
    let idle = cells.iter().find_map(|cell| {
        let n = n_requests(offer, &cell.load);
        let idles = matches!(&cell.load, LoadModel::Closed { workers, .. } if *workers as usize > n);
        (idles && cell.hold.is_none()).then_some((cell, n))
    });
    if let Some((cell, n)) = idle {
        let message = format!("{n} requests are too few for this load: {}", cell.load.label());
        let hint = "ask for more with `requests` of the suite, or --requests".to_owned();
        problems.push(document.problem_at(&["suite", suite, "load"], message, Some(hint)));
    }
}
