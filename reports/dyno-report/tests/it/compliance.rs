//! Compliance reports in every form, byte for byte, and with hostile words in every place.

use dyno_report::terminal::{ColorChoice, TerminalStyle};
use dyno_report::{html, json, junit, markdown, terminal};
use dyno_view::compliance::{ComplianceVerdict, ComplianceView, ConditionView, EnvironmentView, LengthsView};
use dyno_view::proof::StampsView;
use dyno_view::report::FactValue;

use crate::common::check_golden as check;
use crate::common::compliance::compliance_view;
use crate::hostile::{assert_nothing_acts, assert_tables_are_whole, skeleton};

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=https://e.example/x onerror=alert(1)> {{ 7*7 }} \
                       ]]> | `code` [a](http://e.example) @all\n=1+1 \u{1b}[31mred\u{1b}[0m \u{202E}desrever\u{2066} \u{0}&amp;";

fn page(view: &ComplianceView) -> String {
    let mut page = Vec::new();
    html::compliance(view, &mut page).expect("memory takes all");
    String::from_utf8(page).expect("the page is UTF-8")
}

fn text(view: &ComplianceView, width: u16) -> String {
    terminal::compliance(view, &TerminalStyle { width, color: ColorChoice::Never })
}

#[test]
fn every_form_is_golden() {
    let view = compliance_view();
    check("reports/golden/compliance.html", &page(&view));
    check("reports/golden/compliance.md", &markdown::compliance(&view));
    check("reports/golden/compliance.json", &json::compliance(&view));
    check("reports/golden/compliance.junit.xml", &junit::compliance(&view));
    for width in [60, 100, 160] {
        let text = text(&view, width);
        check(&format!("reports/golden/compliance.{width}.txt"), &text);
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(width), "longer than {width}: {line}");
        }
    }
}

#[test]
fn the_documented_schema_is_current_and_fits_the_report() {
    let schema = json::compliance_schema();
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema has only string keys");
    text.push('\n');
    check("docs/compliance.schema.json", &text);
    let validator = jsonschema::validator_for(schema.as_value()).expect("a valid schema");
    let mut view: serde_json::Value =
        serde_json::from_str(&json::compliance(&compliance_view())).expect("it is JSON");
    let faults: Vec<String> = validator.iter_errors(&view).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
    view["objectives"][0]["judgements"][0]["verdict"] = "perhaps".into();
    assert!(!validator.is_valid(&view), "a schema that accepts anything checks nothing");
}

#[test]
fn verdicts_come_first_and_all_ten_points_follow() {
    let view = compliance_view();
    let text = text(&view, 100);
    let first: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).take(5).collect();
    let words = ["PASS", "FAIL", "INCONCLUSIVE", "PASS", "INVALID"];
    for (line, word) in first.iter().zip(words) {
        assert!(line.starts_with(word), "{line}");
    }
    let page = page(&view);
    for (number, title) in (1..).zip([
        "Claim",
        "Population",
        "What was measured",
        "Estimate and verdict",
        "Exclusions",
        "Environment",
        "Measuring system",
        "State of the start, and steadiness",
        "What this report does not say",
        "Evidence",
    ]) {
        assert!(text.contains(&format!("\n{number}. {title}\n")), "{title}");
        assert!(page.contains(&format!("<h2><b>{number}</b>{title}</h2>")), "{title}");
    }
    for words in ["Measured by: name, date, signature", "Reviewed by: name, date, signature"] {
        assert!(page.contains(words));
    }
}

#[test]
fn a_limit_and_a_share_keep_their_digits() {
    let text = text(&compliance_view(), 400);
    assert!(text.contains("have TTFT ≤ 3 s and TPOT ≤ 200 ms, shown with 95 % confidence"), "{text}");
    assert!(text.contains("Every launch of the record has Load time ≤ 5.25 s"), "{text}");
    // Bounds are rounded outwards: 0.45072 is no more than 45.08 %, 0.0934 no less than 9.34 %.
    assert!(
        text.contains(
            "0 of 5 launches violate it; none of the record may (of others, up to 45.08 % with 95 % confidence)"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "32 of 200 requests violate it (16.0 %, at least 9.34 % with 97.5 % confidence, by runs); 5 % may"
        ),
        "{text}"
    );
}

#[test]
fn the_paper_names_the_normative_form_by_its_digest() {
    use sha2::Digest as _;
    let view = compliance_view();
    let digest = sha2::Sha256::digest(json::compliance(&view).as_bytes());
    let hex = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    assert!(page(&view).contains(&hex) && text(&view, 400).contains(&hex));
}

#[test]
fn margin_and_power_say_why_there_is_none() {
    let text = text(&compliance_view(), 400);
    for words in [
        "Margin: none: it is that of a single limit",
        "Margin: none: a count of the record infers nothing",
        "Power: none: it is told for independent requests, and here runs decide",
        "Power: none: so few requests, launches or runs can pass",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for words in
        ["may differ from run to run (p = 0.00", "no sign that requests differ from run to run (p = 0.62)"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn what_does_not_pass_does_not_pass_in_junit() {
    let xml = junit::compliance(&compliance_view());
    assert!(xml.contains("tests=\"5\" failures=\"1\" errors=\"1\" skipped=\"1\""), "{xml}");
    roxmltree::Document::parse(&xml).expect("well-formed");
}

#[test]
fn colour_changes_nothing_but_colour() {
    let view = compliance_view();
    let mut painted = terminal::compliance(&view, &TerminalStyle { width: 100, color: ColorChoice::Always });
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[1;31m"] {
        painted = painted.replace(code, "");
    }
    assert_eq!(painted, text(&view, 100));
}

/// The report with these words in every place where foreign text can be.
fn with_words(words: &str) -> ComplianceView {
    let mut view = compliance_view();
    let bad = || words.to_owned();
    view.operator = Some(bad());
    let campaign = &mut view.campaign;
    (campaign.id, campaign.suite, campaign.description, campaign.corpus) = (bad(), bad(), bad(), bad());
    (view.slo.name, view.slo.description, view.slo.file) = (bad(), bad(), bad());
    for objective in &mut view.objectives {
        objective.name = bad();
        for condition in &mut objective.conditions {
            if let ConditionView::Limit { label, .. } = condition {
                *label = bad();
            }
        }
        for selection in &mut objective.selection {
            selection.values = vec![bad()];
        }
        for judgement in &mut objective.judgements {
            judgement.why = judgement.why.as_ref().map(|_| bad());
            for violation in &mut judgement.violations {
                violation.label = bad();
            }
        }
    }
    for device in &mut view.devices {
        (device.id, device.transport) = (bad(), bad());
        device.facts[0].value = Some(FactValue::Text(bad()));
    }
    for cell in &mut view.cells {
        (cell.device, cell.runtime, cell.model, cell.load) = (bad(), bad(), bad(), bad());
        (cell.start, cell.outcomes[1].outcome) = (Some(bad()), bad());
        cell.outcomes[1].example = Some(bad());
        cell.environment.battery = Some(bad());
        (cell.environment.zones[0].site, cell.environment.throttling[0]) = (bad(), bad());
        cell.environment.settings[0].label = bad();
        cell.measuring.probes[0].driver = bad();
        if let Some(StampsView::Calibrated { paths, .. }) = &mut cell.measuring.stamps {
            paths[0] = bad();
        }
        if let Some(source) = &mut cell.measuring.energy {
            source.name = bad();
        }
    }
    view.exclusions[0].reasons = vec![bad()];
    (view.findings[0].text, view.limits[0], view.rules[0]) = (bad(), bad(), bad());
    (view.evidence.regenerate, view.evidence.agent_builds[0], view.evidence.measured_by) =
        (bad(), bad(), bad());
    view
}

#[test]
fn hostile_words_do_nothing() {
    let (hostile, friendly) = (with_words(HOSTILE), with_words("words"));
    let html = page(&hostile);
    assert_eq!(skeleton(&html), skeleton(&page(&friendly)));
    assert_nothing_acts(&html);
    assert!(html.contains("⟪U+202E⟫") && html.contains("{{ 7*7 }}"), "it is shown");
    for width in [60, 110, 200] {
        assert_nothing_acts(&text(&hostile, width));
    }
    let md = markdown::compliance(&hostile);
    assert_nothing_acts(&md);
    assert_tables_are_whole(&md);
    for piece in ["<script", "<img", "@all"] {
        // What stands in a code span is no markup.
        let outside: Vec<&str> =
            md.lines().filter(|line| !line.contains('`') || line.starts_with('|')).collect();
        assert!(!outside.join("\n").contains(piece), "{piece}");
    }
    let xml = junit::compliance(&hostile);
    assert_nothing_acts(&xml);
    roxmltree::Document::parse(&xml).expect("well-formed");
}

#[test]
fn a_report_of_nothing_is_still_one() {
    let mut view = compliance_view();
    (view.operator, view.exclusions, view.findings, view.methods) =
        (None, Vec::new(), Vec::new(), Vec::new());
    view.verdict = ComplianceVerdict::Inconclusive;
    for cell in &mut view.cells {
        (cell.started_at, cell.ended_at, cell.outcomes, cell.steady) = (None, None, Vec::new(), Vec::new());
        (cell.isl, cell.osl) = (LengthsView::default(), LengthsView::default());
        cell.environment = EnvironmentView::default();
        (cell.measuring.stamps, cell.measuring.energy, cell.measuring.aa_calibration_digest) =
            (None, None, None);
        (cell.measuring.probes, cell.measuring.own_cost) = (Vec::new(), Vec::new());
    }
    for judgement in view.objectives.iter_mut().flat_map(|of| &mut of.judgements) {
        (judgement.n, judgement.n_violations, judgement.share) = (0, 0, None);
        judgement.verdict = ComplianceVerdict::Inconclusive;
        judgement.why = Some("no request of it is in the record".to_owned());
    }
    let text = text(&view, 100);
    for words in [
        "nothing was judged",
        "Nothing was left out.",
        "nobody said",
        "no sensor would have told",
        "No sensor was sampled.",
        "nothing was launched",
        "not named",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(
        page(&view).contains("INCONCLUSIVE") && markdown::compliance(&view).contains("nothing was judged")
    );
}
