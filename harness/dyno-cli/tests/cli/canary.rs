//! `canary`: answers kept and held against others, with the scripted runtime: its words are known.

use serde_json::Value;

use crate::sandbox::{Done, Sandbox, bytes};

/// Six prompts of a suite, in one short launch.
const SHORT: [&str; 8] =
    ["--suite", "selftest", "--requests", "6", "--max-tokens", "8", "--repetitions", "1"];

fn has(done: &Done, code: i32, words: &[&str]) {
    assert_eq!(done.code, Some(code), "{}\n{}", done.stdout, done.stderr);
    for word in words {
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(said.contains(word), "`{word}` is not in:\n{said}");
    }
}

fn json(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}", done.stdout))
}

/// A runtime that says those words again and again.
fn says(sandbox: &Sandbox, name: &str, text: &str) {
    let toml = format!(
        "schema_version = 1\n[runtime.{name}]\ntitle = \"{name}\"\ndialect = \"fake\"\nready_limit_ms = 10_000\n\
         [runtime.{name}.settings]\nn_tokens = 4\ntext = \"{text}\"\n"
    );
    sandbox.write(&format!("catalog/runtimes/{name}.toml"), &toml);
}

fn record(sandbox: &Sandbox, name: &str, runtime: &str) -> Done {
    sandbox.run(&[&["canary", "record", name, "--runtime", runtime][..], &SHORT].concat())
}

#[test]
fn the_same_words_are_the_same_and_others_drift() {
    let sandbox = Sandbox::new();
    says(&sandbox, "old", "one two three four");
    says(&sandbox, "alike", "one two three four");
    says(&sandbox, "changed", "one two drei four");
    has(&record(&sandbox, "stable", "old"), 0, &["canary stable", "6 answers", "canaries/stable.json"]);
    let check = |runtime: &str, more: &[&str]| {
        let words = ["canary", "check", "stable", "--runtime", runtime];
        sandbox.run(&[&words[..], more].concat())
    };
    has(&check("alike", &[]), 0, &["SAME", "6 of 6"]);
    has(&check("changed", &["--run-name", "new"]), 1, &["DRIFT", "0 of 6", "unexplained"]);
    let view = json(&check("changed", &["--json"]));
    assert_eq!(view["verdict"], "drift");
    assert_eq!(view["subjects"][0]["counts"]["unexplained"], 6);
    assert_eq!(view["subjects"][0]["rows"][0]["prefix_chars"], 8, "`one two `");
    let again = ["canary", "check", "stable", "--campaign", "new"];
    for (format, word) in [
        ("md", "**DRIFT**"),
        ("html", "class=\"badge bad\""),
        ("junit", "<failure type=\"DRIFT\""),
        ("json", "\"verdict\": \"drift\""),
    ] {
        has(&sandbox.run(&[&again[..], &["--format", format]].concat()), 1, &[word]);
    }
    // A person may allow what is drift by default.
    has(&sandbox.run(&[&again[..], &["--max-unexplained", "100"]].concat()), 0, &["NUMERIC"]);
    let listed = json(&sandbox.run(&["canary", "list", "--json"]));
    assert_eq!(listed[0]["name"], "stable");
    assert_eq!(listed[0]["n_prompts"], 6);
}

#[test]
fn a_baseline_is_not_lost_by_a_second_record() {
    let sandbox = Sandbox::new();
    says(&sandbox, "old", "one two three four");
    has(&record(&sandbox, "stable", "old"), 0, &[]);
    let path = sandbox.project().join("canaries/stable.json");
    let first = bytes(&path);
    has(&record(&sandbox, "stable", "old"), 2, &["stable.json is there already", "--force"]);
    assert_eq!(bytes(&path), first);
    let forced = ["canary", "record", "stable", "--force", "--runtime", "old"];
    has(&sandbox.run(&[&forced[..], &SHORT].concat()), 0, &[]);
    has(&sandbox.run(&["canary", "record", "../evil", "--campaign", "x"]), 2, &["../evil"]);
    has(&sandbox.run(&["canary", "record", "a", "--campaign", "x", "--suite", "quick"]), 2, &["--campaign"]);
}

#[test]
fn another_model_other_prompts_and_other_lengths_are_refused() {
    let sandbox = Sandbox::new();
    says(&sandbox, "old", "one two three four");
    sandbox.write(
        "catalog/models/other.toml",
        "schema_version = 1\n[model.other]\nkind = \"none\"\ntitle = \"another\"\ncontext_tokens = 2048\n",
    );
    has(&record(&sandbox, "stable", "old"), 0, &[]);
    let check =
        |more: &[&str]| sandbox.run(&[&["canary", "check", "stable", "--runtime", "old"][..], more].concat());
    has(&check(&["--model", "other"]), 2, &["another model", "none", "other", "--allow-other-model"]);
    has(&check(&["--model", "other", "--allow-other-model"]), 0, &["SAME"]);
    has(&check(&["--max-tokens", "3"]), 2, &["drawn otherwise", "8 tokens", "3 tokens"]);
    has(&check(&["--suite", "canary"]), 2, &["other prompts", "canary", "assistant"]);
    has(&check(&["--requests", "2"]), 5, &["INCOMPLETE", "4 of 6"]);
    has(&sandbox.run(&["canary", "check", "nothing"]), 2, &["nothing", "stable"]);
}

#[test]
fn a_damaged_baseline_is_told_in_one_error() {
    let sandbox = Sandbox::new();
    says(&sandbox, "old", "one two three four");
    has(&record(&sandbox, "stable", "old"), 0, &[]);
    let good = String::from_utf8(bytes(&sandbox.project().join("canaries/stable.json"))).expect("UTF-8");
    let check = |text: &str, word: &str| {
        sandbox.write("canaries/stable.json", text);
        has(&sandbox.run(&["canary", "check", "stable"]), 2, &["stable", word]);
        has(&sandbox.run(&["canary", "list"]), 0, &["stable  UNREADABLE"]);
    };
    check(&good.replacen("one two", "two one", 1), "changed");
    check(&good[..good.len() / 2], "damaged");
    check(&good.replacen("\"format\":1", "\"format\":99", 1), "format 99");
    check("", "damaged");
    check(&"[".repeat(1 << 20), "damaged");
    let huge = " ".repeat((64 << 20) + 1);
    check(&huge, "too big");
}

#[test]
fn a_runtime_that_fails_is_no_baseline_and_no_pass() {
    let sandbox = Sandbox::new();
    says(&sandbox, "old", "one two three four");
    sandbox.write(
        "catalog/runtimes/failing.toml",
        "schema_version = 1\n[runtime.failing]\ntitle = \"failing\"\ndialect = \"fake\"\nready_limit_ms = 10_000\n\
         [runtime.failing.settings]\nfail_every = 3\nn_tokens = 4\ntext = \"one two three four\"\n",
    );
    has(&record(&sandbox, "partly", "failing"), 5, &["4 answers", "2 prompts have no answer"]);
    has(&record(&sandbox, "stable", "old"), 0, &[]);
    let done = sandbox.run(&["canary", "check", "stable", "--runtime", "failing", "--repetitions", "1"]);
    has(&done, 1, &["DRIFT", "2 answers that the baseline has failed"]);
}
