//! Charts as files of their own.

use std::borrow::Cow;
use std::collections::BTreeSet;

use dyno_report::picture::{Named, Shown, Theme, pictures, png, standalone};
use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Mark, Scale, Series};
use dyno_view::report::Report;
use resvg::tiny_skia::Pixmap;
use roxmltree::Document;

use crate::common::compared::compared_report;
use crate::common::heat::heat_report;
use crate::common::small_report;

const HOSTILE: &str = "<script>alert(1)</script> ]]> \"'&amp; \u{202E}x\u{1b}[31m ../../etc";

fn reports() -> [Report; 3] {
    [small_report(), compared_report(), heat_report()]
}

fn pixels(bytes: &[u8]) -> Pixmap {
    Pixmap::decode_png(bytes).expect("a PNG")
}

fn n_colours(picture: &Pixmap) -> usize {
    picture
        .pixels()
        .iter()
        .map(|pixel| (pixel.red(), pixel.green(), pixel.blue()))
        .collect::<BTreeSet<_>>()
        .len()
}

#[test]
fn every_chart_is_a_file_with_a_name_of_its_own() {
    for report in reports() {
        let all = pictures(&report);
        let names: BTreeSet<&str> = all.iter().map(|of| of.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        for name in names {
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b)),
                "{name}"
            );
        }
    }
}

#[test]
fn an_svg_file_stands_alone() {
    for report in reports() {
        for of in pictures(&report) {
            for theme in [Theme::Light, Theme::Dark] {
                let Some(svg) = standalone(&of, theme, 1280) else { continue };
                let tree = Document::parse(&svg).expect("well-formed");
                assert_eq!(tree.root_element().attribute("width"), Some("1280"), "{}", of.name);
                assert!(!svg.contains("var(") && !svg.contains("href"), "{}", of.name);
            }
        }
    }
}

#[test]
fn a_png_has_the_width_that_was_asked_for_and_shows_something() {
    let report = heat_report();
    let all = pictures(&report);
    let panels = all.iter().find(|of| matches!(of.chart, Shown::Panels(_))).expect("a chart of panels");
    let small = small_report();
    let plain = pictures(&small);
    for (of, width) in [(panels, 640), (&plain[0], 1280), (&plain[0], 160)] {
        let svg = standalone(of, Theme::Light, width).expect("it has points");
        let picture = pixels(&png(&svg).expect("it can be drawn"));
        assert_eq!(picture.width(), width);
        assert!(picture.height() > width / 4, "{}", picture.height());
        assert!(n_colours(&picture) > 20, "{} colours", n_colours(&picture));
    }
}

#[test]
fn text_of_a_png_is_set_in_a_font_that_is_compiled_in() {
    let report = small_report();
    let named = pictures(&report)[0].clone();
    let svg = standalone(&named, Theme::Light, 640).expect("it has points");
    let without = svg.lines().filter(|line| !line.starts_with("<text")).collect::<Vec<_>>().join("\n");
    let dark = |svg: &str| {
        let picture = pixels(&png(svg).expect("it can be drawn"));
        picture.pixels().iter().filter(|pixel| pixel.red() < 128).count()
    };
    assert!(dark(&svg) > dark(&without) + 200, "letters are dark: {} and {}", dark(&svg), dark(&without));
}

#[test]
fn a_dark_picture_has_dark_ground() {
    let report = small_report();
    let named = pictures(&report)[0].clone();
    let corner = |theme| {
        let svg = standalone(&named, theme, 320).expect("it has points");
        pixels(&png(&svg).expect("it can be drawn")).pixels()[0].red()
    };
    assert_eq!((corner(Theme::Light), corner(Theme::Dark)), (0xff, 0x14));
}

fn chart(form: ChartForm, points: Vec<[f64; 2]>) -> Chart {
    let axis = |unit| Axis { label: HOSTILE.to_owned(), unit, scale: Scale::Linear };
    Chart {
        id: HOSTILE.to_owned(),
        title: HOSTILE.to_owned(),
        caption: HOSTILE.to_owned(),
        form,
        x: axis(AxisUnit::Ns),
        y: axis(AxisUnit::Count),
        series: vec![Series { name: HOSTILE.to_owned(), n: points.len() as u64, points }],
        marks: vec![Mark { x: 1.0, label: HOSTILE.to_owned() }],
    }
}

const FORMS: [ChartForm; 11] = [
    ChartForm::Line,
    ChartForm::Step,
    ChartForm::StepBand,
    ChartForm::Points,
    ChartForm::DottedLine,
    ChartForm::Crosses,
    ChartForm::Levels,
    ChartForm::Whiskers,
    ChartForm::Boxes,
    ChartForm::Density,
    ChartForm::Stacks,
];

#[test]
fn no_form_minds_odd_points() {
    let nan = [f64::NAN, f64::INFINITY];
    let sets: [Vec<[f64; 2]>; 6] = [
        Vec::new(),
        vec![nan],
        vec![[1.0, 1.0]],
        vec![[0.0, 0.0], nan, [-1e300, 1e300], [1e300, -1e300]],
        vec![[5.0, 5.0]; 7],
        vec![[1e-300, 1e-300], [2e-300, 2e-300]],
    ];
    for form in FORMS {
        for (place, points) in sets.iter().enumerate() {
            let chart = chart(form, points.clone());
            let named = Named {
                name: "n".to_owned(),
                of: HOSTILE.to_owned(),
                chart: Shown::Plain(Cow::Borrowed(&chart)),
            };
            let Some(svg) = standalone(&named, Theme::Light, 320) else {
                assert!(
                    place < 2 || matches!(form, ChartForm::Density),
                    "{form:?} draws nothing of set {place}"
                );
                continue;
            };
            let tree = Document::parse(&svg).expect("well-formed");
            assert!(tree.descendants().all(|node| !node.has_tag_name("script")), "{form:?}");
            assert!(!svg.contains('\u{202E}') && !svg.contains('\u{1b}'), "{form:?}");
            png(&svg).expect("it can be drawn");
        }
    }
}

#[test]
fn what_is_no_svg_is_an_error_and_no_picture() {
    assert!(png("<p>").is_err());
    assert!(png("").is_err());
}
