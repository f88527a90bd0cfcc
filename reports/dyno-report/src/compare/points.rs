//! A comparison's figures for services that keep them from commit to commit.

use dyno_view::compare::CompareView;
use dyno_view::comparison::Better;
use dyno_view::report::UnitView;

use super::{Group, Line, groups};
use crate::bench_json::{Point, Tool, slug};

/// The sides' own medians, and the ratios to the baseline with their intervals.
pub(crate) fn points(view: &CompareView) -> Vec<Point> {
    let of_group = |group: Group<'_>| {
        let lines = group.lines.iter().flat_map(|line| of_line(&group, line));
        lines.collect::<Vec<_>>()
    };
    groups(view).into_iter().flat_map(of_group).collect()
}

fn of_line(group: &Group<'_>, line: &Line<'_>) -> Vec<Point> {
    let tool = match line.row.better {
        Better::Lower => Tool::SmallerIsBetter,
        Better::Higher => Tool::BiggerIsBetter,
    };
    let unpaired = if group.is_unpaired { ", UNPAIRED" } else { "" };
    let n = line.change.map(|_| format!(", n = {} {}", line.n, group.replicate())).unwrap_or_default();
    let extra = format!("{} {} against {}{n}{unpaired}", line.word, line.effect_line(), group.baseline);
    let point = |suffix: &str, unit: UnitView, value: f64, bounds: Option<[f64; 2]>| Point {
        benchmark: format!("{} · {}", group.work(), group.side),
        label: format!("{}{suffix}", line.row.label),
        measure: slug(&format!("{}{suffix}", line.row.metric)),
        unit,
        tool,
        value,
        is_relative: !suffix.is_empty(),
        bounds,
        extra: extra.clone(),
    };
    let own = line.row.candidate.map(|value| point("", line.row.unit, value, None));
    let ratio = line.change.map(|change| {
        let bounds = change.effect.low.zip(change.effect.high).map(|(low, high)| [low, high]);
        point(" ratio", UnitView::Ratio, change.effect.ratio, bounds)
    });
    own.into_iter().chain(ratio).collect()
}
