//! A date and time of day as traces write it, in whole ns.

const NS_PER_S: u64 = 1_000_000_000;

/// ns from the beginning of 1970 to `YYYY-MM-DD HH:MM:SS` in UTC, with up to nine digits of a second and an offset
/// `+HH:MM` or `Z` where they are written; `None` for anything else, and before 1970 or after 2199.
pub(super) fn at_ns(text: &str) -> Option<u64> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let mut date = date.split('-');
    let (year, month, day) = (number(date.next()?, 4)?, number(date.next()?, 2)?, number(date.next()?, 2)?);
    let (time, offset_min) = offset(time)?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut time = time.split(':');
    let (hour, minute, second) =
        (number(time.next()?, 2)?, number(time.next()?, 2)?, number(time.next()?, 2)?);
    let is_date = (1970..2200).contains(&year) && (1..=12).contains(&month);
    let is_day = is_date && (1..=days_in(year, month)).contains(&day);
    let is_time = hour < 24 && minute < 60 && second < 60 && fraction.len() <= 9;
    if !is_day || !is_time || date.next().is_some() || time.next().is_some() {
        return None;
    }
    let seconds = days_to(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let seconds = seconds.checked_add_signed(-offset_min * 60)?;
    let scale = 10_u64.pow(9 - fraction.len() as u32);
    Some(seconds * NS_PER_S + number(fraction, fraction.len())? * scale)
}

/// Exactly `n_digits` digits, and at least one.
fn number(text: &str, n_digits: usize) -> Option<u64> {
    let fits = !text.is_empty() && text.len() == n_digits && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// The time without its offset from UTC, and that in minutes.
fn offset(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, 0));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, 0)) };
    let (hours, minutes) = time[at + 1..].split_once(':')?;
    let minutes = number(hours, 2)? * 60 + number(minutes, 2).filter(|minutes| *minutes < 60)?;
    let sign = if time.as_bytes()[at] == b'-' { -1 } else { 1 };
    let minutes = i64::try_from(minutes).ok().filter(|minutes| *minutes <= 18 * 60)?;
    Some((&time[..at], sign * minutes))
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the beginning of 1970 to that date of the Gregorian calendar.
fn days_to(year: u64, month: u64, day: u64) -> u64 {
    let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    let months: u64 = (1..month).map(|month| days_in(year, month)).sum();
    years + months + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_published_traces() {
        let check = |text: &str, expected| assert_eq!(at_ns(text), expected, "{text}");
        // Seconds by `date -u -d '…' +%s`.
        check("1970-01-01 00:00:00", Some(0));
        check("2023-11-16 18:17:03.9799600", Some(1_700_158_623_979_960_000));
        check("2024-05-10 00:00:00.009930+00:00", Some(1_715_299_200_009_930_000));
        check("2024-02-29T23:59:59Z", Some(1_709_251_199_000_000_000));
        check("2024-03-01T01:59:59+02:00", Some(1_709_251_199_000_000_000));
        check("2024-02-29T18:29:59-05:30", Some(1_709_251_199_000_000_000));
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "12",
            "2023-11-16",
            "2023-02-29 00:00:00",
            "2023-13-01 00:00:00",
            "2023-1-16 00:00:00",
            "2023-11-16 24:00:00",
            "2023-11-16 00:00:60",
            "2023-11-16 00:00",
            "2023-11-16 00:00:00.1234567890",
            "2023-11-16 00:00:00.",
            "2023-11-16 00:00:0é",
            "2023-11-16 00:00:00+99:00",
            "1970-01-01 00:00:00+01:00",
            "2023-11-16 00:00:00 extra",
        ] {
            assert_eq!(at_ns(text), None, "{text}");
        }
    }
}
