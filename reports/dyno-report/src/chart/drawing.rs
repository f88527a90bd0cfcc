//! A chart that was drawn, before it gets a frame: that of a page, or that of a file of its own.

use serde::Serialize;

use super::axis::AxisPlan;
use super::backend::{UNITS, escaped};
use super::draw::WIDTH;
use crate::untrusted::one_line;

/// Content of an `<svg>` element, with what its frame needs.
pub(crate) struct Drawing {
    /// Paths and texts, in units of the `viewBox`.
    pub(crate) body: String,
    /// In pixels of the design; all are [`WIDTH`] wide.
    pub(crate) height: u32,
    /// Class beside `chart`; empty for none.
    pub(crate) form: &'static str,
    /// What the page's script must know to draw it again; empty where it cannot.
    pub(super) plots: Vec<Plotted>,
}

/// Axes and series of one plot, from which the page's script reads values back out of the paths.
#[derive(Debug, Serialize)]
pub(super) struct Plotted {
    x: PlacedAxis,
    y: PlacedAxis,
    /// Number of its first series, from 1.
    first: usize,
    /// Name and class of each series.
    s: Vec<(String, String)>,
}

/// Title, first and last position, where these lie in units of the `viewBox`, and whether positions are logarithms.
#[derive(Debug, Serialize)]
struct PlacedAxis(String, f64, f64, i32, i32, bool);

/// Where a plot lies: left, right, top and bottom, in units of the `viewBox`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) across: (i32, i32),
    pub(super) down: (i32, i32),
}

impl Plotted {
    pub(super) fn of(
        (x, y): (&AxisPlan, &AxisPlan),
        frame: Frame,
        first: usize,
        series: Vec<(String, String)>,
    ) -> Self {
        let placed = |axis: &AxisPlan, low: i32, high: i32| {
            PlacedAxis(one_line(&axis.title), axis.low, axis.high, low, high, axis.is_log())
        };
        Self {
            x: placed(x, frame.across.0, frame.across.1),
            y: placed(y, frame.down.1, frame.down.0),
            first,
            s: series,
        }
    }
}

impl Drawing {
    /// The element for an HTML page, with `id` unique on that page.
    pub(super) fn element(&self, id: &str, title: &str, caption: &str) -> String {
        let (width, height) = (WIDTH * UNITS, self.height * UNITS);
        let (title, caption) = (escaped(&one_line(title)), escaped(&one_line(caption)));
        let form = if self.form.is_empty() { String::new() } else { format!(" {}", self.form) };
        let plots = if self.plots.is_empty() {
            String::new()
        } else {
            let json = serde_json::to_string(&self.plots).expect("numbers and texts only");
            format!(" data-plot=\"{}\"", escaped(&json))
        };
        format!(
            "<svg class=\"chart{form}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-desc\"{plots}>\n\
             <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{caption}</desc>\n{}</svg>\n",
            self.body
        )
    }
}
