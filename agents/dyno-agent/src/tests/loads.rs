//! Loads of every kind, by the scripted runtime's exact clock and against a real server of known schedule.

use super::*;
use dyno_model::launch::EndpointSpec;
use dyno_model::load::Arrivals;
use dyno_model::proof::LoadFacts;
use dyno_model::start::StartState;
use dyno_runtimes::paced::PacedServer;

const MS: u64 = 1_000_000;

fn open(max_in_flight: Option<u32>) -> LoadModel {
    LoadModel::Open {
        arrivals: Arrivals::Constant,
        rate_milli_per_s: 10_000,
        ramp_to_milli_per_s: None,
        n_requests: 40,
        max_in_flight,
    }
}

/// Requests at 10/s, the first after 100 ms, of one token each that takes `ttft_ms`.
fn ten_per_second(n_requests: u32, ttft_ms: u64, more: &[(&str, &str)]) -> RunOrder {
    let service = (ttft_ms * MS).to_string();
    let settings: Vec<_> =
        [("ttft_ns", service.as_str()), ("n_tokens", "1")].iter().chain(more).copied().collect();
    let mut order = order(n_requests, &settings);
    order.load = open(None);
    for (request, n) in order.requests.iter_mut().zip(1..) {
        request.due_ns = Some(n * 100 * MS);
    }
    order
}

fn run(order: RunOrder) -> (String, Vec<Event>) {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    let told = agent.run(order);
    agent.end().expect("a good end");
    told
}

fn load(events: &[Event]) -> &LoadFacts {
    let load = events.iter().find_map(|event| match &event.kind {
        EventKind::LoadEnded(facts) => Some(facts.as_ref()),
        _ => None,
    });
    load.expect("the load ended")
}

fn notes(events: &[Event]) -> Vec<&str> {
    let mut notes = Vec::new();
    for event in events {
        if let EventKind::Note { text } = &event.kind {
            notes.push(text.as_str());
        }
    }
    notes
}

/// From due, or from sent in closed loops.
fn e2e_ms(record: &RequestRecord) -> u64 {
    record.ended_at.since(record.due_at.unwrap_or(record.sent_at)) / MS
}

#[test]
fn what_a_slow_service_makes_users_wait_is_told_in_full() {
    let (word, events) = run(ten_per_second(40, 500, &[]));
    assert_eq!((word.as_str(), ending(&events).1), ("ok", &Validity::Valid));
    let records = requests(&events);
    let began_at = load(&events).began_at;
    for (record, n) in records.iter().zip(1_u64..) {
        // The n-th is due after n · 100 ms and over after 100 + n · 500 ms, of which its service is 500.
        assert_eq!(record.due_at, Some(began_at.plus(n * 100 * MS)));
        assert_eq!(record.due_at, Some(record.sent_at));
        assert_eq!(record.queue_ns, Some((n - 1) * 400 * MS));
        assert_eq!(e2e_ms(record), 100 + n * 400);
    }
    assert_eq!(e2e_ms(records[39]), 16_100);
    let facts = load(&events);
    // When the last is sent, after 4 s, 7 are over: the 7th after 3.6 s.
    assert_eq!((facts.n_sent, facts.n_unsent, facts.max_in_flight, facts.n_held_back), (40, 0, 33, 0));
    assert_eq!(facts.send_lag.map(|lag| (lag.n, lag.max_ns)), Some((40, 0)));
    assert_eq!((facts.n_token_events, facts.ended_at), (40, began_at.plus(20_100 * MS)));
    assert_eq!((facts.own_cpu_ns, facts.steal_ns, facts.n_reads), (None, None, 0));
}

#[test]
fn above_a_limit_requests_are_held_back_and_wait_as_long() {
    let mut order = ten_per_second(40, 500, &[]);
    order.load = open(Some(2));
    let (word, events) = run(order);
    let records = requests(&events);
    assert_eq!((word.as_str(), e2e_ms(records[39])), ("ok", 16_100));
    for (two, n) in records.windows(3).zip(1_u64..) {
        // It is sent when the last but one is over, and the one before it is then begun.
        assert_eq!((two[2].sent_at, two[2].queue_ns), (two[0].ended_at, Some(500 * MS)));
        assert_eq!(e2e_ms(two[2]), 100 + (n + 2) * 400);
    }
    let facts = load(&events);
    assert_eq!((facts.max_in_flight, facts.n_held_back), (2, 38));
    // Those that were held back are not late by our fault.
    assert_eq!(facts.send_lag.map(|lag| (lag.n, lag.max_ns)), Some((2, 0)));
}

#[test]
fn four_users_wait_for_each_other() {
    let mut order = order(8, &[("ttft_ns", "100"), ("n_tokens", "1")]);
    order.load = LoadModel::Closed { workers: 4, think_ms: 0 };
    let (word, events) = run(order);
    assert_eq!(word, "ok");
    let began_at = load(&events).began_at;
    let got: Vec<_> = requests(&events)
        .iter()
        .map(|record| (record.idx, record.sent_at.since(began_at), record.queue_ns, record.due_at))
        .collect();
    // One at a time, 100 ns each: the first four come at once, and each other one when an answer is complete.
    let expected = [(0, 0, 0), (1, 0, 100), (2, 0, 200), (3, 0, 300)]
        .into_iter()
        .chain((4..8).map(|n| (n, u64::from(n - 3) * 100, 300)));
    assert_eq!(got, expected.map(|(idx, sent, queue)| (idx, sent, Some(queue), None)).collect::<Vec<_>>());
    let facts = load(&events);
    assert_eq!((facts.n_sent, facts.max_in_flight, facts.send_lag), (8, 4, None));
}

#[test]
fn a_death_ends_all_that_is_under_way_and_the_rest_is_counted() {
    let (word, events) = run(ten_per_second(10, 250, &[("crash_at", "2")]));
    assert_eq!(word, "crashed");
    // Served from 100, 350 and 600 ms on; it dies at 850 ms. Until then eight were due.
    let got: Vec<_> = requests(&events).iter().map(|one| (one.idx, one.outcome.word())).collect();
    let crashed = (2..8).map(|idx| (idx, "crashed"));
    assert_eq!(got, [(0, "ok"), (1, "ok")].into_iter().chain(crashed).collect::<Vec<_>>());
    let facts = load(&events);
    assert_eq!((facts.n_sent, facts.n_unsent), (8, 2));
    let Outcome::Crashed { stderr_tail, .. } = ending(&events).0 else { panic!("crashed") };
    assert_eq!(stderr_tail, "scripted crash");
}

#[test]
fn a_cancel_in_mid_load_is_noted_and_its_requests_are_not_recorded() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    let mut order = ten_per_second(7, 1, &[("hang_at", "2")]);
    for request in &mut order.requests {
        request.due_ns = Some(if request.idx < 5 { 0 } else { 60_000 * MS });
    }
    agent.send(&Command::Run(Box::new(order)));
    loop {
        match agent.recv() {
            Reply::Progress(at) if at.phase == Phase::Serving && at.done == 2 => break,
            Reply::Progress(_) => {}
            other => panic!("not expected here: {other:?}"),
        }
    }
    agent.send(&Command::Cancel);
    let (word, events) = agent.launched();
    assert_eq!((word.as_deref(), ending(&events).0), (Some("cancelled"), &Outcome::Cancelled));
    assert_eq!(requests(&events).len(), 2);
    assert_eq!(notes(&events), ["3 requests were cancelled and are not recorded: 2, 3, 4"]);
    assert_eq!((load(&events).n_sent, load(&events).n_unsent), (5, 2));
    agent.end().expect("a good end");
}

#[test]
fn a_start_that_is_not_verified_makes_a_launch_invalid() {
    let mut order = order(1, &[]);
    order.launch_spec.start = StartState::StorageCold;
    let (word, events) = run(order);
    assert_eq!(word, "ok");
    assert_eq!(names(&events)[..2], ["started", "start"]);
    let Validity::Invalid { reasons } = ending(&events).1 else { panic!("nothing was verified") };
    assert!(reasons.len() == 1 && reasons[0].starts_with("cold=unverified: "), "{reasons:?}");
}

/// An order for a server of known schedule that runs already.
fn attached(server: &PacedServer, script: &str, n_requests: u32) -> RunOrder {
    let mut order = order(n_requests, &[]);
    order.launch_spec.runtime = "paced".to_owned();
    order.launch_spec.dialect = Dialect::OpenaiChat;
    order.launch_spec.endpoint = Some(EndpointSpec {
        url: format!("{}/v1", server.url(script)),
        model: "paced".to_owned(),
        key_variable: None,
        host: None,
    });
    order.launch_spec.ready_limit_ms = 10_000;
    order.load = open(None);
    order
}

#[test]
fn a_real_server_is_asked_when_requests_are_due() {
    let server = PacedServer::start().expect("the loopback");
    let mut order = attached(&server, "ttft_us=2000,gap_us=1000,n=3", 6);
    for (request, n) in order.requests.iter_mut().zip(0..) {
        request.due_ns = Some(n * 5 * MS);
    }
    let (word, events) = run(order);
    assert_eq!(word, "ok");
    let names: Vec<_> = names(&events)
        .into_iter()
        .filter(|name| !["sensor", "unreadable", "samples", "note", "spawned"].contains(name))
        .collect();
    let requests_of = ["request"; 6];
    let expected: Vec<_> = ["started", "calibrated", "ready"]
        .iter()
        .chain(&requests_of)
        .chain(&["load", "network", "ended"])
        .copied()
        .collect();
    assert_eq!(names, expected);
    let facts = load(&events);
    for record in requests(&events) {
        assert_eq!(record.due_at, Some(facts.began_at.plus(u64::from(record.idx) * 5 * MS)));
        assert!(Some(record.sent_at) >= record.due_at, "nothing is sent early");
        let exchange = record.exchange.expect("a network is between");
        assert_eq!((exchange.status, record.queue_ns, record.chunk_ns.len()), (Some(200), None, 3));
        assert!(exchange.n_reads > 0 && record.outcome.is_ok());
    }
    assert_eq!((facts.n_sent, facts.n_unsent, facts.n_token_events), (6, 0, 18));
    assert_eq!(facts.send_lag.map(|lag| lag.n), Some(6));
    assert!(facts.n_reads >= 6 && facts.max_in_flight >= 1);
    let played: std::collections::BTreeSet<u64> = server.take_played().iter().map(|one| one.seed).collect();
    assert_eq!(played.len(), 1, "all requests of this order have one seed");
}

#[test]
fn a_server_with_one_slot_does_not_hide_its_queue() {
    let server = PacedServer::start().expect("the loopback");
    let mut order = attached(&server, "ttft_us=20000,n=1,slots=1", 4);
    for request in &mut order.requests {
        request.due_ns = Some(0);
    }
    let (word, events) = run(order);
    assert_eq!((word.as_str(), load(&events).max_in_flight), ("ok", 4));
    let mut e2e: Vec<u64> = requests(&events).iter().map(|record| e2e_ms(record)).collect();
    e2e.sort_unstable();
    // One after the other, 20 ms each: none can be faster.
    for (ms, n) in e2e.iter().zip(1..) {
        assert!(*ms >= n * 20, "{e2e:?}");
    }
}
