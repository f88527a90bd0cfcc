//! Clocks of two machines.

use dyno_view::report::{ClockView, DriftView};

use super::number::{decimals_for, exponent, grouped};
use super::text::duration;
use super::unit::Multiple;

/// From here on an offset is told in minutes and hours.
const LONG_NS: u64 = 120_000_000_000;

/// `3.213 s ahead of the controller's (± 0.41 ms), 12.3 ppm fast (± 0.8 ppm)`.
pub fn clock(clock: &ClockView) -> String {
    let offset = offset(clock.wall_offset_ns, clock.err_ns);
    match &clock.drift {
        None => offset,
        Some(found) => format!("{offset}, {}", drift(found)),
    }
}

fn offset(offset_ns: i64, err_ns: u64) -> String {
    let (size, err) = (offset_ns.unsigned_abs(), at_most(err_ns));
    if size <= err_ns {
        return format!("agrees with the controller's (± {err})");
    }
    let way = if offset_ns > 0 { "ahead of" } else { "behind" };
    let size = if size >= LONG_NS {
        duration(size)
    } else {
        let multiple = Multiple::of_ns(size as f64);
        let (value, err) = (size as f64 / multiple.factor, err_ns as f64 / multiple.factor);
        format!("{} {}", grouped(value, decimals_for(value, err).min(multiple.max_decimals)), multiple.sign)
    };
    format!("{size} {way} the controller's (± {err})")
}

/// An error bound with two digits, rounded up.
fn at_most(ns: u64) -> String {
    let multiple = Multiple::of_ns(ns as f64);
    let value = ns as f64 / multiple.factor;
    let decimals = (1 - exponent(value)).clamp(0, multiple.max_decimals);
    format!("{} {}", up(value, decimals), multiple.sign)
}

/// Rounded up; a millionth of the last digit is forgiven.
fn up(value: f64, decimals: i32) -> String {
    let scale = 10_f64.powi(decimals);
    grouped((value * scale - 1e-6).ceil() / scale, decimals)
}

fn drift(drift: &DriftView) -> String {
    let span = duration(drift.span_ns);
    let decimals = (1 - exponent(drift.err_ppm)).clamp(0, 3);
    let err = up(drift.err_ppm, decimals);
    if drift.ppm.abs() <= drift.err_ppm {
        return format!("no drift beyond ± {err} ppm seen in {span}");
    }
    let way = if drift.ppm > 0.0 { "fast" } else { "slow" };
    let decimals = decimals_for(drift.ppm.abs(), drift.err_ppm).max(0);
    format!("{} ppm {way} (± {err} ppm, over {span})", grouped(drift.ppm.abs(), decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_told_with_their_error() {
        let check = |wall_offset_ns: i64, err_ns: u64, expected: &str| {
            let view = ClockView { wall_offset_ns, err_ns, n_comparisons: 2, drift: None };
            assert_eq!(clock(&view), expected);
        };
        check(3_213_456_789, 401_000, "3.213 s ahead of the controller's (± 401 µs)");
        check(-3_200_000_000, 40_000_000, "3.200 s behind the controller's (± 40 ms)");
        check(12_345, 400_000, "agrees with the controller's (± 400 µs)");
        check(7_500_000_000_000, 1_000_000, "2 h 5 min ahead of the controller's (± 1.0 ms)");
        check(i64::MIN, u64::MAX, "agrees with the controller's (± 18,446,744,074 s)");
    }

    #[test]
    fn a_drift_is_told_only_beyond_its_error() {
        let check = |ppm: f64, err_ppm: f64, expected: &str| {
            let found = DriftView { ppm, err_ppm, n: 4, span_ns: 62_000_000_000 };
            assert_eq!(drift(&found), expected);
        };
        check(12.34, 0.8, "12.34 ppm fast (± 0.80 ppm, over 62.0 s)");
        check(-12.34, 3.1, "12.3 ppm slow (± 3.1 ppm, over 62.0 s)");
        check(12.34, 61.2, "no drift beyond ± 62 ppm seen in 62.0 s");
    }
}
