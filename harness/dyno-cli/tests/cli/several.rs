//! Reports of several campaigns, figures of llama-bench beside them, and exports.

use std::fs;

use serde_json::Value;

use crate::sandbox::{Sandbox, bytes};

/// Two campaigns of the scripted runtime.
fn measured() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["a", "b"] {
        sandbox.ok(&["run", "--runtime", "fake", "--model", "none", "--name", name]);
    }
    sandbox
}

#[test]
fn two_campaigns_make_one_report() {
    let sandbox = measured();
    let report: Value = serde_json::from_str(&sandbox.ok(&["report", "a", "b", "--format", "json"]).stdout)
        .expect("report.json is JSON");
    let of: Vec<&str> = report["campaigns"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|campaign| campaign["id"].as_str())
        .collect();
    assert_eq!(of, ["a", "b"]);
    let groups = report["comparison"]["groups"].as_array().expect("cells are compared");
    assert_eq!(groups.len(), 1, "both did equal work: {groups:?}");
    let names: Vec<&str> =
        groups[0]["rows"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let text = sandbox.ok(&["report", "a", "b"]).stdout;
    assert!(text.starts_with("Campaigns a + b\n"), "{text}");

    let twice = sandbox.run(&["report", "a", "a"]);
    assert_eq!(twice.code, Some(2));
    assert!(twice.stderr.contains("two campaigns are named a"), "{}", twice.stderr);
    let nowhere = sandbox.run(&["report", "a", "b", "--format", "html"]);
    assert_eq!(nowhere.code, Some(2));
    assert!(nowhere.stderr.contains("--output"), "{}", nowhere.stderr);
    sandbox.ok(&["report", "a", "b", "--format", "html", "--output", "both.html"]);
    assert!(bytes(&sandbox.project().join("both.html")).starts_with(b"<!DOCTYPE html>"));

    imports(&sandbox);
    exports(&sandbox);
}

fn imports(sandbox: &Sandbox) {
    let good = r#"[{"backends": "CPU", "model_type": "llama 1B Q4_0", "n_prompt": 0, "n_gen": 128,
        "avg_ts": 20.0, "stddev_ts": 2.0, "samples_ts": [18.0, 20.0, 22.0]}]"#;
    sandbox.write("good.json", good);
    let text = sandbox.ok(&["report", "a", "--import", "good.json"]).stdout;
    assert!(text.contains("Figures of other tools, as they state them"), "{text}");
    assert!(text.contains("tg128") && text.contains("20.0 ± 2.0 tok/s"), "{text}");

    sandbox.write("bad.json", &good.replace("\"avg_ts\": 20.0", "\"avg_ts\": -20.0"));
    let check = |file: &str, expected: &str| {
        let done = sandbox.run(&["report", "a", "--import", file]);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{}", done.stderr);
        assert!(done.stderr.contains(expected) && done.stderr.contains("hint: "), "{}", done.stderr);
    };
    check("bad.json", "bad.json, test 1: `avg_ts` is -20, below 0");
    check("nothing.json", "cannot read nothing.json");
    check("runs", "cannot read runs");
}

fn exports(sandbox: &Sandbox) {
    let list = |dir: &str| {
        let read = fs::read_dir(sandbox.project().join(dir)).expect("a folder");
        let mut names: Vec<String> =
            read.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let done = sandbox.ok(&["export", "a", "--format", "parquet", "--output", "out/tables"]);
    let tables = ["channels", "chunks", "requests", "runs", "samples"].map(|name| format!("{name}.parquet"));
    let mut expected: Vec<String> = tables.into();
    expected.extend(["ingest.json".to_owned(), "sessions.json".to_owned()]);
    expected.sort();
    assert_eq!(list("out/tables"), expected);
    assert_eq!(done.stdout.lines().count(), expected.len());
    let table = "requests.parquet";
    assert_eq!(
        bytes(&sandbox.project().join("out/tables").join(table)),
        bytes(&sandbox.campaign("a").join("tables").join(table))
    );

    sandbox.ok(&["export", "a", "--format", "jsonl", "--output", "rows"]);
    let lines =
        String::from_utf8(bytes(&sandbox.project().join("rows/requests.jsonl"))).expect("JSON is UTF-8");
    let first: Value =
        serde_json::from_str(lines.lines().next().expect("a request")).expect("a line is JSON");
    assert_eq!((first["outcome"].as_str(), first["due_at_ns"].clone()), (Some("ok"), Value::Null));
    assert!(first["ttft_ns"].is_u64() && first["valid"].is_boolean(), "{first}");

    let again = sandbox.run(&["export", "a", "--format", "csv", "--output", "rows"]);
    assert_eq!(again.code, Some(2));
    assert!(
        again.stderr.contains("rows is there already") && again.stderr.contains("--force"),
        "{}",
        again.stderr
    );
    assert_eq!(list("rows"), ["requests.jsonl"], "nothing is left behind");
    sandbox.write("rows/mine.txt", "keep me");
    sandbox.ok(&["export", "a", "--format", "csv", "--output", "rows", "--force"]);
    assert_eq!(list("rows"), ["mine.txt", "requests.csv", "requests.jsonl"]);
    let csv = String::from_utf8(bytes(&sandbox.project().join("rows/requests.csv"))).expect("UTF-8");
    let header: Vec<&str> = csv.lines().next().expect("a header").split(',').collect();
    let keys: usize = first.as_object().expect("an object").len();
    assert_eq!(header.len(), keys, "the same columns in both forms");
    assert!(!list(".").iter().any(|name| name.starts_with(".tmp")), "{:?}", list("."));
}
