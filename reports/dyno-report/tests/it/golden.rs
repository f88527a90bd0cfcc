//! Every format of one small report, byte for byte; `UPDATE_GOLDEN=1` writes the files anew (read them before a commit).

use dyno_report::terminal::{ColorChoice, TerminalStyle};
use dyno_report::{csv, html, json, markdown, terminal};

use crate::common::{self, check_golden as check};

fn html_page() -> String {
    let mut page = Vec::new();
    html::render(&common::small_report(), &mut page).expect("memory takes all");
    String::from_utf8(page).expect("the page is UTF-8")
}

#[test]
fn html_is_golden() {
    check("reports/golden/small.html", &html_page());
}

#[test]
fn markdown_is_golden() {
    check("reports/golden/small.md", &markdown::render(&common::small_report()));
}

#[test]
fn terminal_is_golden_in_four_widths() {
    for width in [40, 80, 110, 160] {
        let style = TerminalStyle { width, color: ColorChoice::Never };
        let text = terminal::render(&common::small_report(), &style);
        check(&format!("reports/golden/small.{width}.txt"), &text);
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(width), "longer than {width}: {line}");
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let render = |color| terminal::render(&common::small_report(), &TerminalStyle { width: 100, color });
    let mut painted = render(ColorChoice::Always);
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[1;31m"] {
        painted = painted.replace(code, "");
    }
    assert_eq!(painted, render(ColorChoice::Never));
}

#[test]
fn csv_is_golden_and_rectangular() {
    let text = csv::render(&common::small_report());
    check("reports/golden/small.csv", &text);
    for line in text.lines() {
        // No field of the small report holds a comma, so commas count fields.
        assert_eq!(line.matches(',').count() + 1, csv::COLUMNS.len(), "{line}");
    }
}

#[test]
fn json_is_golden_and_reads_back() {
    let text = json::render(&common::small_report());
    check("reports/golden/small.json", &text);
    let back: dyno_view::report::Report = serde_json::from_str(&text).expect("it is a report");
    assert_eq!(back, common::small_report());
}

#[test]
fn the_documented_schema_is_current_and_fits_the_report() {
    let schema = json::report_schema();
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema has only string keys");
    text.push('\n');
    check("docs/report.schema.json", &text);
    let validator = jsonschema::validator_for(schema.as_value()).expect("a valid schema");
    let mut report = serde_json::to_value(common::small_report()).expect("a report has only string keys");
    let faults: Vec<String> = validator.iter_errors(&report).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
    report["campaign"]["seed"] = "seven".into();
    assert!(!validator.is_valid(&report), "a schema that accepts anything checks nothing");
}
