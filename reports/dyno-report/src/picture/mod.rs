//! Charts as files of their own, for slides and papers: SVG with its style inside, and PNG of the same SVG.
//!
//! The text of a PNG is set in DejaVu Sans, which is compiled in, so that it looks the same on every machine.

mod energy;
mod list;
mod png;
mod standalone;

pub use list::{Named, Shown, pictures};
pub use png::{PictureError, png};
pub use standalone::{Theme, standalone};
