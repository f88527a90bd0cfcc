//! The state that launches start from: a side of the matrix, and where it does not apply.

use dyno_model::start::{RestartSpec, StartState};
use dyno_plan::{Ask, Inputs};

use crate::lab::lab_with;

const SUITE: &str = "catalog/suites/small.toml";
const LOADS: &str = "load = [{ kind = \"single\" }, { kind = \"single\", think_ms = 50 }]";

/// The lab, whose suite has this line in place of its loads and runs an engine on a file unless `ask` wants another.
fn inputs(start: &str) -> Inputs {
    lab_with(&[(SUITE, LOADS, &format!("load = {{ kind = \"single\" }}\n{start}"))])
}

fn ask(device: &str) -> Ask {
    Ask {
        devices: vec![device.to_owned()],
        models: vec!["base".to_owned()],
        runtimes: vec!["engine".to_owned()],
        threads: vec![1],
        ..Ask::suite("small")
    }
}

fn starts(start: &str) -> Vec<StartState> {
    let plan =
        dyno_plan::freeze(&inputs(start), &ask("pi5-a")).unwrap_or_else(|all| panic!("{start}: {all}"));
    plan.cells.iter().map(|cell| cell.start).collect()
}

fn problems(start: &str, ask: &Ask) -> Vec<String> {
    let found = dyno_plan::freeze(&inputs(start), ask).err().map(|problems| problems.0).unwrap_or_default();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn each_state_is_a_cell() {
    use StartState::{AsItIs, DeviceCold, PageWarm, StorageCold};
    assert_eq!(starts(""), [AsItIs]);
    assert_eq!(starts("start = \"as_it_is\""), [AsItIs]);
    assert_eq!(starts("start = \"page-warm\""), [PageWarm]);
    assert_eq!(starts("start = [\"storage-cold\", \"page_warm\"]"), [StorageCold, PageWarm]);
    assert_eq!(starts("start = [\"C1\", \"C3\", \"storage_cold\"]"), [StorageCold, PageWarm]);
    assert_eq!(starts("start = \"C0\""), [DeviceCold]);
}

#[test]
fn the_id_of_a_cell_has_its_start_and_that_of_one_as_it_is_has_none() {
    let ids = |start: &str| -> Vec<String> {
        let plan = dyno_plan::freeze(&inputs(start), &ask("bench")).expect("no problem");
        plan.cells.iter().map(|cell| cell.id.0.clone()).collect()
    };
    assert_eq!(ids(""), ids("start = \"as_it_is\""));
    let both = ids("start = [\"as_it_is\", \"page_warm\"]");
    assert_eq!(both[0], ids("")[0]);
    assert_ne!(both[0], both[1]);
}

#[test]
fn states_of_one_cell_come_in_turn() {
    let plan = dyno_plan::freeze(
        &inputs("start = [\"storage_cold\", \"page_warm\"]"),
        &Ask { repetitions: Some(10), ..ask("bench") },
    );
    let plan = plan.expect("no problem");
    // Each repetition has both before the next one begins.
    for pair in plan.runs.chunks(2) {
        let start = |nth: usize| plan.cell(&pair[nth].cell).expect("of the plan").start;
        assert_eq!(pair[0].repetition, pair[1].repetition);
        assert_ne!(start(0), start(1));
    }
}

#[test]
fn words_that_are_none_are_reported_at_their_place() {
    let known = "known: as_it_is, device_cold, storage_cold, compile_cold, page_warm, as-it-is, device-cold, storage-cold, compile-cold, page-warm, C0, C1, C2, C3";
    assert_eq!(
        problems("start = \"page_wram\"", &ask("bench")),
        [format!(
            "{SUITE}:10:9: `page_wram` is no value of `suite.small.start`\n  hint: did you mean `page_warm`? {known}"
        )]
    );
    assert_eq!(
        problems("start = [\"C1\", 3]", &ask("bench")),
        [format!("{SUITE}:10:16: `suite.small.start[1]` is a whole number, expected text in quotes")]
    );
    assert_eq!(
        problems("start = []", &ask("bench")),
        [format!("{SUITE}:10:9: the list of `start` is empty")]
    );
}

#[test]
fn states_that_no_launch_could_be_brought_into_are_refused() {
    let leave_out = "hint: leave `start` out, or name another";
    let bench = || ask("bench");
    assert_eq!(
        problems(
            "start = [\"as_it_is\", \"C1\"]",
            &Ask { models: Vec::new(), runtimes: Vec::new(), ..bench() }
        ),
        [
            format!(
                "{SUITE}:10:22: storage-cold does not apply to model `none`: it has no file\n  {leave_out} model"
            ),
            format!(
                "{SUITE}:10:22: storage-cold does not apply to runtime `fake-slow`: it is scripted and reads no model\n  {leave_out} runtime"
            ),
            format!(
                "{SUITE}:10:22: storage-cold does not apply to runtime `fake`: it is scripted and reads no model\n  {leave_out} runtime"
            ),
        ]
    );
    assert_eq!(
        problems("start = \"compile_cold\"", &bench()),
        [format!(
            "{SUITE}:10:9: compile-cold does not apply to runtime `engine`: no compile cache of it is known\n  hint: name them in `cache_dirs` of the runtime, or use storage_cold"
        )]
    );
    assert_eq!(
        problems("start = \"device_cold\"", &bench()),
        [format!(
            "{SUITE}:10:9: device-cold does not apply to device `bench`: it is this machine\n  hint: measure it from another machine, or use storage_cold"
        )]
    );
    assert_eq!(problems("start = [\"storage_cold\", \"page_warm\"]", &bench()), [""; 0]);
}

#[test]
fn the_suites_of_starts_have_enough_launches() {
    let plan =
        |name: &str| dyno_plan::freeze(&Inputs::shipped(), &Ask::suite(name)).expect("a shipped suite");
    let cold = plan("cold");
    let starts: Vec<_> = cold.cells.iter().map(|cell| cell.start).collect();
    assert_eq!(starts, [StartState::StorageCold, StartState::PageWarm]);
    // Twelve launches of each: the median of twelve lies between the third and the tenth (96 %).
    assert_eq!((cold.runs.len(), cold.n_requests()), (24, 72));
    let burst = plan("burst");
    assert_eq!(burst.cells.iter().map(|cell| cell.start).collect::<Vec<_>>(), [StartState::PageWarm]);
    assert_eq!((burst.runs.len(), burst.n_requests()), (40, 40));
    assert!(cold.restart.is_none() && burst.restart.is_none());
}

#[test]
fn a_restart_is_planned_where_one_is_wanted() {
    let plan = |start: &str| dyno_plan::freeze(&inputs(start), &ask("pi5-a")).expect("no problem").restart;
    assert_eq!(plan("restart = { settle_ms = 1000 }"), None);
    let usual = RestartSpec { boot_limit_ms: 300_000, settle_ms: 120_000 };
    assert_eq!(plan("start = \"device_cold\""), Some(usual));
    let own = plan("start = \"device_cold\"\nrestart = { settle_ms = 1000, boot_limit_ms = 60_000 }");
    assert_eq!(own, Some(RestartSpec { boot_limit_ms: 60_000, settle_ms: 1000 }));
    let found = problems("start = \"C0\"\nrestart = { settle = 1 }", &ask("pi5-a"));
    assert!(found[0].starts_with(&format!("{SUITE}:11:13: unknown key `settle`")), "{found:?}");
}
