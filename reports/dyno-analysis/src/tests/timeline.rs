//! The worst requests over time, against what was written by hand.

use dyno_view::report::Report;
use dyno_view::timeline::{PhaseView, TimelineView, Worst, WorstView};
use tempfile::tempdir;

use super::sample::{Asked, End, campaign, launch, ok};
use crate::report;

fn report_of(asked: &[Asked], end: &End) -> Report {
    let dir = tempdir().expect("a folder");
    report(&campaign(dir.path(), 1, &[launch(0, 1, 9000, asked, end)])).expect("a good record")
}

/// Request 0 has the slowest TTFT, request 1 the slowest E2E latency, request 2 the longest gap.
fn three() -> Vec<Asked> {
    vec![ok(0, 9100, &[50, 55, 60], 12), ok(1, 9200, &[10, 40, 70, 90], 6), ok(2, 9300, &[10, 75], 3)]
}

#[test]
fn each_worst_request_is_found() {
    let report = report_of(&three(), &End::Valid);
    let found: Vec<(u32, Vec<WorstView>)> =
        report.cells[0].timelines.iter().map(|of| (of.idx, of.worst.clone())).collect();
    let worst = |of, ns| vec![WorstView { of, ns, n: 3 }];
    assert_eq!(found, [(0, worst(Worst::Ttft, 50)), (1, worst(Worst::E2e, 90)), (2, worst(Worst::Gap, 65))]);
}

#[test]
fn one_request_that_is_the_worst_of_all_is_there_once() {
    let report = report_of(&[ok(0, 9100, &[50, 150], 12), ok(1, 9300, &[10, 20], 3)], &End::Valid);
    let timelines = &report.cells[0].timelines;
    assert_eq!(timelines.len(), 1);
    let of: Vec<Worst> = timelines[0].worst.iter().map(|worst| worst.of).collect();
    assert_eq!(of, [Worst::Ttft, Worst::E2e, Worst::Gap]);
}

#[test]
fn a_timeline_has_tokens_phases_and_the_temperature_of_that_time() {
    let report = report_of(&three(), &End::Valid);
    let timeline: &TimelineView = &report.cells[0].timelines[1];
    let phase = |name: &str, from_ns, to_ns| PhaseView { name: name.to_owned(), from_ns, to_ns };
    assert_eq!(timeline.phases, [phase("prefill", 0, 10), phase("decode", 10, 90)]);
    assert_eq!(timeline.n_chunks, 4);
    // Sent at 9200, ended at 9295: 95 ns, and 14 ns around.
    let tokens = &timeline.chart.panels[0].series[0];
    assert_eq!(tokens.points[..3], [[-14.0, 0.0], [10.0, 1.0], [40.0, 2.0]]);
    assert_eq!(tokens.points.last(), Some(&[109.0, 4.0]));
    // 50 °C were read at 9100 and 51 °C at 9200: the first holds until the second, and that to the end.
    let panel = timeline.chart.panels.iter().find(|panel| panel.y.label == "temperature").expect("a sensor");
    assert_eq!(panel.series[0].points, [[-14.0, 50_000.0], [0.0, 51_000.0], [109.0, 51_000.0]]);
    assert_eq!(panel.series[0].n, 1, "one reading lies within");
    // Gaps 30, 30 and 20: of equal ones the first, which ended 40 ns after the send.
    assert_eq!(timeline.chart.marks[0].x, 40.0);
}

#[test]
fn a_cell_without_an_answer_has_no_timeline() {
    assert!(
        report_of(&[ok(0, 9100, &[50, 60], 2)], &End::Invalid("throttled")).cells[0].timelines.is_empty()
    );
    assert!(report_of(&[], &End::Valid).cells[0].timelines.is_empty());
}

#[test]
fn an_answer_of_one_token_has_no_decode_phase() {
    let report = report_of(&[ok(0, 9100, &[50], 2)], &End::Valid);
    let timeline = &report.cells[0].timelines[0];
    let names: Vec<&str> = timeline.phases.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(names, ["prefill"]);
    assert!(timeline.chart.marks.is_empty(), "one token has no gap");
}
