//! Small boards that are played, and what a record says of them.

use std::fs;
use std::path::Path;

use dyno_model::care::{Care, Hold, Span, SpanKind};
use dyno_model::sample::Quantity;
use serde_json::{Value, json};

use super::*;

pub(super) const S: u64 = 1_000_000_000;
/// Where the script's clock begins.
pub(super) const BEGIN: u64 = dyno_runtimes::fake::START_NS;

/// The tree of a board that is played.
pub(super) struct Board(TempDir);

impl Board {
    /// With these files, each as in `play.json`.
    pub(super) fn of(files: &[Value]) -> Self {
        let board = Self(folder());
        board.play(files);
        for (path, text) in [
            ("sys/class/thermal/thermal_zone0/type", "cpu"),
            ("sys/class/thermal/cooling_device0/type", "fan"),
            ("sys/class/power_supply/battery/type", "Battery"),
            ("sys/class/power_supply/usb/type", "USB"),
        ] {
            let path = board.0.path().join(path);
            fs::create_dir_all(path.parent().expect("below the top")).expect("our own folder");
            fs::write(path, text).expect("our own folder");
        }
        board
    }

    /// From now on these files are played.
    pub(super) fn play(&self, files: &[Value]) {
        let score = json!({ "files": files }).to_string();
        fs::write(self.0.path().join("play.json"), score).expect("our own folder");
    }

    pub(super) fn root(&self) -> String {
        self.0.path().display().to_string()
    }
}

/// The board that lies beside the sensors' tests.
pub(super) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dyno-sensors/tests/fixtures").join(name);
    path.display().to_string()
}

/// A temperature through knots of seconds and m°C.
pub(super) fn temp(knots: &[(u64, i64)]) -> Value {
    json!({
        "file": "sys/class/thermal/thermal_zone0/temp", "kind": "reading", "between": "ramps", "knots": knots
    })
}

/// A file that stays and changes in steps.
pub(super) fn steps(file: &str, knots: &[(u64, i64)]) -> Value {
    json!({ "file": file, "kind": "reading", "knots": knots })
}

pub(super) const FAN: &str = "sys/class/thermal/cooling_device0/cur_state";

/// An order whose requests take 1 s each: 0.5 s to the first token, and 5 more of 0.1 s.
pub(super) fn second_long(n_requests: u32, more: &[(&str, &str)]) -> RunOrder {
    let settings = [("load_ns", "0"), ("ttft_ns", "500000000"), ("gap_ns", "100000000")];
    let mut order = order(n_requests, &settings.iter().chain(more).copied().collect::<Vec<_>>());
    for request in &mut order.requests {
        request.sampling.max_tokens = 6;
    }
    order
}

pub(super) fn hold(for_ms: u64) -> Hold {
    Hold { for_ms, max_requests: None, steady_after_ms: None, duty: None }
}

pub(super) fn care() -> Care {
    Care::default()
}

pub(super) fn run(order: RunOrder) -> (String, Vec<Event>) {
    let folder = folder();
    run_in(&folder, order)
}

/// In a folder that has seen other launches.
pub(super) fn run_in(folder: &TempDir, order: RunOrder) -> (String, Vec<Event>) {
    let mut agent = Agent::start(folder);
    let told = agent.run(order);
    agent.end().expect("a good end");
    told
}

/// Kind, begin and end in ms since the script began, and why it ended.
pub(super) fn spans(events: &[Event]) -> Vec<(SpanKind, u64, u64, Option<&str>)> {
    let ms = |at: dyno_model::clock::MonoNs| (at.0 - BEGIN) / 1_000_000;
    let mut all = Vec::new();
    for event in events {
        if let EventKind::Span(Span { kind, began_at, ended_at, why }) = &event.kind {
            all.push((*kind, ms(*began_at), ms(*ended_at), why.as_deref()));
        }
    }
    all
}

pub(super) fn notes(events: &[Event]) -> Vec<&str> {
    let mut notes = Vec::new();
    for event in events {
        if let EventKind::Note { text } = &event.kind {
            notes.push(text.as_str());
        }
    }
    notes
}

/// All rows of one channel, as times in ms since the script began and values.
pub(super) fn points(events: &[Event], quantity: Quantity, site: &str) -> Vec<(u64, Option<i64>)> {
    let mut place = None;
    let mut points = Vec::new();
    for event in events {
        match &event.kind {
            EventKind::Sensor(sensor) => {
                let is = |channel: &dyno_model::sample::Channel| {
                    channel.quantity == quantity && channel.site == site
                };
                if let Some(column) = sensor.channels.iter().position(is) {
                    place = Some((sensor.sensor, column, sensor.channels.len()));
                }
            }
            EventKind::Samples(batch) if place.is_some_and(|place| place.0 == batch.sensor) => {
                let (_, column, width) = place.expect("it was declared before");
                let values = batch.values.iter().skip(column).step_by(width);
                let rows = batch.at_ns.iter().zip(values);
                points.extend(rows.map(|(at, value)| ((at.0 - BEGIN) / 1_000_000, *value)));
            }
            _ => {}
        }
    }
    assert!(place.is_some(), "{quantity:?} {site} is not declared");
    points
}
