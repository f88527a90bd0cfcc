//! What surrounds a load: how long it is held, rests, limits; and where that does not fit.

use dyno_model::care::{Care, CoolDown, Duty, Hold, Limits};
use dyno_model::plan::Plan;
use dyno_plan::{Ask, AskedLoad, Inputs};

use crate::lab::lab_with;

const SUITE: &str = "catalog/suites/small.toml";
const LOADS: &str = "load = [{ kind = \"single\" }, { kind = \"single\", think_ms = 50 }]";

/// The lab with these lines in place of its suite's loads.
fn inputs(lines: &str) -> Inputs {
    lab_with(&[(SUITE, LOADS, lines)])
}

fn single(lines: &str) -> Inputs {
    inputs(&format!("load = {{ kind = \"single\" }}\n{lines}"))
}

fn ask() -> Ask {
    Ask { devices: vec!["bench".to_owned()], ..Ask::suite("small") }
}

fn plan(inputs: &Inputs, ask: &Ask) -> Plan {
    dyno_plan::freeze(inputs, ask).unwrap_or_else(|all| panic!("{all}"))
}

fn problems(inputs: &Inputs, ask: &Ask) -> Vec<String> {
    let found = dyno_plan::freeze(inputs, ask).err().map(|problems| problems.0).unwrap_or_default();
    found.iter().map(ToString::to_string).collect()
}

fn shipped(name: &str) -> Plan {
    plan(&Inputs::shipped(), &Ask::suite(name))
}

const HELD: &str = "hold = { for_ms = 60_000, requests = 9, steady_after_ms = 30_000, duty = { work_ms = 2000, rest_ms = 3000 } }";

#[test]
fn a_held_load_is_part_of_its_cell_and_of_its_id() {
    let expected = Hold {
        for_ms: 60_000,
        max_requests: Some(9),
        steady_after_ms: Some(30_000),
        duty: Some(Duty { work_ms: 2000, rest_ms: 3000 }),
    };
    let (held, free) = (plan(&single(HELD), &ask()), plan(&single(""), &ask()));
    assert!(held.cells.iter().all(|cell| cell.hold == Some(expected)));
    assert!(free.cells.iter().all(|cell| cell.hold.is_none()));
    let canonical = r#"{"device":"bench","runtime":"fake","model":"none","threads":1,"context_tokens":512,"load":{"kind":"single","think_ms":0}"#;
    let id = |text: String| dyno_model::ids::CellId::of(text.as_bytes());
    assert_eq!(free.cells[0].id, id(format!("{canonical}}}")));
    let of_hold = r#","hold":{"for_ms":60000,"max_requests":9,"steady_after_ms":30000,"duty":{"work_ms":2000,"rest_ms":3000}}}"#;
    assert_eq!(held.cells[0].id, id(format!("{canonical}{of_hold}")));
}

#[test]
fn a_scripted_runtime_gets_no_care_unless_it_is_asked_for() {
    assert_eq!(plan(&single(""), &ask()).care, None);
    let lines = "idle_ms = 100\nready_idle_ms = 200\ncool_down = { above_c = 2.5 }\nrecovery_ms = 300\n\
        limits = { max_temp_c = 80.5, min_battery_percent = 20 }\nmachine_ms = 1500\ntest_sensors = true";
    let expected = Care {
        cool_down: Some(CoolDown { above_mdegc: 2500, for_ms: 60_000, limit_ms: 900_000 }),
        idle_ms: 100,
        ready_idle_ms: 200,
        recovery_ms: 300,
        limits: Limits { max_temp_mdegc: Some(80_500), min_battery_permille: Some(200) },
        // A script takes neither time nor power.
        machine_ms: 0,
        test_sensors: false,
    };
    assert_eq!(plan(&single(lines), &ask()).care, Some(expected));
}

#[test]
fn a_real_runtime_is_put_beside_what_the_device_can_do() {
    let care = shipped("quick").care.expect("a real runtime");
    assert_eq!(care, Care { machine_ms: 4000, ..Care::default() });
    let selftest = shipped("selftest");
    assert_eq!(selftest.care, None);
}

#[test]
fn a_hold_has_limits_and_every_problem_its_place() {
    let check = |lines: &str, expected: &str| {
        let found = problems(&single(lines), &ask());
        assert_eq!(found, [format!("{SUITE}:{expected}")], "{lines}");
    };
    check(
        "hold = { for_ms = 60_000, steady_after_ms = 60_000 }",
        "10:45: `steady_after_ms` is not before the end: 60000\n  hint: less than `for_ms`, which is 60000",
    );
    check(
        "hold = { for_ms = 5000, duty = { work_ms = 2000, rest_ms = 4000 } }",
        "10:25: one cycle of work and rest is longer than `for_ms`\n  hint: `for_ms` is 5000",
    );
    check(
        "hold = { for_ms = 5000, duty = { work_ms = 399, rest_ms = 4000 } }",
        "10:44: `work_ms` is too short to be seen: 399\n  hint: two of `sampling_period_ms` or more, which is 200",
    );
    check(
        "limits = { max_temp_c = 25 }",
        "10:25: `max_temp_c` would stop a device at rest: 25\n  hint: more than 40",
    );
    check(
        "limits = {}",
        "10:1: `limits` without a limit\n  hint: name `max_temp_c`, `min_battery_percent` or both",
    );
    check(
        "cool_down = { for_ms = 60_000, limit_ms = 1000 }",
        "10:1: no device is cool for 60000 ms within 1000 ms\n  hint: make `limit_ms` longer than `for_ms`",
    );
    check("machine_ms = 10", "10:14: 10 ms are too short for a figure\n  hint: 0 for none, or 1000 and more");
    let stop = "hold = { for_ms = 5000 }\nstop = { kind = \"precision\", metric = \"ttft\", percentile = 95, within_percent = 5 }";
    let found = problems(&single(stop), &Ask { repetitions: Some(4), ..ask() });
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("`stop` beside `hold`"), "{found:?}");
}

#[test]
fn absurd_values_and_unknown_words_are_refused_all_at_once() {
    let lines = "hold = { for_ms = 0, duty = { work_ms = 0, rest_ms = 100_000_000 } }\nidle_ms = 4_000_000\n\
        limits = { min_battery_percent = 100 }\nduty = 3\ncool_down = { above_c = 99 }";
    let found = problems(&single(lines), &ask());
    assert_eq!(found.len(), 7, "{found:#?}");
    assert!(found.iter().all(|problem| problem.starts_with(SUITE)), "{found:#?}");
    assert!(found.iter().any(|problem| problem.contains(":13:") && problem.contains("unknown key `duty`")));
}

#[test]
fn a_load_at_a_rate_ends_by_itself_and_is_not_held() {
    let words = "load = { kind = \"open\", arrivals = \"poisson\", rate_per_s = 2, requests = 9 }\nhold = { for_ms = 5000 }";
    assert_eq!(
        problems(&inputs(words), &ask()),
        [format!(
            "{SUITE}:10:1: `hold` beside a load whose requests come at times of their own\n  hint: it ends by itself: leave `hold` out, or use a `single` or `closed` load"
        )]
    );
    let rate = AskedLoad::Open {
        arrivals: dyno_model::load::Arrivals::Poisson,
        rates_milli_per_s: vec![1000],
        duration_ms: Some(9000),
    };
    let found =
        problems(&single(HELD), &Ask { load: Some(rate), stop: Some("p95:ttft:5%".to_owned()), ..ask() });
    assert!(
        found.iter().any(|problem| problem.starts_with("--rate: suite `small` holds its load")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|problem| problem.starts_with("--stop: suite `small` holds its load")),
        "{found:?}"
    );
}

#[test]
fn a_duration_that_is_asked_for_holds_so_long() {
    let held = |lines: &str, ask: &Ask| plan(&single(lines), ask).cells[0].hold.expect("held");
    let asked = |ms| Ask { hold_ms: Some(ms), ..ask() };
    assert_eq!(held(HELD, &asked(90_000)).for_ms, 90_000);
    // Steady after 30 s can never be within 20 s.
    assert_eq!(held(HELD, &asked(20_000)).steady_after_ms, None);
    assert_eq!(held(HELD, &Ask { requests: Some(4), ..ask() }).max_requests, Some(4));
    let four = plan(&single(HELD), &Ask { requests: Some(4), ..ask() });
    assert_eq!(four.runs[0].requests.len(), 3, "the prompts that go round are still the slice's");
    let refused = |lines: &str, ms: u64, words: &str| {
        let found = problems(&single(lines), &asked(ms));
        assert!(found.len() == 1 && found[0].starts_with(words), "{found:?}");
    };
    refused("", 90_000, "--duration: suite `small` holds no load");
    refused(HELD, 999, "--duration: 0.999 s is out of range");
    refused(HELD, 4000, "--duration: 4000 ms are less than one cycle");
}

#[test]
fn more_users_than_prompts_go_round() {
    let load = "load = { kind = \"closed\", concurrency = 5 }\n";
    let found = problems(&inputs(load), &ask());
    assert!(found[0].contains("3 requests are too few for this load"), "{found:?}");
    assert_eq!(problems(&inputs(&format!("{load}{HELD}")), &ask()), [""; 0]);
}

#[test]
fn where_a_device_stands_is_planned() {
    let with = |line: &str| lab_with(&[("devices.toml", "price_eur = 92.5", line)]);
    let device = |inputs: &Inputs, ask: &Ask| plan(inputs, ask).devices[&"bench".into()].clone();
    let found = device(&with("sys_root = \"/host\"\nambient_c = 22.5"), &ask());
    assert_eq!((found.sys_root.as_deref(), found.ambient_mdegc), (Some("/host"), Some(22_500)));
    let found = device(&with("ambient_c = 22.5"), &Ask { ambient_mdegc: Some(-3000), ..ask() });
    assert_eq!(found.ambient_mdegc, Some(-3000));
    assert_eq!(
        problems(&with("sys_root = \"host\"\nambient_c = 300"), &Ask { ambient_mdegc: Some(99_000), ..ask() }),
        [
            "--ambient: 99 °C is no air to measure in\n  hint: from -40 to 70".to_owned(),
            "devices.toml:6:12: `host` is no folder to read `/proc` and `/sys` below\n  hint: write it from the root of the device: /host".to_owned(),
            "devices.toml:7:13: 300 °C is no air to measure in\n  hint: from -40 to 70".to_owned(),
        ]
    );
}

#[test]
fn answers_in_turn_and_answers_that_fill_the_context() {
    let lengths = |lines: &str, context: u32| -> Vec<u32> {
        let plan =
            plan(&single(lines), &Ask { context_tokens: vec![context], max_tokens: Some(300), ..ask() });
        plan.runs[0].requests.iter().map(|request| request.sampling.max_tokens).collect()
    };
    let mut turn = lengths("max_tokens_in_turn = [1, 16]", 512);
    turn.sort_unstable();
    assert_eq!(turn, [1, 1, 16]);
    // By hand: prompts of 16, 15 and 3 bytes are 5, 5 and 1 tokens, with 2, 2 and 1 to spare.
    let mut filled = lengths("fill_context = true", 64);
    filled.sort_unstable();
    assert_eq!(filled, [64 - 7 - 32, 64 - 7 - 32, 64 - 2 - 32]);
    assert_eq!(lengths("fill_context = true", 2048), [300; 3]);
    let found = problems(&single("max_tokens_in_turn = [0, 17]\nfill_context = true"), &ask());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("`max_tokens_in_turn` beside `fill_context`"), "{found:?}");
    assert!(found[1].contains("out of range: 0\n  hint: from 1 to `max_tokens`, which is 16"), "{found:?}");
}

#[test]
fn soak_holds_one_user_for_twenty_minutes_with_rests_around() {
    let soak = shipped("soak");
    assert_eq!((soak.cells.len(), soak.runs.len(), soak.sampling_period_ms), (1, 1, 100));
    let hold = soak.cells[0].hold.expect("held");
    assert_eq!((hold.for_ms, hold.duty), (20 * 60_000, None));
    let care = soak.care.expect("rests");
    assert_eq!((care.idle_ms, care.ready_idle_ms, care.recovery_ms), (60_000, 60_000, 600_000));
    assert_eq!((care.machine_ms, care.test_sensors), (30_000, true));
    assert_eq!(care.cool_down.map(|cool_down| cool_down.above_mdegc), Some(3000));
    let duty = shipped("soak-duty").cells[0].hold.and_then(|hold| hold.duty).expect("a duty cycle");
    assert_eq!((duty.work_ms, duty.rest_ms), (10_000, 50_000));
}

#[test]
fn energy_has_answers_of_one_token_and_long_ones_for_every_length_of_prompt() {
    let energy = shipped("energy");
    assert_eq!((energy.runs.len(), energy.n_requests()), (3, 120));
    let care = energy.care.expect("rests");
    assert!(care.idle_ms >= 60_000 && care.ready_idle_ms >= 60_000 && care.test_sensors);
    for run in &energy.runs {
        let n = |tokens| run.requests.iter().filter(|one| one.sampling.max_tokens == tokens).count();
        assert_eq!((n(1), n(32), n(128)), (14, 13, 13));
        assert!(run.requests.iter().all(|request| request.sampling.ignore_eos));
    }
}

#[test]
fn context_fills_each_rung_of_its_ladder() {
    let context = shipped("context");
    let rungs: Vec<u32> = context.cells.iter().map(|cell| cell.context_tokens).collect();
    assert_eq!(rungs, [512, 1024, 2048, 4096, 8192]);
    assert_eq!((context.runs.len(), context.n_requests()), (15, 15));
    for run in &context.runs {
        let rung = context.cell(&run.cell).expect("of the plan").context_tokens;
        let longest = run.requests[0].sampling.max_tokens;
        // A short prompt has at most 64 tokens by the estimate.
        assert!((rung - 64 - 16 - 32..rung).contains(&longest), "{longest} of {rung}");
    }
}
