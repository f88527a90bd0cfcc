//! Answers of megabytes of anything end with a verdict.

use dyno_grade::MAX_ANSWER_BYTES;

use super::judge;

/// One grader of every kind that a program can judge.
const GRADERS: [&str; 13] = [
    r#"{"kind": "exact", "expected": "x"}"#,
    r#"{"kind": "normalised", "expected": ["x"]}"#,
    r#"{"kind": "numeric", "expected": 5}"#,
    r#"{"kind": "contains_all", "expected": ["x"]}"#,
    r#"{"kind": "contains_none", "unwanted": ["x"]}"#,
    r#"{"kind": "regex", "pattern": "(a+)+$"}"#,
    r#"{"kind": "choice", "expected": "B"}"#,
    r##"{"kind": "json_schema", "schema": {"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]}}"##,
    r#"{"kind": "json_schema", "schema": {"items": {"pattern": "(a|aa)+b"}, "uniqueItems": true}}"#,
    r#"{"kind": "parses", "syntax": "python"}"#,
    r#"{"kind": "parses", "syntax": "toml"}"#,
    r#"{"kind": "parses", "syntax": "rust"}"#,
    r#"{"kind": "refusal", "expected": true}"#,
];

fn ends(answer: &str) {
    for grader in GRADERS {
        let verdict = judge(grader).judge(answer);
        assert!(verdict.is_some(), "{grader} {:?}", answer.chars().take(20).collect::<String>());
    }
}

#[test]
fn texts_that_are_none() {
    for answer in [
        "",
        "\u{0}",
        "\u{fffd}\u{fffd}",
        "\u{202e}x\u{202c}",
        "\u{feff}",
        "\r\n",
        "```",
        "{",
        "\"",
        "-",
        "e\u{301}",
    ] {
        ends(answer);
    }
}

#[test]
fn a_megabyte_of_one_thing() {
    for piece in [
        "a", "[", "{\"a\":", "[1,", "1", "1,", "\"", "[\"", "\\", "```\n", "I can't ", "- ", "(", "\u{202e}",
        "अ",
    ] {
        ends(&piece.repeat(1_000_000 / piece.len()));
    }
}

#[test]
fn a_backtracking_pattern_ends_on_a_megabyte() {
    let answer = "a".repeat(1_000_000) + "b";
    assert_eq!(judge(r#"{"kind": "regex", "pattern": "(a+)+$"}"#).judge(&answer), Some(false));
    let json = format!("[\"{}\"]", "a".repeat(1_000_000));
    let grader = r#"{"kind": "json_schema", "schema": {"items": {"pattern": "^(a+)+b$"}}}"#;
    assert_eq!(judge(grader).judge(&json), Some(false));
}

#[test]
fn an_answer_beyond_the_bound_passes_nothing() {
    let longest = "x".repeat(MAX_ANSWER_BYTES);
    let all = judge(r#"{"kind": "contains_all", "expected": ["x"]}"#);
    assert_eq!(all.judge(&longest), Some(true));
    assert_eq!(all.judge(&(longest + "x")), Some(false));
    ends(&"x ".repeat(10_000_000));
}

#[test]
fn json_as_deep_as_it_gets() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let lists = judge(r##"{"kind": "json_schema", "schema": {"type": "array", "items": {"$ref": "#"}}}"##);
    assert_eq!(lists.judge(&nested(100)), Some(true));
    let double = r##"{"kind": "json_schema", "schema": {"type": "array", "oneOf": [{"items": {"$ref": "#"}},
        {"prefixItems": [{"$ref": "#"}], "minItems": 9}]}}"##;
    assert_eq!(judge(double).judge(&nested(10)), Some(true));
    // A hundred levels would be 2^100 ways to look at the innermost one.
    assert_eq!(judge(double).judge(&nested(100)), Some(false));
    // Deeper than a value may be, its innermost levels are the first value.
    assert!(lists.judge(&nested(300_000)).is_some());
}
