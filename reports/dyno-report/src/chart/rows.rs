//! Rows, each with its name above it: readable at any width and without colour.

use dyno_view::chart::{Chart, ChartForm, Series};
use plotters::prelude::{ChartBuilder, Circle, Color, IntoDrawingArea, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{AxisPlan, Direction};
use super::backend::{ClassSvg, Ink, UNITS};
use super::draw::{Drawn, N_COLOURS, Plot, Root, WIDTH, draw_mesh, shortened, text_style, units};
use crate::untrusted::one_line;
use crate::words::count;

/// Height of a row, in pixels of the design: a name, and a line below it.
const ROW: u32 = 46;
/// Where in a row the line is, and how far its ends reach up and down, in rows.
const LINE_AT: f64 = 0.28;
const CAP: f64 = 0.1;
/// The same of a box or a bar.
const BOX: f64 = 0.16;
/// Longest name that fits a narrow screen.
const NAME_CHARS: usize = 44;
/// Space above and below the rows.
const TOP: u32 = 6;
const BOTTOM: u32 = 52;

/// The class of a picture of rows; `None` for other forms.
pub(super) fn class(form: ChartForm) -> Option<&'static str> {
    match form {
        ChartForm::Whiskers => Some("whiskers"),
        ChartForm::Boxes => Some("whiskers boxes"),
        ChartForm::Stacks => Some("whiskers stacks"),
        ChartForm::Line
        | ChartForm::Step
        | ChartForm::StepBand
        | ChartForm::Points
        | ChartForm::DottedLine
        | ChartForm::Crosses
        | ChartForm::Levels
        | ChartForm::Density => None,
    }
}

/// Height of the whole picture, in pixels of the design.
pub(super) fn height(chart: &Chart) -> u32 {
    TOP + BOTTOM + ROW * chart.series.len() as u32
}

/// Draws the rows over an axis for the values.
pub(super) fn draw(chart: &Chart, x: &AxisPlan, out: &mut String) -> Drawn {
    let n = chart.series.len() as u32;
    let root = ClassSvg::new(out, (WIDTH * UNITS, height(chart) * UNITS)).into_drawing_area();
    let mut plot: Plot<'_, '_> = ChartBuilder::on(&root)
        .margin_top(TOP * UNITS)
        .margin_right(18 * UNITS)
        .margin_left(10 * UNITS)
        .margin_bottom(28 * UNITS)
        .x_label_area_size(24 * UNITS)
        .build_cartesian_2d(x.clone(), AxisPlan::rows(n))?;
    draw_mesh(&mut plot)?;
    for (place, series) in chart.series.iter().enumerate() {
        let foot = f64::from(n - 1) - place as f64;
        draw_row(&root, &mut plot, (chart.form, x), foot, series)?;
    }
    let (across, down) = plot.plotting_area().get_pixel_range();
    let style = text_style(Ink::Title).pos(Pos::new(HPos::Center, VPos::Top));
    let below = (i32::midpoint(across.start, across.end), down.end + units(31));
    root.draw(&Text::new(x.title.clone(), below, style))
}

fn draw_row(
    root: &Root<'_>,
    plot: &mut Plot<'_, '_>,
    (form, x): (ChartForm, &AxisPlan),
    foot: f64,
    series: &Series,
) -> Drawn {
    let (left, top) = plot.plotting_area().map_coordinate(&(x.low, foot + 1.0));
    let ruler = PathElement::new(vec![(x.low, foot + 1.0), (x.high, foot + 1.0)], Ink::Grid.colour());
    plot.draw_series(std::iter::once(ruler))?;
    let name = shortened(&one_line(&series.name), NAME_CHARS);
    let placed: Vec<f64> = series.points.iter().filter_map(|point| x.position(point[0])).collect();
    let is_whole = placed.len() == series.points.len();
    let at = foot + LINE_AT;
    let drawn = match (form, &placed[..]) {
        (ChartForm::Boxes, &[low, box_low, middle, box_high, high, ref beyond @ ..]) if is_whole => {
            draw_box(plot, at, [low, box_low, middle, box_high, high], beyond)?;
            true
        }
        (ChartForm::Stacks, &[_, ..]) if is_whole => {
            draw_stack(plot, x, at, &placed)?;
            true
        }
        (ChartForm::Whiskers, &[low, value, high]) => {
            draw_whisker(plot, at, [low, value, high])?;
            true
        }
        _ => false,
    };
    let (ink, label) = match (drawn, form) {
        (false, _) => (Ink::Label, format!("{name}: n/a")),
        (true, ChartForm::Stacks) if series.n == 0 => (Ink::Title, name),
        (true, _) => (Ink::Title, format!("{name}, n = {}", count(series.n))),
    };
    let style = text_style(ink).pos(Pos::new(HPos::Left, VPos::Top));
    root.draw(&Text::new(label, (left, top + units(5)), style))
}

/// A dot between two bounds.
fn draw_whisker(plot: &mut Plot<'_, '_>, at: f64, [low, value, high]: [f64; 3]) -> Drawn {
    let colour = Ink::Series(0).colour();
    let line = |points| PathElement::new(points, colour);
    let lines = [
        line(vec![(low, at - CAP), (low, at + CAP)]),
        line(vec![(low, at), (high, at)]),
        line(vec![(high, at - CAP), (high, at + CAP)]),
    ];
    plot.draw_series(lines)?;
    plot.draw_series(std::iter::once(Circle::new((value, at), 2 * UNITS, colour.filled()))).map(|_| ())
}

/// A box with its whiskers; what lies beyond them as dots.
fn draw_box(
    plot: &mut Plot<'_, '_>,
    at: f64,
    [low, from, middle, to, high]: [f64; 5],
    beyond: &[f64],
) -> Drawn {
    let colour = Ink::Series(0).colour();
    let inside = Rectangle::new([(from, at - BOX), (to, at + BOX)], Ink::Band(0).colour().filled());
    plot.draw_series(std::iter::once(inside))?;
    let line = |points| PathElement::new(points, colour);
    let lines = [
        line(vec![(low, at - CAP), (low, at + CAP)]),
        line(vec![(low, at), (from, at)]),
        line(vec![(from, at - BOX), (from, at + BOX), (to, at + BOX), (to, at - BOX), (from, at - BOX)]),
        line(vec![(middle, at - BOX), (middle, at + BOX)]),
        line(vec![(to, at), (high, at)]),
        line(vec![(high, at - CAP), (high, at + CAP)]),
    ];
    plot.draw_series(lines)?;
    let dots = beyond.iter().filter(|value| **value < low || **value > high);
    plot.draw_series(dots.map(|value| Circle::new((*value, at), 2 * UNITS, colour.filled()))).map(|_| ())
}

/// Parts side by side, from the axis' zero.
fn draw_stack(plot: &mut Plot<'_, '_>, x: &AxisPlan, at: f64, ends: &[f64]) -> Drawn {
    let from = x.position(0.0).unwrap_or(x.low).max(x.low);
    let begins = std::iter::once(from).chain(ends.iter().copied());
    let parts = begins.zip(ends).enumerate().filter(|(_, (begin, end))| *end > begin);
    let bar = |(part, (begin, end)): (usize, (f64, &f64))| {
        let ink = Ink::Series((part % N_COLOURS) as u8);
        Rectangle::new([(begin, at - BOX), (*end, at + BOX)], ink.colour().filled())
    };
    plot.draw_series(parts.map(bar)).map(|_| ())
}

/// The axis over all bounds that have a place; `None` when no row has any.
pub(super) fn plan_axis(chart: &Chart) -> Option<AxisPlan> {
    let is_log = chart.x.scale == dyno_view::chart::Scale::Log;
    let values = || {
        let all = chart.series.iter().flat_map(|series| &series.points).map(|point| point[0]);
        all.filter(move |value| value.is_finite() && (!is_log || *value > 0.0))
    };
    let (min, max) = (values().min_by(f64::total_cmp)?, values().max_by(f64::total_cmp)?);
    // Lengths of bars are compared from zero on.
    let min = if chart.form == ChartForm::Stacks { min.min(0.0) } else { min };
    Some(AxisPlan::of(&chart.x, Direction::Horizontal, min, max))
}

#[cfg(test)]
mod tests {
    use dyno_view::chart::{Axis, AxisUnit, ChartForm, Scale};

    use crate::chart::svg;

    use super::*;

    fn chart(rows: &[(&str, Option<[f64; 3]>)]) -> Chart {
        let axis = |unit| Axis { label: "TTFT p50".to_owned(), unit, scale: Scale::Linear };
        let series = rows.iter().zip(1_u32..).map(|((name, bounds), line)| Series {
            name: (*name).to_owned(),
            points: bounds.iter().flatten().map(|value| [*value, f64::from(line)]).collect(),
            n: 120,
        });
        Chart {
            id: "c".to_owned(),
            title: "TTFT p50".to_owned(),
            caption: "C".to_owned(),
            form: ChartForm::Whiskers,
            x: axis(AxisUnit::Ns),
            y: axis(AxisUnit::Count),
            series: series.collect(),
            marks: Vec::new(),
        }
    }

    #[test]
    fn every_row_has_its_name_and_one_without_a_figure_says_so() {
        let rows = [("local", Some([90e6, 92e6, 94e6])), ("pi5", Some([120e6, 125e6, 130e6])), ("<b>", None)];
        let picture = svg(&chart(&rows), "c").expect("two rows have figures");
        let tree = roxmltree::Document::parse(&picture).expect("well-formed");
        let texts: Vec<&str> =
            tree.descendants().filter(|n| n.has_tag_name("text")).filter_map(|n| n.text()).collect();
        for expected in ["local, n = 120", "pi5, n = 120", "<b>: n/a", "TTFT p50 (ms)", "100"] {
            assert!(texts.contains(&expected), "{expected} in {texts:?}");
        }
        assert_eq!(picture.matches("s0 line").count(), 6, "a line and two ends for each row");
        assert_eq!(picture.matches("h0").count(), 2, "a dot for each row");
        assert_eq!(
            tree.root_element().attribute("viewBox"),
            Some("0 0 2560 784"),
            "3 rows of 46 px and 58 px more"
        );
    }

    #[test]
    fn dots_lie_in_the_order_of_their_values() {
        let rows = [("a", Some([90e6, 92e6, 94e6])), ("b", Some([120e6, 125e6, 130e6]))];
        let picture = svg(&chart(&rows), "c").expect("two rows have figures");
        let dots: Vec<(i32, i32)> = picture
            .match_indices("h0")
            .map(|(end, _)| {
                let start = picture[..end].rfind('M').expect("a dot begins with a move");
                let (x, y) = picture[start + 1..end].split_once(' ').expect("two numbers");
                (x.parse().expect("a number"), y.parse().expect("a number"))
            })
            .collect();
        assert!(dots[0].0 < dots[1].0, "92 ms is left of 125 ms: {dots:?}");
        assert!(dots[0].1 < dots[1].1, "the first row is above the second: {dots:?}");
    }

    #[test]
    fn rows_without_any_figure_are_not_drawn() {
        assert_eq!(svg(&chart(&[("a", None), ("b", Some([f64::NAN; 3]))]), "c"), None);
    }

    fn boxes(points: &[f64]) -> String {
        let mut chart = chart(&[("a", None), ("b", Some([90e6, 92e6, 94e6]))]);
        chart.form = ChartForm::Boxes;
        chart.series[0].points = points.iter().map(|value| [*value, 1.0]).collect();
        chart.series[1].points = [1.0, 2.0, 3.0, 4.0, 5.0].map(|ms| [ms * 1e6, 2.0]).to_vec();
        svg(&chart, "c").expect("a row has figures")
    }

    #[test]
    fn a_box_has_whiskers_and_dots_only_beyond_them() {
        let picture = boxes(&[2e6, 3e6, 4e6, 5e6, 6e6, 1e6, 6e6]);
        assert_eq!(picture.matches("s0 band fill").count(), 2, "a box for each row");
        assert_eq!(picture.matches("s0 line").count(), 12, "six lines for each row");
        assert_eq!(picture.matches("h0").count(), 1, "the largest is the whisker's end");
    }

    #[test]
    fn a_box_without_all_its_places_says_so() {
        for points in [vec![], vec![1e6], vec![f64::NAN; 5], vec![1e6, 2e6, f64::INFINITY, 4e6, 5e6]] {
            let picture = boxes(&points);
            assert!(picture.contains(">a: n/a<"), "{points:?}");
            assert_eq!(picture.matches("s0 band fill").count(), 1, "{points:?}");
        }
    }

    #[test]
    fn parts_of_a_bar_lie_side_by_side_from_zero_on() {
        let mut chart = chart(&[("a", None)]);
        chart.form = ChartForm::Stacks;
        chart.series[0].points = vec![[2e6, 0.0], [2e6, 1.0], [5e6, 2.0]];
        let picture = svg(&chart, "c").expect("a bar");
        // An empty part is not drawn.
        assert!(picture.contains("s0 fill") && !picture.contains("s1 fill") && picture.contains("s2 fill"));
        let left = |class: &str| -> i32 {
            let path = picture.lines().find(|line| line.contains(class)).expect("a part");
            let from = path.split("d=\"M").nth(1).expect("it begins with a move");
            from.split(' ').next().and_then(|x| x.parse().ok()).expect("a number")
        };
        assert_eq!(left("s0 fill"), 40, "the axis begins at 0, 10 px from the left");
        assert!(left("s2 fill") > left("s0 fill"));
    }
}
