//! Personal data and secrets, replaced by words that say what stood there.
//!
//! What is kept for fiction stays: addresses under `.example`, the telephone numbers that regulators set aside.
//! Within code only secrets and addresses are replaced: a number there is a number.

mod checks;
mod code;
mod patterns;

use std::collections::BTreeMap;
use std::ops::Range;

use code::code_spans;
use patterns::found;

/// A kind of what is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Personal {
    /// A block of a private key.
    PrivateKey,
    /// A key or token of a service.
    ApiKey,
    /// A bearer token of an HTTP header.
    BearerToken,
    /// An e-mail address.
    Email,
    /// A bank account with right check digits.
    Iban,
    /// A payment card with a right check digit.
    Card,
    /// A telephone number.
    Phone,
}

impl Personal {
    /// What stands in its place.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::PrivateKey => "[private key]",
            Self::ApiKey => "[api key]",
            Self::BearerToken => "[bearer token]",
            Self::Email => "[email address]",
            Self::Iban => "[bank account]",
            Self::Card => "[card number]",
            Self::Phone => "[telephone number]",
        }
    }

    /// Whether it is a number like others, and so not looked for in code.
    fn is_number(self) -> bool {
        matches!(self, Self::Card | Self::Phone | Self::Iban)
    }
}

/// A text without personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text.
    pub text: String,
    /// How many of each kind were replaced.
    pub counts: BTreeMap<Personal, usize>,
}

/// `text` with placeholders for personal data and secrets.
///
/// Takes time in proportion to the text.
pub fn redact(text: &str) -> Redacted {
    let mut redacted = Redacted { text: String::with_capacity(text.len()), counts: BTreeMap::new() };
    let mut at = 0;
    for (span, kind) in spans(text) {
        redacted.text.push_str(&text[at..span.start]);
        redacted.text.push_str(kind.placeholder());
        *redacted.counts.entry(kind).or_default() += 1;
        at = span.end;
    }
    redacted.text.push_str(&text[at..]);
    redacted
}

/// What would be replaced, in order, without overlaps: of two that overlap, the kind that comes first.
fn spans(text: &str) -> Vec<(Range<usize>, Personal)> {
    let code = code_spans(text);
    let within_code = |span: &Range<usize>| {
        let next = code.partition_point(|code| code.start <= span.start);
        next > 0 && span.start < code[next - 1].end
    };
    let mut taken: BTreeMap<usize, (usize, Personal)> = BTreeMap::new();
    for (span, kind) in found(text) {
        if kind.is_number() && within_code(&span) {
            continue;
        }
        let before = taken.range(..span.end).next_back();
        if before.is_none_or(|(_, (end, _))| *end <= span.start) {
            taken.insert(span.start, (span.end, kind));
        }
    }
    taken.into_iter().map(|(start, (end, kind))| (start..end, kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_is_replaced() {
        let check = |text: &str, expected: &str| assert_eq!(redact(text).text, expected, "{text}");
        check("write to mia.svensson+list@kontor.se today", "write to [email address] today");
        check("mail jürgen@müller-bau.de.", "mail [email address].");
        check("call +46 70 123 45 67 or come", "call [telephone number] or come");
        check("ring (030) 2345 6789", "ring [telephone number]");
        check("0171/4567890 anrufen", "[telephone number] anrufen");
        check("call 312-867-2299 now", "call [telephone number] now");
        check("Tel. +49 (0)89 1234567.", "Tel. [telephone number].");
        // The test numbers of a card network and of the IBAN registry.
        check("card 4111 1111 1111 1111, please", "card [card number], please");
        check("card 5500000000000004", "card [card number]");
        check("IBAN GB82 WEST 1234 5698 7654 32 thanks", "IBAN [bank account] thanks");
        check("DE89370400440532013000", "[bank account]");
        check("key sk-proj-aB3dE5fG7hI9jK1lM3nO5pQ7", "key [api key]");
        check("export GH=ghp_0123456789abcdefghijABCDEFGHIJ456789", "export GH=[api key]");
        check("AKIAIOSFODNN7EXAMPLE", "[api key]");
        check("api_key = \"9f8e7d6c5b4a39281706f5e4\"", "api_key = \"[api key]\"");
        check("Authorization: Bearer eyJhbGciOi.J9zZ1.abc123_-x", "Authorization: Bearer [bearer token]");
        let block = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nAAAA\n-----END RSA PRIVATE KEY-----";
        check(&format!("look:\n{block}\nbad?"), "look:\n[private key]\nbad?");
        check("-----BEGIN PRIVATE KEY-----\ncut off", "[private key]");
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        let check = |text: &str| assert_eq!(redact(text).text, text);
        check("write to mia@kontor.example or info@example.com");
        check("ring 020 7946 0123, 0161 496 0199 or (555) 010-0199, 312-555-0142");
        check("on 2024-11-28 at 12:30:45 it was 1,234,567.89");
        check("ISBN 978-3-16-148410-0, version 10.0.19045.3693, 192.168.178.24");
        check("2025-03-14T09:30:00+01:00");
        // Wrong check digits: one digit changed.
        check("order 4111 1111 1111 1112 and GB83 WEST 1234 5698 7654 32");
        check("invoice 20240117000123 of 3,400.00");
        check("per minute: 4111 1111 1111 1111 1215 1222");
        check("the template DE00 0000 0000 0000 0047 11");
        check("the frame \"T 0826 0004512345\" came");
        check("@dataclass and git@github.com:a/b.git");
        check("sk-learn is a library; the bearer of this letter");
        check("password = getpass.getpass()");
        check("`call 312-867-2299` in code");
        check("```c\nlong n = 4111111111111111;\nint m = 0171-4567890;\n```");
        check("const CARD = 4111111111111111;");
        check("total = 5500000000000004 + 1");
        check("3.14159265358979 and 6.02214076e23");
    }

    #[test]
    fn secrets_are_replaced_in_code_too() {
        let text = "```py\nkey = \"sk-proj-aB3dE5fG7hI9jK1lM3nO5pQ7\"  # mia@kontor.se\n```";
        let redacted = redact(text);
        assert_eq!(redacted.text, "```py\nkey = \"[api key]\"  # [email address]\n```");
        assert_eq!(redacted.counts, BTreeMap::from([(Personal::ApiKey, 1), (Personal::Email, 1)]));
    }

    #[test]
    fn a_megabyte_of_anything_ends() {
        for piece in [
            "1",
            "1 ",
            "+1",
            "a@",
            "a@b.",
            "0171-",
            "-----BEGIN PRIVATE KEY-----",
            "AA11",
            "Bearer ",
            "`",
            "\u{202e}",
        ] {
            let text = piece.repeat(1_000_000 / piece.len());
            assert!(redact(&text).text.len() <= text.len() + 64, "{piece}");
        }
    }
}
