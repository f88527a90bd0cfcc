//! Answers for people: a finished [`dyno_view::report::Report`] as HTML, terminal text, Markdown, JSON and CSV.
//!
//! This is the only crate that rounds, names units and chooses colours.
//! It reads no file and no clock: what it needs is in the report, what it writes goes to the writer given or is returned.
//! Every text in a report (answers, prompts, device names) is foreign: see [`untrusted`].

mod cell;
pub mod chart;
mod comparison;
pub mod csv;
mod energy;
mod heat;
pub mod html;
pub mod json;
mod load;
pub mod markdown;
mod memory;
mod proof;
mod start;
mod steady;
pub mod terminal;
pub mod untrusted;
pub mod words;
