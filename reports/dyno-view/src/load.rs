//! How load was offered, what came of it, and which rate a service level holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chart::Chart;
use crate::report::Finding;

/// What cells under load show together; it stands before all other figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadReportView {
    /// Cells that could not keep up. The same findings are among those of the report.
    pub alarms: Vec<Finding>,
    /// Ids of the cells of the first table: all but those of a single user, in the order of the plan.
    pub cells: Vec<String>,
    /// Cells that differ by their load only.
    pub sweeps: Vec<SweepView>,
}

/// How one cell's load was offered and kept up with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellLoadView {
    /// The kind of load.
    pub kind: LoadKindView,
    /// `closed(4)`, `open loop, Poisson arrivals at 2/s`.
    pub label: String,
    /// Users at once, of closed loops.
    pub users: Option<u32>,
    /// What its latencies are not; `None` where they are what a user waits.
    pub caveat: Option<String>,
    /// Requests that were due per second, over all runs of the plan; `None` in closed loops.
    pub offered_per_s: Option<f64>,
    /// The pace at which requests were sent: (n − 1) / (last − first), summed over launches; `None` in closed loops.
    pub sent_per_s: Option<f64>,
    /// Requests per second that were answered: in open loops the pace of the answers, as for `sent_per_s`, so that the
    /// wait for the last one does not count; in closed loops answers over the time from the first send to the last token.
    pub answered_per_s: Option<f64>,
    /// OSL of all answers over the time from the first send to the last token.
    pub output_tokens_per_s: Option<f64>,
    /// The most requests under way at once, in the worst launch.
    pub max_in_flight: Option<u64>,
    /// Requests that waited for a place because the load has a ceiling.
    pub n_held_back: u64,
    /// Requests that were to be served: all that were sent, and those that were never sent because the runtime ended.
    pub n_wanted: u64,
    /// Of them, how many went well.
    pub n_answered: u64,
    /// Of them, how many were never sent.
    pub n_unsent: u64,
    /// Why it did not keep up, one sentence each; empty when it did.
    pub saturation: Vec<String>,
    /// Latencies, in the order to show.
    pub latencies: Vec<LatencyView>,
    /// What of it was good; `None` when the plan has no service level.
    pub good: Option<GoodView>,
}

/// The kinds of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadKindView {
    /// One user.
    Single,
    /// So many users, each waiting for its answer.
    Closed,
    /// Requests come at a rate.
    Open,
    /// The rate rises or falls.
    Ramp,
    /// Requests come as recorded.
    Trace,
}

/// From where a latency counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OriginView {
    /// From the instant at which the request was due: what a user waits.
    Due,
    /// From the instant at which it was sent; what queues in a server is in it.
    Sent,
    /// From the instant at which the runtime took it from a queue on this side of it: service time.
    Served,
    /// From one token to the next.
    Token,
}

/// One latency of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyView {
    /// Metric id: `ttft_sched_ns`.
    pub metric: String,
    /// `TTFT`.
    pub label: String,
    /// From where it counts.
    pub origin: OriginView,
    /// Requests that have it.
    pub n: u64,
    /// Of how many that were to be served: a request that failed has no latency, and was no better for it.
    pub of: u64,
    /// The median of these requests, whatever can be claimed beyond them.
    pub median_ns: Option<f64>,
    /// The longest.
    pub max_ns: Option<f64>,
    /// Why no interval can be given; `None` where it can.
    pub no_interval: Option<String>,
    /// p50, p90, p95, p99.
    pub figures: Vec<LatencyFigureView>,
}

/// One percentile of a latency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyFigureView {
    /// In thousandths.
    pub permille: u32,
    /// What can be said.
    #[serde(flatten)]
    pub figure: LatencyFigure,
}

/// What can be said of a percentile; times in ns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LatencyFigure {
    /// An observation with its 95 % interval.
    Estimate {
        /// The observation.
        value: f64,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// There are too few requests for an upper bound: it is at least this.
    AtLeast {
        /// Lower bound, which holds with 97.5 % confidence.
        low: f64,
        /// How many there are, or how many independent ones they are worth.
        n: u64,
        /// How many a whole interval takes.
        needed: u64,
    },
    /// What these requests waited: the type 1 percentile of them, and of nothing beyond them.
    Observed {
        /// The observation.
        value: f64,
    },
    /// There are too few requests for any bound.
    TooFew {
        /// How many there are, or how many independent ones they are worth.
        n: u64,
        /// How many a whole interval takes.
        needed: u64,
    },
}

/// What of a cell's requests kept the service level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GoodView {
    /// Name of the set of objectives.
    pub slo: String,
    /// Requests that were to be served, failed and unsent ones among them.
    pub n: u64,
    /// Requests that kept all limits.
    pub n_good: u64,
    /// Share of good ones, with its 95 % Clopper–Pearson interval; `None` without requests.
    pub share: Option<ShareIntervalView>,
    /// Good requests per second, over the time from the first send to the end of the last request.
    pub rate_per_s: Option<f64>,
    /// Each objective.
    pub limits: Vec<LimitView>,
    /// All of them together.
    pub verdict: VerdictView,
}

/// A share with its equal-tailed 95 % Clopper–Pearson interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShareIntervalView {
    /// How many.
    pub n: u64,
    /// Of how many.
    pub of: u64,
    /// Lower bound of the share, of 0 to 1.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// One objective and what was shown of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimitView {
    /// Metric id that is judged: `ttft_sched_ns`.
    pub metric: String,
    /// `TTFT from due ≤ 400 ms for 95 % of the requests`.
    pub label: String,
    /// The limit.
    pub limit_ns: u64,
    /// Share of the requests that must keep it, in thousandths.
    pub fraction_milli: u32,
    /// Confidence of this verdict: that of the objective, spread over the looks where there were several.
    pub confidence: f64,
    /// Requests that did not keep it; those without a value are among them.
    pub n_violations: u64,
    /// What that shows.
    pub verdict: VerdictView,
}

/// What a number of requests shows of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum VerdictView {
    /// The claim is shown.
    Pass,
    /// The contrary is shown.
    Fail,
    /// Neither.
    Inconclusive {
        /// So many more requests would show it, if all of them kept the limits.
        more_needed: u64,
    },
}

/// Cells that differ by their load only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweepView {
    /// Device id.
    pub device: String,
    /// Runtime name.
    pub runtime: String,
    /// Model name.
    pub model: String,
    /// Threads asked for.
    pub threads: Option<u32>,
    /// Ids of its cells: closed loops by their users, then open loops by their rate, then the others.
    pub cells: Vec<String>,
    /// From which rate on it kept up no more, one for each kind of arrivals.
    pub saturations: Vec<SaturationView>,
    /// Where more load began to buy less than it cost.
    pub knees: Vec<KneeView>,
    /// The highest rate that keeps the service level, one for each kind of arrivals.
    pub capacities: Vec<CapacityView>,
    /// What a reader must know, one sentence each.
    pub notes: Vec<String>,
    /// Latency and throughput against concurrency and rate.
    pub charts: Vec<Chart>,
}

/// From which rate on a device kept up no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SaturationView {
    /// `constant`, `Poisson`.
    pub arrivals: String,
    /// The lowest offered rate at which, and above which, it did not keep up; `None` when the highest was kept up with.
    pub from_per_s: Option<f64>,
    /// The highest rate that was offered.
    pub highest_per_s: f64,
}

/// Where power, the ratio of throughput and latency, is highest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KneeView {
    /// Id of the cell at the knee.
    pub cell: String,
    /// Its users, of closed loops.
    pub users: Option<u32>,
    /// Its rate, of open loops.
    pub rate_per_s: Option<f64>,
    /// `users`, or the kind of arrivals.
    pub among: String,
    /// Whether it is the first or the last point, so that the knee may lie beyond.
    pub is_at_an_end: bool,
}

/// The highest rate that keeps a service level, and how well it is known. Rates are requests per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityView {
    /// Name of the set of objectives.
    pub slo: String,
    /// `constant`, `Poisson`.
    pub arrivals: String,
    /// The highest rate that passes and has none below it that does not; `None` when not even the lowest passes.
    pub passes_per_s: Option<f64>,
    /// The lowest rate that fails.
    pub fails_per_s: Option<f64>,
    /// Rates that show neither.
    pub inconclusive: Vec<InconclusiveView>,
    /// Rates that pass above one that does not: what a queue cannot do, so something else changed.
    pub contradicting_per_s: Vec<f64>,
}

/// A rate whose requests show neither that a service level is kept nor that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InconclusiveView {
    /// The rate.
    pub rate_per_s: f64,
    /// So many more requests would pass it, if all of them kept the limits.
    pub more_needed: u64,
}

/// How tokens came in chunks, and whether gaps between chunks are gaps between tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChunksView {
    /// Token chunks of the requests that went well.
    pub n_chunks: u64,
    /// Chunks by the tokens that they carry; `tokens: null` where the runtime does not say.
    pub by_tokens: Vec<ChunkCountView>,
    /// Chunks that surely carry exactly one token: by the runtime's word, else by counts, for an answer of as many
    /// chunks as tokens has one token in each.
    pub n_single: u64,
    /// Chunks that came in one read with the one before and share its stamp; `None` where nothing is read.
    pub n_coalesced: Option<u64>,
    /// Why chunk gaps are not gaps between tokens; `None` when at least 99 % of the chunks carry exactly one token.
    pub itl_tail_unavailable: Option<String>,
}

/// Chunks that carry so many tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChunkCountView {
    /// How many tokens.
    pub tokens: Option<u32>,
    /// How many chunks.
    pub n: u64,
}
