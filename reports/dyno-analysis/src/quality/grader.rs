//! Graders in a few words, for people who look at an answer that does not pass.

use dyno_model::grader::{Grader, Syntax};

/// Longest words of what a grader accepts.
const MAX_CHARS: usize = 120;

/// Its kind, as a corpus writes it.
pub(super) fn kind(grader: &Grader) -> &'static str {
    match grader {
        Grader::Exact { .. } => "exact",
        Grader::Normalised { .. } => "normalised",
        Grader::Numeric { .. } => "numeric",
        Grader::ContainsAll { .. } => "contains_all",
        Grader::ContainsNone { .. } => "contains_none",
        Grader::Regex { .. } => "regex",
        Grader::Choice { .. } => "choice",
        Grader::JsonSchema { .. } => "json_schema",
        Grader::Parses { .. } => "parses",
        Grader::Refusal { .. } => "refusal",
        Grader::None => "none",
    }
}

/// What it accepts; foreign text.
pub(super) fn accepts(grader: &Grader) -> String {
    let words = match grader {
        Grader::Exact { expected } | Grader::Choice { expected } => expected.clone(),
        Grader::Normalised { expected } => expected.join(" or "),
        Grader::Numeric { expected, tolerance } if *tolerance == 0.0 => expected.to_string(),
        Grader::Numeric { expected, tolerance } => format!("{expected} ± {tolerance}"),
        Grader::ContainsAll { expected } => expected.join(" and "),
        Grader::ContainsNone { unwanted } => format!("none of {}", unwanted.join(", ")),
        Grader::Regex { pattern } => pattern.clone(),
        Grader::JsonSchema { .. } => "JSON that fits its schema".to_owned(),
        Grader::Parses { syntax, contains_all } if contains_all.is_empty() => syntax_word(*syntax).to_owned(),
        Grader::Parses { syntax, contains_all } => {
            format!("{} with {}", syntax_word(*syntax), contains_all.join(" and "))
        }
        Grader::Refusal { expected: true } => "an answer that declines".to_owned(),
        Grader::Refusal { expected: false } => "an answer that does not decline".to_owned(),
        Grader::None => "what a person accepts".to_owned(),
    };
    beginning(&words, MAX_CHARS)
}

fn syntax_word(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Python => "Python",
        Syntax::Json => "JSON",
        Syntax::Toml => "TOML",
        Syntax::Rust => "Rust",
    }
}

/// At most `n` characters of a text.
pub(super) fn beginning(text: &str, n: usize) -> String {
    match text.char_indices().nth(n) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grader_says_what_it_accepts() {
        let check = |grader: Grader, expected: (&str, &str)| {
            assert_eq!((kind(&grader), accepts(&grader).as_str()), expected);
        };
        let texts = |of: &[&str]| of.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        check(Grader::Exact { expected: "Paris".to_owned() }, ("exact", "Paris"));
        check(Grader::Numeric { expected: 4.5, tolerance: 0.0 }, ("numeric", "4.5"));
        check(Grader::Numeric { expected: 42.0, tolerance: 0.5 }, ("numeric", "42 ± 0.5"));
        check(Grader::ContainsAll { expected: texts(&["a", "b"]) }, ("contains_all", "a and b"));
        check(Grader::ContainsNone { unwanted: texts(&["a", "b"]) }, ("contains_none", "none of a, b"));
        let parses = |contains_all| Grader::Parses { syntax: Syntax::Rust, contains_all };
        check(parses(Vec::new()), ("parses", "Rust"));
        check(parses(texts(&["fn main"])), ("parses", "Rust with fn main"));
        check(Grader::Refusal { expected: true }, ("refusal", "an answer that declines"));
        check(Grader::None, ("none", "what a person accepts"));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(beginning("äöü", 3), "äöü");
        assert_eq!(beginning("äöüß", 3), "äöü…");
    }
}
