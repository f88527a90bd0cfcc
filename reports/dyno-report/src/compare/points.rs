//! A comparison's figures for services that keep them from commit to commit.

use dyno_view::compare::CompareView;
use dyno_view::comparison::Better;
use dyno_view::report::UnitView;

use super::{Group, Line, QualityLine, groups, quality_lines};
use crate::bench_json::{Point, Tool, slug};

/// The sides' own medians, and the ratios to the baseline with their intervals.
pub(crate) fn points(view: &CompareView) -> Vec<Point> {
    let of_group = |group: Group<'_>| {
        let lines = group.lines.iter().flat_map(|line| of_line(&group, line));
        let answers = quality_lines(&group).into_iter().filter_map(|line| of_answers(&group, &line));
        lines.chain(answers).collect::<Vec<_>>()
    };
    groups(view).into_iter().flat_map(of_group).collect()
}

/// The side's pass rate, of all prompts or of a category; `None` without a pair.
fn of_answers(group: &Group<'_>, line: &QualityLine<'_>) -> Option<Point> {
    let [_, passed] = line.row.shares()?;
    let category = line.row.category.as_ref();
    let about = category.map(|of| format!(", {of}")).unwrap_or_default();
    Some(Point {
        benchmark: format!("{} · {}", group.work(), group.side),
        label: format!("Answers that pass{about}"),
        measure: slug(&category.map_or_else(|| "passed".to_owned(), |of| format!("passed {of}"))),
        unit: UnitView::Ratio,
        tool: Tool::BiggerIsBetter,
        value: passed,
        is_relative: false,
        bounds: None,
        extra: format!(
            "{} {} against {}, n = {} prompts",
            line.word,
            line.effect_line(),
            group.baseline,
            line.n
        ),
    })
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
