//! What the record holds of each run, as far as rules for leaving out runs look at it.

use std::collections::BTreeMap;

use dyno_model::event::{Event, EventKind};
use dyno_model::ids::RunId;
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::plan::{Plan, PlannedRun, SloLimit};
use dyno_model::request::{ChunkKind, RequestRecord};

use crate::derive::{Answer, Derived, derive};
use crate::record::Record;

/// Evidence by run.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence(BTreeMap<RunId, OfRun>);

#[derive(Debug, Clone, Default)]
struct OfRun {
    requests: BTreeMap<u32, Seen>,
    /// Launches by number.
    launches: BTreeMap<u16, End>,
}

/// How a launch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Not yet, or the record was cut off before its end: its finished requests count.
    Open,
    /// We stopped it: what it did not serve is still to be measured.
    Cancelled { is_valid: bool },
    /// By itself: what it did not serve will never be.
    Over { is_valid: bool },
}

impl End {
    fn is_valid(self) -> bool {
        match self {
            Self::Open => true,
            Self::Cancelled { is_valid } | Self::Over { is_valid } => is_valid,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    launch: u16,
    /// `None` when it did not end well.
    figures: Option<Figures>,
}

/// What a request that ended well is judged by, in ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    ttft: Option<u64>,
    tpot: Option<u64>,
    e2e: Option<u64>,
}

impl Figures {
    /// In open loops latencies count from the due. An answer of one token has no gap that could be too long.
    fn of(derived: &Derived, osl: Option<u32>, is_open: bool) -> Self {
        let from_due = (derived.ttft_sched_ns, derived.e2e_sched_ns);
        let (ttft, e2e) = if is_open { from_due } else { (derived.ttft_ns, derived.e2e_ns) };
        Self { ttft, tpot: derived.tpot_ns.or((osl == Some(1)).then_some(0)), e2e }
    }

    pub(super) fn value(&self, metric: &str) -> Option<u64> {
        match metric {
            "ttft" => self.ttft,
            "tpot" => self.tpot,
            "e2e" => self.e2e,
            _ => None,
        }
    }
}

impl Evidence {
    /// Takes one event; it may come again.
    pub(super) fn take(&mut self, plan: &Plan, event: &Event) {
        let run = self.0.entry(event.run).or_default();
        let launch = run.launches.entry(event.launch).or_insert(End::Open);
        match &event.kind {
            EventKind::LaunchEnded { outcome, validity, .. } => {
                let is_valid = match validity {
                    Validity::Valid => true,
                    Validity::Invalid { reasons } => reasons.is_empty(),
                };
                *launch = match outcome {
                    Outcome::Cancelled => End::Cancelled { is_valid },
                    _ => End::Over { is_valid },
                };
            }
            EventKind::Request(request) if request.outcome != Outcome::Cancelled => {
                let is_open = is_open(plan, event.run);
                let figures = request.outcome.is_ok().then(|| figures(request, is_open));
                run.take(request.idx, Seen { launch: event.launch, figures });
            }
            _ => {}
        }
    }

    /// The same of a whole record.
    pub(super) fn of(record: &Record<'_>) -> Self {
        let mut evidence = Self::default();
        for row in &record.launches {
            let is_valid = row.invalid.as_ref().is_none_or(Vec::is_empty);
            let end = match row.outcome.as_deref() {
                None => End::Open,
                Some("cancelled") => End::Cancelled { is_valid },
                Some(_) => End::Over { is_valid },
            };
            let launch = u16::try_from(row.launch).unwrap_or(u16::MAX);
            evidence.0.entry(RunId(row.run)).or_default().launches.insert(launch, end);
        }
        let requests = &record.requests;
        for row in (0..requests.len()).filter(|row| requests.outcome[*row] != "cancelled") {
            let run = RunId(requests.run[row]);
            let is_open = is_open(record.plan, run);
            let figures = (requests.outcome[row] == "ok")
                .then(|| Figures::of(&record.derived[row], requests.completion_tokens[row], is_open));
            let launch = u16::try_from(requests.launch[row]).unwrap_or(u16::MAX);
            evidence.0.entry(run).or_default().take(requests.idx[row], Seen { launch, figures });
        }
        evidence
    }

    /// Whether anything of the run is in the record.
    pub(super) fn has_begun(&self, run: RunId) -> bool {
        self.0.contains_key(&run)
    }

    /// Whether every request of the run was measured, or will never be.
    pub(super) fn is_over(&self, run: &PlannedRun) -> bool {
        let Some(of) = self.0.get(&run.id) else { return false };
        of.requests.len() >= run.requests.len()
            || of.launches.last_key_value().is_some_and(|(_, end)| matches!(end, End::Over { .. }))
    }

    /// What these runs show together: launches whose numbers may be used.
    pub(super) fn tally<'p>(&self, runs: impl IntoIterator<Item = &'p PlannedRun>) -> Tally {
        let mut tally = Tally::default();
        for run in runs {
            if let Some(of) = self.0.get(&run.id) {
                of.add_to(&mut tally, run.requests.len());
            }
        }
        tally
    }
}

fn is_open(plan: &Plan, run: RunId) -> bool {
    plan.run(run).and_then(|run| plan.cell(&run.cell)).is_some_and(|cell| cell.load.is_open())
}

fn figures(request: &RequestRecord, is_open: bool) -> Figures {
    let is_token =
        |chunk: &usize| request.chunk_kind[*chunk] != ChunkKind::Role && request.chunk_bytes[*chunk] > 0;
    let mut tokens = (0..request.chunk_ns.len()).filter(is_token).map(|chunk| request.chunk_ns[chunk]);
    let (first_ns, second_ns) = (tokens.next(), tokens.next());
    let last_ns = tokens.next_back().or(second_ns).or(first_ns);
    let osl = request.usage.completion_tokens;
    let send_lag_ns = request.due_at.and_then(|due| request.sent_at.0.checked_sub(due.0));
    let derived = derive(&Answer { first_ns, second_ns, last_ns, osl, send_lag_ns, ..Answer::default() });
    Figures::of(&derived, osl, is_open)
}

impl OfRun {
    /// Of several records of one request, one that ended well is kept, as in the tables.
    fn take(&mut self, idx: u32, seen: Seen) {
        let kept = self.requests.entry(idx).or_insert(seen);
        if kept.figures.is_none() && seen.figures.is_some() {
            *kept = seen;
        }
    }

    fn add_to(&self, tally: &mut Tally, n_planned: usize) {
        let mut by_launch: BTreeMap<u16, u64> = BTreeMap::new();
        let is_valid = |launch: u16| self.launches.get(&launch).copied().unwrap_or(End::Open).is_valid();
        for seen in self.requests.values().filter(|seen| is_valid(seen.launch)) {
            tally.requests.push(seen.figures);
            *by_launch.entry(seen.launch).or_default() += 1;
        }
        if let Some((launch, End::Over { is_valid: true })) = self.launches.last_key_value() {
            let n_unsent = n_planned.saturating_sub(self.requests.len()) as u64;
            tally.n_unsent += n_unsent;
            *by_launch.entry(*launch).or_default() += n_unsent;
        }
        let largest = by_launch.into_values().max().unwrap_or(0);
        tally.largest_launch = tally.largest_launch.max(largest);
    }
}

/// Requests of some runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    requests: Vec<Option<Figures>>,
    n_unsent: u64,
    largest_launch: u64,
}

impl Tally {
    /// Requests that were to be served, whatever became of them.
    pub(super) fn n(&self) -> u64 {
        self.requests.len() as u64 + self.n_unsent
    }

    /// Whether no launch holds more than 40 % of the requests: one launch alone shows nothing of others
    /// (MEASUREMENT §9.2).
    pub(super) fn is_of_several_launches(&self) -> bool {
        self.largest_launch * 5 <= self.n() * 2
    }

    /// The values of requests that ended well, sorted.
    pub(super) fn values(&self, metric: &str) -> Vec<u64> {
        let figures = self.requests.iter().flatten();
        let mut values: Vec<u64> = figures.filter_map(|figures| figures.value(metric)).collect();
        values.sort_unstable();
        values
    }

    /// Requests that do not keep a limit; what failed, or was never sent, keeps none.
    pub(super) fn violations(&self, limit: &SloLimit) -> u64 {
        let keeps = |figures: &&Figures| figures.value(&limit.metric).is_some_and(|ns| ns <= limit.limit_ns);
        self.n() - self.requests.iter().flatten().filter(keeps).count() as u64
    }
}
