//! A whole report from hand-written events with figures computed by hand.
#![expect(clippy::float_cmp, reason = "whole numbers of ns are exact in f64")]

mod believed;
mod comparison;
mod findings;
mod load;
mod queue;
mod report;
mod sample;
mod start;
mod steady;
mod steering;
