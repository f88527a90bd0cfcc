//! `check`: objectives against scripted records, whose truth is known; exit codes, forms, and the PDF.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::sandbox::{Done, SCRIPTED as RUNTIME, Sandbox, bytes};

/// Five launches of forty requests.
fn measured(runtime: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("catalog/runtimes/scripted.toml", runtime);
    let args = ["run", "--runtime", "scripted", "--model", "none", "--name", "c", "--repetitions", "5", "-q"];
    assert_eq!(sandbox.run(&args).code, Some(0));
    sandbox
}

fn slo(objectives: &str) -> String {
    format!("schema_version = 1\nname = \"sla\"\ndescription = \"What we promise.\"\n{objectives}")
}

/// Checks these objectives, which begin at line 4 of sla.toml.
fn check(sandbox: &Sandbox, objectives: &str, more: &[&str]) -> Done {
    sandbox.write("sla.toml", &slo(objectives));
    let args: Vec<&str> = ["check", "c", "--slo", "sla.toml"].iter().chain(more).copied().collect();
    sandbox.run(&args)
}

const KEPT: &str = "[[slo]]\nmetric = \"ttft\"\nlimit_ms = 200\nfraction = 0.95\n";

#[test]
fn exit_codes_follow_the_verdict() {
    let sandbox = measured(RUNTIME);
    // 200 requests of 120 ms: 59 would do.
    let done = check(&sandbox, KEPT, &[]);
    assert_eq!(
        (done.code, done.stdout.starts_with("PASS")),
        (Some(0), true),
        "{}{}",
        done.stdout,
        done.stderr
    );
    assert!(done.stdout.contains("0 of 200 requests violate it"), "{}", done.stdout);
    let done = check(&sandbox, &KEPT.replace("200", "100"), &[]);
    assert_eq!((done.code, done.stdout.starts_with("FAIL")), (Some(1), true), "{}", done.stdout);
    // 99 % take 299 requests.
    let done = check(&sandbox, &KEPT.replace("0.95", "0.99"), &[]);
    assert_eq!((done.code, done.stdout.starts_with("INCONCLUSIVE")), (Some(5), true), "{}", done.stdout);
    assert!(done.stdout.contains("99 more requests"), "{}", done.stdout);
}

#[test]
fn failed_requests_are_violations() {
    // Every tenth request fails: 20 of 200 are far beyond 1 %.
    let sandbox = measured(&format!("{RUNTIME}fail_every = 10\n"));
    let done = check(&sandbox, "[[slo]]\nmetric = \"answered\"\nfraction = 0.99\n", &["--format", "json"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let view: Value = serde_json::from_str(&done.stdout).expect("JSON");
    let judgement = &view["objectives"][0]["judgements"][0];
    assert_eq!((judgement["n"].as_u64(), judgement["n_violations"].as_u64()), (Some(200), Some(20)));
}

#[test]
fn metrics_of_launches_and_selections_are_judged() {
    let sandbox = measured(RUNTIME);
    let load = "[[slo]]\nmetric = \"load\"\nlimit_ms = 250\nevery = true\n";
    assert_eq!(check(&sandbox, load, &[]).code, Some(0));
    assert_eq!(check(&sandbox, &load.replace("250", "249"), &[]).code, Some(1));
    // The shipped set of two objectives: 97.5 % each take 72 requests.
    let done = sandbox.run(&["check", "c", "--slo", "interactive"]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let both = "[[slo]]\nlimits = [{ metric = \"ttft\", limit_ms = 200 }, { metric = \"tpot\", limit_ms = 10 }]\nfraction = 0.5\n";
    let done = check(&sandbox, both, &[]);
    assert_eq!(done.code, Some(1));
    assert!(done.stdout.contains("200 TPOT beyond its limit"), "{}", done.stdout);
}

#[test]
fn every_form_can_be_had_and_the_same_record_gives_the_same_bytes() {
    let sandbox = measured(RUNTIME);
    let first = check(&sandbox, KEPT, &["--format", "json", "--operator", "A. Meier"]).stdout;
    assert_eq!(check(&sandbox, KEPT, &["-f", "json", "--operator", "A. Meier"]).stdout, first);
    let view: Value = serde_json::from_str(&first).expect("JSON");
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compliance.schema.json");
    let schema: Value = serde_json::from_slice(&bytes(root.as_ref())).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<_> = validator.iter_errors(&view).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let command = "edgedyno check c --slo sla.toml --operator 'A. Meier'";
    assert_eq!(view["evidence"]["regenerate"].as_str(), Some(command));
    let html = check(&sandbox, KEPT, &["--format", "html"]).stdout;
    assert!(html.contains("Signatures") && !html.contains("src=\"http"));
    assert!(check(&sandbox, KEPT, &["--format", "md"]).stdout.contains("| **PASS** | ttft |"));
    assert!(check(&sandbox, KEPT, &["--format", "junit"]).stdout.contains("tests=\"1\" failures=\"0\""));
    let csv = check(&sandbox, KEPT, &["--format", "csv"]).stdout;
    assert_eq!((csv.lines().count(), csv.matches(",kept\r\n").count()), (201, 200));
    let done = check(&sandbox, KEPT, &["--format", "md", "--output", "sla.md"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), ""));
    assert!(bytes(&sandbox.project().join("sla.md")).starts_with(b"## Compliance with sla: PASS"));
}

#[test]
fn what_is_wrong_with_objectives_is_told_with_its_place() {
    let sandbox = measured(RUNTIME);
    let told = |objectives: &str, words: &[&str]| {
        let done = check(&sandbox, objectives, &[]);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{}", done.stderr);
        for word in words {
            assert!(done.stderr.contains(word), "`{word}` is not in:\n{}", done.stderr);
        }
    };
    told(&KEPT.replace("ttft", "ttf"), &["sla.toml:5:10: unknown metric `ttf`", "did you mean", "answered"]);
    told(&KEPT.replace("0.95", "1.0"), &["sla.toml:7:12", "no finite number"]);
    told(&KEPT.replace("limit_ms", "limit_j"), &["sla.toml:6:11: `limit_j` is no unit of `ttft_ns`"]);
    told(&KEPT.replace("200", "-1"), &["sla.toml:6:12", "out of range: -1"]);
    told(
        &format!("{KEPT}where = {{ category = \"cooking\" }}\n"),
        &["sla.toml:4: `ttft`", "no prompt of category `cooking`", "it has"],
    );
    told(
        &format!("{KEPT}where = {{ isl_tokens = {{ from = 100000 }} }}\n"),
        &["sla.toml:4", "no prompt has that many tokens"],
    );
    told("slo = []\n", &["sla.toml:4", "no limit is set"]);
    let done = sandbox.run(&["check", "c", "--slo", "interactiv"]);
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.contains("did you mean `interactive`?"), "{}", done.stderr);
    let done = sandbox.run(&["check", "c", "--slo", "none.toml"]);
    assert!(done.code == Some(3) && done.stderr.contains("cannot read none.toml"), "{}", done.stderr);
    assert_eq!(sandbox.run(&["check", "nothing", "--slo", "interactive"]).code, Some(2));
}

#[test]
fn a_pdf_is_made_by_the_browser_that_is_named() {
    let sandbox = measured(RUNTIME);
    sandbox.write("sla.toml", &slo(KEPT));
    let browser = sandbox.root().join("chrome");
    let script = "#!/bin/sh\nfor a in \"$@\"; do case \"$a\" in --print-to-pdf=*) to=\"${a#--print-to-pdf=}\";; file://*) from=\"${a#file://}\";; esac; done\n(printf '%%PDF-'; /bin/cat \"$from\") > \"$to\"\n";
    fs::write(&browser, script).expect("a temporary file");
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let mut command = sandbox.command(&["check", "c", "--slo", "sla.toml", "--pdf", "sla.pdf"]);
    let done = command.env("EDGEDYNO_CHROMIUM", &browser).output().expect("edgedyno starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let pdf = bytes(&sandbox.project().join("sla.pdf"));
    assert!(pdf.starts_with(b"%PDF-<!DOCTYPE html>"));
    let mut command = sandbox.command(&["report", "c", "--pdf", "report.pdf"]);
    let done = command.env("EDGEDYNO_CHROMIUM", &browser).output().expect("edgedyno starts");
    assert!(done.status.success() && bytes(&sandbox.project().join("report.pdf")).starts_with(b"%PDF-"));
    // Without one, it is told what to install, and nothing is written.
    let mut command = sandbox.command(&["check", "c", "--slo", "sla.toml", "--pdf", "none.pdf"]);
    let done = command.env_remove("EDGEDYNO_CHROMIUM").env("PATH", sandbox.root()).output();
    let done = done.expect("edgedyno starts");
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    // The folder holds a `chrome`, which is found by its name.
    assert!(done.status.success(), "{told}");
    fs::remove_file(&browser).expect("it is ours");
    let mut command = sandbox.command(&["check", "c", "--slo", "sla.toml", "--pdf", "never.pdf"]);
    let done = command.env_remove("EDGEDYNO_CHROMIUM").env("PATH", sandbox.root()).output();
    let done = done.expect("edgedyno starts");
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(3), "{told}");
    assert!(told.contains("no Chromium or Chrome") && told.contains("install chromium"), "{told}");
    assert!(!sandbox.project().join("never.pdf").exists());
}
