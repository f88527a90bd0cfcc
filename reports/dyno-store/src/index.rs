//! First pass over a journal: where each request and batch of samples lies, and everything that is small.
//!
//! Long entries are only looked at as far as their keys, so that memory stays small whatever the answers hold.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use serde::Deserialize;

use dyno_model::event::{Event, EventKind};
use dyno_model::line::LineError;
use dyno_model::meter::{ClockMap, Metered};
use dyno_model::outcome::Validity;

use crate::columns::{ChannelRow, LaunchRow};
use crate::entry::JournalEntry;
use crate::error::JournalError;
use crate::meter::{Meters, without_rows};
use crate::reader::{Place, RawLines};

/// Where a request's line lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestPlace {
    pub(crate) run: u32,
    pub(crate) launch: u16,
    pub(crate) idx: u32,
    pub(crate) line: Place,
    seq: u64,
    rank: Rank,
}

/// Which of several records of one request is kept: the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Ok,
    Failed,
    Cancelled,
}

/// Where a batch of samples lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SamplesPlace {
    pub(crate) run: u32,
    pub(crate) launch: u16,
    pub(crate) sensor: u16,
    pub(crate) line: Place,
    /// How its clock becomes the device's, of an external meter.
    pub(crate) clock: Option<ClockMap>,
    seq: u64,
}

/// What the first pass finds.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Sorted by run, launch and place; each request once.
    pub(crate) requests: Vec<RequestPlace>,
    /// Sorted by run, launch, sensor and order of arrival.
    pub(crate) samples: Vec<SamplesPlace>,
    /// Launches by run and number.
    pub(crate) launches: BTreeMap<(u32, u16), LaunchRow>,
    /// Channels, sorted.
    pub(crate) channels: Vec<ChannelRow>,
    /// The entries that are no events.
    pub(crate) others: Vec<JournalEntry>,
    /// Lines in all.
    pub(crate) n_lines: u64,
    /// Bytes of the torn tail.
    pub(crate) torn_bytes: u64,
    /// Events that were there twice.
    pub(crate) n_duplicate_events: u64,
    /// Records of a request that another one replaces.
    pub(crate) n_superseded_requests: u64,
    /// What external meters said.
    meters: Meters,
    /// Launches whose end is such that a held load need not be measured again.
    came_to_end: BTreeSet<(u32, u16)>,
}

/// As much of an entry as the index needs.
#[derive(Deserialize)]
struct Glance<'a> {
    #[serde(borrow)]
    entry: Cow<'a, str>,
    #[serde(borrow)]
    event: Option<EventGlance<'a>>,
}

#[derive(Deserialize)]
struct EventGlance<'a> {
    run: u32,
    launch: u16,
    seq: u64,
    #[serde(borrow)]
    event: Cow<'a, str>,
    idx: Option<u32>,
    #[serde(borrow)]
    outcome: Option<OutcomeGlance<'a>>,
    sensor: Option<u16>,
}

#[derive(Deserialize)]
struct OutcomeGlance<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

impl Index {
    /// Reads a whole journal once. `held` are the runs whose load is held.
    pub(crate) fn read(path: &Path, held: &BTreeSet<u32>) -> Result<Self, JournalError> {
        let mut index = Self::default();
        let mut seen = HashSet::new();
        RawLines::open(path)?.check_header()?;
        let mut lines = RawLines::open(path)?;
        while let Some(place) = lines.advance()? {
            index.n_lines += 1;
            let taken = index.take(lines.json(), place, &mut seen);
            taken.map_err(|source| lines.damaged(place.number, LineError::Content(source)))?;
        }
        index.torn_bytes = lines.torn_bytes;
        index.settle(held);
        Ok(index)
    }

    fn take(
        &mut self,
        json: &[u8],
        line: Place,
        seen: &mut HashSet<(u32, u16, u64)>,
    ) -> Result<(), serde_json::Error> {
        let glance: Glance<'_> = serde_json::from_slice(json)?;
        let Some(event) = glance.event.filter(|_| glance.entry == "event") else {
            let entry: JournalEntry = serde_json::from_slice(json)?;
            if let Some((place, channels)) = self.meters.take(&entry, line) {
                self.samples.push(place);
                self.channels.extend(channels);
            }
            self.others.push(without_rows(entry));
            return Ok(());
        };
        let EventGlance { run, launch, seq, .. } = event;
        if !seen.insert((run, launch, seq)) {
            self.n_duplicate_events += 1;
            return Ok(());
        }
        match (event.event.as_ref(), event.idx, event.sensor) {
            ("request", Some(idx), _) => {
                let rank = Rank::of(event.outcome.as_ref().map_or("", |outcome| outcome.kind.as_ref()));
                self.requests.push(RequestPlace { run, launch, idx, line, seq, rank });
            }
            ("samples", _, Some(sensor)) => {
                self.samples.push(SamplesPlace { run, launch, sensor, line, clock: None, seq });
            }
            _ => {
                if let JournalEntry::Event { session, event } = serde_json::from_slice(json)? {
                    self.take_event(session, event);
                }
                return Ok(());
            }
        }
        Ok(())
    }

    fn take_event(&mut self, session: u32, event: Event) {
        let key = (event.run.0, event.launch);
        let row = self.launches.entry(key).or_insert_with(|| LaunchRow::new(session, &event));
        let at_ns = event.at.0;
        match event.kind {
            EventKind::LaunchStarted { wall, n_requests, .. } => {
                row.session = session;
                row.started_at_ns = Some(at_ns);
                row.wall_ns = Some(wall.0);
                row.n_requests_asked = Some(n_requests);
            }
            EventKind::Spawned => row.spawned_at_ns = Some(at_ns),
            EventKind::Ready { facts } => {
                row.ready_at_ns = Some(at_ns);
                row.facts = Some(*facts);
            }
            EventKind::Sensor(declared) => {
                let channels = declared.channels.into_iter().zip(0..);
                self.channels.extend(channels.map(|(what, channel)| ChannelRow {
                    run: key.0,
                    launch: u32::from(key.1),
                    sensor: u32::from(declared.sensor),
                    channel,
                    driver: declared.driver.clone(),
                    what,
                }));
            }
            EventKind::Unreadable(sensor) => row.unreadable.push(sensor),
            EventKind::Note { text } => row.notes.push(text),
            EventKind::Calibrated(calibration) => row.calibration = Some(*calibration),
            EventKind::StartMade(start) => row.start = Some(*start),
            EventKind::StartCost(cost) => row.start_costs.push(cost),
            EventKind::Span(span) => row.spans.push(span),
            EventKind::LoadEnded(load) => row.load = Some(*load),
            EventKind::Network(network) => row.network = Some(*network),
            EventKind::LaunchEnded { outcome, validity, exit, cpu_ns, peak_rss_bytes, own } => {
                row.ended_at_ns = Some(at_ns);
                if outcome.ends_hold() {
                    self.came_to_end.insert(key);
                }
                row.outcome = Some(outcome.word().to_owned());
                row.outcome_detail = outcome.detail();
                row.invalid = Some(match validity {
                    Validity::Valid => Vec::new(),
                    Validity::Invalid { reasons } => reasons,
                });
                row.exit = exit;
                row.cpu_ns = cpu_ns;
                row.peak_rss_bytes = peak_rss_bytes;
                row.own = Some(own);
            }
            // Both are known by their place only and never come here.
            EventKind::Request(_) | EventKind::Samples(_) => {}
        }
    }

    /// Keeps one record of each request and puts everything in its order.
    fn settle(&mut self, held: &BTreeSet<u32>) {
        let n_all = self.requests.len();
        self.keep_one_launch(held);
        self.requests
            .sort_unstable_by_key(|place| (place.run, place.idx, place.rank, place.launch, place.seq));
        self.requests.dedup_by_key(|place| (place.run, place.idx));
        self.n_superseded_requests = (n_all - self.requests.len()) as u64;
        self.requests.sort_unstable_by_key(|place| (place.run, place.launch, place.idx));
        self.samples.sort_unstable_by_key(|place| (place.run, place.launch, place.sensor, place.seq));
        self.channels.sort_by_key(|row| (row.run, row.launch, row.sensor, row.channel));
        self.channels.dedup_by_key(|row| (row.run, row.launch, row.sensor, row.channel));
        self.meters.mark(&mut self.channels, &mut self.launches);
    }
}

impl Index {
    /// Of a held load, what one launch did is one curve: the requests of two would be a mix of both. The last launch
    /// that came to its end counts, else the last one.
    fn keep_one_launch(&mut self, held: &BTreeSet<u32>) {
        let mut kept: BTreeMap<u32, (bool, u16)> = BTreeMap::new();
        for (run, launch) in self.launches.keys().filter(|(run, _)| held.contains(run)) {
            let of_launch = (self.came_to_end.contains(&(*run, *launch)), *launch);
            let of_run = kept.entry(*run).or_insert(of_launch);
            *of_run = of_launch.max(*of_run);
        }
        self.requests.retain(|place| kept.get(&place.run).is_none_or(|(_, launch)| *launch == place.launch));
    }
}

impl SamplesPlace {
    /// That of an external meter's rows.
    pub(crate) fn of_meter((run, launch): (u32, u16), metered: &Metered, line: Place) -> Self {
        let (sensor, clock) = (metered.declared.sensor, Some(metered.clock));
        Self { run, launch, sensor, line, clock, seq: line.number }
    }
}

impl Rank {
    fn of(outcome: &str) -> Self {
        match outcome {
            "ok" => Self::Ok,
            "cancelled" => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}
