//! Load: figures computed by hand.

use std::fs;
use std::path::Path;

use dyno_model::clock::WallNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::CampaignId;
use dyno_model::load::{Arrivals, LoadModel};
use dyno_model::outcome::Outcome;
use dyno_model::plan::Plan;
use dyno_model::request::{ChunkKind, ExchangeFacts};
use dyno_store::{Journal, Store};
use dyno_view::load::{
    CellLoadView, LatencyFigure, LatencyView, OriginView, SaturationView, ShareIntervalView, VerdictView,
};
use dyno_view::report::{FindingLevel, Report, RetryAfterView, StatusCount};
use tempfile::tempdir;

use super::queue::{MS, Server, every, open_load, plan_of, slo, uneven};
use super::sample::{WALL, session};
use crate::report;

/// 500 ms for each request, one after the other.
const HALF_A_SECOND: Server =
    Server { slots: 1, prefill_ms: 100, token_ms: 100, shared_percent: 0, n_tokens: 5 };

fn report_of(plan: &Plan, launches: &[Vec<Event>]) -> Report {
    let dir = tempdir().expect("a folder");
    let campaign = Store::new(dir.path()).create(&CampaignId::from("c-1"), plan).expect("an empty folder");
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(WALL)).expect("a new journal");
    journal.append(&session(0)).expect("disk has room");
    for events in launches {
        journal.append_events(0, events).expect("disk has room");
    }
    report(&campaign).expect("a good record")
}

fn dues(of: &[u64]) -> Vec<Option<u64>> {
    of.iter().copied().map(Some).collect()
}

/// One open loop of constant gaps on the server of half a second.
fn constant(gap_ms: u64, n: u64, slo: Option<dyno_model::plan::PlannedSlo>) -> Report {
    let due = every(gap_ms, n);
    let plan = plan_of(&[(open_load(Arrivals::Constant, 1_000_000 / gap_ms, n as u32), dues(&due))], slo);
    report_of(&plan, &[HALF_A_SECOND.open(0, 1_000_000, &due)])
}

fn load(report: &Report, cell: usize) -> &CellLoadView {
    report.cells[cell].offered.as_ref().expect("a launch")
}

fn latency<'v>(load: &'v CellLoadView, metric: &str) -> &'v LatencyView {
    load.latencies.iter().find(|of| of.metric == metric).expect("it is there")
}

fn figures(latency: &LatencyView) -> Vec<LatencyFigure> {
    latency.figures.iter().map(|of| of.figure).collect()
}

fn close(found: Option<f64>, expected: f64) {
    let found = found.expect("a figure");
    assert!((found / expected - 1.0).abs() < 1e-6, "{found} is not {expected}");
}

/// 40 requests, one each 100 ms, to a server that takes 500 ms for each: request i (from 0) waits 400·i ms, so its
/// answer is complete 500 + 400·i ms after it was due.
#[test]
fn a_queue_that_grows_is_what_its_users_waited() {
    let report = constant(100, 40, None);
    let load = load(&report, 0);
    // Ranks 20, 36, 38 and 40 of 40: i = 19, 35, 37, 39.
    let waits = [8_100.0, 14_500.0, 15_300.0, 16_100.0].map(|ms| LatencyFigure::Observed { value: ms * 1e6 });
    assert_eq!(figures(latency(load, "e2e_sched_ns")), waits);
    assert_eq!(latency(load, "e2e_sched_ns").max_ns, Some(16_100e6));
    // Service time beside it: 500 ms for all, whatever they waited; the largest has a bound from 368 on.
    let half = LatencyFigure::Estimate { value: 500e6, low: 500e6, high: 500e6 };
    let few = |needed| LatencyFigure::AtLeast { low: 500e6, n: 40, needed };
    let service = latency(load, "e2e_served_ns");
    assert_eq!(service.origin, OriginView::Served);
    assert_eq!(figures(service), [half, half, few(72), few(368)]);
    close(load.offered_per_s, 10.0);
    close(load.sent_per_s, 10.0);
    // 39 gaps of 500 ms.
    close(load.answered_per_s, 2.0);
    // When the last one comes, at 4.0 s, those that were complete at 0.6, 1.1 … 3.6 s are gone.
    assert_eq!(load.max_in_flight, Some(33));
    // Medians of the first and the last ten: i = 4 and 34.
    let said = "requests came at 10/s and answers at 2/s, and the wait grew from 2.10 s in the first quarter to 14.1 s \
                in the last: a queue of this kind has no percentiles, they grow as long as it runs";
    assert_eq!(load.saturation, [said]);
    let first = &report.findings[0];
    assert_eq!(
        (first.level, first.text.as_str()),
        (FindingLevel::Warning, format!("saturated: {said}").as_str())
    );
    assert_eq!(report.load.expect("an open loop").alarms, std::slice::from_ref(first));
}

#[test]
fn a_queue_that_is_served_has_percentiles() {
    let report = constant(1000, 20, None);
    let load = load(&report, 0);
    assert!(load.saturation.is_empty() && load.caveat.is_none());
    let half = LatencyFigure::Estimate { value: 500e6, low: 500e6, high: 500e6 };
    let due = latency(load, "e2e_sched_ns");
    assert_eq!(figures(due)[0], half);
    assert_eq!(figures(due)[1], LatencyFigure::AtLeast { low: 500e6, n: 20, needed: 36 });
    close(load.offered_per_s, 1.0);
    close(load.answered_per_s, 1.0);
    assert_eq!(load.max_in_flight, Some(1));
}

/// One each 400 ms: request i waits 100·i ms, so that its first token comes 100 + 100·i ms after it was due; three are
/// within 300 ms.
#[test]
fn goodput_counts_every_request_that_was_to_be_served() {
    let report = constant(400, 20, Some(slo(300, 100)));
    let good = load(&report, 0).good.as_ref().expect("the plan has a service level");
    assert_eq!((good.n, good.n_good), (20, 3));
    // 20 requests one after the other from the first on: 10 s.
    close(good.rate_per_s, 0.3);
    let [ttft, tpot] = good.limits.as_slice() else { panic!("two limits") };
    assert_eq!(
        (ttft.metric.as_str(), ttft.n_violations, ttft.verdict),
        ("ttft_sched_ns", 17, VerdictView::Fail)
    );
    // 20 of 59 that it takes without a violation.
    let unclear = VerdictView::Inconclusive { more_needed: 39 };
    assert_eq!((tpot.metric.as_str(), tpot.n_violations, tpot.verdict), ("tpot_ns", 0, unclear));
    assert_eq!(good.verdict, VerdictView::Fail);
}

#[test]
fn requests_that_fail_or_are_never_sent_are_not_good() {
    let due = every(1000, 10);
    let plan = plan_of(&[(open_load(Arrivals::Constant, 1000, 10), dues(&due))], Some(slo(300, 100)));
    let mut events = HALF_A_SECOND.open(0, 1_000_000, &due[..6]);
    for event in &mut events {
        match &mut event.kind {
            EventKind::Request(request) if request.idx == 3 => {
                request.outcome = Outcome::Refused { detail: "busy".to_owned() };
                let exchange = ExchangeFacts {
                    status: Some(429),
                    retry_after_ms: Some(2000),
                    ..ExchangeFacts::default()
                };
                request.exchange = Some(exchange);
            }
            EventKind::Request(request) if request.idx == 5 => {
                request.outcome = Outcome::Timeout { limit_ms: 100 };
            }
            EventKind::LaunchEnded { outcome, .. } => {
                *outcome = Outcome::Crashed { exit: "signal: 9".to_owned(), stderr_tail: String::new() };
            }
            _ => {}
        }
    }
    let report = report_of(&plan, &[events]);
    let load = load(&report, 0);
    // Six were sent, four went well; four were never sent.
    assert_eq!((load.n_wanted, load.n_answered, load.n_unsent), (10, 4, 4));
    let good = load.good.as_ref().expect("a service level");
    assert_eq!((good.n, good.n_good), (10, 4));
    assert_eq!((latency(load, "ttft_sched_ns").n, latency(load, "ttft_sched_ns").of), (4, 10));
    let cell = &report.cells[0];
    let words: Vec<(&str, u64)> = cell.outcomes.iter().map(|of| (of.outcome.as_str(), of.n)).collect();
    assert_eq!(words, [("ok", 4), ("refused", 1), ("timeout", 1), ("unsent", 4)]);
    assert_eq!(cell.outcomes[1].statuses, [StatusCount { status: 429, n: 1 }]);
    assert_eq!(cell.outcomes[1].retry_after, Some(RetryAfterView { n: 1, min_ms: 2000, max_ms: 2000 }));
    // 6 of 10: R's binom.test(6, 10) says 0.2623781 to 0.8784477.
    let ShareIntervalView { n, of, low, high } = cell.errors.expect("ten requests");
    assert_eq!((n, of), (6, 10));
    assert!((low - 0.262_378_1).abs() < 1e-7 && (high - 0.878_447_7).abs() < 1e-7, "{low} {high}");
}

#[test]
fn without_a_service_level_there_is_no_goodput_and_the_reason_is_told() {
    let due = [every(1000, 20), every(2000, 20)];
    let loads = [1000, 500].map(|rate| open_load(Arrivals::Constant, rate, 20));
    let plan = plan_of(&[(loads[0].clone(), dues(&due[0])), (loads[1].clone(), dues(&due[1]))], None);
    let launches = [HALF_A_SECOND.open(0, 1_000_000, &due[0]), HALF_A_SECOND.open(1, 1_000_000, &due[1])];
    let report = report_of(&plan, &launches);
    let sweep = &report.load.as_ref().expect("open loops").sweeps[0];
    assert!(sweep.capacities.is_empty());
    assert_eq!(
        sweep.notes,
        ["no goodput and no SLA capacity: the plan names no service level (`slo` in the suite)"]
    );
    // In the order of their rates, not of the plan.
    assert_eq!(sweep.cells, ["cell-1", "cell-0"]);
    assert_eq!(report.comparison, None, "cells that differ by their load only are no rows of one comparison");
}

#[test]
fn closed_loops_have_no_due_and_say_what_they_are_not() {
    let plan = plan_of(&[(LoadModel::Closed { workers: 4, think_ms: 0 }, vec![None; 40])], None);
    let report = report_of(&plan, &[HALF_A_SECOND.closed(0, 1_000_000, 4, 40)]);
    let load = load(&report, 0);
    assert_eq!((load.label.as_str(), load.users, load.offered_per_s), ("closed(4)", Some(4), None));
    let metrics: Vec<&str> = load.latencies.iter().map(|of| of.metric.as_str()).collect();
    assert_eq!(metrics, ["ttft_ns", "e2e_ns", "tpot_ns"]);
    let caveat = "closed(4): each of 4 users waits for an answer before asking again, so a slow device is asked less. \
                  Its p99 is not that of a service under load.";
    assert_eq!(load.caveat.as_deref(), Some(caveat));
    assert!(report.cells[0].metrics.iter().all(|metric| !metric.metric.contains("sched")), "no empty rows");
    // One answer each half a second, from the first send on.
    close(load.answered_per_s, 2.0);
    assert_eq!(load.max_in_flight, Some(4));
    assert!(load.saturation.is_empty(), "nobody asks a closed loop for more than it gives");
}

#[test]
fn a_single_user_is_no_load_to_show() {
    let plan = plan_of(&[(LoadModel::Single { think_ms: 0 }, vec![None; 6])], None);
    let report = report_of(&plan, &[HALF_A_SECOND.closed(0, 1_000_000, 1, 6)]);
    assert_eq!(report.load, None);
    assert_eq!(load(&report, 0).label, "closed(1)");
}

#[test]
fn chunks_of_several_tokens_have_no_token_gaps() {
    let plan = plan_of(&[(LoadModel::Single { think_ms: 0 }, vec![None; 3])], None);
    let mut events = HALF_A_SECOND.closed(0, 1_000_000, 1, 3);
    for event in &mut events {
        if let EventKind::Request(request) = &mut event.kind {
            // Three tokens in the first chunk: OSL is 7, so 400 ms over 7 − 3 tokens. A reasoning chunk comes first.
            request.chunk_tokens[0] = Some(3);
            request.usage.completion_tokens = Some(7);
            request.chunk_kind[0] = ChunkKind::Reasoning;
            let exchange =
                ExchangeFacts { n_coalesced: 1, connect_ns: Some(7000), ..ExchangeFacts::default() };
            request.exchange = Some(exchange);
        }
    }
    let report = report_of(&plan, &[events]);
    let cell = &report.cells[0];
    let only = |id: &str| {
        let metric = cell.metrics.iter().find(|metric| metric.metric == id).expect("it tells something");
        (metric.n, metric.min, metric.max)
    };
    assert_eq!(only("tpot_k1_ns"), (3, Some(100e6), Some(100e6)));
    assert_eq!(only("tpot_ns"), (3, Some((400 * MS / 6) as f64), Some((400 * MS / 6) as f64)));
    assert_eq!(only("ttfo_ns"), (3, Some(200e6), Some(200e6)));
    assert_eq!(only("ttst_ns"), (3, Some(100e6), Some(100e6)));
    assert_eq!(only("connect_ns"), (3, Some(7000.0), Some(7000.0)));
    let chunks = cell.chunks.as_ref().expect("fifteen chunks");
    let by_tokens: Vec<(Option<u32>, u64)> = chunks.by_tokens.iter().map(|of| (of.tokens, of.n)).collect();
    assert_eq!(by_tokens, [(Some(1), 12), (Some(3), 3)]);
    assert_eq!((chunks.n_chunks, chunks.n_single, chunks.n_coalesced), (15, 12, Some(3)));
    assert!(chunks.itl_tail_unavailable.as_ref().is_some_and(|why| why.starts_with("80.0 % of the chunks")));
}

#[test]
fn metrics_that_tell_nothing_have_no_row() {
    let plan = plan_of(&[(LoadModel::Single { think_ms: 0 }, vec![None; 3])], None);
    let report = report_of(&plan, &[HALF_A_SECOND.closed(0, 1_000_000, 1, 3)]);
    for id in ["tpot_k1_ns", "ttfo_ns", "queue_ns", "connect_ns", "send_lag_ns"] {
        assert!(report.cells[0].metrics.iter().all(|metric| metric.metric != id), "{id}");
    }
    assert_eq!(report.cells[0].chunks.as_ref().and_then(|of| of.itl_tail_unavailable.clone()), None);
}

#[test]
fn a_ramp_says_from_which_rate_on_it_queues() {
    // From 1/s to 3/s within 20 s: 40 requests, and the device serves 2/s. Due times solve t + t²/20 = i.
    let due: Vec<u64> =
        (1..=40_u32).map(|i| ((-10.0 + (100.0 + 20.0 * f64::from(i)).sqrt()) * 1e9).round() as u64).collect();
    let load_model = LoadModel::Open {
        arrivals: Arrivals::Constant,
        rate_milli_per_s: 1000,
        ramp_to_milli_per_s: Some(3000),
        n_requests: 40,
        max_in_flight: None,
    };
    let plan = plan_of(&[(load_model, dues(&due))], None);
    let report = report_of(&plan, &[HALF_A_SECOND.open(0, 1_000_000, &due)]);
    let load = load(&report, 0);
    // The rate is 2/s at 10 s; the wait has doubled, to a median above 1 s, some seconds later.
    let [said] = load.saturation.as_slice() else { panic!("{:?}", load.saturation) };
    assert!(said.starts_with("from about 2.") && said.contains("left its level of 500 ms"), "{said}");
    let charts = &report.cells[0].charts;
    let over_time = charts.iter().find(|chart| chart.id == "latency-over-time").expect("a ramp has it");
    let marks: Vec<&str> = over_time.marks.iter().map(|mark| mark.label.as_str()).collect();
    assert_eq!(marks, ["1/s", "1.5/s", "2/s", "2.5/s", "3/s"]);
    assert_eq!(over_time.series[0].n, 40);
}

/// Closed loops of 1, 2, 4 and 8 users and open loops of 1, 2, 3 and 4 requests per second, on a server that answers two
/// at a time, each in 80 + 15 · 40 ms when alone.
fn sample() -> Report {
    const SERVER: Server =
        Server { slots: 2, prefill_ms: 80, token_ms: 40, shared_percent: 10, n_tokens: 16 };
    let closed = [1_u32, 2, 4, 8].map(|workers| (LoadModel::Closed { workers, think_ms: 0 }, vec![None; 40]));
    let rates = [1_u64, 2, 3, 4];
    let open =
        rates.map(|rate| (open_load(Arrivals::Poisson, rate * 1000, 63), dues(&uneven(1000 / rate, 63))));
    let plan = plan_of(&[closed.as_slice(), open.as_slice()].concat(), Some(slo(600, 60)));
    let mut launches: Vec<Vec<Event>> = [1, 2, 4, 8]
        .iter()
        .zip(0..)
        .map(|(users, run)| SERVER.closed(run, (u64::from(run) + 1) * 100_000 * MS, *users, 40))
        .collect();
    launches.extend(
        rates.iter().zip(4..).map(|(rate, run)| {
            SERVER.open(run, (u64::from(run) + 1) * 100_000 * MS, &uneven(1000 / rate, 63))
        }),
    );
    report_of(&plan, &launches)
}

#[test]
fn a_sweep_finds_saturation_knee_and_capacity() {
    let report = sample();
    let sweep = &report.load.as_ref().expect("loads").sweeps[0];
    // Two at a time, in 80 + 15 · 44 = 740 ms: 2.7 requests per second.
    let saturation =
        SaturationView { arrivals: "Poisson".to_owned(), from_per_s: Some(3.0), highest_per_s: 4.0 };
    assert_eq!(sweep.saturations, [saturation]);
    let [capacity] = sweep.capacities.as_slice() else { panic!("one kind of arrivals") };
    assert_eq!((capacity.passes_per_s, capacity.fails_per_s), (Some(1.0), Some(2.0)), "{capacity:?}");
    let ids: Vec<&str> = sweep.charts.iter().map(|chart| chart.id.as_str()).collect();
    let expected = [
        "ttft-by-users",
        "tpot-by-users",
        "throughput-by-users",
        "ttft-by-rate",
        "tpot-by-rate",
        "throughput-by-rate",
    ];
    assert_eq!(ids, expected);
    // Two users are served at once; a third only waits.
    assert_eq!((sweep.knees[0].users, sweep.knees[0].rate_per_s), (Some(2), None));
}

/// The record's report is what dyno-report's golden pages are made from.
#[test]
fn the_sample_under_load_is_golden() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/load.json");
    let mut found = serde_json::to_string(&sample()).expect("plain data");
    found.push('\n');
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &found).expect("the golden folder is writable");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == found, "UPDATE_GOLDEN=1 writes {} anew", path.display());
}
