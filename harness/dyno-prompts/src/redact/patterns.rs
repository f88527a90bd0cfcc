//! What personal data and secrets look like.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Personal;
use super::checks::{iban, luhn};

/// One way in which a kind is written.
struct Pattern {
    kind: Personal,
    /// Group 1, where there is one, is what is replaced.
    regex: Regex,
    /// What a match must hold besides, given what stands before and behind it.
    holds: fn(&Match<'_>) -> bool,
}

/// A match with its surroundings.
struct Match<'t> {
    text: &'t str,
    before: Option<char>,
    before_last: Option<char>,
    after: Option<char>,
    after_next: Option<char>,
}

impl Match<'_> {
    fn digits(&self) -> usize {
        self.text.chars().filter(char::is_ascii_digit).count()
    }

    /// No part of a longer word, number, date or path.
    fn is_alone(&self) -> bool {
        let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '=' | '#' | '+');
        let number_goes_on = self.after.is_some_and(|c| matches!(c, '.' | ',' | ':'))
            && self.after_next.is_some_and(|c| c.is_ascii_digit());
        let number_began = self.before.is_some_and(|c| matches!(c, '.' | ',' | ':'));
        !self.before.is_some_and(joins) && !self.after.is_some_and(joins) && !number_goes_on && !number_began
    }

    /// Beside one more group of digits, as in a row of figures.
    fn is_of_a_list(&self) -> bool {
        let beside = |blank: Option<char>, next: Option<char>| {
            blank == Some(' ') && next.is_some_and(|c| c.is_ascii_digit())
        };
        beside(self.after, self.after_next) || beside(self.before, self.before_last)
    }
}

/// A key is more than a word or a number.
fn has_digit_and_letter(found: &Match<'_>) -> bool {
    found.text.chars().any(|c| c.is_ascii_digit()) && found.text.chars().any(|c| c.is_ascii_alphabetic())
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    // Digits and words of all scripts would make patterns of megabytes.
    let ascii = |regex: &str| regex.replace(r"\d", "[0-9]").replace(r"\w", "A-Za-z0-9_");
    let pattern = |kind, regex: &str, holds| Pattern {
        kind,
        regex: Regex::new(&ascii(regex)).expect("a pattern of ours"),
        holds,
    };
    vec![
        pattern(
            Personal::PrivateKey,
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\z)",
            |_| true,
        ),
        pattern(Personal::ApiKey, KNOWN_KEYS, has_digit_and_letter),
        pattern(
            Personal::ApiKey,
            r#"(?i)(?:api[_-]?key|access[_-]?key|secret|token|passwd|password)["']?\s{0,3}[:=]\s{0,3}["']?([A-Za-z0-9/+_\-]{20,})"#,
            has_digit_and_letter,
        ),
        pattern(
            Personal::BearerToken,
            r"(?i)\bbearer\s{1,3}([A-Za-z0-9._~+/\-]{16,}={0,2})",
            has_digit_and_letter,
        ),
        pattern(
            Personal::Email,
            r"[\p{L}\p{N}._%+\-]+@[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)*\.\p{L}{2,}",
            |found| !is_address_of_fiction(found.text) && !found.text.starts_with("git@"),
        ),
        pattern(Personal::Iban, r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", |found| {
            found.is_alone() && iban(found.text)
        }),
        pattern(
            Personal::Card,
            r"\b[3-6]\d{3}(?:[ -]\d{4}){3}\b|\b(?:4|5[1-5]|2[2-7]|6)\d{14,15}\b|\b3[47]\d{13}\b",
            |found| found.is_alone() && !found.is_of_a_list() && luhn(found.text),
        ),
        pattern(Personal::Phone, PHONES, |found| {
            // E.164 has 15 digits at most; within a country none has more than 12.
            let most = if found.text.starts_with('+') { 15 } else { 12 };
            (8..=most).contains(&found.digits())
                && found.is_alone()
                && !found.is_of_a_list()
                && !is_number_of_fiction(found.text)
        }),
    ]
});

/// Keys that say by their beginning what they are.
const KNOWN_KEYS: &str = r"\b(?:sk-[A-Za-z0-9_\-]{20,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[\w]{22,}|glpat-[\w\-]{20,}|xox[abprs]-[\w\-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w\-]{35}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}|eyJ[\w\-]{8,}\.eyJ[\w\-]{8,}\.[\w\-]{8,})";

/// International with a plus; with an area code in brackets; with a leading zero and a mark or blank; North American.
const PHONES: &str = r"\+\d{1,3}[ .\-/]?(?:\(0?\d{0,4}\)[ .\-/]?)?\d(?:[ .\-/]?\d){5,12}|\(0?\d{2,5}\)[ \-]?\d{3,4}[ \-]?\d{3,5}|\b0\d{2,4}[ /\-]\d{3,4}[ \-]?\d{3,6}|\b\d{3}[.\-]\d{3}[.\-]\d{4}";

/// What is found in `text`: kind by kind, in order of place.
pub(super) fn found(text: &str) -> impl Iterator<Item = (Range<usize>, Personal)> {
    PATTERNS.iter().flat_map(move |pattern| {
        pattern.regex.captures_iter(text).filter_map(move |captures| {
            let found = captures.get(1).or_else(|| captures.get(0))?;
            let mut after = text[found.end()..].chars();
            let mut before = text[..found.start()].chars().rev();
            let found_here = Match {
                text: found.as_str(),
                before: before.next(),
                before_last: before.next(),
                after: after.next(),
                after_next: after.next(),
            };
            (pattern.holds)(&found_here).then(|| (found.range(), pattern.kind))
        })
    })
}

/// Under a name that nobody can have (RFC 2606, RFC 6761).
fn is_address_of_fiction(address: &str) -> bool {
    let host = address.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let reserved = [".example", ".test", ".invalid", ".localhost", ".local"];
    let names = ["example.com", "example.org", "example.net"];
    reserved.iter().any(|end| host.ends_with(end))
        || names.iter().any(|name| host == *name || host.ends_with(&format!(".{name}")))
}

/// Of a range that is kept for fiction: `555-01xx` in North America, and those of Ofcom, Bundesnetzagentur and ACMA.
fn is_number_of_fiction(number: &str) -> bool {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix("44").or_else(|| digits.strip_prefix("49")).unwrap_or(&digits);
    let national = national.trim_start_matches('0');
    let ranges = [
        "1614960", "1632960", "2079460", "2890180", "2920180", "1144960", "1154960", "1164960", "1174960",
        "1184960", "1214960", "1314960", "1414960", "1514960", "1914980", "7700900", "8081570", "9098790",
        "3069990", // Ofcom.
        "3023125", "6990009", "2214710", "4066969", "8999998", // Bundesnetzagentur.
    ];
    ranges.iter().any(|range| national.starts_with(range))
        || digits.contains("55501")
        || digits.starts_with("555")
}
