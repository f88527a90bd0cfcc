//! One chart, drawn.

use std::convert::Infallible;

use dyno_view::chart::{Chart, ChartForm, Mark, Scale, Series};
use plotters::coord::Shift;
use plotters::prelude::{
    Cartesian2d, ChartBuilder, ChartContext, Circle, Color, DrawingArea, DrawingAreaErrorKind,
    IntoDrawingArea, IntoFont, PathElement, Rectangle, Text, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{AxisPlan, Direction};
use super::backend::{ClassSvg, Ink, UNITS};
use super::bands;
use super::crosses;
use super::drawing::{Drawing, Frame, Plotted};
use super::reduce::{outline, steps};
use super::rows;
use crate::untrusted::one_line;

/// Colours before they repeat: those of Okabe and Ito that are readable on white or black, and the text's own.
pub const N_COLOURS: usize = 7;

/// Size of a chart, in pixels of the design.
pub(crate) const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;
/// Text size, in pixels of the design; the style sheet says the same, and more on narrow screens.
const TEXT: u32 = 13;
/// Radius of a dot, for plotters; the style sheet says how it looks.
pub(super) const DOT_RADIUS: u32 = 2;
/// Space above the plot for the vertical axis' title.
const TOP: u32 = 32;
/// Space to the right of the plot for the last tick's label.
const RIGHT: u32 = 18;
/// Height of one row of mark labels.
const MARK_ROW: u32 = 17;
/// Longest label of a tick that there is room for.
pub(super) const TICK_CHARS: usize = 14;
/// Longest label of a mark.
const MARK_CHARS: usize = 20;
/// Rows of mark labels before the rest goes without.
const MARK_ROWS: usize = 2;

/// A cartesian area with planned ticks.
pub(super) type Plot<'a, 'b> = ChartContext<'a, ClassSvg<'b>, Cartesian2d<AxisPlan, AxisPlan>>;
/// The whole picture.
pub(super) type Root<'b> = DrawingArea<ClassSvg<'b>, Shift>;
/// A drawing that can only fail through a backend, and ours cannot.
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<Infallible>>;

/// The chart as an `<svg>` element for an HTML page, with `id` unique on that page; `None` when no point can be drawn.
///
/// The page's style sheet must define the classes named in [`crate::chart`].
/// Title and caption become the picture's name and description for those who cannot see it.
pub fn svg(chart: &Chart, id: &str) -> Option<String> {
    drawing(chart).map(|drawing| drawing.element(id, &chart.title, &chart.caption))
}

/// The chart without a frame; `None` when no point can be drawn.
pub(crate) fn drawing(chart: &Chart) -> Option<Drawing> {
    let mut body = String::new();
    if let Some(form) = rows::class(chart.form) {
        let x = rows::plan_axis(chart)?;
        rows::draw(chart, &x, &mut body).expect("a backend that writes to memory cannot fail");
        return Some(Drawing { body, height: rows::height(chart), form, plots: Vec::new() });
    }
    let (x, y) = plan_axes(chart)?;
    let frame = draw(chart, &x, &y, &mut body).expect("a backend that writes to memory cannot fail");
    let form = match chart.form {
        ChartForm::Levels => "levels",
        ChartForm::Density => "densities",
        _ => "",
    };
    let plots = match chart.form {
        ChartForm::Density | ChartForm::Crosses => Vec::new(),
        _ => vec![Plotted::of((&x, &y), frame, 1, names(chart))],
    };
    Some(Drawing { body, height: HEIGHT, form, plots })
}

/// Name and class of each series.
fn names(chart: &Chart) -> Vec<(String, String)> {
    let class = |(series, colour): (&Series, usize)| {
        let class = if is_reference(chart, series) { "reference".to_owned() } else { format!("s{colour}") };
        (one_line(&series.name), class)
    };
    chart.series.iter().zip(colours(chart)).map(class).collect()
}

/// Both axes over all points that have a place; `None` when there is none.
fn plan_axes(chart: &Chart) -> Option<(AxisPlan, AxisPlan)> {
    let drawable = |value: f64, scale: Scale| value.is_finite() && (scale == Scale::Linear || value > 0.0);
    let mut bounds: Option<([f64; 2], [f64; 2])> = None;
    let is_band = |series: &&Series| chart.form == ChartForm::StepBand && series.n == 0;
    let drawn = chart.series.iter().filter(|series| !is_band(series));
    for [x, y] in drawn.flat_map(|series| series.points.iter().copied()) {
        if drawable(x, chart.x.scale) && drawable(y, chart.y.scale) {
            let (low, high) = bounds.get_or_insert(([x, y], [x, y]));
            *low = [low[0].min(x), low[1].min(y)];
            *high = [high[0].max(x), high[1].max(y)];
        }
    }
    let (low, high) = bounds?;
    let x = AxisPlan::of(&chart.x, Direction::Horizontal, low[0], high[0]);
    let y = AxisPlan::of(&chart.y, Direction::Vertical, low[1], high[1]);
    Some((x, y))
}

fn draw(
    chart: &Chart,
    x: &AxisPlan,
    y: &AxisPlan,
    out: &mut String,
) -> Result<Frame, DrawingAreaErrorKind<Infallible>> {
    let marks = placed_marks(&chart.marks, x);
    let n_rows = marks.iter().filter_map(|mark| mark.row).max().map_or(0, |row| row + 1);
    let widest =
        y.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(1).min(TICK_CHARS) as u32;
    let root = ClassSvg::new(out, (WIDTH * UNITS, HEIGHT * UNITS)).into_drawing_area();
    let mut plot: Plot = ChartBuilder::on(&root)
        .margin_top((TOP + n_rows * MARK_ROW) * UNITS)
        .margin_right(RIGHT * UNITS)
        .margin_bottom(28 * UNITS)
        .y_label_area_size((14 + widest * 9) * UNITS)
        .x_label_area_size(24 * UNITS)
        .build_cartesian_2d(x.clone(), y.clone())?;
    draw_mesh(&mut plot)?;
    draw_marks(&root, &plot, &marks, y)?;
    let mut coloured: Vec<(usize, (&Series, usize))> =
        (1..).zip(chart.series.iter().zip(colours(chart))).collect();
    if chart.form == ChartForm::Levels {
        // Levels lie above all dots.
        coloured.sort_by_key(|(_, (series, _))| series.n == 0);
    }
    bands::draw(&mut plot, chart, x, y)?;
    for (number, (series, colour)) in coloured {
        let number = u8::try_from(number).unwrap_or(0);
        let ink = match chart.form {
            _ if is_reference(chart, series) => Ink::Reference(number),
            ChartForm::Density => Ink::Density(colour as u8),
            _ => Ink::Numbered(colour as u8, number),
        };
        draw_series(&mut plot, chart.form, (x, y), series, ink)?;
    }
    draw_titles(&root, &plot, x, y)?;
    Ok(frame_of(&plot))
}

/// Where a plot lies.
pub(super) fn frame_of(plot: &Plot<'_, '_>) -> Frame {
    let (across, down) = plot.plotting_area().get_pixel_range();
    Frame { across: (across.start, across.end), down: (down.start, down.end) }
}

/// Whether a series is no observation but something to hold observations against: a limit, the rate that was offered.
pub(crate) fn is_reference(chart: &Chart, series: &Series) -> bool {
    matches!(chart.form, ChartForm::DottedLine | ChartForm::Crosses) && series.n == 0
}

/// The colour of each series: a stretch of level and a band have that of the observations that they belong to.
pub(crate) fn colours(chart: &Chart) -> Vec<usize> {
    colours_of(chart.form, &chart.series)
}

/// The same of series of one form.
pub(crate) fn colours_of(form: ChartForm, series: &[Series]) -> Vec<usize> {
    let mut n_seen = 0_usize;
    let colour = |series: &Series| {
        let is_level = matches!(form, ChartForm::Levels | ChartForm::StepBand) && series.n == 0;
        n_seen += usize::from(!is_level);
        n_seen.saturating_sub(1) % N_COLOURS
    };
    series.iter().map(colour).collect()
}

/// Grid, axes and their labels.
pub(super) fn draw_mesh(plot: &mut Plot<'_, '_>) -> Drawn {
    plot.configure_mesh()
        .bold_line_style(Ink::Grid.colour())
        .light_line_style(Ink::Minor.colour())
        .axis_style(Ink::Axis.colour())
        .label_style(text_style(Ink::Label))
        .set_all_tick_mark_size(4 * UNITS)
        .draw()
}

pub(super) fn draw_series(
    plot: &mut Plot<'_, '_>,
    form: ChartForm,
    (x, y): (&AxisPlan, &AxisPlan),
    series: &Series,
    ink: Ink,
) -> Drawn {
    let placed =
        series.points.iter().filter_map(|point| Some((x.position(point[0])?, y.position(point[1])?)));
    let points: Vec<(f64, f64)> = placed.collect();
    let columns = (WIDTH * 2) as usize;
    let colour = ink.colour();
    let dots = |points: &[(f64, f64)]| {
        // Neighbours are told by short steps.
        let mut points = points.to_vec();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points.iter().map(|at| Circle::new(*at, DOT_RADIUS * UNITS, colour.filled())).collect::<Vec<_>>()
    };
    let line = match form {
        ChartForm::Levels if series.n > 0 => return plot.draw_series(dots(&points)).map(|_| ()),
        ChartForm::Points | ChartForm::Whiskers | ChartForm::Boxes | ChartForm::Stacks => {
            return plot.draw_series(dots(&points)).map(|_| ());
        }
        ChartForm::Density => {
            let (pairs, _) = points.as_chunks::<2>();
            let boxes = pairs.iter().map(|corners| Rectangle::new(*corners, colour.filled()));
            return plot.draw_series(boxes).map(|_| ());
        }
        ChartForm::Crosses if series.n > 0 => return crosses::draw(plot, &points, ink),
        // A band was drawn before all lines.
        ChartForm::StepBand if series.n == 0 => return Ok(()),
        ChartForm::DottedLine if series.n > 0 => {
            plot.draw_series(dots(&points))?;
            points
        }
        ChartForm::Line | ChartForm::Levels | ChartForm::DottedLine | ChartForm::Crosses => {
            outline(&points, (x.low, x.high), columns)
        }
        ChartForm::Step | ChartForm::StepBand => {
            // A distribution function rises from zero at its first observation.
            let foot = points.first().map(|&(at, _)| (at, y.low));
            let from_zero = foot.filter(|_| y.low == 0.0).into_iter().chain(points);
            outline(&steps(&from_zero.collect::<Vec<_>>()), (x.low, x.high), columns)
        }
    };
    plot.draw_series(std::iter::once(PathElement::new(line, colour))).map(|_| ())
}

/// Axis titles: the vertical one lies above its axis, for text on its side is hard to read.
fn draw_titles(root: &Root<'_>, plot: &Plot<'_, '_>, x: &AxisPlan, y: &AxisPlan) -> Drawn {
    let style = text_style(Ink::Title);
    root.draw(&Text::new(y.title.clone(), (units(1), units(3)), style.pos(Pos::new(HPos::Left, VPos::Top))))?;
    let (across, down) = plot.plotting_area().get_pixel_range();
    let below = (i32::midpoint(across.start, across.end), down.end + units(31));
    root.draw(&Text::new(x.title.clone(), below, style.pos(Pos::new(HPos::Center, VPos::Top))))
}

fn draw_marks(root: &Root<'_>, plot: &Plot<'_, '_>, marks: &[PlacedMark], y: &AxisPlan) -> Drawn {
    let style = text_style(Ink::Mark).pos(Pos::new(HPos::Left, VPos::Top));
    let area = plot.plotting_area();
    for mark in marks {
        let foot = area.map_coordinate(&(mark.at, y.low));
        let (across, top) = area.map_coordinate(&(mark.at, y.high));
        let label_top = mark.row.map(|row| units(TOP + row * MARK_ROW));
        root.draw(&PathElement::new(vec![foot, (across, label_top.unwrap_or(top))], Ink::Mark.colour()))?;
        if let Some(label_top) = label_top {
            let at = (across + units(4), label_top);
            root.draw(&Text::new(mark.label.clone(), at, style.clone()))?;
        }
    }
    Ok(())
}

pub(super) fn text_style(ink: Ink) -> TextStyle<'static> {
    ("sans-serif", TEXT * UNITS).into_font().color(&ink.colour())
}

/// Pixels of the design in units of the `viewBox`.
pub(super) fn units(pixels: u32) -> i32 {
    (pixels * UNITS).cast_signed()
}

/// A mark with its position on the axis and the row of its label.
#[derive(Debug, PartialEq)]
pub(super) struct PlacedMark {
    pub(super) at: f64,
    pub(super) label: String,
    /// From the top; `None` when the label finds no room.
    pub(super) row: Option<u32>,
}

/// Marks within the axis, from left to right, each label in the first row where it overlaps none.
pub(super) fn placed_marks(marks: &[Mark], x: &AxisPlan) -> Vec<PlacedMark> {
    let placed = marks.iter().filter_map(|mark| Some((x.position(mark.x)?, one_line(&mark.label))));
    let mut placed: Vec<(f64, String)> = placed.filter(|(at, _)| (x.low..=x.high).contains(at)).collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut row_ends = [f64::NEG_INFINITY; MARK_ROWS];
    let place = |(at, label): (f64, String)| {
        let label = shortened(&label, MARK_CHARS);
        let left = (at - x.low) / (x.high - x.low) * f64::from(WIDTH - RIGHT - 50);
        let right = left + f64::from(TEXT) * 0.62 * label.chars().count() as f64 + 8.0;
        let row = row_ends.iter().position(|&end| end <= left).filter(|_| right <= f64::from(WIDTH - 50));
        if let Some(row) = row {
            row_ends[row] = right;
        }
        PlacedMark { at, label, row: row.map(|row| row as u32) }
    };
    placed.into_iter().map(place).collect()
}

/// At most `n` characters of a label.
pub(super) fn shortened(label: &str, n: usize) -> String {
    if label.chars().count() <= n {
        return label.to_owned();
    }
    label.chars().take(n - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use dyno_view::chart::{Axis, AxisUnit};

    use super::*;

    fn chart(form: ChartForm, points: Vec<[f64; 2]>) -> Chart {
        let axis = |unit| Axis { label: "a<b".to_owned(), unit, scale: Scale::Linear };
        let series = vec![Series { name: "s".to_owned(), n: points.len() as u64, points }];
        let mark = |x: f64, label: &str| Mark { x, label: label.to_owned() };
        Chart {
            id: "c".to_owned(),
            title: "T & t".to_owned(),
            caption: "C".to_owned(),
            form,
            x: axis(AxisUnit::Ns),
            y: axis(AxisUnit::Ratio),
            series,
            marks: vec![mark(1e6, "run <0>"), mark(1.1e6, "run 1"), mark(9e9, "outside")],
        }
    }

    #[test]
    fn every_form_is_well_formed_xml_without_colours() {
        for form in [ChartForm::Line, ChartForm::Step, ChartForm::Points, ChartForm::DottedLine] {
            let svg =
                svg(&chart(form, vec![[1e6, 0.25], [2e6, 0.5], [4e6, 1.0]]), "p-c").expect("three points");
            let tree = roxmltree::Document::parse(&svg).expect("well-formed");
            assert_eq!(tree.root_element().attribute("viewBox"), Some("0 0 2560 1440"));
            let texts: Vec<&str> =
                tree.descendants().filter(|n| n.has_tag_name("text")).filter_map(|n| n.text()).collect();
            for expected in ["a<b (ms)", "a<b (%)", "1.0", "4.0", "100", "run <0>", "run 1"] {
                assert!(texts.contains(&expected), "{expected} in {texts:?}");
            }
            assert!(!texts.contains(&"outside"));
            assert!(!svg.contains('#') && !svg.contains("style"), "colours belong to the style sheet");
        }
    }

    #[test]
    fn dots_of_one_series_are_one_path() {
        let svg = svg(&chart(ChartForm::Points, vec![[1e6, 0.25], [2e6, 0.5], [4e6, 1.0]]), "p-c")
            .expect("three points");
        assert_eq!(svg.matches("dots").count(), 1);
        assert_eq!(svg.matches("h0").count(), 3);
    }

    #[test]
    fn measured_points_have_dots_and_what_they_are_held_against_has_none() {
        let mut chart = chart(ChartForm::DottedLine, vec![[1e6, 0.25], [2e6, 0.5], [4e6, 1.0]]);
        chart.marks.clear();
        chart.series.push(Series { name: "limit".to_owned(), points: vec![[1e6, 0.4], [4e6, 0.4]], n: 0 });
        let svg = svg(&chart, "p-c").expect("five points");
        assert_eq!(svg.matches("h0").count(), 3, "a dot for each observation");
        assert_eq!((svg.matches("s0 line").count(), svg.matches("mark line").count()), (1, 1));
    }

    #[test]
    fn a_chart_without_points_is_not_drawn() {
        assert_eq!(svg(&chart(ChartForm::Line, vec![]), "p-c"), None);
        assert_eq!(svg(&chart(ChartForm::Line, vec![[f64::NAN, 1.0]]), "p-c"), None);
    }

    #[test]
    fn many_points_stay_a_small_picture() {
        let points =
            (0..200_000).map(|i| [f64::from(i) * 1e3, f64::from(i * 7919 % 1000) / 1000.0]).collect();
        let svg = svg(&chart(ChartForm::Line, points), "p-c").expect("points");
        assert!(svg.len() < 64 * 1024, "{} bytes", svg.len());
    }

    #[test]
    fn labels_of_marks_do_not_overlap() {
        let axis = Axis { label: "t".to_owned(), unit: AxisUnit::Ns, scale: Scale::Linear };
        let x = AxisPlan::of(&axis, Direction::Horizontal, 0.0, 100e9);
        let marks: Vec<Mark> = [1e9, 2e9, 3e9, 50e9].map(|x| Mark { x, label: "launch".to_owned() }).into();
        let rows: Vec<Option<u32>> = placed_marks(&marks, &x).into_iter().map(|mark| mark.row).collect();
        assert_eq!(rows, [Some(0), Some(1), None, Some(0)]);
    }
}
