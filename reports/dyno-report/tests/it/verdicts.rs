//! Comparisons with verdicts, calibrations and histories, in every form.

use dyno_report::bench_json::{self, Tool};
use dyno_report::terminal::{ColorChoice, TerminalStyle};
use dyno_report::{csv, html, json, junit, markdown, terminal};
use dyno_view::compare::{ChangeVerdictView, CompareView};
use roxmltree::{Document, ParsingOptions};
use serde_json::Value;

use crate::common::over_time::{calibration, history};
use crate::common::verdicts::verdicts;
use crate::common::{check_golden, page, small_report, text};

fn style(width: u16) -> TerminalStyle {
    TerminalStyle { width, color: ColorChoice::Never }
}

fn html_of(view: &CompareView) -> String {
    let mut page = Vec::new();
    html::compare(view, &mut page).expect("memory takes all");
    String::from_utf8(page).expect("the page is UTF-8")
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn comparisons_with_verdicts_are_golden() {
    let view = verdicts();
    check_golden("reports/golden/verdicts.html", &html_of(&view));
    check_golden("reports/golden/verdicts.md", &markdown::compare(&view));
    check_golden("reports/golden/verdicts.csv", &csv::compare(&view));
    check_golden("reports/golden/verdicts.json", &json::compare(&view));
    check_golden("reports/golden/verdicts.junit.xml", &junit::comparison(&view));
    for width in [60, 100, 160] {
        let text = terminal::compare(&view, &style(width));
        check_golden(&format!("reports/golden/verdicts.{width}.txt"), &text);
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(width), "longer than {width}: {line}");
        }
    }
}

#[test]
fn calibrations_and_histories_are_golden() {
    let mut page = Vec::new();
    html::history(&history(), &mut page).expect("memory takes all");
    check_golden("reports/golden/history.html", &String::from_utf8(page).expect("UTF-8"));
    check_golden("reports/golden/history.md", &markdown::history(&history()));
    check_golden("reports/golden/calibration.md", &markdown::calibration(&calibration()));
    for width in [60, 100, 160] {
        let both = terminal::calibration(&calibration(), &style(width))
            + "\n"
            + &terminal::history(&history(), &style(width));
        check_golden(&format!("reports/golden/over-time.{width}.txt"), &both);
        for line in both.lines() {
            assert!(line.chars().count() <= usize::from(width), "longer than {width}: {line}");
        }
    }
}

#[test]
fn every_form_says_the_verdict_the_change_and_why_there_is_none() {
    let view = verdicts();
    for text in [
        terminal::compare(&view, &style(60)),
        terminal::compare(&view, &style(160)),
        markdown::compare(&view),
        html_of(&view),
    ] {
        let said = flat(&text).replace("\\[", "[").replace("\\]", "]");
        for expected in [
            "REGRESSION",
            "became worse by 6.4 %",
            "+6.4 %",
            "[+5.1 – +7.9]",
            "IMPROVEMENT",
            "EQUIVALENT",
            "about 14 more blocks would probably decide",
            "UNLIKE WORK",
            "the answers are not of equal length",
            "nothing measures power",
            "UNPAIRED: the sides are of two campaigns",
            "Block 3 does not count: a launch was throttled",
            "a launch was throttled",
            "it is of another kernel",
            "runtime version b9986 → b10011",
            "3 of 400",
            "98.5 % confidence",
        ] {
            assert!(said.contains(expected), "no `{expected}` in {text}");
        }
    }
}

#[test]
fn primary_metrics_come_first() {
    let view = verdicts();
    for text in [terminal::compare(&view, &style(160)), html_of(&view), csv::compare(&view)] {
        let at = |word: &str| text.find(word).unwrap_or_else(|| panic!("no `{word}` in {text}"));
        let (primary, other) =
            if text.starts_with("side,") { ("ttft_ns", "load_ns") } else { ("TTFT", "Load time") };
        let from = text.find("<tbody>").unwrap_or(0);
        let first = |word: &str| text[from..].find(word).unwrap_or_else(|| at(word));
        // The summary names the primary metric too; the table counts.
        assert!(first(primary) < first(other), "{text}");
    }
}

#[test]
fn a_pull_request_sees_one_line_and_what_tells_before_the_fold() {
    let text = markdown::compare(&verdicts());
    let (short, folded) = text.split_once("<details>").expect("all else is folded");
    assert!(short.starts_with("**REGRESSION** b10011 against b9986"), "{short}");
    assert!(
        short.contains("| REGRESSION | TTFT (primary) |") && short.contains("| IMPROVEMENT | Peak memory |")
    );
    assert!(!short.contains("Load time") && folded.contains("Load time"), "{text}");
    assert!(short.contains("**Warning:** 1 of 10 blocks"), "what warns is not folded: {short}");
    assert!(folded.contains("`edgedyno compare releases local-runs:old --delta 3`"));
}

#[test]
fn a_campaigns_own_report_has_its_verdict_first() {
    let mut report = small_report();
    report.verdicts = Some(verdicts());
    let (terminal, markdown, page) = (text(&report, 120), markdown::render(&report), page(&report));
    let before = |text: &str, word: &str, other: &str| {
        let at = |word: &str| text.find(word).unwrap_or_else(|| panic!("no `{word}` in {text}"));
        assert!(at(word) < at(other), "{word} comes after {other}");
    };
    before(&terminal, "REGRESSION:", "invalid:");
    before(&markdown, "**REGRESSION**", "**Invalid:**");
    before(&page, "id=\"verdicts\"", "id=\"findings\"");
    assert!(page.contains("class=\"chart whiskers forest\""), "the changes are drawn");
}

fn parsed(xml: &str) -> Document<'_> {
    Document::parse_with_options(xml, ParsingOptions::default()).expect("well-formed XML")
}

#[test]
fn a_build_server_counts_what_is_worse_as_failed_and_what_is_undecided_as_skipped() {
    let xml = junit::comparison(&verdicts());
    let document = parsed(&xml);
    let cases: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    let of = |name: &str| {
        let case =
            cases.iter().find(|case| case.attribute("name").is_some_and(|found| found.starts_with(name)));
        let case = case.unwrap_or_else(|| panic!("no case {name}"));
        let kind = case.children().find(|node| node.is_element() && !node.has_tag_name("system-out"));
        kind.map(|node| node.tag_name().name().to_owned())
    };
    assert_eq!(of("TTFT"), Some("failure".to_owned()));
    assert_eq!(of("Load time"), Some("skipped".to_owned()));
    assert_eq!(of("E2E latency"), Some("skipped".to_owned()));
    assert_eq!(of("Energy per token"), Some("skipped".to_owned()));
    assert_eq!(of("failed requests"), Some("skipped".to_owned()));
    assert_eq!(of("TPOT"), None);
    assert_eq!(of("Peak memory"), None);
    // 7 metrics and failures on the first device, 1 metric on the second.
    let all = document.root_element();
    let counts = ["tests", "failures", "errors", "skipped"].map(|name| all.attribute(name).expect("a count"));
    assert_eq!(counts, ["9", "1", "0", "5"]);
    assert!(xml.contains("+6.4 % [+5.1 – +7.9]"), "a failure says by how much: {xml}");
}

#[test]
fn a_comparison_without_a_pair_does_not_pass_a_build() {
    let mut view = verdicts();
    (view.contrasts, view.verdict) = (Vec::new(), None);
    let xml = junit::comparison(&view);
    let document = parsed(&xml);
    assert_eq!(document.root_element().attribute("skipped"), Some("1"));
    assert!(terminal::compare(&view, &style(100)).contains("NOT TESTED:"));
}

#[test]
fn a_campaign_is_test_cases_too() {
    let xml = junit::report(&small_report());
    let document = parsed(&xml);
    let all = document.root_element();
    let counts = ["tests", "failures", "errors"].map(|name| all.attribute(name).expect("a count"));
    assert_eq!(counts, ["1", "0", "1"], "the cell is partly invalid: {xml}");
}

#[test]
fn github_action_benchmark_gets_figures_of_one_direction() {
    let of = |json: String| serde_json::from_str::<Vec<Value>>(&json).expect("an array");
    let smaller = of(bench_json::benchmark_action(&small_report(), Tool::SmallerIsBetter));
    let bigger = of(bench_json::benchmark_action(&small_report(), Tool::BiggerIsBetter));
    for entry in smaller.iter().chain(&bigger) {
        assert!(
            entry["name"].is_string() && entry["unit"].is_string() && entry["value"].is_number(),
            "{entry}"
        );
    }
    let unit = |entries: &[Value], unit: &str| entries.iter().any(|entry| entry["unit"] == unit);
    assert!(unit(&smaller, "ms") && unit(&smaller, "MiB") && !unit(&smaller, "tok/s"), "{smaller:?}");
    assert!(unit(&bigger, "tok/s") && !unit(&bigger, "ms"), "{bigger:?}");
    let compared = of(bench_json::benchmark_action_of_comparison(&verdicts(), Tool::SmallerIsBetter));
    let ttft =
        compared.iter().find(|entry| entry["name"].as_str().is_some_and(|name| name.ends_with(": TTFT")));
    let ttft = ttft.expect("the side's TTFT");
    assert_eq!((ttft["value"].as_f64(), ttft["unit"].as_str()), (Some(438.0), Some("ms")));
    assert!(ttft["extra"].as_str().is_some_and(|extra| extra.contains("REGRESSION +6.4 %")), "{ttft}");
}

#[test]
fn bencher_gets_its_metric_format() {
    let all: Value = serde_json::from_str(&bench_json::bencher(&small_report())).expect("an object");
    let benchmarks = all.as_object().expect("benchmarks by name");
    assert_eq!(benchmarks.len(), 1, "one cell");
    for (measure, metric) in
        benchmarks.values().flat_map(|measures| measures.as_object().expect("measures by name"))
    {
        assert!(measure.len() <= 64 && metric["value"].is_number(), "{measure}: {metric}");
        for key in metric.as_object().expect("a metric").keys() {
            assert!(["value", "lower_value", "upper_value"].contains(&key.as_str()), "{key}");
        }
    }
    let compared: Value =
        serde_json::from_str(&bench_json::bencher_of_comparison(&verdicts())).expect("an object");
    let on_pi = &compared["smollm2-135m-instruct · single user on pi5 · b10011"];
    assert_eq!(on_pi["ttft-ns"]["value"].as_f64(), Some(438e6));
    assert_eq!(
        on_pi["ttft-ns-ratio"],
        serde_json::json!({"value": 1.064, "lower_value": 1.051, "upper_value": 1.079})
    );
}

#[test]
fn the_documented_schemas_are_current_and_fit() {
    let check = |name: &str, schema: &schemars::Schema, json: &str| {
        let text = serde_json::to_string_pretty(schema).expect("a schema has only string keys") + "\n";
        check_golden(&format!("docs/{name}.schema.json"), &text);
        let validator = jsonschema::validator_for(schema.as_value()).expect("a valid schema");
        let mut value: Value = serde_json::from_str(json).expect("it is JSON");
        let faults: Vec<String> = validator.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{name}");
        value["schema_version"] = "one".into();
        assert!(!validator.is_valid(&value), "a schema that accepts anything checks nothing");
    };
    check("compare", &json::compare_schema(), &json::compare(&verdicts()));
    check("calibration", &json::calibration_schema(), &json::calibration(&calibration()));
    check("history", &json::history_schema(), &json::history(&history()));
}

#[test]
fn what_is_written_is_read_again() {
    let view: CompareView = serde_json::from_str(&json::compare(&verdicts())).expect("it is a comparison");
    assert_eq!(view, verdicts());
    assert_eq!(view.verdict, Some(ChangeVerdictView::Regression));
}
