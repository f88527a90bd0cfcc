//! `compare`, `baseline`, `calibrate` and `history`, with the scripted runtime: its truth is known.

use serde_json::Value;

use crate::sandbox::{Done, Sandbox, bytes};

/// The scripted runtime, in short launches.
const SHORT: [&str; 6] = ["--suite", "selftest", "--requests", "3", "--max-tokens", "8"];

/// A campaign of two arms in ten blocks.
fn arms(sandbox: &Sandbox, name: &str, arms: &str) {
    let run = ["run", "--name", name, "--compare", arms];
    let done = sandbox.run(&[&run[..], &SHORT].concat());
    assert!(!done.stdout.is_empty(), "{}", done.stderr);
}

/// A plain campaign of so many launches.
fn plain(sandbox: &Sandbox, name: &str, launches: &str) {
    let run = ["run", "--name", name, "--runtime", "fake", "--repetitions", launches];
    sandbox.ok(&[&run[..], &SHORT].concat());
}

fn has(done: &Done, code: i32, words: &[&str]) {
    assert_eq!(done.code, Some(code), "{}\n{}", done.stdout, done.stderr);
    for word in words {
        assert!(done.stderr.contains(word), "`{word}` is not in:\n{}", done.stderr);
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_slower_arm_is_a_regression_in_every_form() {
    let sandbox = Sandbox::new();
    // 22 ms a token instead of 20: TPOT is 1.1 times what it was.
    arms(&sandbox, "c", "fake,fake+set.gap_ns=22000000");
    let done = sandbox.run(&["compare", "c"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stdout.contains("REGRESSION:") && done.stdout.contains("+10"), "{}", done.stdout);
    let view = json(&sandbox.run(&["compare", "c", "--json"]).stdout);
    assert_eq!(view["verdict"], "regression");
    let schema = json(
        &String::from_utf8(bytes(
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compare.schema.json").as_ref(),
        ))
        .expect("UTF-8"),
    );
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<_> = validator.iter_errors(&view).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    for (format, word) in [
        ("md", "**REGRESSION**"),
        ("html", "class=\"chart whiskers forest\""),
        ("csv", ",regression,"),
        ("junit", "<failure type=\"REGRESSION\""),
        ("benchmark-action", "\"unit\": \"ms\""),
        // Rates are not among the usual metrics of a scenario of latencies; that answers pass always is.
        ("benchmark-action-bigger", "fake+set.gap_ns=22000000: Answers that pass\""),
        ("bencher", "\"tpot-ns-ratio\""),
    ] {
        let done = sandbox.run(&["compare", "c", "--format", format]);
        assert_eq!(done.code, Some(1), "{format}: {}", done.stderr);
        assert!(done.stdout.contains(word), "{format} lacks {word}: {}", done.stdout);
    }
    // The same the other way round is an improvement, and sides can be arms by name.
    let back = sandbox.run(&[
        "compare",
        "c:fake+set.gap_ns=22000000",
        "c:fake",
        "--metric",
        "tpot",
        "--output",
        "a/b.txt",
    ]);
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    let written = String::from_utf8(bytes(&sandbox.project().join("a/b.txt"))).expect("UTF-8");
    assert!(written.contains("IMPROVEMENT: TPOT of fake"), "{written}");
}

#[test]
fn the_same_twice_passes_and_too_few_launches_do_not() {
    let sandbox = Sandbox::new();
    arms(&sandbox, "same", "fake,fake");
    assert_eq!(sandbox.run(&["compare"]).code, Some(0), "the newest campaign's arms are the same");
    plain(&sandbox, "a", "3");
    plain(&sandbox, "b", "3");
    // The smallest p of three against three launches is 0.1.
    let done = sandbox.run(&["compare", "a", "b"]);
    assert_eq!(done.code, Some(5), "{}", done.stdout);
    assert!(done.stdout.contains("INCONCLUSIVE") && done.stdout.contains("UNPAIRED"), "{}", done.stdout);
    assert_eq!(sandbox.run(&["compare", "a", "b", "--inconclusive-ok"]).code, Some(0));
}

#[test]
fn a_side_without_a_valid_launch_is_no_pass() {
    let sandbox = Sandbox::new();
    plain(&sandbox, "good", "6");
    sandbox.write(
        "catalog/runtimes/failing.toml",
        "schema_version = 1\n[runtime.failing]\ntitle = \"failing\"\ndialect = \"fake\"\nready_limit_ms = 10_000\n\
         [runtime.failing.settings]\nfail_every = 1\n",
    );
    let run = ["run", "--name", "bad", "--runtime", "failing", "--repetitions", "6"];
    sandbox.run(&[&run[..], &SHORT].concat());
    for more in [&[][..], &["--inconclusive-ok"]] {
        let done = sandbox.run(&[&["compare", "good", "bad"][..], more].concat());
        assert_eq!(done.code, Some(1), "{}\n{}", done.stdout, done.stderr);
        assert!(done.stdout.contains("REGRESSION: more requests of bad fail"), "{}", done.stdout);
    }
}

#[test]
fn what_cannot_be_compared_is_told_with_what_can() {
    let sandbox = Sandbox::new();
    arms(&sandbox, "c", "fake,fake");
    plain(&sandbox, "p", "3");
    has(&sandbox.run(&["compare", "nothing", "c"]), 2, &["nothing", "c"]);
    has(&sandbox.run(&["compare", "c:slow", "c:fake"]), 2, &["slow", "fake #2"]);
    has(&sandbox.run(&["compare", "p"]), 2, &["p", "--compare"]);
    has(&sandbox.run(&["compare", "c", "--metric", "speed"]), 2, &["speed", "ttft"]);
    has(&sandbox.run(&["compare", "c", "--delta", "0"]), 2, &["--delta"]);
    has(&sandbox.run(&["compare", "c", "--calibration", "none.json"]), 2, &["none.json", "calibrate"]);
    let journal = sandbox.campaign("c").join("journal.log");
    let mut damaged = bytes(&journal);
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x20;
    std::fs::write(&journal, damaged).expect("a temporary file");
    std::fs::remove_dir_all(sandbox.campaign("c").join("tables")).expect("tables");
    let done = sandbox.run(&["compare", "c"]);
    assert!(![Some(0), Some(1), Some(70)].contains(&done.code), "{:?}: {}", done.code, done.stderr);
    assert!(done.stderr.contains("journal.log"), "{}", done.stderr);
}

#[test]
fn a_baseline_is_a_record_that_stays_as_it_was() {
    let sandbox = Sandbox::new();
    arms(&sandbox, "c", "fake,fake");
    plain(&sandbox, "p", "6");
    assert!(sandbox.ok(&["baseline", "list"]).stdout.is_empty());
    sandbox.ok(&["baseline", "set", "stable", "c"]);
    let listed = sandbox.ok(&["baseline", "list"]).stdout;
    assert!(listed.contains("stable") && listed.contains("unchanged"), "{listed}");
    assert_eq!(
        json(&sandbox.ok(&["baseline", "list", "--json"]).stdout)["baselines"]["stable"]["campaign"],
        "c"
    );
    let done = sandbox.run(&["compare", "stable:fake", "p", "--json"]);
    assert_eq!(json(&done.stdout)["sides"][0]["campaign"], "c", "{}", done.stderr);
    has(&sandbox.run(&["baseline", "set", "../evil", "c"]), 2, &["../evil"]);
    has(&sandbox.run(&["baseline", "set", "other", "nothing"]), 2, &["nothing"]);
    has(&sandbox.run(&["baseline", "remove", "other"]), 2, &["other", "stable"]);

    let journal = sandbox.campaign("c").join("journal.log");
    let mut changed = bytes(&journal);
    changed.extend_from_slice(b"\n");
    std::fs::write(&journal, changed).expect("a temporary file");
    has(&sandbox.run(&["compare", "stable", "p"]), 2, &["stable", "changed", "baseline set"]);
    assert!(sandbox.ok(&["baseline", "list"]).stdout.contains("CHANGED"));
    sandbox.ok(&["baseline", "remove", "stable"]);
    has(&sandbox.run(&["compare", "stable", "p"]), 2, &["stable"]);
    sandbox.write("baselines.json", "{ \"format\": 1,\n \"baselines\": 3 }");
    has(&sandbox.run(&["baseline", "list"]), 2, &["baselines.json:2"]);
}

#[test]
fn a_device_is_held_against_itself_and_that_is_used() {
    let sandbox = Sandbox::new();
    let calibrate =
        ["calibrate", "--suite", "selftest", "--runtime", "fake", "--requests", "3", "--name", "aa"];
    let done = sandbox.run(&calibrate);
    assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("USABLE") && done.stdout.contains("20 of 20 blocks"), "{}", done.stdout);
    let path = sandbox.project().join("calibrations/local.json");
    let stored = json(&String::from_utf8(bytes(&path)).expect("UTF-8"));
    assert_eq!(stored["device"], "local");
    let sum = String::from_utf8(bytes(&path.with_extension("json.sha256"))).expect("UTF-8");
    assert!(sum.ends_with("  local.json\n"), "as sha256sum has it: {sum}");

    let view = json(&sandbox.run(&["compare", "aa", "--json"]).stdout);
    assert_eq!(view["calibrations"][0]["digest"], sum[..64]);
    assert_eq!(view["verdict"], "equivalent");
    let again = sandbox.ok(&["calibrate", "--from", "aa", "--format", "json"]).stdout;
    assert_eq!(json(&again)[0], stored, "a calibration is a function of the record");

    let text =
        String::from_utf8(bytes(&path)).expect("UTF-8").replacen("\"n_blocks\":20", "\"n_blocks\":99", 1);
    std::fs::write(&path, text).expect("a temporary file");
    has(&sandbox.run(&["compare", "aa"]), 2, &["local.json", "changed"]);
    plain(&sandbox, "p", "3");
    has(&sandbox.run(&["calibrate", "--from", "p"]), 2, &["p", "no A/A calibration"]);
}

#[test]
fn campaigns_over_time_are_a_history() {
    let sandbox = Sandbox::new();
    has(&sandbox.run(&["history"]), 2, &["no campaign"]);
    for name in ["r1", "r2"] {
        plain(&sandbox, name, "3");
    }
    let view = json(&sandbox.ok(&["history", "--json"]).stdout);
    assert_eq!(view["campaigns"].as_array().map(Vec::len), Some(2));
    let points = view["series"][0]["points"].as_array().expect("points");
    assert_eq!(points.len(), 2);
    let given =
        json(&sandbox.ok(&["history", "r2", "r1", "--as-given", "--metric", "tpot", "--json"]).stdout);
    assert_eq!(given["campaigns"][0]["id"], "r2");
    assert!(given["series"].as_array().is_some_and(|all| all.iter().all(|of| of["metric"] == "tpot_ns")));
    for format in ["terminal", "md"] {
        assert!(sandbox.ok(&["history", "--format", format]).stdout.contains("r1"), "{format}");
    }
    sandbox.ok(&["history", "--format", "html", "--output", "history.html"]);
    assert!(bytes(&sandbox.project().join("history.html")).len() > 1000);
    has(&sandbox.run(&["history", "--metric", "speed"]), 2, &["speed"]);
    sandbox.write("runs/broken/plan.json", "{}");
    let told = sandbox.ok(&["history"]).stdout;
    assert!(told.contains("broken"), "{told}");
}

#[test]
fn a_plain_report_speaks_to_build_servers_too() {
    let sandbox = Sandbox::new();
    plain(&sandbox, "p", "3");
    let junit = sandbox.ok(&["report", "p", "--format", "junit"]).stdout;
    assert!(junit.contains("<testsuites") && junit.contains("failures=\"0\""), "{junit}");
    let bencher = json(&sandbox.ok(&["report", "p", "--format", "bencher"]).stdout);
    let measures = bencher.as_object().and_then(|all| all.values().next()).expect("one cell");
    assert!(measures["tpot-ns-p50"]["value"].is_number(), "{measures}");
    for (format, unit) in [("benchmark-action", "ms"), ("benchmark-action-bigger", "tok/s")] {
        let entries = json(&sandbox.ok(&["report", "p", "--format", format]).stdout);
        let entries = entries.as_array().expect("an array");
        assert!(entries.iter().any(|entry| entry["unit"] == unit), "{format}: {entries:?}");
    }
}
