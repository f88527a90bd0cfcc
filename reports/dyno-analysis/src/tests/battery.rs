//! What a charge is good for, by hand.

use dyno_model::care::{Span, SpanKind};
use dyno_model::clock::MonoNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::sample::{AccuracyClass, Channel, Quantity, SampleBatch, Scope, SensorDeclared};
use dyno_view::energy::{EnergyFigure, EnergyView};
use tempfile::TempDir;

use super::sample::{Asked, End, launch, ok, plan, with, written};
use crate::report;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000 * SECOND;

/// A battery of 10 Wh, half full, that is read once a second for an hour: 1 W for ten minutes, then 5 W; what it tells
/// of itself falls with that. From `plugged_s` on it is charged.
fn battery(plugged_s: u64) -> [EventKind; 2] {
    let channel =
        |quantity, class, scope| Channel { scope, ..Channel::new(quantity, "battery", class, 1000) };
    let declared = SensorDeclared {
        sensor: 1,
        driver: "power_supply".to_owned(),
        channels: vec![
            channel(Quantity::ChargeState, AccuracyClass::C, None),
            channel(Quantity::PowerUw, AccuracyClass::C, Some(Scope::Device)),
            channel(Quantity::StoredUwh, AccuracyClass::C, None),
            channel(Quantity::CapacityPermille, AccuracyClass::C, None),
        ],
    };
    let mut batch = SampleBatch { sensor: 1, ..SampleBatch::default() };
    for second in 0..=3_600_u64 {
        let joules = second.min(600) + 5 * second.saturating_sub(600);
        let stored_uwh = 5_000_000 - (joules * 1_000_000 / 3_600).cast_signed();
        let power = if second < 600 { 1_000_000 } else { 5_000_000 };
        batch.at_ns.push(MonoNs(START + second * SECOND));
        let state = if second >= plugged_s { 1 } else { 2 };
        batch.values.extend([Some(state), Some(-power), Some(stored_uwh), Some(stored_uwh / 10_000)]);
    }
    [EventKind::Sensor(declared), EventKind::Samples(batch)]
}

fn found(plugged_s: u64) -> EnergyView {
    // One request from 600.5 to 3,500.5 s, which brings 1,450 tokens.
    let sent_at = START + 600 * SECOND + SECOND / 2;
    let asked = Asked { osl: Some(1_450), ..ok(0, sent_at, &[10 * SECOND, 2_900 * SECOND], 200) };
    let rest = EventKind::Span(Span {
        kind: SpanKind::Idle,
        began_at: MonoNs(START),
        ended_at: MonoNs(START + 590 * SECOND),
        why: None,
    });
    let more = [rest].into_iter().chain(battery(plugged_s)).collect();
    let events: Vec<Event> = with(launch(0, 1, START, &[asked], &End::Valid), more);
    let dir = TempDir::new().expect("a temporary folder");
    let report = report(&written(dir.path(), &plan(1), &[events])).expect("a whole record");
    report.cells[0].energy.clone().expect("a battery")
}

fn figure<'v>(view: &'v EnergyView, id: &str) -> &'v EnergyFigure {
    &view.figures.iter().find(|figure| figure.id == id).expect("a known figure").figure
}

#[test]
fn a_charge_by_hand() {
    let view = found(u64::MAX);
    let value = |id: &str| match figure(&view, id) {
        EnergyFigure::Uncertain { value, .. } => *value,
        other => panic!("{id} is {other:?}"),
    };
    let check = |id: &str, expected: f64| {
        let found = value(id);
        assert!((found / expected - 1.0).abs() < 1e-3, "{id}: {found} is not {expected}");
    };
    // 2,900 s at 5 W are 14,500 J, 10 J a token. Half a second before the first full reading at 5 W costs
    // (1 − 5)/4 · 0.5 = −0.5 J.
    check("j_per_token", 10.0);
    // 10 Wh are 36,000 J: 3,600 tokens, 2 h at 5 W.
    check("tokens_per_charge", 3_600.0);
    check("hours_of_charge", 2.0);
    // A tenth at 5 W and the rest at 1 W are 1.4 W.
    check("hours_at_duty", 10.0 / 1.4);
    // Under load 18,000 J of 36,000 in an hour.
    check("discharge_per_hour", 0.5);
    check("net_j_per_token", 8.0);
}

#[test]
fn a_charger_that_is_plugged_in_midway_leaves_no_energy() {
    let view = found(2_000);
    assert!(view.source.is_none());
    assert!(view.why_none.expect("a reason").contains("a charger was plugged in"));
}
