//! Foreign words in comparisons, calibrations and histories stay words.

use dyno_report::terminal::{ColorChoice, TerminalStyle};
use dyno_report::{bench_json, csv, html, junit, markdown, terminal};
use dyno_view::calibration::CalibrationView;
use dyno_view::compare::CompareView;
use dyno_view::history::HistoryView;
use serde_json::Value;

use crate::common::over_time::{calibration, history};
use crate::common::verdicts::verdicts;
use crate::hostile::{HOSTILE, assert_no_markup, assert_nothing_acts, assert_tables_are_whole, skeleton};

/// Words of ours, by their keys: these are no foreign text.
const OURS: [&str; 10] =
    ["kind", "verdict", "level", "unit", "better", "form", "scale", "order", "differ_in", "metric"];

/// The view with hostile words in place of every text that is not ours.
pub(crate) fn poisoned<T: serde::Serialize + serde::de::DeserializeOwned>(view: &T) -> T {
    let mut json = serde_json::to_value(view).expect("a view has only string keys");
    poison(&mut json);
    serde_json::from_value(json).expect("texts take any text")
}

fn poison(value: &mut Value) {
    match value {
        Value::String(text) => HOSTILE.clone_into(text),
        Value::Array(values) => values.iter_mut().for_each(poison),
        Value::Object(fields) => {
            let foreign = fields.iter_mut().filter(|(key, _)| !OURS.contains(&key.as_str()));
            foreign.for_each(|(_, value)| poison(value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

pub(crate) fn page(write: impl Fn(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut page = Vec::new();
    write(&mut page).expect("memory takes all");
    String::from_utf8(page).expect("the page is UTF-8")
}

/// `part` without the folding that is ours.
pub(crate) fn check_markdown(text: &str) {
    assert_nothing_acts(text);
    let ours = ["<details>", "</details>", "<summary>", "</summary>"];
    let rest = ours.iter().fold(text.to_owned(), |text, tag| text.replace(tag, ""));
    assert_no_markup(&rest);
    assert_tables_are_whole(&rest);
}

#[test]
fn hostile_words_in_a_comparison_do_nothing() {
    let view: CompareView = poisoned(&verdicts());
    let bad = page(|out| html::compare(&view, out));
    assert_eq!(skeleton(&bad), skeleton(&page(|out| html::compare(&verdicts(), out))));
    assert_nothing_acts(&bad);
    assert!(bad.contains("⟪U+202E⟫"), "it is shown");
    check_markdown(&markdown::compare(&view));
    for width in [60, 110, 200] {
        let text = terminal::compare(&view, &TerminalStyle { width, color: ColorChoice::Never });
        assert_nothing_acts(&text);
        assert!(text.contains("⟪U+"), "it is shown");
    }
    assert_nothing_acts(&csv::compare(&view));
}

#[test]
fn hostile_words_in_test_cases_stay_within_their_attributes() {
    let view: CompareView = poisoned(&verdicts());
    let shape = |xml: &str| {
        let document = roxmltree::Document::parse(xml).expect("well-formed XML");
        let elements = document.descendants().filter(roxmltree::Node::is_element);
        elements.map(|node| (node.tag_name().name().to_owned(), node.attributes().len())).collect::<Vec<_>>()
    };
    let xml = junit::comparison(&view);
    assert_eq!(shape(&xml), shape(&junit::comparison(&verdicts())));
    assert_nothing_acts(&xml);
    let mut with_noncharacters = verdicts();
    "\u{FFFE}\u{FFFF}\u{0}".clone_into(&mut with_noncharacters.sides[1].name);
    shape(&junit::comparison(&with_noncharacters));
}

#[test]
fn services_are_given_visible_names() {
    let view: CompareView = poisoned(&verdicts());
    for json in [
        bench_json::bencher_of_comparison(&view),
        bench_json::benchmark_action_of_comparison(&view, bench_json::Tool::SmallerIsBetter),
    ] {
        assert_nothing_acts(&json);
        let names = json.contains("⟪U+202E⟫");
        assert!(names, "it is shown: {json}");
    }
}

#[test]
fn hostile_words_in_a_calibration_and_a_history_do_nothing() {
    let (history, calibration): (HistoryView, CalibrationView) =
        (poisoned(&history()), poisoned(&calibration()));
    let bad = page(|out| html::history(&history, out));
    let friendly = crate::common::over_time::history();
    assert_eq!(skeleton(&bad), skeleton(&page(|out| html::history(&friendly, out))));
    assert_nothing_acts(&bad);
    for width in [60, 110, 200] {
        let style = TerminalStyle { width, color: ColorChoice::Never };
        assert_nothing_acts(&terminal::history(&history, &style));
        assert_nothing_acts(&terminal::calibration(&calibration, &style));
    }
    check_markdown(&markdown::history(&history));
    check_markdown(&markdown::calibration(&calibration));
}
