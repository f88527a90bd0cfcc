//! A grader, ready to be asked.

use dyno_model::grader::{Grader, Syntax};
use regex::{Regex, RegexBuilder};

use crate::choice::first_label;
use crate::error::GraderError;
use crate::refusal::declines;
use crate::schema::SchemaCheck;
use crate::text::{fold, is_blank, normalise, without_full_stop};
use crate::{number, syntax};

/// Answers that are longer pass no grader (house rule): no prompt wants a book, and reading it would cost minutes.
pub const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Size that a compiled pattern may have, in bytes (house rule): a match takes time in proportion to it.
pub(crate) const MAX_PATTERN_BYTES: usize = 1 << 20;

/// A grader, compiled.
#[derive(Debug)]
pub struct Judge {
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    Exact(String),
    Normalised(Vec<String>),
    Numeric { expected: f64, tolerance: f64 },
    ContainsAll(Vec<String>),
    ContainsNone(Vec<String>),
    Regex(Box<Regex>),
    Choice(char),
    Schema(Box<SchemaCheck>),
    Parses { syntax: Syntax, contains_all: Vec<String> },
    Refusal { expected: bool },
    Person,
}

impl Judge {
    /// Compiles what is slow to compile, and finds what is wrong.
    ///
    /// # Errors
    ///
    /// [`GraderError`]: who wrote the grader must act.
    pub fn new(grader: &Grader) -> Result<Self, GraderError> {
        Ok(Self { rule: rule(grader)? })
    }

    /// Whether `answer` passes; `None` where only a person can judge it.
    ///
    /// The answer is trimmed first.
    /// One of more than [`MAX_ANSWER_BYTES`] does not pass.
    /// Takes time in proportion to the answer.
    pub fn judge(&self, answer: &str) -> Option<bool> {
        if matches!(self.rule, Rule::Person) {
            return None;
        }
        if answer.len() > MAX_ANSWER_BYTES {
            return Some(false);
        }
        self.rule.accepts(answer.trim())
    }
}

impl Rule {
    fn accepts(&self, answer: &str) -> Option<bool> {
        let passed = match self {
            Self::Exact(expected) => fold(without_full_stop(answer)) == *expected,
            Self::Normalised(expected) => expected.contains(&normalise(answer)),
            Self::Numeric { expected, tolerance } => number::last(answer)
                .is_some_and(|readings| readings.iter().any(|read| (read - expected).abs() <= *tolerance)),
            Self::ContainsAll(expected) => {
                let answer = fold(answer);
                expected.iter().all(|text| answer.contains(text.as_str()))
            }
            Self::ContainsNone(unwanted) => {
                let answer = fold(answer);
                !is_blank(&answer) && !unwanted.iter().any(|text| answer.contains(text.as_str()))
            }
            Self::Regex(pattern) => pattern.is_match(answer),
            Self::Choice(expected) => first_label(answer, *expected) == Some(*expected),
            Self::Schema(schema) => schema.accepts(answer),
            Self::Parses { syntax, contains_all } => {
                let code = syntax::code_of(answer);
                return if contains_all.iter().all(|text| code.contains(text.as_str())) {
                    syntax::parses(*syntax, code)
                } else {
                    Some(false)
                };
            }
            Self::Refusal { expected } => !is_blank(answer) && declines(answer) == *expected,
            Self::Person => return None,
        };
        Some(passed)
    }
}

fn rule(grader: &Grader) -> Result<Rule, GraderError> {
    Ok(match grader {
        Grader::Exact { expected } => {
            let expected = fold(without_full_stop(expected.trim()));
            useful(!is_blank(&expected), "exact", "`expected` is empty")?;
            Rule::Exact(expected)
        }
        Grader::Normalised { expected } => {
            let expected: Vec<String> = expected.iter().map(|text| normalise(text)).collect();
            let filled = !expected.is_empty() && expected.iter().all(|text| !text.is_empty());
            useful(filled, "normalised", "`expected` is empty, or has a text without letters and digits")?;
            Rule::Normalised(expected)
        }
        Grader::Numeric { expected, tolerance } => {
            let usable = expected.is_finite() && tolerance.is_finite() && *tolerance >= 0.0;
            useful(usable, "numeric", "`tolerance` is below 0, or a number is none")?;
            Rule::Numeric { expected: *expected, tolerance: tolerance.max(rounding(*expected)) }
        }
        Grader::ContainsAll { expected } => {
            useful(all_filled(expected), "contains_all", "`expected` is empty, or has an empty string")?;
            Rule::ContainsAll(expected.iter().map(|text| fold(text)).collect())
        }
        Grader::ContainsNone { unwanted } => {
            useful(all_filled(unwanted), "contains_none", "`unwanted` is empty, or has an empty string")?;
            Rule::ContainsNone(unwanted.iter().map(|text| fold(text)).collect())
        }
        Grader::Regex { pattern } => Rule::Regex(Box::new(compiled(pattern)?)),
        Grader::Choice { expected } => Rule::Choice(label(expected)?),
        Grader::JsonSchema { schema } => Rule::Schema(Box::new(SchemaCheck::new(schema)?)),
        Grader::Parses { syntax, contains_all } => {
            let filled = contains_all.is_empty() || all_filled(contains_all);
            useful(filled, "parses", "`contains_all` has an empty string")?;
            Rule::Parses { syntax: *syntax, contains_all: contains_all.clone() }
        }
        Grader::Refusal { expected } => Rule::Refusal { expected: *expected },
        Grader::None => Rule::Person,
    })
}

/// Half of the last digit that a double can tell: 0.1 + 0.2 written out is 0.3.
fn rounding(expected: f64) -> f64 {
    expected.abs() * f64::EPSILON
}

fn useful(is: bool, kind: &'static str, what: &'static str) -> Result<(), GraderError> {
    if is { Ok(()) } else { Err(GraderError::Useless { kind, what }) }
}

fn all_filled(texts: &[String]) -> bool {
    !texts.is_empty() && texts.iter().all(|text| !is_blank(text))
}

fn label(text: &str) -> Result<char, GraderError> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(label), None) if label.is_ascii_uppercase() => Ok(label),
        _ => Err(GraderError::Useless { kind: "choice", what: "`expected` is not one capital letter" }),
    }
}

fn compiled(pattern: &str) -> Result<Regex, GraderError> {
    RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build().map_err(|source| GraderError::Pattern {
        pattern: pattern.chars().take(200).collect(),
        source: Box::new(source),
    })
}
