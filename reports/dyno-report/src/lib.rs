//! Answers for people: a finished [`dyno_view::report::Report`] as HTML, terminal text, Markdown, JSON and CSV.
//!
//! This is the only crate that rounds, names units and chooses colours.
//! It reads no file and no clock: what it needs is in the report, what it writes goes to the writer given or is returned.
//! Every text in a report (answers, prompts, device names) is foreign: see [`untrusted`].

pub mod bench_json;
mod campaigns;
mod canary;
mod cell;
pub mod chart;
mod compare;
mod comparison;
mod compliance;
pub mod csv;
mod energy;
mod heat;
pub mod html;
mod imported;
pub mod json;
pub mod junit;
mod load;
pub mod markdown;
mod memory;
mod network;
pub mod picture;
mod proof;
mod quality;
pub mod recommend;
mod start;
mod steady;
pub mod terminal;
mod timeline;
pub mod untrusted;
pub mod words;
