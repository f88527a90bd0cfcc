//! How big a page becomes.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};

use crate::common::{page, small_report};

/// The most that a page of twenty devices may weigh.
const LIMIT_BYTES: usize = 5_000_000;

fn chart(form: ChartForm, lines: Vec<Vec<[f64; 2]>>) -> Chart {
    let axis = |unit| Axis { label: "x".to_owned(), unit, scale: Scale::Linear };
    let series = |(place, points): (usize, Vec<[f64; 2]>)| Series {
        name: format!("run {place}"),
        n: points.len() as u64,
        points,
    };
    Chart {
        id: "c".to_owned(),
        title: "T".to_owned(),
        caption: "C".to_owned(),
        form,
        x: axis(AxisUnit::Ns),
        y: axis(AxisUnit::Ns),
        series: lines.into_iter().enumerate().map(series).collect(),
        marks: Vec::new(),
    }
}

/// Numbers that fill a chart evenly, without a random generator.
fn scattered(n: u32) -> Vec<[f64; 2]> {
    (0..n)
        .map(|i| [(f64::from(i) * 0.618_034).fract() * 1e9, (f64::from(i) * 0.754_878).fract() * 1e9])
        .collect()
}

fn restless(n: u32) -> Vec<[f64; 2]> {
    scattered(n).into_iter().zip(0_u32..).map(|([_, y], i)| [f64::from(i) * 1e9, y]).collect()
}

fn rising(n: u32) -> Vec<[f64; 2]> {
    (1..=n)
        .map(|i| [f64::from(i) * 1e6 + (f64::from(i) * 0.618_034).fract() * 1e6, f64::from(i) * 1e6])
        .collect()
}

/// As many points as a cell has after a soak of twenty minutes with thousands of requests (docs/benchmarks.md).
#[test]
fn a_page_of_twenty_devices_is_smaller_than_five_megabytes() {
    let charts = vec![
        chart(ChartForm::Step, vec![rising(1000)]),
        chart(ChartForm::Step, vec![rising(1000)]),
        chart(ChartForm::Points, vec![scattered(3500)]),
        chart(ChartForm::Points, vec![scattered(3500)]),
        chart(ChartForm::Levels, vec![restless(1800)]),
        chart(ChartForm::Line, vec![rising(2000), rising(2000), restless(2000)]),
        chart(ChartForm::Line, vec![restless(2000), rising(2000)]),
    ];
    let mut report = small_report();
    report.cells[0].charts = charts;
    for place in 1..20 {
        let mut cell = report.cells[0].clone();
        cell.device = format!("device-{place}");
        report.cells.push(cell);
    }
    let page = page(&report);
    assert!(page.len() < LIMIT_BYTES, "{} bytes", page.len());
    assert_eq!(
        page.matches("uPlot v").count() + page.matches("uPlot (v").count(),
        1,
        "the script is there once"
    );
}
