//! Figures with as much of an interval as there is.

use dyno_stats::{Level, Ratio};
use dyno_view::heat::HeatFigureView;
use dyno_view::report::{QuantileFigure, UnitView};

use crate::independence::worth;
use crate::observations::Observations;

/// The median of rates in order of time, with its order-statistic interval where there are enough of them.
pub(super) fn median_rate(rates: &[f64], why_none: &str) -> HeatFigureView {
    let n_effective = worth(&[rates.to_vec()]).1;
    let all = Observations::real(rates.to_vec());
    let interval = match all.figure(Level::P50, n_effective) {
        QuantileFigure::Estimate { low, high, .. } => Some([low, high]),
        QuantileFigure::TooFew { .. } => None,
    };
    let value = all.quantile(Level::P50);
    HeatFigureView {
        unit: UnitView::TokensPerSecond,
        value,
        interval,
        n: all.len() as u64,
        why: value.is_none().then(|| why_none.to_owned()),
    }
}

/// No figure.
pub(super) fn none(unit: UnitView, why: &str) -> HeatFigureView {
    HeatFigureView { unit, value: None, interval: None, n: 0, why: Some(why.to_owned()) }
}

/// A ratio of two medians, with the interval of a bootstrap where there are enough for one.
pub(super) fn ratio(over: &[f64], under: &[f64], seed: u64) -> HeatFigureView {
    let n = (over.len() + under.len()) as u64;
    let found = dyno_stats::median_ratio(over, under, seed);
    let plain = || Some(dyno_stats::median(over)? / dyno_stats::median(under)?);
    let value = found.map(|of| of.ratio).or_else(plain);
    HeatFigureView {
        unit: UnitView::Ratio,
        value,
        interval: found.map(|Ratio { low, high, .. }| [low, high]),
        n,
        why: value.is_none().then(|| "no request".to_owned()),
    }
}

/// What is missing to 1.
pub(super) fn missing_to_one(of: HeatFigureView) -> HeatFigureView {
    HeatFigureView {
        value: of.value.map(|value| 1.0 - value),
        interval: of.interval.map(|[low, high]| [1.0 - high, 1.0 - low]),
        ..of
    }
}
