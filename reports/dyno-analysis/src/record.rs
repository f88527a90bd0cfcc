//! All of a record that the report needs, in memory.

use std::collections::BTreeMap;

use dyno_model::clock::WallNs;
use dyno_model::ids::{CampaignId, DeviceId, RunId};
use dyno_model::plan::{Cell, Plan};
use dyno_store::{
    Campaign, ChannelKey, ChannelRow, JournalEntry, LaunchRow, Manifest, RequestColumns, Tables,
};

use crate::derive::{Derived, derive};
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
    /// Chunks of text that stand for more than one token.
    pub(crate) n_wide_chunks: u64,
    pub(crate) channels: Vec<ChannelRow>,
    pub(crate) points: BTreeMap<ChannelKey, Vec<(u64, i64)>>,
    /// Arrivals of all token chunks, request after request, and where each request's begin.
    tokens_ns: Vec<u64>,
    token_starts: Vec<usize>,
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
            n_wide_chunks: tokens.n_wide,
            channels: tables.channels()?,
            points: tables.samples()?.by_channel(),
            tokens_ns: tokens.at_ns,
            token_starts: tokens.starts,
            requests,
            tables,
        };
        for row in 0..record.requests.len() {
            let counts = &record.requests;
            let (isl, osl) = (counts.prompt_tokens[row], counts.completion_tokens[row]);
            let derived = derive(record.tokens(row), isl, osl, counts.cached_tokens[row]);
            record.derived.push(derived);
        }
        Ok(record)
    }

    /// Arrivals of the token chunks of request `row`, in ns after it was sent.
    pub(crate) fn tokens(&self, row: usize) -> &[u64] {
        &self.tokens_ns[self.token_starts[row]..self.token_starts[row + 1]]
    }

    /// Token chunks in all.
    pub(crate) fn n_token_chunks(&self) -> u64 {
        self.tokens_ns.len() as u64
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
    starts: Vec<usize>,
    n_wide: u64,
}

impl Tokens {
    fn read(tables: &Tables, requests: &RequestColumns) -> Result<Self, AnalysisError> {
        let chunks = tables.chunks()?;
        let n_found = chunks.at_ns.len() as u64;
        let n_expected = requests.n_chunks.iter().map(|n| u64::from(*n)).sum();
        if n_found != n_expected {
            return Err(AnalysisError::ChunksMissing { n_expected, n_found });
        }
        let mut tokens = Self { at_ns: Vec::with_capacity(chunks.at_ns.len()), starts: vec![0], n_wide: 0 };
        let mut next = 0;
        for n_chunks in &requests.n_chunks {
            let end = next + *n_chunks as usize;
            for chunk in (next..end).filter(|chunk| chunks.is_token(*chunk)) {
                tokens.at_ns.push(chunks.at_ns[chunk]);
                tokens.n_wide += u64::from(chunks.n_tokens[chunk].is_some_and(|n| n > 1));
            }
            tokens.starts.push(tokens.at_ns.len());
            next = end;
        }
        Ok(tokens)
    }
}
