//! The built agent offers loads, and says how well it did.

use std::path::Path;

use dyno_model::event::{Event, EventKind};
use dyno_model::launch::{Dialect, EndpointSpec};
use dyno_model::load::{Arrivals, LoadModel};
use dyno_model::outcome::Outcome;
use dyno_model::proof::{Calibration, LoadFacts};
use dyno_protocol::message::{Command, RunOrder};
use dyno_runtimes::paced::PacedProcess;

use crate::support::{AGENT, Agent, folder, order, outcome, requests};

const MS: u64 = 1_000_000;

fn run(agent: &mut Agent, order: RunOrder) -> Vec<Event> {
    agent.peer.send(&Command::Run(Box::new(order))).expect("it listens");
    agent.events()
}

fn calibration(events: &[Event]) -> &Calibration {
    let calibration = events.iter().find_map(|event| match &event.kind {
        EventKind::Calibrated(calibration) => Some(calibration.as_ref()),
        _ => None,
    });
    calibration.expect("it was calibrated")
}

fn load(events: &[Event]) -> &LoadFacts {
    let load = events.iter().find_map(|event| match &event.kind {
        EventKind::LoadEnded(facts) => Some(facts.as_ref()),
        _ => None,
    });
    load.expect("the load ended")
}

/// Due `gap_ns` after each other.
fn open(order: &mut RunOrder, gap_ns: u64) {
    order.load = LoadModel::Open {
        arrivals: Arrivals::Constant,
        rate_milli_per_s: 1,
        ramp_to_milli_per_s: None,
        n_requests: u32::try_from(order.requests.len()).expect("a few"),
        max_in_flight: None,
    };
    for (request, n) in order.requests.iter_mut().zip(0..) {
        request.due_ns = Some(n * gap_ns);
        request.sampling.seed = n + 1;
    }
}

#[cfg(feature = "engine-embedded")]
#[test]
fn the_engine_has_a_queue_before_it() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let model = crate::embedded::synthesize(&mut agent, folder.path());
    let mut order = crate::embedded::embedded(6, &model);
    open(&mut order, 0);
    let events = run(&mut agent, order);
    assert_eq!(outcome(&events), Some(&Outcome::Ok));
    let calibration = calibration(&events);
    // Six answers of 24 tokens, and 16 of 256.
    assert_eq!((calibration.path.as_str(), calibration.n_token_events), ("engine process", 144));
    assert_eq!(calibration.n_null_events, 4096);
    let ttft = calibration.ttft_error.expect("answers");
    assert!(ttft.n == 6 && ttft.p50_ns >= 0, "{calibration:?}");
    // Stamps travel with their tokens.
    assert_eq!(calibration.gap_error.map(|gaps| (gaps.n, gaps.max_ns)), Some((138, 0)));
    let facts = load(&events);
    assert_eq!((facts.n_sent, facts.n_unsent, facts.n_token_events > 0), (6, 0, true));
    assert!(facts.own_cpu_ns.is_some() && facts.max_in_flight >= 2, "{facts:?}");
    let records = requests(&events);
    assert_eq!(records.len(), 6);
    for two in records.windows(2) {
        let begun_at = two[1].sent_at.plus(two[1].queue_ns.expect("a queue"));
        assert!(begun_at >= two[0].ended_at, "one at a time");
    }
    agent.end();
}

#[test]
fn a_paced_server_of_its_own_tells_what_it_played() {
    let paced = PacedProcess::start(Path::new(AGENT)).expect("the agent can be one");
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let mut order = order(5, &[]);
    order.launch_spec.dialect = Dialect::OpenaiChat;
    order.launch_spec.ready_limit_ms = 10_000;
    order.launch_spec.endpoint = Some(EndpointSpec {
        url: format!("{}/v1", paced.url("ttft_us=3000,gap_us=1000")),
        model: "paced".to_owned(),
        key_variable: None,
        host: None,
    });
    open(&mut order, 4 * MS);
    let events = run(&mut agent, order);
    assert_eq!(outcome(&events), Some(&Outcome::Ok));
    assert!(calibration(&events).path.starts_with("http"));
    let played = paced.finish().expect("it tells");
    let records = requests(&events);
    assert_eq!((records.len(), played.len()), (5, 5));
    for record in records {
        let truth = played.iter().find(|one| one.seed == u64::from(record.idx) + 1).expect("it was played");
        assert_eq!(record.chunk_ns.len(), truth.writes.len());
        for (ns, write) in record.chunk_ns.iter().zip(&truth.writes) {
            assert!(record.sent_at.plus(*ns) >= write.before, "no token is read before it is written");
        }
        assert!(record.sent_at <= truth.received_at);
    }
    agent.end();
}
