//! Charts as the template shows them.

use dyno_view::chart::{Chart, ChartForm, Series};
use serde::Serialize;

use crate::chart::{colours, is_reference, svg};
use crate::words;

/// A chart as the template shows it.
#[derive(Serialize)]
pub(super) struct Picture {
    anchor: String,
    title: String,
    caption: String,
    svg: Option<String>,
    legend: Vec<LegendEntry>,
}

#[derive(Serialize)]
struct LegendEntry {
    class: String,
    name: String,
    n: String,
}

/// A chart with its legend; rows of whiskers carry their names themselves.
pub(super) fn picture(chart: &Chart, cell_anchor: &str, number: usize) -> Picture {
    // The number makes it unique whatever the chart's own id is.
    let name: String = chart.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let anchor = format!("{cell_anchor}-chart-{number}-{name}");
    let series: &[Series] = if chart.form == ChartForm::Whiskers { &[] } else { &chart.series };
    // A level is no observation, and its dots have its colour.
    let observed =
        series.iter().zip(colours(chart)).filter(|(of, _)| chart.form != ChartForm::Levels || of.n > 0);
    let legend = observed.map(|(series, colour)| LegendEntry {
        class: if is_reference(chart, series) { "reference".to_owned() } else { format!("s{colour}") },
        name: series.name.clone(),
        n: if is_reference(chart, series) { String::new() } else { words::count(series.n) },
    });
    Picture {
        svg: svg(chart, &anchor),
        legend: legend.collect(),
        title: chart.title.clone(),
        caption: chart.caption.clone(),
        anchor,
    }
}
