//! The main job on the real model, small: it is pulled into this user's cache on first use.

use dyno_model::digest::Digest;

use crate::sandbox::{Sandbox, journal};

#[test]
fn a_real_model_answers_sensibly_and_is_measured() {
    let sandbox = Sandbox::with_shared_cache();
    sandbox.ok(&["models", "pull", "smollm2-135m-instruct"]);
    sandbox.write("catalog/suites/facts.toml", SUITE);
    sandbox.write("prompts/facts/corpus.toml", &corpus());
    sandbox.write("prompts/facts/a.jsonl", PROMPTS);
    let done = sandbox.ok(&["run", "--suite", "facts", "--name", "c"]);
    for word in ["TTFT", "TPOT", "smollm2-135m-instruct"] {
        assert!(done.stdout.contains(word), "{}", done.stdout);
    }
    let texts: Vec<String> = journal(&sandbox.campaign("c"))
        .iter()
        .filter(|entry| entry["event"]["event"] == "request")
        .map(|entry| entry["event"]["text"].as_str().expect("an answer").to_lowercase())
        .collect();
    assert_eq!(texts.len(), 4);
    // Greedy answers of a small model: each names what was asked for.
    for (text, word) in texts.iter().zip(["water", "blue"].iter().cycle()) {
        assert!(text.contains(word), "`{word}` is not in {texts:?}");
    }
    assert_eq!(texts[..2], texts[2..], "greedy answers differ between launches");
}

const SUITE: &str = r#"schema_version = 1
[suite.facts]
description = "Two questions that a small model can answer."
model = "smollm2-135m-instruct"
runtime = "embedded"
load = { kind = "single" }
context_tokens = 512
corpus = "facts"
prompt_order = "fixed"
repetitions = 2
seed = 1
max_tokens = 24
temperature = 0
request_limit_ms = 120_000
sampling_period_ms = 100
"#;

fn corpus() -> String {
    let digest = Digest::of(PROMPTS.as_bytes());
    format!(
        "schema_version = 1\nname = \"facts\"\ntitle = \"facts\"\ndescription = \"two questions\"\nlicense = \"MIT\"\n\
         languages = [\"en\"]\nfiles = [\"a.jsonl\"]\nn_prompts = 2\ndigest = \"{digest}\"\ncategories = {{ qa = 2 }}\n"
    )
}

const PROMPTS: &str = r#"{"id":"f2","category":"qa","language":"en","osl_class":"short","messages":[{"role":"user","content":"Ice melts into which liquid?"}]}
{"id":"f3","category":"qa","language":"en","osl_class":"short","messages":[{"role":"user","content":"What colour is a clear daytime sky?"}]}
"#;
