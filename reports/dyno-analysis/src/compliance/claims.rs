//! What objectives ask, in plain data.

use dyno_model::metric::{Direction, metric};
use dyno_model::slo::{Condition, Demand, Selection};
use dyno_view::compliance::{BoundView, ConditionView, DemandView, SelectionView};

use crate::metrics::unit_view;

/// A condition; `None` for a metric that the catalogue does not have.
pub(super) fn condition_view(condition: &Condition) -> Option<ConditionView> {
    let (id, limit) = match condition {
        Condition::Answered => return Some(ConditionView::Answered),
        Condition::Passed => return Some(ConditionView::Passed),
        Condition::NoEgress => return Some(ConditionView::NoEgress),
        Condition::Limit { metric, limit } => (metric, limit),
    };
    let metric = metric(id)?;
    Some(ConditionView::Limit {
        metric: id.clone(),
        label: metric.label.to_owned(),
        formula_version: metric.formula_version,
        unit: unit_view(metric.unit),
        bound: match metric.direction {
            Direction::HigherIsBetter => BoundView::AtLeast,
            Direction::LowerIsBetter | Direction::Neutral => BoundView::AtMost,
        },
        limit: *limit,
    })
}

/// The parts of a selection; empty for all.
pub(super) fn selection_views(selection: &Selection) -> Vec<SelectionView> {
    let lists = [
        ("category", &selection.categories),
        ("language", &selection.languages),
        ("device", &selection.devices),
        ("model", &selection.models),
        ("runtime", &selection.runtimes),
        ("load", &selection.loads),
    ];
    let view = |by: &str, values: Vec<String>| SelectionView { by: by.to_owned(), values };
    let lists = lists.into_iter().filter(|(_, values)| !values.is_empty());
    let mut views: Vec<SelectionView> = lists.map(|(by, values)| view(by, values.clone())).collect();
    let words = match (selection.isl_from, selection.isl_to) {
        (None, None) => return views,
        (Some(from), None) => format!("{from} tokens or more"),
        (None, Some(to)) => format!("{to} tokens or fewer"),
        (Some(from), Some(to)) => format!("{from} to {to} tokens"),
    };
    views.push(view("prompt length", vec![words]));
    views
}

/// How many must meet the conditions.
pub(crate) fn demand_view(demand: Demand) -> DemandView {
    let share = |ppm: u32| f64::from(ppm) / 1e6;
    match demand {
        Demand::Every => DemandView::Every,
        Demand::Share { fraction_ppm, confidence_ppm } => {
            DemandView::Share { fraction: share(fraction_ppm), confidence: share(confidence_ppm) }
        }
        Demand::Drop { most_ppm, confidence_ppm } => {
            DemandView::Drop { most: share(most_ppm), confidence: share(confidence_ppm) }
        }
    }
}
