//! Loads that go on: throttling with a known onset, depth and death, and a flat one.

use dyno_model::care::{Hold, Span, SpanKind};
use dyno_model::clock::MonoNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::outcome::Outcome;
use dyno_model::plan::Plan;
use dyno_model::sample::{AccuracyClass, Channel, Quantity, SampleBatch, SensorDeclared};
use dyno_view::heat::{HeatCause, HeatLaunchView, HeatVerdict, HeatView};
use dyno_view::report::{FindingLevel, Report};
use tempfile::tempdir;

use super::sample::{Asked, End, launch, ok, plan, with, written};
use crate::report;

const S: u64 = 1_000_000_000;
/// When the launch and its load begin.
const START: u64 = 1_000 * S;
const LOAD: u64 = START + 60 * S;
/// A request is sent each 2.5 s; its first token comes after 0.1 s, and 40 more follow.
const PERIOD: u64 = 2_500_000_000;
const FIRST: u64 = 100_000_000;

/// A plan of one launch whose load is held for 20 minutes over so many prompts.
fn held(n_prompts: usize) -> Plan {
    let mut all = plan(1);
    all.runs[0].requests.truncate(n_prompts);
    all.cells[0].hold =
        Some(Hold { for_ms: 1_200_000, max_requests: None, steady_after_ms: None, duty: None });
    all
}

/// A saw of ±0.5 %, and nothing random.
fn saw(n: u64) -> f64 {
    [0.3, -0.9, 0.8, -0.4, 1.0, -0.8][n as usize % 6] * 0.005
}

/// One request of 41 tokens at so many tokens per second.
fn asked(n: u32, rate: f64) -> Asked {
    let last = FIRST + (40.0 / rate * S as f64) as u64;
    Asked { osl: Some(41), ..ok(n, LOAD + u64::from(n) * PERIOD, &[FIRST, last], 12) }
}

/// A driver, its channel, and the value by the second of the load.
type Sensed<'a> = (&'a str, Channel, &'a dyn Fn(i64) -> i64);

/// How a load is described.
struct Load<'a> {
    /// Tokens per second by the second of the load.
    rate: &'a dyn Fn(u64, u64) -> f64,
    /// Seconds.
    lasts: u64,
    n_prompts: u64,
    outcome: Outcome,
    /// What is said of the wait before it.
    hot: Option<&'a str>,
    /// Channels, and their values by the second of the load, which is negative before.
    sensors: Vec<Sensed<'a>>,
}

fn channel(quantity: Quantity, site: &str) -> Channel {
    Channel::new(quantity, site, AccuracyClass::C, 1000)
}

/// A launch with that load, sampled each second from a minute before the load on.
fn soak(load: &Load<'_>) -> Vec<Event> {
    let n = (load.lasts * S / PERIOD) as u32;
    let asked: Vec<Asked> = (0..n)
        .map(|n| asked(n, (load.rate)(u64::from(n) * PERIOD / S, u64::from(n)) * (1.0 + saw(n.into()))))
        .collect();
    let mut more = Vec::new();
    for ((driver, channel, value), sensor) in load.sensors.iter().zip(1_u16..) {
        let channels = vec![channel.clone()];
        more.push(EventKind::Sensor(SensorDeclared { sensor, driver: (*driver).to_owned(), channels }));
        let seconds = -60..load.lasts.cast_signed();
        more.push(EventKind::Samples(SampleBatch {
            sensor,
            at_ns: seconds.clone().map(|s| MonoNs(LOAD.saturating_add_signed(s * S.cast_signed()))).collect(),
            values: seconds.map(|s| Some(value(s))).collect(),
        }));
    }
    let span = |kind, from, to| {
        EventKind::Span(Span { kind, began_at: MonoNs(from), ended_at: MonoNs(to), why: None })
    };
    more.push(span(SpanKind::ReadyIdle, START + 10 * S, LOAD));
    more.extend(load.hot.map(|why| {
        let (began_at, ended_at) = (MonoNs(START), MonoNs(START + 10 * S));
        EventKind::Span(Span { kind: SpanKind::CoolDown, began_at, ended_at, why: Some(why.to_owned()) })
    }));
    let end = LOAD + load.lasts * S;
    if load.outcome.is_ok() {
        more.push(span(SpanKind::Load, LOAD, end));
    }
    let mut events = with(launch(0, 1, START, &asked, &End::Valid), more);
    for event in &mut events {
        match &mut event.kind {
            EventKind::Request(request) => {
                request.prompt_id = format!("p-{}", u64::from(request.idx) % load.n_prompts).as_str().into();
            }
            EventKind::LaunchEnded { outcome, .. } => {
                *outcome = load.outcome.clone();
                event.at = MonoNs(end);
            }
            _ => {}
        }
    }
    events
}

fn made(load: &Load<'_>) -> Report {
    let dir = tempdir().expect("a folder");
    let plan = held(load.n_prompts as usize);
    report(&written(dir.path(), &plan, &[soak(load)])).expect("a good record")
}

fn heat(report: &Report) -> &HeatView {
    report.cells[0].heat.as_ref().expect("the load is held")
}

fn one(report: &Report) -> &HeatLaunchView {
    &heat(report).launches[0]
}

fn near(found: Option<f64>, expected: f64, within: f64) {
    let found = found.expect("a figure");
    assert!((found - expected).abs() <= within, "{found} is not {expected} ± {within}");
}

fn said(report: &Report, part: &str) -> Vec<FindingLevel> {
    report.findings.iter().filter(|of| of.text.contains(part)).map(|of| of.level).collect()
}

/// 20 tokens per second fall to 12 after 300 s, when a cooling device begins to work; out of memory after 900 s.
#[test]
fn a_phone_that_throttles_and_dies_is_told_by_the_second() {
    let report = made(&Load {
        rate: &|s, _| if s < 300 { 20.0 } else { 12.0 },
        lasts: 900,
        n_prompts: 1,
        outcome: Outcome::Oom { detail: "low memory killer".to_owned() },
        hot: Some("hot start: after 10 s soc is 7.0 °C above its baseline"),
        sensors: vec![
            ("thermal", channel(Quantity::TempMdegc, "thermal_zone0 soc"), &|s| {
                40_000 + s.clamp(0, 300) * 150
            }),
            ("thermal", channel(Quantity::TempMdegc, "thermal_zone1 skin"), &|_| 33_000),
            ("thermal", channel(Quantity::CoolingState, "cooling_device0 thermal-cpufreq-0"), &|s| {
                if s < 299 { 0 } else { 3 }
            }),
            ("cpufreq", channel(Quantity::FreqKhz, "cpu0-3"), &|s| {
                if s < 299 { 2_800_000 } else { 1_700_000 }
            }),
        ],
    });
    let of = one(&report);
    assert_eq!(of.verdict, HeatVerdict::Throttled);
    let onset = of.onset.expect("it throttled");
    assert!(onset.at_ns.abs_diff(300 * S) <= PERIOD, "{onset:?}");
    near(of.depth_ratio, 0.4, 0.02);
    assert_eq!(of.changes.len(), 1);
    let change = &of.changes[0];
    assert_eq!(change.causes, [HeatCause::Thermal], "{change:?}");
    assert_eq!(
        change.evidence,
        ["cooling_device0 thermal-cpufreq-0 rose from 0 to 3", "cpu0-3: clock fell from 2800 to 1700 MHz"]
    );
    near(Some(change.before), 20.0, 0.2);
    near(Some(change.after), 12.0, 0.12);
    // 40 °C and 150 m°C for each second: 85 °C when it throttles.
    assert!(change.temp_mdegc.is_some_and(|of| (84_500..=85_000).contains(&of)), "{change:?}");
    let end = of.terminated.as_ref().expect("it died");
    assert_eq!((end.outcome.as_str(), end.after_ns), ("oom", 900 * S));
    near(of.peak.value, 20.0, 0.2);
    near(of.throttle.value, 0.4, 0.02);
    assert_eq!(of.sustained.why.as_deref(), Some("the load went on for 15 of 20 min"));
    assert!(of.until_90_ns.is_some_and(|ns| ns.abs_diff(300 * S) <= 2 * PERIOD), "{:?}", of.until_90_ns);
    let soc = &of.temps[0];
    assert_eq!(
        (soc.site.as_str(), soc.before_mdegc, soc.max_mdegc),
        ("thermal_zone0 soc", Some(40_000), 85_000)
    );
    assert_eq!(said(&report, "was throttled after 300 s (heat)"), [FindingLevel::Warning]);
    assert_eq!(said(&report, "ambient=unknown"), [FindingLevel::Note]);
    assert_eq!(said(&report, "soc is 7.0 °C above its baseline"), [FindingLevel::Warning]);
    assert_eq!(of.cool_down.as_ref().map(|wait| (wait.ns, wait.is_cool)), Some((10 * S, Some(false))));
    let row = &report.heat.as_ref().expect("a table").rows[0];
    assert_eq!(row.iteration, "one request");
    near(row.first.value, 20.0, 0.2);
    let chart = &heat(&report).charts[0];
    let panels: Vec<&str> = chart.panels.iter().map(|panel| panel.y.label.as_str()).collect();
    assert_eq!(panels, ["pace", "clock", "temperature", "cooling state"]);
    let marks: Vec<&str> = chart.marks.iter().map(|mark| mark.label.as_str()).collect();
    assert_eq!(marks, ["thermal", "oom"]);
}

#[test]
fn a_flat_soak_says_what_it_would_have_seen() {
    let report = made(&Load {
        rate: &|_, _| 20.0,
        lasts: 1200,
        n_prompts: 1,
        outcome: Outcome::Ok,
        hot: None,
        sensors: Vec::new(),
    });
    let of = one(&report);
    assert_eq!((of.verdict, of.changes.len(), of.onset), (HeatVerdict::Flat, 0, None));
    let least = of.least_drop.expect("480 requests");
    assert!(least.ratio > 0.0 && least.ratio < 0.05, "{least:?}");
    near(of.sustained.value, 20.0, 0.2);
    near(of.ratio.value, 1.0, 0.01);
    let [low, high] = of.ratio.interval.expect("120 requests over 12");
    assert!(low <= 1.0 && 1.0 <= high && high - low < 0.05, "{low} {high}");
    near(of.throttle.value, 0.0, 0.01);
    assert!(of.tenth.value.is_some() && of.until_90_ns.is_none() && of.terminated.is_none());
    assert!(said(&report, "throttled").is_empty() && said(&report, "cause unknown").is_empty());
}

/// First-order autoregression with φ = 0.3 and a standard deviation of 1.5 %, from a linear congruential generator.
fn restless(seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut last = 0.0;
    let mut next = || {
        // A sum of twelve uniforms has a variance of 1.
        let normal = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        last = 0.3 * last + 0.015 * (1.0 - 0.09_f64).sqrt() * normal;
        20.0 * (1.0 + last)
    };
    (0..480).map(|_| next()).collect()
}

#[test]
fn noise_that_hangs_together_is_flat() {
    for seed in 1..=5 {
        let rates = restless(seed);
        let report = made(&Load {
            rate: &|_, n| rates[n as usize],
            lasts: 1200,
            n_prompts: 1,
            outcome: Outcome::Ok,
            hot: None,
            sensors: Vec::new(),
        });
        let of = one(&report);
        assert_eq!((of.verdict, of.changes.len()), (HeatVerdict::Flat, 0), "seed {seed}");
        near(of.ratio.value, 1.0, 0.02);
    }
}

#[test]
fn a_slowdown_that_nothing_explains_has_no_cause() {
    let report = made(&Load {
        rate: &|s, _| if s < 600 { 20.0 } else { 17.0 },
        lasts: 1200,
        n_prompts: 1,
        outcome: Outcome::Ok,
        hot: None,
        sensors: vec![
            // Rose a minute before: no cause.
            ("thermal", channel(Quantity::CoolingState, "cooling_device0 gpu"), &|s| i64::from(s >= 540)),
            // A fan keeps it fast.
            ("thermal", channel(Quantity::CoolingState, "cooling_device1 pwm-fan"), &|s| i64::from(s >= 600)),
            ("throttle", channel(Quantity::ThrottleCount, "cpu0"), &|_| 7),
        ],
    });
    let of = one(&report);
    assert_eq!(of.verdict, HeatVerdict::SlowdownUnknown);
    assert!(of.changes[0].causes.is_empty() && of.changes[0].evidence.is_empty(), "{:?}", of.changes);
    // 1 − 17 / 20.
    near(of.depth_ratio, 0.15, 0.01);
    near(of.ratio.value, 0.85, 0.01);
    assert_eq!(said(&report, "slowdown, cause unknown"), [FindingLevel::Warning]);
    assert_eq!(heat(&report).charts[0].marks[0].label, "cause unknown");
}

/// Three prompts of unlike pace, in rounds: what is left is 10 % after 600 s.
#[test]
fn prompts_of_unlike_pace_are_no_change_of_level() {
    let own = [14.0, 20.0, 26.0];
    let of_soak = |drop: f64| {
        made(&Load {
            rate: &|s, n| own[n as usize % 3] * if s < 600 { 1.0 } else { drop },
            lasts: 1200,
            n_prompts: 3,
            outcome: Outcome::Ok,
            hot: None,
            sensors: vec![("throttle", channel(Quantity::ThrottleCount, "package0"), &|s| (s - 595).max(0))],
        })
    };
    let flat = of_soak(1.0);
    assert_eq!(heat(&flat).signal, "decode rate, prompts evened out");
    assert_eq!(heat(&flat).iteration, "one pass of 3 prompts");
    assert_eq!(one(&flat).verdict, HeatVerdict::Flat);
    let dropped = of_soak(0.9);
    assert_eq!(one(&dropped).verdict, HeatVerdict::Throttled);
    let onset = one(&dropped).onset.expect("it throttled");
    assert!(onset.at_ns.abs_diff(600 * S) <= PERIOD, "{onset:?}");
    near(one(&dropped).depth_ratio, 0.1, 0.01);
    // 595 before, 15 at 610 s.
    assert!(one(&dropped).changes[0].evidence[0].ends_with("throttle events more"));
}

#[test]
fn a_pace_that_still_falls_sustains_nothing() {
    let report = made(&Load {
        rate: &|s, _| 20.0 - 6.0 * s as f64 / 1200.0,
        lasts: 1200,
        n_prompts: 1,
        outcome: Outcome::Ok,
        hot: None,
        sensors: Vec::new(),
    });
    let why = one(&report).sustained.why.as_deref().expect("it falls");
    assert_eq!(why, "not steady: it still falls in the last quarter, so the load must go on longer");
    assert_eq!(one(&report).ratio.value, None);
    assert_eq!(said(&report, "hold the load for more than 20 min"), [FindingLevel::Warning]);
    // From 15.5 to 14 tokens per second within 300 s: −1.5 / 14.75 · 12 for each hour.
    near(one(&report).slope_per_h.value, -1.22, 0.05);
}

/// After a restart the launch is ended by the clock of another boot.
#[test]
fn a_restart_ends_a_launch_at_its_last_sign_of_life() {
    let load = Load {
        rate: &|_, _| 20.0,
        lasts: 500,
        n_prompts: 1,
        outcome: Outcome::Rebooted,
        hot: None,
        sensors: vec![("supply", channel(Quantity::ChargeState, "battery"), &|s| {
            if s < 300 { 2 } else { 1 }
        })],
    };
    let mut events = soak(&load);
    events.last_mut().expect("events").at = MonoNs(42 * S);
    let dir = tempdir().expect("a folder");
    let report = report(&written(dir.path(), &held(1), &[events])).expect("a good record");
    let end = one(&report).terminated.as_ref().expect("it restarted");
    // Request 199 was sent at 497.5 s; 0.1 s and 40 tokens at 20 · (1 − 0.0045) per second make 499.609 s.
    assert_eq!(end.outcome, "rebooted");
    assert!(end.after_ns.abs_diff(499_609_000_000) < 1_000_000, "{end:?}");
    assert_eq!(said(&report, "the battery was charged in run 0"), [FindingLevel::Warning]);
}
