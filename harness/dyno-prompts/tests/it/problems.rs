//! What cannot be used is told with its place, all at once; nothing is imported unless it may be left out.

use dyno_model::blame::Classify as _;
use dyno_prompts::{Handling, ImportError, Options};

use super::{options, read};

/// The problems of a file, each as `file:line: words`.
fn problems(name: &str, bytes: &[u8]) -> Vec<String> {
    match read(name, bytes, &options()) {
        Err(ImportError::Problems { problems }) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{name}: {other:?}"),
    }
}

fn check(name: &str, bytes: &[u8], place: &str, words: &str) {
    let problems = problems(name, bytes);
    let hit = problems.iter().any(|problem| problem.starts_with(place) && problem.contains(words));
    assert!(hit, "{place} … {words}: {problems:?}");
}

#[test]
fn each_problem_has_its_line() {
    check(
        "a.jsonl",
        b"{\"prompt\": \"one two three\"}\n{\"prompt\": \"x\xff\"}\n",
        "a.jsonl:2:",
        "not UTF-8 (byte 14",
    );
    check("a.jsonl", b"\n{\"prompt\": \n", "a.jsonl:2:", "not JSON");
    check("a.jsonl", b"[1]\n5\n", "a.jsonl:1:", "no JSON object");
    check("a.jsonl", br#"{"prompt": "  "}"#, "a.jsonl:1:", "no text in a column");
    check("a.jsonl", br#"{"messages": []}"#, "a.jsonl:1:", "asks nothing");
    check(
        "a.jsonl",
        br#"{"messages": [{"role": "wizard", "content": "x"}]}"#,
        "a.jsonl:1:",
        "`wizard` is no role",
    );
    check(
        "a.jsonl",
        br#"{"messages": [{"role": "user", "content": " "}]}"#,
        "a.jsonl:1:",
        "a message is empty",
    );
    check(
        "a.jsonl",
        br#"{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}"#,
        "a.jsonl:1:",
        "take turns",
    );
    check(
        "a.jsonl",
        b"{\"id\": \"a\", \"prompt\": \"one\"}\n{\"id\": \"a\", \"prompt\": \"two\"}\n",
        "a.jsonl:2:",
        "there twice, first in a.jsonl:1",
    );
    check(
        "a.jsonl",
        br#"{"prompt": "x", "grader": {"kind": "regex", "pattern": "("}}"#,
        "a.jsonl:1:",
        "does not compile",
    );
    check("a.jsonl", br#"{"prompt": "x", "grader": {"kind": "taste"}}"#, "a.jsonl:1:", "taste");
    check("a.jsonl", br#"{"prompt": "x", "osl_class": "huge"}"#, "a.jsonl:1:", "`huge` is no osl_class");
    check(
        "b.csv",
        b"prompt,lang\nWhat is snow?,en\nonly one field\n",
        "b.csv:3:",
        "1 fields, but the header names 2",
    );
    check("b.csv", b"prompt\nA\xe9\n", "b.csv:2:", "column prompt is not UTF-8");
    check("b.csv", b"title,body\nA,B\n", "b.csv:2:", "there are: body, title");
    check("c.json", b"[\n{\"prompt\": \"one\"},\n{\"prompt\" 5}\n]", "c.json:3:", "not JSON");
    check("c.json", b"[\n{\"prompt\": \"one\"}\n", "c.json:3:", "cut off");
    check("c.json", b"[{\"prompt\": \"a\"},\n{\"prompt\": \"\xff\"}]", "c.json:2:", "not UTF-8 (byte 13");
    let image = br#"{"body": {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}}"#;
    check("d.jsonl", image, "d.jsonl:1:", "`image_url`");
    check("d.jsonl", br#"{"url": "/v1/embeddings", "body": {"input": "x"}}"#, "d.jsonl:1:", "/v1/embeddings");
    check(
        "d.jsonl",
        br#"{"conversations": [{"from": "gpt", "value": "Hello!"}, {"from": "human", "value": "Hi"}]}"#,
        "d.jsonl:1:",
        "is due",
    );
}

#[test]
fn a_record_beyond_the_bound_is_told() {
    let long = format!("{{\"prompt\": \"{}\"}}\n", "word ".repeat(300_000));
    check("a.jsonl", long.as_bytes(), "a.jsonl:1:", "the most that is read");
    check("c.json", format!("[{long}]").as_bytes(), "c.json:1:", "the most that is read");
    let table = format!("prompt\n\"{}\"\n", "word ".repeat(300_000));
    check("b.csv", table.as_bytes(), "b.csv:2:", "the most that is read");
}

#[test]
fn all_problems_are_told_at_once_with_what_to_do() {
    let error = read("a.jsonl", b"{\n{}\n{\"prompt\": \"fine\"}\n", &options()).expect_err("two are bad");
    let words = error.to_string();
    assert!(words.starts_with("2 prompts cannot be used\n  a.jsonl:1: "), "{words}");
    assert!(words.contains("\n  a.jsonl:2: "), "{words}");
    assert!(error.hints()[0].contains("--skip-bad"));
}

#[test]
fn bad_prompts_are_left_out_and_counted_where_that_is_asked() {
    let skip = Options { bad: Handling::Remove, ..options() };
    let (corpus, report) = read("a.jsonl", b"{\n{}\n{\"prompt\": \"fine\"}\n", &skip).expect("one is fine");
    assert_eq!((corpus.entries.len(), report.n_read, report.n_bad, report.n_prompts), (1, 3, 2, 1));
    assert!(report.left_out[0].starts_with("a.jsonl:1: not JSON"));
    let nothing = read("a.jsonl", b"{}\n", &skip).expect_err("nothing is left");
    assert_eq!(
        nothing.to_string(),
        "no prompt is left: 1 were read, 1 of them cannot be used, 0 are like another"
    );
}

#[test]
fn bytes_of_anything_end() {
    let noise: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for name in ["a.jsonl", "a.json", "a.csv", "a.tsv"] {
        assert!(read(name, &noise, &options()).is_err(), "{name}");
    }
    for piece in ["[", "{", "\"", ",", "\n", "\u{0}", "a,\"b"] {
        for name in ["a.jsonl", "a.csv"] {
            assert!(read(name, piece.repeat(100_000).as_bytes(), &options()).is_err(), "{name} {piece}");
        }
    }
}
