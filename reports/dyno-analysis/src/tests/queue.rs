//! A record of a server with a queue, worked out event by event: what load does to it follows by hand.

use dyno_model::clock::MonoNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::{CellId, RunId};
use dyno_model::load::{Arrivals, LoadModel};
use dyno_model::plan::{Cell, Plan, PlannedSlo, SloLimit};
use dyno_model::proof::LoadFacts;

use super::sample::{Asked, End, launch, ok, plan, record};

pub(super) const MS: u64 = 1_000_000;

/// A server that answers `slots` requests at a time, the first come first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    pub(super) slots: usize,
    /// From its turn to its first token.
    pub(super) prefill_ms: u64,
    /// Between tokens, of a request that is alone.
    pub(super) token_ms: u64,
    /// How much longer, in percent, for each other request under way when it begins.
    pub(super) shared_percent: u64,
    pub(super) n_tokens: u64,
}

impl Server {
    /// Token times after `sent`, for requests sent at these instants in order; how long each waited for its turn.
    fn answers(&self, sent: &[u64]) -> Vec<(u64, Vec<u64>)> {
        let mut free = vec![0_u64; self.slots];
        let mut answers = Vec::new();
        for at in sent {
            let slot = (0..self.slots).min_by_key(|slot| free[*slot]).expect("a server has a slot");
            let turn = free[slot].max(*at);
            let n_others = free.iter().filter(|until| **until > turn).count() as u64;
            let token = self.token_ms * (100 + self.shared_percent * n_others) * MS / 100;
            let waited = turn - at;
            let first = waited + self.prefill_ms * MS;
            let tokens: Vec<u64> = (0..self.n_tokens).map(|i| first + i * token).collect();
            free[slot] = at + tokens[tokens.len() - 1];
            answers.push((waited, tokens));
        }
        answers
    }

    /// One launch of run `run` under a load that began at `began`, with requests due so long after that.
    pub(super) fn open(&self, run: u32, began: u64, dues: &[u64]) -> Vec<Event> {
        let sent: Vec<u64> = dues.iter().map(|due| began + due).collect();
        let mut kinds: Vec<(u64, EventKind)> = Vec::new();
        for (idx, (at, (waited, tokens))) in sent.iter().zip(self.answers(&sent)).enumerate() {
            let mut kind = record(&asked(idx, *at, &tokens));
            if let EventKind::Request(request) = &mut kind {
                (request.due_at, request.queue_ns) = (Some(MonoNs(*at)), Some(waited));
            }
            kinds.push((*at, kind));
        }
        with_requests(run, began, kinds)
    }

    /// One launch under a closed loop of `users`, each of whom asks again when its answer is complete.
    pub(super) fn closed(&self, run: u32, began: u64, users: usize, n: usize) -> Vec<Event> {
        let mut next = vec![began; users];
        let mut sent: Vec<u64> = Vec::new();
        let mut kinds = Vec::new();
        for idx in 0..n {
            let user = (0..users).min_by_key(|user| (next[*user], *user)).expect("there are users");
            sent.push(next[user]);
            let (_, tokens) = self.answers(&sent).pop().expect("one for each request");
            next[user] = sent[idx] + tokens[tokens.len() - 1];
            kinds.push((sent[idx], record(&asked(idx, sent[idx], &tokens))));
        }
        with_requests(run, began, kinds)
    }
}

fn asked(idx: usize, sent_at: u64, tokens: &[u64]) -> Asked {
    ok(idx as u32 % 3, sent_at, tokens, 20 + idx as u32 % 7)
}

/// A launch of those requests: ready just before its load began, and over just after the last of them.
fn with_requests(run: u32, began: u64, kinds: Vec<(u64, EventKind)>) -> Vec<Event> {
    let mut events = launch(run, 1, began - 1000, &[], &End::Valid);
    let ended = events.pop().expect("a launch ends");
    let n_sent = kinds.len() as u32;
    let mut last = began;
    for (idx, (at, mut kind)) in kinds.into_iter().enumerate() {
        if let EventKind::Request(request) = &mut kind {
            request.idx = idx as u32;
            request.ended_at = MonoNs(request.sent_at.0 + request.chunk_ns.last().copied().unwrap_or(0));
            last = last.max(request.ended_at.0);
        }
        events.push(Event { run: RunId(run), launch: 1, seq: 0, at: MonoNs(at), kind });
    }
    let in_flight = max_in_flight(&events);
    let facts = LoadFacts {
        began_at: MonoNs(began),
        ended_at: MonoNs(last),
        n_sent,
        max_in_flight: in_flight,
        ..LoadFacts::default()
    };
    let kind = EventKind::LoadEnded(Box::new(facts));
    events.push(Event { run: RunId(run), launch: 1, seq: 0, at: MonoNs(last), kind });
    events.push(Event { at: MonoNs(last + 1000), ..ended });
    for (seq, event) in (0..).zip(&mut events) {
        event.seq = seq;
    }
    events
}

fn max_in_flight(events: &[Event]) -> u32 {
    let requests = || {
        events.iter().filter_map(|event| match &event.kind {
            EventKind::Request(request) => Some((request.sent_at.0, request.ended_at.0)),
            _ => None,
        })
    };
    let under_way = |at: u64| requests().filter(|(sent, ended)| (*sent..*ended).contains(&at)).count();
    requests().map(|(sent, _)| under_way(sent)).max().unwrap_or(0) as u32
}

/// Constant gaps: the first request is due after one of them.
pub(super) fn every(gap_ms: u64, n: u64) -> Vec<u64> {
    (1..=n).map(|i| i * gap_ms * MS).collect()
}

/// Uneven gaps of that mean, in an order that repeats after seven.
pub(super) fn uneven(mean_ms: u64, n: u64) -> Vec<u64> {
    const PERMILLE: [u64; 7] = [100, 1900, 400, 1600, 250, 2600, 150];
    let gaps = (0..n).map(|i| PERMILLE[i as usize % 7] * mean_ms * MS / 1000);
    gaps.scan(0, |at, gap| {
        *at += gap;
        Some(*at)
    })
    .collect()
}

pub(super) fn open_load(arrivals: Arrivals, rate_milli_per_s: u64, n_requests: u32) -> LoadModel {
    LoadModel::Open { arrivals, rate_milli_per_s, ramp_to_milli_per_s: None, n_requests, max_in_flight: None }
}

/// A plan with one cell and one run of it for each load, whose requests are due so.
pub(super) fn plan_of(loads: &[(LoadModel, Vec<Option<u64>>)], slo: Option<PlannedSlo>) -> Plan {
    let mut all = plan(loads.len() as u32);
    let cell = all.cells.remove(0);
    for (place, (load, dues)) in loads.iter().enumerate() {
        let id = CellId(format!("cell-{place}"));
        all.cells.push(Cell { id: id.clone(), load: load.clone(), ..cell.clone() });
        let run = &mut all.runs[place];
        run.cell = id;
        let requests = run.requests.clone();
        run.requests = dues
            .iter()
            .zip(requests.iter().cycle())
            .map(|(due, request)| dyno_model::plan::PlannedRequest { due_ns: *due, ..request.clone() })
            .collect();
    }
    all.slo = slo;
    all
}

/// At least 95 % of the requests have their first token within `ttft_ms`, and their tokens at `tpot_ms`.
pub(super) fn slo(ttft_ms: u64, tpot_ms: u64) -> PlannedSlo {
    let limit = |metric: &str, ms: u64| SloLimit {
        metric: metric.to_owned(),
        limit_ns: ms * MS,
        fraction_milli: 950,
        confidence_milli: 950,
    };
    PlannedSlo {
        name: "interactive".to_owned(),
        description: "A chat that feels immediate.".to_owned(),
        limits: vec![limit("ttft", ttft_ms), limit("tpot", tpot_ms)],
    }
}
