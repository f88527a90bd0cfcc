//! Loads that are held: by time, in a duty cycle, until steady, and for longer than there is room for rows.

use dyno_model::care::{Duty, Hold, SpanKind};
use dyno_model::proof::LoadFacts;
use dyno_model::sample::Quantity;
use serde_json::json;

use super::board::{BEGIN, Board, S, hold, notes, points, run, run_in, second_long, spans, temp};
use super::*;

fn held(n_requests: u32, hold: Hold, more: &[(&str, &str)]) -> RunOrder {
    RunOrder { hold: Some(hold), ..second_long(n_requests, more) }
}

fn load(events: &[Event]) -> &LoadFacts {
    let load = events.iter().find_map(|event| match &event.kind {
        EventKind::LoadEnded(facts) => Some(facts.as_ref()),
        _ => None,
    });
    load.expect("the load ended")
}

#[test]
fn requests_go_round_until_the_time_is_over() {
    let (word, events) = run(held(3, hold(10_000), &[]));
    assert_eq!(word, "ok");
    let got: Vec<_> = requests(&events)
        .iter()
        .map(|record| (record.idx, record.prompt_id.to_string(), (record.sent_at.0 - BEGIN) / S))
        .collect();
    let expected: Vec<_> = (0..10).map(|n| (n, format!("p{}", n % 3), u64::from(n))).collect();
    assert_eq!(got, expected);
    assert_eq!((load(&events).n_sent, load(&events).n_unsent), (10, 0));
    assert_eq!(spans(&events), [(SpanKind::Load, 0, 10_000, Some("after 10 s"))]);
    let (_, events) = run(held(3, Hold { max_requests: Some(4), ..hold(10_000) }, &[]));
    assert_eq!(spans(&events), [(SpanKind::Load, 0, 4000, Some("after 4 requests"))]);
}

#[test]
fn a_duty_cycle_rests_and_a_runtime_that_dies_in_its_rest_is_found_out() {
    let duty = Some(Duty { work_ms: 2500, rest_ms: 7500 });
    let (_, events) = run(held(1, Hold { duty, ..hold(30_000) }, &[]));
    let sent: Vec<u64> = requests(&events).iter().map(|record| (record.sent_at.0 - BEGIN) / S).collect();
    assert_eq!(sent, [0, 1, 2, 10, 11, 12, 20, 21, 22]);
    let (word, events) = run(held(1, Hold { duty, ..hold(30_000) }, &[("dies_at_s", "15")]));
    let last =
        requests(&events).last().map(|record| (record.idx, record.outcome.word(), record.chunk_ns.len()));
    assert_eq!((word.as_str(), last), ("crashed", Some((6, "crashed", 0))));
}

#[test]
fn progress_of_a_held_load_is_told_by_time() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    agent.send(&Command::Run(Box::new(held(2, hold(5000), &[]))));
    let mut told = Vec::new();
    loop {
        match agent.recv() {
            Reply::Progress(at) if at.phase == Phase::Holding => told.push((at.done, at.total)),
            Reply::Progress(_) => {}
            Reply::LaunchDone { .. } => break,
            other => panic!("not expected here: {other:?}"),
        }
    }
    assert_eq!(told, [0, 1, 2, 3, 4, 5].map(|done| (done, 5)));
}

#[test]
fn a_resumed_launch_goes_on_where_the_first_was_stopped() {
    let folder = folder();
    let first = held(2, hold(60_000), &[("dies_at_s", "5")]);
    let (word, events) = run_in(&folder, first.clone());
    assert_eq!((word.as_str(), requests(&events).len()), ("crashed", 5));
    let mut second = held(2, hold(3000), &[]);
    second.launch = 2;
    // The session orders what is left: the next number is 5, the second request of the plan.
    second.requests.rotate_left(1);
    for (request, idx) in second.requests.iter_mut().zip(5..) {
        request.idx = idx;
    }
    let (word, events) = run_in(&folder, second);
    let got: Vec<_> = requests(&events).iter().map(|one| (one.idx, one.prompt_id.to_string())).collect();
    assert_eq!(word, "ok");
    assert_eq!(got, [(5, "p1"), (6, "p0"), (7, "p1")].map(|(idx, id)| (idx, id.to_owned())));
}

#[test]
fn a_load_ends_once_it_is_steady() {
    // Warmer by 1 °C in 50 s until 500 s: within 300 s it moves by 1 °C from 750 s on.
    let board = Board::of(&[temp(&[(0, 40_000), (500, 50_000)])]);
    let until_steady = Hold { steady_after_ms: Some(600_000), ..hold(3_600_000) };
    let order = RunOrder { sys_root: Some(board.root()), ..held(2, until_steady, &[]) };
    let (word, events) = run(order);
    let why = "steady after 750 s: its last third is as fast as the one before to 0 ‰, temperatures moved by 1.0 °C \
               in 300 s";
    assert_eq!((word.as_str(), spans(&events)), ("ok", vec![(SpanKind::Load, 0, 750_000, Some(why))]));
    assert_eq!(requests(&events).len(), 750);
}

#[test]
fn rows_of_a_load_that_is_longer_than_their_room_are_all_in_the_record() {
    // 2.5 h at 10 Hz are 90,000 ticks; there is room for 72,000.
    let fan = json!({
        "file": "proc/meminfo", "kind": "text", "text": "MemTotal: 100 kB\nMemAvailable: 50 kB",
    });
    let board = Board::of(&[fan]);
    let settings = [("ttft_ns", "59500000000")];
    let mut order = held(1, hold(9_000_000), &settings);
    order.launch_spec.settings.insert("ttft_ns".to_owned(), "59500000000".to_owned());
    order.requests[0].limit_ms = 120_000;
    order.sys_root = Some(board.root());
    let (word, events) = run(order);
    assert_eq!((word.as_str(), ending(&events).1, requests(&events).len()), ("ok", &Validity::Valid, 150));
    let rows = points(&events, Quantity::AvailableBytes, "system");
    // Each tick from 0 to 9000 s, and the last row.
    assert_eq!(rows.len(), 90_002);
    assert!(rows[..90_001].iter().zip(0_u64..).all(|(row, n)| *row == (n * 100, Some(50 << 10))));
    let EventKind::LaunchEnded { own, .. } = &events.last().expect("events").kind else { panic!("the end") };
    assert_eq!(own.n_dropped, 0);
    let names = names(&events);
    let at = |name| names.iter().position(|one| *one == name).expect("it is there");
    assert!(at("samples") < at("load"), "they come between requests");
    assert_eq!(notes(&events), Vec::<&str>::new());
}
