//! Answers that a grader accepts or not, compared and judged: the scripted runtime says one word, and each prompt's grader
//! wants one that it says or does not.

use std::fmt::Write as _;

use dyno_model::digest::Digest;
use serde_json::Value;

use crate::sandbox::{Done, SCRIPTED, Sandbox};

/// Prompts of each category, and how many of them want the whole word `token`; the others are content with a `t`.
const PROMPTS: [(&str, u32, u32); 2] = [("classify", 60, 12), ("write", 40, 0)];

/// A project with a corpus of its own, and two runtimes: `good` says `token`, so all of a hundred answers pass; `bad`
/// says `tock`, so that twelve of them fail, all of them to classify.
fn lab() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut prompts = String::new();
    for (category, n, hard) in PROMPTS {
        for i in 0..n {
            let wanted = if i < hard { "token" } else { "t" };
            writeln!(
                prompts,
                r#"{{"id":"{category}-{i:02}","category":"{category}","language":"en","osl_class":"short","prompt":"Say {wanted} for {category} {i}","grader":{{"kind":"contains_all","expected":["{wanted}"]}}}}"#
            )
            .expect("memory takes it");
        }
    }
    let digest = Digest::of(prompts.as_bytes());
    let corpus = format!(
        "schema_version = 1\nname = \"own\"\ntitle = \"Own\"\ndescription = \"A hundred.\"\nlicense = \"CC0-1.0\"\n\
         languages = [\"en\"]\nfiles = [\"own.jsonl\"]\nn_prompts = 100\ndigest = \"{digest}\"\n\
         [categories]\nclassify = 60\nwrite = 40\n"
    );
    sandbox.write("prompts/own/corpus.toml", &corpus);
    sandbox.write("prompts/own/own.jsonl", &prompts);
    let suite = "schema_version = 1\n[suite.graded]\ndescription = \"Answers that are graded.\"\nmodel = \"none\"\n\
                 runtime = \"good\"\nthreads = 1\ncontext_tokens = 512\nload = { kind = \"single\" }\ncorpus = \"own\"\n\
                 prompt_order = \"fixed\"\nrepetitions = 5\nseed = 7\nmax_tokens = 16\ntemperature = 0\ntop_p = 1\nrequest_limit_ms = 60000\n\
                 sampling_period_ms = 200\n";
    sandbox.write("catalog/suites/graded.toml", suite);
    let good = SCRIPTED.replace("runtime.scripted", "runtime.good");
    sandbox.write("catalog/runtimes/good.toml", &good);
    let bad = SCRIPTED.replace("runtime.scripted", "runtime.bad").replace("\"token \"", "\"tock \"");
    sandbox.write("catalog/runtimes/bad.toml", &bad);
    sandbox
}

fn measured(sandbox: &Sandbox, name: &str, runtime: &str) {
    sandbox.ok(&["run", "--suite", "graded", "--runtime", runtime, "--name", name, "-q"]);
}

/// Checks these objectives, which begin at line 4 of sla.toml.
fn check(sandbox: &Sandbox, campaign: &str, objectives: &str, more: &[&str]) -> Done {
    let head = "schema_version = 1\nname = \"sla\"\ndescription = \"What we promise.\"\n";
    sandbox.write("sla.toml", &format!("{head}{objectives}"));
    sandbox.run(&[&["check", campaign, "--slo", "sla.toml"], more].concat())
}

fn said(done: &Done, code: i32, words: &[&str]) {
    assert_eq!(done.code, Some(code), "{}\n{}", done.stdout, done.stderr);
    let all = format!("{}\n{}", done.stdout, done.stderr);
    let all = all.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(all.contains(word), "`{word}` is not in:\n{all}");
    }
}

const DROP: &str = "[[slo]]\nmetric = \"passed\"\nmax_drop = 0.05\nbaseline = \"stable\"\n";

#[test]
fn fewer_answers_that_pass_are_a_regression_in_every_form() {
    let sandbox = lab();
    measured(&sandbox, "old", "good");
    measured(&sandbox, "new", "bad");
    // Twelve of a hundred prompts, each once for all five launches: p is 2 · 0.5^12.
    let done = sandbox.run(&["compare", "old", "new", "--metric", "passed"]);
    said(
        &done,
        1,
        &[
            "REGRESSION: answers of new: 100.0 % → 88.0 % pass, -12.0 points",
            "12, 0",
            "classify-00, classify-01",
        ],
    );
    let view: Value =
        serde_json::from_str(&sandbox.run(&["compare", "old", "new", "--json"]).stdout).expect("JSON");
    let quality = &view["contrasts"][0]["quality"];
    let of =
        |row: &Value| [&row["n"], &row["n_lost"], &row["n_gained"]].map(|n| n.as_u64().expect("a count"));
    assert_eq!(of(&quality["all"]), [100, 12, 0]);
    let p = quality["all"]["p"].as_f64().expect("a test");
    assert!((p / (2.0 * 0.5_f64.powi(12)) - 1.0).abs() < 1e-12, "{p}");
    assert_eq!(
        (of(&quality["categories"][0]), &quality["categories"][0]["category"]),
        ([60, 12, 0], &"classify".into())
    );
    assert_eq!(quality["categories"][1]["verdict"], "inconclusive");
    assert_eq!(
        (quality["lost"]["prompts"][11].as_str(), view["verdict"].as_str()),
        (Some("classify-11"), Some("regression"))
    );
    for (format, word) in [
        ("md", "| REGRESSION | Answers that pass | 100 (100.0 %) | 88 (88.0 %) |"),
        ("html", "<th>Graded answers</th>"),
        ("csv", ",passed:classify,ratio,false,by prompt,60,1,0.8,"),
        ("junit", "name=\"answers that pass: classify\""),
    ] {
        let done = sandbox.run(&["compare", "old", "new", "--format", format]);
        assert_eq!(done.code, Some(1), "{format}: {}", done.stderr);
        assert!(done.stdout.contains(word), "{format}: {}", done.stdout);
    }
    // The same answers again.
    measured(&sandbox, "again", "good");
    let done = sandbox.run(&["compare", "old", "again", "--metric", "passed"]);
    said(&done, 0, &["EQUIVALENT: answers of again: 100.0 % → 100.0 % pass"]);
    let done = sandbox.run(&["compare", "old", "again", "--metric", "passed", "--quality-delta", "2"]);
    said(&done, 5, &["INCONCLUSIVE", "more graded prompts would probably decide"]);
}

#[test]
fn arms_of_one_campaign_are_compared_by_their_answers_in_its_report() {
    let sandbox = lab();
    let args = ["run", "--suite", "graded", "--compare", "good,bad", "--blocks", "6", "--name", "c", "-q"];
    sandbox.run(&args);
    said(&sandbox.run(&["report", "c"]), 1, &["REGRESSION: answers of bad: 100.0 % → 88.0 % pass"]);
    let view: Value = serde_json::from_str(&sandbox.run(&["compare", "c", "--json"]).stdout).expect("JSON");
    assert_eq!(view["contrasts"][0]["quality"]["all"]["n_lost"], 12);
    assert_eq!(view["contrasts"][0]["pairing"]["kind"], "paired");
}

#[test]
fn a_share_of_answers_that_pass_is_an_objective() {
    let sandbox = lab();
    measured(&sandbox, "new", "bad");
    let share = |fraction: &str| format!("[[slo]]\nmetric = \"passed\"\nfraction = {fraction}\n");
    // 60 of 500 requests fail their grader.
    let done = check(&sandbox, "new", &share("0.8"), &[]);
    said(&done, 0, &["At least 80 % of the graded requests pass", "60 of 500 requests violate it"]);
    let done = check(&sandbox, "new", &share("0.95"), &[]);
    said(&done, 1, &["60 the grader does not accept the answer"]);
    let of_kind = format!("{}where = {{ category = \"write\" }}\n", share("0.95"));
    said(&check(&sandbox, "new", &of_kind, &[]), 0, &["0 of 200 requests violate it"]);
    let csv = check(&sandbox, "new", &share("0.8"), &["--format", "csv"]).stdout;
    assert_eq!((csv.matches(",violated\r\n").count(), csv.matches(",kept\r\n").count()), (60, 440));
    // Prompts without a grader, and words that are none.
    let done = check(&sandbox, "new", &share("0.8").replace("passed", "pased"), &[]);
    said(&done, 2, &["sla.toml:5:10: unknown metric `pased`", "did you mean `passed`?"]);
}

#[test]
fn a_drop_is_held_against_a_named_baseline() {
    let sandbox = lab();
    measured(&sandbox, "old", "good");
    measured(&sandbox, "new", "bad");
    measured(&sandbox, "again", "good");
    let done = check(&sandbox, "new", DROP, &[]);
    said(&done, 2, &["sla.toml:4: no baseline `stable`", "edgedyno baseline set stable CAMPAIGN"]);
    sandbox.ok(&["baseline", "set", "stable", "old"]);
    let done = check(&sandbox, "new", DROP, &[]);
    said(
        &done,
        1,
        &[
            "FAIL",
            "100.0 % → 88.0 % of 100 prompts pass: 12.0 points fewer, at least",
            "5 points may",
            "is at most 5 points below that of the baseline stable, shown with 95 % confidence",
        ],
    );
    let done = check(&sandbox, "again", DROP, &[]);
    said(&done, 0, &["PASS", "0.0 points fewer, at most 2.64 points fewer with 95 % confidence"]);
    // What differs is in the classification only.
    let write = format!("{DROP}where = {{ category = \"write\" }}\n").replace("0.05", "0.10");
    said(&check(&sandbox, "new", &write, &[]), 0, &["100.0 % → 100.0 % of 40 prompts pass"]);
    let narrow = format!("{DROP}where = {{ category = \"write\" }}\n");
    said(&check(&sandbox, "new", &narrow, &[]), 5, &["more prompts like these would probably decide it"]);
    // The flag takes the place of the name, and the command says so again.
    let done = check(&sandbox, "new", DROP, &["--baseline", "again", "--format", "json"]);
    let view: Value = serde_json::from_str(&done.stdout).expect("JSON");
    let judgement = &view["objectives"][0]["judgements"][0];
    assert_eq!((done.code, judgement["drop"]["baseline"].as_str()), (Some(1), Some("again")));
    assert_eq!(judgement["drop"]["lost"]["n"], 12);
    assert_eq!(view["evidence"]["regenerate"], "edgedyno check new --slo sla.toml --baseline again");
    for (format, word) in [
        ("html", "Pass in the baseline and fail here"),
        ("md", "12.0 points fewer"),
        ("junit", "failures=\"1\""),
        ("csv", ",failed\r\n"),
    ] {
        let done = check(&sandbox, "new", DROP, &["--format", format]);
        assert_eq!(done.code, Some(1), "{format}: {}", done.stderr);
        assert!(done.stdout.contains(word), "{format}: {}", done.stdout);
    }
    // The shipped set names no baseline.
    let done = sandbox.run(&["check", "again", "--slo", "quality"]);
    said(&done, 2, &["`max_drop` is held against a baseline, and none is named", "--baseline CAMPAIGN"]);
    said(&sandbox.run(&["check", "again", "--slo", "quality", "--baseline", "stable"]), 0, &["PASS"]);
}

#[test]
fn what_cannot_be_held_against_each_other_is_refused() {
    let sandbox = lab();
    measured(&sandbox, "new", "bad");
    sandbox.ok(&[
        "run",
        "--suite",
        "selftest",
        "--runtime",
        "good",
        "--requests",
        "3",
        "--name",
        "other",
        "-q",
    ]);
    let done = check(&sandbox, "new", DROP, &["--baseline", "other"]);
    said(
        &done,
        2,
        &["sla.toml:4: `accuracy drop`: it cannot be held against other: its prompts are of another corpus"],
    );
    let done = check(&sandbox, "new", DROP, &["--baseline", "new"]);
    said(&done, 2, &["the baseline is the campaign itself"]);
    let done = check(&sandbox, "new", DROP, &["--baseline", "nowhere"]);
    said(&done, 2, &["nowhere"]);
    let done =
        check(&sandbox, "new", "[[slo]]\nmetric = \"answered\"\nfraction = 0.9\n", &["--baseline", "other"]);
    said(&done, 2, &["no objective of sla has a `max_drop`"]);
}

#[test]
fn a_pack_says_that_it_cannot_judge_a_drop() {
    let sandbox = lab();
    measured(&sandbox, "old", "good");
    measured(&sandbox, "new", "bad");
    sandbox.ok(&["baseline", "set", "stable", "old"]);
    assert_eq!(check(&sandbox, "new", DROP, &[]).code, Some(1));
    sandbox.ok(&["evidence", "pack", "new", "--slo", "sla.toml", "--output", "pack.zip"]);
    let done = sandbox.run(&["evidence", "verify", "pack.zip"]);
    said(&done, 0, &["compliance.json"]);
    let pack = dyno_evidence::Opened::open(&sandbox.project().join("pack.zip")).expect("a pack");
    let member = pack.bytes("compliance.json").expect("readable").expect("it has verdicts");
    let view: Value = serde_json::from_slice(&member).expect("JSON");
    assert_eq!(view["verdict"], "inconclusive");
    let why = view["objectives"][0]["judgements"][0]["why"].as_str().expect("it says why");
    assert!(why.starts_with("it is held against another campaign"), "{why}");
}
