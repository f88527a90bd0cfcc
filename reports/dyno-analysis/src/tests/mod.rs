//! A whole report from hand-written events with figures computed by hand.
#![expect(clippy::float_cmp, reason = "whole numbers of ns are exact in f64")]

mod comparison;
mod findings;
mod report;
mod sample;
