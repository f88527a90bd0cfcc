//! Cold and warm starts, with medians by hand.

use dyno_model::care::{Span, SpanKind};
use dyno_model::clock::MonoNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::CellId;
use dyno_model::plan::Plan;
use dyno_model::start::{StartCost, StartMade, StartPoint, StartState};
use dyno_view::comparison::{ComparedFigure, WorkPart};
use dyno_view::report::{FindingLevel, Report};
use dyno_view::start::{StartRowView, StartsView};
use tempfile::tempdir;

use super::sample::{End, launch, ok, plan, with, written};
use crate::report;

const ROUNDS: u32 = 7;

/// Storage-cold and page-warm in turn: runs `2 r` and `2 r + 1` are round `r`.
fn rounds() -> Plan {
    let mut all = plan(2 * ROUNDS);
    let cell = all.cells.remove(0);
    for (place, start) in [StartState::StorageCold, StartState::PageWarm].into_iter().enumerate() {
        let id = CellId(format!("cell-{place}"));
        all.cells.push(dyno_model::plan::Cell { id: id.clone(), start, ..cell.clone() });
        for run in all.runs.iter_mut().skip(place).step_by(2) {
            (run.cell, run.repetition) = (id.clone(), run.id.0 / 2);
        }
    }
    all
}

fn made_state(state: StartState, resident_bytes: u64, unverified: Option<&str>) -> EventKind {
    EventKind::StartMade(Box::new(StartMade {
        state,
        steps: vec![format!("drop_caches: {resident_bytes} B left"), "sync".to_owned()],
        file_bytes: Some(1000),
        resident_before_bytes: Some(500),
        resident_bytes: Some(resident_bytes),
        unverified: unverified.map(str::to_owned),
        ..StartMade::default()
    }))
}

/// A launch of so many ns from spawn to ready, whose first token comes 1240 − 50 + load after the spawn.
fn started(run: u32, load_ns: u64, read_bytes: u64, state: EventKind, end: &End) -> Vec<Event> {
    let start = 100_000 * u64::from(run + 1);
    let events = launch(run, 1, start, &[ok(0, start + 1000, &[300, 400], 12)], end);
    let cost = |until| {
        EventKind::StartCost(StartCost {
            until,
            read_bytes: Some(read_bytes),
            major_faults: Some(read_bytes / 10),
        })
    };
    let mut events = with(events, vec![state, cost(StartPoint::Ready), cost(StartPoint::FirstRequest)]);
    for event in &mut events {
        if matches!(event.kind, EventKind::Ready { .. }) {
            event.at = MonoNs(start + 10 + load_ns);
        }
    }
    events
}

/// Cold loads of 100, 110 … 160 ns and warm ones of 40, 41 … 46 ns.
fn seven_rounds(cold: impl Fn(u32) -> (EventKind, End)) -> Vec<Vec<Event>> {
    let of = |round: u32| {
        let (state, end) = cold(round);
        let warm = made_state(StartState::PageWarm, 1000, None);
        [
            started(2 * round, 100 + 10 * u64::from(round), 1000, state, &end),
            started(2 * round + 1, 40 + u64::from(round), 0, warm, &End::Valid),
        ]
    };
    (0..ROUNDS).flat_map(of).collect()
}

fn made(launches: &[Vec<Event>]) -> Report {
    let dir = tempdir().expect("a folder");
    report(&written(dir.path(), &rounds(), launches)).expect("a good record")
}

fn starts(report: &Report) -> &StartsView {
    report.starts.as_ref().expect("the plan names states")
}

fn row(report: &Report, place: usize) -> &StartRowView {
    &starts(report).groups[0].rows[place]
}

fn figure<'a>(report: &Report, figures: &'a [ComparedFigure], id: &str) -> &'a ComparedFigure {
    let place = starts(report).columns.iter().position(|column| column.id == id).expect("a column");
    &figures[place]
}

fn estimate(value: f64, low: f64, high: f64) -> ComparedFigure {
    ComparedFigure::Estimate { value, low, high, n: 7 }
}

#[test]
fn cold_and_warm_by_hand() {
    let report = made(&seven_rounds(|_| (made_state(StartState::StorageCold, 4, None), End::Valid)));
    let group = &starts(&report).groups[0];
    assert_eq!((starts(&report).groups.len(), group.rows.len()), (1, 2));
    let (cold, warm) = (row(&report, 0), row(&report, 1));
    assert_eq!((cold.code.as_deref(), cold.label.as_str()), (Some("C1"), "storage-cold"));
    assert_eq!((cold.n_launches, cold.n_verified, cold.unverified.len()), (7, 7, 0));
    assert_eq!((cold.resident_ratio, warm.resident_ratio), (Some([0.004, 0.004]), Some([1.0, 1.0])));
    assert_eq!(cold.steps, ["drop_caches: 4 B left", "sync"]);
    // P(B = 0) = 1/128 is at most 2.5 % of a side, P(B ≤ 1) = 8/128 is not: of 7 the interval is from first to last.
    assert_eq!(*figure(&report, &cold.figures, "spawn_to_ready_ns"), estimate(130.0, 100.0, 160.0));
    assert_eq!(*figure(&report, &warm.figures, "spawn_to_ready_ns"), estimate(43.0, 40.0, 46.0));
    // The first token comes 1300 ns after the launch began, and the spawn 10.
    assert_eq!(*figure(&report, &cold.figures, "spawn_to_first_token_ns"), estimate(1290.0, 1290.0, 1290.0));
    assert_eq!(*figure(&report, &cold.figures, "ready_to_first_token_ns"), estimate(1160.0, 1130.0, 1190.0));
    assert_eq!(*figure(&report, &cold.figures, "ready_read_bytes"), estimate(1000.0, 1000.0, 1000.0));
    assert_eq!(*figure(&report, &cold.figures, "major_faults"), estimate(100.0, 100.0, 100.0));
    // 1000 bytes in 130 ns.
    let ComparedFigure::Estimate { value, .. } = figure(&report, &cold.figures, "read_bytes_per_s") else {
        panic!("bytes were read")
    };
    assert!((value - 1e12 / 130.0).abs() < 1.0, "{value}");
    assert_eq!(*figure(&report, &cold.figures, "first_request_ttft_ns"), estimate(300.0, 300.0, 300.0));
    assert!(matches!(figure(&report, &cold.figures, "warm_ttft_ns"), ComparedFigure::Missing { .. }));
    assert_eq!(report.cells[0].start.as_deref(), Some("C1 storage-cold"));
}

#[test]
fn a_rest_after_ready_is_not_waited_for_by_the_first_request() {
    let rested = |round: u32| {
        // Ready 110 + 10 · round ns after the launch began, and at rest until 500 ns after it; the runs of cold starts
        // are those of even numbers.
        let at = |ns: u64| MonoNs(100_000 * u64::from(2 * round + 1) + ns);
        let span = Span { kind: SpanKind::ReadyIdle, began_at: at(200), ended_at: at(500), why: None };
        (EventKind::Span(span), End::Valid)
    };
    let rounds: Vec<Vec<Event>> = seven_rounds(rested);
    let made_cold = |events: &Vec<Event>| {
        let rests = events.iter().any(|event| matches!(event.kind, EventKind::Span(_)));
        let state = made_state(StartState::StorageCold, 4, None);
        if rests { with(events.clone(), vec![state]) } else { events.clone() }
    };
    let report = made(&rounds.iter().map(made_cold).collect::<Vec<_>>());
    let cold = row(&report, 0);
    // The first token comes 1300 ns after the launch began.
    assert_eq!(*figure(&report, &cold.figures, "ready_to_first_token_ns"), estimate(800.0, 800.0, 800.0));
    assert_eq!(*figure(&report, &cold.figures, "spawn_to_first_token_ns"), estimate(930.0, 900.0, 960.0));
}

#[test]
fn a_difference_is_paired_by_round() {
    let report = made(&seven_rounds(|_| (made_state(StartState::StorageCold, 4, None), End::Valid)));
    let difference = &starts(&report).groups[0].differences[0];
    assert_eq!((difference.of, difference.less, difference.n_rounds), (0, 1, 7));
    // Round r: 100 + 10 r − 40 − r = 60 + 9 r, so 60 to 114, in the middle 87.
    let of = figure(&report, &difference.figures, "spawn_to_ready_ns");
    assert_eq!(*of, estimate(87.0, 60.0, 114.0));
    let chart = &starts(&report).groups[0].charts[0];
    assert_eq!((chart.series.len(), chart.series[0].points[6]), (2, [7.0, 1290.0]));
}

#[test]
fn states_are_not_compared_as_if_they_were_one() {
    let report = made(&seven_rounds(|_| (made_state(StartState::StorageCold, 4, None), End::Valid)));
    let comparison = report.comparison.expect("two cells");
    assert_eq!((comparison.groups.len(), comparison.differences), (2, vec![WorkPart::Start]));
}

#[test]
fn what_is_unverified_is_in_no_figure_of_its_state() {
    let why = "31.0 % of the model are in memory";
    let report = made(&seven_rounds(|round| {
        // The agent calls such a launch invalid; an older record may not.
        let (unverified, end) = match round {
            0 => (Some(why), End::Invalid("cold=unverified: 31.0 % of the model are in memory")),
            1 => (Some(why), End::Valid),
            _ => (None, End::Valid),
        };
        (made_state(StartState::StorageCold, 310 * u64::from(round < 2), unverified), end)
    }));
    let cold = row(&report, 0);
    assert_eq!((cold.n_launches, cold.n_verified), (7, 5));
    let reasons: Vec<(u64, &str)> = cold.unverified.iter().map(|of| (of.n, of.reason.as_str())).collect();
    assert_eq!(reasons, [(2, "cold=unverified: 31.0 % of the model are in memory")]);
    assert_eq!(cold.resident_ratio, Some([0.0, 0.31]));
    assert_eq!(cold.steps, ["drop_caches", "sync"], "what came of it differs");
    let of = figure(&report, &cold.figures, "spawn_to_ready_ns");
    assert_eq!(*of, ComparedFigure::TooFew { n: 5, needed: 6 });
    // Nor is it in the cell's own load time.
    let load = report.cells[0].metrics.iter().find(|metric| metric.metric == "load_ns").expect("a metric");
    assert_eq!((load.n, load.n_undefined, load.min), (5, 1, Some(120.0)));
    let found = report.findings.iter().any(|finding| {
        finding.level == FindingLevel::Warning
            && finding.text.ends_with(
                "cold=unverified: 1 of 6 launches were not shown to start from C1 storage-cold, so their start is in \
                 no figure: 31.0 % of the model are in memory",
            )
    });
    assert!(found, "{:#?}", report.findings);
}

#[test]
fn a_state_that_was_never_reached_has_no_figure() {
    let why = "cold=unverified: the model lies on tmpfs, which is memory itself";
    let state =
        || made_state(StartState::StorageCold, 1000, Some("the model lies on tmpfs, which is memory itself"));
    let report = made(&seven_rounds(|_| (state(), End::Invalid(why))));
    let cold = row(&report, 0);
    assert_eq!((cold.n_launches, cold.n_verified), (7, 0));
    let unverified = ComparedFigure::Missing { reason: "unverified".to_owned() };
    assert!(cold.figures.iter().all(|figure| *figure == unverified), "{cold:?}");
    assert_eq!(starts(&report).groups[0].differences[0].n_rounds, 0);
    assert_eq!(starts(&report).groups[0].charts[0].series.len(), 1, "only the warm ones are drawn");
}

#[test]
fn a_plan_without_states_has_no_section_of_them() {
    let dir = tempdir().expect("a folder");
    let events = launch(0, 1, 9000, &[ok(0, 10_000, &[300, 400], 12)], &End::Valid);
    let report = report(&written(dir.path(), &plan(1), &[events])).expect("a good record");
    assert_eq!((report.starts, report.cells[0].start.clone()), (None, None));
}
