//! Latency and throughput against concurrency and rate.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};
use dyno_view::load::{CellLoadView, LatencyFigure, LatencyView, OriginView};
use dyno_view::report::UnitView;

/// House rule: values that span more decades go on a logarithmic axis.
const LINEAR_DECADES: f64 = 2.0;
/// The percentiles that are drawn.
const DRAWN: [(u32, &str); 3] = [(500, "p50"), (950, "p95"), (990, "p99")];

/// What loads are laid out along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Along {
    Users,
    Rate,
}

/// Points of one line: a load, and what it showed.
pub(super) type Points<'v> = Vec<(f64, &'v CellLoadView)>;

/// Vertical marks and horizontal limits of the charts of one line.
#[derive(Default)]
pub(super) struct Drawn {
    pub(super) marks: Vec<Mark>,
    /// Metric, limit in ns, and its name.
    pub(super) limits: Vec<(String, f64, String)>,
}

/// Logarithmic where values span more than two decades and all are above 0.
pub(super) fn scale(values: impl Iterator<Item = f64>) -> Scale {
    let (low, high) =
        values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if low > 0.0 && high > low * 10_f64.powf(LINEAR_DECADES) { Scale::Log } else { Scale::Linear }
}

/// TTFT and TPOT, then what was answered, each a chart; none of fewer than two points.
pub(super) fn charts(along: Along, name: &str, points: &Points<'_>, drawn: &Drawn) -> Vec<Chart> {
    if points.len() < 2 {
        return Vec::new();
    }
    let is_due = points.iter().any(|(_, load)| load.offered_per_s.is_some());
    let ttft = if is_due { "ttft_sched_ns" } else { "ttft_ns" };
    let from = if is_due { "From the instant at which a request was due. " } else { "From the send. " };
    let latency =
        |metric: &str, title: &str, text: &str| latency(along, name, points, drawn, (metric, title, text));
    let latencies =
        [latency(ttft, "TTFT", from), latency("tpot_ns", "TPOT", "Time for each token after the first. ")];
    let all = latencies.into_iter().chain([throughput(along, name, points, drawn)]);
    all.filter(|chart| chart.series.iter().any(|series| !series.points.is_empty())).collect()
}

fn x_axis(along: Along, points: &Points<'_>) -> Axis {
    let scale = scale(points.iter().map(|(x, _)| *x));
    match along {
        Along::Users => Axis { label: "users at once".to_owned(), unit: AxisUnit::Count, scale },
        Along::Rate => Axis { label: "offered rate".to_owned(), unit: AxisUnit::RequestsPerSecond, scale },
    }
}

fn title(along: Along, name: &str, what: &str) -> String {
    match along {
        Along::Users => format!("{what} against users"),
        Along::Rate if name.is_empty() => format!("{what} against offered rate"),
        Along::Rate => format!("{what} against offered rate, {name} arrivals"),
    }
}

fn id(along: Along, name: &str, what: &str) -> String {
    let along = match along {
        Along::Users => "users",
        Along::Rate => "rate",
    };
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{what}-by-{along}{}", if name.is_empty() { name } else { format!("-{}", name.to_lowercase()) })
}

fn latency(
    along: Along,
    name: &str,
    points: &Points<'_>,
    drawn: &Drawn,
    (metric, what, text): (&str, &str, &str),
) -> Chart {
    let of = |load: &CellLoadView| load.latencies.iter().find(|of| of.metric == metric).cloned();
    let with: Vec<(f64, LatencyView)> = points.iter().filter_map(|(x, load)| Some((*x, of(load)?))).collect();
    let mut is_bound = false;
    let mut series: Vec<Series> = DRAWN
        .iter()
        .map(|(permille, label)| {
            let point = |(x, latency): &(f64, LatencyView)| {
                let figure = latency.figures.iter().find(|figure| figure.permille == *permille)?;
                match figure.figure {
                    LatencyFigure::Estimate { value, .. } | LatencyFigure::Observed { value } => {
                        Some([*x, value])
                    }
                    LatencyFigure::AtLeast { low, .. } => {
                        is_bound = true;
                        Some([*x, low])
                    }
                    // The median of these requests is known, whatever can be claimed beyond them.
                    LatencyFigure::TooFew { .. } => {
                        latency.median_ns.filter(|_| *permille == 500).map(|median| [*x, median])
                    }
                }
            };
            let points = with.iter().filter_map(point).collect();
            Series { name: (*label).to_owned(), points, n: with.iter().map(|(_, latency)| latency.n).sum() }
        })
        .collect();
    let ends = points.iter().map(|(x, _)| *x);
    let (low, high) = (ends.clone().fold(f64::INFINITY, f64::min), ends.fold(0.0, f64::max));
    let limits = drawn.limits.iter().filter(|(of, ..)| of == metric);
    series.extend(limits.map(|(_, ns, name)| Series {
        name: name.clone(),
        points: vec![[low, *ns], [high, *ns]],
        n: 0,
    }));
    let bounds = if is_bound {
        "Where requests are too few for a percentile, the dot is its lower bound. "
    } else {
        ""
    };
    let y = Axis {
        label: if with.iter().any(|(_, of)| of.origin == OriginView::Due) {
            format!("{what} from due")
        } else {
            what.to_owned()
        },
        unit: AxisUnit::Ns,
        scale: scale(series.iter().flat_map(|series| &series.points).map(|point| point[1])),
    };
    Chart {
        id: id(along, name, if metric == "tpot_ns" { "tpot" } else { "ttft" }),
        title: title(along, name, what),
        caption: format!("{text}{bounds}{}", scale_words(y.scale)).trim_end().to_owned(),
        form: ChartForm::DottedLine,
        x: x_axis(along, points),
        y,
        series,
        marks: drawn.marks.clone(),
    }
}

fn scale_words(scale: Scale) -> &'static str {
    match scale {
        Scale::Linear => "",
        Scale::Log => "Equal distances are equal ratios.",
    }
}

/// What came back: tokens of all users, or requests beside what was offered.
fn throughput(along: Along, name: &str, points: &Points<'_>, drawn: &Drawn) -> Chart {
    let series = |name: &str, value: &dyn Fn(&CellLoadView) -> Option<f64>| Series {
        name: name.to_owned(),
        points: points.iter().filter_map(|(x, load)| Some([*x, value(load)?])).collect(),
        n: points.iter().map(|(_, load)| load.n_answered).sum(),
    };
    let good = |load: &CellLoadView| load.good.as_ref().and_then(|good| good.rate_per_s);
    let (what, unit, series, caption) = match along {
        Along::Users => (
            "System output rate",
            UnitView::TokensPerSecond,
            vec![series("all users together", &|load| load.output_tokens_per_s)],
            "Tokens of all answers per second. Where the line turns flat, more users only wait longer.",
        ),
        Along::Rate => (
            "Answered",
            UnitView::RequestsPerSecond,
            vec![
                series("answered", &|load| load.answered_per_s),
                series("good", &good),
                Series { n: 0, ..series("offered", &|load| load.offered_per_s) },
            ],
            "Answers per second beside the rate that was offered. Where they part, requests queue.",
        ),
    };
    let unit = if unit == UnitView::TokensPerSecond {
        AxisUnit::TokensPerSecond
    } else {
        AxisUnit::RequestsPerSecond
    };
    let series: Vec<Series> = series.into_iter().filter(|series| !series.points.is_empty()).collect();
    let scale = scale(series.iter().flat_map(|series| &series.points).map(|point| point[1]));
    Chart {
        id: id(along, name, "throughput"),
        title: title(along, name, what),
        caption: format!("{caption} {}", scale_words(scale)).trim_end().to_owned(),
        form: ChartForm::DottedLine,
        x: x_axis(along, points),
        y: Axis { label: what.to_lowercase(), unit, scale },
        series,
        marks: drawn.marks.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_two_decades_are_logarithmic() {
        assert_eq!(scale([1.0, 100.0].into_iter()), Scale::Linear);
        assert_eq!(scale([1.0, 101.0].into_iter()), Scale::Log);
        assert_eq!(scale([0.0, 101.0].into_iter()), Scale::Linear);
        assert_eq!(scale(std::iter::empty()), Scale::Linear);
    }

    #[test]
    fn names_of_charts_are_anchors() {
        assert_eq!(id(Along::Rate, "gamma(0.25)", "ttft"), "ttft-by-rate-gamma025");
        assert_eq!(id(Along::Users, "", "tpot"), "tpot-by-users");
    }
}
