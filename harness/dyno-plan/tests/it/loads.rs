//! How requests are offered: what the words become, when requests are due, and every way to be wrong.

use dyno_model::digest::Digest;
use dyno_model::load::{Arrivals, LoadModel};
use dyno_model::plan::{Plan, TraceLengths};
use dyno_plan::{Ask, Inputs, Problems, Source};

use crate::lab::{ask, lab_with};

const WORDS: &str = "load = [{ kind = \"single\" }, { kind = \"single\", think_ms = 50 }]";
const SUITE: &str = "catalog/suites/small.toml";

/// The shape of the Azure LLM inference traces; the numbers are ours. `PROMPTS` of the lab have, in tokens by the
/// plan's estimate, 5 (a), 5 (b: `Wozu dient Öl?` is 15 bytes), and 1 (d).
const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
2023-11-16 18:17:03.9799600,4100,10\n\
2023-11-16 18:17:04.4799600,2,200\n\
2023-11-16 18:17:05.9799600,6,0\n";

fn inputs(load: &str) -> Inputs {
    lab_with(&[(SUITE, WORDS, &format!("load = {load}"))])
        .with(Source::user("catalog/traces/azure.csv", TRACE).expect("a trace"))
}

/// The plan of one cell for each load: one runtime, one thread count.
fn plan(load: &str, ask: &Ask) -> Plan {
    dyno_plan::freeze(&inputs(load), ask).unwrap_or_else(|problems| panic!("{load}: {problems}"))
}

fn small() -> Ask {
    Ask { runtimes: vec!["fake".to_owned()], threads: vec![1], ..ask() }
}

fn loads(load: &str) -> Vec<LoadModel> {
    plan(load, &small()).cells.into_iter().map(|cell| cell.load).collect()
}

fn problems(result: Result<Plan, Problems>) -> Vec<String> {
    result.err().map(|problems| problems.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

fn open(arrivals: Arrivals, rate: u64, to: Option<u64>, n_requests: u32) -> LoadModel {
    LoadModel::Open {
        arrivals,
        rate_milli_per_s: rate,
        ramp_to_milli_per_s: to,
        n_requests,
        max_in_flight: None,
    }
}

#[test]
fn a_sweep_is_a_cell_for_each_value() {
    assert_eq!(
        loads("[{ kind = \"single\" }, { kind = \"closed\", concurrency = [1, 2, 3], think_ms = 5 }]"),
        [
            LoadModel::Single { think_ms: 0 },
            LoadModel::Closed { workers: 1, think_ms: 5 },
            LoadModel::Closed { workers: 2, think_ms: 5 },
            LoadModel::Closed { workers: 3, think_ms: 5 },
        ]
    );
    assert_eq!(
        loads("{ kind = \"open\", arrivals = \"poisson\", rate_per_s = [0.5, 2], duration_ms = 10_000 }"),
        [open(Arrivals::Poisson, 500, None, 5), open(Arrivals::Poisson, 2000, None, 20)]
    );
    assert_eq!(
        loads(
            "{ kind = \"open\", arrivals = \"gamma\", burstiness = 0.25, rate_per_s = 1, ramp_to_per_s = 3, requests = 7 }"
        ),
        [open(Arrivals::Gamma { burstiness_milli: 250 }, 1000, Some(3000), 7)]
    );
}

#[test]
fn a_limit_of_requests_under_way_is_kept_in_the_plan() {
    let n = |load: &str| match loads(load).as_slice() {
        [LoadModel::Open { max_in_flight, .. } | LoadModel::Trace { max_in_flight, .. }] => *max_in_flight,
        others => panic!("one open load or trace: {others:?}"),
    };
    let open = "kind = \"open\", arrivals = \"poisson\", rate_per_s = 1, requests = 2";
    assert_eq!(n(&format!("{{ {open} }}")), None);
    assert_eq!(n(&format!("{{ {open}, max_in_flight = 8 }}")), Some(8));
    assert_eq!(n("{ kind = \"trace\", file = \"azure.csv\", max_in_flight = 1 }"), Some(1));
    check(
        &format!("{{ {open}, max_in_flight = 0 }}"),
        "0 }",
        "`suite.small.load.max_in_flight` is out of range: 0\n  hint: from 1 to 65536",
    );
}

#[test]
fn every_run_of_an_open_loop_has_its_instants_and_the_same_ones_again() {
    let load = "{ kind = \"open\", arrivals = \"poisson\", rate_per_s = [1, 4], requests = 8 }";
    let first = plan(load, &small());
    assert_eq!(first.canonical(), plan(load, &small()).canonical());
    for run in &first.runs {
        let due: Vec<u64> =
            run.requests.iter().map(|request| request.due_ns.expect("an open loop")).collect();
        assert!(due.len() == 8 && due.is_sorted(), "{due:?}");
        let LoadModel::Open { rate_milli_per_s, .. } = first.cell(&run.cell).expect("its cell").load else {
            panic!("an open loop");
        };
        // vLLM's rule: the last of n requests is due at n / rate.
        assert_eq!(due[7], 8_000_000_000_000 / rate_milli_per_s);
    }
    let due = |plan: &Plan, repetition| {
        let run = plan.runs.iter().find(|run| run.repetition == repetition).expect("two repetitions");
        run.requests.iter().map(|request| request.due_ns).collect::<Vec<_>>()
    };
    assert_ne!(due(&first, 0), due(&first, 1));
    assert_ne!(due(&first, 0), due(&plan(load, &Ask { seed: Some(8), ..small() }), 0));
    // Three prompts, eight requests: all are used.
    assert_eq!(first.prompts.len(), 3);
}

#[test]
fn a_trace_sets_instants_and_lengths() {
    let load = "{ kind = \"trace\", file = \"azure.csv\", speed = 2 }";
    let plan = plan(load, &small());
    let expected = LoadModel::Trace {
        file: "azure.csv".to_owned(),
        digest: Digest::of(TRACE.as_bytes()),
        speed_milli: 2000,
        from_ms: 0,
        duration_ms: None,
        n_requests: 3,
        max_in_flight: None,
    };
    assert_eq!(plan.cells[0].load, expected);
    let found: Vec<_> = plan.runs[0]
        .requests
        .iter()
        .map(|r| (r.due_ns, r.prompt.0.as_str(), r.sampling.max_tokens, r.trace))
        .collect();
    let lengths = |input_tokens, output_tokens, prompt_estimate_tokens| {
        Some(TraceLengths { input_tokens, output_tokens, prompt_estimate_tokens })
    };
    // The suite allows 16 tokens of answer; an answer of none is asked for as one.
    // Estimates: 16 bytes "What is a lathe?" → ⌈32/7⌉ = 5, 15 bytes → ⌈30/7⌉ = 5, "Bye" → 1; a and b take turns.
    assert_eq!(
        found,
        [
            (Some(0), "a", 10, lengths(4100, 10, 5)),
            (Some(250_000_000), "d", 16, lengths(2, 200, 1)),
            (Some(1_000_000_000), "b", 1, lengths(6, 0, 5)),
        ]
    );
    let seeds: std::collections::BTreeSet<_> =
        plan.runs[0].requests.iter().map(|request| request.sampling.seed).collect();
    assert_eq!(seeds.len(), 3);
}

#[test]
fn a_part_of_a_trace_begins_at_zero() {
    let load = "{ kind = \"trace\", file = \"azure.csv\", from_ms = 400, duration_ms = 1000 }";
    let plan = plan(load, &small());
    let due: Vec<_> = plan.runs[0].requests.iter().map(|request| request.due_ns).collect();
    assert_eq!(due, [Some(100_000_000)]);
}

#[test]
fn requests_of_the_command_line_hold_for_every_load() {
    let n = |load: &str, requests| {
        plan(load, &Ask { requests: Some(requests), ..small() }).runs[0].requests.len()
    };
    assert_eq!(n("{ kind = \"single\" }", 7), 7);
    assert_eq!(n("{ kind = \"closed\", concurrency = 2 }", 2), 2);
    let open = "{ kind = \"open\", arrivals = \"constant\", rate_per_s = 2, duration_ms = 60_000 }";
    assert_eq!(n(open, 5), 5);
    assert_eq!(n("{ kind = \"trace\", file = \"azure.csv\" }", 2), 2);
    assert_eq!(n("{ kind = \"trace\", file = \"azure.csv\" }", 9), 3);
}

#[test]
fn requests_of_the_suite_go_round_the_slice() {
    let words = format!("{WORDS}\nrequests = 7");
    let plan = dyno_plan::freeze(&lab_with(&[(SUITE, WORDS, &words)]), &small()).expect("no problem");
    assert!(plan.runs.iter().all(|run| run.requests.len() == 7));
    assert_eq!(plan.prompts.len(), 3);
}

/// A suite with this load, which is in line 9, has this one problem, at the first `at` of the line.
fn check(load: &str, at: &str, message: &str) {
    let found = problems(dyno_plan::freeze(&inputs(load), &small()));
    assert_eq!(found, [format!("{SUITE}:9:{}: {message}", column(load, at))], "{load}");
}

fn column(load: &str, at: &str) -> usize {
    format!("load = {load}").find(at).expect("a part of the line") + 1
}

#[test]
fn wrong_closed_loops() {
    check(
        "{ kind = \"closed\" }",
        "load",
        "missing key `concurrency` in `suite.small.load`\n  hint: concurrency: How many; a list makes a cell for each.",
    );
    check(
        "{ kind = \"closed\", concurrency = [1, 0] }",
        "0]",
        "`concurrency` is out of range: 0\n  hint: from 1 to 4096",
    );
    check(
        "{ kind = \"closed\", concurrency = 5000 }",
        "5000",
        "`concurrency` is out of range: 5000\n  hint: from 1 to 4096",
    );
    check("{ kind = \"closed\", concurrency = [] }", "[]", "the list of `concurrency` is empty");
    check(
        "{ kind = \"closed\", concurrency = [2, 4] }",
        "load",
        "3 requests are too few for this load: closed loop, 4 workers\n  hint: ask for more with `requests` of the suite, or --requests",
    );
}

#[test]
fn the_suite_of_loads_is_a_sweep() {
    let plan = dyno_plan::freeze(&Inputs::shipped(), &Ask::suite("load")).expect("no problem");
    let labels: Vec<String> = plan.cells.iter().map(|cell| cell.load.label()).collect();
    assert_eq!(
        labels,
        [
            "closed loop, 1 worker",
            "closed loop, 2 workers",
            "closed loop, 4 workers",
            "closed loop, 8 workers",
            "open loop, Poisson arrivals at 0.5/s",
            "open loop, Poisson arrivals at 1/s",
            "open loop, Poisson arrivals at 2/s",
            "open loop, Poisson arrivals at 4/s",
            "open loop, gamma(0.25) arrivals at 1/s",
            "open loop, constant arrivals from 0.5/s to 4/s",
        ]
    );
    // Nine cells of 80 requests each, and 135 within the minute of the ramp: (0.5 + 4) / 2 · 60.
    assert_eq!(plan.n_requests(), 3 * (9 * 80 + 135));
}

#[test]
fn wrong_open_loops() {
    let check =
        |words: &str, at: &str, message: &str| check(&format!("{{ kind = \"open\", {words} }}"), at, message);
    check(
        "arrivals = \"poison\", rate_per_s = 1, requests = 1",
        "\"poison\"",
        "`poison` is no value of `suite.small.load.arrivals`\n  hint: did you mean `poisson`? known: constant, poisson, gamma",
    );
    check(
        "arrivals = \"gamma\", rate_per_s = 1, requests = 1",
        "\"gamma\"",
        "gamma arrivals need `burstiness`\n  hint: 1 is Poisson, less comes in bursts, more is more even",
    );
    check(
        "arrivals = \"poisson\", burstiness = 2, rate_per_s = 1, requests = 1",
        "2,",
        "only gamma arrivals have `burstiness`\n  hint: write arrivals = \"gamma\", or leave it out",
    );
    check(
        "arrivals = \"gamma\", burstiness = 0.01, rate_per_s = 1, requests = 1",
        "0.01",
        "`burstiness` is out of range: 0.01\n  hint: from 0.05 to 1000",
    );
    check(
        "arrivals = \"poisson\", rate_per_s = [1, 0], requests = 1",
        "0]",
        "`rate_per_s` is out of range: 0\n  hint: from 0.001 to 100000",
    );
    check(
        "arrivals = \"poisson\", rate_per_s = nan, requests = 1",
        "nan",
        "`suite.small.load.rate_per_s` is out of range: nan",
    );
    check(
        "arrivals = \"poisson\", rate_per_s = inf, requests = 1",
        "inf",
        "`rate_per_s` is out of range: inf\n  hint: from 0.001 to 100000",
    );
    check(
        "arrivals = \"poisson\", rate_per_s = \"fast\", requests = 1",
        "\"fast\"",
        "`suite.small.load.rate_per_s` is text, expected a number or a list",
    );
    check(
        "arrivals = \"poisson\", rate_per_s = 1, ramp_to_per_s = -1, requests = 1",
        "-1",
        "`ramp_to_per_s` is out of range: -1\n  hint: from 0.001 to 100000",
    );
    check(
        "arrivals = \"poisson\", rate_per_s = 1",
        "load",
        "an open load without an end\n  hint: say when the load ends: requests = 200, or duration_ms = 60_000",
    );
    check(
        "arrivals = \"poisson\", rate_per_s = 1, requests = 1, duration_ms = 5",
        "5 }",
        "both `requests` and `duration_ms`\n  hint: keep one of them",
    );
    check(
        "arrivals = \"poisson\", rate_per_s = 1, requests = 0",
        "0 }",
        "`suite.small.load.requests` is out of range: 0\n  hint: from 1 to 100000",
    );
    check(
        "arrivals = \"poisson\", rate_per_s = [0.5, 2], duration_ms = 1_000",
        "1_000",
        "no request is due within 1000 ms at 0.5/s\n  hint: make it longer",
    );
    check(
        "arrivals = \"poisson\", rate_per_s = 1000, duration_ms = 3_600_000",
        "3_600_000",
        "3600000 requests are due within 3600000 ms at 1000/s\n  hint: no more than 100000 for a launch",
    );
}

#[test]
fn wrong_traces() {
    check(
        "{ kind = \"trace\", file = \"azur.csv\" }",
        "\"azur.csv\"",
        "unknown trace `azur.csv`\n  hint: did you mean `azure.csv`? known: azure.csv",
    );
    check(
        "{ kind = \"trace\", file = \"azure.csv\", speed = 0 }",
        "0 }",
        "`speed` is out of range: 0\n  hint: from 0.001 to 1000",
    );
    check(
        "{ kind = \"trace\", file = \"azure.csv\", from_ms = 5_000 }",
        "\"azure.csv\"",
        "trace `azure.csv` has no request in this part\n  hint: look at `from_ms` and `duration_ms`",
    );
    let broken = TRACE.replace("4100", "many");
    let inputs = lab_with(&[(SUITE, WORDS, "load = { kind = \"trace\", file = \"azure.csv\" }")])
        .with(Source::user("catalog/traces/azure.csv", broken).expect("a trace"));
    assert_eq!(
        problems(dyno_plan::freeze(&inputs, &small())),
        ["catalog/traces/azure.csv:2:1: `many` is no number of tokens (ContextTokens)"]
    );
}

#[test]
fn a_plan_that_no_memory_holds_is_refused() {
    let load = "{ kind = \"open\", arrivals = \"constant\", rate_per_s = [1, 2, 3], requests = 100_000 }";
    let ask = Ask { repetitions: Some(4), ..small() };
    assert_eq!(
        problems(dyno_plan::freeze(&inputs(load), &ask)),
        [
            "--suite: 1200000 requests, more than the 1000000 that a plan can hold\n  hint: ask for fewer repetitions, requests, or points of the matrix"
        ]
    );
    let ask = Ask { requests: Some(200_000), ..small() };
    assert_eq!(
        problems(dyno_plan::freeze(&inputs("{ kind = \"single\" }"), &ask)),
        ["--requests: 200000 is out of range\n  hint: from 1 to 100000"]
    );
}
