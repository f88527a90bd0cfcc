//! Graders that cannot be used say so, with what to do.

use dyno_grade::Judge;
use dyno_model::blame::{Blame, Classify as _, chain};

use super::grader;

/// The words of the problem, which must name what is wrong.
fn check(json: &str, names: &str) {
    let error = Judge::new(&grader(json)).expect_err(json);
    assert!(chain(&error).contains(names), "{json}: {}", chain(&error));
    assert_eq!((error.blame(), error.hints().len()), (Blame::User, 1), "{json}");
}

#[test]
fn what_does_not_compile() {
    check(r#"{"kind": "regex", "pattern": "(a"}"#, "`(a`");
    check(r#"{"kind": "regex", "pattern": "(?=a)"}"#, "look-around");
    check(r#"{"kind": "regex", "pattern": "(?:(?:a{0,1000}){0,1000}){0,1000}"}"#, "size");
    check(r#"{"kind": "json_schema", "schema": {"type": "objekt"}}"#, "objekt");
    check(r#"{"kind": "json_schema", "schema": 5}"#, "does not compile");
    check(r#"{"kind": "json_schema", "schema": {"pattern": "(?=a)"}}"#, "does not compile");
    check(r#"{"kind": "json_schema", "schema": {"pattern": "(a)\\1"}}"#, "does not compile");
}

#[test]
fn schemas_that_would_read_files_or_never_end() {
    check(
        r#"{"kind": "json_schema", "schema": {"$ref": "https://schema.example/x.json"}}"#,
        "schema.example",
    );
    check(r#"{"kind": "json_schema", "schema": {"$ref": "file:///etc/passwd"}}"#, "passwd");
    check(
        r#"{"kind": "json_schema", "schema": {"$schema": "https://schema.example/draft"}}"#,
        "schema.example",
    );
    check(r##"{"kind": "json_schema", "schema": {"$ref": "#"}}"##, "comes back to itself");
    check(
        r##"{"kind": "json_schema", "schema": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}"##,
        "comes back",
    );
    check(r##"{"kind": "json_schema", "schema": {"$ref": "#/$defs/absent"}}"##, "absent");
}

#[test]
fn what_accepts_everything_or_nothing() {
    check(r#"{"kind": "exact", "expected": " . "}"#, "exact");
    check(r#"{"kind": "normalised", "expected": []}"#, "normalised");
    check(r#"{"kind": "normalised", "expected": ["yes", "!"]}"#, "normalised");
    check(r#"{"kind": "numeric", "expected": 1, "tolerance": -1}"#, "tolerance");
    check(r#"{"kind": "contains_all", "expected": []}"#, "contains_all");
    check(r#"{"kind": "contains_all", "expected": [""]}"#, "contains_all");
    check(r#"{"kind": "contains_none", "unwanted": []}"#, "contains_none");
    check(r#"{"kind": "choice", "expected": "b"}"#, "capital");
    check(r#"{"kind": "choice", "expected": "AB"}"#, "capital");
    check(r#"{"kind": "parses", "syntax": "json", "contains_all": [" "]}"#, "contains_all");
}
