//! Counts, durations, instants and facts.

use dyno_view::report::{CampaignView, FactValue, UnitView};

use super::figure::value;
use super::number::grouped;
use super::unit::Multiple;

/// A count with its noun: `1 request`, `1,200 requests`.
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A count with thousands separators.
pub fn count(n: u64) -> String {
    // A count beyond 2^53 would lose digits as a float, so the digits are grouped as text.
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A duration as people say it: `412 ms`, `43.2 s`, `3 min 12 s`, `2 h 5 min`.
pub fn duration(ns: u64) -> String {
    let s = (ns + 500_000_000) / 1_000_000_000;
    match s {
        0..120 => value(UnitView::Ns, ns as f64),
        120..7_200 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", count(s / 3_600), s % 3_600 / 60),
    }
}

/// `2026-11-21T04:30:00Z` as `2026-11-21 04:30 UTC`; another form is returned as it is.
pub fn instant(rfc3339: &str) -> String {
    match seconds_since_epoch(rfc3339) {
        Some(_) => format!("{} {} UTC", &rfc3339[..10], &rfc3339[11..16]),
        None => rfc3339.to_owned(),
    }
}

/// From one UTC instant to a later one, in ns; `None` when one is unreadable, the order is wrong, or both are the
/// same: an instant for people is whole seconds, and less than one is not 0.
pub fn span_ns(from: &str, to: &str) -> Option<u64> {
    let seconds = seconds_since_epoch(to)?.checked_sub(seconds_since_epoch(from)?)?;
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?.checked_mul(1_000_000_000)
}

/// Seconds since 1970 of `YYYY-MM-DDThh:mm:ss…Z`; fractions of a second are dropped.
fn seconds_since_epoch(rfc3339: &str) -> Option<i64> {
    let field = |from: usize, to: usize| rfc3339.get(from..to)?.parse::<u32>().ok();
    let separators = [(4, '-'), (7, '-'), (10, 'T'), (13, ':'), (16, ':')];
    let well_formed = rfc3339.is_ascii()
        && rfc3339.ends_with('Z')
        && separators.iter().all(|&(at, c)| rfc3339.as_bytes().get(at) == Some(&(c as u8)));
    if !well_formed {
        return None;
    }
    let day = days_since_epoch(i64::from(field(0, 4)?), field(5, 7)?.into(), field(8, 10)?.into());
    let second = field(11, 13)? * 3_600 + field(14, 16)? * 60 + field(17, 19)?;
    Some(day * 86_400 + i64::from(second))
}

/// Days from 1970-01-01 to a Gregorian date: Howard Hinnant's `days_from_civil`.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The first 12 digits of a digest: enough to tell one from another.
pub fn short_digest(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// A fact in words, digests shortened.
pub fn fact(fact: &FactValue) -> String {
    match fact {
        FactValue::Text(text) => text.clone(),
        FactValue::Count(n) => count(*n),
        FactValue::Bytes(bytes) => value(UnitView::Bytes, *bytes as f64),
        FactValue::Khz(khz) => {
            let multiple = Multiple::of_khz(*khz as f64);
            format!(
                "{} {}",
                grouped(*khz as f64 / multiple.factor, multiple.max_decimals.min(2)),
                multiple.sign
            )
        }
        FactValue::Ns(ns) => duration(*ns),
        FactValue::Digest(digest) => short_digest(digest).to_owned(),
    }
}

/// What of a campaign is recorded: `120 of 120 requests`; of held loads, nobody knew how many requests they would have:
/// `310 requests, 1 of 2 held loads`.
pub fn recorded(campaign: &CampaignView) -> String {
    let n = campaign.n_requests_recorded;
    match &campaign.held {
        None => format!("{} of {}", count(n), plural(campaign.n_requests_planned, "request", "requests")),
        Some(held) => {
            let of = plural(held.n, "held load", "held loads");
            format!("{}, {} of {of}", plural(n, "request", "requests"), count(held.n_ended))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_to_the_last_digit() {
        assert_eq!(plural(1, "request", "requests"), "1 request");
        assert_eq!(plural(0, "launch", "launches"), "0 launches");
        assert_eq!(plural(1200, "request", "requests"), "1,200 requests");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn durations_grow_into_minutes_and_hours() {
        let check = |ns: u64, expected: &str| assert_eq!(duration(ns), expected);
        check(412_000_000, "412 ms");
        check(43_200_000_000, "43.2 s");
        check(192_000_000_000, "3 min 12 s");
        check(7_500_000_000_000, "2 h 5 min");
    }

    #[test]
    fn instants_are_read_as_utc() {
        assert_eq!(instant("2026-11-21T04:30:00Z"), "2026-11-21 04:30 UTC");
        assert_eq!(instant("yesterday"), "yesterday");
        // 1,000,000,000 s and the leap day of 2000 are well-known instants.
        assert_eq!(seconds_since_epoch("2001-09-09T01:46:40Z"), Some(1_000_000_000));
        assert_eq!(seconds_since_epoch("2000-02-29T00:00:00Z"), Some(951_782_400));
        assert_eq!(seconds_since_epoch("1970-01-01T00:00:00.123Z"), Some(0));
        assert_eq!(span_ns("2026-11-21T23:59:58Z", "2026-11-22T00:00:01Z"), Some(3_000_000_000));
        assert_eq!(span_ns("2026-11-22T00:00:01Z", "2026-11-21T23:59:58Z"), None);
        assert_eq!(span_ns("2026-11-22T00:00:01Z", "2026-11-22T00:00:01Z"), None);
    }

    #[test]
    fn facts_carry_their_unit() {
        assert_eq!(fact(&FactValue::Bytes(8_254_390_272)), "7.69 GiB");
        assert_eq!(fact(&FactValue::Khz(3_400_000)), "3.40 GHz");
        assert_eq!(fact(&FactValue::Khz(800_000)), "800.00 MHz");
        assert_eq!(fact(&FactValue::Digest("0123456789abcdef".to_owned())), "0123456789ab");
    }
}
