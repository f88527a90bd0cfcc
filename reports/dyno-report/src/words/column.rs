//! Figures below each other: one unit and one number of decimals, so that a column can be read down.

use dyno_view::comparison::ComparedFigure;
use dyno_view::report::UnitView;

use super::figure::outwards;
use super::number::{decimals_for, exponent, grouped, three_digits};
use super::text::{count, plural};
use super::unit::Multiple;

/// A column in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Sign of the unit that all its figures have.
    pub sign: &'static str,
    /// The figures, from top to bottom.
    pub figures: Vec<Entry>,
}

/// One figure of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `92.1`, without the unit, or `n/a`.
    pub value: String,
    /// `[90.3 – 94.1]`, or in parentheses what is to be said instead.
    pub note: String,
    /// Whether there is no figure.
    pub is_missing: bool,
}

impl Entry {
    /// `92.1 [90.3 – 94.1]`.
    pub fn line(&self) -> String {
        if self.note.is_empty() { self.value.clone() } else { format!("{} {}", self.value, self.note) }
    }
}

/// Words the figures of one column; one in which all figures are missing has no unit.
///
/// The unit is that in which the middle of `unit_of` (by ratio) is 1 or more: the figures themselves, or those of a
/// column beside that is to have the same unit. All have as many decimals as the least precise of
/// them supports, but enough for two digits of the smallest, as far as its own interval supports them; without
/// decimals, each is rounded to the tens or hundreds that its own interval supports.
pub fn column(unit: UnitView, figures: &[&ComparedFigure], unit_of: &[&ComparedFigure]) -> Column {
    let values: Vec<f64> =
        unit_of.iter().filter_map(|figure| parts(figure)).map(|[_, value, _]| value).collect();
    let multiple = Multiple::of(unit, middle(&values));
    let decimals = common_decimals(figures, multiple);
    // A unit of nothing would only make a reader wonder.
    let has_any = figures.iter().any(|figure| parts(figure).is_some());
    Column {
        sign: if has_any { multiple.sign } else { "" },
        figures: figures.iter().map(|figure| entry(figure, multiple, decimals)).collect(),
    }
}

/// `[low, value, high]`; a figure without an interval is its own bounds.
fn parts(figure: &ComparedFigure) -> Option<[f64; 3]> {
    match figure {
        ComparedFigure::Estimate { value, low, high, .. } => Some([*low, *value, *high]),
        ComparedFigure::Highest { value, .. } => Some([*value; 3]),
        ComparedFigure::TooFew { .. } | ComparedFigure::Missing { .. } => None,
    }
}

fn middle(values: &[f64]) -> f64 {
    let positive = || values.iter().copied().filter(|value| *value > 0.0);
    let (low, high) = (positive().min_by(f64::total_cmp), positive().max_by(f64::total_cmp));
    low.zip(high).map_or(0.0, |(low, high)| (low * high).sqrt())
}

/// Decimals that one figure supports by itself.
fn supported(figure: &ComparedFigure, multiple: Multiple) -> Option<(f64, i32)> {
    let [low, value, high] = parts(figure)?.map(|figure| figure / multiple.factor);
    let decimals = match figure {
        ComparedFigure::Estimate { .. } => decimals_for(value, (high - low) / 2.0),
        ComparedFigure::Highest { .. } | ComparedFigure::TooFew { .. } | ComparedFigure::Missing { .. } => {
            three_digits(value)
        }
    };
    Some((value, decimals))
}

fn common_decimals(figures: &[&ComparedFigure], multiple: Multiple) -> i32 {
    let all: Vec<(f64, i32)> = figures.iter().filter_map(|figure| supported(figure, multiple)).collect();
    let least = all.iter().map(|(_, decimals)| *decimals).min().unwrap_or(0);
    let smallest = all.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let two_digits = smallest.map_or(0, |(value, decimals)| (1 - exponent(*value)).min(*decimals));
    least.max(two_digits).clamp(0, multiple.max_decimals)
}

fn entry(figure: &ComparedFigure, multiple: Multiple, decimals: i32) -> Entry {
    let missing =
        |note: String| Entry { value: "n/a".to_owned(), note: format!("({note})"), is_missing: true };
    match figure {
        ComparedFigure::Missing { reason } => missing(reason.clone()),
        ComparedFigure::TooFew { n, needed } => missing(format!("n = {} < {}", count(*n), count(*needed))),
        ComparedFigure::Highest { value, n } => Entry {
            value: grouped(value / multiple.factor, decimals),
            note: format!("({})", plural(*n, "launch", "launches")),
            is_missing: false,
        },
        ComparedFigure::Estimate { value, low, high, .. } => {
            let own = supported(figure, multiple).map_or(0, |(_, own)| own);
            let decimals = if decimals == 0 { own.min(0) } else { decimals };
            let (low, high) = outwards(low / multiple.factor, high / multiple.factor, decimals);
            Entry {
                value: grouped(value / multiple.factor, decimals),
                note: format!("[{} – {}]", grouped(low, decimals), grouped(high, decimals)),
                is_missing: false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, low: f64, high: f64) -> ComparedFigure {
        ComparedFigure::Estimate { value, low, high, n: 120 }
    }

    fn check(unit: UnitView, figures: &[ComparedFigure], sign: &str, expected: &[&str]) {
        let figures: Vec<&ComparedFigure> = figures.iter().collect();
        let found = column(unit, &figures, &figures);
        let lines: Vec<String> = found.figures.iter().map(Entry::line).collect();
        assert_eq!((found.sign, lines), (sign, expected.iter().map(|&line| line.to_owned()).collect()));
    }

    #[test]
    fn a_column_has_one_unit_and_one_number_of_decimals() {
        // Half-widths 1.85 ms and 0.25 ms support one and two decimals: one for both.
        check(
            UnitView::Ns,
            &[estimate(92.123e6, 90.311e6, 94.011e6), estimate(31.416e6, 31.2e6, 31.7e6)],
            "ms",
            &["92.1 [90.3 – 94.1]", "31.4 [31.2 – 31.7]"],
        );
        // 0.9 s beside 20 ms: the middle is 134 ms. ± 45 ms supports whole ms, and so does the column.
        check(
            UnitView::Ns,
            &[estimate(20.44e6, 20.3e6, 20.6e6), estimate(902e6, 870e6, 960e6)],
            "ms",
            &["20 [20 – 21]", "902 [870 – 960]"],
        );
        // ± 450 ms supports tens of ms; no decimals are added for it.
        check(
            UnitView::Ns,
            &[estimate(20.44e6, 20.3e6, 20.6e6), estimate(4_123e6, 3_701e6, 4_601e6)],
            "ms",
            &["20 [20 – 21]", "4,120 [3,700 – 4,610]"],
        );
    }

    #[test]
    fn the_smallest_keeps_two_digits() {
        check(
            UnitView::TokensPerSecond,
            &[estimate(45.21, 44.9, 45.6), estimate(0.4123, 0.4101, 0.4145)],
            "tok/s",
            &["45.21 [44.90 – 45.60]", "0.41 [0.41 – 0.42]"],
        );
        // Unless its own interval does not support them.
        check(UnitView::TokensPerSecond, &[estimate(3.0, 1.0, 95.0)], "tok/s", &["3 [1 – 95]"]);
    }

    #[test]
    fn percentiles_of_one_metric_share_a_unit() {
        let p50 = estimate(92.123e6, 90.311e6, 94.011e6);
        let p95 = estimate(1_201e6, 870e6, 1_770e6);
        let found = column(UnitView::Ns, &[&p95], &[&p50]);
        assert_eq!((found.sign, found.figures[0].line().as_str()), ("ms", "1,200 [870 – 1,770]"));
    }

    #[test]
    fn what_is_missing_says_why() {
        check(
            UnitView::Ns,
            &[
                estimate(92.123e6, 90.311e6, 94.011e6),
                ComparedFigure::TooFew { n: 12, needed: 36 },
                ComparedFigure::Missing { reason: "not measured".to_owned() },
            ],
            "ms",
            &["92.1 [90.3 – 94.1]", "n/a (n = 12 < 36)", "n/a (not measured)"],
        );
        check(
            UnitView::Bytes,
            &[
                ComparedFigure::Highest { value: 452_984_832.0, n: 3 },
                ComparedFigure::Highest { value: 41_943_040.0, n: 1 },
            ],
            "MiB",
            &["432 (3 launches)", "40 (1 launch)"],
        );
    }
}
