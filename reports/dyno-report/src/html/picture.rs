//! Charts as the template shows them.

use dyno_view::chart::{Chart, ChartForm, Panel, PanelChart, Series};
use serde::Serialize;

use crate::chart::{N_COLOURS, colours, colours_of, is_reference, panels_svg, svg};
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

/// What stands beside a picture for one of its colours.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct LegendEntry {
    pub(crate) class: String,
    pub(crate) name: String,
    /// Empty where it stands for no observations.
    pub(crate) n: String,
}

/// A chart with its legend.
pub(super) fn picture(chart: &Chart, cell_anchor: &str, number: usize) -> Picture {
    // The number makes it unique whatever the chart's own id is.
    let name: String = chart.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let anchor = format!("{cell_anchor}-chart-{number}-{name}");
    Picture {
        svg: svg(chart, &anchor),
        legend: legend(chart),
        title: chart.title.clone(),
        caption: chart.caption.clone(),
        anchor,
    }
}

/// Rows carry their names themselves; a level has the colour of its dots.
pub(crate) fn legend(chart: &Chart) -> Vec<LegendEntry> {
    let entry = |(series, colour): (&Series, usize)| {
        let class = match chart.form {
            _ if is_reference(chart, series) => "reference".to_owned(),
            ChartForm::Density => format!("d{colour}"),
            ChartForm::StepBand if series.n == 0 => format!("s{colour} band"),
            _ => format!("s{colour}"),
        };
        let n = if series.n == 0 { String::new() } else { words::count(series.n) };
        LegendEntry { class, name: series.name.clone(), n }
    };
    match chart.form {
        ChartForm::Whiskers | ChartForm::Boxes => Vec::new(),
        ChartForm::Stacks => {
            let part = |(place, name): (usize, &String)| LegendEntry {
                class: format!("s{}", place % N_COLOURS),
                name: name.clone(),
                n: String::new(),
            };
            chart.marks.iter().map(|mark| &mark.label).enumerate().map(part).collect()
        }
        ChartForm::Line
        | ChartForm::Step
        | ChartForm::StepBand
        | ChartForm::Points
        | ChartForm::DottedLine
        | ChartForm::Crosses
        | ChartForm::Levels
        | ChartForm::Density => {
            let observed = chart.series.iter().zip(colours(chart));
            observed.filter(|(of, _)| chart.form != ChartForm::Levels || of.n > 0).map(entry).collect()
        }
    }
}

/// Panels above each other, with a legend for each.
#[derive(Serialize)]
pub(super) struct PanelPicture {
    anchor: String,
    pub(super) title: String,
    pub(super) caption: String,
    svg: Option<String>,
    panels: Vec<PanelLegend>,
}

/// The legend of one panel.
#[derive(Serialize)]
pub(crate) struct PanelLegend {
    pub(crate) name: String,
    pub(crate) entries: Vec<PanelEntry>,
}

/// A colour of a panel.
#[derive(Serialize)]
pub(crate) struct PanelEntry {
    pub(crate) class: String,
    pub(crate) name: String,
}

/// Panels with their legends.
pub(super) fn panel_picture(chart: &PanelChart, anchor: &str) -> PanelPicture {
    PanelPicture {
        svg: panels_svg(chart, anchor),
        title: chart.title.clone(),
        caption: chart.caption.clone(),
        panels: chart.panels.iter().map(panel_legend).collect(),
        anchor: anchor.to_owned(),
    }
}

/// A level is no observation, and its dots have its colour.
pub(crate) fn panel_legend(panel: &Panel) -> PanelLegend {
    let coloured = panel.series.iter().zip(colours_of(panel.form, &panel.series));
    let observed = coloured.filter(|(of, _)| panel.form != ChartForm::Levels || of.n > 0);
    let entry = |(series, colour): (&Series, usize)| PanelEntry {
        class: format!("s{colour}"),
        name: format!("{}, n = {}", series.name, words::count(series.n)),
    };
    PanelLegend { name: panel.y.label.clone(), entries: observed.map(entry).collect() }
}
