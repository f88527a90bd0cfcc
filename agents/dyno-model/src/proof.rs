//! What a launch says of its own trustworthiness: how it offered its load, and how well it stamps.

use serde::{Deserialize, Serialize};

use crate::clock::MonoNs;

/// Some differences of time, in ns. Percentiles are observations: the smallest value that so many are not above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// How many.
    pub n: u64,
    /// The median.
    pub p50_ns: i64,
    /// The 99th percentile.
    pub p99_ns: i64,
    /// The largest.
    pub max_ns: i64,
}

impl Spread {
    /// Of these values; `None` of none.
    pub fn of(mut values: Vec<i64>) -> Option<Self> {
        values.sort_unstable();
        let at =
            |percent: usize| values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Self { n: values.len() as u64, p50_ns: at(50)?, p99_ns: at(99)?, max_ns: at(100)? })
    }
}

/// How a launch offered its load: what the generator itself did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LoadFacts {
    /// When the load began: dues count from here.
    pub began_at: MonoNs,
    /// When its last request ended.
    pub ended_at: MonoNs,
    /// Whether the client ran before all ordinary threads of the device; it is asked for over HTTP only.
    #[serde(default)]
    pub is_urgent: bool,
    /// Requests that were sent.
    pub n_sent: u32,
    /// Requests that were due or wanted and were never sent: an interrupt or the end of the runtime came first.
    pub n_unsent: u32,
    /// The most requests under way at once.
    pub max_in_flight: u32,
    /// Requests that waited for a place because the load has a ceiling.
    pub n_held_back: u32,
    /// From due to sent; `None` in closed loops.
    pub send_lag: Option<Spread>,
    /// Chunks with text.
    pub n_token_events: u64,
    /// CPU time of the agent over the load, its sampler included; `None` where the system does not say.
    pub own_cpu_ns: Option<u64>,
    /// CPU time of everything else on the device but agent and runtime, over the load.
    pub others_cpu_ns: Option<u64>,
    /// CPU time that a hypervisor took, over the load and all CPUs.
    pub steal_ns: Option<u64>,
    /// Reads of the network; 0 for a runtime that is not spoken to over one.
    pub n_reads: u64,
    /// Of these, without a plausible stamp of the kernel.
    pub n_unstamped: u64,
    /// The longest time from the kernel's stamp to the read's return: what a stamp made here would have been late.
    pub max_read_delay_ns: u64,
}

/// What a short run against a server of known schedule, on the same device and through the same client, showed.
///
/// Errors are what the client reports less what the server did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calibration {
    /// The way from runtime to record that was tried: `http`, `engine process`.
    pub path: String,
    /// Answers under way at once.
    pub n_streams: u32,
    /// Error of TTFT.
    pub ttft_error: Option<Spread>,
    /// Error of the gaps between chunks.
    pub gap_error: Option<Spread>,
    /// From due to sent.
    pub send_lag: Option<Spread>,
    /// Token events of the paced part.
    pub n_token_events: u64,
    /// CPU time of the client over the paced part.
    pub cpu_ns: Option<u64>,
    /// The null test: whole requests to a server that waits for nothing, sent to last token.
    pub null_request: Option<Spread>,
    /// Token events of the null test.
    pub n_null_events: u64,
    /// CPU time of the client over the null test.
    pub null_cpu_ns: Option<u64>,
    /// Reads without a plausible stamp of the kernel.
    pub n_unstamped: u64,
    /// All reads.
    pub n_reads: u64,
    /// How long it took in all.
    pub took_ns: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_observations() {
        // By hand: of 1 to 200, 100 values are not above 100, and 198 not above 198.
        let spread = Spread::of((1..=200).rev().collect());
        assert_eq!(spread, Some(Spread { n: 200, p50_ns: 100, p99_ns: 198, max_ns: 200 }));
        assert_eq!(Spread::of(vec![-7]), Some(Spread { n: 1, p50_ns: -7, p99_ns: -7, max_ns: -7 }));
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
