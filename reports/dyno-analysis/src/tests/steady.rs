//! What the pace of launches did, against levels that are put there.

use dyno_model::event::{Event, EventKind};
use dyno_model::plan::Plan;
use dyno_view::chart::ChartForm;
use dyno_view::report::{FindingLevel, QuantileFigure, Report};
use dyno_view::steady::{SteadyView, SteadyWord};
use tempfile::tempdir;

use super::sample::{Asked, End, launch, ok, plan, written};
use crate::report;

/// Requests of one prompt: TTFT 1000 ns, then one more token after each of `tpots`.
fn paced(run: u32, tpots: &[u64]) -> Vec<Event> {
    let start = 10_000_000 * u64::from(run + 1);
    let asked: Vec<Asked> = (0..)
        .zip(tpots)
        .map(|(i, tpot)| ok(i, start + 100_000 * u64::from(i + 1), &[1000, 1000 + tpot], 8))
        .collect();
    let mut events = launch(run, 1, start, &asked, &End::Valid);
    for event in &mut events {
        if let EventKind::Request(request) = &mut event.kind {
            request.prompt_id = "p-0".into();
        }
    }
    events
}

/// A level with a saw of ±0.5 %.
fn level(ns: u64, n: usize) -> Vec<u64> {
    [3_u64, 0, 5, 2, 10, 1].into_iter().cycle().take(n).map(|saw| ns - ns / 200 + ns * saw / 1000).collect()
}

fn runs(n: u32) -> Plan {
    let mut plan = plan(n);
    for run in &mut plan.runs {
        run.requests = vec![run.requests[0].clone(); 200];
    }
    plan
}

fn made(launches: &[Vec<Event>]) -> Report {
    let dir = tempdir().expect("a folder");
    let plan = runs(launches.len() as u32);
    report(&written(dir.path(), &plan, launches)).expect("a good record")
}

fn steady(report: &Report) -> &SteadyView {
    report.cells[0].steady.as_ref().expect("requests with a TPOT")
}

fn findings<'a>(report: &'a Report, level: FindingLevel, word: &str) -> Vec<&'a str> {
    let all = report.findings.iter().filter(|finding| finding.level == level);
    all.map(|finding| finding.text.as_str()).filter(|text| text.contains(word)).collect()
}

#[test]
fn a_warm_up_is_left_out_of_the_steady_state() {
    let slow_then_fast = [level(25_000, 40), level(20_000, 60)].concat();
    let report = made(&[paced(0, &slow_then_fast), paced(1, &level(20_000, 100))]);
    let view = steady(&report);
    assert_eq!((view.signal.as_str(), view.no_figure.as_ref()), ("TPOT", None));
    let classes: Vec<SteadyWord> = view.launches.iter().map(|launch| launch.class).collect();
    assert_eq!(classes, [SteadyWord::WarmUp, SteadyWord::Steady]);
    let segments: Vec<[u64; 2]> =
        view.launches[0].segments.iter().map(|segment| [segment.first, segment.last]).collect();
    assert_eq!(segments, [[4, 40], [41, 100]]);
    assert_eq!((view.launches[0].steady, view.launches[1].steady), (Some([41, 100]), Some([4, 100])));
    // C4: the first of each launch. W: 60 requests of the one, 97 of the other.
    let figures: Vec<(&str, &str, u64)> =
        view.figures.iter().map(|of| (of.state.as_str(), of.label.as_str(), of.n)).collect();
    assert_eq!(
        figures,
        [("C4", "TTFT of the first request", 2), ("W", "TTFT, steady", 157), ("W", "TPOT, steady", 157)]
    );
    // No steady request is above 20,000 · 1.005 ns: the slow beginning is out.
    let QuantileFigure::Estimate { value, low, high, .. } = view.figures[2].figure else {
        panic!("157 are enough for a median: {view:?}")
    };
    assert!(19_900.0 <= low && low <= value && value <= high && high <= 20_100.0, "{view:?}");
    assert_eq!(
        findings(&report, FindingLevel::Note, "slower at first"),
        [
            "1 of 2 launches were slower at first (run 0): the figures of the state W leave their warm-up out, all \
          others have it in"
        ]
    );
}

#[test]
fn the_curve_is_drawn_with_its_levels_and_where_it_is_steady() {
    let report = made(&[paced(0, &[level(25_000, 40), level(20_000, 60)].concat())]);
    let chart = report.cells[0].charts.iter().find(|chart| chart.id == "pace").expect("100 requests");
    assert_eq!(chart.form, ChartForm::Levels);
    let ns: Vec<u64> = chart.series.iter().map(|series| series.n).collect();
    assert_eq!(ns, [100, 0, 0], "dots, and two levels that are no observation");
    assert_eq!(chart.series[0].points[0][0], 1.0);
    let ends: Vec<f64> = chart.series[2].points.iter().map(|point| point[0]).collect();
    assert_eq!(ends, [41.0, 100.0]);
    assert_eq!((chart.marks.len(), chart.marks[0].x), (1, 41.0));
}

#[test]
fn without_a_steady_state_there_is_a_curve_and_no_number() {
    // The last level has 60 of 157 requests, less than half.
    let restless = [level(20_000, 50), level(26_000, 50), level(23_000, 60)].concat();
    let report = made(&[paced(0, &restless), paced(1, &level(20_000, 100))]);
    let view = steady(&report);
    assert_eq!(view.launches[0].class, SteadyWord::NoSteadyState);
    assert_eq!(
        view.no_figure.as_deref(),
        Some("run 0 came to no steady state: the curve says more than any one number")
    );
    assert!(view.figures.iter().all(|figure| figure.state == "C4"), "{view:?}");
    assert_eq!(findings(&report, FindingLevel::Warning, "no steady state").len(), 1);
    assert!(report.cells[0].charts.iter().any(|chart| chart.id == "pace"));
}

#[test]
fn a_launch_that_slows_down_is_a_warning() {
    let report = made(&[paced(0, &[level(18_000, 40), level(20_000, 60)].concat())]);
    assert_eq!(steady(&report).launches[0].class, SteadyWord::Slowdown);
    assert_eq!(
        findings(&report, FindingLevel::Warning, "throttling"),
        [
            "1 of 1 launches became slower (run 0): look for throttling in temperatures and clocks; the pace of the \
          beginning does not last"
        ]
    );
}

#[test]
fn too_few_requests_have_no_class_and_say_how_many_it_takes() {
    // 3 that are never counted, and two levels of 20.
    let report = made(&[paced(0, &level(20_000, 42))]);
    let view = steady(&report);
    assert_eq!(view.launches[0].class, SteadyWord::TooFew { needed: 43 });
    assert_eq!(
        view.no_figure.as_deref(),
        Some("no launch has the 43 requests that it takes to tell two levels apart (the longest has 42)")
    );
    assert_eq!(steady(&made(&[paced(0, &level(20_000, 43))])).launches[0].class, SteadyWord::Steady);
}

/// Two prompts, the one half as fast as the other, in three orders: evened out there is one level.
#[test]
fn prompts_of_unlike_pace_are_evened_out() {
    let mixed = |run: u32, is_slow: fn(usize) -> bool| {
        let tpots: Vec<u64> = level(20_000, 80)
            .iter()
            .enumerate()
            .map(|(i, tpot)| if is_slow(i) { 2 * tpot } else { *tpot })
            .collect();
        let mut events = paced(run, &tpots);
        let requests = events.iter_mut().filter_map(|event| match &mut event.kind {
            EventKind::Request(request) => Some(request),
            _ => None,
        });
        for (i, request) in requests.enumerate() {
            request.prompt_id = if is_slow(i) { "p-1" } else { "p-0" }.into();
        }
        events
    };
    // In the first launch all slow ones come first, in the last all fast ones.
    let launches = [mixed(0, |i| i < 40), mixed(1, |i| i % 2 == 0), mixed(2, |i| i >= 40)];
    let report = made(&launches);
    let view = steady(&report);
    assert_eq!(view.signal, "TPOT, prompts evened out");
    assert!(view.launches.iter().all(|launch| launch.class == SteadyWord::Steady), "{view:?}");
    // Two launches do not tell a prompt from its place: what comes first seems to be a warm-up.
    let report = made(&launches[..2]);
    let view = steady(&report);
    assert_eq!(view.signal, "TPOT, prompts as they came");
    assert_eq!(view.launches[0].class, SteadyWord::WarmUp);
}
