//! All of a record that the report needs, in memory.

use std::collections::BTreeMap;

use dyno_model::clock::WallNs;
use dyno_model::ids::{CampaignId, DeviceId, RunId};
use dyno_model::plan::{Cell, Plan};
use dyno_model::request::ChunkKind;
use dyno_store::{
    Campaign, ChannelKey, ChannelRow, JournalEntry, LaunchRow, Manifest, RequestColumns, Tables,
};

use crate::derive::{Answer, Derived, derive};
use crate::error::AnalysisError;

/// A campaign's record with the metrics of each request.
pub(crate) struct Record<'a> {
    pub(crate) id: &'a CampaignId,
    pub(crate) plan: &'a Plan,
    pub(crate) plan_digest: String,
    pub(crate) tables: Tables,
    pub(crate) entries: Vec<JournalEntry>,
    /// Sorted by run and number.
    pub(crate) launches: Vec<LaunchRow>,
    /// Sorted by run, launch and place.
    pub(crate) requests: RequestColumns,
    /// Metrics of each request.
    pub(crate) derived: Vec<Derived>,
    /// Sorted by run, launch, sensor and place.
    pub(crate) channels: Vec<ChannelRow>,
    pub(crate) points: BTreeMap<ChannelKey, Vec<(u64, i64)>>,
    /// Arrivals of all token chunks, request after request, and where each request's begin.
    tokens_ns: Vec<u64>,
    /// Tokens of each of them; `None` where the runtime does not say.
    chunk_tokens: Vec<Option<u16>>,
    token_starts: Vec<usize>,
    /// Whether each request has reasoning, and when the first token chunk came that is none.
    outputs: Vec<Output>,
}

/// A channel with its readings as instant and value.
pub(crate) type Readings<'r> = (&'r ChannelRow, &'r [(u64, i64)]);

/// Where an answer's reasoning ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Output {
    /// Whether there is any.
    pub(crate) has_reasoning: bool,
    /// The first token chunk that is none, in ns after the request was sent.
    pub(crate) first_ns: Option<u64>,
}

impl<'a> Record<'a> {
    /// Reads the tables of a campaign, making them first where needed.
    pub(crate) fn read(campaign: &'a Campaign) -> Result<Self, AnalysisError> {
        let tables = Tables::open(campaign)?;
        let requests = tables.requests()?;
        let tokens = Tokens::read(&tables, &requests)?;
        let mut record = Self {
            id: campaign.id(),
            plan: campaign.plan(),
            plan_digest: campaign.plan_digest().as_str().to_owned(),
            entries: tables.sessions()?,
            launches: tables.launches()?,
            derived: Vec::with_capacity(requests.len()),
            channels: tables.channels()?,
            points: tables.samples()?.by_channel(),
            tokens_ns: tokens.at_ns,
            chunk_tokens: tokens.counts,
            token_starts: tokens.starts,
            outputs: tokens.outputs,
            requests,
            tables,
        };
        for row in 0..record.requests.len() {
            let derived = derive(&record.answer(row));
            record.derived.push(derived);
        }
        Ok(record)
    }

    /// Arrivals of the token chunks of request `row`, in ns after it was sent.
    pub(crate) fn tokens(&self, row: usize) -> &[u64] {
        &self.tokens_ns[self.token_starts[row]..self.token_starts[row + 1]]
    }

    /// Tokens of each token chunk of request `row`; `None` where the runtime does not say.
    pub(crate) fn chunk_tokens(&self, row: usize) -> &[Option<u16>] {
        &self.chunk_tokens[self.token_starts[row]..self.token_starts[row + 1]]
    }

    /// Where the reasoning of request `row` ends.
    pub(crate) fn output(&self, row: usize) -> Output {
        self.outputs[row]
    }

    /// The channels of a launch that have readings, in the order of their declaration.
    pub(crate) fn readings_of(&self, run: u32, launch: u32) -> impl Iterator<Item = Readings<'_>> {
        let first = self.channels.partition_point(|row| (row.run, row.launch) < (run, launch));
        let of_launch =
            self.channels[first..].iter().take_while(move |row| (row.run, row.launch) == (run, launch));
        of_launch.filter_map(|row| {
            let points = self.points.get(&(row.run, row.launch, row.sensor, row.channel))?;
            Some((row, points.as_slice()))
        })
    }

    fn answer(&self, row: usize) -> Answer<'_> {
        let requests = &self.requests;
        let due_at_ns = requests.due_at_ns[row];
        Answer {
            tokens_ns: self.tokens(row),
            first_output_ns: self.outputs[row].first_ns,
            k1: self.chunk_tokens(row).first().copied().flatten(),
            isl: requests.prompt_tokens[row],
            osl: requests.completion_tokens[row],
            cached: requests.cached_tokens[row],
            queue_ns: requests.queue_ns[row],
            send_lag_ns: due_at_ns.and_then(|due| requests.sent_at_ns[row].checked_sub(due)),
        }
    }

    /// The cell that a run repeats.
    pub(crate) fn cell_of(&self, run: u32) -> Option<&'a Cell> {
        self.plan.cell(&self.plan.run(RunId(run))?.cell)
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        self.tables.manifest()
    }

    /// Requests that were measured: cancelled ones were not.
    pub(crate) fn n_measured(&self) -> u64 {
        self.requests.outcome.iter().filter(|outcome| *outcome != "cancelled").count() as u64
    }

    /// The first session with a device.
    pub(crate) fn session_with(&self, device: &DeviceId) -> Option<&JournalEntry> {
        self.entries
            .iter()
            .find(|entry| matches!(entry, JournalEntry::Session { device: of, .. } if of == device))
    }

    /// Logical CPUs of a device, as its first session says.
    pub(crate) fn n_cpus(&self, device: &DeviceId) -> Option<u32> {
        match self.session_with(device)? {
            JournalEntry::Session { facts, .. } => facts.n_cpus,
            _ => None,
        }
    }

    /// Wall clock of an instant of a launch's device; `None` without an anchor.
    pub(crate) fn wall(launch: &LaunchRow, at_ns: u64) -> Option<WallNs> {
        let (wall_ns, started_at_ns) = (launch.wall_ns?, launch.started_at_ns?);
        Some(WallNs(wall_ns.saturating_add(at_ns.saturating_sub(started_at_ns))))
    }
}

/// The token chunks of all requests.
struct Tokens {
    at_ns: Vec<u64>,
    counts: Vec<Option<u16>>,
    starts: Vec<usize>,
    outputs: Vec<Output>,
}

impl Tokens {
    fn read(tables: &Tables, requests: &RequestColumns) -> Result<Self, AnalysisError> {
        let chunks = tables.chunks()?;
        let n_found = chunks.at_ns.len() as u64;
        let n_expected = requests.n_chunks.iter().map(|n| u64::from(*n)).sum();
        if n_found != n_expected {
            return Err(AnalysisError::ChunksMissing { n_expected, n_found });
        }
        let mut tokens = Self {
            at_ns: Vec::with_capacity(chunks.at_ns.len()),
            counts: Vec::with_capacity(chunks.at_ns.len()),
            starts: vec![0],
            outputs: Vec::with_capacity(requests.len()),
        };
        let mut next = 0;
        for n_chunks in &requests.n_chunks {
            let end = next + *n_chunks as usize;
            let mut output = Output::default();
            for chunk in (next..end).filter(|chunk| chunks.is_token(*chunk)) {
                tokens.at_ns.push(chunks.at_ns[chunk]);
                tokens.counts.push(chunks.n_tokens[chunk].map(|n| u16::try_from(n).unwrap_or(u16::MAX)));
                match chunks.kind[chunk] {
                    ChunkKind::Reasoning => output.has_reasoning = true,
                    ChunkKind::Content | ChunkKind::Tool | ChunkKind::Role => {
                        output.first_ns = output.first_ns.or(Some(chunks.at_ns[chunk]));
                    }
                }
            }
            tokens.starts.push(tokens.at_ns.len());
            tokens.outputs.push(output);
            next = end;
        }
        Ok(tokens)
    }
}
