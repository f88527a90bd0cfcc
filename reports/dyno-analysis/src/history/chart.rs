//! A metric over the campaigns, with the places where its level changed.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};
use dyno_view::comparison::Better;
use dyno_view::history::{HistoryCampaign, HistorySeries};
use dyno_view::report::UnitView;

/// Points lie at the places of their campaigns, from 1; `None` with fewer than two, or without an axis for the unit.
pub(super) fn chart(of: &HistorySeries, campaigns: &[HistoryCampaign]) -> Option<Chart> {
    let unit = axis_unit(of.unit)?;
    if of.points.len() < 2 {
        return None;
    }
    let place = |campaign: u32| f64::from(campaign) + 1.0;
    let points = of.points.iter().map(|point| [place(point.campaign), point.value]).collect();
    let mark = |at: u32| {
        let point = of.points.get(at as usize)?;
        let id = &campaigns.get(point.campaign as usize)?.id;
        Some(Mark { x: place(point.campaign), label: format!("new level: {id}") })
    };
    let better = match of.better {
        Better::Lower => "lower",
        Better::Higher => "higher",
    };
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    Some(Chart {
        id: format!("history-{}", of.metric.replace('_', "-")),
        title: format!("{} of {} on {}", of.label, of.model, of.device),
        caption: format!(
            "Median of the launches of each campaign, in order; {better} is better. A mark is the first campaign of a \
             level that stayed."
        ),
        form: ChartForm::DottedLine,
        x: axis("campaign", AxisUnit::Count),
        y: axis(&of.label, unit),
        series: vec![Series { name: of.runtime.clone(), points, n: of.points.len() as u64 }],
        marks: of.changes.iter().filter_map(|change| mark(change.at)).collect(),
    })
}

fn axis_unit(unit: UnitView) -> Option<AxisUnit> {
    match unit {
        UnitView::Ns => Some(AxisUnit::Ns),
        UnitView::TokensPerSecond => Some(AxisUnit::TokensPerSecond),
        UnitView::Bytes => Some(AxisUnit::Bytes),
        UnitView::Ratio => Some(AxisUnit::Ratio),
        UnitView::Joules | UnitView::Count => Some(AxisUnit::Count),
        UnitView::Tokens
        | UnitView::Watts
        | UnitView::RequestsPerSecond
        | UnitView::BytesPerSecond
        | UnitView::OperationsPerSecond
        | UnitView::TokensPerJoule
        | UnitView::JouleSeconds
        | UnitView::WattHours
        | UnitView::Hours => None,
    }
}
