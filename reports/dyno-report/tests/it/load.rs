//! Cells under load in every format: pages of the record that dyno-analysis makes for its own tests.

use std::path::Path;

use dyno_report::{json, markdown};
use dyno_view::report::Report;

use crate::common::{check_goldens, page, text};

fn loaded() -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/load.json");
    let text = std::fs::read_to_string(path).expect("the tests of dyno-analysis wrote it");
    serde_json::from_str(&text).expect("it is a report")
}

#[test]
fn loads_are_golden() {
    let report = loaded();
    check_goldens("load", &report);
}

#[test]
fn the_schema_fits_a_report_of_loads() {
    let validator = jsonschema::validator_for(json::report_schema().as_value()).expect("a valid schema");
    let report = serde_json::to_value(loaded()).expect("a report has only string keys");
    let faults: Vec<String> = validator.iter_errors(&report).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
}

/// The saturation stands before all figures, and latencies from the due before those of single cells.
#[test]
fn what_users_waited_comes_first() {
    let report = loaded();
    let at = |text: &str, word: &str| text.find(word).unwrap_or_else(|| panic!("no `{word}` in {text}"));
    for text in [text(&report, 160), markdown::render(&report), page(&report)] {
        assert!(at(&text, "saturated (open loop") < at(&text, "from due"), "the alarm comes first");
        assert!(at(&text, "from due") < at(&text, "service time"), "what a user waits is the headline");
        assert!(at(&text, "SLA capacity") < at(&text, "from due"));
        assert!(text.contains("Its p99 is not that of a service under load"));
        let alarm = "saturated (open loop, Poisson arrivals at 4/s)";
        // The page's escaping takes slashes, too.
        let flat = text.replace("&#x2f;", "/");
        let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(flat.matches(alarm).count(), 1, "an alarm is told once");
    }
}

/// The figures of a queue that grows are nowhere given as those of a service.
#[test]
fn a_growing_queue_has_no_interval_in_the_tile() {
    let mut report = loaded();
    let cell = report.cells.remove(7);
    report.cells = vec![cell];
    let page = page(&report);
    let tile = page.split("TTFT from due p50</span>").nth(1).expect("the tile of one cell");
    let tile = tile.split("</div>").next().expect("it ends");
    assert!(tile.contains("3.68") && tile.contains("observed"), "{tile}");
    assert!(page.contains("Intervals of latencies from the due do not hold here: the queue grew all along."));
}

/// A trace's name is foreign.
#[test]
fn names_of_loads_are_shown_and_not_obeyed() {
    let mut report = loaded();
    let hostile = "trace <script>alert(1)</script> | [x](javascript:1) \u{1b}[31m";
    if let Some(load) = &mut report.cells[4].offered {
        load.label = hostile.to_owned();
        load.saturation = vec![hostile.to_owned()];
    }
    if let Some(load) = &mut report.load {
        load.alarms[0].text = hostile.to_owned();
        load.sweeps[0].notes.push(hostile.to_owned());
    }
    let (page, markdown, text) = (page(&report), markdown::render(&report), text(&report, 100));
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert"));
    assert!(!markdown.contains("<script>") && !markdown.contains("[x](") && markdown.contains("\\|"));
    assert!(![page, markdown, text].iter().any(|out| out.contains('\u{1b}')));
}
