//! Texts that are the same to a reader made the same to a program.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization as _;

/// Full stops of the scripts of the corpora.
const FULL_STOPS: [char; 4] = ['.', '。', '．', '।'];

/// Letter case and composition aside.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfc().collect::<String>().to_lowercase()
}

/// `text` without one full stop at its end.
pub(crate) fn without_full_stop(text: &str) -> &str {
    text.strip_suffix(FULL_STOPS).unwrap_or(text).trim_end()
}

/// Whether a reader sees nothing.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || INVISIBLE.contains(&c))
}

/// Characters that only join, part or turn others.
pub(crate) const INVISIBLE: [char; 17] = [
    '\u{ad}', '\u{61c}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}',
    '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{feff}',
];

/// Unicode form (NFKC), letter case, punctuation marks, invisible characters and white space aside.
///
/// A mark within or before a number stays: `3.5` is not `35`, and `-5` is not `5`.
pub(crate) fn normalise(text: &str) -> String {
    let lower = text.nfkc().collect::<String>().to_lowercase();
    let chars: Vec<char> = lower.chars().filter(|c| !INVISIBLE.contains(c)).collect();
    let mut kept = String::with_capacity(lower.len());
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let stays = !(c.is_whitespace() || c.is_control())
            && (!is_punctuation(*c) || of_number(before, *c, chars.get(at + 1).copied()));
        if stays {
            kept.push(match c {
                '\u{2212}' => '-',
                other => *other,
            });
        } else if !kept.is_empty() && !kept.ends_with(' ') {
            kept.push(' ');
        }
    }
    kept.truncate(kept.trim_end().len());
    kept
}

fn of_number(before: Option<char>, mark: char, after: Option<char>) -> bool {
    let digit = |c: Option<char>| c.is_some_and(char::is_numeric);
    match mark {
        '.' | ',' | ':' | '/' => digit(before) && digit(after),
        '-' => digit(after) && !before.is_some_and(char::is_alphanumeric),
        _ => false,
    }
}

fn is_punctuation(c: char) -> bool {
    static PUNCTUATION: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^\p{P}$|^[`^~|]$").expect("a pattern of ours"));
    if c.is_ascii() {
        return c.is_ascii_punctuation() && !matches!(c, '$' | '+' | '<' | '=' | '>');
    }
    !c.is_alphanumeric() && PUNCTUATION.is_match(c.encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalised_texts_are_what_a_reader_takes_for_the_same() {
        let check = |text: &str, expected: &str| assert_eq!(normalise(text), expected, "{text:?}");
        check("  **Paris!**\n", "paris");
        check("Ｔｏｋｙｏ", "tokyo"); // Full-width letters.
        check("cafe\u{301}", "café"); // Combining accent.
        check("se", "se");
        check("sé", "sé"); // An accent is no ornament.
        check("\u{202e}abc\u{202c}", "abc");
        check("a\u{0}b", "a b");
        check("3.5 kg", "3.5 kg");
        check("Number: -5.", "number -5");
        check("well-known", "well known");
        check("« oui »", "oui");
        check("東京。", "東京");
        check("हाँ।", "हाँ");
        check("...", "");
        check("5 > 3 = yes", "5 > 3 = yes");
    }

    #[test]
    fn blank_is_what_shows_nothing() {
        let check = |text: &str, expected| assert_eq!(is_blank(text), expected, "{text:?}");
        check("", true);
        check(" \n\t\u{a0}\u{200b}\u{feff}\u{0}", true);
        check("\u{202e}\u{202c}", true);
        check(".", false);
    }
}
