//! How far figures can be believed: stamps, other users of the CPU, and launches that may not be used.

use dyno_model::clock::MonoNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::launch::Dialect;
use dyno_model::load::Arrivals;
use dyno_model::plan::Plan;
use dyno_model::proof::{Calibration, LoadFacts, Spread};
use dyno_view::proof::{ProofFigure, ProofRowView, StampsView};
use dyno_view::report::{FindingLevel, QuantileFigure, Report};
use tempfile::tempdir;

use super::sample::{Asked, End, launch, ok, plan, with, written};
use crate::report;

/// Two requests, in a launch of 1 ms of load on two CPUs.
fn requests(run: u32, end: &End) -> Vec<Event> {
    let start = 100_000 * u64::from(run + 1);
    let asked: Vec<Asked> =
        (0..2).map(|i| ok(i, start + 1000 * u64::from(i + 1), &[300_000, 310_000], 8)).collect();
    launch(run, 1, start, &asked, end)
}

fn spread(p50_ns: i64, p99_ns: i64) -> Spread {
    Spread { n: 640, p50_ns, p99_ns, max_ns: p99_ns + 1000 }
}

fn calibration(p99_ns: i64) -> EventKind {
    EventKind::Calibrated(Box::new(Calibration {
        path: "http".to_owned(),
        n_streams: 8,
        ttft_error: Some(spread(40, p99_ns)),
        gap_error: Some(spread(-25, 5)),
        n_token_events: 1000,
        cpu_ns: Some(3_200_000),
        ..Calibration::default()
    }))
}

fn load() -> LoadFacts {
    LoadFacts {
        began_at: MonoNs(50_000),
        ended_at: MonoNs(1_050_000),
        n_sent: 2,
        n_token_events: 4,
        own_cpu_ns: Some(8_000),
        others_cpu_ns: Some(140_000),
        steal_ns: Some(26_000),
        n_reads: 200,
        n_unstamped: 3,
        max_read_delay_ns: 4_100_000,
        ..LoadFacts::default()
    }
}

fn loaded(facts: LoadFacts) -> EventKind {
    EventKind::LoadEnded(Box::new(facts))
}

/// A plan for a runtime that a clock stamps.
fn real(n_runs: u32) -> Plan {
    let mut plan = plan(n_runs);
    for runtime in plan.runtimes.values_mut() {
        runtime.dialect = Dialect::OpenaiChat;
    }
    plan
}

fn made(plan: &Plan, launches: &[Vec<Event>]) -> Report {
    let dir = tempdir().expect("a folder");
    report(&written(dir.path(), plan, launches)).expect("a good record")
}

fn row<'a>(report: &'a Report, id: &str) -> &'a ProofRowView {
    let proof = report.cells[0].proof.as_ref().expect("launches");
    proof.rows.iter().find(|row| row.id == id).unwrap_or_else(|| panic!("no row {id}"))
}

fn check(report: &Report, level: FindingLevel, text: &str) {
    let found = report.findings.iter().any(|finding| finding.level == level && finding.text == text);
    assert!(found, "no {level:?} `{text}` in {:#?}", report.findings);
}

#[test]
fn stamps_are_as_good_as_in_the_worst_launch_that_counts() {
    let broken = "requests were sent 41200000 ns late at p99, above 5000000 ns";
    let launches = [
        with(requests(0, &End::Valid), vec![calibration(90), loaded(load())]),
        with(requests(1, &End::Valid), vec![calibration(-110), loaded(load())]),
        with(requests(2, &End::Valid), vec![calibration(70), loaded(load())]),
        with(requests(3, &End::Invalid(broken)), vec![calibration(9000), loaded(load())]),
    ];
    let report = made(&real(4), &launches);
    let proof = report.cells[0].proof.as_ref().expect("launches");
    // TTFT: p99 of 90, −110 and 70; that of the invalid launch does not count. Gaps: −25 at the median is worse than 5.
    let expected = StampsView::Calibrated {
        ttft_ns: Some(110.0),
        gap_ns: Some(25.0),
        n_launches: 3,
        of: 3,
        paths: vec!["http".to_owned()],
    };
    assert_eq!(proof.stamps, expected);
    let row = row(&report, "ttft_error");
    // Ordered by size: 70, 90, 110; the middle one is launch 0, the worst launch 1. All four are told.
    assert_eq!((row.typical, row.worst, row.each.len()), (Some(0), Some(1), 4));
    let of_invalid = ProofFigure::Spread { n: 640, p50: 40.0, p99: 9000.0, max: 10_000.0 };
    assert_eq!(row.each[3], Some(of_invalid));
}

#[test]
fn what_was_watched_by_hand() {
    let events = with(requests(0, &End::Valid), vec![calibration(90), loaded(load())]);
    let report = made(&real(1), &[events]);
    let single = |id: &str| match row(&report, id).each[0] {
        Some(ProofFigure::Single { value }) => value,
        other => panic!("{id}: {other:?}"),
    };
    assert_eq!(single("calibration_cpu_per_event"), 3200.0);
    assert_eq!(single("cpu_per_event"), 2000.0);
    // Of 1 ms: 8 µs and 140 µs; 26 µs stolen of two CPUs.
    assert_eq!(single("own_cpu"), 0.008);
    assert_eq!(single("others_cpu"), 0.14);
    assert_eq!(single("stolen_cpu"), 0.013);
    assert_eq!(single("unstamped"), 0.015);
    assert_eq!(single("max_read_delay"), 4_100_000.0);
    assert!(
        report.cells[0].proof.as_ref().is_some_and(|proof| proof.rows.iter().all(|row| row.id != "send_lag"))
    );
    check(
        &report,
        FindingLevel::Warning,
        "the hypervisor gave 1.3 % of the CPU time to others while this was measured: latencies are worse than the \
         device's own; measure when the host is idle, or on a machine with CPUs of its own",
    );
    check(
        &report,
        FindingLevel::Warning,
        "other programs took 7.0 % of the CPU time while this was measured: end them and measure again (`edgedyno \
         doctor` names the busiest)",
    );
    check(
        &report,
        FindingLevel::Warning,
        "1.5 % of the reads had no stamp of the kernel and were stamped when they returned; a read came up to 4.1 ms \
         after its stamp",
    );
}

#[test]
fn coarse_stamps_are_told_beside_what_they_stamp() {
    // TTFT 300 µs, TPOT 10 µs: 6 µs are 2 % of the first, and gaps of ± 25 ns are 0.3 % of the second.
    let events = with(requests(0, &End::Valid), vec![calibration(6000), loaded(load())]);
    check(
        &made(&real(1), &[events]),
        FindingLevel::Warning,
        "stamps were off in the calibration, that of a first token by up to 6.0 µs (2.0 % of the median): leave the \
         device a core that nothing else uses, or read no difference smaller than that",
    );
}

#[test]
fn a_launch_without_a_calibration_says_why() {
    let reason = |plan: &Plan, more: Vec<EventKind>| {
        let report = made(plan, &[with(requests(0, &End::Valid), more)]);
        let proof = report.cells[0].proof.clone().expect("a launch");
        assert!(
            matches!(&proof.stamps, StampsView::Unknown { reason } if Some(reason) == proof.launches[0].uncalibrated.as_ref())
        );
        (proof.launches[0].uncalibrated.clone().expect("no calibration"), report.findings)
    };
    let (why, findings) = reason(&plan(1), vec![loaded(LoadFacts::default())]);
    assert_eq!(why, "the runtime is scripted and tells its times itself");
    assert!(findings.iter().all(|finding| !finding.text.contains("calibrat")), "{findings:#?}");
    let (why, findings) = reason(&real(1), Vec::new());
    assert_eq!(why, "it is not in the record, which is of an earlier version or was cut off");
    assert!(findings.iter().all(|finding| !finding.text.contains("calibrat")), "{findings:#?}");
    let note =
        EventKind::Note { text: "the client is not calibrated: cannot listen on 127.0.0.1".to_owned() };
    let (why, findings) = reason(&real(1), vec![note, loaded(LoadFacts::default())]);
    assert_eq!(why, "cannot listen on 127.0.0.1");
    let text = "no launch was calibrated: cannot listen on 127.0.0.1; how good their stamps are is not known";
    assert!(findings.iter().any(|finding| finding.text == text), "{findings:#?}");
}

#[test]
fn figures_of_a_cell_without_a_valid_launch_stand_apart() {
    let late = "requests were sent 41200000 ns late at p99, above 5000000 ns";
    let later = "requests were sent 51200000 ns late at p99, above 5000000 ns";
    let launches = [requests(0, &End::Invalid(late)), requests(1, &End::Invalid(later))];
    let report = made(&real(2), &launches);
    let cell = &report.cells[0];
    assert!(cell.metrics.iter().all(|metric| metric.n == 0 && metric.max.is_none()));
    let ttft = cell.invalid_metrics.iter().find(|metric| metric.metric == "ttft_ns").expect("TTFT");
    assert_eq!((ttft.n, ttft.max), (4, Some(300_000.0)));
    assert!(cell.steady.is_none(), "{:?}", cell.steady);
    check(
        &report,
        FindingLevel::Invalid,
        "run 0 and run 1 are invalid and in no figure: requests were sent 41200000 ns late at p99, above 5000000 ns \
         (figures of run 0); leave the agent a core of its own: fewer threads for the runtime, or ask from another \
         device (`--from`); then measure again, for `edgedyno resume` keeps what it has",
    );
    let valid = made(&real(2), &[requests(0, &End::Valid), requests(1, &End::Invalid(late))]);
    assert!(valid.cells[0].invalid_metrics.is_empty(), "one launch may be used");
}

#[test]
fn a_load_that_ended_early_is_told() {
    let facts = LoadFacts { n_sent: 2, n_unsent: 1, ..load() };
    let report = made(&real(1), &[with(requests(0, &End::Valid), vec![loaded(facts)])]);
    let text = "the load ended early: 1 of 3 requests were never sent; `edgedyno resume c-1` sends them";
    check(&report, FindingLevel::Warning, text);
}

/// 1 to 8 µs twice: r1 = 0.625, which is above 2/√16, so 16 · 0.375 / 1.625 = 3.7 independent ones.
#[test]
fn requests_that_resemble_each_other_are_worth_fewer() {
    let mut plan = real(2);
    let ramp = |run: u32| {
        let start = 100_000 * u64::from(run + 1);
        let asked: Vec<Asked> = (0..8)
            .map(|i| ok(i, start + 1000 * u64::from(i + 1), &[1000 * u64::from(i + 1), 90_000], 8))
            .collect();
        launch(run, 1, start, &asked, &End::Valid)
    };
    let launches = [ramp(0), ramp(1)];
    let ttft = |report: &Report| {
        report.cells[0].metrics.iter().find(|metric| metric.metric == "ttft_ns").cloned().expect("TTFT")
    };
    let found = ttft(&made(&plan, &launches));
    assert_eq!((found.n, found.n_effective), (16, Some(3)));
    assert_eq!(found.quantiles[0].figure, QuantileFigure::TooFew { n: 3, needed: 6 });
    // In an open loop a request is late because the one before it was.
    plan.cells[0].load = super::queue::open_load(Arrivals::Constant, 1000, 8);
    let found = ttft(&made(&plan, &launches));
    assert_eq!((found.n, found.n_effective), (16, None));
    assert!(matches!(found.quantiles[0].figure, QuantileFigure::Estimate { .. }), "{found:?}");
}
