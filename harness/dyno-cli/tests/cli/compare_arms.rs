//! Comparisons in blocks, from the words of the command line to the exit code, with a known truth.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sandbox::{Sandbox, bytes, journal, requests};

/// The scripted runtime, in short launches.
const SHORT: [&str; 6] = ["--suite", "selftest", "--requests", "3", "--max-tokens", "8"];

fn compare(sandbox: &Sandbox, name: &str, arms: &str, more: &[&str]) -> Option<i32> {
    let done = sandbox.run(&[&["run", "--name", name, "--compare", arms], &SHORT[..], more].concat());
    assert!(!done.stdout.is_empty(), "{}", done.stderr);
    done.code
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn plan(sandbox: &Sandbox, name: &str) -> Value {
    json(&bytes(&sandbox.campaign(name).join("plan.json")))
}

fn verdicts(sandbox: &Sandbox, name: &str) -> Value {
    json(&bytes(&sandbox.campaign(name).join("report/report.json")))["verdicts"].clone()
}

#[test]
fn arms_are_launched_in_blocks_and_a_slower_one_exits_with_1() {
    let sandbox = Sandbox::new();
    // 22 ms a token instead of 20.
    assert_eq!(compare(&sandbox, "c", "fake,fake+set.gap_ns=22000000", &[]), Some(1));
    let plan = plan(&sandbox, "c");
    let arms: BTreeMap<&str, &str> = plan["cells"]
        .as_array()
        .expect("cells")
        .iter()
        .map(|cell| (cell["id"].as_str().expect("an id"), cell["arm"].as_str().expect("an arm")))
        .collect();
    let launched: Vec<&str> = journal(&sandbox.campaign("c"))
        .iter()
        .filter(|entry| entry["event"]["event"] == "launch_ended")
        .map(|entry| {
            let run = entry["event"]["run"].as_u64().expect("a run") as usize;
            arms[plan["runs"][run]["cell"].as_str().expect("a cell")]
        })
        .collect();
    assert_eq!(launched, ["fake", "fake+set.gap_ns=22000000", "fake+set.gap_ns=22000000", "fake"].repeat(5));
    assert_eq!(requests(&sandbox.campaign("c")).len(), 60);

    let verdicts = verdicts(&sandbox, "c");
    assert_eq!(verdicts["verdict"], "regression", "{verdicts}");
    let rows = verdicts["contrasts"][0]["rows"].as_array().expect("rows");
    let tpot = rows.iter().find(|row| row["metric"] == "tpot_ns").expect("TPOT");
    let ratio = tpot["outcome"]["effect"]["ratio"].as_f64().expect("a ratio");
    assert!((ratio - 1.1).abs() < 1e-9, "{ratio}");
}

#[test]
fn a_faster_arm_and_the_same_arm_twice_exit_with_0() {
    let sandbox = Sandbox::new();
    assert_eq!(compare(&sandbox, "faster", "fake,fake+set.gap_ns=15000000", &[]), Some(0));
    assert_eq!(verdicts(&sandbox, "faster")["verdict"], "improvement");
    assert_eq!(compare(&sandbox, "same", "fake,fake", &[]), Some(0));
    assert_eq!(verdicts(&sandbox, "same")["verdict"], "equivalent");
    let names: Vec<Value> = plan(&sandbox, "same")["comparison"]["arms"]
        .as_array()
        .expect("arms")
        .iter()
        .map(|arm| arm["name"].clone())
        .collect();
    assert_eq!(names, ["fake", "fake #2"]);
}

#[test]
fn blocks_are_made_even_for_abba_and_that_is_told() {
    let sandbox = Sandbox::new();
    let plan = ["plan", "--compare", "fake,fake", "--suite", "selftest", "--blocks", "7"];
    let done = sandbox.ok(&plan);
    assert!(
        done.stderr.contains("8 blocks instead of 7: the order ABBA takes an even number"),
        "{}",
        done.stderr
    );
    assert!(
        done.stdout.contains("blocks  8, each of 2 launches in the order ABBA: fake | fake #2"),
        "{}",
        done.stdout
    );
    assert!(done.stdout.contains("  arm      fake #2"), "{}", done.stdout);
    let shuffled = sandbox.ok(&[&plan[..], &["--order", "shuffled"]].concat());
    assert_eq!(shuffled.stderr, "");
    assert!(shuffled.stdout.contains("blocks  7, each of 2 launches in an order drawn from the seed"));
}

#[test]
fn without_a_suite_arms_are_compared_by_the_suite_compare() {
    let sandbox = Sandbox::new();
    let plan = json(sandbox.ok(&["plan", "--json", "--compare", "threads=1,threads=2"]).stdout.as_bytes());
    assert_eq!(
        (&plan["suite"]["name"], plan["runs"].as_array().map(Vec::len)),
        (&"compare".into(), Some(20))
    );
    let plan = json(sandbox.ok(&["plan", "--json"]).stdout.as_bytes());
    assert_eq!(plan["suite"]["name"], "quick");
}

#[test]
fn what_is_wrong_with_arms_is_usage_and_all_of_it_is_told() {
    let sandbox = Sandbox::new();
    let check = |args: &[&str], words: &[&str]| {
        let done = sandbox.run(args);
        assert_eq!(done.code, Some(2), "{args:?}: {}", done.stderr);
        for words in words {
            assert!(done.stderr.contains(words), "{args:?}: {}", done.stderr);
        }
    };
    check(
        &["run", "--compare", "fak,fake+set.=1,x+y", "--blocks", "3"],
        &[
            "unknown runtime `fak`",
            "did you mean `fake`?",
            "`set.` names no setting",
            "it says `runtime` twice",
            "2/2^3 = 0.25",
        ],
    );
    check(&["run", "--compare", "fake"], &["there is one arm"]);
    check(&["plan", "--blocks", "10"], &["nothing is compared"]);
    check(&["plan", "--order", "abba"], &["nothing is compared"]);
    check(&["run", "--compare", "a,b", "--blocks", "8", "--repetitions", "8"], &["cannot be used with"]);
    check(&["run", "--compare", "a,b", "--endpoint", "http://127.0.0.1:1"], &["cannot be used with"]);
    check(
        &["run", "--suite", "selftest", "--compare", "fake\u{1b}[2J,fake"],
        &["\\u{1b}[2J", "control character"],
    );
    assert!(!sandbox.project().join("runs").exists(), "nothing was begun");
}
