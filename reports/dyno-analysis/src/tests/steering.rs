//! Runs that are left out: when, why, and what is told of it.

use dyno_model::clock::{MonoNs, WallNs};
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::{CampaignId, RunId};
use dyno_model::load::{Arrivals, LoadModel};
use dyno_model::outcome::Outcome;
use dyno_model::plan::{Cell, Plan, PlannedRun, PlannedSlo, SloLimit, Steering};
use dyno_store::{Campaign, Journal, JournalEntry, Store};
use dyno_view::report::{FindingLevel, Report};
use tempfile::tempdir;

use super::sample::{Asked, End, launch, ok, plan, session};
use crate::{Judge, Need, report};

const MS: u64 = 1_000_000;

/// One cell, `n_runs` runs of `n_requests`, and a first token within a second for 95 % of them.
fn steered(n_runs: u32, n_requests: usize, steering: Steering) -> Plan {
    let mut plan = plan(n_runs);
    for run in &mut plan.runs {
        run.requests = vec![run.requests[0].clone(); n_requests];
    }
    let limit = SloLimit {
        metric: "ttft".to_owned(),
        limit_ns: 1000 * MS,
        fraction_milli: 950,
        confidence_milli: 950,
    };
    let slo = PlannedSlo { name: "soon".to_owned(), description: String::new(), limits: vec![limit] };
    (plan.slo, plan.steering) = (Some(slo), Some(steering));
    plan
}

fn precision(n_looks: u32) -> Steering {
    let metric = "ttft".to_owned();
    Steering::Precision { metric, permille: 950, within_milli: 50, confidence_milli: 950, n_looks }
}

/// A launch whose requests have these first tokens, in ms after they were sent or due.
fn launched(run: RunId, number: u16, first_tokens_ms: &[u64], end: &End) -> Vec<Event> {
    let start = (u64::from(run.0) * 4 + u64::from(number)) * 1_000_000 * MS;
    let asked: Vec<Asked> = (0..)
        .zip(first_tokens_ms)
        .map(|(idx, ms)| ok(idx, start + u64::from(idx + 1) * 100 * MS, &[ms * MS, (ms + 1) * MS], 8))
        .collect();
    launch(run.0, number, start, &asked, end)
}

fn see(judge: &mut Judge<'_>, events: &[Event]) {
    for event in events {
        judge.saw(event);
    }
}

/// Takes the runs in their order, as a session does; gives those that were measured and those that were left out.
///
/// Before each run a second judge is made of the record alone: it must say the same.
fn drive(plan: &Plan, measure: impl Fn(&PlannedRun) -> Vec<Event>) -> (Vec<u32>, Vec<(u32, String)>) {
    let dir = tempdir().expect("a folder");
    let campaign = Store::new(dir.path()).create(&CampaignId::from("c-1"), plan).expect("an empty folder");
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal");
    let mut judge = Judge::of_campaign(&campaign).expect("a good journal");
    let (mut measured, mut left_out) = (Vec::new(), Vec::new());
    for run in &plan.runs {
        let resumed = Judge::of_campaign(&campaign).expect("a good journal").next(run.id);
        let need = judge.next(run.id);
        assert_eq!(need, resumed, "run {}", run.id);
        match need {
            Need::Needed => {
                let events = measure(run);
                see(&mut judge, &events);
                journal.append_events(0, &events).expect("disk has room");
                measured.push(run.id.0);
            }
            Need::LeftOut { why } => {
                let entry =
                    JournalEntry::LeftOut { session: 0, run: run.id, why: why.clone(), wall: WallNs(2) };
                journal.append(&entry).expect("disk has room");
                left_out.push((run.id.0, why));
            }
        }
    }
    // At the end all is decided: what was measured is needed, and what was left out stays so.
    let mut resumed = Judge::of_campaign(&campaign).expect("a good journal");
    let again = plan.runs.iter().filter(|run| resumed.next(run.id) == Need::Needed).map(|run| run.id.0);
    assert_eq!(again.collect::<Vec<_>>(), measured);
    (measured, left_out)
}

fn whys(left_out: &[(u32, String)]) -> Vec<&str> {
    let mut whys: Vec<&str> = left_out.iter().map(|(_, why)| why.as_str()).collect();
    whys.dedup();
    whys
}

#[test]
fn repetitions_end_when_a_percentile_is_known_well_enough() {
    let plan = steered(10, 40, precision(9));
    let (measured, left_out) = drive(&plan, |run| launched(run.id, 1, &[100; 40], &End::Valid));
    // 0.95ⁿ ≤ 0.0025 from n = 117 on: not after 80 requests, but after 120.
    assert_eq!(measured, [0, 1, 2]);
    let why =
        "p95 of TTFT is known within ±0.0 %: 100 ms, from 100 ms to 100 ms (n = 120, look 3 of 10 at 99.5 %)";
    assert_eq!((left_out.len(), whys(&left_out)), (7, vec![why]));
}

#[test]
fn nothing_is_left_out_while_one_launch_has_most_of_the_requests() {
    // Each launch would be enough by itself: 0.95⁴⁰⁰ is far below 0.0025. A third of all is less than 40 %, a half is not.
    let plan = steered(10, 400, precision(9));
    let (measured, _) = drive(&plan, |run| launched(run.id, 1, &[100; 400], &End::Valid));
    assert_eq!(measured, [0, 1, 2]);
}

#[test]
fn repetitions_go_on_while_a_percentile_is_not_known() {
    let plan = steered(5, 40, precision(4));
    let spread: Vec<u64> = (1..=40).map(|i| i * 100).collect();
    let (measured, left_out) = drive(&plan, |run| launched(run.id, 1, &spread, &End::Valid));
    assert_eq!((measured, left_out.len()), (vec![0, 1, 2, 3, 4], 0));
}

#[test]
fn launches_that_may_not_be_used_show_nothing() {
    let plan = steered(10, 40, precision(9));
    let (measured, left_out) = drive(&plan, |run| {
        let end = if run.repetition == 1 { End::Invalid("slept") } else { End::Valid };
        launched(run.id, 1, &[100; 40], &end)
    });
    assert_eq!(measured, [0, 1, 2, 3]);
    assert!(left_out[0].1.ends_with("(n = 120, look 4 of 10 at 99.5 %)"), "{}", left_out[0].1);
}

#[test]
fn repetitions_end_when_the_slos_are_decided() {
    let plan = steered(10, 40, Steering::SloDecided { n_looks: 9 });
    // 0.95ⁿ ≤ 0.005 from n = 104 on.
    let (measured, left_out) = drive(&plan, |run| launched(run.id, 1, &[1000; 40], &End::Valid));
    assert_eq!(measured, [0, 1, 2]);
    let why =
        "`soon` PASS: 0 of 120 requests do not keep TTFT ≤ 1.00 s, and 5 % may (look 3 of 10 at 99.5 %)";
    assert_eq!(whys(&left_out), [why]);
    let (measured, left_out) = drive(&plan, |run| launched(run.id, 1, &[1001; 40], &End::Valid));
    assert_eq!(measured, [0, 1, 2]);
    let why =
        "`soon` FAIL: 120 of 120 requests do not keep TTFT ≤ 1.00 s, and 5 % may (look 3 of 10 at 99.5 %)";
    assert_eq!(whys(&left_out), [why]);
}

#[test]
fn errors_and_what_was_never_sent_break_a_slo() {
    let plan = steered(10, 40, Steering::SloDecided { n_looks: 9 });
    let (measured, left_out) = drive(&plan, |run| {
        let mut events = launched(run.id, 1, &[100; 30], &End::Valid);
        for event in &mut events {
            match &mut event.kind {
                EventKind::Request(request) if request.idx >= 28 => {
                    request.outcome = Outcome::Timeout { limit_ms: 1 };
                }
                EventKind::LaunchEnded { outcome, .. } => {
                    *outcome = Outcome::Crashed { exit: "signal 9".to_owned(), stderr_tail: String::new() };
                }
                _ => {}
            }
        }
        events
    });
    // Two timeouts and ten that were never sent, of forty, three times.
    assert_eq!(measured, [0, 1, 2]);
    assert!(left_out[0].1.starts_with("`soon` FAIL: 36 of 120 requests"), "{}", left_out[0].1);
}

#[test]
fn what_we_stopped_ourselves_is_no_violation_and_is_needed_still() {
    let plan = steered(10, 40, Steering::SloDecided { n_looks: 9 });
    let mut judge = Judge::new(&plan);
    let mut stopped = launched(RunId(0), 1, &[100; 30], &End::Valid);
    if let Some(Event { kind: EventKind::LaunchEnded { outcome, .. }, .. }) = stopped.last_mut() {
        *outcome = Outcome::Cancelled;
    }
    see(&mut judge, &stopped);
    for run in 1..4 {
        see(&mut judge, &launched(RunId(run), 1, &[100; 40], &End::Valid));
    }
    assert_eq!(judge.next(RunId(0)), Need::Needed, "a run that has begun is finished");
    let Need::LeftOut { why } = judge.next(RunId(4)) else { panic!("150 good requests decide") };
    assert!(why.starts_with("`soon` PASS: 0 of 150 requests"), "{why}");
}

#[test]
fn events_that_come_again_change_nothing() {
    let plan = steered(10, 40, Steering::SloDecided { n_looks: 9 });
    let mut judge = Judge::new(&plan);
    for _ in 0..3 {
        see(&mut judge, &launched(RunId(0), 1, &[100; 40], &End::Valid));
    }
    assert_eq!(judge.next(RunId(1)), Need::Needed);
}

#[test]
fn without_a_rule_all_is_needed() {
    let mut plan = steered(10, 400, precision(9));
    plan.steering = None;
    let (measured, _) = drive(&plan, |run| launched(run.id, 1, &[100; 3], &End::Valid));
    assert_eq!(measured.len(), 10);
}

/// Seven rates from 1/s to 64/s, each twice the one before, of 60 requests in two launches, in the order of a search.
fn search() -> Plan {
    let mut plan = steered(14, 60, Steering::Capacity);
    let (cell, run) = (plan.cells[0].clone(), plan.runs[0].clone());
    let load = |place: u32| LoadModel::Open {
        arrivals: Arrivals::Poisson,
        rate_milli_per_s: 1000 << place,
        ramp_to_milli_per_s: None,
        n_requests: 60,
        max_in_flight: None,
    };
    let id = |place: u32| format!("00000000000000{place:02}").as_str().into();
    plan.cells = (0..7).map(|place| Cell { id: id(place), load: load(place), ..cell.clone() }).collect();
    let places = [3, 1, 5, 0, 2, 4, 6].into_iter().flat_map(|place| [(place, 0), (place, 1)]);
    plan.runs = (0..)
        .zip(places)
        .map(|(n, (place, repetition))| PlannedRun {
            id: RunId(n),
            cell: id(place),
            repetition,
            ..run.clone()
        })
        .collect();
    plan
}

fn place(plan: &Plan, run: &PlannedRun) -> usize {
    plan.cells.iter().position(|cell| cell.id == run.cell).expect("its cell")
}

/// Of each launch at a place, so many of the sixty requests came late: 2 s after they were due.
fn served(run: &PlannedRun, n_late: usize, end: &End) -> Vec<Event> {
    let mut events = launched(run.id, 1, &[100; 60], end);
    for event in &mut events {
        if let EventKind::Request(request) = &mut event.kind {
            // They wait before they are sent: their service is as fast as that of the others.
            let lag = if (request.idx as usize) < n_late { 1900 * MS } else { 0 };
            request.due_at = Some(MonoNs(request.sent_at.0 - lag));
        }
    }
    events
}

/// Places that were measured when those below `limit` keep the SLOs and the others break them.
fn searched(limit: usize) -> (Vec<usize>, Vec<(u32, String)>) {
    let plan = search();
    let (measured, left_out) = drive(&plan, |run| {
        let n_late = if place(&plan, run) < limit { 0 } else { 60 };
        served(run, n_late, &End::Valid)
    });
    let mut places: Vec<usize> = measured.iter().map(|run| place(&plan, &plan.runs[*run as usize])).collect();
    assert!(places.chunks(2).all(|pair| pair[0] == pair[1]), "a rate is measured whole: {places:?}");
    places.dedup();
    (places, left_out)
}

#[test]
fn a_search_tries_three_of_seven_rates_wherever_the_capacity_is() {
    // By hand: 3 is the middle, 1 and 5 those of the halves.
    let expected: [&[usize]; 8] =
        [&[3, 1, 0], &[3, 1, 0], &[3, 1, 2], &[3, 1, 2], &[3, 5, 4], &[3, 5, 4], &[3, 5, 6], &[3, 5, 6]];
    for (limit, expected) in expected.into_iter().enumerate() {
        assert_eq!(searched(limit).0, expected, "capacity below place {limit}");
    }
}

#[test]
fn rates_are_left_out_for_what_others_showed() {
    let (places, left_out) = searched(2);
    assert_eq!(places, [3, 1, 2]);
    let broken = |rate: &str| {
        format!(
            "a lower rate did not pass: at {rate}, `soon` FAIL: 120 of 120 requests do not keep TTFT from due ≤ 1.00 s, \
             and 5 % may"
        )
    };
    let passed = "a higher rate passed: 2/s".to_owned();
    let whys: Vec<(u32, String)> = left_out.into_iter().filter(|(run, _)| run % 2 == 0).collect();
    // Runs 4, 6, 10 and 12 are the first ones of places 5, 0, 4 and 6.
    assert_eq!(whys, [(4, broken("8/s")), (6, passed), (10, broken("4/s")), (12, broken("4/s"))]);
}

#[test]
fn a_rate_that_shows_nothing_counts_as_not_passing() {
    let plan = search();
    // Of 120 at 98.3 %, 4 late ones show neither: P(B ≤ 4) of Bin(120, 0.05) is about 0.28.
    let (measured, left_out) =
        drive(&plan, |run| served(run, if place(&plan, run) == 3 { 2 } else { 0 }, &End::Valid));
    assert_eq!(
        measured.chunks(2).map(|pair| place(&plan, &plan.runs[pair[0] as usize])).collect::<Vec<_>>(),
        [3, 1, 2]
    );
    let why = &left_out[0].1;
    assert!(why.starts_with("a lower rate did not pass: at 8/s, `soon` INCONCLUSIVE: 4 of 120"), "{why}");
}

#[test]
fn a_rate_without_a_valid_launch_settles_no_other_and_verdicts_stay_as_many_as_declared() {
    let plan = search();
    let (measured, left_out) = drive(&plan, |run| {
        let end = if place(&plan, run) == 3 { End::Invalid("the generator was late") } else { End::Valid };
        served(run, if place(&plan, run) < 5 { 0 } else { 60 }, &end)
    });
    let places: Vec<usize> =
        measured.chunks(2).map(|pair| place(&plan, &plan.runs[pair[0] as usize])).collect();
    // Both halves are tried: 1 passes and 5 fails. The third verdict is that of 2, and no more are declared.
    assert_eq!(places, [3, 1, 5, 2]);
    let last: Vec<&str> =
        left_out.iter().filter(|(run, _)| *run == 10).map(|(_, why)| why.as_str()).collect();
    assert_eq!(last, ["the 3 verdicts that the search declares are made"]);
}

/// A campaign that was driven to its end, in a report.
fn reported(plan: &Plan, measure: impl Fn(&PlannedRun) -> Vec<Event>) -> Report {
    let dir = tempdir().expect("a folder");
    let campaign: Campaign =
        Store::new(dir.path()).create(&CampaignId::from("c-1"), plan).expect("an empty folder");
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal");
    journal.append(&session(0)).expect("disk has room");
    let mut judge = Judge::new(plan);
    for run in &plan.runs {
        match judge.next(run.id) {
            Need::Needed => {
                let events = measure(run);
                see(&mut judge, &events);
                journal.append_events(0, &events).expect("disk has room");
            }
            Need::LeftOut { why } => {
                let entry = JournalEntry::LeftOut { session: 0, run: run.id, why, wall: WallNs(2) };
                journal.append(&entry).expect("disk has room");
            }
        }
    }
    report(&campaign).expect("a good record")
}

fn check(report: &Report, level: FindingLevel, text: &str) {
    let found = report.findings.iter().any(|finding| finding.level == level && finding.text == text);
    assert!(found, "no {level:?} `{text}` in {:#?}", report.findings);
}

#[test]
fn a_campaign_that_stopped_early_is_whole_and_says_why() {
    let plan = steered(10, 40, precision(9));
    let report = reported(&plan, |run| launched(run.id, 1, &[100; 40], &End::Valid));
    let campaign = &report.campaign;
    assert_eq!(
        (campaign.n_requests_planned, campaign.n_requests_recorded, campaign.complete),
        (120, 120, true)
    );
    assert!(
        report.findings.iter().all(|finding| !finding.text.contains("missing")),
        "{:#?}",
        report.findings
    );
    let text = "stopped after 3 of 10 repetitions: p95 of TTFT is known within ±0.0 %: 100 ms, from 100 ms to 100 ms \
                (n = 120, look 3 of 10 at 99.5 %)";
    check(&report, FindingLevel::Note, text);
}

#[test]
fn a_precision_that_was_not_reached_is_told_with_what_it_would_take() {
    let plan = steered(5, 40, precision(4));
    let spread: Vec<u64> = (1..=40).map(|i| i * 100).collect();
    let report = reported(&plan, |run| launched(run.id, 1, &spread, &End::Valid));
    // Each value is there five times. Of 200 with p = 0.95 and 0.5 % in each tail, ranks are 181 and 198: P(B ≤ 180) is
    // 0.0027 and P(B ≤ 197) is 0.9977, by their sums. Values ⌈181/5⌉ = 37th and ⌈198/5⌉ = 40th, estimate ⌈190/5⌉ = 38th.
    let text = "all 5 repetitions are not enough for ±5 %: p95 of TTFT is known within ±5.3 %: 3.80 s, from 3.70 s to \
                4.00 s (n = 200, at 99.0 %); about 1 more of them would be needed";
    check(&report, FindingLevel::Warning, text);
    let few = steered(4, 10, precision(3));
    let report = reported(&few, |run| launched(run.id, 1, &[100; 10], &End::Valid));
    let text = "all 4 repetitions are too few: p95 of TTFT has no finite interval (n = 40, at 98.8 %)";
    check(&report, FindingLevel::Warning, text);
}

#[test]
fn slos_that_stay_undecided_are_told() {
    let plan = steered(4, 10, Steering::SloDecided { n_looks: 3 });
    let report = reported(&plan, |run| launched(run.id, 1, &[100; 10], &End::Valid));
    // 0.95ⁿ ≤ 0.0125 from n = 86 on: 46 more than 40.
    let text = "all 4 repetitions decide nothing: `soon` INCONCLUSIVE: 0 of 40 requests do not keep TTFT ≤ 1.00 s, and \
                5 % may (at 98.8 %); 46 more requests would show that it is kept, if all of them keep it";
    check(&report, FindingLevel::Warning, text);
}

#[test]
fn a_search_tells_what_it_tried() {
    let plan = search();
    let n_late = |run: &PlannedRun| [0, 0, 2, 60, 60, 60, 60][place(&plan, run)];
    let report = reported(&plan, |run| served(run, n_late(run), &End::Valid));
    let text = "the search tried 3 of 7 rates: PASS at 2/s, INCONCLUSIVE at 4/s, FAIL at 8/s; the others need no trying, \
                for a lower rate did not pass or a higher one did";
    check(&report, FindingLevel::Note, text);
    let unclear = report.findings.iter().find(|finding| finding.text.starts_with("nothing is shown at 4/s"));
    assert_eq!(unclear.map(|finding| finding.level), Some(FindingLevel::Warning));
    assert!(report.campaign.complete);
}
