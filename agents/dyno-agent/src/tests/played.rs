//! The two boards that lie ready to be played, against their truth.

use dyno_model::care::SpanKind;
use dyno_model::sample::Quantity;
use serde_json::json;

use super::board::{Board, care, fixture, hold, notes, points, run, spans, temp};
use super::*;
use crate::tests::board::{BEGIN, S};
use dyno_model::care::Care;

#[test]
fn a_phone_throttles_at_a_known_second_and_is_killed_at_another() {
    // 0.5 s to the first token and 19 gaps of 0.1 s: 2.4 s a request, 4 s at 600 thousandths.
    let settings = [
        ("load_ns", "0"),
        ("ttft_ns", "500000000"),
        ("gap_ns", "100000000"),
        ("pace", "0:1000,300:600"),
        ("dies_at_s", "900"),
    ];
    let mut order = order(4, &settings);
    for request in &mut order.requests {
        request.sampling.max_tokens = 20;
    }
    order.sys_root = Some(fixture("played-phone"));
    order.hold = Some(hold(1_200_000));
    order.care = Some(Care { idle_ms: 60_000, recovery_ms: 300_000, ..care() });
    let (word, events) = run(order);
    assert_eq!(word, "oom");
    let detail =
        "killed by signal 9 (SIGKILL); the system's count of kills for want of memory rose from 1 to 2";
    assert_eq!(ending(&events).0, &Outcome::Oom { detail: detail.to_owned() });
    // 32 °C before the load. It cools by 45 °C in 300 s: 35 °C comes after 293.3 s, and with a row each second.
    let expected = [
        (SpanKind::Idle, 0, 60_000, None),
        (SpanKind::Load, 60_000, 900_000, Some("killed by signal 9 (SIGKILL)")),
        (SpanKind::Recovery, 900_000, 1_194_000, Some("after 294 s within 3.0 °C of before the load")),
    ];
    assert_eq!(spans(&events), expected);
    let records = requests(&events);
    // 240 s of 2.4 s each, then 600 s of 4 s each: 100 and 150, the last of which the kill meets at its very end.
    assert_eq!(records.len(), 250);
    for record in &records {
        let took_ns = record.ended_at.since(record.sent_at);
        let is_slow = record.sent_at.0 - BEGIN >= 300 * S;
        let truth_ns: u64 = if is_slow { 4 * S } else { 24 * S / 10 };
        // Each gap is rounded to a ns.
        assert!(took_ns.abs_diff(truth_ns) < 10_000, "request {} took {took_ns} ns", record.idx);
    }
    assert_eq!((records[249].outcome.word(), records[249].ended_at.0), ("crashed", BEGIN + 900 * S));
    let cap = points(&events, Quantity::FreqCapKhz, "cpu7");
    let onset = cap.iter().find(|point| point.1 == Some(1_497_600)).expect("it throttles");
    assert_eq!(onset.0, 300_000);
    assert!(names(&events).contains(&"unreadable"), "what is there but is no sensor is told");
}

/// J of a power channel between two times in ms, by trapezoids.
fn joules(points: &[(u64, Option<i64>)], from_ms: u64, to_ms: u64) -> f64 {
    let within: Vec<_> = points.iter().filter(|point| (from_ms..=to_ms).contains(&point.0)).collect();
    let uw = |point: &(u64, Option<i64>)| point.1.expect("it can always be read") as f64;
    within
        .windows(2)
        .map(|pair| f64::midpoint(uw(pair[0]), uw(pair[1])) * (pair[1].0 - pair[0].0) as f64 / 1e9)
        .sum()
}

#[test]
fn a_jetsons_power_follows_what_its_runtime_does() {
    let settings = [("load_ns", "0"), ("ttft_ns", "2000000000"), ("gap_ns", "400000000")];
    let mut order = order(5, &settings);
    for request in &mut order.requests {
        request.sampling.max_tokens = 11;
    }
    order.load = LoadModel::Single { think_ms: 1000 };
    order.sys_root = Some(fixture("played-jetson"));
    order.care = Some(Care { idle_ms: 20_000, ready_idle_ms: 10_000, ..care() });
    let (word, events) = run(order);
    assert_eq!(word, "ok");
    // Five requests of 2 s and 4 s with 1 s between them: 34 s.
    let (_, began_ms, ended_ms, _) = spans(&events)[2];
    assert_eq!((began_ms, ended_ms), (30_000, 64_000));
    let within =
        |got: f64, truth: f64| assert!((got - truth).abs() <= truth * 0.01, "{got} J, not {truth} J");
    let module = points(&events, Quantity::PowerUw, "VDD_IN");
    // 20 s × 5 W; 10 s × 5.5 W; 5 × (2 s × 15 W + 4 s × 10 W) + 4 s × 5.5 W = 372 J.
    within(joules(&module, 0, 20_000), 100.0);
    within(joules(&module, 20_000, 30_000), 55.0);
    within(joules(&module, began_ms, ended_ms), 372.0);
    // 5 × (2 s × 9 W + 4 s × 5 W) + 4 s × 1.25 W = 195 J.
    within(joules(&points(&events, Quantity::PowerUw, "VDD_CPU_GPU_CV"), began_ms, ended_ms), 195.0);
}

#[test]
fn a_device_that_restarts_is_an_invalid_launch() {
    let board = Board::of(&[temp(&[(0, 40_000)])]);
    let mut order = super::board::second_long(10, &[("dies_at_s", "3"), ("dies_as", "reboot")]);
    order.sys_root = Some(board.root());
    let (word, events) = run(order);
    assert_eq!(word, "rebooted");
    let reasons = vec!["the device restarted before the launch could be judged".to_owned()];
    assert_eq!(ending(&events), (&Outcome::Rebooted, &Validity::Invalid { reasons }));
}

#[test]
fn a_tree_is_played_in_a_copy_that_vanishes() {
    let (folder, board) = (folder(), Board::of(&[temp(&[(0, 40_000)])]));
    let mut order = super::board::second_long(1, &[]);
    order.sys_root = Some(board.root());
    let (_, events) = super::board::run_in(&folder, order);
    assert_eq!(
        points(&events, Quantity::TempMdegc, "thermal_zone0 cpu").len(),
        3,
        "at 0 s and 1 s, and the last"
    );
    let top = board.root();
    assert!(!std::path::Path::new(&top).join("sys/class/thermal/thermal_zone0/temp").exists());
    let left: Vec<_> = std::fs::read_dir(folder.path().join("spool/c"))
        .expect("the campaign's folder")
        .map(|entry| entry.expect("a name").file_name())
        .collect();
    assert_eq!(left, ["00007-001.jsonl"]);
}

#[test]
fn a_score_that_is_wrong_is_told_and_the_launch_goes_on() {
    let check = |file: serde_json::Value, expected: &str| {
        let board = Board::of(&[file]);
        let mut order = super::board::second_long(1, &[]);
        order.sys_root = Some(board.root());
        let (word, events) = run(order);
        let notes = notes(&events);
        assert_eq!((word.as_str(), notes.len()), ("ok", 1));
        assert!(notes[0].starts_with("no sensor is sampled: ") && notes[0].ends_with(expected), "{notes:?}");
    };
    let file = |file: &str| json!({ "file": file, "kind": "reading", "knots": [[0, 1]] });
    check(file("../outside"), "play.json lies outside of the tree");
    check(json!({ "file": "a", "kind": "reading" }), "play.json has neither knots nor phases");
    check(json!({ "file": "a", "kind": "text" }), "play.json has no text");
    check(
        json!({ "file": "a", "kind": "song" }),
        "expected one of `reading`, `counter`, `text`, `odpm` at line 1 column 35",
    );
}
