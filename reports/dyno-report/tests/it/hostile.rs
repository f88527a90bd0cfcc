//! Foreign text stays text in every format, and a page asks for nothing from any network.

use std::fmt::Write as _;

use dyno_report::terminal::{ColorChoice, TerminalStyle};
use dyno_report::{csv, html, markdown, terminal};
use dyno_view::proof::StampsView;
use dyno_view::report::{FactValue, Report};
use roxmltree::{Document, ParsingOptions};
use sha2::{Digest as _, Sha256};

use crate::common;
use crate::common::believed::believed_report;
use crate::common::compared::compared_report;

pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=https://e.example/x onerror=alert(1)> {{ 7*7 }} \
                       ]]> | `code` [a](http://e.example) @all\n=1+1 \u{1b}[31mred\u{1b}[0m \u{202E}desrever\u{2066} \u{0}&amp;";

/// The small report with hostile text in every place where foreign text can be.
fn hostile_report() -> Report {
    let mut report = common::small_report();
    let bad = || HOSTILE.to_owned();
    let campaign = &mut report.campaign;
    for text in [
        &mut campaign.id,
        &mut campaign.suite,
        &mut campaign.description,
        &mut campaign.tool_version,
        &mut campaign.corpus,
        &mut campaign.regenerate,
        &mut campaign.plan_digest,
    ] {
        *text = bad();
    }
    campaign.started_at = Some(bad());
    report.findings[0].text = bad();
    let device = &mut report.devices[0];
    (device.id, device.transport, device.facts[0].label) = (bad(), bad(), bad());
    device.facts[0].value = Some(FactValue::Text(bad()));
    device.facts[1].value = Some(FactValue::Digest(bad()));
    let cell = &mut report.cells[0];
    (cell.device, cell.runtime, cell.model, cell.load) = (bad(), bad(), bad(), bad());
    cell.model_marks[0] = bad();
    cell.outcomes[1].outcome = bad();
    cell.outcomes[1].example = Some(bad());
    cell.launches[1].outcome = bad();
    cell.launches[1].invalid[0] = bad();
    cell.metrics[0].label = bad();
    cell.categories[0].category = bad();
    (cell.throughput[0].label, cell.throughput[1].note) = (bad(), bad());
    let chart = &mut cell.charts[0];
    (chart.id, chart.title, chart.caption, chart.x.label) = (bad(), bad(), bad(), bad());
    chart.series[0].name = bad();
    chart.marks[0].label = bad();
    let answer = &mut cell.answers[0];
    (answer.prompt_id, answer.category, answer.prompt, answer.text) = (bad(), bad(), bad(), bad());
    answer.finish = Some(bad());
    report.methods[0].formula = bad();
    report
}

/// The comparison of devices with hostile names, hostile marks and hostile words.
fn hostile_comparison() -> Report {
    let mut report = compared_report();
    let bad = || HOSTILE.to_owned();
    for device in &mut report.devices {
        (device.id, device.transport) = (bad(), bad());
    }
    for cell in &mut report.cells {
        (cell.device, cell.model, cell.runtime) = (bad(), bad(), bad());
    }
    let view = report.comparison.as_mut().expect("a comparison");
    view.columns[0].label = bad();
    for group in &mut view.groups {
        (group.work.load, group.work.model_digest) = (bad(), Some(bad()));
        group.notes.push(bad());
        for row in &mut group.rows {
            (row.name, row.device, row.model, row.runtime) = (bad(), bad(), bad(), bad());
            (row.marks, row.error) = (vec![bad()], Some(bad()));
        }
        for chart in &mut group.charts {
            (chart.id, chart.title, chart.caption, chart.x.label) = (bad(), bad(), bad(), bad());
            chart.series[0].name = bad();
        }
    }
    report
}

/// The same with words that do nothing.
fn friendly_comparison() -> Report {
    let mut report = hostile_comparison();
    let view = report.comparison.as_mut().expect("a comparison");
    for row in view.groups.iter_mut().flat_map(|group| &mut group.rows) {
        (row.name, row.error, row.marks[0]) = ("n".to_owned(), Some("e".to_owned()), "m".to_owned());
    }
    "l".clone_into(&mut view.columns[0].label);
    for group in &mut view.groups {
        "n".clone_into(group.notes.last_mut().expect("it was given"));
        for chart in &mut group.charts {
            (chart.id, chart.title, chart.x.label) = ("i".to_owned(), "t".to_owned(), "x".to_owned());
            "s".clone_into(&mut chart.series[0].name);
        }
    }
    report
}

#[test]
fn hostile_devices_side_by_side_do_nothing() {
    let report = hostile_comparison();
    let html = page(&report);
    assert_eq!(skeleton(&html), skeleton(&page(&friendly_comparison())));
    assert_nothing_acts(&html);
    for width in [60, 110, 200] {
        let text = terminal::render(&report, &TerminalStyle { width, color: ColorChoice::Never });
        assert_nothing_acts(&text);
        assert!(text.contains("⟪U+"), "it is shown");
    }
    let text = markdown::render(&report);
    assert_nothing_acts(&text);
    assert_no_markup(&text);
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.contains("valid"));
    for row in rows {
        let columns = row.replace("\\|", "").matches('|').count();
        assert!([7, 10].contains(&columns), "a foreign text left its cell: {row}");
    }
}

fn page(report: &Report) -> String {
    let mut page = Vec::new();
    html::render(report, &mut page).expect("memory takes all");
    String::from_utf8(page).expect("the page is UTF-8")
}

fn parse(page: &str) -> Document<'_> {
    Document::parse_with_options(page, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
        .expect("the page is well-formed")
}

/// Elements with the names of their attributes: what a browser would act on.
pub(crate) fn skeleton(page: &str) -> Vec<String> {
    let document = parse(page);
    let describe = |node: roxmltree::Node<'_, '_>| {
        let mut text = node.tag_name().name().to_owned();
        for attribute in node.attributes() {
            write!(text, " {}", attribute.name()).expect("writing to a String cannot fail");
        }
        text
    };
    document.descendants().filter(roxmltree::Node::is_element).map(describe).collect()
}

pub(crate) fn assert_nothing_acts(text: &str) {
    let acting: Vec<char> = text
        .chars()
        .filter(|&c| c.is_control() && c != '\n' || ('\u{202A}'..='\u{2069}').contains(&c))
        .collect();
    assert_eq!(acting, Vec::<char>::new());
}

#[test]
fn hostile_text_adds_no_element_and_no_attribute_to_the_page() {
    let hostile = page(&hostile_report());
    // The bad start time shows one fact and hides the duration; all else has the same elements.
    let mut friendly = common::small_report();
    friendly.campaign.started_at = Some("some day".to_owned());
    friendly.devices[0].facts[1].value = Some(FactValue::Digest("0".repeat(64)));
    friendly.cells[0].charts[0].marks[0].label = "x".repeat(20);
    assert_eq!(skeleton(&hostile), skeleton(&page(&friendly)));
    assert_nothing_acts(&hostile);
    assert!(hostile.contains("⟪U+202E⟫") && hostile.contains("⟪U+001B⟫"), "it is shown");
    assert!(hostile.contains("{{ 7*7 }}"), "foreign text is no template");
}

#[test]
fn ids_are_unique_on_a_page_of_two_equal_cells() {
    let mut report = hostile_report();
    report.cells.push(report.cells[0].clone());
    let page = page(&report);
    let document = parse(&page);
    let mut ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let n = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), n);
    for link in document
        .descendants()
        .filter_map(|node| node.attribute("href"))
        .filter_map(|href| href.strip_prefix('#'))
    {
        assert!(ids.contains(&link), "{link} leads nowhere");
    }
}

#[test]
fn a_page_asks_for_nothing_from_any_network() {
    let page = page(&hostile_report());
    let document = parse(&page);
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        assert!(
            !["img", "iframe", "object", "embed", "base", "form", "image", "use", "video", "audio"]
                .contains(&name)
        );
        for attribute in node.attributes() {
            let (key, value) = (attribute.name(), attribute.value());
            assert!(
                !["src", "srcset", "style", "ping"].contains(&key) && !key.starts_with("on"),
                "{name} has {key}"
            );
            assert!(key != "href" || value.starts_with('#') || value == "data:,", "{name} leads to {value}");
        }
        if ["style", "script"].contains(&name) {
            let text = node.text().unwrap_or_default();
            for word in ["http:", "https:", "//", "url(", "@import", "@font-face", "fetch(", "XMLHttpRequest"]
            {
                let text = if name == "script" {
                    text.split_once("\"use strict\"").map_or("", |(_, code)| code)
                } else {
                    text
                };
                assert!(!text.contains(word), "{name} has {word}");
            }
        }
    }
}

#[test]
fn the_policy_names_the_scripts_that_are_there() {
    let page = page(&common::small_report());
    let (_, policy) = page.split_once("script-src ").expect("a policy");
    let (policy, _) = policy.split_once(';').expect("it ends");
    let mut named: Vec<&str> = policy.split(' ').collect();
    let mut found: Vec<String> = Vec::new();
    for (start, _) in page.match_indices("<script") {
        let (_, text) = page[start..].split_once('>').expect("the tag ends");
        let (text, _) = text.split_once("</script>").expect("the script ends");
        found.push(format!("'sha256-{}'", base64(&Sha256::digest(text))));
    }
    named.sort_unstable();
    found.sort_unstable();
    assert_eq!(found.len(), 2, "the page's own, and the one for its charts");
    assert_eq!(named, found, "the shell must name these");
}

#[test]
fn a_page_without_a_chart_that_answers_has_one_script() {
    let mut report = common::small_report();
    report.cells[0].charts.clear();
    let page = page(&report);
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains("uPlot"));
}

/// RFC 4648, for whole bytes.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().enumerate().fold(0_u32, |bits, (i, &byte)| bits | u32::from(byte) << (16 - 8 * i));
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize] as char;
            out.push(if i <= group.len() { digit } else { '=' });
        }
    }
    out
}

#[test]
fn base64_is_that_of_rfc_4648() {
    for (input, expected) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
        assert_eq!(base64(input.as_bytes()), expected);
    }
}

#[test]
fn the_terminal_obeys_no_foreign_escape() {
    for width in [60, 100, 200] {
        let style = TerminalStyle { width, color: ColorChoice::Never };
        let text = terminal::render(&hostile_report(), &style);
        assert_nothing_acts(&text);
        assert!(text.contains("⟪U+"), "it is shown");
    }
}

pub(crate) fn assert_no_markup(text: &str) {
    let outside_code: String = text.lines().filter(|line| !line.starts_with("Rendered again")).collect();
    let unescaped = outside_code.replace("\\\\", "").replace("\\[", "").replace("\\]", "").replace("\\`", "");
    for piece in ["<script", "<img", "[a", "](", "`", "@all", "://"] {
        assert!(!unescaped.contains(piece), "{piece}");
    }
}

#[test]
fn markdown_holds_no_markup_of_others() {
    let text = markdown::render(&hostile_report());
    assert_nothing_acts(&text);
    assert_no_markup(&text);
    assert_tables_are_whole(&text);
}

/// Each row of a table has as many cells as its header.
pub(crate) fn assert_tables_are_whole(text: &str) {
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let lines: Vec<&str> = text.lines().collect();
    for pair in lines.windows(2).filter(|pair| pair.iter().all(|line| line.starts_with('|'))) {
        assert_eq!(columns(pair[0]), columns(pair[1]), "a foreign text left its cell: {}", pair[1]);
    }
}

/// Stamps, steady states and starts with hostile words in every place where foreign text can be.
fn hostile_belief() -> Report {
    let mut report = believed_report();
    let bad = || HOSTILE.to_owned();
    for cell in &mut report.cells {
        cell.start = cell.start.as_ref().map(|_| bad());
        for launch in &mut cell.launches {
            launch.invalid = launch.invalid.iter().map(|_| bad()).collect();
        }
        if let Some(proof) = &mut cell.proof {
            match &mut proof.stamps {
                StampsView::Calibrated { paths, .. } => paths[0] = bad(),
                StampsView::Unknown { reason } => *reason = bad(),
            }
            for launch in &mut proof.launches {
                launch.uncalibrated = launch.uncalibrated.as_ref().map(|_| bad());
            }
            for row in &mut proof.rows {
                (row.id, row.label, row.note) = (bad(), bad(), bad());
            }
        }
        if let Some(steady) = &mut cell.steady {
            (steady.signal, steady.no_figure) = (bad(), steady.no_figure.as_ref().map(|_| bad()));
            steady.figures[0].label = bad();
        }
    }
    let starts = report.starts.as_mut().expect("starts");
    starts.columns[0].label = bad();
    starts.columns[0].note = bad();
    for group in &mut starts.groups {
        (group.device, group.runtime, group.model, group.load) = (bad(), bad(), bad(), bad());
        for row in &mut group.rows {
            row.code = row.code.as_ref().map(|_| bad());
            row.label = bad();
            row.steps = row.steps.iter().map(|_| bad()).collect();
            for of in &mut row.unverified {
                of.reason = bad();
            }
        }
    }
    report
}

#[test]
fn hostile_words_on_belief_do_nothing() {
    let report = hostile_belief();
    let html = page(&report);
    assert_eq!(skeleton(&html), skeleton(&page(&believed_report())));
    assert_nothing_acts(&html);
    for width in [60, 110, 200] {
        let text = terminal::render(&report, &TerminalStyle { width, color: ColorChoice::Never });
        assert_nothing_acts(&text);
        assert!(text.contains("⟪U+"), "it is shown");
    }
    let text = markdown::render(&report);
    assert_nothing_acts(&text);
    assert_no_markup(&text);
    assert_tables_are_whole(&text);
}

#[test]
fn a_spreadsheet_is_given_no_formula() {
    let mut report = hostile_report();
    report.cells[0].model = "=HYPERLINK(\"http://e.example\")".to_owned();
    let text = csv::render(&report);
    assert_nothing_acts(&text);
    assert!(text.contains("\"'=HYPERLINK(\"\"http://e.example\"\")\""), "{text}");
}
