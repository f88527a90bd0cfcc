//! The built agent rests, holds a load and watches limits on this machine, with its own engine.

use std::path::Path;

use dyno_model::care::{Care, CoolDown, Hold, Limits, Span, SpanKind};
use dyno_model::event::{Event, EventKind};
use dyno_model::outcome::Outcome;
use dyno_protocol::message::{Command, Phase, Reply, RunOrder};

use crate::embedded::{embedded, synthesize};
use crate::support::{Agent, folder, outcome, requests};

fn spans(events: &[Event]) -> Vec<&Span> {
    let mut spans = Vec::new();
    for event in events {
        if let EventKind::Span(span) = &event.kind {
            spans.push(span);
        }
    }
    spans
}

fn ms(span: &Span) -> u64 {
    span.ended_at.since(span.began_at) / 1_000_000
}

fn run(agent: &mut Agent, order: RunOrder) -> Vec<Event> {
    agent.peer.send(&Command::Run(Box::new(order))).expect("it listens");
    agent.events()
}

#[test]
fn a_real_launch_rests_and_its_load_is_held() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let model = synthesize(&mut agent, folder.path());
    let mut order = embedded(2, &model);
    order.hold = Some(Hold { for_ms: 700, max_requests: None, steady_after_ms: None, duty: None });
    order.care = Some(Care {
        cool_down: Some(CoolDown { above_mdegc: 100_000, for_ms: 300, limit_ms: 60_000 }),
        idle_ms: 200,
        ready_idle_ms: 200,
        recovery_ms: 300,
        // Nothing that lives has it: limits are looked at all the same.
        limits: Limits { max_temp_mdegc: Some(150_000), min_battery_permille: None },
        machine_ms: 0,
        test_sensors: false,
    });
    let events = run(&mut agent, order);
    assert_eq!(outcome(&events), Some(&Outcome::Ok));
    let spans = spans(&events);
    let kinds: Vec<SpanKind> = spans.iter().map(|span| span.kind).collect();
    let expected =
        [SpanKind::CoolDown, SpanKind::Idle, SpanKind::ReadyIdle, SpanKind::Load, SpanKind::Recovery];
    assert_eq!(kinds, expected);
    assert!(ms(spans[1]) >= 200 && ms(spans[2]) >= 200 && ms(spans[3]) >= 700, "{spans:?}");
    assert!(spans.windows(2).all(|pair| pair[0].ended_at <= pair[1].began_at), "{spans:?}");
    let requests = requests(&events);
    assert!(requests.len() > 2, "they go round");
    let in_load = |at| (spans[3].began_at..=spans[3].ended_at).contains(&at);
    assert!(requests.iter().zip(0..).all(|(record, idx)| record.idx == idx && in_load(record.sent_at)));
    check_boundaries(&events, spans[2], spans[3]);
    agent.end();
}

/// What takes long to read is read once the runtime is ready, and when its load is over: never in between.
fn check_boundaries(events: &[Event], ready: &Span, load: &Span) {
    let smaps = events.iter().find_map(|event| match &event.kind {
        EventKind::Sensor(sensor) if sensor.driver == "smaps" => Some(sensor.sensor),
        _ => None,
    });
    let Some(smaps) = smaps else { return };
    let rows: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Samples(batch) if batch.sensor == smaps => Some(batch),
            _ => None,
        })
        .flat_map(|batch| batch.at_ns.iter().zip(&batch.values).map(|(at, value)| (*at, *value)))
        .collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[0].0 <= ready.began_at && rows[1].0 >= load.ended_at, "{rows:?}");
    assert!(rows.iter().all(|row| row.1 > Some(0)), "{rows:?}");
}

#[test]
fn a_real_rest_ends_when_it_is_cancelled() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let model = synthesize(&mut agent, folder.path());
    let order =
        RunOrder { care: Some(Care { idle_ms: 3_600_000, ..Care::default() }), ..embedded(1, &model) };
    agent.peer.send(&Command::Run(Box::new(order))).expect("it listens");
    loop {
        match agent.peer.recv().expect("it tells where it is") {
            Reply::Progress(at) if at.phase == Phase::Resting => break assert_eq!(at.total, 3600),
            Reply::Progress(_) => {}
            other => panic!("not expected here: {other:?}"),
        }
    }
    agent.peer.send(&Command::Cancel).expect("it listens");
    let events = agent.events();
    assert_eq!(outcome(&events), Some(&Outcome::Cancelled));
    assert_eq!(spans(&events)[0].why.as_deref(), Some("stopped from outside"));
    assert!(!events.iter().any(|event| event.kind == EventKind::Spawned));
    agent.end();
}

#[test]
fn sensors_are_those_below_another_root_and_the_process_is_this_machines() {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dyno-sensors/tests/fixtures/laptop-x86");
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let model = synthesize(&mut agent, folder.path());
    let mut order = embedded(1, &model);
    order.sys_root = Some(tree.display().to_string());
    let events = run(&mut agent, order);
    assert_eq!(outcome(&events), Some(&Outcome::Ok));
    let zones = events.iter().filter(|event| match &event.kind {
        EventKind::Sensor(sensor) => {
            sensor.channels.iter().any(|channel| channel.site.ends_with(" x86_pkg_temp"))
        }
        _ => false,
    });
    assert_eq!(zones.count(), 1);
    let all = notes(&events);
    assert!(!all.iter().any(|note| note.contains("process is not sampled")), "{all:?}");

    let mut order = embedded(1, &model);
    (order.launch, order.sys_root) = (2, Some("/nowhere".to_owned()));
    let events = run(&mut agent, order);
    assert_eq!(outcome(&events), Some(&Outcome::Ok));
    assert!(notes(&events).contains(&"no sensor is sampled: there is no folder /nowhere"));
    agent.end();
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
