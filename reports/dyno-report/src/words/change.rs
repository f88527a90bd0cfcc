//! Changes: ratios as signed per cent, with as many digits as their interval supports.

use super::figure::outwards;
use super::number::{exponent, grouped};

/// Most decimals of a change in per cent.
const MAX_DECIMALS: i32 = 3;
/// Decimals of a change without a width.
const NO_WIDTH: i32 = 2;

/// A ratio as a change, with its interval: `+4.2 %` and `[+2.9 – +5.5]`. The interval is empty without bounds.
///
/// Two digits of the half-width count; bounds are rounded outwards.
pub fn change(ratio: f64, bounds: Option<[f64; 2]>) -> (String, String) {
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    let Some([low, high]) = bounds.map(|bounds| bounds.map(percent)) else {
        return (format!("{} %", signed(percent(ratio), 1)), String::new());
    };
    let half_width = (high - low) / 2.0;
    let decimals = if half_width > 0.0 && half_width.is_finite() {
        (1 - exponent(half_width * (1.0 + 1e-9))).clamp(0, MAX_DECIMALS)
    } else {
        NO_WIDTH
    };
    let (low, high) = outwards(low, high, decimals);
    let interval = format!("[{} – {}]", signed(low, decimals), signed(high, decimals));
    (format!("{} %", signed(percent(ratio), decimals)), interval)
}

/// A share that needs no sign, with two digits: `3 %`, `2.5 %`, `0.42 %`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = (1 - exponent(percent * (1.0 + 1e-9))).clamp(0, MAX_DECIMALS);
    let text = grouped(percent, decimals);
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{short} %")
}

/// A confidence with two digits of what is missing to certainty, rounded down: `95 %`, `99.58 %`.
pub fn confidence(share: f64) -> String {
    let missing = (1.0 - share) * 100.0;
    let decimals = (1 - exponent(missing * (1.0 + 1e-9))).clamp(0, MAX_DECIMALS);
    let scale = 10_f64.powi(decimals);
    let text = grouped((share * 100.0 * scale + 1e-6).floor() / scale, decimals);
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{short} %")
}

/// `0.031`, `< 0.001`.
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { grouped(p, 3) }
}

/// With its sign, unless it rounds to nothing.
fn signed(value: f64, decimals: i32) -> String {
    let text = grouped(value, decimals);
    let is_more = value > 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    if is_more { format!("+{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_two_digits_of_its_half_width() {
        let check = |ratio: f64, low: f64, high: f64, expected: (&str, &str)| {
            let (value, interval) = change(ratio, Some([low, high]));
            assert_eq!((value.as_str(), interval.as_str()), expected);
        };
        // Half-width 1.3 %: one decimal; bounds go outwards.
        check(1.0421, 1.0293, 1.0553, ("+4.2 %", "[+2.9 – +5.6]"));
        check(0.9579, 0.9451, 0.9707, ("-4.2 %", "[-5.5 – -2.9]"));
        // Half-width 0.13 %: two decimals, and what rounds to nothing has no sign.
        check(1.000_02, 0.998_72, 1.001_32, ("0.00 %", "[-0.13 – +0.14]"));
        // Half-width 14 %: none.
        check(1.42, 1.28, 1.56, ("+42 %", "[+28 – +56]"));
        check(1.0, 1.0, 1.0, ("0.00 %", "[0.00 – 0.00]"));
    }

    #[test]
    fn without_bounds_there_is_no_interval() {
        assert_eq!(change(1.25, None), ("+25.0 %".to_owned(), String::new()));
        assert_eq!(change(f64::NAN, None), ("n/a %".to_owned(), String::new()));
    }

    #[test]
    fn shares_and_p_values_are_short() {
        assert_eq!(
            [percent(0.03), percent(0.025), percent(0.0042), percent(0.152)],
            ["3 %", "2.5 %", "0.42 %", "15 %"]
        );
        assert_eq!(percent(0.2), "20 %");
        assert_eq!(
            [confidence(0.95), confidence(0.995_83), confidence(0.999_96)],
            ["95 %", "99.58 %", "99.996 %"]
        );
        assert_eq!([p_value(0.0314), p_value(0.0009), p_value(1.0)], ["0.031", "< 0.001", "1.000"]);
    }
}
