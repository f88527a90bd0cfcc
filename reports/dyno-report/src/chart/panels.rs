//! Charts above each other over one horizontal axis.

use std::convert::Infallible;

use dyno_view::chart::{ChartForm, Panel, PanelChart, Scale, Series, Shade};
use plotters::prelude::{
    ChartBuilder, Color, DrawingAreaErrorKind, IntoDrawingArea, PathElement, Rectangle, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{AxisPlan, Direction};
use super::backend::{ClassSvg, Ink, UNITS};
use super::draw::{
    Drawn, PlacedMark, Plot, Root, TICK_CHARS, WIDTH, colours_of, draw_mesh, draw_series, frame_of,
    placed_marks, text_style, units,
};
use super::drawing::{Drawing, Frame, Plotted};
use super::reduce::{outline, steps};
use crate::untrusted::one_line;

/// Height of a panel's plot, in pixels of the design; the first one shows what it is about.
const PLOT: u32 = 84;
const FIRST_PLOT: u32 = 132;
/// Space above each plot for its title.
const TITLE: u32 = 30;
/// Space below each plot, and below the last one for the axis.
const GAP: u32 = 8;
const BOTTOM: u32 = 52;
/// Space to the right of the plots for the last tick's label.
const RIGHT: u32 = 18;
/// Height of one row of mark labels.
const MARK_ROW: u32 = 17;
/// A mark in the last part of the axis finds room for its label in as much again.
const LABEL_SHARE: f64 = 0.12;
/// More labels than this do not fit beside a panel.
const MAX_LABELS: usize = 4;

/// One panel with its plans.
struct Planned<'c> {
    panel: &'c Panel,
    y: AxisPlan,
    /// Distance of its block from the top, and height of its plot.
    top: u32,
    plot: u32,
    /// Number of its first series among those of all panels.
    first: usize,
}

/// The chart as an `<svg>` element for an HTML page, as [`super::svg`] makes them; `None` when no point can be drawn.
pub(crate) fn panels_svg(chart: &PanelChart, id: &str) -> Option<String> {
    panels_drawing(chart).map(|drawing| drawing.element(id, &chart.title, &chart.caption))
}

/// The chart without a frame; `None` when no point can be drawn.
pub(crate) fn panels_drawing(chart: &PanelChart) -> Option<Drawing> {
    let x = plan_x(chart)?;
    let marks = placed_marks(&chart.marks, &x);
    let n_rows = marks.iter().filter_map(|mark| mark.row).max().map_or(0, |row| row + 1);
    let mut top = n_rows * MARK_ROW + 2;
    let mut planned: Vec<Planned<'_>> = Vec::new();
    let mut first = 1;
    for panel in &chart.panels {
        let Some(y) = plan_y(panel) else { continue };
        let plot = if planned.is_empty() { FIRST_PLOT } else { PLOT };
        planned.push(Planned { panel, y, top, plot, first });
        top += TITLE + plot + GAP;
        first += panel.series.len();
    }
    if planned.is_empty() {
        return None;
    }
    let height = top - GAP + BOTTOM;
    let mut body = String::new();
    let frames = draw(chart, &x, &planned, &marks, height, &mut body)
        .expect("a backend that writes to memory cannot fail");
    let plotted = |(of, frame): (&Planned<'_>, Frame)| {
        let colours = colours_of(of.panel.form, &of.panel.series);
        let names = of.panel.series.iter().zip(colours);
        let names = names.map(|(series, colour)| (one_line(&series.name), format!("s{colour}")));
        Plotted::of((&x, &of.y), frame, of.first, names.collect())
    };
    let plots = planned.iter().zip(frames).map(plotted).collect();
    Some(Drawing { body, height, form: "panels", plots })
}

/// Over all points, marks and shades.
fn plan_x(chart: &PanelChart) -> Option<AxisPlan> {
    let is_log = chart.x.scale == Scale::Log;
    let points = chart.panels.iter().flat_map(|panel| &panel.series).flat_map(|series| &series.points);
    let shades = chart.shades.iter().flat_map(|shade| [shade.from, shade.to]);
    let all = points.map(|point| point[0]).chain(chart.marks.iter().map(|mark| mark.x)).chain(shades);
    let drawable: Vec<f64> = all.filter(|value| value.is_finite() && (!is_log || *value > 0.0)).collect();
    let low = drawable.iter().copied().min_by(f64::total_cmp)?;
    let high = drawable.iter().copied().max_by(f64::total_cmp)?;
    let last = chart.marks.iter().map(|mark| mark.x).filter(|x| x.is_finite()).max_by(f64::total_cmp);
    let room = last.map_or(high, |last| last + LABEL_SHARE * (high - low));
    Some(AxisPlan::of(&chart.x, Direction::Horizontal, low, high.max(room)))
}

/// With few labels; `None` without a point.
fn plan_y(panel: &Panel) -> Option<AxisPlan> {
    let is_log = panel.y.scale == Scale::Log;
    let all = panel.series.iter().flat_map(|series| &series.points).map(|point| point[1]);
    let drawable: Vec<f64> = all.filter(|value| value.is_finite() && (!is_log || *value > 0.0)).collect();
    let low = drawable.iter().copied().min_by(f64::total_cmp)?;
    let high = drawable.iter().copied().max_by(f64::total_cmp)?;
    let mut plan = AxisPlan::of(&panel.y, Direction::Vertical, low, high);
    let every = plan.ticks.len().div_ceil(MAX_LABELS).max(1);
    plan.ticks = plan.ticks.into_iter().step_by(every).collect();
    Some(plan)
}

fn draw(
    chart: &PanelChart,
    x: &AxisPlan,
    planned: &[Planned<'_>],
    marks: &[PlacedMark],
    height: u32,
    out: &mut String,
) -> Result<Vec<Frame>, DrawingAreaErrorKind<Infallible>> {
    let mut frames = Vec::new();
    let root = ClassSvg::new(out, (WIDTH * UNITS, height * UNITS)).into_drawing_area();
    let labels = planned.iter().flat_map(|of| &of.y.ticks);
    let widest = labels.map(|(_, label)| label.chars().count()).max().unwrap_or(1).min(TICK_CHARS) as u32;
    let left = 14 + widest * 9;
    for (place, of) in planned.iter().enumerate() {
        let is_last = place + 1 == planned.len();
        let area = root.clone().shrink(
            (0, units(of.top)),
            (WIDTH * UNITS, (TITLE + of.plot + if is_last { BOTTOM } else { GAP }) * UNITS),
        );
        let mut plot: Plot<'_, '_> = ChartBuilder::on(&area)
            .margin_top(TITLE * UNITS)
            .margin_right(RIGHT * UNITS)
            .margin_bottom(if is_last { 28 } else { GAP } * UNITS)
            .y_label_area_size(left * UNITS)
            .x_label_area_size(if is_last { 24 * UNITS } else { 0 })
            .build_cartesian_2d(x.clone(), of.y.clone())?;
        shade(&mut plot, &chart.shades, (x, &of.y))?;
        draw_mesh(&mut plot)?;
        draw_panel(&mut plot, of, x)?;
        frames.push(frame_of(&plot));
        let style = text_style(Ink::Title).pos(Pos::new(HPos::Left, VPos::Top));
        root.draw(&Text::new(of.y.title.clone(), (units(1), units(of.top + 3)), style))?;
        if place == 0 {
            label_shades(&root, &plot, &chart.shades, (x, &of.y))?;
        }
        if is_last {
            // After all grids, which would cover them.
            draw_marks(&root, &plot, marks, (planned[0].top + TITLE, height))?;
            let (across, down) = plot.plotting_area().get_pixel_range();
            let style = text_style(Ink::Title).pos(Pos::new(HPos::Center, VPos::Top));
            let below = (i32::midpoint(across.start, across.end), down.end + units(31));
            root.draw(&Text::new(x.title.clone(), below, style))?;
        }
    }
    Ok(frames)
}

/// Stretches of time behind all that is drawn.
fn shade(plot: &mut Plot<'_, '_>, shades: &[Shade], (x, y): (&AxisPlan, &AxisPlan)) -> Drawn {
    let placed = shades.iter().filter_map(|of| Some((x.position(of.from)?, x.position(of.to)?)));
    let boxes = placed.map(|(from, to)| {
        let corners = [(from.max(x.low), y.low), (to.min(x.high), y.high)];
        Rectangle::new(corners, Ink::Shade.colour().filled())
    });
    plot.draw_series(boxes).map(|_| ())
}

/// Names of stretches that are wide enough for them, at the top: lines of counts begin at the foot.
fn label_shades(
    root: &Root<'_>,
    plot: &Plot<'_, '_>,
    shades: &[Shade],
    (x, y): (&AxisPlan, &AxisPlan),
) -> Drawn {
    for of in shades {
        let Some((from, to)) = x.position(of.from).zip(x.position(of.to)) else { continue };
        let (left, top) = plot.plotting_area().map_coordinate(&(from, y.high));
        let (right, _) = plot.plotting_area().map_coordinate(&(to, y.high));
        let label = one_line(&of.label);
        if right - left > units(label.chars().count() as u32 * 9) {
            let style = text_style(Ink::Label).pos(Pos::new(HPos::Left, VPos::Top));
            root.draw(&Text::new(label, (left + units(4), top + units(4)), style))?;
        }
    }
    Ok(())
}

fn draw_panel(plot: &mut Plot<'_, '_>, of: &Planned<'_>, x: &AxisPlan) -> Drawn {
    let (panel, y) = (of.panel, &of.y);
    let colours = colours_of(panel.form, &panel.series);
    let mut coloured: Vec<(usize, (&Series, usize))> =
        (of.first..).zip(panel.series.iter().zip(colours)).collect();
    if panel.form == ChartForm::Levels {
        // Levels lie above all dots.
        coloured.sort_by_key(|(_, (series, _))| series.n == 0);
    }
    for (number, (series, colour)) in coloured {
        let ink = Ink::Numbered(colour as u8, u8::try_from(number).unwrap_or(0));
        if panel.form == ChartForm::Step {
            let placed =
                series.points.iter().filter_map(|point| Some((x.position(point[0])?, y.position(point[1])?)));
            let corners = steps(&placed.collect::<Vec<_>>());
            let line = outline(&corners, (x.low, x.high), (WIDTH * 2) as usize);
            plot.draw_series(std::iter::once(PathElement::new(line, ink.colour())))?;
        } else {
            draw_series(plot, panel.form, (x, y), series, ink)?;
        }
    }
    Ok(())
}

/// Lines from the labels at the top down to the axis.
fn draw_marks(
    root: &Root<'_>,
    plot: &Plot<'_, '_>,
    marks: &[PlacedMark],
    (first_top, height): (u32, u32),
) -> Drawn {
    let style = text_style(Ink::Mark).pos(Pos::new(HPos::Left, VPos::Top));
    for mark in marks {
        let (across, _) = plot.plotting_area().map_coordinate(&(mark.at, 0.0));
        let label_top = mark.row.map(|row| units(row * MARK_ROW + 1));
        let ends = vec![(across, units(height - BOTTOM)), (across, label_top.unwrap_or(units(first_top)))];
        root.draw(&PathElement::new(ends, Ink::Mark.colour()))?;
        if let Some(label_top) = label_top {
            let at = (across + units(4), label_top);
            root.draw(&Text::new(mark.label.clone(), at, style.clone()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use dyno_view::chart::{Axis, AxisUnit, Mark};

    use super::*;

    fn chart() -> PanelChart {
        let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
        let series =
            |name: &str, points: &[[f64; 2]], n| Series { name: name.to_owned(), points: points.to_vec(), n };
        let pace = vec![
            series("decode rate", &[[0.0, 20.0], [3e11, 20.0], [6e11, 12.0]], 3),
            series("level", &[[0.0, 20.0], [3e11, 20.0]], 0),
        ];
        let state =
            vec![series("cooling_device0", &[[0.0, 0.0], [3e11, 0.0], [3.1e11, 3.0], [6e11, 3.0]], 4)];
        PanelChart {
            id: "heat".to_owned(),
            title: "Pace & heat".to_owned(),
            caption: "C".to_owned(),
            x: axis("time", AxisUnit::Ns),
            panels: vec![
                Panel { y: axis("pace", AxisUnit::TokensPerSecond), form: ChartForm::Levels, series: pace },
                Panel { y: axis("nothing", AxisUnit::Khz), form: ChartForm::Line, series: Vec::new() },
                Panel { y: axis("state", AxisUnit::Count), form: ChartForm::Step, series: state },
            ],
            marks: vec![Mark { x: 3e11, label: "therm<al".to_owned() }],
            shades: vec![Shade { from: -2e11, to: 0.0, label: "rest".to_owned() }],
        }
    }

    #[test]
    fn panels_share_one_axis_and_are_well_formed() {
        let svg = panels_svg(&chart(), "p").expect("points");
        let tree = roxmltree::Document::parse(&svg).expect("well-formed");
        let texts: Vec<&str> =
            tree.descendants().filter(|n| n.has_tag_name("text")).filter_map(|n| n.text()).collect();
        for expected in ["pace (tok/s)", "state", "time (min)", "therm<al", "rest", "10"] {
            assert!(texts.contains(&expected), "{expected} in {texts:?}");
        }
        assert!(!texts.contains(&"nothing (kHz)"), "a panel without a point is left out");
        assert_eq!(texts.iter().filter(|text| **text == "10").count(), 2, "of y, and of x once: {texts:?}");
        assert_eq!(svg.matches("shade fill").count(), 2, "behind each panel");
        assert_eq!(svg.matches("mark line").count(), 1, "one line through all panels");
        // 19 for a row of labels, 132 and 84 for the plots with 30 above each, 8 between them and 52 below.
        assert_eq!(tree.root_element().attribute("viewBox"), Some("0 0 2560 1420"));
    }

    #[test]
    fn a_step_does_not_rise_from_nothing() {
        let svg = panels_svg(&chart(), "p").expect("points");
        let path = svg.lines().rfind(|line| line.contains("s0 line")).expect("the step");
        // Level, up, level: two horizontal strokes and a vertical one.
        let d = path.split_once("d=\"").expect("a path").1;
        assert_eq!((d.matches('h').count(), d.matches('v').count()), (3, 1), "{path}");
    }

    #[test]
    fn nothing_to_draw_is_not_drawn() {
        let empty = PanelChart { panels: Vec::new(), ..chart() };
        assert_eq!(panels_svg(&empty, "p"), None);
    }
}
