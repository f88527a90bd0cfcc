//! What a session does with a meter, and what it does without one that fails.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dyno_model::digest::Digest;
use dyno_model::ids::{CampaignId, CellId, DeviceId, PromptId, RunId};
use dyno_model::launch::Dialect;
use dyno_model::load::LoadModel;
use dyno_model::meter::{
    ClockOrigin, FIRST_METER_SENSOR, Knock, KnockVerdict, MeterClock, MeterFormat, MeterSource, PlannedMeter,
};
use dyno_model::plan::{Plan, PlannedRequest};
use dyno_model::request::Sampling;
use dyno_model::sample::{AccuracyClass, Scope};
use dyno_session::{
    AgentBinary, AgentSource, Cancel, Finished, MeterReader, NoAgent, Session, SessionSummary, TakeAll,
};
use dyno_transport::{Platform, RemotePath, Transport};
use serde_json::json;

use crate::record::{Notes, Record};
use crate::world::{LOAD_UW, Machine, PERIOD_NS, REST_UW, Reader, World};

const S: u64 = 1_000_000_000;
/// How far the clocks are from the controller's.
const DEVICE_AHEAD_NS: u64 = 5000 * S;
const READER_AHEAD_NS: u64 = 1000 * S;

struct OneAgent;

impl AgentSource for OneAgent {
    fn agent(&self, _platform: &Platform, _is_here: bool) -> Result<AgentBinary, NoAgent> {
        let (path, digest) = (PathBuf::from("/agent"), Digest::of(b"agent"));
        Ok(AgentBinary { path, digest, bytes: 5, notes: Vec::new() })
    }
}

/// Two runs of one request each. As JSON: what others add to a plan is not this test's matter.
fn plan() -> Plan {
    let sampling = Sampling::greedy(1);
    let request =
        PlannedRequest { prompt: PromptId::from("p"), sampling, due_ns: None, limit_ms: 1000, trace: None };
    let run = |id: u32| json!({"id": RunId(id), "cell": "cell", "repetition": id, "requests": [request]});
    let plan = json!({
        "format": 1, "tool_version": "0", "seed": 0, "sampling_period_ms": 100,
        "suite": {"name": "s", "description": "", "digest": Digest::of(b"s")},
        "devices": {"d": {"transport": {"kind": "local"}, "board": null, "tags": [], "work_dir": null,
            "price_eur_cents": null}},
        "models": {"none": {"title": "none", "license": "", "origin": {"kind": "none"}, "context_tokens": 8}},
        "runtimes": {"fake": {"title": "fake", "dialect": Dialect::Fake, "settings": {}, "ready_limit_ms": 1}},
        "corpus": {"name": "c", "digest": Digest::of(b"c"), "slice": null},
        "prompts": {"p": {"category": "chat", "language": "en",
            "messages": [{"role": "user", "content": "hello"}]}},
        "cells": [{"id": CellId::from("cell"), "device": "d", "runtime": "fake", "model": "none",
            "threads": null, "context_tokens": 8, "load": LoadModel::Single { think_ms: 0 }}],
        "runs": [run(0), run(1)],
    });
    serde_json::from_value(plan).expect("a plan")
}

fn meter(clock: MeterClock, source: MeterSource) -> PlannedMeter {
    PlannedMeter {
        title: "a plug".to_owned(),
        device: DeviceId::from("d"),
        host: None,
        source,
        format: MeterFormat::Plain,
        fields: Vec::new(),
        clock,
        period_ms: (PERIOD_NS / 1_000_000) as u32,
        latency_ms: 0,
        scope: Scope::Device,
        class: AccuracyClass::A,
        gain_ppm: 0,
        offset_uw: 0,
        lowest_uw: None,
        wraps_at_uj: None,
        knock: Some(Knock { busy_ms: 200, idle_ms: 200, n: 3 }),
    }
}

fn live() -> PlannedMeter {
    let url = "http://plug/".to_owned();
    meter(MeterClock::Receipt, MeterSource::Http { url })
}

struct Came {
    summary: SessionSummary,
    record: Record,
    notes: Vec<String>,
}

/// One session with one meter, read over there or, with `None`, by the device itself.
fn session(planned: PlannedMeter, reader: Option<Reader>) -> Came {
    let world = World::new();
    let machine = |reader, offset_ns| Machine {
        world: Arc::clone(&world),
        reader,
        offset_ns,
        work_dir: RemotePath::new("/work"),
    };
    let mut device = machine(Reader::Healthy, DEVICE_AHEAD_NS);
    let transport = reader.map(|reader| Box::new(machine(reader, READER_AHEAD_NS)) as Box<dyn Transport>);
    let plan = plan();
    let session = Session {
        campaign: CampaignId::from("c"),
        plan: &plan,
        device: DeviceId::from("d"),
        holder: "ann@lab".to_owned(),
        agents: &OneAgent,
        reconnect_limit: Duration::from_mins(1),
        models: BTreeMap::new(),
        finished: Finished::default(),
        steer: Box::new(TakeAll),
        cancel: Cancel::default(),
        meters: vec![MeterReader { name: "plug".to_owned(), planned, transport }],
    };
    let (mut record, mut notes) = (Record::default(), Notes::default());
    let summary = session.execute(&mut device, &mut record, &mut notes).expect("a healthy device");
    Came { summary, record, notes: notes.0 }
}

/// Both launches are in the record with rows at rest, whose clock is `ahead_ns` behind the device's.
fn check_launches(came: &Came, ahead_ns: u64) {
    assert_eq!((came.summary.n_launches, came.summary.n_failed, came.record.n_events), (2, 0, 2));
    for run in [RunId(0), RunId(1)] {
        // What is late comes in an entry of its own.
        let of_run = came.record.metered.iter().filter(|(of, _, _)| *of == run);
        let mut n_rows = 0;
        for (_, launch, metered) in of_run {
            assert_eq!((*launch, metered.declared.sensor), (1, FIRST_METER_SENSOR));
            assert!(
                metered.batch.values.iter().all(|value| *value == Some(REST_UW)),
                "no knock is among them"
            );
            n_rows += metered.batch.at_ns.len();
            if !metered.batch.at_ns.is_empty() {
                let off = metered.clock.offset_ns.abs_diff(ahead_ns.cast_signed());
                assert!(off <= metered.clock.err_ns, "{} ns off, ± {}", off, metered.clock.err_ns);
            }
        }
        // A launch is 80 ms long.
        assert!(n_rows >= 7, "{n_rows} rows of {run:?}");
    }
}

#[test]
fn rows_come_with_their_launch_and_the_clocks_of_both_machines() {
    let came = session(live(), Some(Reader::Healthy));
    check_launches(&came, DEVICE_AHEAD_NS - READER_AHEAD_NS);
    assert_eq!(came.record.knocked.len(), 2, "before the first launch and after the last");
    for knocked in &came.record.knocked {
        assert_eq!((&knocked.verdict, knocked.loads.len()), (&KnockVerdict::Aligned, 3), "{knocked:?}");
        let shift = knocked.shift_ns.expect("it was seen");
        assert!(shift.unsigned_abs() <= PERIOD_NS + 5_000_000, "{knocked:?}");
        let step = knocked.step_uw.expect("it was seen");
        assert!((step - (LOAD_UW - REST_UW)).abs() < 1_000_000, "{knocked:?}");
    }
    assert_eq!(came.record.failed, []);
}

#[test]
fn a_meter_on_the_device_itself_has_its_clock() {
    let came = session(live(), None);
    check_launches(&came, 0);
    assert!(came.record.metered.iter().all(|(_, _, metered)| metered.clock.err_ns == 0));
    assert!(came.record.knocked.iter().all(|knocked| knocked.verdict == KnockVerdict::Aligned));
}

#[test]
fn the_latency_of_a_meter_is_part_of_its_clock() {
    let came = session(PlannedMeter { latency_ms: 120, ..live() }, Some(Reader::Late(120)));
    check_launches(&came, DEVICE_AHEAD_NS - READER_AHEAD_NS - 120_000_000);
    assert!(came.record.knocked.iter().all(|knocked| knocked.verdict == KnockVerdict::Aligned));
}

#[test]
fn a_meter_that_is_late_is_told_and_its_rows_are_kept() {
    let came = session(live(), Some(Reader::Late(120)));
    assert!(came.record.metered.iter().any(|(_, _, metered)| !metered.batch.at_ns.is_empty()));
    for knocked in &came.record.knocked {
        let shift = knocked.shift_ns.expect("it was seen");
        assert!((shift - 120_000_000).unsigned_abs() <= PERIOD_NS + 5_000_000, "{knocked:?}");
        assert!(matches!(knocked.verdict, KnockVerdict::Unaligned { .. }));
    }
    let is_told = |note: &String| note.starts_with("meter plug is not aligned: it shows the loads 1");
    assert_eq!(came.notes.iter().filter(|note| is_told(note)).count(), 2, "{:?}", came.notes);
}

#[test]
fn a_reader_that_dies_costs_its_rows_and_nothing_else() {
    let came = session(live(), Some(Reader::Dies));
    assert_eq!((came.summary.n_launches, came.summary.n_failed), (2, 0));
    assert_eq!(came.record.metered.len(), 0);
    let error = "the agent on this machine is gone (signal 9)".to_owned();
    assert_eq!(came.record.failed, [("plug".to_owned(), error)]);
}

#[test]
fn an_export_is_placed_by_the_knocks_of_both_ends() {
    let clock = MeterClock::Own { at: "#1".to_owned(), unit_ns: 1_000_000_000, origin: ClockOrigin::Knock };
    let source = MeterSource::File { path: "/tmp/export.csv".to_owned(), wait_ms: 0 };
    let came = session(meter(clock, source), Some(Reader::Exports));
    assert_eq!(came.record.knocked.len(), 1, "one verdict over both");
    let knocked = &came.record.knocked[0];
    assert_eq!((&knocked.verdict, knocked.loads.len()), (&KnockVerdict::Aligned, 6), "{knocked:?}");
    let launches: Vec<_> = came.record.metered.iter().map(|(run, ..)| run.0).collect();
    assert_eq!(launches, [0, 1]);
    for (_, _, metered) in &came.record.metered {
        // By the device's clock the rows lie between the knocks, and show its rest.
        let at = metered.clock.map(metered.batch.at_ns[0]).expect("a time");
        assert!(at > knocked.loads[2].1 && at < knocked.loads[3].0, "{knocked:?}");
        assert!(metered.batch.values.iter().all(|value| *value == Some(REST_UW)));
    }
}
