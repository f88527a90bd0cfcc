//! What a plan holds, and that it is always the same.

use std::collections::BTreeSet;

use dyno_model::ids::CellId;
use dyno_model::load::LoadModel;
use dyno_model::plan::Plan;
use dyno_plan::Ask;
use proptest::prelude::*;

use crate::lab::{ask, files, inputs, lab, lab_with};

fn freeze(ask: &Ask) -> Plan {
    dyno_plan::freeze(&lab(), ask).expect("the lab has no problem")
}

#[test]
fn every_combination_becomes_a_cell_and_every_repetition_a_run() {
    let plan = freeze(&Ask { devices: vec!["*".to_owned()], ..ask() });
    // 2 devices × 2 runtimes × 1 model × 2 threads × 1 context × 2 loads.
    assert_eq!(plan.cells.len(), 16);
    assert_eq!(plan.runs.len(), 32);
    assert!(plan.runs.iter().all(|run| run.requests.len() == 3));
    assert_eq!(plan.prompts.len(), 3);
    assert!((0..).zip(&plan.runs).all(|(id, run)| run.id.0 == id));
    let ids: BTreeSet<&CellId> = plan.cells.iter().map(|cell| &cell.id).collect();
    assert!(plan.runs.iter().all(|run| ids.contains(&run.cell)));
}

#[test]
fn words_become_typed_values() {
    let plan = freeze(&ask());
    let device = &plan.devices[&"bench".into()];
    assert_eq!(device.price_eur_cents, Some(9250));
    let sampling = &plan.runs[0].requests[0].sampling;
    assert_eq!((sampling.temperature_milli, sampling.top_p_milli, sampling.max_tokens), (250, 900, 16));
    assert_eq!(plan.runtimes["fake"].settings["gap_ns"], "5000");
    assert_eq!(plan.runtimes["fake"].settings["text"], "x");
    assert_eq!(plan.cells[0].context_tokens, 512);
    assert_eq!(plan.cells[0].threads, Some(1));
    assert_eq!(plan.cells[1].load, LoadModel::Single { think_ms: 50 });
    assert_eq!(plan.prompts[&"b".into()].messages[0].content, "Wozu dient Öl?");
    assert_eq!(plan.corpus.slice.as_deref(), Some("three"));
    assert_eq!(plan.sampling_period_ms, 200);
}

#[test]
fn what_a_device_is_to_be_like_goes_into_the_plan_and_nothing_goes_in_without_it() {
    let words = "price_eur = 92.5\nprepare = { governor = \"performance\", core_mask = \"2-3,0\", power_mode = 2, \
                 min_freq_khz = { policy4 = 800000, policy0 = 600000 }, screen = \"off\", after = [[\"sync\"]] }";
    let inputs = lab_with(&[("devices.toml", "price_eur = 92.5", words)]);
    let plan = dyno_plan::freeze(&inputs, &ask()).expect("no problem");
    let expected = concat!(
        r#""prepare":{"power_mode":"2","governor":"performance","min_freq_khz":[{"policy":0,"khz":600000},"#,
        r#"{"policy":4,"khz":800000}],"core_mask":[0,2,3],"screen":"off","after":[["sync"]]}"#
    );
    let text = String::from_utf8(plan.canonical()).expect("JSON");
    assert!(text.contains(expected), "{text}");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("its own form"), plan);
    let bare = String::from_utf8(freeze(&ask()).canonical()).expect("JSON");
    assert!(!bare.contains("prepare"));
    assert_eq!(serde_json::from_str::<Plan>(&bare).expect("a plan of before").canonical(), bare.as_bytes());
}

#[test]
fn an_ask_overrides_the_suite() {
    let plan = freeze(&Ask {
        devices: vec!["pi".to_owned(), "arm".to_owned()],
        runtimes: vec!["fake".to_owned(), "fake".to_owned()],
        threads: vec![4],
        context_tokens: vec![1024],
        repetitions: Some(5),
        requests: Some(2),
        max_tokens: Some(9),
        seed: Some(1),
        corpus: Some("tiny".to_owned()),
        ..ask()
    });
    assert_eq!(plan.devices.keys().map(|id| id.0.as_str()).collect::<Vec<_>>(), ["pi5-a"]);
    // 1 device × 1 runtime × 1 thread count × 2 loads.
    assert_eq!(plan.cells.len(), 2);
    assert_eq!(plan.cells[0].threads, Some(4));
    assert_eq!(plan.cells[0].context_tokens, 1024);
    assert_eq!(plan.runs.len(), 10);
    assert_eq!(plan.seed, 1);
    // All four prompts, not the suite's slice; two of them, evenly: the first and the third.
    assert_eq!(plan.corpus.slice, None);
    assert_eq!(plan.prompts.keys().map(|id| id.0.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert!(plan.runs.iter().all(|run| run.requests.iter().all(|request| request.sampling.max_tokens == 9)));
}

#[test]
fn without_threads_the_runtime_chooses_and_without_context_the_model() {
    let inputs = lab_with(&[
        ("catalog/suites/small.toml", "threads = [1, 2]\n", ""),
        ("catalog/suites/small.toml", "context_tokens = [512]\n", ""),
    ]);
    let plan = dyno_plan::freeze(&inputs, &ask()).expect("no problem");
    assert!(plan.cells.iter().all(|cell| cell.threads.is_none() && cell.context_tokens == 2048));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_another_order() {
    let first = freeze(&ask());
    assert_eq!(first.canonical(), freeze(&ask()).canonical());
    let other = freeze(&Ask { seed: Some(8), ..ask() });
    let order = |plan: &Plan| plan.runs.iter().map(|run| run.cell.clone()).collect::<Vec<_>>();
    assert_ne!(order(&first), order(&other));
    assert_eq!(first.cells, other.cells);
}

#[test]
fn launches_of_one_repetition_serve_the_same_requests() {
    let plan = freeze(&ask());
    for run in &plan.runs {
        let twin =
            plan.runs.iter().find(|other| other.repetition == run.repetition).expect("itself at least");
        assert_eq!(run.requests, twin.requests);
    }
    let last = plan.runs.last().expect("there are runs");
    assert_ne!(plan.runs[0].requests, last.requests);
}

#[test]
fn a_plan_survives_its_canonical_form() {
    let plan = freeze(&ask());
    let read: Plan = serde_json::from_slice(&plan.canonical()).expect("a plan");
    assert_eq!(read, plan);
}

/// The file was written by `tests/golden/plan_1.py`, a second implementation of expansion, order and schedule.
#[test]
fn the_plan_of_the_lab_is_the_one_worked_out_by_other_means() {
    let mut plan = freeze(&ask());
    plan.tool_version = "0".to_owned();
    let expected = include_str!("../golden/plan-1.json");
    assert_eq!(String::from_utf8(plan.canonical()).expect("JSON is UTF-8"), expected);
}

/// `text` with its tables `[a.b]` in another order.
fn reordered(text: &str, keys: &[u32]) -> String {
    let (head, tables) = text.split_once("\n[").expect("a table");
    let mut tables: Vec<&str> = tables.split("\n[").collect();
    let mut keyed: Vec<(u32, &str)> = keys.iter().copied().cycle().zip(tables.drain(..)).collect();
    keyed.sort_unstable();
    let tables: Vec<&str> = keyed.into_iter().map(|(_, table)| table).collect();
    format!("{head}\n\n[{}\n", tables.join("\n\n["))
}

proptest! {
    #[test]
    fn the_order_of_tables_and_files_changes_nothing(keys in prop::collection::vec(any::<u32>(), 3)) {
        let mut files: Vec<(&str, String)> = files()
            .into_iter()
            .map(|(name, text)| {
                let shuffle = ["devices.toml", "catalog/models/models.toml", "catalog/runtimes/runtimes.toml"];
                (name, if shuffle.contains(&name) { reordered(text, &keys) } else { text.to_owned() })
            })
            .collect();
        let n = files.len();
        files.rotate_left(keys[0] as usize % n);
        let plan = dyno_plan::freeze(&inputs(&files), &ask()).expect("no problem");
        prop_assert_eq!(plan.digest(), freeze(&ask()).digest());
    }
}
