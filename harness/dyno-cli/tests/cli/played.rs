//! Boards that are played: sensors that follow a script, from the agent to the report, beside a truth worked out by hand.

use std::path::Path;

use serde_json::Value;

use crate::sandbox::Sandbox;

/// A project with the device `board`, which is played, and the runtime `scripted`.
fn project(fixture: &str, settings: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents/dyno-sensors/tests/fixtures").join(fixture);
    let root = std::fs::canonicalize(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let device = format!(
        "schema_version = 1\n[device.board]\ntransport = {{ kind = \"local\" }}\nsys_root = {:?}\nambient_c = 22\n",
        root.display().to_string()
    );
    sandbox.write("devices.toml", &device);
    let runtime = format!(
        "schema_version = 1\n[runtime.scripted]\ntitle = \"scripted\"\ndialect = \"fake\"\nready_limit_ms = 10_000\n\
         [runtime.scripted.settings]\nload_ns = 1_000_000_000\ntext = \"some words\"\n{settings}"
    );
    sandbox.write("catalog/runtimes/scripted.toml", &runtime);
    sandbox
}

/// The first cell of the report of a run.
fn cell(sandbox: &Sandbox, args: &[&str]) -> Value {
    let own = ["run", "--device", "board", "--runtime", "scripted", "--model", "none", "--name", "c"];
    let done = sandbox.run(&[&own[..], args].concat());
    assert!(matches!(done.code, Some(0 | 4)), "{:?}: {}\n{}", done.code, done.stdout, done.stderr);
    let shown = sandbox.run(&["report", "c", "--format", "json"]).stdout;
    let mut report: Value = serde_json::from_str(&shown).unwrap_or_else(|error| panic!("{error}: {shown}"));
    report["cells"][0].take()
}

/// The phone slows down to 600 ‰ 300 s after the launch began, and the runtime is killed for want of memory at 900 s.
#[test]
fn a_soak_of_a_phone_finds_onset_depth_cause_and_kill() {
    let settings = "ttft_ns = 400_000_000\ngap_ns = 40_000_000\nn_tokens = 48\npace = \"0:1000,300:600\"\n\
                    dies_at_s = \"900\"\n";
    let sandbox = project("played-phone", settings);
    let cell = cell(&sandbox, &["--suite", "soak"]);
    let launch = &cell["heat"]["launches"][0];
    // By hand: 60 s of cool-down, 60 s of rest, 1 s of start and 60 s of rest come before the load: 181 s. Answers of 48
    // tokens take 0.4 s + 47 × 0.04 s = 2.28 s at first.
    let seconds = |value: &Value| value.as_f64().expect("a number") / 1e9;
    let change = &launch["changes"][0];
    assert!((seconds(&change["at_ns"]) - 119.0).abs() <= 2.3, "{change}");
    assert_eq!(launch["changes"].as_array().map(Vec::len), Some(1), "{launch}");
    let share = change["after"].as_f64().expect("a rate") / change["before"].as_f64().expect("a rate");
    assert!((share - 0.6).abs() < 0.005, "{change}");
    assert_eq!(launch["verdict"]["kind"], "throttled");
    assert!(change["causes"].as_array().is_some_and(|causes| causes.contains(&"thermal".into())), "{change}");
    let end = &launch["terminated"];
    assert_eq!(end["outcome"], "oom", "{end}");
    assert!((seconds(&end["after_ns"]) - 719.0).abs() <= 0.2, "{end}");
    assert_eq!(cell["heat"]["ambient_mdegc"], 22_000);
}

/// The module takes 5 W at rest, 5.5 W with a runtime that is ready, 15 W in prefill and 10 W in decode.
#[test]
fn the_energy_of_a_jetson_is_that_worked_out_by_hand() {
    let settings = "ttft_ns = 2_000_000_000\ngap_ns = 400_000_000\nn_tokens = 128\n";
    let sandbox = project("played-jetson", settings);
    let cell = cell(&sandbox, &["--suite", "energy", "--repetitions", "1"]);
    let energy = &cell["energy"];
    assert_eq!(
        (&energy["source"]["name"], &energy["source"]["class"]),
        (&"VDD_IN".into(), &"C".into()),
        "{energy}"
    );
    // By hand: of 40 requests 14 have one token, 13 have 32 and 13 have 128. Prefill: 40 × 2 s × 15 W = 1200 J. Decode:
    // 13 × (31 + 127) gaps × 0.4 s × 10 W = 8216 J. In all 9416 J in 80 s + 821.6 s; 4958.8 J of them are those of rest.
    let total_j = 1200.0 + 8216.0;
    let rest_j = 5.5 * (80.0 + 821.6);
    let close = |found: &Value, expected: f64, what: &str| {
        let found = found.as_f64().unwrap_or_else(|| panic!("{what}: {energy}"));
        assert!((found / expected - 1.0).abs() < 0.01, "{what}: {found} instead of {expected}");
    };
    close(&energy["launches"][0]["energy_j"], total_j, "the load");
    let idle =
        |kind: &str| energy["idle"].as_array().and_then(|all| all.iter().find(|one| one["kind"] == kind));
    close(&idle("unloaded").expect("a rest")["power_w"], 5.0, "at rest");
    close(&idle("loaded").expect("a rest")["power_w"], 5.5, "at rest, ready");
    let figure = |id: &str| {
        let figures = energy["figures"].as_array().expect("figures");
        let found = figures.iter().find(|figure| figure["id"] == id);
        &found.unwrap_or_else(|| panic!("no {id} in {energy}"))["figure"]["value"]
    };
    close(figure("j_per_request"), total_j / 40.0, "a request");
    close(figure("net_j_per_request"), (total_j - rest_j) / 40.0, "a request above rest");
    // 40 requests have 14 × 1 + 13 × 32 + 13 × 128 = 2094 tokens of answers, and 2054 of them came in decode.
    close(figure("j_per_token"), total_j / 2094.0, "a token");
    close(figure("j_per_decode_token"), 8216.0 / 2054.0, "a token of decode");
}
