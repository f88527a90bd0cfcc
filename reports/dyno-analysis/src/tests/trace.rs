//! A trace against the Trace Event Format, and against what was written by hand.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tempfile::tempdir;

use super::queue::{Server, every, open_load, plan_of};
use super::sample::{End, campaign, launch, ok, written};
use crate::{AnalysisError, TraceOptions, Traced, trace};

fn traced(campaign: &dyno_store::Campaign, options: TraceOptions) -> (Traced, Vec<Value>) {
    let mut out = Vec::new();
    let traced = trace(campaign, options, &mut out).expect("a good record");
    assert_eq!(traced.n_bytes, out.len() as u64);
    let whole: Value = serde_json::from_slice(&out).expect("one JSON object");
    assert_eq!(whole["displayTimeUnit"], "ms");
    let events = whole["traceEvents"].as_array().expect("a list of events").clone();
    assert_eq!(traced.n_events, events.len() as u64);
    check(&events);
    (traced, events)
}

/// What the format asks for, and what viewers need: fields by phase, names for all tracks, slices that nest.
fn check(events: &[Value]) {
    let mut named = BTreeSet::new();
    let mut slices: BTreeMap<(u64, u64), Vec<(i64, i64)>> = BTreeMap::new();
    for event in events {
        let number = |key: &str| event[key].as_f64().unwrap_or_else(|| panic!("{key} of {event}"));
        let id = |key: &str| event[key].as_u64().unwrap_or_else(|| panic!("{key} of {event}"));
        assert!(!event["name"].as_str().expect("a name").is_empty());
        let track = (id("pid"), id("tid"));
        assert!(number("ts") >= 0.0 && number("ts").is_finite(), "{event}");
        let ns = |us: f64| (us * 1000.0).round() as i64;
        match event["ph"].as_str().expect("a phase") {
            "M" => {
                if event["name"] == "process_name" || event["name"] == "thread_name" {
                    assert!(event["args"]["name"].is_string(), "{event}");
                    named.insert(track);
                } else {
                    assert!(event["args"]["sort_index"].is_u64(), "{event}");
                }
            }
            "X" => {
                assert!(number("dur") >= 0.0 && event["cat"].is_string(), "{event}");
                let from = ns(number("ts"));
                slices.entry(track).or_default().push((from, from + ns(number("dur"))));
            }
            "i" => assert_eq!(event["s"], "t", "{event}"),
            "C" => {
                let values = event["args"].as_object().expect("values");
                assert!(values.len() == 1 && values.values().all(Value::is_number), "{event}");
            }
            other => panic!("phase {other}: {event}"),
        }
        assert!(named.contains(&track) || event["ph"] == "M", "a track is named before it is used: {event}");
    }
    for (track, mut of) in slices {
        // Outer ones first.
        of.sort_by_key(|(from, to)| (*from, -*to));
        let mut open: Vec<i64> = Vec::new();
        for (from, to) in of {
            while open.last().is_some_and(|end| *end <= from) {
                open.pop();
            }
            assert!(open.last().is_none_or(|end| to <= *end), "slices of {track:?} cross at {from}");
            open.push(to);
        }
    }
}

fn named<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["name"] == name).collect()
}

#[test]
fn requests_are_slices_with_their_phases() {
    let dir = tempdir().expect("a folder");
    let asked = [ok(0, 9100, &[50, 55, 60], 12), ok(1, 9200, &[10, 90], 6)];
    let campaign = campaign(dir.path(), 1, &[launch(0, 1, 9000, &asked, &End::Valid)]);
    let (found, events) = traced(&campaign, TraceOptions { run: None, tokens: true });
    assert_eq!((found.n_launches, found.n_requests), (1, 2));
    // The launch began at 9000; request 1 was sent 200 ns later and ended 5 ns after its last token.
    let request = named(&events, "request 1")[0];
    assert_eq!((request["ts"].as_f64(), request["dur"].as_f64()), (Some(0.2), Some(0.095)));
    assert_eq!(request["args"]["prompt"], "p-1");
    assert_eq!(request["args"]["isl_tokens"], 6);
    let prefill: Vec<(f64, f64)> = named(&events, "prefill")
        .iter()
        .map(|of| (of["ts"].as_f64().expect("a time"), of["dur"].as_f64().expect("a length")))
        .collect();
    assert_eq!(prefill, [(0.1, 0.05), (0.2, 0.01)]);
    assert_eq!(named(&events, "token").len(), 5);
    assert_eq!(named(&events, "load")[0]["dur"], 0.05);
    let slots: BTreeSet<u64> = named(&events, "request 0")
        .iter()
        .chain(&named(&events, "request 1"))
        .filter_map(|of| of["tid"].as_u64())
        .collect();
    assert_eq!(slots.len(), 1, "one after the other is one slot");
}

#[test]
fn sensors_are_counters_in_readable_units() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path(), 1, &[launch(0, 1, 9000, &[ok(0, 9100, &[50], 1)], &End::Valid)]);
    let (_, events) = traced(&campaign, TraceOptions::default());
    assert!(named(&events, "token").is_empty(), "only when asked for");
    let temperature = named(&events, "temperature procfs zone0");
    let values: Vec<f64> = temperature.iter().filter_map(|of| of["args"]["degC"].as_f64()).collect();
    assert_eq!(values, [50.0, 51.0]);
    // 150 ns of CPU time between two readings 100 ns apart: it holds from the first on.
    let cpu = named(&events, "CPU use procfs process");
    assert_eq!(cpu.len(), 1);
    assert_eq!((cpu[0]["ts"].as_f64(), cpu[0]["args"]["CPUs"].as_f64()), (Some(0.1), Some(1.5)));
}

#[test]
fn requests_that_overlap_lie_below_each_other() {
    // One token after 40 ms, the next 10 ms later, asked for every 20 ms: a queue grows.
    let server = Server { slots: 1, prefill_ms: 40, token_ms: 10, shared_percent: 0, n_tokens: 2 };
    let dues = every(20, 6);
    let plan = plan_of(
        &[(
            open_load(dyno_model::load::Arrivals::Constant, 50_000, 6),
            dues.iter().map(|due| Some(*due)).collect(),
        )],
        None,
    );
    let dir = tempdir().expect("a folder");
    let campaign = written(dir.path(), &plan, &[server.open(0, 1_000_000_000, &dues)]);
    let (_, events) = traced(&campaign, TraceOptions::default());
    let slots: BTreeSet<u64> = events
        .iter()
        .filter(|event| event["cat"] == "request")
        .filter_map(|event| event["tid"].as_u64())
        .collect();
    assert!(slots.len() > 1, "{slots:?}");
    assert!(!named(&events, "queue").is_empty(), "what waited has a slice for it");
}

#[test]
fn one_run_can_be_asked_for() {
    let dir = tempdir().expect("a folder");
    let asked = [ok(0, 9100, &[50], 12)];
    let launches = [
        launch(0, 1, 9000, &asked, &End::Valid),
        launch(1, 1, 29_000, &[ok(0, 29_100, &[50], 12)], &End::Valid),
    ];
    let campaign = campaign(dir.path(), 2, &launches);
    let (found, events) = traced(&campaign, TraceOptions { run: Some(1), tokens: false });
    assert_eq!(found.n_launches, 1);
    // Its launch began 20 µs after that of the first run.
    assert_eq!(named(&events, "launch").iter().find(|of| of["ph"] == "X").expect("a slice")["ts"], 20.0);
    let error = trace(&campaign, TraceOptions { run: Some(7), tokens: false }, &mut Vec::new());
    assert!(matches!(error, Err(AnalysisError::NoSuchRun { run: 7, n_runs: 2 })), "{error:?}");
}

#[test]
fn a_launch_that_was_cut_off_and_one_without_requests_are_traced() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path(), 1, &[launch(0, 1, 9000, &[], &End::CutOff)]);
    let (found, _) = traced(&campaign, TraceOptions::default());
    assert_eq!((found.n_launches, found.n_requests), (1, 0));
}
