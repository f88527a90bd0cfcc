//! All of a record that the report needs, in memory.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use dyno_model::clock::WallNs;
use dyno_model::ids::{CampaignId, DeviceId, RunId};
use dyno_model::plan::{Cell, Plan};
use dyno_store::{
    Campaign, ChannelKey, ChannelRow, JournalEntry, LaunchRow, Manifest, RequestColumns, Tables,
};

use crate::derive::{Answer, Derived, derive};
use crate::error::AnalysisError;
use crate::quality::Grades;
use crate::tokens::{Arrivals, Tokens};

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
    /// The token chunks of all requests.
    chunks: Tokens,
    /// What the graders say of the answers, once somebody asks.
    grades: OnceLock<Grades>,
}

/// A channel with its readings as instant and value.
pub(crate) type Readings<'r> = (&'r ChannelRow, &'r [(u64, i64)]);

impl<'a> Record<'a> {
    /// Reads the tables of a campaign, making them first where needed.
    pub(crate) fn read(campaign: &'a Campaign) -> Result<Self, AnalysisError> {
        Self::read_as(campaign, campaign.plan())
    }

    /// The same with another form of its plan.
    pub(crate) fn read_as(campaign: &'a Campaign, plan: &'a Plan) -> Result<Self, AnalysisError> {
        let tables = Tables::open(campaign)?;
        let requests = tables.requests()?;
        let chunks = Tokens::read(&tables, &requests)?;
        let mut record = Self {
            id: campaign.id(),
            plan,
            plan_digest: campaign.plan_digest().as_str().to_owned(),
            entries: tables.sessions()?,
            launches: tables.launches()?,
            derived: Vec::with_capacity(requests.len()),
            channels: tables.channels()?,
            points: tables.samples()?.by_channel(),
            chunks,
            grades: OnceLock::new(),
            requests,
            tables,
        };
        for row in 0..record.requests.len() {
            let derived = derive(&record.answer(row));
            record.derived.push(derived);
        }
        Ok(record)
    }

    /// The token chunks of request `row`: when they arrived, and how many tokens they hold.
    pub(crate) fn tokens(&self, row: usize) -> Arrivals<'_> {
        self.chunks.of(row)
    }

    /// Whether the answer to request `row` passes its prompt's grader; `None` where the prompt has none that a program
    /// can apply, or the request failed. The first call reads and judges all answers.
    pub(crate) fn passed(&self, row: usize) -> Option<bool> {
        self.grades().passed(row)
    }

    /// What the graders of the plan say.
    pub(crate) fn grades(&self) -> &Grades {
        self.grades.get_or_init(|| Grades::of(self))
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

    fn answer(&self, row: usize) -> Answer {
        let requests = &self.requests;
        let due_at_ns = requests.due_at_ns[row];
        let tokens = self.tokens(row);
        Answer {
            first_ns: tokens.first(),
            second_ns: tokens.second(),
            last_ns: tokens.last(),
            first_output_ns: tokens.output().first_ns,
            k1: tokens.counts().next().flatten(),
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
