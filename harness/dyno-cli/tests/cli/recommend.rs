//! `recommend`: from a short and a long campaign with known truth to what to buy, beside costs worked out by hand.

use std::path::Path;

use serde_json::Value;

use crate::sandbox::{Sandbox, bytes};

/// Answers of 48 tokens: 2.45 s with gaps of 50 ms, 4.8 s with gaps of 100 ms.
fn runtime(name: &str, gap_ms: u32) -> String {
    format!(
        "schema_version = 1\n[runtime.{name}]\ntitle = \"{name}\"\ndialect = \"fake\"\nready_limit_ms = 10_000\n\
         [runtime.{name}.settings]\nload_ns = 1_000_000_000\nttft_ns = 100_000_000\ngap_ns = {gap_ms}_000_000\n\
         n_tokens = 48\ntext = \"some words\"\n"
    )
}

/// A board on which `fast` and `slow` were measured: five short launches of each, and a held load of twenty minutes.
fn measured() -> Sandbox {
    let sandbox = Sandbox::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../agents/dyno-sensors/tests/fixtures/played-jetson")
        .canonicalize()
        .expect("the fixture is there");
    let device = format!(
        "schema_version = 1\n[device.board]\ntransport = {{ kind = \"local\" }}\nsys_root = {:?}\nprice_eur = 100\n",
        root.display().to_string()
    );
    sandbox.write("devices.toml", &device);
    sandbox.write("catalog/runtimes/fast.toml", &runtime("fast", 50));
    sandbox.write("catalog/runtimes/slow.toml", &runtime("slow", 100));
    sandbox.write("sla.toml", SLA);
    let own = ["run", "--device", "board", "--runtime", "fast,slow", "--model", "none", "-q"];
    for more in [["--suite", "latency", "--name", "short"], ["--suite", "soak", "--name", "long"]] {
        let done = sandbox.run(&[&own[..], &more[..]].concat());
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    }
    sandbox
}

const SLA: &str = "schema_version = 1\nname = \"sla\"\ndescription = \"What we promise.\"\n\
                   [[slo]]\nmetric = \"e2e\"\nlimit_ms = 3000\nfraction = 0.9\n";

fn json(sandbox: &Sandbox, more: &[&str], code: i32) -> Value {
    let args = [&["recommend", "short", "long", "--slo", "sla.toml", "--json"], more].concat();
    let done = sandbox.run(&args);
    assert_eq!(done.code, Some(code), "{}{}", done.stdout, done.stderr);
    serde_json::from_str(&done.stdout).expect("JSON")
}

fn option<'v>(found: &'v Value, runtime: &str) -> &'v Value {
    let options = found["options"].as_array().expect("options");
    options
        .iter()
        .find(|option| option["runtime"] == runtime)
        .unwrap_or_else(|| panic!("no {runtime}: {found}"))
}

fn close(found: &Value, expected: f64, what: &str) {
    let value = found["value"].as_f64().unwrap_or_else(|| panic!("{what}: {found}"));
    assert!((value / expected - 1.0).abs() < 0.001, "{what}: {value} instead of {expected}");
}

#[test]
fn the_device_that_keeps_its_level_is_recommended_with_costs_worked_out_by_hand() {
    let sandbox = measured();
    let found = json(&sandbox, &[], 0);
    let (fast, slow) = (option(&found, "fast"), option(&found, "slow"));
    assert_eq!(
        (&found["advice"]["word"], &fast["standing"]["kind"]),
        (&"buy".into(), &"ranked".into()),
        "{found}"
    );
    assert_eq!(slow["objectives"][0]["verdict"], "fail", "{slow}");
    // By hand: 48 tokens / 2.45 s; 0.2 × 3 × 8766 h of load at that rate are 370.96 million tokens for 100 EUR.
    close(&fast["rates"]["sustained"], 48.0 / 2.45, "sustained");
    let tokens = 48.0 / 2.45 * 0.2 * 3.0 * 8766.0 * 3600.0;
    close(&fast["money"]["per_million"], 100.0 / (tokens / 1e6), "a million tokens");
    // 36 users ask 180 times an hour: 1.8 requests a second, of which a device may take 0.7 / 2.45: 6.3 devices.
    let found = json(&sandbox, &["--users", "36", "--requests-per-user-hour", "180"], 0);
    close(&option(&found, "fast")["money"]["devices"], 7.0, "devices");
    for (format, begin) in [("html", "<!DOCTYPE html>"), ("md", "## "), ("csv", "option,")] {
        let args = ["recommend", "short", "long", "--slo", "sla.toml", "-f", format, "-o", "buy"];
        let done = sandbox.run(&args);
        assert_eq!((done.code, done.stdout.as_str()), (Some(0), ""), "{}", done.stderr);
        let page = String::from_utf8(bytes(&sandbox.project().join("buy"))).expect("UTF-8");
        assert!(page.starts_with(begin) && page.contains("fast"), "{page:.200}");
    }
}

#[test]
fn what_is_not_shown_is_not_recommended() {
    let sandbox = measured();
    // No device answers in two seconds.
    sandbox.write("sla.toml", &SLA.replace("3000", "2000"));
    assert_eq!(json(&sandbox, &[], 1)["advice"]["word"], "none_meets");
    // A short load shows nothing of twenty minutes.
    let done = sandbox.run(&["recommend", "short", "--slo", "interactive"]);
    assert_eq!(done.code, Some(5), "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("sustained not shown"), "{}", done.stdout);
    // A price of nothing is no price.
    sandbox.write("sla.toml", SLA);
    let found = json(&sandbox, &["--price", "board=0"], 0);
    assert_eq!(found["advice"]["word"], "meets_unpriced", "{found}");
    let done = sandbox.run(&["recommend", "short", "--slo", "sla.toml", "--price", "pi5=90"]);
    assert_eq!(done.code, Some(2), "{}{}", done.stdout, done.stderr);
    assert!(done.stderr.contains("pi5") && done.stderr.contains("board"), "{}", done.stderr);
}
