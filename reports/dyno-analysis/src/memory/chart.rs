//! Anonymous bytes over context, beside what keys and values should take.

use dyno_stats::theil_sen;
use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};

use super::growth::{kv_bytes, model, points};
use crate::cell::CellRecord;

/// Points of measured growth; the line of the formula goes through their middle.
pub(crate) fn growth_chart(cell: &CellRecord<'_>) -> Chart {
    let found = points(cell);
    let measured = found.as_ref().map(|of| of.points.as_slice()).unwrap_or_default();
    let dots = Series {
        name: "measured".to_owned(),
        points: measured.iter().map(|(x, y)| [*x, *y]).collect(),
        n: measured.len() as u64,
    };
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    let caption = format!(
        "One dot for each point: {}. Lines: the slope of the dots, and what keys and values alone should take, from the \
         same begin.",
        found.as_ref().map_or("none", |of| of.over)
    );
    Chart {
        id: "memory-growth".to_owned(),
        title: "Memory over context".to_owned(),
        caption,
        form: ChartForm::Levels,
        x: axis("tokens of context", AxisUnit::Tokens),
        y: axis("anonymous bytes", AxisUnit::Bytes),
        series: [dots].into_iter().chain(lines(cell, measured)).collect(),
        marks: Vec::new(),
    }
}

fn lines(cell: &CellRecord<'_>, measured: &[(f64, f64)]) -> Vec<Series> {
    let Some(slope) = theil_sen(measured) else { return Vec::new() };
    let least = measured.iter().map(|point| point.0).fold(f64::MAX, f64::min);
    let most = measured.iter().map(|point| point.0).fold(f64::MIN, f64::max);
    let left = measured.iter().map(|(x, y)| y - slope.slope * (x - least)).collect::<Vec<f64>>();
    let Some(begin) = dyno_stats::median(&left) else { return Vec::new() };
    let line = |name: &str, end: f64| Series {
        name: name.to_owned(),
        points: vec![[least, begin], [most, end]],
        n: 0,
    };
    let mut all = vec![line("slope of the dots", begin + slope.slope * (most - least))];
    let formula = model(cell).and_then(|model| Some(kv_bytes(model, most)? - kv_bytes(model, least)?));
    all.extend(formula.map(|more| line("keys and values", begin + more)));
    all
}
