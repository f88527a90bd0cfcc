//! Splitting text into words before byte-level BPE.
//!
//! Each model family has its regular expressions; they are written out as scanners here. Letters, numbers and
//! punctuation are Unicode's general categories L, N and P.

use regex_syntax::hir::{Class, HirKind};

/// Values of `tokenizer.ggml.pre` that are known.
pub(super) const NAMES: [&str; 6] = ["default", "gpt-2", "gpt2", "smollm", "llama-bpe", "llama3"];

/// How a family splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    Gpt2,
    /// Every `\p{N}` alone; the rest as GPT-2.
    SmolLm,
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    Llama3,
    /// Runs of punctuation alone, then as GPT-2, then numbers alone, in threes.
    Default,
}

/// Sorted ranges of characters.
struct Ranges(Vec<(char, char)>);

impl Ranges {
    fn named(class: &str) -> Self {
        let hir = regex_syntax::parse(class).expect("the class is one of Unicode's");
        match hir.kind() {
            HirKind::Class(Class::Unicode(class)) => {
                Self(class.ranges().iter().map(|range| (range.start(), range.end())).collect())
            }
            _ => unreachable!("a class parses to a class"),
        }
    }

    fn has(&self, c: char) -> bool {
        let after = self.0.partition_point(|range| range.0 <= c);
        after > 0 && c <= self.0[after - 1].1
    }
}

/// Unicode's categories.
pub(super) struct Classes {
    letters: Ranges,
    punctuation: Ranges,
}

impl Classes {
    /// Builds the tables.
    pub(super) fn new() -> Self {
        Self { letters: Ranges::named(r"\p{L}"), punctuation: Ranges::named(r"\p{P}") }
    }

    fn is_letter(&self, c: char) -> bool {
        if c.is_ascii() { c.is_ascii_alphabetic() } else { self.letters.has(c) }
    }

    /// What the default pre-tokenizer sets apart.
    fn is_mark(&self, c: char) -> bool {
        "$+<=>^~|`".contains(c) || self.punctuation.has(c)
    }

    fn is_other(&self, c: char) -> bool {
        !c.is_whitespace() && !self.is_letter(c) && !c.is_numeric()
    }
}

/// Length of the characters at the start for which `f` holds.
fn run(text: &str, f: impl Fn(char) -> bool) -> usize {
    text.find(|c| !f(c)).unwrap_or(text.len())
}

/// Gives parts that are runs of characters for which `f` holds (cut to `longest` characters), and what lies between.
fn isolate<'a>(text: &'a str, longest: usize, f: impl Fn(char) -> bool, mut part: impl FnMut(&'a str)) {
    let mut rest = text;
    while !rest.is_empty() {
        let between = run(rest, |c| !f(c));
        if between > 0 {
            part(&rest[..between]);
            rest = &rest[between..];
        }
        let length: usize = rest.chars().take(longest).take_while(|c| f(*c)).map(char::len_utf8).sum();
        if length > 0 {
            part(&rest[..length]);
            rest = &rest[length..];
        }
    }
}

/// Length of a contraction (`'s`, `'ll`) at the start.
fn contraction(text: &str, any_case: bool) -> Option<usize> {
    let same = |start: &str, ending: &str| {
        if any_case { start.eq_ignore_ascii_case(ending) } else { start == ending }
    };
    let endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
    let found =
        endings.into_iter().find(|ending| text.get(..ending.len()).is_some_and(|start| same(start, ending)));
    found.map(str::len)
}

/// Length of the white space at the start that makes a word of its own: all but the last character of it, which goes
/// with what follows, unless it is the only one or nothing follows.
fn space(text: &str) -> usize {
    let length = run(text, char::is_whitespace);
    let last = text[..length].chars().next_back().map_or(0, char::len_utf8);
    if length == text.len() || length == last { length } else { length - last }
}

impl Split {
    /// The split of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "gpt-2" | "gpt2" => Some(Self::Gpt2),
            "smollm" => Some(Self::SmolLm),
            "llama-bpe" | "llama3" => Some(Self::Llama3),
            "default" => Some(Self::Default),
            _ => None,
        }
    }

    /// Whether a word that is a token as a whole is taken before any merging.
    pub(super) fn whole_words_first(self) -> bool {
        self == Self::Llama3
    }

    /// Gives the words of a text in order.
    pub(super) fn words<'a>(self, text: &'a str, classes: &Classes, mut word: impl FnMut(&'a str)) {
        match self {
            Self::Gpt2 => scan(text, |rest| gpt2_word(rest, classes), &mut word),
            Self::SmolLm => {
                isolate(text, 1, char::is_numeric, |part| {
                    scan(part, |rest| gpt2_word(rest, classes), &mut word);
                });
            }
            Self::Llama3 => scan(text, |rest| llama3_word(rest, classes), &mut word),
            Self::Default => isolate(
                text,
                usize::MAX,
                |c| classes.is_mark(c),
                |part| {
                    scan(part, |rest| gpt2_word(rest, classes), &mut |part| {
                        isolate(part, usize::MAX, char::is_numeric, |part| {
                            let digits = part.chars().all(|c| c.is_ascii_digit());
                            isolate(part, 3, |_| digits, &mut word);
                        });
                    });
                },
            ),
        }
    }
}

fn scan<'a>(text: &'a str, length: impl Fn(&str) -> usize, word: &mut impl FnMut(&'a str)) {
    let mut rest = text;
    while !rest.is_empty() {
        let (first, after) = rest.split_at(length(rest));
        word(first);
        rest = after;
    }
}

fn gpt2_word(rest: &str, classes: &Classes) -> usize {
    if let Some(length) = contraction(rest, false) {
        return length;
    }
    let skip = usize::from(rest.starts_with(' '));
    let body = &rest[skip..];
    let runs = [
        run(body, |c| classes.is_letter(c)),
        run(body, char::is_numeric),
        run(body, |c| classes.is_other(c)),
    ];
    match runs.into_iter().find(|length| *length > 0) {
        Some(length) => skip + length,
        None => space(rest),
    }
}

fn llama3_word(rest: &str, classes: &Classes) -> usize {
    if let Some(length) = contraction(rest, true) {
        return length;
    }
    let first = rest.chars().next().expect("the rest is not empty");
    let goes_before_letters =
        !matches!(first, '\r' | '\n') && !classes.is_letter(first) && !first.is_numeric();
    let skip = if goes_before_letters { first.len_utf8() } else { 0 };
    let letters = run(&rest[skip..], |c| classes.is_letter(c));
    if letters > 0 {
        return skip + letters;
    }
    if first.is_numeric() {
        return rest.chars().take(3).take_while(|c| c.is_numeric()).map(char::len_utf8).sum();
    }
    let skip = usize::from(rest.starts_with(' '));
    let others = run(&rest[skip..], |c| classes.is_other(c));
    if others > 0 {
        let end = skip + others;
        return end + run(&rest[end..], |c| matches!(c, '\r' | '\n'));
    }
    let spaces = &rest[..run(rest, char::is_whitespace)];
    match spaces.rfind(['\r', '\n']) {
        Some(last) => last + 1,
        None => space(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(split: Split, text: &str, expected: &[&str]) {
        let classes = Classes::new();
        let mut words = Vec::new();
        split.words(text, &classes, |word| words.push(word));
        assert_eq!(words, expected, "{split:?} of {text:?}");
    }

    #[test]
    fn words_by_hand_from_the_expressions() {
        use Split::{Default, Gpt2, Llama3, SmolLm};
        check(Gpt2, "Hello world", &["Hello", " world"]);
        check(Gpt2, "it's 'S", &["it", "'s", " '", "S"]);
        check(Gpt2, "a  b", &["a", " ", " b"]);
        check(Gpt2, "a \n b  ", &["a", " \n", " b", "  "]);
        check(Gpt2, "x=10; y", &["x", "=", "10", ";", " y"]);
        check(Gpt2, "\tb", &["\t", "b"]);
        check(Gpt2, "naïve 東京 ½", &["naïve", " 東京", " ½"]);
        check(SmolLm, "in 2024!", &["in", " ", "2", "0", "2", "4", "!"]);
        check(Llama3, "It'S 12345\n\n x", &["It", "'S", " ", "123", "45", "\n\n", " x"]);
        check(Llama3, "(foo) a!?\n", &["(foo", ")", " a", "!?\n"]);
        check(Llama3, "a   b \n", &["a", "  ", " b", " \n"]);
        check(Default, "a, 12345", &["a", ",", " ", "123", "45"]);
        check(Default, "a==b", &["a", "==", "b"]);
        check(Gpt2, "", &[]);
    }
}
