//! Charts of a recommendation.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};

/// Costs with their intervals.
pub(super) fn costs() -> Chart {
    let axis = |label: &str| Axis { label: label.to_owned(), unit: AxisUnit::Count, scale: Scale::Linear };
    let row = |(name, place, value): (&str, f64, f64)| Series {
        name: name.to_owned(),
        points: [value * 0.96, value, value * 1.05].map(|x| [x, place]).into(),
        n: 120,
    };
    Chart {
        id: "cost".to_owned(),
        title: "Cost of a million output tokens".to_owned(),
        caption: "Where two overlap, neither is cheaper.".to_owned(),
        form: ChartForm::Whiskers,
        x: axis("EUR per million output tokens"),
        y: axis("device"),
        series: [("pi5", 1.0, 0.292), ("orin-nano", 2.0, 0.301), ("minipc", 3.0, 0.52)].map(row).into(),
        marks: Vec::new(),
    }
}

/// What is best at each price.
pub(super) fn prices() -> Chart {
    let point =
        |(name, x, y, n): (&str, f64, f64, u64)| Series { name: name.to_owned(), points: vec![[x, y]], n };
    let mut series: Vec<Series> =
        [("pi5", 92.0, 19.5, 120), ("orin-nano", 289.0, 41.0, 120)].map(point).into();
    let points = vec![[92.0, 19.5], [289.0, 41.0]];
    series.push(Series { name: "nothing is better at this price or below".to_owned(), points, n: 0 });
    let of = costs();
    Chart {
        id: "price-rate".to_owned(),
        title: "Price and sustained output rate".to_owned(),
        caption: "Higher is better, and so is to the left.".to_owned(),
        form: ChartForm::DottedLine,
        x: Axis { label: "price of one device (EUR)".to_owned(), ..of.x },
        y: Axis { label: "sustained output rate".to_owned(), unit: AxisUnit::TokensPerSecond, ..of.y },
        series,
        marks: Vec::new(),
    }
}
