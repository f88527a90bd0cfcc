//! Reports of several campaigns, and figures of other tools, in every format.

use dyno_report::{csv, json, markdown};
use dyno_view::report::Report;

use crate::common::together::together_report;
use crate::common::{check_golden, check_goldens, page, small_report, text};

#[test]
fn reports_of_several_campaigns_are_golden() {
    let report = together_report();
    check_goldens("together", &report);
    check_golden("reports/golden/together.csv", &csv::render(&report));
}

#[test]
fn every_campaign_is_named_with_its_plan_and_dates() {
    let report = together_report();
    for text in [text(&report, 60), text(&report, 160), markdown::render(&report), page(&report)] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for expected in [
            "20261120-043000-quick",
            "20261121-043000-quick",
            "2026-11-20 04:30 UTC",
            "2026-11-21 04:30 UTC",
            "3f2a9c01b2c3",
            "9d9d9d9d9d9d",
        ] {
            assert!(flat.contains(expected), "no `{expected}` in {text}");
        }
    }
}

#[test]
fn what_the_rows_share_names_the_device_once() {
    let shared = "smollm2-135m-instruct (e3b0c442e3b0), embedded, 2 threads, on local";
    assert!(page(&together_report()).contains(shared));
    for text in [text(&together_report(), 160), markdown::render(&together_report())] {
        assert!(
            text.lines().any(|line| line.contains(shared) && line.matches("local").count() == 1),
            "{text}"
        );
    }
}

#[test]
fn figures_of_other_tools_are_marked_and_apart() {
    let report = together_report();
    for text in [text(&report, 60), text(&report, 160), markdown::render(&report), page(&report)] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for expected in
            ["Figures of other tools, as they state them", "812 ± 12 tok", "No record stands behind"]
        {
            assert!(flat.contains(expected), "no `{expected}` in {text}");
        }
    }
    let none = small_report();
    for text in [text(&none, 160), markdown::render(&none), page(&none)] {
        assert!(!text.contains("Figures of other tools"), "{text}");
    }
    let csv = csv::render(&report);
    let row = csv.lines().find(|line| line.contains("tg128")).expect("a row of llama-bench");
    assert!(row.starts_with("bench.json,CPU · Example CPU 3000,llama-bench (imported),"), "{row}");
}

#[test]
fn foreign_words_of_other_tools_do_no_harm() {
    let mut report = together_report();
    let row = &mut report.imported[0].rows[0];
    row.model = "<script>alert(1)</script>|\u{1b}[2J\u{202E}".to_owned();
    row.test = "=cmd".to_owned();
    assert!(!page(&report).contains("<script>alert"));
    assert!(!markdown::render(&report).contains("<script>"));
    for text in [text(&report, 160), markdown::render(&report), csv::render(&report)] {
        assert!(!text.contains(['\u{1b}', '\u{202E}']), "{text}");
    }
    assert!(csv::render(&report).contains(",'=cmd,"));
}

#[test]
fn a_report_of_several_reads_back() {
    let report = together_report();
    let back: Report = serde_json::from_str(&json::render(&report)).expect("it is a report");
    assert_eq!(back, report);
}
