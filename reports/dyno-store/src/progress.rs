//! What of a plan is in the record already.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::RunId;
use dyno_model::outcome::Outcome;
use dyno_model::plan::Plan;

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
    /// A request that failed was measured, and counts; one that was cancelled from outside does not.
    pub fn finished_requests(&self) -> &BTreeSet<(RunId, u32)> {
        &self.finished
    }

    /// The runs that are not to be measured, and why.
    pub fn left_out(&self) -> &BTreeMap<RunId, String> {
        &self.left_out
    }

    /// The requests of `plan` that are neither in the record nor left out.
    pub fn n_missing(&self, plan: &Plan) -> usize {
        let wanted = plan.runs.iter().filter(|run| !self.left_out.contains_key(&run.id));
        wanted
            .map(|run| {
                let n_done = self.finished.range((run.id, 0)..=(run.id, u32::MAX)).count();
                run.requests.len().saturating_sub(n_done)
            })
            .sum()
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
            | JournalEntry::GivenUp { .. }
            | JournalEntry::Resumed { .. }
            | JournalEntry::SessionEnded { .. } => {}
        }
    }

    fn note_event(&mut self, event: &Event) {
        let next = self.launches.entry(event.run).or_default().entry(event.launch).or_default();
        *next = (*next).max(event.seq.saturating_add(1));
        if let EventKind::Request(request) = &event.kind
            && request.outcome != Outcome::Cancelled
        {
            self.finished.insert((event.run, request.idx));
        }
    }
}
