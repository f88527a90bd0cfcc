//! What of a plan is in the record already.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::RunId;
use dyno_model::outcome::Outcome;
use dyno_model::plan::{Plan, PlannedRun};

use crate::entry::JournalEntry;

/// What the record holds, for those who go on with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    plan_digest: Option<Digest>,
    started: Option<WallNs>,
    finished: BTreeSet<(RunId, u32)>,
    /// Highest launch number seen, and the number of the next event of each launch.
    launches: BTreeMap<RunId, BTreeMap<u16, u64>>,
    left_out: BTreeMap<RunId, String>,
    /// Runs with a launch that ended in such a way that a held load need not be measured again.
    ended: BTreeSet<RunId>,
    n_sessions: u32,
}

impl Progress {
    /// SHA-256 of the plan that the journal was made for; `None` while it has no header.
    pub fn plan_digest(&self) -> Option<&Digest> {
        self.plan_digest.as_ref()
    }

    /// When the campaign began; `None` while it has no header.
    pub fn started(&self) -> Option<WallNs> {
        self.started
    }

    /// The requests that need not be made again, as run and place within the run.
    ///
    /// A request that failed was measured, and counts; one that was cancelled from outside does not. Those of a held
    /// load are here, too, but what it lacks is told by [`Progress::ended_runs`].
    pub fn finished_requests(&self) -> &BTreeSet<(RunId, u32)> {
        &self.finished
    }

    /// The runs that are not to be measured, and why.
    pub fn left_out(&self) -> &BTreeMap<RunId, String> {
        &self.left_out
    }

    /// The runs with a launch that came to its end, or that the device could not go on with: where the load is held,
    /// they need not be measured again.
    pub fn ended_runs(&self) -> &BTreeSet<RunId> {
        &self.ended
    }

    /// What of `plan` is neither in the record nor left out.
    pub fn missing(&self, plan: &Plan) -> Missing {
        let mut missing = Missing::default();
        for run in plan.runs.iter().filter(|run| !self.left_out.contains_key(&run.id)) {
            missing.add(self.missing_of(plan, run));
        }
        missing
    }

    /// The same of one run, whether it is left out or not.
    pub fn missing_of(&self, plan: &Plan, run: &PlannedRun) -> Missing {
        if plan.hold_of(run).is_some() {
            return Missing { n_requests: 0, n_held: usize::from(!self.ended.contains(&run.id)) };
        }
        let n_done = self.finished.range((run.id, 0)..=(run.id, u32::MAX)).count();
        Missing { n_requests: run.requests.len().saturating_sub(n_done), n_held: 0 }
    }

    /// The number of the run's next launch: 1 when there was none.
    pub fn next_launch(&self, run: RunId) -> u16 {
        let last = self.launches.get(&run).and_then(|launches| launches.keys().next_back());
        last.map_or(1, |launch| launch.saturating_add(1))
    }

    /// The number of the next session.
    pub fn next_session(&self) -> u32 {
        self.n_sessions
    }

    /// Whether the event is in the record. Events of a launch come in order and without gaps.
    pub fn has(&self, event: &Event) -> bool {
        let next = self.launches.get(&event.run).and_then(|launches| launches.get(&event.launch));
        next.is_some_and(|next| event.seq < *next)
    }

    /// Takes note of one more entry.
    pub fn note(&mut self, entry: &JournalEntry) {
        match entry {
            JournalEntry::Header { plan_digest, wall, .. } => {
                self.plan_digest = Some(plan_digest.clone());
                self.started = Some(*wall);
            }
            JournalEntry::Session { session, .. } => {
                self.n_sessions = self.n_sessions.max(session.saturating_add(1));
            }
            JournalEntry::LeftOut { run, why, .. } => {
                self.left_out.entry(*run).or_insert_with(|| why.clone());
            }
            JournalEntry::Event { event, .. } => self.note_event(event),
            JournalEntry::Interrupted { .. }
            | JournalEntry::Clock { .. }
            | JournalEntry::Prepared { .. }
            | JournalEntry::Restored { .. }
            | JournalEntry::Machine { .. }
            | JournalEntry::SensorsTested { .. }
            | JournalEntry::Metered { .. }
            | JournalEntry::MeterKnocked { .. }
            | JournalEntry::MeterFailed { .. }
            | JournalEntry::GivenUp { .. }
            | JournalEntry::Resumed { .. }
            | JournalEntry::SessionEnded { .. } => {}
        }
    }

    fn note_event(&mut self, event: &Event) {
        let next = self.launches.entry(event.run).or_default().entry(event.launch).or_default();
        *next = (*next).max(event.seq.saturating_add(1));
        match &event.kind {
            EventKind::Request(request) if request.outcome != Outcome::Cancelled => {
                self.finished.insert((event.run, request.idx));
            }
            EventKind::LaunchEnded { outcome, .. } if outcome.ends_hold() => {
                self.ended.insert(event.run);
            }
            _ => {}
        }
    }
}

/// What a record lacks of its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Missing {
    /// Requests of runs that make each of theirs once.
    pub n_requests: usize,
    /// Runs whose load is held; how many requests those will have, nobody knows.
    pub n_held: usize,
}

impl Missing {
    fn add(&mut self, other: Self) {
        self.n_requests += other.n_requests;
        self.n_held += other.n_held;
    }
}

impl fmt::Display for Missing {
    /// `3 requests`, `2 held loads`, `3 requests and 1 held load`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        match (self.n_requests, self.n_held) {
            (n, 0) => f.write_str(&counted(n, "request")),
            (0, n) => f.write_str(&counted(n, "held load")),
            (n, held) => write!(f, "{} and {}", counted(n, "request"), counted(held, "held load")),
        }
    }
}
