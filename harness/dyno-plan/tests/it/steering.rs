//! What a good request is, when repetitions may end, and a search for capacity: words, plan, and every way to be wrong.

use dyno_model::load::{Arrivals, LoadModel};
use dyno_model::plan::{Plan, PlannedSlo, SloLimit, Steering};
use dyno_plan::{Ask, Inputs, Problems};

use crate::lab::{ask, lab_with};

const SUITE: &str = "catalog/suites/small.toml";
const LOAD: &str = "load = [{ kind = \"single\" }, { kind = \"single\", think_ms = 50 }]";
const SEARCH: &str = "load = { kind = \"capacity\", arrivals = \"poisson\", from_per_s = 0.5, to_per_s = 8, steps = 5, requests = 6 }";

/// The lab's suite with five repetitions, and these words in the line behind them, the 14th.
fn inputs(words: &str) -> Inputs {
    lab_with(&[(SUITE, "repetitions = 2", &format!("repetitions = 5\n{words}"))])
}

/// The lab's suite with this load in its 9th line, and these words in its 14th.
fn search(load: &str, words: &str) -> Inputs {
    lab_with(&[(SUITE, LOAD, load), (SUITE, "repetitions = 2", &format!("repetitions = 2\n{words}"))])
}

fn small() -> Ask {
    Ask { runtimes: vec!["fake".to_owned()], threads: vec![1], ..ask() }
}

fn plan(inputs: &Inputs, ask: &Ask) -> Plan {
    dyno_plan::freeze(inputs, ask).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(result: Result<Plan, Problems>) -> Vec<String> {
    result.err().map(|problems| problems.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// These words behind five repetitions have these problems.
fn check(words: &str, expected: &[&str]) {
    assert_eq!(problems(dyno_plan::freeze(&inputs(words), &small())), expected, "{words}");
}

#[test]
fn a_set_of_slos_goes_into_the_plan() {
    let limit = SloLimit {
        metric: "ttft".to_owned(),
        limit_ns: 400_000_000,
        fraction_milli: 950,
        confidence_milli: 900,
    };
    let expected =
        PlannedSlo { name: "quick".to_owned(), description: "Soon.".to_owned(), limits: vec![limit] };
    let found = plan(&inputs("slo = \"quick\""), &small());
    assert_eq!((found.slo.as_ref(), found.steering.as_ref()), (Some(&expected), None));
    let asked = Ask { slo: Some("quick".to_owned()), ..small() };
    assert_eq!(plan(&inputs(""), &asked).slo, Some(expected));
    let text = String::from_utf8(plan(&inputs(""), &small()).canonical()).expect("JSON");
    assert!(!text.contains("slo") && !text.contains("steering"), "nothing goes in without it");
}

#[test]
fn a_rule_for_stopping_goes_into_the_plan() {
    let words = "stop = { kind = \"precision\", metric = \"e2e\", percentile = 99.9, within_percent = 2.5, confidence = 0.99 }";
    let expected = Steering::Precision {
        metric: "e2e".to_owned(),
        permille: 999,
        within_milli: 25,
        confidence_milli: 990,
        n_looks: 4,
    };
    assert_eq!(plan(&inputs(words), &small()).steering, Some(expected));
    let words = "slo = \"quick\"\nstop = { kind = \"slo_decided\" }";
    let with = plan(&inputs(words), &small());
    assert_eq!(with.steering, Some(Steering::SloDecided { n_looks: 4 }));
    // It changes neither the cells nor the order of their runs.
    let without = plan(&inputs(""), &small());
    assert_eq!((with.cells, with.runs), (without.cells, without.runs));
}

#[test]
fn an_ask_replaces_the_rule_for_stopping() {
    let words = "slo = \"quick\"\nstop = { kind = \"slo_decided\" }";
    let of = |stop: &str| plan(&inputs(words), &Ask { stop: Some(stop.to_owned()), ..small() }).steering;
    assert_eq!(of("never"), None);
    assert_eq!(of("slo-decided"), Some(Steering::SloDecided { n_looks: 4 }));
    let precision = |permille, within_milli| {
        let metric = "ttft".to_owned();
        Some(Steering::Precision { metric, permille, within_milli, confidence_milli: 950, n_looks: 4 })
    };
    assert_eq!(of("p95:ttft:5%"), precision(950, 50));
    assert_eq!(of("p99.5:ttft:0.5"), precision(995, 5));
    let refused = |stop: &str, message: &str| {
        let found = dyno_plan::freeze(&inputs(words), &Ask { stop: Some(stop.to_owned()), ..small() });
        assert_eq!(problems(found), [format!("--stop: {message}")]);
    };
    refused("soon", "`soon` says nothing\n  hint: never, slo-decided, or p95:ttft:5%");
    refused("p95:tfft:5%", "unknown metric `tfft`\n  hint: did you mean `ttft`? known: ttft, tpot, e2e");
    for stop in ["p100:ttft:5%", "95:ttft:5%", "p95:ttft:0%", "p95:ttft:five", "p95.55:ttft:5%"] {
        let hint = "hint: p0.1 to p99.9, and 0.1% to 100%";
        refused(stop, &format!("`{stop}` has a number that does not fit\n  {hint}"));
    }
    let ask = Ask { stop: Some("slo-decided".to_owned()), repetitions: Some(3), ..small() };
    let few = "--stop: nothing could be left out of 3 repetitions\n  hint: 4 or more: nothing is left out before the third";
    assert_eq!(problems(dyno_plan::freeze(&inputs(words), &ask)), [few]);
}

#[test]
fn wrong_words() {
    check(
        "slo = \"quik\"",
        &["catalog/suites/small.toml:14:7: unknown slo `quik`\n  hint: did you mean `quick`? known: quick"],
    );
    check(
        "stop = { kind = \"slo_decided\" }",
        &[
            "catalog/suites/small.toml:14:1: to stop when it is decided needs a set of SLOs\n  hint: add slo = \"interactive\" to the suite, or --slo NAME",
        ],
    );
    check(
        "stop = { kind = \"precise\" }",
        &[
            "catalog/suites/small.toml:14:17: unknown kind `precise` in `suite.small.stop`\n  hint: known: precision, slo_decided",
        ],
    );
    check(
        "stop = { kind = \"precision\", metric = \"rss\", percentile = 95, within_percent = 5 }",
        &[
            "catalog/suites/small.toml:14:39: `rss` is no value of `suite.small.stop.metric`\n  hint: known: ttft, tpot, e2e",
        ],
    );
    check(
        "stop = { kind = \"precision\", metric = \"ttft\", percentile = 100, within_percent = 0, confidence = 1.5 }",
        &[
            "catalog/suites/small.toml:14:60: `percentile` is out of range: 100\n  hint: from 0.1 to 99.9, in steps of 0.1",
            "catalog/suites/small.toml:14:82: `within_percent` is out of range: 0\n  hint: from 0.1 to 100, in steps of 0.1",
            "catalog/suites/small.toml:14:98: `confidence` is out of range: 1.5\n  hint: from 0.5 to 0.999, in steps of 0.001",
        ],
    );
    let inputs = lab_with(&[(
        SUITE,
        "repetitions = 2",
        "repetitions = 2\nstop = { kind = \"precision\", metric = \"ttft\", percentile = 95, within_percent = 5 }",
    )]);
    assert_eq!(
        problems(dyno_plan::freeze(&inputs, &small())),
        [
            "catalog/suites/small.toml:14:1: nothing could be left out of 2 repetitions\n  hint: 4 or more: nothing is left out before the third"
        ]
    );
}

#[test]
fn a_set_of_slos_that_no_request_can_be_held_against_is_refused() {
    let rate = "metric = \"decode_tokens_per_s\"\nlimit_tokens_per_s = 10";
    let inputs = lab_with(&[
        ("catalog/slos/quick.toml", "metric = \"ttft\"\nlimit_ms = 400", rate),
        (SUITE, "repetitions = 2", "repetitions = 2\nslo = \"quick\""),
    ]);
    assert_eq!(
        problems(dyno_plan::freeze(&inputs, &small())),
        [
            "catalog/suites/small.toml:14:7: the set of SLOs `quick` cannot be used: requests are judged by ttft, tpot and e2e, not by `decode_tokens_per_s`"
        ]
    );
}

fn rates(plan: &Plan) -> Vec<u64> {
    let rate = |load: &LoadModel| match load {
        LoadModel::Open { arrivals: Arrivals::Poisson, rate_milli_per_s, n_requests: 6, .. } => {
            *rate_milli_per_s
        }
        _ => panic!("not of the search: {load:?}"),
    };
    plan.cells.iter().map(|cell| rate(&cell.load)).collect()
}

#[test]
fn a_search_for_capacity_is_a_cell_for_each_rate_and_goes_by_halves() {
    let found = plan(&search(SEARCH, "slo = \"quick\""), &small());
    // Each twice the one before: 16 is 2⁴.
    assert_eq!(rates(&found), [500, 1000, 2000, 4000, 8000]);
    assert_eq!(found.steering, Some(Steering::Capacity));
    assert_eq!(found.slo.as_ref().map(|slo| slo.name.as_str()), Some("quick"));
    let place = |run: &dyno_model::plan::PlannedRun| {
        (found.cells.iter().position(|cell| cell.id == run.cell).expect("its cell"), run.repetition)
    };
    let order: Vec<_> = found.runs.iter().map(place).collect();
    let expected = [2, 0, 3, 1, 4].into_iter().flat_map(|rate| [(rate, 0), (rate, 1)]);
    assert_eq!(order, expected.collect::<Vec<_>>());
    let asked = Ask { slo: Some("quick".to_owned()), ..small() };
    assert_eq!(plan(&search(SEARCH, ""), &asked).steering, Some(Steering::Capacity));
    // Ratios that are no whole numbers: 1000 · 10^(1/3) and 1000 · 10^(2/3), as any table of logarithms says.
    let tenfold = SEARCH
        .replace("from_per_s = 0.5, to_per_s = 8, steps = 5", "from_per_s = 1, to_per_s = 10, steps = 4");
    assert_eq!(rates(&plan(&search(&tenfold, "slo = \"quick\""), &small())), [1000, 2154, 4642, 10_000]);
}

#[test]
fn wrong_searches() {
    let check = |load: &str, words: &str, ask: &Ask, expected: &[&str]| {
        assert_eq!(problems(dyno_plan::freeze(&search(load, words), ask)), expected, "{load} {words}");
    };
    check(
        SEARCH,
        "",
        &small(),
        &[
            "catalog/suites/small.toml:9:1: a search for capacity needs a set of SLOs\n  hint: add slo = \"interactive\" to the suite, or --slo NAME",
        ],
    );
    let beside = SEARCH
        .replace("load = ", "load = [{ kind = \"single\" }, ")
        .replace(" }", " }]")
        .replacen(" }]", " }", 1);
    check(
        &beside,
        "slo = \"quick\"",
        &small(),
        &[
            "catalog/suites/small.toml:9:30: a search for capacity beside another load\n  hint: give it a suite of its own",
        ],
    );
    check(
        SEARCH,
        "slo = \"quick\"\nstop = { kind = \"slo_decided\" }",
        &small(),
        &[
            "catalog/suites/small.toml:15:1: `stop` beside a search for capacity\n  hint: leave `stop` out: the search itself leaves out rates",
        ],
    );
    check(
        SEARCH,
        "slo = \"quick\"",
        &Ask { stop: Some("slo-decided".to_owned()), ..small() },
        &["--stop: a search for capacity itself leaves out rates"],
    );
    let change = |from: &str, to: &str, at: &str, message: &str| {
        let load = SEARCH.replace(from, to);
        let column = load.find(at).expect("a part of the line") + 1;
        let expected = format!("{SUITE}:9:{column}: {message}");
        check(&load, "slo = \"quick\"", &small(), &[&expected]);
    };
    change("to_per_s = 8", "to_per_s = 0.5", "0.5, steps", "`to_per_s` is not above `from_per_s`: 0.5");
    let apart = "5 rates would be less than a thousandth of a request/s apart\n  hint: choose fewer, or rates that are farther apart";
    change("to_per_s = 8", "to_per_s = 0.502", "5, requests", apart);
    let low = "`from_per_s` is out of range: 0\n  hint: from 0.001 to 100000";
    change("from_per_s = 0.5", "from_per_s = 0", "0, to_per_s", low);
    let one = "`suite.small.load.steps` is out of range: 1\n  hint: from 2 to 1000";
    change("steps = 5", "steps = 1", "1, requests", one);
    let gamma =
        "gamma arrivals need `burstiness`\n  hint: 1 is Poisson, less comes in bursts, more is more even";
    change("\"poisson\"", "\"gamma\"", "\"gamma\"", gamma);
}

/// The suite that ships: about how long it may take, whatever it finds.
#[test]
fn the_suite_of_capacity_takes_some_minutes() {
    let found = plan(&Inputs::shipped(), &Ask::suite("capacity"));
    let rates: Vec<f64> = found
        .cells
        .iter()
        .map(|cell| match cell.load {
            LoadModel::Open { rate_milli_per_s, .. } => rate_milli_per_s as f64 / 1000.0,
            _ => panic!("not of the search: {:?}", cell.load),
        })
        .collect();
    let n: usize =
        found.runs.iter().filter(|run| run.cell == found.cells[0].id).map(|run| run.requests.len()).sum();
    // By hand: ⌈log2(7 + 1)⌉ = 3 verdicts at 1 − 0.05 / 3, and 0.95^80 = 0.0165 is below 0.0167.
    assert_eq!((rates.len(), n), (7, 120));
    assert!(n >= 80);
    // The slowest way down: the middle, the one in the middle of the lower half, the lowest.
    let seconds: f64 = [3, 1, 0].iter().map(|place| n as f64 / rates[*place]).sum();
    assert!(seconds < 240.0, "{seconds}");
    assert_eq!(found.slo.as_ref().map(|slo| slo.name.as_str()), Some("interactive"));
}
