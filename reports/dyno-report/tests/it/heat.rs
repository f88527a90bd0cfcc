//! What every format says of loads that go on.

use dyno_report::{json, markdown};
use dyno_view::report::Report;

use crate::common::heat::heat_report;
use crate::common::{check_goldens, page, text};

#[test]
fn heat_is_golden() {
    check_goldens("heat", &heat_report());
}

#[test]
fn every_format_says_the_same_of_heat() {
    let report = heat_report();
    for text in [text(&report, 160), markdown::render(&report), page(&report)] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for expected in [
            "throttled after 5 min 0 s, by up to 40.3 % (thermal)",
            "ended as oom 14 min 0 s after the load began: killed by lmkd",
            "flat over 20 min 0 s",
            "a drop of 1.82 % that lasts for 30.0 s would have been seen",
            "cause unknown",
            "the load went on for 14 of 15 min",
            "hot start: after 900 s soc is 7.0 °C above its baseline",
            "air at 22.5 °C",
            "temperature of the air unknown",
            "one pass of 12 prompts",
        ] {
            assert!(flat.contains(expected), "no `{expected}` in {text}");
        }
    }
}

#[test]
fn figures_of_an_invalid_launch_are_named_so_in_every_format() {
    let mut report = heat_report();
    let cell = report.cells[0].heat.as_mut().expect("a load that went on");
    cell.launches[0].invalid = vec!["the agent <took> 9 % of a CPU".to_owned()];
    let whole = [text(&report, 160), markdown::render(&report), page(&report)];
    for (text, reason) in whole.iter().zip(["<took>", "&lt;took&gt;", "&lt;took&gt;"]) {
        let (_, after) = text.split_once("throttled after 5 min 0 s").expect("the launch");
        let (_, after) = after.split_once("INVALID").expect("the mark");
        assert!(after.contains(&format!("the agent {reason} 9 % of a CPU")), "{after}");
    }
}

#[test]
fn heat_is_data_too() {
    let report = heat_report();
    let json: serde_json::Value = serde_json::from_str(&json::render(&report)).expect("it is JSON");
    let launch = &json["cells"][0]["heat"]["launches"][0];
    assert_eq!(launch["verdict"]["kind"].as_str(), Some("throttled"));
    assert_eq!(launch["changes"][0]["causes"][0].as_str(), Some("thermal"));
    assert_eq!(launch["terminated"]["after_ns"].as_u64(), Some(840_000_000_000));
    assert_eq!(json["heat"]["rows"][1]["sustained"]["n"].as_u64(), Some(120));
    let back: Report = serde_json::from_value(json).expect("it is a report");
    let launches = |report: &Report| {
        report.cells.iter().map(|cell| cell.heat.as_ref().map(|of| of.launches.len())).collect::<Vec<_>>()
    };
    assert_eq!(launches(&back), launches(&report));
}
