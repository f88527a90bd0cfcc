//! Blocks in their order: whether a change is one, or a drift, or a single odd launch.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};
use dyno_view::compare::{BlockRatio, ChangeVerdictView, TestedValues};

use super::{Group, Line};

/// Most charts of one pair; the table has all metrics.
const MAX_CHARTS: usize = 6;

/// A chart for each metric that is primary or not shown to be equivalent, primary ones first.
pub(crate) fn block_charts(group: &Group<'_>) -> Vec<Chart> {
    let tells = |line: &&Line<'_>| {
        let verdict = line.change.map(|change| change.verdict);
        verdict.is_some_and(|verdict| line.row.is_primary || verdict != ChangeVerdictView::Equivalent)
    };
    group.lines.iter().filter(tells).take(MAX_CHARTS).filter_map(|line| chart(group, line)).collect()
}

fn chart(group: &Group<'_>, line: &Line<'_>) -> Option<Chart> {
    let change = line.change?;
    match &change.values {
        TestedValues::Blocks { ratios } => Some(of_blocks(line, ratios, change.effect.ratio)),
        TestedValues::Launches { baseline, candidate } => of_launches(group, line, (baseline, candidate)),
    }
}

fn of_blocks(line: &Line<'_>, ratios: &[BlockRatio], estimate: f64) -> Chart {
    let points: Vec<[f64; 2]> = ratios.iter().map(|of| [f64::from(of.block), of.ratio - 1.0]).collect();
    let ends = ends(&points);
    let mut series = vec![Series { name: "block".to_owned(), n: points.len() as u64, points }];
    series.push(level("change", ends, estimate - 1.0));
    series.extend(limits(line, ends));
    let caption = "One dot a block, in the order in which they were measured. Blocks that fall or rise show a device that drifts; one that lies far off shows a single odd launch.";
    whole(line, "by block", caption, "block", "change", series)
}

fn of_launches(group: &Group<'_>, line: &Line<'_>, (baseline, candidate): (&[f64], &[f64])) -> Option<Chart> {
    let median = line.row.baseline.filter(|median| *median != 0.0)?;
    let points = |values: &[f64]| {
        let numbered = values.iter().zip(1_u32..);
        numbered.map(|(value, n)| [f64::from(n), value / median - 1.0]).collect::<Vec<_>>()
    };
    let series = |name: &str, values: &[f64]| Series {
        name: name.to_owned(),
        points: points(values),
        n: values.len() as u64,
    };
    let both = vec![series(group.baseline, baseline), series(group.side, candidate)];
    let all: Vec<[f64; 2]> = both.iter().flat_map(|series| series.points.clone()).collect();
    let series = both.into_iter().chain(limits(line, ends(&all))).collect();
    let caption = "One dot a launch, in the order in which each side was measured, against the median of A.";
    Some(whole(line, "by launch", caption, "launch", "against the median of A", series))
}

fn whole(line: &Line<'_>, by: &str, caption: &str, x: &str, y: &str, series: Vec<Series>) -> Chart {
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    Chart {
        id: format!("{}-{}", line.row.metric.replace('_', "-"), by.replace(' ', "-")),
        title: format!("{} {by}", line.row.label),
        caption: caption.to_owned(),
        form: ChartForm::DottedLine,
        x: axis(x, AxisUnit::Count),
        y: axis(y, AxisUnit::Ratio),
        series,
        marks: Vec::new(),
    }
}

/// The first and the last place.
fn ends(points: &[[f64; 2]]) -> [f64; 2] {
    let places = points.iter().map(|point| point[0]);
    let ends = places.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], at| [low.min(at), high.max(at)]);
    // One place alone has no level.
    if ends[0] < ends[1] { ends } else { [ends[0] - 0.5, ends[0] + 0.5] }
}

/// A level to hold the dots against.
fn level(name: &str, [from, to]: [f64; 2], at: f64) -> Series {
    Series { name: name.to_owned(), points: vec![[from, at], [to, at]], n: 0 }
}

/// The changes from which on they matter.
fn limits(line: &Line<'_>, ends: [f64; 2]) -> [Series; 2] {
    let delta = line.row.delta;
    [level("δ", ends, delta), level("−δ", ends, -delta)]
}
