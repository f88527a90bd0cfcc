//! Whose turn it is, and when: from a load model to instants of sending.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use dyno_model::care::Hold;
use dyno_model::clock::MonoNs;
use dyno_model::load::LoadModel;
use dyno_model::request::Request;

/// The requests of a launch in the order of their turns.
#[derive(Debug)]
pub(super) struct Turns<'a> {
    requests: &'a [Request],
    /// How many had their turn.
    n_taken: usize,
    hold: Option<Hold>,
    /// No more turns, whatever there is.
    is_closed: bool,
    /// In an open loop that is held, requests are due again after that long.
    round_ns: u64,
    began_at: MonoNs,
    think_ns: u64,
    is_open: bool,
    /// Since when each free place is free; `None` where there is no limit.
    places: Option<BinaryHeap<Reverse<MonoNs>>>,
}

/// One request's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn<'a> {
    /// A held load's own where it is not the first of its kind.
    pub(super) request: Cow<'a, Request>,
    /// When it is due; `None` in closed loops.
    pub(super) due_at: Option<MonoNs>,
    /// When it is to be sent.
    pub(super) at: MonoNs,
    /// It had to wait for a place.
    pub(super) is_held_back: bool,
}

impl<'a> Turns<'a> {
    /// Of a load that begins at `began_at` and goes on as `hold` says; `None` is until each request had its turn.
    pub(super) fn new(
        load: &LoadModel,
        requests: &'a [Request],
        hold: Option<Hold>,
        began_at: MonoNs,
    ) -> Self {
        let (n_places, think_ms) = match load {
            LoadModel::Single { think_ms } => (Some(1), *think_ms),
            LoadModel::Closed { workers, think_ms } => (Some(*workers), *think_ms),
            LoadModel::Open { max_in_flight, .. } | LoadModel::Trace { max_in_flight, .. } => {
                (*max_in_flight, 0)
            }
        };
        // There is always a place, whatever was asked for.
        let places = n_places.map(|n| (0..n.max(1)).map(|_| Reverse(began_at)).collect());
        Self {
            requests,
            n_taken: 0,
            hold,
            is_closed: false,
            round_ns: round_ns(requests),
            began_at,
            think_ns: think_ms.saturating_mul(1_000_000),
            is_open: load.is_open(),
            places,
        }
    }

    /// When the next one can be sent; `None` when there is none, or no place for it.
    pub(super) fn peek(&self) -> Option<MonoNs> {
        if self.is_closed || self.requests.is_empty() || self.n_taken >= self.most() {
            return None;
        }
        let due_at = self.due_at().unwrap_or(self.began_at);
        let at = match &self.places {
            None => due_at,
            Some(places) => places.peek().map(|Reverse(free_at)| due_at.max(*free_at))?,
        };
        let at = self.at_work(at);
        let is_over = self.hold.is_some_and(|hold| at.since(self.began_at) >= ns(hold.for_ms));
        (!is_over).then_some(at)
    }

    /// The next one, which takes its place.
    pub(super) fn take(&mut self) -> Option<Turn<'a>> {
        let at = self.peek()?;
        let due_at = self.due_at();
        let request = self.request();
        if let Some(places) = &mut self.places {
            places.pop();
        }
        self.n_taken += 1;
        Some(Turn { request, due_at, at, is_held_back: due_at.is_some_and(|due_at| at > due_at) })
    }

    /// Nobody has a turn any more.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether a held load ends because it has no more requests.
    pub(super) fn is_out_of_requests(&self) -> bool {
        self.n_taken >= self.most()
    }

    fn most(&self) -> usize {
        match &self.hold {
            None => self.requests.len(),
            Some(hold) => hold.max_requests.map_or(usize::MAX, |n| n as usize),
        }
    }

    /// The next request: those of a held load go round, and their numbers go on from the first one's.
    fn request(&self) -> Cow<'a, Request> {
        let request = &self.requests[self.n_taken % self.requests.len()];
        let idx = self.requests[0].idx.saturating_add(u32::try_from(self.n_taken).unwrap_or(u32::MAX));
        if self.hold.is_none() || idx == request.idx {
            return Cow::Borrowed(request);
        }
        Cow::Owned(Request { idx, ..request.clone() })
    }

    /// `at`, or the begin of the next time of work where that is one of rest.
    fn at_work(&self, at: MonoNs) -> MonoNs {
        let Some(duty) = self.hold.and_then(|hold| hold.duty) else { return at };
        let (work_ns, cycle_ns) = (ns(duty.work_ms), ns(duty.work_ms).saturating_add(ns(duty.rest_ms)));
        let since_ns = at.since(self.began_at);
        // A cycle without work would never come to it.
        if work_ns == 0 || since_ns % cycle_ns < work_ns {
            return at;
        }
        self.began_at.plus((since_ns / cycle_ns + 1).saturating_mul(cycle_ns))
    }

    /// A place is free since `at`: its request is over.
    pub(super) fn give_back(&mut self, at: MonoNs) {
        if let Some(places) = &mut self.places {
            places.push(Reverse(at.plus(self.think_ns)));
        }
    }

    fn due_at(&self) -> Option<MonoNs> {
        // In an open loop the plan names an instant for each; without one it would be due at once.
        let (round, idx) = (self.n_taken / self.requests.len(), self.n_taken % self.requests.len());
        let due_ns = self.requests[idx].due_ns.unwrap_or(0);
        let due_ns = due_ns.saturating_add(self.round_ns.saturating_mul(round as u64));
        self.is_open.then(|| self.began_at.plus(due_ns))
    }
}

fn ns(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}

/// How long the plan's requests last in an open loop: the last due, and once more the mean time between two of them.
fn round_ns(requests: &[Request]) -> u64 {
    let n = requests.len() as u64;
    let last_ns = requests.iter().filter_map(|request| request.due_ns).max().unwrap_or(0);
    let gap_ns = last_ns.checked_div(n.saturating_sub(1)).unwrap_or(last_ns);
    // Requests that are all due at once come again after a second each: house rule.
    if last_ns == 0 { n.saturating_mul(1_000_000_000) } else { last_ns.saturating_add(gap_ns) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_model::load::Arrivals;
    use dyno_model::request::Sampling;

    fn requests(dues: &[u64]) -> Vec<Request> {
        let sampling = Sampling::greedy(1);
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
        let mut turns = Turns::new(&open(None), &requests, None, MonoNs(100));
        assert_eq!(take(&mut turns), Some((105, Some(105), false)));
        assert_eq!(take(&mut turns), Some((105, Some(105), false)));
        assert_eq!(turns.peek(), Some(MonoNs(109)));
        assert_eq!(take(&mut turns), Some((109, Some(109), false)));
        assert_eq!((take(&mut turns), turns.peek()), (None, None));
    }

    #[test]
    fn above_a_limit_a_request_waits_for_a_place() {
        let requests = requests(&[5, 6, 7, 40]);
        let mut turns = Turns::new(&open(Some(2)), &requests, None, MonoNs(100));
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
        let mut turns = Turns::new(&load, &requests, None, MonoNs(100));
        assert_eq!(take(&mut turns), Some((100, None, false)));
        assert_eq!(take(&mut turns), Some((100, None, false)));
        assert_eq!(turns.peek(), None);
        turns.give_back(MonoNs(500));
        assert_eq!(take(&mut turns), Some((1_000_500, None, false)));
    }

    fn hold(for_ms: u64) -> Hold {
        Hold { for_ms, max_requests: None, steady_after_ms: None, duty: None }
    }

    /// Number, place in the plan and instant of each turn; each request takes 10 ms.
    fn held(hold: Hold) -> Vec<(u32, String, u64)> {
        let mut requests = requests(&[0, 0]);
        requests[1].prompt_id = "q".into();
        let load = LoadModel::Single { think_ms: 0 };
        let mut turns = Turns::new(&load, &requests, Some(hold), MonoNs(0));
        let mut all = Vec::new();
        while let Some(turn) = turns.take() {
            all.push((turn.request.idx, turn.request.prompt_id.to_string(), turn.at.0 / 1_000_000));
            turns.give_back(turn.at.plus(10_000_000));
        }
        all
    }

    #[test]
    fn a_held_load_goes_round_until_its_time_is_over() {
        let p_q = |n: u32| if n.is_multiple_of(2) { "p" } else { "q" }.to_owned();
        let expected = |n| (0..n).map(|n| (n, p_q(n), u64::from(n) * 10)).collect::<Vec<_>>();
        // The one at 50 ms would be begun when the time is over.
        assert_eq!(held(hold(50)), expected(5));
        assert_eq!(held(hold(51)), expected(6));
        assert_eq!(held(Hold { max_requests: Some(3), ..hold(50) }), expected(3));
        assert_eq!(held(hold(0)), []);
    }

    #[test]
    fn in_a_duty_cycle_none_is_begun_in_the_rest() {
        let duty = Some(dyno_model::care::Duty { work_ms: 15, rest_ms: 20 });
        let at: Vec<u64> = held(Hold { duty, ..hold(110) }).into_iter().map(|turn| turn.2).collect();
        // Work from 0 to 15, from 35 to 50, from 70 to 85, from 105 to 120 ms.
        assert_eq!(at, [0, 10, 35, 45, 70, 80, 105]);
    }

    #[test]
    fn numbers_of_a_held_load_go_on_where_an_earlier_launch_stopped() {
        let mut requests = requests(&[0, 0]);
        (requests[0].idx, requests[1].idx) = (7, 8);
        let mut turns = Turns::new(&LoadModel::Single { think_ms: 0 }, &requests, Some(hold(50)), MonoNs(0));
        for idx in 7..11 {
            assert_eq!(turns.take().map(|turn| turn.request.idx), Some(idx));
            turns.give_back(MonoNs(0));
        }
        turns.close();
        assert_eq!(turns.peek(), None);
    }

    #[test]
    fn an_open_loop_that_is_held_keeps_its_rate() {
        let requests = requests(&[0, 100, 200]);
        let mut turns = Turns::new(&open(None), &requests, Some(hold(1)), MonoNs(1000));
        let dues: Vec<_> = (0..6).filter_map(|_| turns.take()?.due_at).map(|at| at.0).collect();
        assert_eq!(dues, [1000, 1100, 1200, 1300, 1400, 1500]);
    }
}
