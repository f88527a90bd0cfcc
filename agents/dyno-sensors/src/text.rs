//! Numbers out of the kernel's texts, without allocation.
//!
//! All of these give `None` for anything but a whole, plain number in its place: a cut, a sign where none belongs,
//! a unit that is not the expected one, an overflow.

/// The highest amount of memory that is believed: 1 PiB (house rule).
const MAX_BYTES: i64 = 1 << 50;

/// The only number in `text`, white space around it allowed.
pub(crate) fn number(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }
    Some(if negative { -value } else { value })
}

/// A count: like [`number`], but not below 0.
pub(crate) fn count(text: &[u8]) -> Option<i64> {
    number(text).filter(|value| *value >= 0)
}

/// A decimal number, `-` before it allowed, times ten to the power of `n_digits`, rounded to the nearest.
///
/// Without exponent, infinity and "not a number".
#[cfg(any(unix, test))]
pub(crate) fn decimal(text: &[u8], n_digits: u32) -> Option<i64> {
    let text = text.trim_ascii();
    let (sign, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let point = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let (whole, part) = digits.split_at(point);
    let part = part.strip_prefix(b".").unwrap_or_default();
    if whole.is_empty() || ![whole, part].iter().all(|digits| digits.iter().all(u8::is_ascii_digit)) {
        return None;
    }
    let mut value = count(whole)?;
    for idx in 0..n_digits as usize {
        let digit = part.get(idx).map_or(0, |digit| i64::from(digit - b'0'));
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    let rest = part.get(n_digits as usize).is_some_and(|digit| *digit >= b'5');
    Some(sign * value.checked_add(i64::from(rest))?)
}

/// Bits as hexadecimal digits, `0x` before them allowed; `None` beyond 63 bits.
pub(crate) fn hex(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let digits = text.strip_prefix(b"0x").unwrap_or(text);
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    digits.iter().try_fold(0, |value: i64, digit| Some((value << 4) | i64::from(hex_digit(*digit)?)))
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The count on the line `KEY N`.
pub(crate) fn keyed(text: &[u8], key: &[u8]) -> Option<i64> {
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(b" ")).and_then(count)
}

/// What follows `key` on the line that begins with it.
pub(crate) fn after<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(key))
}

/// The bytes on the line `key  N kB`.
pub(crate) fn kib_line(text: &[u8], key: &[u8]) -> Option<i64> {
    let kib = count(after(text, key)?.trim_ascii().strip_suffix(b"kB")?)?;
    kib.checked_mul(1024).filter(|bytes| *bytes <= MAX_BYTES)
}

/// The words of a line.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_and_alone() {
        let cases: [(&str, Option<i64>); 12] = [
            ("42\n", Some(42)),
            (" -7 ", Some(-7)),
            ("0", Some(0)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("99999999999999999999999999", None),
            ("", None),
            ("-", None),
            ("4 2", None),
            ("+3", None),
            ("12kHz", None),
            ("<unknown>", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(count(b"-7"), None);
    }

    #[test]
    fn a_decimal_number_is_rounded_to_its_digits() {
        let check = |text: &str, n_digits, expected| {
            assert_eq!(decimal(text.as_bytes(), n_digits), expected, "{text}");
        };
        check("0.08588376", 6, Some(85_884));
        check("5.05716000", 6, Some(5_057_160));
        check(" 37.3\n", 3, Some(37_300));
        check("-99.9", 3, Some(-99_900));
        check("12", 3, Some(12_000));
        check("7.", 1, Some(70));
        check("0.05", 1, Some(1));
        for text in ["", "-", ".5", "1.2.3", "1e9", "NaN", "inf", "1,5", "+1", "0x1", "1.2A", "- 1"] {
            check(text, 3, None);
        }
        check("9223372036854775807", 1, None);
        check("99999999999999999999", 0, None);
    }

    #[test]
    fn bits_are_hexadecimal_digits_and_nothing_else() {
        let check = |text: &str, expected| assert_eq!(hex(text.as_bytes()), expected, "{text}");
        check("50005\n", Some(0x50005));
        check("0xE0000", Some(0xE0000));
        check("0", Some(0));
        check("", None);
        check("0x", None);
        check("-1", None);
        check("throttled=0x0", None);
        check("ffffffffffffffff", None);
    }

    #[test]
    fn a_key_is_the_whole_first_word_of_its_line() {
        let vmstat = b"pswpin 7\noom_kill_x 9\noom_kill 3\npswpout -1\n";
        assert_eq!(keyed(vmstat, b"oom_kill"), Some(3));
        assert_eq!(keyed(vmstat, b"pswpin"), Some(7));
        assert_eq!(keyed(vmstat, b"pswpout"), None);
        assert_eq!(keyed(vmstat, b"pswp"), None);
    }

    #[test]
    fn a_memory_line_needs_its_unit_and_sense() {
        let check =
            |text: &str, expected| assert_eq!(kib_line(text.as_bytes(), b"VmRSS:"), expected, "{text}");
        check("VmHWM:\t 9 kB\nVmRSS:\t    1740 kB\n", Some(1740 * 1024));
        check("VmRSS:\t 1740 MB\n", None);
        check("VmRSS:\t 1740\n", None);
        check("VmRSS:\t -1 kB\n", None);
        check("VmRSS:\t 9007199254740993000 kB\n", None);
        check("VmRSS:\t 1099511627777 kB\n", None);
        check("xVmRSS:\t 1 kB\n", None);
    }
}
