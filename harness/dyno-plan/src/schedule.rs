//! Which requests a launch serves, in which order, with which seeds, and when each is due.
//!
//! Order, seeds and arrivals depend on the repetition, not on the cell: launches of one repetition serve the same
//! prompts in the same order with the same seeds, so that cells can be compared in pairs.

use dyno_model::ids::PromptId;
use dyno_model::load::LoadModel;
use dyno_model::plan::{PlannedRequest, TraceLengths};
use dyno_model::request::Sampling;

use crate::arrivals::{Rates, due_ns};
use crate::lengths::Lengths;
use crate::seed::Stream;
use crate::suite::PromptOrder;
use crate::trace::{Row, Traces};

/// What all requests of a plan have in common.
#[derive(Debug)]
pub(crate) struct Offer<'t> {
    /// The prompts to choose from, in the order of their slice.
    pub(crate) prompts: Vec<PromptId>,
    /// The same by length, for traces.
    pub(crate) lengths: Lengths,
    pub(crate) order: PromptOrder,
    /// Requests of a launch whose load does not say; `None` is each prompt once.
    pub(crate) n_requests: Option<u32>,
    /// Longest answers of requests in turn; empty is that of `sampling` for all.
    pub(crate) max_tokens_in_turn: Vec<u32>,
    /// How answers are drawn; its seed is replaced for each request.
    pub(crate) sampling: Sampling,
    pub(crate) limit_ms: u64,
    pub(crate) traces: &'t Traces,
}

/// How many requests a launch with `load` makes.
pub(crate) fn n_requests(offer: &Offer<'_>, load: &LoadModel) -> usize {
    match load {
        LoadModel::Single { .. } | LoadModel::Closed { .. } => {
            offer.n_requests.map_or(offer.prompts.len(), |n| n as usize)
        }
        LoadModel::Open { n_requests, .. } | LoadModel::Trace { n_requests, .. } => *n_requests as usize,
    }
}

/// The requests of the launches of one repetition under one load.
pub(crate) fn requests(
    offer: &Offer<'_>,
    load: &LoadModel,
    repetition: u32,
    seed: u64,
) -> Vec<PlannedRequest> {
    match load {
        LoadModel::Single { .. } | LoadModel::Closed { .. } => {
            rounds(offer, n_requests(offer, load), repetition, seed)
        }
        LoadModel::Open { arrivals, rate_milli_per_s, ramp_to_milli_per_s, n_requests, max_in_flight: _ } => {
            let to_milli_per_s = ramp_to_milli_per_s.unwrap_or(*rate_milli_per_s);
            let rates = Rates { from_milli_per_s: *rate_milli_per_s, to_milli_per_s };
            let due = due_ns(*arrivals, rates, *n_requests, seed, repetition);
            rounds(offer, due.len(), repetition, seed)
                .into_iter()
                .zip(due)
                .map(|(request, due_ns)| PlannedRequest { due_ns: Some(due_ns), ..request })
                .collect()
        }
        LoadModel::Trace {
            file,
            speed_milli,
            from_ms,
            duration_ms,
            n_requests,
            digest: _,
            max_in_flight: _,
        } => {
            let part = offer
                .traces
                .get(file)
                .map_or(&[][..], |trace| trace.part(*from_ms, *duration_ms, Some(*n_requests)));
            let replay = Replay { from_ns: from_ms.saturating_mul(1_000_000), speed_milli: *speed_milli };
            replay.requests(offer, part, repetition, seed)
        }
    }
}

/// `n` requests: some of the prompts if there are more of them, else all of them in as many rounds as it takes.
fn rounds(offer: &Offer<'_>, n: usize, repetition: u32, seed: u64) -> Vec<PlannedRequest> {
    let chosen = evenly(offer.prompts.iter().collect(), n);
    let mut requests = Vec::with_capacity(n);
    for round in 0_u32.. {
        if chosen.is_empty() || requests.len() >= n {
            break;
        }
        // The first round has the names that it had when there was only one.
        let suffix = if round == 0 { String::new() } else { format!("/{round}") };
        let mut prompts = chosen.clone();
        match offer.order {
            PromptOrder::Fixed => {}
            PromptOrder::Shuffled => {
                Stream::new(seed, "order of prompts", &format!("{repetition}{suffix}")).shuffle(&mut prompts);
            }
        }
        prompts.truncate(n - requests.len());
        requests.extend(prompts.into_iter().map(|prompt| {
            let draw = Stream::new(seed, "request", &format!("{repetition}/{prompt}{suffix}")).next_u64();
            PlannedRequest {
                prompt: prompt.clone(),
                sampling: Sampling { seed: draw, ..offer.sampling.clone() },
                due_ns: None,
                limit_ms: offer.limit_ms,
                trace: None,
            }
        }));
    }
    for (request, max_tokens) in requests.iter_mut().zip(offer.max_tokens_in_turn.iter().cycle()) {
        request.sampling.max_tokens = (*max_tokens).min(offer.sampling.max_tokens);
    }
    requests
}

/// A trace at a speed.
struct Replay {
    /// When it begins, in the trace's time.
    from_ns: u64,
    speed_milli: u32,
}

impl Replay {
    fn requests(&self, offer: &Offer<'_>, part: &[Row], repetition: u32, seed: u64) -> Vec<PlannedRequest> {
        let mut lengths = offer.lengths.clone();
        let matched = part.iter().filter_map(|row| Some((row, lengths.take(row.input_tokens)?)));
        (0_u32..)
            .zip(matched)
            .map(|(idx, (row, (prompt, prompt_estimate_tokens)))| {
                let draw = Stream::new(seed, "request of a trace", &format!("{repetition}/{idx}")).next_u64();
                PlannedRequest {
                    prompt,
                    sampling: Sampling {
                        seed: draw,
                        max_tokens: row.output_tokens.clamp(1, offer.sampling.max_tokens.max(1)),
                        ..offer.sampling.clone()
                    },
                    due_ns: Some(self.due_ns(row)),
                    limit_ms: offer.limit_ms,
                    trace: Some(TraceLengths {
                        input_tokens: row.input_tokens,
                        output_tokens: row.output_tokens,
                        prompt_estimate_tokens,
                    }),
                }
            })
            .collect()
    }

    fn due_ns(&self, row: &Row) -> u64 {
        let since = u128::from(row.at_ns.saturating_sub(self.from_ns));
        u64::try_from(since * 1000 / u128::from(self.speed_milli.max(1))).unwrap_or(u64::MAX)
    }
}

/// `n` of `items`, taken evenly from all of them in their order; all, if there are no more than `n`.
fn evenly<T: Copy>(items: Vec<T>, n: usize) -> Vec<T> {
    let total = items.len();
    if n >= total {
        return items;
    }
    (0..n).map(|i| items[i * total / n]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::LazyLock;

    use dyno_model::load::Arrivals;

    use super::*;

    fn ids(n: u32) -> Vec<PromptId> {
        (0..n).map(|i| PromptId(format!("p{i}"))).collect()
    }

    const SINGLE: LoadModel = LoadModel::Single { think_ms: 0 };

    static NO_TRACES: LazyLock<Traces> = LazyLock::new(Traces::default);

    fn offer(order: PromptOrder) -> Offer<'static> {
        let sampling = Sampling::greedy(8);
        Offer {
            prompts: ids(12),
            lengths: Lengths::default(),
            order,
            n_requests: None,
            max_tokens_in_turn: Vec::new(),
            sampling,
            limit_ms: 1000,
            traces: &NO_TRACES,
        }
    }

    fn single(offer: &Offer<'_>, repetition: u32, seed: u64) -> Vec<PlannedRequest> {
        requests(offer, &SINGLE, repetition, seed)
    }

    fn order_of(requests: &[PlannedRequest]) -> Vec<PromptId> {
        requests.iter().map(|request| request.prompt.clone()).collect()
    }

    #[test]
    fn fixed_order_is_that_of_the_slice() {
        assert_eq!(order_of(&single(&offer(PromptOrder::Fixed), 3, 9)), ids(12));
    }

    #[test]
    fn shuffled_order_has_every_prompt_once_and_follows_seed_and_repetition() {
        let of = |repetition, seed| order_of(&single(&offer(PromptOrder::Shuffled), repetition, seed));
        assert_eq!(of(0, 1).into_iter().collect::<BTreeSet<_>>(), ids(12).into_iter().collect());
        assert_eq!(of(0, 1), of(0, 1));
        assert_ne!(of(0, 1), of(1, 1));
        assert_ne!(of(0, 1), of(0, 2));
    }

    #[test]
    fn each_request_has_a_seed_of_its_own_that_does_not_depend_on_the_order() {
        let fixed = single(&offer(PromptOrder::Fixed), 0, 1);
        let seeds: BTreeSet<_> = fixed.iter().map(|request| request.sampling.seed).collect();
        assert_eq!(seeds.len(), 12);
        let shuffled = single(&offer(PromptOrder::Shuffled), 0, 1);
        assert!(fixed.iter().all(|request| shuffled.contains(request)));
    }

    #[test]
    fn fewer_prompts_are_taken_from_all_of_the_slice() {
        let check = |total, n, expected: &[&str]| {
            let got: Vec<String> =
                evenly(ids(total).iter().collect(), n).into_iter().map(|id| id.0.clone()).collect();
            assert_eq!(got, expected, "{n} of {total}");
        };
        check(10, 2, &["p0", "p5"]);
        check(10, 3, &["p0", "p3", "p6"]);
        check(3, 3, &["p0", "p1", "p2"]);
        check(2, 9, &["p0", "p1"]);
        check(4, 1, &["p0"]);
    }

    #[test]
    fn more_requests_than_prompts_go_round_and_fewer_are_taken_evenly() {
        let of = |n| Offer { n_requests: Some(n), ..offer(PromptOrder::Shuffled) };
        let long = single(&of(30), 2, 5);
        assert_eq!(long.len(), 30);
        assert_eq!(long[..12], single(&offer(PromptOrder::Shuffled), 2, 5));
        let set = |requests: &[PlannedRequest]| order_of(requests).into_iter().collect::<BTreeSet<_>>();
        assert_eq!(set(&long[12..24]), ids(12).into_iter().collect());
        assert_ne!(order_of(&long[..12]), order_of(&long[12..24]), "each round has an order of its own");
        let seeds: BTreeSet<_> = long.iter().map(|request| request.sampling.seed).collect();
        assert_eq!(seeds.len(), 30);
        assert_eq!(set(&single(&of(2), 0, 1)), [PromptId::from("p0"), PromptId::from("p6")].into());
        assert_eq!(single(&Offer { prompts: Vec::new(), ..of(5) }, 0, 1), []);
    }

    #[test]
    fn answers_in_turn_have_their_lengths_and_no_more_than_the_longest() {
        let offer = Offer { max_tokens_in_turn: vec![1, 5, 9], ..offer(PromptOrder::Shuffled) };
        let found = single(&offer, 0, 1);
        let lengths: Vec<u32> = found.iter().map(|request| request.sampling.max_tokens).collect();
        assert_eq!(lengths, [1, 5, 8, 1, 5, 8, 1, 5, 8, 1, 5, 8]);
    }

    #[test]
    fn an_open_loop_has_instants_beside_the_requests_that_a_closed_one_has() {
        let open = LoadModel::Open {
            arrivals: Arrivals::Constant,
            rate_milli_per_s: 500,
            ramp_to_milli_per_s: None,
            n_requests: 12,
            max_in_flight: None,
        };
        let offer = offer(PromptOrder::Shuffled);
        let found = requests(&offer, &open, 1, 3);
        let due: Vec<_> = found.iter().map(|request| request.due_ns).collect();
        assert_eq!(due, (1..=12).map(|i| Some(i * 2_000_000_000)).collect::<Vec<_>>());
        let without = |request: &PlannedRequest| PlannedRequest { due_ns: None, ..request.clone() };
        let closed = requests(&offer, &LoadModel::Closed { workers: 3, think_ms: 0 }, 1, 3);
        assert_eq!(found.iter().map(without).collect::<Vec<_>>(), closed);
    }
}
