//! `edgedyno prompts`: import, stats, lint, list, as a person meets them.

use crate::sandbox::{Done, Sandbox};

fn has(done: &Done, code: i32, words: &[&str]) {
    assert_eq!(done.code, Some(code), "stdout: {}\nstderr: {}", done.stdout, done.stderr);
    for word in words {
        assert!(
            done.stdout.contains(word) || done.stderr.contains(word),
            "`{word}`:\n{}\n{}",
            done.stdout,
            done.stderr
        );
    }
}

/// The corpora are held against each other, too: this is the rule that their prompts say something of their own.
#[test]
fn shipped_corpora_have_no_near_duplicates_and_nothing_else_that_is_wrong() {
    let sandbox = Sandbox::new();
    let done = sandbox.run(&["prompts", "lint", "--json"]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let found: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(found["unreadable"], serde_json::json!([]));
    for corpus in ["assistant", "canary", "code", "long", "short"] {
        assert!(found["corpora"].as_array().expect("names").iter().any(|name| name == corpus), "{corpus}");
    }
}

#[test]
fn an_imported_corpus_is_listed_counted_clean_and_asked() {
    let sandbox = Sandbox::new();
    let table = "Nr,Frage\n1,Wie lange ist das Schwimmbad am Sonntag offen?\n2,Wo melde ich einen umgezogenen Hund ab? Mail an jo@amt-nord.de half nicht.\n3,wie lange ist das Schwimmbad Sonntag offen\n";
    sandbox.write("fragen.csv", table);
    let import =
        ["prompts", "import", "fragen.csv", "--name", "amt", "--column", "prompt=Frage", "--column", "id=Nr"];
    let done = sandbox.run(&[&import[..], &["--language", "de"]].concat());
    has(&done, 0, &["2 prompts of 3", "fragen.csv:4: like fragen.csv:2", "replaced: 1 by `[email address]`"]);

    has(&sandbox.run(&["prompts", "list"]), 0, &["amt", "2 prompts", "assistant"]);
    has(&sandbox.run(&["prompts", "lint", "amt"]), 0, &["0 problems"]);
    let stats: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["prompts", "stats", "amt", "--json"]).stdout).expect("JSON");
    assert_eq!(stats["all"]["n"], 2);
    assert_eq!(stats["languages"]["de"], 2);
    assert_eq!(stats["words"]["counts"], serde_json::json!([2]));
    has(&sandbox.run(&["prompts", "stats", "amt"]), 0, &["imported", "languages  de 2"]);

    let again = sandbox.run(&import);
    has(&again, 2, &["amt exists", "--force"]);
    let forced = sandbox.run(&[&import[..], &["--force"]].concat());
    has(&forced, 0, &["2 prompts"]);
    has(&sandbox.run(&["prompts", "stats", "amt"]), 0, &["languages  und 2"]);
    has(&sandbox.run(&["plan", "--corpus", "amt", "--runtime", "fake", "--model", "none"]), 0, &[]);
}

#[test]
fn nothing_is_written_where_a_prompt_cannot_be_used() {
    let sandbox = Sandbox::new();
    sandbox.write("a.jsonl", "{\"prompt\": \"fine\"}\nnot json\n{\"prompt\": \"\"}\n");
    let done = sandbox.run(&["prompts", "import", "a.jsonl", "--name", "mine"]);
    has(&done, 2, &["2 prompts cannot be used", "a.jsonl:2: not JSON", "a.jsonl:3: no text", "--skip-bad"]);
    assert!(!sandbox.project().join("prompts").exists());
    has(
        &sandbox.run(&["prompts", "import", "a.jsonl", "--name", "mine", "--skip-bad"]),
        0,
        &["1 prompt of 3", "left out: 2"],
    );
    has(
        &sandbox.run(&["prompts", "import", "a.jsonl", "--name", "../mine", "--skip-bad"]),
        2,
        &["no name for a corpus"],
    );
    has(&sandbox.run(&["prompts", "import", "none.csv", "--name", "mine"]), 3, &["none.csv"]);
    has(
        &sandbox.run(&["prompts", "import", "a.jsonl", "--name", "m2", "--column", "wish=x"]),
        2,
        &["expected prompt"],
    );
    sandbox.write("b.parquet", "no parquet");
    has(&sandbox.run(&["prompts", "import", "b.parquet", "--name", "m2"]), 2, &["b.parquet"]);
    has(&sandbox.run(&["prompts", "stats", "m2"]), 2, &["unknown corpus `m2`"]);
}

#[test]
fn lint_tells_what_is_wrong_with_its_place() {
    let sandbox = Sandbox::new();
    let line = |id: &str, text: &str, grader: &str| {
        format!(
            "{{\"id\":\"{id}\",\"category\":\"c\",\"language\":\"en\",\"osl_class\":\"short\",\"prompt\":\"{text}\",\"grader\":{grader}}}\n"
        )
    };
    let lines = line("a", "Where does the river Spree rise?", "{\"kind\":\"regex\",\"pattern\":\"x*\"}")
        + &line("b", "where does the river spree rise", "{\"kind\":\"none\"}")
        + &line("c", "Send it to mia@kontor.se today.", "{\"kind\":\"none\"}")
        + &line("d", "Say which lake is nearest.", "{\"kind\":\"contains_all\",\"expected\":[\"lake\"]}");
    sandbox.write("prompts/mine/a.jsonl", &lines);
    sandbox.write("prompts/mine/corpus.toml", "schema_version = 1\n");
    let done = sandbox.run(&["prompts", "lint", "mine"]);
    has(&done, 2, &["prompts/mine/corpus.toml:"]);

    // Imported lines as they are, but for the near-duplicate, which an import would leave out.
    sandbox.write("mine.jsonl", &lines);
    let import = [
        "prompts",
        "import",
        "mine.jsonl",
        "--name",
        "mine",
        "--near-limit",
        "1",
        "--keep-personal-data",
        "--force",
    ];
    has(&sandbox.run(&import), 0, &["4 prompts"]);
    let done = sandbox.run(&["prompts", "lint", "mine"]);
    has(
        &done,
        2,
        &[
            "prompts/mine/prompts.jsonl:1: `a` its grader passes an empty answer",
            "prompts/mine/prompts.jsonl:2: `b` says nearly the same as `a`",
            "prompts/mine/prompts.jsonl:3: `c` has 1 email address",
            "prompts/mine/prompts.jsonl:4: doubt: `d` its grader passes the prompt itself",
            "4 prompts: 3 problems, 1 doubt",
        ],
    );
}
