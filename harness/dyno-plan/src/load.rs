//! The words for how requests are offered, and the load models that they stand for.

use dyno_model::load::{Arrivals, LoadModel};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::arrivals::{Rates, grid};
use crate::document::Document;
use crate::problem::{Problems, known_words};
use crate::suite::{OneOrMany, SuiteWords};
use crate::trace::Traces;

/// The most requests of one launch.
pub(crate) const MAX_REQUESTS: u32 = 100_000;
/// Rates in requests/s: one in a quarter of an hour, and more than a device's network takes.
pub(crate) const RATES_PER_S: (f64, f64) = (0.001, 100_000.0);
/// Below, most gaps of a burst are too small for a float.
const BURSTINESS: (f64, f64) = (0.05, 1000.0);
const SPEEDS: (f64, f64) = (0.001, 1000.0);
pub(crate) const CONCURRENCY: (u32, u32) = (1, 4096);

/// How requests are offered.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum LoadWords {
    /// One user, who sends the next request when the answer is complete.
    Single {
        /// Pause between an answer and the next request.
        #[serde(default)]
        think_ms: u64,
    },
    /// So many users at once, each of whom sends the next request when the answer is complete.
    Closed {
        /// How many; a list makes a cell for each.
        concurrency: OneOrMany<u32>,
        /// Pause of a user between an answer and the next request.
        #[serde(default)]
        think_ms: u64,
    },
    /// Requests come at a rate, whether the device keeps up or not. Needs `requests` or `duration_ms`.
    Open {
        /// How the gaps between requests are drawn.
        arrivals: ArrivalWords,
        /// Shape of gamma arrivals: 1 is Poisson, less comes in bursts, more is more even.
        burstiness: Option<f64>,
        /// Mean rate, to a thousandth; a list makes a cell for each.
        rate_per_s: OneOrMany<f64>,
        /// The rate at the end, of a load that rises or falls evenly from `rate_per_s`.
        ramp_to_per_s: Option<f64>,
        /// Requests of each launch.
        #[schemars(range(min = 1, max = 100_000))]
        requests: Option<u32>,
        /// Time in which requests are due.
        #[schemars(range(min = 1, max = 86_400_000))]
        duration_ms: Option<u64>,
        /// The most requests under way at once; without it there is no limit. Those above it wait before they are
        /// sent, and their latency counts from when they were due.
        #[schemars(range(min = 1, max = 65_536))]
        max_in_flight: Option<u32>,
    },
    /// A search for the highest rate at which the suite's `slo` is still kept: rates from one to another, each a cell.
    /// They are tried as one looks up a word, by halves; those that need not be tried any more are left out.
    Capacity {
        /// How the gaps between requests are drawn.
        arrivals: ArrivalWords,
        /// Shape of gamma arrivals.
        burstiness: Option<f64>,
        /// The lowest rate, to a thousandth.
        from_per_s: f64,
        /// The highest rate.
        to_per_s: f64,
        /// How many rates, each the same factor above the one before.
        #[schemars(range(min = 2, max = 1000))]
        steps: u32,
        /// Requests of each launch.
        #[schemars(range(min = 1, max = 100_000))]
        requests: u32,
    },
    /// Requests come as they came to another service, with prompts of about its lengths and answers of its lengths,
    /// up to the suite's `max_tokens`.
    Trace {
        /// A file of `catalog/traces`: CSV of the Azure LLM inference traces, or JSONL of the Mooncake traces.
        file: String,
        /// Speed of the replay, to a thousandth; 2 halves all gaps.
        #[serde(default = "as_it_was")]
        speed: f64,
        /// Where to begin, in the trace's own time since its first request.
        #[serde(default)]
        #[schemars(range(max = 31_622_400_000_u64))]
        from_ms: u64,
        /// How much to replay, in the trace's own time; without it, to the end.
        #[schemars(range(min = 1, max = 31_622_400_000_u64))]
        duration_ms: Option<u64>,
        /// The most requests of each launch.
        #[schemars(range(min = 1, max = 100_000))]
        requests: Option<u32>,
        /// The most requests under way at once, as for `open`.
        #[schemars(range(min = 1, max = 65_536))]
        max_in_flight: Option<u32>,
    },
}

/// How the gaps of an open loop are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ArrivalWords {
    /// All are equal.
    Constant,
    /// Exponential: users who do not know of each other.
    Poisson,
    /// Gamma, with `burstiness` as its shape.
    Gamma,
}

fn as_it_was() -> f64 {
    1.0
}

impl LoadWords {
    /// Whether a user sends the next request when the answer is complete.
    pub(crate) fn waits_for_answers(&self) -> bool {
        match self {
            Self::Single { .. } | Self::Closed { .. } => true,
            Self::Open { .. } | Self::Capacity { .. } | Self::Trace { .. } => false,
        }
    }

    /// The load models that it stands for, each of which becomes a cell. `asked` is the number of requests that the
    /// command line wants instead. What [`check`] reports gives none.
    pub(crate) fn plan(&self, traces: &Traces, asked: Option<u32>) -> Vec<LoadModel> {
        match self {
            Self::Single { think_ms } => vec![LoadModel::Single { think_ms: *think_ms }],
            Self::Closed { concurrency, think_ms } => concurrency
                .values()
                .into_iter()
                .map(|(_, workers)| LoadModel::Closed { workers: *workers, think_ms: *think_ms })
                .collect(),
            Self::Open {
                arrivals,
                burstiness,
                rate_per_s,
                ramp_to_per_s,
                requests,
                duration_ms,
                max_in_flight,
            } => {
                let arrivals = arrivals_of(*arrivals, *burstiness);
                let n_requests = |rates| {
                    asked.or(*requests).unwrap_or_else(|| n_within(rates, duration_ms.unwrap_or_default()))
                };
                let open = |rate| open(arrivals, rates(rate, *ramp_to_per_s), n_requests, *max_in_flight);
                rate_per_s.values().into_iter().map(|(_, rate)| open(*rate)).collect()
            }
            Self::Capacity { arrivals, burstiness, from_per_s, to_per_s, steps, requests } => {
                grid(milli(*from_per_s), milli(*to_per_s), *steps)
                    .into_iter()
                    .map(|rate| Rates { from_milli_per_s: rate, to_milli_per_s: rate })
                    .map(|rates| {
                        open(arrivals_of(*arrivals, *burstiness), rates, |_| asked.unwrap_or(*requests), None)
                    })
                    .collect()
            }
            Self::Trace { file, speed, from_ms, duration_ms, requests, max_in_flight } => {
                let Some(trace) = traces.get(file) else { return Vec::new() };
                let n = trace.part(*from_ms, *duration_ms, asked.or(*requests)).len();
                vec![LoadModel::Trace {
                    file: file.clone(),
                    digest: trace.digest.clone(),
                    speed_milli: milli(*speed) as u32,
                    from_ms: *from_ms,
                    duration_ms: *duration_ms,
                    n_requests: u32::try_from(n).unwrap_or(u32::MAX),
                    max_in_flight: *max_in_flight,
                }]
            }
        }
    }
}

fn arrivals_of(words: ArrivalWords, burstiness: Option<f64>) -> Arrivals {
    match words {
        ArrivalWords::Constant => Arrivals::Constant,
        ArrivalWords::Poisson => Arrivals::Poisson,
        ArrivalWords::Gamma => Arrivals::Gamma { burstiness_milli: milli(burstiness.unwrap_or(1.0)) as u32 },
    }
}

fn open(
    arrivals: Arrivals,
    rates: Rates,
    n_requests: impl Fn(Rates) -> u32,
    max_in_flight: Option<u32>,
) -> LoadModel {
    LoadModel::Open {
        arrivals,
        rate_milli_per_s: rates.from_milli_per_s,
        ramp_to_milli_per_s: (rates.to_milli_per_s != rates.from_milli_per_s).then_some(rates.to_milli_per_s),
        n_requests: n_requests(rates),
        max_in_flight,
    }
}

fn rates(from_per_s: f64, to_per_s: Option<f64>) -> Rates {
    Rates { from_milli_per_s: milli(from_per_s), to_milli_per_s: milli(to_per_s.unwrap_or(from_per_s)) }
}

fn n_within(rates: Rates, duration_ms: u64) -> u32 {
    u32::try_from(rates.n_within(duration_ms)).unwrap_or(u32::MAX)
}

fn milli(number: f64) -> u64 {
    (number * 1000.0).round() as u64
}

/// Reports what a schema cannot see of the loads of the suite `name`.
pub(crate) fn check(
    name: &str,
    words: &SuiteWords,
    document: &Document<'_>,
    traces: &Traces,
    problems: &mut Problems,
) {
    for (idx, load) in words.load.values() {
        let idx = idx.map(|idx| idx.to_string());
        let path: Vec<&str> = ["suite", name, "load"].into_iter().chain(idx.as_deref()).collect();
        let mut at = Place { document, path: &path, problems };
        match load {
            LoadWords::Single { .. } => {}
            LoadWords::Closed { concurrency, .. } => {
                at.list("concurrency", concurrency, |n| {
                    (CONCURRENCY.0..=CONCURRENCY.1)
                        .contains(n)
                        .then_some(())
                        .ok_or_else(|| format!("from {} to {}", CONCURRENCY.0, CONCURRENCY.1))
                });
            }
            LoadWords::Open {
                arrivals,
                burstiness,
                rate_per_s,
                ramp_to_per_s,
                requests,
                duration_ms,
                max_in_flight: _,
            } => {
                at.list("rate_per_s", rate_per_s, |rate| within(*rate, RATES_PER_S));
                at.number("ramp_to_per_s", *ramp_to_per_s, RATES_PER_S);
                at.burstiness(*arrivals, *burstiness);
                at.extent(rate_per_s, *ramp_to_per_s, *requests, *duration_ms);
            }
            LoadWords::Capacity { arrivals, burstiness, from_per_s, to_per_s, steps, .. } => {
                at.number("from_per_s", Some(*from_per_s), RATES_PER_S);
                at.number("to_per_s", Some(*to_per_s), RATES_PER_S);
                at.burstiness(*arrivals, *burstiness);
                at.grid(*from_per_s, *to_per_s, *steps);
            }
            LoadWords::Trace { file, speed, from_ms, duration_ms, requests, max_in_flight: _ } => {
                at.number("speed", Some(*speed), SPEEDS);
                at.trace(file, (*from_ms, *duration_ms, *requests), traces);
            }
        }
    }
}

/// `Err` says which numbers fit. What is no number has been reported with the schema.
fn within(number: f64, (low, high): (f64, f64)) -> Result<(), String> {
    if number.is_nan() || (low..=high).contains(&number) {
        Ok(())
    } else {
        Err(format!("from {low} to {high}"))
    }
}

/// One load of a suite, to report problems of.
struct Place<'p, 'd> {
    document: &'p Document<'d>,
    path: &'p [&'p str],
    problems: &'p mut Problems,
}

impl Place<'_, '_> {
    fn report(&mut self, keys: &[&str], message: String, hint: Option<String>) {
        let path: Vec<&str> = self.path.iter().chain(keys).copied().collect();
        self.problems.push(self.document.problem_at(&path, message, hint));
    }

    fn list<T: std::fmt::Display>(
        &mut self,
        key: &str,
        values: &OneOrMany<T>,
        fits: impl Fn(&T) -> Result<(), String>,
    ) {
        let values = values.values();
        if values.is_empty() {
            self.report(&[key], format!("the list of `{key}` is empty"), None);
        }
        for (idx, value) in values {
            let Err(hint) = fits(value) else { continue };
            let idx = idx.map(|idx| idx.to_string());
            let keys: Vec<&str> = [key].into_iter().chain(idx.as_deref()).collect();
            self.report(&keys, format!("`{key}` is out of range: {value}"), Some(hint));
        }
    }

    fn number(&mut self, key: &str, number: Option<f64>, range: (f64, f64)) {
        let Some(number) = number else { return };
        if let Err(hint) = within(number, range) {
            self.report(&[key], format!("`{key}` is out of range: {number}"), Some(hint));
        }
    }

    fn burstiness(&mut self, arrivals: ArrivalWords, burstiness: Option<f64>) {
        match (arrivals, burstiness) {
            (ArrivalWords::Gamma, None) => {
                let hint = "1 is Poisson, less comes in bursts, more is more even".to_owned();
                self.report(&["arrivals"], "gamma arrivals need `burstiness`".to_owned(), Some(hint));
            }
            (ArrivalWords::Gamma, Some(_)) => self.number("burstiness", burstiness, BURSTINESS),
            (ArrivalWords::Constant | ArrivalWords::Poisson, Some(_)) => {
                let hint = "write arrivals = \"gamma\", or leave it out".to_owned();
                self.report(&["burstiness"], "only gamma arrivals have `burstiness`".to_owned(), Some(hint));
            }
            (ArrivalWords::Constant | ArrivalWords::Poisson, None) => {}
        }
    }

    /// Exactly one of `requests` and `duration_ms`, and the latter neither too short nor too long for any rate.
    fn extent(
        &mut self,
        rate_per_s: &OneOrMany<f64>,
        ramp_to_per_s: Option<f64>,
        requests: Option<u32>,
        duration_ms: Option<u64>,
    ) {
        let duration_ms = match (requests, duration_ms) {
            (Some(_), None) => return,
            (None, Some(duration_ms)) => duration_ms,
            (None, None) => {
                let hint = "say when the load ends: requests = 200, or duration_ms = 60_000".to_owned();
                return self.report(&[], "an open load without an end".to_owned(), Some(hint));
            }
            (Some(_), Some(_)) => {
                let message = "both `requests` and `duration_ms`".to_owned();
                return self.report(&["duration_ms"], message, Some("keep one of them".to_owned()));
            }
        };
        for (_, rate) in rate_per_s.values() {
            let n = n_within(rates(*rate, ramp_to_per_s), duration_ms);
            if n == 0 {
                let message = format!("no request is due within {duration_ms} ms at {rate}/s");
                self.report(&["duration_ms"], message, Some("make it longer".to_owned()));
            } else if n > MAX_REQUESTS {
                let message = format!("{n} requests are due within {duration_ms} ms at {rate}/s");
                let hint = format!("no more than {MAX_REQUESTS} for a launch");
                self.report(&["duration_ms"], message, Some(hint));
            }
        }
    }

    /// Rates that rise.
    fn grid(&mut self, from_per_s: f64, to_per_s: f64, steps: u32) {
        let (from, to) = (milli(from_per_s), milli(to_per_s));
        let in_range = |rate: f64| within(rate, RATES_PER_S).is_ok() && !rate.is_nan();
        if !in_range(from_per_s) || !in_range(to_per_s) || steps < 2 {
            return;
        }
        if from >= to {
            let message = format!("`to_per_s` is not above `from_per_s`: {to_per_s}");
            self.report(&["to_per_s"], message, None);
        } else if !grid(from, to, steps).is_sorted_by(|low, high| low < high) {
            let hint = "choose fewer, or rates that are farther apart".to_owned();
            let message = format!("{steps} rates would be less than a thousandth of a request/s apart");
            self.report(&["steps"], message, Some(hint));
        }
    }

    fn trace(&mut self, file: &str, part: (u64, Option<u64>, Option<u32>), traces: &Traces) {
        if !traces.is_known(file) {
            let hint = known_words(file, &traces.names());
            return self.report(&["file"], format!("unknown trace `{file}`"), Some(hint));
        }
        let Some(trace) = traces.get(file) else { return };
        let n = trace.part(part.0, part.1, part.2).len();
        if n == 0 {
            let message = format!("trace `{file}` has no request in this part");
            self.report(&["file"], message, Some("look at `from_ms` and `duration_ms`".to_owned()));
        } else if n > MAX_REQUESTS as usize {
            let hint = format!("set `requests` or `duration_ms` for no more than {MAX_REQUESTS}");
            self.report(&["file"], format!("trace `{file}` has {n} requests in this part"), Some(hint));
        }
    }
}
