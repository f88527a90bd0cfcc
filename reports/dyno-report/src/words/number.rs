//! How many digits, and how they are set.

/// Most significant digits of a printed figure, whatever its interval allows (house rule).
const MAX_SIGNIFICANT: i32 = 4;

/// `value` rounded to `decimals` places, with thousands separators: `1,234.5`.
///
/// Negative `decimals` round to tens, hundreds and so on: `grouped(1234.0, -2)` is `1,200`.
pub fn grouped(value: f64, decimals: i32) -> String {
    if !value.is_finite() {
        return "n/a".to_owned();
    }
    let rounded = if decimals < 0 {
        let step = 10_f64.powi(-decimals);
        (value / step).round() * step
    } else {
        value
    };
    let places = usize::try_from(decimals).unwrap_or(0);
    let text = format!("{:.places$}", rounded.abs());
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let is_zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    let mut out = String::with_capacity(text.len() + whole.len() / 3 + 1);
    if rounded < 0.0 && !is_zero {
        out.push('-');
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out.push_str(fraction);
    out
}

/// How many decimals `value` may have beside an interval of `half_width`, both in the printed unit.
///
/// Two digits of the half-width count, the most that the Guide to the Expression of Uncertainty in Measurement
/// (JCGM 100:2008, 7.2.6) finds useful.
/// At least one digit of `value` is kept, and at most [`MAX_SIGNIFICANT`] where decimals are concerned.
pub fn decimals_for(value: f64, half_width: f64) -> i32 {
    let most = (MAX_SIGNIFICANT - 1 - exponent(value)).max(0);
    if half_width <= 0.0 || !half_width.is_finite() {
        return most;
    }
    // A half-width that is a power of ten but for its last bit must not gain a digit by it.
    let supported = 1 - exponent(half_width * (1.0 + 1e-9));
    supported.max(-exponent(value)).min(most)
}

/// Decimals that give three significant digits: for figures that come without an interval (house rule).
pub(super) fn three_digits(value: f64) -> i32 {
    (2 - exponent(value)).max(0)
}

/// The power of ten of the leading digit; 0 for 0.
pub(super) fn exponent(value: f64) -> i32 {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    value.abs().log10().floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_and_rounding_goes_both_ways_of_the_point() {
        let check =
            |value: f64, decimals: i32, expected: &str| assert_eq!(grouped(value, decimals), expected);
        check(0.0, 0, "0");
        check(999.0, 0, "999");
        check(1000.0, 0, "1,000");
        check(1_234_567.891, 2, "1,234,567.89");
        check(1234.0, -2, "1,200");
        check(1250.0, -2, "1,300");
        check(0.049, 1, "0.0");
        check(-0.04, 1, "0.0");
        check(-1234.5, 1, "-1,234.5");
        check(f64::NAN, 1, "n/a");
    }

    /// By hand: the place of the second digit of the half-width.
    #[test]
    fn two_digits_of_the_half_width_count() {
        let check = |value: f64, half_width: f64, expected: i32| {
            assert_eq!(decimals_for(value, half_width), expected, "{value} ± {half_width}");
        };
        check(0.827, 0.119, 2);
        check(9.27, 0.6, 2);
        check(92.123, 1.85, 1);
        check(92.123, 0.999_999_999_99, 1);
        check(412.0, 12.3, 0);
        check(412.0, 450.0, -1);
        check(12_345.0, 1_000.0, -2);
    }

    #[test]
    fn one_digit_of_the_value_stays_and_four_are_enough() {
        assert_eq!(decimals_for(3.0, 47.0), 0, "3 [1 – 95] must not become 0");
        assert_eq!(decimals_for(412.0, 45_000.0), -2);
        assert_eq!(decimals_for(41.234_567, 0.0), 2, "no width: four significant digits");
        assert_eq!(decimals_for(12_345.0, 0.0), 0, "digits before the point are not cut without a reason");
        assert_eq!(decimals_for(41.234_567, 0.000_012), 2);
    }
}
