//! Charts as data, against values worked out by hand.

use dyno_view::chart::{Chart, ChartForm};
use dyno_view::report::Report;
use tempfile::tempdir;

use super::sample::{Asked, End, campaign, launch, ok};
use crate::report;

fn chart<'r>(report: &'r Report, id: &str) -> &'r Chart {
    report.cells[0].charts.iter().find(|chart| chart.id == id).expect("the chart is there")
}

/// One request each 1 µs, with TTFTs that know nothing of their neighbours.
fn many(run: u64, n: u32) -> Vec<Asked> {
    let ttft = |i: u32| 100 + u64::from(i * 37 % 101);
    (0..n)
        .map(|i| ok(i, 10_000 + run * 1_000_000 + u64::from(i) * 1000, &[ttft(i), ttft(i) + 40], 5 + i))
        .collect()
}

#[test]
fn a_distribution_has_a_band_that_says_what_it_is() {
    let dir = tempdir().expect("a folder");
    let report = report(&campaign(dir.path(), 1, &[launch(0, 1, 9000, &many(0, 100), &End::Valid)]))
        .expect("a record");
    let chart = chart(&report, "ttft-cdf");
    assert_eq!(chart.form, ChartForm::StepBand);
    let names: Vec<&str> = chart.series.iter().map(|of| of.name.as_str()).collect();
    assert_eq!(names, ["run 0", "95 % band"]);
    // √(ln 40 / 200) for 100 independent observations.
    let height = chart.series[1].points[0][1];
    assert!((height - 0.135_81).abs() < 1e-5, "{height}");
    assert_eq!(chart.series[1].n, 0, "a band is no observation");
    assert!(chart.caption.contains("Dvoretzky–Kiefer–Wolfowitz"), "{}", chart.caption);
}

#[test]
fn several_launches_have_a_line_each_and_one_for_all() {
    let dir = tempdir().expect("a folder");
    let launches =
        [launch(0, 1, 9000, &many(0, 40), &End::Valid), launch(1, 1, 1_009_000, &many(1, 40), &End::Valid)];
    let report = report(&campaign(dir.path(), 2, &launches)).expect("a record");
    let series: Vec<(&str, u64)> =
        chart(&report, "ttft-cdf").series.iter().map(|of| (of.name.as_str(), of.n)).collect();
    assert_eq!(series, [("run 0", 40), ("run 1", 40), ("all launches", 80), ("95 % band", 0)]);
}

#[test]
fn few_requests_have_no_band() {
    let dir = tempdir().expect("a folder");
    let report =
        report(&campaign(dir.path(), 1, &[launch(0, 1, 9000, &many(0, 7), &End::Valid)])).expect("a record");
    // √(ln 40 / 14) is 0.513: a band over the whole axis.
    assert_eq!(chart(&report, "ttft-cdf").series.len(), 1);
}

#[test]
fn more_points_than_can_be_told_apart_become_a_density() {
    let dir = tempdir().expect("a folder");
    let report = report(&campaign(dir.path(), 1, &[launch(0, 1, 9000, &many(0, 5001), &End::Valid)]))
        .expect("a record");
    let chart = chart(&report, "ttft-by-isl");
    assert_eq!(chart.form, ChartForm::Density);
    let n: u64 = chart.series.iter().map(|of| of.n).sum();
    assert_eq!(n, 5001, "every request is in one class");
    assert!(chart.series.iter().all(|of| of.points.len() % 2 == 0));
}
