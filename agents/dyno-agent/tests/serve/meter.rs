//! The built agent as the reader of a meter: what comes over the pipes is what the meter said.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::meter::{
    FIRST_METER_SENSOR, METER_DRIVER, MeterField, MeterFormat, MeterSource, PlannedMeter,
};
use dyno_model::sample::{AccuracyClass, Quantity, Scope};
use dyno_protocol::message::{Command, Reply};

use crate::support::{Agent, folder, order};

fn planned(source: MeterSource) -> PlannedMeter {
    PlannedMeter {
        title: "a plug".to_owned(),
        device: "d".into(),
        host: None,
        source,
        format: MeterFormat::Json,
        fields: vec![MeterField { at: "/apower".to_owned(), quantity: Quantity::PowerUw, scale: 1_000_000 }],
        clock: dyno_model::meter::MeterClock::Receipt,
        period_ms: 5,
        latency_ms: 0,
        scope: Scope::Device,
        class: AccuracyClass::A,
        gain_ppm: 0,
        offset_uw: 0,
        lowest_uw: None,
        wraps_at_uj: None,
        knock: None,
    }
}

/// A plug that gives one tenth of a watt more each time.
fn plug() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 1024];
            drop(stream.read(&mut request));
            let body = format!(r#"{{"apower":{}.{}}}"#, n / 10, n % 10);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).ok();
        }
    });
    format!("http://{address}/rpc/Switch.GetStatus?id=0")
}

fn begin(agent: &mut Agent, planned: PlannedMeter) -> Reply {
    let planned = Box::new(planned);
    let command = Command::MeterBegin { meter: "plug".to_owned(), sensor: FIRST_METER_SENSOR, planned };
    agent.peer.send(&command).expect("it listens");
    agent.peer.recv().expect("it answers")
}

fn rows(agent: &mut Agent) -> Vec<(MonoNs, Option<i64>)> {
    agent.peer.send(&Command::MeterRows { meter: "plug".to_owned() }).expect("it listens");
    match agent.peer.recv().expect("it answers") {
        Reply::MeterRows { batches, counts, has_more: false } => {
            assert_eq!((counts.n_failures, counts.n_garbled), (0, 0), "{counts:?}");
            batches.into_iter().flat_map(|batch| batch.at_ns.into_iter().zip(batch.values)).collect()
        }
        other => panic!("not expected here: {other:?}"),
    }
}

#[test]
fn a_meter_is_read_on_while_a_launch_runs() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let begun = begin(&mut agent, planned(MeterSource::Http { url: plug() }));
    let Reply::MeterBegun { declared } = begun else { panic!("{begun:?}") };
    assert_eq!((declared.sensor, declared.driver.as_str()), (FIRST_METER_SENSOR, METER_DRIVER));
    assert_eq!((declared.channels.len(), declared.channels[0].scope), (1, Some(Scope::Device)));
    let before = monotonic_now();
    agent.peer.send(&Command::Run(Box::new(order(1000, &[])))).expect("it listens");
    agent.events();
    let (mut all, due) = (Vec::new(), Instant::now() + Duration::from_secs(30));
    while all.len() < 20 {
        assert!(Instant::now() < due, "{all:?}");
        all.extend(rows(&mut agent));
    }
    let expected: Vec<_> = (0..all.len()).map(|n| Some(n.cast_signed() as i64 * 100_000)).collect();
    assert_eq!(all.iter().map(|(_, value)| *value).collect::<Vec<_>>(), expected, "none twice, none missing");
    assert!(all.is_sorted() && all.last().is_some_and(|(at, _)| *at > before));
    agent.end();
}

#[test]
fn a_meter_that_cannot_be_is_an_error_and_the_agent_goes_on() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let Reply::Error(error) = begin(&mut agent, planned(MeterSource::Http { url: "plug".to_owned() })) else {
        panic!("no such address");
    };
    assert_eq!(error.message, "`plug` is no address of the form http://host:port/path");
    agent.peer.send(&Command::MeterRows { meter: "plug".to_owned() }).expect("it listens");
    let Reply::Error(error) = agent.peer.recv().expect("it answers") else { panic!("there is none") };
    assert_eq!(error.message, "no meter `plug` is being read");
    agent.end();
}

#[test]
fn a_knock_tells_when_it_loaded_the_machine() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    let before = monotonic_now();
    agent.peer.send(&Command::Knock { turns_ms: vec![10, 30, 10, 30, 10] }).expect("it listens");
    let Reply::Knocked { loads } = agent.peer.recv().expect("it answers") else { panic!("it knocks") };
    assert_eq!(loads.len(), 2);
    let mut at = before;
    for (from, to) in loads {
        assert!(from.since(at) >= 10_000_000 && to.since(from) >= 30_000_000);
        at = to;
    }
    assert!(monotonic_now().since(at) >= 10_000_000);
    agent.end();
}
