//! Charts as SVG for a page: drawn by plotters, coloured by the page's style sheet.
//!
//! The SVG holds classes instead of colours (`s0` … `s6`, `grid`, `axis`), so that one picture serves light, dark and print;
//! text stays text; sizes are relative to a `viewBox`.

mod axis;
mod backend;
mod draw;
mod panels;
mod reduce;
mod whiskers;

pub use draw::{N_COLOURS, svg};
pub(crate) use draw::{colours, colours_of, is_reference};
pub(crate) use panels::panels_svg;
