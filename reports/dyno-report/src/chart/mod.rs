//! Charts as SVG for a page: drawn by plotters, coloured by the page's style sheet.
//!
//! The SVG holds classes instead of colours (`s0` … `s6`, `grid`, `axis`), so that one picture serves light, dark and print;
//! text stays text; sizes are relative to a `viewBox`. Where its lines and dots lie is told in `data-plot`, so that the
//! page's script can read their values back for hovering and zooming: no figure is in the page twice.

mod axis;
mod backend;
mod bands;
mod crosses;
mod draw;
mod drawing;
mod forest;
mod panels;
mod reduce;
mod rows;

pub(crate) use backend::{UNITS, escaped};
pub use draw::{N_COLOURS, svg};
pub(crate) use draw::{WIDTH, colours, colours_of, drawing, is_reference};
pub(crate) use drawing::Drawing;
pub(crate) use forest::{ForestRow, forest_svg};
pub(crate) use panels::{panels_drawing, panels_svg};
