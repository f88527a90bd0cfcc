//! Cells side by side in every format.

use dyno_report::{json, markdown};
use dyno_view::report::Report;

use crate::common::compared::compared_report;
use crate::common::{self, check_goldens, page, text};

#[test]
fn comparisons_are_golden() {
    let report = compared_report();
    check_goldens("compared", &report);
}

#[test]
fn the_comparison_comes_before_the_findings_and_cells() {
    let report = compared_report();
    let at = |text: &str, word: &str| text.find(word).unwrap_or_else(|| panic!("no `{word}` in {text}"));
    let terminal = text(&report, 120);
    assert!(at(&terminal, "Comparison") < at(&terminal, "invalid: launch 1"), "{terminal}");
    let markdown = markdown::render(&report);
    assert!(at(&markdown, "### Comparison") < at(&markdown, "**Invalid:** launch 1"));
    let page = page(&report);
    assert!(at(&page, "id=\"comparison\"") < at(&page, "id=\"findings\""));
}

#[test]
fn every_device_has_its_row_and_says_why_it_has_no_figure() {
    let report = compared_report();
    for text in [text(&report, 60), text(&report, 160), markdown::render(&report), page(&report)] {
        for expected in [
            "not measured",
            "the device does not trust this computer yet",
            "partly invalid",
            "n = 40 &lt; 72",
            "virtual machine",
            "no order is claimed",
        ] {
            // A terminal breaks lines where it must, and only HTML and Markdown escape.
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let plain = expected.replace("&lt;", "<");
            assert!(flat.contains(expected) || flat.contains(&plain), "no `{expected}` in {text}");
        }
    }
}

#[test]
fn rows_of_unlike_work_are_not_to_be_ranked() {
    let report = compared_report();
    for text in [text(&report, 60), text(&report, 160), markdown::render(&report), page(&report)] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for expected in [
            "not to be ranked by",
            "the answers are not of equal length (median 64 tokens on local, 48 on pi5)",
        ] {
            assert!(flat.contains(expected), "no `{expected}` in {text}");
        }
        assert!(flat.contains("gpt2 1a2b3c4d5e6f"), "the tokenizer is shown: {text}");
    }
}

#[test]
fn groups_of_unlike_work_are_said_to_be_so() {
    let mut report = compared_report();
    let said = "they differ in model and context length. Only cells of one table are comparable.";
    for text in [text(&report, 160), markdown::render(&report), page(&report)] {
        assert!(text.contains(said), "{text}");
    }
    if let Some(view) = &mut report.comparison {
        view.groups.pop();
        view.differences.clear();
    }
    for text in [text(&report, 160), markdown::render(&report), page(&report)] {
        assert!(!text.contains("The cells did unlike work"), "{text}");
    }
}

#[test]
fn a_comparison_is_data_too() {
    let report = compared_report();
    let json: serde_json::Value = serde_json::from_str(&json::render(&report)).expect("it is JSON");
    let row = &json["comparison"]["groups"][0]["rows"][1];
    assert_eq!((row["name"].as_str(), row["state"].as_str()), (Some("pi5"), Some("partly")));
    assert_eq!(row["figures"][0]["low"].as_f64(), Some(91_200_000.0));
    assert_eq!(row["figures"][1]["kind"].as_str(), Some("too_few"));
    let back: Report = serde_json::from_value(json).expect("it is a report");
    assert_eq!(back, report);
}

#[test]
fn a_report_of_the_time_before_comparisons_is_still_read() {
    let mut json = serde_json::to_value(common::small_report()).expect("a report has only string keys");
    let object = json.as_object_mut().expect("a report is an object");
    object.remove("comparison").expect("it is there, and null");
    json["devices"][0].as_object_mut().expect("a device is an object").remove("clock").expect("it is there");
    assert_eq!(serde_json::from_value::<Report>(json).expect("it is a report"), common::small_report());
}
