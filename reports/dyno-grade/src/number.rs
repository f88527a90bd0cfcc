//! The last number of an answer, in the digits and separators that people use.

/// Digit zero of the scripts in which answers come.
const ZEROS: [char; 16] = ['0', '٠', '۰', '०', '০', '੦', '૦', '௦', '౦', '೦', '൦', '๐', '໐', '၀', '០', '０'];

/// What the last number of `answer` may mean: one value, or two where a separator can be read both ways.
///
/// `1,250.5` and `1.250,5` are one number in the writing of two countries; `1,250` alone may be either.
/// A minus counts as a sign where no letter or digit stands before it: `5-7` ends with 7.
/// `None` without any number.
pub(crate) fn last(answer: &str) -> Option<Vec<f64>> {
    let chars: Vec<char> = answer.chars().map(ascii).collect();
    let end = chars.iter().rposition(char::is_ascii_digit)? + 1;
    let mut start = end - 1;
    while start > 0 {
        let before = chars[start - 1];
        let separates = is_separator(before) && start > 1 && chars[start - 2].is_ascii_digit();
        if !before.is_ascii_digit() && !separates {
            break;
        }
        start -= 1;
    }
    let negative = start > 0
        && matches!(chars[start - 1], '-' | '\u{2212}' | '\u{2013}')
        && !(start > 1 && chars[start - 2].is_alphanumeric());
    let values = readings(&chars[start..end]);
    Some(if negative { values.iter().map(|value| -value).collect() } else { values })
}

/// A digit of any script as ASCII; Arabic separators as those of Latin scripts.
fn ascii(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let digit =
        ZEROS.iter().filter_map(|zero| (c as u32).checked_sub(*zero as u32)).find(|digit| *digit < 10);
    match (digit, c) {
        (Some(digit), _) => char::from(b'0' + digit as u8),
        (None, '\u{66b}') => '.',
        (None, '\u{66c}' | '\u{ff0c}') => ',',
        (None, '\u{202f}' | '\u{a0}' | '\u{2009}' | '’') => GROUP,
        (None, other) => other,
    }
}

/// Stands for all that parts groups of three digits and nothing else.
const GROUP: char = '\'';

fn is_separator(c: char) -> bool {
    matches!(c, '.' | ',') || c == GROUP
}

/// What digits with separators may mean.
fn readings(token: &[char]) -> Vec<f64> {
    let mut values: Vec<f64> = [('.', ','), (',', '.')]
        .into_iter()
        .filter_map(|(decimal, thousands)| reading(token, decimal, thousands))
        .collect();
    values.dedup();
    if values.is_empty() {
        // No number as a whole, such as a date or a list: the last of its parts is.
        let part = token.rsplit(|c| is_separator(*c)).next().unwrap_or_default();
        values.extend(part.iter().collect::<String>().parse::<f64>());
    }
    values
}

fn reading(token: &[char], decimal: char, thousands: char) -> Option<f64> {
    let mut parts = token.split(|c| *c == decimal);
    let (whole, fraction) = (parts.next()?, parts.next());
    if parts.next().is_some() || fraction.is_some_and(|digits| !digits.iter().all(char::is_ascii_digit)) {
        return None;
    }
    let groups: Vec<&[char]> = whole.split(|c| *c == thousands || *c == GROUP).collect();
    let grouped = groups.len() == 1
        || (1..=3).contains(&groups[0].len()) && groups[1..].iter().all(|group| group.len() == 3);
    if !grouped {
        return None;
    }
    let mut text: String = groups.concat().iter().collect();
    if let Some(fraction) = fraction {
        text.push('.');
        text.extend(fraction);
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_number_in_the_writing_of_many_countries() {
        let check = |answer: &str, expected: &[f64]| {
            assert_eq!(last(answer).unwrap_or_default(), expected, "{answer}");
        };
        check("62", &[62.0]);
        check("31 + 31 = 62.", &[62.0]);
        check("12.5", &[12.5]);
        check("12,5 Liter", &[12.5]);
        check("1,250.5", &[1250.5]);
        check("1.250,5 €", &[1250.5]);
        check("1,250", &[1250.0, 1.25]);
        check("1 250", &[250.0]);
        check("1\u{202f}250", &[1250.0]);
        check("1'250'000", &[1_250_000.0]);
        check("5-7", &[7.0]);
        check("it is -7 °C", &[-7.0]);
        check("\u{2212}7", &[-7.0]);
        check("2024-11-28", &[28.0]);
        check("28.11.2024", &[2024.0]);
        check("1,2,3", &[3.0]);
        check("٤٢", &[42.0]);
        check("४२ रुपये", &[42.0]);
        check("４２", &[42.0]);
        check("٣٫٥", &[3.5]);
        check("**$\\boxed{42}$**", &[42.0]);
        check("no number", &[]);
        check("", &[]);
    }

    #[test]
    fn very_long_digits_end_with_a_value() {
        assert_eq!(last(&"1".repeat(1_000_000)), Some(vec![f64::INFINITY]));
        assert_eq!(last(&"1,".repeat(500_000)), Some(vec![1.0]));
        assert_eq!(last(&"1.111,".repeat(100_000)).map(|values| values.len()), Some(1));
    }
}
