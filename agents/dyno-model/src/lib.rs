//! The nouns that every part of edgedyno shares.
//!
//! campaign → session → cell → run → request → event; use no others.
//! Everything here is plain data with one meaning; nothing here reads a clock, a file or a socket
//! except [`clock`], which is the one place where time comes from.

pub mod blame;
pub mod board;
pub mod care;
pub mod clock;
pub mod device;
pub mod digest;
pub mod event;
pub mod grader;
pub mod ids;
pub mod launch;
pub mod line;
pub mod load;
pub mod machine;
pub mod meter;
pub mod metric;
pub mod network;
pub mod outcome;
pub mod plan;
pub mod prepare;
pub mod proof;
pub mod request;
pub mod sample;
pub mod sensor_test;
pub mod slo;
pub mod start;
pub mod template;
pub mod trust;
