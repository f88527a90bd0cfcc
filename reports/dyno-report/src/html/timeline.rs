//! The worst requests of a cell, as the template shows them.

use dyno_view::report::CellView;
use dyno_view::timeline::TimelineView;

use super::picture::{PanelPicture, panel_picture};
use crate::timeline::{name, phases, worst};

/// Those of a cell, each under its name.
pub(super) fn timelines(cell: &CellView, cell_anchor: &str) -> Vec<PanelPicture> {
    let timeline = |(number, view): (usize, &TimelineView)| {
        let mut picture = panel_picture(&view.chart, &format!("{cell_anchor}-timeline-{number}"));
        picture.title = name(view);
        picture.caption = format!("{}. {}. {}", worst(view), phases(view), view.chart.caption);
        picture
    };
    (1..).zip(&cell.timelines).map(timeline).collect()
}
