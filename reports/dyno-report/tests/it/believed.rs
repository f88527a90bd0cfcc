//! What every format says of stamps, steady states, starts, and figures that may not be used.

use dyno_report::{json, markdown};
use dyno_view::report::Report;

use crate::common::believed::believed_report;
use crate::common::{check_goldens, page, text};

#[test]
fn what_can_be_believed_is_golden() {
    let report = believed_report();
    check_goldens("believed", &report);
}

#[test]
fn every_format_says_the_same_of_what_can_be_believed() {
    let report = believed_report();
    for text in [text(&report, 160), markdown::render(&report), page(&report)] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for expected in [
            "good to ± 18.2 µs for a first token and ± 9.04 µs for a gap",
            "not calibrated: the runtime is scripted",
            "slower at first in 1",
            "run 0 came to no steady state",
            "no launch has the 43 requests that it takes",
            "verified in 8 of 10 launches",
            "10 launches in no figure: cold=unverified: no compile cache was found",
            "INVALID",
        ] {
            assert!(flat.contains(expected), "no `{expected}` in {text}");
        }
    }
}

/// What may not be used is nowhere without the word beside it.
#[test]
fn figures_that_may_not_be_used_are_only_shown_as_that() {
    let mut report = believed_report();
    report.starts = None;
    report.findings.clear();
    report.cells = vec![report.cells.pop().expect("the last one is invalid")];
    let shown = text(&report, 160);
    for line in shown.lines().filter(|line| line.contains("92.1")) {
        assert!(line.contains("INVALID"), "{line}");
    }
    assert!(shown.contains("n/a (INVALID)"), "{shown}");
    let markdown = markdown::render(&report);
    for line in markdown.lines().filter(|line| line.contains("92.1")) {
        assert!(line.contains("INVALID"), "{line}");
    }
    let page = page(&report);
    let (before, after) = page.split_once("class=\"unusable\"").expect("a box of its own");
    assert!(!before.contains("92.1 ms") && after.contains("92.1 ms"));
    let json: serde_json::Value = serde_json::from_str(&json::render(&report)).expect("it is JSON");
    assert_eq!(json["cells"][0]["metrics"][0]["n"].as_u64(), Some(0));
    assert_eq!(json["cells"][0]["invalid_metrics"][0]["n"].as_u64(), Some(119));
}

#[test]
fn what_can_be_believed_is_data_too() {
    let report = believed_report();
    let json: serde_json::Value = serde_json::from_str(&json::render(&report)).expect("it is JSON");
    let cell = &json["cells"][0];
    assert_eq!(cell["proof"]["stamps"]["kind"].as_str(), Some("calibrated"));
    assert_eq!(cell["proof"]["rows"][0]["each"][0]["p99"].as_f64(), Some(14_000.0));
    assert_eq!(cell["steady"]["launches"][0]["class"]["kind"].as_str(), Some("warm_up"));
    assert_eq!(cell["steady"]["figures"][1]["n_effective"].as_u64(), Some(96));
    assert_eq!(json["starts"]["groups"][0]["rows"][1]["unverified"][0]["n"].as_u64(), Some(10));
    let back: Report = serde_json::from_value(json).expect("it is a report");
    assert_eq!(back, report);
}
