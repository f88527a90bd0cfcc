//! How requests are offered.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// A load model. The set is closed: it is stored and must be handled exhaustively.
///
/// In `single` and `closed` a request is sent when an earlier answer is complete, so a slow device is asked less:
/// its tail is none that a user of a busy service would see. In `open` and `trace` each request has an instant at
/// which it is due ([`PlannedRequest::due_ns`](crate::plan::PlannedRequest::due_ns)), and latency counts from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LoadModel {
    /// One user: the next request is sent when the previous answer is complete, after `think_ms`.
    Single {
        /// Pause between an answer and the next request.
        #[serde(default)]
        think_ms: u64,
    },
    /// So many users at once, each as in `single`; they take the run's requests in order.
    Closed {
        /// How many.
        workers: u32,
        /// Pause of a user between an answer and its next request.
        #[serde(default)]
        think_ms: u64,
    },
    /// Requests come when they come, whether the device keeps up or not. There is no limit to how many are under way,
    /// unless one is asked for.
    Open {
        /// How the gaps between them are drawn.
        arrivals: Arrivals,
        /// Mean rate, in thousandths of a request per second; of a ramp, the rate that it begins with.
        rate_milli_per_s: u64,
        /// The rate that a ramp ends with; it rises or falls evenly in time. `None` is the same rate all along.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ramp_to_milli_per_s: Option<u64>,
        /// Requests of a run; the last one is due at `n_requests` over the mean rate.
        n_requests: u32,
        /// The most requests under way at once. Those above it wait on this side; their latency counts from when they
        /// were due all the same. `None` is no limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_in_flight: Option<u32>,
    },
    /// Requests come as they came to another service, with its lengths.
    Trace {
        /// Name of the trace's file.
        file: String,
        /// SHA-256 of the whole file.
        digest: Digest,
        /// Speed of the replay in thousandths: 2000 halves all gaps.
        speed_milli: u32,
        /// Where the part in use begins, in the trace's own time since its first request.
        from_ms: u64,
        /// Length of the part in use, in the trace's own time; `None` is to the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
        /// Requests of a run.
        n_requests: u32,
        /// The most requests under way at once, as in `open`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_in_flight: Option<u32>,
    },
}

/// How the gaps of an open loop are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrivals {
    /// All gaps are equal.
    Constant,
    /// Gaps are exponential: users who do not know of each other.
    Poisson,
    /// Gaps are gamma distributed with this shape, as in vLLM's benchmark: 1 is Poisson, less comes in bursts,
    /// more is more even.
    Gamma {
        /// The shape, in thousandths.
        burstiness_milli: u32,
    },
}

impl LoadModel {
    /// A short name for tables: `single user`.
    pub fn label(&self) -> String {
        let think = |think_ms: u64| match think_ms {
            0 => String::new(),
            _ => format!(", {think_ms} ms think time"),
        };
        match self {
            Self::Single { think_ms } => format!("single user{}", think(*think_ms)),
            Self::Closed { workers, think_ms } => {
                let noun = if *workers == 1 { "worker" } else { "workers" };
                format!("closed loop, {workers} {noun}{}", think(*think_ms))
            }
            Self::Open { arrivals, rate_milli_per_s, ramp_to_milli_per_s, max_in_flight, n_requests: _ } => {
                let rate = match ramp_to_milli_per_s {
                    None => format!("at {}/s", thousandths(*rate_milli_per_s)),
                    Some(to) => {
                        format!("from {}/s to {}/s", thousandths(*rate_milli_per_s), thousandths(*to))
                    }
                };
                format!("open loop, {} arrivals {rate}{}", arrivals.label(), ceiling(*max_in_flight))
            }
            Self::Trace { file, speed_milli, max_in_flight, .. } => {
                let speed = match speed_milli {
                    1000 => String::new(),
                    _ => format!(", {} × its speed", thousandths(u64::from(*speed_milli))),
                };
                format!("trace {file}{speed}{}", ceiling(*max_in_flight))
            }
        }
    }

    /// Whether each request is due at an instant of its own, from which its latency counts.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Single { .. } | Self::Closed { .. } => false,
            Self::Open { .. } | Self::Trace { .. } => true,
        }
    }
}

impl Arrivals {
    fn label(self) -> String {
        match self {
            Self::Constant => "constant".to_owned(),
            Self::Poisson => "Poisson".to_owned(),
            Self::Gamma { burstiness_milli } => {
                format!("gamma({})", thousandths(u64::from(burstiness_milli)))
            }
        }
    }
}

/// What a limit adds to a label.
fn ceiling(max_in_flight: Option<u32>) -> String {
    max_in_flight.map_or_else(String::new, |n| format!(", at most {n} under way"))
}

/// A number of thousandths as a decimal without trailing zeros: 2500 is `2.5`.
fn thousandths(n: u64) -> String {
    let text = format!("{}.{:03}", n / 1000, n % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(arrivals: Arrivals, rate_milli_per_s: u64, ramp_to_milli_per_s: Option<u64>) -> LoadModel {
        LoadModel::Open {
            arrivals,
            rate_milli_per_s,
            ramp_to_milli_per_s,
            n_requests: 9,
            max_in_flight: None,
        }
    }

    fn trace(speed_milli: u32) -> LoadModel {
        let digest = Digest::of(b"abc");
        LoadModel::Trace {
            file: "a.csv".to_owned(),
            digest,
            speed_milli,
            from_ms: 0,
            duration_ms: None,
            n_requests: 3,
            max_in_flight: None,
        }
    }

    fn limited(load: LoadModel, n: u32) -> LoadModel {
        match load {
            LoadModel::Open { arrivals, rate_milli_per_s, ramp_to_milli_per_s, n_requests, .. } => {
                let max_in_flight = Some(n);
                LoadModel::Open { arrivals, rate_milli_per_s, ramp_to_milli_per_s, n_requests, max_in_flight }
            }
            LoadModel::Trace { file, digest, speed_milli, from_ms, duration_ms, n_requests, .. } => {
                let max_in_flight = Some(n);
                LoadModel::Trace {
                    file,
                    digest,
                    speed_milli,
                    from_ms,
                    duration_ms,
                    n_requests,
                    max_in_flight,
                }
            }
            LoadModel::Single { .. } | LoadModel::Closed { .. } => panic!("has no limit of its own"),
        }
    }

    #[test]
    fn a_plan_of_before_keeps_its_bytes() {
        let text = r#"{"kind":"single","think_ms":50}"#;
        let read: LoadModel = serde_json::from_str(text).expect("a load model");
        assert_eq!(read, LoadModel::Single { think_ms: 50 });
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
    }

    #[test]
    fn every_kind_survives_its_stored_form() {
        // The digest is the published SHA-256 of "abc" (FIPS 180-2).
        let cases = [
            (LoadModel::Closed { workers: 4, think_ms: 0 }, r#"{"kind":"closed","workers":4,"think_ms":0}"#),
            (
                open(Arrivals::Poisson, 500, None),
                r#"{"kind":"open","arrivals":{"kind":"poisson"},"rate_milli_per_s":500,"n_requests":9}"#,
            ),
            (
                open(Arrivals::Gamma { burstiness_milli: 250 }, 1000, Some(8000)),
                r#"{"kind":"open","arrivals":{"kind":"gamma","burstiness_milli":250},"rate_milli_per_s":1000,"ramp_to_milli_per_s":8000,"n_requests":9}"#,
            ),
            (
                limited(open(Arrivals::Constant, 500, None), 8),
                r#"{"kind":"open","arrivals":{"kind":"constant"},"rate_milli_per_s":500,"n_requests":9,"max_in_flight":8}"#,
            ),
            (
                trace(1000),
                r#"{"kind":"trace","file":"a.csv","digest":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","speed_milli":1000,"from_ms":0,"n_requests":3}"#,
            ),
        ];
        for (load, text) in cases {
            assert_eq!(serde_json::to_string(&load).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<LoadModel>(text).expect("a load model"), load);
        }
    }

    #[test]
    fn labels_are_for_people() {
        let check = |load: LoadModel, expected| assert_eq!(load.label(), expected);
        check(LoadModel::Single { think_ms: 0 }, "single user");
        check(LoadModel::Single { think_ms: 50 }, "single user, 50 ms think time");
        check(LoadModel::Closed { workers: 1, think_ms: 0 }, "closed loop, 1 worker");
        check(LoadModel::Closed { workers: 8, think_ms: 5 }, "closed loop, 8 workers, 5 ms think time");
        check(open(Arrivals::Poisson, 2500, None), "open loop, Poisson arrivals at 2.5/s");
        check(open(Arrivals::Constant, 1, Some(10_000)), "open loop, constant arrivals from 0.001/s to 10/s");
        check(
            open(Arrivals::Gamma { burstiness_milli: 250 }, 100_000, None),
            "open loop, gamma(0.25) arrivals at 100/s",
        );
        check(trace(1000), "trace a.csv");
        check(trace(2500), "trace a.csv, 2.5 × its speed");
        check(
            limited(open(Arrivals::Poisson, 2500, None), 4),
            "open loop, Poisson arrivals at 2.5/s, at most 4 under way",
        );
        check(limited(trace(2000), 9), "trace a.csv, 2 × its speed, at most 9 under way");
    }
}
