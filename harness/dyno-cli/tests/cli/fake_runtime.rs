//! The whole pipeline with the scripted runtime: its figures are known to the nanosecond.

use serde_json::Value;

use crate::sandbox::{SCRIPTED as RUNTIME, Sandbox, bytes, requests};

fn measured(runtime: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("catalog/runtimes/scripted.toml", runtime);
    sandbox.ok(&["run", "--runtime", "scripted", "--model", "none", "--name", "c"]);
    sandbox
}

fn metric<'a>(report: &'a Value, id: &str) -> &'a Value {
    let metrics = report["cells"][0]["metrics"].as_array().expect("a cell has metrics");
    metrics.iter().find(|metric| metric["metric"] == id).unwrap_or_else(|| panic!("no {id}"))
}

/// The median as it is written in report.json: its digits are the value.
fn p50(report: &Value, id: &str) -> String {
    metric(report, id)["quantiles"][0]["value"].to_string()
}

fn report(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.ok(&["report", "c", "--format", "json"]).stdout)
        .expect("report.json is JSON")
}

#[test]
fn scripted_times_come_out_to_the_nanosecond() {
    let sandbox = measured(RUNTIME);
    let report = report(&sandbox);
    // By hand: E2E = 120 + 6 x 20 = 240 ms; TPOT = (240 - 120) / (7 - 1) = 20 ms; 1 / TPOT = 50 tokens/s.
    assert_eq!(p50(&report, "ttft_ns"), "120000000.0");
    assert_eq!(p50(&report, "e2e_ns"), "240000000.0");
    assert_eq!(p50(&report, "tpot_ns"), "20000000.0");
    assert_eq!(p50(&report, "decode_tokens_per_s"), "50.0");
    assert_eq!(metric(&report, "ttft_ns")["n"], 120);
    // Three launches are fewer than the six that a median's interval takes.
    assert_eq!(metric(&report, "load_ns")["quantiles"][0]["kind"], "too_few");
    assert_eq!(report["cells"][0]["launches"][0]["load_ns"], 250_000_000_u64);
    assert_eq!(report["cells"][0]["launches"][0]["first_inference_ns"], 120_000_000_u64);
}

#[test]
fn one_token_has_no_tpot() {
    let report = report(&measured(&RUNTIME.replace("n_tokens = 7", "n_tokens = 1")));
    assert_eq!(metric(&report, "tpot_ns")["n"], 0);
    assert_eq!(metric(&report, "tpot_ns")["n_undefined"], 120);
    assert_eq!(p50(&report, "ttft_ns"), p50(&report, "e2e_ns"));
}

#[test]
fn p99_of_120_requests_is_not_a_number() {
    let sandbox = measured(RUNTIME);
    let report = report(&sandbox);
    let p99 = &metric(&report, "ttft_ns")["quantiles"][3];
    assert_eq!(
        (p99["kind"].as_str(), p99["n"].as_u64(), p99["needed"].as_u64()),
        (Some("too_few"), Some(120), Some(368))
    );
    for format in ["terminal", "md"] {
        let shown = sandbox.ok(&["report", "c", "--format", format]).stdout;
        assert!(shown.contains("n/a") && shown.contains("(n = 120 < 368)"), "{shown}");
    }
}

#[test]
fn a_report_is_a_function_of_the_record() {
    let sandbox = measured(RUNTIME);
    let campaign = sandbox.campaign("c");
    let first = bytes(&campaign.join("report/report.json"));
    assert_eq!(sandbox.ok(&["report", "c", "--format", "json"]).stdout.into_bytes(), first);

    let tables: Vec<_> = std::fs::read_dir(campaign.join("tables"))
        .expect("tables")
        .map(|e| e.expect("entry").path())
        .collect();
    assert!(tables.len() >= 4, "{tables:?}");
    let before: Vec<_> = tables.iter().map(|path| bytes(path)).collect();
    std::fs::remove_dir_all(campaign.join("tables")).expect("derived data may be deleted");
    assert_eq!(sandbox.ok(&["report", "c", "--format", "json"]).stdout.into_bytes(), first);
    let after: Vec<_> = tables.iter().map(|path| bytes(path)).collect();
    assert!(before == after, "ingesting again gave other bytes");
}

#[test]
fn report_json_fits_its_schema() {
    let sandbox = measured(RUNTIME);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/report.schema.json");
    let schema: Value = serde_json::from_slice(&bytes(root.as_ref())).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<_> = validator.iter_errors(&report(&sandbox)).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn every_form_of_the_report_can_be_had() {
    let sandbox = measured(RUNTIME);
    for format in ["terminal", "md", "json", "csv"] {
        assert!(sandbox.ok(&["report", "c", "--format", format]).stdout.len() > 200, "{format}");
    }
    sandbox.ok(&["report", "c", "--format", "html", "--output", "page.html"]);
    let page = String::from_utf8(bytes(&sandbox.project().join("page.html"))).expect("UTF-8");
    assert!(
        page.contains("<svg") && !page.contains("src=\"http"),
        "a page without charts or with a network request"
    );
    assert_eq!(
        sandbox.ok(&["--json", "report", "c"]).stdout,
        sandbox.ok(&["report", "c", "-f", "json"]).stdout
    );
}

#[test]
fn resuming_a_complete_campaign_measures_nothing_again() {
    let sandbox = measured(RUNTIME);
    let before = requests(&sandbox.campaign("c"));
    sandbox.ok(&["resume", "c"]);
    assert_eq!(requests(&sandbox.campaign("c")), before);
    assert_eq!(before.len(), 120);
}

#[test]
fn failing_requests_are_counted_and_told() {
    let sandbox = Sandbox::new();
    sandbox.write("catalog/runtimes/scripted.toml", &format!("{RUNTIME}fail_every = 4\n"));
    let done = sandbox.run(&[
        "run",
        "--runtime",
        "scripted",
        "--model",
        "none",
        "--name",
        "c",
        "--repetitions",
        "1",
    ]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let report = report(&sandbox);
    let outcomes = report["cells"][0]["outcomes"].as_array().expect("outcomes");
    let n = |ok: bool| {
        outcomes
            .iter()
            .filter(|o| (o["outcome"] == "ok") == ok)
            .map(|o| o["n"].as_u64().expect("n"))
            .sum::<u64>()
    };
    assert_eq!((n(true), n(false)), (30, 10));
    assert_eq!(metric(&report, "ttft_ns")["n"], 30);
}

#[test]
fn the_plan_can_be_read_before_it_runs() {
    let sandbox = Sandbox::new();
    let words = sandbox.ok(&["plan"]).stdout;
    assert!(words.contains("3 launches, 120 requests") && words.contains("smollm2-135m-instruct"), "{words}");
    let plan: Value = serde_json::from_str(&sandbox.ok(&["plan", "--json"]).stdout).expect("a plan is JSON");
    assert_eq!(plan["runs"].as_array().map(Vec::len), Some(3));
    let held = sandbox.ok(&["plan", "--suite", "soak", "--duration", "90"]).stdout;
    assert!(held.contains("single user, held for 90 s") && held.contains("a stop at 105 °C"), "{held}");
    assert!(!sandbox.project().join("runs").exists());
}
