//! The worst requests on the page.

use dyno_view::chart::{Axis, AxisUnit, ChartForm, Mark, Panel, PanelChart, Scale, Series, Shade};
use dyno_view::report::Report;
use dyno_view::timeline::{PhaseView, TimelineView, Worst, WorstView};

use crate::common::{page, small_report};

fn timeline(word: &str) -> TimelineView {
    let text = || word.to_owned();
    let axis = |unit| Axis { label: text(), unit, scale: Scale::Linear };
    let series = |points: &[[f64; 2]], n| vec![Series { name: text(), points: points.to_vec(), n }];
    let steps = [[-0.2e9, 0.0], [1.9e9, 1.0], [2.0e9, 2.0], [4.2e9, 3.0]];
    TimelineView {
        worst: vec![
            WorstView { of: Worst::Ttft, ns: 1_900_000_000, n: 117 },
            WorstView { of: Worst::Gap, ns: 2_200_000_000, n: 116 },
        ],
        run: 2,
        launch: 1,
        idx: 17,
        prompt_id: text(),
        category: text(),
        n_chunks: 3,
        phases: vec![
            PhaseView { name: "prefill".to_owned(), from_ns: 0, to_ns: 1_900_000_000 },
            PhaseView { name: "decode".to_owned(), from_ns: 1_900_000_000, to_ns: 4_200_000_000 },
        ],
        chart: PanelChart {
            id: text(),
            title: text(),
            caption: text(),
            x: axis(AxisUnit::Ns),
            panels: vec![
                Panel { y: axis(AxisUnit::Count), form: ChartForm::Step, series: series(&steps, 3) },
                Panel {
                    y: axis(AxisUnit::Watts),
                    form: ChartForm::Step,
                    series: series(&[[0.0, 2.5], [4e9, 3.0]], 2),
                },
            ],
            marks: vec![Mark { x: 4.2e9, label: text() }],
            shades: vec![Shade { from: 0.0, to: 1.9e9, label: text() }],
        },
    }
}

fn report(word: &str) -> Report {
    let mut report = small_report();
    report.cells[0].timelines = vec![timeline(word), timeline(word)];
    report
}

#[test]
fn a_worst_request_says_in_what_and_of_how_many() {
    let page = page(&report("chat"));
    for expected in [
        "run 2, request 17: chat (chat)",
        "Slowest TTFT of 117 requests: 1.90 s; longest gap between chunks of 116 requests: 2.20 s.",
        "Its parts: prefill 1.90 s, decode 2.30 s.",
        "id=\"cell-1-timeline-2\"",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
}

#[test]
fn hostile_prompts_of_worst_requests_do_nothing() {
    let hostile = page(&report("<script>alert(1)</script>\"'> \u{202E}x\u{1b}[2J"));
    let friendly = page(&report("x"));
    assert_eq!(hostile.matches("<script").count(), friendly.matches("<script").count());
    assert_eq!(hostile.matches("<svg").count(), friendly.matches("<svg").count());
    assert!(!hostile.contains('\u{202E}') && !hostile.contains('\u{1b}'));
}
