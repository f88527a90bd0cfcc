//! Canary checks in every form, and foreign words in them.

use dyno_report::terminal::{ColorChoice, TerminalStyle};
use dyno_report::{html, json, junit, markdown, terminal};
use dyno_view::canary::CanaryView;
use roxmltree::Document;
use serde_json::Value;

use crate::common::canary::canary;
use crate::common::check_golden;
use crate::hostile::{HOSTILE, assert_no_markup, assert_nothing_acts, assert_tables_are_whole, skeleton};

fn html_of(view: &CanaryView) -> String {
    let mut page = Vec::new();
    html::canary(view, &mut page).expect("memory takes all");
    String::from_utf8(page).expect("the page is UTF-8")
}

fn text_of(view: &CanaryView, width: u16) -> String {
    terminal::canary(view, &TerminalStyle { width, color: ColorChoice::Never })
}

#[test]
fn canary_checks_are_golden() {
    let view = canary();
    check_golden("reports/golden/canary.html", &html_of(&view));
    check_golden("reports/golden/canary.md", &markdown::canary(&view));
    check_golden("reports/golden/canary.json", &json::canary(&view));
    check_golden("reports/golden/canary.junit.xml", &junit::canary(&view));
    for width in [60, 100, 160] {
        let text = text_of(&view, width);
        check_golden(&format!("reports/golden/canary.{width}.txt"), &text);
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(width), "longer than {width}: {line}");
        }
    }
}

#[test]
fn the_documented_schema_is_current_and_fits_a_check() {
    let schema = json::canary_schema();
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema has only string keys");
    text.push('\n');
    check_golden("docs/canary.schema.json", &text);
    let validator = jsonschema::validator_for(schema.as_value()).expect("a valid schema");
    let written = json::canary(&canary());
    let mut value: Value = serde_json::from_str(&written).expect("JSON");
    assert!(validator.is_valid(&value));
    assert_eq!(serde_json::from_str::<CanaryView>(&written).expect("it reads back"), canary());
    value["verdict"] = "fine".into();
    assert!(!validator.is_valid(&value), "a schema that accepts anything checks nothing");
}

#[test]
fn every_form_says_the_verdict_and_where_answers_part() {
    let flat = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let view = canary();
    for text in [html_of(&view), markdown::canary(&view), text_of(&view, 100)] {
        let text = flat(text);
        for expected in
            ["DRIFT", "NUMERIC", "stable", "ca-copy-02", "token 18", "at least 4.20 nats", "no longer passes"]
        {
            assert!(text.contains(expected), "`{expected}` is not in {text}");
        }
    }
}

#[test]
fn what_drifts_fails_and_a_tie_passes() {
    let xml = junit::canary(&canary());
    let document = Document::parse(&xml).expect("well-formed XML");
    let root = document.root_element();
    // Two verdicts, six prompts and two: fail the verdict, the clear preference and the unexplained; the timeout is an
    // error; what was not asked is skipped.
    let count = |name| root.attribute(name).and_then(|n| n.parse::<u32>().ok());
    assert_eq!(["tests", "failures", "errors", "skipped"].map(count), [Some(10), Some(3), Some(1), Some(1)]);
}

/// Words of ours, by their keys: these are no foreign text.
const OURS: [&str; 4] = ["kind", "verdict", "level", "tokens_by"];

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

#[test]
fn hostile_words_do_nothing() {
    let mut value = serde_json::to_value(canary()).expect("a view has only string keys");
    poison(&mut value);
    let view: CanaryView = serde_json::from_value(value).expect("texts take any text");
    let bad = html_of(&view);
    assert_eq!(skeleton(&bad), skeleton(&html_of(&canary())));
    assert_nothing_acts(&bad);
    let markdown = markdown::canary(&view);
    assert_nothing_acts(&markdown);
    let ours = ["<details>", "</details>", "<summary>", "</summary>"];
    let rest = ours.iter().fold(markdown, |text, tag| text.replace(tag, ""));
    assert_no_markup(&rest);
    assert_tables_are_whole(&rest);
    for width in [60, 110, 200] {
        assert_nothing_acts(&text_of(&view, width));
    }
    let shape = |xml: &str| {
        let document = Document::parse(xml).expect("well-formed XML");
        document.descendants().filter(roxmltree::Node::is_element).count()
    };
    let xml = junit::canary(&view);
    assert_eq!(shape(&xml), shape(&junit::canary(&canary())));
    assert_nothing_acts(&xml);
}
