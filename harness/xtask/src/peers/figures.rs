//! What a tool said set against what happened.

use std::collections::BTreeMap;

use super::tool::{OneTold, Told, Tool};
use super::truth::Truth;
use super::watch::Watched;
use super::{Case, Load};

/// One run of one tool; times in ns, `None` where the tool or the case has no such figure.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) tool: Tool,
    pub(crate) case: Case,
    pub(crate) is_busy: bool,
    /// The server had a real-time priority.
    pub(crate) is_server_urgent: bool,
    pub(crate) n_answers: usize,
    /// Reported minus true TTFT.
    pub(crate) ttft_error_p50: Option<f64>,
    pub(crate) ttft_error_p99: Option<f64>,
    /// Of the absolute difference of reported and true gaps.
    pub(crate) gap_error_p99: Option<f64>,
    /// By how much a reported gap lies outside of what the truth allows: a chunk arrives within the server's write.
    pub(crate) gap_excess_p99: Option<f64>,
    /// How long the server's writes took: the truth is known no better.
    pub(crate) truth_width_p99: Option<f64>,
    /// Tokens served over those that the streams could have had.
    pub(crate) delivered_ratio: Option<f64>,
    /// While requests were under way.
    pub(crate) cpu_ns_per_event: Option<f64>,
    pub(crate) peak_rss_kib: u64,
    pub(crate) launch_to_first_ns: Option<f64>,
    /// Reported and true latency of a load that arrives at a rate.
    pub(crate) latency_p99: Option<f64>,
    pub(crate) true_latency_p99: Option<f64>,
    pub(crate) load: f64,
    pub(crate) steal_ratio: f64,
    pub(crate) others_ratio: f64,
    pub(crate) failure: Option<String>,
}

impl Figures {
    pub(crate) fn new(
        tool: Tool,
        case: &Case,
        is_busy: bool,
        is_server_urgent: bool,
        watched: &Watched,
        mut truth: Vec<Truth>,
        told: anyhow::Result<Told>,
    ) -> Self {
        let (told, unread) = match told {
            Ok(told) => (told, None),
            Err(error) => (Told::default(), Some(format!("{error:#}"))),
        };
        let launched = watched.launched_at as f64;
        let launch_to_first_ns = truth.first().map(|first| first.received_at as f64 - launched);
        // Some tools try the server with a request of its own first.
        truth.drain(..truth.len().saturating_sub(case.n_requests));
        let pairs = pairs(&told.requests, &truth);
        let ttft: Vec<f64> = pairs.iter().filter_map(|(told, truth)| ttft_error(told, truth)).collect();
        let gaps: Vec<f64> = pairs.iter().flat_map(|(told, truth)| gap_errors(told, truth)).collect();
        let excess: Vec<f64> = pairs.iter().flat_map(|(told, truth)| gap_excesses(told, truth)).collect();
        let writes = || truth.iter().flat_map(|one| one.writes.iter());
        let widths: Vec<f64> = writes().map(|(before, after)| (after - before) as f64).collect();
        let window = window(&truth);
        let is_rate = matches!(case.load, Load::Rate(_));
        let is_paced = case.answer_ns > 0 && !is_rate;
        let latencies: Vec<f64> = told.requests.iter().map(|one| one.latency_ns).collect();
        Self {
            tool,
            case: *case,
            is_busy,
            is_server_urgent,
            n_answers: truth.len(),
            ttft_error_p50: quantile(&ttft, 0.5).filter(|_| is_paced),
            ttft_error_p99: quantile(&ttft, 0.99).filter(|_| is_paced),
            gap_error_p99: quantile(&gaps, 0.99).filter(|_| is_paced),
            gap_excess_p99: quantile(&excess, 0.99).filter(|_| is_paced),
            truth_width_p99: quantile(&widths, 0.99).filter(|_| is_paced),
            delivered_ratio: window.and_then(|window| delivered(case, truth.len(), window)),
            cpu_ns_per_event: cpu_ns_per_event(case, &truth, told.cpu_ns, &watched.cpu),
            peak_rss_kib: told.rss_kib.unwrap_or(watched.peak_rss_kib),
            launch_to_first_ns,
            latency_p99: quantile(&latencies, 0.99).filter(|_| is_rate),
            true_latency_p99: true_latency_p99(case),
            load: watched.load,
            steal_ratio: watched.steal_ratio,
            others_ratio: watched.others_ratio,
            failure: watched.failure.clone().or(unread),
        }
    }
}

/// Each request as told and as it was: by the seed, else by their order, which is as good where all are alike.
fn pairs<'a>(told: &'a [OneTold], truth: &'a [Truth]) -> Vec<(&'a OneTold, &'a Truth)> {
    let by_seed: BTreeMap<u64, &Truth> = truth.iter().map(|one| (one.seed, one)).collect();
    let named = told.iter().filter_map(|one| Some((one, *by_seed.get(&one.seed?)?)));
    let named: Vec<_> = named.collect();
    if named.is_empty() { told.iter().zip(truth).collect() } else { named }
}

fn ttft_error(told: &OneTold, truth: &Truth) -> Option<f64> {
    let (first, _) = truth.writes.first()?;
    Some(told.ttft_ns - (first - truth.received_at) as f64)
}

/// Gap by gap; a tool may tell one more, to the event without a token that ends an answer.
fn gap_errors(told: &OneTold, truth: &Truth) -> Vec<f64> {
    let real = truth.writes.windows(2).map(|two| (two[1].0 - two[0].0) as f64);
    told.gaps_ns.iter().zip(real).map(|(told, real)| (told - real).abs()).collect()
}

/// As above, but against the least and the most that the true gap can have been.
fn gap_excesses(told: &OneTold, truth: &Truth) -> Vec<f64> {
    let bounds = truth.writes.windows(2).map(|two| {
        let ((before, after), (next_before, next_after)) = (two[0], two[1]);
        (next_before.saturating_sub(after) as f64, next_after.saturating_sub(before) as f64)
    });
    told.gaps_ns
        .iter()
        .zip(bounds)
        .map(|(told, (least, most))| (least - told).max(told - most).max(0.0))
        .collect()
}

/// From the first request to the last token.
fn window(truth: &[Truth]) -> Option<(u64, u64)> {
    let from = truth.iter().map(|one| one.received_at).min()?;
    let to = truth.iter().filter_map(|one| one.writes.last()).map(|(_, after)| *after).max()?;
    Some((from, to))
}

/// CPU time for each token, by the tool's own account or by what its processes had while requests were under way.
///
/// A server without delays is done long before its clients have read what it wrote: there, what counts ends with the last
/// request, when all answers but the last of each stream have been read.
fn cpu_ns_per_event(case: &Case, truth: &[Truth], own: Option<u64>, looks: &[(u64, u64)]) -> Option<f64> {
    let per_event = |cpu_ns: f64, n_answers: usize| {
        (n_answers > 0).then(|| cpu_ns / n_answers as f64 / f64::from(case.n_tokens))
    };
    if let Some(own) = own {
        return per_event(own as f64, truth.len());
    }
    let (from, last_write) = window(truth)?;
    let (to, n_answers) = match case.load {
        Load::Streams(n) if case.answer_ns == 0 => {
            (truth.iter().map(|one| one.received_at).max()?, truth.len().saturating_sub(n))
        }
        Load::Streams(_) | Load::Rate(_) => (last_write, truth.len()),
    };
    per_event(at(looks, to)? - at(looks, from)?, n_answers)
}

/// What streams that never pause would have needed, over what it took.
fn delivered(case: &Case, n_answers: usize, (from, to): (u64, u64)) -> Option<f64> {
    let Load::Streams(n_streams) = case.load else { return None };
    let ideal_ns = n_answers as f64 / n_streams as f64 * case.answer_ns as f64;
    (case.answer_ns > 0 && to > from).then(|| ideal_ns / (to - from) as f64)
}

/// What those who arrive at the rate must wait for a server that serves one after the other (Lindley's recursion).
fn true_latency_p99(case: &Case) -> Option<f64> {
    let Load::Rate(rate) = case.load else { return None };
    let service_ns = case.answer_ns as f64;
    let mut free_at = 0.0_f64;
    let mut all = Vec::new();
    for n in 0..case.n_requests {
        let arrived_at = n as f64 / rate * 1e9;
        free_at = free_at.max(arrived_at) + service_ns;
        all.push(free_at - arrived_at);
    }
    quantile(&all, 0.99)
}

/// The CPU time at an instant, between two looks.
fn at(looks: &[(u64, u64)], instant: u64) -> Option<f64> {
    let after = looks.iter().position(|(at, _)| *at >= instant);
    match after {
        Some(0) => looks.first().map(|(_, cpu)| *cpu as f64),
        Some(n) => {
            let ((t0, c0), (t1, c1)) = (looks[n - 1], looks[n]);
            let share = (instant - t0) as f64 / (t1 - t0).max(1) as f64;
            Some(c0 as f64 + share * (c1 as f64 - c0 as f64))
        }
        None => looks.last().map(|(_, cpu)| *cpu as f64),
    }
}

/// The nearest rank.
fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * q).ceil() as usize;
    values.get(rank.clamp(1, values.len().max(1)) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(load: Load, n_requests: usize, answer_ns: u64) -> Case {
        Case { name: "x", script: "", load, n_requests, n_tokens: 3, answer_ns }
    }

    fn truth(seed: u64, received_at: u64, writes: &[(u64, u64)]) -> Truth {
        Truth { seed, received_at, writes: writes.to_vec() }
    }

    #[test]
    fn errors_are_told_minus_true() {
        let told =
            OneTold { seed: Some(2), ttft_ns: 57.0, gaps_ns: vec![9.0, 12.0, 1.0], ..OneTold::default() };
        let all = [truth(1, 0, &[(1, 1)]), truth(2, 100, &[(150, 152), (160, 161), (170, 175)])];
        let pairs = pairs(std::slice::from_ref(&told), &all);
        assert_eq!(pairs.len(), 1);
        // 57 - 50; |9 - 10| and |12 - 10|; the third has no counterpart.
        assert_eq!(ttft_error(pairs[0].0, pairs[0].1), Some(7.0));
        assert_eq!(gap_errors(pairs[0].0, pairs[0].1), [1.0, 2.0]);
        // The first true gap lies between 8 and 11, the second between 9 and 15.
        assert_eq!(gap_excesses(pairs[0].0, pairs[0].1), [0.0, 0.0]);
        let told = OneTold { gaps_ns: vec![6.0, 18.0], ..told.clone() };
        assert_eq!(gap_excesses(&told, &all[1]), [2.0, 3.0]);
        assert_eq!(window(&all), Some((0, 175)));
    }

    #[test]
    fn what_pauses_delivers_less() {
        // Four answers of 100 ns over two streams need 200 ns.
        assert_eq!(delivered(&case(Load::Streams(2), 4, 100), 4, (1000, 1250)), Some(0.8));
        assert_eq!(delivered(&case(Load::Rate(1.0), 4, 100), 4, (1000, 1250)), None);
    }

    #[test]
    fn the_wait_of_an_overloaded_server_is_queueing_theory() {
        // Service 500 ms, arrivals every 100 ms: the n-th (from 0) waits 0.5 + 0.4 n seconds.
        let wait = true_latency_p99(&case(Load::Rate(10.0), 46, 500_000_000)).expect("a wait");
        assert!((wait - 18.5e9).abs() < 1.0, "{wait}");
        // Of 200 the nearest rank of p99 is the 198th.
        let wait = true_latency_p99(&case(Load::Rate(10.0), 200, 500_000_000)).expect("a wait");
        assert!((wait - (0.5 + 0.4 * 197.0) * 1e9).abs() < 1.0, "{wait}");
    }

    #[test]
    fn cpu_time_is_of_the_tokens_that_were_read() {
        let all = [truth(0, 100, &[(110, 110)]), truth(0, 150, &[(170, 170)]), truth(0, 200, &[(300, 300)])];
        let looks = [(100, 10), (200, 70), (300, 370)];
        // Paced, three tokens each: 360 ns for 9 tokens; without delays, one stream: 60 ns for 6.
        let check = |answer_ns, own, expected| {
            let got = cpu_ns_per_event(&case(Load::Streams(1), 3, answer_ns), &all, own, &looks);
            assert_eq!(got, Some(expected));
        };
        check(5, None, 40.0);
        check(0, None, 10.0);
        check(0, Some(18), 2.0);
    }

    #[test]
    fn cpu_time_is_read_between_looks() {
        let looks = [(100, 10), (200, 30)];
        assert_eq!(
            [50, 100, 150, 300].map(|instant| at(&looks, instant)),
            [10.0, 10.0, 20.0, 30.0].map(Some)
        );
        assert_eq!(at(&[], 5), None);
    }
}
