//! Which requests a launch serves, in which order, with which seeds.
//!
//! Order and seeds depend on the repetition, not on the cell: launches of one repetition serve the same prompts in
//! the same order with the same seeds, so that cells can be compared in pairs.

use dyno_model::ids::PromptId;
use dyno_model::plan::PlannedRequest;
use dyno_model::request::Sampling;

use crate::seed::Stream;
use crate::suite::PromptOrder;

/// What all requests of a plan have in common.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// The prompts of a launch, in the order of their slice.
    pub(crate) prompts: Vec<PromptId>,
    pub(crate) order: PromptOrder,
    /// How answers are drawn; its seed is replaced for each request.
    pub(crate) sampling: Sampling,
    pub(crate) limit_ms: u64,
}

/// The requests of the launches of one repetition.
pub(crate) fn requests(offer: &Offer, repetition: u32, seed: u64) -> Vec<PlannedRequest> {
    let mut prompts: Vec<&PromptId> = offer.prompts.iter().collect();
    match offer.order {
        PromptOrder::Fixed => {}
        PromptOrder::Shuffled => {
            Stream::new(seed, "order of prompts", &repetition.to_string()).shuffle(&mut prompts);
        }
    }
    prompts
        .into_iter()
        .map(|prompt| {
            let place = format!("{repetition}/{prompt}");
            let draw = Stream::new(seed, "request", &place).next_u64();
            PlannedRequest {
                prompt: prompt.clone(),
                sampling: Sampling { seed: draw, ..offer.sampling.clone() },
                due_ns: None,
                limit_ms: offer.limit_ms,
            }
        })
        .collect()
}

/// `n` of `prompts`, taken evenly from all of them in their order; all, if there are no more than `n`.
pub(crate) fn evenly(prompts: Vec<PromptId>, n: usize) -> Vec<PromptId> {
    let total = prompts.len();
    if n >= total {
        return prompts;
    }
    (0..n).map(|i| prompts[i * total / n].clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ids(n: u32) -> Vec<PromptId> {
        (0..n).map(|i| PromptId(format!("p{i}"))).collect()
    }

    fn offer(order: PromptOrder) -> Offer {
        let sampling =
            Sampling { max_tokens: 8, ignore_eos: false, temperature_milli: 0, top_p_milli: 1000, seed: 0 };
        Offer { prompts: ids(12), order, sampling, limit_ms: 1000 }
    }

    fn order_of(requests: &[PlannedRequest]) -> Vec<PromptId> {
        requests.iter().map(|request| request.prompt.clone()).collect()
    }

    #[test]
    fn fixed_order_is_that_of_the_slice() {
        assert_eq!(order_of(&requests(&offer(PromptOrder::Fixed), 3, 9)), ids(12));
    }

    #[test]
    fn shuffled_order_has_every_prompt_once_and_follows_seed_and_repetition() {
        let of = |repetition, seed| order_of(&requests(&offer(PromptOrder::Shuffled), repetition, seed));
        assert_eq!(of(0, 1).into_iter().collect::<BTreeSet<_>>(), ids(12).into_iter().collect());
        assert_eq!(of(0, 1), of(0, 1));
        assert_ne!(of(0, 1), of(1, 1));
        assert_ne!(of(0, 1), of(0, 2));
    }

    #[test]
    fn each_request_has_a_seed_of_its_own_that_does_not_depend_on_the_order() {
        let fixed = requests(&offer(PromptOrder::Fixed), 0, 1);
        let seeds: BTreeSet<_> = fixed.iter().map(|request| request.sampling.seed).collect();
        assert_eq!(seeds.len(), 12);
        let shuffled = requests(&offer(PromptOrder::Shuffled), 0, 1);
        assert!(fixed.iter().all(|request| shuffled.contains(request)));
    }

    #[test]
    fn fewer_prompts_are_taken_from_all_of_the_slice() {
        let check = |total, n, expected: &[&str]| {
            let got: Vec<String> = evenly(ids(total), n).into_iter().map(|id| id.0).collect();
            assert_eq!(got, expected, "{n} of {total}");
        };
        check(10, 2, &["p0", "p5"]);
        check(10, 3, &["p0", "p3", "p6"]);
        check(3, 3, &["p0", "p1", "p2"]);
        check(2, 9, &["p0", "p1"]);
        check(4, 1, &["p0"]);
    }
}
