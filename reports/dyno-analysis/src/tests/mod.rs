//! A whole report from hand-written events with figures computed by hand.
#![expect(clippy::float_cmp, reason = "whole numbers of ns are exact in f64")]

mod battery;
mod believed;
mod comparison;
mod energy;
mod findings;
mod heat;
mod load;
mod memory;
mod queue;
mod report;
mod sample;
mod start;
mod steady;
mod steering;
