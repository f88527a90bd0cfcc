//! Graded answers in comparisons and compliance reports, in every form.

use dyno_report::terminal::{ColorChoice, TerminalStyle};
use dyno_report::{csv, html, json, junit, markdown, terminal};
use dyno_view::compare::CompareView;

use crate::common::accuracy::{accuracy, graded};
use crate::common::check_golden;
use crate::hostile::{assert_nothing_acts, skeleton};
use crate::hostile_verdicts::{check_markdown, page, poisoned};

fn style(width: u16) -> TerminalStyle {
    TerminalStyle { width, color: ColorChoice::Never }
}

fn fits(text: &str, width: u16) {
    for line in text.lines() {
        assert!(line.chars().count() <= usize::from(width), "longer than {width}: {line}");
    }
}

#[test]
fn comparisons_of_answers_are_golden() {
    let view = graded();
    check_golden("reports/golden/graded.html", &page(|out| html::compare(&view, out)));
    check_golden("reports/golden/graded.md", &markdown::compare(&view));
    check_golden("reports/golden/graded.csv", &csv::compare(&view));
    check_golden("reports/golden/graded.junit.xml", &junit::comparison(&view));
    for width in [60, 100, 160] {
        let text = terminal::compare(&view, &style(width));
        check_golden(&format!("reports/golden/graded.{width}.txt"), &text);
        fits(&text, width);
    }
    let back: CompareView = serde_json::from_str(&json::compare(&view)).expect("it is a comparison");
    assert_eq!(back, view);
}

#[test]
fn objectives_about_answers_are_golden() {
    let view = accuracy();
    check_golden("reports/golden/accuracy.html", &page(|out| html::compliance(&view, out)));
    check_golden("reports/golden/accuracy.md", &markdown::compliance(&view));
    check_golden("reports/golden/accuracy.json", &json::compliance(&view));
    check_golden("reports/golden/accuracy.junit.xml", &junit::compliance(&view));
    for width in [60, 100, 160] {
        let text = terminal::compliance(&view, &style(width));
        check_golden(&format!("reports/golden/accuracy.{width}.txt"), &text);
        fits(&text, width);
    }
}

#[test]
fn claims_about_answers_say_what_was_asked() {
    let text = markdown::compliance(&accuracy());
    for words in [
        "At least 80 % of the graded requests pass, shown with 95 % confidence",
        "The share of graded prompts with category classify that pass is at most 5 points below that of the baseline \
         stable, shown with 95 % confidence",
        "95.0 % → 77.0 % of 100 prompts pass: 18.0 points fewer, at least 9.92 points with 97.5 % confidence; 5 points may",
        "87.5 % → 85.0 % of 80 prompts pass: 2.5 points fewer, at most 9.12 points fewer with 97.5 % confidence; 5 points \
         may",
        "nothing was judged",
    ] {
        assert!(text.contains(words), "`{words}` is not in:\n{text}");
    }
}

#[test]
fn hostile_words_in_answers_do_nothing() {
    let view: CompareView = poisoned(&graded());
    let bad = page(|out| html::compare(&view, out));
    assert_eq!(skeleton(&bad), skeleton(&page(|out| html::compare(&graded(), out))));
    assert_nothing_acts(&bad);
    check_markdown(&markdown::compare(&view));
    assert_nothing_acts(&csv::compare(&view));
    let xml = junit::comparison(&view);
    roxmltree::Document::parse(&xml).expect("well-formed XML");
    assert_nothing_acts(&xml);
    for width in [60, 110, 200] {
        assert_nothing_acts(&terminal::compare(&view, &style(width)));
    }
    let mut view = accuracy();
    for objective in &mut view.objectives {
        objective.baseline = Some(crate::hostile::HOSTILE.to_owned());
        for drop in objective.judgements.iter_mut().filter_map(|of| of.drop.as_mut()) {
            drop.lost.prompts = vec![crate::hostile::HOSTILE.to_owned()];
            crate::hostile::HOSTILE.clone_into(&mut drop.baseline);
        }
    }
    assert_nothing_acts(&page(|out| html::compliance(&view, out)));
    assert_nothing_acts(&markdown::compliance(&view));
    assert_nothing_acts(&terminal::compliance(&view, &style(100)));
}
