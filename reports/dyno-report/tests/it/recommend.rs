//! What to buy, in every format.

use dyno_report::terminal::{ColorChoice, TerminalStyle};
use dyno_report::{html, markdown, recommend, terminal};
use dyno_view::recommend::{AdviceWord, Recommendation, Standing};

use crate::common::check_golden;
use crate::common::recommended::recommendation;
use crate::hostile::{HOSTILE, assert_no_markup, assert_nothing_acts, skeleton};

fn page(of: &Recommendation) -> String {
    let mut page = Vec::new();
    html::recommend(of, &mut page).expect("memory takes all");
    String::from_utf8(page).expect("the page is UTF-8")
}

fn text(of: &Recommendation, width: u16) -> String {
    terminal::recommend(of, &TerminalStyle { width, color: ColorChoice::Never })
}

#[test]
fn every_form_is_golden() {
    let of = recommendation();
    check_golden("reports/golden/recommend.html", &page(&of));
    check_golden("reports/golden/recommend.md", &markdown::recommend(&of));
    check_golden("reports/golden/recommend.json", &recommend::json(&of));
    check_golden("reports/golden/recommend.csv", &recommend::csv(&of));
    for width in [60, 100, 200] {
        let text = text(&of, width);
        check_golden(&format!("reports/golden/recommend.{width}.txt"), &text);
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(width), "longer than {width}: {line}");
        }
    }
}

#[test]
fn every_format_says_the_same() {
    let of = recommendation();
    for text in [text(&of, 220), markdown::recommend(&of), page(&of)] {
        let flat = text
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace(['\\', '*'], "")
            .replace("&#x2f;", "/");
        for expected in [
            "Buy pi5: it meets interactive, sustained, at 0.292 EUR [0.280 – 0.307] per million output tokens, the lowest of 3.",
            "orin-nano is not distinguishable from pi5",
            "phone meets it over a short load; sustained not shown: no load went on.",
            "pi4 misses ttft p95 (88 of 480 do not keep it).",
            "vm: no launch may be used.",
            "orin-nano takes the first place above 0.412 EUR/kWh, 1.37 times the price that was given.",
            "it takes the first place below 285.20 EUR, 3.80 EUR less than now.",
            "PREDICTION",
            "is off by 9.14 % in the mean",
            "class A, whole device",
        ] {
            assert!(flat.contains(expected), "no `{expected}` in {flat}");
        }
    }
}

#[test]
fn a_recommendation_is_data_too() {
    let of = recommendation();
    let back: Recommendation = serde_json::from_str(&recommend::json(&of)).expect("it is a recommendation");
    let parts = |of: &Recommendation| (of.advice.clone(), of.options[0].standing.clone(), of.flips.clone());
    assert_eq!(parts(&back), parts(&of));
    let validator = jsonschema::validator_for(recommend::schema().as_value()).expect("a valid schema");
    let mut data = serde_json::to_value(&of).expect("only string keys");
    assert!(validator.is_valid(&data));
    data["advice"]["word"] = "perhaps".into();
    assert!(!validator.is_valid(&data), "a schema that accepts anything checks nothing");
    let csv = recommend::csv(&of);
    for line in csv.lines() {
        assert_eq!(line.matches(',').count() + 1, recommend::CSV_COLUMNS.len(), "{line}");
    }
    assert!(
        csv.contains("pi5,pi5,embedded,ranked,1,per_million_tokens,eur_per_million_tokens,0,0.292,"),
        "{csv}"
    );
}

#[test]
fn an_answer_fits_what_is_known() {
    let check = |change: &dyn Fn(&mut Recommendation), expected: &str| {
        let mut of = recommendation();
        change(&mut of);
        let text = text(&of, 200);
        assert!(text.contains(expected), "no `{expected}` in {text}");
    };
    let all = |of: &mut Recommendation, word: AdviceWord, standing: &Standing| {
        of.advice.word = word;
        of.advice.first.clear();
        for option in &mut of.options {
            option.standing = standing.clone();
        }
    };
    check(&|of| all(of, AdviceWord::NoneMeets, &Standing::Misses), "No device meets interactive.");
    check(
        &|of| all(of, AdviceWord::Unknown, &Standing::SustainedNotShown),
        "No device is shown to meet interactive, sustained: nothing can be recommended.",
    );
    check(
        &|of| {
            of.options.truncate(2);
            all(of, AdviceWord::MeetsUnpriced, &Standing::Unpriced);
        },
        "pi5 and orin-nano meet interactive, sustained; what it costs is not known, so nothing is ranked.",
    );
    let open = Standing::Inconclusive { more_needed: Some(19), more_runs: Some(4) };
    check(
        &|of| of.options[3].standing = open.clone(),
        "it takes 4 more runs and 19 more observations without a violation",
    );
    check(&|of| of.options.truncate(1), "the only device that is shown to and has a price");
}

/// The recommendation with hostile text in every place where foreign text can be.
fn hostile() -> Recommendation {
    let mut of = recommendation();
    let bad = || HOSTILE.to_owned();
    (of.slo.name, of.slo.description, of.model, of.regenerate) = (bad(), bad(), bad(), bad());
    of.energy.why = bad();
    for option in &mut of.options {
        (option.name, option.device, option.runtime) = (bad(), bad(), bad());
        (option.marks, option.reasons) = (vec![bad()], vec![bad()]);
        for result in &mut option.objectives {
            result.why = Some(bad());
        }
        for category in option.hybrid.iter_mut().flat_map(|hybrid| &mut hybrid.categories) {
            category.category = bad();
        }
        option.published.first.why = Some(bad());
    }
    let predictions = of.predictions.as_mut().expect("a prediction");
    (predictions.runtime, predictions.why) = (Some(bad()), Some(bad()));
    (predictions.boards[0].title, predictions.left_out[0].name) = (bad(), bad());
    predictions.unused.push(bad());
    for chart in &mut of.charts {
        (chart.title, chart.caption, chart.series[0].name) = (bad(), bad(), bad());
    }
    of.findings[0].text = bad();
    (of.assumptions[0].label, of.formulas[0].note) = (bad(), bad());
    let source = &mut of.sources[0];
    (source.campaign, source.suite, source.corpus, source.started_at) = (bad(), bad(), bad(), Some(bad()));
    of
}

#[test]
fn hostile_names_do_nothing() {
    let of = hostile();
    let mut friendly: Recommendation = serde_json::from_str(
        &recommend::json(&of).replace(&serde_json::to_string(HOSTILE).expect("a text"), "\"x\""),
    )
    .expect("the same with other words");
    friendly.regenerate = "x".to_owned();
    let html = page(&of);
    assert_eq!(skeleton(&html), skeleton(&page(&friendly)));
    assert_nothing_acts(&html);
    for width in [60, 110, 200] {
        assert_nothing_acts(&text(&of, width));
    }
    let markdown = markdown::recommend(&of);
    assert_nothing_acts(&markdown);
    assert_no_markup(&markdown);
    assert_nothing_acts(&recommend::csv(&of));
}
