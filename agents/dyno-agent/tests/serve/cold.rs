//! The built agent brings launches into the state that they are to start from.

use dyno_model::event::{Event, EventKind};
use dyno_model::launch::Dialect;
use dyno_model::outcome::Outcome;
use dyno_model::start::{StartCost, StartMade, StartPoint, StartState};
use dyno_protocol::message::{Command, RunOrder};

use crate::embedded::{embedded, synthesize};
use crate::support::{Agent, folder, order, outcome};

fn run(agent: &mut Agent, order: RunOrder) -> Vec<Event> {
    agent.peer.send(&Command::Run(Box::new(order))).expect("it listens");
    agent.events()
}

fn at(events: &[Event], is_it: impl Fn(&EventKind) -> bool) -> usize {
    events.iter().position(|event| is_it(&event.kind)).expect("the launch has it")
}

fn made(events: &[Event]) -> Option<&StartMade> {
    events.iter().find_map(|event| match &event.kind {
        EventKind::StartMade(made) => Some(made.as_ref()),
        _ => None,
    })
}

fn costs(events: &[Event]) -> Vec<StartCost> {
    let costs = events.iter().filter_map(|event| match &event.kind {
        EventKind::StartCost(cost) => Some(*cost),
        _ => None,
    });
    costs.collect()
}

#[test]
fn a_launch_is_brought_into_its_state_before_its_runtime_is_spawned() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let model = synthesize(&mut agent, folder.path());
    let file_bytes = std::fs::metadata(&model).expect("it was written").len();
    for (launch, start) in [(1, StartState::StorageCold), (2, StartState::PageWarm), (3, StartState::AsItIs)]
    {
        let mut order = embedded(2, &model);
        order.launch = launch;
        order.launch_spec.start = start;
        let events = run(&mut agent, order);
        assert_eq!(outcome(&events), Some(&Outcome::Ok));
        let costs = costs(&events);
        let points: Vec<_> = costs.iter().map(|cost| cost.until).collect();
        assert_eq!(points, [StartPoint::Ready, StartPoint::FirstRequest], "{start:?}");
        if start == StartState::AsItIs {
            assert_eq!(made(&events), None);
            continue;
        }
        let is_spawn = |kind: &EventKind| matches!(kind, EventKind::Spawned);
        assert!(at(&events, |kind| matches!(kind, EventKind::StartMade(_))) < at(&events, is_spawn));
        let made = made(&events).expect("it was asked for");
        assert_eq!((made.state, made.file_bytes), (start, Some(file_bytes)));
        // Where temporary files lie in memory or on an overlay, the first state cannot be had, and Linux alone says.
        if start == StartState::StorageCold && made.unverified.is_none() {
            assert!(made.resident_bytes.is_some_and(|bytes| bytes * 100 <= file_bytes));
            assert!(costs[0].read_bytes.is_none_or(|bytes| bytes >= file_bytes), "{costs:?}");
        }
        if start == StartState::PageWarm && cfg!(target_os = "linux") {
            assert_eq!((made.unverified.as_deref(), made.resident_bytes), (None, Some(file_bytes)));
        }
    }
    agent.end();
}

#[test]
fn a_launch_without_a_model_says_that_its_state_is_not_verified() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let mut order = order(1, &[]);
    assert_eq!(order.launch_spec.dialect, Dialect::Fake);
    order.launch_spec.start = StartState::PageWarm;
    let events = run(&mut agent, order);
    let made = made(&events).expect("it was asked for");
    assert_eq!(made.unverified.as_deref(), Some("the launch has no model file"));
    agent.end();
}
