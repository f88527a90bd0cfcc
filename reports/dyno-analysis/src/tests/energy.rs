//! The energy of whole records, worked out by hand.

use std::collections::BTreeMap;

use dyno_model::board::{BoardSigns, BoardTotal, PlannedBoard};
use dyno_model::care::{Span, SpanKind};
use dyno_model::clock::{MonoNs, WallNs};
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::{CellId, DeviceId, RunId};
use dyno_model::plan::{Plan, PlannedRequest};
use dyno_model::sample::{AccuracyClass, Channel, Quantity, SampleBatch, Scope, SensorDeclared};
use dyno_model::sensor_test::{SourceTest, SourceVerdict};
use dyno_store::{Campaign, Journal, JournalEntry, Store};
use dyno_view::energy::{EnergyFigure, EnergyView};
use dyno_view::report::Report;
use tempfile::TempDir;

use super::sample::{Asked, End, WALL, launch, ok, plan, session, with};
use crate::report;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000 * SECOND;
const N_REQUESTS: u32 = 10;

/// Power of the played Jetson, in W, in tenths of a second after its launch began: 60 s at rest, 10 s of loading, 60 s
/// ready, then ten requests of 2 s of prefill and 18 s of decode with 1 s in between, then rest.
fn jetson_w(tenths: u64) -> f64 {
    match tenths {
        0..600 => 3.0,
        600..700 => 10.0,
        // 2.0 s, 18.0 s and 1.0 s; the last request ends at 130 + 10 · 20 + 9 = 339 s.
        // Else it rests with the runtime ready.
        1300..3390 => match (tenths - 1300) % 210 {
            0..20 => 12.0,
            20..200 => 9.0,
            _ => 4.0,
        },
        _ => 4.0,
    }
}

/// One rail, read in the middle of each tenth of a second: voltage, current and power.
fn rail(sensor: u16, site: &str, scope: Scope, share: f64) -> [EventKind; 2] {
    let channel = |quantity, scope| Channel { scope, ..Channel::new(quantity, site, AccuracyClass::C, 100) };
    let declared = SensorDeclared {
        sensor,
        driver: "hwmon".to_owned(),
        channels: vec![
            channel(Quantity::VoltageUv, None),
            channel(Quantity::CurrentUa, None),
            channel(Quantity::PowerUw, Some(scope)),
        ],
    };
    let mut batch = SampleBatch { sensor, ..SampleBatch::default() };
    for tenths in 0..3_500 {
        batch.at_ns.push(MonoNs(START + tenths * SECOND / 10 + SECOND / 20));
        let power_uw = (jetson_w(tenths) * share * 1e6).round() as i64;
        batch.values.extend([Some(5_000_000), Some(power_uw / 5), Some(power_uw)]);
    }
    [EventKind::Sensor(declared), EventKind::Samples(batch)]
}

fn spans() -> Vec<EventKind> {
    let span = |kind, from: u64, to: u64| {
        let (began_at, ended_at) = (MonoNs(START + from * SECOND), MonoNs(START + to * SECOND));
        EventKind::Span(Span { kind, began_at, ended_at, why: None })
    };
    vec![span(SpanKind::Idle, 1, 59), span(SpanKind::ReadyIdle, 71, 129)]
}

/// 200 tokens in, 181 out: 180 gaps of 100 ms.
fn requests() -> Vec<Asked> {
    let asked = |idx: u32| {
        let sent_at = START + (130 + 21 * u64::from(idx)) * SECOND;
        Asked { osl: Some(181), ..ok(idx, sent_at, &[2 * SECOND, 20 * SECOND], 200) }
    };
    (0..N_REQUESTS).map(asked).collect()
}

fn jetson_launch(run: u32, rails: Vec<EventKind>) -> Vec<Event> {
    let more = spans().into_iter().chain(rails).collect();
    with(launch(run, 1, START, &requests(), &End::Valid), more)
}

fn jetson_plan() -> Plan {
    let mut plan = plan(1);
    let like = plan.runs[0].requests[0].clone();
    let request = |n: u32| PlannedRequest { prompt: format!("p-{n}").as_str().into(), ..like.clone() };
    plan.runs[0].requests = (0..N_REQUESTS).map(request).collect();
    let prompt = plan.prompts.values().next().expect("three prompts").clone();
    plan.prompts = (0..N_REQUESTS).map(|n| (format!("p-{n}").as_str().into(), prompt.clone())).collect();
    plan
}

fn test(site: &str, verdict: SourceVerdict) -> SourceTest {
    SourceTest {
        driver: "hwmon".to_owned(),
        site: site.to_owned(),
        quantity: Quantity::PowerUw,
        class: AccuracyClass::C,
        scope: Some(Scope::Board),
        update_ns: Some(SECOND / 10),
        lag_ns: Some(SECOND / 20),
        idle_uw: Some(4_000_000),
        busy_uw: Some(9_000_000),
        n_steps: 4,
        n_followed: 4,
        verdict,
    }
}

/// A record with those entries before its launches.
fn recorded(plan: &Plan, entries: Vec<JournalEntry>, launches: &[Vec<Event>]) -> Report {
    let dir = TempDir::new().expect("a temporary folder");
    let campaign: Campaign = Store::new(dir.path()).create(&"c-1".into(), plan).expect("an empty folder");
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(WALL)).expect("a new journal");
    for entry in entries {
        journal.append(&entry).expect("disk has room");
    }
    for events in launches {
        journal.append_events(events[0].run.0.min(1), events).expect("disk has room");
    }
    report(&campaign).expect("a whole record")
}

fn jetson(tests: Vec<SourceTest>, rails: Vec<EventKind>) -> Report {
    let tested = JournalEntry::SensorsTested { session: 0, tests };
    recorded(&jetson_plan(), vec![session(0), tested], &[jetson_launch(0, rails)])
}

fn energy(report: &Report) -> &EnergyView {
    report.cells[0].energy.as_ref().expect("a source of power")
}

/// Value and uncertainty of a figure.
fn figure(view: &EnergyView, id: &str) -> (f64, f64) {
    let found = view.figures.iter().find(|figure| figure.id == id).expect("a known figure");
    match &found.figure {
        EnergyFigure::Uncertain { value, u } => (*value, *u),
        other => panic!("{id} is {other:?}"),
    }
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-4 * expected.abs(), "{found} is not {expected}");
}

/// The energy table of a played Jetson Orin Nano by hand.
///
/// Edges of phases lie in the middle between two samples, and the trapezoid cuts corners there: 50 ms on either side of
/// a step from P to Q are (P + 3Q)/4 instead of Q, which is (P − Q)/4 · 0.05 s.
///
/// Load: from 130 s to 339 s, 209 s. 10 · (2 s · 12 W + 18 s · 9 W) + 9 s · 4 W = 1,896 J; at its begin
/// (4 − 12)/4 · 0.05 = −0.1 J and at its end (4 − 9)/4 · 0.05 = −0.0625 J; steps within cost nothing: **1,895.8375 J**.
/// - per request /10: 189.58375 J; per token /1,810: 1.047424 J; tokens per J: 0.954723; power /209: 9.070993 W;
///   EDP · 20 s: 3,791.675 J·s; 1,000 tokens: 1,047.424 / 3,600 = 0.290951 Wh.
/// - U: g = 5 %: 94.791875; o = 40 mW · 209 s = 8.36; P·τ/√6 = 9.070993 · 0.1 / 2.449490 = 0.370322; LSB = 40 mW:
///   0.0016/12 · 209 · 0.1 = 0.0027867. √(8985.50 + 69.89 + 0.13714 + 0.00279) = 95.160546, U = **190.3211 J**.
/// - net, ready at 4 W: 1,895.8375 − 836 = 1,059.8375 J: 105.98375 J a request, 0.585546 J a token. The gain is that of
///   the net, 52.991875; own of the gross √(0.13714 + 0.00279) = 0.374066, of the rest over 58 s
///   √(0.163299² + 0.0007733) = 0.165650, times 209/58 0.596910; U = 2 · √(52.991875² + 0.704436²) = 105.9931 J.
/// - prefill: 10 · (24 − 0.1 + (9 − 12)/4 · 0.05) = 238.625 J over 2,000 tokens: 119.3125 mJ. Its 20 s are 200 updates,
///   each 20. U: gain and offset 10 · √(1.193125² + 0.08²) = 11.958041; own √(10 · (0.487091² + 0.0000267)) = 1.540403;
///   U = 24.1137 J: 12.0568 mJ.
/// - decode: 10 · (162 + 0.0375 − 0.0625) = 1,619.75 J over 1,800 tokens: 899.8611 mJ; U: 10 · √(8.09875² + 0.72²)
///   = 81.306918 and √(10 · (0.367366² + 0.00024)) = 1.162746: 162.6305 J: 90.3503 mJ.
/// - parts: idle 836; prefill 238.625 − 80 = 158.625; decode 1,619.75 − 720 = 899.75; the rest 1.4625 J are the corners.
#[test]
fn the_energy_table_of_a_played_jetson_is_that_by_hand() {
    let rails = [rail(1, "VDD_IN", Scope::Board, 1.0), rail(2, "VDD_SOC", Scope::Part, 0.3)].concat();
    let report = jetson(vec![test("VDD_IN", SourceVerdict::Usable)], rails);
    let view = energy(&report);
    let source = view.source.as_ref().expect("VDD_IN");
    assert_eq!((source.name.as_str(), source.class.as_str(), source.update_ns), ("VDD_IN", "C", SECOND / 10));
    for (id, value, u) in [
        ("j_per_request", 189.583_75, 19.032_11),
        ("j_per_token", 1.047_424, 0.105_150),
        ("net_j_per_request", 105.983_75, 10.599_31),
        ("net_j_per_token", 0.585_546, 0.058_560),
        ("tokens_per_j", 0.954_723, 0.095_843),
        ("mean_power_w", 9.070_993, 0.910_627),
        ("j_per_prefill_token", 0.119_312_5, 0.012_056_8),
        ("j_per_decode_token", 0.899_861_1, 0.090_350_3),
        ("edp_js", 3_791.675, 380.642),
        ("wh_per_1k_tokens", 0.290_951, 0.029_208_6),
    ] {
        let found = figure(view, id);
        near(found.0, value);
        near(found.1, u);
    }
    let idle: Vec<(f64, f64)> = view.idle.iter().map(|idle| (idle.power_w, idle.u_w)).collect();
    // Twice √((0.05 · 174)² + 2.32² + 0.122474² + 0.00077) / 58 and the same of 232 J.
    near(idle[0].0, 3.0);
    near(idle[0].1, 0.310_514);
    near(idle[1].0, 4.0);
    near(idle[1].1, 0.407_962);
    let parts: Vec<f64> = view.parts.iter().map(|part| part.energy_j).collect();
    for (found, expected) in parts.iter().zip([836.0, 158.625, 899.75, 1.4625]) {
        assert!((found - expected).abs() < 1e-3, "{parts:?}");
    }
    assert_eq!(parts.len(), 4);
    let others: Vec<(&str, &str)> =
        view.others.iter().map(|of| (of.name.as_str(), of.why.as_str())).collect();
    assert_eq!(
        others,
        [("VDD_SOC", "it is a part: others may hold it already, and parts are never added up")]
    );
    assert_eq!((view.launches[0].n_requests, view.launches[0].n_output_tokens), (10, 1_810));
    near(view.launches[0].energy_j.expect("an energy"), 1_895.837_5);
    assert!(report.methods.iter().any(|method| method.metric == "j_per_decode_token"));
    assert!(report.cells[0].charts.iter().any(|chart| chart.id == "power"));
}

#[test]
fn a_source_that_does_not_follow_a_load_is_not_used_and_a_finding_says_so() {
    let rails = [rail(1, "VDD_IN", Scope::Board, 1.0), rail(2, "power_meter", Scope::Device, 1.2)].concat();
    let unusable = SourceVerdict::Unusable { why: "it followed 0 of 4 steps of load".to_owned() };
    let tests = vec![test("power_meter", unusable), test("VDD_IN", SourceVerdict::Usable)];
    let found = jetson(tests.clone(), rails.clone());
    assert_eq!(energy(&found).source.as_ref().map(|of| of.name.as_str()), Some("VDD_IN"));
    let words = "power source power_meter is not used: its test failed: it followed 0 of 4 steps of load";
    assert!(found.findings.iter().any(|finding| finding.text == words), "{:?}", found.findings);
    // With nothing else there is no energy, and why is said.
    let found = jetson(tests, rail(2, "power_meter", Scope::Device, 1.2).to_vec());
    let why = energy(&found).why_none.clone().expect("no source is left");
    assert!(why.contains("power_meter: its test failed"), "{why}");
    assert!(found.energy.expect("a reason").groups.is_empty());
}

#[test]
fn a_source_that_counts_the_other_way_is_negated() {
    let rails = rail(1, "VDD_IN", Scope::Board, -1.0).to_vec();
    let found = jetson(vec![test("VDD_IN", SourceVerdict::Negated)], rails.clone());
    near(figure(energy(&found), "j_per_request").0, 189.583_75);
    // Untried, figures below 0 are no power.
    assert!(energy(&jetson(Vec::new(), rails)).source.is_none());
}

#[test]
fn rails_make_a_whole_only_where_the_catalogue_says_so() {
    let names = ["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"];
    let rails: Vec<EventKind> = (1..)
        .zip(names)
        .zip([0.5, 0.3, 0.2])
        .flat_map(|((sensor, name), share)| rail(sensor, name, Scope::Part, share))
        .collect();
    assert!(energy(&jetson(Vec::new(), rails.clone())).source.is_none(), "parts are not added up");
    let mut plan = jetson_plan();
    plan.devices.get_mut(&DeviceId::from("local")).expect("one device").board = Some("agx".to_owned());
    let total = BoardTotal {
        quantity: Quantity::PowerUw,
        sites: names.map(str::to_owned).to_vec(),
        scope: Scope::Board,
        caveat: Some("without the memory's rail".to_owned()),
    };
    let board = PlannedBoard {
        title: "AGX".to_owned(),
        signs: BoardSigns::default(),
        bandwidth: None,
        total: Some(total),
        notes: Vec::new(),
    };
    plan.boards = BTreeMap::from([("agx".to_owned(), board)]);
    let found = recorded(&plan, vec![session(0)], &[jetson_launch(0, rails)]);
    let view = energy(&found);
    let source = view.source.as_ref().expect("the sum of three");
    assert_eq!(source.name, "VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0");
    assert_eq!(view.notes, ["without the memory's rail"]);
    near(figure(view, "j_per_request").0, 189.583_75);
}

#[test]
fn unlike_classes_and_scopes_are_not_put_side_by_side() {
    let mut plan = jetson_plan();
    let other = DeviceId::from("laptop");
    plan.devices.insert(other.clone(), plan.devices[&DeviceId::from("local")].clone());
    let mut cell = plan.cells[0].clone();
    (cell.id, cell.device) = (CellId::from("00000000000000bb"), other.clone());
    let mut run = plan.runs[0].clone();
    (run.id, run.cell) = (RunId(1), cell.id.clone());
    plan.cells.push(cell);
    plan.runs.push(run);
    let JournalEntry::Session { transport, build_id, facts, model_digests, notes, wall, .. } = session(1)
    else {
        panic!("a session");
    };
    let second = JournalEntry::Session {
        session: 1,
        device: other,
        transport,
        build_id,
        facts,
        model_digests,
        notes,
        wall,
    };
    let launches = [
        jetson_launch(0, rail(1, "VDD_IN", Scope::Board, 1.0).to_vec()),
        jetson_launch(1, rail(1, "package-0", Scope::Package, 2.0).to_vec()),
    ];
    let found = recorded(&plan, vec![session(0), second], &launches);
    let table = found.energy.expect("two cells with energy");
    assert_eq!(table.groups.iter().map(|group| group.rows.len()).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(
        table.apart,
        [
            "energies by package-0 of laptop, class C, a chip are not compared with those by VDD_IN of local, class C, \
          the board or module: they differ in what they cover"
        ]
    );
}

#[test]
fn what_a_reader_must_know_of_energy_is_told() {
    let span = EventKind::Span(Span {
        kind: SpanKind::CoolDown,
        began_at: MonoNs(START),
        ended_at: MonoNs(START + SECOND),
        why: Some("hot start: after 900 s soc is 7.0 °C above its baseline".to_owned()),
    });
    let warm = |events: Vec<Event>, more: Vec<EventKind>| {
        recorded(&jetson_plan(), vec![session(0)], &[with(events, more)])
    };
    // Neither rest was recorded, and the device was still warm.
    let rail = rail(1, "VDD_IN", Scope::Board, 1.0).to_vec();
    let events = launch(0, 1, START, &requests(), &End::Valid);
    let found = warm(events.clone(), [span].into_iter().chain(rail.clone()).collect());
    let told = |words: &str| found.findings.iter().any(|finding| finding.text.starts_with(words));
    assert!(told("energy has no net figure: no rest was measured that day"), "{:?}", found.findings);
    assert!(told("run 0 began warmer than the baseline"), "{:?}", found.findings);
    assert!(energy(&found).parts.is_empty());
    assert!(matches!(
        energy(&found).figures.iter().find(|of| of.id == "net_j_per_token").map(|of| &of.figure),
        Some(EnergyFigure::Missing { .. })
    ));
    // 58 s of rest are told; 2 s of 209 without readings leave no energy.
    let mut gap = rail;
    if let EventKind::Samples(batch) = &mut gap[1] {
        batch.at_ns.drain(2_000..2_025);
        batch.values.drain(6_000..6_075);
    }
    let found = warm(events, spans().into_iter().chain(gap).collect());
    // From 199.95 to 202.55 s: 2.6 s of 209.
    let words = "VDD_IN: only 98.8 % of it is covered by readings, and 99 % must be";
    assert!(energy(&found).why_none.clone().is_some_and(|why| why.contains(words)), "{:?}", found.findings);
    assert!(found.findings.iter().any(|finding| finding.text.starts_with("there is no energy: ")));
}
