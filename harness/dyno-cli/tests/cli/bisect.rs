//! The search for the first bad build, over scripted builds of which one is known to be the first.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sandbox::{Done, Sandbox, bytes, requests};

/// Scripted builds: the time between tokens in µs.
fn builds(gaps_us: &[u32]) -> String {
    gaps_us.iter().fold("# one on each line\n\n".to_owned(), |text, us| {
        text + &format!("name=b{us}+fake+set.gap_ns={us}000\n")
    })
}

/// The command, in short launches of the scripted runtime.
const BISECT: [&str; 9] =
    ["bisect", "--builds", "builds.txt", "--name", "b", "--suite", "selftest", "--blocks", "6"];
const SHORT: [&str; 2] = ["--requests", "3"];

fn bisect(sandbox: &Sandbox, more: &[&str]) -> Done {
    sandbox.run(&[&BISECT[..], &SHORT, more].concat())
}

fn campaigns(sandbox: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.project().join("runs")).expect("campaigns");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_first_bad_build_is_found_by_halves() {
    let sandbox = Sandbox::new();
    // Good builds differ a little; from the sixth on it is 10 % slower. By hand: 8 is bad, 4 good, 6 bad, 5 bad.
    sandbox.write(
        "builds.txt",
        &builds(&[20_000, 20_010, 19_990, 20_005, 20_020, 22_000, 22_010, 22_005, 22_020]),
    );
    let done = bisect(&sandbox, &["--json"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("9 builds, 4 steps at most"), "{}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(told["outcome"], "found");
    assert_eq!(
        (&told["first_bad"]["words"], &told["last_good"]["words"]),
        (&"name=b22000+fake+set.gap_ns=22000000".into(), &"name=b20020+fake+set.gap_ns=20020000".into())
    );
    let steps = told["steps"].as_array().expect("steps");
    let step = |step: &Value| {
        let build = step["build"]["name"].as_str().expect("a build");
        format!("{build} {}", step["verdict"].as_str().expect("a verdict"))
    };
    assert_eq!(
        steps.iter().map(step).collect::<Vec<_>>(),
        ["b22020 regression", "b20020 equivalent", "b22010 regression", "b22000 regression"]
    );
    assert_eq!(campaigns(&sandbox), ["b-step-1", "b-step-2", "b-step-3", "b-step-4"]);
    // 20 ms over 22 ms a token.
    let ratio = steps[3]["effect"]["ratio"].as_f64().expect("a ratio");
    assert!((ratio - 20.0 / 22.0).abs() < 1e-9, "{ratio}");

    // Again: nothing is measured, and the answer is the same.
    let before: Vec<_> = (1..=4).map(|n| requests(&sandbox.campaign(&format!("b-step-{n}")))).collect();
    let again = bisect(&sandbox, &[]);
    assert_eq!(again.code, Some(1), "{}", again.stderr);
    assert!(again.stdout.contains("first bad build: b22000 (name=b22000+fake"), "{}", again.stdout);
    assert!(
        again.stdout.contains("Decode rate −9.09 %") && again.stdout.contains("(b-step-4)"),
        "{}",
        again.stdout
    );
    let after: Vec<_> = (1..=4).map(|n| requests(&sandbox.campaign(&format!("b-step-{n}")))).collect();
    assert_eq!(before, after);
}

#[test]
fn where_the_last_build_is_no_worse_there_is_nothing_to_find() {
    let sandbox = Sandbox::new();
    sandbox.write("builds.txt", &builds(&[20_000, 22_000, 20_010]));
    let done = bisect(&sandbox, &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("nothing to find: b20010"), "{}", done.stdout);
    assert_eq!(campaigns(&sandbox), ["b-step-1"]);
}

#[test]
fn a_step_that_cannot_be_decided_doubles_its_blocks_and_then_says_so() {
    let sandbox = Sandbox::new();
    // Longer prompts wait longer, and every second request fails, so that each block is of other prompts: 24 blocks are
    // about 5 % slower, from 4.1 % to 5.9 %. Of that nobody can say whether it is more than 5.4 %.
    sandbox.write(
        "builds.txt",
        "fake+set.fail_every=2\nfake\nfake+set.fail_every=2+set.ttft_per_prompt_char_ns=20000\n",
    );
    let more = ["--requests", "12", "--metric", "ttft", "--delta", "5.4", "--json"];
    let done = sandbox.run(&[&BISECT[..], &more].concat());
    assert_eq!(done.code, Some(5), "{}\n{}", done.stderr, done.stdout);
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!((&told["outcome"], &told["first_bad"]), (&"undecided".into(), &Value::Null));
    assert_eq!(told["steps"][0]["verdict"], "inconclusive");
    assert_eq!(told["steps"][0]["blocks"], 24);
    assert_eq!(campaigns(&sandbox), ["b-step-1", "b-step-1-x2", "b-step-1-x4"]);
}

#[test]
fn a_build_that_does_not_run_is_worse() {
    let sandbox = Sandbox::new();
    sandbox.write("builds.txt", "fake\nfake+set.text=same\nfake+set.fail_every=2\n");
    let done = bisect(&sandbox, &["--json"]);
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(
        (done.code, &told["first_bad"]["words"]),
        (Some(1), &"fake+set.fail_every=2".into()),
        "{told}"
    );
}

/// A search that is killed in its second step, and begun again, measures nothing twice.
#[test]
fn a_killed_search_goes_on_where_it_was() {
    let sandbox = Sandbox::new();
    // Each request takes 50 ms of real time, so that there is time to be killed.
    sandbox.write(
        "builds.txt",
        &builds(&[20_000, 20_010, 22_000, 22_010]).replace("fake+", "fake+set.wait_ms=50+"),
    );
    let mut child = sandbox.start(&[&BISECT[..], &SHORT].concat());
    let begun = Instant::now();
    let second = sandbox.campaign("b-step-2");
    let n_requests = |campaign: &Path| {
        let text = std::fs::read_to_string(campaign.join("journal.log")).unwrap_or_default();
        text.matches("\"event\":\"request\"").count()
    };
    while n_requests(&second) < 4 {
        assert!(begun.elapsed() < Duration::from_mins(2), "the second step did not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("our child");
    child.wait().expect("our child");
    let journal_of_first = bytes(&sandbox.campaign("b-step-1").join("journal.log"));
    assert!(n_requests(&second) < 36, "it was killed too late");

    let done = bisect(&sandbox, &[]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("b-step-1 is in the record"), "{}", done.stderr);
    assert!(done.stdout.contains("first bad build: b22000"), "{}", done.stdout);
    assert_eq!(requests(&sandbox.campaign("b-step-1")).len(), 36);
    assert!(bytes(&sandbox.campaign("b-step-1").join("journal.log")).starts_with(&journal_of_first));
    let mut of_second = requests(&second);
    of_second.sort_unstable();
    let expected: Vec<(u64, u64)> = (0..12).flat_map(|run| (0..3).map(move |idx| (run, idx))).collect();
    assert_eq!(of_second, expected, "each request of the second step once");
}

#[test]
fn other_builds_under_the_same_name_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("builds.txt", &builds(&[20_000, 20_010]));
    assert_eq!(bisect(&sandbox, &[]).code, Some(0));
    sandbox.write("builds.txt", &builds(&[20_000, 22_000]));
    let done = bisect(&sandbox, &[]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(
        done.stderr.contains("b-step-1") && done.stderr.contains("choose another --name"),
        "{}",
        done.stderr
    );
}

#[test]
fn what_is_wrong_with_builds_is_told_before_anything_begins() {
    let sandbox = Sandbox::new();
    let check = |args: &[&str], words: &[&str]| {
        let done = sandbox.run(&[&["bisect"], args].concat());
        assert_eq!(done.code, Some(2), "{args:?}: {}", done.stderr);
        for words in words {
            assert!(done.stderr.contains(words), "{args:?}: {}", done.stderr);
        }
    };
    check(&[], &["required"]);
    check(&["fake"], &["there is 1 build, and a search needs two"]);
    check(
        &["fake", "fak", "fake+treads=2", "--suite", "selftest"],
        &["build: unknown runtime `fak`", "build: arm `fake+treads=2`"],
    );
    check(&["fake", "fake", "--metric", "isl"], &["no metric that can be better or worse", "ttft_ns"]);
    check(&["fake", "fake", "--compare", "a,b"], &["leave --compare out"]);
    check(&["fake", "fake", "--suite", "selftest", "--concurrency", "1,2"], &["2 comparisons a step"]);
    check(&["fake", "fake", "--suite", "selftest", "--blocks", "4"], &["2/2^4"]);
    check(&["--builds", "builds.txt", "fake"], &["cannot be used with"]);
    sandbox.write("builds.txt", "# nothing\n\n");
    check(&["--builds", "builds.txt"], &["there are 0 builds, and a search needs two"]);
    std::fs::write(sandbox.project().join("latin.txt"), b"fake\n\xff\n").expect("a temporary file");
    check(&["--builds", "latin.txt"], &["is not UTF-8 (byte 5)"]);
    assert_eq!(sandbox.run(&["bisect", "--builds", "absent.txt"]).code, Some(3));
    assert!(!sandbox.project().join("runs").exists(), "nothing was begun");
}
