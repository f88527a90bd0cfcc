//! Quality against speed, latency and energy.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};
use dyno_view::quality::{FrontierFigureView, FrontierRowView};

use crate::recommend::frontier;

/// House rule: values that differ by more go on a logarithmic axis.
const LOG_RATIO: f64 = 10.0;
/// House rule: a picture of more cells is not read.
const MAX_CELLS: usize = 40;

/// What quality is drawn against.
struct Against {
    id: &'static str,
    title: &'static str,
    label: &'static str,
    unit: AxisUnit,
    higher_is_better: bool,
    /// What its bars are.
    bars: &'static str,
    figure: fn(&FrontierRowView) -> Option<FrontierFigureView>,
}

const ALL: [Against; 3] = [
    Against {
        id: "quality-speed",
        title: "Quality and speed",
        label: "decode rate p50",
        unit: AxisUnit::TokensPerSecond,
        higher_is_better: true,
        bars: "order statistics of the median",
        figure: |row| row.speed,
    },
    Against {
        id: "quality-latency",
        title: "Quality and latency",
        label: "E2E latency p95",
        unit: AxisUnit::Ns,
        higher_is_better: false,
        bars: "order statistics of the percentile",
        figure: |row| row.latency,
    },
    Against {
        id: "quality-energy",
        title: "Quality and energy",
        label: "energy per output token (J)",
        unit: AxisUnit::Count,
        higher_is_better: false,
        bars: "the uncertainty of the energy",
        figure: |row| row.energy,
    },
];

/// A chart for each figure that at least two cells have.
pub(super) fn charts(rows: &[FrontierRowView]) -> Vec<Chart> {
    ALL.iter().filter_map(|against| chart(against, rows)).collect()
}

/// A cell with both figures, each as `[value, low, high]`.
struct Placed<'r> {
    row: &'r FrontierRowView,
    x: [f64; 3],
    y: [f64; 3],
}

fn chart(against: &Against, rows: &[FrontierRowView]) -> Option<Chart> {
    let placed: Vec<Placed<'_>> = rows.iter().filter_map(|row| place(against, row)).take(MAX_CELLS).collect();
    if placed.len() < 2 {
        return None;
    }
    let mut series: Vec<Series> = placed.iter().map(|of| cross(against, of)).collect();
    let best = best(against, &placed);
    if best.len() > 1 {
        series.push(Series { name: "no other one is better in both".to_owned(), points: best, n: 0 });
    }
    let to = if against.higher_is_better { "right" } else { "left" };
    Some(Chart {
        id: against.id.to_owned(),
        title: against.title.to_owned(),
        caption: format!(
            "Higher is better, and so is to the {to}. Bars are 95 % intervals: exact binomial ones over the prompts, and {}. \
             The dashed line joins the cells that no other one beats in both, by their figures alone: where bars overlap, no order is claimed.",
            against.bars
        ),
        form: ChartForm::Crosses,
        x: Axis { label: against.label.to_owned(), unit: against.unit, scale: scale(&placed) },
        y: Axis { label: "prompts that pass".to_owned(), unit: AxisUnit::Ratio, scale: Scale::Linear },
        series,
        marks: Vec::new(),
    })
}

fn place<'r>(against: &Against, row: &'r FrontierRowView) -> Option<Placed<'r>> {
    let (figure, rate) = ((against.figure)(row)?, row.quality.rate?);
    let bounds = |value: f64, interval: Option<[f64; 2]>| {
        let [low, high] = interval.unwrap_or([value; 2]);
        [value, low, high]
    };
    Some(Placed { row, x: bounds(figure.value, figure.interval), y: bounds(rate, row.quality.interval) })
}

/// A dot with its bars; the energy of a cell stands with its name, so that one picture has all three.
fn cross(against: &Against, of: &Placed<'_>) -> Series {
    let ([x, x_low, x_high], [y, y_low, y_high]) = (of.x, of.y);
    let energy = of.row.energy.filter(|_| against.id != "quality-energy");
    let energy = energy.map(|of| format!(", {} J/token", three_digits(of.value))).unwrap_or_default();
    Series {
        name: format!("{}{energy}", of.row.name),
        points: vec![[x, y], [x_low, y], [x_high, y], [x, y_low], [x, y_high]],
        n: of.row.quality.n,
    }
}

/// The cells that no other one beats in both, from left to right.
fn best(against: &Against, placed: &[Placed<'_>]) -> Vec<[f64; 2]> {
    let cost = |x: f64| if against.higher_is_better { -x } else { x };
    let points: Vec<[f64; 2]> = placed.iter().map(|of| [cost(of.x[0]), of.y[0]]).collect();
    let mut best: Vec<[f64; 2]> = frontier(&points, true).into_iter().map(|[x, y]| [cost(x), y]).collect();
    best.sort_by(|a, b| a[0].total_cmp(&b[0]));
    best
}

fn scale(placed: &[Placed<'_>]) -> Scale {
    let low = placed.iter().map(|of| of.x[1]).fold(f64::INFINITY, f64::min);
    let high = placed.iter().map(|of| of.x[2]).fold(0.0, f64::max);
    if low > 0.0 && high / low > LOG_RATIO { Scale::Log } else { Scale::Linear }
}

/// `0.0312`, `1.05`, `118`.
fn three_digits(value: f64) -> String {
    let exponent = if value > 0.0 { value.log10().floor() as i32 } else { 0 };
    let decimals = usize::try_from(2 - exponent).unwrap_or(0).min(9);
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use dyno_view::quality::PassRateView;
    use dyno_view::report::UnitView;

    use super::*;

    fn row(name: &str, rate: f64, speed: Option<f64>, joules: Option<f64>) -> FrontierRowView {
        let figure =
            |value: f64, unit| FrontierFigureView { unit, value, interval: Some([value * 0.9, value * 1.1]) };
        let quality = PassRateView {
            n: 40,
            rate: Some(rate),
            interval: Some([rate - 0.1, rate + 0.1]),
            ..PassRateView::default()
        };
        FrontierRowView {
            cell: name.to_owned(),
            name: name.to_owned(),
            quality,
            speed: speed.map(|value| figure(value, UnitView::TokensPerSecond)),
            latency: None,
            energy: joules.map(|value| figure(value, UnitView::Joules)),
            beaten_by: Vec::new(),
        }
    }

    #[test]
    fn the_front_runs_from_the_rightest_to_the_fastest() {
        let rows = [
            row("fast", 0.4, Some(50.0), Some(0.0312)),
            row("right", 0.9, Some(20.0), None),
            row("neither", 0.3, Some(10.0), None),
            row("unknown", 0.9, None, None),
        ];
        let charts = charts(&rows);
        let [chart] = &charts[..] else { panic!("one figure is known of two cells: {charts:?}") };
        let names: Vec<&str> = chart.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names, ["fast, 0.0312 J/token", "right", "neither", "no other one is better in both"]);
        let last = chart.series.last().expect("the front");
        assert_eq!((last.n, &last.points), (0, &vec![[20.0, 0.9], [50.0, 0.4]]));
        assert_eq!(chart.series[1].points, [[20.0, 0.9], [18.0, 0.9], [22.0, 0.9], [20.0, 0.8], [20.0, 1.0]]);
    }

    #[test]
    fn less_energy_is_better() {
        let rows =
            [row("a", 0.9, None, Some(2.0)), row("b", 0.5, None, Some(1.0)), row("c", 0.4, None, Some(3.0))];
        let charts = charts(&rows);
        let [chart] = &charts[..] else { panic!("energy is known: {charts:?}") };
        let front = chart.series.last().expect("the front");
        assert_eq!((chart.id.as_str(), &front.points), ("quality-energy", &vec![[1.0, 0.5], [2.0, 0.9]]));
    }

    #[test]
    fn a_figure_beside_a_name_has_three_digits() {
        let check = |value: f64, expected: &str| assert_eq!(three_digits(value), expected);
        check(0.031_234, "0.0312");
        check(1.0474, "1.05");
        check(118.4, "118");
        check(0.0, "0.00");
    }
}
