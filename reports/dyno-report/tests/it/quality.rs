//! What every format says of answers that were graded.

use dyno_report::picture::pictures;
use dyno_report::{csv, json, markdown};
use dyno_view::quality::{FailedAnswerView, FrontierRowView};
use dyno_view::report::Report;

use crate::common::quality::quality_report;
use crate::common::{check_goldens, page, small_report, text};
use crate::hostile::{HOSTILE, assert_no_markup, assert_nothing_acts, assert_tables_are_whole, skeleton};

#[test]
fn quality_is_golden() {
    check_goldens("quality", &quality_report());
}

#[test]
fn every_format_says_the_same_of_quality() {
    let report = quality_report();
    for text in [text(&report, 160), markdown::render(&report), page(&report)] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for expected in [
            "40 prompts, 120 graded answers",
            "6 of 120 graded answers were cut off at the most tokens that are allowed; 4 of them do not pass",
            "1 prompt passed with some answers and not with others",
            "4 prompts are in no pass rate",
            "2 requests of graded prompts failed",
            "numeric accepts 42 ± 0.5",
            "The answer is 41.",
            "What counts for the front: pass rate and decode rate",
            "on the front",
            "beaten by smollm2-135m and smollm2-135m-q2",
            "energies by two meters are not compared",
            "exact binomial 95 % interval over prompts",
        ] {
            assert!(flat.contains(expected), "no `{expected}` in {text}");
        }
    }
}

#[test]
fn the_pass_rate_stands_beside_the_speed() {
    let report = quality_report();
    assert!(text(&report, 100).contains("Pass rate        78 % [61 – 90]"), "{}", text(&report, 100));
    assert!(page(&report).contains("<span class=\"tile-label\">Pass rate</span>"));
    let markdown = markdown::render(&report);
    assert!(markdown.contains("| Peak memory | Pass rate | Validity |"), "{markdown}");
    let small = small_report();
    for text in [text(&small, 100), markdown::render(&small), page(&small)] {
        assert!(!text.contains("Pass rate"), "nothing was graded: {text}");
    }
}

#[test]
fn quality_is_data_too() {
    let report = quality_report();
    let back: Report = serde_json::from_str(&json::render(&report)).expect("it is a report");
    assert_eq!(back, report);
    let csv = csv::render(&report);
    let rows: Vec<&str> = csv.lines().filter(|line| line.contains(",passed")).collect();
    assert_eq!(rows.len(), 6, "all and three categories, all and one: {rows:?}");
    assert!(rows[0].ends_with(",passed,ratio,40,,0.775,0.615488,0.891603,"), "{}", rows[0]);
    assert!(rows[3].ends_with(",passed:chat,ratio,0,,,,,no answer is graded"), "{}", rows[3]);
    let names: Vec<String> = pictures(&report).into_iter().map(|of| of.name).collect();
    assert!(names.contains(&"quality-1-quality-speed".to_owned()), "{names:?}");
}

#[test]
fn a_cross_has_two_bars_and_a_dot_and_the_front_is_no_observation() {
    let report = quality_report();
    let chart = &report.quality.as_ref().expect("a table").groups[0].charts[0];
    let svg = dyno_report::chart::svg(chart, "q").expect("points");
    assert_eq!(svg.matches("h0").count(), 3, "a dot for each cell: {svg}");
    assert_eq!((svg.matches("s0 line").count(), svg.matches("s1 line").count()), (2, 2));
    assert_eq!(svg.matches("mark line").count(), 1, "the front");
}

fn hostile() -> Report {
    let bad = || HOSTILE.to_owned();
    let mut report = quality_report();
    for quality in report.cells.iter_mut().filter_map(|cell| cell.quality.as_mut()) {
        for category in &mut quality.categories {
            category.category = bad();
        }
        for note in &mut quality.notes {
            *note = bad();
        }
        for of in &mut quality.failures {
            *of = FailedAnswerView {
                prompt_id: bad(),
                category: bad(),
                grader: bad(),
                accepts: bad(),
                prompt: bad(),
                answer: bad(),
                ..of.clone()
            };
        }
    }
    for group in report.quality.iter_mut().flat_map(|of| &mut of.groups) {
        (group.work, group.notes[0]) = (bad(), bad());
        for row in &mut group.rows {
            let beaten_by = row.beaten_by.iter().map(|_| bad()).collect();
            *row = FrontierRowView { name: bad(), beaten_by, ..row.clone() };
        }
        for series in group.charts.iter_mut().flat_map(|chart| &mut chart.series) {
            series.name = bad();
        }
    }
    report
}

#[test]
fn hostile_words_on_quality_do_nothing() {
    let report = hostile();
    let bad = page(&report);
    assert_eq!(skeleton(&bad), skeleton(&page(&quality_report())));
    assert_nothing_acts(&bad);
    let bad = markdown::render(&report);
    assert_nothing_acts(&bad);
    assert_no_markup(&bad);
    assert_tables_are_whole(&bad);
    for width in [60, 110, 200] {
        let bad = text(&report, width);
        assert_nothing_acts(&bad);
        for line in bad.lines() {
            assert!(line.chars().count() <= usize::from(width), "longer than {width}: {line}");
        }
    }
}
