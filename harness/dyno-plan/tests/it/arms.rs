//! Comparisons: what arms become, in which blocks, and what is wrong with their words.

use std::collections::BTreeSet;

use dyno_model::ids::CellId;
use dyno_model::plan::{BlockOrder, Cell, Plan};
use dyno_plan::{Ask, AskedLoad, EndpointAsk, Inputs, Source};

use crate::lab::{ask, lab, lab_with};

const SERVER: &str = r#"schema_version = 1
[runtime.mine]
title = "My server"
dialect = "openai_chat"
ready_limit_ms = 5_000
[runtime.mine.settings]
batch = 8
[runtime.mine.server]
program = "my-server"
args = ["-m", "{model}", "--port={port}", "-b", "{batch}"]
ready_path = "/healthy"
"#;

fn with_server() -> Inputs {
    lab().with(Source::user("catalog/runtimes/mine.toml", SERVER).expect("a runtime file"))
}

/// Arms on one device, with a single number of threads and a single load beside them.
fn of(arms: &[&str]) -> Ask {
    Ask {
        arms: arms.iter().map(|arm| (*arm).to_owned()).collect(),
        threads: vec![1],
        load: Some(AskedLoad::Closed { concurrency: vec![1] }),
        ..ask()
    }
}

fn plan(ask: &Ask) -> Plan {
    dyno_plan::freeze(&with_server(), ask).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(ask: &Ask) -> Vec<String> {
    let found = dyno_plan::freeze(&with_server(), ask).err();
    found.map(|problems| problems.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// The arms of all runs, in their order.
fn order(plan: &Plan) -> Vec<&str> {
    let arm = |cell: &CellId| plan.cell(cell).and_then(|cell| cell.arm.as_deref());
    plan.runs.iter().map(|run| arm(&run.cell).expect("every cell has an arm")).collect()
}

#[test]
fn two_arms_are_ten_blocks_abba_with_the_same_prompts_in_the_same_order() {
    let plan = plan(&of(&["fake", "fake-slow"]));
    let comparison = plan.comparison.as_ref().expect("it is a comparison");
    assert_eq!(comparison.order, BlockOrder::Abba);
    assert_eq!(
        comparison.arms.iter().map(|arm| arm.name.as_str()).collect::<Vec<_>>(),
        ["fake", "fake-slow"]
    );
    assert_eq!((plan.cells.len(), plan.runs.len()), (2, 20));
    let abba = ["fake", "fake-slow", "fake-slow", "fake"].repeat(5);
    assert_eq!(order(&plan), abba);
    for (block, pair) in (0..).zip(plan.runs.chunks(2)) {
        assert_eq!((pair[0].repetition, pair[1].repetition), (block, block));
        assert_eq!(pair[0].requests, pair[1].requests);
    }
    let orders: BTreeSet<Vec<_>> =
        plan.runs.iter().map(|run| run.requests.iter().map(|request| &request.prompt).collect()).collect();
    assert!(orders.len() > 1, "each block has an order of its own");
}

#[test]
fn the_same_arm_twice_is_one_runtime_in_two_cells() {
    let plan = plan(&of(&["fake+set.gap_ns=7000", "fake+set.gap_ns=7000", "fake"]));
    let names: Vec<_> = plan.cells.iter().map(|cell| cell.arm.as_deref()).collect();
    assert_eq!(names, [Some("fake+set.gap_ns=7000"), Some("fake+set.gap_ns=7000 #2"), Some("fake")]);
    let ids: BTreeSet<&CellId> = plan.cells.iter().map(|cell| &cell.id).collect();
    assert_eq!(ids.len(), 3);
    let without_arm = |cell: &Cell| Cell { id: CellId(String::new()), arm: None, ..cell.clone() };
    assert_eq!(without_arm(&plan.cells[0]), without_arm(&plan.cells[1]));
    let runtimes: Vec<&str> = plan.runtimes.keys().map(String::as_str).collect();
    assert_eq!(runtimes, ["fake", "fake-arm1"]);
    assert_eq!(plan.runtimes["fake-arm1"].settings["gap_ns"], "7000");
    assert_eq!(plan.runtimes["fake-arm1"].settings["text"], "x");
    assert_eq!(plan.runtimes["fake-arm1"].title, format!("{} (gap_ns 7000)", plan.runtimes["fake"].title));
    assert_eq!(plan.comparison.as_ref().map(|comparison| comparison.order), Some(BlockOrder::Shuffled));
}

#[test]
fn arms_differ_in_whatever_they_say_and_in_nothing_else() {
    let ask = Ask {
        context_tokens: vec![1024],
        ..of(&[
            "name=new+mine+model=base+program=~/new/my-server+set.batch=16",
            "mine+model=base+threads=2",
            "mine+model=half+context=512",
        ])
    };
    let plan = plan(&ask);
    let told: Vec<_> = plan
        .cells
        .iter()
        .map(|cell| {
            (
                cell.arm.as_deref(),
                cell.runtime.as_str(),
                cell.model.as_str(),
                cell.threads,
                cell.context_tokens,
            )
        })
        .collect();
    let expected = [
        (Some("new"), "mine-arm1", "base", Some(1), 1024),
        (Some("mine+model=base+threads=2"), "mine", "base", Some(2), 1024),
        (Some("mine+model=half+context=512"), "mine", "half", Some(1), 512),
    ];
    assert_eq!(told, expected);
    let server = |name: &str| plan.runtimes[name].server.clone().expect("a server");
    assert_eq!(
        (server("mine-arm1").program.as_str(), server("mine").program.as_str()),
        ("~/new/my-server", "my-server")
    );
    assert_eq!(plan.runtimes["mine-arm1"].settings["batch"], "16");
    assert_eq!(plan.models.keys().map(String::as_str).collect::<Vec<_>>(), ["base", "half"]);
    let arms = &plan.comparison.as_ref().expect("a comparison").arms;
    assert_eq!(arms[0].words, ask.arms[0]);
}

#[test]
fn devices_and_loads_multiply_and_each_has_all_arms() {
    let ask = Ask {
        devices: vec!["*".to_owned()],
        load: Some(AskedLoad::Closed { concurrency: vec![1, 2] }),
        repetitions: Some(7),
        ..of(&["fake", "fake-slow"])
    };
    let plan = plan(&ask);
    // 2 devices × 2 loads × 2 arms; an odd number of blocks has one more, so that each ABBA is whole.
    assert_eq!((plan.cells.len(), plan.runs.len()), (8, 64));
    assert_eq!(plan.runs.last().map(|run| run.repetition), Some(7));
    for device in plan.devices.keys() {
        let of_device =
            plan.runs.iter().filter_map(|run| plan.cell(&run.cell).filter(|cell| cell.device == *device));
        let pairs: Vec<&Cell> = of_device.collect();
        assert!(pairs.chunks(2).all(|pair| pair[0].load == pair[1].load && pair[0].arm != pair[1].arm));
    }
}

#[test]
fn the_same_words_give_the_same_bytes() {
    let ask = of(&["fake", "fake-slow", "fake"]);
    assert_eq!(plan(&ask).digest(), plan(&ask).digest());
    let read: Plan = serde_json::from_slice(&plan(&ask).canonical()).expect("a plan");
    assert_eq!(read, plan(&ask));
    let other = Ask { seed: Some(8), ..ask.clone() };
    assert_ne!(order(&plan(&ask)), order(&plan(&other)));
}

#[test]
fn a_name_of_the_catalogue_is_not_taken_by_a_changed_runtime() {
    let taken =
        "schema_version = 1\n[runtime.fake-arm1]\ntitle = \"t\"\ndialect = \"fake\"\nready_limit_ms = 1\n";
    let inputs =
        with_server().with(Source::user("catalog/runtimes/taken.toml", taken).expect("a runtime file"));
    let ask = of(&["fake+set.n_tokens=3", "fake-arm1"]);
    let plan = dyno_plan::freeze(&inputs, &ask).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(plan.runtimes.keys().map(String::as_str).collect::<Vec<_>>(), ["fake-arm1", "fake-arm1x"]);
    assert_eq!((plan.cells[0].runtime.as_str(), plan.cells[1].runtime.as_str()), ("fake-arm1x", "fake-arm1"));
}

#[test]
fn all_problems_of_arms_are_told_at_once() {
    let check = |arms: &[&str], expected: &[&str]| assert_eq!(problems(&of(arms)), expected, "{arms:?}");
    check(
        &["fake"],
        &[
            "--compare: there is one arm, and a comparison needs two\n  hint: the same twice is a test of A against A",
        ],
    );
    check(
        &["fakes+treads=1", "fake+model=nine"],
        &[
            "--compare: arm `fakes+treads=1`: it says `treads`, which means nothing here\n  hint: did you mean `threads`? known: runtime, model, threads, context, program, name, set.NAME",
            "--compare: unknown model `nine`\n  hint: did you mean `none`? known: base, half, none",
            "--compare: unknown runtime `fakes`\n  hint: did you mean `fake`? known: engine, fake, fake-slow, mine",
        ],
    );
    check(
        &["model=base+mine+set.bach=1", "fake+program=x"],
        &[
            "--compare: arm `fake+program=x`: runtime `fake` starts no program that another could take the place of\n  hint: only a runtime with a [runtime.NAME.server] does, such as llama-server",
            "--compare: arm `model=base+mine+set.bach=1`: a server has no setting `bach`, and no argument has a gap for it\n  hint: did you mean `batch`? known: slots, model, prompt_cache, connections, batch; fields of a request's body belong in [runtime.mine.body]",
        ],
    );
    check(
        &["threads=2", "fake+\u{1b}[2J"],
        &[
            "--compare: arm `fake+\\u{1b}[2J`: it has a control character\n  hint: write it with letters that can be seen",
            "--compare: arm `threads=2`: it does not say `runtime`, and there are 2: fake, fake-slow\n  hint: add +runtime=…, or ask for one beside --compare",
        ],
    );
    check(
        &["mine", "fake"],
        &["--compare: runtime `mine` needs a model, and `none` has no file\n  hint: name one with --model"],
    );
    let many = vec!["fake"; 17];
    check(
        &many,
        &["--compare: 17 arms are more than 16\n  hint: compare the best of a few with the best of others"],
    );
}

#[test]
fn what_does_not_go_with_arms_is_told() {
    let check = |ask: Ask, expected: &[&str]| assert_eq!(problems(&ask), expected);
    let base = || of(&["fake", "fake-slow"]);
    check(
        Ask { repetitions: Some(5), ..base() },
        &[
            "--blocks: 5 blocks can show no difference, however large: the smallest p of them is 2/2^5 = 0.0625\n  hint: 6 or more; 10 are usual",
        ],
    );
    check(Ask { repetitions: Some(6), ..base() }, &[]);
    let stop = "blocks are measured to the last: what stops where it looks good shows nothing";
    check(
        Ask { stop: Some("p95:ttft:5%".to_owned()), ..base() },
        &[&format!("--stop: {stop}\n  hint: leave it out, and ask for --blocks")],
    );
    check(Ask { stop: Some("never".to_owned()), ..base() }, &[]);
    check(
        Ask { threads: Vec::new(), ..base() },
        &[
            "--compare: arm `fake-slow`: it does not say `threads`, and there are 2: 1, 2\n  hint: add +threads=…, or ask for one beside --compare",
            "--compare: arm `fake`: it does not say `threads`, and there are 2: 1, 2\n  hint: add +threads=…, or ask for one beside --compare",
        ],
    );
    let endpoint = Some(EndpointAsk::new("http://127.0.0.1:1/v1", "m"));
    check(
        Ask { endpoint, threads: Vec::new(), ..of(&["fake+threads=1", "fake+threads=2"]) },
        &[
            "--endpoint: each block launches all arms anew, and a server that runs already is not launched\n  hint: describe the server in catalog/runtimes/ and name it in --compare",
        ],
    );
    let stops = lab_with(&[(
        "catalog/suites/small.toml",
        "repetitions = 2\n",
        "repetitions = 4\nstop = { kind = \"precision\", metric = \"ttft\", percentile = 95, within_percent = 5 }\n",
    )]);
    let found = dyno_plan::freeze(&stops, &base()).expect_err("a suite with a rule for stopping");
    assert_eq!(
        found.to_string(),
        format!("--compare: suite `small` has a rule for stopping: {stop}\n  hint: add --stop never")
    );
}

#[test]
fn a_search_for_capacity_has_no_arms() {
    let ask =
        Ask { arms: vec!["embedded".to_owned(), "embedded+threads=1".to_owned()], ..Ask::suite("capacity") };
    let found = dyno_plan::freeze(&Inputs::shipped(), &ask).expect_err("launches of a search differ");
    assert_eq!(
        found.to_string(),
        "--compare: suite `capacity` searches for a capacity, and its launches differ\n  hint: take another suite, or say at which --rate or --concurrency to compare"
    );
}

#[test]
fn the_shipped_suite_compares_in_twenty_short_launches() {
    let ask = Ask {
        arms: vec!["embedded+threads=1".to_owned(), "embedded+threads=2".to_owned()],
        ..Ask::suite("compare")
    };
    let plan = dyno_plan::freeze(&Inputs::shipped(), &ask).expect("it can be planned");
    assert_eq!((plan.runs.len(), plan.n_requests()), (20, 280));
    assert!(plan.runs.iter().all(|run| run.requests.iter().all(|request| request.sampling.ignore_eos)));
    let threads: Vec<_> = plan.cells.iter().map(|cell| (cell.runtime.as_str(), cell.threads)).collect();
    assert_eq!(threads, [("embedded", Some(1)), ("embedded", Some(2))]);
}
