//! Figures: a value with its interval, or the reason why there is none.

use dyno_view::report::{MetricView, QuantileFigure, UnitView};

use super::number::{decimals_for, grouped, three_digits};
use super::unit::Multiple;

/// A figure in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worded {
    /// A value with its interval.
    Estimate {
        /// `92.1 ms`.
        value: String,
        /// `[90.3 – 94.0]`, in the same unit.
        interval: String,
    },
    /// No value.
    Missing {
        /// `n = 120 < 368`.
        reason: String,
    },
}

impl Worded {
    /// `92.1 ms [90.3 – 94.0]` or `n/a (n = 120 < 368)`.
    pub fn line(&self) -> String {
        let (value, note) = self.parts();
        if note.is_empty() { value } else { format!("{value} {note}") }
    }

    /// The value, and what stands behind it: the interval or the reason.
    pub fn parts(&self) -> (String, String) {
        match self {
            Self::Estimate { value, interval } => (value.clone(), interval.clone()),
            Self::Missing { reason } => ("n/a".to_owned(), format!("({reason})")),
        }
    }
}

/// A percentile of `metric` in words.
///
/// All percentiles of one metric use one unit, that of the lowest one estimated, so that a row can be compared.
/// The value is rounded to nearest; the bounds are rounded outwards, so that what is printed covers what was computed.
/// `n/a` when the metric has no such percentile.
pub fn quantile(metric: &MetricView, permille: u32) -> Worded {
    let found = metric.quantiles.iter().find(|quantile| quantile.permille == permille);
    match found.map(|quantile| &quantile.figure) {
        None => Worded::Missing { reason: "not computed".to_owned() },
        Some(QuantileFigure::TooFew { n, needed }) => Worded::Missing {
            reason: match metric.n_effective {
                None => too_few(*n, None, *needed),
                Some(_) => too_few(metric.n, Some(*n), *needed),
            },
        },
        Some(QuantileFigure::Estimate { value, low, high, .. }) => {
            estimate([*value, *low, *high], Multiple::of(metric.unit, reference(metric)))
        }
    }
}

/// `n = 120 < 368`, or `worth 212 < 368` where neighbours resemble each other.
fn too_few(n: u64, worth: Option<u64>, needed: u64) -> String {
    let (n, needed) = (grouped(n as f64, 0), grouped(needed as f64, 0));
    match worth {
        None => format!("n = {n} < {needed}"),
        Some(worth) => format!("worth {} < {needed}", grouped(worth as f64, 0)),
    }
}

/// The value that decides on the unit of a metric's row.
fn reference(metric: &MetricView) -> f64 {
    let estimated = metric.quantiles.iter().find_map(|quantile| match quantile.figure {
        QuantileFigure::Estimate { value, .. } => Some(value),
        QuantileFigure::TooFew { .. } => None,
    });
    estimated.or(metric.max).unwrap_or(0.0)
}

fn estimate(figures: [f64; 3], multiple: Multiple) -> Worded {
    let [value, low, high] = figures.map(|figure| figure / multiple.factor);
    let decimals = decimals_for(value, (high - low) / 2.0).min(multiple.max_decimals);
    let (low, high) = outwards(low, high, decimals);
    Worded::Estimate {
        value: with_sign(&grouped(value, decimals), multiple),
        interval: format!("[{} – {}]", grouped(low, decimals), grouped(high, decimals)),
    }
}

/// One percentile in words by itself: of `n` observations, worth fewer independent ones where that is said.
pub fn figure(unit: UnitView, of: &QuantileFigure, n: u64, n_effective: Option<u64>) -> Worded {
    match of {
        QuantileFigure::Estimate { value, low, high, .. } => {
            estimate([*value, *low, *high], Multiple::of(unit, *value))
        }
        QuantileFigure::TooFew { n: worth, needed } => {
            Worded::Missing { reason: too_few(n, n_effective.map(|_| *worth), *needed) }
        }
    }
}

/// A figure `[value, low, high]` with its bounds.
pub fn ranged(unit: UnitView, figures: [f64; 3]) -> Worded {
    estimate(figures, Multiple::of(unit, figures[0]))
}

/// Rounds down and up to `decimals`; a millionth of the last digit is forgiven, for `0.29 × 100` is not 29.
pub(super) fn outwards(low: f64, high: f64, decimals: i32) -> (f64, f64) {
    let scale = 10_f64.powi(decimals);
    ((low * scale + 1e-6).floor() / scale, (high * scale - 1e-6).ceil() / scale)
}

/// A single figure without an interval, with three significant digits: `1.21 s`.
pub fn value(unit: UnitView, figure: f64) -> String {
    let multiple = Multiple::of(unit, figure);
    with_sign(&scaled(figure, multiple), multiple)
}

/// A count has no sign.
fn with_sign(figure: &str, multiple: Multiple) -> String {
    if multiple.sign.is_empty() { figure.to_owned() } else { format!("{figure} {}", multiple.sign) }
}

/// The smallest and the largest observation: `1.12 – 1.31 s`, or one value when they are the same.
pub fn range(unit: UnitView, min: f64, max: f64) -> String {
    let (of_min, of_max) = (Multiple::of(unit, min), Multiple::of(unit, max));
    let (low, high) = (scaled(min, of_min), scaled(max, of_max));
    if of_min.sign != of_max.sign {
        format!("{low} {} – {high} {}", of_min.sign, of_max.sign)
    } else if low == high {
        with_sign(&high, of_max)
    } else {
        with_sign(&format!("{low} – {high}"), of_max)
    }
}

fn scaled(figure: f64, multiple: Multiple) -> String {
    let scaled = figure / multiple.factor;
    grouped(scaled, three_digits(scaled).min(multiple.max_decimals))
}

/// `p50`, `p99.9`.
pub fn quantile_name(permille: u32) -> String {
    if permille.is_multiple_of(10) {
        format!("p{}", permille / 10)
    } else {
        format!("p{}.{}", permille / 10, permille % 10)
    }
}

#[cfg(test)]
mod tests {
    use dyno_view::report::QuantileView;

    use super::*;

    fn metric(unit: UnitView, figures: &[(u32, [f64; 3])]) -> MetricView {
        let quantiles = figures
            .iter()
            .map(|&(permille, [value, low, high])| QuantileView {
                permille,
                figure: QuantileFigure::Estimate { value, low, high, low_rank: 1, high_rank: 2 },
            })
            .collect();
        let (metric, label) = ("m".to_owned(), "M".to_owned());
        MetricView {
            metric,
            label,
            unit,
            n: 10,
            n_effective: None,
            n_undefined: 0,
            min: None,
            max: None,
            quantiles,
        }
    }

    #[test]
    fn a_figure_has_as_many_digits_as_its_interval_supports() {
        let check = |unit: UnitView, figures: [f64; 3], expected: &str| {
            assert_eq!(quantile(&metric(unit, &[(500, figures)]), 500).line(), expected);
        };
        // Half-width 1.85 ms: two digits of it, one decimal.
        check(UnitView::Ns, [92_123_456.0, 90_311_000.0, 94_011_000.0], "92.1 ms [90.3 – 94.1]");
        // Half-width 45 ms: whole milliseconds.
        check(UnitView::Ns, [412_300_000.0, 371_400_000.0, 461_400_000.0], "412 ms [371 – 462]");
        // Half-width 0.45 s of 1.2 s: hundredths of a second would need two digits of it, and have them.
        check(UnitView::Ns, [1_201e6, 870e6, 1_770e6], "1.20 s [0.87 – 1.77]");
        // Half-width 0: four digits.
        check(UnitView::Ns, [20e6, 20e6, 20e6], "20.00 ms [20.00 – 20.00]");
        // 432 MiB to the byte, half-width 1 MiB.
        check(UnitView::Bytes, [452_984_832.0, 451_936_256.0, 454_033_408.0], "432.0 MiB [431.0 – 433.0]");
        // Tokens are whole.
        check(UnitView::Tokens, [58.0, 57.0, 58.0], "58 tokens [57 – 58]");
        check(UnitView::Ratio, [0.931, 0.92, 0.94], "93.1 % [92.0 – 94.0]");
        check(UnitView::TokensPerSecond, [24.31, 24.1, 24.5], "24.31 tok/s [24.10 – 24.50]");
    }

    #[test]
    fn bounds_are_rounded_outwards() {
        assert_eq!(outwards(90.39, 94.01, 1), (90.3, 94.1));
        assert_eq!(outwards(0.29, 0.29, 2), (0.29, 0.29));
    }

    #[test]
    fn a_row_has_one_unit() {
        let row = metric(UnitView::Ns, &[(500, [92e6, 90e6, 94e6]), (900, [1_830e6, 1_510e6, 2_150e6])]);
        assert_eq!(quantile(&row, 900).line(), "1,830 ms [1,510 – 2,150]");
    }

    #[test]
    fn too_few_observations_say_how_many_it_takes() {
        let mut row = metric(UnitView::Ns, &[]);
        row.quantiles =
            vec![QuantileView { permille: 990, figure: QuantileFigure::TooFew { n: 120, needed: 3688 } }];
        assert_eq!(quantile(&row, 990).line(), "n/a (n = 120 < 3,688)");
        assert_eq!(quantile(&row, 500).line(), "n/a (not computed)");
        (row.n, row.n_effective) = (4000, Some(120));
        assert_eq!(quantile(&row, 990).line(), "n/a (worth 120 < 3,688)");
    }

    #[test]
    fn single_figures_and_ranges_have_three_digits() {
        assert_eq!(value(UnitView::Ns, 1_214_000_000.0), "1.21 s");
        assert_eq!(value(UnitView::Bytes, 8_254_390_272.0), "7.69 GiB");
        assert_eq!(value(UnitView::Tokens, 1234.0), "1,234 tokens");
        assert_eq!(range(UnitView::Ns, 1_120e6, 1_312e6), "1.12 – 1.31 s");
        assert_eq!(range(UnitView::Ns, 312e3, 2e9), "312 µs – 2.00 s");
        assert_eq!(range(UnitView::Tokens, 5.0, 5.0), "5 tokens");
        assert_eq!(range(UnitView::Count, 5.0, 5.0), "5");
        assert_eq!(value(UnitView::Count, 1234.0), "1,234");
        assert_eq!(value(UnitView::BytesPerSecond, 1_234_000_000.0), "1.23 GB/s");
    }

    #[test]
    fn percentiles_are_named_by_per_cent() {
        assert_eq!(quantile_name(500), "p50");
        assert_eq!(quantile_name(999), "p99.9");
    }
}
