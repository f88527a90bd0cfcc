//! A buyer's figures in words.

use dyno_view::recommend::{AmountUnit, AmountView};
use dyno_view::report::UnitView;

use crate::words::{Multiple, Worded, decimals_for, grouped, ranged, value};

/// Years shorter than that are told in months.
const MONTHS_BELOW_YEARS: f64 = 1.0;

/// A figure with its interval, or why there is none.
pub(super) fn worded(of: &AmountView) -> Worded {
    let Some(value) = of.value else {
        let reason = of.why.clone().unwrap_or_else(|| "not known".to_owned());
        return match of.interval {
            // A range without a figure of its own.
            Some([low, high]) => {
                Worded::Missing { reason: format!("{reason}: {}", span(of.unit, low, high)) }
            }
            None => Worded::Missing { reason },
        };
    };
    match (of.interval, known_unit(of.unit)) {
        (Some([low, high]), Some(unit)) => ranged(unit, [value, low, high]),
        (Some([low, high]), None) => own_range(of.unit, [value, low, high]),
        (None, _) => Worded::Estimate { value: plain(of.unit, value), interval: String::new() },
    }
}

/// A figure by itself: `92.50 EUR`.
pub(super) fn plain(unit: AmountUnit, figure: f64) -> String {
    if let Some(unit) = known_unit(unit) {
        return value(unit, figure);
    }
    match unit {
        AmountUnit::Devices => counted(figure, "device", "devices"),
        AmountUnit::Users => counted(figure, "user", "users"),
        AmountUnit::Years if figure > 0.0 && figure < MONTHS_BELOW_YEARS => {
            format!("{} months", grouped(figure * 12.0, 1))
        }
        _ => with_sign(&grouped(figure, digits(unit, figure)), unit),
    }
}

/// `12 – 15 tok/s`.
fn span(unit: AmountUnit, low: f64, high: f64) -> String {
    format!("{} – {}", plain(unit, low), plain(unit, high))
}

/// Units that all reports have.
fn known_unit(unit: AmountUnit) -> Option<UnitView> {
    match unit {
        AmountUnit::TokensPerSecond => Some(UnitView::TokensPerSecond),
        AmountUnit::RequestsPerSecond => Some(UnitView::RequestsPerSecond),
        AmountUnit::Joules | AmountUnit::JoulesPerToken => Some(UnitView::Joules),
        AmountUnit::Watts => Some(UnitView::Watts),
        AmountUnit::Ns => Some(UnitView::Ns),
        AmountUnit::Bytes => Some(UnitView::Bytes),
        AmountUnit::BytesPerSecond => Some(UnitView::BytesPerSecond),
        AmountUnit::Ratio => Some(UnitView::Ratio),
        AmountUnit::Tokens
        | AmountUnit::Eur
        | AmountUnit::EurPerMillionTokens
        | AmountUnit::EurPerKwh
        | AmountUnit::RequestsPerDay
        | AmountUnit::RequestsPerUserHour
        | AmountUnit::Devices
        | AmountUnit::Users
        | AmountUnit::Years => None,
    }
}

fn sign(unit: AmountUnit) -> &'static str {
    match unit {
        AmountUnit::Eur | AmountUnit::EurPerMillionTokens => "EUR",
        AmountUnit::EurPerKwh => "EUR/kWh",
        AmountUnit::RequestsPerDay => "a day",
        AmountUnit::RequestsPerUserHour => "an hour",
        AmountUnit::Years => "years",
        AmountUnit::Tokens => "tokens",
        _ => "",
    }
}

fn with_sign(figure: &str, unit: AmountUnit) -> String {
    match sign(unit) {
        "" => figure.to_owned(),
        sign => format!("{figure} {sign}"),
    }
}

fn counted(figure: f64, one: &str, many: &str) -> String {
    let exactly_one = (figure - 1.0).abs() < 1e-9;
    format!("{} {}", grouped(figure, 0), if exactly_one { one } else { many })
}

/// Decimals of a figure without an interval: cents of what is paid, three digits of the rest.
fn digits(unit: AmountUnit, figure: f64) -> i32 {
    let is_whole = figure.fract().abs() < 1e-9;
    let three = (2 - figure.abs().max(1e-12).log10().floor() as i32).max(0);
    match unit {
        _ if is_whole => 0,
        AmountUnit::Eur => 2,
        AmountUnit::Tokens | AmountUnit::Devices | AmountUnit::Users => 0,
        _ => three.clamp(0, 6),
    }
}

/// A figure with bounds in a unit of money, time or count; bounds are rounded outwards.
fn own_range(unit: AmountUnit, figures: [f64; 3]) -> Worded {
    if unit == AmountUnit::Devices {
        let [_, low, high] = figures;
        return Worded::Estimate {
            value: plain(unit, figures[0]),
            interval: format!("[{} – {}]", grouped(low.floor().max(1.0), 0), grouped(high.ceil(), 0)),
        };
    }
    let multiple = match unit {
        AmountUnit::Tokens => millions(figures[0]),
        AmountUnit::Years if figures[0] < MONTHS_BELOW_YEARS => {
            Multiple { factor: 1.0 / 12.0, sign: "months", max_decimals: 6 }
        }
        _ => Multiple { factor: 1.0, sign: sign(unit), max_decimals: 6 },
    };
    let [value, low, high] = figures.map(|figure| figure / multiple.factor);
    let decimals = decimals_for(value, (high - low) / 2.0).min(multiple.max_decimals);
    let scale = 10_f64.powi(decimals);
    let (low, high) = ((low * scale + 1e-6).floor() / scale, (high * scale - 1e-6).ceil() / scale);
    Worded::Estimate {
        value: format!("{} {}", grouped(value, decimals), multiple.sign).trim_end().to_owned(),
        interval: format!("[{} – {}]", grouped(low, decimals), grouped(high, decimals)),
    }
}

/// Tokens of years are many.
fn millions(tokens: f64) -> Multiple {
    if tokens >= 1e6 {
        Multiple { factor: 1e6, sign: "million tokens", max_decimals: 6 }
    } else {
        Multiple { factor: 1.0, sign: "tokens", max_decimals: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(unit: AmountUnit, value: f64, interval: Option<[f64; 2]>) -> AmountView {
        AmountView { unit, value: Some(value), interval, n: 9, why: None }
    }

    #[test]
    fn figures_have_as_many_digits_as_their_interval_supports() {
        let check = |unit, value, interval, expected: &str| {
            assert_eq!(worded(&amount(unit, value, interval)).line().trim_end(), expected);
        };
        check(AmountUnit::Eur, 92.5, None, "92.50 EUR");
        check(AmountUnit::Eur, 120.0, None, "120 EUR");
        check(AmountUnit::Eur, 130.2427, Some([128.1, 133.9]), "130.2 EUR [128.1 – 133.9]");
        check(AmountUnit::EurPerMillionTokens, 0.825_4, Some([0.81, 0.84]), "0.825 EUR [0.810 – 0.840]");
        check(AmountUnit::EurPerKwh, 0.3, None, "0.300 EUR/kWh");
        check(AmountUnit::RequestsPerDay, 1234.4, Some([1100.0, 1400.0]), "1,230 a day [1,100 – 1,400]");
        check(AmountUnit::Devices, 3.0, Some([2.0, 4.0]), "3 devices [2 – 4]");
        check(AmountUnit::Devices, 1.0, None, "1 device");
        check(AmountUnit::Years, 3.0, None, "3 years");
        check(AmountUnit::Years, 0.25, None, "3.0 months");
        check(AmountUnit::Years, 0.25, Some([0.24, 0.27]), "3.00 months [2.88 – 3.24]");
        check(
            AmountUnit::Tokens,
            157_788_000.0,
            Some([150e6, 165e6]),
            "157.8 million tokens [150.0 – 165.0]",
        );
        check(AmountUnit::TokensPerSecond, 24.31, Some([24.1, 24.5]), "24.31 tok/s [24.10 – 24.50]");
    }

    #[test]
    fn what_is_missing_says_why() {
        let mut none = amount(AmountUnit::Eur, 0.0, None);
        (none.value, none.why) = (None, Some("no price".to_owned()));
        assert_eq!(worded(&none).line(), "n/a (no price)");
        none.interval = Some([12.0, 15.0]);
        (none.unit, none.why) =
            (AmountUnit::TokensPerSecond, Some("no prediction: the range of two devices".to_owned()));
        assert_eq!(
            worded(&none).line(),
            "n/a (no prediction: the range of two devices: 12.0 tok/s – 15.0 tok/s)"
        );
    }
}
