//! Plain data between analysis and rendering; no behaviour.
//!
//! A [`report::Report`] holds all that a page says, in base units and unrounded, so that a renderer only words it.
//! `report.json` is this structure; its JSON Schema is `docs/report.schema.json`.

pub mod calibration;
pub mod campaign;
pub mod canary;
pub mod chart;
pub mod compare;
pub mod comparison;
pub mod compliance;
pub mod device;
pub mod energy;
pub mod heat;
pub mod history;
pub mod imported;
pub mod load;
pub mod memory;
pub mod network;
pub mod outcome;
pub mod proof;
pub mod quality;
pub mod recommend;
pub mod report;
pub mod roofline;
pub mod start;
pub mod steady;
pub mod timeline;
