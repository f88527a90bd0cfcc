//! Dots with bars in both directions.

use plotters::prelude::{Circle, Color, PathElement};

use super::backend::{Ink, UNITS};
use super::draw::{DOT_RADIUS, Drawn, Plot};

/// The dot at the first point, and a bar from the second to the third and from the fourth to the fifth; a series that
/// lacks an end has its dot only.
pub(super) fn draw(plot: &mut Plot<'_, '_>, points: &[(f64, f64)], ink: Ink) -> Drawn {
    if let &[_, left, right, below, above] = points {
        let bars = [vec![left, right], vec![below, above]];
        plot.draw_series(bars.map(|bar| PathElement::new(bar, ink.colour())))?;
    }
    let dot = points.first().map(|at| Circle::new(*at, DOT_RADIUS * UNITS, ink.colour().filled()));
    plot.draw_series(dot).map(|_| ())
}
