//! Latencies under load.

use dyno_view::load::{LatencyFigure, LatencyView};
use dyno_view::report::UnitView;

use super::column::Entry;
use super::figure::outwards;
use super::number::{decimals_for, grouped, three_digits};
use super::text::count;
use super::unit::Multiple;

/// The percentiles of a latency, in the order of the view; all in the unit of the lowest that has a value.
pub fn latency(view: &LatencyView) -> Vec<Entry> {
    let value = |figure: &LatencyFigure| match figure {
        LatencyFigure::Estimate { value, .. } | LatencyFigure::Observed { value } => Some(*value),
        LatencyFigure::AtLeast { low, .. } => Some(*low),
        LatencyFigure::TooFew { .. } => None,
    };
    let reference = view.figures.iter().find_map(|of| value(&of.figure)).or(view.max_ns).unwrap_or(0.0);
    let multiple = Multiple::of(UnitView::Ns, reference);
    view.figures.iter().map(|of| entry(&of.figure, multiple, view.n)).collect()
}

/// One percentile by itself, without what stands behind it: `8.10 s`, `≥ 15.3 s`, `n/a`.
pub fn latency_value(figure: &LatencyFigure) -> String {
    let of = |ns: f64| {
        let multiple = Multiple::of(UnitView::Ns, ns);
        alone(ns, multiple)
    };
    match figure {
        LatencyFigure::Estimate { value, low, high } => {
            let multiple = Multiple::of(UnitView::Ns, *value);
            entry(&LatencyFigure::Estimate { value: *value, low: *low, high: *high }, multiple, 0).value
        }
        LatencyFigure::Observed { value } => of(*value),
        LatencyFigure::AtLeast { low, .. } => format!("≥ {}", of(*low)),
        LatencyFigure::TooFew { .. } => "n/a".to_owned(),
    }
}

/// `n_requests` may be worth fewer independent ones.
fn entry(figure: &LatencyFigure, multiple: Multiple, n_requests: u64) -> Entry {
    let too_few = |n: u64, needed: u64| {
        let worth =
            if n == n_requests { count(n) } else { format!("{}, worth {}", count(n_requests), count(n)) };
        format!("(n = {worth} < {})", count(needed))
    };
    let (value, note) = match figure {
        LatencyFigure::Estimate { value, low, high } => {
            let [value, low, high] = [value, low, high].map(|ns| ns / multiple.factor);
            let decimals = decimals_for(value, (high - low) / 2.0).min(multiple.max_decimals);
            let (low, high) = outwards(low, high, decimals);
            let note = format!("[{} – {}]", grouped(low, decimals), grouped(high, decimals));
            (format!("{} {}", grouped(value, decimals), multiple.sign), note)
        }
        LatencyFigure::Observed { value } => (alone(*value, multiple), "(observed)".to_owned()),
        LatencyFigure::AtLeast { low, n, needed } => {
            (format!("≥ {}", alone(*low, multiple)), too_few(*n, *needed))
        }
        LatencyFigure::TooFew { n, needed } => ("n/a".to_owned(), too_few(*n, *needed)),
    };
    Entry { value, note, is_missing: matches!(figure, LatencyFigure::TooFew { .. }) }
}

fn alone(ns: f64, multiple: Multiple) -> String {
    let scaled = ns / multiple.factor;
    format!("{} {}", grouped(scaled, three_digits(scaled).min(multiple.max_decimals)), multiple.sign)
}

#[cfg(test)]
mod tests {
    use dyno_view::load::{LatencyFigureView, OriginView};

    use super::*;

    fn lines(figures: &[LatencyFigure]) -> Vec<String> {
        let figures = figures.iter().zip([500, 900, 950, 990]);
        let view = LatencyView {
            metric: "ttft_sched_ns".to_owned(),
            label: "TTFT".to_owned(),
            origin: OriginView::Due,
            n: 40,
            of: 40,
            median_ns: Some(8.1e9),
            max_ns: Some(16.1e9),
            no_interval: None,
            figures: figures
                .map(|(figure, permille)| LatencyFigureView { permille, figure: *figure })
                .collect(),
        };
        latency(&view).iter().map(Entry::line).collect()
    }

    #[test]
    fn a_row_has_one_unit_and_says_what_each_figure_is() {
        let estimate = LatencyFigure::Estimate { value: 812e6, low: 700e6, high: 1_450e6 };
        let at_least = LatencyFigure::AtLeast { low: 15.3e9, n: 40, needed: 368 };
        let found = lines(&[estimate, LatencyFigure::Observed { value: 8.1e9 }, at_least]);
        assert_eq!(found, ["810 ms [700 – 1,450]", "8,100 ms (observed)", "≥ 15,300 ms (n = 40 < 368)"]);
        assert_eq!(lines(&[LatencyFigure::TooFew { n: 4, needed: 36 }]), ["n/a (n = 40, worth 4 < 36)"]);
        assert_eq!(latency_value(&at_least), "≥ 15.3 s");
    }
}
