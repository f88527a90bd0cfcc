//! Whose turn it is, and when: from a load model to instants of sending.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use dyno_model::clock::MonoNs;
use dyno_model::load::LoadModel;
use dyno_model::request::Request;

/// The requests of a launch in the order of their turns.
#[derive(Debug)]
pub(super) struct Turns<'a> {
    requests: std::iter::Peekable<std::slice::Iter<'a, Request>>,
    began_at: MonoNs,
    think_ns: u64,
    is_open: bool,
    /// Since when each free place is free; `None` where there is no limit.
    places: Option<BinaryHeap<Reverse<MonoNs>>>,
}

/// One request's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn<'a> {
    pub(super) request: &'a Request,
    /// When it is due; `None` in closed loops.
    pub(super) due_at: Option<MonoNs>,
    /// When it is to be sent.
    pub(super) at: MonoNs,
    /// It had to wait for a place.
    pub(super) is_held_back: bool,
}

impl<'a> Turns<'a> {
    /// Of a load that begins at `began_at`.
    pub(super) fn new(load: &LoadModel, requests: &'a [Request], began_at: MonoNs) -> Self {
        let (n_places, think_ms) = match load {
            LoadModel::Single { think_ms } => (Some(1), *think_ms),
            LoadModel::Closed { workers, think_ms } => (Some(*workers), *think_ms),
            LoadModel::Open { max_in_flight, .. } | LoadModel::Trace { max_in_flight, .. } => {
                (*max_in_flight, 0)
            }
        };
        // There is always a place, whatever was asked for.
        let places = n_places.map(|n| (0..n.max(1)).map(|_| Reverse(began_at)).collect());
        let requests = requests.iter().peekable();
        Self {
            requests,
            began_at,
            think_ns: think_ms.saturating_mul(1_000_000),
            is_open: load.is_open(),
            places,
        }
    }

    /// When the next one can be sent; `None` when there is none, or no place for it.
    pub(super) fn peek(&mut self) -> Option<MonoNs> {
        let request = *self.requests.peek()?;
        let due_at = self.due_at(request).unwrap_or(self.began_at);
        match &self.places {
            None => Some(due_at),
            Some(places) => places.peek().map(|Reverse(free_at)| due_at.max(*free_at)),
        }
    }

    /// The next one, which takes its place.
    pub(super) fn take(&mut self) -> Option<Turn<'a>> {
        let at = self.peek()?;
        let request = self.requests.next()?;
        if let Some(places) = &mut self.places {
            places.pop();
        }
        let due_at = self.due_at(request);
        Some(Turn { request, due_at, at, is_held_back: due_at.is_some_and(|due_at| at > due_at) })
    }

    /// A place is free since `at`: its request is over.
    pub(super) fn give_back(&mut self, at: MonoNs) {
        if let Some(places) = &mut self.places {
            places.push(Reverse(at.plus(self.think_ns)));
        }
    }

    fn due_at(&self, request: &Request) -> Option<MonoNs> {
        // In an open loop the plan names an instant for each; without one it would be due at once.
        self.is_open.then(|| self.began_at.plus(request.due_ns.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_model::load::Arrivals;
    use dyno_model::request::Sampling;

    fn requests(dues: &[u64]) -> Vec<Request> {
        let sampling =
            Sampling { max_tokens: 1, ignore_eos: false, temperature_milli: 0, top_p_milli: 1000, seed: 0 };
        let request = |(idx, due_ns): (u32, &u64)| Request {
            idx,
            prompt_id: "p".into(),
            messages: Vec::new(),
            sampling: sampling.clone(),
            due_ns: Some(*due_ns),
            limit_ms: 1,
        };
        (0..).zip(dues).map(request).collect()
    }

    fn open(max_in_flight: Option<u32>) -> LoadModel {
        LoadModel::Open {
            arrivals: Arrivals::Constant,
            rate_milli_per_s: 1,
            ramp_to_milli_per_s: None,
            n_requests: 3,
            max_in_flight,
        }
    }

    fn take(turns: &mut Turns<'_>) -> Option<(u64, Option<u64>, bool)> {
        turns.take().map(|turn| (turn.at.0, turn.due_at.map(|at| at.0), turn.is_held_back))
    }

    #[test]
    fn an_open_loop_asks_nobody() {
        let requests = requests(&[5, 5, 9]);
        let mut turns = Turns::new(&open(None), &requests, MonoNs(100));
        assert_eq!(take(&mut turns), Some((105, Some(105), false)));
        assert_eq!(take(&mut turns), Some((105, Some(105), false)));
        assert_eq!(turns.peek(), Some(MonoNs(109)));
        assert_eq!(take(&mut turns), Some((109, Some(109), false)));
        assert_eq!((take(&mut turns), turns.peek()), (None, None));
    }

    #[test]
    fn above_a_limit_a_request_waits_for_a_place() {
        let requests = requests(&[5, 6, 7, 40]);
        let mut turns = Turns::new(&open(Some(2)), &requests, MonoNs(100));
        assert_eq!(take(&mut turns), Some((105, Some(105), false)));
        assert_eq!(take(&mut turns), Some((106, Some(106), false)));
        assert_eq!((turns.peek(), take(&mut turns)), (None, None));
        turns.give_back(MonoNs(120));
        turns.give_back(MonoNs(110));
        // The place that was free first is taken first.
        assert_eq!(take(&mut turns), Some((110, Some(107), true)));
        assert_eq!(take(&mut turns), Some((140, Some(140), false)));
    }

    #[test]
    fn workers_think_after_an_answer_and_not_before_the_first() {
        let requests = requests(&[0, 0, 0]);
        let load = LoadModel::Closed { workers: 2, think_ms: 1 };
        let mut turns = Turns::new(&load, &requests, MonoNs(100));
        assert_eq!(take(&mut turns), Some((100, None, false)));
        assert_eq!(take(&mut turns), Some((100, None, false)));
        assert_eq!(turns.peek(), None);
        turns.give_back(MonoNs(500));
        assert_eq!(take(&mut turns), Some((1_000_500, None, false)));
    }
}
