//! Rests, cool-down, recovery and limits, on boards that are played.

use std::sync::Arc;

use dyno_model::care::{Care, CoolDown, Limits, SpanKind};
use dyno_model::sample::Quantity;
use dyno_runtimes::interrupt::{Asked, Interrupt};
use serde_json::json;

use super::board::{Board, FAN, care, hold, notes, points, run, run_in, second_long, spans, steps, temp};
use super::*;
use crate::drive::{Around, launch};
use crate::spool::Spools;
use crate::work_dir::WorkDir;

const COOL: CoolDown = CoolDown { above_mdegc: 3000, for_ms: 60_000, limit_ms: 900_000 };

/// An order with `care` on a board; each launch of a folder needs a number of its own.
fn cared(board: &Board, launch: u16, care: Care) -> RunOrder {
    RunOrder { care: Some(care), sys_root: Some(board.root()), launch, ..second_long(2, &[]) }
}

fn cooled() -> Care {
    Care { cool_down: Some(COOL), ..care() }
}

/// The cool-down of a launch that follows one at 40 °C.
fn second_cool_down(files: &[serde_json::Value], rule: CoolDown) -> (u64, Option<String>) {
    let (folder, board) = (folder(), Board::of(&[temp(&[(0, 40_000)]), steps(FAN, &[(0, 0)])]));
    let (_, events) = run_in(&folder, cared(&board, 1, cooled()));
    let expected =
        "baseline of 1 temperature taken over 60 s, the hottest is thermal thermal_zone0 cpu at 40.0 °C";
    assert_eq!(spans(&events)[0], (SpanKind::CoolDown, 0, 60_000, Some(expected)));
    board.play(files);
    let (word, events) = run_in(&folder, cared(&board, 2, Care { cool_down: Some(rule), ..care() }));
    assert_eq!((word.as_str(), requests(&events).len()), ("ok", 2), "it begins in the end");
    let (kind, began_ms, ended_ms, why) = spans(&events)[0];
    assert_eq!((kind, began_ms), (SpanKind::CoolDown, 0));
    (ended_ms, why.map(str::to_owned))
}

#[test]
fn a_launch_waits_until_the_device_is_as_cool_as_before_the_first() {
    let falling = temp(&[(0, 60_000), (600, 0)]);
    // 0.1 °C a second: 43 °C, and no more than 3 °C above, after 170 s, and then a minute more.
    assert_eq!(second_cool_down(&[falling.clone(), steps(FAN, &[(0, 0)])], COOL), (230_000, None));
    // The fan works until 200 s, whatever the temperature is.
    assert_eq!(second_cool_down(&[falling.clone(), steps(FAN, &[(0, 2), (200, 0)])], COOL), (260_000, None));
    let impatient = CoolDown { limit_ms: 100_000, ..COOL };
    let hot = "hot start: after 100 s thermal_zone0 cpu is 10.0 °C above its baseline";
    assert_eq!(
        second_cool_down(&[falling.clone(), steps(FAN, &[(0, 0)])], impatient),
        (100_000, Some(hot.to_owned()))
    );
    let still = "hot start: after 100 s cooling_device0 fan still cools, and thermal_zone0 cpu is 0.0 °C above its \
                 baseline";
    assert_eq!(
        second_cool_down(&[temp(&[(0, 40_000)]), steps(FAN, &[(0, 1)])], impatient),
        (100_000, Some(still.to_owned()))
    );
}

#[test]
fn a_baseline_is_that_of_a_device_which_has_settled() {
    let taken = |knots: &[(u64, i64)]| {
        let (_, events) = run(cared(&Board::of(&[temp(knots)]), 1, cooled()));
        let (_, began_ms, ended_ms, why) = spans(&events)[0];
        (began_ms, ended_ms, why.expect("it says how warm it is").to_owned())
    };
    let at = |degrees: &str| {
        format!(
            "baseline of 1 temperature taken over 60 s, the hottest is thermal thermal_zone0 cpu at {degrees}"
        )
    };
    // It falls by 3 °C from half a minute to the next, until 120 s.
    assert_eq!(taken(&[(0, 52_000), (120, 40_000)]), (0, 180_000, at("40.0 °C")));
    // By 0.9 °C: from 40 °C to 38.2 °C within the minute.
    assert_eq!(taken(&[(0, 40_000), (60, 38_200)]).1, 60_000);
    // One that never settles has the mean of its last minute, from 56 °C to 50 °C.
    let never = at("53.0 °C") + "; the device still cooled down";
    assert_eq!(taken(&[(0, 140_000), (900, 50_000)]), (0, 900_000, never));
}

#[test]
fn a_limit_in_the_rest_before_the_load_leaves_nothing_to_recover_from() {
    let limits = Limits { max_temp_mdegc: Some(80_000), min_battery_permille: None };
    let board = Board::of(&[temp(&[(0, 90_000)])]);
    let rests = Care { ready_idle_ms: 10_000, recovery_ms: 60_000, limits, ..care() };
    let (word, events) = run(cared(&board, 1, rests));
    let kinds: Vec<SpanKind> = spans(&events).iter().map(|span| span.0).collect();
    assert_eq!((word.as_str(), kinds), ("at_limit", vec![SpanKind::ReadyIdle]));
}

#[test]
fn a_minute_of_calm_has_no_break() {
    // Above at 30 s for a second, after which the minute begins anew.
    let spike = temp(&[(0, 41_000), (29, 41_000), (30, 44_000), (31, 41_000)]);
    assert_eq!(second_cool_down(&[spike, steps(FAN, &[(0, 0)])], COOL), (91_000, None));
}

#[test]
fn without_temperatures_nobody_waits() {
    let board = Board::of(&[steps(FAN, &[(0, 0)])]);
    let (word, events) = run(cared(&board, 1, Care { recovery_ms: 60_000, ..cooled() }));
    let blind = Some("no temperature can be read");
    let expected = [
        (SpanKind::CoolDown, 0, 0, blind),
        (SpanKind::Load, 0, 2000, None),
        (SpanKind::Recovery, 2000, 2000, blind),
    ];
    assert_eq!((word.as_str(), spans(&events)), ("ok", expected.to_vec()));
}

#[test]
fn a_sensor_that_disappears_is_not_waited_for() {
    let mut gone = temp(&[(0, 60_000)]);
    gone["until_s"] = json!(50);
    let waited = second_cool_down(&[gone, steps(FAN, &[(0, 0)])], COOL);
    // Its last row is that of 49 s, which is known until 50 s.
    assert_eq!(waited, (52_900, Some("no temperature can be read".to_owned())));
}

#[test]
fn a_torn_baseline_is_taken_anew() {
    let (folder, board) = (folder(), Board::of(&[temp(&[(0, 40_000)])]));
    std::fs::create_dir_all(folder.path().join("spool/c")).expect("our own folder");
    std::fs::write(folder.path().join("spool/c/baseline.json"), "{\"temps").expect("our own folder");
    let (_, events) = run_in(&folder, cared(&board, 1, cooled()));
    assert!(notes(&events)[0].starts_with("the baseline of temperatures is taken anew: "), "{events:?}");
    assert_eq!(spans(&events)[0].2, 60_000);
}

#[test]
fn rests_are_spans_in_their_order() {
    // From the end of the load, at 32 s, the board cools by 1 °C in 10 s.
    let board = Board::of(&[temp(&[(0, 40_000), (30, 40_000), (32, 60_000), (632, 0)])]);
    let rests = Care { idle_ms: 10_000, ready_idle_ms: 20_000, recovery_ms: 600_000, ..cooled() };
    let (word, events) = run(cared(&board, 1, Care { cool_down: None, ..rests }));
    assert_eq!(word, "ok");
    let names: Vec<_> = names(&events)
        .into_iter()
        .filter(|name| !["sensor", "unreadable", "samples"].contains(name))
        .collect();
    let expected = [
        "started", "span", "spawned", "ready", "span", "request", "request", "load", "span", "span", "ended",
    ];
    assert_eq!(names, expected);
    // 60 °C is 20 °C above; 43 °C comes 170 s later.
    let cooled = "after 170 s within 3.0 °C of before the load";
    let expected = [
        (SpanKind::Idle, 0, 10_000, None),
        (SpanKind::ReadyIdle, 10_000, 30_000, None),
        (SpanKind::Load, 30_000, 32_000, None),
        (SpanKind::Recovery, 32_000, 202_000, Some(cooled)),
    ];
    assert_eq!(spans(&events), expected);
    let (_, events) = run(cared(&board, 1, Care { recovery_ms: 60_000, ..care() }));
    // The load is over at 2 s, and the board as warm as before until it is 43 °C at 30.3 s: it had recovered at once.
    let at_once = "after 0 s within 3.0 °C of before the load";
    assert_eq!(spans(&events)[1], (SpanKind::Recovery, 2000, 2000, Some(at_once)));
}

#[test]
fn rows_of_a_rest_that_is_longer_than_their_room_are_all_in_the_record() {
    // 2.5 h at 10 Hz are 90,000 ticks; there is room for 72,000.
    let fast = json!({ "file": "proc/meminfo", "kind": "text", "text": "MemAvailable: 50 kB" });
    let (word, events) = run(cared(&Board::of(&[fast]), 1, Care { idle_ms: 9_000_000, ..care() }));
    let EventKind::LaunchEnded { own, .. } = &events.last().expect("events").kind else { panic!("the end") };
    assert_eq!((word.as_str(), own.n_dropped), ("ok", 0));
    let rows = points(&events, Quantity::AvailableBytes, "system");
    assert!(rows.len() > 90_000 && rows.is_sorted_by_key(|row| row.0), "{} rows", rows.len());
}

#[test]
fn a_recovery_that_does_not_come_says_how_far_it_is() {
    let board = Board::of(&[temp(&[(0, 40_000), (2, 60_000)])]);
    let (word, events) = run(cared(&board, 1, Care { recovery_ms: 60_000, ..care() }));
    let still = "after 60 s thermal_zone0 cpu is still 20.0 °C above before the load";
    assert_eq!((word.as_str(), spans(&events)[1]), ("ok", (SpanKind::Recovery, 2000, 62_000, Some(still))));
}

/// A held load of 100 s on a board, with a limit of 80 °C and 30 % of the battery.
fn limited(files: &[serde_json::Value]) -> (String, Vec<Event>) {
    let limits = Limits { max_temp_mdegc: Some(80_000), min_battery_permille: Some(300) };
    let board = Board::of(files);
    run(RunOrder { hold: Some(hold(100_000)), ..cared(&board, 1, Care { limits, ..care() }) })
}

#[test]
fn a_limit_stops_a_launch_and_is_its_result() {
    // 80 °C at 40 s: the second row that says so is that of 41 s.
    let (word, events) = limited(&[temp(&[(0, 40_000), (60, 100_000)])]);
    let detail = "thermal_zone0 cpu is at 81.0 °C, the limit is 80.0 °C".to_owned();
    assert_eq!(word, "at_limit");
    assert_eq!(ending(&events), (&Outcome::AtLimit { detail: detail.clone() }, &Validity::Valid));
    assert_eq!(spans(&events), [(SpanKind::Load, 0, 41_000, Some(detail.as_str()))]);
    assert_eq!(requests(&events).len(), 41);
    assert!(requests(&events).iter().all(|record| record.outcome.is_ok()));

    let (word, events) = limited(&[steps("sys/class/power_supply/battery/capacity", &[(0, 31), (20, 30)])]);
    let detail = "battery is charged to 300 ‰, the limit is 300 ‰".to_owned();
    assert_eq!((word.as_str(), ending(&events).0), ("at_limit", &Outcome::AtLimit { detail }));
    assert_eq!(requests(&events).len(), 21);
}

#[test]
fn what_is_absurd_or_jumps_trips_no_limit() {
    let spike =
        [(0, 50_000), (10, 140_000), (11, 50_000), (20, 999_000), (40, -1), (50, -300_000), (60, 79_999)];
    let file = steps("sys/class/thermal/thermal_zone0/temp", &spike);
    assert_eq!(limited(&[file]).0, "ok");
}

#[test]
fn a_limit_is_seen_in_a_rest_before_the_runtime_is_started() {
    let limits = Limits { max_temp_mdegc: Some(80_000), min_battery_permille: None };
    let board = Board::of(&[temp(&[(0, 90_000)])]);
    let (word, events) = run(cared(&board, 1, Care { idle_ms: 10_000, limits, ..care() }));
    assert_eq!(word, "at_limit");
    assert!(!names(&events).contains(&"spawned"), "{:?}", names(&events));
    assert_eq!(spans(&events)[0].2, 1000, "two rows in a row");
}

#[test]
fn a_charger_that_is_plugged_in_midway_is_noted_when_it_is() {
    let status = json!({
        "file": "sys/class/power_supply/battery/status", "kind": "text", "text": "Discharging",
        "except": [{"from_s": 3.5, "until_s": 1000, "text": "Charging"}],
    });
    let online = steps("sys/class/power_supply/usb/online", &[(0, 0), (2, 1)]);
    let board = Board::of(&[status, online]);
    let (word, events) = run(cared(&board, 1, Care { idle_ms: 5000, ..care() }));
    let at_ms = |text: &str| {
        let is = |event: &&Event| matches!(&event.kind, EventKind::Note { text: note } if note == text);
        (events.iter().find(is).unwrap_or_else(|| panic!("{events:?}")).at.0 - super::board::BEGIN)
            / 1_000_000
    };
    assert_eq!(word, "ok");
    assert_eq!(at_ms("usb is plugged in now, was unplugged"), 2000);
    // A row is taken each second.
    assert_eq!(at_ms("battery is charging now, was discharging"), 4000);
}

/// A launch that is stopped when it tells of `phase` for the `nth` time.
fn stopped_in(phase: Phase, nth: u32, order: &RunOrder) -> (Outcome, Vec<Event>) {
    let folder = folder();
    let work_dir = WorkDir::take(folder.path()).expect("nobody else has it");
    let spool = Spools::of(&work_dir).create(&order.key()).expect("a fresh folder");
    let interrupt = Arc::new(Interrupt::new().expect("a pipe"));
    let mut n_told = 0;
    let mut on_progress = |told: Phase, _done: u32, _total: u32| {
        n_told += u32::from(told == phase);
        if n_told == nth {
            interrupt.raise(Asked::Cancel);
        }
    };
    let around = Around { interrupt: &interrupt, program: None };
    let outcome = launch(order, spool, around, &mut on_progress).expect("there is room");
    let mut events = Vec::new();
    let mut take = |batch: dyno_protocol::message::EventBatch| -> Result<(), crate::error::SpoolError> {
        events.extend(batch.events);
        Ok(())
    };
    Spools::of(&work_dir).send(&order.key(), &mut take).expect("it is whole");
    (outcome, events)
}

#[test]
fn each_rest_ends_when_the_launch_is_stopped() {
    let board = Board::of(&[temp(&[(0, 40_000), (90, 40_000), (92, 60_000)])]);
    let rests = Care { idle_ms: 10_000, ready_idle_ms: 20_000, recovery_ms: 600_000, ..cooled() };
    let order = cared(&board, 1, rests);
    let check = |phase, nth, expected: (SpanKind, u64, u64), n_requests| {
        let (outcome, events) = stopped_in(phase, nth, &order);
        let all = spans(&events);
        let (kind, began_ms, ended_ms, why) = *all.last().expect("a span");
        assert_eq!(((kind, began_ms, ended_ms), why), (expected, Some("stopped from outside")), "{all:?}");
        let whole = n_requests == 2;
        assert_eq!(outcome, if whole { Outcome::Ok } else { Outcome::Cancelled });
        assert_eq!((requests(&events).len(), ending(&events).0), (n_requests, &outcome));
    };
    // It is looked at ten times a second.
    check(Phase::CoolingDown, 101, (SpanKind::CoolDown, 0, 10_000), 0);
    check(Phase::Resting, 11, (SpanKind::Idle, 60_000, 61_000), 0);
    // A rest of 10 s tells 101 times.
    check(Phase::Resting, 101 + 6, (SpanKind::ReadyIdle, 70_000, 70_500), 0);
    check(Phase::Serving, 2, (SpanKind::Load, 90_000, 91_000), 1);
    // What came of a load stands, though nobody waits for the device to cool down.
    check(Phase::Recovering, 31, (SpanKind::Recovery, 92_000, 95_000), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_in_a_rest_stops_the_launch() {
    let board = Board::of(&[]);
    let interrupt = Arc::new(Interrupt::new().expect("a pipe"));
    let around = Around { interrupt: &interrupt, program: None };
    let order = RunOrder { sys_root: None, ..cared(&board, 1, Care { idle_ms: 1000, ..care() }) };
    let mut phases = Vec::new();
    let mut on_progress = |phase: Phase, _done: u32, _total: u32| phases.push(phase);
    let error =
        launch(&order, crate::spool::Spool::full(), around, &mut on_progress).expect_err("there is no room");
    assert_eq!(error.to_string(), "cannot keep an event in /dev/full");
    assert!(phases.iter().all(|phase| *phase == Phase::Resting), "no runtime is started: {phases:?}");
}
