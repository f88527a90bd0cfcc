//! Loads of every kind, offered to a server whose truth is known, and to the scripted runtime.

use dyno_runtimes::paced::PacedServer;
use serde_json::Value;

use crate::sandbox::{Done, Sandbox, bytes};

/// Runs against `script` of a paced server, as `edgedyno run --endpoint`.
fn measured(sandbox: &Sandbox, server: &PacedServer, script: &str, more: &[&str]) -> Done {
    let url = format!("{}/v1", server.url(script));
    let mut args = vec!["run", "--endpoint", &url, "--model", "paced", "--suite", "latency", "--name", "c"];
    args.extend(more);
    sandbox.run(&args)
}

fn report(sandbox: &Sandbox) -> Value {
    let shown = sandbox.run(&["report", "c", "--format", "json"]).stdout;
    serde_json::from_str(&shown).unwrap_or_else(|error| panic!("report.json: {error}: {shown}"))
}

fn metric<'a>(cell: &'a Value, id: &str) -> &'a Value {
    let metrics = cell["metrics"].as_array().expect("a cell has metrics");
    metrics.iter().find(|metric| metric["metric"] == id).unwrap_or_else(|| panic!("no {id}"))
}

/// Ten requests a second of a service that takes 500 ms and serves one at a time: who waits until the one before is
/// served before he sends the next sees half a second; a user sees the queue.
#[test]
fn the_front_page_tells_what_a_user_waits() {
    let server = PacedServer::start().expect("a paced server");
    let sandbox = Sandbox::new();
    let script = "ttft_us=500000,n=1,slots=1";
    let more = [
        "--rate",
        "10",
        "--arrivals",
        "constant",
        "--requests",
        "50",
        "--repetitions",
        "1",
        "--max-tokens",
        "1",
    ];
    let done = measured(&sandbox, &server, script, &more);
    assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
    // By hand: request i of 50 is due at i/10 s and served at 0.1 + i/2 s, so it waits 0.1 + 0.4 i s, and the last
    // one 20.1 s; the third from the top, which p99 is not below with 97.5 %, waits 19.3 s.
    let report = report(&sandbox);
    let waited = metric(&report["cells"][0], "e2e_sched_ns");
    let max_s = waited["max"].as_f64().expect("a number") / 1e9;
    assert!((20.1..21.0).contains(&max_s), "the last one waited {max_s} s");
    let front = done.stdout.lines().take(25).collect::<Vec<_>>().join("\n");
    assert!(front.contains("19.3") || front.contains("19.4"), "p99 is at least that:\n{front}");
    assert!(front.to_lowercase().contains("saturat"), "{front}");
    let service = metric(&report["cells"][0], "send_lag_ns");
    assert!(service["max"].as_f64().expect("a number") < 1e9, "the generator itself was not late: {service}");
}

#[test]
fn every_answer_that_fails_is_counted_and_stops_no_other() {
    let server = PacedServer::start().expect("a paced server");
    for (script, code, outcome, word) in [
        ("status=503,retry_after_s=7", 4, "refused", "503"),
        ("error_200=1", 4, "refused", ""),
        ("reset_at=3,n=8", 4, "crashed", ""),
        ("bad_json_at=3,n=8", 4, "crashed", ""),
    ] {
        let sandbox = Sandbox::new();
        let done = measured(&sandbox, &server, script, &["--requests", "4", "--repetitions", "1"]);
        assert_eq!(done.code, Some(code), "{script}: {}\n{}", done.stdout, done.stderr);
        let report = report(&sandbox);
        let counts = &report["cells"][0]["outcomes"];
        assert_eq!(
            (counts[0]["outcome"].as_str(), counts[0]["n"].as_u64()),
            (Some(outcome), Some(4)),
            "{script}: {counts}"
        );
        assert!(counts.to_string().contains(word), "{script}: {counts}");
    }
}

#[test]
fn a_key_is_in_no_file() {
    const KEY: &str = "sk-a-key-that-nobody-may-see";
    let server = PacedServer::start().expect("a paced server");
    let sandbox = Sandbox::new();
    let url = format!("{}/v1", server.url("n=2"));
    let args = [
        "run",
        "--endpoint",
        &url,
        "--model",
        "paced",
        "--requests",
        "2",
        "--repetitions",
        "1",
        "--name",
        "c",
        "-v",
    ];
    let output = sandbox.command(&args).env("EDGEDYNO_API_KEY", KEY).output().expect("edgedyno starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&shown).contains(KEY));
    let mut folders = vec![sandbox.root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                let found = bytes(&path).windows(KEY.len()).any(|part| part == KEY.as_bytes());
                assert!(!found, "{} holds the key", path.display());
            }
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_told_with_its_address() {
    let sandbox = Sandbox::new();
    // A port that was free a moment ago, and nobody listens on.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let url = format!("http://127.0.0.1:{port}/v1");
    let done = sandbox.run(&["run", "--endpoint", &url, "--model", "m", "--requests", "2", "--name", "c"]);
    assert_eq!(done.code, Some(4), "{}\n{}", done.stdout, done.stderr);
    let said = format!("{}{}", done.stdout, done.stderr);
    assert!(said.contains(&format!("127.0.0.1:{port}")), "{said}");
}

/// The scripted runtime serves one request after the other, in a time of its own: a queue known to the nanosecond.
#[test]
fn the_scripted_queue_comes_out_to_the_nanosecond() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "catalog/runtimes/scripted.toml",
        "schema_version = 1\n[runtime.scripted]\ntitle = \"scripted\"\ndialect = \"fake\"\nready_limit_ms = 10_000\n\
         [runtime.scripted.settings]\nload_ns = 250_000_000\nttft_ns = 500_000_000\ngap_ns = 0\nn_tokens = 1\n\
         text = \"word \"\n",
    );
    sandbox.run(&[
        "run",
        "--runtime",
        "scripted",
        "--model",
        "none",
        "--rate",
        "10",
        "--arrivals",
        "constant",
        "--requests",
        "50",
        "--repetitions",
        "1",
        "--name",
        "c",
    ]);
    let report = report(&sandbox);
    let waited = metric(&report["cells"][0], "e2e_sched_ns");
    // As above: the last of 50 waits 0.1 + 0.4 · 50 = 20.1 s, the first 0.5 s.
    assert_eq!((waited["min"].as_f64(), waited["max"].as_f64()), (Some(5e8), Some(2.01e10)), "{waited}");
}
