//! A forest plot: changes with their intervals below each other, each over the band of changes that do not matter.
//!
//! Better lies to the left and worse to the right, whichever way a metric counts. Verdicts stand there as words: nothing
//! depends on colour.

use dyno_view::chart::{Axis, AxisUnit, Scale};
use plotters::prelude::{ChartBuilder, Circle, Color, IntoDrawingArea, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{AxisPlan, Direction};
use super::backend::{ClassSvg, Ink, UNITS, escaped};
use super::draw::{Drawn, Plot, Root, WIDTH, draw_mesh, shortened, text_style, units};
use crate::untrusted::one_line;

/// Height of a row, in pixels of the design: words, and a line below them.
const ROW: u32 = 46;
/// Where in a row the line is, how far its ends reach up and down, and how far the band does; in rows.
const LINE_AT: f64 = 0.28;
const CAP: f64 = 0.1;
const BAND: f64 = 0.22;
/// Longest name beside a verdict that fits a narrow screen.
const NAME_CHARS: usize = 32;
/// Space above and below the rows.
const TOP: u32 = 6;
const BOTTOM: u32 = 72;
/// Rows of a plot before the rest goes without: a table beside has all.
pub(crate) const MAX_ROWS: usize = 60;

/// One row. Changes are shares, and more is worse.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ForestRow {
    /// What changed.
    pub(crate) name: String,
    /// `REGRESSION`.
    pub(crate) word: String,
    /// Number of the series whose colour it has; `None` where nothing is decided.
    pub(crate) colour: Option<u8>,
    /// Low, estimate and high; `None` without an effect.
    pub(crate) change: Option<[f64; 3]>,
    /// Changes from minus this to plus this do not matter.
    pub(crate) delta: f64,
}

/// The plot as an `<svg>` element with `id` unique on its page; `None` when no row has an interval.
pub(crate) fn forest_svg(rows: &[ForestRow], id: &str, title: &str, caption: &str) -> Option<String> {
    let rows = &rows[..rows.len().min(MAX_ROWS)];
    let x = plan_axis(rows)?;
    let mut body = String::new();
    draw(rows, &x, &mut body).expect("a backend that writes to memory cannot fail");
    let (width, height) = (WIDTH * UNITS, height(rows) * UNITS);
    let (title, caption) = (escaped(&one_line(title)), escaped(&one_line(caption)));
    Some(format!(
        "<svg class=\"chart whiskers forest\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{caption}</desc>\n{body}</svg>\n"
    ))
}

fn height(rows: &[ForestRow]) -> u32 {
    TOP + BOTTOM + ROW * rows.len() as u32
}

/// The axis over all intervals, all bands and no change; `None` without an interval.
fn plan_axis(rows: &[ForestRow]) -> Option<AxisPlan> {
    let finite = |row: &ForestRow| row.change.filter(|change| change.iter().all(|at| at.is_finite()));
    let changes: Vec<[f64; 3]> = rows.iter().filter_map(finite).collect();
    if changes.is_empty() {
        return None;
    }
    let deltas = rows.iter().map(|row| row.delta).filter(|delta| delta.is_finite());
    let all = changes.into_iter().flatten().chain(deltas.flat_map(|delta| [-delta, delta])).chain([0.0]);
    let (low, high) =
        all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)));
    let axis = Axis { label: "change".to_owned(), unit: AxisUnit::Ratio, scale: Scale::Linear };
    Some(AxisPlan::of(&axis, Direction::Horizontal, low, high))
}

fn draw(rows: &[ForestRow], x: &AxisPlan, out: &mut String) -> Drawn {
    let n = rows.len() as u32;
    let root = ClassSvg::new(out, (WIDTH * UNITS, height(rows) * UNITS)).into_drawing_area();
    let mut plot: Plot<'_, '_> = ChartBuilder::on(&root)
        .margin_top(TOP * UNITS)
        .margin_right(18 * UNITS)
        .margin_left(10 * UNITS)
        .margin_bottom(48 * UNITS)
        .x_label_area_size(24 * UNITS)
        .build_cartesian_2d(x.clone(), AxisPlan::rows(n))?;
    for (place, row) in rows.iter().enumerate() {
        draw_band(&mut plot, x, f64::from(n - 1) - place as f64, row.delta)?;
    }
    draw_mesh(&mut plot)?;
    let zero = x.position(0.0).unwrap_or(x.low);
    let no_change = PathElement::new(vec![(zero, 0.0), (zero, f64::from(n))], Ink::Mark.colour());
    plot.draw_series(std::iter::once(no_change))?;
    for (place, row) in rows.iter().enumerate() {
        draw_row(&root, &mut plot, x, f64::from(n - 1) - place as f64, row)?;
    }
    draw_titles(&root, &plot, x)
}

/// The changes that do not matter.
fn draw_band(plot: &mut Plot<'_, '_>, x: &AxisPlan, foot: f64, delta: f64) -> Drawn {
    let (Some(low), Some(high)) = (x.position(-delta), x.position(delta)) else { return Ok(()) };
    let at = foot + LINE_AT;
    let corners = [(low, at - BAND), (high, at + BAND)];
    plot.draw_series(std::iter::once(Rectangle::new(corners, Ink::Shade.colour().filled()))).map(|_| ())
}

fn draw_row(root: &Root<'_>, plot: &mut Plot<'_, '_>, x: &AxisPlan, foot: f64, row: &ForestRow) -> Drawn {
    let area = plot.plotting_area();
    let (left, top) = area.map_coordinate(&(x.low, foot + 1.0));
    let (right, _) = area.map_coordinate(&(x.high, foot + 1.0));
    let ruler = PathElement::new(vec![(x.low, foot + 1.0), (x.high, foot + 1.0)], Ink::Grid.colour());
    plot.draw_series(std::iter::once(ruler))?;
    let name = shortened(&one_line(&row.name), NAME_CHARS);
    let style = text_style(Ink::Title).pos(Pos::new(HPos::Left, VPos::Top));
    root.draw(&Text::new(name, (left, top + units(4)), style))?;
    let ink = row.colour.map_or(Ink::Label, Ink::Series);
    let style = text_style(Ink::Label).pos(Pos::new(HPos::Right, VPos::Top));
    root.draw(&Text::new(one_line(&row.word), (right, top + units(4)), style))?;
    let placed: Vec<f64> = row.change.iter().flatten().filter_map(|at| x.position(*at)).collect();
    let [low, value, high] = placed[..] else { return Ok(()) };
    let at = foot + LINE_AT;
    // A series of its own colour, or that of the text where nothing is decided.
    let colour = if row.colour.is_some() { ink.colour() } else { Ink::Series(6).colour() };
    let lines = [
        vec![(low, at - CAP), (low, at + CAP)],
        vec![(low, at), (high, at)],
        vec![(high, at - CAP), (high, at + CAP)],
    ];
    plot.draw_series(lines.map(|points| PathElement::new(points, colour)))?;
    plot.draw_series(std::iter::once(Circle::new((value, at), 2 * UNITS, colour.filled()))).map(|_| ())
}

fn draw_titles(root: &Root<'_>, plot: &Plot<'_, '_>, x: &AxisPlan) -> Drawn {
    let (across, down) = plot.plotting_area().get_pixel_range();
    let style = |h_pos| text_style(Ink::Title).pos(Pos::new(h_pos, VPos::Top));
    let line = down.end + units(31);
    let middle = (i32::midpoint(across.start, across.end), line);
    root.draw(&Text::new(x.title.clone(), middle, style(HPos::Center)))?;
    root.draw(&Text::new("← better", (across.start, line), style(HPos::Left)))?;
    root.draw(&Text::new("worse →", (across.end, line), style(HPos::Right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, change: Option<[f64; 3]>) -> ForestRow {
        ForestRow {
            name: name.to_owned(),
            word: "REGRESSION".to_owned(),
            colour: Some(1),
            change,
            delta: 0.03,
        }
    }

    fn texts(picture: &str) -> Vec<String> {
        let tree = roxmltree::Document::parse(picture).expect("well-formed");
        let of = tree.descendants().filter(|node| node.has_tag_name("text"));
        of.filter_map(|node| node.text().map(str::to_owned)).collect()
    }

    #[test]
    fn every_row_has_its_name_its_verdict_and_its_band() {
        let rows = [row("TTFT", Some([0.02, 0.04, 0.06])), row("<b>", None)];
        let picture = forest_svg(&rows, "f", "T & t", "C").expect("a row has an interval");
        let texts = texts(&picture);
        for expected in ["TTFT", "<b>", "REGRESSION", "← better", "worse →", "change (%)", "0"] {
            assert!(texts.iter().any(|text| text == expected), "{expected} in {texts:?}");
        }
        assert_eq!(picture.matches("shade fill").count(), 2, "a band for each row");
        assert_eq!(
            picture.matches("s1 line").count(),
            3,
            "a line and two ends for the row that has an interval"
        );
        assert_eq!(picture.matches("h0").count(), 1, "one dot");
        assert!(picture.contains("viewBox=\"0 0 2560 680\""), "2 rows of 46 px and 78 px more: {picture}");
    }

    #[test]
    fn worse_lies_to_the_right() {
        let rows = [row("a", Some([0.01, 0.02, 0.03])), row("b", Some([0.03, 0.05, 0.06]))];
        let picture = forest_svg(&rows, "f", "t", "c").expect("both have intervals");
        let across: Vec<i32> = picture
            .match_indices("h0")
            .map(|(end, _)| {
                let start = picture[..end].rfind('M').expect("a dot begins with a move");
                picture[start + 1..end].split_once(' ').expect("two numbers").0.parse().expect("a number")
            })
            .collect();
        assert!(across[0] < across[1], "{across:?}");
    }

    #[test]
    fn without_any_interval_nothing_is_drawn() {
        assert_eq!(forest_svg(&[row("a", None), row("b", Some([f64::NAN; 3]))], "f", "t", "c"), None);
        assert_eq!(forest_svg(&[], "f", "t", "c"), None);
    }
}
