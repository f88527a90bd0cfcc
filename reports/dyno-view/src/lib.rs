//! Plain data between analysis and rendering; no behaviour.
//!
//! A [`report::Report`] holds all that a page says, in base units and unrounded, so that a renderer only words it.
//! `report.json` is this structure; its JSON Schema is `docs/report.schema.json`.

pub mod chart;
pub mod comparison;
pub mod device;
pub mod energy;
pub mod heat;
pub mod load;
pub mod memory;
pub mod outcome;
pub mod proof;
pub mod report;
pub mod roofline;
pub mod start;
pub mod steady;
